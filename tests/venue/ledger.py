"""An independent ledger: reports and quotes in, balance, equity and margin out, in exact fractions.

It knows nothing of orders, stops or the engine: whatever the venue did must show in its reports, and they must add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from engine.core.events import Correction, Event, Fill, Swapped
from tests.venue.contract import Terms
from tests.venue.exact import Quotes, exact, half_away, near_tie


@dataclass
class Held:
    symbol: str
    side: int
    units: Fraction
    cost: Fraction
    """Units times what was paid for them."""
    margin: Fraction
    """As it was fixed when each part was opened."""
    swap: int = 0
    """Accrued, in minor units."""


class Ledger:
    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.start = self.balance = half_away(exact(terms.account.balance) * terms.scale)
        self.quotes: Quotes = {}
        self.held: dict[int, Held] = {}
        self.half_way = False
        """Between the two deals of a close-by: nobody looks at the account then."""
        self.peak = self.equity()
        self.drawdown = Fraction(0)

    def quote(self, symbol: str, bid: Fraction, ask: Fraction) -> None:
        self.quotes[symbol] = bid, ask

    def book(self, events: Sequence[Event], quotes: Sequence[Quotes]) -> None:
        """Take events with the quotes of their moment; look after each deal, and after a night with all its swap."""
        for n, event in enumerate(events):
            self.quotes = quotes[n]
            self.take(event)
            more = events[n + 1] if n + 1 < len(events) else None
            night = isinstance(event, Swapped) and not (isinstance(more, Swapped) and more.symbol == event.symbol)
            if night or (isinstance(event, Fill) and not self.half_way):
                self.look()

    def take(self, event: Event) -> None:
        """Book whatever moves money, and hold what the report says against it."""
        if isinstance(event, Fill):
            assert (event.profit, event.commission, event.balance) == self.fill(event)
        elif isinstance(event, Swapped):
            self.held[event.position].swap += round(event.amount * self.terms.scale)
        elif isinstance(event, Correction):
            assert self.balance < 0 and not self.held and event.balance == 0
            assert round(event.amount * self.terms.scale) == -self.balance
            self.balance = 0

    def fill(self, fill: Fill) -> tuple[float, float, float]:
        """Book a deal; returns the profit, commission and balance that it should have said."""
        price, units, rate = exact(fill.price), exact(fill.units), self._rate(fill.symbol)
        profit = swap = 0
        if fill.entry == "in":
            self.grow(fill, price, units, rate)
        else:
            profit, swap = self.shrink(fill, price, units, rate)
        commission = 0
        if fill.entry != "out_by":
            due = self.terms.commission(fill.symbol, units, price, rate, fill.entry == "in")
            commission = -self._booked(due, -fill.commission)
        assert round(fill.swap * self.terms.scale) == swap
        self.balance += profit + commission + swap
        return profit / self.terms.scale, commission / self.terms.scale, self.balance / self.terms.scale

    def grow(self, fill: Fill, price: Fraction, units: Fraction, rate: Fraction) -> None:
        nothing = Held(fill.symbol, fill.side, Fraction(0), Fraction(0), Fraction(0))
        held = self.held.setdefault(fill.position, nothing)
        assert (held.symbol, held.side) == (fill.symbol, fill.side), "a position grows on its own side only"
        held.units += units
        held.cost += units * price
        held.margin += self.terms.margin(fill.symbol, self._steps(fill.symbol, units), price, rate)

    def shrink(self, fill: Fill, price: Fraction, units: Fraction, rate: Fraction) -> tuple[int, int]:
        """(profit, swap) of closing so much of a position."""
        held = self.held[fill.position]
        assert (held.symbol, held.side) == (fill.symbol, -fill.side) and 0 < units <= held.units
        paid, swap = held.cost / held.units * units, half_away(held.swap * units / held.units)
        money = held.side * (units * price - paid) * rate
        profit = 0 if self.half_way else self._booked(money, fill.profit)  # the first leg has it all
        self.half_way = fill.entry == "out_by" and not self.half_way
        held.margin -= held.margin * units / held.units
        held.units -= units
        held.cost -= paid
        held.swap -= swap
        if not held.units:
            del self.held[fill.position]
        return profit, swap

    def _steps(self, symbol: str, units: Fraction) -> int:
        return round(units / self.terms.step(symbol))

    def _booked(self, money: Fraction, said: float) -> int:
        """Whole minor units. So close to a tie that a float cannot tell, either neighbour is right."""
        whole = half_away(money * self.terms.scale)
        told = round(said * self.terms.scale)
        return told if near_tie(money * self.terms.scale) and abs(told - whole) <= 1 else whole

    def _rate(self, symbol: str) -> Fraction:
        rate = self.terms.rate(symbol, self.quotes)
        assert rate is not None, f"{symbol} was traded before it could be converted"
        return rate

    def floating(self) -> Fraction:
        """Profit of what is open, if it were closed at the last quotes, and the swap it has accrued."""
        money = Fraction(0)
        for held in self.held.values():
            bid, ask = self.quotes[held.symbol]
            money += held.side * (held.units * (bid if held.side > 0 else ask) - held.cost) * self._rate(held.symbol)
            money += Fraction(held.swap, self.terms.scale)
        return money

    def equity(self) -> Fraction:
        return Fraction(self.balance, self.terms.scale) + self.floating()

    def margin(self) -> Fraction:
        """Of what is open, as it was fixed at the opening; hedged volume by the contract."""
        total = Fraction(0)
        for symbol in self.terms.instruments:
            mine = [h for h in self.held.values() if h.symbol == symbol]
            total += self.terms.margin_of(symbol, [(h.side, self._steps(symbol, h.units), h.margin) for h in mine])
        return total

    def look(self) -> None:
        """Take note of the highest equity so far and of the deepest fall from it."""
        equity = self.equity()
        self.peak = max(self.peak, equity)
        self.drawdown = max(self.drawdown, self.peak - equity)
