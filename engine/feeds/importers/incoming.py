"""A file's rows with their lineage: what every importer gives back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast, get_args

import pyarrow as pa

from engine.core.errors import ConfigError, DataError
from engine.core.registry import did_you_mean
from engine.feeds.importers.convert import Converter
from engine.feeds.importers.options import Incoming, Options
from engine.feeds.importers.roles import find_roles
from engine.feeds.importers.tables import Layout, bare_name
from engine.feeds.importers.text import read_csv
from engine.feeds.lineage import Basis, Columns, Lineage, VolumeUnit

TEXT_ROLES = ("time", "date", "clock", "received", "symbol", "side", "buyer_maker")
BASES = ("bid", "ask", "mid", "last")
VOLUMES = get_args(VolumeUnit)


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
    basis = options.basis or basis_of(path)
    bars, prints = converter.kind == "bars", converter.kind == "prints"
    counted = prints or (bars and "volume" in converter.roles)
    volume = (options.volume_unit or unit or "unknown") if counted else ""
    for what, word, known in (("basis", basis, BASES), ("volume unit", volume, VOLUMES)):
        if word not in known:
            raise ConfigError(f"{what} {word!r}: {did_you_mean(word, known)}")
    if "bid_open" in converter.roles:
        basis, spread = "bid", "ask open - bid open"
    lineage = Lineage(
        source=options.source or "file", symbol=options.symbol, frame=converter.frame if bars else "",
        basis=cast(Basis, basis if bars else "last" if prints else "quote"),
        stamps=options.stamps if bars else "print" if prints else "quote",
        zone="UTC" if converter.reader.own_zone else converter.zone.name,
        volume_unit=cast(VolumeUnit, volume),
        spread=(spread or "recorded") if bars and converter.has_spread else "",
        licence=options.licence, note="; ".join([options.note, *converter.notes]).strip("; "), made_from=path.name,
    )  # fmt: skip

    def rest() -> Iterator[Columns]:
        yield first
        yield from chunks

    return Incoming(path, lineage, rest(), only=converter.only)


def basis_of(path: Path) -> str:
    """What the prices of bars are by a word of the file's name (`usdjpy-m1-ask-2013`), else bid."""
    words = re.split(r"[^a-z]+", bare_name(path).lower())
    return next((word for word in words if word in BASES[:3]), "bid")


def known_table(path: Path, layout: Layout, options: Options, unit: str = "", spread: str = "") -> Incoming:
    """A table of text whose headers are words of `roles`, with what a vendor always means already in `options`."""
    roles = find_roles(layout.headers, options.columns, str(path))
    converter = Converter(path, roles, options)
    batches = read_csv(path, layout, types_of(roles), converter.reader, converter.clocks)
    return incoming(path, converter, batches, options, unit, spread)


def types_of(roles: dict[str, str]) -> dict[str, pa.DataType]:
    return {header: pa.string() if role in TEXT_ROLES else pa.float64() for role, header in roles.items()}


def assume(options: Options, **usual: Any) -> Options:
    """`options`, with what the vendor usually does where nothing was said."""
    return replace(options, **{name: value for name, value in usual.items() if not getattr(options, name)})


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
