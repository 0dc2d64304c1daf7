"""Tables: closed bars with their features, bounded in memory.

A `Stream` is one symbol in one time frame. All streams of a run share two arrays that the bar kernel fills,

    stamps[stream, 3, capacity]  int64    ts (when the close was known), open_ts, end
    values[stream, 6, capacity]  float64  open high low close volume spread

and each stream's `Table` adds its feature columns. Rows only ever grow to the right; between blocks a table that
runs full slides, keeping the last `keep` rows, so row numbers are never stored anywhere: what refers to a row
does so by `ts` or by bars ago.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.frames import FX_DAY

STAMPS = ("ts", "open_ts", "end")
VALUES = ("open", "high", "low", "close", "volume", "spread")
BASE_COLUMNS = STAMPS + VALUES


@dataclass(frozen=True)
class Stream:
    symbol: str
    frame: str

    def __str__(self) -> str:
        return f"{self.symbol} {self.frame}"


class Tables:
    """The tables of a run. `rows[s]` counts the rows of stream s that are filled; trading days start at `day`."""

    def __init__(
        self, streams: tuple[Stream, ...], capacity: int = 16_384, keep: int = 1_024, day: str = FX_DAY
    ) -> None:
        assert keep * 2 <= capacity, "a table must have room beside what it keeps"
        self.day = day
        self.streams, self.capacity, self.keep = streams, capacity, keep
        self.rows = np.zeros(len(streams), np.int64)
        self.stamps = np.zeros((len(streams), len(STAMPS), capacity), np.int64)
        self.values = np.full((len(streams), len(VALUES), capacity), np.nan)
        self.tables = tuple(Table(self, s) for s in range(len(streams)))

    def slide(self, room: int) -> None:
        """Make `room` free rows in every table; called between blocks only."""
        for table in self.tables:
            if self.capacity - table.n < room:
                table.slide()


class Table:
    """One stream's columns by name. Views into the shared arrays, plus feature columns of its own."""

    def __init__(self, owner: Tables, index: int) -> None:
        self.owner, self.index = owner, index
        self.stream = owner.streams[index]
        self.columns: dict[str, np.ndarray] = {}
        self.columns.update(zip(STAMPS, owner.stamps[index], strict=True))
        self.columns.update(zip(VALUES, owner.values[index], strict=True))
        self.dropped = 0
        """Rows that have slid out."""

    @property
    def n(self) -> int:
        return int(self.owner.rows[self.index])

    def add(self, name: str) -> np.ndarray:
        """A new feature column, NaN throughout; its memory never moves."""
        self.columns[name] = np.full(self.owner.capacity, np.nan)
        return self.columns[name]

    def slide(self) -> None:
        n, keep = self.n, self.owner.keep
        drop = max(n - keep, 0)
        for column in self.columns.values():
            column[: n - drop] = column[drop:n].copy()
        self.owner.rows[self.index] = n - drop
        self.dropped += drop
