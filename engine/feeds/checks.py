"""What data must hold before anybody trades on them: order, no duplicates, prices that can be prices.

Nothing is repaired. Bad rows stop an import with one message that counts them all, or are left out where that was asked
for, counted by reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from engine.core.errors import DataError
from engine.feeds.lineage import Columns, Lineage, join, part, size

OnBad = Literal["error", "drop"]
WORDS = {
    "backward": "go back in time (onetape data import --sort sorts them)",
    "duplicate": "repeat the stamp of an earlier bar",
    "missing": "have a price that is missing or not finite",
    "nonpositive": "have a price of zero or below",
    "crossed": "are crossed (ask below bid)",
    "inconsistent": "have open, high, low and close that contradict each other",
    "negative_spread": "have a spread below zero or infinite",
    "bad_size": "have no size, or one of zero or below",
    "bad_side": "have a side that is none of 1, -1 and 0",
}


@dataclass
class Found:
    """Bad rows of one kind: how many, and the first one (counted from 1, header and blank lines not)."""

    rows: int = 0
    first: int = 0
    text: str = ""


@dataclass
class Checker:
    """Checks a stream of chunks; `found` holds what was bad, by kind."""

    lineage: Lineage
    where: str
    on_bad: OnBad = "error"
    found: dict[str, Found] = field(default_factory=dict)
    row: int = 0
    last: int | None = None

    def run(self, chunks: Iterator[Columns], sort: bool = False) -> Iterator[tuple[Columns, dict[str, int]]]:
        """Good rows with counts of what was left out among them; DataError after the last row if any was bad."""
        for chunk in [in_order(chunks, self.lineage.key)] if sort else chunks:
            if size(chunk):
                yield self.check(chunk)
        stopping = self.found if self.on_bad == "error" else {k: f for k, f in self.found.items() if k == "backward"}
        if stopping:
            raise DataError(f"{self.where}: {'; '.join(told(kind, found) for kind, found in stopping.items())}")
        if not self.row:
            raise DataError(f"{self.where}: there is no row")

    def check(self, chunk: Columns) -> tuple[Columns, dict[str, int]]:
        bad = np.zeros(size(chunk), bool)
        counts = {}
        for kind, rows in self.kinds(chunk).items():
            new = rows & ~bad
            if n := int(new.sum()):
                self.note(kind, n, chunk, int(np.flatnonzero(new)[0]))
                counts[kind] = n
                bad |= new
        self.row += size(chunk)
        return part(chunk, ~bad) if counts else chunk, counts

    def kinds(self, chunk: Columns) -> dict[str, np.ndarray]:
        """bool per row and kind of defect, gravest first."""
        key = chunk[self.lineage.key]
        before = np.maximum.accumulate(np.r_[key[0] if self.last is None else self.last, key])[:-1]
        found = {"backward": key < before}
        if self.lineage.bars:
            repeats = key == before
            repeats[0] &= self.last is not None
            found["duplicate"] = repeats
        self.last = max(int(before[-1]), int(key[-1]))
        prices = np.stack([chunk[name] for name in priced(self.lineage)])
        found["missing"] = ~np.isfinite(prices).all(axis=0)
        found["nonpositive"] = (prices <= 0).any(axis=0)
        if self.lineage.bars:
            opened, high, low, close = prices
            found["inconsistent"] = (
                (high < low) | (np.maximum(opened, close) > high) | (np.minimum(opened, close) < low)
            )
            found["negative_spread"] = (chunk["spread"] < 0) | np.isinf(chunk["spread"])
        elif self.lineage.prints:
            found["bad_size"] = ~(chunk["size"] > 0) | np.isinf(chunk["size"])
            found["bad_side"] = ~np.isin(np.nan_to_num(chunk["side"]), (-1.0, 0.0, 1.0))
        else:
            found["crossed"] = prices[1] < prices[0]
        return found

    def note(self, kind: str, rows: int, chunk: Columns, at: int) -> None:
        known = self.found.setdefault(kind, Found())
        if not known.rows:
            stamp = np.datetime64(int(chunk[self.lineage.key][at]), "ns")
            more = ("spread",) if self.lineage.bars else ("size", "side") if self.lineage.prints else ()
            names = (*priced(self.lineage), *more)
            known.text = f"{stamp.astype('M8[ms]')}Z " + " ".join(f"{n} {chunk[n][at]:g}" for n in names)
            known.first = self.row + at + 1
        known.rows += rows


def priced(lineage: Lineage) -> tuple[str, ...]:
    """The columns that hold prices."""
    return ("open", "high", "low", "close") if lineage.bars else ("price",) if lineage.prints else ("bid", "ask")


def told(kind: str, found: Found) -> str:
    return f"{found.rows} rows {WORDS[kind]}, the first is row {found.first} ({found.text})"


def in_order(chunks: Iterator[Columns], key: str) -> Columns:
    """All rows at once, by their key and then in the order they came; needs room for all of them in memory."""
    together = join(list(chunks))
    return part(together, np.argsort(together[key], kind="stable"))
