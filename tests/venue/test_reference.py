"""The engine's venue against a slow one written from the rules, over random markets and orders."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from tests.venue.desk import Desk, Seen
from tests.venue.exact import HairsBreadth
from tests.venue.lives import Life, lives, write

EVERYTHING = {
    "Fill in order", "Fill out order", "Fill out stop_loss", "Fill out take_profit", "Accepted",
    "Canceled canceled", "Canceled expired", "Canceled position closed", "Rejected invalid stops",
    "Rejected not enough money", "Rejected volume below the minimum", "Rejected volume above the maximum",
    "Rejected no conversion rate",
}  # fmt: skip


def check(life: Life, cuts: list[int]) -> Desk:
    """Record by record against reference and ledger; then in stretches, with bands and without: the same to the bit."""
    try:
        desk = life.live()
    except HairsBreadth:
        reject()
    for banded in (True, False):
        events, account = desk.again(banded, cuts)
        assert events == desk.events and account == desk.account
    return desk


@settings(max_examples=150)
@given(lives("quotes"), st.lists(st.integers(1, 40), max_size=3))
def test_on_quotes_the_engine_reports_what_the_rules_say_and_its_books_are_exact(life: Life, cuts: list[int]) -> None:
    check(life, cuts)


@settings(max_examples=150)
@given(lives("bars"), st.lists(st.integers(1, 40), max_size=3))
def test_on_bars_the_engine_reports_what_the_rules_say_and_its_books_are_exact(life: Life, cuts: list[int]) -> None:
    check(life, cuts)


@pytest.mark.parametrize("kind", ["quotes", "bars"])
def test_such_lives_meet_every_way_to_fill_to_be_refused_and_to_end(kind: str) -> None:
    rng, seen = np.random.default_rng(2026), Seen()
    for _ in range(100):
        life = write(kind, rng.bytes(8), [rng.bytes(40) for _ in range(30)], {})
        seen.take(check(life, [7, 20]).events)
    assert {reason: n for reason, n in seen.reasons.items() if n < 5} == {}
    assert set(seen.reasons) == EVERYTHING
