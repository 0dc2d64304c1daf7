"""What the catalogue held before: earlier versions of bars, and when each import added what.

    data/<source>/<symbol>/bars-H1/.history/2017.replaced     bars that were revised, as they were, and when they went
    data/<source>/<symbol>/bars-H1/.history/log.jsonl         {"at": ns, "file": "2017", "last": key} per import

A bar that came late, after later bars were there, is kept as a version 0 without numbers until then. Written before the
file it belongs to is replaced, so that an import killed in between has nothing to hide: rows of the history that the
file still holds do not count.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from engine.core.clock import format_ts
from engine.core.errors import ConfigError
from engine.core.frames import FRAMES
from engine.feeds.catalogue import Dataset, dataset
from engine.feeds.footer import Footer
from engine.feeds.lineage import Columns, Lineage, join, part, size

HISTORY, OLD, LOG = ".history", ".replaced", "log.jsonl"


class Entry(msgspec.Struct, frozen=True):
    """An import wrote `file` at `at` (ns UTC); `last` is the key of its last row then."""

    at: int
    file: str
    last: int


def log(folder: Path, at: int, files: Mapping[str, Footer]) -> None:
    """Add one line per file; a line that a killed import left torn is ended first."""
    place = folder / HISTORY / LOG
    place.parent.mkdir(exist_ok=True)
    lines = [msgspec.json.encode(Entry(at, file, footer.last)) + b"\n" for file, footer in files.items()]
    with place.open("ab+") as out:
        if out.tell():
            out.seek(-1, os.SEEK_END)
            if out.read(1) != b"\n":
                out.write(b"\n")
        out.write(b"".join(lines))
        out.flush()
        os.fsync(out.fileno())


def read_log(folder: Path) -> list[Entry]:
    try:
        lines = (folder / HISTORY / LOG).read_bytes().splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            found.append(msgspec.json.decode(line, type=Entry))
        except msgspec.DecodeError:
            continue  # torn by a crash: what it would have said did not happen
    return found


def replaced(before: Columns, merged: Columns, at: int) -> Columns:
    """The rows of `before` that `merged` revises, and empty ones of version 0 for bars that come late."""
    place = np.searchsorted(merged["open_ts"], before["open_ts"])
    revised = part(before, merged["version"][place] > before["version"])
    there = np.zeros(size(merged), bool)
    there[place] = True
    came = part(merged, ~there & (merged["open_ts"] < before["open_ts"][-1]))
    nothing = {name: np.full(size(came), np.nan) for name in came}
    late = {**nothing, "ts": came["ts"], "open_ts": came["open_ts"], "version": np.zeros(size(came), np.int32)}
    both = join([revised, late])
    return {**both, "replaced_ts": np.full(size(both), at, np.int64)}


def stage_history(folder: Path, staging: Path, period: str, lineage: Lineage, rows: Columns) -> None:
    """The history of one file with these rows added, to be put in place with the file itself."""
    from engine.feeds.parquet import FileWriter

    held = folder / HISTORY / (period + OLD)
    together = join([*read_old(held), rows])
    order = np.lexsort((together["replaced_ts"], together["version"], together["open_ts"]))
    together = part(together, order)
    # The same version twice: the import that was to replace it was killed, and a later one did.
    last = np.ones(size(together), bool)
    last[:-1] = (np.diff(together["open_ts"]) != 0) | (np.diff(together["version"]) != 0)
    writer = FileWriter(
        staging / (period + OLD), msgspec.structs.replace(lineage, more=(*lineage.more, "replaced_ts"), dropped={})
    )
    writer.add(part(together, last))
    writer.close()


def read_old(path: Path) -> list[Columns]:
    from engine.feeds.parquet import read_rows

    return list(read_rows(path)) if path.exists() else []


def old_rows(path: Path, current: Columns) -> Columns | None:
    """Earlier states of the bars of a file: those it no longer holds; None where there are none."""
    found = read_old(path.parent / HISTORY / (path.stem + OLD))
    if not found:
        return None
    old = join(found)
    place = np.minimum(np.searchsorted(current["open_ts"], old["open_ts"]), size(current) - 1)
    gone = (current["open_ts"][place] == old["open_ts"]) & (current["version"][place] > old["version"])
    return part(old, gone)


def revisions(name: str, root: Path | None = None) -> list[dict[str, Any]]:
    """What was revised or came late, in the order it happened: when, which bar, old and new values.

    Each is `at` (time of the import, ns UTC), `open_ts`, `version` (the new one), `old` and `new`: the columns that
    differ; `old` is empty for a bar that came late.
    """
    found: list[dict[str, Any]] = []
    for path, current in files_of(history_of(name, root)):
        old = old_rows(path, current)
        for i in range(size(old) if old else 0):
            assert old is not None
            found.append(one_revision(old, i, current))
    return sorted(found, key=lambda one: (one["at"], one["open_ts"], one["version"]))


def one_revision(old: Columns, i: int, current: Columns) -> dict[str, Any]:
    """From state i to the one that replaced it: the next in the history, or the current one."""
    again = i + 1 < size(old) and old["open_ts"][i + 1] == old["open_ts"][i]
    after, k = (old, i + 1) if again else (current, int(np.searchsorted(current["open_ts"], old["open_ts"][i])))
    late = old["version"][i] == 0
    names = [n for n in current if n not in ("ts", "open_ts", "version", "replaced_ts")]
    differ = [n for n in names if old[n][i] != after[n][k] and not (np.isnan(old[n][i]) and np.isnan(after[n][k]))]
    return {
        "at": int(old["replaced_ts"][i]), "open_ts": int(old["open_ts"][i]), "version": int(after["version"][k]),
        "old": {} if late else {n: plain(old[n][i]) for n in differ}, "new": {n: plain(after[n][k]) for n in differ},
    }  # fmt: skip


def plain(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)


def read_known(
    name: str, at: int | None = None, version: int | None = None, root: Path | None = None
) -> Iterator[Columns]:
    """A dataset's bars as the catalogue had them at `at` (ns UTC), or each in its last version up to `version`.

    `version=1` gives every bar as it first came. ConfigError for datasets without versions.
    """
    if (at is None) == (version is None):
        raise ConfigError("say as known at which time, or in which version: one of the two")
    held = history_of(name, root)
    entries = read_log(held.files[0][0].parent)
    for path, current in files_of(held):
        old = old_rows(path, current)
        if at is not None:
            mine = [entry for entry in entries if entry.file == path.stem]
            by_then = [entry.last for entry in mine if entry.at <= at]
            current = as_at(current, old, at, max(by_then, default=-(2**63)) if mine else 2**63 - 1)
        elif old is not None:
            keep = (old["version"] <= version) & (old["version"] > 0)
            current = newest(current, part(old, keep), current["version"] <= version)
        if size(current):
            yield current


def as_at(current: Columns, old: Columns | None, at: int, last: int) -> Columns:
    """The bars that were there at `at`, when the last key was `last`.

    Of a bar's earlier states that were replaced after `at`, the earliest is the one of that time.
    """
    known = current["open_ts"] <= last
    if old is None:
        return part(current, known)
    held = part(old, (old["replaced_ts"] > at) & (old["open_ts"] <= last))
    _, first = np.unique(held["open_ts"], return_index=True)
    held = part(held, np.sort(first))
    known = known & ~np.isin(current["open_ts"], held["open_ts"])
    return newest(part(current, known), part(held, held["version"] > 0), np.ones(int(known.sum()), bool))


def newest(current: Columns, old: Columns, usable: np.ndarray) -> Columns:
    """Per bar the current row where that is usable, else the latest of the old ones."""
    rows = join([part(old, slice(None)), part(current, usable)])
    rows.pop("replaced_ts", None)
    order = np.lexsort((rows["version"], rows["open_ts"]))
    rows = part(rows, order)
    last = np.ones(size(rows), bool)
    last[:-1] = np.diff(rows["open_ts"]) != 0
    return {name: part(rows, last)[name] for name in current}


def history_of(name: str, root: Path | None) -> Dataset:
    """A dataset that keeps versions: bars of a time frame."""
    held = dataset(name, root)
    if held.lineage.frame not in FRAMES:
        raise ConfigError(f"{name} keeps no versions: bars of time frames do")
    return held


def files_of(held: Dataset) -> Iterator[tuple[Path, Columns]]:
    from engine.feeds.parquet import read_rows

    for path, _ in held.files:
        yield path, join(list(read_rows(path)))


def revisions_shown(name: str, root: Path | None = None) -> list[dict[str, Any]]:
    """`revisions` for people and programs: times as text."""
    return [{**one, "at": format_ts(one["at"]), "open_ts": format_ts(one["open_ts"])} for one in revisions(name, root)]
