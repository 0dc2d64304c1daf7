"""Trades: deals in, round trips out.

A *deal* is one fill. A *trade* is what a trader calls a trade: part or all of a position, opened and closed again.
Every closing deal makes one: an order filled in parts makes as many, a close-by one for each of its two positions.
Amounts are in the account currency and signed as in MT5: a cost is negative, so

    balance moves by   profit + commission + swap   with every deal, and by the broker's corrections
    a trade earned     net = profit + commission + swap
    and its profit is  the move from middle to middle of the quotes + spread + slippage

Swap accrues while a position is open and is paid with the deals that close it; until then it is part of the equity.

Amounts are kept as whole cents (units of the account's last digit) and volumes as whole lot steps, so sums are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from engine.core.errors import OnetapeError
from engine.core.events import Canceled, DealCost, Fill, Modified, Order, Rejected
from engine.core.instrument import Instrument

NO_COST = DealCost()


class Trade(msgspec.Struct, frozen=True, gc=False):
    """A round trip. Times are the venue's, int64 ns UTC; prices in quote currency; amounts in the account currency.

    `side` is +1 for a long, -1 for a short. `open_price` is the position's volume-weighted average entry.
    `commission` is this trade's share of what the entries cost plus what the exit cost (never positive unless the
    venue pays), `swap` what was paid for the nights. `order_in` opened the position, `order_out` closed it (0 when the
    venue did, by stop, take-profit or stop-out). `reason` is order, stop_loss, take_profit, stop_out or close_by.
    `stop` and `take_profit` are those the position was opened with. `spread` is the half spreads of its entries and
    its exit, `slippage` what they filled away from the quote (above 0: better), each booked at the rate of its deal;
    `value` is what the units were worth when they were opened.
    """

    id: int
    position: int
    strategy: str
    symbol: str
    side: int
    units: float
    lots: float
    open_ts: int
    open_price: float
    close_ts: int
    close_price: float
    profit: float
    commission: float
    net: float
    reason: str
    order_in: int
    order_out: int
    stop: float | None = None
    take_profit: float | None = None
    swap: float = 0.0
    spread: float = 0.0
    slippage: float = 0.0
    value: float = 0.0

    @property
    def move(self) -> float:
        """What the market's move alone made of it, from middle to middle of the quotes."""
        return self.profit - self.spread - self.slippage

    @property
    def duration(self) -> int:
        """How long it was open, in nanoseconds."""
        return self.close_ts - self.open_ts


class Attribution(msgspec.Struct, frozen=True):
    """What one strategy made: amounts of all its deals, so commission paid on open positions is in it.

    `spread` and `slippage` are those of its trades.
    """

    strategy: str
    trades: int
    wins: int
    profit: float
    commission: float
    net: float
    swap: float = 0.0
    spread: float = 0.0
    slippage: float = 0.0


@dataclass(slots=True)
class OpenPosition:
    """A position not closed yet: whole lot steps, average entry, and entry costs (cents) not yet shared out."""

    id: int
    strategy: str
    symbol: str
    side: int
    steps: int
    price: float
    ts: int
    order: int
    commission: int
    stop: float | None
    take_profit: float | None
    spread: int = 0
    slippage: int = 0
    value: float = 0.0


@dataclass(slots=True)
class Totals:
    trades: int = 0
    wins: int = 0
    profit: int = 0
    commission: int = 0
    swap: int = 0
    spread: int = 0
    slippage: int = 0


