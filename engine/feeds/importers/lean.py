"""LEAN's data folder: zips of one day (tick, minute) or of all days (hour, daily), and tars of such zips.

    equity/usa/minute/spy/20131007_quote.zip     prices x 10,000, New York
    forex/oanda/tick/eurusd/20140501_quote.zip   ms,bid,ask, UTC; FXCM is UTC-05:00 all year
    crypto/coinbase/minute/btcusd/20171217_trade.zip                            UTC

Stamps are ms since midnight of the date in the name, on the wall of the market's zone, or `20171217 00:00`; those of
bars are opens. The security type, market, resolution and symbol are words of the path (/ or __ between them) and of the
names inside. Layouts: https://github.com/QuantConnect/Lean, Data/*/readme.md.
"""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from engine.core.errors import ConfigError, DataError
from engine.core.registry import did_you_mean
from engine.feeds.importers.convert import Converter
from engine.feeds.importers.incoming import assume, incoming
from engine.feeds.importers.options import Incoming, Options
from engine.feeds.importers.sample import Sample
from engine.feeds.importers.tables import open_bytes

TYPES = ("equity", "forex", "cfd", "cryptofuture", "crypto", "index")
ZONES = {"equity": "America/New_York", "index": "America/Chicago"}
FRAMES = {"minute": "M1", "hour": "H1", "daily": "D1", "tick": ""}
PRICES = ("open", "high", "low", "close")
TWO_SIDED = (*(f"bid_{p}" for p in PRICES), "bid_size", *(f"ask_{p}" for p in PRICES), "ask_size")
LAYOUTS: dict[tuple[str, int], tuple[str, ...]] = {
    ("bars", 6): ("time", *PRICES, "volume"),
    ("bars", 5): ("time", *PRICES),
    ("bars", 11): ("time", *TWO_SIDED),
    ("tick", 3): ("time", "bid", "ask"),
    ("tick", 5): ("time", "bid", "bid_size", "ask", "ask_size"),
    ("trade", 3): ("time", "price", "size"),
    ("trade", 6): ("time", "price", "size", "exchange", "condition", "suspicious"),
    ("tick", 8): ("time", "bid", "bid_size", "ask", "ask_size", "exchange", "condition", "suspicious"),
}
"""Columns by (kind, how many there are); the names are words of `roles`."""
DAY_FILE = re.compile(r"(\d{8})_(?:[a-z0-9.]+_)?(?:(minute|tick|second)_)?(quote|trade)(?:_tick|_perp)*\.(?:zip|csv)$")
INSIDE = re.compile(r"(\d{8})_([a-z0-9.]+)_(minute|second|tick|trade_tick|quote_tick)(?:_|\.)")


@dataclass(frozen=True)
class Place:
    """What the path of a LEAN file says; empty where it does not."""

    kind: str
    market: str
    resolution: str
    symbol: str


def fits(sample: Sample) -> bool:
    if not sample.members:
        return False
    names = [name.rpartition("/")[2] for name in sample.names]
    if any(DAY_FILE.search(name) for name in names) or any(INSIDE.match(name) for name in names):
        return True
    return place_of(sample.path, sample.members).resolution in ("daily", "hour") and names[-1].endswith(".csv")


def lean(path: Path, options: Options) -> Incoming:
    """Bars, quotes or prints of one symbol; a tar that holds both kinds needs `basis` (bid: quotes, last: trades)."""
    sample = Sample(path)
    place = place_of(path, sample.members)
    if place.resolution not in FRAMES:
        words = f"{path}: LEAN's resolution {place.resolution or 'of this file'!r} cannot be imported"
        raise ConfigError(f"{words}: {did_you_mean(place.resolution, FRAMES)}")
    wanted = kind_wanted(path, sample.members, options)
    first = next(tables(path, wanted, place.resolution))
    kind = place.kind or guess_type(first)
    scale = 1e-4 if kind == "equity" else 1.0
    trades = wanted == "trade"
    options = assume(
        options, symbol=place.symbol, frame=FRAMES[place.resolution],
        zone=zone_of(kind, place.market), basis="last" if trades else "bid",
    )  # fmt: skip
    if not place.kind:
        told = f"taken for LEAN {kind} data" + (", prices / 10,000" if scale < 1 else "")
        options = replace(options, note="; ".join(filter(None, [options.note, told])))
    unit = ("base" if kind.startswith("crypto") else "real") if trades else ""
    converter = Converter(path, {name: name for name in first.schema.names if name in converted(first)}, options)
    converter.stated = True
    batches = (scaled(table, scale) for table in tables(path, wanted, place.resolution))
    return incoming(path, converter, batches, options, unit)


def zone_of(kind: str, market: str) -> str:
    """The zone of LEAN's stamps, by security type and market."""
    return ZONES.get(kind, "UTC-05:00" if market == "fxcm" else "UTC")


def converted(table: pa.RecordBatch) -> set[str]:
    sizes = {"bid_size", "ask_size"} if "bid_open" in table.schema.names else set()
    return set(table.schema.names) - sizes - {"exchange", "condition", "suspicious"}


