"""Text tables of known vendors: what a first line looks like, what its columns are and what the vendor always means.

    truefx     EUR/USD,20190101 22:00:00.295,1.1,1.2          GMT, https://www.truefx.com
    fxcm       DateTime,Bid,Ask or DateTime,BidOpen,...       UTC, month first, https://github.com/fxcm/MarketData
    binance    klines, aggTrades, trades                      UTC in ms, in us since 2025, https://data.binance.vision
    kraken     time,price,amount or time,open,...,trades      UTC in s, https://support.kraken.com

A zip of such a file is read as the file. Where the vendor writes a header its columns are found by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.core.errors import ConfigError
from engine.feeds.importers.convert import symbol_of
from engine.feeds.importers.incoming import assume, known_table
from engine.feeds.importers.options import Incoming, Options
from engine.feeds.importers.sample import Sample
from engine.feeds.importers.tables import bare_name, layout_of

N = r"-?\d+(?:\.\d+)?(?:[eE]-?\d+)?"
BOOL = r"(?i:true|false)"
EPOCH = r"(?:\d{13}|\d{16})"
MDY = r"\d{2}/\d{2}/\d{4} \d{2}:\d{2}:\d{2}(?:\.\d+)?"


@dataclass(frozen=True)
class Table:
    """One layout: its line as a regular expression, its columns (none where a header says them), the usual options."""

    line: str
    headers: tuple[str, ...] = ()
    usual: tuple[tuple[str, Any], ...] = ()
    unit: str = ""


KLINE = (
    "time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count", "taker_base",
    "taker_quote", "ignore",
)  # fmt: skip
AGGREGATED = ("id", "price", "size", "first_id", "last_id", "time", "buyer_maker", "best_match")
TRADES = ("id", "price", "size", "quote_size", "time", "buyer_maker", "best_match")
LAST = (("basis", "last"),)
VENDORS: dict[str, tuple[Table, ...]] = {
    "truefx": (Table(rf"[A-Z]{{3}}/[A-Z]{{3}},\d{{8}} [\d:]{{8}}\.\d{{3}},{N},{N}", ("symbol", "time", "bid", "ask")),),
    "fxcm": (
        Table(rf"{MDY},{N},{N}", usual=(("time_format", "mdy"),)),
        Table(rf"{MDY}(?:,{N}){{8,11}}", usual=(("time_format", "mdy"),)),
    ),
    "binance": (
        Table(rf"{EPOCH}(?:,{N}){{5}},{EPOCH},{N},\d+,{N},{N},{N}", KLINE, LAST, "base"),
        Table(rf"\d+,{N},{N},\d+,\d+,{EPOCH},{BOOL}(?:,{BOOL})?", AGGREGATED, unit="base"),
        Table(rf"\d+,{N},{N},{N},{EPOCH},{BOOL}(?:,{BOOL})?", TRADES, unit="base"),
    ),
    "kraken": (
        Table(r"\d{10}(?:\.\d+)?,\d+\.\d+,\d+\.\d{8}", ("time", "price", "size"), unit="base"),
        Table(rf"\d{{10}}(?:,{N}){{5}},\d+", ("time", "open", "high", "low", "close", "volume", "count"), LAST, "base"),
    ),
}  # fmt: skip
HEADED = {"binance": re.compile(r"(?i)(?:open_time|agg_trade_id|id),.*(?:ignore|is_buyer_maker)"),
          "fxcm": re.compile(r"(?i)date_?time,\"?bid")}  # fmt: skip


def found(sample: Sample, vendor: str) -> Table | None:
    """The vendor's layout that the file's first row has."""
    lines = sample.lines
    headed = bool(vendor in HEADED and lines and HEADED[vendor].match(lines[0]))
    row = (lines[1] if len(lines) > 1 else "") if headed else sample.first
    if vendor == "fxcm" and not headed:
        return None
    return next((table for table in VENDORS[vendor] if re.fullmatch(table.line, row)), None)


def read(path: Path, options: Options, vendor: str) -> Incoming:
    """A vendor's file; ConfigError when its first row is none of the vendor's."""
    sample = Sample(path)
    table = found(sample, vendor)
    if table is None:
        raise ConfigError(
            f"{path}: this is no {vendor} file, its first line is {sample.first[:60]!r}: say --format csv"
        )
    layout = layout_of(path)
    if table.headers and not layout.has_header:
        layout = replace(layout, headers=table.headers[: len(layout.headers)])
    options = assume(options, symbol=options.symbol or symbol_in_name(path), **dict(table.usual))
    return known_table(path, layout, options, table.unit)


def symbol_in_name(path: Path) -> str:
    """A known instrument in the file's name, or the name's first word: these vendors begin with the symbol."""
    try:
        return symbol_of(path)
    except ConfigError:
        first = re.split(r"[-_.]", bare_name(path).rpartition("__")[2])[0].upper()
        if not re.fullmatch(r"[A-Z0-9]{5,16}", first) or first.isdecimal():
            raise
        return first


def vendor(name: str) -> Callable[[Path, Options], Incoming]:
    def read_it(path: Path, options: Options) -> Incoming:
        return read(path, options, name)

    return read_it
