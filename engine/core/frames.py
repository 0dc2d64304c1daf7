"""Time frames: how long a bar is and where it begins.

    M1 M5 M15 M30 H1              fixed, cut from the UTC day
    H2 H3 H4 H6 H8 H12 D1 W1      follow a declared trading day

A trading day is a wall time in a zone: `17:00 America/New_York` (the default for currencies), `00:00 UTC`, or a
broker's midnight, `00:00 Europe/Athens`. H4 bars begin at the day's start plus k x 4 h and the last one ends where the
next day starts, so that a day of 23 or 25 hours has a short last bar. A day that starts at noon or later is named
after the next date, and the week begins with the trading day named Monday: Sunday 17:00 in New York.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.core.errors import ConfigError
from engine.core.registry import did_you_mean
from engine.core.zones import DAY, HOUR, SECOND, Zone, offset_at, parse_zone, utc_to_wall, wall_to_utc

MINUTE = 60 * SECOND
WEEK = 7 * DAY
FIXED = {"M1": MINUTE, "M5": 5 * MINUTE, "M15": 15 * MINUTE, "M30": 30 * MINUTE, "H1": HOUR}
DAILY = {**{f"H{n}": n * HOUR for n in (2, 3, 4, 6, 8, 12)}, "D1": DAY, "W1": WEEK}
FRAMES = {**FIXED, **DAILY}
ACTIVITY = ("tick", "volume", "dollar", "range", "renko", "imbalance", "run", "adaptive")
"""Kinds of bars that no clock cuts; see `engine.feeds.kinds.spec`."""
FX_DAY = "17:00 America/New_York"
FIRST_MONDAY = 4 * DAY
"""1970-01-05, the first Monday of the epoch."""


@dataclass(frozen=True)
class TradingDay:
    """When a trading day starts: `start` ns after midnight on the wall of `zone`."""

    zone: Zone
    start: int

    @property
    def named_after_next(self) -> bool:
        return self.start >= DAY // 2


def parse_frame(name: str) -> str:
    """The frame a text names; ConfigError with the nearest when there is none.

    >>> parse_frame("h4")
    'H4'
    """
    frame = name.strip().upper()
    if frame in FRAMES:
        return frame
    turned = re.fullmatch(r"(\d+)\s*(MINUTE|MIN|HOUR|DAY|WEEK|[MHDW])S?", frame)
    if turned and (meant := f"{turned[2][0]}{turned[1]}") in FRAMES:
        raise ConfigError(f"unknown time frame {name!r}: did you mean {meant}?")
    if re.fullmatch(rf"([A-Z]+[ _-])?({'|'.join(ACTIVITY)})[ _-]?\d.*", frame, re.IGNORECASE):
        raise ConfigError(
            f"{name!r} is not a time frame: a run replays quotes or bars of a time frame; bars of activity come from"
            " `engine.bars` and `onetape data bars`, for research"
        )
    raise ConfigError(f"unknown time frame {name!r}: {frame_hint(frame)}")


def frame_hint(frame: str) -> str:
    hint = did_you_mean(frame, FRAMES)
    return hint if hint.startswith("did") else f"known: {' '.join(FRAMES)}"


def frame_ns(name: str) -> int:
    """How long a bar of the frame is, in ns (a trading day of 24 hours, a week of 7 days).

    >>> frame_ns("M15") // 60_000_000_000
    15
    """
    return FRAMES[parse_frame(name)]


@lru_cache(maxsize=64)
def parse_day(text: str) -> TradingDay:
    """`17:00 America/New_York` as a TradingDay; ConfigError when it cannot be meant."""
    parts = re.fullmatch(r"\s*(\d{1,2}):(\d{2})\s+(\S.*)", text)
    if not parts or int(parts[1]) > 23 or int(parts[2]) > 59:
        raise ConfigError(f"trading day {text!r} cannot be read: write a time and a zone, like {FX_DAY!r}")
    return TradingDay(parse_zone(parts[3]), (int(parts[1]) * 60 + int(parts[2])) * MINUTE)


def starts_on(day: TradingDay, step: int) -> bool:
    """Does the trading day start on a multiple of `step` ns of the UTC day, winter and summer, from 1990 to 2040?

    >>> starts_on(parse_day("00:00 Asia/Kolkata"), HOUR), starts_on(parse_day("00:00 Asia/Kolkata"), HOUR // 2)
    (False, True)
    """
    half_years = range(7_305 * 86_400, 25_567 * 86_400, 15_778_476)
    return all((day.start - offset_at(day.zone, second)) % step == 0 for second in half_years)


def edges(frame: str, day: str, first_ts: int, last_ts: int) -> np.ndarray:
    """The bounds of every bar from the one that holds `first_ts` to the one that holds `last_ts`.

    int64[bars + 1], ns UTC, rising: bar k covers [edges[k], edges[k + 1]), also where nothing trades.
    """
    frame = parse_frame(frame)
    if last_ts < first_ts:
        raise ConfigError("edges need first_ts <= last_ts")
    if frame in FIXED:
        step = FIXED[frame]
        return np.arange(first_ts // step, last_ts // step + 2, dtype=np.int64) * step
    starts = day_starts(parse_day(day), first_ts, last_ts, weekly=frame == "W1")
    if frame in ("D1", "W1"):
        return starts
    inside = np.arange(0, DAY + 2 * HOUR, DAILY[frame], np.int64)
    grid = starts[:-1, None] + inside
    bounds = np.append(grid[grid < starts[1:, None]], starts[-1])
    low = np.searchsorted(bounds, first_ts, side="right") - 1
    high = np.searchsorted(bounds, last_ts, side="right")
    return np.ascontiguousarray(bounds[low : high + 1])


def day_starts(day: TradingDay, first_ts: int, last_ts: int, weekly: bool = False) -> np.ndarray:
    """The starts of the trading days (or weeks) around [first_ts, last_ts], int64 ns UTC.

    The first is the last one not after `first_ts`, the last the first one after `last_ts`. A start that daylight
    saving skips is where the clock stood an hour before; one that occurs twice is the first.
    """
    step = WEEK if weekly else DAY
    anchor = (FIRST_MONDAY - (DAY if day.named_after_next else 0) if weekly else 0) + day.start
    low, high = utc_to_wall(np.array([first_ts, last_ts]), day.zone)
    walls = anchor + np.arange((low - anchor) // step - 1, (high - anchor) // step + 3, dtype=np.int64) * step
    starts = wall_to_utc(walls, day.zone, gap="shift")
    begin = np.searchsorted(starts, first_ts, side="right") - 1
    end = np.searchsorted(starts, last_ts, side="right")
    return starts[begin : end + 1]
