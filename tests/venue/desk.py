"""A desk at the simulated venue: quotes and orders go in by hand, and everything that comes out is checked twice.

After each record the reference venue must have reported the same, and the ledger (from the fills alone) must find the
same balance to the cent, the same equity and the same margin.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
from hypothesis import settings

from engine.core.config import AccountConfig, Config, DataConfig, RiskConfig, RunConfig, StrategyConfig, VenueConfig
from engine.core.events import Cancel, Event, Fill, Order
from engine.core.instrument import instrument
from engine.core.quantity import Duration, Fee, Points, Size
from engine.core.tape import ArrayTape
from engine.kernels.book import ACCOUNT, POSITION
from engine.risk.kernels import account_now
from engine.setup import open_book
from engine.venues.simulated import SimulatedVenue
from tests.conftest import DEEPER
from tests.venue.exact import Terms, exact
from tests.venue.ledger import Ledger
from tests.venue.reference import Prices, ReferenceVenue

SECOND = 10**9
MINUTE = 60 * SECOND
START = 1_709_287_200 * SECOND
"""2024-03-01 10:00 UTC."""
MONEY = [name for name in ACCOUNT.names or () if "sample" not in name]


def examples(n: int, **more: Any) -> settings:
    """Settings for what pytest does not see as a property test of its own: the profile `laws` deepens it too."""
    deeper = DEEPER if settings.get_current_profile_name() == "laws" else 1
    return settings(max_examples=n * deeper, **more)


def terms_of(
    symbols: tuple[str, ...],
    *,
    kind: str = "quotes",
    mode: str = "hedging",
    currency: str = "USD",
    balance: float = 10_000.0,
    leverage: float = 30.0,
    latency: str = "0 ms",
    back: str = "0 ms",
    slippage: str = "0 points",
    commission: str = "0 USD per lot",
    rates: Mapping[str, float] | None = None,
    declare: Iterable[dict[str, Any]] = (),
    strategies: tuple[str, ...] = ("hand", "other"),
    frame: str = "M1",
    risk: str = "1 lots",
    lane: str = "python",
) -> Terms:
    config = Config(
        name="desk",
        data=DataConfig(symbols=symbols, kind=kind, frame=frame),  # type: ignore[arg-type]
        account=AccountConfig(currency, balance, mode, leverage),  # type: ignore[arg-type]
        venue=VenueConfig(
            Duration.parse(latency), Duration.parse(back), Points.parse(slippage), Fee.parse(commission)
        ),
        rates=dict(rates or {}),
        risk=RiskConfig(Size.parse(risk)),
        instrument=tuple(declare),
        strategy=tuple(StrategyConfig(name=name) for name in strategies),
        run=RunConfig(lane=lane),
    )  # fmt: skip
    return Terms(config, {s: instrument(s, config.instruments) for s in symbols})


def venue_of(terms: Terms, banded: bool = True) -> SimulatedVenue:
    """The engine's venue, set up as a run sets it up."""
    config, instruments = terms.config, tuple(terms.instruments.values())
    book, _ = open_book(config, instruments)
    names = tuple(s.name for s in config.strategy)
    return SimulatedVenue(config.data.kind, tuple(terms.instruments), instruments, names, book, banded)


def rounded(events: Iterable[Event]) -> list[Event]:
    """The same with prices to nine places: the engine's floats and the reference's fractions then compare."""
    return [msgspec.structs.replace(e, price=round(e.price, 9)) if isinstance(e, Fill) else e for e in events]


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


