"""The fill rules, one by one: 15 to 18 and 27, stops that move, orders that wait for two prices, changes."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.events import Modified, Rejected
from tests.venue.desk import Desk
from tests.venue.read import EUR, deals, in_bars, kinds, opened, reasons, stops
from tests.venue.worlds import SECOND

# 15. Trailing stops and break-even.


def test_rule_15_a_trailing_stop_follows_the_bid_and_never_goes_back() -> None:
    desk = opened(1, trail=0.001)
    seen = []
    for bid in (1.1, 1.102, 1.1015, 1.1025, 1.1016):
        desk.quote(bid, bid + 0.0002)
        seen += stops(desk)
    assert seen == [1.099, 1.101, 1.101, 1.1015, 1.1015]
    assert deals(desk.quote(1.1015, 1.1017)) == [(-1, 1.1015, "out", "stop_loss")]


def test_rule_15_a_short_mirrors_it_on_the_ask() -> None:
    desk = opened(-1, trail=0.001)
    for ask in (1.098, 1.0985):
        assert desk.quote(ask - 0.0002, ask) == [] and stops(desk) == [1.099]
    assert deals(desk.quote(1.0988, 1.099)) == [(1, 1.099, "out", "stop_loss")]


def test_rule_15_a_trailing_stop_starts_where_it_is_told_to() -> None:
    """Entry 1.1002, start 0.0010 above: at a bid of 1.1012, not of 1.1011. Until then the stop given holds."""
    desk = opened(1, trail=0.001, trail_start=0.001, stop=1.09)
    desk.quote(1.1011, 1.1013)
    assert stops(desk) == [1.09]
    desk.quote(1.1012, 1.1014)
    assert stops(desk) == [1.1002]


def test_rule_15_a_trailing_stop_moves_by_its_step_at_least() -> None:
    desk = opened(1, trail=0.001, trail_step=0.0005)
    seen = []
    for bid in (1.1004, 1.1005, 1.1009, 1.1011):
        desk.quote(bid, bid + 0.0002)
        seen += stops(desk)
    assert seen == [1.099, 1.0995, 1.0995, 1.1001]


def test_rule_15_break_even_locks_the_entry_once_it_is_far_enough() -> None:
    for lock, stop in ((None, 1.1002), (0.0003, 1.1005)):
        desk = opened(1, stop=1.09, even_at=0.001, even_lock=lock)
        desk.quote(1.1011, 1.1013)
        assert stops(desk) == [1.09]
        desk.quote(1.1012, 1.1014)
        desk.quote(1.1008, 1.101)
        assert stops(desk) == [stop]


def test_rule_15_break_even_does_not_take_back_what_trailing_has_gained() -> None:
    desk = opened(1, trail=0.001, even_at=0.001)
    desk.quote(1.103, 1.1032)
    assert stops(desk) == [1.102]


def test_rule_15_stops_move_on_the_price_grid_rounded_away_from_the_market() -> None:
    """Ticks of 0.0005: 1.1020 - 0.0007 is 1.1013, so 1.1010; for a short 1.0982 + 0.0007 is 1.0989, so 1.0990."""
    desk = opened(1, trail=0.0007, declare=[EUR | {"tick_size": 0.0005}])
    desk.quote(1.102, 1.1022)
    assert stops(desk) == [1.101]
    desk = opened(-1, trail=0.0007, declare=[EUR | {"tick_size": 0.0005}])
    desk.quote(1.098, 1.0982)
    assert stops(desk) == [1.099]


@pytest.mark.parametrize("cents", range(0, 60, 7))
def test_rule_15_a_stop_that_is_on_the_grid_in_decimals_is_not_rounded_past_it(cents: int) -> None:
    """1.10237 - 0.00023 is 1.1021399999999999 in binary, and 1.10214 on paper."""
    desk = opened(1, trail=0.00023)
    bid = round(1.1 + (200 + cents) / 1e5, 5)
    desk.quote(bid, bid + 0.0002)
    assert stops(desk) == [round(bid - 0.00023, 5)]


def test_rule_15_a_moved_stop_is_judged_from_the_next_quote_on() -> None:
    """A trail shorter than the spread: the stop comes to stand inside it, and is met by the next quote."""
    desk = opened(1, trail=0.0001)
    assert stops(desk) == [1.0999]
    assert desk.quote(1.101, 1.1012) == [] and stops(desk) == [1.1009]
    assert deals(desk.quote(1.1009, 1.1011)) == [(-1, 1.1009, "out", "stop_loss")]


def test_rule_15_in_a_pessimistic_bar_the_stop_is_judged_as_it_was_then_moved_then_judged_again() -> None:
    """Trail 0.0050. Low 1.0940 meets the old stop at 1.0950; low 1.0960 only the moved one at 1.1100 - 0.0050."""
    for low, price in ((1.094, 1.095), (1.096, 1.105)):
        desk = in_bars(1, trail=0.005)
        assert deals(desk.bar(1.1, 1.11, low, 1.108)) == [(-1, price, "out", "stop_loss")]
    desk = in_bars(1, trail=0.005)
    assert desk.bar(1.108, 1.11, 1.1055, 1.108) == [] and stops(desk) == [1.105]


def test_rule_15_what_trails_is_what_the_order_said_not_a_trailing_stop_orders_own_distance() -> None:
    desk = Desk()
    desk.quote(1.1, 1.1)
    desk.buy(0.1, "trailing_stop", trail=0.001)
    desk.quote(1.1, 1.1)
    assert deals(desk.quote(1.102, 1.102)) == [(1, 1.102, "in", "order")]
    desk.quote(1.103, 1.103)
    assert str(float(desk.positions[0]["stop"])) == "nan"


# 16. Stop-limit.


def test_rule_16_a_stop_limit_becomes_a_limit_on_the_quote_that_touches_it() -> None:
    desk = Desk()
    desk.quote(1.1, 1.1002)
    desk.buy(0.1, "stop_limit", 1.105, limit=1.104)
    assert kinds(desk.quote(1.1, 1.1002)) == ["Accepted"]
    assert kinds(desk.quote(1.1047, 1.1049)) == []
    assert kinds(desk.quote(1.1048, 1.105)) == ["Triggered"]
    assert deals(desk.quote(1.1037, 1.1039)) == [(1, 1.1039, "in", "order")]


def test_rule_16_it_may_fill_on_the_same_quote_and_never_worse_than_its_limit() -> None:
    for ask, expected in ((1.1055, ["Triggered", "Fill order"]), (1.107, ["Triggered"])):
        desk = Desk(slippage="5 points")
        desk.quote(1.1, 1.1002)
        desk.buy(0.1, "stop_limit", 1.105, limit=1.106)
        desk.quote(1.1, 1.1002)
        events = desk.quote(ask - 0.0002, ask)
        assert kinds(events) == expected and [d[1] for d in deals(events)] == [ask][: len(expected) - 1]


def test_rule_16_a_sell_stop_limit_mirrors_it() -> None:
    desk = Desk()
    desk.quote(1.1, 1.1002)
    desk.sell(0.1, "stop_limit", 1.095, limit=1.096)
    desk.quote(1.1, 1.1002)
    assert kinds(desk.quote(1.094, 1.0942)) == ["Triggered"]
    assert deals(desk.quote(1.096, 1.0962)) == [(-1, 1.096, "in", "order")]


def test_rule_16_triggered_inside_a_pessimistic_bar_it_rests_until_the_next_record() -> None:
    desk = Desk(kind="bars")
    desk.bar(1.1, 1.1, 1.1, 1.1)
    desk.buy(0.1, "stop_limit", 1.105, limit=1.103)
    assert kinds(desk.bar(1.1, 1.11, 1.09, 1.1)) == ["Accepted", "Triggered"]
    assert deals(desk.bar(1.104, 1.104, 1.102, 1.102)) == [(1, 1.103, "in", "order")]


# 17. If touched.


def test_rule_17_an_if_touched_order_waits_for_a_better_price_and_is_then_a_market_order() -> None:
    for ask, price in ((1.0951, None), (1.095, 1.09501), (1.09, 1.09001)):
        desk = Desk(slippage="1 points")
        desk.quote(1.1, 1.1002)
        desk.buy(0.1, "if_touched", 1.095)
        desk.quote(1.1, 1.1002)
        assert deals(desk.quote(ask - 0.0002, ask)) == ([] if price is None else [(1, price, "in", "order")])


def test_rule_17_inside_a_bar_it_fills_at_its_price_plus_slippage() -> None:
    desk = Desk(kind="bars", slippage="1 points")
    desk.bar(1.1, 1.1, 1.1, 1.1)
    desk.buy(0.1, "if_touched", 1.095)
    desk.sell(0.1, "if_touched", 1.105)
    assert [d[1] for d in deals(desk.bar(1.1, 1.11, 1.09, 1.1))] == [1.09501, 1.10499]


# 18. Trailing-stop orders.


def test_rule_18_a_trailing_stop_order_follows_the_market_and_is_a_stop_order() -> None:
    """Buy, 0.0020 away: from an ask of 1.1002 at 1.1022; the ask falls to 1.0982, the order to 1.1002."""
    desk = Desk(slippage="1 points")
    desk.quote(1.1, 1.1002)
    desk.buy(0.1, "trailing_stop", trail=0.002)
    for ask in (1.1002, 1.101, 1.0982, 1.1001):
        assert deals(desk.quote(ask - 0.0002, ask)) == []
    assert deals(desk.quote(1.1, 1.1002)) == [(1, 1.10021, "in", "order")]


def test_rule_18_a_price_of_its_own_holds_until_the_market_comes_nearer() -> None:
    desk = Desk()
    desk.quote(1.1, 1.1)
    desk.sell(0.1, "trailing_stop", 1.09, trail=0.005)
    desk.quote(1.1, 1.1)
    assert deals(desk.quote(1.0951, 1.0951)) == []
    assert deals(desk.quote(1.095, 1.095)) == [(-1, 1.095, "in", "order")]


def test_rule_18_it_moves_by_its_step_at_least() -> None:
    desk = Desk()
    desk.quote(1.1, 1.1)
    desk.buy(0.1, "trailing_stop", trail=0.002, trail_step=0.001)
    desk.quote(1.1, 1.1)
    desk.quote(1.0991, 1.0991)  # 1.1011 would be 0.0009 nearer
    assert deals(desk.quote(1.1015, 1.1015)) == []
    desk.quote(1.099, 1.099)
    assert deals(desk.quote(1.101, 1.101)) == [(1, 1.101, "in", "order")]


def test_rule_18_in_a_pessimistic_bar_it_is_judged_moved_and_judged_again() -> None:
    """At 1.1050; a low of 1.0900 moves it to 1.0950, which the bar's high of 1.1000 has passed."""
    for high, price in ((1.1, 1.095), (1.106, 1.105)):
        desk = Desk(kind="bars")
        desk.bar(1.1, 1.1, 1.1, 1.1)
        desk.buy(0.1, "trailing_stop", trail=0.005)
        assert deals(desk.bar(1.1, high, 1.09, 1.1)) == [(1, price, "in", "order")]


