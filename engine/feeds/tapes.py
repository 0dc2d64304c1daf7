"""From stored market data to a tape: choose, convert to bid prices, merge several symbols, cache, map.

Order of equal stamps: symbol (in the order asked for), then the order of the source.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.core.clock import parse_time
from engine.core.errors import ConfigError
from engine.core.frames import parse_frame
from engine.core.instrument import Instrument, instrument
from engine.core.quantity import Points
from engine.feeds.catalogue import dataset
from engine.feeds.checks import Checker, OnBad
from engine.feeds.importers.options import Options
from engine.feeds.lineage import Columns, Lineage, between, join, part, size
from engine.feeds.mapped import LAYOUT, MappedTape, open_mapped, store_mapped
from engine.feeds.spread import Spread, spread_of, to_bid

DEMO_SPREAD = "10 points"
"""The demo's bars are ask prices without a spread; one pip is wide for EURUSD, and wide is the safe side."""
Moment = int | str | None
Spreads = Points | str | Mapping[str, Points | str] | None


@dataclass(frozen=True)
class Feed:
    """One symbol's rows on their way to the tape."""

    lineage: Lineage
    chunks: Iterator[Columns]
    spread: Spread


def open_tape(
    source: str,
    symbols: Sequence[str],
    kind: str,
    start: Moment = None,
    end: Moment = None,
    spread: Spreads = None,
    declared: Iterable[Instrument] = (),
    root: Path | None = None,
) -> MappedTape:
    """A tape from the catalogue: `kind` is `quotes` or a time frame; records in [start, end), dates or ns UTC.

    `spread` (`"10 points"`, or one per symbol) is needed for bars that carry none; what is assumed stands in the tape's
    `notes`. A bar is in the range if all of it is. NotFound names the nearest dataset.
    """
    first, last = span(symbols, start, end)
    folder = "quotes" if kind == "quotes" else f"bars-{parse_frame(kind)}"
    datasets = {symbol: dataset(f"{source}/{symbol}/{folder}", root) for symbol in symbols}
    spread = DEMO_SPREAD if spread is None and source == "demo" else spread
    spreads = spreads_of(symbols, spread, declared, bars=folder != "quotes")
    made_of = [(s, d.name, d.part(first, last).digests, str(spreads[s])) for s, d in datasets.items()]
    key = cache_key(made_of, first, last)
    if found := open_mapped(key):
        return found
    feeds = [Feed(d.lineage, d.read(first, last), spreads[s]) for s, d in datasets.items()]
    return build(key, tuple(symbols), feeds, first, last, [d.dropped for d in datasets.values()])


def open_files(
    files: Sequence[str | Path],
    symbols: Sequence[str],
    kind: str,
    start: Moment = None,
    end: Moment = None,
    spread: Spreads = None,
    options: Options = Options(),  # noqa: B008 - frozen
    format: str | None = None,
    sort: bool = False,
    on_bad: OnBad = "error",
) -> MappedTape:
    """A tape straight from files, one per symbol in the same order, without importing them into the catalogue.

    They are read as `import_file` reads them; ConfigError where a file does not hold what `kind` says.
    """
    from engine.feeds.importers.formats import open_file

    first, last = span(symbols, start, end)
    if len(files) != len(symbols):
        raise ConfigError(f"{len(files)} files for {len(symbols)} symbols: name one file per symbol, in the same order")
    frame = "" if kind == "quotes" else parse_frame(kind)
    spreads = spreads_of(symbols, spread, options.declared, bars=bool(frame))
    paths = [Path(file) for file in files]
    made_of = [(s, content(p), str(spreads[s])) for s, p in zip(symbols, paths, strict=True)]
    key = cache_key([*made_of, (frame, repr(options), format, sort, on_bad)], first, last)
    if found := open_mapped(key):
        return found
    feeds: list[Feed] = []
    dropped: list[dict[str, int]] = []
    for symbol, path in zip(symbols, paths, strict=True):
        come = open_file(path, replace(options, symbol=symbol, frame=frame), format)
        if come.lineage.frame != frame:
            raise ConfigError(f"{path} holds {come.lineage.kind}, not {kind}")
        dropped.append({})
        checker = Checker(come.lineage, str(path), on_bad)
        feeds.append(Feed(come.lineage, counted(checker, come.chunks, sort, dropped[-1]), spreads[symbol]))
    return build(key, tuple(symbols), feeds, first, last, dropped)


def counted(checker: Checker, chunks: Iterator[Columns], sort: bool, dropped: dict[str, int]) -> Iterator[Columns]:
    for chunk, counts in checker.run(chunks, sort):
        for reason, n in counts.items():
            dropped[reason] = dropped.get(reason, 0) + n
        yield chunk


