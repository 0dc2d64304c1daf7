"""The fill rules of `engine.venues.matching.match`, one by one, in its numbering: 1 to 8, what a quote does."""

from __future__ import annotations

import pytest

from engine.core.events import Accepted, Fill
from tests.venue.desk import SECOND, Desk
from tests.venue.read import deals, kinds, opened, reasons, stops

# 1. An order exists for the venue from decision time + latency.


def test_rule_1_a_quote_stamped_before_decision_plus_latency_cannot_fill_an_order() -> None:
    desk = Desk(latency="50 ms")
    desk.quote(1.1, 1.1002)
    desk.buy(0.1)
    assert desk.quote(1.05, 1.0502, after=50_000_000 - 1) == []
    assert deals(desk.quote(1.1004, 1.1006, after=1)) == [(1, 1.1006, "in", "order")]


def test_rule_1_a_resting_order_is_not_there_before_it_has_arrived() -> None:
    desk = Desk(latency="2 s")
    desk.quote(1.1, 1.1002)
    order = desk.buy(0.1, "limit", 1.09)
    assert desk.quote(1.08, 1.0802) == []
    assert desk.quote(1.1, 1.1002) == [Accepted(desk.now, "hand", "EURUSD", order, desk.now)]


def test_rule_1_without_latency_an_order_meets_a_quote_with_the_stamp_of_its_decision() -> None:
    desk = Desk()
    desk.quote(1.1, 1.1002)
    desk.buy(0.1)
    assert deals(desk.quote(1.1001, 1.1003, after=0)) == [(1, 1.1003, "in", "order")]


def test_rule_1_an_order_waits_for_a_quote_of_its_own_symbol() -> None:
    desk = Desk("EURUSD", "XAUUSD")
    desk.quote(1.1, 1.1002)
    desk.quote(2000.0, 2000.5, "XAUUSD")
    desk.buy(0.1)
    assert desk.quote(2000.0, 2000.5, "XAUUSD", after=60 * SECOND) == []
    assert deals(desk.quote(1.1, 1.1002)) == [(1, 1.1002, "in", "order")]


@pytest.mark.parametrize(("latency", "bar"), [("0 ms", 0), ("59 s", 0), ("60 s", 1), ("61 s", 2), ("120 s", 2)])
def test_rule_1_a_bars_open_fills_what_was_decided_before_if_the_latency_is_shorter_than_the_bar(
    latency: str, bar: int
) -> None:
    desk = Desk(kind="bars", latency=latency)
    desk.bar(1.1, 1.1, 1.1, 1.1)
    desk.buy(0.1)
    opens = [1.101, 1.102, 1.103]
    filled = [deals(desk.bar(price, price, price, price)) for price in opens]
    assert filled == [[(1, opens[n], "in", "order")] if n == bar else [] for n in range(3)]


def test_rule_1_an_order_decided_inside_a_bar_meets_the_next_open_only() -> None:
    desk = Desk(kind="bars")
    desk.bar(1.1, 1.1, 1.1, 1.1)
    desk.buy(0.1, at=desk.now + 20 * SECOND)
    assert desk.bar(1.2, 1.2, 1.2, 1.2) == []
    assert deals(desk.bar(1.3, 1.3, 1.3, 1.3)) == [(1, 1.3, "in", "order")]


# 2. What is due at t comes before a quote stamped t.


def test_rule_2_an_order_expired_at_t_does_not_fill_on_a_quote_stamped_t() -> None:
    for after, expected in ((10, ["expired"]), (9, [])):
        desk = Desk()
        desk.quote(1.1, 1.1002)
        desk.buy(0.1, "limit", 1.09, expires=desk.now + 10)
        desk.quote(1.1, 1.1002, after=1)
        events = desk.quote(1.08, 1.0802, after=after - 1)
        assert reasons(events) == expected
        assert deals(events) == ([] if expected else [(1, 1.0802, "in", "order")])


def test_rule_2_an_order_cancelled_by_t_does_not_fill_on_a_quote_stamped_t() -> None:
    for after, expected in ((5, ["canceled"]), (4, [])):
        desk = Desk(latency="5 ns")
        desk.quote(1.1, 1.1002)
        order = desk.buy(0.1, "limit", 1.09)
        desk.quote(1.1, 1.1002, after=10)
        desk.cancel(order)
        events = desk.quote(1.08, 1.0802, after=after)
        assert reasons(events) == expected
        assert deals(events) == ([] if expected else [(1, 1.0802, "in", "order")])


@pytest.mark.parametrize(("latency", "fills"), [("0 ms", [1.085]), ("50 ms", [1.085]), ("60 s", [1.09])])
def test_rule_2_with_bars_a_cancel_and_the_order_in_its_place_meet_the_same_open(
    latency: str, fills: list[float]
) -> None:
    """A limit moved at each close: the old one and the new one were both filled, twice the position."""
    desk = Desk(kind="bars", latency=latency)
    desk.bar(1.1, 1.1, 1.1, 1.1)
    order = desk.buy(0.1, "limit", 1.09)
    desk.bar(1.1, 1.1, 1.1, 1.1)
    desk.bar(1.1, 1.1, 1.1, 1.1)
    desk.cancel(order)
    desk.buy(0.1, "limit", 1.085)
    assert [price for _, price, _, _ in deals(desk.bar(1.1, 1.1, 1.08, 1.1))] == fills


