"""`onetape data get`: a span of a provider's history into the catalogue, all of it or nothing.

Raw payloads are kept in the cache as they come, so an interrupted download goes on where it was; rows reach the
catalogue only when the last payload is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from engine.adapters.cache import cache_folder, make_folder
from engine.adapters.fetch import Fetcher, fetcher
from engine.adapters.provider import Ask, Decoded, Payload, Provider, provider
from engine.core.clock import format_ts, wall_ns
from engine.core.errors import ConfigError, DataError, NotFound
from engine.core.frames import FIXED, parse_frame
from engine.core.locks import alone
from engine.core.zones import DAY
from engine.feeds.checks import Checker, OnBad
from engine.feeds.lineage import Columns, Lineage, part, size

if TYPE_CHECKING:
    from engine.feeds.append import Added
    from engine.feeds.series import Stored

Progress = Callable[[int, int], None]


class Got(msgspec.Struct, kw_only=True):
    """What a `get` did: rows into the catalogue, and payloads from where."""

    provider: str
    added: Added | Stored
    payloads: int
    fetched: int
    from_cache: int
    absent: int
    bytes: int


def get(
    name: str,
    symbol: str,
    first: int | None,
    last: int | None = None,
    frame: str = "",
    *,
    basis: str = "",
    point: float | None = None,
    zone: str = "",
    funding: bool = False,
    cache: Path | None = None,
    rate: float | None = None,
    on_bad: OnBad = "error",
    sort: bool = False,
    root: Path | None = None,
    progress: Progress | None = None,
    sleep: Callable[[float], None] = sleep,
) -> Got:
    """History of `symbol` in [first, last) ns UTC from the provider `name`; where there is no last, until now.

    Without a frame these are ticks. ConfigError for what the provider does not have, NotFound when it has nothing of
    the symbol in the span, TimedOut when it does not answer, DataError for what is not what it claims to be.
    """
    source, now = provider(name), wall_ns()
    if first is None and not source.series:
        raise ConfigError("from when? say it: --from 2024-01-01")
    first = first or 0
    ask = Ask(
        symbol, first, min(last or now, now), parse_frame(frame) if frame else "", basis, point, zone, funding
    )  # fmt: skip
    if ask.first >= ask.last:
        raise ConfigError(f"--from {format_ts(first)} is not before {format_ts(ask.last)}, where the span ends")
    if funding and not source.funding:
        raise ConfigError(f"{source.name} has no funding rates: binance-um and exchanges with perpetuals (ccxt:) have")
    if rate is not None and rate <= 0:
        raise ConfigError(f"--rate {rate:g}: requests per second, above 0")
    web = fetcher(source, cache_folder(cache), rate, sleep)
    make_folder(web.folder)
    with alone(web.folder):
        come = Coming(source, ask, web, progress or (lambda done, total: None), now)
        added = come.into_series(root) if funding or source.series else come.into_catalogue(on_bad, sort, root)
    if web.absent:
        added.notes.append(f"{web.absent} of {come.payloads} payloads are not there: nothing was traded, or never kept")
    return Got(
        provider=source.name, added=added, payloads=come.payloads, from_cache=web.from_cache, absent=web.absent,
        fetched=come.payloads - web.from_cache - web.absent, bytes=web.bytes,
    )  # fmt: skip


@dataclass
class Coming:
    """Payloads on their way to the catalogue."""

    source: Provider
    ask: Ask
    web: Fetcher
    progress: Progress
    now: int
    payloads: int = 0

    def files(self) -> Iterator[tuple[Payload, Path]]:
        """Every payload that is there, in order of time; progress counts days."""
        steps = self.source.payloads(self.ask)
        total = max(1, -(-(self.ask.last - self.ask.first) // DAY))
        path: Path | None = None
        try:
            payload = next(steps)
            while True:
                self.payloads += 1
                path = self.web.fetch(payload)
                self.progress(min(total, max(0, (payload.last - self.ask.first) // DAY)), total)
                if path is not None:
                    yield payload, path
                payload = steps.send(path)
        except StopIteration:
            return

    def into_catalogue(self, on_bad: OnBad, sort: bool, root: Path | None) -> Added:
        from engine.feeds.append import Append

        lineage, so_far = self.source.lineage(self.ask), Decoded()
        checker = Checker(lineage, f"{self.source.name} {self.ask.symbol}", on_bad)
        with Append(lineage, root) as target:
            for columns, dropped in checker.run(self.stretches(lineage, so_far), sort):
                target.add(columns, {**dropped, **so_far.take()})
        target.report.notes.extend([lineage.note] if lineage.note else [])
        return target.report

    def stretches(self, lineage: Lineage, so_far: Decoded) -> Iterator[Columns]:
        """Rows of the span; a bar that has not closed yet is none. NotFound when there is no row at all."""
        rows = 0
        for payload, path in self.files():
            for columns in self.source.columns(payload, path, self.ask, so_far):
                if lineage.bars:
                    on_grid(columns, lineage, payload)
                key = columns[lineage.key]
                kept = (key >= self.ask.first) & (key < self.ask.last)
                if lineage.bars:
                    kept &= columns["ts"] <= self.now
                inside = columns if kept.all() else part(columns, kept)
                rows += size(inside)
                if size(inside):
                    yield inside
        if not rows:
            raise NotFound(self.nothing())

    def into_series(self, root: Path | None) -> Stored:
        from engine.feeds.outside import Rows
        from engine.feeds.series import store_rows

        lineage, all_rows = self.source.lineage(self.ask), Rows()
        if self.ask.funding:
            symbol = f"{self.ask.symbol.replace('/', '-').replace(':', '-')}-funding"
            lineage = msgspec.structs.replace(lineage, symbol=symbol, frame="", note="rates, known from their stamp")
        for payload, path in self.files():
            for row in zip(*self.source.rows(payload, path, self.ask).columns(), strict=True):
                if self.ask.first <= row[2] < self.ask.last:
                    all_rows.add(*row)
        if not len(all_rows):
            raise NotFound(self.nothing())
        return store_rows(all_rows, lineage, self.now, root)

    def nothing(self) -> str:
        span = f"between {format_ts(self.ask.first)} and {format_ts(self.ask.last)}"
        return f"{self.source.name} has nothing of {self.ask.symbol} {span}: is the symbol written as it is there?"


def on_grid(columns: Columns, lineage: Lineage, payload: Payload) -> None:
    """DataError when a bar of a fixed frame does not begin where such bars begin."""
    length = FIXED.get(lineage.frame)
    off = np.flatnonzero(columns["open_ts"] % length) if length else np.empty(0, np.int64)
    if off.size:
        at = format_ts(int(columns["open_ts"][off[0]]))
        raise DataError(
            f"{payload.url or payload.key}: {at} is not where a {lineage.frame} bar begins: take a shorter frame"
        )
