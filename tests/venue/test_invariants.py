"""What must hold of any life of an account, looked up in the engine's reports and book alone, one law a test.

The lives are written from seeded bytes; nobody but the engine goes through them here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import settings

from engine.core.events import Canceled, Correction, Event, Fill, Order, Rejected
from tests.conftest import DEEPER
from tests.venue.desk import Desk
from tests.venue.exact import exact
from tests.venue.ledger import Ledger
from tests.venue.lives import HEAD, MOMENT, Step, write
from tests.venue.worlds import Record

LIVES = 40


@dataclass
class Moment:
    """After one step: what was reported, and how the account stands."""

    step: Step
    events: list[Event]
    balance: int
    equity: float
    margin: float
    resting: list[int]
    held: list[tuple[str, int]]
    """(symbol, signed steps) of what is open."""


@dataclass
class History:
    desk: Desk
    moments: list[Moment] = field(default_factory=list)

    def watch(self, desk: Desk, step: Step, events: list[Event]) -> None:
        names = tuple(desk.terms.instruments)
        held = [(names[p["symbol"]], int(p["side"] * p["steps"])) for p in desk.positions]
        balance = int(desk.venue.book[0]["balance"][0])
        self.moments.append(Moment(step, events, balance, desk.equity, desk.margin, desk.resting, held))

    @property
    def records(self) -> Iterator[tuple[Record, Moment]]:
        return ((m.step, m) for m in self.moments if isinstance(m.step, Record))

    @property
    def orders(self) -> dict[int, Order]:
        return {said.id: said for _, said in self.desk.said if isinstance(said, Order)}


@pytest.fixture(scope="module")
def histories() -> list[History]:
    rng, found = np.random.default_rng(404), []
    deeper = DEEPER if settings.get_current_profile_name() == "laws" else 1
    for n in range(LIVES * deeper):
        life = write(("quotes", "bars")[n % 2], rng.bytes(HEAD), [rng.bytes(MOMENT) for _ in range(40)], {})
        history = History.__new__(History)
        history.moments = []
        history.desk = life.live(checked=False, watch=history.watch)
        found.append(history)
    return found


def test_books_balance(histories: list[History]) -> None:
    """Deals and corrections are all that moves the balance, and each says the one after it."""
    moved = 0
    for history in histories:
        scale = history.desk.terms.scale
        balance = round(history.desk.terms.account.balance * scale)
        for moment in history.moments:
            for event in moment.events:
                if isinstance(event, Fill):
                    balance += sum(round(amount * scale) for amount in (event.profit, event.commission, event.swap))
                elif isinstance(event, Correction):
                    balance += round(event.amount * scale)
                if isinstance(event, Fill | Correction):
                    moved += 1
                    assert round(event.balance * scale) == balance
            assert moment.balance == balance
    assert moved > 300


def test_reduce_only_never_opens(histories: list[History]) -> None:
    """Nor does an order that names a position; and every reduction is of what was open on the other side."""
    reduced = 0
    for history in histories:
        orders, steps = history.orders, Counter[int]()
        for event in history.desk.events:
            if not isinstance(event, Fill):
                continue
            order = orders.get(event.order)
            if order is not None and (order.reduce_only or order.position):
                assert event.entry == "out"
                reduced += 1
            before = steps[event.position]
            steps[event.position] += round(event.side * event.units / float(history.desk.terms.step(event.symbol)))
            if event.entry != "in":
                assert before * steps[event.position] >= 0 and abs(steps[event.position]) < abs(before)
    assert reduced > 30


def test_margin_is_never_used_twice(histories: list[History]) -> None:
    """Of quotes, deal by deal: the margin after an entry was there as equity before it, or the entry freed some."""
    entries = 0
    for history in histories:
        if history.desk.bars:
            continue
        ledger = Ledger(history.desk.terms)
        for record, moment in history.records:
            ledger.quote(record.symbol, exact(record.bid[0]), exact(record.ask))
            for event in moment.events:
                equity, margin = ledger.equity(), ledger.margin()
                ledger.take(event)
                if isinstance(event, Fill) and event.entry == "in":
                    entries += 1
                    after = ledger.margin()
                    assert after <= equity * (1 + exact(1e-9)) or after <= margin
    assert entries > 60


def test_nothing_fills_outside_sessions(histories: list[History]) -> None:
    fills = closed = 0
    for history in histories:
        terms = history.desk.terms
        for record, moment in history.records:
            closed += terms.state(record.symbol, record.opened) != "open"
            for event in moment.events:
                if isinstance(event, Fill):
                    fills += 1
                    assert terms.state(event.symbol, event.ts_event) == "open"
    assert fills > 300 and closed > 30


def test_every_order_ends_in_exactly_one_final_state(histories: list[History]) -> None:
    """Filled to the end, cancelled or refused: once, and nothing is heard of it afterwards; or it is still there."""
    ends = Counter[str]()
    for history in histories:
        ended: dict[int, Event] = {}
        for moment in history.moments:
            for event in moment.events:
                number = getattr(event, "order", 0)
                refused_change = isinstance(event, Rejected) and (event.request or event.symbol == "")
                if not number or refused_change:
                    continue
                assert number not in ended, f"{event} after {ended.get(number)}"
                if isinstance(event, Canceled | Rejected) or (isinstance(event, Fill) and not event.left):
                    ended[number] = event
                    ends[type(event).__name__] += 1
        there = history.desk.resting
        assert sorted([*ended, *there]) == sorted(history.orders)
    assert min(ends[kind] for kind in ("Fill", "Canceled", "Rejected")) > 50


def test_the_margin_level_is_above_the_stop_out_or_nothing_can_be_closed(histories: list[History]) -> None:
    """After every record, so after every stop-out too."""
    stopped = strained = 0
    for history in histories:
        terms = history.desk.terms
        level = terms.account.stop_out
        assert level.unit == "%"
        for record, moment in history.records:
            out = any(isinstance(e, Fill) and e.reason == "stop_out" for e in moment.events)
            stopped += out
            tradable = [s for s, _ in moment.held if terms.state(s, record.opened) == "open"]
            if not tradable:
                continue
            assert moment.equity > moment.margin * level.amount / 100 * (1 - 1e-9)
            strained += moment.equity < 2 * moment.margin * level.amount / 100
    assert stopped >= 5 and strained > 20


def test_positions_have_volume_and_netting_accounts_one_a_symbol(histories: list[History]) -> None:
    netting = 0
    for history in histories:
        for moment in history.moments:
            assert all(steps for _, steps in moment.held)
            if history.desk.terms.account.mode == "netting":
                symbols = [symbol for symbol, _ in moment.held]
                assert len(symbols) == len(set(symbols))
                netting += bool(symbols)
    assert netting > 100
