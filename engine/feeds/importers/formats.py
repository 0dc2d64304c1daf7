"""The formats that can be imported: each takes a path and options and gives an `Incoming`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from engine.core.errors import ConfigError, DataError
from engine.core.instrument import shipped
from engine.core.registry import Registry
from engine.feeds import reports
from engine.feeds.footer import KEY, read_footer
from engine.feeds.importers import feather, freqtrade, histdata, lean, own, sides, vendors
from engine.feeds.importers.bi5 import bi5
from engine.feeds.importers.convert import Converter, symbol_of
from engine.feeds.importers.fixed import fixed, is_fixed
from engine.feeds.importers.incoming import incoming, pick, types_of
from engine.feeds.importers.options import Incoming, Options, relabel
from engine.feeds.importers.roles import find_roles
from engine.feeds.importers.sample import Sample
from engine.feeds.importers.tables import Layout, layout_of, parquet_metadata, read_parquet
from engine.feeds.importers.text import read_csv
from engine.feeds.lineage import Columns
from engine.feeds.parquet import read_rows

Format = Callable[[Path, Options], Incoming]
FORMATS: Registry[Format] = Registry("format")
HEADLESS = ("histdata", *vendors.VENDORS)
"""Formats whose columns are known by their place, unless they are named by hand."""
SIGNS: list[tuple[str, Callable[[Sample], object]]] = []
"""How a format is told from the beginning of a file, in the order of asking; what nothing fits is `csv`."""


def open_file(path: Path, options: Options, format: str | None = None) -> Incoming:
    """The file as rows to import; its format is found in it where none is given."""
    if options.ask:
        come = sides.two_sided(path, options, partial(open_file, format=format))
    else:
        name = format or sniff(path)
        come = FORMATS.get("csv" if options.columns and not format and name in HEADLESS else name)(path, options)
    if options.several and not come.only:
        raise DataError(f"{path}: no column says which symbol a row is of: name one file per symbol")
    return come


def sniff(path: Path) -> str:
    """The name of the format that the file's beginning (or an archive's names) shows."""
    sample = Sample(path)
    return next((name for name, fits in SIGNS if fits(sample)), "csv")


def csv(path: Path, options: Options) -> Incoming:
    """Any table of text with one header line, or none and `columns` saying which is which (column1, column2, ...)."""
    layout = layout_of(path)
    if not layout.has_header and not options.columns:
        raise ConfigError(f"{path} has no header: say what its columns are, like time = 'column1', bid = 'column2'")
    options = replace(options, symbol=options.symbol or symbol_of(path))
    roles = find_roles(layout.headers, options.columns, str(path))
    types = types_of(roles)
    options = scaled(path, layout, roles, options)
    converter = Converter(path, roles, options)
    if header := roles.get("symbol"):
        converter.only = pick(read_csv(path, layout, {header: pa.string()}), options, path)
    return incoming(path, converter, read_csv(path, layout, types, converter.reader, converter.clocks), options)


POINTS_HEADER = ("Date", "open", "high", "low", "close", "tick_volume")
"""ejtrader's MT5 history: prices in whole points of the instrument."""
SHOWING = 20
"""Rows in which all prices must be whole before they are taken for points."""


def scaled(path: Path, layout: Layout, roles: dict[str, str], options: Options) -> Options:
    """With the point of files in whole points: of a known layout it is the instrument's, else it must be said.

    Currencies and metals whose prices have decimals are never quoted in whole numbers for long.
    """
    known = {one.symbol: one for one in (*shipped().values(), *options.declared)}.get(options.symbol)
    names = [roles[role] for role in ("open", "bid", "close", "ask") if role in roles]
    if options.point or known is None or known.kind not in ("forex", "metal", "metals") or known.digits < 2:
        return options
    first = next(read_csv(path, layout, dict.fromkeys(names, pa.float64())), None)
    prices = np.array([first.column(n).to_numpy(zero_copy_only=False) for n in names]) if first else np.zeros((1, 0))
    if prices.shape[1] < SHOWING or not np.allclose(prices, np.round(prices), rtol=1e-9, atol=0):
        return options
    if layout.headers[:6] == POINTS_HEADER:
        told = f"prices are whole points of {known.point:g}"
        return replace(options, point=known.point, note="; ".join(filter(None, [options.note, told])))
    raise ConfigError(
        f"{path}: all prices of {options.symbol} are whole numbers, like {prices[0][0]:g}: say what 1 is,"
        f" --point {known.point:g} (or --point 1 if they are prices)"
    )


