"""The replay cache: a tape as uncompressed columns on disk, memory-mapped, so that opening one costs nothing.

    <cache>/tapes/<key>/ts.npy symbol.npy bid.npy ask.npy meta.json

The key is a hash of everything the tape was made from. A replay releases the pages it has passed, so that ten times
the data does not mean ten times the memory. `ONETAPE_CACHE` moves the cache; its folders may be deleted at any time.
When it grows beyond `ONETAPE_CACHE_MAX` tapes go, those opened longest ago first.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
import numpy as np

from engine.core.errors import DataError, OutputError
from engine.core.locks import alone, lock, swept, unlock
from engine.core.tape import BAR_COLUMNS, BLOCK, DTYPES, QUOTE_COLUMNS, Block, fingerprint
from engine.feeds.catalogue import cache_root
from engine.feeds.lineage import Columns

LAYOUT = 1
HEADER = 128
"""Bytes before the numbers in a one-dimensional .npy file."""
MOST = "50 GB"
RELEASE = 16
"""Blocks after which the pages passed are given back."""


class Meta(msgspec.Struct, frozen=True):
    layout: int
    kind: str
    symbols: tuple[str, ...]
    notes: tuple[str, ...]
    fingerprint: str
    rows: int


def stored_columns(kind: str) -> tuple[str, ...]:
    """A quote's `ts_event` is its `ts` and is not stored twice."""
    return tuple(n for n in QUOTE_COLUMNS if n != "ts_event") if kind == "quotes" else BAR_COLUMNS


