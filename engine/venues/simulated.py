"""The simulated venue: a shell around the compiled matching that speaks events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from engine.core.events import Accepted, Cancel, Canceled, Event, Fill, Order, Rejected
from engine.core.tape import Block
from engine.kernels import book as b
from engine.venues.intake import cancel, submit
from engine.venues.scan import advance_bars, advance_quotes, peek_bars, peek_quotes

ENTRIES = ("in", "out")
KINDS = {name: code for code, name in enumerate(b.ORDER_KINDS)}
NAN = float("nan")


@dataclass
class SimulatedVenue:
    """Matches orders against the tape. It lags behind the run and is brought up to a record by `advance`.

    `latency` is the way of an order to the venue, `back` the way of its report to us, both in ns. `banded=False`
    judges every record in full (slow; for tests).
    """

    kind: str
    symbols: tuple[str, ...]
    strategies: tuple[str, ...]
    book: b.Book
    latency: int = 0
    back: int = 0
    banded: bool = True
    columns: tuple[np.ndarray, ...] = field(default=(), repr=False)
    """Of the block that is attached."""
    _scanned: tuple[np.ndarray, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        self._peek: Callable[..., int] = peek_quotes if self.kind == "quotes" else peek_bars
        self._advance: Callable[..., int] = advance_quotes if self.kind == "quotes" else advance_bars
        self._ids = {name: n for n, name in enumerate(self.symbols)}
        self._strategy_ids = {name: n for n, name in enumerate(self.strategies)}
        self._scale = round(1.0 / float(self.book[0]["minor"][0]))
        self._step_units = self.book[1]["step_units"].tolist()
        account = self.book[0]  # stays the same array when the book grows
        self._orders, self._positions, self._reports = account["orders"], account["positions"], account["reports"]

    def attach(self, block: Block) -> None:
        """The block whose records `peek` and `advance` mean from now on."""
        c = block
        if self.kind == "quotes":
            self.columns = (c.ts, c.ts_event, c.symbol, c.bid, c.ask)
            self._scanned = (c.ts_event, c.symbol, c.bid, c.ask)
        else:
            self.columns = (c.ts, c.ts_event, c.symbol, c.open, c.high, c.low, c.close, c.spread)
            self._scanned = (c.ts, c.symbol, c.high, c.low, c.spread)
        room = 2 * len(block) + 16
        if len(self.book[5]) < room:
            self.book = (*self.book[:5], np.zeros(room, b.SAMPLE))

    @property
    def idle(self) -> bool:
        """Nothing rests and nothing is open: no record can change anything but the last quote."""
        return not self._orders[0] and not self._positions[0]

    def peek(self, i: int, j: int) -> int:
        return self._peek(self.book, *self._scanned, i, j) if self.banded else i

    def advance(self, i: int, j: int) -> int:
        """Bring the venue from record i towards j; returns where it stopped (after a record that caused reports)."""
        return self._advance(self.book, *self.columns, i, j, self.banded)

    def drain_samples(self) -> np.ndarray:
        """The equity samples since the last call."""
        count = int(self.book[0]["samples"][0])
        self.book[0]["samples"] = 0
        return self.book[5][:count].copy()

    def on_order(self, order: Order) -> None:
        """Take an order in; one without a number has not passed risk and is none of the venue's business."""
        if not order.id:
            return
        self.room(1)
        s = self._ids[order.symbol]
        submit(
            self.book, order.id, self._strategy_ids[order.strategy], s, order.side, KINDS[order.kind],
            round(order.units / self._step_units[s]), NAN if order.price is None else order.price,
            NAN if order.stop is None else order.stop, NAN if order.take_profit is None else order.take_profit,
            order.position, order.expires, order.ts, self.latency,
        )  # fmt: skip

    def room(self, more: int) -> None:
        """Make sure that many more orders fit, and that every order may become a position."""
        orders, positions = int(self._orders[0]) + more, int(self._positions[0])
        if orders > len(self.book[2]) or orders + positions + 1 > len(self.book[3]):
            self.book = b.grow(self.book, 2 * orders, 2 * (orders + positions + 1))

    def on_cancel(self, wish: Cancel) -> Event | None:
        """Ask for an order to be taken back; that the venue has none is known when its answer has come."""
        arrives = wish.ts + self.latency
        if cancel(self.book, wish.order, arrives):
            return None
        return Rejected(arrives + self.back, wish.strategy, "", wish.order, "no such order", arrives)

    def reports(self) -> list[Event]:
        """What happened since the last call, as events stamped with the moment we know of it."""
        count = int(self._reports[0])
        if not count:
            return []
        self._reports[0] = 0
        return self.events(self.book[4][:count])

    def events(self, reports: np.ndarray) -> list[Event]:
        return [self._event(*r) for r in reports.tolist()]

    def _event(self, kind: int, ts: int, ts_event: int, order: int, deal: int, position: int, k: int, s: int,
               side: int, steps: int, price: float, entry: int, profit: int, commission: int, balance: int,
               reason: int, stop: float, take_profit: float) -> Event:  # fmt: skip
        strategy, symbol, known = self.strategies[k], self.symbols[s], ts + self.back
        if kind == b.FILL:
            units, scale = steps * self._step_units[s], self._scale
            return Fill(
                known, strategy, symbol, order, deal, position, side, units, price, ENTRIES[entry], profit / scale,
                -commission / scale, balance / scale, b.FILL_REASONS[reason], ts_event,
            )  # fmt: skip
        if kind == b.ACCEPTED:
            return Accepted(known, strategy, symbol, order, ts_event)
        if kind == b.REJECTED:
            return Rejected(known, strategy, symbol, order, b.REJECT_REASONS[reason], ts_event)
        return Canceled(known, strategy, symbol, order, b.CANCEL_REASONS[reason], ts_event)
