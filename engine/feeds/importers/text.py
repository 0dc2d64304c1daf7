"""Tables of text as Arrow record batches, in blocks of bounded size.

A block of plain lines goes through one kernel; any other block, and files of other encodings, through Arrow. What is
read is the same, except that the kernel reads stamps on the way: they come as timestamps instead of texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from engine.core.errors import DataError
from engine.feeds.importers import scan
from engine.feeds.importers.stamps import Reader
from engine.feeds.importers.tables import Layout, open_bytes

CHUNK = 4 << 20
"""Bytes of text read at once."""
CLOCK = pa.duration("ns")
"""The type of a time of day without a date."""


def read_csv(
    path: Path,
    layout: Layout,
    types: Mapping[str, pa.DataType],
    reader: Reader | None = None,
    clocks: Mapping[str, bool] | None = None,
) -> Iterator[pa.RecordBatch]:
    """The columns named in `types` (float64 or string), a stretch at a time.

    `clocks` are columns of stamps that `reader` understands: True for a time of day without its date.
    """
    lines = 1 if layout.has_header else 0
    with open_bytes(path) as file:
        if layout.encoding != "utf-8" or layout.decimal != ".":
            yield from by_arrow(file, path, layout, types, skip=lines)
            return
        for block in blocks(file, skip=lines):
            batch = by_kernel(block, layout, types, reader, clocks or {})
            if batch is not None:
                yield batch
                lines += batch.num_rows
            else:
                yield from by_arrow(pa.BufferReader(block.tobytes()), path, layout, types, lines=lines)
                lines += int(np.count_nonzero(block == scan.NEWLINE))


def blocks(file: Any, skip: int) -> Iterator[np.ndarray]:
    """The file in blocks of whole lines (uint8, valid until the next) without its first `skip` lines."""
    room = bytearray(2 * CHUNK)
    held = 0
    while True:
        if held + CHUNK > len(room):  # a line longer than all before
            room = room + bytearray(len(room))
        come = file.readinto(memoryview(room)[held : held + CHUNK])
        stop = held + (come or 0)
        start = 0
        while skip and (end := room.find(b"\n", start, stop)) >= 0:
            start, skip = end + 1, skip - 1
        end = stop if not come else room.rfind(b"\n", start, stop) + 1
        if end > start and not skip:
            yield np.frombuffer(room, np.uint8)[start:end]
            start = end
        if not come:
            return
        held = stop - start
        room[:held] = room[start:stop]


def by_kernel(
    block: np.ndarray,
    layout: Layout,
    types: Mapping[str, pa.DataType],
    reader: Reader | None,
    clocks: Mapping[str, bool],
) -> pa.RecordBatch | None:
    """A block of plain lines, None where it is not plain."""
    forms = {name: form for name, alone in clocks.items() if (form := first_form(block, layout, name, reader, alone))}
    names: dict[int, list[str]] = {
        scan.STAMP: [name for name in types if name in forms],
        scan.NUMBER: [name for name, kind in types.items() if pa.types.is_floating(kind)],
    }
    names[scan.TEXT] = [name for name in types if name not in names[scan.STAMP] and name not in names[scan.NUMBER]]
    count = len(layout.headers)
    kinds, slots = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for kind, those in names.items():
        for slot, name in enumerate(those):
            place = layout.headers.index(name)
            kinds[place], slots[place] = kind, slot
    table = np.array([forms[name][0] for name in names[scan.STAMP]] or np.zeros(1, scan.FORM), scan.FORM)
    first = block[:512].tobytes().lstrip(b"\r\n").find(b"\n") + 1
    most, rows = len(block) // max(first - 4, 4) + 16, -2
    while rows == -2:  # lines were shorter than the first one let expect
        numbers = np.empty((len(names[scan.NUMBER]), most))
        stamps = np.empty((len(names[scan.STAMP]), most), np.int64)
        starts, ends = np.empty((2, len(names[scan.TEXT]), most), np.int64)
        rows = scan.scan(block, ord(layout.separator), kinds, slots, table, most, numbers, stamps, starts, ends)
        most *= 2
    if rows < 0:
        return None
    made: dict[str, pa.Array] = {}
    for slot, name in enumerate(names[scan.NUMBER]):
        made[name] = pa.array(numbers[slot, :rows])
    for slot, name in enumerate(names[scan.STAMP]):
        kind = CLOCK if clocks[name] else pa.timestamp("ns", tz="UTC" if forms[name][1] is not None else None)
        ns = stamps[slot, :rows] - (forms[name][1] or 0)
        made[name] = pa.array(ns).view(kind)
        if forms[name][1] is not None and reader:
            reader.own_zone = True
    for slot, name in enumerate(names[scan.TEXT]):
        made[name] = texts(block, starts[slot, :rows], ends[slot, :rows])
    return pa.record_batch([made[name] for name in types], list(types))


def first_form(
    block: np.ndarray, layout: Layout, name: str, reader: Reader | None, alone: bool
) -> tuple[np.ndarray, int | None] | None:
    """How the first stamp of a column is written, and its offset from UTC where it has one."""
    line = block[:512].tobytes().lstrip(b"\r\n").split(b"\n", 1)[0]
    words = line.rstrip(b"\r").split(layout.separator.encode())
    if reader is None or len(words) != len(layout.headers):
        return None
    return reader.form_of(words[layout.headers.index(name)].decode("ascii", "replace"), alone)


def texts(block: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> pa.Array:
    """A column of texts; blank is null, as Arrow has it."""
    offsets = np.empty(len(starts) + 1, np.int32)
    letters = np.empty(int((ends - starts).sum()), np.uint8)
    scan.gather(block, starts, ends, letters, offsets)
    blank = ends == starts
    valid = pa.array(~blank).buffers()[1] if blank.any() else None
    return pa.StringArray.from_buffers(len(starts), pa.py_buffer(offsets), pa.py_buffer(letters), valid)


def by_arrow(
    file: Any, path: Path, layout: Layout, types: Mapping[str, pa.DataType], skip: int = 0, lines: int = 0
) -> Iterator[pa.RecordBatch]:
    """The same by Arrow; `lines` lines of the file lie before these, and `skip` are passed over."""
    read = pacsv.ReadOptions(
        block_size=CHUNK, column_names=list(layout.headers), skip_rows=skip, encoding=layout.encoding
    )
    convert = pacsv.ConvertOptions(
        column_types=dict(types), include_columns=list(types), strings_can_be_null=True, decimal_point=layout.decimal,
        null_values=["", "NaN", "nan", "null", "NULL", "NA", "N/A", "-"],
    )  # fmt: skip
    parse = pacsv.ParseOptions(delimiter=layout.separator)
    try:
        yield from pacsv.open_csv(file, read_options=read, parse_options=parse, convert_options=convert)
    except pa.ArrowInvalid as wrong:
        reason = str(wrong).splitlines()[0].removeprefix("CSV parse error: ")
        reason = re.sub(r"Row #(\d+)", lambda found: f"Row #{int(found[1]) + lines}", reason)
        if found := re.fullmatch(r"In CSV column #(\d+): .* invalid value '(.*)'", reason):
            reason = f"column {layout.headers[int(found[1])]!r} holds {found[2]!r}, which is no number"
        raise DataError(f"{path}: {reason[:200]}") from None