class MappedTape:
    """A tape whose columns are memory-mapped files; see `engine.core.tape.Tape`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        meta = msgspec.json.decode((folder / "meta.json").read_bytes(), type=Meta)
        self.kind, self.symbols, self.notes, self.fingerprint = meta.kind, meta.symbols, meta.notes, meta.fingerprint
        self.rows = meta.rows
        self.maps: list[tuple[mmap.mmap, int]] = []
        columns = {name: self.map(name) for name in stored_columns(self.kind)}
        columns.setdefault("ts_event", columns["ts"])
        names = QUOTE_COLUMNS if self.kind == "quotes" else BAR_COLUMNS
        self.block = Block(**{name: columns[name] for name in names})

    def map(self, name: str) -> np.ndarray:
        path = self.folder / f"{name}.npy"
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        dtype = np.dtype(DTYPES.get(name, np.float64))
        self.maps.append((mapped, dtype.itemsize))
        return np.frombuffer(mapped, dtype, self.rows, HEADER)

    def __len__(self) -> int:
        return self.rows

    @property
    def span(self) -> tuple[int, int]:
        return int(self.block.ts[0]), int(self.block.ts[-1])

    def blocks(self, size: int = BLOCK) -> Iterator[Block]:
        released = 0
        for lo in range(0, self.rows, size):
            yield self.block.part(lo, min(lo + size, self.rows))
            if lo - released >= RELEASE * size:
                self.release(released, lo)
                released = lo
        self.release(released, self.rows)

    def release(self, lo: int, hi: int) -> None:
        """Give back the memory of records lo..hi-1; they are read again from disk if somebody still wants them."""
        advice = getattr(mmap, "MADV_DONTNEED", None)
        if advice is None:
            return
        for mapped, width in self.maps:
            start = (HEADER + lo * width) // mmap.PAGESIZE * mmap.PAGESIZE
            end = (HEADER + hi * width) // mmap.PAGESIZE * mmap.PAGESIZE
            if end > start:
                mapped.madvise(advice, start, end - start)


def open_mapped(key: str) -> MappedTape | None:
    """The cached tape of a key, or None: also when it is of an older layout or damaged."""
    folder = cache_root() / key
    try:
        meta = msgspec.json.decode((folder / "meta.json").read_bytes(), type=Meta)
        widths = {name: np.dtype(DTYPES.get(name, np.float64)).itemsize for name in stored_columns(meta.kind)}
        whole = all((folder / f"{n}.npy").stat().st_size == HEADER + meta.rows * w for n, w in widths.items())
    except (OSError, msgspec.DecodeError):
        return None
    if not whole or meta.layout != LAYOUT:
        return None
    try:
        found = MappedTape(folder)
        os.utime(folder)
    except OSError:  # another process made room
        return None
    return found


def store_mapped(
    key: str,
    kind: str,
    symbols: tuple[str, ...],
    stretches: Iterable[Columns],
    notes: Callable[[], tuple[str, ...]] = tuple,
) -> MappedTape:
    """Write stretches of tape columns (sorted, with `symbol`) to the cache and map them; `notes` is asked at the end.

    The tape appears whole or not at all; what killed processes left is removed. DataError when there is no record,
    OutputError when the disk will not take it.
    """
    root = cache_root()
    folder, building = root / key, root / f".{key}.{os.getpid()}"
    held = None
    try:
        root.mkdir(parents=True, exist_ok=True)
        with alone(root):
            for left in root.glob(".*"):
                swept(left)
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir()
            held = lock(building)
        rows = write_columns(building, stored_columns(kind), stretches)
        if not rows:
            raise DataError(f"no {kind} of {', '.join(symbols)} in this range")
        meta = Meta(LAYOUT, kind, symbols, notes(), "", rows)
        (building / "meta.json").write_bytes(msgspec.json.encode(meta))
        meta = msgspec.structs.replace(meta, fingerprint=fingerprint(MappedTape(building)))
        (building / "meta.json").write_bytes(msgspec.json.encode(meta))
        shutil.rmtree(folder, ignore_errors=True)
        building.rename(folder)
    except OSError as wrong:
        if (found := open_mapped(key)) is not None:
            return found
        raise OutputError(f"the replay cache {root} cannot be written: {wrong.strerror or wrong}") from None
    finally:
        shutil.rmtree(building, ignore_errors=True)
        unlock(held)
    made = MappedTape(folder)
    make_room(root, key)
    return made


def cache_limit() -> int:
    """Bytes the replay cache may take: ONETAPE_CACHE_MAX (`20 GB`)."""
    from engine.feeds.store import size_of

    return size_of(os.environ.get("ONETAPE_CACHE_MAX") or MOST)


def make_room(root: Path, key: str) -> list[str]:
    """Remove the tapes that were opened longest ago until the rest fits; the one of `key` stays. Their keys.

    A process that has one mapped keeps it: its pages live until they are let go.
    """
    limit, held = cache_limit(), []
    for folder in root.glob("[!.]*"):
        with contextlib.suppress(OSError):
            used = folder.stat().st_mtime_ns
            held.append((used, folder, sum(file.stat().st_size for file in folder.iterdir())))
    total, gone = sum(size for _, _, size in held), []
    for _, folder, size in sorted(held):
        if total <= limit:
            break
        if folder.name != key:
            with contextlib.suppress(OSError):
                (folder / "meta.json").unlink()  # without it there is no tape, whatever of the rest can be removed
            shutil.rmtree(folder, ignore_errors=True)
            total -= size
            gone.append(folder.name)
    return gone


def write_columns(folder: Path, names: tuple[str, ...], stretches: Iterable[Columns]) -> int:
    """One .npy file per column, written as the stretches come; the number of rows."""
    rows = 0
    with contextlib.ExitStack() as stack:
        files = {name: stack.enter_context((folder / f"{name}.npy").open("wb")) for name in names}
        for file in files.values():
            file.write(bytes(HEADER))
        for columns in stretches:
            for name, file in files.items():
                file.write(np.ascontiguousarray(columns[name], DTYPES.get(name, np.float64)))
            rows += len(columns["ts"])
        for name, file in files.items():
            file.seek(0)
            descr = np.lib.format.dtype_to_descr(np.dtype(DTYPES.get(name, np.float64)))
            np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": (rows,)})
            assert file.tell() == HEADER, "numpy changed the length of its header"
    return rows
