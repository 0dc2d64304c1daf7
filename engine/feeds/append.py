"""Adding data to the catalogue: all of it or none, and the same data twice changes nothing.

New rows are staged in files of their own. When the last one is in, each month (or year) is compared with what the
catalogue holds: equal, it is left alone; else both are merged by key, and the file is replaced whole. A bar that comes
again with other numbers replaces the old one and carries the next `version` (the old one stays in the history, see
`engine.feeds.store_history`); quotes and prints have no key but their
numbers, so what is already there as often as it comes is not added. Bars of activity come from all that was before
them: made again they replace what is there from the first that differs. One process at a time writes to a dataset.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

import msgspec
import numpy as np

from engine.core.clock import wall_ns
from engine.core.errors import ConfigError, DataError, OutputError
from engine.core.frames import FRAMES
from engine.core.locks import claim, put, unlock
from engine.core.zones import parse_zone
from engine.feeds.catalogue import SUFFIX, data_root, folder_of
from engine.feeds.footer import Footer, read_footer
from engine.feeds.lineage import PRINTS, QUOTES, Columns, Lineage, join, part, size
from engine.feeds.parquet import FileWriter, read_rows
from engine.feeds.store import flushed, tidy
from engine.feeds.store_history import HISTORY, OLD, log, replaced, stage_history

MEANING = ("basis", "volume_unit", "spread", "zone")
"""What one dataset cannot hold two kinds of."""


class Added(msgspec.Struct, kw_only=True):
    """What an import did; `first` and `last` are the keys of the first and last row read, ns UTC."""

    dataset: str
    rows: int = 0
    added: int = 0
    revised: int = 0
    files: int = 0
    first: int = 0
    last: int = 0
    dropped: dict[str, int] = {}
    notes: list[str] = []


class Append:
    """Rows for one dataset: `with Append(lineage) as target: target.add(columns)`; nothing is kept if that fails."""

    def __init__(self, lineage: Lineage, root: Path | None = None) -> None:
        self.lineage = lineage
        self.folder = folder_of(root or data_root(), lineage.name)
        self.staging = self.folder / f".staging.{os.getpid()}"
        self.writers: dict[str, FileWriter] = {}
        self.thread = ThreadPoolExecutor(1)
        """One for all files: memory that a thread has had is not given back when it ends."""
        self.dropped: dict[str, dict[str, int]] = {}
        self.staged: dict[str, Footer] = {}
        self.report = Added(dataset=lineage.name)
        self.anew = lineage.bars and lineage.frame not in FRAMES
        self.held: int | None = None
        self.at = wall_ns()

    def __enter__(self) -> Append:
        try:
            self.held = claim(self.folder)
            self.begin()
        except OSError as wrong:
            self.release()
            raise OutputError(f"{self.folder} cannot be written: {wrong.strerror}") from None
        except BaseException:
            self.release()
            raise
        return self

    def begin(self) -> None:
        """Alone with the dataset: sweep what a killed import left, see that the rows may come together."""
        tidy(self.folder)
        for path in sorted(self.folder.glob("*" + SUFFIX)):
            held = read_footer(path).lineage
            for field in MEANING:
                if meaning(held, field) != meaning(self.lineage, field):
                    raise ConfigError(
                        f"{self.lineage.name} holds rows with {field} {getattr(held, field)!r}, these have "
                        f"{getattr(self.lineage, field)!r}: import them under another source"
                    )
        self.staging.mkdir(parents=True)

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if error is None:
                self.commit()
            elif isinstance(error, OSError):
                raise error
        except OSError as wrong:
            raise OutputError(f"{self.folder} cannot be written ({wrong.strerror or wrong}): import again") from None
        finally:
            self.release()

    def release(self) -> None:
        for writer in self.writers.values():
            writer.abandon()
        self.thread.shutdown()
        shutil.rmtree(self.staging, ignore_errors=True)
        for folder in (self.folder, *self.folder.parents[:2]):
            with contextlib.suppress(OSError):  # only what is empty goes
                folder.rmdir()
        unlock(self.held)

    def add(self, columns: Columns, dropped: Mapping[str, int] | None = None) -> None:
        """Rows in order of their key; `dropped` counts what was left out among them, by reason."""
        if not size(columns):
            return
        key = columns[self.lineage.key]
        periods = period_of(key[[0, -1]], self.lineage)
        if periods[0] != periods[1]:
            periods = period_of(key, self.lineage)
        else:
            periods = np.broadcast_to(periods[0], len(key))
        bounds = np.flatnonzero(np.r_[True, periods[1:] != periods[:-1], True])
        for lo, hi in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            self.writer(str(periods[lo])).add(part(columns, slice(lo, hi)))
        counts = self.dropped.setdefault(str(periods[0]), {})
        for reason, n in (dropped or {}).items():
            counts[reason] = counts.get(reason, 0) + n
        self.report.first = self.report.first if self.report.rows else int(key[0])
        self.report.last, self.report.rows = int(key[-1]), self.report.rows + size(columns)

    def writer(self, period: str) -> FileWriter:
        if period not in self.writers:
            for earlier in [p for p in self.writers if p < period]:
                self.finish(earlier)
            if period in self.staged:
                raise DataError(f"{self.lineage.name}: rows of {period} come back after later ones: sort them")
            self.writers[period] = FileWriter(self.staging / (period + SUFFIX), self.lineage, self.thread)
        return self.writers[period]

    def finish(self, period: str) -> None:
        writer = self.writers.pop(period)
        writer.lineage = msgspec.structs.replace(self.lineage, dropped=self.dropped.get(period, {}))
        self.staged[period] = writer.close()

    def commit(self) -> None:
        for period in list(self.writers):
            self.finish(period)
        if not self.report.rows:
            raise DataError(f"{self.lineage.name}: there is no row to keep")
        ready = {period: self.settle(period, footer) for period, footer in self.staged.items()}
        changed = {period: path for period, path in ready.items() if path is not None}
        if changed:
            log(self.folder, self.at, {period: read_footer(path) for period, path in changed.items()})
        for period, path in changed.items():
            if (old := self.staging / (period + OLD)).exists():
                finished(old, self.folder / HISTORY / (period + OLD))
            finished(path, self.folder / (period + SUFFIX))
            self.report.files += 1
        if self.anew:
            for path in self.folder.glob("*" + SUFFIX):
                if path.stem not in self.staged:
                    path.unlink()
        for counts in self.dropped.values():
            for reason, n in counts.items():
                self.report.dropped[reason] = self.report.dropped.get(reason, 0) + n

    def settle(self, period: str, new: Footer) -> Path | None:
        """The file that is to replace the catalogue's, or None where that one stays."""
        staged, held = self.staging / (period + SUFFIX), self.folder / (period + SUFFIX)
        if not held.exists():
            self.report.added += new.rows
            return staged
        old = read_footer(held)
        if old.digest == new.digest:
            return None
        before, coming = join(list(read_rows(held))), join(list(read_rows(staged)))
        if self.anew:
            same = prefix(before, coming)
            self.report.added, self.report.revised = (
                self.report.added + size(coming) - same, self.report.revised + size(before) - same
            )  # fmt: skip
            return staged
        if self.lineage.bars:
            merged, added, revised = merge_bars(before, coming, self.lineage.names)
        else:
            merged, added, revised = merge_ticks(before, coming, PRINTS if self.lineage.prints else QUOTES)
        if not added and not revised:
            return None
        self.report.added, self.report.revised = self.report.added + added, self.report.revised + revised
        dropped = {
            reason: old.lineage.dropped.get(reason, 0) + new.lineage.dropped.get(reason, 0)
            for reason in dict.fromkeys([*old.lineage.dropped, *new.lineage.dropped])
        }
        path = self.staging / f"{period}.merged"
        writer = FileWriter(path, msgspec.structs.replace(self.lineage, dropped=dropped))
        writer.add(merged)
        writer.close()
        if self.lineage.bars and size(old_rows := replaced(before, merged, self.at)):
            stage_history(self.folder, self.staging, period, self.lineage, old_rows)
        return path