def test_rule_2_what_is_expired_and_cancelled_at_once_is_expired() -> None:
    desk = Desk()
    desk.quote(1.1, 1.1002)
    order = desk.buy(0.1, "limit", 1.09, expires=desk.now + SECOND)
    desk.cancel(order, desk.now + SECOND)
    assert reasons(desk.quote(1.08, 1.0802)) == ["expired"]


def test_rule_2_what_is_due_before_a_quote_is_dealt_with_in_the_order_of_its_time() -> None:
    """The order arrives after 3 s, its cancel after 1 s: sent together the cancel takes it back on its way."""
    desk = Desk(latency="3 s", change_latency="1 s")
    desk.quote(1.1, 1.1002)
    first = desk.buy(0.1, "limit", 1.09)
    desk.cancel(first, desk.now + SECOND)
    second = desk.buy(0.1, "limit", 1.09)
    desk.cancel(second, desk.now + 4 * SECOND)
    events = desk.quote(1.08, 1.0802, after=5 * SECOND)
    assert [(type(e).__name__, getattr(e, "order", 0)) for e in events] == [
        ("Canceled", first), ("Accepted", second), ("Canceled", second)
    ]  # fmt: skip


def test_rule_2_an_expiry_at_t_beats_an_order_that_arrives_at_t_and_a_cancel_that_does() -> None:
    desk = Desk(latency="3 s")
    desk.quote(1.1, 1.1002)
    order = desk.buy(0.1, expires=desk.now + 3 * SECOND)
    desk.cancel(order)
    assert kinds(desk.quote(1.1, 1.1002, after=3 * SECOND)) == ["Canceled expired"]


def test_rule_2_orders_arrive_before_positions_are_judged() -> None:
    desk = opened(1, stop=1.09)
    desk.buy(0.1, "limit", 1.05)
    assert kinds(desk.quote(1.08, 1.0802)) == ["Accepted", "Fill stop_loss"]


def test_rule_2_changes_follow_one_another_as_they_were_made() -> None:
    desk = opened(1)
    desk.modify(position=1, stop=1.09)
    desk.modify(position=1, stop=1.095)
    assert kinds(desk.quote(1.1, 1.1002)) == ["Modified", "Modified"]
    assert stops(desk) == [1.095]


def test_rule_2_a_cancel_is_on_its_way_as_long_as_a_change_is_said_to_be() -> None:
    for change_latency, expected in (("2 s", ["canceled"]), ("3 s", [])):
        desk = Desk(latency="0 ms", change_latency=change_latency)
        desk.quote(1.1, 1.1002)
        order = desk.buy(0.1, "limit", 1.09)
        desk.quote(1.1, 1.1002)
        desk.cancel(order)
        assert reasons(desk.quote(1.08, 1.0802, after=2 * SECOND)) == expected


# 3. Then positions by id: stop-loss, then take-profit; a long is judged on the bid, a short on the ask.


def test_rule_3_exits_come_before_orders_and_positions_go_by_id() -> None:
    desk = Desk()
    desk.quote(1.1, 1.1)
    desk.buy(0.1, "limit", 1.09)
    for _ in range(3):
        desk.buy(0.1, stop=1.095)
    desk.quote(1.1, 1.1)
    fills = [e for e in desk.quote(1.09, 1.09) if isinstance(e, Fill)]
    assert [(f.entry, f.position) for f in fills] == [("out", 1), ("out", 2), ("out", 3), ("in", 4)]


def test_rule_3_a_long_is_judged_on_the_bid_and_a_short_on_the_ask() -> None:
    long = opened(1, stop=1.0990, take_profit=1.1010)
    assert long.quote(1.0991, 1.1010) == []
    assert deals(long.quote(1.1010, 1.1012)) == [(-1, 1.1010, "out", "take_profit")]
    short = opened(-1, stop=1.1012, take_profit=1.0990)
    assert short.quote(1.0990, 1.1011) == []
    assert deals(short.quote(1.0988, 1.0990)) == [(1, 1.0990, "out", "take_profit")]


# 4. A stop-loss fills at the quote that touches it less slippage; a take-profit at the quote.


@pytest.mark.parametrize("slippage", [0, 2])
def test_rule_4_a_stop_loss_fills_at_the_quote_that_touches_it_less_slippage(slippage: int) -> None:
    slip = slippage * 0.00001
    for side, at in ((1, 1.0990), (-1, 1.1012)):
        desk = opened(side, stop=at, slippage=f"{slippage} points")
        quote = (at, at + 0.0002) if side > 0 else (at - 0.0002, at)
        assert deals(desk.quote(*quote)) == [(-side, pytest.approx(at - side * slip, abs=1e-12), "out", "stop_loss")]