def build(
    key: str,
    symbols: tuple[str, ...],
    feeds: Sequence[Feed],
    first: int | None,
    last: int | None,
    dropped: Sequence[Mapping[str, int]],
) -> MappedTape:
    """Convert, merge and store; the notes are written last, when it is known what was left out."""
    kind = "bars" if feeds[0].lineage.bars else "quotes"
    streams = [records(feed, i, first, last) for i, feed in enumerate(feeds)]

    def notes() -> tuple[str, ...]:
        each = zip(feeds, dropped, strict=True)
        return tuple(dict.fromkeys(note for f, d in each for note in notes_on(f.lineage, f.spread, d)))

    return store_mapped(key, kind, symbols, merge(streams), notes)


def span(symbols: Sequence[str], start: Moment, end: Moment) -> tuple[int | None, int | None]:
    """[start, end) in ns UTC; a date without a zone is UTC."""
    if not symbols or len(set(symbols)) < len(symbols) or isinstance(symbols, str):
        raise ConfigError("a tape needs a list of symbols, at least one, each named once")
    first, last = (parse_time(m) if isinstance(m, str) else m for m in (start, end))
    if first is not None and last is not None and first >= last:
        raise ConfigError(f"the range is empty: from {start} to {end}")
    return first, last


def spreads_of(
    symbols: Sequence[str], written: Spreads, declared: Iterable[Instrument], bars: bool
) -> dict[str, Spread]:
    """The declared spread of each symbol; quotes carry their own."""
    if not bars:
        return dict.fromkeys(symbols, Spread(None, 0))
    each = written if isinstance(written, Mapping) else dict.fromkeys(symbols, written)
    known = tuple(declared)
    return {s: spread_of(each.get(s), instrument(s, known).digits) for s in symbols}


def records(feed: Feed, index: int, first: int | None, last: int | None) -> Iterator[Columns]:
    """One symbol's records in [first, last) as tape columns, in the order of the source."""
    for chunk in feed.chunks:
        columns = between(chunk, feed.lineage.key, first, last)
        if feed.lineage.bars and size(columns):
            columns = {**to_bid(columns, feed.lineage, feed.spread), "ts_event": columns["open_ts"]}
            columns = columns if last is None else part(columns, columns["ts"] <= last)
        if size(columns):
            yield {**columns, "symbol": np.full(size(columns), index, np.int16)}


def merge(feeds: list[Iterator[Columns]]) -> Iterator[Columns]:
    """Sorted streams as one, by (ts, feed, order within the feed), holding a stretch of each and no more.

    What is stamped before the earliest end of the stretches held cannot be preceded by anything still to come.
    """
    if len(feeds) == 1:
        yield from feeds[0]
        return
    from engine.feeds.minutes import merge_order

    held: list[Columns | None] = [next(feed, None) for feed in feeds]
    going = [columns is not None for columns in held]
    while any(columns is not None for columns in held):
        open_ends = [int(c["ts"][-1]) for c, more in zip(held, going, strict=True) if c is not None and more]
        horizon = min(open_ends, default=None)
        ready = []
        for i, columns in enumerate(held):
            if columns is None:
                continue
            cut = size(columns) if horizon is None else int(np.searchsorted(columns["ts"], horizon, side="left"))
            if cut:
                ready.append(part(columns, slice(0, cut)))
            held[i] = part(columns, slice(cut, None)) if cut < size(columns) else None
            if going[i] and int(columns["ts"][-1]) == horizon:
                more = next(feeds[i], None)
                going[i] = more is not None
                rest = [c for c in (held[i], more) if c is not None]
                held[i] = join(rest) if rest else None
        if ready:
            together = join(ready)
            starts = np.cumsum([0, *(size(columns) for columns in ready)])
            yield part(together, merge_order(together["ts"], starts)) if len(ready) > 1 else together


def cache_key(made_of: Sequence[object], first: int | None, last: int | None) -> str:
    return hashlib.blake2b(repr((LAYOUT, made_of, first, last)).encode(), digest_size=16).hexdigest()


def content(path: Path) -> str:
    """A hash of a file's bytes; empty where there is none (opening it says so better)."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def notes_on(lineage: Lineage, spread: Spread, dropped: Mapping[str, int]) -> Iterator[str]:
    """What a reader of the report must know about one dataset."""
    told = "; ".join(text for text in (lineage.note, lineage.licence) if text)
    yield lineage.name + (f": {told}" if told else "")
    if lineage.bars:
        yield f"{lineage.symbol}: {spread.told(lineage)}"
    if dropped:
        yield f"{lineage.name}: rows left out: {', '.join(f'{n} {why}' for why, n in dropped.items())}"