# 27. Changes.


def test_rule_27_a_change_of_an_order_holds_from_its_arrival_on() -> None:
    desk = Desk(change_latency="2 s")
    desk.quote(1.1, 1.1002)
    order = desk.buy(0.1, "limit", 1.09)
    desk.quote(1.1, 1.1002)
    desk.modify(order, price=1.095, stop=1.08, take_profit=1.12)
    assert desk.quote(1.0945, 1.0947) == [], "the change is still on its way"
    events = desk.quote(1.0945, 1.0947)
    assert events[0] == Modified(desk.now, "hand", "EURUSD", order, 0, 1.095, 1.08, 1.12, desk.now)
    assert deals(events) == [(1, 1.0947, "in", "order")] and stops(desk) == [1.08]


def test_rule_27_what_is_not_said_stays_as_it_is_when_the_change_arrives_and_zero_removes() -> None:
    desk = opened(1, stop=1.09, take_profit=1.12, change_latency="2 s")
    desk.modify(position=1, stop=1.095)
    desk.modify(position=1, take_profit=0.0)
    events = desk.quote(1.1, 1.1002, after=2 * SECOND)
    assert [(e.stop, e.take_profit) for e in events if isinstance(e, Modified)] == [(1.095, 1.12), (1.095, None)]


def test_rule_27_a_change_may_overtake_its_order() -> None:
    desk = Desk(latency="3 s", change_latency="1 s")
    desk.quote(1.1, 1.1002)
    order = desk.buy(0.1, "limit", 1.09)
    desk.modify(order, price=1.095)
    assert kinds(desk.quote(1.1, 1.1002)) == ["Modified"]
    assert kinds(desk.quote(1.0945, 1.0947, after=2 * SECOND)) == ["Accepted", "Fill order"]


