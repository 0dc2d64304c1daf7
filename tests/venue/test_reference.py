"""The engine's venue against a slow one written from the rules, over random markets and orders."""

from __future__ import annotations

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from tests.venue.desk import Desk, Seen, examples
from tests.venue.exact import HairsBreadth
from tests.venue.lives import Life, lives

ALWAYS = {
    "Fill in order", "Fill out order", "Fill out stop_loss", "Fill out take_profit", "Accepted",
    "Canceled canceled", "Canceled expired", "Canceled position closed", "Rejected invalid stops",
    "Rejected not enough money", "Rejected volume below the minimum", "Rejected volume above the maximum",
    "Rejected no conversion rate",
}  # fmt: skip
RARE = {"Rejected no conversion rate"}
"""Where the first record of every symbol comes at once."""


def lived(life: Life) -> Desk:
    try:
        return life.live()
    except HairsBreadth:
        reject()


@pytest.mark.parametrize("kind", ["quotes", "bars"])
def test_the_engine_reports_what_the_rules_say_and_its_books_are_exact(kind: str) -> None:
    seen = Seen()

    @examples(150)
    @given(lives(kind), st.lists(st.integers(1, 40), max_size=3))
    def check(life: Life, cuts: list[int]) -> None:
        desk = lived(life)
        seen.take(desk.events)
        for banded in (True, False):
            events, account = desk.again(banded, cuts)
            assert events == desk.events and account == desk.account

    check()
    missed = ALWAYS - set(seen.reasons) - (set() if kind == "quotes" else RARE)
    assert not missed, f"the lives never met {missed}"
