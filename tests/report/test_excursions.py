"""How far trades went, against a plain walk over the tape; series of wins; days."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.tape import ArrayTape
from engine.portfolio.trades import Trade
from engine.report.streaks import streaks
from tests.laws import market
from tests.portfolio.test_costs import played


def walked(tape: ArrayTape, t: Trade) -> tuple[float, float]:
    """Best and worst price of a trade's exit side, record by record."""
    b, s = tape.block, tape.symbols.index(t.symbol)
    seen = [t.open_price, t.close_price]
    for i in np.flatnonzero((b.symbol == s) & (b.ts_event >= t.open_ts) & (b.ts_event <= t.close_ts)):
        if tape.kind == "quotes":
            seen.append(b.bid[i] if t.side > 0 else b.ask[i])
            continue
        up = 0.0 if t.side > 0 else b.spread[i]
        if b.ts_event[i] < t.close_ts:
            seen += [b.high[i] + up, b.low[i] + up]
        elif t.close_ts > t.open_ts:
            seen.append(b.open[i] + up)
    return (max(seen), min(seen)) if t.side > 0 else (min(seen), max(seen))


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.booleans())
def test_the_best_and_worst_price_are_those_of_a_walk_over_the_tape(seed: int, on_bars: bool) -> None:
    tape = market.bars(n=500, seed=seed) if on_bars else market.quotes(n=700, seed=seed)
    run = played(tape)
    trades, (best, worst) = run._result.trades, run._result.reached()
    assert len(best) == len(trades)
    for t, high, low in zip(trades, best, worst, strict=True):
        assert (high, low) == walked(tape, t)
        assert t.side * high >= t.side * t.close_price >= t.side * low


class Cut:
    """The same tape in blocks of another size."""

    def __init__(self, tape: ArrayTape, size: int) -> None:
        self.tape, self.size, self.kind, self.symbols = tape, size, tape.kind, tape.symbols

    def blocks(self) -> object:
        return self.tape.blocks(self.size)


@settings(max_examples=8)
@given(st.integers(0, 10_000), st.booleans(), st.integers(1, 400))
def test_how_the_tape_is_cut_changes_no_excursion(seed: int, on_bars: bool, size: int) -> None:
    from engine.report.excursions import Spans, excursions

    tape = market.bars(n=400, seed=seed) if on_bars else market.quotes(n=500, seed=seed)
    trades = played(tape)._result.trades
    columns = [np.array([getattr(t, n) for t in trades]) for n in ("open_ts", "close_ts")]
    spans = Spans(
        *columns, np.array([tape.symbols.index(t.symbol) for t in trades], np.int64),
        *(np.array([getattr(t, n) for t in trades]) for n in ("side", "open_price", "close_price")),
    )  # fmt: skip
    whole, parts = excursions(tape, spans), excursions(Cut(tape, size), spans)  # type: ignore[arg-type]
    assert np.array_equal(whole[0], parts[0]) and np.array_equal(whole[1], parts[1])


@settings(max_examples=100)
@given(st.lists(st.integers(-3, 3), max_size=30))
def test_series_of_wins_and_losses_are_those_one_counts_by_hand(nets: list[int]) -> None:
    found = streaks(np.array(nets, np.int64))
    for side, word, amount in ((1, "wins", "profit"), (-1, "losses", "loss")):
        runs = [list(g) for k, g in itertools.groupby(nets, lambda n: (n > 0) - (n < 0)) if k == side]
        longest = max(map(len, runs), default=0)
        assert found[f"max_consecutive_{word}"] == longest
        sums = [sum(r) for r in runs if len(r) == longest]
        assert found[f"max_consecutive_{word}_amount"] == side * max((abs(s) for s in sums), default=0)
        assert found[f"max_consecutive_{amount}"] == side * max((abs(sum(r)) for r in runs), default=0)
        mean = found[f"average_consecutive_{word}"]
        assert (mean is None) == (not runs) and (mean is None or math.isclose(mean, sum(map(len, runs)) / len(runs)))


def test_the_z_score_is_that_of_the_formula() -> None:
    # N 12, R 5, W 7, L 5: P = 70
    nets = np.array([1, 1, 1, -1, -1, 1, 1, -1, -1, -1, 1, 1])
    assert (streaks(nets)["z_score"] or 0) == (12 * (5 - 0.5) - 70) / math.sqrt(70 * 58 / 11)
    assert streaks(np.array([1, 1, 1]))["z_score"] is None
