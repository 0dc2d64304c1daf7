"""Binance's public archive: bars and trades as zipped CSV by the month or day, each with its SHA-256 beside it.

    https://data.binance.vision/data/spot/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2024-01.zip(.CHECKSUM)
    https://data.binance.vision/data/futures/um/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-01-05.zip
    https://data.binance.vision/data/futures/um/monthly/fundingRate/BTCUSDT/BTCUSDT-fundingRate-2024-01.zip

Stamps are milliseconds, of spot from 2025 on microseconds.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from engine.adapters.dukascopy import EPOCH, ns
from engine.adapters.provider import Ask, Decoded, Defaults, Payload, Payloads, frame_among, simple, word
from engine.adapters.trades import trade_columns, trade_lineage
from engine.core.errors import DataError
from engine.core.frames import FRAMES
from engine.core.zones import SECOND
from engine.feeds.lineage import Columns, Lineage

if TYPE_CHECKING:
    from engine.feeds.outside import Rows

INTERVALS = {
    "M1": "1m", "M5": "5m", "M15": "15m", "M30": "30m", "H1": "1h", "H2": "2h", "H4": "4h", "H6": "6h", "H8": "8h",
    "H12": "12h", "D1": "1d",
}  # fmt: skip
MICROSECONDS_FROM = 10**14
"""Milliseconds since 1970 are below this until the year 5138, microseconds above it since 1973."""


@dataclass(frozen=True)
class Binance(Defaults):
    url: str = "https://data.binance.vision"
    rate: float = 5.0
    name: str = "binance"
    market: str = "spot"
    licence: str = "Binance public data (data.binance.vision)"

    def payloads(self, ask: Ask) -> Payloads:
        if ask.funding:
            for month, end in months(ask):
                yield self.payload(ask, "monthly", month, month, end)
            return
        frame_among(ask, INTERVALS, self.name, ticks=True)
        for month, end in months(ask):
            inside = ask.first <= ns(month) and ns(end) <= ask.last
            if ask.frame and inside and (yield self.payload(ask, "monthly", month, month, end)) is not None:
                continue
            day = month
            while day < end:
                if ns(day) < ask.last and ns(day + timedelta(days=1)) > ask.first:
                    yield self.payload(ask, "daily", day, day, day + timedelta(days=1))
                day += timedelta(days=1)

    def payload(self, ask: Ask, every: str, at: datetime, first: datetime, last: datetime) -> Payload:
        symbol, what = word(ask.symbol.upper()), INTERVALS.get(ask.frame, "aggTrades")
        folder = f"klines/{symbol}/{what}" if ask.frame else f"aggTrades/{symbol}"
        if ask.funding:
            what, folder = "fundingRate", f"fundingRate/{symbol}"
        key = f"{self.market}/{every}/{folder}/{symbol}-{what}-{at:{'%Y-%m' if every == 'monthly' else '%Y-%m-%d'}}.zip"
        address = f"{self.url}/data/{key}"
        return Payload(
            key, ns(first), ns(last), address, checksum=address + ".CHECKSUM", may_be_absent=True, check=whole_zip
        )

    @property
    def funding(self) -> bool:
        return self.market != "spot"

    def lineage(self, ask: Ask) -> Lineage:
        made_from = f"{self.url}/data/{self.market}/"
        if not ask.frame:
            return trade_lineage(self.name, ask.symbol.upper(), self.licence, made_from)
        return Lineage(
            source=self.name, symbol=ask.symbol.upper(), frame=ask.frame, basis="last", stamps="open",
            volume_unit="base", licence=self.licence, made_from=made_from,
        )  # fmt: skip

    def columns(self, payload: Payload, path: Path, ask: Ask, so_far: Decoded) -> Iterator[Columns]:
        for table in zipped_csv(path, 11 if ask.frame else 7):
            if not ask.frame:
                yield trades(table, payload.url)
                continue
            opened = nanoseconds(table[0])
            numbers = [np.asarray(column, np.float64) for column in table[1:6]]
            bars = dict(zip(("open", "high", "low", "close", "volume"), numbers, strict=True))
            yield {"ts": opened + FRAMES[ask.frame], "open_ts": opened, **bars, "spread": np.full(len(opened), np.nan)}

    def rows(self, payload: Payload, path: Path, ask: Ask) -> Rows:
        from engine.feeds.outside import funding_rows

        tables = list(zipped_csv(path, 3))
        stamps = np.concatenate([nanoseconds(table[0]) for table in tables])
        return funding_rows(stamps, np.concatenate([np.asarray(table[2], np.float64) for table in tables]))


def trades(table: list[np.ndarray], where: str) -> Columns:
    """Columns of aggTrades: id, price, amount, first and last id, time, whether the buyer was the maker."""
    price, amount = np.asarray(table[1], np.float64), np.asarray(table[2], np.float64)
    words = np.char.lower(np.asarray(table[6], np.str_))
    sold = words == "true"
    if not (sold | (words == "false")).all():
        raise DataError(f"{where}: who was the maker is {words[~(sold | (words == 'false'))][0]!r}, not true or false")
    return trade_columns(nanoseconds(table[5]), price, amount, np.where(sold, -1, 1))


def nanoseconds(stamps: np.ndarray) -> np.ndarray:
    found = np.asarray(stamps, np.int64)
    return found * np.where(found >= MICROSECONDS_FROM, 1_000, 1_000_000)


def months(ask: Ask) -> Iterator[tuple[datetime, datetime]]:
    at = (EPOCH + timedelta(seconds=ask.first // SECOND)).replace(day=1, hour=0, minute=0, second=0)
    while ns(at) < ask.last:
        later = (at + timedelta(days=32)).replace(day=1)
        yield at, later
        at = later


def whole_zip(path: Path) -> None:
    """DataError when it is no zip or one of its files is damaged."""
    try:
        with zipfile.ZipFile(path) as packed:
            broken = packed.testzip()
    except (zipfile.BadZipFile, EOFError, OSError) as wrong:
        raise DataError(f"{path} is no zip or cut off: {wrong}") from None
    if broken:
        raise DataError(f"{path} is damaged: {broken}")


def zipped_csv(
    path: Path, columns: int, separator: str = ",", texts: tuple[int, ...] = ()
) -> Iterator[list[np.ndarray]]:
    """The table in a zip, a stretch at a time, with or without a header; DataError where it has too few columns.

    Columns numbered in `texts` stay text.
    """
    import pyarrow as pa
    import pyarrow.csv as pacsv

    with zipfile.ZipFile(path) as packed:
        names = [name for name in packed.namelist() if name.lower().endswith(".csv")]
        if not names:
            raise DataError(f"{path} holds no CSV")
        with packed.open(names[0]) as file:
            first = file.readline()
        width, header = first.count(separator.encode()) + 1, not first[:1].isdigit()
        if width < columns:
            raise DataError(f"{path}: {names[0]} has {width} columns, not {columns} or more")
        read = pacsv.ReadOptions(
            column_names=[f"c{i}" for i in range(width)], skip_rows=int(header), block_size=8 << 20, use_threads=False
        )
        convert = pacsv.ConvertOptions(
            true_values=[], false_values=[], column_types={f"c{i}": pa.string() for i in texts}
        )
        parse = pacsv.ParseOptions(delimiter=separator)
        with packed.open(names[0]) as file:
            try:
                for batch in pacsv.open_csv(file, read_options=read, parse_options=parse, convert_options=convert):
                    yield [batch.column(i).to_numpy(zero_copy_only=False) for i in range(width)]
            except (pa.ArrowInvalid, ValueError) as wrong:
                raise DataError(f"{path}: {str(wrong).splitlines()[0][:160]}") from None


BINANCE = simple(Binance())
BINANCE_UM = simple(Binance(name="binance-um", market="futures/um"))