def test_rule_27_trail_and_break_even_of_a_position_can_be_set_and_removed() -> None:
    desk = opened(1)
    desk.modify(position=1, trail=0.001)
    desk.quote(1.102, 1.1022)
    assert stops(desk) == [1.101]
    desk.modify(position=1, trail=0.0)
    desk.quote(1.104, 1.1042)
    assert stops(desk) == [1.101]


def test_rule_27_a_changed_expiry_is_the_one_that_counts() -> None:
    for seconds, expected in ((9, []), (2, ["expired"])):
        desk = Desk()
        desk.quote(1.1, 1.1002)
        order = desk.buy(0.1, "limit", 1.09, expires=desk.now + 3 * SECOND)
        desk.quote(1.1, 1.1002)
        desk.modify(order, expires=desk.now + seconds * SECOND)
        desk.quote(1.1, 1.1002)
        assert reasons(desk.quote(1.1, 1.1002)) == expected


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"position": 1, "stop": 1.1}, "invalid stops"),  # at the bid
        ({"position": 1, "take_profit": 1.0999}, "invalid stops"),
        ({"position": 1, "stop": 1.09, "take_profit": 1.12}, "no changes"),
        ({"position": 1}, "no changes"),
        ({"order": 2, "price": 0.0}, "invalid price"),
        ({"order": 2, "price": 1.05}, "no changes"),
        ({"order": 2, "price": 1.05004}, None),
        ({"order": 2, "stop": 1.051}, "invalid stops"),
        ({"position": 1, "stop": 1.0999}, None),
    ],
)
def test_rule_27_a_change_that_cannot_be_is_refused_and_everything_stays(
    change: dict[str, Any], reason: str | None
) -> None:
    desk = opened(1, stop=1.09, take_profit=1.12)
    desk.buy(0.1, "limit", 1.05)
    desk.quote(1.1, 1.1002)
    desk.modify(**change)
    events = desk.quote(1.1, 1.1002)
    if reason is None:
        assert [type(e) for e in events] == [Modified]
        return
    order, position = change.get("order", 0), change.get("position", 0)
    assert events == [Rejected(desk.now, "hand", "EURUSD", order, reason, desk.now, 1, position)]
    assert stops(desk) == [1.09] and desk.modify(order or 2, price=1.06) == []
    assert kinds(desk.quote(1.1, 1.1002)) == ["Modified"], "and it can still be changed"


