"""Confidence: pooling against scipy, a curve that finds known probabilities, outcomes that count once known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

import engine
from engine.core.config import Config
from engine.core.errors import ConfigError
from engine.core.load import load
from engine.core.schema import build
from engine.core.tape import ArrayTape
from engine.feeds.tapes import open_tape
from engine.lookahead import bar_columns
from engine.run import Session, make_strategies
from engine.strategy import Signal, Strategy, dataclass, make, strategy
from strategies._confidence import Confidence, calibrated, pooled
from strategies._expression import read_expression
from tests.strategies.test_hours import Signals

INNER = {"fast": 5, "slow": 20}
SPAN = ("2017-01", "2017-07")
PAIRS = st.lists(st.tuples(st.integers(-6, 6).map(float), st.booleans()), min_size=1, max_size=60)


def config(size: str = "1 % risk", **params: Any) -> Config:
    one = {"name": "confident", "params": {"of": "ma_cross", "params": INNER, **params}}
    data = {"source": "demo", "symbols": ["EURUSD"], "basis": "ask", "spread": "10 points"}
    return build(Config, {"name": "confident", "data": data, "risk": {"size": size}, "strategy": [one]})


def bars(span: tuple[str, str] = SPAN) -> Any:
    return open_tape("demo", ["EURUSD"], "H1", *span, "10 points")


def judged(made: Config, tape: Any = None) -> tuple[list[tuple[int, float, float, str]], Any]:
    """(ts, side, share let through, words) of every entry of the inner strategy, and the strategy."""
    (one,) = make_strategies(made)
    judge, heard = one.judge, []  # type: ignore[attr-defined]

    def listen(row: Any, wish: Any, side: float, seen: Any) -> Any:
        share, words = judge(row, wish, side, seen)
        heard.append((row.ts, side, share, words))
        return share, words

    one.judge = listen  # type: ignore[attr-defined]
    Session(made, tape or bars(), [one]).run()
    return heard, one


@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.integers(1, 9)), min_size=1, max_size=40))
def test_pooling_is_isotonic_regression(drawn: list[tuple[float, int]]) -> None:
    values, weights = (np.array([d[k] for d in drawn], float) for k in (0, 1))
    steps = pooled([(k, k, float(v * w), float(w)) for k, (v, w) in enumerate(zip(values, weights, strict=True))])
    found = np.concatenate([np.full(int(last - first) + 1, total / n) for first, last, total, n in steps])
    assert found == pytest.approx(isotonic_regression(values, weights=weights).x, abs=1e-12)


@given(PAIRS, st.floats(0.5, 50.0))
def test_the_curve_rises_and_few_outcomes_say_little(pairs: list[tuple[float, bool]], prior: float) -> None:
    known = Confidence(prior)
    for score, won in pairs:
        known.see(score, won)
    asked = np.linspace(-8.0, 8.0, 65)
    curve = np.array([known.of(float(x)) for x in asked])
    n = len(pairs)
    assert (np.diff(curve) >= -1e-12).all()
    assert (np.abs(curve - known.base) <= n / (n + prior) + 1e-12).all() and abs(known.base - 0.5) < n / (n + prior)
    again = Confidence(prior)
    for score, won in sorted(pairs):
        again.see(score, won)
    assert [again.of(float(x)) for x in asked] == curve.tolist(), "the order of outcomes says nothing"


def test_known_probabilities_are_found_the_better_the_more_there_is() -> None:
    draw = np.random.default_rng(11)
    scores = draw.normal(0.0, 1.5, 20_000)
    chance = 0.25 + 0.4 / (1.0 + np.exp(-2.0 * scores))
    won = draw.random(len(scores)) < chance
    errors = []
    for n in (200, 2_000, 20_000):
        known = Confidence(memory=n)
        for score, win in zip(scores[:n].tolist(), won[:n].tolist(), strict=True):
            known.see(score, win)
        asked = np.quantile(scores, np.linspace(0.02, 0.98, 49))
        found = np.array([known.of(x) for x in asked.tolist()])
        errors.append(float(np.abs(found - 0.25 - 0.4 / (1.0 + np.exp(-2.0 * asked))).mean()))
    assert errors[2] < errors[1] < errors[0] and errors[2] < 0.015, errors


def test_only_the_last_outcomes_are_kept_and_a_score_that_says_nothing_gives_the_share_of_wins() -> None:
    known = Confidence(prior=2.0, memory=10)
    for k in range(30):
        known.see(float(-k), k >= 20)
    assert len(known.pairs) == 10 and known.of(-25.0) == known.of(3.0)
    assert known.base == pytest.approx(11 / 12) and known.of(0.0) == pytest.approx((10 + 2 * 11 / 12) / 12)
    flat = calibrated([(1.0, True), (2.0, False)] * 2, 0.5, 1.0)
    assert all(share == 0.5 for _, _, share in flat)


def test_without_doubts_it_is_the_strategy_itself() -> None:
    run = engine.backtest(config(least=0.0, full=0.0, score="wished"))
    plain = engine.backtest(load("demo", env={}, sets=["strategy.params.fast=5", "strategy.params.slow=20",
                                                       "venue.slippage=0 points", "venue.commission=0 USD per lot",
                                                       "risk.max_drawdown=none"]))  # fmt: skip
    columns = ["open_ts", "close_ts", "side", "exit_reason"]
    pd.testing.assert_frame_equal(run.trades[columns], plain.trades[columns])
    assert len(run.trades) > 100


def test_what_is_asked_for_is_known_from_trades_that_have_closed_and_nothing_else() -> None:
    """Every size of a run, worked out again from its trades and the bars by pandas and scipy."""
    made = config(full=0.9, learn=5, prior=4.0, score="side * (close - sma(30))")
    run = engine.backtest(made, bars())
    found, _ = judged(made)
    block = next(bars().blocks())
    close = pd.Series(block.close, index=block.ts)
    score = close - close.rolling(30).mean()
    trades = run.trades.sort_values("open_ts")
    opened, closed, way = (trades[n].to_numpy() for n in ("open_ts", "close_ts", "side"))
    entries = np.array([ts for ts, *_ in found])
    entry_of = entries[np.searchsorted(entries, opened, side="right") - 1]
    won, stopped = (trades["net_profit"] > 0).to_numpy(), (trades["exit_reason"] != "order").to_numpy()
    checked = 0
    for ts, side, share, _ in found:
        past = (closed < ts) | (closed == ts) & stopped & (opened < ts)  # orders of a bar's end fill after it
        x, y = way[past] * score[entry_of[past]].to_numpy(), won[past].astype(float)
        expected = confidence(x, y, side * score[ts], 4.0) / 0.9 if past.sum() >= 5 else 1.0
        assert share == pytest.approx(min(expected, 1.0), abs=1e-9)
        checked += share < 1.0
    assert checked > 60 and len(trades) > 60


def confidence(x: np.ndarray, y: np.ndarray, at: float, prior: float) -> float:
    base = (prior / 2 + y.sum()) / (prior + len(y))
    xs, place, counts = np.unique(x, return_inverse=True, return_counts=True)
    share = np.bincount(place, y) / counts
    first = isotonic_regression(share, weights=counts).x
    size = np.array([counts[np.abs(first - v) < 1e-9].sum() for v in first])
    shrunk = (first * size + prior * base) / (size + prior)
    edges = np.flatnonzero(np.r_[True, np.diff(first) > 1e-9])
    steps = isotonic_regression(shrunk[edges], weights=size[edges] + prior).x
    return float(np.interp(at, xs, steps[np.searchsorted(edges, np.arange(len(xs)), side="right") - 1]))


def test_other_outcomes_later_change_no_confidence_before() -> None:
    made = config(least=0.35, full=0.9, learn=10)
    whole, _ = judged(made)
    columns = bar_columns(bars())
    for cut in (1200, 2000, 2600):
        other = {name: values.copy() for name, values in columns.items()}
        for name in ("open", "high", "low", "close"):
            other[name][cut:] = (
                2.0 * columns["close"][cut - 1] - columns[{"high": "low", "low": "high"}.get(name, name)][cut:]
            )
        names = ("open", "high", "low", "close", "spread", "volume")
        tape = ArrayTape.bars(("EURUSD",), ts=other["ts"], ts_event=other["open_ts"], symbol=np.zeros(len(other["ts"])),
                              **{name: other[name] for name in names})  # fmt: skip
        poisoned, _ = judged(replace(made, data=replace(made.data, source="memory")), tape)
        before = int(columns["ts"][cut])
        known = [one for one in whole if one[0] < before]
        assert [one for one in poisoned if one[0] < before] == known and len(known) > 40
        assert [one for one in poisoned if one[0] >= before] != [one for one in whole if one[0] >= before]


def test_what_is_doubted_is_followed_on_paper_so_that_doubts_can_end() -> None:
    """Nobody is that sure: after the first ten outcomes nothing is traded, yet outcomes go on to count."""
    made = config(least=0.99, learn=10)
    run = engine.backtest(made, bars())
    found, one = judged(made)
    known = one._seen["EURUSD"].known
    assert 10 <= len(run.trades) <= 11 and len(known.pairs) > 100
    assert sum(share == 0.0 for _, _, share, _ in found) > 100
    assert found[-1][3].endswith("0.99 is asked for") and found[0][3].endswith("after 0 outcomes: 10 are needed")


@strategy
@dataclass
class AlwaysWishing(Strategy):
    """Says its side again at every bar, half of the size, and wishes to enter from a fill where told to."""

    stubborn: bool = False

    def on_row(self, row: Any) -> Any:
        return self.wish(row, 0.5 if row.close > row.open else -0.5)

    def on_fill(self, fill: Any) -> Any:
        return self.wish(fill, 1.0) if self.stubborn else None


def test_no_size_is_ever_larger_than_what_was_asked_for() -> None:
    made, journal = (
        config("20000 units", of="always_wishing", params={}, full=0.8, least=0.2, score="side * (close - open)"),
        Signals(),
    )
    Session(made, bars(("2017-01", "2017-03")), make_strategies(made), journal=journal).run()
    sizes = [abs(s.strength) for s in journal.heard if isinstance(s, Signal)]
    assert len(sizes) > 300 and max(sizes) == 0.5 and min(sizes) < 0.4 and len(set(sizes)) > 20
    made = config("20000 units", of="always_wishing", params={"stubborn": True})
    with pytest.raises(ConfigError, match="confident: always_wishing enters in on_fill: only wishes at rows"):
        Session(made, bars(("2017-01", "2017-03")), make_strategies(made)).run()


@settings(max_examples=30)
@given(st.floats(0.5, 2.0), st.floats(0.5, 2.0), st.sampled_from([-1.0, 1.0]))
def test_an_expression_is_what_it_reads_like(close: float, mean: float, side: float) -> None:
    read = read_expression("side * (close - sma(50)) / max(close, ago(sma(50), 1))", "here", "x", ("side",))
    assert list(map(str, read.features.values())) == ["sma(period=50)"] and read.kept().maxlen == 2
    rows = [{"close": c, "x_1": m} for c, m in ((1.0, 3.0), (close, mean))]
    assert read.value(rows, side=side) == side * (close - mean) / max(close, 3.0)
    assert read.value(rows[1:], side=side) is None
    assert read.value([rows[0], {"close": close, "x_1": float("nan")}], side=side) is None


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"of": "confident"}, "cannot be confident itself"), ({"of": "pears"}, "did you mean pairs"),
        ({"score": "sma(50"}, "score: .* cannot be read"), ({"score": "close > 1"}, "a number is wanted"),
        ({"score": "smaa(50)"}, "score: .*smaa"), ({"score": "macd()"}, "several outputs: say which"),
        ({"score": "sma(50) + cloze"}, r"score: 'sma.50. \+ cloze': unknown name 'cloze': did you mean close"),
        ({"least": 1.0}, "are probabilities"), ({"full": -0.1}, "are probabilities"),
        ({"memory": 0}, "memory at least 1"), ({"prior": 0.0}, "prior more than 0"), ({"of": 3}, "strategy confident"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make("confident", params)
