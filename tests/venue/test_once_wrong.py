"""What these tests have found wrong in the venue, so that it stays right."""

from __future__ import annotations

import pytest

from engine.core.events import Canceled, Fill, Order, Rejected
from tests.venue.desk import SECOND, Desk


def test_an_order_that_expires_on_its_way_is_gone_by_its_expiry_and_not_later() -> None:
    desk = Desk(latency="7 s")
    desk.quote(1.1, 1.1)
    order = desk.buy(0.1, "limit", 1.09, expires=desk.now + 3 * SECOND)
    assert desk.quote(1.1, 1.1, after=2 * SECOND) == []
    assert desk.quote(1.1, 1.1) == [Canceled(desk.now, "hand", "EURUSD", order, "expired", desk.now)]


def test_equity_of_a_symbol_that_converts_itself_follows_the_rate_at_every_quote() -> None:
    """One symbol, its profit converted through its own quote: 0.10 lots at 150.00, now 165.00.

    15.00 x 10,000 = 150,000 JPY, / 165.00 = 909.09 USD; at the rate of the entry it would be 1,000.00.
    """
    desk = Desk("USDJPY")
    desk.quote(150.0, 150.0)
    desk.buy(0.1)
    desk.quote(150.0, 150.0)
    for price in (155.0, 160.0, 165.0):
        desk.quote(price, price)
    assert desk.equity == pytest.approx(10_000 + 150_000 / 165)
    assert desk.again(banded=True) == desk.again(banded=False)


def test_an_order_cannot_close_a_position_of_another_symbol_at_its_own_price() -> None:
    """1,000 EUR bought at 1.10 and 'closed' at the price of gold would have earned 1,998,900 USD."""
    desk = Desk("EURUSD", "XAUUSD")
    desk.quote(1.1, 1.1, "EURUSD")
    desk.quote(2_000.0, 2_000.0, "XAUUSD")
    desk.buy(0.01)
    desk.quote(1.1, 1.1, "EURUSD")
    order = desk.sell(0.01, symbol="XAUUSD", position=1)
    events = desk.quote(2_000.0, 2_000.0, "XAUUSD")
    assert events == [Canceled(desk.now, "hand", "XAUUSD", order, "position closed", desk.now)]
    assert len(desk.positions) == 1 and desk.balance == 10_000.0


@pytest.mark.parametrize("units", [0.0, -1_000.0])
@pytest.mark.parametrize("position", [0, 1])
def test_an_order_for_nothing_or_less_is_refused_even_if_it_names_a_position(units: float, position: int) -> None:
    """A close of -0.01 lots made the position grow without a price being paid."""
    desk = Desk()
    desk.quote(1.1, 1.1)
    desk.buy(0.01)
    desk.quote(1.1, 1.1)
    desk.say(Order(desk.now, "hand", "EURUSD", -1, units, position=position, id=2))
    assert desk.quote(1.1, 1.1) == [Rejected(desk.now, "hand", "EURUSD", 2, "volume below the minimum", desk.now)]
    assert desk.positions["steps"].tolist() == [1]


@pytest.mark.parametrize("kind", ["limit", "stop"])
def test_an_ask_that_is_a_bid_and_a_spread_touches_what_it_touches_on_paper(kind: str) -> None:
    """149.92 + 0.01 is 149.92999999999998 in binary: an order at 149.93 was filled late, or not at all."""
    for cents in range(14_900, 14_960):
        desk = Desk("USDJPY", kind="bars", currency="JPY", balance=1_000_000.0)
        far = cents / 100 + (1 if kind == "limit" else -1)
        desk.bar(far, far, far, far, 0.01)
        desk.buy(0.01, kind, (cents + 1) / 100)
        desk.bar(far, far, far, far, 0.01)
        path = (far, far, cents / 100, far) if kind == "limit" else (far, cents / 100, far, far)
        desk.bar(*path, 0.01)
        assert [f.price for f in desk.fills] == [(cents + 1) / 100]
        assert desk.again(banded=True) == desk.again(banded=False) == (desk.events, desk.account)


def test_slippage_leaves_no_binary_noise_in_a_price() -> None:
    desk = Desk(slippage="1 points")
    desk.quote(1.1, 1.1003)
    desk.buy(0.01)
    desk.quote(1.1, 1.1003)
    assert [f.price for f in desk.fills] == [1.10031]  # 1.1003 + 0.00001 is 1.1003100000000001


def test_a_record_leaves_at_most_two_equity_samples_however_often_it_ends_flat() -> None:
    """A block has room for two a record. Twenty orders that open and close in turn wrote ten, and beyond the end."""
    desk = Desk(mode="netting")
    desk.quote(1.1, 1.1)
    for _ in range(10):
        desk.buy(0.01)
        desk.sell(0.01)
    desk.quote(1.1, 1.1)
    samples = desk.venue.drain_samples()
    assert len(desk.fills) == 20 and len(desk.positions) == 0
    assert samples["ts"].tolist() == [desk.now] and samples["equity"].tolist() == [10_000.0]


@pytest.mark.parametrize("lots", [0.01, 99.99, 499.99])
@pytest.mark.parametrize("ticks", [-37, 40, 41, 1_000])
def test_a_tie_is_half_away_from_zero_however_large_the_position(lots: float, ticks: int) -> None:
    """Half a point of slippage on an odd number of steps is half a cent; with 100 lots floats lost it in the noise."""
    for k in range(12):
        first = round(1.1 + k * 0.00137, 5)
        last = round(first + ticks * 0.00001, 5)
        desk = Desk(balance=1e9, leverage=1_000.0, slippage="0.5 points")
        desk.quote(first, first)
        desk.buy(lots)
        desk.quote(first, first)
        desk.close(1, None, "limit", 1.0)
        [_, fill] = desk.quote(last, last)
        steps = round(lots * 100)
        cents = steps * (ticks - 0.5)  # 1,000 units x 0.00001 = 1 cent
        assert cents % 1 == 0.5
        assert isinstance(fill, Fill)
        assert round(fill.profit * 100) == (cents + 0.5 if cents > 0 else cents - 0.5)


def test_that_there_is_no_order_to_cancel_is_not_known_before_the_venue_could_have_said_so() -> None:
    """The answer came at once: it told of a fill whose report was still on its way."""
    desk = Desk(latency="50 ms", back="30 ms")
    desk.quote(1.1, 1.1)
    answer = desk.cancel(7)
    asked = desk.now + 50_000_000
    assert answer == [Rejected(asked + 30_000_000, "hand", "", 7, "no such order", asked)]
