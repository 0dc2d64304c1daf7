"""Instrument specifications from a broker's or an exchange's own file into the catalogue: `instruments/<venue>.toml`.

    mt5      `symbol_info(name)._asdict()` of the MetaTrader5 package as JSON: one, a list of them, or by name
    mtsim    gym-mtsim's symbols (JSON by name, or the archive with their bars, which show the digits)
    binance  exchangeInfo of the spot, USD-M or COIN-M market

What a file does not hold is not stated, and nothing is guessed: MT5's structure holds neither sessions nor commission
nor margin rates. Prices, spreads and statistics of the day are left out, so that the same specification gives the
same file on every day.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from engine.core import schema
from engine.core.errors import ConfigError, DataError, OutputError
from engine.core.instrument import Instrument, declare, imported, imported_folder, read_venue, table_of
from engine.core.locks import alone, put
from engine.feeds.spec_files import READERS, Spec, binance_venue, read_tree, sniff


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One field of one instrument that an import set: `before` is None where it was not set."""

    instrument: str
    field: str
    before: Any
    after: Any


class Imported(msgspec.Struct, kw_only=True):
    """What an import of specifications did."""

    path: str
    format: str
    instruments: list[str]
    added: list[str] = []
    changes: list[Change] = []
    left_out: list[str] = []


def import_specs(
    path: str | Path, venue: str = "", zone: str = "", format: str = "", folder: Path | None = None
) -> Imported:
    """The specifications of a file into `<folder>/<venue>.toml`, all or none; the same file again changes nothing.

    `venue` is the second half of the ids (default: `binance...` or the file's format); `zone` that of an MT5 server,
    whose midnight the trading day then follows. Instruments of the venue that the file does not name stay.
    """
    path = Path(path)
    tree, digits = read_tree(path)
    kind = format or sniff(tree, path)
    if kind not in READERS:
        raise ConfigError(f"format {kind!r} of specifications: known are {', '.join(READERS)}")
    tables, left_out = READERS[kind](tree, zone, digits)
    venue = venue or (binance_venue(tree) if kind == "binance" else kind)
    if venue == "demo" or not venue.replace("-", "").replace("_", "").isalnum():
        raise ConfigError(
            f"venue {venue!r} cannot be used: letters, digits, - and _, and `demo` ships with the project"
        )
    source = f"{kind} file {path.name}"
    new: dict[str, Instrument] = {}
    for table in tables:
        try:
            (one,) = declare([{"source": source, **table, "venue": venue}])
            new[one.id] = one
        except ConfigError as wrong:
            left_out.append(str(wrong).removeprefix("[[instrument]] ").removeprefix("instrument "))
    if not new:
        raise DataError(f"{path}: no instrument in it can be used: {'; '.join(left_out[:3]) or 'it is empty'}")
    folder = folder or imported_folder()
    target = folder / f"{venue}.toml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with alone(folder):
            return store(new, target, kind, left_out)
    except OSError as wrong:
        raise OutputError(f"{target} cannot be written: {wrong.strerror or wrong}") from None


def store(new: Mapping[str, Instrument], target: Path, kind: str, left_out: list[str]) -> Imported:
    old = imported(target.parent) if target.exists() else {}
    old = {name: one for name, one in old.items() if name.partition("@")[2] == target.stem}
    report = Imported(path=str(target), format=kind, instruments=sorted(new), left_out=left_out)
    report.added = sorted(set(new) - set(old))
    for name in sorted(set(new) & set(old)):
        report.changes += difference(old[name], new[name])
    if report.added or report.changes:
        text = "# Written by `onetape instrument import`; a run's own [[instrument]] goes before it.\n"
        tables = [table_of(one) for _, one in sorted({**old, **new}.items())]
        replace_whole(target, text + schema.to_toml({"instrument": tables}) + "\n")
        read_venue.cache_clear()
    return report


def difference(old: Instrument, new: Instrument) -> list[Change]:
    """Field by field, nested ones by their path; where it came from is no difference."""
    before, after = flat(msgspec.to_builtins(old)), flat(msgspec.to_builtins(new))
    return [
        Change(instrument=new.id, field=name, before=before.get(name), after=after.get(name))
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name) and name not in ("source", "description")
    ]


def flat(table: Mapping[str, Any], path: str = "") -> Spec:
    found: Spec = {}
    for name, value in table.items():
        found.update(flat(value, f"{path}{name}.") if isinstance(value, Mapping) else {path + name: value})
    return found


def replace_whole(target: Path, text: str) -> None:
    staged = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with staged.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        put(staged, target)
    finally:
        staged.unlink(missing_ok=True)
