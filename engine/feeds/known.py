"""Slow outside facts as columns beside bars: at each moment what was known then, and nothing that came later.

told = facts("forexfactory/calendar", ("EUR", "USD"))
told("minutes_to_next", ts)      # float64 per ts: until the next release that was known to be due
facts("cboe/VIX/close")("value", ts)
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import numpy as np

from engine.core.errors import ConfigError
from engine.core.instrument import Instrument
from engine.core.registry import did_you_mean
from engine.core.series import Series
from engine.core.zones import SECOND
from engine.feeds.events import NEVER, history
from engine.feeds.outside import Rows
from engine.feeds.series import load_series, rows_of

MINUTE, DAY = 60 * SECOND, 86_400 * SECOND
WEEK = 10_080.0
"""Minutes: nothing is said to be further away."""
AHEAD = ("minutes_to_next", "minutes_since_last", "importance", "count_24h")
FIGURES = ("actual", "forecast", "surprise", "release", "age")
PAST, ENOUGH = 20, 8
"""A surprise is measured by so many before it, and says nothing (0) until there were ENOUGH."""
PLAIN = ("value", "age")
Told = Callable[[str, np.ndarray], np.ndarray]
"""(column, moments int64 ns UTC) -> float64"""


def facts(name: str, about: Collection[str] = (), root: Path | None = None) -> Told:
    """What a series of the catalogue tells, by column and moment; `about` are the currencies that concern the reader.

    A calendar (`forexfactory/calendar`): AHEAD, of releases about these currencies; with a number behind it
    (`count_24h 3`) of releases of that importance or more. One of its figures (`.../USD CPI m/m`): FIGURES, the first
    print and the forecast of the last release that had both, their difference in deviations (sample) of the up to 20
    differences before it, when it was due in minutes since 1970, and for how many it has been out. Figures are negated
    where their currency is the second of `about`, and 0 where it is none of them. Any other series: PLAIN, the value
    as of then and for how many minutes it has been known.
    NotFound and ConfigError name the nearest series, label or column.
    """
    parts = name.split("/", 2)
    rows = rows_of("/".join(parts[:2]), root)
    calendar = "schedule" in rows.field
    if calendar and len(parts) == 2:
        return Ahead(rows, about)
    if calendar and parts[2] in rows.label:
        return Figures(load_series(f"{name}/actual", root), load_series(f"{name}/forecast", root), parts[2], about)
    return Plain(load_series(name, root))


class FactsFor:
    """(series, symbol) -> what it tells about that symbol; each is read once."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self.sides = {one.symbol: (one.base_currency, one.profit_currency) for one in instruments}
        self.held: dict[tuple[str, tuple[str, ...]], Told] = {}

    def __call__(self, name: str, symbol: str) -> Told:
        about = self.sides.get(symbol, ())
        if (name, about) not in self.held:
            self.held[name, about] = facts(name, about)
        return self.held[name, about]

    @property
    def read(self) -> set[str]:
        """The files of series that were read, `cboe/VIX`."""
        return {"/".join(name.split("/")[:2]) for name, _ in self.held}


def wrong(column: str, known: Iterable[str]) -> ConfigError:
    return ConfigError(f"a series has no column {column!r}: {did_you_mean(column, known)}")


class Plain:
    """A series of one number."""

    def __init__(self, series: Series) -> None:
        self.series = series

    def __call__(self, column: str, ts: np.ndarray) -> np.ndarray:
        if column not in PLAIN:
            raise wrong(column, PLAIN)
        if column == "value":
            return self.series.as_of(ts)
        age = self.series.age(ts)
        return np.where(age < 0, np.nan, age / MINUTE)


class Figures:
    """One figure of a calendar: its releases in the order in which they came out."""

    def __init__(self, actual: Series, forecast: Series, label: str, about: Collection[str]) -> None:
        self.known, self.columns = released(actual, forecast)
        word, sides = label.split(" ")[0], tuple(about)
        side = 1.0 if not sides or sides[0] == word else -1.0 if word in sides else 0.0
        for name in ("actual", "forecast", "surprise"):
            self.columns[name] = self.columns[name] * side

    def __call__(self, column: str, ts: np.ndarray) -> np.ndarray:
        if column not in FIGURES:
            raise wrong(column, FIGURES)
        at = np.searchsorted(self.known, ts, side="right") - 1
        values = self.columns["release" if column == "age" else column]
        if column == "age" and len(values):
            return np.where(at >= 0, ts / MINUTE - values[np.maximum(at, 0)], np.nan)
        return np.where(at >= 0, values[np.maximum(at, 0)], np.nan) if len(values) else np.full(len(ts), np.nan)


