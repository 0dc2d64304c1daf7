"""The fill rules of `engine.venues.matching.match`, one by one, in its numbering; the last ones are those of bars."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest

from engine.core.events import Accepted, Canceled, Event, Fill, Rejected
from tests.venue.desk import MINUTE, SECOND, Desk, as_dict


def deals(events: list[Event]) -> list[tuple[int, float, str, str]]:
    """(side, price, in or out, reason) of the fills."""
    return [(e.side, e.price, e.entry, e.reason) for e in events if isinstance(e, Fill)]


def reasons(events: list[Event]) -> list[str]:
    return [e.reason for e in events if isinstance(e, Rejected | Canceled)]


def opened(side: int = 1, bid: float = 1.1, ask: float = 1.1002, **options: Any) -> Desk:
    """A desk with one position of 0.10 lots; what is not an option of the desk is one of the order."""
    exits = {name: options.pop(name) for name in ("stop", "take_profit") if name in options}
    desk = Desk(**options)
    desk.quote(bid, ask)
    desk.order(side, 0.1, **exits)
    desk.quote(bid, ask)
    assert len(desk.positions) == 1
    return desk


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


# 9. The venue refuses volumes outside its limits, stops on the wrong side, what is not paid for or convertible.


@pytest.mark.parametrize(
    ("lots", "reason"), [(0.01, "below the minimum"), (0.02, ""), (0.5, ""), (0.51, "above the maximum")]
)
def test_rule_9_the_venue_refuses_volumes_outside_its_limits(lots: float, reason: str) -> None:
    limits = {"base_currency": "EUR", "profit_currency": "USD", "digits": 5, "volume_min": 0.02, "volume_max": 0.5}
    desk = Desk(declare=[{"symbol": "EURUSD", **limits}])
    desk.quote(1.1, 1.1)
    desk.buy(lots)
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
    for lots, expected in ((0.27, []), (0.28, ["not enough money"])):
        desk = Desk(balance=1_000.0)
        desk.quote(1.1, 1.1)
        desk.buy(lots)
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


# 10. A bar is one record.


def test_rule_10_a_bars_open_is_a_quote() -> None:
    """The open gaps below the stop: out at the open. A limit above it: in at the open, not at its price."""
    desk = Desk(kind="bars")
    desk.bar(1.1, 1.1, 1.1, 1.1)
    desk.buy(0.1, stop=1.09)
    desk.bar(1.1, 1.1, 1.1, 1.1)
    desk.buy(0.1, "limit", 1.085)
    events = desk.bar(1.08, 1.2, 1.08, 1.2)
    assert deals(events) == [(-1, 1.08, "out", "stop_loss"), (1, 1.08, "in", "order")]


def test_rule_10_positions_are_judged_on_the_range_of_bid_and_of_ask() -> None:
    """Range 1.0950 to 1.1050, spread 0.0010: the long meets the bid's, the short the ask's."""
    desk = Desk(kind="bars")
    desk.bar(1.1, 1.1, 1.1, 1.1, 0.001)
    desk.buy(0.01, take_profit=1.1051)
    desk.buy(0.01, take_profit=1.1050)
    desk.sell(0.01, stop=1.1061)
    desk.sell(0.01, stop=1.1060)
    events = desk.bar(1.1, 1.105, 1.095, 1.1, 0.001)
    assert deals(events)[4:] == [(-1, 1.105, "out", "take_profit"), (1, 1.106, "out", "stop_loss")]


def test_rule_10_where_stop_and_take_profit_both_lie_in_the_bar_the_stop_fills() -> None:
    for side, stop, take_profit in ((1, 1.095, 1.105), (-1, 1.105, 1.095)):
        desk = Desk(kind="bars", slippage="1 points")
        desk.bar(1.1, 1.1, 1.1, 1.1)
        desk.order(side, 0.1, stop=stop, take_profit=take_profit)
        desk.bar(1.1, 1.1, 1.1, 1.1)
        events = desk.bar(1.1, 1.11, 1.09, 1.1)
        assert deals(events) == [(-side, pytest.approx(stop - side * 0.00001), "out", "stop_loss")]


def test_rule_10_pessimism_is_per_position_a_long_and_a_short_in_one_bar_both_lose() -> None:
    desk = Desk(kind="bars")
    desk.bar(1.1, 1.1, 1.1, 1.1)
    desk.buy(0.1, stop=1.095, take_profit=1.105)
    desk.sell(0.1, stop=1.105, take_profit=1.095)
    desk.bar(1.1, 1.1, 1.1, 1.1)
    events = desk.bar(1.1, 1.11, 1.09, 1.1)
    assert deals(events) == [(-1, 1.095, "out", "stop_loss"), (1, 1.105, "out", "stop_loss")]


def test_rule_10_an_open_beyond_the_take_profit_comes_before_a_stop_later_in_the_bar() -> None:
    desk = Desk(kind="bars")
    desk.bar(1.1, 1.1, 1.1, 1.1)
    desk.buy(0.1, stop=1.095, take_profit=1.105)
    desk.bar(1.1, 1.1, 1.1, 1.1)
    assert deals(desk.bar(1.106, 1.106, 1.09, 1.09)) == [(-1, 1.106, "out", "take_profit")]


def test_rule_10_a_position_opened_at_the_open_is_judged_on_the_range_of_the_same_bar() -> None:
    desk = Desk(kind="bars")
    desk.bar(1.1, 1.1, 1.1, 1.1)
    desk.buy(0.1, take_profit=1.105)
    assert deals(desk.bar(1.1, 1.11, 1.1, 1.1)) == [(1, 1.1, "in", "order"), (-1, 1.105, "out", "take_profit")]


def test_rule_10_resting_orders_fill_at_their_price_inside_the_range_stops_with_slippage() -> None:
    desk = Desk(kind="bars", slippage="1 points")
    desk.bar(1.1, 1.1, 1.1, 1.1)
    desk.buy(0.1, "limit", 1.095)
    desk.buy(0.1, "stop", 1.105)
    desk.sell(0.1, "limit", 1.1051)
    desk.sell(0.1, "stop", 1.0949)
    desk.bar(1.1, 1.1, 1.1, 1.1)
    prices = [price for _, price, _, _ in deals(desk.bar(1.1, 1.11, 1.09, 1.1))]
    assert prices == [1.095, 1.10501, 1.1051, 1.09489]


def test_rule_10_a_position_opened_inside_the_bar_is_judged_on_the_stop_alone() -> None:
    """Whether the low of 1.09 came after the limit at 1.095 nobody knows: the stop counts, the take-profit does not."""
    for stop, expected in ((1.0900, [(-1, 1.09, "out", "stop_loss")]), (1.0899, [])):
        desk = Desk(kind="bars")
        desk.bar(1.1, 1.1, 1.1, 1.1)
        desk.buy(0.1, "limit", 1.095, stop=stop, take_profit=1.096)
        desk.bar(1.1, 1.1, 1.1, 1.1)
        assert deals(desk.bar(1.1, 1.11, 1.09, 1.1)) == [(1, 1.095, "in", "order"), *expected]


def test_rule_10_an_order_decided_at_the_close_meets_the_next_open_and_never_that_close() -> None:
    desk = Desk(kind="bars", latency="50 ms")
    desk.bar(1.1, 1.12, 1.1, 1.12)
    desk.buy(0.1)
    [fill] = desk.bar(1.11, 1.12, 1.1, 1.1)
    assert isinstance(fill, Fill) and fill.price == 1.11
    assert (fill.ts_event, fill.ts) == (desk.now - MINUTE, desk.now), "it happened at the open, we know at the close"


def test_rule_10_a_bar_is_marked_at_its_close() -> None:
    """0.10 lots from 1.1000, close 1.0950: 10,000 x -0.0050 = -50.00, whatever the range was."""
    desk = Desk(kind="bars")
    desk.bar(1.1, 1.1, 1.1, 1.1)
    desk.buy(0.1)
    desk.bar(1.1, 1.12, 1.08, 1.095)
    assert desk.equity == pytest.approx(9_950.0)


# 11. Hedging opens positions of their own, netting nets.


def test_rule_11_on_a_hedging_account_an_order_opens_a_position_of_its_own() -> None:
    desk = opened(1)
    desk.sell(0.1)
    desk.quote(1.1, 1.1002)
    assert [as_dict(p)["side"] for p in desk.positions] == [1, -1]


def test_rule_11_an_order_that_names_a_position_closes_it_and_opens_nothing() -> None:
    desk = opened(1)
    desk.close(1, lots=0.5)
    assert deals(desk.quote(1.1, 1.1002)) == [(-1, 1.1, "out", "order")]
    assert len(desk.positions) == 0 and desk.fills[-1].units == 10_000.0


def test_rule_11_an_order_to_close_what_is_gone_or_on_its_own_side_is_cancelled() -> None:
    desk = opened(1)
    desk.close(1)
    desk.close(1)
    assert reasons(desk.quote(1.1, 1.1002)) == ["position closed"]
    desk = opened(1)
    desk.buy(0.1, position=1)
    assert reasons(desk.quote(1.1, 1.1002)) == ["position closed"]


def test_rule_11_on_a_netting_account_the_same_side_averages_the_entry() -> None:
    """(1.1002 x 0.10 + 1.1032 x 0.20) / 0.30 = 1.1022; the stop is the last one given, the take-profit stays."""
    desk = opened(1, mode="netting", stop=1.09, take_profit=1.12)
    desk.buy(0.2, stop=1.095)
    desk.quote(1.103, 1.1032)
    [position] = [as_dict(p) for p in desk.positions]
    assert position["entry"] == pytest.approx(1.1022) and position["steps"] == 30
    assert (position["stop"], position["take_profit"]) == (1.095, 1.12)


def test_rule_11_on_a_netting_account_the_other_side_closes_first_and_opens_the_rest() -> None:
    desk = opened(1, mode="netting")
    order = desk.sell(0.25)
    events = [e for e in desk.quote(1.101, 1.1012) if isinstance(e, Fill)]
    assert [(f.entry, f.order, f.position, f.side, f.units) for f in events] == [
        ("out", order, 1, -1, 10_000.0), ("in", order, 2, -1, 15_000.0)
    ]  # fmt: skip


def test_rule_11_netting_closes_even_what_it_cannot_open_the_rest_of() -> None:
    desk = opened(1, mode="netting", balance=500.0)
    desk.sell(10.0)
    events = desk.quote(1.1, 1.1002)
    assert deals(events) == [(-1, 1.1, "out", "order")] and reasons(events) == ["not enough money"]


# 12. Profit is converted at the rate of that moment and booked in whole minor units, half away from zero.


@pytest.mark.parametrize(("side", "cents"), [(1, 0.13), (-1, -0.13)])
def test_rule_12_profit_is_booked_in_whole_cents_half_away_from_zero(side: int, cents: float) -> None:
    """50 units of a contract of 5,000 in steps of 0.01, 0.0025 better: 0.125 is a tie, so 0.13; -0.125 is -0.13."""
    odd = {"symbol": "ODDUSD", "base_currency": "ODD", "profit_currency": "USD", "digits": 4, "contract_size": 5_000.0}
    desk = Desk("ODDUSD", declare=[odd])
    desk.quote(10.0, 10.0)
    desk.order(side, 0.01)
    desk.quote(10.0, 10.0)
    desk.close(1)
    [fill] = desk.quote(10.0025, 10.0025)
    assert isinstance(fill, Fill) and fill.profit == cents


def test_rule_12_profit_is_converted_at_the_rate_of_the_moment_of_the_deal() -> None:
    """10,000 x (191.00 - 190.00) = 10,000 JPY; at a mid of (160.00 + 160.20) / 2 = 160.10: 62.46 USD."""
    desk = Desk("GBPJPY", "USDJPY")
    desk.quote(150.0, 150.2, "USDJPY")
    desk.quote(190.0, 190.0)
    desk.buy(0.1)
    desk.quote(190.0, 190.0)
    desk.close(1)
    desk.quote(160.0, 160.2, "USDJPY")
    [fill] = desk.quote(191.0, 191.0)
    assert isinstance(fill, Fill) and fill.profit == 62.46


@pytest.mark.parametrize("fee", [0.5, 1.5, 3.5, 4.05, 7.25])
def test_rule_12_commission_is_booked_in_whole_cents_half_away_from_zero(fee: float) -> None:
    """0.07 lots at 3.50 are 0.245, in binary 0.24500000000000002 or less: every volume, against exact decimals."""
    desk = Desk(balance=1e9, commission=f"{fee} USD per lot")
    desk.quote(1.1, 1.1)
    for steps in range(1, 200, 2):
        desk.buy(steps / 100)
    events = desk.quote(1.1, 1.1)
    assert [-e.commission for e in events if isinstance(e, Fill)] == [
        math.floor(Fraction(str(fee)) * steps + Fraction(1, 2)) / 100 for steps in range(1, 200, 2)
    ]
