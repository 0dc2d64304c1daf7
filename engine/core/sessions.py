"""When a market is open: weekly sessions on the wall of a zone, less holidays; right through every change of clocks.

    24/7
    Sun 17:00-Fri 17:00 America/New_York                       the currency week
    Sun 18:00-Fri 17:00, break 17:00-18:00 America/New_York    metals: closed an hour a day
    Mon-Fri 09:30-16:00 America/New_York                       shares
    Mon 00:05-Fri 23:55, break 23:58-00:02 ny+7                a broker's server

Times are half-open: at 17:00:00 a market that trades until 17:00 is closed. Holidays are dates on the same wall, whole
or in part, of one year or of every year:

    2025-12-25    12-25    2025-12-24 13:00-24:00    2025-12-24 17:00 - 2025-12-25 17:00

A time that daylight saving skips opens or closes where the clock jumps over it; of a time that occurs twice a session
opens at the first and closes at the second.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from engine.core.errors import ConfigError
from engine.core.frames import FIRST_MONDAY, FX_DAY, MINUTE, WEEK, edges
from engine.core.zones import DAY, SECOND, Zone, leave, parse_zone, reach, utc_to_wall

NEVER = int(np.iinfo(np.int64).max)
"""Where a market does not open, or close, again."""
HORIZON = 6 * 366 * DAY
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOCK = r"(\d{1,2}:\d\d(?::\d\d)?)"
NAME = r"([A-Za-z]{3,9})"
Spans = list[tuple[int, int]]
"""Stretches of time as (start, end), ns, rising and apart."""


@dataclass(frozen=True)
class Sessions:
    """Open from start to end, ns after Monday 00:00 on the wall of `zone`; `closed` are holidays as written."""

    zone: Zone
    weekly: tuple[tuple[int, int], ...]
    closed: tuple[str, ...] = ()

    @property
    def always(self) -> bool:
        return self.weekly == ((0, WEEK),) and not self.closed

    def is_open(self, ts: object) -> np.ndarray:
        """bool per moment, int64 ns UTC.

        >>> fx = parse_sessions("Sun 17:00-Fri 17:00 America/New_York")
        >>> fx.is_open(np.array(["2019-02-08T21:59", "2019-02-08T22:00"], "M8[ns]").astype(np.int64)).tolist()
        [True, False]
        """
        when = np.asarray(ts, np.int64)
        if not when.size:
            return np.zeros(when.shape, bool)
        opens, closes = self.around(int(when.min()), int(when.max()))
        at = np.searchsorted(opens, when, side="right") - 1
        return (at >= 0) & (when < np.r_[closes, 0][at])

    def spans(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Every open stretch within [first, last): (opens, closes), int64 ns UTC, rising; for kernels."""
        opens, closes = self.around(first, last)
        opens, closes = np.maximum(opens, first), np.minimum(closes, last)
        return opens[opens < closes], closes[opens < closes]

    def next_open(self, ts: int) -> int:
        """When trading begins next, after `ts`; NEVER if it does not within six years."""
        return self.ahead(ts, 0)

    def next_close(self, ts: int) -> int:
        """When trading ends next, after `ts`; NEVER if it does not within six years."""
        return self.ahead(ts, 1)

    def expected_bars(self, first: int, last: int, frame: str, day: str = FX_DAY) -> np.ndarray:
        """The opening times in [first, last) of the bars during which the market is open, if only for a part."""
        if last <= first:
            return np.zeros(0, np.int64)
        bounds = edges(frame, day, first, last - 1)
        opens, closes = self.around(int(bounds[0]), int(bounds[-1]))
        before = np.searchsorted(closes, bounds[:-1], side="right")
        there = before < np.searchsorted(opens, bounds[1:], side="left")
        begun = bounds[:-1][there]
        return begun[(begun >= first) & (begun < last)]

    def around(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Open stretches of all weeks that touch [first, last], a week on either side too."""
        wall = utc_to_wall(np.array([first, last]), self.zone)
        return weeks(self, int(wall[0] - FIRST_MONDAY) // WEEK - 1, int(wall[1] - FIRST_MONDAY) // WEEK + 2)

    def ahead(self, ts: int, side: int) -> int:
        reached = 0 if self.always else 2 * WEEK
        while 0 < reached <= HORIZON:
            found = self.around(ts, ts + reached)[side]
            place = int(np.searchsorted(found, ts, side="right"))
            if place < len(found) and found[place] < ts + reached:
                return int(found[place])
            reached *= 4
        return NEVER


@lru_cache(maxsize=256)
def weeks(sessions: Sessions, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """Open stretches of the weeks first..last-1 (0 is that of 1970-01-05), in UTC; read-only."""
    low = FIRST_MONDAY + first * WEEK
    open_walls = merged([
        (FIRST_MONDAY + week * WEEK + start, FIRST_MONDAY + week * WEEK + end)
        for week in range(first - 2, last)
        for start, end in sessions.weekly
    ])  # fmt: skip
    years = (
        np.array([low - 2 * WEEK, FIRST_MONDAY + (last + 2) * WEEK]).view("M8[ns]").astype("M8[Y]").astype(int) + 1970
    )
    shut = [span for text in sessions.closed for span in holiday(text, range(int(years[0]) - 1, int(years[1]) + 1))]
    open_walls = without(open_walls, merged(shut))
    opens = reach(np.array([start for start, _ in open_walls], np.int64), sessions.zone)
    closes = leave(np.array([end for _, end in open_walls], np.int64), sessions.zone)
    opens, closes = opens[opens < closes], closes[opens < closes]
    for column in (opens, closes):
        column.flags.writeable = False
    return opens, closes


@lru_cache(maxsize=256)
def parse_sessions(text: str, holidays: Sequence[str] = ()) -> Sessions:
    """Sessions as written above (holidays as a tuple); ConfigError when they cannot be meant."""
    for one in holidays:
        holiday(one, range(2024, 2025))
    if text.strip() == "24/7":
        return Sessions(parse_zone("UTC"), ((0, WEEK),), tuple(holidays))
    hours, _, zone = text.strip().rpartition(" ")
    spans: Spans = []
    breaks: Spans = []
    for item in hours.split(","):
        (breaks if item.strip().lower().startswith("break") else spans).extend(stretches(item.strip(), text))
    if not spans:
        raise unreadable(text)
    weekly = without(folded(spans), folded(breaks))
    if not weekly:
        raise ConfigError(f"sessions {text!r} are never open")
    return Sessions(parse_zone(zone), tuple(weekly), tuple(holidays))


def stretches(item: str, text: str) -> Spans:
    """One item of a week: `Sun 17:00-Fri 17:00`, `Mon-Fri 09:30-16:00`, `Sat 10:00-12:00` or `break 17:00-18:00`."""
    if found := re.fullmatch(rf"{NAME} {CLOCK}\s*-\s*{NAME} {CLOCK}", item):
        start = day_number(found[1], text) * DAY + clock(found[2], text)
        length = (day_number(found[3], text) * DAY + clock(found[4], text) - start) % WEEK
        return [(start, start + (length or WEEK))]
    if found := re.fullmatch(rf"{NAME}(?:\s*-\s*{NAME})? {CLOCK}\s*-\s*{CLOCK}", item):
        first, begin, end = found[1], clock(found[3], text), clock(found[4], text)
        if found[1].lower() == "break":
            days = list(range(7))
        else:
            one = day_number(first, text)
            days = [(one + k) % 7 for k in range((day_number(found[2] or first, text) - one) % 7 + 1)]
        end += DAY if end <= begin else 0
        return [(day * DAY + begin, day * DAY + end) for day in days]
    raise unreadable(text)


def folded(spans: Spans) -> Spans:
    """Into one week from Monday: what runs over its end goes on at its start."""
    cut = [(start, min(end, WEEK)) for start, end in spans]
    return merged(cut + [(0, end - WEEK) for _, end in spans if end > WEEK])


def merged(spans: Spans) -> Spans:
    """Rising and apart: those that touch or overlap are one."""
    found: Spans = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def without(spans: Spans, shut: Spans) -> Spans:
    """What is left of `spans` (rising and apart, as `shut`) outside `shut`."""
    left: Spans = []
    at = 0
    for start, end in spans:
        while at < len(shut) and shut[at][1] <= start:
            at += 1
        for begin, over in shut[at:]:
            if begin >= end:
                break
            if begin > start:
                left.append((start, begin))
            start = max(start, over)
        if start < end:
            left.append((start, end))
    return left


def holiday(text: str, years: range) -> Spans:
    """A holiday's stretches on the wall; one without a year comes in each of `years`."""
    date = r"((?:\d{4}-)?\d\d-\d\d)"
    found = re.fullmatch(rf"{date}(?: {CLOCK}\s*-\s*(?:{date} )?{CLOCK})?", text.strip())
    if not found:
        raise ConfigError(f"holiday {text!r} cannot be read: write 2025-12-25, 12-25 or 2025-12-24 13:00-24:00")
    first, begin, second, end = found.groups()
    spans: Spans = []
    for year in years if first[4:5] != "-" else [int(first[:4])]:
        start = midnight(first, year, text)
        if start is None:
            continue
        over = start if not second else midnight(second, year, text)
        over = over if over is None or over >= start else midnight(second, year + 1, text)
        if over is None:
            continue
        start, over = (start + clock(begin, text), over + clock(end, text)) if begin else (start, start + DAY)
        if over <= start:
            raise ConfigError(f"holiday {text!r} ends before it begins")
        spans.append((start, over))
    return spans


def midnight(date: str, year: int, text: str) -> int | None:
    """ns of the wall at 00:00 of `2025-12-25` or `12-25`; None for a 29th of February that is not there."""
    try:
        return int(np.datetime64(date if len(date) > 5 else f"{year:04d}-{date}", "ns").astype(np.int64))
    except ValueError:
        if date.endswith("02-29") and len(date) == 5:
            return None
        raise ConfigError(f"holiday {text!r}: there is no {date}") from None


def day_number(name: str, text: str) -> int:
    if name[:3].lower() not in DAYS:
        raise unreadable(text)
    return DAYS.index(name[:3].lower())


def clock(text: str, whole: str) -> int:
    hour, minute, second = (int(part) for part in [*text.split(":"), "0"][:3])
    if hour > 24 or minute > 59 or second > 59 or (hour == 24 and minute + second):
        raise ConfigError(f"{whole!r}: there is no {text}")
    return hour * 60 * MINUTE + minute * MINUTE + second * SECOND


def unreadable(text: str) -> ConfigError:
    return ConfigError(
        f"sessions {text!r} cannot be read: write 24/7, 'Sun 17:00-Fri 17:00 America/New_York' or "
        f"'Mon-Fri 09:30-16:00, break 12:00-13:00 Europe/Berlin'"
    )


FX_WEEK = "Sun 17:00-Fri 17:00 America/New_York"
NAMED = {
    "sydney": "Mon-Fri 07:00-16:00 Australia/Sydney",
    "tokyo": "Mon-Fri 09:00-18:00 Asia/Tokyo",
    "london": "Mon-Fri 08:00-17:00 Europe/London",
    "new_york": "Mon-Fri 08:00-17:00 America/New_York",
}
"""The four trading centres of the currency day, on their own clocks."""


def active(ts: object) -> dict[str, np.ndarray]:
    """Which centres trade at each moment (int64 ns UTC): name to bool array; two at once is an overlap."""
    return {name: parse_sessions(text).is_open(ts) for name, text in NAMED.items()}
