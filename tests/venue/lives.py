"""Lives of an account, for Hypothesis: coarse prices that touch exactly and gap, orders of every kind, every setting.

A life is read from bytes, some for each moment: one draw a moment is quick, and bytes shrink towards quiet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import strategies as st

from tests.venue.desk import Desk
from tests.venue.worlds import DAY, MINUTE, SECOND, START, Record

T = TypeVar("T")
HOUR = 60 * MINUTE
MARKETS = {
    "EURUSD": (1.1, 0.0001, 5),
    "USDJPY": (150.0, 0.01, 3),
    "GBPJPY": (190.0, 0.01, 3),
    "XAUUSD": (2000.0, 0.25, 2),
}
"""First price, grid and digits."""
EURUSD = {"symbol": "EURUSD", "base_currency": "EUR", "profit_currency": "USD", "digits": 5}
LIMITED = EURUSD | {"volume_min": 0.02, "volume_max": 0.5}
STRICT = EURUSD | {
    "stops_level": 15, "freeze_level": 15, "volume_limit": 0.4, "notional_min": 2_200.0, "tick_size": 0.0001,
    "filling": ["fok", "boc"], "orders": ["market", "limit", "stop"], "expiration": ["gtc"],
}  # fmt: skip
HELD = EURUSD | {
    "swap": {"mode": "points", "long": -7.3, "short": 2.1}, "sessions": "Sun 17:00-Fri 17:00 America/New_York"
}  # fmt: skip
BREAKS = EURUSD | {
    "sessions": "Mon-Fri 00:00-24:00, break 10:00:20-10:00:35, break 10:10-10:16 UTC",
    "swap": {"long": 1.0, "short": -40.0},
}
GOLD = {"symbol": "XAUUSD", "kind": "metal", "base_currency": "XAU", "profit_currency": "USD", "digits": 2,
        "contract_size": 100.0, "margin": {"mode": "cfd_leverage", "leverage": 5.0, "hedged": 25.0},
        "swap": {"mode": "interest_open", "long": -5.5, "short": -3.0, "triple_day": "Friday"}}  # fmt: skip
WORLDS: list[dict[str, Any]] = [
    {"symbols": ("EURUSD",), "declare": [LIMITED], "balance": 600.0},
    {"symbols": ("USDJPY",)},
    {"symbols": ("EURUSD", "USDJPY")},
    {"symbols": ("GBPJPY", "USDJPY", "EURUSD"), "balance": 3_000.0},
    {"symbols": ("USDJPY", "EURUSD"), "currency": "JPY", "balance": 500_000.0, "commission": "400 JPY per lot"},
    {"symbols": ("XAUUSD", "EURUSD"), "currency": "EUR", "commission": "3.5 EUR per lot"},
    {"symbols": ("GBPJPY",), "rates": {"USDJPY": 150.0}},
    {
        "symbols": ("EURUSD",), "rates": {"USDJPY": 151.25}, "currency": "JPY", "balance": 90_000.0,
        "commission": "0.5 bps",
    },
    {"symbols": ("EURUSD",), "declare": [STRICT]},
    {"symbols": ("EURUSD", "USDJPY"), "declare": [HELD]},
    {"symbols": ("EURUSD", "USDJPY"), "declare": [BREAKS]},
    {"symbols": ("XAUUSD", "EURUSD"), "declare": [GOLD, HELD], "balance": 5_000.0},
    {"symbols": ("EURUSD", "USDJPY"), "leverage": 500.0, "balance": 400.0},
    {"symbols": ("EURUSD", "XAUUSD"), "leverage": 400.0, "balance": 300.0, "declare": [HELD, GOLD]},
    {"symbols": ("EURUSD", "XAUUSD"), "declare": [EURUSD | {"status": "long_only"}, GOLD | {"status": "close_only"}]},
    {"symbols": ("XAUUSD", "EURUSD"), "declare": [EURUSD | {"status": "short_only"}]},
]  # fmt: skip
SETTINGS: dict[str, list[Any]] = {
    "commission": ["0 USD per lot", "7 USD per lot", "0.5 bps", "-0.2 bps"],
    "mode": ["hedging", "netting"],
    "latency": ["0 ms", "1 s", "7 s", "90 s"],
    "back": ["0 ms", "30 ms"],
    "slippage": ["0 points", "1 points", "2.5 points"],
    "change_latency": [None, "0 ms", "3 s"],
    "path": ["pessimistic", "pessimistic", "nearest", "ohlc", "olhc"],
    "liquidity": [None, None, "0.05 lots", "0.25 lots"],
    "closed": ["wait", "refuse"],
    "rejects": [None, None, None, None, "15 %"],
    "requotes": [None, None, None, None, "15 %"],
    "partial_fills": [None, None, None, "40 %"],
    "margin_call": ["100 %", "350 %", "250 %"],
    "stop_out": ["50 %", "200 %", "150 %"],
    "negative_balance": ["protect", "keep"],
    "max_orders": [0, 0, 2],
    "outages": [[], [], ["2024-03-01 10:00:12 - 2024-03-01 10:00:19", "2024-03-01 10:06 - 2024-03-01 10:11"]],
}
JUMPS = (0, 1, -1, 0, 1, -1, 2, -2, 3, -3, 8, -8)
LEAPS = (0,) * 14 + (250, -250)
LOTS = (0.02, 0.01, 0.05, 0.1, 0.02, 0.3, 0.6)
KINDS = ("market", "limit", "stop", "market", "market", "stop_limit", "market", "if_touched", "market", "trailing_stop")
FILLINGS = ("return",) * 7 + ("ioc", "fok", "post_only")
GROUPS = ("", "", "a")
TRAILS = (None, None, None, 2, 3)
TARGETS = (1, 1, 2, 3, 4, 99)
"""Which order a cancel or a change means: the n-th newest that lives, else one that is no more."""
HEAD, MOMENT = 24, 72
"""Bytes that a life's settings and each of its moments may use."""


