"""The integrity log: which rows carry which flags and why, as a Parquet file that can be asked by row or by time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.core.clock import format_ts
from engine.feeds.lineage import Columns, Lineage, part
from engine.feeds.parquet import to_arrow
from engine.feeds.quality.flags import names_of
from engine.feeds.quality.tally import why_of
from engine.feeds.quality.validator import Verdict

OWN = ("row", "flags", "hole", "away")


class LogWriter:
    """Writes the flagged rows of a stream; rows are counted from 1 over all blocks, as everywhere people see them."""

    def __init__(self, path: Path, lineage: Lineage) -> None:
        self.path, self.lineage = path, lineage
        self.rows = 0
        self.file: pq.ParquetWriter | None = None

    def add(self, columns: Columns, verdict: Verdict) -> None:
        some = np.flatnonzero(verdict.flags)
        if len(some) or self.file is None:
            kept = part(columns, some)
            fields = {
                "row": pa.array(some + self.rows + 1), "flags": pa.array(verdict.flags[some]),
                "hole": pa.array(verdict.hole[some]), "away": pa.array(verdict.away[some]),
                **{name: to_arrow(name, values) if name.startswith(("ts", "open_ts")) else pa.array(values)
                   for name, values in kept.items()},
            }  # fmt: skip
            table = pa.table(fields)
            if self.file is None:
                self.file = pq.ParquetWriter(self.path, table.schema, compression="zstd", write_page_checksum=True)
            self.file.write_table(table)
        self.rows += len(verdict.flags)

    def close(self) -> None:
        if self.file is not None:
            self.file.close()


def read_log(
    path: Path, lineage: Lineage, rows: tuple[int, int] | None = None, at: int | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """Flagged rows with flags and reasons: rows [first, last), those with the stamp `at`, or the first `limit`."""
    wanted = None
    if rows is not None:
        wanted = (pc.field("row") >= rows[0]) & (pc.field("row") < rows[1])
    elif at is not None:
        wanted = pc.field(lineage.key) == pa.scalar(at, pa.timestamp("ns", tz="UTC"))
    table = pq.read_table(path, page_checksum_verification=True, filters=wanted)
    return list(entries(table.slice(0, limit), lineage))


def entries(table: pa.Table, lineage: Lineage) -> Iterator[dict[str, Any]]:
    columns = {name: numbers(table.column(name)) for name in table.column_names}
    verdict = Verdict(columns["flags"], columns["hole"], columns["away"])
    for k in range(table.num_rows):
        flags = names_of(int(columns["flags"][k]))
        why = "; ".join(why_of(flag, k, columns, verdict, lineage) for flag in flags)
        stamp = format_ts(int(columns[lineage.key][k]))
        yield {"row": int(columns["row"][k]), "time": stamp, "flags": list(flags), "why": why}


def numbers(column: pa.ChunkedArray) -> np.ndarray:
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ns", tz="UTC")).cast(pa.int64())
    return column.to_numpy()
