"""Truth from outside: the moving-average cross trade for trade as a plain numpy loop and Backtesting.py have it.

Prices are integer points, so sums are exact and equal averages are exactly equal: a difference cannot hide behind
rounding. Orders are market orders at the next open, no spread, no commission, one unit, long or short until the
opposite cross; an exact tie of the averages says nothing. Backtesting.py is run twice: with a strategy of that rule,
where no trade may differ, and with the `crossover` of its own library, which looks two bars back only and so misses a
cross that goes through a tie: there the differences are allowed, and each is listed by the bar of its tie.
"""

from __future__ import annotations

import warnings
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import engine
from engine.core.config import Config
from engine.core.schema import build
from engine.core.tape import ArrayTape

MINUTE = 60_000_000_000
START = 1_704_067_200_000_000_000
BARS = 2_500


class Bars(NamedTuple):
    """Prices in whole points, as floats."""

    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray


class Trade(NamedTuple):
    """A round trip by the numbers of its bars."""

    side: int
    entry_bar: int
    entry: float
    exit_bar: int
    exit: float


def market(seed: int, move: float, n: int = BARS) -> Bars:
    """A random walk of whole points; with a small `move` the averages are often exactly equal."""
    rng = np.random.default_rng(seed)
    close = 100_000.0 + np.cumsum(np.rint(rng.normal(0.0, move, n)))
    first = np.concatenate([[100_000.0], close[:-1]]) + rng.integers(-1, 2, n)
    high = np.maximum(first, close) + rng.integers(0, 4, n)
    low = np.minimum(first, close) - rng.integers(0, 4, n)
    return Bars(first, high, low, close)


def sides(close: np.ndarray, fast: int, slow: int) -> np.ndarray:
    """Per bar: +1 the fast average is above, -1 below, 0 exactly equal or not warmed up. In whole numbers."""
    points = close.astype(np.int64)
    found = np.zeros(len(points), np.int64)
    for bar in range(slow - 1, len(points)):
        quick, patient = points[bar - fast + 1 : bar + 1].sum(), points[bar - slow + 1 : bar + 1].sum()
        found[bar] = np.sign(quick * slow - patient * fast)
    return found


def crosses(side: np.ndarray) -> dict[int, int]:
    """Bars at whose close the averages have crossed, and to which side."""
    found, before = {}, 0
    for bar, now in enumerate(side.tolist()):
        if now and now != before:
            if before:
                found[bar] = now
            before = now
    return found


def loop_trades(bars: Bars, wishes: dict[int, int]) -> list[Trade]:
    """The oracle: each wish turns the position at the next open; what is open at the end is no trade."""
    trades: list[Trade] = []
    side, entry_bar = 0, 0
    for bar, wish in wishes.items():
        at = bar + 1
        if at == len(bars.open) or wish == side:
            continue
        if side:
            trades.append(Trade(side, entry_bar, bars.open[entry_bar], at, bars.open[at]))
        side, entry_bar = wish, at
    return trades


