"""An index of footers, so that `data list` is quick with ten thousand files.

It lies in the cache folder, per catalogue, with a checksum. What is damaged, of another layout, or no longer fits a
file's size, time and inode is read from the file again; a file written within two seconds of the look is not trusted
to have another time when it changes. Runs never read it: they read the footers themselves.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.core.clock import wall_ns
from engine.feeds.catalogue import NOTE, SHIPPED, SUFFIX, data_root, standing
from engine.feeds.footer import Footer, read_footer

LAYOUT = b"1"
SETTLED = 2 * 10**9
"""ns after which a file that changes gets another time for sure."""


class Known(msgspec.Struct, array_like=True, frozen=True):
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


def held_datasets(root: Path | None = None) -> list[Held]:
    """Every dataset, those that ship with the project included, by name; DataError names a damaged file."""
    root = root or data_root()
    place = index_place(root)
    before = read_index(place)
    found: dict[str, Known] = {}
    lines = [line for base in (root, SHIPPED) for line in scan(base, before, found, base == SHIPPED)]
    settled = wall_ns() - SETTLED
    after = {path: known for path, known in found.items() if known.mtime < settled}
    if after != before:
        write_index(place, after)
    return sorted(lines, key=lambda held: held.name)


def scan(base: Path, before: Mapping[str, Known], found: dict[str, Known], shipped: bool) -> list[Held]:
    """The datasets of one catalogue; what is known of each file goes into `found`."""
    from urllib.parse import unquote

    lines = []
    for source in folders(base):
        if shipped != (source.name == "demo"):
            continue
        for symbol in folders(source):
            for kind in folders(symbol):
                known = [look(entry, before, found) for entry in files_in(kind)]
                if known:
                    name = "/".join(unquote(part.name) for part in (source, symbol, kind))
                    span = min(k.first for k in known), max(k.last for k in known)
                    size = sum(k.size for k in known)
                    lines.append(Held(name, sum(k.rows for k in known), *span, len(known), size))
    return lines


def folders(place: Path | os.DirEntry[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(place) as entries:
            return [e for e in entries if not e.name.startswith(".") and e.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def files_in(kind: os.DirEntry[str]) -> list[os.DirEntry[str]]:
    """Its data files, without those that a killed compaction has put into another."""
    with os.scandir(kind) as entries:
        every = list(entries)
    files = [e for e in every if e.name.endswith(SUFFIX) and not e.name.startswith(".")]
    if any(e.name == NOTE for e in every):
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
    from engine.feeds.mapped import cache_root

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
