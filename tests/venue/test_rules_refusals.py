"""The fill rules, one by one: 9 and 13, what is refused and when nothing is open."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.events import Canceled, Fill, Rejected
from tests.venue.desk import Desk
from tests.venue.lives import HOUR
from tests.venue.read import EUR, deals, kinds, lots, opened, reasons
from tests.venue.worlds import SECOND, START

# 9. The venue refuses volumes outside its limits, stops on the wrong side, what is not paid for or convertible.


@pytest.mark.parametrize(
    ("volume", "reason"), [(0.01, "below the minimum"), (0.02, ""), (0.5, ""), (0.51, "above the maximum")]
)
def test_rule_9_the_venue_refuses_volumes_outside_its_limits(volume: float, reason: str) -> None:
    limits = {"base_currency": "EUR", "profit_currency": "USD", "digits": 5, "volume_min": 0.02, "volume_max": 0.5}
    desk = Desk(declare=[{"symbol": "EURUSD", **limits}])
    desk.quote(1.1, 1.1)
    desk.buy(volume)
    assert reasons(desk.quote(1.1, 1.1)) == ([f"volume {reason}"] if reason else [])


@pytest.mark.parametrize(
    ("side", "stop", "take_profit", "fine"),
    [
        (1, 1.0999, None, True), (1, 1.1000, None, False), (1, None, 1.1001, True), (1, None, 1.1000, False),
        (-1, 1.1003, None, True), (-1, 1.1002, None, False), (-1, None, 1.1001, True), (-1, None, 1.1002, False),
    ],
)  # fmt: skip
def test_rule_9_stops_of_a_market_order_are_judged_from_the_side_it_would_leave_by(
    side: int, stop: float | None, take_profit: float | None, fine: bool
) -> None:
    desk = Desk()
    desk.quote(1.1, 1.1002)
    desk.order(side, 0.1, stop=stop, take_profit=take_profit)
    assert reasons(desk.quote(1.1, 1.1002)) == ([] if fine else ["invalid stops"])


def test_rule_9_stops_of_a_resting_order_are_judged_from_its_own_price() -> None:
    desk = Desk()
    desk.quote(1.1, 1.1002)
    desk.buy(0.1, "limit", 1.09, stop=1.0950)
    desk.buy(0.1, "limit", 1.09, stop=1.0890, take_profit=1.0910)
    assert reasons(desk.quote(1.1, 1.1002)) == ["invalid stops"]


def test_rule_9_the_venue_refuses_what_the_free_margin_does_not_carry() -> None:
    """Leverage 30, 1,000 USD: 0.27 lots need 27,000 x 1.1 / 30 = 990, 0.28 lots 1,026.67."""
    for volume, expected in ((0.27, []), (0.28, ["not enough money"])):
        desk = Desk(balance=1_000.0)
        desk.quote(1.1, 1.1)
        desk.buy(volume)
        assert reasons(desk.quote(1.1, 1.1)) == expected


def test_rule_9_margin_is_freed_by_an_exit_in_the_same_record() -> None:
    desk = Desk(balance=1_000.0)
    desk.quote(1.1, 1.1)
    desk.buy(0.2, take_profit=1.101)
    desk.quote(1.1, 1.1)
    desk.buy(0.2)
    assert deals(desk.quote(1.101, 1.101)) == [(-1, 1.101, "out", "take_profit"), (1, 1.101, "in", "order")]


def test_rule_9_the_venue_refuses_what_it_cannot_convert_yet() -> None:
    desk = Desk("GBPJPY", "USDJPY")
    desk.quote(190.0, 190.02)
    desk.buy(0.1)
    assert reasons(desk.quote(190.0, 190.02)) == ["no conversion rate"]
    desk.quote(150.0, 150.02, "USDJPY")
    desk.buy(0.1)
    assert reasons(desk.quote(190.0, 190.02)) == []


@pytest.mark.parametrize(
    ("status", "buys", "sells"),
    [
        ("full", [], []), ("disabled", ["trading disabled"], ["trading disabled"]),
        ("close_only", ["close only"], ["close only"]), ("long_only", [], ["long only"]),
        ("short_only", ["short only"], []),
    ],
)  # fmt: skip
def test_rule_9_the_status_of_a_symbol_says_what_may_be_opened(status: str, buys: list[str], sells: list[str]) -> None:
    for side, expected in ((1, buys), (-1, sells)):
        desk = Desk(declare=[EUR | {"status": status}])
        desk.quote(1.1, 1.1)
        desk.order(side, 0.1)
        assert reasons(desk.quote(1.1, 1.1)) == expected


def test_rule_9_on_a_long_only_netting_account_a_sale_may_reduce_but_not_turn_round() -> None:
    for volume, expected in ((0.1, []), (0.11, ["long only"])):
        desk = opened(1, mode="netting", declare=[EUR | {"status": "long_only"}])
        desk.sell(volume)
        assert reasons(desk.quote(1.1, 1.1002)) == expected


def test_rule_9_a_named_close_passes_whatever_the_status_and_may_be_small_but_not_nothing() -> None:
    desk = opened(1, declare=[EUR | {"status": "long_only", "volume_min": 0.05}])
    desk.close(1, lots=0.01)
    assert lots(desk.quote(1.1, 1.1002)) == [0.01]


def test_rule_9_a_close_of_more_than_is_held_is_cut_to_it() -> None:
    desk = opened(1, declare=[EUR | {"volume_max": 0.2}])
    desk.close(1, lots=5.0)
    events = desk.quote(1.1, 1.1002)
    assert lots(events) == [0.1] and isinstance(events[0], Fill) and events[0].left == 0.0


def test_rule_9_open_and_working_lots_of_one_side_stay_within_the_volume_limit() -> None:
    """0.10 open, 0.15 resting: 0.05 more of the same side, any of the other."""
    desk = opened(1, declare=[EUR | {"volume_limit": 0.3}])
    desk.buy(0.15, "limit", 1.05)
    desk.quote(1.1, 1.1002)
    desk.buy(0.06)
    desk.sell(0.3, "limit", 1.2)
    desk.buy(0.05)
    assert kinds(desk.quote(1.1, 1.1002)) == ["Rejected volume limit", "Accepted", "Fill order"]


def test_rule_9_the_account_holds_so_many_resting_orders_and_no_more() -> None:
    desk = Desk(max_orders=2)
    desk.quote(1.1, 1.1002)
    for _ in range(3):
        desk.buy(0.1, "limit", 1.05)
    desk.buy(0.1)
    assert kinds(desk.quote(1.1, 1.1002)) == ["Accepted", "Accepted", "Rejected too many orders", "Fill order"]


def test_rule_9_a_price_off_the_grid_is_rounded_to_it() -> None:
    """Ticks of 0.0005: 1.09513 is 1.0950, so an ask of 1.0951 does not fill it."""
    desk = Desk(declare=[EUR | {"tick_size": 0.0005}])
    desk.quote(1.1, 1.1)
    desk.buy(0.1, "limit", 1.09513)
    desk.quote(1.1, 1.1)
    assert deals(desk.quote(1.0951, 1.0951)) == []
    assert deals(desk.quote(1.0950, 1.0950)) == [(1, 1.0950, "in", "order")]


@pytest.mark.parametrize(
    "order",
    [
        {"kind": "stop_limit", "price": 1.105}, {"kind": "limit"}, {"kind": "stop"}, {"kind": "if_touched"},
        {"kind": "trailing_stop"}, {"kind": "trailing_stop", "price": 1.105},
    ],
)  # fmt: skip
def test_rule_9_a_pending_order_without_what_it_waits_for_has_an_invalid_price(order: dict[str, Any]) -> None:
    desk = Desk()
    desk.quote(1.1, 1.1)
    desk.buy(0.1, **order)
    assert reasons(desk.quote(1.1, 1.1)) == ["invalid price"]


@pytest.mark.parametrize(
    ("takes", "order", "reason"),
    [
        ({"orders": ["market"]}, {"kind": "limit", "price": 1.05}, "unsupported kind"),
        ({"orders": ["market", "limit"]}, {"kind": "limit", "price": 1.05}, None),
        ({"filling": ["fok"]}, {"filling": "ioc"}, "unsupported filling"),
        ({"filling": ["fok"]}, {"filling": "fok"}, None),
        ({"expiration": ["gtc"]}, {"kind": "limit", "price": 1.05, "day": True}, "unsupported expiration"),
        ({"expiration": ["day"]}, {"kind": "limit", "price": 1.05, "day": True}, None),
        ({"expiration": ["day"]}, {"kind": "limit", "price": 1.05}, "unsupported expiration"),
    ],
)
def test_rule_9_what_the_instrument_does_not_take_is_unsupported(
    takes: dict[str, Any], order: dict[str, Any], reason: str | None
) -> None:
    desk = Desk(declare=[EUR | takes])
    desk.quote(1.1, 1.1)
    desk.buy(0.1, **order)
    assert reasons([e for e in desk.quote(1.1, 1.1) if not isinstance(e, Fill)]) == ([reason] if reason else [])


@pytest.mark.parametrize(
    ("side", "stop", "take_profit", "fine"),
    [
        (1, 1.0990, None, True), (1, 1.0991, None, False), (1, None, 1.1010, True), (1, None, 1.1009, False),
        (-1, 1.1012, None, True), (-1, 1.1011, None, False), (-1, None, 1.0992, True), (-1, None, 1.0993, False),
    ],
)  # fmt: skip
def test_rule_9_stops_keep_the_brokers_distance_from_the_side_the_position_would_leave_by(
    side: int, stop: float | None, take_profit: float | None, fine: bool
) -> None:
    desk = Desk(declare=[EUR | {"stops_level": 100}])
    desk.quote(1.1, 1.1002)
    desk.order(side, 0.1, stop=stop, take_profit=take_profit)
    assert reasons([e for e in desk.quote(1.1, 1.1002) if isinstance(e, Rejected)]) == (
        [] if fine else ["invalid stops"]
    )


def test_rule_9_a_resting_order_keeps_the_distance_too_and_its_stops_keep_it_from_its_price() -> None:
    desk = Desk(declare=[EUR | {"stops_level": 100}])
    desk.quote(1.1, 1.1002)
    desk.buy(0.1, "limit", 1.0993)  # 0.0009 from the ask
    desk.buy(0.1, "limit", 1.0992)
    desk.sell(0.1, "limit", 1.1009)  # 0.0009 from the bid
    desk.buy(0.1, "limit", 1.09, stop=1.0891)
    desk.buy(0.1, "stop_limit", 1.105, limit=1.104, stop=1.103)
    assert kinds(desk.quote(1.1, 1.1002)) == [
        "Rejected invalid price", "Accepted", "Rejected invalid price", "Rejected invalid stops", "Accepted"
    ]  # fmt: skip


def test_rule_9_an_order_is_worth_at_least_so_much() -> None:
    """0.01 lots at 1.09 are 1,090 dollars, at 1.11 1,110."""
    desk = Desk(declare=[EUR | {"notional_min": 1_100.0}])
    desk.quote(1.1, 1.1)
    desk.buy(0.01, "limit", 1.09)
    desk.sell(0.01, "limit", 1.11)
    assert kinds(desk.quote(1.1, 1.1)) == ["Rejected value below the minimum", "Accepted"]


def test_rule_9_the_first_refusal_that_holds_is_the_one_that_is_told() -> None:
    """Wrong in everything; put right one by one, of the instrument or of the order."""
    terms: dict[str, Any] = {
        "status": "close_only", "volume_min": 0.05, "volume_limit": 0.06, "orders": ["market"], "filling": ["fok"],
        "stops_level": 100,
    }  # fmt: skip
    order: dict[str, Any] = {"price": None, "stop": 1.0994}
    told = []
    for right in ("", "status", "volume_min", "volume_limit", "price", "orders", "filling", "stop", "stops_level"):
        terms.pop(right, None)
        order |= {"price": {"price": 1.0995}, "stop": {"stop": 1.0}}.get(right, {})
        desk = Desk(declare=[EUR | terms])
        desk.quote(1.1, 1.1)
        desk.buy(0.04 if "volume_min" in terms else 0.1, "limit", filling="ioc", **order)
        told += reasons(desk.quote(1.1, 1.1))
    assert told == [
        "close only", "volume below the minimum", "volume limit", "invalid price", "unsupported kind",
        "unsupported filling", "invalid stops", "invalid price", "no liquidity",
    ]  # fmt: skip


# 13. Closed times: kept as the last quote and marked, nothing else.


def test_rule_13_outside_the_sessions_nothing_fills_and_nothing_triggers() -> None:
    """Friday 17:00 in New York is 22:00 UTC. The stop lies beyond the quote of 22:00:00 and is met on Sunday only."""
    desk = opened(1, stop=1.09)
    desk.buy(0.1, "limit", 1.085)
    desk.quote(1.1, 1.1002, after=START + 12 * HOUR - SECOND - desk.now)
    assert desk.quote(1.08, 1.0802) == []
    assert desk.equity == pytest.approx(10_000 + 10_000 * (1.08 - 1.1002))
    assert kinds(desk.quote(1.07, 1.0702, after=48 * HOUR)) == ["Fill stop_loss", "Fill order"]


def test_rule_13_an_order_while_the_market_is_closed_waits_for_the_opening_and_its_latency() -> None:
    desk = Desk(latency="2 s")
    desk.quote(1.1, 1.1002, after=14 * HOUR)
    desk.buy(0.1)
    opening = START + 60 * HOUR
    assert desk.quote(1.1, 1.1002, after=opening - desk.now + SECOND) == []
    assert deals(desk.quote(1.12, 1.1202, after=SECOND)) == [(1, 1.1202, "in", "order")]


def test_rule_13_an_order_while_the_market_is_closed_is_refused_if_the_broker_does_so() -> None:
    desk = Desk(latency="2 s", back="1 s", closed="refuse")
    desk.quote(1.1, 1.1002, after=12 * HOUR - SECOND)
    desk.buy(0.1)
    at = desk.now + 2 * SECOND
    assert desk.events == [Rejected(at + SECOND, "hand", "EURUSD", 1, "market closed", at)]


def test_rule_13_in_an_outage_there_is_no_connection_for_anything() -> None:
    desk = opened(1, outages=["2024-03-01 10:00:10 - 2024-03-01 10:00:20"])
    order = desk.buy(0.1, "limit", 1.05)
    desk.quote(1.1, 1.1002)
    at = START + 12 * SECOND
    refused = [*desk.cancel(order, at), *desk.modify(position=1, stop=1.05, at=at)]
    desk.buy(0.1, at=at)
    assert refused == [
        Rejected(at, "hand", "EURUSD", order, "no connection", at, -1),
        Rejected(at, "hand", "EURUSD", 0, "no connection", at, 1, 1),
    ]
    assert desk.events[-1] == Rejected(at, "hand", "EURUSD", 3, "no connection", at)
    assert desk.quote(1.04, 1.0402, after=10 * SECOND) == []
    assert kinds(desk.quote(1.04, 1.0402, after=10 * SECOND)) == ["Fill order"]


def test_rule_13_cancels_and_changes_made_while_merely_closed_meet_the_next_open_record() -> None:
    desk = opened(1, stop=1.09)
    order = desk.buy(0.1, "limit", 1.085)
    desk.quote(1.1, 1.1002)
    desk.quote(1.1, 1.1002, after=14 * HOUR)
    desk.cancel(order)
    desk.modify(position=1, stop=1.07)
    assert desk.quote(1.08, 1.0802) == []
    assert kinds(desk.quote(1.08, 1.0802, after=48 * HOUR)) == ["Canceled canceled", "Modified"]


def test_rule_13_expiry_counts_on_through_closed_times() -> None:
    desk = Desk()
    desk.quote(1.1, 1.1002)
    order = desk.buy(0.1, "limit", 1.085, expires=desk.now + 14 * HOUR)
    desk.quote(1.1, 1.1002)
    assert desk.quote(1.08, 1.0802, after=20 * HOUR) == []
    events = desk.quote(1.08, 1.0802, after=48 * HOUR)
    assert events == [Canceled(desk.now, "hand", "EURUSD", order, "expired", desk.now)]


def test_rule_13_before_its_life_and_after_it_a_symbol_is_not_traded() -> None:
    for life in ({"starts": "2024-03-01 10:00:05"}, {"expires": "2024-03-01 10:00:00.5"}):
        desk = Desk(declare=[EUR | life])
        desk.quote(1.1, 1.1002)
        desk.buy(0.1)
        assert desk.quote(1.1, 1.1002) == [] and reasons(desk.events) == ["trading disabled"]


def test_rule_13_hours_may_be_said_not_to_matter() -> None:
    desk = Desk(hours="always")
    desk.quote(1.1, 1.1002, after=14 * HOUR)
    desk.buy(0.1)
    assert kinds(desk.quote(1.1, 1.1002)) == ["Fill order"]
