"""One Parquet file of the catalogue: zstd, page checksums, lineage in every row and footer, a digest of it all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engine.feeds.footer import KEY, Footer, damaged, pack, read_footer
from engine.feeds.lineage import Columns, Lineage, between, join, size

STAMP = pa.timestamp("ns", tz="UTC")
WORD = pa.dictionary(pa.int8(), pa.string())
MARKS = ("source", "instrument", "basis", "stamps")
"""Lineage columns: the same word in every row of a file, next to free in Parquet."""
ROWS = 1 << 20
"""Rows per row group: what is held in memory at once while a file streams through."""


def schema(lineage: Lineage) -> pa.Schema:
    known = {True: STAMP, False: pa.float64()}
    fields = [pa.field(n, known[n.endswith("ts")], nullable=not n.endswith("ts")) for n in lineage.names]
    marks = [pa.field(n, WORD) for n in MARKS]
    return pa.schema([*fields, *marks, pa.field("version", pa.int32())])


class Digest:
    """blake2b over the columns of a file, however its rows are cut into stretches."""

    def __init__(self, names: list[str]) -> None:
        self.columns = {name: hashlib.blake2b(digest_size=16) for name in sorted(names)}

    def update(self, columns: Columns) -> None:
        for name, digest in self.columns.items():
            digest.update(np.ascontiguousarray(columns[name]))

    def __str__(self) -> str:
        whole = hashlib.blake2b(digest_size=16)
        for name, digest in self.columns.items():
            whole.update(name.encode() + digest.digest())
        return whole.hexdigest()


class FileWriter:
    """Writes one file row group by row group; `close` puts lineage, counts and digest into the footer."""

    def __init__(self, path: Path, lineage: Lineage) -> None:
        self.path, self.lineage, self.schema = path, lineage, schema(lineage)
        self.names = lineage.names
        self.digest = Digest([*self.names, "version"])
        self.rows, self.first, self.last = 0, 0, 0
        self.held: list[Columns] = []
        self.file = pq.ParquetWriter(
            path, self.schema, compression="zstd", write_page_checksum=True, use_dictionary=[*MARKS, "version"]
        )

    def add(self, columns: Columns) -> None:
        """Take rows in order of their key; they are written a full row group at a time."""
        n = size(columns)
        if not n:
            return
        key = columns[self.lineage.key]
        self.first = int(key[0]) if not self.rows else self.first
        self.last, self.rows = int(key[-1]), self.rows + n
        held = {name: columns.get(name, np.full(n, np.nan)) for name in self.names}
        held = {name: v if name.endswith("ts") else np.where(np.isnan(v), np.nan, v) for name, v in held.items()}
        self.held.append({**held, "version": columns.get("version", np.ones(n, np.int32)).astype(np.int32)})
        if sum(size(held) for held in self.held) >= ROWS:
            self.write()

    def write(self) -> None:
        together, self.held = join(self.held), []
        self.digest.update(together)
        arrays = [to_arrow(name, together[name]) for name in self.names]
        for mark in MARKS:
            word = pa.array([getattr(self.lineage, mark)])
            arrays.append(pa.DictionaryArray.from_arrays(pa.array(np.zeros(size(together), np.int8)), word))
        batch = pa.record_batch([*arrays, pa.array(together["version"])], schema=self.schema)
        self.file.write_batch(batch, row_group_size=ROWS)

    def close(self) -> Footer:
        if self.held:
            self.write()
        footer = Footer(lineage=self.lineage, rows=self.rows, first=self.first, last=self.last, digest=str(self.digest))
        self.file.add_key_value_metadata({KEY: pack(footer)})
        self.file.close()
        return footer

    def abandon(self) -> None:
        """Close without a footer worth reading: the file is about to be deleted."""
        self.held = []
        self.file.close()


def read_rows(
    path: Path, names: tuple[str, ...] = (), first: int | None = None, last: int | None = None
) -> Iterator[Columns]:
    """A file's rows with key in [first, last), a row group at a time; every page's checksum is verified.

    `names` picks columns, all by default. DataError names the file when a checksum fails, or the digest of the whole
    where all of it is read.
    """
    footer = read_footer(path)
    key = footer.lineage.key
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            stored = [n for n in file.schema_arrow.names if n in (*footer.lineage.names, "version")]
            wanted = list(names) or stored
            digest = Digest(stored) if not names and first is None and last is None else None
            for batch in file.iter_batches(ROWS, columns=list(dict.fromkeys([*wanted, key]))):
                columns = {name: to_numpy(batch.column(name)) for name in batch.schema.names}
                if digest:
                    digest.update(columns)
                inside = between(columns, key, first, last)
                if size(inside):
                    yield {name: inside[name] for name in wanted}
    except (pa.ArrowException, OSError) as wrong:
        raise damaged(path, wrong) from None
    if digest and str(digest) != footer.digest:
        raise damaged(path, "its rows are not those that were written")


def to_arrow(name: str, values: np.ndarray) -> pa.Array:
    if name.endswith("ts"):
        return pa.array(np.ascontiguousarray(values, np.int64).view("M8[ns]")).cast(STAMP)
    return pa.array(values, from_pandas=True)


def to_numpy(column: pa.Array) -> np.ndarray:
    if pa.types.is_timestamp(column.type):
        return column.cast(STAMP).view(pa.int64()).to_numpy()
    return column.to_numpy(zero_copy_only=False)