class Desk:
    def __init__(self, *symbols: str, banded: bool = True, checked: bool = True, **options: Any) -> None:
        self.terms = terms_of(symbols or ("EURUSD",), **options)
        self.venue = venue_of(self.terms, banded)
        self.reference, self.ledger = ReferenceVenue(self.terms), Ledger(self.terms)
        self.checked = checked
        self.bars = self.terms.config.data.kind == "bars"
        self.now, self.orders = START, 0
        self.records: list[Record] = []
        self.said: list[tuple[int, Order | Cancel]] = []
        """Orders and cancels, with the number of records before them."""
        self.events: list[Event] = []

    # the market

    def quote(self, bid: float, ask: float, symbol: str = "", after: int = SECOND) -> list[Event]:
        """A quote `after` ns later; returns what the venue reports."""
        ts = self.now + after
        return self.record(Record(symbol or self.symbol, ts, ts, (bid,) * 4, ask))

    def bar(
        self, first: float, high: float, low: float, last: float, spread: float = 0.0, symbol: str = "",
        opened: int = 0,
    ) -> list[Event]:  # fmt: skip
        """A bar of one minute from now on; returns what the venue reports."""
        opened = opened or self.now
        return self.record(
            Record(symbol or self.symbol, opened, opened + MINUTE, (first, high, low, last), 0.0, spread)
        )

    def record(self, record: Record) -> list[Event]:
        """One record, and the others have their say on it."""
        events = self.stretch([record])
        if self.checked:
            self.check(record, events)
        return events

    def stretch(self, records: list[Record]) -> list[Event]:
        """Several records in one block; what rests or is open meets them without anybody looking on."""
        self.now = max(self.now, records[-1].ts)
        self.records += records
        self.venue.attach(self.tape(records).block)
        at, events = 0, []
        while at < len(records):
            at = self.venue.advance(at, len(records))
            events += self.venue.reports()
        self.events += events
        return events

    def tape(self, records: list[Record]) -> ArrayTape:
        ids = {s: n for n, s in enumerate(self.terms.instruments)}
        stamps = {"ts": [r.ts for r in records], "symbol": [ids[r.symbol] for r in records]}
        if not self.bars:
            prices = {"bid": [r.bid[0] for r in records], "ask": [r.ask for r in records]}
            return ArrayTape.quotes(tuple(ids), **stamps, **prices)
        columns = dict(zip(("open", "high", "low", "close"), zip(*(r.bid for r in records), strict=True), strict=True))
        more = {
            "ts_event": [r.opened for r in records],
            "spread": [r.spread for r in records],
            "volume": [0.0] * len(records),
        }
        return ArrayTape.bars(tuple(ids), **stamps, **columns, **more)

    # the trader

    @property
    def symbol(self) -> str:
        return next(iter(self.terms.instruments))

    def order(self, side: int, lots: float, kind: str = "market", price: float | None = None, symbol: str = "",
              strategy: str = "hand", at: int = 0, **more: Any) -> int:  # fmt: skip
        """Decide on an order now (or `at` a later moment before the next record); returns its number."""
        symbol = symbol or self.symbol
        one = self.terms.instruments[symbol]
        self.orders += 1
        units = round(lots / one.volume_step) * one.step_units
        self.say(Order(at or self.now, strategy, symbol, side, units, kind, price, id=self.orders, **more))
        return self.orders

    def buy(self, lots: float, kind: str = "market", price: float | None = None, **more: Any) -> int:
        return self.order(1, lots, kind, price, **more)

    def sell(self, lots: float, kind: str = "market", price: float | None = None, **more: Any) -> int:
        return self.order(-1, lots, kind, price, **more)

    def close(self, position: int, lots: float | None = None, kind: str = "market", price: float | None = None) -> int:
        """Close an open position by name, or that much of it."""
        held = next(p for p in self.positions if p["id"] == position)
        symbol = tuple(self.terms.instruments)[held["symbol"]]
        step = self.terms.instruments[symbol].volume_step
        strategy = self.venue.strategies[held["strategy"]]
        lots = held["steps"] * step if lots is None else lots
        return self.order(-int(held["side"]), lots, kind, price, symbol, strategy, position=position)

    def cancel(self, order: int, at: int = 0) -> Event | None:
        return self.say(Cancel(at or self.now, "hand", order))

    def say(self, said: Order | Cancel) -> Event | None:
        self.said.append((len(self.records), said))
        if isinstance(said, Order):
            self.venue.on_order(said)
            self.reference.submit(said)
            return None
        self.reference.cancel(said)
        return self.venue.on_cancel(said)

    # what a trader reads

    @property
    def positions(self) -> np.ndarray:
        return self.venue.book[3][: int(self.venue.book[0]["positions"][0])]

    @property
    def balance(self) -> float:
        return account_now(self.venue.book)[0]

    @property
    def equity(self) -> float:
        return account_now(self.venue.book)[1]

    @property
    def margin(self) -> float:
        return account_now(self.venue.book)[2]

    @property
    def fills(self) -> list[Fill]:
        return [e for e in self.events if isinstance(e, Fill)]

    # the two others

    def check(self, record: Record, events: list[Event]) -> None:
        """The reference reports the same; the ledger agrees after each deal and at the end of the record."""
        up = exact(record.spread) if self.bars else exact(record.ask) - exact(record.bid[0])
        bid = Prices(*map(exact, record.bid))
        ask = Prices(*(p + up for p in bid))
        expected = self.reference.record(record.symbol, record.ts, record.opened, bid, ask)
        assert rounded(events) == rounded(expected)
        self.ledger.quote(record.symbol, bid.open, ask.open)
        for fill in events:
            if isinstance(fill, Fill):
                assert (fill.profit, fill.commission, fill.balance) == self.ledger.fill(fill)
                self.ledger.look()
        self.ledger.quote(record.symbol, bid.close, ask.close)
        self.ledger.look()
        self.check_account()

    def check_account(self) -> None:
        a, ledger = self.venue.book[0][0], self.ledger
        balance, equity, margin = account_now(self.venue.book)
        assert int(a["balance"]) == ledger.balance == self.reference.balance
        assert close_to(balance, ledger.balance / self.terms.scale)
        assert close_to(equity, ledger.equity()) and close_to(margin, ledger.margin())
        assert close_to(a["peak"], ledger.peak)
        assert math.isclose(a["drawdown"], ledger.drawdown, abs_tol=1e-9 * float(ledger.peak))

    @property
    def account(self) -> bytes:
        """The account to the last bit."""
        return self.venue.book[0][MONEY].tobytes()

    def again(self, banded: bool, cuts: Iterable[int] = ()) -> tuple[list[Event], bytes]:
        """The same records and orders through a fresh venue, in stretches, not one by one: reports and account."""
        venue = venue_of(self.terms, banded)
        events: list[Event] = []
        tape = self.tape(self.records).block
        stops = sorted({0, len(tape), *(c for c in cuts if 0 < c < len(tape))})
        said = list(self.said)
        for lo, hi in pairwise(stops):
            venue.attach(tape.part(lo, hi))
            i = lo
            while i < hi or (said and said[0][0] == i < len(tape)):
                while said and said[0][0] == i:
                    _, what = said.pop(0)
                    (venue.on_order if isinstance(what, Order) else venue.on_cancel)(what)
                if i == hi:
                    break
                j = min(said[0][0], hi) if said else hi
                i = lo + venue.advance(i - lo, j - lo)
                events += venue.reports()
        while said:
            _, what = said.pop(0)
            (venue.on_order if isinstance(what, Order) else venue.on_cancel)(what)
        return events, venue.book[0][MONEY].tobytes()


def close_to(found: float, expected: Any) -> bool:
    return math.isclose(float(found), float(expected), rel_tol=1e-9, abs_tol=1e-9)


def as_dict(position: np.void) -> dict[str, Any]:
    """A position record by field name."""
    return dict(zip(POSITION.names or (), position.tolist(), strict=True))


@dataclass
class Seen:
    """What a property test has met, so that it can say it was not vacuous."""

    reasons: dict[str, int] = field(default_factory=dict)

    def take(self, events: Iterable[Event]) -> None:
        for event in events:
            key = f"{type(event).__name__} {getattr(event, 'entry', '')} {getattr(event, 'reason', '')}".replace(
                "  ", " "
            )
            self.reasons[key.strip()] = self.reasons.get(key.strip(), 0) + 1
