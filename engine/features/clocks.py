"""What time it is where the market trades: the hour, the week, and the sessions of the day with their extremes."""

from __future__ import annotations

import math

import numpy as np

from engine.features.contract import feature
from engine.kernels.civil import MINUTE, ZONES, date_of, offset_of
from engine.kernels.jit import jit
from engine.kernels.rolling import DAY

SESSIONS = (
    "fx_day", "sydney", "tokyo", "london", "newyork", "us_cash",
    "asian_kill", "london_kill", "newyork_kill", "close_kill",
)  # fmt: skip
"""In the order of the three tables below."""
PLACE = (1, 4, 3, 2, 1, 1, 1, 1, 1, 1)
OPENS = (1020, 420, 540, 480, 480, 570, 1200, 120, 420, 600)
CLOSES = (1020, 960, 1080, 1020, 1020, 960, 0, 300, 600, 720)
"""Zone of each session (a place in ZONES), and its local hours in minutes, the opening in and the close out."""


@feature(
    gives="day_sin day_cos week_sin week_cos month_day third_friday", unit="time", range=(-1.0, 1.0), pane="below",
    choices={"zone": ZONES}, covers="3.2.1 3.6.2", source="IANA time zones, rules since 2008",
)  # fmt: skip
def clock(lo, hi, open_ts, close, day_sin, day_cos, week_sin, week_cos, month_day, third_friday, zone="newyork"):
    """Time of day and of the week on a circle, by the clock of `zone` at the bar's opening.

    23:59 and 00:01 are neighbours on a circle. `month_day` is 1 to 31; `third_friday` is 1 on the day on which
    options expire.
    """
    for i in range(lo, hi):
        local = open_ts[i] + offset_of(open_ts[i], zone)
        day = local // DAY
        turn = 2.0 * math.pi * ((local - day * DAY) // MINUTE) / 1440.0
        weekday = (day + 3) % 7
        week = 2.0 * math.pi * (weekday * 1440 + (local - day * DAY) // MINUTE) / 10080.0
        day_sin[i], day_cos[i], week_sin[i], week_cos[i] = (
            math.sin(turn),
            math.cos(turn),
            math.sin(week),
            math.cos(week),
        )
        dom = date_of(day)[2]
        month_day[i] = dom
        third_friday[i] = 1.0 * (weekday == 4 and 15 <= dom <= 21)


@jit
def hours(ts, which):
    """Of session `which` at `ts`: (the local day it opened, minutes since then, minutes to its close, inside)."""
    local = ts + offset_of(ts, PLACE[which])
    since = local // MINUTE - OPENS[which]
    length = (CLOSES[which] - OPENS[which]) % 1440
    length = 1440 if length == 0 else length
    minutes = since % 1440
    return since // 1440, minutes, length - minutes, minutes < length


@feature(
    gives="minutes left first top bottom last_top last_bottom last_close",
    keeps="opened born high1 low1 high2 low2 close1 close2", sparse="first top bottom last_top last_bottom last_close",
    choices={"name": SESSIONS}, unit="time time price price price price price price", range=(-1.0, 1440.0),
    pane="price", covers="3.2.2", source="hours of the exchanges in local time; kill zones as ICT teaches them",
)  # fmt: skip
def session(
    lo, hi, open_ts, open, high, low, close, minutes, left, first, top, bottom, last_top, last_bottom,
    last_close, opened, born, high1, low1, high2, low2, close1, close2, name="london",
):  # fmt: skip
    """For how many minutes the session `name` is open (-1: it is not), how long still, and where it has traded.

    `first`, `top` and `bottom` are its opening price, high and low so far, after its close those of the session just
    over; `last_top`, `last_bottom` and `last_close` are of the session before. Hours are local, summer time included.
    """
    for i in range(lo, hi):
        day, since, rest, inside = hours(open_ts[i], name)
        if inside and opened != day + 1.0:
            high2, low2, close2 = high1, low1, close1
            opened, born, high1, low1 = day + 1.0, open[i], high[i], low[i]
        if inside:
            high1, low1, close1 = max(high1, high[i]), min(low1, low[i]), close[i]
        minutes[i], left[i] = (1.0 * since, 1.0 * rest) if inside else (-1.0, 0.0)
        first[i] = top[i] = bottom[i] = last_top[i] = last_bottom[i] = last_close[i] = np.nan
        if opened > 0.0:
            first[i], top[i], bottom[i] = born, high1, low1
        if high2 != 0.0:
            last_top[i], last_bottom[i], last_close[i] = high2, low2, close2
    return opened, born, high1, low1, high2, low2, close1, close2
