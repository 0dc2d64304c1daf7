"""Weeks stamped in a wrong zone: they open and close off by the same whole hours.

At the first row after a weekend the opening just seen is compared with the calendar's, and the closing before it. A
shift of whole hours is believed when the closing before it was off by as much, or when it is one hour in a week in
which the United States and Europe have daylight saving apart: such files follow the other continent. A market that
merely quotes early on a Sunday closes on time, and is not flagged.
"""

from __future__ import annotations

import msgspec
import numpy as np

from engine.core.clock import format_ts
from engine.core.zones import DAY, HOUR, SECOND, offset_at, parse_zone
from engine.feeds.quality.week import NEW_YORK, Calendar, doors_near

TOLERANCE = 15 * 60 * SECOND
APART = DAY
"""Rows further apart than this have a weekend between them, or something as long."""
LONDON = parse_zone("Europe/London")


class WeekSeen(msgspec.Struct):
    """Where a week lies against the calendar, in whole hours; None where it cannot be said."""

    first: int
    last: int = 0
    rows: int = 0
    opening: int | None = None
    closing: int | None = None

    @property
    def shift(self) -> int:
        """Hours by which the whole week is off; 0 where opening and closing do not agree."""
        return self.opening if self.opening and self.opening == self.closing else 0

    def told(self) -> str:
        return f"{format_ts(self.first)} to {format_ts(self.last)}: stamps are {self.shift:+d} h off the calendar"


def hours_off(ts: int, door: int | None) -> int | None:
    """Whole hours from the door to a stamp, None where it is no whole number of them, or too many."""
    if door is None:
        return None
    hours = round((ts - door) / HOUR)
    return hours if abs(ts - door - hours * HOUR) <= TOLERANCE and abs(hours) <= 14 else None


def clocks_differ(ts: int) -> bool:
    """Whether New York is not five hours behind London, as it is most of the year."""
    return offset_at(LONDON, ts // SECOND) - offset_at(NEW_YORK, ts // SECOND) != 5 * HOUR


class Weeks:
    """Watches a stream for weekends; `weeks` holds what was seen."""

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self.weeks: list[WeekSeen] = []
        self.believed = False

    def run(self, first: np.ndarray, last: np.ndarray, bit: int, out: np.ndarray) -> None:
        """OR `bit` into the rows of shifted weeks; `first` is where a row begins and `last` where it ends."""
        before = np.r_[self.weeks[-1].last if self.weeks else first[0] - 2 * DAY, last[:-1]]
        starts = np.flatnonzero(first - before > APART).tolist()
        for k, at in enumerate([0, *starts]):
            until = starts[k] if k < len(starts) else len(first)
            if k:
                self.start(int(before[at]), int(first[at]))
            if until > at:
                self.weeks[-1].rows += until - at
                self.weeks[-1].last = int(last[until - 1])
                if self.believed:
                    out[at:until] |= bit

    def start(self, closed: int, opened: int) -> None:
        """A weekend lies between two rows."""
        came_before = None
        if self.weeks:
            came_before = self.weeks[-1].closing = hours_off(closed, doors_near(self.calendar, closed)[1])
        opening = hours_off(opened, doors_near(self.calendar, opened)[0])
        self.weeks.append(WeekSeen(opened, opened, opening=opening))
        one_hour = opening in (-1, 1) and clocks_differ(opened)
        self.believed = bool(opening) and (opening == came_before or one_hour)

    def finish(self) -> list[WeekSeen]:
        """Every week; the last one's closing is judged as if the data ended with the week."""
        if self.weeks and self.weeks[-1].closing is None:
            self.weeks[-1].closing = hours_off(self.weeks[-1].last, doors_near(self.calendar, self.weeks[-1].last)[1])
        return self.weeks
