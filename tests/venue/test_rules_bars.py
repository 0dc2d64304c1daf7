"""The fill rules, one by one: 10 and 24, what a bar does, whether its path is known or not."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.events import Fill
from tests.venue.desk import MINUTE, Desk
from tests.venue.read import deals, in_bars, kinds, lots, stops

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


def test_rule_10_a_resting_market_order_and_a_child_of_this_bar_do_not_fill_inside_it() -> None:
    """0.05 lots a bar: the rest of a market order waits for the next, whatever the range."""
    desk = in_bars(liquidity="0.05 lots", lots=0.05)
    desk.buy(0.08)
    parent = desk.buy(0.01, "limit", 1.09)
    desk.buy(0.01, "limit", 1.095, parent=parent)
    assert lots(desk.bar(1.1, 1.11, 1.05, 1.1)) == [0.05]
    assert lots(desk.bar(1.1, 1.11, 1.08, 1.1)) == [0.03, 0.01]
    assert lots(desk.bar(1.1, 1.11, 1.08, 1.1)) == [0.01]


# 24. Paths: the bar is its open and three straight legs.


def test_rule_24_the_path_decides_which_of_two_exits_is_met() -> None:
    """Open 1.1000, high 1.1100, low 1.0900; the stop at 1.0950, the take-profit at 1.1050."""
    for path, price, reason in (("ohlc", 1.105, "take_profit"), ("olhc", 1.095, "stop_loss"),
                                ("pessimistic", 1.095, "stop_loss")):  # fmt: skip
        desk = in_bars(1, stop=1.095, take_profit=1.105, path=path)
        assert deals(desk.bar(1.1, 1.11, 1.09, 1.1)) == [(-1, price, "out", reason)]


@pytest.mark.parametrize(
    ("high", "low", "reason"), [(1.11, 1.089, "take_profit"), (1.111, 1.09, "stop_loss"), (1.11, 1.09, "stop_loss")]
)
def test_rule_24_nearest_goes_to_the_nearer_extreme_first_and_down_where_both_are_as_far(
    high: float, low: float, reason: str
) -> None:
    desk = in_bars(1, stop=1.095, take_profit=1.105, path="nearest")
    assert [r for *_, r in deals(desk.bar(1.1, high, low, 1.1))] == [reason]


def test_rule_24_along_a_leg_things_happen_in_the_order_of_their_prices() -> None:
    """Down from 1.1000 to 1.0900: the sell stop at 1.0980, the buy limit at 1.0960, the stop-loss at 1.0940."""
    desk = in_bars(1, stop=1.094, path="olhc")
    desk.buy(0.02, "limit", 1.096)
    desk.sell(0.03, "stop", 1.098)
    events = desk.bar(1.1, 1.1, 1.09, 1.1)
    assert deals(events) == [(-1, 1.098, "in", "order"), (1, 1.096, "in", "order"), (-1, 1.094, "out", "stop_loss")]


def test_rule_24_at_one_price_positions_come_before_orders_and_both_go_by_id() -> None:
    desk = in_bars(1, stop=1.095, path="olhc")
    desk.sell(0.02, "stop", 1.095)
    desk.buy(0.03, "limit", 1.095)
    events = desk.bar(1.1, 1.1, 1.09, 1.1)
    assert [(d[0], d[2]) for d in deals(events)] == [(-1, "out"), (-1, "in"), (1, "in")]


def test_rule_24_a_position_opened_on_a_leg_is_judged_from_there_on() -> None:
    """In at 1.0960 on the way down: its stop at 1.0940 lies ahead, its target at 1.0980 on the way back."""
    for stop, out in ((1.094, (-1, 1.094, "out", "stop_loss")), (1.085, (-1, 1.098, "out", "take_profit"))):
        desk = Desk(kind="bars", path="olhc")
        desk.bar(1.1, 1.1, 1.1, 1.1)
        desk.buy(0.1, "limit", 1.096, stop=stop, take_profit=1.098)
        assert deals(desk.bar(1.1, 1.1, 1.09, 1.1)) == [(1, 1.096, "in", "order"), out]
    desk = Desk(kind="bars", path="ohlc")
    desk.bar(1.1, 1.1, 1.1, 1.1)
    desk.buy(0.1, "limit", 1.096, take_profit=1.108)
    assert deals(desk.bar(1.1, 1.11, 1.09, 1.1)) == [(1, 1.096, "in", "order")], "the high was before"


def test_rule_24_stops_slip_limits_and_targets_do_not() -> None:
    desk = Desk(kind="bars", path="ohlc", slippage="2 points")
    desk.bar(1.1, 1.1, 1.1, 1.1)
    desk.buy(0.1, "stop", 1.105, take_profit=1.108)
    desk.sell(0.1, "limit", 1.106, stop=1.109)
    events = desk.bar(1.1, 1.11, 1.1, 1.1)
    assert deals(events) == [
        (1, 1.10502, "in", "order"), (-1, 1.106, "in", "order"), (-1, 1.108, "out", "take_profit"),
        (1, 1.10902, "out", "stop_loss"),
    ]  # fmt: skip


def test_rule_24_a_buyer_meets_the_ask_on_the_way() -> None:
    """Spread 0.0010: the ask is at 1.0950 where the bid is at 1.0940; a bid of 1.0945 is not low enough."""
    for low, expected in ((1.0945, []), (1.094, [(1, 1.095, "in", "order")])):
        desk = Desk(kind="bars", path="olhc")
        desk.bar(1.1, 1.1, 1.1, 1.1, 0.001)
        desk.buy(0.1, "limit", 1.095)
        assert deals(desk.bar(1.1, 1.1, low, 1.1, 0.001)) == expected


def test_rule_24_a_trailing_stop_follows_a_leg_and_is_met_on_the_next() -> None:
    """Up to 1.1100: the stop is at 1.1050, and there it fills on the way down."""
    desk = in_bars(1, trail=0.005, path="ohlc")
    assert deals(desk.bar(1.1, 1.11, 1.09, 1.1)) == [(-1, 1.105, "out", "stop_loss")]
    desk = in_bars(1, trail=0.005, path="olhc")
    assert deals(desk.bar(1.1, 1.11, 1.096, 1.108)) == [] and stops(desk) == [1.105]


def test_rule_24_a_trailing_stop_order_follows_a_leg_too() -> None:
    """Down to 1.0900 the order's price comes to 1.0950, and on the way up it fills there."""
    desk = Desk(kind="bars", path="olhc")
    desk.bar(1.1, 1.1, 1.1, 1.1)
    desk.buy(0.1, "trailing_stop", trail=0.005)
    assert deals(desk.bar(1.1, 1.11, 1.09, 1.1)) == [(1, 1.095, "in", "order")]


