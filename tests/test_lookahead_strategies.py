"""No shipped strategy decides by what has not happened yet; every planted one that does is caught and named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.core.config import Config
from engine.core.errors import DataError
from engine.core.load import ROOT, STRATEGIES, load
from engine.core.quantity import Size
from engine.core.schema import build
from engine.core.tape import ArrayTape
from engine.features import atr, on, sma
from engine.features.contract import feature
from engine.features.lookahead import cut_rows, events, leak
from engine.feeds.synthetic import sample
from engine.feeds.tapes import open_tape
from engine.lookahead import ENOUGH, bar_columns, check_lookahead, wishes
from engine.strategy import Fill, Modify, Order, Strategy, dataclass, strategy

CUTS = 24, 64
"""In CI and in `make laws`."""


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONETAPE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def bars(start: str = "2017-01", end: str = "2018") -> Any:
    return open_tape("demo", ["EURUSD"], "H1", start, end)


def config(name: str, lane: str = "python", **params: Any) -> Config:
    data = {"source": "demo", "symbols": ["EURUSD"], "basis": "ask", "spread": "10 points"}
    return build(Config, {"name": name, "data": data, "strategy": [{"name": name, "params": params}],
                          "run": {"lane": lane}})  # fmt: skip


@pytest.mark.parametrize("name", ["ma_cross", "channel_breakout"])
def test_a_shipped_strategy_as_it_is_does_not_look_ahead(name: str, deep: bool) -> None:
    tape, count = bars(), CUTS[deep]
    assert check_lookahead(name, tape, load(name, env={}), count) is None
    wished = wishes(load(name, env={}), bar_columns(tape))["signal"]
    rows = events({"signal": wished})
    cuts = cut_rows(len(wished), rows, count)
    near = [cut for cut in cuts if np.abs(rows - cut).min() <= 3]
    assert np.isfinite(wished).sum() >= ENOUGH and len(cuts) >= count - 4 and len(near) >= count // 2 - 2


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("ma_cross", {"fast": 3, "slow": 9, "stop_atr": 2.0, "reward": 1.5}),
        ("channel_breakout", {"period": 12, "exit_period": 5}),
    ],
)
def test_nor_with_other_parameters_over_weekends_and_days_of_other_lengths(name: str, params: dict[str, Any]) -> None:
    made = config(name, **params)
    made = replace(made, strategy=(replace(made.strategy[0], frame="H4"),))
    assert check_lookahead(name, bars("2017-02", "2017-07"), made, 32) is None


SHORT = "2017-02-20", "2017-04-08"
"""Seven weeks, with both changes to summer time."""
OTHERS = {
    "bollinger_reversion": {"period": 10, "deviations": 1.5},
    "rsi_pullback": {"trend": 50, "low": 25.0},
    "session_breakout": {"reward": 1.0},
    "time_of_day": {},
    "grid": {"rungs": 2},
    "filtered": {"params": {"fast": 3, "slow": 9}, "larger": "H4", "trend": 5, "regime": "adx(7).adx > 20",
                 "before_close": 120.0},
    "confident": {"params": {"fast": 3, "slow": 9}, "learn": 5, "least": 0.3},
    "selected": {
        "among": {"cross": {"of": "ma_cross", "params": {"fast": 3, "slow": 9}},
                  "bands": {"of": "bollinger_reversion", "params": {"period": 10, "deviations": 1.5}}},
        "dwell": 2, "margin": 0.0, "rate": 2.0,
    },
}  # fmt: skip
ELSEWHERE = {"pairs": "tests/strategies/test_pairs.py"}
"""Strategies of two symbols, which are looked at there."""


@pytest.mark.parametrize("name", OTHERS)
def test_nor_does_any_other_shipped_strategy(name: str) -> None:
    assert check_lookahead(name, bars(*SHORT), config(name, **OTHERS[name]), 12) is None


def test_no_shipped_strategy_is_left_out() -> None:
    shipped = {path.stem for path in STRATEGIES.glob("[a-z]*.py")}
    assert shipped == {"ma_cross", "channel_breakout", "rules", *OTHERS, *ELSEWHERE}
    for name, place in ELSEWHERE.items():
        assert f'make("{name}"' in (ROOT / place).read_text("utf-8") and name in shipped


def test_nor_do_the_shipped_rules() -> None:
    assert check_lookahead("pullback", bars(*SHORT), load("pullback", env={}), 12) is None


TAPE = "2017-03-13", "2017-04-12"
FEW = 24


@feature(gives="next")
def next_close(lo, hi, close, next):
    """The close after this one, where the block holds it already."""
    for i in range(lo, hi):
        next[i] = close[min(i + 1, hi - 1)]


@strategy
@dataclass
class PeekInTheBlock(Strategy):
    """A kernel that reads the row after its own."""

    def features(self) -> dict[str, Any]:
        return {"next": next_close()}

    def on_row(self, row: Any) -> Any:
        return self.long(row) if row.next > row.close else self.short(row)


@feature(gives="score")
def score_of_all(lo, hi, open, close, score):
    """How much more a bar rose than the mean of everything the block holds."""
    for i in range(lo, hi):
        total = 0.0
        for k in range(hi):
            total += close[k] - open[k]
        score[i] = close[i] - open[i] - total / hi


@strategy
@dataclass
class WholeSample(Strategy):
    """Normalises by the mean of the whole sample."""

    def features(self) -> dict[str, Any]:
        return {"score": score_of_all()}

    def on_row(self, row: Any) -> Any:
        return self.long(row) if row.score > 0 else self.short(row)


@strategy
@dataclass
class StopFromTheFuture(Strategy):
    """An honest signal with a stop just out of the next bar's reach."""

    def features(self) -> dict[str, Any]:
        return {"next": next_close(), "mean": sma(10), "reach": atr(5)}

    def on_row(self, row: Any) -> Any:
        stop = min(row.close, row.next) - row.reach
        return self.long(row, stop) if row.close > row.mean else self.flat(row)