def test_rule_4_a_stop_loss_gaps_to_the_first_quote_beyond_it() -> None:
    assert deals(opened(1, stop=1.0990).quote(1.0900, 1.0902)) == [(-1, 1.0900, "out", "stop_loss")]
    assert deals(opened(-1, stop=1.1012).quote(1.1100, 1.1102)) == [(1, 1.1102, "out", "stop_loss")]


def test_rule_4_a_take_profit_fills_at_the_quote_never_worse_than_its_price_and_without_slippage() -> None:
    for at in (1.1010, 1.1050):
        desk = opened(1, take_profit=1.1010, slippage="3 points")
        assert deals(desk.quote(at, at + 0.0002)) == [(-1, at, "out", "take_profit")]


# 5. Then orders by id. A market order to buy takes the ask, to sell the bid, plus slippage.


def test_rule_5_a_market_order_to_buy_takes_the_ask_to_sell_the_bid_plus_slippage() -> None:
    desk = Desk(slippage="1.5 points")
    desk.quote(1.1, 1.1002)
    desk.buy(0.1)
    desk.sell(0.1)
    assert deals(desk.quote(1.1005, 1.1007)) == [(1, 1.100715, "in", "order"), (-1, 1.100485, "in", "order")]


def test_rule_5_orders_go_by_id_whatever_their_kind() -> None:
    desk = Desk()
    desk.quote(1.1, 1.1002)
    desk.buy(0.1, "limit", 1.0950)
    desk.buy(0.1, "limit", 1.0980)
    desk.quote(1.1, 1.1002)
    desk.buy(0.1)
    assert [f.order for f in desk.quote(1.0940, 1.0942) if isinstance(f, Fill)] == [1, 2, 3]


# 6. A limit never fills worse than its price; where the market gaps through it fills at the quote.


def test_rule_6_a_limit_fills_at_the_quote_that_touches_it_or_gaps_through_it() -> None:
    for ask, price in ((1.0951, None), (1.0950, 1.0950), (1.0900, 1.0900)):
        desk = Desk(slippage="5 points")
        desk.quote(1.1, 1.1002)
        desk.buy(0.1, "limit", 1.0950)
        desk.quote(1.1, 1.1002)
        assert deals(desk.quote(ask - 0.0002, ask)) == ([] if price is None else [(1, price, "in", "order")])
    for bid, price in ((1.1049, None), (1.1050, 1.1050), (1.1100, 1.1100)):
        desk = Desk(slippage="5 points")
        desk.quote(1.1, 1.1002)
        desk.sell(0.1, "limit", 1.1050)
        desk.quote(1.1, 1.1002)
        assert deals(desk.quote(bid, bid + 0.0002)) == ([] if price is None else [(-1, price, "in", "order")])


def test_rule_6_a_limit_that_the_market_is_beyond_on_arrival_fills_at_the_quote() -> None:
    desk = Desk()
    desk.quote(1.1, 1.1002)
    desk.buy(0.1, "limit", 1.1050)
    events = desk.quote(1.1, 1.1002)
    assert isinstance(events[0], Accepted) and deals(events) == [(1, 1.1002, "in", "order")]


# 7. A stop order triggers on the quote that touches it and fills at the quote, plus slippage.


def test_rule_7_a_stop_order_triggers_on_the_quote_that_touches_it_and_fills_there_plus_slippage() -> None:
    for ask, price in ((1.1049, None), (1.1050, 1.10501), (1.1100, 1.11001)):
        desk = Desk(slippage="1 points")
        desk.quote(1.1, 1.1002)
        desk.buy(0.1, "stop", 1.1050)
        desk.quote(1.1, 1.1002)
        assert deals(desk.quote(ask - 0.0002, ask)) == ([] if price is None else [(1, price, "in", "order")])
    desk = Desk(slippage="1 points")
    desk.quote(1.1, 1.1002)
    desk.sell(0.1, "stop", 1.0950)
    desk.quote(1.1, 1.1002)
    assert deals(desk.quote(1.0950, 1.0952)) == [(-1, 1.09499, "in", "order")]


# 8. A position opened by a quote is first judged on the next.


def test_rule_8_a_position_opened_by_a_quote_is_first_judged_on_the_next() -> None:
    """Buy at 1.0900 through a limit at 1.0950 whose stop is 1.0940: beyond the stop at birth, out one quote later."""
    desk = Desk()
    desk.quote(1.1, 1.1)
    desk.buy(0.1, "limit", 1.0950, stop=1.0940)
    desk.quote(1.1, 1.1)
    assert deals(desk.quote(1.09, 1.09)) == [(1, 1.09, "in", "order")]
    assert deals(desk.quote(1.0901, 1.0901)) == [(-1, 1.0901, "out", "stop_loss")]
