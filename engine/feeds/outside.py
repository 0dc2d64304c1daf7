"""Slow outside facts from files: economic calendars, indices like the VIX, funding rates, as rows with three times.

`event` is what a row is about, `published` when its source gave it out, `received` when we had it (0: not recorded). A
row is known from `received`, or from `published` where that is missing, and never before.

What a file does not say is decided to the safe side: the values of a trading day are published at 17:00 New York of it,
and a calendar's row is received when it was scraped, never when it was due.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import ConfigError, DataError
from engine.core.frames import FX_DAY, parse_day
from engine.core.registry import Registry, did_you_mean
from engine.core.zones import SECOND, wall_to_utc

UNITS = {"": 1.0, "%": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
NUMBER = re.compile(r"(-?\d+(?:\.\d+)?|-?\.\d+)\s*([%KMBT]?)")
MISSING = ("", ".", "-", "NaN", "nan", "NA", "N/A", "null", "None")
FUNDING_TIMES = ("date", "time", "timestamp", "calc_time", "datetime")
FUNDING_RATES = ("rate", "fundingrate", "funding_rate", "last_funding_rate", "open")
IMPACTS = ("non-economic", "low", "medium", "high")
CALENDAR = ("scraped_at", "event_id", "event_dt", "currency", "impact", "event", "actual", "forecast", "previous")


@dataclass
class Rows:
    """Rows of one or many series in the order they came; times int64 ns UTC, values float64 (NaN: none)."""

    label: list[str] = dataclasses.field(default_factory=list)
    """Which of several: `USD Non-Farm Employment Change` in a calendar; empty in a file of one."""
    field: list[str] = dataclasses.field(default_factory=list)
    """`close`, `rate`, `actual`, `forecast`, `schedule` ..."""
    event: list[int] = dataclasses.field(default_factory=list)
    published: list[int] = dataclasses.field(default_factory=list)
    received: list[int] = dataclasses.field(default_factory=list)
    value: list[float] = dataclasses.field(default_factory=list)
    text: list[str] = dataclasses.field(default_factory=list)
    """The value as it was written, where that was text."""

    def add(
        self, label: str, field: str, event: int, published: int, received: int, value: float, text: str = ""
    ) -> None:
        row = (label, field, int(event), int(published), int(received), float(value), text)
        for column, part in zip(self.columns(), row, strict=True):
            column.append(part)

    def columns(self) -> tuple[list[Any], ...]:
        return self.label, self.field, self.event, self.published, self.received, self.value, self.text

    def __len__(self) -> int:
        return len(self.value)


def number(text: str) -> float:
    """A figure as calendars write it; NaN for what is none (blank, `Pass`, a vote of `9-0-0`, a bound like `<0.25%`).

    Percent stay percent. An auction's `0.14|1.2` is its yield, the first of the two.

    >>> number("266K"), number("-1.3%"), number("0.14|1.2"), number("")
    (266000.0, -1.3, 0.14, nan)
    """
    found = NUMBER.fullmatch(text.partition("|")[0].replace(",", "").strip())
    return float(found[1]) * UNITS[found[2]] if found else float("nan")


def calendar(path: Path) -> Rows:
    """Releases as they were scraped, one row per change seen: schedule, impact, forecast and actual of each.

    A release is named by the time it was first announced for, and keeps that name when it is put off: its schedule (in
    seconds since 1970) is then revised. The figure of a past release is revised when a later one of the same name
    shows another `previous`, if that `previous` was its figure before; until then the first print holds.
    """
    table = read_table(path)
    missing = [name for name in CALENDAR if name not in table]
    if missing:
        raise DataError(f"{path} is no calendar: it lacks {', '.join(missing)}, {did_you_mean(missing[0], table)}")
    columns = {name: [str(v).strip() for v in table[name]] for name in (*CALENDAR[3:], "event_id")}
    scraped, due = stamps(table["scraped_at"], path), stamps(table["event_dt"], path)
    made = Rows()
    releases: dict[str, Release] = {}
    named: dict[str, list[Release]] = {}
    for row in np.argsort(scraped, kind="stable").tolist():
        seen = {name: values[row] for name, values in columns.items()}
        release = releases.get(seen["event_id"])
        if release is None:
            label = f"{seen['currency']} {seen['event']}"
            release = releases[seen["event_id"]] = Release(label, int(due[row]))
            named.setdefault(label, []).append(release)
        release.see(made, seen, int(due[row]), int(scraped[row]))
        revise(made, release, named[release.label], seen["previous"], int(scraped[row]))
    return made


@dataclass
class Release:
    """One release of a calendar as known so far."""

    label: str
    name: int
    """The time it was first announced for."""
    due: int = 0
    figure: float = float("nan")
    """Its figure as last known; NaN before it was out."""
    shown: dict[str, str] = dataclasses.field(default_factory=dict)
    before: Release | None = None
    """The release whose figure its `previous` is."""

    def see(self, made: Rows, seen: dict[str, str], due: int, scraped: int) -> None:
        """Add what is new in a scraped row."""
        if due != self.due:
            made.add(self.label, "schedule", self.name, scraped, scraped, due // SECOND)
            self.due = due
        for what in ("impact", "forecast", "actual"):
            text = seen[what]
            if text == self.shown.get(what, ""):
                continue
            self.shown[what] = text
            out = due if what == "actual" else scraped
            value = number(text) if what != "impact" else impact(text)
            # An actual scraped before its release was due is not trusted to have been out: it counts from the release.
            made.add(self.label, what, self.name, out, max(scraped, out), value, text)
            if what == "actual":
                self.figure = value


def revise(made: Rows, release: Release, same: list[Release], previous: str, scraped: int) -> None:
    """Add a revision of the release before this one, where `previous` has become another than its figure."""
    value = number(previous)
    if release.before is None:
        past = [one for one in same if one.due < release.due and one.figure == one.figure]
        last = max(past, key=lambda one: one.due, default=None)
        if last is not None and last.figure == value:
            release.before = last
    elif value == value and value != release.before.figure:
        release.before.figure = value
        out = release.due if release.due <= scraped else scraped
        made.add(release.label, "actual", release.before.name, out, scraped, value, previous)


def impact(text: str) -> float:
    """0 none, 1 low, 2 medium, 3 high; NaN for another word."""
    word = text.lower().split(" ")[0]
    return float(IMPACTS.index(word)) if word in IMPACTS else float("nan")


def index(path: Path, published: str = FX_DAY) -> Rows:
    """A daily index: a date and one or more columns of numbers, of which those not named open to close keep their name.

    The day's values are all published at a wall time of that date (`17:00 America/New_York`).
    """
    table = read_table(path)
    names = list(table)
    date = next((n for n in names if n.lower() in ("date", "day", "time", "timestamp")), names[0])
    rest = [n for n in names if n != date]
    days = dates(table[date], path)
    day = parse_day(published)
    out = wall_to_utc(days + day.start, day.zone, gap="shift")
    made = Rows()
    for name in rest:
        values = numbers_of(table[name], name, path)
        if values is None:
            continue
        word = "close" if len(rest) == 1 else name.strip().lower()
        for row in np.flatnonzero(~np.isnan(values)).tolist():
            made.add("", word, days[row], out[row], 0, values[row])
    if not len(made):
        raise DataError(f"{path}: no column beside {date!r} holds numbers")
    return made


def numbers_of(cells: list[Any], name: str, path: Path) -> np.ndarray | None:
    """A column as float64, blanks and dots NaN; None for a column of text, DataError for a word among numbers."""
    found, wrong = np.full(len(cells), np.nan), []
    for row, cell in enumerate(cells):
        try:
            found[row] = float(str(cell).replace(",", "")) if str(cell).strip() not in MISSING else np.nan
        except ValueError:
            wrong.append(row)
    if len(wrong) * 2 >= np.isfinite(found).sum():
        return None
    if wrong:
        raise DataError(f"{path}: row {wrong[0] + 1} of {name!r} is {cells[wrong[0]]!r}, which is no number")
    return found


def funding(path: Path) -> Rows:
    """Funding rates: freqtrade's table (`date`, the rate in `open`), LEAN's margin interest, or two such columns."""
    table = read_table(path, headers=("time", "rate"))
    names = {name.lower(): name for name in table}
    time = next((names[name] for name in FUNDING_TIMES if name in names), None)
    rate = next((names[name] for name in FUNDING_RATES if name in names), None)
    if time is None or rate is None:
        raise DataError(f"{path} holds no funding: no column for {'the time' if time is None else 'the rate'}")
    return funding_rows(stamps(table[time], path), np.asarray([float(v) for v in table[rate]]))


def funding_rows(ts: np.ndarray, rates: np.ndarray) -> Rows:
    """Rates with the stamps that the exchange gave them, int64 ns UTC: each is about the full minute, known from then.

    Exchanges stamp a settlement some milliseconds late; nobody knew its rate before that stamp.
    """
    minute = 60 * SECOND
    made = Rows()
    for at, rate in zip(np.asarray(ts, np.int64).tolist(), np.asarray(rates, np.float64).tolist(), strict=True):
        made.add("", "rate", (at + minute // 2) // minute * minute, at, 0, rate)
    return made


KINDS: Registry[Callable[[Path], Rows]] = Registry("kind of series")
for _reader in (calendar, index, funding):
    KINDS.add(_reader.__name__, _reader)


def read_table(path: Path, headers: tuple[str, ...] = ()) -> dict[str, list[Any]]:
    """A CSV, Parquet or Feather file as columns; `headers` name those of a CSV that has none."""
    import pyarrow as pa
    import pyarrow.csv as pacsv
    import pyarrow.feather as feather
    import pyarrow.parquet as pq

    from engine.feeds.importers.tables import layout_of, open_bytes

    try:
        with open_bytes(path) as file:
            start = bytes(file.read(6))
        if start[:4] == b"PAR1":
            table = pq.read_table(path)
        elif start == b"ARROW1":
            table = feather.read_table(path, memory_map=False)
        else:
            layout = layout_of(path)
            if not layout.has_header and len(headers) != len(layout.headers):
                raise DataError(f"{path} has no header: its first line must name the columns")
            names = list(layout.headers if layout.has_header else headers)
            texts = pacsv.ConvertOptions(column_types={name: pa.string() for name in names}, strings_can_be_null=False)
            read = pacsv.ReadOptions(column_names=names, skip_rows=int(layout.has_header))
            with open_bytes(path) as file:
                table = pacsv.read_csv(file, read, pacsv.ParseOptions(delimiter=layout.separator), texts)
    except pa.ArrowException as wrong:
        raise DataError(f"{path} cannot be read: {str(wrong).splitlines()[0][:160]}") from None
    return {name: column_of(table.column(i)) for i, name in enumerate(table.column_names)}


def column_of(column: Any) -> list[Any]:
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        return [int(v) for v in column.cast(pa.timestamp("ns", tz=column.type.tz)).cast(pa.int64()).to_numpy()]
    return ["" if v is None else v for v in column.to_pylist()]


def stamps(values: list[Any], path: Path) -> np.ndarray:
    """Moments, int64 ns UTC: as they are, or read from text that carries its zone or is UTC."""
    if all(isinstance(v, int) for v in values):
        return np.array(values, np.int64)
    return from_text([str(v) for v in values], path)


def dates(values: list[Any], path: Path) -> np.ndarray:
    """Midnights on the wall, int64 ns; 12/31/2018 is read as America writes it."""
    if all(isinstance(v, int) for v in values) and values and min(values) > 10**9:
        return np.array(values, np.int64) // (86_400 * SECOND) * (86_400 * SECOND)
    texts = [str(v) for v in values]
    american = [re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", t) for t in texts]
    texts = [f"{m[3]}-{int(m[1]):02}-{int(m[2]):02}" if m else t for m, t in zip(american, texts, strict=True)]
    return from_text(texts, path) // (86_400 * SECOND) * (86_400 * SECOND)


def from_text(texts: list[str], path: Path) -> np.ndarray:
    import pyarrow as pa

    from engine.feeds.importers.stamps import Reader

    try:
        return Reader().read(pa.array(texts), None, 0)
    except (DataError, ConfigError) as wrong:
        raise type(wrong)(f"{path}: {wrong}") from None
