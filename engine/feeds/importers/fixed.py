"""Parquet of peers that store a price as a 16-byte (or 8-byte) little-endian whole number with a fixed point."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from engine.core.errors import ConfigError, DataError
from engine.feeds.importers.convert import Converter
from engine.feeds.importers.incoming import assume, incoming, plain
from engine.feeds.importers.options import Incoming, Options
from engine.feeds.importers.tables import parquet_metadata, read_parquet

POINTS = (9, 16, 18)
"""Decimals behind the fixed point that are in use."""
QUOTES = {"bid": "bid_price", "ask": "ask_price", "bid_size": "bid_size", "ask_size": "ask_size"}
PRINTS = {"price": "price", "size": "size"}


def is_fixed(schema: pa.Schema) -> bool:
    """Whether this Parquet file holds quotes or trades in fixed point."""
    names = {"ts_event", "price", "size"} if "price" in schema.names else {"ts_event", "bid_price", "ask_price"}
    return names <= set(schema.names) and pa.types.is_fixed_size_binary(schema.field(sorted(names)[0]).type)


def fixed(path: Path, options: Options) -> Incoming:
    """Quotes or trades stamped `ts_event` in ns; the point is found by the decimals the file states."""
    schema = parquet_metadata(path).schema.to_arrow_schema()
    names = PRINTS if "price" in schema.names else QUOTES
    stated = {k.decode(): v.decode() for k, v in (schema.metadata or {}).items() if k in STATED}
    symbol, _, venue = stated.get("instrument_id", "").rpartition(".")
    options = assume(options, symbol=plain(symbol), note=f"venue {venue}" if venue else "")
    if not options.symbol:
        raise ConfigError(f"{path}: which symbol? say it: symbol = 'EURUSD'")
    side = ["aggressor_side"] if "aggressor_side" in schema.names else []
    stored = ["ts_event", *names.values(), *side]
    first = next(read_parquet(path, stored), None)
    if first is None or not first.num_rows:
        raise DataError(f"{path}: there is no row")

    def digits(name: str) -> int:
        return int(stated.get("size_precision" if name.endswith("size") else "price_precision", point))

    column = "price" if "price" in schema.names else "bid_price"
    point = point_of(wholes(first.column(column)), int(stated.get("price_precision", -1)), path)

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in read_parquet(path, stored):
            stamps = batch.column("ts_event").cast(pa.int64()).cast(pa.timestamp("ns", tz="UTC"))
            numbers = [pa.array(decimal(wholes(batch.column(n)), point, digits(n))) for n in names.values()]
            words = [pa.array(sides(batch.column(name))) for name in side]
            yield pa.record_batch([stamps, *numbers, *words], ["time", *names, *(["side"] if side else [])])

    roles = {name: name for name in ("time", *names, *(["side"] if side else []))}
    return incoming(path, Converter(path, roles, options), batches(), options)


STATED = (b"instrument_id", b"price_precision", b"size_precision")


def wholes(column: pa.Array) -> np.ndarray:
    """(n, 2) uint64: the low and the high word of each number."""
    width = column.type.byte_width
    raw = np.frombuffer(column.buffers()[1], np.uint8)[column.offset * width :][: len(column) * width]
    words = np.zeros((len(column), 2), np.uint64)
    words.view(np.uint8).reshape(len(column), 16)[:, :width] = raw.reshape(len(column), width)
    return words


def decimal(words: np.ndarray, point: int, digits: int) -> np.ndarray:
    """float64 nearest to the whole numbers / 10^point, which have `digits` decimals that are not zero."""
    whole = words[:, 1].astype(np.int64) * 2.0**64 + words[:, 0]
    return np.round(whole / 10.0**point, digits)


def sides(column: pa.Array) -> np.ndarray:
    """Nautilus writes 0 no aggressor, 1 buyer, 2 seller."""
    return np.array([0.0, 1.0, -1.0])[np.clip(column.to_numpy(zero_copy_only=False).astype(np.int64), 0, 2)]


def point_of(words: np.ndarray, precision: int, path: Path) -> int:
    """Decimals of the fixed point: the zeros that all prices end in, and the decimals the file says prices have."""
    values = [int(h) << 64 | int(v) for v, h in words[:1_000].tolist()]
    zeros = min((len(text) - len(text.rstrip("0")) for value in values if (text := str(value)) != "0"), default=0)
    if precision < 0 or zeros + precision not in POINTS:
        raise ConfigError(f"{path}: where is the fixed point? prices end in {zeros} zeros, {precision} decimals stated")
    return zeros + precision
