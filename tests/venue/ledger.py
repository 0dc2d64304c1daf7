"""An independent ledger: fills and quotes in, balance, equity and margin out, in exact fractions.

It knows nothing of orders, stops or the engine: whatever the venue did must show in its fills, and they must add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from engine.core.events import Fill
from tests.venue.exact import Quotes, Terms, exact, half_away, near_tie


@dataclass
class Held:
    symbol: str
    side: int
    units: Fraction
    cost: Fraction
    """Units times what was paid for them."""


class Ledger:
    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.start = self.balance = half_away(exact(terms.config.account.balance) * terms.scale)
        self.quotes: Quotes = {}
        self.held: dict[int, Held] = {}
        self.peak = self.equity()
        self.drawdown = Fraction(0)

    def quote(self, symbol: str, bid: Fraction, ask: Fraction) -> None:
        self.quotes[symbol] = bid, ask

    def fill(self, fill: Fill) -> tuple[float, float, float]:
        """Book a deal; returns the profit, commission and balance that it should have said."""
        price, units = exact(fill.price), exact(fill.units)
        rate = self._rate(fill.symbol)
        profit = 0
        if fill.entry == "in":
            held = self.held.setdefault(fill.position, Held(fill.symbol, fill.side, Fraction(0), Fraction(0)))
            assert (held.symbol, held.side) == (fill.symbol, fill.side), "a position grows on its own side only"
            held.units += units
            held.cost += units * price
        else:
            held = self.held[fill.position]
            assert (held.symbol, held.side) == (fill.symbol, -fill.side) and 0 < units <= held.units
            paid = held.cost / held.units * units
            profit = self._booked(held.side * (units * price - paid) * rate, fill.profit)
            held.units -= units
            held.cost -= paid
            if not held.units:
                del self.held[fill.position]
        commission = -self._booked(self.terms.commission(fill.symbol, units, price, rate), -fill.commission)
        self.balance += profit + commission
        return profit / self.terms.scale, commission / self.terms.scale, self.balance / self.terms.scale

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
        """Profit of what is open, if it were closed at the last quotes."""
        money = Fraction(0)
        for held in self.held.values():
            bid, ask = self.quotes[held.symbol]
            money += held.side * (held.units * (bid if held.side > 0 else ask) - held.cost) * self._rate(held.symbol)
        return money

    def equity(self) -> Fraction:
        return Fraction(self.balance, self.terms.scale) + self.floating()

    def margin(self) -> Fraction:
        costs = (held.cost * self._rate(held.symbol) for held in self.held.values())
        return sum(costs, Fraction(0)) / self.terms.leverage

    def look(self) -> None:
        """Take note of the highest equity so far and of the deepest fall from it."""
        equity = self.equity()
        self.peak = max(self.peak, equity)
        self.drawdown = max(self.drawdown, self.peak - equity)
