"""From stored market data to a tape: choose, convert to bid prices, merge several symbols, cache, map.

Order of equal stamps: symbol (in the order asked for), then the order of the source.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.core.clock import format_ts, parse_time
from engine.core.config import DataConfig
from engine.core.errors import ConfigError, DataError
from engine.core.frames import FIXED, FRAMES, parse_frame
from engine.core.instrument import Instrument, instrument
from engine.core.quantity import Spread
from engine.core.tape import Tape
from engine.core.zones import HOUR
from engine.feeds.catalogue import dataset
from engine.feeds.checks import Checker, OnBad
from engine.feeds.detail import require_detail
from engine.feeds.importers.options import Options
from engine.feeds.lineage import Columns, Lineage, between, join, part, size
from engine.feeds.mapped import LAYOUT, MappedTape, open_mapped, store_mapped
from engine.feeds.spread import Assumed, assume, to_bid

DEMO_SPREAD = "10 points"
"""The demo's bars are ask prices without a spread; one pip is wide for EURUSD, and wide is the safe side."""
HERE = Path(__file__).parent
Moment = int | str | None
Spreads = Spread | str | Mapping[str, Spread] | Mapping[str, str] | None


@dataclass(frozen=True)
class Feed:
    """One symbol's rows on their way to the tape."""

    lineage: Lineage
    chunks: Iterator[Columns]
    spread: Assumed
    reach: tuple[int, int] | None = None
    """First and last key of what is stored, where that is known before reading."""


def open_data(data: DataConfig, declared: Iterable[Instrument] = ()) -> MappedTape:
    """The tape that `[data]` of a config names: from files, from the catalogue, or the demo's."""
    kind = "quotes" if data.kind == "quotes" else data.finest
    limits, basis = (data.start_ns, data.end_ns), "" if data.basis == "bid" else data.basis
    if data.min_grade:
        from engine.feeds.quality.check import require_grade

        require_grade(data, declared)
    if data.source != "file":
        tape = open_tape(data.source, data.symbols, kind, *limits, data.spread, declared, basis=basis)
        if data.detail:
            require_detail(tape, data.source, parse_frame(data.frame), data.finest, limits)
        return tape
    options = Options(basis=basis, zone=data.tz or "", declared=tuple(declared))
    return open_files(data.files, data.symbols, kind, *limits, data.spread, options, data.format)


def open_tape(
    source: str,
    symbols: Sequence[str],
    kind: str,
    start: Moment = None,
    end: Moment = None,
    spread: Spreads = None,
    declared: Iterable[Instrument] = (),
    root: Path | None = None,
    basis: str = "",
) -> MappedTape:
    """A tape from the catalogue: `kind` is `quotes` or a time frame; records in [start, end), dates or ns UTC.

    `spread` (`"10 points"`, `"1.5 bps"`, or one per symbol) is needed for bars that carry none; what is assumed stands
    in the tape's `notes`. A bar is in the range if all of it is. `basis` is checked against what the catalogue says its
    bars are. NotFound names the nearest dataset.
    """
    first, last = limits_of(symbols, start, end)
    folder = "quotes" if kind == "quotes" else f"bars-{parse_frame(kind)}"
    datasets = {symbol: dataset(f"{source}/{symbol}/{folder}", root) for symbol in symbols}
    for held in datasets.values():
        agree(held.lineage, basis)
    spread = DEMO_SPREAD if spread is None and source == "demo" else spread
    spreads = spreads_of(symbols, spread, declared, bars=folder != "quotes")
    made_of = [(s, d.name, d.part(first, last).digests, str(spreads[s])) for s, d in datasets.items()]
    key = cache_key(made_of, first, last)
    if found := open_mapped(key):
        return found
    feeds = [Feed(d.lineage, d.read(first, last), spreads[s], (d.first, d.last)) for s, d in datasets.items()]
    return build(key, tuple(symbols), feeds, first, last, [d.dropped for d in datasets.values()])


def agree(lineage: Lineage, basis: str) -> None:
    """ConfigError when bars are not what a config says they are."""
    if lineage.bars and basis and lineage.basis != basis:
        raise ConfigError(f"data.basis: the bars of {lineage.name} are {lineage.basis} prices, not {basis}")


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
    """A tape straight from files, without importing them into the catalogue.

    One file per symbol, in the same order, or one file with a column that names the symbol. They are read as
    `import_file` reads them; ConfigError where a file does not hold what `kind` says.
    """
    from engine.feeds.importers.formats import open_file

    first, last = limits_of(symbols, start, end)
    paths = [Path(file) for file in files]
    if len(paths) not in (1, len(symbols)):
        raise ConfigError(
            f"{len(paths)} files for {len(symbols)} symbols: name one file per symbol, in the same order, or one that"
            " has a column for the symbol"
        )
    frame = "" if kind == "quotes" else parse_frame(kind)
    spreads = spreads_of(symbols, spread, options.declared, bars=bool(frame))
    made_of = [(s, str(spreads[s])) for s in symbols], [content(p) for p in paths]
    key = cache_key([*made_of, (frame, repr(options), format, sort, on_bad)], first, last)
    if found := open_mapped(key):
        return found
    feeds: list[Feed] = []
    dropped: list[dict[str, int]] = []
    for symbol, path in zip(symbols, paths * (len(symbols) if len(paths) == 1 else 1), strict=True):
        come = open_file(path, replace(options, symbol=symbol, frame=frame, several=len(symbols) > len(paths)), format)
        if come.lineage.kind != (f"bars-{frame}" if frame else "quotes"):
            raise ConfigError(f"{path} holds {come.lineage.kind}, not {kind}")
        agree(come.lineage, options.basis)
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