class TradeBook:
    """Turns deals into trades, on hedging and netting accounts alike.

    A position is known by its id. `in` deals open it or add to it (the entry price is averaged), `out` and `out_by`
    deals close all or part of it. A position belongs to the strategy that opened it. A netting reversal is two deals:
    `out` of the old position, `in` with a new id. `digits` are the account currency's.

    >>> from engine.core.instrument import Instrument
    >>> eurusd = Instrument(symbol="EURUSD", base_currency="EUR", profit_currency="USD", digits=5)
    >>> book = TradeBook({"EURUSD": eurusd})
    >>> deal = dict(strategy="cross", symbol="EURUSD", position=1, units=10_000.0, reason="order", balance=0.0)
    >>> book.on_fill(Fill(10, **deal, order=1, deal=1, side=1, price=1.1, entry="in",
    ...                   profit=0.0, commission=-0.3, ts_event=10))
    >>> trade = book.on_fill(Fill(20, **deal, order=2, deal=2, side=-1, price=1.101, entry="out",
    ...                           profit=10.0, commission=-0.3, ts_event=20))
    >>> trade.lots, trade.profit, trade.commission, trade.net
    (0.1, 10.0, -0.6, 9.4)
    """

    def __init__(self, instruments: Mapping[str, Instrument], digits: int = 2) -> None:
        self.instruments, self.scale = instruments, 10**digits
        self.open: dict[int, OpenPosition] = {}
        self._exits: dict[int, tuple[float | None, float | None]] = {}
        self._totals: dict[str, Totals] = {}
        self._count = 0

    def on_order(self, order: Order) -> None:
        """Remember the stop and take-profit an entry is sent with."""
        if order.position == 0:
            self.exits(order.id, order.stop, order.take_profit)

    def exits(self, order: int, stop: float | None, take_profit: float | None) -> None:
        """The stop and take-profit that what this order opens is to have."""
        if stop is not None or take_profit is not None:
            self._exits[order] = (stop, take_profit)

    def on_modified(self, event: Modified) -> None:
        """What the order opens from now on gets these exits."""
        if event.order:
            self._exits[event.order] = (event.stop, event.take_profit)

    def on_rejected(self, event: Rejected) -> None:
        """The order is gone: forget its stop and take-profit. One that was refused a change is not."""
        if not event.request:
            self._exits.pop(event.order, None)

    def on_canceled(self, event: Canceled) -> None:
        """What is left of the order is gone: forget its stop and take-profit."""
        self._exits.pop(event.order, None)

    def on_fill(self, fill: Fill, cost: DealCost = NO_COST) -> Trade | None:
        """The trade this deal closed, or None for an entry. Raises OnetapeError when deals do not fit together.

        `cost` is what the deal cost against the middle of its quote, where that is known.
        """
        instrument = self.instruments[fill.symbol]
        steps = round(fill.units / instrument.step_units)
        if steps <= 0 or abs(steps * instrument.step_units - fill.units) > 1e-6 * instrument.step_units:
            raise OnetapeError(f"deal {fill.deal}: {fill.units} units of {fill.symbol} are not whole volume steps")
        if fill.entry == "in":
            self._enter(fill, steps, cost)
            return None
        if fill.entry in ("out", "out_by"):
            return self._leave(fill, steps, instrument, cost)
        raise OnetapeError(f"deal {fill.deal} is {fill.entry!r}: a reversal must arrive as two deals, out then in")

    def _enter(self, fill: Fill, steps: int, cost: DealCost) -> None:
        commission = round(fill.commission * self.scale)
        held = self.open.get(fill.position)
        stop, take_profit = self._exits.get(fill.order, (None, None))
        if not fill.left:
            self._exits.pop(fill.order, None)
        if held is None:
            held = self.open[fill.position] = OpenPosition(
                fill.position, fill.strategy, fill.symbol, fill.side, 0, fill.price, fill.ts_event, fill.order, 0,
                stop, take_profit,
            )  # fmt: skip
        elif (held.symbol, held.side) != (fill.symbol, fill.side):
            raise OnetapeError(f"deal {fill.deal} adds to position {held.id} but trades another symbol or side")
        if fill.price != held.price:
            held.price = (held.price * held.steps + fill.price * steps) / (held.steps + steps)
        held.steps += steps
        held.commission += commission
        held.spread += round(cost.spread * self.scale)
        held.slippage += round(cost.slippage * self.scale)
        held.value += cost.value
        self._book(held.strategy, round(fill.profit * self.scale), commission, round(fill.swap * self.scale))

    def _leave(self, fill: Fill, steps: int, instrument: Instrument, cost: DealCost) -> Trade:
        held = self.open.get(fill.position)
        if held is None or held.symbol != fill.symbol or held.side == fill.side or held.steps < steps:
            raise OnetapeError(f"deal {fill.deal} closes {fill.units} units of position {fill.position}, not open so")
        share, spread, slippage = (
            amount if steps == held.steps else pro_rata(amount, steps, held.steps)
            for amount in (held.commission, held.spread, held.slippage)
        )
        value = held.value * steps / held.steps
        held.steps -= steps
        held.commission -= share
        held.spread -= spread
        held.slippage -= slippage
        held.value -= value
        if not held.steps:
            del self.open[held.id]
        profit, paid, swap = (round(x * self.scale) for x in (fill.profit, fill.commission, fill.swap))
        net = profit + share + paid + swap
        totals = self._book(held.strategy, profit, paid, swap)
        totals.trades += 1
        totals.wins += net > 0
        spread += round(cost.spread * self.scale)
        slippage += round(cost.slippage * self.scale)
        totals.spread += spread
        totals.slippage += slippage
        self._count += 1
        return Trade(
            id=self._count, position=held.id, strategy=held.strategy, symbol=held.symbol, side=held.side,
            units=fill.units, lots=round(fill.units / instrument.multiplier, 8),
            open_ts=held.ts, open_price=held.price, close_ts=fill.ts_event, close_price=fill.price,
            profit=profit / self.scale, commission=(share + paid) / self.scale, net=net / self.scale,
            reason=fill.reason, order_in=held.order, order_out=fill.order,
            stop=held.stop, take_profit=held.take_profit, swap=swap / self.scale,
            spread=spread / self.scale, slippage=slippage / self.scale, value=value,
        )  # fmt: skip

    def _book(self, strategy: str, profit: int, commission: int, swap: int) -> Totals:
        totals = self._totals.setdefault(strategy, Totals())
        totals.profit += profit
        totals.commission += commission
        totals.swap += swap
        return totals

    @property
    def count(self) -> int:
        """Trades so far."""
        return self._count

    def attribution(self) -> list[Attribution]:
        """What each strategy made so far, in the order of their first deals."""
        return [
            Attribution(name, t.trades, t.wins, t.profit / self.scale, t.commission / self.scale,
                        (t.profit + t.commission + t.swap) / self.scale, t.swap / self.scale,
                        t.spread / self.scale, t.slippage / self.scale)
            for name, t in self._totals.items()
        ]  # fmt: skip

    def open_commission(self) -> float:
        """Entry commission paid for what is still open: the part of the deals that no trade shows yet."""
        return sum(held.commission for held in self.open.values()) / self.scale


def pro_rata(amount: int, part: int, whole: int) -> int:
    """`part / whole` of an amount of cents, to the nearest cent, halves away from zero; all in integers.

    >>> pro_rata(-5, 1, 2), pro_rata(5, 1, 2), pro_rata(-10, 1, 3)
    (-3, 3, -3)
    """
    sign = -1 if amount < 0 else 1
    return sign * ((2 * abs(amount) * part + whole) // (2 * whole))
