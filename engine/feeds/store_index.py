"""An index of footers, so that `data list` is quick with ten thousand files.

It lies in the cache folder, per catalogue, with a checksum. What is damaged, of another layout, or no longer fits a
file's size, time and inode is read from the file again; a file written within two seconds of the look is not trusted
to have another time when it changes. Runs never read it: they read the footers themselves.

Nothing here loads numpy or pyarrow: the command is to answer before one has looked up.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec

from engine.core.clock import format_ts, wall_ns
from engine.feeds.catalogue import NOTE, SERIES, SHIPPED, SUFFIX, cache_root, data_root, standing
from engine.feeds.footer import Footer, read_footer

LAYOUT = b"1"
SETTLED = 2 * 10**9
"""ns after which a file that changes gets another time for sure."""


class Known(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What is known of a file as it was when it had these numbers."""

    size: int
    mtime: int
    inode: int
    rows: int
    first: int
    last: int


@dataclass(frozen=True)
class Held:
    """A dataset's files, in one line."""

    name: str
    rows: int
    first: int
    last: int
    files: int
    bytes: int


def list_datasets(root: Path | None = None) -> list[dict[str, Any]]:
    """One line per dataset, then per series: name, rows, first and last time (UTC), files, bytes."""
    return [
        {
            "name": held.name, "rows": held.rows, "first": format_ts(held.first), "last": format_ts(held.last),
            "files": held.files, "bytes": held.bytes,
        }
        for held in held_datasets(root)
    ]  # fmt: skip


def held_datasets(root: Path | None = None) -> list[Held]:
    """Every dataset, those that ship with the project included, and every series, by name.

    DataError names a damaged file.
    """
    root = root or data_root()
    place = index_place(root)
    before = read_index(place)
    found: dict[str, Known] = {}
    lines = [line for base in (root, SHIPPED) for line in scan(base, before, found, base == SHIPPED)]
    series = scan_series(root / SERIES, before, found)
    settled = wall_ns() - SETTLED
    after = {path: known for path, known in found.items() if known.mtime < settled}
    if after != before:
        write_index(place, after)
    return [held for some in (lines, series) for held in sorted(some, key=lambda held: held.name)]


def scan(base: Path, before: Mapping[str, Known], found: dict[str, Known], shipped: bool) -> list[Held]:
    """The datasets of one catalogue; what is known of each file goes into `found`."""
    lines = []
    for source in folders(base):
        if shipped != (source.name == "demo"):
            continue
        for symbol in folders(source):
            for kind in folders(symbol):
                if files := files_in(kind):
                    name = f"{unquote(source.name)}/{unquote(symbol.name)}/{unquote(kind.name)}"
                    lines.append(held_of(name, files, before, found))
    return lines


def scan_series(base: Path, before: Mapping[str, Known], found: dict[str, Known]) -> list[Held]:
    """Series are one file each; first and last are events."""
    return [
        held_of(f"{SERIES}/{unquote(source.name)}/{unquote(file.name[: -len(SUFFIX)])}", [file], before, found)
        for source in folders(base)
        for file in files_in(source)
    ]


def held_of(name: str, files: list[os.DirEntry[str]], before: Mapping[str, Known], found: dict[str, Known]) -> Held:
    known = [look(entry, before, found) for entry in files]
    sizes, _, _, rows, firsts, lasts = zip(*map(msgspec.structs.astuple, known), strict=True)
    return Held(name, sum(rows), min(firsts), max(lasts), len(known), sum(sizes))


def folders(place: Path | os.DirEntry[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(place) as entries:
            return [e for e in entries if not e.name.startswith(".") and e.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def files_in(kind: os.DirEntry[str]) -> list[os.DirEntry[str]]:
    """Its data files, without those that a killed compaction has put into another."""
    files, noted = [], False
    with os.scandir(kind) as entries:
        for entry in entries:
            if (name := entry.name).endswith(SUFFIX) and name[0] != ".":
                files.append(entry)
            noted = noted or name == NOTE
    if noted:
        stays = {path.name for path in standing(Path(kind.path), [Path(e.path) for e in files])}
        files = [e for e in files if e.name in stays]
    return files


def look(entry: os.DirEntry[str], before: Mapping[str, Known], found: dict[str, Known]) -> Known:
    """From the index where it still fits, else from the file."""
    stat = entry.stat()
    known = before.get(entry.path)
    if known is None or (known.size, known.mtime, known.inode) != (stat.st_size, stat.st_mtime_ns, stat.st_ino):
        footer: Footer = read_footer(Path(entry.path))
        known = Known(stat.st_size, stat.st_mtime_ns, stat.st_ino, footer.rows, footer.first, footer.last)
    found[entry.path] = known
    return known


def index_place(root: Path) -> Path:
    name = hashlib.blake2b(str(root.resolve()).encode(), digest_size=12).hexdigest()
    return cache_root().parent / "index" / name


def read_index(place: Path) -> dict[str, Known]:
    try:
        raw = place.read_bytes()
        if raw[:9] != LAYOUT + b"%08x" % zlib.crc32(raw[9:]):
            return {}
        return msgspec.msgpack.decode(raw[9:], type=dict[str, Known])
    except (OSError, msgspec.DecodeError):
        return {}


def write_index(place: Path, known: Mapping[str, Known]) -> None:
    """Whole or not at all; a cache that cannot be written is done without."""
    raw = msgspec.msgpack.encode(known)
    made = place.with_suffix(f".{os.getpid()}")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        made.write_bytes(LAYOUT + b"%08x" % zlib.crc32(raw) + raw)
        made.replace(place)
    except OSError:
        made.unlink(missing_ok=True)
