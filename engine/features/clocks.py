"""What time it is where the market trades: the hour, the week, and the sessions of the day with their extremes."""

from __future__ import annotations

import math

import numpy as np

from engine.features.contract import feature
from engine.features.volatility import atr
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
    gives="day_sin day_cos week_sin week_cos month_day third_friday month_end quarter_end", unit="time",
    range=(-1.0, 1.0), pane="below", choices={"zone": ZONES}, covers="3.2.1 3.6.2",
    source="IANA time zones, rules since 2008",
)  # fmt: skip
def clock(
    lo, hi, open_ts, close, day_sin, day_cos, week_sin, week_cos, month_day, third_friday, month_end, quarter_end,
    zone="newyork",
):  # fmt: skip
    """Time of day and of the week on a circle, by the clock of `zone` at the bar's opening.

    23:59 and 00:01 are neighbours on a circle. `month_day` is 1 to 31; `third_friday` is 1 on the day on which
    options expire. `month_end` is 1 on the last Monday-to-Friday day of a month, `quarter_end` on that of March, June,
    September and December: the calendar says so in advance, but it knows of no holidays.
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
        _, month, dom = date_of(day)
        month_day[i] = dom
        third_friday[i] = 1.0 * (weekday == 4 and 15 <= dom <= 21)
        month_end[i] = 1.0 * (weekday < 5 and date_of(day + (3 if weekday == 4 else 1))[1] != month)
        quarter_end[i] = month_end[i] * (month % 3 == 0)


@jit
def hours(ts, which):
    """Of session `which` at `ts`: (the local day it opened, minutes since then, minutes to its close, inside)."""
    local = ts + offset_of(ts, PLACE[which])
    since = local // MINUTE - OPENS[which]
    length = (CLOSES[which] - OPENS[which]) % 1440
    length = 1440 if length == 0 else length
    minutes = since % 1440
    return since // 1440, minutes, length - minutes, minutes < length


@jit
def in_week(ts):
    """Is it the FX week, Sunday 17:00 to Friday 17:00 in New York?"""
    weekday = (hours(ts, 0)[0] + 3) % 7  # of the day on which the FX day opened, Monday 0
    return weekday != 4 and weekday != 5


@feature(
    gives="minutes left first top bottom last_top last_bottom last_close active",
    keeps="opened born high1 low1 high2 low2 close1 close2", sparse="first top bottom last_top last_bottom last_close",
    choices={"name": SESSIONS}, unit="time time price price price price price price time", range=(-1.0, 1440.0),
    pane="price", covers="3.2.2", source="hours of the exchanges in local time; kill zones as ICT teaches them",
)  # fmt: skip
def session(
    lo, hi, open_ts, open, high, low, close, minutes, left, first, top, bottom, last_top, last_bottom,
    last_close, active, opened, born, high1, low1, high2, low2, close1, close2, name="london",
):  # fmt: skip
    """For how many minutes the session `name` is open (-1: it is not), how long still, and where it has traded.

    `first`, `top` and `bottom` are its opening price, high and low so far, after its close those of the session just
    over; `last_top`, `last_bottom` and `last_close` are of the session before. `active` is 1 while it is open, its
    opening in and its close out, and in the FX week (Sunday 17:00 to Friday 17:00 in New York), which the others do not
    look at. Hours are local, summer time included.
    """
    for i in range(lo, hi):
        day, since, rest, inside = hours(open_ts[i], name)
        if inside and opened != day + 1.0:
            high2, low2, close2 = high1, low1, close1
            opened, born, high1, low1 = day + 1.0, open[i], high[i], low[i]
        if inside:
            high1, low1, close1 = max(high1, high[i]), min(low1, low[i]), close[i]
        active[i] = 1.0 * (inside and in_week(open_ts[i]))
        minutes[i], left[i] = (1.0 * since, 1.0 * rest) if inside else (-1.0, 0.0)
        first[i] = top[i] = bottom[i] = last_top[i] = last_bottom[i] = last_close[i] = np.nan
        if opened > 0.0:
            first[i], top[i], bottom[i] = born, high1, low1
        if high2 != 0.0:
            last_top[i], last_bottom[i], last_close[i] = high2, low2, close2
    return opened, born, high1, low1, high2, low2, close1, close2


@feature(
    gives="session_reach", keeps="seen opened known top bottom", sparse="session_reach", choices={"name": SESSIONS},
    unit="ratio", pane="below", covers="3.2.2", source="hours of the exchanges in local time; Wilder 1978",
)  # fmt: skip
def session_reach(
    lo, hi, open_ts, high, low, session_reach, seen, opened, known, top, bottom, atr=atr(14), name="london"
):  # fmt: skip
    """How far the session `name` has gone so far: its high less its low, in ATR; after its close, how far it went.

    It begins with the first session whose opening was seen.
    """
    for i in range(lo, hi):
        day, since, _, inside = hours(open_ts[i], name)
        if inside and opened != day + 1.0:
            known = 1.0 * (seen > 0.0 or since == 0)
            opened, top, bottom = day + 1.0, high[i], low[i]
        if inside:
            top, bottom = max(top, high[i]), min(bottom, low[i])
        session_reach[i] = np.nan
        if known > 0.0:
            session_reach[i] = (top - bottom) / atr[i] if atr[i] > 0.0 else 0.0
        seen += 1.0
    return seen, opened, known, top, bottom


@feature(
    gives="sessions overlap kill", unit="time", range=(0.0, 63.0), pane="below", covers="3.2.2",
    source="hours of the exchanges in local time; kill zones as ICT teaches them",
)  # fmt: skip
def session_bits(lo, hi, open_ts, close, sessions, overlap, kill):
    """Which sessions are open, all of them in one number, how many of them overlap, and which kill zone it is.

    `sessions` adds up fx_day 1, sydney 2, tokyo 4, london 8, newyork 16 and us_cash 32; `overlap` is how many of
    Sydney, Tokyo, London and New York are open together (two or more: they overlap); `kill` adds up asian_kill 1,
    london_kill 2, newyork_kill 4 and close_kill 8. Hours are local, summer time included; from Friday 17:00 to Sunday
    17:00 in New York all are closed.
    """
    for i in range(lo, hi):
        bits, together = 0, 0
        for which in range(10 if in_week(open_ts[i]) else 0):
            if hours(open_ts[i], which)[3]:
                bits += 1 << which
                together += 1 <= which <= 4
        sessions[i], overlap[i], kill[i] = bits % 64, together, bits // 64
