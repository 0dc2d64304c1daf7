"""Dukascopy's own files: LZMA over records of 20 or 24 bytes, big end first, prices in whole points.

    EURUSD/2019/01/04/07h_ticks.bi5             ms, ask, bid, ask volume, bid volume          of one hour
    EURUSD/2019/01/04/BID_candles_min_1.bi5     s, open, close, low, high, volume             of one day
    EURUSD/2019/01/BID_candles_hour_1.bi5       the same, of one month;  .../BID_candles_day_1.bi5 of one year

Months count from 00: `2019/01/04` is 4 February 2019, UTC. A file does not hold its symbol, its day or its point: the
first two are read from its folders. Volumes are millions of the base currency. Layout as in the documentation of
lib-dukascopy and dukascopy-node, checked against quotes and candles of the same day.
"""

from __future__ import annotations

import lzma
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np

from engine.core.errors import ConfigError, DataError
from engine.core.frames import FRAMES
from engine.core.zones import DAY, HOUR, SECOND
from engine.feeds.importers.options import Incoming, Options
from engine.feeds.lineage import Columns, Lineage, part, size

TICK = np.dtype([("ms", ">u4"), ("ask", ">u4"), ("bid", ">u4"), ("ask_size", ">f4"), ("bid_size", ">f4")])
CANDLE = np.dtype([("s", ">u4"), ("open", ">u4"), ("close", ">u4"), ("low", ">u4"), ("high", ">u4"), ("volume", ">f4")])
PATH = re.compile(
    r"(?:(?P<symbol>[A-Za-z0-9.]{3,})/)?(?P<year>\d{4})/(?:(?P<month>\d\d)/)?(?:(?P<day>\d\d)/)?"
    r"(?:(?P<hour>\d\d)h_ticks|(?P<side>BID|ASK)_candles_(?P<unit>min|hour|day)_1)\.bi5$"
)
CANDLES = {"min": "M1", "hour": "H1", "day": "D1"}
FIAT = frozenset(
    ("AUD", "CAD", "CHF", "CNH", "DKK", "EUR", "GBP", "HKD", "ILS", "MXN", "NOK", "NZD", "PLN", "SEK", "SGD", "TRY")
) | {"USD", "ZAR"}
LIKE = "like EURUSD/2019/01/04/07h_ticks.bi5 (months count from 00)"
UNIT = "volume in millions of the base currency"


def point_of(symbol: str, point: float | None = None) -> float:
    """The price of one point in Dukascopy's files; a ConfigError where it is not known for sure: never guessed.

    >>> point_of("EURUSD"), point_of("USDJPY"), point_of("XAUUSD")
    (1e-05, 0.001, 0.001)
    """
    if point is not None:
        return point
    base, quote = symbol[:3].upper(), symbol[3:].upper()
    if base in ("XAU", "XAG") or (base in FIAT and quote in ("JPY", "HUF", "RUB")):
        return 0.001
    if base in FIAT and quote in FIAT:
        return 0.00001
    raise ConfigError(f"{symbol}: the price of one point in Dukascopy's files is not known: say it, like --point 0.001")


def unpack(raw: bytes, record: np.dtype, where: str) -> np.ndarray:
    """The records of a file; no bytes are no records. DataError when it ends too early or is no such file."""
    if not raw:
        return np.empty(0, record)
    try:
        body = lzma.decompress(raw)
    except (lzma.LZMAError, EOFError) as wrong:
        raise DataError(f"{where} is no bi5 file or cut off: {wrong}") from None
    if len(body) % record.itemsize:
        raise DataError(f"{where} is damaged: {len(body)} bytes are no whole number of {record.itemsize}-byte records")
    return np.frombuffer(body, record)


def ticks(raw: bytes, start: int, point: float, where: str = "bi5") -> Columns:
    """Quotes of an hour that starts at `start`, ns UTC; prices rounded to the point, sizes as in the file."""
    found = unpack(raw, TICK, where)
    check_inside(found["ms"], HOUR // 1_000_000, where)
    columns = {"ts": start + found["ms"].astype(np.int64) * 1_000_000}
    columns |= {side: priced(found[side], point) for side in ("bid", "ask")}
    return columns | {side: found[side].astype(np.float64) for side in ("bid_size", "ask_size")}


def candles(raw: bytes, start: int, point: float, frame: str, where: str = "bi5") -> tuple[Columns, int]:
    """(bars, left out): bars of the file that starts at `start`, and how many flat ones without volume it holds.

    Where nothing was traded Dukascopy writes the last close again: those are no bars.
    """
    found = unpack(raw, CANDLE, where)
    check_inside(found["s"], {"M1": DAY, "H1": 31 * DAY, "D1": 366 * DAY}[frame] // SECOND, where)
    opened = start + found["s"].astype(np.int64) * SECOND
    columns = {"ts": opened + FRAMES[frame], "open_ts": opened}
    columns |= {name: priced(found[name], point) for name in ("open", "high", "low", "close")}
    columns |= {"volume": found["volume"].astype(np.float64), "spread": np.full(len(found), np.nan)}
    traded = (found["volume"] > 0) | (found["high"] != found["low"])
    return (columns, 0) if traded.all() else (part(columns, traded), int((~traded).sum()))


def check_inside(offsets: np.ndarray, end: int, where: str) -> None:
    if len(offsets) and int(offsets.max()) >= end:
        raise DataError(f"{where} is damaged: row {int(offsets.argmax()) + 1} lies behind the end of its file")


def priced(points: np.ndarray, point: float) -> np.ndarray:
    return np.round(points.astype(np.float64) * point, 10)


def bi5(path: Path, options: Options) -> Incoming:
    """A file of Dukascopy's, ticks or candles, in folders that say which day it is of."""
    found = PATH.search(path.resolve().as_posix())
    if not found:
        raise ConfigError(f"{path}: a bi5 file does not say which day it is of: leave it in its folders, {LIKE}")
    symbol = options.symbol or (found["symbol"] or "").upper()
    if not symbol:
        raise ConfigError(f"{path}: which symbol? say it: --symbol EURUSD, or leave the file in its folders, {LIKE}")
    start = start_of(found, path)
    if not path.is_file():
        raise DataError(f"{path} is no file")
    raw, point = path.read_bytes(), point_of(symbol, options.point)
    frame, dropped = CANDLES[found["unit"]] if found["unit"] else "", 0
    if frame:
        columns, dropped = candles(raw, start, point, frame, str(path))
    else:
        columns = ticks(raw, start, point, str(path))
    if not size(columns):
        raise DataError(f"{path} holds no row: nothing was traded then")
    basis: Literal["bid", "ask", "quote"] = "quote" if not frame else "bid" if found["side"] == "BID" else "ask"
    note = "; ".join(filter(None, [options.note, UNIT, f"{dropped} flat bars without volume left out" * (dropped > 0)]))
    lineage = Lineage(
        source=options.source or "dukascopy", symbol=symbol, frame=frame, basis=basis,
        stamps="open" if frame else "quote", volume_unit="base" if frame else "",
        licence=options.licence, note=note, made_from=path.name,
    )  # fmt: skip
    return Incoming(path, lineage, iter([columns]))


def start_of(found: re.Match[str], path: Path) -> int:
    """Where the file's time begins, int64 ns UTC."""
    try:
        there = datetime(int(found["year"]), int(found["month"] or 0) + 1, int(found["day"] or 1), tzinfo=UTC)
    except ValueError as wrong:
        raise ConfigError(f"{path}: its folders name no day ({wrong}), write them {LIKE}") from None
    return int(there.timestamp()) * SECOND + int(found["hour"] or 0) * HOUR
