"""From tables to what strategies see: which features on which stream, rows as frozen structs, who wakes when."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from engine.core.bus import moments
from engine.core.errors import ConfigError
from engine.core.events import QUOTE, Quote
from engine.core.table import BASE_COLUMNS, Table, Tables
from engine.core.tape import Block
from engine.features.plan import Bound, Plan
from engine.features.spec import SERIES, Spec
from engine.loop import Wakes

if TYPE_CHECKING:
    from engine.features.forming import Forming

PRICES = ("open", "high", "low", "close")
BEFORE = 2**41
"""Sorts what comes before a record, then the record itself, then what comes before the next."""


@dataclass
class Foreign:
    """A column brought from another frame or symbol: its value in the last row known by then, NaN while it warms up.

    What the clock closed at the same moment is known, since it closes all bars of a moment together. A bar of another
    symbol that its own quote ended at that moment, before the clock did, is not: that quote may come after this row.
    """

    target: np.ndarray
    source: np.ndarray
    table: Table
    warmup: int

    def align(self, table: Table, lo: int, hi: int, grace: int) -> None:
        n, now = self.table.n, table.columns["ts"][lo:hi]
        known = self.table.columns["ts"][:n]
        at = known.searchsorted(now, "right") - 1
        if self.table.stream.symbol != table.stream.symbol and n:
            by_quote = known < self.table.columns["end"][:n] + grace
            at -= (at >= 0) & (known[at] == now) & by_quote[at]
        seen = at + self.table.dropped >= self.warmup
        self.target[lo:hi] = np.where(seen & (at >= 0), self.source[np.maximum(at, 0)], np.nan)


@dataclass
class Fact:
    """A column of a slow outside series: what it told when the bar ended."""

    target: np.ndarray
    told: Callable[[str, np.ndarray], np.ndarray]
    column: str

    def align(self, table: Table, lo: int, hi: int, grace: int) -> None:
        self.target[lo:hi] = self.told(self.column, table.columns["end"][lo:hi])


@dataclass
class Peek:
    """A column of a larger frame's forming bar, made of this table's rows so far."""

    forming: Forming
    table: Table

    def align(self, table: Table, lo: int, hi: int, grace: int) -> None:
        self.forming.fill(table.columns, lo, hi, self.table.columns, self.table.n)


@dataclass
class View:
    """One plan on one stream: its features, kept up with the table."""

    table: Table
    bound: Bound
    plan: Plan
    foreign: list[Foreign | Fact | Peek] = field(default_factory=list)
    done: int = 0

    def extend(self, grace: int) -> None:
        lo, hi = self.done, self.table.n
        if lo < hi:
            for column in self.foreign:
                column.align(self.table, lo, hi, grace)
            self.bound.extend(lo, hi)
        self.done = hi

    def warm_from(self, lo: int) -> int:
        """First row at or after lo in which every column can have a value."""
        return max(lo, self.plan.warmup - self.table.dropped)


@dataclass
class Subscription:
    """A strategy that is called with the rows of one stream."""

    strategy: str
    handler: Callable[..., Any]
    view: View
    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        fields = [("ts", int), ("symbol", str), *((c, float) for c in self.columns)]
        self.row = msgspec.defstruct("Row", fields, frozen=True, gc=False)
        self._arrays = [self.view.table.columns[self._column(c)] for c in self.columns]
        self.with_history = len(inspect.signature(self.handler).parameters) > 1

    def _column(self, name: str) -> str:
        return f"{self.strategy}.{name}" if name in self.view.plan.columns else name

    def rows(self, lo: int, hi: int) -> Iterator[Any]:
        table = self.view.table
        columns = [array[lo:hi].tolist() for array in self._arrays]
        made = map(self.row, table.columns["ts"][lo:hi].tolist(), repeat(table.stream.symbol), *columns)
        return zip(made, range(lo, hi), strict=False) if self.with_history else made

    @property
    def call(self) -> Callable[[Any], Any]:
        if not self.with_history:
            return self.handler
        return lambda item: self.handler(item[0], History(self, item[1]))


@dataclass
class History:
    """Earlier values of a row's columns, as copies that end at the row: `history("close", 20)`."""

    subscription: Subscription
    row: int

    def __call__(self, column: str, bars: int) -> np.ndarray:
        table = self.subscription.view.table
        if not 0 < bars <= table.owner.keep:
            raise ValueError(f"history of {bars} bars: ask for 1 to {table.owner.keep}")
        values = table.columns[self.subscription._column(column)]
        return values[max(self.row + 1 - bars, 0) : self.row + 1].copy()


