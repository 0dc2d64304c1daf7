"""Wall time to UTC and back, for whole columns: IANA zones, fixed offsets and broker rules.

    UTC   Europe/Athens   America/New_York   UTC-05:00   ny+7 (New York wall time plus seven hours, all year)

Many MT5 brokers run their server on New York time plus seven hours, so that the day ends at 17:00 New York: `ny+7`
follows the United States' daylight saving days, `Europe/Athens` the European ones; some weeks a year they differ.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np

from engine.core.errors import ConfigError, DataError
from engine.core.registry import did_you_mean

SECOND = 1_000_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Zone:
    """A rule for wall time: that of `zone`, plus `shift` ns."""

    name: str
    zone: tzinfo
    shift: int = 0


@lru_cache(maxsize=64)
def parse_zone(text: str) -> Zone:
    """The zone a text names; ConfigError with the nearest name when there is none.

    >>> parse_zone("ny+7").shift == 7 * HOUR
    True
    """
    name = text.strip()
    if broker := re.fullmatch(r"(?i)ny\s*([+-]\s*\d{1,2})", name):
        return Zone(name, ZoneInfo("America/New_York"), int(broker[1].replace(" ", "")) * HOUR)
    if name.upper() in ("UTC", "Z", "GMT"):
        return Zone("UTC", UTC)
    if fixed := re.fullmatch(r"(?i)(?:UTC|GMT)\s*([+-])(\d{1,2})(?::?([0-5]\d))?", name):
        minutes = int(fixed[2]) * 60 + int(fixed[3] or 0)
        if minutes < 24 * 60:
            return Zone(name, timezone(timedelta(minutes=minutes if fixed[1] == "+" else -minutes)))
    try:
        return Zone(name, ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        hint = did_you_mean(name, available_timezones()) if name else "name one"
        hint = hint if hint.startswith("did") else "write UTC, an IANA name like Europe/Athens, UTC-05:00 or ny+7"
        raise ConfigError(f"unknown time zone {text!r}: {hint}") from None


def utc_to_wall(ts: np.ndarray, zone: Zone) -> np.ndarray:
    """int64 ns UTC to int64 ns of the clock on the wall."""
    ts = np.asarray(ts, np.int64)
    if not len(ts):
        return ts.copy()
    instants, offsets = offset_table(zone, int(ts.min()), int(ts.max()))
    return ts + offsets[np.searchsorted(instants, ts, side="right")]


def wall_to_utc(wall: np.ndarray, zone: Zone, after: int | None = None, gap: str = "error") -> np.ndarray:
    """int64 ns of the clock on the wall, in the order of the source, to int64 ns UTC.

    In the hour that occurs twice a row is the first occurrence unless time would run backwards; `after` is the UTC of
    the row before these. A wall time that never occurred is a DataError naming the first such row, or with
    `gap="shift"` is read as if the clock had not been put forward.
    """
    wall = np.asarray(wall, np.int64)
    if not len(wall):
        return wall.copy()
    instants, offsets = offset_table(zone, int(wall.min()) - DAY, int(wall.max()) + DAY)
    before, behind = instants + offsets[:-1], instants + offsets[1:]
    early = np.searchsorted(np.maximum(before, behind), wall, side="right")
    late = np.searchsorted(np.minimum(before, behind), wall, side="right")
    utc = wall - offsets[early]
    unsure = np.flatnonzero(early != late)
    if not len(unsure):
        return utc
    forward = offsets[late[unsure]] > offsets[early[unsure]]
    if gap == "error" and forward.any():
        row = int(unsure[forward][0])
        raise DataError(
            f"row {row + 1}: wall time {np.datetime64(int(wall[row]), 'ns').astype('datetime64[s]')} never occurred in "
            f"{zone.name} (the clock was put forward); is the zone right?"
        )
    for change in np.unique(early[unsure[~forward]]):
        rows = unsure[~forward & (early[unsure] == change)]
        earlier = int(utc[rows[0] - 1]) if rows[0] else after
        seen = np.maximum.accumulate(np.r_[utc[rows[0]] if earlier is None else earlier, utc[rows]])[:-1]
        back = np.flatnonzero(utc[rows] < seen)
        if len(back):
            rows = rows[back[0] :]
            utc[rows] = wall[rows] - offsets[late[rows]]
    return utc


def offset_table(zone: Zone, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """(instants[k], offsets[k + 1]) in ns: offsets[i] holds up to instants[i], the last one after it."""
    years = range(
        (EPOCH + timedelta(seconds=first // SECOND)).year, (EPOCH + timedelta(seconds=last // SECOND)).year + 1
    )
    start = changes_of_year(zone, years[0])[0]
    changes = [change for year in years for change in changes_of_year(zone, year)[1]]
    offsets = np.array([start, *(offset for _, offset in changes)], np.int64)
    return np.array([instant for instant, _ in changes], np.int64), offsets


@lru_cache(maxsize=1024)
def changes_of_year(zone: Zone, year: int) -> tuple[int, tuple[tuple[int, int], ...]]:
    """The offset at the start of a UTC year, and every (instant, offset from then on) in it."""
    end = (datetime(year + 1, 1, 1, tzinfo=UTC) - EPOCH).days * 86_400
    here = (datetime(year, 1, 1, tzinfo=UTC) - EPOCH).days * 86_400
    start = now = offset_at(zone, here)
    found = []
    while here < end:
        step = min(here + 86_400, end)
        if (then := offset_at(zone, step)) != now:
            low, high = here, step
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset_at(zone, middle) == now else (low, middle)
            if high < end:
                found.append((high * SECOND, then))
            now = then
        here = step
    return start, tuple(found)


def offset_at(zone: Zone, second: int) -> int:
    """Wall time minus UTC, in ns, at a second of UTC."""
    there = (EPOCH + timedelta(seconds=second)).astimezone(zone.zone).utcoffset()
    assert there is not None
    return round(there.total_seconds()) * SECOND + zone.shift


def reach(wall: np.ndarray, zone: Zone) -> np.ndarray:
    """The first instant at which the clock on the wall shows each time or a later one; int64 ns UTC.

    Where the clock is put forward over it, that is the moment of the change; where it occurs twice, the first time.
    Unlike `wall_to_utc` each time is taken for itself: these are appointments, not rows of a source.
    """
    wall = np.asarray(wall, np.int64)
    if not len(wall):
        return wall.copy()
    instants, offsets = offset_table(zone, int(wall.min()) - DAY, int(wall.max()) + DAY)
    piece = np.searchsorted(instants + offsets[:-1], wall, side="right")
    begin = np.r_[np.iinfo(np.int64).min, instants]
    return np.maximum(wall - offsets[piece], begin[piece])


def leave(wall: np.ndarray, zone: Zone) -> np.ndarray:
    """The instant from which on the clock on the wall shows each time or a later one for good; int64 ns UTC.

    As `reach`, but of a time that occurs twice the second: what ends there ends once.
    """
    wall = np.asarray(wall, np.int64)
    if not len(wall):
        return wall.copy()
    instants, offsets = offset_table(zone, int(wall.min()) - DAY, int(wall.max()) + DAY)
    piece = np.searchsorted(instants + offsets[1:], wall, side="left")
    end = np.r_[instants, np.iinfo(np.int64).max]
    return np.minimum(wall - offsets[piece], end[piece])
