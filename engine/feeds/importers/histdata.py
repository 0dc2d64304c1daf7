"""HistData files: minutes `20180101 170000;open;high;low;close;volume`, ticks `20180101 170000123,bid,ask,volume`.

The vendor documents EST (UTC-05:00) all year. In fact most files are stamped in New York wall time, and some weeks in
which Europe's clocks are already or still on the other side are an hour early. The market tells which: it opens at
17:00 New York on Sunday and closes at 17:00 on Friday. In each week of daylight saving a first row before 17:00 on
Sunday is UTC-05:00, a last row at 16:00 or later on Friday is New York; a week that shows neither follows the one
before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from engine.core.errors import ConfigError
from engine.core.frames import WEEK
from engine.core.zones import DAY, HOUR, parse_zone, wall_to_utc
from engine.feeds.importers.convert import Converter, symbol_of
from engine.feeds.importers.incoming import incoming, types_of
from engine.feeds.importers.options import Incoming, Options
from engine.feeds.importers.roles import find_roles
from engine.feeds.importers.sample import Sample
from engine.feeds.importers.tables import Layout, layout_of, parquet_metadata, read_parquet
from engine.feeds.importers.text import read_csv

N = r"\d+(?:\.\d+)?"
MINUTES, TICKS = rf"\d{{8}} \d{{6}}(?:;{N}){{5}}", rf"\d{{8}} \d{{9}}(?:,{N}){{3}}"
SATURDAY_NOON = 2 * DAY + 12 * HOUR
NEW_YORK, EST = "America/New_York", "UTC-05:00"


def fits(sample: Sample) -> bool:
    return bool(re.fullmatch(f"{MINUTES}|{TICKS}", sample.first))


def histdata(path: Path, options: Options) -> Incoming:
    """Bid minutes or quotes; the zone is found in the file unless it is said. Also of files converted to Parquet."""
    options = replace(options, symbol=options.symbol or symbol_of(path))
    layout = None if Sample(path).magic.startswith(b"PAR1") else headed(path)
    headers = layout.headers if layout else parquet_metadata(path).schema.to_arrow_schema().names
    roles = find_roles(headers, options.columns, str(path))
    roles.pop("volume", None)  # always 0: not recorded

    def batches(names: list[str], clock: Converter) -> Iterator[pa.RecordBatch]:
        if layout:
            types = types_of({r: h for r, h in roles.items() if h in names})
            return read_csv(path, layout, types, clock.reader, clock.clocks)
        return read_parquet(path, names)

    converter = Converter(path, roles, options)
    if not options.zone:
        clock = Converter(path, roles, options)
        parts = [clock.wall(batch.column(0))[0] for batch in batches([roles["time"]], clock)]
        weeks, early, decided = weeks_early(np.concatenate(parts) if parts else np.zeros(0, np.int64))
        if not decided:
            raise ConfigError(f"{path}: no week shows whether stamps are New York time or UTC-05:00: say --tz")
        name = EST if len(weeks) and early.all() else NEW_YORK
        if name == NEW_YORK and early.any():
            converter.to_utc = by_week(set(weeks[early].tolist()))
            first = np.datetime64(int(weeks[early][0]) * WEEK + SATURDAY_NOON, "ns").astype("M8[D]") + 1
            converter.notes.append(f"{int(early.sum())} of {len(weeks)} weeks are stamped UTC-05:00, first {first}")
        converter.zone = parse_zone(name)
    return incoming(path, converter, batches(list(roles.values()), converter), options)


def headed(path: Path) -> Layout:
    layout = layout_of(path)
    names = ("time", "open", "high", "low", "close", "volume")
    return replace(layout, headers=names if len(layout.headers) == 6 else ("time", "bid", "ask", "volume"))


def week_of(wall: np.ndarray) -> np.ndarray:
    """The number of the trading week of each stamp; weeks change on Saturday noon."""
    return (wall - SATURDAY_NOON) // WEEK


def weeks_early(wall: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
    """(weeks, bool per week: stamped UTC-05:00 while New York has daylight saving, whether any week could tell).

    Without a week of daylight saving both readings are the same, and that is as good as told.
    """
    number = week_of(wall)
    weeks = np.unique(number)
    early, told, summer = np.zeros(len(weeks), bool), np.zeros(len(weeks), bool), np.zeros(len(weeks), bool)
    for i, week in enumerate(weeks.tolist()):
        inside = wall[number == week]
        sunday = week * WEEK + SATURDAY_NOON + 12 * HOUR
        noon = np.array([sunday + 36 * HOUR])
        summer[i] = int((noon - wall_to_utc(noon, parse_zone(NEW_YORK)))[0]) == -4 * HOUR
        starts_early = sunday <= inside.min() < sunday + 17 * HOUR
        ends_late = sunday + 5 * DAY + 16 * HOUR <= inside.max()
        told[i] = summer[i] and starts_early != ends_late
        early[i] = told[i] and starts_early
    places = np.where(told, np.arange(len(weeks)), -1)
    before = np.maximum.accumulate(places) if len(places) else places
    after = np.minimum.accumulate(np.where(told, np.arange(len(weeks)), len(weeks))[::-1])[::-1]
    near = np.where(before >= 0, before, after)
    follows = summer & ~told & (near < len(weeks)) & (near >= 0)
    early[follows] = early[near[follows]]
    if early.any() and early[summer].all():
        early[:] = True
    return weeks, early, bool(told.any() or not summer.any())


class by_week:
    """Wall stamps to UTC with some weeks in UTC-05:00 and the others in New York."""

    def __init__(self, early: set[int]) -> None:
        self.early = np.array(sorted(early), np.int64)

    def __call__(self, wall: np.ndarray, after: int | None) -> np.ndarray:
        fixed = np.isin(week_of(wall), self.early)
        utc = wall + 5 * HOUR
        utc[~fixed] = wall_to_utc(wall[~fixed], parse_zone(NEW_YORK), after=after)
        return utc
