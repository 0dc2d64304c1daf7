"""What a desk is set up with: a config written as a trader would, and the engine's venue for it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from engine.core import schema
from engine.core.broker import AccountConfig, VenueConfig
from engine.core.config import Config
from engine.core.instrument import instrument
from engine.setup import open_book
from engine.venues.simulated import SimulatedVenue
from tests.venue.contract import Terms

SECOND = 10**9
MINUTE = 60 * SECOND
DAY = 1440 * MINUTE
START = 1_709_287_200 * SECOND
"""2024-03-01 10:00 UTC, a Friday."""
SPAN = (START - 7 * DAY, START + 120 * DAY)
"""The calendar that the engine's venue is given."""
ALIASES = {"back": "report_latency"}
OF_ACCOUNT = {f.name for f in fields(AccountConfig)}
OF_VENUE = {f.name for f in fields(VenueConfig)}


@dataclass
class Record:
    """A quote (opened == ts) or a bar, as bid prices and what the ask is above them."""

    symbol: str
    opened: int
    ts: int
    bid: tuple[float, float, float, float]
    ask: float
    """Of a quote."""
    spread: float = 0.0
    """Of a bar."""


def terms_of(
    symbols: tuple[str, ...],
    *,
    kind: str = "quotes",
    rates: Mapping[str, float] | None = None,
    declare: Iterable[dict[str, Any]] = (),
    strategies: tuple[str, ...] = ("hand", "other"),
    frame: str = "M1",
    risk: str = "1 lots",
    lane: str = "python",
    seed: int = 1,
    **more: Any,
) -> Terms:
    """A config; `more` are keys of [account] and [venue] as they are written there."""
    said = {"latency": "0 ms", "mode": "hedging"} | {ALIASES.get(key, key): value for key, value in more.items()}
    unknown = set(said) - OF_ACCOUNT - OF_VENUE
    assert not unknown, f"no such option: {unknown}"
    table = {
        "name": "desk",
        "seed": seed,
        "data": {"symbols": list(symbols), "kind": kind, "frame": frame},
        "account": {key: value for key, value in said.items() if key in OF_ACCOUNT},
        "venue": {key: value for key, value in said.items() if key in OF_VENUE},
        "rates": dict(rates or {}),
        "risk": {"size": risk},
        "strategy": [{"name": name} for name in strategies],
        "run": {"lane": lane},
        "instrument": list(declare),
    }
    config = schema.build(Config, table)
    return Terms(config, {s: instrument(s, config.instruments) for s in symbols})


def venue_of(terms: Terms, banded: bool = True) -> SimulatedVenue:
    """The engine's venue, set up as a run sets it up."""
    config, instruments = terms.config, tuple(terms.instruments.values())
    span = {"span": SPAN} if "span" in inspect.signature(open_book).parameters else {}
    book, _ = open_book(config, instruments, **span)
    names = tuple(s.name for s in config.strategy)
    return SimulatedVenue(config.data.kind, tuple(terms.instruments), instruments, names, book, banded)
