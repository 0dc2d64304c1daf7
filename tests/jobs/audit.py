"""Every trade of a run checked against the raw market: where it filled, why it closed, its size, its money.

Decisions and orders are taken from the run's journal and trades.csv; prices from the files as pandas read them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engine.core.events import Event, Fill, Order, Rejected, Signal
from engine.core.journal import read
from tests.jobs.raw import Bars, Market, Quotes

MS = 10**6
Rate = Callable[[float], float]
"""Account currency per unit of profit currency, given the mid price of the symbol itself."""


@dataclass(frozen=True)
class Symbol:
    """What one symbol's trades are judged by: raw market, units of a lot, digits of its prices, rate of its profit."""

    market: Market
    lot: float
    digits: int
    rate: Rate
    pause: tuple[int, int] = (0, 0)
    """Minutes of New York's day, from and until, in which nothing trades though a price may be printed."""

    @cached_property
    def open(self) -> np.ndarray:
        """Which records can be traded on."""
        wall = pd.to_datetime(self.market.opened, utc=True).tz_convert("America/New_York")
        minute = wall.hour * 60 + wall.minute
        return np.asarray((minute < self.pause[0]) | (minute >= self.pause[1]))

    @property
    def point(self) -> float:
        return 10.0**-self.digits

    def rate_at(self, at: int, over: bool) -> float:
        """The rate at the first price of a record, or when it is over."""
        price = last_price if over else first_price
        return self.rate(0.5 * (price(self.market, at, 1) + price(self.market, at, -1)))


@dataclass(frozen=True)
class Terms:
    symbols: Mapping[str, Symbol]
    latency: int = 50 * MS
    slippage: float = 0.0
    """In points."""
    commission: float = 0.0
    """Per lot and side, USD."""
    balance: float = 10_000.0
    leverage: float = 30.0
    size: tuple[float, str] = (0.01, "risk")
    """A share of the equity at risk or as notional, or a number of lots."""


def cents(money: float) -> Decimal:
    """To the cent, half away from zero, free of what binary fractions add."""
    return Decimal(repr(round(money, 7))).quantize(Decimal("0.01"), ROUND_HALF_UP)


def first_price(market: Market, at: int, side: int) -> float:
    return prices(market, at, side)[0]


def prices(market: Market, at: int, side: int) -> tuple[float, float, float]:
    """(first, highest, lowest) price of a record on the side that buys (+1: ask) or sells (-1: bid)."""
    if isinstance(market, Quotes):
        price = float((market.ask if side > 0 else market.bid)[at])
        return price, price, price
    more = market.spread if side > 0 else 0.0
    return tuple(float(x[at] + more) for x in (market.open, market.high, market.low))  # type: ignore[return-value]


def met(symbol: Symbol, decided: int, latency: int) -> int:
    """The record at which an order decided then can fill first."""
    market = symbol.market
    if isinstance(market, Bars) and latency < 60_000 * MS:
        latency = 0
    first = int(np.searchsorted(market.opened, decided + latency))
    return first + int(np.argmax(symbol.open[first:])) if first < len(symbol.open) else first


def touched(symbol: Symbol, i: int, until: int, side: int, stop: float, goal: float) -> tuple[int, float, str] | None:
    """The first record after the one of entry, up to the first price of `until`, at which stop or take-profit fills."""
    m = symbol.market
    if isinstance(m, Quotes):
        price = (m.bid if side > 0 else m.ask)[i + 1 : until + 1]
        hit = np.flatnonzero((side * (price - stop) <= 0) | (side * (price - goal) >= 0))
        if not len(hit):
            return None
        at = float(price[hit[0]])
        return i + 1 + int(hit[0]), at, "stop_loss" if side * (at - stop) <= 0 else "take_profit"
    for k in range(i, min(until + 1, len(m.ts))):
        if not symbol.open[k]:
            continue
        first, high, low = prices(m, k, -side)
        worst, best = (low, high) if side > 0 else (high, low)
        if k > i and side * (first - stop) <= 0:
            return k, first, "stop_loss"
        if k > i and side * (first - goal) >= 0:
            return k, first, "take_profit"
        if k < until and side * (worst - stop) <= 0:
            return k, stop, "stop_loss"
        if k < until and side * (best - goal) >= 0:
            return k, goal, "take_profit"
    return None