@feature(gives="signal stop take_profit")
def compiled_peek(lo, hi, close, signal, stop, take_profit, mean=sma(10)):  # noqa: B008
    """Long when the next close is higher."""
    for i in range(lo, hi):
        signal[i] = 1.0 if close[min(i + 1, hi - 1)] > close[i] else 0.0
        stop[i] = take_profit[i] = np.nan


@strategy
@dataclass
class PeekWhenCompiled(Strategy):
    """Its Python form is honest."""

    def features(self) -> dict[str, Any]:
        return {"mean": sma(10)}

    def compiled(self) -> Any:
        return compiled_peek()

    def on_row(self, row: Any) -> Any:
        return self.long(row) if row.close > row.mean else self.flat(row)


@strategy
@dataclass
class PeekOnALargerFrame(Strategy):
    """Reads a day's close before the day is over: the kernel on the larger frame looks one day on."""

    def features(self) -> dict[str, Any]:
        return {"next": on("H4", next_close()), "last": on("H4", "close")}

    def on_row(self, row: Any) -> Any:
        return self.long(row) if row.next > row.last else self.short(row)


@strategy
@dataclass
class ChangeFromTheFuture(Strategy):
    """Honest entries whose stop it moves just out of the next bar's reach."""

    held: int = 0

    def features(self) -> dict[str, Any]:
        return {"next": next_close(), "mean": sma(10), "reach": atr(5)}

    def on_fill(self, fill: Fill) -> None:
        self.held = fill.position if fill.entry == "in" else 0

    def on_row(self, row: Any) -> Any:
        wish = self.long(row) if row.close > row.mean else self.flat(row)
        if not self.held:
            return wish
        return [wish, Modify(row.ts, self.id, position=self.held, stop=min(row.close, row.next) - row.reach)]


LEAKS = {
    "change_from_the_future": ("change",),
    "peek_in_the_block": ("signal", "order"),
    "whole_sample": ("signal", "order"),
    "stop_from_the_future": ("stop",),
    "peek_when_compiled": ("signal",),
    "peek_on_a_larger_frame": ("signal", "order"),
}


