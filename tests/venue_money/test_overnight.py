"""Positions over nights and weekends at the venue itself: what is reported, what is paid when, who has to wait."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.broker import VenueConfig
from engine.core.clock import parse_time
from engine.core.events import Event, Fill, Order, Rejected, Swapped
from engine.core.instrument import instrument
from engine.core.quantity import Duration
from engine.core.tape import ArrayTape
from engine.setup import open_book
from engine.venues.simulated import SimulatedVenue
from tests.venue_money.counter import YEAR, changed, config_of

SWAP = {"mode": "points", "long": -7.1, "short": 2.3}


class Trader:
    """Quotes one symbol and trades it; `at` are moments of March 2024, UTC: `06 12:00`."""

    def __init__(self, **venue: Any) -> None:
        config = config_of(
            ("EURUSD",),
            declare=[changed("EURUSD", swap=SWAP, holidays=["2024-03-07"])],
            venue=VenueConfig(latency=Duration(0.0, "ms"), **venue),
        )
        instruments = (instrument("EURUSD", config.instruments),)
        book, _ = open_book(config, instruments, YEAR)
        self.venue = SimulatedVenue("quotes", ("EURUSD",), instruments, ("hand",), book)
        self.orders = 0

    def order(self, at: str, side: int, lots: float, position: int = 0) -> list[Event]:
        self.orders += 1
        ts = parse_time(f"2024-03-{at}")
        order = Order(ts, "hand", "EURUSD", side, lots * 100_000, position=position, id=self.orders)
        return self.venue.on_order(order) or []

    def quote(self, at: str, bid: float = 1.1, ask: float = 1.1) -> list[Event]:
        columns = {"ts": [parse_time(f"2024-03-{at}")], "symbol": [0], "bid": [bid], "ask": [ask]}
        self.venue.attach(ArrayTape.quotes(("EURUSD",), **columns).block)
        self.venue.advance(0, 1)
        return self.venue.reports()

    @property
    def money(self) -> tuple[float, float]:
        a = self.venue.book[0][0]
        return round(float(a["balance"] * a["minor"]), 2), round(float(a["equity"]), 2)


def test_swap_counts_in_the_equity_at_once_and_is_paid_as_the_position_closes() -> None:
    trader = Trader()
    trader.order("05 12:00", 1, 1.0)
    trader.quote("05 12:00")
    (swapped,) = trader.quote("05 22:00")  # 17:00 in New York; Thursday is a holiday, Wednesday is not yet over
    assert isinstance(swapped, Swapped)
    assert (swapped.position, swapped.amount, swapped.ts) == (1, -7.10, parse_time("2024-03-05 22:00"))
    assert trader.money == (100_000.0, 99_992.90)
    (swapped,) = trader.quote("06 22:00")  # three days of Wednesday and the one of Thursday
    assert isinstance(swapped, Swapped) and swapped.amount == -28.40
    trader.order("08 12:00", -1, 0.3, position=1)
    (part,) = trader.quote("08 12:00", bid=1.101, ask=1.101)
    assert isinstance(part, Fill)
    assert (part.swap, part.profit, part.balance) == (-10.65, 30.0, 100_019.35)  # 35.50 x 0.3
    (swapped,) = trader.quote("10 21:30", bid=1.101, ask=1.101)  # Friday's night, of what is left: -7.10 x 0.7
    assert isinstance(swapped, Swapped) and swapped.amount == -4.97
    trader.order("11 08:00", -1, 0.7, position=1)
    (rest,) = trader.quote("11 08:00", bid=1.101, ask=1.101)
    assert isinstance(rest, Fill)
    assert (rest.swap, rest.profit, rest.balance) == (-29.82, 70.0, 100_059.53)  # -35.50 + 10.65 - 4.97
    assert trader.money == (100_059.53, 100_059.53)


def test_a_position_closed_by_the_first_quote_after_the_rollover_has_paid_it() -> None:
    trader = Trader()
    trader.order("04 12:00", -1, 1.0)
    trader.quote("04 12:00")
    trader.order("04 22:00", 1, 1.0, position=1)
    swapped, fill = trader.quote("04 22:00")
    assert isinstance(swapped, Swapped) and isinstance(fill, Fill)
    assert (swapped.amount, fill.swap, fill.balance) == (2.30, 2.30, 100_002.30)


def test_an_order_of_the_weekend_waits_for_the_opening_or_is_refused() -> None:
    trader = Trader()
    assert trader.order("09 12:00", 1, 1.0) == []
    assert trader.quote("09 13:00", 1.2, 1.2) == []  # somebody quotes on a Saturday: nothing fills on it
    (fill,) = trader.quote("10 21:00")  # Sunday 17:00 in New York, an hour earlier than the week before
    assert isinstance(fill, Fill) and fill.price == 1.1
    (refused,) = Trader(closed="refuse").order("09 12:00", 1, 1.0)
    assert isinstance(refused, Rejected) and refused.reason == "market closed"


@pytest.mark.parametrize("closed", ["wait", "refuse"])
def test_in_an_outage_nothing_arrives(closed: str) -> None:
    trader = Trader(closed=closed, outages=("2024-03-05 12:00 - 2024-03-05 12:10",))
    (refused,) = trader.order("05 12:05", 1, 1.0)
    assert isinstance(refused, Rejected) and refused.reason == "no connection"
    assert trader.order("05 12:10", 1, 1.0) == []
    assert [type(e) for e in trader.quote("05 12:10")] == [Fill]


def test_a_days_bar_of_gold_which_begins_in_the_hours_break_trades_at_its_open() -> None:
    config = config_of(("XAUUSD",), venue=VenueConfig(latency=Duration(50.0, "ms")))
    instruments = (instrument("XAUUSD"),)
    book, _ = open_book(config, instruments, YEAR, "D1")
    venue = SimulatedVenue("bars", ("XAUUSD",), instruments, ("hand",), book)
    opens = [parse_time(f"2024-03-{text}") for text in ("06 22:00", "07 22:00", "10 21:00")]  # the last a Monday's
    closes = [parse_time(f"2024-03-{text}") for text in ("07 22:00", "08 22:00", "11 21:00")]
    columns = {name: [2000.0, 2010.0, 2020.0] for name in ("open", "high", "low", "close")}
    tape = ArrayTape.bars(("XAUUSD",), ts=closes, ts_event=opens, symbol=[0, 0, 0], spread=[0.0] * 3,
                          volume=[1.0] * 3, **columns)  # fmt: skip
    venue.attach(tape.block)
    venue.on_order(Order(opens[1], "hand", "XAUUSD", 1, 10.0, id=1))
    venue.advance(0, 2)
    events = venue.reports()
    venue.on_order(Order(closes[1], "hand", "XAUUSD", 1, 10.0, id=2))  # at the end of Friday: filled on Monday's bar
    venue.advance(2, 3)
    fills = [event for event in [*events, *venue.reports()] if isinstance(event, Fill)]
    assert [(fill.order, fill.price) for fill in fills] == [(1, 2010.0), (2, 2020.0)]