@dataclass
class Wanted:
    """An order to come; `closes` is the how-manieth open position it closes, below 0 for none."""

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
    closes: int = -1
    more: dict[str, Any] = field(default_factory=dict)


@dataclass
class Change:
    """A change to come: of the n-th newest order, else of the how-manieth open position, which `by` would close."""

    at: int
    order: int = 0
    position: int = 0
    by: int = -1
    ticks: dict[str, int | None] = field(default_factory=dict)
    """New prices as ticks from the market, distances in ticks; None removes."""
    lasts: int = 0


@dataclass
class Life:
    options: dict[str, Any]
    steps: list[Record | Wanted | Change | tuple[int, int]] = field(default_factory=list)
    """Records, orders, changes, and cancels as (which order, when)."""

    def live(self, banded: bool = True, watch: Any = None) -> Desk:
        """Go through it, checked after every record; `watch(desk, events)` sees each of them."""
        options = dict(self.options)
        desk = Desk(*options.pop("symbols"), banded=banded, **options)
        for step in self.steps:
            events = []
            if isinstance(step, Record):
                events = desk.record(step)
            elif isinstance(step, Change):
                change(desk, step)
            elif isinstance(step, tuple) and (desk.reference.orders or desk.orders % 16 == 0):
                desk.cancel(living(desk, step[0]), max(step[1], desk.now))
            elif isinstance(step, Wanted):
                send(desk, step)
            if watch:
                watch(desk, step, events)
        return desk


def held(desk: Desk, which: int) -> Any:
    return desk.positions[which % len(desk.positions)] if which >= 0 and len(desk.positions) else None


