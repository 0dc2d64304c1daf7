"""A ring between a fast producer and a slow writer: bounded memory, first in first out, and what does not fit on disk.

    with Spill(folder, capacity=10_000) as ring:
        ring.put(b"...")                     the producer's thread; never waits for the writer
        for number, event in ring.take():    the writer's thread

Events are bytes; each has a number that counts up. While the ring is full, or older events are still on disk, new ones
go to files of `SEGMENT` bytes in `folder`, each event with its number, length and CRC-32; a file is removed once the
writer has been given all of it and comes back for more. After a crash the next `Spill` of the folder gives what was on
disk again, in order, numbers going on; only what was in memory is gone, at most `capacity` events, and none with
`capacity=0`. (A power cut may take what the system had not yet written.) A writer that keeps the last number it has
stored drops what it is given twice, and says with `first` where numbers go on.
"""

from __future__ import annotations

import os
import re
import struct
import threading
import zlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from engine.core.errors import DataError, OutputError, unwritten
from engine.core.locks import lock, unlock

HEAD = struct.Struct("<QII")
"""Number, length and CRC-32 of number and event."""
SEGMENT = 1 << 24
NAME = re.compile(r"(\d{20})\.spill")
Event = tuple[int, bytes]


class Spill:
    """See the module. `folder` belongs to one process at a time; OutputError when it is another's."""

    def __init__(self, folder: str | Path, capacity: int = 10_000, segment: int = SEGMENT, first: int = 0) -> None:
        self.folder, self.capacity, self.segment = Path(folder), capacity, segment
        self.held: deque[Event] = deque()
        self.ready = threading.Condition()
        self.closed = False
        self.out: int | None = None
        self.written = 0
        self.given: list[Path] = []
        """Files whose events the writer has; removed when it comes back."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as wrong:
            raise OutputError(f"{self.folder} cannot be written: {unwritten(wrong)}") from None
        self.lock = lock(self.folder)
        if self.lock is None and os.name != "nt":
            raise OutputError(f"{self.folder} is in use by another process")
        self.files: deque[Path] = deque(segments(self.folder))
        self.counts = dict.fromkeys(self.files, 0)
        self.next = first
        for path in self.files:
            for number, _ in read_segment(path):
                self.next = max(self.next, number + 1)
                self.counts[path] += 1
        self.waiting = sum(self.counts.values())

    def __len__(self) -> int:
        """Events put and not yet taken, in memory and on disk."""
        with self.ready:
            return len(self.held) + self.waiting

    def put(self, event: bytes) -> int:
        """Add an event; its number. OutputError when it must go to disk and the disk will not take it."""
        with self.ready:
            if self.closed:
                raise OutputError(f"{self.folder}: the ring is closed")
            number = self.next
            if not self.waiting and len(self.held) < self.capacity:
                self.held.append((number, event))
            else:
                self.write(number, event)
                self.waiting += 1
                self.counts[self.files[-1]] += 1
                if self.written >= self.segment:
                    self.end_segment()
            self.next += 1
            self.ready.notify()
            return number

    def write(self, number: int, event: bytes) -> None:
        check = zlib.crc32(event, number & 0xFFFFFFFF)
        raw = HEAD.pack(number, len(event), check) + event
        try:
            if self.out is None:
                path = self.folder / f"{number:020d}.spill"
                self.out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o644)
                self.files.append(path)
                self.counts[path] = self.written = 0
            at = self.written
            while raw:
                done = os.write(self.out, raw)
                raw, self.written = raw[done:], self.written + done
        except OSError as wrong:
            if self.out is not None:
                os.ftruncate(self.out, at)
                os.lseek(self.out, at, os.SEEK_SET)
                self.written = at
            raise OutputError(f"{self.folder}: an event was not kept: {unwritten(wrong)}") from None

    def end_segment(self) -> None:
        if self.out is not None:
            os.close(self.out)
            self.out = None

    def take(self, wait: float | None = None) -> list[Event]:
        """The oldest events, in order: those in memory, else one file's. Empty after `wait` seconds, or when closed.

        Waits as long as it takes by default. Asking again says that what was given before is stored.
        """
        with self.ready:
            self.forget()
            self.ready.wait_for(lambda: self.held or self.waiting or self.closed, wait)
            if self.held:
                events = list(self.held)
                self.held.clear()
                return events
            if not self.waiting:
                return []
            path = self.files.popleft()
            if not self.files:
                self.end_segment()
            self.given.append(path)
            self.waiting -= self.counts.pop(path)
        return list(read_segment(path))

    def forget(self) -> None:
        for path in self.given:
            path.unlink(missing_ok=True)
        self.given = []

    def close(self) -> None:
        """No more events come; what is left can still be taken, and what is in memory after that is put on disk."""
        with self.ready:
            self.closed = True
            self.ready.notify_all()

    def __enter__(self) -> Spill:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
        self.leave()

    def leave(self) -> None:
        """Put on disk what was not taken and let go of the folder; the next `Spill` of it goes on from there."""
        with self.ready:
            self.end_segment()
            if self.held:
                older, self.held = list(self.held), deque()
                for number, event in older:
                    self.write(number, event)
                self.end_segment()
            unlock(self.lock)
            self.lock = None


def segments(folder: Path) -> list[Path]:
    """The spill files of a folder, oldest first."""
    return sorted(path for path in folder.iterdir() if NAME.fullmatch(path.name))


def read_segment(path: Path) -> Iterator[Event]:
    """The events of a spill file, without one that a crash left half-written at its end; DataError for damage."""
    raw = path.read_bytes()
    at = 0
    while at < len(raw):
        if at + HEAD.size > len(raw):
            return
        number, length, check = HEAD.unpack_from(raw, at)
        event = raw[at + HEAD.size : at + HEAD.size + length]
        if len(event) < length:
            return
        if zlib.crc32(event, number & 0xFFFFFFFF) != check:
            raise DataError(f"{path} is damaged at byte {at}: its events after that cannot be trusted")
        yield number, event
        at += HEAD.size + length
