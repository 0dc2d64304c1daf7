"""The reference venue's books: what is open, what it costs, what every deal moves. Exact, and slow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from engine.core.events import Correction, Event, Fill, MarginCall, Order, Swapped
from tests.venue.contract import Terms
from tests.venue.exact import HairsBreadth, Quotes, exact, half_away

HAIR = Fraction(1, 10**9)


def sharp(difference: Fraction, size: Fraction = Fraction(1)) -> Fraction:
    """A difference that decides something: so near to none that floats may disagree is a HairsBreadth."""
    if abs(difference) <= HAIR * abs(size):
        raise HairsBreadth
    return difference


@dataclass
class Trail:
    """How a stop follows the market, as distances in price."""

    trail: Fraction | None = None
    trail_step: Fraction | None = None
    trail_start: Fraction | None = None
    even_at: Fraction | None = None
    even_lock: Fraction | None = None


@dataclass(eq=False)
class Position:
    id: int
    strategy: str
    symbol: str
    side: int
    steps: int
    entry: Fraction
    stop: Fraction | None
    take_profit: Fraction | None
    opened: int
    margin: Fraction
    trailing: Trail
    swap: int = 0


class Books:
    """Balance, positions, equity and margin; deals, swap, margin call and stop-out."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.back = terms.venue.report_latency.ns
        self.hedging = terms.account.mode == "hedging"
        self.balance = half_away(exact(terms.account.balance) * terms.scale)
        self.quotes: Quotes = {}
        self.positions: list[Position] = []
        self.deals = self.numbers = 0
        self.called = False
        self.last: dict[str, int] = {}
        """When each symbol had its last record, or its rollovers were booked."""
        self.out: list[Event] = []
        self.marks: list[Quotes] = []
        """The quotes at each of the events."""
        self.ts = self.ts_event = 0

    def say(self, event: Event) -> None:
        self.out.append(event)
        self.marks.append(dict(self.quotes))

    @property
    def stamp(self) -> int:
        return self.ts + self.back

    def of(self, symbol: str) -> list[Position]:
        return [p for p in self.positions if p.symbol == symbol]

    # what it is worth

    def rate(self, symbol: str) -> Fraction:
        rate = self.terms.rate(symbol, self.quotes)
        assert rate is not None
        return rate

    def exit_quote(self, p: Position) -> Fraction:
        return self.quotes[p.symbol][0 if p.side > 0 else 1]

    def result(self, p: Position) -> Fraction:
        """Floating profit and accrued swap."""
        units = p.steps * self.terms.step(p.symbol)
        floating = p.side * (self.exit_quote(p) - p.entry) * units * self.rate(p.symbol)
        return floating + Fraction(p.swap, self.terms.scale)

    def equity(self) -> Fraction:
        return Fraction(self.balance, self.terms.scale) + sum(map(self.result, self.positions))

    def margin(self, more: Position | None = None) -> Fraction:
        positions = [*self.positions, more] if more else self.positions
        return sum(
            (
                self.terms.margin_of(symbol, [(p.side, p.steps, p.margin) for p in positions if p.symbol == symbol])
                for symbol in self.terms.instruments
            ),
            Fraction(0),
        )

    # rules 20 and 11: opening

    def affords(self, symbol: str, side: int, steps: int, price: Fraction) -> bool:
        needed = self.terms.margin(symbol, steps, price, self.rate(symbol), initial=True)
        more = Position(0, "", symbol, side, steps, price, None, None, 0, needed, Trail())
        after, equity, now = self.margin(more), self.equity(), self.margin()
        # MetaTrader sees the margin after the deal; the oracle compares it both ways and asks for no hair's breadth
        return sharp(after - equity, after) < 0 or after <= now

    def add(self, order: Order, steps: int, price: Fraction, exits: Position) -> Position:
        """A new position, or a netting one that grows."""
        own = [] if self.hedging else self.of(order.symbol)
        margin = self.terms.margin(order.symbol, steps, price, self.rate(order.symbol))
        if own:
            [p] = own
            p.entry = (p.entry * p.steps + price * steps) / (p.steps + steps)
            p.steps += steps
            p.margin += margin
            p.stop = p.stop if exits.stop is None else exits.stop
            p.take_profit = p.take_profit if exits.take_profit is None else exits.take_profit
            return p
        self.numbers += 1
        exits.id, exits.steps, exits.entry, exits.margin, exits.opened = (
            self.numbers,
            steps,
            price,
            margin,
            self.ts_event,
        )
        self.positions.append(exits)
        return exits

    # deals: rules 12, 14, 26 and 28

    def close(self, p: Position, steps: int, price: Fraction, order: int = 0, reason: str = "order", left: int = 0,
              entry: str = "out", maker: bool = False, paid: Fraction | None = None) -> None:  # fmt: skip
        """Close so many steps of it. `paid`: what the leg is worth where its price does not say (close-by)."""
        units = steps * self.terms.step(p.symbol)
        money = p.side * (price - p.entry) * units * self.rate(p.symbol) if paid is None else paid
        swap = p.swap if steps == p.steps else half_away(Fraction(p.swap * steps, p.steps))
        p.margin -= p.margin * steps / p.steps
        p.steps -= steps
        p.swap -= swap
        if not p.steps:
            self.positions.remove(p)
        self.deal(p, -p.side, steps, price, entry, money, order, p.strategy, reason, left, swap, maker)

    def deal(self, p: Position, side: int, steps: int, price: Fraction, entry: str, money: Fraction, order: int,
             strategy: str, reason: str, left: int = 0, swap: int = 0, maker: bool = False) -> None:  # fmt: skip
        symbol, scale, step = p.symbol, self.terms.scale, self.terms.step(p.symbol)
        profit, fee = self.terms.minor(money), 0
        if entry != "out_by":
            opens = entry == "in"
            fee = self.terms.minor(self.terms.commission(symbol, steps * step, price, self.rate(symbol), opens, maker))
        self.balance += profit - fee + swap
        self.deals += 1
        self.say(Fill(
            self.stamp, strategy, symbol, order, self.deals, p.id, side, float(steps * step), float(price), entry,
            profit / scale, -fee / scale, self.balance / scale, reason, self.ts_event, swap / scale,
            float(left * step),
        ))  # fmt: skip

    def exit(self, p: Position, reason: str, price: Fraction) -> None:
        """Stop-loss and stop-out slip, a take-profit does not."""
        if reason != "take_profit":
            price -= p.side * self.terms.slippage(p.symbol, self.quotes)
        self.close(p, p.steps, price, 0, reason)

    def close_by(self, p: Position, other: Position) -> None:
        steps, first, second = min(p.steps, other.steps), p.entry, other.entry
        self.close(p, steps, second, reason="close_by", entry="out_by")
        self.close(other, steps, first, reason="close_by", entry="out_by", paid=Fraction(0))

    # rule 14

    def roll(self, symbol: str) -> None:
        """Swap of the rollovers since the symbol's last record, at the quote before this one."""
        before, self.last[symbol] = self.last.get(symbol), self.ts_event
        if before is None or before >= self.ts_event:
            self.last[symbol] = max(self.ts_event, before or 0)
            return
        nights = self.terms.nights(symbol, before, self.ts_event)
        for p in self.of(symbol):
            booked = 0
            for start, days in nights:
                if p.opened < start:
                    quote, rate = self.quotes[symbol], self.rate(symbol)
                    booked += self.terms.minor(self.terms.swap(symbol, p.side, p.steps, days, p.entry, quote, rate))
            if booked:
                p.swap += booked
                amount = booked / self.terms.scale
                self.say(Swapped(self.stamp, p.strategy, symbol, p.id, amount, self.ts_event))

    # rules 21 and 22

    def look(self) -> None:
        """The broker looks at the account: margin call, stop-out, and what becomes of a debt."""
        account, stopped = self.terms.account, False
        low = self.at_level(account.margin_call)
        if low and not self.called:
            self.say(MarginCall(self.stamp, float(self.equity()), float(self.margin()), self.ts_event))
        self.called = low
        while self.at_level(account.stop_out):
            self.drop_what_opens()
            able = [p for p in self.positions if self.terms.state(p.symbol, self.ts_event) == "open"]
            if not able:
                break
            self.stop_out(self.worst(able))
            stopped = True
        self.called = self.called and (not stopped or self.at_level(account.margin_call))
        if stopped:
            self.called = self.at_level(account.margin_call)
        if stopped and not self.positions and self.balance < 0 and account.negative_balance == "protect":
            amount, self.balance = -self.balance, 0
            self.say(Correction(self.stamp, amount / self.terms.scale, 0.0, self.ts_event))

    def at_level(self, level: object) -> bool:
        """Is the account at or below it? Not while nothing is open."""
        margin, amount = self.margin(), exact(level.amount)  # type: ignore[attr-defined]
        if not margin:
            return False
        limit = margin * amount / 100 if level.unit == "%" else amount  # type: ignore[attr-defined]
        return sharp(self.equity() - limit, limit or margin) < 0

    def worst(self, able: list[Position]) -> Position:
        """The largest loss; among equals the lowest id."""
        rising = sorted(able, key=lambda p: (self.result(p), p.id))
        for other in rising[1:]:
            twins = all(
                getattr(other, f) == getattr(rising[0], f) for f in ("symbol", "side", "steps", "entry", "swap")
            )
            if not twins:
                sharp(self.result(other) - self.result(rising[0]))
        return rising[0]

    def stop_out(self, p: Position) -> None:
        if p.symbol in self.last:
            self.roll(p.symbol)
        self.exit(p, "stop_out", self.exit_quote(p))

    def drop_what_opens(self) -> None:
        raise NotImplementedError


def prices(*numbers: Fraction | None) -> Iterable[float | None]:
    return (None if n is None else float(n) for n in numbers)