def meaning(lineage: Lineage, field: str) -> object:
    """What a field of the lineage says: zones of one rule are one, and a unit that was not stated is not known."""
    value = getattr(lineage, field)
    if field == "zone":
        zone = parse_zone(value)
        return zone.zone, zone.shift
    return value or ("unknown" if field == "volume_unit" else "")


def finished(made: Path, place: Path) -> None:
    """A finished file to where it belongs: on the disk first, then under its name, in one step."""
    flushed(made)
    put(made, place)


def prefix(one: Columns, other: Columns) -> int:
    """How many rows both begin with, the same in all columns but the version."""
    n = min(size(one), size(other))
    same = np.ones(n, bool)
    for name in one.keys() - {"version"}:
        left, right = one[name][:n], other[name][:n]
        same &= (left == right) | ((left != left) & (right != right))
    return n if same.all() else int(np.argmin(same))


def period_of(key: np.ndarray, lineage: Lineage) -> np.ndarray:
    """Which file each row belongs to: a month for quotes, M1 bars and those of activity, a year for coarser ones."""
    yearly = lineage.frame in FRAMES and lineage.frame != "M1"
    return key.view("M8[ns]").astype("M8[Y]" if yearly else "M8[M]")


def merge_bars(before: Columns, coming: Columns, columns: tuple[str, ...]) -> tuple[Columns, int, int]:
    """Both by their opening time; where both have a bar the coming one holds. Returns (bars, added, revised)."""
    before = {**{name: np.full(size(before), np.nan) for name in columns}, **before}
    names = list(columns)
    place = np.searchsorted(before["open_ts"], coming["open_ts"])
    known = place < size(before)
    known[known] = before["open_ts"][place[known]] == coming["open_ts"][known]
    old, new = part(before, place[known]), part(coming, known)
    same = np.ones(size(old), bool)
    for name in names:
        same &= (old[name] == new[name]) | (np.isnan(old[name]) & np.isnan(new[name]))
    version = before["version"].copy()
    version[place[known][~same]] += 1
    kept = {name: before[name].copy() for name in names}
    for name in names:
        kept[name][place[known]] = new[name]
    fresh = part(coming, ~known)
    together = join([{**kept, "version": version}, {name: fresh[name] for name in [*names, "version"]}])
    order = np.argsort(together["open_ts"], kind="stable")
    return part(together, order), size(fresh), int((~same).sum())


