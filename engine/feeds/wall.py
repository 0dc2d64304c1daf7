"""On whose clock were these rows stamped? The weekend tells: every market's week has edges whose instant is known.

Currencies trade from Sunday 17:00 to Friday 17:00 in New York, metals and index futures from 18:00; so the first and
the last row of each week show how far the source's clock is from UTC, to half an hour. Which zone has these offsets on
all weekends is the zone; the weeks between the American and the European change of clocks tell `ny+7` from
Europe/Athens. Weeks that disagree with the rest are named: a source that changed its mind stamped them.

A server whose week begins on Monday at 00:00 shows nothing of an hour in which the market was open before: a first row
at exactly that time agrees with a zone in which the market opened an hour earlier.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from engine.core.clock import format_ts
from engine.core.errors import ConfigError, DataError
from engine.core.frames import FIRST_MONDAY, FRAMES, MINUTE, WEEK
from engine.core.instrument import instrument
from engine.core.sessions import FX_WEEK, parse_sessions
from engine.core.zones import DAY, HOUR, Zone, parse_zone, utc_to_wall
from engine.feeds.catalogue import dataset
from engine.feeds.importers.options import Options
from engine.feeds.lineage import Lineage, source_time

WEEKS = (FX_WEEK, "Sun 18:00-Fri 17:00 America/New_York")
ZONES = (
    "UTC", "America/New_York", "ny+7", "Europe/Athens", "Europe/London", "Europe/Berlin", "Europe/Moscow",
    "America/Chicago", "Asia/Tokyo", "Australia/Sydney",
)  # fmt: skip
STEP = 30 * MINUTE
WEST, EAST = -12 * HOUR, 14 * HOUR
SURE = 0.6
"""Share of the edges that must agree."""
LEAST = 4
"""Edges from which on a fixed offset may be the answer: one hole has two that always agree on one."""


class Edge(msgspec.Struct, frozen=True):
    """The first or last row of a week: when the market opened or closed, UTC, and what the source's clock showed."""

    utc: int
    wall: int
    opening: bool = False

    @property
    def offset(self) -> int:
        """Of the source's clock from UTC, to half an hour."""
        return round((self.wall - self.utc) / STEP) * STEP


