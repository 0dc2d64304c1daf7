"""The journal: every decision and every input, in order, in frames that survive a crash.

    file    b"ONETAPE1", then frames
    frame   length u32, crc32 u32, seq u64, cause u64 (little endian), then `length` bytes of MessagePack

`seq` counts from 1 without a gap; `cause` is the seq of the frame that led to this one, 0 for what came from the
tape or from outside. The CRC covers seq, cause and payload. What is behind the last whole frame (a frame cut off, zeros
of a file that grew before a power cut) was never written: it is ignored. A damaged place with a whole frame anywhere
behind it is an error that names the place, and nothing after it is used.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from engine.core.errors import JournalError, NotFound, OnetapeError, OutputError, unwritten
from engine.core.events import AnyEvent, Event

MAGIC = b"ONETAPE1"
HEAD = struct.Struct("<IIQQ")
CAUSE = struct.Struct("<QQ")
BUFFER = 65_536


class Frame(NamedTuple):
    seq: int
    cause: int
    event: Event


class Journal:
    """Appends frames to a file (or to nothing) and keeps the digest of all it wrote.

    Two runs with one digest made the same decisions for the same reasons in the same order. Raises OutputError when
    the system does not take a frame: the run must end, its next decision could not be recorded.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.seq = 0
        self._file: BinaryIO | None = None
        self._buffer = bytearray()
        self._hash = hashlib.blake2b(digest_size=16)
        self._encode = msgspec.msgpack.Encoder(enc_hook=plain).encode
        if path:
            self.open(path)

    def open(self, path: Path) -> None:
        """Write to this new file from here on."""
        try:
            self._file = path.open("xb")
            self._file.write(MAGIC)
        except OSError as error:
            raise self._lost(error, path) from None

    def write(self, event: Event, cause: int = 0) -> int:
        """Append one event; returns its seq."""
        payload = self._encode(event)
        self.seq = seq = self.seq + 1
        crc = zlib.crc32(payload, zlib.crc32(CAUSE.pack(seq, cause)))
        self._buffer += HEAD.pack(len(payload), crc, seq, cause) + payload
        if len(self._buffer) > BUFFER:
            self.flush()
        return seq

    def flush(self) -> None:
        """Hand everything to the operating system: it survives a killed process."""
        self._hash.update(self._buffer)
        if self._file:
            try:
                self._file.write(self._buffer)
                self._file.flush()
            except OSError as error:
                raise self._lost(error, Path(self._file.name)) from None
        self._buffer.clear()

    def begin(self) -> None:
        """The digest covers what comes from here on: a header says what was run, not what was decided."""
        self.flush()
        self._hash = hashlib.blake2b(digest_size=16)

    @property
    def digest(self) -> str:
        """Hash of every frame so far."""
        self.flush()
        return self._hash.hexdigest()

    def close(self) -> None:
        self.flush()
        if self._file:
            self._file.close()
            self._file = None

    def abandon(self) -> None:
        """Let go of the file as it is; what is buffered is lost."""
        if self._file:
            with suppress(OSError):
                self._file.close()
            self._file = None

    def _lost(self, error: OSError, path: Path) -> OutputError:
        self.abandon()
        return OutputError(f"the journal {path} could not be written: {unwritten(error)}")


def plain(value: Any) -> Any:
    """A numpy number, as strategies compute them from history, as the number it is."""
    if hasattr(value, "item"):
        return value.item()
    raise OnetapeError(f"an event cannot hold a {type(value).__name__}: numbers and text can be journalled")


def as_stored(event: Event) -> Event:
    """The event as reading it back would give it: a whole number where a price is meant is that price."""
    return _decode(_encode(event))


_encode = msgspec.msgpack.Encoder(enc_hook=plain).encode
_decode = msgspec.msgpack.Decoder(AnyEvent).decode


def read(path: Path) -> Iterator[Frame]:
    """The frames of a journal in order; see the module for what a torn tail and damage mean."""
    data = _load(path)
    at, seq = len(MAGIC), 0
    while (head := _whole(data, at)) and head[1] == seq + 1:
        length, seq, cause = head
        payload = data[at + HEAD.size : at + HEAD.size + length]
        try:
            yield Frame(seq, cause, _decode(payload))
        except msgspec.MsgspecError as error:
            raise JournalError(f"{path}: frame {seq} is of no known kind ({error})") from None
        at += HEAD.size + length
    if any(_whole(data, k, seq) for k in range(at, len(data))):
        raise JournalError(
            f"{path}: damaged at byte {at}, after frame {seq}: the frames before it are intact, the rest must"
            " not be trusted"
        )


def recover(path: Path) -> int:
    """Cut a torn tail off, so that the journal can be appended to; returns the bytes removed."""
    data = _load(path)
    at = len(MAGIC)
    for _ in read(path):
        at += HEAD.size + int(HEAD.unpack_from(data, at)[0])
    torn = len(data) - at
    if torn:
        with path.open("r+b") as file:
            file.truncate(at)
    return torn


def _load(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"no journal at {path}") from None
    if not data.startswith(MAGIC):
        raise JournalError(f"{path} is not a journal (or of another format version)")
    return data


def _whole(data: bytes, at: int, after: int = -1) -> tuple[int, int, int] | None:
    """(length, seq, cause) of an intact frame at that byte, of a seq greater than `after`; else None."""
    if at + HEAD.size > len(data):
        return None
    length, crc, seq, cause = HEAD.unpack_from(data, at)
    end = at + HEAD.size + length
    if end > len(data) or not after < seq <= len(data):
        return None
    payload = data[at + HEAD.size : end]
    return (length, seq, cause) if zlib.crc32(payload, zlib.crc32(CAUSE.pack(seq, cause))) == crc else None
