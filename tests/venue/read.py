"""Reports in short, and desks with something open: for the tests of the rules."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.events import Canceled, Event, Fill, Rejected
from tests.venue.desk import Desk

EUR = {"symbol": "EURUSD", "base_currency": "EUR", "profit_currency": "USD", "digits": 5}
"""EURUSD as a config declares it: no hours, no limits but those of volume."""


def deals(events: list[Event]) -> list[tuple[int, Any, str, str]]:
    """(side, price, in or out, reason) of the fills."""
    return [(e.side, about(e.price), e.entry, e.reason) for e in events if isinstance(e, Fill)]


def about(price: float) -> Any:
    """A price, to nine places."""
    return pytest.approx(price, abs=1e-9)


def lots(events: list[Event], units: float = 100_000.0) -> list[float]:
    return [round(e.units / units, 6) for e in events if isinstance(e, Fill)]


def reasons(events: list[Event]) -> list[str]:
    return [e.reason for e in events if isinstance(e, Rejected | Canceled)]


def kinds(events: list[Event]) -> list[str]:
    """What kinds of reports, with their reasons where they have one."""
    return [f"{type(e).__name__} {getattr(e, 'reason', '')}".strip() for e in events]


def opened(side: int = 1, bid: float = 1.1, ask: float = 1.1002, lots: float = 0.1, **options: Any) -> Desk:
    """A desk with one position; what is not an option of the desk is one of the order."""
    names = ("stop", "take_profit", "trail", "trail_step", "trail_start", "even_at", "even_lock")
    exits = {name: options.pop(name) for name in names if name in options}
    desk = Desk(**options)
    desk.quote(bid, ask)
    desk.order(side, lots, **exits)
    desk.quote(bid, ask)
    assert len(desk.positions) == 1
    return desk


def in_bars(side: int = 1, price: float = 1.1, lots: float = 0.1, spread: float = 0.0, **options: Any) -> Desk:
    """The same on bars: in at the open of a flat one."""
    names = ("stop", "take_profit", "trail", "trail_step", "trail_start", "even_at", "even_lock")
    exits = {name: options.pop(name) for name in names if name in options}
    desk = Desk(kind="bars", **options)
    flat = (price, price, price, price)
    desk.bar(*flat, spread)
    desk.order(side, lots, **exits)
    desk.bar(*flat, spread)
    assert len(desk.positions) == 1
    return desk


def stops(desk: Desk) -> list[Any]:
    """Of what is open."""
    return [about(float(p["stop"])) for p in desk.positions]
