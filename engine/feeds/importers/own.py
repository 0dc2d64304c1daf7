"""Our own CSV, as `onetape data export` writes it: bars with all that is known of them in every row, stamps in UTC."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from engine.core.errors import DataError
from engine.feeds.importers.convert import symbol_of
from engine.feeds.importers.options import Incoming, Options
from engine.feeds.importers.sample import Sample
from engine.feeds.importers.stamps import Reader
from engine.feeds.importers.tables import layout_of
from engine.feeds.importers.text import read_csv
from engine.feeds.lineage import BARS, Columns, Lineage

WORDS = ("source", "symbol", "frame", "basis", "stamps", "volume_unit", "spread_kind")
"""What a bar is, after its numbers and its version."""
HEADER = (*BARS, "version", *WORDS)


def fits(sample: Sample) -> bool:
    return sample.first == ",".join(HEADER)


def own(path: Path, options: Options) -> Incoming:
    """Bars with the version and the lineage they had; quotes and prints of ours are read as any other CSV."""
    types = {name: pa.string() if name.endswith("ts") or name in WORDS else pa.float64() for name in HEADER}
    batches = read_csv(path, layout_of(path), types)
    first = next(batches, None)
    if first is None or not first.num_rows:
        raise DataError(f"{path}: there is no row")
    said = {name: first.column(name)[0].as_py() or "" for name in WORDS}
    said["spread"] = said.pop("spread_kind")
    said["symbol"] = options.symbol or said["symbol"] or symbol_of(path)
    said["source"] = options.source or said["source"]
    lineage = msgspec.convert(
        {**said, "licence": options.licence, "note": options.note, "made_from": path.name}, Lineage
    )

    def chunks() -> Iterator[Columns]:
        reader, row = Reader(), 0
        for batch in (first, *batches):
            found: Columns = {}
            for name in BARS:
                column = batch.column(name)
                stamps = name.endswith("ts")
                found[name] = reader.column(column, row) if stamps else column.to_numpy(zero_copy_only=False)
            found["version"] = batch.column("version").to_numpy(zero_copy_only=False).astype(np.int32)
            row += batch.num_rows
            yield found

    return Incoming(path, lineage, chunks())
