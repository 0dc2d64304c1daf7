"""Keeping the catalogue in order: small files into one per period, what is too old away, one writer at a time.

A dataset may hold small files beside the usual ones (`write_small`: for writers that cannot wait for a merge). They are
read like the others, and become one file per month or year with the next import or with `compact`. That is safe at
every step: a note says which files the new one stands for, and counts only once the new one is there.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from engine.core.clock import format_ts
from engine.core.errors import ConfigError, OutputError
from engine.core.locks import claim, put, unlock
from engine.core.registry import did_you_mean
from engine.feeds.catalogue import NOTE, SHIPPED, SUFFIX, Note, data_root, dataset, folder_of, standing
from engine.feeds.footer import Footer, read_footer
from engine.feeds.lineage import Columns, Lineage, join

AGE = {"day": 1, "week": 7, "month": 0, "year": 0}
BYTES = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


@contextmanager
def alone_with(folder: Path) -> Iterator[None]:
    """The only writer of a dataset; OutputError if the folder cannot be written."""
    try:
        held = claim(folder)
    except OSError as wrong:
        raise OutputError(f"{folder} cannot be written: {wrong.strerror}") from None
    try:
        yield
    except OSError as wrong:
        raise OutputError(f"{folder} cannot be written: {wrong.strerror or wrong}") from None
    finally:
        unlock(held)


def flushed(path: Path) -> None:
    """A file's bytes to the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def write_small(lineage: Lineage, columns: Columns, root: Path | None = None) -> Path:
    """Rows, in order of their key, as a small file of their own; whole or not at all."""
    from engine.feeds.parquet import FileWriter

    folder = folder_of(root or data_root(), lineage.name)
    with alone_with(folder):
        finish(folder)
        n = len(list(folder.glob(f"*{SUFFIX}")))
        key = int(columns[lineage.key][0])
        while (place := folder / f"{key:020d}-{n}{SUFFIX}").exists():
            n += 1
        made = folder / f".{place.name}.partial"
        writer = FileWriter(made, lineage)
        writer.add(columns)
        writer.close()
        flushed(made)
        put(made, place)
    return place


def periods(footer: Footer) -> tuple[str, str]:
    """The usual files its first and last row belong to."""
    from engine.feeds.append import period_of

    first, last = period_of(np.array([footer.first, footer.last]), footer.lineage)
    return str(first), str(last)


def tidy(folder: Path) -> tuple[int, int]:
    """Sweep what was killed, make one file per period; (files before, after). The caller is alone with the dataset."""
    from engine.feeds.footer import damaged

    for left in folder.glob(".staging.*"):
        shutil.rmtree(left, ignore_errors=True)
    for left in folder.glob(".*.partial"):
        left.unlink(missing_ok=True)
    finish(folder)
    held = {path: read_footer(path) for path in sorted(folder.glob("*" + SUFFIX))}
    groups: dict[str, list[Path]] = {}
    odd = set()
    for path, footer in held.items():
        first, last = periods(footer)
        groups.setdefault(first, []).append(path)
        if path.stem != first or first != last:
            odd.add(first)
            if first != last:
                raise damaged(path, f"its rows reach from {first} into {last}, a file holds one period")
    for period in sorted(odd):
        files = sorted(groups[period], key=lambda path: (held[path].first, path.name))
        gather(folder, period, [(path, held[path]) for path in files])
    return len(held), len(groups)