@dataclass
class Rows:
    """All views and subscriptions of a run, and the strategies that ask for every quote."""

    tables: Tables
    views: list[View]
    subscriptions: list[Subscription]
    quotes: list[tuple[str, int, Callable[[Quote], Any]]] = field(default_factory=list)
    """(symbol, its index, handler)"""
    watched: set[int] = field(default_factory=set)
    """Moments whose rows go to `seen` as (strategy, row), for whoever explains."""
    seen: list[tuple[str, Any]] = field(default_factory=list)

    def slide(self, room: int) -> None:
        self.tables.slide(room)
        for view in self.views:
            view.done = min(view.done, view.table.n)

    def extend(self, grace: int = 0) -> None:
        """Fill the features of all new rows, what others read first; `grace` is the bar builder's."""
        for view in self.views:
            view.extend(grace)

    def wakes(self, closed: np.ndarray, block: Block, lo: int, hi: int) -> Wakes:
        """Calls for the rows in `closed` (WAKE records) and, if asked for, for quotes lo..hi-1."""
        parts = [part for k, s in enumerate(self.subscriptions) for part in self._calls(k, s, closed)]
        parts += self._quote_calls(block, lo, hi)
        if not parts:
            return Wakes()
        ats, orders, dues = (np.concatenate([part[k] for part in parts]) for k in range(3))
        handlers = [part[3] for part in parts for _ in part[4]]
        items = [item for part in parts for item in part[4]]
        if len(parts) > 1:
            places = np.lexsort((orders, dues))
            ats, dues = ats[places], dues[places]
            handlers = [handlers[k] for k in places.tolist()]
            items = [items[k] for k in places.tolist()]
        return Wakes(ats.tolist(), dues.tolist(), handlers, items)

    def _calls(self, k: int, s: Subscription, closed: np.ndarray) -> Iterator[tuple[Any, ...]]:
        mine = np.flatnonzero(closed["stream"] == s.view.table.index)
        if not len(mine):
            return
        rows = closed["row"][mine]
        first = s.view.warm_from(int(rows[0]))
        mine = mine[rows >= first]
        if not len(mine):
            return
        items = list(s.rows(first, int(rows[-1]) + 1))
        if self.watched:
            rows_only = [item[0] for item in items] if s.with_history else items
            self.seen += [(s.strategy, row) for row in rows_only if row.ts in self.watched]
        at, known, ranks = (closed[name][mine] for name in ("at", "ts", "rank"))
        order = at * BEFORE + mine * len(self.subscriptions) + k
        yield at, order, moments(known, ranks), s.call, items

    def _quote_calls(self, block: Block, lo: int, hi: int) -> Iterator[tuple[Any, ...]]:
        for k, (symbol, index, handler) in enumerate(self.quotes):
            at = np.flatnonzero(block.symbol[lo:hi] == index) + lo
            if not len(at):
                continue
            ts = block.ts[at]
            columns = (block.bid[at].tolist(), block.ask[at].tolist(), block.ts_event[at].tolist())
            items = list(map(Quote, ts.tolist(), repeat(symbol), *columns))
            order = at * BEFORE + BEFORE // 2 + k
            yield at + 1, order, moments(ts, QUOTE), handler, items


def bind(
    tables: Tables, stream: int, owner: str, specs: dict[str, Spec], find: Callable[[str, str], int],
    facts: Callable[[str, str], Any] | None = None,
) -> list[View]:  # fmt: skip
    """The views that give `owner` its features on a stream: those it needs on other tables first, then its own.

    `find(symbol, frame)` is the index of another stream, `facts(series, symbol)` what a series tells about a symbol.
    Columns are named `owner.name`.
    """
    plan, table = Plan(specs), tables.tables[stream]
    others: list[View] = []
    foreign: list[Foreign | Fact | Peek] = []
    known: dict[str, np.ndarray] = {}
    for symbol, frame, spec, column in plan.foreign:
        if symbol.startswith(SERIES):
            if facts is None:
                raise ConfigError(f"{spec}: no series can be read here")
            known[column] = target = table.add(f"{owner}.{column}")
            foreign.append(Fact(target, facts(symbol.removeprefix(SERIES), table.stream.symbol), spec.output))
            continue
        other = tables.tables[find(symbol or table.stream.symbol, frame or table.stream.frame)]
        known[column] = target = table.add(f"{owner}.{column}")
        if spec.live:
            from engine.features.forming import Forming  # a kernel of its own, which few runs need

            foreign.append(Peek(Forming(spec, frame, tables.day, target), other))
            continue
        if spec.feature is None:  # a base column of the other table, by name
            foreign.append(Foreign(target, other.columns[spec.output], other, 0))
            continue
        own = f"{owner} {table.stream}.{column}"  # another symbol's rows may read the same of that table
        others += bind(tables, other.index, own, {"value": spec}, find, facts)
        there = others[-1].plan
        foreign.append(Foreign(target, other.columns[f"{own}.{there.columns[0]}"], other, there.warmup))
    view = _view(table, owner, plan, known)
    view.foreign = foreign
    return [*others, view]


def _view(table: Table, owner: str, plan: Plan, known: dict[str, np.ndarray]) -> View:
    columns = {**{c: table.columns[c] for c in BASE_COLUMNS}, **known}
    return View(table, plan.bind(columns, lambda name: table.add(f"{owner}.{name}")), plan)