def limits_of(symbols: Sequence[str], start: Moment, end: Moment) -> tuple[int | None, int | None]:
    """[start, end) in ns UTC; a date without a zone is UTC."""
    if not symbols or len(set(symbols)) < len(symbols) or isinstance(symbols, str):
        raise ConfigError("a tape needs a list of symbols, at least one, each named once")
    first, last = (parse_time(m) if isinstance(m, str) else m for m in (start, end))
    if first is not None and last is not None and first >= last:
        raise ConfigError(f"the range is empty: from {start} to {end}")
    return first, last


def spreads_of(
    symbols: Sequence[str], written: Spreads, declared: Iterable[Instrument], bars: bool
) -> dict[str, Assumed]:
    """The declared spread of each symbol; quotes carry their own."""
    if not bars:
        return dict.fromkeys(symbols, Assumed(None, 0))
    each = written if isinstance(written, Mapping) else dict.fromkeys(symbols, written)
    known = tuple(declared)
    return {s: assume(each.get(s), instrument(s, known).digits) for s in symbols}


def records(feed: Feed, index: int, first: int | None, last: int | None) -> Iterator[Columns]:
    """One symbol's records in [first, last) as tape columns, in the order of the source; DataError if there is none."""
    lineage, reach, empty = feed.lineage, feed.reach, True
    for chunk in feed.chunks:
        if size(chunk):
            reach = (reach[0] if reach else int(chunk[lineage.key][0]), int(chunk[lineage.key][-1]))
        columns = between(chunk, lineage.key, first, last)
        if lineage.bars and size(columns):
            columns = {**to_bid(columns, lineage, feed.spread), "ts_event": columns["open_ts"]}
            columns = columns if last is None else part(columns, columns["ts"] <= last)
        if size(columns):
            empty = False
            yield {**columns, "symbol": np.full(size(columns), index, np.int16)}
    if empty:
        there = f": they reach from {format_ts(reach[0])} to {format_ts(reach[1])} UTC" if reach else ""
        raise DataError(f"no {'bars' if lineage.bars else 'quotes'} of {lineage.symbol} in this range{there}")


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


def frame_of(tape: Tape) -> str:
    """The time frame of a tape of bars, by the longest of its first bars; DataError when none is that long."""
    block = next(tape.blocks())
    length = int((block.ts - block.ts_event).max())
    known = [name for name, ns in FRAMES.items() if abs(length - ns) <= (0 if name in FIXED else HOUR)]
    if not known:
        raise DataError(f"the tape holds bars of {length / 1e9:g} s, and no time frame is that long")
    return min(known, key=lambda name: abs(length - FRAMES[name]))


def cache_key(made_of: Sequence[object], first: int | None, last: int | None) -> str:
    """Of everything a tape is made from, the code that makes it included: a mended importer must not be overlooked."""
    code = hashlib.blake2b(digest_size=16)
    for path in sorted([*HERE.glob("*.py"), *HERE.glob("importers/*.py"), *HERE.glob("../core/*.toml")]):
        code.update(path.read_bytes())
    made = (LAYOUT, code.hexdigest(), made_of, first, last)
    return hashlib.blake2b(repr(made).encode(), digest_size=16).hexdigest()


def content(path: Path) -> str:
    """A hash of a file's bytes; empty where there is none (opening it says so better)."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def notes_on(lineage: Lineage, spread: Assumed, dropped: Mapping[str, int]) -> Iterator[str]:
    """What a reader of the report must know about one dataset."""
    told = "; ".join(text for text in (lineage.note, lineage.licence) if text)
    name = lineage.name
    if lineage.source == "file":
        name = f"{lineage.symbol}: {f'{lineage.frame} bars' if lineage.bars else 'quotes'} from {lineage.made_from}"
        name += "" if lineage.zone == "UTC" else f", stamped in {lineage.zone}"
    yield name + (f": {told}" if told else "")
    if lineage.bars:
        yield f"{lineage.symbol}: {spread.told(lineage)}"
    if dropped:
        yield f"{name}: rows left out: {', '.join(f'{n} {why}' for why, n in dropped.items())}"