def last_price(market: Market, at: int, side: int) -> float:
    """The price of a record when it is over, on the side that buys (+1) or sells (-1)."""
    if isinstance(market, Quotes):
        return float((market.ask if side > 0 else market.bid)[at])
    return float(market.close[at] + (market.spread if side > 0 else 0.0))


@dataclass(frozen=True)
class Stay:
    """A position's time in the market."""

    symbol: str
    side: int
    units: float
    price: float
    opened: int
    closed: int
    profit: float


@dataclass
class Audit:
    """One run's folder against its terms. `check` raises AssertionError where anything is not as the market says."""

    run: Path
    terms: Terms

    def __post_init__(self) -> None:
        self.trades: Any = pd.read_csv(self.run / "trades.csv")
        for name in ("open", "close"):
            stamps = pd.to_datetime(self.trades[f"{name}_time"], utc=True, format="ISO8601")
            self.trades[f"{name}_ts"] = stamps.astype("datetime64[ns, UTC]").astype("int64")
        self.events: list[Event] = [frame.event for frame in read(self.run / "journal")]
        self.orders = {e.id: e for e in self.events if isinstance(e, Order)}
        self.rejected = {e.order: e for e in self.events if isinstance(e, Rejected)}
        self.signals = [e for e in self.events if isinstance(e, Signal)]
        self.stays = [self.stay(trade) for trade in self.trades.itertuples()]
        closed = set(self.trades["position"])
        self.open = [e for e in self.events if isinstance(e, Fill) and e.entry == "in" and e.position not in closed]
        self.stays += [Stay(e.symbol, e.side, e.units, e.price, e.ts_event, 2**63, 0.0) for e in self.open]

    @staticmethod
    def stay(t: Any) -> Stay:
        side = 1 if t.direction == "long" else -1
        return Stay(t.symbol, side, t.units, t.open_price, t.open_ts, t.close_ts, t.gross_profit)

    def check(self) -> None:
        for trade in self.trades.itertuples():
            self.check_entry(trade)
            self.check_exit(trade)
            self.check_money(trade)
        for order in self.orders.values():
            if not order.position:
                self.check_size(order)
                self.check_stop(order)
        for order in self.rejected:
            self.check_refusal(self.orders[order])

    def check_entry(self, trade: Any) -> None:
        """The first quote at or after decision + latency: the ask to buy, the bid to sell, slippage against us."""
        order, symbol = self.orders[trade.order_in], self.terms.symbols[trade.symbol]
        side = 1 if trade.direction == "long" else -1
        i = met(symbol, order.ts, self.terms.latency)
        assert (trade.open_ts, order.side) == (symbol.market.opened[i], side), trade
        slip = self.terms.slippage * symbol.point
        assert trade.open_price == pytest.approx(prices(symbol.market, i, side)[0] + side * slip, abs=1e-9), trade

    def check_exit(self, trade: Any) -> None:
        """By a stop or take-profit at the first quote that touches it, else by an order, before any touch."""
        symbol, side = self.terms.symbols[trade.symbol], 1 if trade.direction == "long" else -1
        m, slip = symbol.market, self.terms.slippage * symbol.point
        i = met(symbol, self.orders[trade.order_in].ts, self.terms.latency)
        closing = self.closing(trade)
        until = len(m.ts) - 1 if closing is None else met(symbol, closing.ts, self.terms.latency)
        found = touched(symbol, i, until, side, trade.stop, trade.take_profit)
        if found is None:
            assert closing is not None and trade.exit_reason == "order", trade
            found = until, prices(m, until, -side)[0], "order"
        at, price, reason = found
        price -= side * slip if reason != "take_profit" else 0.0
        assert (trade.close_ts, trade.exit_reason) == (m.opened[at], reason), (trade, found)
        assert trade.close_price == pytest.approx(price, abs=1e-9), (trade, found)

    def closing(self, trade: Any) -> Order | None:
        """The first order that names the trade's position."""
        return next((o for o in self.orders.values() if o.position == trade.position), None)

    def check_money(self, trade: Any) -> None:
        symbol, side = self.terms.symbols[trade.symbol], 1 if trade.direction == "long" else -1
        at = int(np.searchsorted(symbol.market.opened, trade.close_ts))
        moved = Decimal(repr(round(trade.close_price, 8))) - Decimal(repr(round(trade.open_price, 8)))
        profit = cents(float(side * moved * int(trade.units)) * symbol.rate_at(at, False))
        paid = 2 * cents(self.terms.commission * trade.units / symbol.lot)
        assert trade.lots == pytest.approx(trade.units / symbol.lot), trade
        assert (trade.gross_profit, trade.commission) == (float(profit), -float(paid)), trade
        assert trade.net_profit == pytest.approx(float(profit - paid), abs=1e-9), trade

    def check_stop(self, order: Order) -> None:
        """The signal's stop, on the grid of the symbol's prices."""
        signal = self.wish(order)
        point = self.terms.symbols[order.symbol].point
        for asked, sent in ((signal.stop, order.stop), (signal.take_profit, order.take_profit)):
            assert (asked is None) == (sent is None)
            if asked is not None and sent is not None:
                assert abs(sent / point - round(sent / point)) < 1e-6 and abs(sent - asked) <= 0.5 * point + 1e-12

    def equity(self, before: int) -> float:
        """Balance and floating profit as they stood before a record stamped so."""
        t = self.terms
        money = Decimal(repr(t.balance))
        for stay in self.stays:
            symbol = t.symbols[stay.symbol]
            half = cents(t.commission * stay.units / symbol.lot)
            if stay.opened < before:
                money -= half
            if stay.closed < before:
                money += Decimal(repr(stay.profit)) - half
            elif stay.opened < before:
                at = self.last(symbol, before)
                price = last_price(symbol.market, at, -stay.side)
                money += Decimal(stay.side * (price - stay.price) * stay.units * symbol.rate_at(at, True))
        return float(money)

    @staticmethod
    def last(symbol: Symbol, before: int) -> int:
        """The last record known at a moment: a quote stamped then comes after it, a bar that ends then before."""
        m = symbol.market
        return int(np.searchsorted(m.ts, before, "left" if isinstance(m, Quotes) else "right")) - 1

    def wish(self, order: Order) -> Signal:
        """The signal an order came from."""
        mine = (order.ts, order.strategy, order.symbol)
        return next(s for s in self.signals if (s.ts, s.strategy, s.symbol) == mine)

    def check_size(self, order: Order) -> None:
        """What the terms say of the size, from equity and quote as they stood at the decision, rounded down."""
        (amount, unit), symbol = self.terms.size, self.terms.symbols[order.symbol]
        if unit == "lots":
            assert order.units == amount * symbol.lot
            return
        m = symbol.market
        at = self.last(symbol, order.ts)
        price = last_price(m, at, order.side)
        money = amount * self.equity(order.ts) / symbol.rate_at(at, True)
        units = money / abs(price - (self.wish(order).stop or 0.0)) if unit == "risk" else money / price
        step = 0.01 * symbol.lot
        assert order.units == pytest.approx(np.floor(units / step + 1e-9) * step), order

    def check_refusal(self, order: Order) -> None:
        """Not enough money means: the margin it needs was more than the equity, nothing else being open."""
        symbol = self.terms.symbols[order.symbol]
        i = met(symbol, order.ts, self.terms.latency)
        refused = self.rejected[order.id]
        assert refused.reason == "not enough money" and refused.ts_event == symbol.market.opened[i]
        price = prices(symbol.market, i, order.side)[0]
        needed = order.units * price * symbol.rate_at(i, False) / self.terms.leverage
        assert needed > self.equity(int(symbol.market.opened[i]) + 1), order

    def path(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Of a run of one symbol: equity after each quote, and every equity there was, after each deal too."""
        symbol, t = self.terms.symbols[name], self.terms
        m, base = symbol.market, t.balance
        assert isinstance(m, Quotes)
        after, all_of_it = np.full(len(m.ts), base), [np.array([base])]
        for stay in self.stays:
            half = float(cents(t.commission * stay.units / symbol.lot))
            i, j = (int(np.searchsorted(m.ts, x)) for x in (stay.opened, stay.closed))
            price = (m.bid if stay.side > 0 else m.ask)[i:j]
            rates = np.array([symbol.rate(0.0)])
            open_equity = base - half + stay.side * (price - stay.price) * stay.units * rates
            base = round(base - half + stay.profit - half * (stay.closed < 2**63), 2)
            after[i:j], after[j:] = open_equity, base
            all_of_it += [open_equity, np.array([base])] if stay.closed < 2**63 else [open_equity]
        return after, np.concatenate(all_of_it)