class Odd(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch stamped otherwise than the rest: its first and last stamp as written, and by how much."""

    first: str
    last: str
    hours: float


class Clock(msgspec.Struct, kw_only=True):
    """The zone that fits best (empty: none does), all that fit as well, and why: `matched` of `edges` of weeks."""

    zone: str
    fits: list[str]
    matched: int
    edges: int
    week: str
    odd: list[Odd]
    tried: dict[str, int]


def find_clock(wall: np.ndarray, length: int, hours: str = "") -> Clock:
    """The zone of stamps as they were written (int64 ns, of bar opens or quotes; `length` of the bars, 0 for quotes).

    `hours` are the market's sessions where they are known: they are tried beside those of currencies and futures.
    DataError where there is no weekend to go by.
    """
    if length > HOUR:
        raise ConfigError("the weekend tells a zone to half an hour: that takes H1 bars, shorter ones or quotes")
    stamps = np.unique(np.asarray(wall, np.int64))
    found: list[Clock] = []
    for week in dict.fromkeys([*WEEKS, hours] if hours else WEEKS):
        seen = list(edges_of(stamps, length, week))
        if len(seen) >= 2:
            found.append(best(seen, week))
    if not found and hours and len(seen := list(breaks_of(stamps, length, hours))) >= 2:
        found.append(best(seen, hours))
    if not found:
        raise DataError(
            "no weekend and no daily break is in these rows: nothing tells on whose clock they were stamped"
        )
    return max(found, key=lambda one: one.matched)


def edges_of(stamps: np.ndarray, length: int, week: str) -> Iterator[Edge]:
    """Every edge of a week that the rows show: before and after each hole that can be the weekend."""
    holes = np.flatnonzero(np.diff(stamps) - length >= 24 * HOUR)
    if 2 * len(holes) < (stamps[-1] - stamps[0]) // WEEK:
        holes = np.flatnonzero(np.diff(stamps) - length >= 45 * MINUTE)
    opens, closes = parse_sessions(week).spans(int(stamps[0]) - 9 * DAY, int(stamps[-1]) + 9 * DAY)
    rest = opens[1:] - closes[:-1] >= 24 * HOUR
    if rest.any():
        yield from matched(stamps, holes, length, opens[1:][rest], closes[:-1][rest])


def breaks_of(stamps: np.ndarray, length: int, hours: str) -> Iterator[Edge]:
    """The edges of the daily breaks that a market's hours have, as metals do: for rows within one week."""
    holes = np.flatnonzero((np.diff(stamps) - length >= 45 * MINUTE) & (np.diff(stamps) - length < 3 * HOUR))
    opens, closes = parse_sessions(hours).spans(int(stamps[0]) - 4 * DAY, int(stamps[-1]) + 4 * DAY)
    short = opens[1:] - closes[:-1] < 3 * HOUR
    if short.any():
        yield from matched(stamps, holes, length, opens[1:][short], closes[:-1][short])


def matched(
    stamps: np.ndarray, holes: np.ndarray, length: int, opens: np.ndarray, closes: np.ndarray
) -> Iterator[Edge]:
    """Both ends of each hole with the nearest instant that can be theirs."""
    for row in holes.tolist():
        last, first = int(stamps[row]) + length, int(stamps[row + 1])
        for stamp, instants in ((last, closes), (first, opens)):
            nearest = int(instants[np.argmin(np.abs(instants - stamp))])
            if WEST - STEP < stamp - nearest < EAST + STEP:
                yield Edge(nearest, stamp, stamp == first)


def best(seen: list[Edge], week: str) -> Clock:
    """The candidate with which most edges agree; named zones before fixed offsets."""
    common = [offset for offset, _ in Counter(edge.offset for edge in seen).most_common(2)]
    names = [*ZONES, *(fixed(offset) for offset in common if offset and len(seen) >= LEAST)]
    tried = {name: sum(off(edge, parse_zone(name)) == 0 for edge in seen) for name in names}
    most = max(tried.values())
    fits = [name for name in names if tried[name] == most]
    zone = fits[0] if most >= SURE * len(seen) else ""
    strays = list(odd(seen, parse_zone(zone))) if zone else []
    ranked = dict(sorted(tried.items(), key=lambda item: -item[1])[:5])
    return Clock(
        zone=zone, fits=fits if zone else [], matched=most, edges=len(seen), week=week, odd=strays, tried=ranked
    )


def odd(seen: list[Edge], zone: Zone) -> Iterator[Odd]:
    """Runs of two edges and more that are off by the same amount: whole weeks, not an early close or a late opening."""
    shifts = [off(edge, zone) for edge in seen]
    start = 0
    for row in range(1, len(seen) + 1):
        if row == len(seen) or shifts[row] != shifts[start]:
            if shifts[start] and row - start >= 2:
                first, last = format_ts(seen[start].wall), format_ts(seen[row - 1].wall)
                yield Odd(first=first, last=last, hours=shifts[start] / HOUR)
            start = row


def off(edge: Edge, zone: Zone) -> int:
    """By how much the source's clock is ahead of that of `zone` at an edge, ns; 0 where both agree."""
    at = np.array([edge.utc])
    shift = edge.offset - int((utc_to_wall(at, zone) - at)[0])
    return 0 if shift == HOUR and edge.opening and (edge.wall - FIRST_MONDAY) % WEEK == 0 else shift


def fixed(offset: int) -> str:
    """A fixed offset's name: UTC-05:00."""
    minutes = abs(offset) // MINUTE
    return f"UTC{'-' if offset < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def suggest(name: str, options: Options = Options(), format: str | None = None) -> dict[str, Any]:  # noqa: B008 - frozen
    """The clock of a file, or of a dataset of the catalogue, whose lineage says on which it was read."""
    path = Path(name)
    lineage, wall = of_file(path, options, format) if path.is_file() else of_dataset(name)
    length = FRAMES[lineage.frame] if lineage.frame else 0
    try:
        hours = instrument(lineage.symbol).sessions
    except ConfigError:
        hours = ""
    clock = find_clock(wall, length, hours)
    said = "" if path.is_file() else lineage.zone
    return {"name": name, "said": said, **msgspec.to_builtins(clock), "rows": len(wall)}


def of_dataset(name: str) -> tuple[Lineage, np.ndarray]:
    data = dataset(name)
    return data.lineage, np.concatenate([opens(data.lineage, columns) for columns in data.read()])


def of_file(path: Path, options: Options, format: str | None) -> tuple[Lineage, np.ndarray]:
    """The stamps of a file as they stand in it."""
    from engine.feeds.importers.formats import open_file
    from engine.feeds.importers.tables import bare_name

    word = bare_name(path).replace("-", "_").upper().split("_")[0]
    come = open_file(path, replace(options, zone="UTC", symbol=options.symbol or word), format)
    return come.lineage, np.concatenate([opens(come.lineage, columns) for columns in come.chunks])


def opens(lineage: Lineage, columns: dict[str, np.ndarray]) -> np.ndarray:
    wall = source_time(lineage, columns)
    return wall - FRAMES[lineage.frame] if lineage.stamps == "close" else wall
