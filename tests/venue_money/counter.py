"""A broker's back office by hand: a book set up as a run sets it up, quotes and positions put into it, and the
kernels of margin, commission and swap asked one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from engine.core.broker import AccountConfig, VenueConfig
from engine.core.clock import parse_time
from engine.core.config import Config, DataConfig, StrategyConfig
from engine.core.instrument import instrument
from engine.kernels import book as b
from engine.kernels.jit import jit
from engine.setup import open_book
from engine.venues.costs import commission
from engine.venues.deals import expose
from engine.venues.margin import margin_after, margin_at, symbol_margin
from engine.venues.swap import next_night, roll

DAYS = {"Mon": "2024-03-04", "Tue": "2024-03-05", "Wed": "2024-03-06", "Thu": "2024-03-07", "Fri": "2024-03-08",
        "Sat": "2024-03-09", "Sun": "2024-03-10", "next Mon": "2024-03-11"}  # fmt: skip
YEAR = (parse_time("2024-01-01"), parse_time("2024-12-31"))


@jit
def margin_of(book, s, steps, price, initial):
    return margin_at(book, s, steps, price, initial)


@jit
def margin_with(book, s, side, steps, price):
    return margin_after(book, s, side, steps, price)


@jit
def margin_together(book, s):
    return symbol_margin(book, s)


@jit
def fee_of(book, s, steps, price, opens, maker):
    return commission(book, s, steps, price, opens, maker)


@jit
def roll_to(book, s, ts):
    roll(book, s, ts, ts)


@jit
def night_of(book, s):
    return next_night(book, s)


@jit
def rate_now(book, s):
    return b.rate_of(book[1], s)


@jit
def exposed(book, s):
    expose(book, s)


def config_of(
    symbols: Iterable[str], *, currency: str = "USD", mode: str = "hedging", leverage: float = 100.0,
    balance: float = 100_000.0, rates: Mapping[str, float] | None = None, declare: Iterable[dict[str, Any]] = (),
    venue: VenueConfig | None = None, **account: Any,
) -> Config:  # fmt: skip
    return Config(
        name="money",
        data=DataConfig(symbols=tuple(symbols)),
        account=AccountConfig(currency, balance, mode, leverage, **account),  # type: ignore[arg-type]
        venue=venue or VenueConfig(),
        rates=dict(rates or {}),
        instrument=tuple(declare),
        strategy=(StrategyConfig(name="ma_cross"),),
    )


def changed(symbol: str, **more: Any) -> dict[str, Any]:
    """The shipped instrument as an [[instrument]] table, with other figures."""
    from engine.core.instrument import table_of

    return {**table_of(instrument(symbol)), **more}


class Counter:
    def __init__(self, *symbols: str, span: tuple[int, int] | None = None, **options: Any) -> None:
        self.config = config_of(symbols, **options)
        self.instruments = tuple(instrument(s, self.config.instruments) for s in symbols)
        self.book, self.notes = open_book(self.config, self.instruments, span)
        self.ids = {s: n for n, s in enumerate(symbols)}

    def quote(self, symbol: str, bid: float, ask: float | None = None) -> None:
        row = self.book[1][self.ids[symbol]]
        row["bid"], row["ask"] = bid, bid if ask is None else ask

    def steps(self, symbol: str, lots: float) -> int:
        return round(lots / self.instruments[self.ids[symbol]].volume_step)

    def margin(self, symbol: str, lots: float, price: float, initial: bool = True) -> float:
        """What opening (or holding) it ties up, to a millionth."""
        return round(margin_of(self.book, self.ids[symbol], self.steps(symbol, lots), price, initial), 6)

    def after(self, symbol: str, side: int, lots: float, price: float) -> float:
        return round(margin_with(self.book, self.ids[symbol], side, self.steps(symbol, lots), price), 6)

    def together(self, symbol: str) -> float:
        return round(margin_together(self.book, self.ids[symbol]), 6)

    def fee(self, symbol: str, lots: float, price: float, opens: bool = True, maker: bool = False) -> int:
        return int(fee_of(self.book, self.ids[symbol], self.steps(symbol, lots), price, int(opens), int(maker)))

    def rate(self, symbol: str) -> float:
        return float(rate_now(self.book, self.ids[symbol]))

    def hold(self, symbol: str, side: int, lots: float, entry: float, ts: int = 0) -> np.void:
        """Put an open position into the book."""
        a, s = self.book[0][0], self.ids[symbol]
        q = self.book[3][a["positions"]]
        q["id"], q["symbol"], q["side"], q["entry"], q["ts"] = a["next_position"], s, side, entry, ts
        q["steps"] = self.steps(symbol, lots)
        q["margin"] = margin_of(self.book, s, q["steps"], entry, False)
        a["positions"] += 1
        a["next_position"] += 1
        exposed(self.book, s)
        return q

    def roll(self, symbol: str, ts: int) -> list[tuple[int, int]]:
        """Book the rollovers up to ts; (position, minor units) of each report."""
        a = self.book[0][0]
        roll_to(self.book, self.ids[symbol], ts)
        reports = self.book[4][: int(a["reports"])]
        a["reports"] = 0
        assert all(r["kind"] == b.SWAPPED and r["ts"] == ts for r in reports)
        return [(int(r["position"]), int(r["swap"])) for r in reports]