def gather(folder: Path, period: str, files: list[tuple[Path, Footer]]) -> None:
    """Several files of one period as one, in steps that may end anywhere."""
    from engine.feeds.parquet import FileWriter, read_rows

    staging = folder / f".staging.{os.getpid()}"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        made = staging / (period + SUFFIX)
        dropped: dict[str, int] = {}
        for _, footer in files:
            for reason, n in footer.lineage.dropped.items():
                dropped[reason] = dropped.get(reason, 0) + n
        lineage = files[-1][1].lineage
        writer = FileWriter(made, msgspec.structs.replace(lineage, dropped=dropped))
        try:
            writer.add(united([join(list(read_rows(path))) for path, _ in files], lineage))
        except BaseException:
            writer.abandon()
            raise
        new = writer.close()
        flushed(made)
        place = folder / (period + SUFFIX)
        note = Note(into=place.name, digest=new.digest, files=[p.name for p, _ in files if p != place])
        (staging / NOTE).write_bytes(msgspec.json.encode(note))
        flushed(staging / NOTE)
        put(staging / NOTE, folder / NOTE)
        put(made, place)
        finish(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def united(stretches: list[Columns], lineage: Lineage) -> Columns:
    """Files of one dataset as one stretch: laid end to end, or merged as an import would where they overlap."""
    from engine.feeds.append import merge_bars, merge_ticks
    from engine.feeds.lineage import PRINTS, QUOTES

    whole = stretches[0]
    for coming in stretches[1:]:
        apart = coming[lineage.key][0] >= whole[lineage.key][-1]
        if apart and (not lineage.bars or coming[lineage.key][0] > whole[lineage.key][-1]):
            whole = join([whole, coming])
        elif lineage.bars:
            whole, _, _ = merge_bars(whole, coming, lineage.names)
        else:
            whole, _, _ = merge_ticks(whole, coming, PRINTS if lineage.prints else QUOTES)
    return whole


def finish(folder: Path) -> None:
    """End a compaction that was killed after its file was in place; forget one that was killed before."""
    note = folder / NOTE
    if not note.exists():
        return
    stays = {path.name for path in standing(folder, sorted(folder.glob("*" + SUFFIX)))}
    for path in folder.glob("*" + SUFFIX):
        if path.name not in stays:
            path.unlink()
    note.unlink()


def compact(name: str, root: Path | None = None) -> dict[str, Any]:
    """One file per month or year of a dataset; what it holds stays the same. NotFound names the nearest."""
    dataset(name, root)
    folder = own_folder(name, root)
    with alone_with(folder):
        before, after = tidy(folder)
    held = dataset(name, root)
    return {"dataset": name, "files_before": before, "files": after, "rows": held.rows, "bytes": held.bytes}


def retain(
    name: str, keep: str = "", max_size: str = "", apply: bool = False, root: Path | None = None
) -> dict[str, Any]:
    """Which files of a dataset go when only its last `keep` (`2 years`) or `max_size` (`10 GB`) stays.

    Whole files only, the oldest first, counted back from the dataset's last row; the newest always stays. Nothing is
    removed unless `apply` says so.
    """
    if not keep and not max_size:
        raise ConfigError('say what stays: keep "2 years", or at most "10 GB"')
    folder = own_folder(name, root)
    held = dataset(name, root)
    cutoff = before(held.last, keep) if keep else -(2**63)
    room = size_of(max_size) if max_size else 2**63
    gone, whole = [], held.bytes
    total = whole
    for path, footer in held.files[:-1]:
        if footer.last >= cutoff and total <= room:
            break
        gone.append((path, footer))
        total -= path.stat().st_size
    if apply and gone:
        with alone_with(folder):
            remove([path for path, _ in gone])
    removed = [{"path": str(p), "rows": f.rows, "last": format_ts(f.last)} for p, f in gone]
    rows = sum(footer.rows for _, footer in gone)
    return {
        "dataset": name, "applied": apply, "files": len(gone), "rows": rows, "bytes": whole - total,
        "rows_left": held.rows - rows, "bytes_left": total, "removed": removed,
    }  # fmt: skip


def remove(paths: list[Path]) -> None:
    """Files and their histories."""
    from engine.feeds.store_history import HISTORY, OLD

    for path in paths:
        path.unlink(missing_ok=True)
        (path.parent / HISTORY / (path.stem + OLD)).unlink(missing_ok=True)


def own_folder(name: str, root: Path | None) -> Path:
    """The folder of a dataset that may be changed; ConfigError for the demo's."""
    if name.startswith("demo/"):
        raise ConfigError(f"{name} ships with the project ({SHIPPED.name}/demo) and is not changed")
    return folder_of(root or data_root(), name)


def before(ts: int, age: str) -> int:
    """The moment so long before `ts`, ns UTC; months and years by the calendar.

    >>> format_ts(before(1_709_251_200_000_000_000, "2 years"))
    '2022-03-01 00:00:00'
    """
    found = re.fullmatch(r"\s*(\d+)\s*([A-Za-z]+?)s?\s*", age)
    if not found or found[2].lower() not in AGE:
        hint = did_you_mean(found[2].lower(), AGE) if found else "write a number and a unit, like 2 years"
        raise ConfigError(f"age {age!r} cannot be read: {hint}")
    n, unit = int(found[1]), found[2].lower()
    if AGE[unit]:
        return ts - n * AGE[unit] * 86_400 * 10**9
    moment = np.datetime64(ts, "ns")
    month = moment.astype("M8[M]")
    return int(((month - n * (12 if unit == "year" else 1)).astype("M8[ns]") + (moment - month)).astype(np.int64))


def size_of(text: str) -> int:
    """Bytes of `500 MB`; ConfigError for a bare number or another unit.

    >>> size_of("1.5 GB")
    1500000000
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*", text)
    known = {unit.lower(): n for unit, n in BYTES.items()}
    if not found or found[2].lower() not in known:
        hint = did_you_mean(found[2], BYTES) if found else "write a number and a unit, like 10 GB"
        raise ConfigError(f"size {text!r} cannot be read: {hint}")
    return round(float(found[1]) * known[found[2].lower()])
