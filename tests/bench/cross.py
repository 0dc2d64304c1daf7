"""The strategy of the race, as an author of ours writes it: in plain Python, and its wish as a compiled feature."""

from __future__ import annotations

import numpy as np

from engine.features import feature, sma
from engine.strategy import Order, Strategy, dataclass, field, strategy

STOP, TAKE_PROFIT = 150, 300
"""Points from the close that crossed."""
NEAR, FAR = 0.0005, 0.03
"""Shares of the price at which limit orders rest."""


@feature(gives="signal stop take_profit", keeps="before")
def race_cross_wish(
    lo, hi, close, signal, stop, take_profit, before, fast=sma(20), slow=sma(100),  # noqa: B008
):  # fmt: skip
    """The wishes of `RaceCross`."""
    for i in range(lo, hi):
        signal[i] = stop[i] = take_profit[i] = np.nan
        side = np.sign(fast[i] - slow[i])
        if side != 0.0 and side != before:
            if before != 0.0:
                point = 0.001 if close[i] > 10.0 else 0.00001
                signal[i] = side
                stop[i], take_profit[i] = close[i] - side * STOP * point, close[i] + side * TAKE_PROFIT * point
            before = side
    return before


@strategy
@dataclass
class RaceCross(Strategy):
    """SMA 20/100 cross, long or short until the opposite one, with a fixed stop-loss and take-profit."""

    _side: dict[str, float] = field(default_factory=dict, init=False, repr=False)

    def features(self):
        return {"fast": sma(20), "slow": sma(100)}

    def compiled(self):
        return race_cross_wish(**self.features())

    def on_row(self, row):
        side = 1.0 if row.fast > row.slow else -1.0 if row.fast < row.slow else 0.0
        before = self._side.get(row.symbol, 0.0)
        if side == 0.0 or side == before:
            return None
        self._side[row.symbol] = side
        if before == 0.0:
            return None
        point = 0.001 if row.close > 10.0 else 0.00001  # above 10 it is quoted in JPY
        return self.wish(row, side, row.close - side * STOP * point, row.close + side * TAKE_PROFIT * point)


@strategy
@dataclass
class RaceQuotes(RaceCross):
    """The same, and it looks at every quote."""

    seen: int = 0

    def on_quote(self, quote):
        self.seen += 1


@strategy
@dataclass
class RaceResting(Strategy):
    """Keeps `orders` limit orders at rest a symbol, half of them each side, evenly 0.05 to 3 % away, each with exits.

    One that fills is replaced 3 % away, so that as many rest at the end as at the start.
    """

    orders: int = 20
    _placed: set[str] = field(default_factory=set, init=False, repr=False)

    def on_row(self, row):
        if row.symbol in self._placed:
            return None
        self._placed.add(row.symbol)
        shares = np.linspace(NEAR, FAR, self.orders // 2).tolist()
        return [self.limit(row, side, row.close, share) for share in shares for side in (1, -1)]

    def limit(self, event, side, price, share):
        digits = digits_of(price)
        level = round(price * (1.0 - side * share), digits)
        point = 10.0**-digits
        exits = round(level - side * STOP * point, digits), round(level + side * TAKE_PROFIT * point, digits)
        return Order(event.ts, self.id, event.symbol, side, 1_000.0, "limit", level, *exits)

    def on_fill(self, fill):
        if fill.entry != "in":
            return None
        return self.limit(fill, fill.side, fill.price, FAR)


@strategy
@dataclass
class RaceTrailing(Strategy):
    """Keeps `orders` positions open, half of them each side, whose stops trail 100 to 2,000 points behind."""

    orders: int = 20
    _placed: bool = field(default=False, init=False, repr=False)

    def on_row(self, row):
        if self._placed:
            return None
        self._placed = True
        return [self.open(row, (-1) ** n, row.close, n) for n in range(self.orders)]

    def open(self, event, side, price, n):
        points = 100.0 + 1_900.0 * (n % self.orders) / self.orders
        return Order(event.ts, self.id, event.symbol, side, 1_000.0, trail=points * 10.0 ** -digits_of(price))

    def on_fill(self, fill):
        """What is stopped out is opened again on the same side."""
        return None if fill.entry == "in" else self.open(fill, -fill.side, fill.price, fill.position)


def digits_of(price):
    return 3 if price > 10.0 else 5  # above 10 it is quoted in JPY