def place_of(path: Path, members: tuple[str, ...]) -> Place:
    """What the path and the names inside say of a file."""
    words = [w for part in path.parts for w in part.lower().split("__")]
    types = [(i, w) for i, w in enumerate(words[:-1]) if w in TYPES]
    at, kind = types[-1] if types else (-1, "")
    inside = members[0].lower().rpartition("/")[2] if members else ""
    resolution = next((w for w in reversed(words[:-1]) if w in (*FRAMES, "second")), "")
    symbol = ""
    if found := INSIDE.match(inside):
        symbol, resolution = found[2], found[3].rpartition("_")[2] if "tick" in found[3] else found[3]
    elif len(members) == 1 and inside.endswith(".csv"):
        symbol = inside.removesuffix(".csv")
    elif members and "/" in members[0]:
        symbol = members[0].split("/")[0]
    if kind == "cryptofuture" or "_perp" in inside:
        kind, symbol = "cryptofuture", f"{symbol}.P"
    return Place(kind, words[at + 1] if at >= 0 else "", resolution, symbol.upper())


def kind_wanted(path: Path, members: tuple[str, ...], options: Options) -> str:
    """`quote` or `trade`."""
    found = [w for name in (path.name, *members) for w in ("quote", "trade") if re.search(rf"_{w}[_.]", name.lower())]
    kinds = sorted(set(found)) or ["trade"]
    if len(kinds) == 1:
        return kinds[0]
    if not options.basis:
        raise ConfigError(f"{path} holds quotes and trades: say --basis bid or --basis last")
    return "trade" if options.basis == "last" else "quote"


def tables(path: Path, wanted: str, resolution: str) -> Iterator[pa.RecordBatch]:
    """One record batch for each text file inside, in the order of their names."""
    for name, raw in texts(path, wanted):
        if not raw.strip():
            continue
        count = raw.split(b"\n", 1)[0].count(b",") + 1
        kind = "bars" if FRAMES[resolution] else "trade" if wanted == "trade" else "tick"
        names = LAYOUTS.get((kind, count))
        if names is None:
            raise DataError(f"{path}: {name} has {count} columns, which is no LEAN {kind} file")
        words = ("exchange", "condition", "suspicious")
        dated = b" " in raw.split(b",", 1)[0]
        types = {n: pa.string() if n in words or (n == "time" and dated) else pa.float64() for n in names}
        convert = pacsv.ConvertOptions(column_types=types)
        try:
            table = pacsv.read_csv(pa.py_buffer(raw), pacsv.ReadOptions(column_names=names), convert_options=convert)
        except pa.ArrowInvalid as wrong:
            raise DataError(f"{path}: {name}: {str(wrong).splitlines()[0][:160]}") from None
        batch = table.combine_chunks().to_batches()[0]
        if not dated:
            batch = batch.set_column(0, "time", stamps(batch.column(0), path, name))
        yield batch


def stamps(ms: pa.Array, path: Path, name: str) -> pa.Array:
    """Wall time from ms since midnight (with decimals in dense files) and the date in a name."""
    date = re.search(r"(\d{4})(\d{2})(\d{2})_", name.rpartition("/")[2]) or re.search(r"(\d{4})(\d\d)(\d\d)", path.name)
    if not date:
        raise DataError(f"{path}: {name} does not say of which day it is")
    midnight = np.datetime64("-".join(date.groups()), "ns")
    ns = np.round(ms.to_numpy(zero_copy_only=False) * 1e6).astype(np.int64)
    return pa.array(midnight + ns.view("m8[ns]"))


def texts(path: Path, wanted: str) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the text files in a zip, or in the zips of a tar."""
    if path.suffix == ".tar":
        with tarfile.open(path) as tar:
            for entry in sorted(tar.getmembers(), key=lambda entry: entry.name):
                file = tar.extractfile(entry) if entry.isfile() and f"_{wanted}" in entry.name.lower() else None
                if file:
                    yield from unzip(io.BytesIO(file.read()), path)
        return
    with open_bytes(path, archive=True) as file:
        yield from unzip(file, path)


def unzip(file: object, path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(file) as archive:  # type: ignore[call-overload]
            for name in sorted(archive.namelist()):
                yield name, archive.read(name)
    except zipfile.BadZipFile as wrong:
        raise DataError(f"{path} is damaged: {str(wrong)[:160]}") from None


def guess_type(table: pa.RecordBatch) -> str:
    """Equities are written in ten-thousandths: all prices whole and large."""
    for name in ("open", "bid_open", "price", "bid"):
        if name in table.schema.names:
            values = table.column(name).drop_null().to_numpy(zero_copy_only=False)
            return "equity" if len(values) and (values == np.round(values)).all() and values.min() >= 1_000 else "forex"
    return "forex"


def scaled(table: pa.RecordBatch, scale: float) -> pa.RecordBatch:
    if scale == 1.0:
        return table
    for i, name in enumerate(table.schema.names):
        if name.removeprefix("bid_").removeprefix("ask_") in PRICES or name in ("price", "bid", "ask"):
            table = table.set_column(i, name, pc.divide(table.column(i), pa.scalar(round(1 / scale), pa.float64())))
    return table
