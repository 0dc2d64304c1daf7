"""What is known of a file of the catalogue without reading its rows, and without loading pyarrow.

It lies as JSON with a checksum in the Parquet footer, key `onetape`: Parquet checks its pages, not its footer.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import msgspec

from engine.core.errors import DataError
from engine.feeds.lineage import Lineage

KEY = b"onetape"
MAGIC = b"PAR1"
FIELD = 0x18
"""Thrift's compact protocol: a string field next to the one before it."""


class Footer(msgspec.Struct, frozen=True, kw_only=True):
    """`first` and `last` are the keys of the first and last row, ns UTC; `digest` is over all rows."""

    lineage: Lineage
    rows: int
    first: int
    last: int
    digest: str


def pack(footer: Footer) -> bytes:
    """JSON, a #, and the CRC-32 of the JSON."""
    text = msgspec.json.encode(footer)
    return text + b"#%08x" % zlib.crc32(text)


def read_footer(path: Path) -> Footer:
    """A file's footer; DataError if the file is not one of ours or is damaged."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(size - 8, 0))
            tail = file.read()
            length = int.from_bytes(tail[:4], "little")
            if tail[4:] != MAGIC or length > size - 8:
                raise damaged(path, "its end is not there")
            file.seek(size - 8 - length)
            raw = file.read(length)
    except OSError as wrong:
        raise DataError(f"{path} cannot be read: {wrong.strerror}") from None
    place = raw.find(bytes([len(KEY)]) + KEY + bytes([FIELD]))
    if place < 0:
        raise DataError(f"{path} is not a file of a catalogue, or damaged: import it")
    text, _, check = string_at(raw, place + len(KEY) + 2).rpartition(b"#")
    try:
        if int(check or b"0", 16) != zlib.crc32(text):
            raise damaged(path, "its footer was changed")
        return msgspec.json.decode(text, type=Footer)
    except (ValueError, msgspec.DecodeError):
        raise damaged(path, "its footer was changed") from None


def string_at(raw: bytes, place: int) -> bytes:
    """A Thrift compact string: its length seven bits at a time, least first, then its bytes."""
    length = shift = 0
    while True:
        byte = raw[place] if place < len(raw) else 0
        length, place, shift = length | (byte & 0x7F) << shift, place + 1, shift + 7
        if byte < 0x80:
            return raw[place : place + length]


def damaged(path: Path, why: object) -> DataError:
    reason = str(why).split("\n")[0][:160]
    return DataError(f"{path} is damaged ({reason}): delete it and import the data again")