def living(desk: Desk, which: int) -> int:
    """The number of the n-th newest order that is not done; of one that is, if there are not so many."""
    numbers = sorted((p.id for p in desk.reference.orders), reverse=True)
    return numbers[which - 1] if which <= len(numbers) else max(desk.orders // 2, 1)


def send(desk: Desk, w: Wanted) -> int:
    """The order as this desk can mean it; returns its number."""
    at = max(w.at, desk.now)
    more: dict[str, Any] = {"expires": at + w.lasts if w.lasts else 0, "strategy": w.strategy} | w.more
    symbol, side, price = w.symbol, w.side, w.price
    position = held(desk, w.closes)
    if position is not None:
        symbol, side = tuple(desk.terms.instruments)[position["symbol"]], -int(position["side"])
        more |= {"position": int(position["id"]), "strategy": desk.venue.strategies[position["strategy"]]}
        if symbol != w.symbol:
            price = MARKETS[symbol][0]
            more.pop("limit", None)
            more |= {"limit": price} if w.kind == "stop_limit" else {}
    else:
        more |= {"stop": w.stop, "take_profit": w.take_profit}
    return desk.order(side, w.lots, w.kind, None if w.kind == "market" else price, symbol, at=at, **more)


def change(desk: Desk, c: Change) -> None:
    """The change as this desk can mean it."""
    at, position = max(c.at, desk.now), held(desk, c.position)
    if (desk.reference.orders or None if c.order else position) is None and desk.orders % 16:
        return  # there is nothing to change; now and then one asks all the same
    if c.by >= 0:
        opposite = [p for p in desk.positions if position is not None and p["side"] == -position["side"]]
        other = opposite[c.by % len(opposite)] if opposite else held(desk, c.by)
        desk.close_by(*(999 if p is None else int(p["id"]) for p in (position, other)), at)
        return
    symbol, order = desk.symbol, living(desk, c.order) if c.order else 0
    if order:
        symbol = next((p.symbol for p in desk.reference.orders if p.id == order), symbol)
    elif position is not None:
        symbol = tuple(desk.terms.instruments)[position["symbol"]]
    bid = desk.last.get(symbol, MARKETS[symbol][0])
    _, grid, digits = MARKETS[symbol]
    values: dict[str, Any] = {}
    for name, ticks in c.ticks.items():
        start = 0.0 if name in ("trail", "trail_step", "even_at", "even_lock") else bid
        values[name] = 0.0 if ticks is None else round(start + ticks * grid, digits + 1)
    if c.lasts:
        values["expires"] = at + c.lasts
    number = 0 if order else 999 if position is None else int(position["id"])
    desk.modify(order, number, at, **values)


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
        gap += pick.one((0,) * 35 + (3 * HOUR, 24 * HOUR, 72 * HOUR, 72 * HOUR, 14 * HOUR))
        if (self.now + gap) // DAY % 7 in (2, 3) and pick.one((1, 1, 1, 0)):
            gap += 2 * DAY  # over the weekend, mostly
        records = [self.quote(pick)] if self.kind == "quotes" else self.bars(pick)
        for _ in range(pick.one((0, 1, 0, 2, 1, 3))):
            at = self.now + pick.one((0, gap, gap // 2))
            what = pick.one(("order", "order", "change", "order", "cancel", "change", "order"))
            if what == "cancel" and self.sent:
                self.life.steps.append((pick.one(TARGETS), at))
            elif what == "change" and self.sent:
                self.life.steps.append(self.change(pick, at))
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
        symbol, side, kind = pick.one(self.symbols), pick.one((1, -1)), pick.one(KINDS)
        now = self.ticks[symbol]
        level = now + pick.one((0, 1, -1, 2, -2, 3, -3, 4))
        limit = level + pick.one((0, 1, -1, 2, -2))
        near = now if kind == "market" else limit if kind == "stop_limit" else level
        stop, take_profit = (
            None if far is None else self.price(symbol, near + sign * side * far)
            for sign, far in (
                (-1, pick.one((None, None, 2, 3, 4, 5, None, None, 8, None, 1, -1))),
                (1, pick.one((None, None, 2, 3, 4, None, None, 6, None, 0))),
            )
        )
        strategy = pick.one(("hand", "other"))
        if self.options["mode"] == "netting":
            strategy = ("hand", "other")[self.symbols.index(symbol) % 2]
        lots, lasts, closes = (
            pick.one(LOTS),
            pick.one((0,) * 8 + (3 * SECOND, 100 * SECOND)),
            pick.one((-1, -1, 0, 1, -1, 2)),
        )
        more = self.more(pick, symbol, kind, limit)
        price = None if more.pop("no price", False) else self.price(symbol, level)
        return Wanted(symbol, side, lots, kind, price, stop, take_profit, strategy, at, lasts, closes, more)

    def more(self, pick: Choices, symbol: str, kind: str, limit: int) -> dict[str, Any]:
        """What most orders do not say."""
        grid, digits = MARKETS[symbol][1:]
        distance = lambda n: None if n is None else round(n * grid, digits + 1)  # noqa: E731
        found: dict[str, Any] = {"filling": pick.one(FILLINGS), "group": pick.one(GROUPS)}
        found["parent"] = max(self.sent - pick.one((0, 1)), 0) if pick.one((0, 0, 0, 0, 0, 0, 0, 1)) else 0
        found["reduce_only"] = pick.one((False,) * 9 + (True,))
        found["day"] = pick.one((False,) * 9 + (True,))
        if kind == "stop_limit":
            found["limit"] = self.price(symbol, limit) if pick.one((1,) * 11 + (0,)) else None
        if kind == "trailing_stop":
            found |= {"trail": distance(pick.one((2, 1, 3, 4))), "trail_step": distance(pick.one((None, 2, None)))}
            found["no price"] = not found["parent"] and bool(pick.one((1, 0)))
        elif trail := pick.one(TRAILS):
            found |= {
                "trail": distance(trail), "trail_step": distance(pick.one((None, 2))),
                "trail_start": distance(pick.one((None, 1, 2))),
            }  # fmt: skip
        if kind != "trailing_stop" and (even := pick.one((None, None, None, 1, 2, 3))):
            found |= {"even_at": distance(even), "even_lock": distance(pick.one((None, 1)))}
        return found

    def change(self, pick: Choices, at: int) -> Change:
        what = pick.one(("order", "position", "by"))
        if what == "by":
            return Change(at, position=pick.one((0, 1, 2, 3)), by=pick.one((0, 1, 2, 3)))
        names = {"stop": (-3, -2, 3, -4, None), "take_profit": (3, 2, 4, -3, None), "trail": (2, 3, None)}
        if what == "order":
            names = {"price": (0, 1, -1, 2, -2, 3, -3), "limit": (1, -1)} | names
        else:
            names |= {"even_at": (1, 2, None), "trail_step": (2, None)}
        ticks = {name: pick.one(values) for name, values in names.items() if pick.one((1, 0, 0))}
        number = pick.one(TARGETS) if what == "order" else 0
        lasts = pick.one((0, 0, 0, 2 * SECOND, 90 * SECOND)) if number else 0
        return Change(at, number, pick.one((0, 1, 2)), ticks=ticks, lasts=lasts)

    def quote(self, pick: Choices) -> Record:
        symbol = pick.one(self.symbols)
        ticks = self.ticks[symbol] + pick.one(JUMPS) + pick.one(LEAPS)
        bid, ask = (self.price(symbol, ticks + up) for up in (0, pick.one((0, 1, 2))))
        return Record(symbol, 0, 0, (bid, bid, bid, bid), ask)

    def bars(self, pick: Choices) -> list[Record]:
        made = []
        for symbol in self.symbols:
            if pick.one((0, 0, 0, 1)) and len(self.symbols) > 1:
                continue
            first = self.ticks[symbol] + pick.one(JUMPS)
            last = first + pick.one(JUMPS) + pick.one(LEAPS)
            high, low = max(first, last) + pick.one((0, 1, 2, 4)), min(first, last) - pick.one((0, 1, 2, 4))
            o, h, l, c = (self.price(symbol, ticks) for ticks in (first, high, low, last))
            spread = round(pick.one((0.0, 1.0, 0.5, 2.0)) * MARKETS[symbol][1], MARKETS[symbol][2] + 1)
            made.append(Record(symbol, 0, MINUTE, (o, h, l, c), 0.0, spread))
        return made


def write(kind: str, head: bytes, moments: list[bytes], fixed: dict[str, Any]) -> Life:
    pick = Choices(head)
    world = pick.one(WORLDS)
    options = {name: pick.one(values) for name, values in SETTINGS.items()} | world | fixed
    author = Author(kind, {name: value for name, value in options.items() if value is not None})
    for moment in moments:
        author.moment(Choices(moment))
    return author.life


def lives(kind: str = "quotes", longest: int = 60, **fixed: Any) -> st.SearchStrategy[Life]:
    """Lives of up to so many moments; `fixed` options of the desk are not drawn."""
    moments = st.lists(st.binary(min_size=MOMENT, max_size=MOMENT), min_size=longest // 5, max_size=longest)
    return st.builds(lambda head, m: write(kind, head, m, fixed), st.binary(min_size=HEAD, max_size=HEAD), moments)
