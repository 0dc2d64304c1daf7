"""`engine.bars` and `onetape data bars`: bars of any kind from a dataset, a DataFrame or plain columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from engine.core.errors import ConfigError, DataError
from engine.core.instrument import Instrument, instrument
from engine.feeds.catalogue import Dataset, dataset
from engine.feeds.kinds.maker import MORE, WEIGHTS, BarMaker
from engine.feeds.kinds.spec import PRICED, BarKind, parse_kind
from engine.feeds.lineage import Columns, Lineage, join, size

if TYPE_CHECKING:
    import pandas

    from engine.feeds.append import Added

NEEDS = (("bid", "ask"), ("price", "size"))


def bars(
    data: str | pandas.DataFrame | Mapping[str, Any],
    kind: str,
    basis: str = "",
    symbol: str = "",
    declared: Iterable[Instrument] = (),
    root: Path | None = None,
) -> pandas.DataFrame:
    """Closed bars of quotes, prints or smaller bars, a row each, with `ts` (when it was known) and `open_ts`, ns UTC.

    `data` is a dataset's name, or columns `bid ask` or `price size [side]` with `ts` (int64 ns UTC) or a DatetimeIndex.
    `basis` is what bars of quotes are made of: bid (the default), ask or mid. `symbol` is needed for range and Renko
    bars of columns, whose points are its. ConfigError for bars that cannot be meant, DataError for what is not in
    order. The bar still open at the end is not a row.

    >>> quotes = {"ts": [0, 1, 2], "bid": [1.0, 1.0002, 1.0011], "ask": [1.0001, 1.0003, 1.0012]}
    >>> bars(quotes, "renko 10 points", symbol="EURUSD")["close"].tolist()
    [1.0001, 1.0002, 1.0003, 1.0004, 1.0005, 1.0006, 1.0007, 1.0008, 1.0009, 1.001, 1.0011]
    """
    import pandas

    meant = parse_kind(kind)
    if isinstance(data, str):
        held = dataset(data, root)
        maker = maker_of(meant, held.lineage, basis, declared)
        made = [maker.add(chunk) for chunk in held.read()]
    else:
        given = columns_of(data)
        maker = loose_maker(meant, basis, symbol, declared, "bid" in given)
        made = [maker.add(given)]
    return pandas.DataFrame(join(made))


def make_bars(
    name: str,
    kind: str,
    out: str = "",
    basis: str = "",
    root: Path | None = None,
    declared: Iterable[Instrument] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Added:
    """Bars of a dataset into the catalogue, as `OUT/SYMBOL/bars-KIND` (`out` is the dataset's own source if empty).

    Made again, they are the same files; after quotes were added or changed, bars of a time frame are added or revised
    as an import does it, and those of other kinds are made anew. NotFound names the nearest dataset.
    """
    from engine.feeds.append import Append
    from engine.feeds.data import source_name

    meant = parse_kind(kind)
    held = dataset(name, root)
    maker = maker_of(meant, held.lineage, basis, declared)
    source = source_name(out or held.lineage.source)
    done = 0
    with Append(lineage_of(maker, held, source), root) as target:
        for chunk in held.read():
            target.add(maker.add(chunk))
            done += size(chunk)
            if progress:
                progress(done, held.rows)
    if ticks := int(maker.peek()["ticks"].sum()):
        target.report.notes.append(f"the last bar is still open ({ticks} records): it is not stored")
    return target.report


def maker_of(kind: BarKind, lineage: Lineage, basis: str, declared: Iterable[Instrument]) -> BarMaker:
    """The maker for a dataset; ConfigError where it does not hold what the bars need."""
    own = "last" if lineage.prints else lineage.basis
    if basis and (lineage.bars or lineage.prints) and basis != own:
        raise ConfigError(f"{lineage.name} holds {own} prices: bars of it cannot be made of {basis} prices")
    one = instrument_of(lineage.symbol, declared, kind.kind in PRICED)
    day = {"day": one.day} if one else {}
    points = 10.0**one.digits if one else 0.0
    basis = basis_of(basis) if not (lineage.bars or lineage.prints) else own
    return BarMaker(kind, basis, points, small=lineage.frame, **day)


def loose_maker(
    kind: BarKind, basis: str, symbol: str, declared: Iterable[Instrument], quotes: bool
) -> BarMaker:  # fmt: skip
    if basis and not quotes:
        raise ConfigError(f"basis {basis!r} is for quotes: prints have one price")
    if kind.kind in PRICED and not symbol:
        raise ConfigError(f"{kind.kind} bars are measured in points: say of which symbol")
    one = instrument_of(symbol, declared, True) if symbol else None
    day = {"day": one.day} if one else {}
    return BarMaker(kind, basis_of(basis) if quotes else "last", 10.0**one.digits if one else 0.0, **day)


def instrument_of(symbol: str, declared: Iterable[Instrument], needed: bool) -> Instrument | None:
    try:
        return instrument(symbol, declared)
    except ConfigError:
        if needed:
            raise
        return None


def basis_of(basis: str) -> str:
    if basis and basis not in WEIGHTS:
        raise ConfigError(f"bars of quotes are made of bid, ask or mid, not of {basis!r}")
    return basis or "bid"


def lineage_of(maker: BarMaker, held: Dataset, source: str) -> Lineage:
    """Where the bars come from and what their numbers mean."""
    of = held.lineage
    return msgspec.structs.replace(
        of, source=source, frame=str(maker.kind), basis=maker.basis, stamps="open", zone="UTC", dropped={}, more=MORE,
        volume_unit=of.volume_unit if of.bars or of.prints else "tick", made_from=of.name,
        spread="" if of.prints else of.spread if of.bars else "at the close",
    )  # fmt: skip


def columns_of(data: pandas.DataFrame | Mapping[str, Any]) -> Columns:
    """Columns of a DataFrame or mapping with int64 `ts`; DataError says what is not there."""
    names = list(data)
    if not any(set(need) <= set(names) for need in NEEDS):
        raise DataError(f"the data need columns bid and ask, or price and size: there are {', '.join(map(str, names))}")
    found = {name: np.asarray(data[name]) for name in ("bid", "ask", "price", "size", "side") if name in names}
    index = getattr(data, "index", None)
    if "ts" in names:
        stamps = np.asarray(data["ts"])
    elif hasattr(index, "tz_localize"):
        assert index is not None
        stamps = (index.tz_convert("UTC").tz_localize(None) if index.tz is not None else index).to_numpy()
    else:
        raise DataError("the data need stamps: a column ts (int64 ns UTC) or a DatetimeIndex")
    ts = stamps.astype("M8[ns]").view(np.int64) if stamps.dtype.kind == "M" else stamps.astype(np.int64)
    return {"ts": ts, **found}
