"""The calendar of a symbol: the nights that book swap, and the stretches in which it does not trade.

A night belongs to the trading day that ends at its rollover: 17:00 in New York on a Wednesday, or 00:00 on a Thursday
of a broker's server, ends Wednesday. Monday to Friday book one day of interest, the triple day three, Saturday and
Sunday none: seven a week. If the triple day is a Saturday or Sunday each of the seven nights books one. The days of a
trading day in which the symbol never opens (a holiday) are booked with the night before it.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from engine.core.broker import VenueConfig
from engine.core.clock import parse_time
from engine.core.errors import ConfigError
from engine.core.frames import day_starts, edges
from engine.core.instrument import Instrument
from engine.core.registry import did_you_mean
from engine.core.sessions import Sessions, Spans, merged, without
from engine.core.zones import DAY, utc_to_wall
from engine.kernels import book as b
from engine.kernels.terms import CALENDAR, CLOSED, NOT_LISTED, OUTAGE

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
AROUND = 62 * DAY
"""Kept before the first and after the last record: what waits for an opening finds it."""
FOREVER = int(np.iinfo(np.int64).max) - 1
COLUMNS = ["date", "long", "short"]


@dataclass(frozen=True)
class Rates:
    """Historical swap rates: `days` (since 1970) from which each pair of rates holds, rising."""

    days: tuple[int, ...]
    long: tuple[float, ...]
    short: tuple[float, ...]


def write_calendar(
    book: b.Book,
    instruments: tuple[Instrument, ...],
    venue: VenueConfig,
    span: tuple[int, int],
    bars: tuple[str, str] | None = None,
) -> b.Book:
    """The book with the nights and pauses of every symbol around [first, last] of the tape, ns UTC.

    `bars` are the frame and the trading day of a tape of bars.

    Raises ConfigError for outages and swap files that cannot be read.
    """
    if venue.swaps and venue.swap == "none":
        raise ConfigError('venue.swaps names rates, and venue.swap = "none" leaves swap out: say one of both')
    for symbol in venue.swaps:
        if all(symbol not in (one.symbol, one.id) for one in instruments):
            near = did_you_mean(symbol, [one.symbol for one in instruments])
            raise ConfigError(f"venue.swaps: {symbol!r} is not in data.symbols: {near}")
    shut = outages(venue.outages)
    parts, at = [book[8]], len(book[8])
    for s, one in enumerate(instruments):
        t, x = book[6][s], book[1][s]
        hours = one.hours if venue.hours == "instrument" else None
        rows = nights(one, hours, rates_of(one, venue), span) if venue.swap == "instrument" else no_rows()
        t["nights_at"] = x["night"] = at
        t["nights_end"] = at = at + len(rows)
        stops = pauses(hours, one.life, shut, span, bars)
        t["pauses_at"] = x["pause"] = at
        t["pauses_end"] = at = at + len(stops)
        parts += [rows, stops]
    return (*book[:8], np.concatenate(parts))


def no_rows() -> np.ndarray:
    return np.zeros(0, CALENDAR)


@lru_cache(maxsize=256)
def nights(one: Instrument, hours: Sessions | None, rates: Rates | None, span: tuple[int, int]) -> np.ndarray:
    """CALENDAR rows of the rollovers that book anything, rising: a days, b and c rates of a long and a short.

    `hours` say which trading days are holidays (None: none is).
    """
    swap = one.swap
    if swap is None or swap.mode == "disabled" or (rates is None and not swap.long and not swap.short):
        return no_rows()
    ends = day_starts(one.rolls, span[0] - AROUND, span[1] + AROUND)
    half_day = DAY // 2  # a rollover that daylight saving moved by an hour keeps its date
    date = (utc_to_wall(ends, one.rolls.zone) - one.rolls.start + half_day) // DAY
    ended = date - (0 if one.rolls.named_after_next else 1)
    weekday = (ended + 3) % 7
    triple = WEEKDAYS.index(swap.triple_day)
    days = np.where((weekday < 5) | (triple >= 5), 1.0, 0.0)
    if triple < 5:
        days[weekday == triple] = 3.0
    move_holidays(days, ends, hours)
    rows = np.zeros(len(ends), CALENDAR)
    rows["start"] = rows["end"] = ends
    rows["a"], rows["b"], rows["c"] = days, swap.long, swap.short
    if rates is not None:
        place = np.searchsorted(rates.days, ended, side="right") - 1
        known = place >= 0
        rows["b"][known] = np.array(rates.long)[place[known]]
        rows["c"][known] = np.array(rates.short)[place[known]]
    rows = rows[1:]  # of the first it is not known what the day before it was
    rows = rows[(rows["a"] != 0) & ((rows["b"] != 0) | (rows["c"] != 0))]
    rows.flags.writeable = False
    return rows


def move_holidays(days: np.ndarray, ends: np.ndarray, hours: Sessions | None) -> None:
    """Days of interest of trading days that never open go to the night before, in place."""
    if hours is None or hours.always:
        return
    opens, closes = hours.spans(int(ends[0]) - DAY, int(ends[-1]))
    begun = np.searchsorted(closes, ends[:-1], side="right")
    opened = begun < np.searchsorted(opens, ends[1:], side="left")
    for k in range(len(ends) - 1, 0, -1):
        if days[k] and not opened[k - 1]:
            days[k - 1] += days[k]
            days[k] = 0.0


def pauses(
    hours: Sessions | None,
    life: tuple[int | None, int | None],
    shut: tuple[tuple[int, int], ...],
    span: tuple[int, int],
    bars: tuple[str, str] | None = None,
) -> np.ndarray:
    """CALENDAR rows of the stretches without trading, rising and apart: where two meet an outage goes before the end
    of a symbol's life, and that before its closed hours.

    `bars` are the frame and the trading day of a tape of bars: a bar in which the market opens is open from its own
    opening on, or a day's bar of gold, which pauses for an hour at first, would never trade.
    """
    first, last = span[0] - AROUND, span[1] + AROUND
    out: Spans = [(max(start, first), end) for start, end in shut if end > first and start < last]
    begins, ends = life
    unlisted: Spans = [(first, begins)] if begins is not None and begins > first else []
    if ends is not None and ends < FOREVER:
        unlisted.append((max(ends, first), FOREVER))
    closed: Spans = []
    if hours is not None and not hours.always:
        opens, closes = hours.spans(first, last)
        opens = bar_opens(opens, *bars) if bars and len(opens) else opens
        closed = without([(first, last)], merged(list(zip(opens.tolist(), closes.tolist(), strict=True))))
    unlisted = without(unlisted, out)
    closed = without(closed, merged(out + unlisted))
    kinds = ((out, OUTAGE), (unlisted, NOT_LISTED), (closed, CLOSED))
    found = sorted((start, end, kind) for spans, kind in kinds for start, end in spans)
    rows = np.zeros(len(found), CALENDAR)
    for n, (start, end, kind) in enumerate(found):
        rows[n]["start"], rows[n]["end"], rows[n]["kind"] = start, end, kind
    return rows


def bar_opens(ts: np.ndarray, frame: str, day: str) -> np.ndarray:
    """When the bar opens that holds each moment, int64 ns UTC."""
    bounds = edges(frame, day, int(ts[0]), int(ts[-1]))
    return bounds[np.searchsorted(bounds, ts, side="right") - 1]


def outages(texts: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """The times of `venue.outages`, rising and apart, ns UTC.

    >>> ((start, end),) = outages(("2024-03-01 10:00 - 2024-03-01 10:20",))
    >>> (end - start) // 60_000_000_000
    20
    """
    spans: Spans = []
    for n, text in enumerate(texts):
        begin, dash, over = text.partition(" - ")
        try:
            if not dash:
                raise ConfigError(f"{text!r} is no stretch of time")
            start, end = parse_time(begin.strip()), parse_time(over.strip())
            if end <= start:
                raise ConfigError(f"{text!r} ends before it begins")
        except ConfigError as wrong:
            raise ConfigError(
                f"venue.outages[{n}]: {wrong}: write it like '2024-03-01 10:00 - 2024-03-01 10:20', in UTC"
            ) from None
        spans.append((start, end))
    return tuple(merged(spans))


def swap_note(one: Instrument, venue: VenueConfig) -> list[str]:
    """What the report must say of holding a symbol over night."""
    if venue.swap == "none":
        return (
            [f"{one.symbol}: no swap: venue.swap leaves it out"]
            if one.swap and (one.swap.long or one.swap.short)
            else []
        )
    if name := next((n for n in (one.id, one.symbol) if n in venue.swaps), None):
        return [f"{one.symbol}: swap rates of {Path(venue.swaps[name]).name}, before its first date those of {one.id}"]
    if one.swap is not None and one.swap.mode != "disabled" and not one.swap.long and not one.swap.short:
        return [f"{one.symbol}: {one.id} states no swap rates: nights cost nothing"]
    return []


def rates_of(one: Instrument, venue: VenueConfig) -> Rates | None:
    """The historical rates that the config names for a symbol, by its id or its short name."""
    name = next((n for n in (one.id, one.symbol) if n in venue.swaps), None)
    if name is None:
        return None
    if one.swap is None or one.swap.mode == "disabled":
        raise ConfigError(f"venue.swaps.{name}: {one.id} does not say how swap is counted: give it swap.mode")
    return read_rates(Path(venue.swaps[name]), f"venue.swaps.{name}")


def read_rates(path: Path, where: str) -> Rates:
    """A CSV file with the columns date, long and short, dates rising; ConfigError says which line is wrong."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file))
    except OSError as wrong:
        raise ConfigError(f"{where}: {path} cannot be read: {wrong.strerror or wrong}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{where}: {path} is no text") from None
    header = [name.strip().lower() for name in lines[0]] if lines else []
    if header != COLUMNS:
        raise ConfigError(
            f"{where}: the columns of {path} must be {','.join(COLUMNS)}, not {','.join(header) or 'none'}"
        )
    days: list[int] = []
    longs, shorts = [], []
    for number, row in enumerate(lines[1:], 2):
        if not row:
            continue
        try:
            date, long, short = row
            days.append(int(np.datetime64(date.strip(), "D").astype(np.int64)))
            longs.append(float(long))
            shorts.append(float(short))
            good = math.isfinite(longs[-1]) and math.isfinite(shorts[-1]) and "T" not in date
        except ValueError:
            good = False
        if not good:
            raise ConfigError(f"{where}: line {number} of {path}: write a row like 2024-03-01,-7.1,2.3")
        if len(days) > 1 and days[-1] <= days[-2]:
            raise ConfigError(f"{where}: line {number} of {path}: its date is not after the one before")
    if not days:
        raise ConfigError(f"{where}: {path} holds no rates")
    return Rates(tuple(days), tuple(longs), tuple(shorts))
