"""Lives of an account, for Hypothesis: coarse prices that touch exactly and gap, orders of every kind, every setting.

A life is read from bytes, some for each moment: one draw a moment is quick, and bytes shrink towards quiet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import strategies as st

from tests.venue.desk import Desk
from tests.venue.worlds import MINUTE, SECOND, START, Record

T = TypeVar("T")
MARKETS = {
    "EURUSD": (1.1, 0.0001, 5),
    "USDJPY": (150.0, 0.01, 3),
    "GBPJPY": (190.0, 0.01, 3),
    "XAUUSD": (2000.0, 0.25, 2),
}
"""First price, grid and digits."""
LIMITED = {"base_currency": "EUR", "profit_currency": "USD", "digits": 5, "volume_min": 0.02, "volume_max": 0.5}
WORLDS: list[dict[str, Any]] = [
    {"symbols": ("EURUSD",), "declare": [{"symbol": "EURUSD", **LIMITED}], "balance": 600.0},
    {"symbols": ("USDJPY",)},
    {"symbols": ("EURUSD", "USDJPY")},
    {"symbols": ("GBPJPY", "USDJPY", "EURUSD"), "balance": 3_000.0},
    {"symbols": ("USDJPY", "EURUSD"), "currency": "JPY", "balance": 500_000.0, "commission": "400 JPY per lot"},
    {"symbols": ("XAUUSD", "EURUSD"), "currency": "EUR", "commission": "3.5 EUR per lot"},
    {"symbols": ("GBPJPY",), "rates": {"USDJPY": 150.0}},
    {
        "symbols": ("EURUSD",),
        "rates": {"USDJPY": 151.25},
        "currency": "JPY",
        "balance": 90_000.0,
        "commission": "0.5 bps",
    },
]
SETTINGS: dict[str, list[str]] = {
    "commission": ["0 USD per lot", "7 USD per lot", "0.5 bps", "-0.2 bps"],
    "mode": ["hedging", "netting"],
    "latency": ["0 ms", "1 s", "7 s", "90 s"],
    "back": ["0 ms", "30 ms"],
    "slippage": ["0 points", "1 points", "2.5 points"],
}
JUMPS = (0, 1, -1, 0, 1, -1, 2, -2, 3, -3, 8, -8)
LOTS = (0.02, 0.01, 0.05, 0.1, 0.02, 0.3, 0.6)


@dataclass
class Wanted:
    """An order to come; `position` is the how-manieth open position it closes, below 0 for none."""

    symbol: str
    side: int
    lots: float
    kind: str
    price: float | None
    stop: float | None
    take_profit: float | None
    strategy: str
    at: int
    lasts: int = 0
    position: int = -1


@dataclass
class Life:
    options: dict[str, Any]
    steps: list[Record | Wanted | int] = field(default_factory=list)
    """Records, orders, and cancels as the number of the order."""

    def live(self, banded: bool = True) -> Desk:
        """Go through it, checked after every record."""
        options = dict(self.options)
        desk = Desk(*options.pop("symbols"), banded=banded, **options)
        for step in self.steps:
            if isinstance(step, Record):
                desk.record(step)
            elif isinstance(step, int):
                desk.cancel(step)
            else:
                send(desk, step)
        return desk


def send(desk: Desk, w: Wanted) -> int:
    """The order as this desk can mean it; returns its number."""
    at = max(w.at, desk.now)
    more: dict[str, Any] = {"expires": at + w.lasts if w.lasts else 0, "strategy": w.strategy}
    symbol, side, price = w.symbol, w.side, w.price
    if w.position >= 0 and len(desk.positions):
        held = desk.positions[w.position % len(desk.positions)]
        symbol, side = tuple(desk.terms.instruments)[held["symbol"]], -int(held["side"])
        more |= {"position": int(held["id"]), "strategy": desk.venue.strategies[held["strategy"]]}
        if symbol != w.symbol:
            price = MARKETS[symbol][0]
    else:
        more |= {"stop": w.stop, "take_profit": w.take_profit}
    return desk.order(side, w.lots, w.kind, None if w.kind == "market" else price, symbol, at=at, **more)


@dataclass
class Choices:
    """Bytes as choices; when they run out, the first of everything."""

    data: bytes
    at: int = 0

    def one(self, options: Sequence[T]) -> T:
        value = self.data[self.at] if self.at < len(self.data) else 0
        self.at += 1
        return options[value % len(options)]


class Author:
    """Writes a life."""

    def __init__(self, kind: str, options: dict[str, Any]) -> None:
        self.kind, self.options, self.symbols = kind, options, options["symbols"]
        self.life = Life({"kind": kind, **options})
        self.ticks = dict.fromkeys(self.symbols, 0)
        self.now, self.sent = START, 0

    def price(self, symbol: str, ticks: float) -> float:
        base, grid, digits = MARKETS[symbol]
        return round(base + ticks * grid, digits + 1)

    def moment(self, pick: Choices) -> None:
        """A record or, of bars, one for some of the symbols; and before it what the trader does."""
        gap = pick.one((1, 0, 1, 5)) * (SECOND if self.kind == "quotes" else MINUTE)
        records = [self.quote(pick)] if self.kind == "quotes" else self.bars(pick)
        for _ in range(pick.one((0, 1, 0, 2, 1))):
            at = self.now + pick.one((0, gap))
            if self.sent and pick.one((0, 0, 0, 0, 1)):
                self.life.steps.append(1 + pick.one(range(self.sent)))
            else:
                self.life.steps.append(self.order(pick, at))
                self.sent += 1
        for record in records:
            record.opened, record.ts = record.opened + self.now + gap, record.ts + self.now + gap
            self.life.steps.append(record)
            self.ticks[record.symbol] = round((record.bid[3] - MARKETS[record.symbol][0]) / MARKETS[record.symbol][1])
        self.now += gap + (MINUTE if self.kind == "bars" else 0)

    def order(self, pick: Choices, at: int) -> Wanted:
        """Near the market, its exits mostly on the right side of it, sometimes not."""
        symbol, side, kind = pick.one(self.symbols), pick.one((1, -1)), pick.one(("market", "limit", "stop"))
        now = self.ticks[symbol]
        level = now + pick.one((0, 1, -1, 2, -2, 3, -3, 4))
        near = now if kind == "market" else level
        stop, take_profit = (
            None if far is None else self.price(symbol, near + sign * side * far)
            for sign, far in (
                (-1, pick.one((None, 1, 2, 3, 4, 5, None, -1))),
                (1, pick.one((None, 1, 2, 3, 4, None, 0))),
            )
        )
        strategy = pick.one(("hand", "other"))
        if self.options["mode"] == "netting":
            strategy = ("hand", "other")[self.symbols.index(symbol) % 2]
        return Wanted(
            symbol, side, pick.one(LOTS), kind, self.price(symbol, level), stop, take_profit, strategy, at,
            pick.one((0, 0, 3 * SECOND, 100 * SECOND)), pick.one((-1, -1, 0, 1, 2)),
        )  # fmt: skip

    def quote(self, pick: Choices) -> Record:
        symbol = pick.one(self.symbols)
        ticks = self.ticks[symbol] + pick.one(JUMPS)
        bid, ask = (self.price(symbol, ticks + up) for up in (0, pick.one((0, 1, 2))))
        return Record(symbol, 0, 0, (bid, bid, bid, bid), ask)

    def bars(self, pick: Choices) -> list[Record]:
        made = []
        for symbol in self.symbols:
            if pick.one((0, 0, 0, 1)) and len(self.symbols) > 1:
                continue
            first = self.ticks[symbol] + pick.one(JUMPS)
            last = first + pick.one(JUMPS)
            high, low = max(first, last) + pick.one((0, 1, 2, 4)), min(first, last) - pick.one((0, 1, 2, 4))
            o, h, l, c = (self.price(symbol, ticks) for ticks in (first, high, low, last))
            spread = round(pick.one((0.0, 1.0, 0.5, 2.0)) * MARKETS[symbol][1], MARKETS[symbol][2] + 1)
            made.append(Record(symbol, 0, MINUTE, (o, h, l, c), 0.0, spread))
        return made


def write(kind: str, head: bytes, moments: list[bytes], fixed: dict[str, Any]) -> Life:
    pick = Choices(head)
    world = pick.one(WORLDS)
    options = {name: pick.one(values) for name, values in SETTINGS.items()} | world | fixed
    author = Author(kind, options)
    for moment in moments:
        author.moment(Choices(moment))
    return author.life


def lives(kind: str = "quotes", longest: int = 60, **fixed: Any) -> st.SearchStrategy[Life]:
    """Lives of up to so many moments; `fixed` options of the desk are not drawn."""
    moments = st.lists(st.binary(min_size=40, max_size=40), min_size=longest // 5, max_size=longest)
    return st.builds(lambda head, m: write(kind, head, m, fixed), st.binary(min_size=8, max_size=8), moments)
