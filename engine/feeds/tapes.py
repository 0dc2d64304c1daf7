"""From stored market data to a tape: choose, convert to bid prices, merge several symbols, cache, map.

Order of equal stamps: symbol (in the order asked for), then the order of the source.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from engine.core.errors import ConfigError
from engine.core.frames import parse_frame
from engine.core.instrument import Instrument, instrument
from engine.feeds.catalogue import Dataset, dataset
from engine.feeds.lineage import Columns, Lineage, join, part, size
from engine.feeds.mapped import LAYOUT, MappedTape, open_mapped, store_mapped
from engine.feeds.spread import Spread, parse_spread, to_bid

DEMO_SPREAD = "10 points"
"""The demo's bars are ask prices without a spread; one pip is wide for EURUSD, and wide is the safe side."""
Moment = int | str | None


def open_tape(
    source: str,
    symbols: Sequence[str],
    kind: str,
    start: Moment = None,
    end: Moment = None,
    spread: str | Mapping[str, str] | None = None,
    declared: Iterable[Instrument] = (),
    root: Path | None = None,
) -> MappedTape:
    """A tape from the catalogue: `kind` is `quotes` or a time frame; records in [start, end), dates or ns UTC.

    `spread` (`"10 points"`, `"1.5 bps"`, or one per symbol) is needed for bars that carry none; what is assumed stands
    in the tape's `notes`. Bars belong to the range that holds all of them. NotFound names the nearest dataset.
    """
    symbols = tuple(symbols)
    if not symbols or len(set(symbols)) < len(symbols):
        raise ConfigError("a tape needs at least one symbol, each named once")
    first, last = moment(start, "start"), moment(end, "end")
    if first is not None and last is not None and first >= last:
        raise ConfigError(f"start {start} is not before end {end}")
    folder = "quotes" if kind == "quotes" else f"bars-{parse_frame(kind)}"
    datasets = {symbol: dataset(f"{source}/{symbol}/{folder}", root) for symbol in symbols}
    spread = DEMO_SPREAD if spread is None and source == "demo" else spread
    given = spread if isinstance(spread, Mapping) else dict.fromkeys(symbols, spread)
    spreads = {}
    for symbol in symbols:
        digits = instrument(symbol, declared).digits if folder != "quotes" else 0
        spreads[symbol] = parse_spread(given.get(symbol), digits)
    key = cache_key(datasets, spreads, first, last)
    if found := open_mapped(key):
        return found
    notes = tuple(dict.fromkeys(note for s in symbols for note in notes_on(datasets[s].lineage, spreads[s])))
    feeds = [records(datasets[s], i, spreads[s], first, last) for i, s in enumerate(symbols)]
    return store_mapped(key, "quotes" if kind == "quotes" else "bars", symbols, merge(feeds), notes)


def moment(text: Moment, what: str) -> int | None:
    """`2017-01-31` or `2017-01-31 22:00` (UTC) as ns; whole numbers are ns already.

    >>> moment("1970-01-02", "start")
    86400000000000
    """
    if text is None or isinstance(text, int):
        return text
    try:
        stamp = np.datetime64(text.strip().removesuffix("Z"), "ns")
    except ValueError:
        stamp = np.datetime64("NaT")
    if np.isnat(stamp):
        raise ConfigError(f"{what} {text!r} is not a date: write 2017-01-31 or 2017-01-31T22:00 (UTC)")
    return int(stamp.astype(np.int64))


def records(data: Dataset, index: int, spread: Spread, first: int | None, last: int | None) -> Iterator[Columns]:
    """One symbol's records as tape columns, in the order of the source."""
    lineage = data.lineage
    for columns in data.read(first, last):
        if lineage.bars:
            columns = {**to_bid(columns, lineage, spread), "ts_event": columns["open_ts"]}
            if last is not None:
                columns = part(columns, columns["ts"] <= last)
        if size(columns):
            yield {**columns, "symbol": np.full(size(columns), index, np.int16)}


def merge(feeds: list[Iterator[Columns]]) -> Iterator[Columns]:
    """Sorted streams as one, by (ts, feed, order within the feed), holding a stretch of each and no more.

    What is stamped before the earliest end of the stretches held cannot be preceded by anything still to come.
    """
    if len(feeds) == 1:
        yield from feeds[0]
        return
    held: list[Columns | None] = [next(feed, None) for feed in feeds]
    going = [columns is not None for columns in held]
    while any(columns is not None for columns in held):
        ends = [
            int(columns["ts"][-1]) for columns, more in zip(held, going, strict=True) if columns is not None and more
        ]
        horizon = min(ends, default=None)
        ready = []
        for i, columns in enumerate(held):
            if columns is None:
                continue
            cut = size(columns) if horizon is None else int(np.searchsorted(columns["ts"], horizon, side="left"))
            ready.append(part(columns, slice(0, cut)))
            held[i] = part(columns, slice(cut, None)) if cut < size(columns) else None
            if going[i] and int(columns["ts"][-1]) == horizon:
                more = next(feeds[i], None)
                going[i] = more is not None
                held[i] = join([c for c in (held[i], more) if c is not None])
        if any(size(columns) for columns in ready):
            yield in_order(ready)


def in_order(ready: list[Columns]) -> Columns:
    together = join(ready)
    order = np.lexsort((together["symbol"], together["ts"]))
    return {name: values[order] for name, values in together.items()}


def cache_key(
    datasets: Mapping[str, Dataset], spreads: Mapping[str, Spread], first: int | None, last: int | None
) -> str:
    parts = [(name, data.name, data.part(first, last).digests, str(spreads[name])) for name, data in datasets.items()]
    return hashlib.blake2b(repr((LAYOUT, parts, first, last)).encode(), digest_size=16).hexdigest()


def notes_on(lineage: Lineage, spread: Spread) -> Iterator[str]:
    """What a reader of the report must know about one dataset."""
    told = "; ".join(text for text in (lineage.note, lineage.licence) if text)
    yield f"{lineage.name}" + (f": {told}" if told else "")
    if lineage.bars:
        yield f"{lineage.symbol}: {spread.told(lineage)}"
    if lineage.dropped:
        counts = ", ".join(f"{n} {why}" for why, n in lineage.dropped.items())
        yield f"{lineage.name}: rows left out at import: {counts}"
