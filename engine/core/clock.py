"""Time as people write it, and the only place that reads the clock on the wall.

Everything inside is int64 ns UTC. Engine code never asks what time it is: it is told (see the journal law); only the
edges (run folders, progress, live adapters) call `wall_ns`.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from engine.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from engine.core.zones import Zone

SECOND = 1_000_000_000
FORMS = '"2019-02-04", "2019-02-04 10:00", "2019-02-04 10:00:00.250" or with its own offset "2019-02-04T10:00Z"'
TIME = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d?)(?:-(?P<day>\d\d?)"
    r"(?:[T ]+(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<part>\d{1,9}))?)?"
    r"\s*(?P<offset>Z|UTC|[+-]\d\d:?\d\d)?)?)?)?"
)
FIRST_DAY = date(1970, 1, 1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def wall_ns() -> int:
    """The time now, int64 ns UTC."""
    return time.time_ns()


def parse_time(text: str, zone: str = "UTC") -> int:
    """A moment written as people do, on the wall of `zone` unless it carries an offset; int64 ns UTC.

    In the hour that daylight saving repeats the first is meant; a time that it skips is a ConfigError.

    >>> parse_time("1970-01-02 01:00")
    90000000000000
    >>> parse_time("1970-01-02", "America/New_York") // SECOND // 3600
    29
    """
    found = TIME.fullmatch(text.strip())
    if not found:
        raise ConfigError(f"time {text!r} cannot be read: write {FORMS}")
    wall = _wall(text, found)
    offset = found["offset"]
    if offset in ("Z", "UTC"):
        return wall
    if offset:
        minutes = int(offset[1:3]) * 60 + int(offset[-2:])
        return wall - (minutes if offset[0] == "+" else -minutes) * 60 * SECOND
    if zone == "UTC":
        return wall
    import numpy as np

    from engine.core.zones import parse_zone, wall_to_utc

    try:
        return int(wall_to_utc(np.array([wall]), parse_zone(zone))[0])
    except DataError:
        raise ConfigError(f"time {text!r} never occurred in {zone}: the clock was put forward") from None


def _wall(text: str, found: re.Match[str]) -> int:
    """int64 ns of the clock on the wall."""
    try:
        day = datetime(int(found["year"]), int(found["month"] or 1), int(found["day"] or 1))
        clock = timedelta(hours=int(found["hour"] or 0), minutes=int(found["minute"] or 0))
        if int(found["hour"] or 0) > 23 or int(found["minute"] or 0) > 59 or int(found["second"] or 0) > 59:
            raise ValueError("hours end at 23, minutes and seconds at 59")
    except ValueError as error:
        raise ConfigError(f"time {text!r} does not exist: {error}") from None
    if not 1678 <= day.year <= 2261:
        raise ConfigError(f"time {text!r} is outside the years 1678 to 2261")
    seconds = (day.date() - FIRST_DAY).days * 86_400 + int(clock.total_seconds()) + int(found["second"] or 0)
    return seconds * SECOND + int((found["part"] or "0").ljust(9, "0"))


def format_ts(ts: int, zone: str | Zone = "UTC") -> str:
    """A moment on the wall of `zone`, to the second, or finer where the moment is.

    >>> format_ts(90_000_000_000_000)
    '1970-01-02 01:00:00'
    >>> format_ts(1_500_000_000, "America/New_York")
    '1969-12-31 19:00:01.5'
    """
    return shown(ts if zone == "UTC" else on_wall(ts, zone), " ")


def on_wall(ts: int, zone: str | Zone) -> int:
    """A moment, int64 ns UTC, as int64 ns of the clock on the wall."""
    import numpy as np

    from engine.core.zones import parse_zone, utc_to_wall

    rule = parse_zone(zone) if isinstance(zone, str) else zone
    return int(utc_to_wall(np.array([ts]), rule)[0])


def shown(wall: int, between: str) -> str:
    seconds, part = divmod(int(wall), SECOND)
    there = (EPOCH + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat(between)
    return there + (f".{part:09d}".rstrip("0") if part else "")


def iso(ts: int) -> str:
    """A moment as ISO 8601 in UTC, to the second or finer: what files and programs get.

    >>> iso(90_000_000_000_000)
    '1970-01-02T01:00:00Z'
    """
    return shown(ts, "T") + "Z"
