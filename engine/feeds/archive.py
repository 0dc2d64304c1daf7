"""The archive of raw payloads and journals: what came from outside, as it came, in compressed archives with checksums.

    <into>/2026-11-23.000.tar.zst          files last written in that period (day, week's Monday, month)
    <into>/2026-11-23.000.manifest.json    its size and SHA-256, and of each file path, size, time and SHA-256

An archive is there when its manifest is: both are written aside, read back and compared first. Files that an archive
already holds, unchanged, are not archived again. Only a period that has ended is archived, one of much data as several
archives. Archives are plain `tar` with Zstandard: `tar --zstd -xf` reads them without us.
"""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from engine.core.clock import wall_ns
from engine.core.errors import ConfigError, DataError, NotFound, OutputError, unwritten
from engine.core.locks import claim, put, unlock

Every = Literal["day", "week", "month"]
TAR, MANIFEST, PART = ".tar.zst", ".manifest.json", ".partial"
CHUNK = 1 << 20


class Item(msgspec.Struct, frozen=True):
    """A file in an archive; `path` below the folder that was archived, `mtime` ns UTC."""

    path: str
    size: int
    mtime: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    archive: str
    size: int
    sha256: str
    made: int
    files: list[Item]


def archive(
    folder: str | Path,
    into: str | Path,
    every: Every = "day",
    max_size: int = 10**9,
    remove: bool = False,
    now: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Archive the files of a folder whose period has ended by `now`; with `remove` they go once they are safe.

    `max_size` bounds the bytes of files per archive (one larger file is an archive of its own). Returns how many files
    and bytes went into which archives. NotFound when there is no such folder, OutputError when the disk is full,
    DataError when an archive does not read back as it was written; nothing is removed then.
    """
    source, target = Path(folder), Path(into)
    if not source.is_dir():
        raise NotFound(f"no folder {source}")
    if target.resolve() == source.resolve() or source.resolve() in target.resolve().parents:
        raise ConfigError(f"{target} lies in {source}: the archive would archive itself")
    held = None
    try:
        held = claim(target)
        for left in target.glob(f".*{PART}"):
            left.unlink()
        safe = {(item.path, item.size, item.mtime) for one in manifests(target) for item in one.files}
        waiting = pending(source, every, wall_ns() if now is None else now)
        batches = [b for period, files in waiting for b in batched(period, files, source, safe, max_size)]
        total = sum(size for _, files in batches for _, size in files)
        made, done = [], 0
        for period, files in batches:
            made.append(pack(target, source, period, [path for path, _ in files]))
            done += sum(size for _, size in files)
            if progress:
                progress(done, total)
        gone = drop(target, source, waiting) if remove else 0
    except OSError as wrong:
        raise OutputError(f"{target}: nothing was lost, but the archive is not whole: {unwritten(wrong)}") from None
    finally:
        unlock(held)
    files_done = sum(len(one.files) for one in made)
    return {
        "folder": str(source), "into": str(target), "archives": [one.archive for one in made], "files": files_done,
        "bytes": total, "packed_bytes": sum(one.size for one in made), "removed": gone,
    }  # fmt: skip


def pending(source: Path, every: Every, now: int) -> list[tuple[str, list[Path]]]:
    """Files by the period in which they were last written, of periods that have ended."""
    periods: dict[str, list[Path]] = {}
    for path in sorted(p for p in source.rglob("*") if p.is_file() and not p.is_symlink()):
        start, end = period_of(path.stat().st_mtime_ns, every)
        if end <= now:
            periods.setdefault(start, []).append(path)
    return sorted(periods.items())


def period_of(ts: int, every: Every) -> tuple[str, int]:
    """The name of the period that holds ts, and its end, ns UTC.

    >>> period_of(0, "month")[0], period_of(0, "week")[0]
    ('1970-01', '1969-12-29')
    """
    moment = np.datetime64(ts, "ns")
    if every == "month":
        start = moment.astype("M8[M]")
        return str(start), int((start + 1).astype("M8[ns]").astype(np.int64))
    day = moment.astype("M8[D]")
    if every == "week":
        day -= (day.astype(np.int64) + 3) % 7
    return str(day), int((day + (7 if every == "week" else 1)).astype("M8[ns]").astype(np.int64))


def batched(
    period: str, files: list[Path], source: Path, safe: set[tuple[str, int, int]], most: int
) -> Iterator[tuple[str, list[tuple[Path, int]]]]:
    """Files not archived yet, in batches of at most `most` bytes."""
    batch: list[tuple[Path, int]] = []
    for path in files:
        stat = path.stat()
        if (path.relative_to(source).as_posix(), stat.st_size, stat.st_mtime_ns) in safe:
            continue
        if batch and sum(size for _, size in batch) + stat.st_size > most:
            yield period, batch
            batch = []
        batch.append((path, stat.st_size))
    if batch:
        yield period, batch


def pack(target: Path, source: Path, period: str, files: list[Path]) -> Manifest:
    """One archive and its manifest; DataError if a file changes while it is read."""
    import pyarrow as pa

    n = 0
    while (place := target / f"{period}.{n:03d}{TAR}").with_name(f"{period}.{n:03d}{MANIFEST}").exists():
        n += 1
    made = target / f".{place.name}{PART}"
    items = []
    with (
        made.open("wb") as raw,
        pa.CompressedOutputStream(pa.PythonFile(raw, mode="w"), "zstd") as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in files:
            before = path.stat()
            name = path.relative_to(source).as_posix()
            tar.add(path, name, recursive=False)
            items.append(Item(name, before.st_size, before.st_mtime_ns, digest_of(path)))
    with made.open("rb+") as file:
        os.fsync(file.fileno())
    manifest = Manifest(place.name, made.stat().st_size, digest_of(made), wall_ns(), items)
    if wrong := differences(made, manifest):
        made.unlink()
        raise DataError(f"{place}: {wrong[0]}: nothing was removed, archive again")
    told = target / f".{period}.{n:03d}{PART}"
    told.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    with told.open("rb+") as file:
        os.fsync(file.fileno())
    put(made, place)
    put(told, target / f"{period}.{n:03d}{MANIFEST}")
    return manifest


def drop(target: Path, source: Path, waiting: list[tuple[str, list[Path]]]) -> int:
    """Remove the files that an archive which reads back holds as they are; how many."""
    wanted = {p.relative_to(source).as_posix(): p for _, files in waiting for p in files}
    gone = 0
    for manifest in manifests(target):
        mine = [item for item in manifest.files if item.path in wanted]
        if not mine or differences(target / manifest.archive, manifest):
            continue
        for item in mine:
            path = wanted[item.path]
            stat = path.stat() if path.exists() else None
            if stat and (stat.st_size, stat.st_mtime_ns) == (item.size, item.mtime) and digest_of(path) == item.sha256:
                path.unlink()
                gone += 1
    return gone


def manifests(target: Path) -> list[Manifest]:
    """Of every archive; DataError for a manifest that cannot be read."""
    found = []
    for path in sorted(target.glob("*" + MANIFEST)):
        try:
            found.append(msgspec.json.decode(path.read_bytes(), type=Manifest))
        except msgspec.DecodeError as wrong:
            raise DataError(f"{path} is damaged ({wrong})") from None
    return found


def verify(into: str | Path) -> list[str]:
    """What is wrong with the archives of a folder, a line each; empty when all is well."""
    target = Path(into)
    return [f"{one.archive}: {wrong}" for one in manifests(target) for wrong in differences(target / one.archive, one)]


def differences(path: Path, manifest: Manifest) -> list[str]:
    """How an archive differs from what its manifest says."""
    if not path.exists():
        return ["it is not there"]
    if digest_of(path) != manifest.sha256:
        return ["its checksum is another"]
    known = {item.path: item for item in manifest.files}
    found = []
    try:
        for name, read in contents(path):
            digest, size = hashlib.sha256(), 0
            while chunk := read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
            item = known.pop(name, None)
            if item is None or (item.size, item.sha256) != (size, digest.hexdigest()):
                found.append(f"{name} is not as it was")
    except (OSError, ValueError, tarfile.TarError) as wrong:
        found.append(f"it cannot be read: {wrong}")
    return found + [f"{name} is missing" for name in known]


def contents(path: Path) -> Iterator[tuple[str, Callable[[int], bytes]]]:
    """Name and reader of each file in an archive, in order."""
    import pyarrow as pa

    with (
        path.open("rb") as raw,
        pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd") as packed,
        tarfile.open(fileobj=packed, mode="r|") as tar,
    ):
        for member in tar:
            if (file := tar.extractfile(member)) is not None:
                yield member.name, file.read


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