@pytest.mark.parametrize("name", LEAKS)
def test_a_planted_leak_is_caught_and_named(name: str) -> None:
    tape = bars(*TAPE)
    found = check_lookahead(name, tape, sized_in_units(config(name)), FEW)
    assert found is not None and found.column in LEAKS[name], found
    columns = bar_columns(tape)
    assert found.ts == columns["ts"][found.row] and found.row < found.cut
    assert f"{found.column} at 2017-" in str(found) and "looks ahead: it was" in str(found)


@strategy
@dataclass
class HonestLimits(Strategy):
    """Manages limit orders of its own, priced from what it has seen."""

    def features(self) -> dict[str, Any]:
        return {"reach": atr(5)}

    def on_row(self, row: Any) -> Any:
        return Order(row.ts, self.id, row.symbol, 1, 1_000.0, "limit", row.close - row.reach, day=True)


def test_an_honest_strategy_of_own_orders_passes_though_some_altered_bars_have_no_price() -> None:
    """A future of NaN made its order one that cannot be meant: that ended the check, not the run."""
    assert check_lookahead("honest_limits", bars("2017-03-13", "2017-03-25"), config("honest_limits"), 8) is None


def sized_in_units(given: Config) -> Config:
    """A thousand units a trade, so that wishes without a stop are traded too."""
    return replace(given, risk=replace(given.risk, size=Size.parse("1000 units")))


FUTURE: dict[int, float] = {}
"""What a frame of everything, read before the run, would hold: the next close by the time of a bar."""


@strategy
@dataclass
class GlobalFrame(Strategy):
    """Looks its decisions up by time, in data of its own that hold the future."""

    def on_row(self, row: Any) -> Any:
        return self.long(row) if FUTURE[row.ts] > row.close else self.short(row)


def fill_frame(columns: Any) -> None:
    FUTURE.clear()
    close = columns["close"]
    FUTURE.update(zip(columns["ts"].tolist(), np.append(close[1:], close[-1]).tolist(), strict=True))


def test_a_global_frame_of_the_future_is_caught_by_its_dates() -> None:
    """The frame does not change with the tape, so no altered future shows; on other dates the strategy has nothing."""
    tape = bars(*TAPE)
    fill_frame(bar_columns(tape))
    found = check_lookahead("global_frame", tape, sized_in_units(config("global_frame")), FEW)
    assert found is not None and (found.column, found.alteration) == ("signal", "dated 28 years later")
    assert found.row == 0 and np.isnan(found.after)


def test_a_global_frame_that_is_read_from_the_tape_is_caught_like_any_leak() -> None:
    made, columns = sized_in_units(config("global_frame")), bar_columns(bars(*TAPE))

    def compute(altered: Any) -> Any:
        fill_frame(altered)
        return wishes(made, altered)

    found = leak(compute, columns, FEW)
    assert found is not None and found.column in ("signal", "order") and found.row == found.cut - 1


def test_what_cannot_be_judged_is_refused() -> None:
    with pytest.raises(DataError, match=r"ma_cross makes \d+ signals on this tape: at least 20 are needed"):
        check_lookahead("ma_cross", bars("2017-01", "2017-02"), config("ma_cross", fast=50, slow=200), FEW)
    quotes = sample(["EURUSD"], 1_000, seed=1)
    with pytest.raises(DataError, match="in bars of one symbol, not in quotes of EURUSD"):
        check_lookahead("ma_cross", quotes)


def test_a_strategy_is_judged_on_a_tape_without_a_config() -> None:
    block = next(bars("2017-01", "2017-03").blocks())
    minutes = {n: getattr(block, n) for n in block.columns}
    minutes["ts_event"] = minutes["ts_event"] // 60
    minutes["ts"] = minutes["ts_event"] + 60 * 10**9
    tape = ArrayTape.bars(("EURUSD",), **minutes)
    found = check_lookahead("peek_in_the_block", tape, None, 16)
    assert found is not None and found.column == "signal"
