"""What an import may be told; everything else is found in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from engine.core.instrument import Instrument
from engine.feeds.lineage import Columns, Lineage


@dataclass(frozen=True)
class Options:
    """`zone` is the one in which the file's stamps are written; `point` the price of 1 in files of whole points."""

    source: str = ""
    symbol: str = ""
    frame: str = ""
    basis: str = ""
    zone: str = ""
    stamps: Literal["open", "close"] = "open"
    columns: Mapping[str, str] = field(default_factory=dict)
    time_format: str | None = None
    point: float | None = None
    volume_unit: str = ""
    licence: str = ""
    note: str = ""
    declared: tuple[Instrument, ...] = ()
    ask: Path | None = None
    """A second file with the ask side of the same bars; the first is bid."""
    several: bool = False
    """The file must hold several symbols, told apart by a column; only the rows of `symbol` are wanted."""


@dataclass(frozen=True)
class Incoming:
    """A file being read: what it is, and its rows in UTC and in the file's order, not yet checked."""

    path: Path
    lineage: Lineage
    chunks: Iterator[Columns]
    notes: tuple[str, ...] = ()
    only: str = ""
    """How the file's symbol column calls the symbol whose rows these are; empty without such a column."""


def relabel(lineage: Lineage, options: Options) -> Lineage:
    """The lineage of one of our own files under another source, symbol, licence or note where those were said."""
    said = {name: value for name in ("source", "symbol", "licence", "note") if (value := getattr(options, name))}
    return msgspec.structs.replace(lineage, **said)
