"""One Parquet file of the catalogue: zstd, page checksums, lineage in every row and footer, a digest of it all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
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

    def __init__(self, path: Path, lineage: Lineage, thread: ThreadPoolExecutor | None = None) -> None:
        self.path, self.lineage, self.schema = path, lineage, schema(lineage)
        self.names = lineage.names
        self.digest = Digest([*self.names, "version"])
        self.rows, self.first, self.last = 0, 0, 0
        self.held: list[Columns] = []
        self.own_thread = thread is None
        self.thread = thread or ThreadPoolExecutor(1)
        """Compresses and hashes a row group while the next one is read; never more than one ahead."""
        self.writing: Future[None] | None = None
        counts = [*(name for name in self.names if name.endswith("ts")), "version"]
        self.file = pq.ParquetWriter(
            path, self.schema, compression="zstd", write_page_checksum=True, use_dictionary=list(MARKS),
            write_statistics=list(self.names), column_encoding=dict.fromkeys(counts, "DELTA_BINARY_PACKED"),
        )  # fmt: skip

    def add(self, columns: Columns) -> None:
        """Take rows in order of their key; they are written a full row group at a time."""
        n = size(columns)
        if not n:
            return
        key = columns[self.lineage.key]
        self.first = int(key[0]) if not self.rows else self.first
        self.last, self.rows = int(key[-1]), self.rows + n
        held = {name: columns[name] if name in columns else np.full(n, np.nan) for name in self.names}
        self.held.append({**held, "version": columns.get("version", np.ones(n, np.int32)).astype(np.int32, copy=False)})
        if sum(size(held) for held in self.held) >= ROWS:
            self.pass_on()

    def pass_on(self) -> None:
        """Hand the rows held to the thread, when it has done with those before."""
        self.wait()
        held, self.held = self.held, []
        self.writing = self.thread.submit(self.write, held)

    def wait(self) -> None:
        """Until the thread is idle; what went wrong in it goes wrong here."""
        writing, self.writing = self.writing, None
        if writing:
            writing.result()

    def write(self, held: list[Columns]) -> None:
        together = {name: one_nan(values) for name, values in join(held).items()}
        self.digest.update(together)
        arrays = [to_arrow(name, together[name]) for name in self.names]
        for mark in MARKS:
            word = pa.array([getattr(self.lineage, mark)])
            arrays.append(pa.DictionaryArray.from_arrays(pa.array(np.zeros(size(together), np.int8)), word))
        batch = pa.record_batch([*arrays, pa.array(together["version"])], schema=self.schema)
        self.file.write_batch(batch, row_group_size=ROWS)

    def close(self) -> Footer:
        if self.held:
            self.pass_on()
        self.wait()
        self.stop()
        footer = Footer(lineage=self.lineage, rows=self.rows, first=self.first, last=self.last, digest=str(self.digest))
        self.file.add_key_value_metadata({KEY: pack(footer)})
        self.file.close()
        return footer

    def abandon(self) -> None:
        """Close without a footer worth reading: the file is about to be deleted."""
        self.held = []
        self.stop()
        self.file.close()

    def stop(self) -> None:
        """Let the thread finish what it has, whatever comes of it."""
        if self.writing:
            wait([self.writing])
        if self.own_thread:
            self.thread.shutdown()


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
            if len(stored) <= len(footer.lineage.names):
                raise damaged(path, "a column is not there")
            wanted = list(names) or stored
            digest = Digest(stored) if not names and first is None and last is None else None
            seen = 0
            for batch in file.iter_batches(ROWS, columns=list(dict.fromkeys([*wanted, key]))):
                columns = {name: to_numpy(batch.column(name)) for name in batch.schema.names}
                seen += batch.num_rows
                if digest:
                    digest.update(columns)
                inside = between(columns, key, first, last)
                if size(inside):
                    yield {name: inside[name] for name in wanted}
    except (pa.ArrowException, OSError) as wrong:
        raise damaged(path, wrong) from None
    if seen != footer.rows:
        raise damaged(path, f"{seen} of its {footer.rows} rows are there")
    if digest and str(digest) != footer.digest:
        raise damaged(path, "its rows are not those that were written")


def one_nan(values: np.ndarray) -> np.ndarray:
    """The same with every NaN the same bits, so that digests tell numbers apart and nothing else."""
    if values.dtype.kind != "f" or not (missing := np.isnan(values)).any():
        return values
    return np.where(missing, np.nan, values)


def to_arrow(name: str, values: np.ndarray) -> pa.Array:
    if name.endswith("ts"):
        return pa.array(np.ascontiguousarray(values, np.int64).view("M8[ns]")).cast(STAMP)
    return pa.array(values, from_pandas=True)


def to_numpy(column: pa.Array) -> np.ndarray:
    if pa.types.is_timestamp(column.type):
        return column.cast(STAMP).view(pa.int64()).to_numpy()
    return column.to_numpy(zero_copy_only=False)