def released(actual: Series, forecast: Series) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """When each first print with a forecast was known, rising, and FIGURES of it but its age.

    A late print of an old release is none.
    The forecast is the last about the same release that was known with the figure.
    """
    newest, seen = -NEVER, set[int]()
    known, made = [], list[tuple[float, float, float, float]]()
    for row in range(len(actual)):
        event, when = int(actual.event[row]), int(actual.known[row])
        first, expected = event not in seen, forecast.about(event, when)
        seen.add(event)
        if not first or event < newest or actual.values[row] != actual.values[row] or expected != expected:
            continue
        newest = event
        known.append(when)
        value = float(actual.values[row])
        past = [one[0] - one[1] for one in made[-PAST:]]
        usual = float(np.std(past, ddof=1)) if len(past) >= ENOUGH else 0.0
        made.append((value, expected, (value - expected) / usual if usual > 0.0 else 0.0, event / MINUTE))
    table = np.array(made, np.float64).reshape(-1, 4)
    return np.array(known, np.int64), {name: table[:, k] for k, name in enumerate(FIGURES[:4])}


class Ahead:
    """A calendar: at each moment the releases that were known to be due, as they were scheduled then."""

    def __init__(self, rows: Rows, about: Collection[str]) -> None:
        told: dict[tuple[str, int], list[tuple[int, str, float]]] = {}
        for label, field, event, published, received, value in zip(*rows.columns()[:6], strict=True):
            word = label.split(" ")[0]
            if field in ("impact", "schedule") and (
                not about or word in about or not (len(word) == 3 and word.isupper())
            ):
                told.setdefault((label, event), []).append((received or published, field, value))
        self.spans: list[tuple[int, int, int, float]] = []
        for (_, event), known in told.items():
            states = history(event, sorted(known, key=lambda row: row[0]))
            ends = [*(state[0] for state in states[1:]), NEVER]
            self.spans += [(start, end, due, level) for (start, due, level), end in zip(states, ends, strict=True)]
        self.swept: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def __call__(self, column: str, ts: np.ndarray) -> np.ndarray:
        name, _, least = column.partition(" ")
        if name not in AHEAD or (least and least not in ("1", "2", "3")):
            raise wrong(column, AHEAD)
        level = int(least or 1)
        if level not in self.swept:
            self.swept[level] = sweep([span for span in self.spans if span[3] >= level])
        moments, found = self.swept[level]
        ts = np.asarray(ts, np.int64)
        table = found[np.searchsorted(moments, ts, side="right") - 1]
        coming, past, importance, count = table.T
        if name == "importance":
            return importance.astype(np.float64)
        if name == "count_24h":
            return count.astype(np.float64)
        there = coming != NEVER if name == "minutes_to_next" else past != -NEVER
        near, far = (coming, ts) if name == "minutes_to_next" else (ts, past)
        apart = np.where(there, near - np.where(there, far, 0), 0) / MINUTE
        return np.where(there, np.minimum(apart, WEEK), WEEK)


def sweep(spans: list[tuple[int, int, int, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Moments at which anything changes, and from each on: next due, last due, importance of the next, due in a day.

    A span is (known from, until, due, importance). What is due at a moment is past at that moment.
    """
    changes: list[tuple[int, int, tuple[int, float]]] = []
    for start, end, due, level in spans:
        changes += [(start, 1, (due, level)), (end, -1, (due, level))]
    changes.sort(key=lambda one: one[0])
    moments = {-NEVER, *(one[0] for one in changes)}
    moments |= {at for _, _, due, _ in spans for at in (due, due - DAY)}
    active: list[tuple[int, float]] = []
    rising, table, done = sorted(moments), [], 0
    for at in rising:
        while done < len(changes) and changes[done][0] <= at:
            _, way, one = changes[done]
            insort(active, one) if way > 0 else active.pop(bisect_left(active, one))
            done += 1
        k, last = (
            bisect_right(active, (at, np.inf)),
            bisect_right(active, (at + DAY, np.inf)) if at < NEVER - DAY else 0,
        )
        coming = active[k][0] if k < len(active) else NEVER
        level = max((l for due, l in active[k : bisect_right(active, (coming, np.inf))] if due == coming), default=0.0)
        table.append((coming, active[k - 1][0] if k else -NEVER, int(level), max(last - k, 0)))
    return np.array(rising, np.int64), np.array(table, np.int64)