def test_rule_27_a_price_between_two_ticks_is_rounded_before_it_is_compared() -> None:
    desk = Desk(declare=[EUR | {"tick_size": 0.0005}])
    desk.quote(1.1, 1.1)
    order = desk.buy(0.1, "limit", 1.05)
    desk.quote(1.1, 1.1)
    desk.modify(order, price=1.0501)
    assert reasons(desk.quote(1.1, 1.1)) == ["no changes"]


def test_rule_27_what_is_gone_when_a_change_arrives_or_never_was_cannot_be_changed() -> None:
    desk = opened(1, change_latency="2 s")
    order = desk.buy(0.1, "limit", 1.05)
    desk.quote(1.1, 1.1002)
    desk.close(1)
    desk.cancel(order)
    desk.modify(order, price=1.06)
    desk.modify(position=1, stop=1.05)
    assert reasons(desk.quote(1.1, 1.1002)) == []
    assert reasons(desk.quote(1.1, 1.1002)) == ["canceled", "no such order", "position is not open"]
    at = desk.now + 2 * SECOND
    assert desk.modify(order, price=1.07) == [Rejected(at, "hand", "", order, "no such order", at)]
    assert desk.modify(position=1, stop=1.07) == [Rejected(at, "hand", "", 0, "position is not open", at, 0, 1)]


def test_rule_27_inside_the_freeze_level_nothing_is_changed_or_cancelled() -> None:
    """Freeze level 0.0010: an order at 1.0993 is 0.0009 from the ask, one at 1.0992 is not nearer than allowed."""
    for price, expected in ((1.0993, ["frozen"]), (1.0992, ["canceled"])):
        desk = Desk(declare=[EUR | {"freeze_level": 100}])
        desk.quote(1.1, 1.1002)
        order = desk.buy(0.1, "limit", price)
        desk.quote(1.1, 1.1002)
        desk.cancel(order)
        assert reasons(desk.quote(1.1, 1.1002)) == expected
        if expected == ["frozen"]:
            desk.modify(order, price=1.08)
            assert reasons(desk.quote(1.1, 1.1002)) == expected


def test_rule_27_a_refused_cancel_says_that_the_order_stays() -> None:
    desk = Desk(declare=[EUR | {"freeze_level": 100}])
    desk.quote(1.1, 1.1002)
    order = desk.buy(0.1, "limit", 1.1)
    desk.quote(1.1, 1.1002)
    desk.cancel(order)
    assert desk.quote(1.1, 1.1002) == [Rejected(desk.now, "hand", "EURUSD", order, "frozen", desk.now, -1)]
    assert deals(desk.quote(1.0998, 1.1)) == [(1, 1.1, "in", "order")]


def test_rule_27_a_position_whose_stop_or_target_is_near_the_market_is_frozen() -> None:
    for bid, expected in ((1.0909, ["frozen"]), (1.091, []), (1.1191, ["frozen"])):
        desk = opened(1, stop=1.09, take_profit=1.12, declare=[EUR | {"freeze_level": 100}])
        desk.modify(position=1, stop=1.08)
        assert reasons(desk.quote(bid, bid + 0.0002)) == expected
