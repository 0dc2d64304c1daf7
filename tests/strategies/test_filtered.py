"""Filters in front of another strategy: entries only, one reason each, and never more than was asked for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.core.config import Config
from engine.core.errors import ConfigError
from engine.core.load import load
from engine.core.schema import build
from engine.features import adx, regime
from engine.feeds.tapes import open_tape
from engine.lookahead import check_lookahead
from engine.run import Session, make_strategies
from engine.strategy import Denied, MarginCall, Rejected, Signal, Strategy, dataclass, make, strategy
from strategies._edge import Edge
from tests.strategies.test_hours import Signals

INNER = {"fast": 5, "slow": 20}


def config(more: dict[str, Any] | None = None, **params: Any) -> Config:
    base = load("demo", env={})
    one = {"name": "filtered", "params": {"of": "ma_cross", "params": INNER, **params}}
    data = {"source": "demo", "symbols": ["EURUSD"], "basis": "ask", "spread": "10 points"}
    return build(Config, {"name": "filtered", "data": data, "risk": {"size": str(base.risk.size)},
                          "strategy": [one], **(more or {})})  # fmt: skip


def said(made: Config) -> list[Any]:
    journal = Signals()
    Session(made, open_tape("demo", ["EURUSD"], "H1", "2017-01", "2017-07", "10 points"), make_strategies(made),
            journal=journal).run()  # fmt: skip
    return journal.heard


RULES = {"features": {"larger_trend": "sma(9)"}, "long": {"all": ["close > larger_trend"], "stop": "1 %"}}
OPEN = {"larger": "", "days": "mon tue wed thu fri sat sun"}


def test_without_filters_it_is_the_strategy_itself() -> None:
    run = engine.backtest(config(**OPEN))
    plain = engine.backtest(load("demo", env={}, sets=["strategy.params.fast=5", "strategy.params.slow=20",
                                                       "venue.slippage=0 points", "venue.commission=0 USD per lot",
                                                       "risk.max_drawdown=none"]))  # fmt: skip
    columns = ["open_ts", "close_ts", "side", "exit_reason"]
    pd.testing.assert_frame_equal(run.trades[columns], plain.trades[columns])
    assert len(run.trades) > 100


def test_entries_follow_the_day_and_the_hours_and_exits_are_never_held_back() -> None:
    every = {s.ts: s for s in said(config(**OPEN))}
    block = next(open_tape("demo", ["EURUSD"], "H1", "2017-01", "2017-07", "10 points").blocks())
    bars = pd.DataFrame({"ts": block.ts, "close": block.close})
    wall = pd.to_datetime(bars["ts"], utc=True).dt.tz_convert("America/New_York")
    inside = (wall.dt.hour >= 4) & (wall.dt.hour < 14) & (wall.dt.day_of_week < 4)
    allowed = dict(zip(bars["ts"], inside, strict=True))
    hours = {"zone": "America/New_York", "enter": "04:00", "leave": "14:00", "days": "mon tue wed thu"}
    found = said(config(larger="", **hours))
    assert {s.ts for s in found if s.strength} == {ts for ts, s in every.items() if allowed[ts]}
    assert len([s for s in found if s.strength]) > 30
    turned = [s for s in found if not s.strength]
    assert turned and all(not allowed[s.ts] for s in turned), "an entry that is not let through ends the other side"
    trend = said(config(**{**OPEN, "larger": "D1", "trend": 5}))
    assert 10 < len([s for s in trend if s.strength]) < len(every) - 10


def test_the_larger_trend_is_that_of_closed_days_and_nothing_looks_ahead() -> None:
    assert check_lookahead("filtered", open_tape("demo", ["EURUSD"], "H1", "2017-02", "2017-04", "10 points"),
                           config(larger="H4", trend=10, half=0.02, stop=0.2, repeat=3), 8) is None  # fmt: skip


def test_each_filter_names_itself() -> None:
    for params, word in [
        ({"max_spread": 0.5}, "spread 0."), ({"repeat": 500}, "duplicate: an entry of this side"),
        ({"larger": "D1"}, "against D1: close"), ({"enter": "08:00", "leave": "08:30"}, "out of hours: 08:00 to 08:30"),
        ({"half": 0.001, "stop": 0.002}, "edge -0."), ({"half": 0.001}, "edge -0."),
        ({"max_delay_s": -1.0}, "stale: known 0 s after its end"),
        ({"regime": "regime().regime"}, "regime: regime().regime is "),
        ({"regime": "adx(14).adx > 40"}, "regime: not adx(14).adx > 40"),
        ({"before_close": 1440.0}, "session: closes in "), ({"after_open": 1440.0}, "session: open for "),
    ]:  # fmt: skip
        made = config(**{**OPEN, **params})
        (strategy,) = make_strategies(made)
        heard = []
        filtered = type(strategy).let_through

        def listen(self: Any, row: Any, wish: Any, seen: Any, kept: Any = filtered, heard: Any = heard) -> Any:
            result = kept(self, row, wish, seen)
            heard.append(seen.words)
            return result

        strategy.let_through = listen.__get__(strategy)  # type: ignore[attr-defined]
        tape = open_tape("demo", ["EURUSD"], "H1", "2017-01", "2017-12", "10 points")
        Session(made, tape, [strategy]).run()
        assert any(words.startswith(word) for words in heard), (word, heard[:5])


def closes(span: tuple[str, str] = ("2017-01", "2017-07")) -> Any:
    return open_tape("demo", ["EURUSD"], "H1", *span, "10 points")


def test_a_regime_lets_its_own_side_through_and_a_condition_what_it_says() -> None:
    every = {s.ts: s.strength for s in said(config(**OPEN)) if s.strength}
    frame = engine.frame({"now": regime().regime, "adx": adx(14).adx}, closes())
    ts = next(closes().blocks()).ts.tolist()
    now, strong = (dict(zip(ts, frame[name].tolist(), strict=True)) for name in ("now", "adx"))
    for text, passes in [
        ("regime().regime", lambda ts, side: side * now[ts] > 0.0),
        ("adx(14).adx > 25", lambda ts, side: strong[ts] > 25.0),
        ("side * regime().regime >= 0 and adx(14).adx < 30", lambda t, side: side * now[t] >= 0.0 and strong[t] < 30.0),
    ]:
        found = {s.ts: s.strength for s in said(config(**OPEN, regime=text)) if s.strength}
        assert found == {ts: side for ts, side in every.items() if passes(ts, side)}, text
        assert 10 < len(found) < len(every) - 10


@pytest.mark.parametrize("hours", ["Sun 17:00-Fri 17:00 America/New_York", "Mon-Fri 08:00-18:00 Europe/London"])
def test_no_entry_near_the_ends_of_the_symbols_own_sessions_over_both_changes_of_clocks(hours: str) -> None:
    given = {"symbol": "EURUSD", "base_currency": "EUR", "profit_currency": "USD", "digits": 5, "sessions": hours}

    def entries(**params: Any) -> dict[int, float]:
        return {s.ts: s.strength for s in said(config({"instrument": [given]}, **OPEN, **params)) if s.strength}

    every, found = entries(), entries(after_open=120.0, before_close=180.0)
    stamps = pd.DatetimeIndex(pd.to_datetime(list(every), utc=True)).tz_convert(hours.split()[-1])
    minute = stamps.hour * 60 + stamps.minute
    if "Sun" in hours:
        into = (stamps.day_of_week + 1) % 7 * 1440 + minute - 1020
        inside = (into >= 120) & (into <= 5 * 1440 - 180)
    else:
        inside = (stamps.day_of_week < 5) & (minute >= 600) & (minute <= 900)
    assert found == {ts: side for (ts, side), ok in zip(every.items(), inside, strict=True) if ok}
    assert 10 < len(found) < len(every)
    assert entries(after_open=120.0).keys() >= found.keys() <= entries(before_close=180.0).keys()


def test_a_trade_that_is_closed_in_parts_is_one_trade() -> None:
    """Worked in slices, an exit is several deals: the edge has seen as many trades as there were."""
    slices = {"style": "twap", "over": "30 min", "slices": 3}
    made = config({"execution": slices}, **OPEN, half=0.5, stop=0.9)
    (strategy,), heard = make_strategies(made), []
    over = strategy.over  # type: ignore[attr-defined]
    strategy.over = lambda seen, net: (heard.append(net), over(seen, net))  # type: ignore[attr-defined]
    run = Session(made, closes(), [strategy]).run()
    deals = [f for f in run.fills if f.entry == "out"]
    assert len(deals) > 1.5 * len(heard) and len(heard) > 30
    assert sum(heard) == pytest.approx(sum(f.profit + f.commission + f.swap for f in run.fills), abs=0.05)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-100.0, 100.0).map(lambda x: round(x, 2)), max_size=60), st.floats(0.001, 0.3))
def test_the_edge_halves_or_stops_the_size_and_never_raises_it(profits: list[float], half: float) -> None:
    edge = Edge()
    for profit in profits:
        edge.see(profit)
    stop = 2 * half
    factor = edge.factor(half, stop)
    assert factor in (0.0, 0.5, 1.0) and -1.0 <= edge.value <= 1.0
    assert (factor == 0.0) == (edge.value < -stop) and (factor == 1.0) == (edge.value >= -half)
    won, lost = [p for p in profits if p > 0], [p for p in profits if p < 0]
    slow = Edge(prior=7.0, memory=1e12)
    for profit in profits:
        slow.see(profit)
    if won and lost:
        even = np.mean(np.abs(lost)) / (np.mean(won) + np.mean(np.abs(lost)))
        wanted = (7.0 * even + len(won)) / (7.0 + len(won) + len(lost)) - even
        assert slow.value == pytest.approx(wanted, rel=1e-6, abs=1e-9)
        assert (slow.value > 0) == (sum(profits) > 1e-9) or abs(sum(profits)) < 1e-6


def test_a_strategy_that_was_stopped_comes_back() -> None:
    edge = Edge()
    for profit in [5.0] + [-5.0] * 30:
        edge.see(profit)
    assert edge.factor(0.05, 0.1) == 0.0
    rests = 0
    while edge.factor(0.05, 0.1) == 0.0:
        edge.rest()
        rests += 1
    assert 20 < rests < 400


@strategy
@dataclass
class Insisting(Strategy):
    """Wishes to be long at every bar, and to be out when the broker calls."""

    def on_row(self, row: Any) -> Any:
        return self.long(row, row.close * 0.9)

    def on_margin_call(self, called: Any) -> Any:
        return Signal(called.ts, self.id, "EURUSD", 0.0)


def test_an_entry_that_was_refused_is_judged_anew_when_it_is_wished_again() -> None:
    """Let through at ten, denied, wished again at eleven when the hours are over: not let through."""
    day = {**OPEN, "zone": "UTC", "enter": "10:00", "leave": "11:00", "repeat": 3}
    made = make("filtered", {**day, "of": "insisting"}, "x")
    row = SimpleNamespace(symbol="EURUSD", close=1.0, spread=0.0, open=1.0, high=1.0, low=1.0)
    hour = 3_600 * 10**9

    def wished(k: int) -> float:
        row.ts = row.end = k * hour
        (said,) = made.on_row(row)
        return float(said.strength)

    assert wished(9) == 0.0 and wished(10) == 1.0 == wished(11), "what is open may stay"
    for rule, later in (("in_flight", 1.0), ("max_spread", 0.0)):
        assert made.on_denied(Denied(11 * hour, "x", "EURUSD", rule, 1.0, 0.0)) is None  # type: ignore[attr-defined]
        assert wished(12) == later
    assert wished(34) == 1.0 and made.on_rejected(Rejected(0, "x", "EURUSD", 1, "no money", 0)) is None  # type: ignore
    assert wished(34) == 1.0, "an entry that came to nothing is no duplicate"
    (said,) = made.on_margin_call(MarginCall(35 * hour, 1.0, 1.0, 0))  # type: ignore[attr-defined]
    assert said.strength == 0.0 and wished(35) == 0.0


@strategy
@dataclass
class LookingBack(Strategy):
    """Asks for earlier rows."""

    def on_row(self, row: Any, history: Any) -> Any:
        return self.long(row) if history("close", 2)[0] < row.close else None


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"of": "filtered"}, "cannot be filtered itself"), ({"of": "looking_back"}, "asks for history, which is not"),
        ({"of": "ma_cros"}, "did you mean ma_cross"),
        ({"params": {"fats": 3}}, "did you mean fast"), ({"zone": "Mars"}, "unknown time zone"),
        ({"trend": 1}, "trend is at least 2"), ({"after_open": -1.0}, "after_open and before_close are minutes"),
        ({"regime": "adx > 3"}, "several outputs: say which"), ({"regime": "clos"}, "regime: .*did you mean close"),
        ({"of": "rules", "params": {"rules": RULES}}, "rules has a feature named larger_trend too: rename it there"),
        ({"half": 0.2, "stop": 0.1}, "0 <= half .0.2. <= stop .0.1. < 1"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make("filtered", params)


def test_who_manages_orders_himself_is_refused() -> None:
    made = config(of="grid", params={})
    with pytest.raises(ConfigError, match="grid manages orders itself .on_order.: only wishes"):
        engine.backtest(made)
