"""Files as streams of Arrow record batches: CSV of any separator, Parquet; xz, gz, bz2, zst are unpacked on the way."""

from __future__ import annotations

import csv
import lzma
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from engine.core.errors import DataError, NotFound
from engine.core.registry import did_you_mean

SEPARATORS = "\t;,|"
OPEN: dict[Path, Any] = {}
"""Files that are being read, as they lie on the disk."""


@dataclass(frozen=True)
class Layout:
    """How a text file is laid out; `headers` are invented (`column1`, ...) where the first line holds data."""

    separator: str
    headers: tuple[str, ...]
    has_header: bool
    encoding: str
    decimal: str = "."


@contextmanager
def open_bytes(path: Path, archive: bool = False) -> Iterator[Any]:
    """The file's bytes, unpacked; NotFound names the nearest file, DataError what cannot be unpacked.

    Of a zip it is the one file inside, or with `archive` the zip itself.
    """
    if path.is_dir():
        raise NotFound(f"{path} is a folder: name a file in it")
    if not path.is_file():
        near = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        hint = did_you_mean(path.name, near)
        raise NotFound(f"no file {path}" + (f": {hint}" if hint.startswith("did") else ""))
    try:
        with pa.OSFile(str(path)) if path.suffix in (".gz", ".bz2", ".zst") else path.open("rb") as raw:
            OPEN[path] = raw
            if path.suffix == ".zip" and not archive:
                with zipfile.ZipFile(raw) as packed, packed.open(only_member(packed, path)) as file:
                    yield file
            elif path.suffix == ".xz":
                with lzma.open(raw) as file:
                    yield file
            elif path.suffix in (".gz", ".bz2", ".zst"):
                with pa.CompressedInputStream(raw, pa.Codec.detect(path).name) as file:
                    yield file
            else:
                yield raw
    except (lzma.LZMAError, zipfile.BadZipFile, EOFError, OSError) as wrong:
        reason = str(wrong).splitlines()[0] if str(wrong) else "it ends too early"
        raise DataError(f"{path} cannot be read: {reason}") from None
    finally:
        OPEN.pop(path, None)


def expected_rows(path: Path, done: int) -> int:
    """How many rows a file seems to have, `done` of them read: as it says itself, or by how far they reach into it.

    0 where that cannot be told.
    """
    if (raw := OPEN.get(path)) is not None:
        return round(done * path.stat().st_size / max(raw.tell(), 1))
    return pq.read_metadata(path).num_rows if path.suffix == ".parquet" else 0


def tables_in(names: Sequence[str]) -> list[str]:
    """The tables in a zip; what a vendor adds beside them (readme, licence, a status report) is passed over."""
    names = [name for name in names if not name.endswith("/")]
    return [name for name in names if name.lower().endswith((".csv", ".tsv", ".json", ".data"))] or names


def only_member(packed: zipfile.ZipFile, path: Path) -> str:
    tables = tables_in(packed.namelist())
    if len(tables) != 1:
        raise DataError(f"{path} holds {len(tables)} files ({', '.join(tables[:4])}): unpack it and name one")
    return tables[0]


def head(path: Path, n: int = 65_536) -> bytes:
    """The first bytes of a file, unpacked."""
    with open_bytes(path) as file:
        return bytes(file.read(n))


def bare_name(path: Path) -> str:
    """The file's name without its endings: `EURUSD_H1.csv.xz` as `EURUSD_H1`."""
    return path.name.split(".")[0]


def layout_of(path: Path) -> Layout:
    """Separator, header and encoding from the first lines; DataError when this is no table."""
    raw = head(path)
    if not raw.strip(b"\0\xff\xfe\xef\xbb\xbf \r\n"):
        raise DataError(f"{path} is empty")
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    text = raw.decode("utf-8-sig" if encoding == "utf-8" else encoding, "replace")
    lines = [line for line in text.splitlines()[:50] if line.strip()]
    counts = {s: [line.count(s) for line in lines[: max(len(lines) - 1, 1)]] for s in SEPARATORS}
    separator = max(SEPARATORS, key=lambda s: (min(counts[s]), max(counts[s]) > 0))
    if not min(counts[separator]) or "\0" in lines[0]:
        raise DataError(f"{path}: the first lines are no table: {lines[0][:60]!r}")
    first = next(csv.reader([lines[0]], delimiter=separator))
    has_header = not any(re.fullmatch(r"[-+]?\d+([.,]\d+)?([eE][-+]?\d+)?", word.strip()) for word in first)
    headers = first if has_header else [f"column{i + 1}" for i in range(len(first))]
    commas = separator != "," and any(re.fullmatch(r"[-+]?\d+,\d+", w.strip()) for w in lines[-1].split(separator))
    return Layout(separator, tuple(word.strip() for word in headers), has_header, encoding, "," if commas else ".")


def parquet_metadata(path: Path) -> pq.FileMetaData:
    if not path.is_file():
        head(path)
    try:
        return pq.read_metadata(path)
    except (pa.ArrowException, OSError) as wrong:
        raise DataError(f"{path} is no Parquet file or damaged: {str(wrong).splitlines()[0][:160]}") from None


def read_parquet(path: Path, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield from file.iter_batches(1 << 20, columns=list(names))
    except (pa.ArrowException, OSError) as wrong:
        raise DataError(f"{path} is damaged: {str(wrong).splitlines()[0][:160]}") from None
