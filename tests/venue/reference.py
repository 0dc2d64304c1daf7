"""A slow venue, written from the rules in the docstring of `engine.venues.matching.match` and from nothing else.

Plain lists, exact fractions, every record judged in full. What it reports is what the engine must report.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from engine.core.events import Accepted, Cancel, Canceled, Event, Fill, Order, Rejected
from tests.venue.exact import HairsBreadth, Quotes, Terms, exact, half_away


class Prices(NamedTuple):
    """One side of a record; a quote has four equal ones."""

    open: Fraction
    high: Fraction
    low: Fraction
    close: Fraction


@dataclass
class Position:
    id: int
    strategy: str
    symbol: str
    side: int
    steps: int
    entry: Fraction
    stop: Fraction | None
    take_profit: Fraction | None


@dataclass
class Pending:
    order: Order
    steps: int
    price: Fraction | None
    stop: Fraction | None
    take_profit: Fraction | None
    cancel_asked: int | None = None
    working: bool = False


class ReferenceVenue:
    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.latency, self.back = terms.config.venue.latency.ns, terms.config.venue.report_latency.ns
        self.hedging = terms.config.account.mode == "hedging"
        self.balance = half_away(exact(terms.config.account.balance) * terms.scale)
        self.quotes: Quotes = {}
        self.orders: list[Pending] = []
        self.positions: list[Position] = []
        self.deals = self.numbers = 0
        self.out: list[Event] = []
        self.ts = self.ts_event = 0

    # what comes in

    def submit(self, order: Order) -> None:
        steps = round(exact(order.units) / self.terms.step(order.symbol))
        prices = (None if p is None else exact(p) for p in (order.price, order.stop, order.take_profit))
        self.orders.append(Pending(order, steps, *prices))

    def cancel(self, wish: Cancel) -> None:
        for pending in self.orders:
            if pending.order.id == wish.order:
                asked = pending.cancel_asked
                pending.cancel_asked = wish.ts if asked is None else min(wish.ts, asked)

    def record(self, symbol: str, ts: int, ts_event: int, bid: Prices, ask: Prices) -> list[Event]:
        """One quote (ts == ts_event) or bar (opened at ts_event, closed at ts); returns what happened, in order."""
        self.out, self.ts, self.ts_event = [], ts, ts_event
        self.quotes[symbol] = bid.open, ask.open
        self.take_back(symbol)
        opening = Prices(*[bid.open] * 4), Prices(*[ask.open] * 4)
        for position in self.of(symbol):
            self.judge(position, *opening)
        for pending in self.resting(symbol):
            if pending.working or self.arrive(pending):
                self.meet(pending, *opening)
        if ts > ts_event:
            seen_open = self.of(symbol)
            for position in seen_open:
                self.judge(position, bid, ask)
            for pending in self.resting(symbol):
                if pending.working:
                    self.meet(pending, bid, ask)
            for position in self.of(symbol):
                if all(position.id != other.id for other in seen_open):
                    self.judge_intrabar(position, bid, ask)
        self.quotes[symbol] = bid.close, ask.close
        return self.out

    # rules 1, 2 and 9: who is there

    def take_back(self, symbol: str) -> None:
        for pending in self.resting(symbol):
            expires = pending.order.expires
            if expires and self.ts_event >= expires:
                self.drop(pending, "expired")
            elif pending.cancel_asked is not None and self.there(pending.cancel_asked):
                self.drop(pending, "canceled")

    def there(self, decided: int) -> bool:
        """Has what was decided then come to the venue when the record begins?"""
        length = self.ts - self.ts_event
        return self.ts_event >= decided + self.latency or (self.ts_event >= decided and self.latency < length)

    def arrive(self, pending: Pending) -> bool:
        """Is the order with the venue by now, and does the venue take it?"""
        order = pending.order
        if not self.there(order.ts):
            return False
        reason = self.refusal(pending)
        if reason:
            self.reject(pending, reason)
            return False
        pending.working = True
        if order.kind != "market":
            self.out.append(Accepted(self.ts + self.back, order.strategy, order.symbol, order.id, self.ts_event))
        return True

    def refusal(self, pending: Pending) -> str | None:
        order, one = pending.order, self.terms.instruments[pending.order.symbol]
        step = exact(one.volume_step)
        if pending.steps < 1 or (not order.position and pending.steps * step < exact(one.volume_min)):
            return "volume below the minimum"
        if not order.position and pending.steps * step > exact(one.volume_max):
            return "volume above the maximum"
        if self.terms.rate(order.symbol, self.quotes) is None:
            return "no conversion rate"
        bid, ask = self.quotes[order.symbol]
        market = bid if order.side > 0 else ask
        reference = market if order.kind == "market" else pending.price
        assert reference is not None
        if pending.stop is not None and order.side * (reference - pending.stop) <= 0:
            return "invalid stops"
        if pending.take_profit is not None and order.side * (pending.take_profit - reference) <= 0:
            return "invalid stops"
        return None

    # rules 3, 4 and 10: exits

    def judge(self, position: Position, bid: Prices, ask: Prices) -> None:
        path, side = (bid if position.side > 0 else ask), position.side
        stop, take_profit = position.stop, position.take_profit
        worst, best = (path.low, path.high) if side > 0 else (path.high, path.low)
        if stop is not None and side * (path.open - stop) <= 0:
            self.exit(position, "stop_loss", path.open)
        elif take_profit is not None and side * (path.open - take_profit) >= 0:
            self.exit(position, "take_profit", path.open)
        elif stop is not None and side * (worst - stop) <= 0:
            self.exit(position, "stop_loss", stop)
        elif take_profit is not None and side * (best - take_profit) >= 0:
            self.exit(position, "take_profit", take_profit)

    def judge_intrabar(self, position: Position, bid: Prices, ask: Prices) -> None:
        """Opened somewhere inside the bar: of its range only the bad side counts."""
        worst = bid.low if position.side > 0 else ask.high
        if position.stop is not None and position.side * (worst - position.stop) <= 0:
            self.exit(position, "stop_loss", position.stop)

    def exit(self, position: Position, reason: str, price: Fraction) -> None:
        if reason == "stop_loss":
            price -= position.side * self.terms.slippage(position.symbol)
        self.close(position, position.steps, price, 0, reason)

    # rules 5, 6, 7 and 11: orders

    def meet(self, pending: Pending, bid: Prices, ask: Prices) -> None:
        """Does the order trade on this path, and where?"""
        order, limit = pending.order, pending.price
        side, path = order.side, ask if order.side > 0 else bid
        slip = side * self.terms.slippage(order.symbol)
        lowest, highest = (path.low, path.high) if side > 0 else (path.high, path.low)
        if order.kind == "market":
            return self.trade(pending, path.open + slip)
        assert limit is not None
        if order.kind == "limit":
            if side * path.open <= side * limit:
                return self.trade(pending, path.open)
            if side * lowest <= side * limit:
                return self.trade(pending, limit)
        else:
            if side * path.open >= side * limit:
                return self.trade(pending, path.open + slip)
            if side * highest >= side * limit:
                return self.trade(pending, limit + slip)
        return None

    def trade(self, pending: Pending, price: Fraction) -> None:
        order, left = pending.order, pending.steps
        if order.position:
            named = [p for p in self.of(order.symbol) if p.id == order.position and p.side == -order.side]
            if not named:
                return self.drop(pending, "position closed")
            self.orders.remove(pending)
            return self.close(named[0], min(left, named[0].steps), price, order.id, "order")
        self.orders.remove(pending)
        own = [] if self.hedging else self.of(order.symbol)
        if own and own[0].side != order.side:
            closing = min(left, own[0].steps)
            self.close(own[0], closing, price, order.id, "order")
            left -= closing
            own = []
        if left:
            self.open(pending, left, price, own[0] if own else None)
        return None

    def open(self, pending: Pending, steps: int, price: Fraction, grows: Position | None) -> None:
        order = pending.order
        if not self.affords(order.symbol, steps, price):
            reason = "not enough money"
            self.out.append(
                Rejected(self.ts + self.back, order.strategy, order.symbol, order.id, reason, self.ts_event)
            )
            return
        if grows:
            grows.entry = (grows.entry * grows.steps + price * steps) / (grows.steps + steps)
            grows.steps += steps
            grows.stop = grows.stop if pending.stop is None else pending.stop
            grows.take_profit = grows.take_profit if pending.take_profit is None else pending.take_profit
        else:
            self.numbers += 1
            grows = Position(
                self.numbers, order.strategy, order.symbol, order.side, steps, price, pending.stop, pending.take_profit
            )
            self.positions.append(grows)
        self.deal(grows, order.side, steps, price, "in", Fraction(0), order.id, order.strategy, "order")

    # money: rules 9 and 12

    def affords(self, symbol: str, steps: int, price: Fraction) -> bool:
        rate = self.rate(symbol)
        needed = steps * self.terms.step(symbol) * price * rate / self.terms.leverage
        free = self.equity() - self.margin()
        if abs(needed - free) <= Fraction(1, 10**9) * needed:
            raise HairsBreadth
        return needed < free

    def equity(self) -> Fraction:
        money = Fraction(self.balance, self.terms.scale)
        for p in self.positions:
            bid, ask = self.quotes[p.symbol]
            points = p.side * ((bid if p.side > 0 else ask) - p.entry)
            money += points * p.steps * self.terms.step(p.symbol) * self.rate(p.symbol)
        return money

    def margin(self) -> Fraction:
        values = (p.steps * self.terms.step(p.symbol) * p.entry * self.rate(p.symbol) for p in self.positions)
        return sum(values, Fraction(0)) / self.terms.leverage

    def rate(self, symbol: str) -> Fraction:
        rate = self.terms.rate(symbol, self.quotes)
        assert rate is not None
        return rate

    def close(self, position: Position, steps: int, price: Fraction, order: int, reason: str) -> None:
        units = steps * self.terms.step(position.symbol)
        money = position.side * (price - position.entry) * units * self.rate(position.symbol)
        position.steps -= steps
        if not position.steps:
            self.positions.remove(position)
        self.deal(position, -position.side, steps, price, "out", money, order, position.strategy, reason)

    def deal(self, position: Position, side: int, steps: int, price: Fraction, entry: str, money: Fraction,
             order: int, strategy: str, reason: str) -> None:  # fmt: skip
        symbol, scale = position.symbol, self.terms.scale
        units = steps * self.terms.step(symbol)
        profit = self.terms.minor(money)
        commission = self.terms.minor(self.terms.commission(symbol, units, price, self.rate(symbol)))
        self.balance += profit - commission
        self.deals += 1
        self.out.append(Fill(
            self.ts + self.back, strategy, symbol, order, self.deals, position.id, side, float(units), float(price),
            entry, profit / scale, -commission / scale, self.balance / scale, reason, self.ts_event,
        ))  # fmt: skip

    # lists

    def of(self, symbol: str) -> list[Position]:
        return [p for p in self.positions if p.symbol == symbol]

    def resting(self, symbol: str) -> list[Pending]:
        return [pending for pending in self.orders if pending.order.symbol == symbol]

    def drop(self, pending: Pending, reason: str) -> None:
        self.orders.remove(pending)
        order = pending.order
        self.out.append(Canceled(self.ts + self.back, order.strategy, order.symbol, order.id, reason, self.ts_event))

    def reject(self, pending: Pending, reason: str) -> None:
        self.orders.remove(pending)
        order = pending.order
        self.out.append(Rejected(self.ts + self.back, order.strategy, order.symbol, order.id, reason, self.ts_event))