def merge_ticks(before: Columns, coming: Columns, names: tuple[str, ...]) -> tuple[Columns, int, int]:
    """Both by time; of rows equal in all `names` as many as the side that has more. Returns (rows, added, 0)."""
    kept = coming_only(before, coming, names)
    fresh = part(coming, kept)
    together = join([before, fresh])
    order = np.argsort(together["ts"], kind="stable")
    return part(together, order), size(fresh), 0


def coming_only(before: Columns, coming: Columns, names: tuple[str, ...]) -> np.ndarray:
    """bool per coming row: the k-th of its kind (equal in all `names`) where fewer than k are there already."""
    both = [np.concatenate([before[name], coming[name]]) for name in names]
    both = [np.nan_to_num(values) if values.dtype.kind == "f" else values for values in both]
    side = np.r_[np.zeros(size(before), np.int8), np.ones(size(coming), np.int8)]
    order = np.lexsort((side, *both[::-1]))
    fresh = np.zeros(len(side), bool)
    differs = np.zeros(len(order), bool)
    differs[0] = True
    for values in both:
        differs[1:] |= values[order][1:] != values[order][:-1]
    group = np.cumsum(differs) - 1
    starts = np.flatnonzero(differs)
    there = np.add.reduceat((side[order] == 0).astype(np.int64), starts)
    rank = np.arange(len(order)) - starts[group] - there[group]
    fresh[order] = (side[order] == 1) & (rank >= there[group])
    return fresh[size(before) :]