def mt5(path: Path, options: Options) -> Incoming:
    """The export of a MetaTrader 5 terminal, bars or ticks: server time, stamps are opens, spread in points.

    In ticks a blank bid or ask is unchanged. The server's zone must be said (`ny+7`, `Europe/Athens`, `UTC`): the file
    does not hold it.
    """
    if not options.zone:
        raise ConfigError(
            f"{path}: MT5 writes the broker's time and not its zone: say it, like --tz ny+7 (in a config tz = 'ny+7')"
        )
    layout = layout_of(path)
    options = replace(options, symbol=options.symbol or symbol_of(path))
    known = {"clock": "<TIME>", "spread_points": "<SPREAD>"}
    given = {role: header for role, header in known.items() if header in layout.headers}
    roles = find_roles(layout.headers, {**given, **options.columns}, str(path))
    converter = Converter(path, roles, options)
    batches = read_csv(path, layout, types_of(roles), converter.reader, converter.clocks)
    come = incoming(path, converter, batches, options, unit="tick", spread="MT5: least of the bar")
    if converter.kind == "quotes":
        return replace(come, chunks=carried(converter, come.chunks))
    return come


def carried(converter: Converter, chunks: Iterator[Columns]) -> Iterator[Columns]:
    """Ticks with blanks filled from before; the rows before both sides are known are left out."""
    for chunk in chunks:
        filled = converter.carry_on(chunk)
        known = (filled["bid"] == filled["bid"]) & (filled["ask"] == filled["ask"])
        yield {name: values[known] for name, values in filled.items()}


def parquet(path: Path, options: Options) -> Incoming:
    """A file of a catalogue as it is, or any Parquet file whose columns can be told by name."""
    metadata = parquet_metadata(path)
    if KEY in (metadata.metadata or {}):
        return Incoming(path, relabel(read_footer(path).lineage, options), read_rows(path))
    if is_fixed(metadata.schema.to_arrow_schema()):
        return fixed(path, options)
    options = replace(options, symbol=options.symbol or symbol_of(path))
    roles = find_roles(metadata.schema.to_arrow_schema().names, options.columns, str(path))
    converter = Converter(path, roles, options)
    if header := roles.get("symbol"):
        converter.only = pick(read_parquet(path, [header]), options, path)
    return incoming(path, converter, read_parquet(path, list(roles.values())), options)


FORMATS.add("csv", csv)


def report(path: Path, options: Options) -> Incoming:
    """A MetaTrader 5 report: deals, not market data; `onetape data import` keeps it apart."""
    raise ConfigError(f"{path} is a report of MetaTrader 5, not market data: onetape data import keeps it in reports/")


_KNOWN: tuple[tuple[str, Format, Callable[[Sample], object]], ...] = (
    ("bi5", bi5, lambda sample: sample.path.suffix == ".bi5"),
    ("parquet", parquet, lambda sample: sample.magic.startswith(b"PAR1")),
    ("feather", feather.feather, feather.fits),
    ("report", report, reports.fits),
    ("lean", lean.lean, lean.fits),
    ("mt5", mt5, lambda sample: "<DATE>" in sample.first),
    ("onetape", own.own, own.fits),
    ("freqtrade", freqtrade.freqtrade, freqtrade.fits),
    ("histdata", histdata.histdata, histdata.fits),
    *((name, vendors.vendor(name), partial(vendors.found, vendor=name)) for name in vendors.VENDORS),
)
for _name, _format, _fits in _KNOWN:
    FORMATS.add(_name, _format)
    SIGNS.append((_name, _fits))
