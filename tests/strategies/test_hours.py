"""Strategies by the clock against pandas: who was in when, by the wall of the zone, over both changes of clocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.core.errors import ConfigError
from engine.core.events import Signal
from engine.core.journal import Journal
from engine.core.load import load
from engine.feeds.tapes import open_tape
from engine.run import Session, make_strategies
from engine.strategy import make

ZONES = {"london": "Europe/London", "newyork": "America/New_York", "tokyo": "Asia/Tokyo", "utc": "UTC"}


class Signals(Journal):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[Signal] = []

    def write(self, event: Any, cause: int = 0) -> int:
        if isinstance(event, Signal):
            self.heard.append(event)
        return super().write(event, cause)


def played(name: str, **params: Any) -> tuple[list[Signal], pd.DataFrame]:
    """Its signals on the demo's hours of 2017, and the bars with their wall times."""
    config = load(name, env={}, sets=[f"strategy.params.{k}={v}" for k, v in params.items()])
    tape, journal = open_tape("demo", ["EURUSD"], "H1", None, None, "10 points"), Signals()
    Session(config, tape, make_strategies(config), journal=journal).run()
    block = next(tape.blocks())
    bars = pd.DataFrame({n: getattr(block, n) for n in ("ts", "ts_event", "high", "low", "close")})
    for column, stamp in (("opened", "ts_event"), ("ended", "ts")):
        bars[column] = pd.to_datetime(bars[stamp], utc=True).dt.tz_convert(ZONES[params["zone"]])
    return journal.heard, bars


def minutes(stamps: pd.Series) -> pd.Series:
    return stamps.dt.hour * 60 + stamps.dt.minute


@pytest.mark.parametrize(("zone", "enter", "leave"), [("london", 8, 16), ("newyork", 18, 3), ("tokyo", 9, 15)])
def test_time_of_day_is_in_from_one_hour_to_the_other_on_its_days(zone: str, enter: int, leave: int) -> None:
    heard, bars = played("time_of_day", zone=zone, enter=f"{enter:02}:00", leave=f"{leave:02}:00", days="mon thu")
    since = (minutes(bars["ended"]) - enter * 60) % 1440
    began = (bars["ended"] - pd.to_timedelta(enter, "h")).dt.tz_localize(None)
    inside = (since < (leave - enter) % 24 * 60) & began.dt.day_of_week.isin([0, 3])
    now = np.where(inside, -1.0, 0.0)[14:]  # the average true range has warmed up
    change = np.flatnonzero(np.diff(now, prepend=0.0))
    wanted = [(int(bars["ts"].iloc[14 + k]), now[k]) for k in change]
    assert [(s.ts, s.strength) for s in heard] == wanted and len(wanted) > 150


@pytest.mark.parametrize(("zone", "start", "end", "leave"), [("london", 0, 8, 16), ("newyork", 19, 2, 11)])
def test_session_breakout_goes_with_the_first_close_outside_the_range(
    zone: str, start: int, end: int, leave: int
) -> None:
    hours = {"start": f"{start:02}:00", "end": f"{end:02}:00", "leave": f"{leave:02}:00"}
    heard, bars = played("session_breakout", zone=zone, **hours)
    wall = bars["opened"].dt.tz_localize(None) - pd.to_timedelta(start, "h")
    day, opened = wall.dt.floor("D"), wall.dt.hour * 60
    length, until = (end - start) % 24 * 60, (leave - start) % 24 * 60
    wanted = []
    for _, group in bars.groupby(day):
        age = opened[group.index]
        forming = group[age < length]
        if not len(forming):
            continue
        top, bottom = forming["high"].max(), forming["low"].min()
        side = 0.0
        for bar in group[age >= length].itertuples():
            if opened[bar.Index] + 60 >= until:
                break
            if not side and not bottom <= bar.close <= top:
                side = 1.0 if bar.close > top else -1.0
                wanted.append((bar.ts, side, bottom if side > 0 else top))
    got = [(s.ts, s.strength, s.stop) for s in heard if s.strength]
    assert got == wanted and len(wanted) > 150
    flat = [s.ts for s in heard if not s.strength]
    assert len(flat) in (len(got), len(got) - 1)


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("bollinger_reversion", {"period": 1}, "period .1. must be at least 2 bars"),
        ("bollinger_reversion", {"deviations": 0.0}, "deviations .0. must be more than 0"),
        ("rsi_pullback", {"leave": 300}, "leave .300. must be at least 1 bar and shorter than trend"),
        ("rsi_pullback", {"low": 60.0}, "low .60. must lie between 0 and 50 percent"),
        ("session_breakout", {"zone": "lundon"}, "'lundon' is no zone of it: did you mean london"),
        ("session_breakout", {"start": "8"}, "start: '8' is not a time of day: write it like 08:30"),
        ("session_breakout", {"leave": "07:00"}, "after 00:00 comes end .08:00., then leave .07:00."),
        ("time_of_day", {"days": "mon fry"}, "'fry' is no weekday: did you mean fri"),
        ("time_of_day", {"side": "up"}, "side must be long or short, not 'up'"),
        ("time_of_day", {"leave": "08:00"}, "it would never be out"),
        ("pairs", {"x": "EURUSD"}, "must be two symbols"),
        ("pairs", {"enter": 5.0}, "leave .0. must be at least 0, below enter .5., and that below stop .4."),
        ("pairs", {"period": 5}, "period .5. must be at least 10 bars"),
        ("grid", {"units": 0.0}, "units .0. must be more than 0"),
        ("grid", {"rungs": 0}, "rungs .0. are 1 to 50"),
        ("rules", {}, 'name a file of configs/rules: params = { file = "pullback" }'),
    ],
)
def test_parameters_that_cannot_be_meant_are_refused_and_named(name: str, params: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make(name, params)
