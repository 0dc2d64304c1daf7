"""What slippage remembers: worked out again in plain Python, the same wherever the tape is cut, and never ahead."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.instrument import instrument
from engine.core.tape import ArrayTape, Block
from engine.venues.pulse import CLOSED, LEAST_BARS, PULSE, pulse_of
from tests.venue_models.bench import SECOND, START, bars, quotes

HALF_LIFE = 90.0


def state(symbols: int = 2, lots: float = 0.01, half_life: float = HALF_LIFE) -> np.ndarray:
    made = np.zeros(symbols, PULSE)
    made["half_life"], made["lots"], made["per_record"], made["per_day"] = half_life, lots, np.nan, np.nan
    made["volume"] = np.nan
    return made


def in_pieces(tape: ArrayTape, cuts: list[int]) -> np.ndarray:
    memory = state()
    ends = sorted({0, len(tape), *(c % len(tape) for c in cuts)})
    return np.concatenate([pulse_of(tape.block.part(lo, hi), tape.kind, memory) for lo, hi in pairwise(ends)])


def by_the_book(block: Block, kind: str, s: int) -> list[tuple[float, float, float]]:
    """One symbol's pulse before each of its records, from all records before, weighted by hand."""
    mine = [k for k in range(len(block)) if block.symbol[k] == s]
    steps: list[tuple[float, float, float, float]] = []
    """Of each record: seconds, squared move, lots, half-life."""
    found = []
    for n, k in enumerate(mine):
        weights = [
            math.prod(2.0 ** (-later[0] / later[3]) for later in steps[i + 1 :]) if n < 60 else None
            for i in range(len(steps))
        ]
        if n >= 60:
            break
        time = sum(w * step[0] for w, step in zip(weights, steps, strict=True))
        squares = sum(w * step[1] for w, step in zip(weights, steps, strict=True))
        traded = sum(w * step[2] for w, step in zip(weights, steps, strict=True))
        before = block.volume[mine[n - 1]] * 0.01 if kind == "bars" and n else math.nan
        usual = traded / time * 86_400 if kind == "bars" and time else math.nan
        found.append((squares / time if time else math.nan, before, usual))
        if kind == "bars":
            length = float(block.ts[k] - block.ts_event[k]) / SECOND
            move = math.log(block.close[k] / block.open[k]) ** 2
            steps.append((length, move, block.volume[k] * 0.01, max(HALF_LIFE, LEAST_BARS * length)))
        elif n and block.ts_event[k] - block.ts_event[mine[n - 1]] <= CLOSED:
            last = mine[n - 1]
            mids = [0.5 * (block.bid[i] + block.ask[i]) for i in (last, k)]
            seconds = float(block.ts_event[k] - block.ts_event[last]) / SECOND
            steps.append((seconds, math.log(mids[1] / mids[0]) ** 2, 0.0, HALF_LIFE))
    return found


@pytest.mark.parametrize("tape", [quotes(400), bars(200)], ids=["quotes", "bars"])
def test_the_pulse_is_what_all_records_before_say(tape: ArrayTape) -> None:
    found = pulse_of(tape.block, tape.kind, state())
    for s in (0, 1):
        expected = by_the_book(tape.block, tape.kind, s)
        mine = found[tape.block.symbol == s][: len(expected)]
        assert mine[:, 0] == pytest.approx([e[0] for e in expected], rel=1e-9, nan_ok=True)
        if tape.kind == "bars":
            assert mine[1:, 1:] == pytest.approx(np.array(expected)[1:, 1:], rel=1e-9)
        else:
            assert np.isnan(mine[:, 1:]).all()


@settings(max_examples=40)
@given(st.lists(st.integers(0, 10**6), max_size=6), st.sampled_from(["quotes", "bars"]), st.integers(1, 3))
def test_a_cut_anywhere_gives_the_same_bits(cuts: list[int], kind: str, seed: int) -> None:
    tape = quotes(seed=seed) if kind == "quotes" else bars(seed=seed)
    assert in_pieces(tape, cuts).tobytes() == in_pieces(tape, []).tobytes()


@settings(max_examples=40)
@given(st.integers(1, 1_900), st.integers(1, 3))
def test_what_comes_later_changes_nothing_before(at: int, seed: int) -> None:
    tape = quotes(seed=seed)
    b, later = tape.block, np.arange(len(tape)) >= at
    bid, ask = np.where(later, b.bid * 3.0, b.bid), np.where(later, b.ask + 9.0, b.ask)
    changed = ArrayTape.quotes(tape.symbols, ts=b.ts, symbol=b.symbol, bid=bid, ask=ask)
    known, other = (pulse_of(t.block, "quotes", state()) for t in (tape, changed))
    assert known[: at + 1].tobytes() == other[: at + 1].tobytes()
    assert known[at + 1 :].tobytes() != other[at + 1 :].tobytes()


def test_a_closed_market_is_no_volatility() -> None:
    ts = START + np.array([0, 1, 2, 2 + 49 * 3_600, 3 + 49 * 3_600]) * SECOND
    mid = np.array([1.0, 1.0001, 1.0, 1.5, 1.5001])
    tape = ArrayTape.quotes(("EURUSD",), ts=ts, symbol=np.zeros(5), bid=mid, ask=mid)
    found = pulse_of(tape.block, "quotes", state(1))[:, 0]
    assert found[3] == found[4] == pytest.approx(1e-8, rel=1e-3)


def test_a_market_of_known_volatility_is_measured_right() -> None:
    """Golden: a random walk of 0.01 % a second (standard deviation), seen for six half-lives."""
    n = 30_000
    draw = np.random.default_rng(7)
    ts = START + np.cumsum(draw.integers(1, 1_999, n)) * 1_000_000
    mid = 1.1 * np.exp(np.cumsum(draw.normal(0, 1e-4, n) * np.sqrt(np.diff(ts, prepend=ts[0]) / SECOND)))
    tape = ArrayTape.quotes(("EURUSD",), ts=ts, symbol=np.zeros(n), bid=mid, ask=mid)
    found = pulse_of(tape.block, "quotes", state(1, half_life=5_000.0))[-1, 0]
    assert math.sqrt(found) == pytest.approx(1e-4, rel=0.03)


def test_stated_volumes_stand_for_what_the_tape_does_not_say() -> None:
    memory = state(2)
    memory["per_record"], memory["per_day"] = 3.0, 400.0
    found = pulse_of(quotes(50).block, "quotes", memory)
    assert (found[:, 1] == 3.0).all() and (found[:, 2] == 400.0).all()
    assert instrument("EURUSD").contract_size == 100_000.0
