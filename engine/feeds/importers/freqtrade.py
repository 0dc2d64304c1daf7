"""freqtrade's trades: `XRP_ETH-trades.json.gz`, a list of [ms, id, type, side, price, amount, cost]."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa

from engine.core.errors import ConfigError, DataError
from engine.feeds.importers.convert import Converter
from engine.feeds.importers.incoming import assume, incoming
from engine.feeds.importers.options import Incoming, Options
from engine.feeds.importers.sample import Sample
from engine.feeds.importers.tables import bare_name, open_bytes

NAMES = ("time", "id", "type", "side", "price", "size", "cost")
STRETCH = 1 << 18
"""Trades turned into columns at once."""


def fits(sample: Sample) -> bool:
    return bool(re.match(r"\[\s*\[\s*\d{13}\s*,", sample.text[:200]))


def freqtrade(path: Path, options: Options) -> Incoming:
    """Prints; the whole file is held in memory, as JSON has no other way."""
    with open_bytes(path) as file:
        raw = file.read()
    try:
        rows = msgspec.json.decode(raw, type=list[tuple[int, object, object, str | None, float, float, float | None]])
    except msgspec.DecodeError as wrong:
        raise DataError(f"{path} is no list of trades as freqtrade writes them: {wrong}") from None

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(rows), STRETCH):
            when, _, _, side, price, amount, _ = zip(*rows[start : start + STRETCH], strict=True)
            stamps = pa.array(when, pa.timestamp("ms", tz="UTC"))
            numbers = [pa.array(values, pa.float64()) for values in (price, amount)]
            yield pa.record_batch([stamps, *numbers, pa.array(side, pa.string())], ["time", "price", "size", "side"])

    options = assume(options, symbol=pair_of(path))
    roles = {name: name for name in ("time", "price", "size", "side")}
    return incoming(path, Converter(path, roles, options), batches(), options, unit="base")


def pair_of(path: Path) -> str:
    """`XRP_ETH-1m` as XRP/ETH, `XRP_USDT_USDT-1h-mark` as XRP/USDT:USDT: ccxt's names.

    >>> pair_of(Path("futures__XRP_USDT_USDT-1h-mark.feather"))
    'XRP/USDT:USDT'
    """
    words = bare_name(path).rpartition("__")[2].split("-")[0].upper().split("_")
    if len(words) not in (2, 3) or not all(re.fullmatch(r"[A-Z0-9]+", word) for word in words):
        raise ConfigError(f"{path}: which symbol? say it: symbol = 'EURUSD'")
    return f"{words[0]}/{words[1]}" + (f":{words[2]}" if len(words) == 3 else "")
