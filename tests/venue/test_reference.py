"""The engine's venue against a slow one written from the rules, over random markets and orders."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.events import Order
from tests.venue.desk import Desk, Seen
from tests.venue.exact import HairsBreadth
from tests.venue.lives import HEAD, MOMENT, Life, lives, write

EVERYTHING = {
    "Fill in order", "Fill out order", "Fill out stop_loss", "Fill out take_profit", "Fill out stop_out",
    "Fill out_by close_by", "Accepted", "Modified", "Triggered", "Swapped", "MarginCall", "Correction",
    "Canceled canceled", "Canceled expired", "Canceled position closed", "Canceled no liquidity",
    "Canceled one cancels other", "Canceled parent gone", "Canceled stop out", "Canceled nothing to reduce",
    "Rejected volume below the minimum", "Rejected volume above the maximum", "Rejected value below the minimum",
    "Rejected volume limit", "Rejected too many orders", "Rejected invalid price", "Rejected invalid stops",
    "Rejected unsupported kind", "Rejected unsupported filling", "Rejected unsupported expiration",
    "Rejected no conversion rate", "Rejected not enough money", "Rejected would fill", "Rejected close only",
    "Rejected long only", "Rejected short only", "Rejected market closed", "Rejected no connection",
    "Rejected no such order", "Rejected position is not open", "Rejected no changes", "Rejected frozen",
    "Rejected requote", "Rejected rejected by the dealer",
}  # fmt: skip


def check(life: Life, cuts: list[int]) -> Desk:
    """Record by record against reference and ledger; then in stretches, with bands and without: the same to the bit."""
    desk = life.live()
    for banded in (True, False):
        events, account = desk.again(banded, cuts)
        assert events == desk.events and account == desk.account
    return desk


@settings(max_examples=60)
@given(lives("quotes"), st.lists(st.integers(1, 40), max_size=3))
def test_on_quotes_the_engine_reports_what_the_rules_say_and_its_books_are_exact(life: Life, cuts: list[int]) -> None:
    with suppress(HairsBreadth):
        check(life, cuts)


@settings(max_examples=60)
@given(lives("bars"), st.lists(st.integers(1, 40), max_size=3))
def test_on_bars_the_engine_reports_what_the_rules_say_and_its_books_are_exact(life: Life, cuts: list[int]) -> None:
    with suppress(HairsBreadth):
        check(life, cuts)


def test_such_lives_meet_every_way_to_fill_to_be_refused_and_to_end() -> None:
    """And every order kind, filling and path is among them."""
    rng, seen, sent, paths, undecided = np.random.default_rng(2026), Seen(), set(), set(), 0
    for n in range(160):
        life = write(("quotes", "bars")[n % 2], rng.bytes(HEAD), [rng.bytes(MOMENT) for _ in range(40)], {})
        try:
            desk = check(life, [7, 20])
        except HairsBreadth:
            undecided += 1
            continue
        seen.take(desk.events)
        sent |= {(o.kind, o.filling) for _, o in desk.said if isinstance(o, Order)}
        paths.add((life.options["kind"], life.options["path"], life.options["mode"]))
    assert set(seen.reasons) == EVERYTHING and undecided < 8
    assert len(sent) == 6 * 4 and len(paths) == 2 * 4 * 2
    assert {reason for reason, n in seen.reasons.items() if n < 3} <= {"Correction", "Rejected frozen"}
