"""Where market data came from and what its numbers mean: carried by every file and every row of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    import numpy as np

Columns = dict[str, "np.ndarray"]
"""A stretch of market data as it is imported and stored: quotes `ts bid ask [bid_size ask_size]`, bars `ts` (close)
`open_ts open high low close volume spread`, prints `price size side` (+1 the buyer took, -1 the seller, 0 not known);
stamps int64 ns UTC, the rest float64, NaN where not recorded."""

Basis = Literal["quote", "bid", "ask", "mid", "last"]
VolumeUnit = Literal["", "tick", "real", "base", "quote", "unknown"]
"""What a bar's volume counts; `unknown` where the source had one and did not say, empty where it had none."""
QUOTES = ("ts", "bid", "ask")
SIZES = ("bid_size", "ask_size")
PRINTS = ("ts", "price", "size", "side")
SYNTHETIC = "synthetic"
"""A column of bars that were filled in where none was recorded: 1 there, else 0."""
BARS = ("ts", "open_ts", "open", "high", "low", "close", "volume", "spread")


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """`stamps` and `zone` say how the *source* stamped its rows; inside, everything is UTC.

    `basis` is what prices are: bid, ask, mid or last (`quote` where bid and ask are both there). `spread` is what the
    spread column holds: nothing, or how it was recorded. `dropped` counts rows that an import was told to leave out.
    """

    source: str
    symbol: str
    frame: str = ""
    """Time frame of bars; empty for quotes and prints."""
    basis: Basis = "quote"
    stamps: Literal["open", "close", "quote", "print"] = "quote"
    """What the source stamped; `print` says that the rows are trades on a tape."""
    zone: str = "UTC"
    volume_unit: VolumeUnit = ""
    spread: str = ""
    licence: str = ""
    note: str = ""
    made_from: str = ""
    dropped: Mapping[str, int] = {}
    synthetic: bool = False
    """Bars have a column `synthetic`."""
    more: tuple[str, ...] = ()
    """Columns beyond the usual ones: what made bars know of themselves."""

    @property
    def bars(self) -> bool:
        return bool(self.frame)

    @property
    def prints(self) -> bool:
        return self.stamps == "print" and not self.frame

    @property
    def kind(self) -> str:
        """The folder of the dataset: `quotes`, `prints` or `bars-H1`."""
        return f"bars-{self.frame}" if self.frame else "prints" if self.prints else "quotes"

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of its rows, in their order."""
        names = BARS if self.bars else PRINTS if self.prints else QUOTES + SIZES
        return (*names, *((SYNTHETIC,) if self.synthetic else ()), *self.more)

    @property
    def name(self) -> str:
        """The dataset's name: `demo/EURUSD/bars-H1`."""
        return f"{self.source}/{self.symbol}/{self.kind}"

    @property
    def instrument(self) -> str:
        return f"{self.symbol}@{self.source}"

    @property
    def key(self) -> str:
        """The column that says when a row is: bars belong to the period they open in."""
        return "open_ts" if self.frame else "ts"


def between(columns: Columns, key: str, first: int | None, last: int | None) -> Columns:
    """The rows with first <= key < last; `key` rises."""
    import numpy as np

    low = 0 if first is None else int(np.searchsorted(columns[key], first, side="left"))
    high = size(columns) if last is None else int(np.searchsorted(columns[key], last, side="left"))
    return columns if (low, high) == (0, size(columns)) else part(columns, slice(low, max(low, high)))


def size(columns: Columns) -> int:
    return len(next(iter(columns.values())))


def part(columns: Columns, rows: slice | np.ndarray) -> Columns:
    return {name: values[rows] for name, values in columns.items()}


def join(stretches: list[Columns]) -> Columns:
    """Stretches one after the other; a column that some lack is NaN there."""
    import numpy as np

    names = dict.fromkeys(name for columns in stretches for name in columns)
    return {
        name: np.concatenate([c[name] if name in c else np.full(size(c), np.nan) for c in stretches]) for name in names
    }


def source_time(lineage: Lineage, columns: Columns) -> np.ndarray:
    """What the source's clock showed, int64 ns: exactly what it wrote, in the hour that occurs twice too.

    No offset is kept per row: a stamp was read by one rule (`zone`), and UTC to the wall is a function, so going back
    gives what was read whichever of two instants was taken for it. (Stamps that carried an offset of their own name an
    instant and not a wall: their zone is UTC.) One dataset holds stamps of one zone only; `Append` sees to it.
    """
    from engine.core.zones import parse_zone, utc_to_wall

    stamped = columns["open_ts"] if lineage.stamps == "open" else columns["ts"]
    return utc_to_wall(stamped, parse_zone(lineage.zone))


def source_offset(lineage: Lineage, columns: Columns) -> np.ndarray:
    """int32 s: the source's clock minus UTC, per row."""
    stamped = columns["open_ts"] if lineage.stamps == "open" else columns["ts"]
    return ((source_time(lineage, columns) - stamped) // 1_000_000_000).astype("int32")
