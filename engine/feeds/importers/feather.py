"""Feather (Arrow IPC) files: ours with their lineage, freqtrade's candles, tables whose columns have known names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from engine.core.errors import ConfigError, DataError
from engine.feeds.footer import KEY
from engine.feeds.importers.convert import Converter, symbol_of
from engine.feeds.importers.freqtrade import pair_of
from engine.feeds.importers.incoming import assume, incoming
from engine.feeds.importers.options import Incoming, Options, relabel
from engine.feeds.importers.roles import find_roles
from engine.feeds.importers.sample import Sample
from engine.feeds.importers.tables import head
from engine.feeds.lineage import Columns, Lineage

FREQTRADE = ("date", "open", "high", "low", "close", "volume")


def fits(sample: Sample) -> bool:
    return sample.magic.startswith(b"ARROW1")


def feather(path: Path, options: Options) -> Incoming:
    """Quotes, prints or bars. Mark-price candles of freqtrade are `mid`; its funding rates are refused: no prices."""
    with opened(path) as file:
        schema = file.schema
    if KEY in (schema.metadata or {}):
        lineage = msgspec.json.decode(schema.metadata[KEY], type=Lineage)
        return Incoming(path, relabel(lineage, options), ours(path, lineage))
    if tuple(schema.names) == FREQTRADE:
        if "funding_rate" in path.name:
            raise ConfigError(f"{path} holds funding rates, not prices: they are a series, not bars")
        mark = bool(re.search(r"-mark\.", path.name))
        options = assume(options, symbol=symbol_or_pair(path), basis="mid" if mark else "last")
        options = assume(options, note="mark price" if mark else "")
    options = assume(options, symbol=options.symbol or symbol_of(path))
    roles = find_roles(schema.names, options.columns, str(path))
    unit = "base" if tuple(schema.names) == FREQTRADE else ""
    return incoming(path, Converter(path, roles, options), batches(path, list(roles.values())), options, unit)


def symbol_or_pair(path: Path) -> str:
    try:
        return pair_of(path)
    except ConfigError:
        return symbol_of(path)


def ours(path: Path, lineage: Lineage) -> Iterator[Columns]:
    """A file of `onetape data export`: the catalogue's columns as they are."""
    names = [*lineage.names, *(["version"] if lineage.bars else [])]
    for batch in batches(path, names):
        columns = {}
        for name in names:
            column = batch.column(name)
            if pa.types.is_timestamp(column.type):
                columns[name] = column.cast(pa.timestamp("ns", tz="UTC")).view(pa.int64()).to_numpy()
            else:
                columns[name] = np.asarray(column.to_numpy(zero_copy_only=False))
        yield columns


def batches(path: Path, names: list[str]) -> Iterator[pa.RecordBatch]:
    with opened(path) as file:
        for i in range(file.num_record_batches):
            batch = file.get_batch(i).select(names)
            for start in range(0, batch.num_rows, 1 << 20):
                yield batch.slice(start, 1 << 20)


@contextmanager
def opened(path: Path) -> Iterator[pa.ipc.RecordBatchFileReader]:
    if not path.is_file():
        head(path)
    try:
        with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as file:
            yield file
    except (pa.ArrowException, OSError, KeyError) as wrong:
        raise DataError(f"{path} is no Feather file or damaged: {str(wrong).splitlines()[0][:160]}") from None
