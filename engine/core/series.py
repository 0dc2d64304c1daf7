"""Series: slow outside facts (calendar, funding, swap and conversion rates, indices), joined as of what was known.

Each row has three times, int64 ns UTC: `event` is what it is about (the release at 13:30, the month, the funding
hour), `published` is when the source gave it out, `received` is when we had it (0 where that was not recorded). A row
is known from `received`, or from `published` where that is missing, and never before. A later row about the same event
is a revision: until it is known, the first print holds, and afterwards the first print can still be asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.core.errors import DataError

NONE = -1
"""Row number where nothing is known yet."""


@dataclass(frozen=True)
class Series:
    """Rows in the order in which they became known; `values` float64, NaN where a row has none."""

    name: str
    event: np.ndarray
    published: np.ndarray
    received: np.ndarray
    values: np.ndarray
    known: np.ndarray
    """int64 ns UTC, rising: when each row became known."""

    @classmethod
    def of(cls, name: str, event: object, published: object, values: object, received: object = None) -> Series:
        """A series from columns in any order; equal times keep the order given.

        DataError for columns of different length and for rows known before they were published.

        >>> rate = Series.of("rate", [0, 10], [5, 15], [1.0, 2.0])
        >>> [rate.at(t) for t in (4, 5, 14, 15)]
        [nan, 1.0, 1.0, 2.0]
        """
        about, given, numbers = np.array(event, np.int64), np.array(published, np.int64), np.array(values, np.float64)
        had = np.zeros(len(given), np.int64) if received is None else np.array(received, np.int64)
        if not len(about) == len(given) == len(numbers) == len(had):
            raise DataError(f"series {name}: event, published, received and values differ in length")
        early = (had != 0) & (had < given)
        if early.any():
            row = int(np.flatnonzero(early)[0])
            raise DataError(f"series {name}: row {row + 1} was received before it was published")
        known = np.where(had != 0, had, given)
        order = np.argsort(known, kind="stable")
        columns = [column[order] for column in (about, given, had, numbers, known)]
        for column in columns:
            column.flags.writeable = False
        return cls(name, *columns)

    def __len__(self) -> int:
        return len(self.known)

    def rows_at(self, ts: object) -> np.ndarray:
        """For each `ts` the number of the last row known then, or NONE. A row known at exactly `ts` counts."""
        return np.searchsorted(self.known, np.asarray(ts, np.int64), side="right") - 1

    def as_of(self, ts: object, tolerance: int | None = None) -> np.ndarray:
        """float64 per `ts`: the value of the row about the latest event among those known then; NaN before the first.

        A late revision of an old event does not displace the value of a newer event. What has been known for longer
        than `tolerance` ns counts no more: NaN.
        """
        rows = self.rows_at(ts)
        found = np.full(rows.shape, np.nan)
        found[rows != NONE] = self.values[self.latest[rows[rows != NONE]]]
        if tolerance is not None:
            found[self.age(ts) > tolerance] = np.nan
        return found

    def age(self, ts: object) -> np.ndarray:
        """int64 ns per `ts`: for how long what `as_of` gives has been known; NONE before the first."""
        when, rows = np.asarray(ts, np.int64), self.rows_at(ts)
        found = np.full(rows.shape, NONE, np.int64)
        there = rows != NONE
        found[there] = when[there] - self.known[self.latest[rows[there]]]
        return found

    def at(self, ts: int) -> float:
        """`as_of` one moment."""
        return float(self.as_of(np.array([ts]))[0])

    def about(self, event: int, ts: int) -> float:
        """What was known at `ts` of one event: its first print until a revision is known; NaN before any."""
        rows = np.flatnonzero((self.event == event) & (self.known <= ts))
        return float(self.values[rows[-1]]) if len(rows) else float("nan")

    def first_print(self, event: int) -> float:
        """The first value ever known of an event; NaN when there is none."""
        rows = np.flatnonzero(self.event == event)
        return float(self.values[rows[0]]) if len(rows) else float("nan")

    @cached_property
    def latest(self) -> np.ndarray:
        """Per row: the row about the newest event among it and all before; of equal events the later row."""
        newest = np.maximum.accumulate(self.event)
        return np.maximum.accumulate(np.where(self.event == newest, np.arange(len(self)), 0))
