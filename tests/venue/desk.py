"""A desk at the simulated venue: quotes and orders go in by hand, and everything that comes out is checked twice.

After each record the reference venue must have reported the same, and the ledger (from the reports alone) must find the
same balance to the cent, the same equity and the same margin.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import settings

from engine.core.events import Cancel, CloseBy, Event, Fill, Modify, Order
from engine.core.tape import ArrayTape
from engine.kernels.book import ACCOUNT, POSITION
from engine.risk.kernels import account_now
from engine.venues.simulated import SimulatedVenue
from tests.conftest import DEEPER
from tests.venue.exact import Prices, exact
from tests.venue.ledger import Ledger
from tests.venue.reference import ReferenceVenue
from tests.venue.worlds import MINUTE, SECOND, START, Record, terms_of, venue_of

MONEY = [name for name in ACCOUNT.names or () if "sample" not in name]
Said = Order | Cancel | Modify | CloseBy


def examples(n: int, **more: Any) -> settings:
    """Settings for what pytest does not see as a property test of its own: the profile `laws` deepens it too."""
    deeper = DEEPER if settings.get_current_profile_name() == "laws" else 1
    return settings(max_examples=n * deeper, **more)


def alike(found: object, expected: object) -> bool:
    """The same but for what a float does to a fraction."""
    if isinstance(found, float) and isinstance(expected, float | int):
        return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)
    return type(found) is type(expected) and found == expected


def agree(found: Sequence[Event], expected: Sequence[Event]) -> None:
    """The same events in the same order, prices to nine places."""
    for n in range(max(len(found), len(expected))):
        assert n < len(found), f"missing after {found}: {expected[n:]}"
        assert n < len(expected), f"too much after {expected}: {found[n:]}"
        one, other = found[n], expected[n]
        names = one.__struct_fields__
        same = type(one) is type(other) and all(alike(getattr(one, f), getattr(other, f)) for f in names)
        assert same, f"report {n} of {len(found)}: the engine says {one}, the rules {other}"


class Desk:
    def __init__(self, *symbols: str, banded: bool = True, checked: bool = True, **options: Any) -> None:
        self.terms = terms_of(symbols or ("EURUSD",), **options)
        self.venue = venue_of(self.terms, banded)
        self.reference, self.ledger = ReferenceVenue(self.terms), Ledger(self.terms)
        self.checked = checked
        self.bars = self.terms.config.data.kind == "bars"
        self.now, self.orders = START, 0
        self.records: list[Record] = []
        self.last: dict[str, float] = {}
        """The last bid of each symbol."""
        self.said: list[tuple[int, Said]] = []
        """Orders, cancels and changes, with the number of records before them."""
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
        self.last |= {r.symbol: r.bid[3] for r in records}
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

    def close(self, position: int, lots: float | None = None, kind: str = "market", price: float | None = None,
              **more: Any) -> int:  # fmt: skip
        """Close an open position by name, or that much of it."""
        held = next(p for p in self.positions if p["id"] == position)
        symbol = tuple(self.terms.instruments)[held["symbol"]]
        step = self.terms.instruments[symbol].volume_step
        strategy = self.venue.strategies[held["strategy"]]
        lots = held["steps"] * step if lots is None else lots
        return self.order(-int(held["side"]), lots, kind, price, symbol, strategy, position=position, **more)

    def cancel(self, order: int, at: int = 0) -> list[Event]:
        return self.say(Cancel(at or self.now, "hand", order))

    def modify(self, order: int = 0, position: int = 0, at: int = 0, **more: Any) -> list[Event]:
        """Ask for a change of an order or of a position's exits."""
        return self.say(Modify(at or self.now, "hand", order, position, **more))

    def close_by(self, position: int, by: int, at: int = 0) -> list[Event]:
        return self.say(CloseBy(at or self.now, "hand", position, by))

    def say(self, said: Said) -> list[Event]:
        """Tell the venue; returns what is known at once: an order or a request that cannot even arrive."""
        self.said.append((len(self.records), said))
        found, expected = tell(self.venue, said), hear(self.reference, said)
        if self.checked:
            agree(found, expected)
        self.events += found
        return found

    # what a trader reads

    @property
    def positions(self) -> np.ndarray:
        return self.venue.book[3][: int(self.venue.book[0]["positions"][0])]

    @property
    def resting(self) -> list[int]:
        """Numbers of the orders that are not done, on their way or with the venue."""
        return self.venue.book[2]["id"][: int(self.venue.book[0]["orders"][0])].tolist()

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
        agree(events, self.reference.record(record.symbol, record.ts, record.opened, bid, ask))
        self.ledger.book(events, self.reference.marks)
        self.ledger.quotes = dict(self.reference.quotes)
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
                    events += tell(venue, said.pop(0)[1])
                if i == hi:
                    break
                j = min(said[0][0], hi) if said else hi
                i = lo + venue.advance(i - lo, j - lo)
                events += venue.reports()
        while said:
            events += tell(venue, said.pop(0)[1])
        return events, venue.book[0][MONEY].tobytes()


def tell(venue: SimulatedVenue, said: Said) -> list[Event]:
    if isinstance(said, Order):
        return list(venue.on_order(said) or [])
    if isinstance(said, Cancel):
        return list(venue.on_cancel(said) or [])
    return list((venue.on_modify(said) if isinstance(said, Modify) else venue.on_close_by(said)) or [])


def hear(reference: ReferenceVenue, said: Said) -> list[Event]:
    if isinstance(said, Order):
        return reference.submit(said)
    if isinstance(said, Cancel):
        return reference.cancel(said)
    return reference.modify(said) if isinstance(said, Modify) else reference.close_by_wish(said)


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
