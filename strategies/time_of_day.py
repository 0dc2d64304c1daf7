"""Time of day: hold a currency in the hours in which it tends to move one way.

Logic: who needs foreign money buys it in his own office hours, so a currency tends to fall while its home market is
open and to rise while the other one's is. The move is small, a fraction of a basis point an hour: spread and
commission decide whether anything is left. Source: Breedon and Ranaldo, Intraday Patterns in FX Returns and Order Flow,
Journal of Money, Credit and Banking 45 (2013), pp. 953-965.
"""

from __future__ import annotations

import numpy as np

from engine.features import atr, feature
from engine.kernels.civil import ZONES
from engine.strategy import ConfigError, Strategy, dataclass, field, strategy
from strategies._hours import days_named, minute_of, wall_minute, zone_named

SIDES = {"long": 1.0, "short": -1.0}


@feature(gives="inside", choices={"zone": ZONES}, registry=None)
def within_hours(lo, hi, end, close, inside, zone="london", start=480, length=480, days=31):
    """1 where a bar ends in the `length` minutes from minute `start` of one of the `days` (bits) on, else 0."""
    for i in range(lo, hi):
        since = wall_minute(end[i], zone) - start
        weekday = (since // 1440 + 3) % 7
        inside[i] = 1.0 if since % 1440 < length and (days >> weekday) & 1 else 0.0


@feature(gives="signal stop take_profit", keeps="side")
def time_of_day_wish(
    lo, hi, close, signal, stop, take_profit, side, inside=within_hours(), reach=atr(14), way=-1.0, stop_atr=2.0
):
    """The wishes of `TimeOfDay` as columns."""
    for i in range(lo, hi):
        signal[i] = stop[i] = take_profit[i] = np.nan
        now = way if inside[i] > 0.0 else 0.0
        if now != side:
            side = signal[i] = now
            if now != 0.0 and stop_atr > 0.0:
                stop[i] = close[i] - now * stop_atr * reach[i]
    return side


@strategy
@dataclass
class TimeOfDay(Strategy):
    """In the market from `enter` to `leave` on the given days, out for the rest of them.

    zone          utc, newyork, london, tokyo or sydney (summer time by the rules in force since 2008)
    enter, leave  by the end of bars: decided then, filled at the next price; they may run over midnight
    days          weekdays on which it enters
    side          long or short
    stop_atr      stop-loss in multiples of the average true range (0: none)
    """

    zone: str = "london"
    enter: str = "08:00"
    leave: str = "16:00"
    days: str = "mon tue wed thu fri"
    side: str = "short"
    stop_atr: float = 2.0
    atr_period: int = 14
    _side: dict[str, float] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self.hours()
        if self.side not in SIDES:
            raise ConfigError(f"time_of_day: side must be long or short, not {self.side!r}")
        if not 0.0 <= self.stop_atr < float("inf") or self.atr_period < 1:
            raise ConfigError(
                f"time_of_day: stop_atr ({self.stop_atr:g}) cannot be negative, atr_period ({self.atr_period}) is at"
                " least 1"
            )

    def hours(self):
        """The feature that says when to be in."""
        enter, leave = (minute_of(getattr(self, n), f"time_of_day: {n}") for n in ("enter", "leave"))
        if enter == leave:
            raise ConfigError(f"time_of_day: enter and leave are both {self.enter}: it would never be out")
        zone, days = zone_named(self.zone, "time_of_day: zone"), days_named(self.days, "time_of_day: days")
        return within_hours(zone=zone, start=enter, length=(leave - enter) % 1440, days=days)

    def features(self):
        return {"inside": self.hours(), "reach": atr(self.atr_period)}

    def compiled(self):
        return time_of_day_wish(way=SIDES[self.side], stop_atr=self.stop_atr, **self.features())

    def on_row(self, row):
        now = SIDES[self.side] if row.inside else 0.0
        if now == self._side.get(row.symbol, 0.0):
            return None
        self._side[row.symbol] = now
        return self.wish(row, now, row.close - now * self.stop_atr * row.reach if now and self.stop_atr else None)
