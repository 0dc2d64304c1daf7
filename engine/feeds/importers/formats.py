"""The formats that can be imported: each takes a path and options and gives an `Incoming`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast, get_args

import msgspec
import pyarrow as pa

from engine.core.errors import ConfigError, DataError
from engine.core.registry import Registry, did_you_mean
from engine.feeds.footer import KEY, read_footer
from engine.feeds.importers.bi5 import bi5
from engine.feeds.importers.convert import Converter, symbol_of
from engine.feeds.importers.options import Incoming, Options
from engine.feeds.importers.roles import find_roles
from engine.feeds.importers.tables import head, layout_of, parquet_metadata, read_csv, read_parquet
from engine.feeds.lineage import Basis, Columns, Lineage, VolumeUnit
from engine.feeds.parquet import read_rows

Format = Callable[[Path, Options], Incoming]
FORMATS: Registry[Format] = Registry("format")
TEXT_ROLES = ("time", "date", "clock", "symbol")
BASES = ("bid", "ask", "mid", "last")
VOLUMES = get_args(VolumeUnit)


def open_file(path: Path, options: Options, format: str | None = None) -> Incoming:
    """The file as rows to import; its format is found in it where none is given."""
    come = FORMATS.get(format or sniff(path))(path, options)
    if options.several and not come.only:
        raise DataError(f"{path}: no column says which symbol a row is of: name one file per symbol")
    return come


def sniff(path: Path) -> str:
    """`parquet`, `mt5` (headers like <DATE>) or `csv`."""
    if path.suffix == ".bi5":
        return "bi5"
    start = head(path, 4096)
    if start.startswith(b"PAR1"):
        return "parquet"
    return "mt5" if b"<DATE>" in start.replace(b"\0", b"").split(b"\n")[0] else "csv"


def csv(path: Path, options: Options) -> Incoming:
    """Any table of text with one header line, or none and `columns` saying which is which (column1, column2, ...)."""
    layout = layout_of(path)
    if not layout.has_header and not options.columns:
        raise ConfigError(f"{path} has no header: say what its columns are, like time = 'column1', bid = 'column2'")
    options = replace(options, symbol=options.symbol or symbol_of(path))
    roles = find_roles(layout.headers, options.columns, str(path))
    types = {header: pa.string() if role in TEXT_ROLES else pa.float64() for role, header in roles.items()}
    converter = Converter(path, roles, options)
    if header := roles.get("symbol"):
        converter.only = pick(read_csv(path, layout, {header: pa.string()}), options, path)
    return incoming(path, converter, read_csv(path, layout, types), options)


def mt5(path: Path, options: Options) -> Incoming:
    """The export of a MetaTrader 5 terminal, bars or ticks: server time, stamps are opens, spread in points.

    In ticks a blank bid or ask is unchanged. The server's zone must be said (`ny+7`, `Europe/Athens`, `UTC`): the file
    does not hold it.
    """
    if not options.zone:
        raise ConfigError(f"{path}: MT5 writes the broker's time and not its zone: say it, like zone = 'ny+7'")
    layout = layout_of(path)
    options = replace(options, symbol=options.symbol or symbol_of(path))
    known = {"clock": "<TIME>", "spread_points": "<SPREAD>"}
    given = {role: header for role, header in known.items() if header in layout.headers}
    roles = find_roles(layout.headers, {**given, **options.columns}, str(path))
    types = {header: pa.string() if role in TEXT_ROLES else pa.float64() for role, header in roles.items()}
    converter = Converter(path, roles, options)
    come = incoming(
        path, converter, read_csv(path, layout, types), options, unit="tick", spread="MT5: least of the bar"
    )
    if converter.quotes:
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
        changes = {n: v for n in ("source", "symbol", "licence", "note") if (v := getattr(options, n))}
        return Incoming(path, msgspec.structs.replace(read_footer(path).lineage, **changes), read_rows(path))
    options = replace(options, symbol=options.symbol or symbol_of(path))
    roles = find_roles(metadata.schema.to_arrow_schema().names, options.columns, str(path))
    converter = Converter(path, roles, options)
    if header := roles.get("symbol"):
        converter.only = pick(read_parquet(path, [header]), options, path)
    return incoming(path, converter, read_parquet(path, list(roles.values())), options)


def pick(batches: Iterator[pa.RecordBatch], options: Options, path: Path) -> str:
    """The name by which a file with a symbol column calls our symbol; a file of one symbol may call it anything.

    `EUR/USD` and `eurusd` are EURUSD. DataError when none of several is meant.
    """
    symbol = options.symbol
    names = sorted({str(name) for batch in batches for name in batch.column(0).unique().drop_null().to_pylist()})
    found = [name for name in names if plain(name) == plain(symbol)]
    if len(found) == 1 or (len(names) == 1 and not options.several):
        return (found or names)[0]
    if found:
        raise DataError(f"{path}: {' and '.join(found)} are both {symbol}")
    raise DataError(f"{path}: no rows of {symbol}: {did_you_mean(symbol, names)}")


def plain(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", name.upper())


for _format in (csv, mt5, parquet, bi5):
    FORMATS.add(_format.__name__, _format)


def incoming(
    path: Path,
    converter: Converter,
    batches: Iterator[pa.RecordBatch],
    options: Options,
    unit: str = "",
    spread: str = "",
) -> Incoming:
    """The file with its lineage; the first rows are read already, as the time frame may be known only from them."""
    chunks = converter.columns(batches)
    first = next(chunks, None)
    if first is None:
        raise DataError(f"{path}: there is no row")
    basis = options.basis or "bid"
    volume = (options.volume_unit or unit) if "volume" in converter.roles else ""
    for what, word, known in (("basis", basis, BASES), ("volume unit", volume, VOLUMES)):
        if word not in known:
            raise ConfigError(f"{what} {word!r}: {did_you_mean(word, known)}")
    bars = not converter.quotes
    if "bid_open" in converter.roles:
        basis, spread = "bid", "ask open - bid open"
    lineage = Lineage(
        source=options.source or "file", symbol=options.symbol, frame=converter.frame if bars else "",
        basis=cast(Basis, basis if bars else "quote"), stamps=options.stamps if bars else "quote",
        zone="UTC" if converter.reader.own_zone else converter.zone.name,
        volume_unit=cast(VolumeUnit, volume if bars else ""),
        spread=(spread or "recorded") if bars and converter.has_spread else "",
        licence=options.licence, note="; ".join([options.note, *converter.notes]).strip("; "), made_from=path.name,
    )  # fmt: skip

    def rest() -> Iterator[Columns]:
        yield first
        yield from chunks

    return Incoming(path, lineage, rest(), only=converter.only)
