"""What a strategy may ask of the venue by itself: orders that can be meant, of its own and nobody else's."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import OnetapeError
from engine.core.events import Cancel, CloseBy, Modify, Order
from engine.kernels.book import FILLINGS, ORDER_KINDS
from engine.risk.orders import DISTANCES, check_change, check_order, faults, mistakes, unlikely
from tests.risk.test_limits import owning, risk_of, started


def order(**given: Any) -> Order:
    return Order(1, "hand", "EURUSD", **{"side": 1, "units": 1_000.0} | given)


LIMITS = {"kind": "limit", "price": 1.1}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kind": "stop_limit", "price": 1.1}, "a stop_limit order needs a limit"),
        ({"kind": "stop_limit", "price": 1.1, "limit": math.nan}, "a stop_limit order needs a limit"),
        ({"kind": "stop_limit", "limit": 1.1}, "a stop_limit order needs a price"),
        ({**LIMITS, "limit": 1.1}, "a limit order has no limit"),
        ({"kind": "trailing_stop", "price": 1.1}, "a trailing_stop order needs a trail"),
        ({"kind": "trailing_stop", "trail": 0.001, "price": -1.1}, "price -1.1: a price is above 0"),
        ({"kind": "if_touch", "price": 1.1}, "did you mean if_touched"),
        ({"filling": "fill_or_kill"}, "filling 'fill_or_kill'"),
        ({"filling": "Fok"}, "did you mean fok"),
        ({"filling": "post_only"}, "a market order cannot be post_only"),
        ({"units": -1.0}, "units -1"),
        ({"units": math.nan}, "units nan"),
        ({"trail": 0.0}, "trail 0: it is a distance in price, above 0"),
        ({"trail": -0.001}, "trail -0.001"),
        ({"trail": math.inf}, "trail inf"),
        ({"trail": math.nan}, "trail nan"),
        ({"trail": 0.001, "trail_step": -0.001}, "trail_step -0.001: it is a distance in price, 0 or above"),
        ({"trail_start": 0.001}, "trail_start means nothing without trail"),
        ({"even_lock": 0.001}, "even_lock means nothing without even_at"),
        ({"even_at": 0.001, "even_lock": 0.001}, "even_lock 0.001 must be below even_at 0.001"),
        ({"day": True, "expires": 5}, "say one of both"),
        ({"expires": -1}, "not below 0"),
        ({"parent": -1}, "not below 0"),
        ({"deviation": -0.1}, "deviation -0.1"),
        ({**LIMITS, "deviation": 0.1}, "a limit order has no deviation"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_an_order_that_cannot_be_meant_is_one_clear_error(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(OnetapeError, match="strategy hand, order for EURUSD: ") as error:
        check_order(order(**wrong))
    assert says in str(error.value) and "\n" not in str(error.value)


@given(
    st.sampled_from(ORDER_KINDS), st.sampled_from(FILLINGS), st.booleans(), st.floats(0.001, 0.1), st.floats(0.0, 0.9),
    st.sets(st.sampled_from(DISTANCES)),
)  # fmt: skip
def test_what_can_be_meant_passes(
    kind: str, filling: str, day: bool, distance: float, share: float, names: set[str]
) -> None:
    values: dict[str, Any] = {"kind": kind, "filling": filling, "day": day}
    values |= dict.fromkeys(names, distance) | ({"trail": distance} if kind == "trailing_stop" else {})
    if "even_lock" in names:
        values |= {"even_at": distance, "even_lock": share * distance}
    if names & {"trail_step", "trail_start"}:
        values["trail"] = distance
    values |= {"price": 1.1} if kind != "market" and (kind != "trailing_stop" or day) else {}
    values |= {"deviation": distance} if kind == "market" else {}
    values |= {"limit": 1.1} if kind == "stop_limit" else {}
    if filling == "post_only" and kind not in ("limit", "stop_limit"):
        values["filling"] = "ioc"
    made = order(**values)
    assert [*faults(made), *unlikely(made)] == []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({}, "name an order or a position"),
        ({"order": 1, "position": 2}, "one of both, not order 1 and position 2"),
        ({"order": -1}, "name an order or a position"),
        ({"position": 1, "price": 1.1}, "a position has no price to change"),
        ({"position": 1, "expires": 5}, "a position has no expires to change"),
        ({"order": 1, "even_at": 0.1}, "an order has no even_at to change"),
        ({"order": 1, "price": 0.0}, "price 0: a price is above 0"),
        ({"order": 1, "stop": -1.0}, "stop -1: a price is above 0 (0 removes it)"),
        ({"order": 1, "take_profit": math.nan}, "take_profit nan"),
        ({"order": 1, "expires": -5}, "expires is not below 0"),
        ({"position": 1, "trail": -0.1}, "trail -0.1: it is a distance in price, 0 or above"),
        ({"position": 1, "even_at": 0.1, "even_lock": 0.2}, "even_lock 0.2 must be below even_at 0.1"),
    ],
)
def test_a_change_that_cannot_be_meant_is_one_clear_error(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(OnetapeError, match="strategy hand, Modify: ") as error:
        check_change(Modify(1, "hand", **wrong))
    assert says in str(error.value)


def test_a_change_may_remove_what_is_set_and_say_nothing_of_the_rest() -> None:
    meant = [
        Modify(1, "hand", order=1, price=1.1, limit=1.1, stop=0.0, take_profit=0.0, expires=0, trail=0.0),
        Modify(1, "hand", position=1, stop=0.0, trail=0.0, trail_step=0.0, even_at=0.0, even_lock=0.0),
        Modify(1, "hand", position=1, even_lock=0.001),
        Modify(1, "hand", order=1),
        Cancel(1, "hand", 10**9),
        CloseBy(1, "hand", 1, 2),
    ]
    assert [told for wish in meant for told in mistakes(wish)] == []


@pytest.mark.parametrize(("position", "by"), [(1, 1), (0, 1), (1, 0), (-1, 2)])
def test_closing_by_needs_two_positions(position: int, by: int) -> None:
    with pytest.raises(OnetapeError, match=f"CloseBy: name two positions, not {position} and {by}"):
        check_change(CloseBy(1, "hand", position, by))


def test_a_strategy_reaches_its_own_orders_and_positions_only() -> None:
    desk = owning(0.1)
    desk.buy(0.1, "limit", 1.05)
    number, position = desk.orders, int(desk.venue.book[3]["id"][0])
    risk = risk_of(desk)
    for who, allowed in (("hand", True), ("other", False)):
        wishes = [
            Cancel(desk.now, who, number), Modify(desk.now, who, number, price=1.04),
            Modify(desk.now, who, position=position, stop=1.0), CloseBy(desk.now, who, position, 77),
            CloseBy(desk.now, who, 77, position),
        ]  # fmt: skip
        for wish in wishes:
            if allowed:
                assert risk.on_change(wish) is None
                continue
            with pytest.raises(OnetapeError, match=r"strategy other: (order|position) \d+ is hand's, not its own"):
                risk.on_change(wish)


def test_what_is_gone_or_was_never_there_is_for_the_venue_to_say() -> None:
    risk = risk_of(started())
    for wish in (Cancel(1, "hand", 10**9), Modify(1, "other", 5, price=1.0), Modify(1, "hand", position=5, stop=1.0)):
        assert risk.on_change(wish) is None


def test_an_order_waits_for_one_that_was_sent_and_is_its_own() -> None:
    desk = started()
    risk = risk_of(desk)
    first = risk.on_order(order(kind="limit", price=1.05))
    assert isinstance(first, Order)
    desk.venue.on_order(first)
    parent = first.id
    passed = risk.on_order(order(parent=parent, kind="stop_limit", price=1.2, limit=1.2000049))
    assert isinstance(passed, Order) and (passed.parent, passed.limit) == (parent, 1.2)
    assert isinstance(risk.on_order(order(parent=passed.id)), Order), "a chain of orders, the first on its way"
    with pytest.raises(OnetapeError, match=rf"there is no order {passed.id + 2} to wait for"):
        risk.on_order(order(parent=passed.id + 2))
    with pytest.raises(OnetapeError, match=rf"strategy other: order {parent} is hand's, not its own"):
        risk.on_order(Order(1, "other", "EURUSD", 1, 1_000.0, parent=parent))


@settings(max_examples=100)
@given(st.data())
def test_no_mistake_gets_through_unnamed(data: st.DataObject) -> None:
    """Whatever numbers a change holds: it passes, or the error names a field of it; never another exception."""
    numbers = st.none() | st.floats() | st.sampled_from([0.0, 1.1, -1.0])
    fields = ("price", "limit", "stop", "take_profit", *DISTANCES)
    wish = Modify(
        1, "hand", data.draw(st.integers(-1, 2)), data.draw(st.integers(-1, 2)),
        expires=data.draw(st.none() | st.integers(-2, 2)), **{name: data.draw(numbers) for name in fields},
    )  # fmt: skip
    told = list(mistakes(wish))
    given_values = [getattr(wish, name) for name in fields if getattr(wish, name) is not None]
    if any(not 0.0 <= value < math.inf for value in given_values):
        assert told
    assert all(any(word in text for word in (*fields, "order", "position", "expires")) for text in told)