def our_trades(bars: Bars, fast: int, slow: int, lane: str) -> list[Trade]:
    """The shipped strategy on the engine."""
    n = len(bars.close)
    points = {
        "symbol": "POINTS", "base_currency": "PTS", "profit_currency": "USD", "digits": 0, "contract_size": 1.0,
        "volume_min": 1.0, "volume_step": 1.0,
    }  # fmt: skip
    # no stop; the range that would set one must not be what the first row waits for
    params = {"fast": fast, "slow": slow, "stop_atr": 0.0, "atr_period": 2}
    config = build(
        Config,
        {
            "name": "truth",
            "data": {"source": "memory", "symbols": ["POINTS"], "kind": "bars", "frame": "M1"},
            "account": {"currency": "USD", "balance": 10_000_000.0},
            "venue": {"latency": "1 ms"},
            "risk": {"size": "1 lots"},
            "instrument": [points],
            "strategy": [{"name": "ma_cross", "params": params}],
            "run": {"lane": lane},
        },
    )
    opens = START + np.arange(n) * MINUTE
    tape = ArrayTape.bars(
        ("POINTS",), ts=opens + MINUTE, ts_event=opens, symbol=np.zeros(n, np.int16), **bars._asdict(),
        spread=np.zeros(n), volume=np.ones(n),
    )  # fmt: skip
    trades = engine.backtest(config, data=tape).trades
    opened, closed = (
        [(stamp.value - START) // MINUTE for stamp in trades[name]] for name in ("open_time", "close_time")
    )
    sides = trades["direction"].map({"long": 1, "short": -1})
    columns = sides, opened, trades["open_price"], closed, trades["close_price"]
    return list(map(Trade, *columns))


@pytest.fixture(scope="module")
def outside() -> ModuleType:
    """Backtesting.py, whose import and runs warn of matters of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("backtesting", reason="pip install backtesting")


def their_trades(outside: ModuleType, bars: Bars, fast: int, slow: int, by_library: bool) -> list[Trade]:
    """Backtesting.py, with our rule or with the `crossover` of its library."""
    import pandas as pd
    from backtesting.lib import crossover

    def sma(values: Any, period: int) -> np.ndarray:
        return pd.Series(values).rolling(period).mean().to_numpy()

    class Cross(outside.Strategy):  # type: ignore[name-defined, misc]
        def init(self) -> None:
            self.fast, self.slow = self.I(sma, self.data.Close, fast), self.I(sma, self.data.Close, slow)
            self.before = int(np.sign(self.fast[slow - 1] - self.slow[slow - 1]))  # next() starts one bar later

        def wish(self) -> int:
            if by_library:
                return int(crossover(self.fast, self.slow)) - int(crossover(self.slow, self.fast))
            now = int(np.sign(self.fast[-1] - self.slow[-1]))
            crossed = now != 0 and self.before not in (0, now)
            self.before = now or self.before
            return now if crossed else 0

        def next(self) -> None:
            side = self.wish()
            if side and side * self.position.size <= 0:
                self.position.close()
                (self.buy if side > 0 else self.sell)(size=1)

    frame = pd.DataFrame({name.title(): values for name, values in bars._asdict().items()})
    frame["Volume"] = 1.0
    frame.index = pd.to_datetime(START + np.arange(len(frame)) * MINUTE, unit="ns")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stats = outside.Backtest(frame, Cross, cash=10_000_000.0, finalize_trades=False).run()
    return [
        Trade(int(np.sign(t.Size)), t.EntryBar, t.EntryPrice, t.ExitBar, t.ExitPrice)
        for t in stats["_trades"].sort_values("ExitBar").itertuples()
    ]


def tied_crosses(side: np.ndarray, slow: int) -> dict[int, int]:
    """Crosses whose bar before was an exact tie, with the bar of that tie: what `crossover` does not see."""
    return {bar: bar - 1 for bar in crosses(side) if bar >= slow and side[bar - 1] == 0}


seeds = st.integers(0, 2**32 - 1)
periods = st.tuples(st.integers(2, 25), st.integers(2, 60)).map(lambda p: (p[0], p[0] + p[1]))


@given(seed=seeds, move=st.sampled_from([1.0, 3.0, 15.0]), spans=periods)
@settings(max_examples=10, phases=[Phase.generate])  # a seed cannot be shrunk, and each try costs a run
def test_every_trade_of_both_lanes_is_that_of_a_plain_numpy_loop(seed, move, spans):
    bars = market(seed, move)
    expected = loop_trades(bars, crosses(sides(bars.close, *spans)))
    assert len(expected) >= 10, "a market without crosses proves nothing"
    assert our_trades(bars, *spans, "python") == expected
    assert our_trades(bars, *spans, "compiled") == expected


@pytest.mark.parametrize(("seed", "move"), [(1, 1.0), (2, 3.0), (3, 15.0)])
def test_every_trade_is_that_of_backtesting_py_under_the_same_rule(outside, seed, move):
    bars = market(seed, move)
    side = sides(bars.close, 20, 100)
    theirs = their_trades(outside, bars, 20, 100, by_library=False)
    assert len(theirs) >= 10
    assert theirs == loop_trades(bars, crosses(side))
    assert our_trades(bars, 20, 100, "python") == theirs


def test_the_tapes_hold_exact_ties_so_that_the_tie_rule_is_tested():
    bars = market(1, 1.0)
    side = sides(bars.close, 20, 100)
    assert tied_crosses(side, 100), "no cross goes through an exact tie: take another seed"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_librarys_own_crossover_differs_at_exact_ties_alone(outside, seed):
    """It turns at every cross but those that went through a tie, so it lacks each such turn and the one after it."""
    bars = market(seed, 1.0)
    side = sides(bars.close, 20, 100)
    found, ties = crosses(side), tied_crosses(side, 100)
    theirs = their_trades(outside, bars, 20, 100, by_library=True)
    ours = our_trades(bars, 20, 100, "python")
    assert ours == loop_trades(bars, found)
    assert theirs == loop_trades(bars, {bar: wish for bar, wish in found.items() if bar not in ties})
    order = list(found)
    after = {tied: order[order.index(tied) + 1] for tied in ties if tied != order[-1]}
    for turn in sorted(turns(ours) - turns(theirs)):
        tied = [bar for bar in ties if turn - 1 in (bar, after.get(bar))]
        assert tied, f"the turn at the open of bar {turn} differs without a tie"
        print(f"  turn at the open of bar {turn}: averages equal at the close of bar {ties[tied[0]]}")


def turns(trades: list[Trade]) -> set[int]:
    """Bars at whose open a position turned round."""
    return {trade.exit_bar for trade in trades}
