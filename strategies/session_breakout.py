"""Session breakout: the quiet hours draw a range, the busy ones break it.

Logic: in the hours before a large market opens little is decided; orders gather on both sides of what was traded. The
first close outside that range goes with the side that has won; the stop is the other side, and by the evening it is
over. One trade a day at most. Source: Crabel, Day Trading with Short Term Price Patterns and Opening Range Breakout
(1990); tested by Holmberg, Lönnbark and Lundström, Assessing the profitability of intraday opening range breakout
strategies, Finance Research Letters 10 (2013), pp. 27-33.
"""

from __future__ import annotations

import numpy as np

from engine.features import feature
from engine.kernels.civil import MINUTE, ZONES
from engine.strategy import ConfigError, Strategy, dataclass, field, strategy
from strategies._hours import minute_of, wall_minute, zone_named

FORMING, OPEN, OVER = 0.0, 1.0, 2.0


@feature(gives="stage top bottom", keeps="day high0 low0", sparse="top bottom", choices={"zone": ZONES}, registry=None)
def session_range(
    lo, hi, open_ts, end, high, low, stage, top, bottom, day, high0, low0, zone="london", start=0, length=480, hours=960
):
    """The range of `length` minutes from minute `start` of the zone's day on, and whether it may be traded still."""
    for i in range(lo, hi):
        since = wall_minute(open_ts[i], zone) - start
        today, opened = since // 1440 + 1.0, since % 1440
        ended = opened + (end[i] - open_ts[i]) // MINUTE
        stage[i] = OVER
        if opened < length:
            if today != day:
                day, high0, low0 = today, high[i], low[i]
            high0, low0, stage[i] = max(high0, high[i]), min(low0, low[i]), FORMING
        elif today == day and ended < hours:
            stage[i] = OPEN
        top[i] = bottom[i] = np.nan
        if day > 0.0:
            top[i], bottom[i] = high0, low0
    return day, high0, low0


@feature(gives="signal stop take_profit", keeps="side")
def session_breakout_wish(
    lo, hi, close, signal, stop, take_profit, side,
    stage=session_range().stage, top=session_range().top, bottom=session_range().bottom, reward=0.0,
):  # fmt: skip
    """The wishes of `SessionBreakout` as columns."""
    for i in range(lo, hi):
        signal[i] = stop[i] = take_profit[i] = np.nan
        now = side
        if stage[i] != OPEN:
            now = 0.0
        elif side == 0.0 and close[i] > top[i]:
            now = 1.0
        elif side == 0.0 and close[i] < bottom[i]:
            now = -1.0
        if now != side:
            side = signal[i] = now
            if now != 0.0:
                stop[i] = bottom[i] if now > 0.0 else top[i]
                if reward > 0.0:
                    take_profit[i] = close[i] + now * reward * (top[i] - bottom[i])
    return side


@strategy
@dataclass
class SessionBreakout(Strategy):
    """With the first close outside the range of the hours from `start` to `end`; flat from `leave` on.

    zone        utc, newyork, london, tokyo or sydney (summer time by the rules in force since 2008)
    start, end  the hours whose range counts, by the opening of bars; they may run over midnight
    leave       when positions are closed, and nothing is opened any more
    reward      take-profit in multiples of the range (0: none); the stop is the other side of the range
    """

    zone: str = "london"
    start: str = "00:00"
    end: str = "08:00"
    leave: str = "16:00"
    reward: float = 0.0
    _side: dict[str, float] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        zone_named(self.zone, "session_breakout: zone")
        _, length, hours = self.minutes()
        if not 0 < length < hours:
            raise ConfigError(f"session_breakout: after {self.start} comes end ({self.end}), then leave ({self.leave})")
        if not 0.0 <= self.reward < float("inf"):
            raise ConfigError(f"session_breakout: reward ({self.reward:g}) cannot be negative")

    def minutes(self):
        """The start of the range in the day, then its length and the time until `leave`."""
        start, end, leave = (minute_of(getattr(self, n), f"session_breakout: {n}") for n in ("start", "end", "leave"))
        return start, (end - start) % 1440, (leave - start) % 1440

    def features(self):
        start, length, hours = self.minutes()
        found = session_range(zone=zone_named(self.zone, "zone"), start=start, length=length, hours=hours)
        return {"stage": found.stage, "top": found.top, "bottom": found.bottom}

    def compiled(self):
        return session_breakout_wish(reward=self.reward, **self.features())

    def on_row(self, row):
        side = now = self._side.get(row.symbol, 0.0)
        if row.stage != OPEN:
            now = 0.0
        elif side == 0.0 and row.close > row.top:
            now = 1.0
        elif side == 0.0 and row.close < row.bottom:
            now = -1.0
        if now == side:
            return None
        self._side[row.symbol] = now
        take_profit = row.close + now * self.reward * (row.top - row.bottom) if now and self.reward else None
        return self.wish(row, now, (row.bottom if now > 0 else row.top) if now else None, take_profit)
