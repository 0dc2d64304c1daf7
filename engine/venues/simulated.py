"""The simulated venue: a shell around the compiled matching that speaks events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from struct import Struct

import numpy as np

from engine.core.events import (
    Accepted,
    Cancel,
    Canceled,
    CloseBy,
    Correction,
    DealCost,
    Event,
    Fill,
    MarginCall,
    Modified,
    Modify,
    Order,
    Rejected,
    Swapped,
    Triggered,
)
from engine.core.frames import day_starts
from engine.core.instrument import Instrument
from engine.core.tape import Block
from engine.kernels import book as b
from engine.venues.intake import cancel, request, submit, unknown_at
from engine.venues.pulse import pulse_of
from engine.venues.scan import advance_bars, advance_quotes, peek_bars, peek_quotes
from engine.venues.slippage import POINTS

KINDS = {name: code for code, name in enumerate(b.ORDER_KINDS)}
FILLINGS = {name: code for code, name in enumerate(b.FILLINGS)}
NAN = float("nan")
STILL = np.zeros((0, 3))
PACKED = Struct("".join("q" if b.ORDER[n].kind == "i" else "d" for n in range(len(b.ORDER))))
"""An ORDER record from Python values, five times as fast as numpy assigns a tuple."""


def is_plain(o: Order) -> bool:
    """Does the plain `match` understand all that the order says of itself?"""
    usual = o.kind in ("market", "limit", "stop") and o.filling == "return"
    alone = not (o.reduce_only or o.group or o.parent)
    return usual and alone and o.trail is None and o.even_at is None and o.deviation is None


def number(value: float | None) -> float:
    return NAN if value is None else value


def price_of(value: float) -> float | None:
    return None if value != value else value


@dataclass
class SimulatedVenue:
    """Matches orders against the tape. It lags behind the run and is brought up to a record by `advance`.

    `banded=False` judges every record in full (slow; for tests).
    """

    kind: str
    symbols: tuple[str, ...]
    instruments: tuple[Instrument, ...]
    strategies: tuple[str, ...]
    book: b.Book
    banded: bool = True
    pulse: np.ndarray | None = None
    """PULSE[symbols] where slippage remembers the market."""
    columns: tuple[np.ndarray, ...] = field(default=(), repr=False)
    """Of the block that is attached."""
    costs: dict[int, DealCost] = field(default_factory=dict, repr=False)
    """What each deal reported so far cost against the middle of its quote; who books the deal takes it out."""
    _scanned: tuple[np.ndarray, ...] = field(default=(), repr=False)
    _groups: dict[tuple[str, str], int] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._peek: Callable[..., int] = peek_quotes if self.kind == "quotes" else peek_bars
        self._advance: Callable[..., int] = advance_quotes if self.kind == "quotes" else advance_bars
        self._ids = {name: n for n, name in enumerate(self.symbols)}
        self._strategy_ids = {name: n for n, name in enumerate(self.strategies)}
        self._scale = round(1.0 / float(self.book[0]["minor"][0]))
        self._step_units = self.book[1]["step_units"].tolist()
        self._order, self._request = np.zeros(1, b.ORDER), np.zeros(1, b.REQUEST)
        account = self.book[0]  # stays the same array when the book grows
        self._orders, self._positions = account["orders"], account["positions"]
        self._reports, self._requests = account["reports"], account["requests"]

        a = account[0]
        t, lucky = self.book[6], a["reject"] == a["requote"] == a["partial"] == 0.0
        usual = lucky and a["path"] == b.PESSIMISTIC and not t["liquidity"].any() and t["slip_model"].max() <= POINTS
        self.full: bool | None = None if usual else True
        """True once anything needs the whole of `match`, None as long as it can do without its rarer rules."""

    def attach(self, block: Block) -> None:
        """The block whose records `peek` and `advance` mean from now on."""
        c, pulse, self.stands = block, STILL, 0
        if self.pulse is not None:
            self._keep_pulse()
            pulse = pulse_of(block, self.kind, self.pulse)
        if self.kind == "quotes":
            self.columns = (c.ts, c.ts_event, c.symbol, c.bid, c.ask, pulse)
            self._scanned = (c.ts_event, c.symbol, c.bid, c.ask)
        else:
            self.columns = (c.ts, c.ts_event, c.symbol, c.open, c.high, c.low, c.close, c.spread, pulse)
            self._scanned = (c.ts, c.symbol, c.high, c.low, c.spread)
        room = 2 * len(block) + 16
        if len(self.book[5]) < room:
            self.book = (*self.book[:5], np.zeros(room, b.SAMPLE), *self.book[6:])

    def _keep_pulse(self) -> None:
        """Leave with each symbol what was last known of it in the block before."""
        if not self.columns:
            return
        symbol, pulse = self.columns[2], self.columns[-1]
        for s in range(len(self.symbols)):
            mine = np.flatnonzero(symbol == s)
            if len(mine):
                x = self.book[1][s]
                x["variance"], x["volume"], x["usual_volume"] = pulse[mine[-1]]

    @property
    def idle(self) -> bool:
        """Nothing rests, nothing is open or on its way: no record can change anything but the last quote."""
        return not self._orders[0] and not self._positions[0] and not self._requests[0]

    def peek(self, i: int, j: int) -> int:
        return self._peek(self.book, *self._scanned, i, j) if self.banded else i

    def advance(self, i: int, j: int) -> int:
        """Bring the venue from record i towards j; returns where it stopped (after a record that caused reports)."""
        self.stands = at = self._advance(self.book, *self.columns, i, j, self.banded, self.full)
        return at

    def drain_samples(self) -> np.ndarray:
        """The equity samples since the last call."""
        count = int(self.book[0]["samples"][0])
        self.book[0]["samples"] = 0
        return self.book[5][:count].copy()

    def on_order(self, order: Order) -> list[Event] | None:
        """Take an order in; one without a number has not passed risk and is none of the venue's business."""
        if not order.id:
            return None
        self.room(1)
        s = self._ids[order.symbol]
        expires = self.day_end(s, order.ts) if order.day else order.expires
        group = self._groups.setdefault((order.strategy, order.group), len(self._groups) + 1) if order.group else 0
        if self.full is None and not is_plain(order):
            self.full = True
        PACKED.pack_into(
            self._order, 0, order.id, self._strategy_ids[order.strategy], s, order.side, KINDS[order.kind],
            round(order.units / self._step_units[s]), 0, number(order.price), number(order.limit), number(order.stop),
            number(order.take_profit), order.position, 0, 0, expires, 0, 0, 0, FILLINGS[order.filling],
            order.reduce_only, group, order.parent, 0, order.kind == "trailing_stop", number(order.trail),
            number(order.trail_step), number(order.trail_start), number(order.even_at), number(order.even_lock),
            number(order.deviation),
        )  # fmt: skip
        submit(self.book, self._order[0], order.ts)
        return self.reports() or None

    def day_end(self, s: int, ts: int) -> int:
        """When the trading day of symbol s that holds ts is over, int64 ns UTC."""
        starts = day_starts(self.instruments[s].rolls, ts, ts)
        return int(starts[np.searchsorted(starts, ts, side="right")])

    def room(self, more: int) -> None:
        """Make sure that many more orders fit, and that every order may become a position."""
        orders, positions = int(self._orders[0]) + more, int(self._positions[0])
        if orders > len(self.book[2]) or orders + positions + 1 > len(self.book[3]):
            self.book = b.grow(self.book, 2 * orders, 2 * (orders + positions + 1))

    def on_cancel(self, wish: Cancel) -> list[Event] | None:
        """Ask for an order to be taken back; that the venue has none is known when its answer has come."""
        if cancel(self.book, wish.order, wish.ts):
            return self.reports() or None
        return [self._unknown(wish.ts, wish.strategy, wish.order, 0)]

    def _unknown(self, ts: int, strategy: str, order: int, position: int) -> Rejected:
        """The venue has no such order or position."""
        reason = b.REJECT_REASONS[b.R_POSITION if position else b.R_ORDER]
        arrives, known = unknown_at(self.book, max(order, position), ts)
        return Rejected(known, strategy, "", order, reason, arrives, 0, position)

    def on_modify(self, wish: Modify) -> list[Event] | None:
        """Ask for a change of an order, or of a position's exits."""
        records = self.book[3 if wish.position else 2][: int((self._positions if wish.position else self._orders)[0])]
        found = records[records["id"] == (wish.position or wish.order)]
        if not len(found):
            return [self._unknown(wish.ts, wish.strategy, wish.order, wish.position)]
        return self._ask(
            wish, b.CHANGE_POSITION if wish.position else b.CHANGE_ORDER, int(found[0]["symbol"]), wish.order,
            wish.position, 0, number(wish.price), number(wish.limit), number(wish.stop), number(wish.take_profit),
            -1 if wish.expires is None else wish.expires, number(wish.trail), number(wish.trail_step),
            number(wish.trail_start), number(wish.even_at), number(wish.even_lock),
        )  # fmt: skip

    def on_close_by(self, wish: CloseBy) -> list[Event] | None:
        """Ask for a position to be closed by an opposite one."""
        positions = self.book[3][: int(self._positions[0])]
        found = positions[positions["id"] == wish.position]
        if not len(found):
            return [self._unknown(wish.ts, wish.strategy, 0, wish.position)]
        nothing = (NAN,) * 4 + (-1,) + (NAN,) * 5
        return self._ask(wish, b.CLOSE_BY, int(found[0]["symbol"]), 0, wish.position, wish.by, *nothing)

    def _ask(self, wish: Modify | CloseBy, kind: int, s: int, order: int, position: int, by: int,
             *values: float) -> list[Event] | None:  # fmt: skip
        if int(self._requests[0]) == len(self.book[7]):
            self.book = b.grow(self.book, 0, 0, 2 * len(self.book[7]))
        self.full = True
        r = self._request
        r[0] = (0, kind, self._strategy_ids[wish.strategy], s, order, position, by, 0, 0, *values)
        request(self.book, r[0], wish.ts)
        return self.reports() or None

    def reports(self) -> list[Event]:
        """What happened since the last call, as events stamped with the moment we know of it."""
        count = int(self._reports[0])
        if not count:
            return []
        self._reports[0] = 0
        return self.events(self.book[4][:count])

    def events(self, reports: np.ndarray) -> list[Event]:
        return [self._event(*r) for r in reports.tolist()]

    def _event(self, kind: int, ts: int, known: int, ts_event: int, order: int, deal: int, position: int, k: int,
               s: int, side: int, steps: int, left: int, price: float, entry: int, profit: int, commission: int,
               swap: int, balance: int, reason: int, stop: float, take_profit: float,
               spread: int, slippage: int, worth: float) -> Event:  # fmt: skip
        scale = self._scale
        if kind == b.CALLED:
            return MarginCall(known, stop, take_profit, ts_event)
        if kind == b.CORRECTED:
            return Correction(known, profit / scale, balance / scale, ts_event)
        strategy, symbol = self.strategies[k], self.symbols[s]
        if kind == b.FILL:
            step = self._step_units[s]
            self.costs[deal] = DealCost(-spread / scale, -slippage / scale, worth)
            return Fill(
                known, strategy, symbol, order, deal, position, side, steps * step, price, b.ENTRIES[entry],
                profit / scale, -commission / scale, balance / scale, b.FILL_REASONS[reason], ts_event, swap / scale,
                left * step,
            )  # fmt: skip
        if kind == b.ACCEPTED:
            return Accepted(known, strategy, symbol, order, ts_event)
        if kind == b.REJECTED:
            return Rejected(known, strategy, symbol, order, b.REJECT_REASONS[reason], ts_event, deal, position)
        if kind == b.CANCELED:
            return Canceled(known, strategy, symbol, order, b.CANCEL_REASONS[reason], ts_event)
        if kind == b.MODIFIED:
            level, loss, profit_at = price_of(price), price_of(stop), price_of(take_profit)
            return Modified(known, strategy, symbol, order, position, level, loss, profit_at, ts_event)
        if kind == b.TRIGGERED:
            return Triggered(known, strategy, symbol, order, ts_event)
        return Swapped(known, strategy, symbol, position, swap / scale, ts_event)