def test_rule_24_a_stop_limit_triggers_on_a_leg_and_its_limit_works_from_there() -> None:
    """Up: triggered at 1.1050; on the way down the limit at 1.1030 is met. Down first: never in that order."""
    for path, expected in (("ohlc", ["Triggered", "Fill order"]), ("olhc", ["Triggered", "Fill order"])):
        desk = Desk(kind="bars", path=path)
        desk.bar(1.1, 1.1, 1.1, 1.1)
        desk.buy(0.1, "stop_limit", 1.105, limit=1.103)
        assert kinds(desk.bar(1.1, 1.11, 1.09, 1.1))[1:] == expected
    desk = Desk(kind="bars", path="olhc")
    desk.bar(1.1, 1.1, 1.1, 1.1)
    desk.buy(0.1, "stop_limit", 1.105, limit=1.103)
    assert kinds(desk.bar(1.1, 1.11, 1.09, 1.104))[1:] == ["Triggered"], "the close is above the limit"


def test_rule_24_the_money_is_counted_where_the_market_stands_on_the_leg() -> None:
    """1,200 dollars, 0.30 long from 1.1000 hold 1,100. At 1.1040 there are 1,320: 0.06 more need 220.80, not there.

    At 1.1050 there are 1,350: 0.06 more need 221.00, together 1,321.00: yes.
    """
    for price, expected in ((1.104, ["Rejected not enough money"]), (1.105, ["Fill order"])):
        desk = in_bars(lots=0.3, balance=1_200.0, path="ohlc")
        desk.buy(0.06, "stop", price)
        assert kinds(desk.bar(1.1, 1.11, 1.1, 1.1))[1:2] == expected


@pytest.mark.parametrize(("path", "price"), [("ohlc", 1.09), ("olhc", 1.09), ("pessimistic", 1.09), ("nearest", 1.09)])
def test_rule_24_a_stop_out_in_a_bar_is_at_an_extreme_and_at_its_price(path: str, price: float) -> None:
    """0.80 long on 1,000 dollars at 100: margin 880, out at 440, that is below 1.0930. The close is fine again."""
    desk = in_bars(lots=0.8, balance=1_000.0, leverage=100.0, path=path)
    events = desk.bar(1.1, 1.105, 1.09, 1.1)
    assert kinds(events) == ["MarginCall", "Fill stop_out"] and deals(events)[0][1] == price
    assert desk.balance == 1_000.0 - 800.0


def test_rule_24_a_spread_costs_a_short_at_the_high_too() -> None:
    """0.80 short from 1.1000: at a high of 1.1060 with a spread of 0.0020 it buys back at 1.1080: 1,000 - 640."""
    desk = in_bars(-1, lots=0.8, balance=1_000.0, leverage=100.0)
    assert deals(desk.bar(1.1, 1.106, 1.1, 1.1, 0.002)) == [(1, 1.108, "out", "stop_out")]
    assert desk.balance == 360.0


def test_rule_24_equal_paths_give_equal_reports_whatever_the_bar_is_called() -> None:
    """A bar whose low is its open: `nearest`, `olhc` and `ohlc` walk the same way."""
    reports: list[Any] = []
    for path in ("ohlc", "nearest", "olhc"):
        desk = in_bars(1, stop=1.0985, take_profit=1.104, path=path)
        desk.sell(0.1, "limit", 1.103, stop=1.106)
        reports.append(deals(desk.bar(1.1, 1.105, 1.1, 1.101)))
    assert reports[0] == reports[1] == reports[2] and len(reports[0]) == 2
