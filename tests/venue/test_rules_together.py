"""The fill rules, one by one: 19, 23, 25, 29 and 30, what orders share, how they hang together, what goes wrong."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.events import Canceled, Fill, Rejected
from tests.venue.desk import Desk
from tests.venue.read import EUR, deals, in_bars, kinds, lots, opened, reasons
from tests.venue.worlds import SECOND

# 19. Liquidity, and how much of an order must be filled when.


def left(events: list[Any]) -> list[float]:
    return [round(e.left / 100_000, 6) for e in events if isinstance(e, Fill)]


def test_rule_19_what_does_not_fit_waits_for_the_next_record() -> None:
    desk = Desk(liquidity="0.05 lots")
    desk.quote(1.1, 1.1)
    desk.buy(0.12)
    events = [desk.quote(1.1 + n / 1000, 1.1 + n / 1000) for n in range(4)]
    assert [lots(e) for e in events] == [[0.05], [0.05], [0.02], []]
    assert [left(e) for e in events] == [[0.07], [0.02], [0.0], []]
    assert [d[1] for e in events for d in deals(e)] == [1.1, 1.101, 1.102], "a market order takes the quote that comes"


def test_rule_19_each_side_offers_its_lots_once_to_all_orders_in_their_order() -> None:
    desk = Desk(liquidity="0.05 lots")
    desk.quote(1.1, 1.1)
    for side in (1, 1, -1):
        desk.order(side, 0.03)
    assert [(f.order, round(f.units / 1000)) for f in desk.quote(1.1, 1.1) if isinstance(f, Fill)] == [
        (1, 3), (2, 2), (3, 3)
    ]  # fmt: skip


def test_rule_19_the_rest_of_a_limit_stays_a_limit_the_rest_of_a_stop_order_is_a_market_order() -> None:
    for kind, expected in (("limit", [[0.05], [], [0.05]]), ("stop", [[0.05], [0.05], []])):
        desk = Desk(liquidity="0.05 lots")
        desk.quote(1.1, 1.1)
        price = {"limit": 1.095, "stop": 1.105}[kind]
        desk.buy(0.1, kind, price)
        desk.quote(1.1, 1.1)
        assert [lots(desk.quote(p, p)) for p in (price, 1.1, price)] == expected


def test_rule_19_stops_and_targets_and_stop_outs_fill_in_full() -> None:
    desk = opened(1, lots=0.05, stop=1.09, liquidity="0.05 lots")
    for _ in range(2):
        desk.buy(0.05, stop=1.09)
        desk.quote(1.1, 1.1002)
    assert lots(desk.quote(1.09, 1.0902)) == [0.05, 0.05, 0.05]


def test_rule_19_immediate_or_cancel_takes_what_there_is() -> None:
    desk = Desk(liquidity="0.05 lots", declare=[EUR])
    desk.quote(1.1, 1.1)
    desk.buy(0.08, filling="ioc")
    events = desk.quote(1.1, 1.1)
    assert (
        kinds(events) == ["Fill order", "Canceled no liquidity"] and lots(events) == [0.05] and left(events) == [0.03]
    )


def test_rule_19_fill_or_kill_takes_all_or_nothing() -> None:
    desk = Desk(liquidity="0.05 lots")
    desk.quote(1.1, 1.1)
    desk.buy(0.06, filling="fok")
    desk.buy(0.05, filling="fok")
    events = desk.quote(1.1, 1.1)
    assert kinds(events) == ["Canceled no liquidity", "Fill order"] and lots(events) == [0.05]


@pytest.mark.parametrize("filling", ["ioc", "fok"])
@pytest.mark.parametrize("bars", [False, True])
def test_rule_19_what_must_fill_at_once_is_cancelled_where_the_first_quote_does_not_reach_it(
    filling: str, bars: bool
) -> None:
    """Of a bar its open is the first quote: that its low comes to the limit is too late."""
    desk = Desk(kind="bars" if bars else "quotes")
    flat = lambda: desk.bar(1.1, 1.1, 1.09, 1.1) if bars else desk.quote(1.1, 1.1)  # noqa: E731
    flat()
    desk.buy(0.1, "limit", 1.095, filling=filling)
    desk.buy(0.1, "limit", 1.1, filling=filling)
    assert kinds(flat()) == ["Accepted", "Accepted", "Canceled no liquidity", "Fill order"]


def test_rule_19_post_only_is_refused_where_it_would_fill_at_once() -> None:
    desk = Desk(declare=[EUR])
    desk.quote(1.1, 1.1002)
    for price, kind in ((1.1002, "limit"), (1.1001, "limit"), (1.1002, "stop"), (None, "market")):
        desk.buy(0.1, kind, price, filling="post_only")
    assert kinds(desk.quote(1.1, 1.1002)) == [
        "Rejected would fill", "Accepted", "Rejected invalid price", "Rejected would fill"
    ]  # fmt: skip
    assert deals(desk.quote(1.0999, 1.1001)) == [(1, 1.1001, "in", "order")]


def test_rule_19_a_post_only_stop_limit_that_would_fill_when_it_triggers_is_refused_then() -> None:
    desk = Desk(declare=[EUR])
    desk.quote(1.1, 1.1)
    desk.buy(0.1, "stop_limit", 1.105, limit=1.106, filling="post_only")
    desk.quote(1.1, 1.1)
    assert kinds(desk.quote(1.105, 1.105)) == ["Triggered", "Rejected would fill"]


def test_rule_19_a_bar_offers_its_liquidity_once_for_all_its_phases() -> None:
    desk = Desk(kind="bars", liquidity="0.05 lots")
    desk.bar(1.1, 1.1, 1.1, 1.1)
    desk.buy(0.04)
    desk.buy(0.03, "limit", 1.095)
    desk.buy(0.03, "limit", 1.094)
    assert lots(desk.bar(1.1, 1.1, 1.09, 1.1)) == [0.04, 0.01]
    assert lots(desk.bar(1.1, 1.1, 1.09, 1.1)) == [0.02, 0.03]


# 23. Reduce-only never opens.


def test_rule_23_hedging_reduce_only_closes_the_strategys_oldest_opposite_positions_first() -> None:
    desk = opened(1)
    desk.buy(0.05, strategy="other")
    desk.buy(0.07)
    desk.sell(0.02)
    desk.quote(1.1, 1.1002)
    desk.sell(0.12, reduce_only=True)
    events = desk.quote(1.1, 1.1002)
    assert [(f.position, round(f.units / 1000), round(f.left / 1000)) for f in events if isinstance(f, Fill)] == [
        (1, 10, 2), (3, 2, 0)
    ]  # fmt: skip


def test_rule_23_what_is_left_of_a_reduce_only_order_is_cancelled() -> None:
    for mode in ("hedging", "netting"):
        desk = opened(1, mode=mode)
        desk.sell(0.25, reduce_only=True)
        desk.sell(0.1, reduce_only=True)
        events = desk.quote(1.1, 1.1002)
        assert kinds(events) == ["Fill order", "Canceled nothing to reduce", "Canceled nothing to reduce"]
        assert left(events) == [0.15] and len(desk.positions) == 0


def test_rule_23_a_resting_reduce_only_order_finds_out_when_it_is_touched() -> None:
    desk = Desk()
    desk.quote(1.1, 1.1)
    desk.sell(0.1, "limit", 1.105, reduce_only=True)
    assert kinds(desk.quote(1.1, 1.1)) == ["Accepted"]
    assert kinds(desk.quote(1.105, 1.105)) == ["Canceled nothing to reduce"]


def test_rule_23_one_that_names_a_position_is_a_close_of_it() -> None:
    desk = opened(1)
    desk.close(1, lots=0.3, reduce_only=True)
    assert kinds(desk.quote(1.1, 1.1002)) == ["Fill order"] and len(desk.positions) == 0


# 25. One cancels other, one triggers other.


def test_rule_25_one_of_a_group_filled_cancels_the_others_also_on_their_way() -> None:
    desk = Desk(latency="2 s")
    desk.quote(1.1, 1.1)
    desk.buy(0.1, "limit", 1.095, group="in")
    desk.sell(0.1, "limit", 1.105, group="in")
    desk.sell(0.1, "limit", 1.105, group="in", strategy="other")
    desk.sell(0.1, "limit", 1.105)
    desk.quote(1.1, 1.1, after=2 * SECOND)
    desk.buy(0.1, "limit", 1.09, group="in")
    events = desk.quote(1.095, 1.095)
    assert [(type(e).__name__, getattr(e, "order", 0)) for e in events] == [
        ("Fill", 1),
        ("Canceled", 2),
        ("Canceled", 5),
    ]
    assert reasons(events) == ["one cancels other"] * 2
    assert lots(desk.quote(1.106, 1.106)) == [0.1, 0.1], "another strategy's, and one of no group"


def test_rule_25_a_part_filled_cancels_the_others_and_its_rest_works_on() -> None:
    desk = Desk(liquidity="0.05 lots")
    desk.quote(1.1, 1.1)
    desk.buy(0.08, "limit", 1.1, group="in")
    desk.sell(0.1, "limit", 1.2, group="in")
    assert kinds(desk.quote(1.1, 1.1)) == ["Accepted", "Accepted", "Fill order", "Canceled one cancels other"]
    assert lots(desk.quote(1.1, 1.1)) == [0.03]


def test_rule_25_two_of_a_group_touched_by_one_quote_are_not_both_filled() -> None:
    desk = Desk()
    desk.quote(1.1, 1.1)
    desk.buy(0.1, "limit", 1.095, group="in")
    desk.buy(0.1, "limit", 1.094, group="in")
    desk.quote(1.1, 1.1)
    assert kinds(desk.quote(1.09, 1.09)) == ["Fill order", "Canceled one cancels other"]


def test_rule_25_an_order_with_a_parent_works_from_the_record_after_its_parent_was_filled() -> None:
    desk = Desk(latency="1 s")
    desk.quote(1.1, 1.1)
    parent = desk.buy(0.1, "limit", 1.095)
    desk.sell(0.1, "limit", 1.096, parent=parent, reduce_only=True)
    assert kinds(desk.quote(1.1, 1.1)) == ["Accepted", "Accepted"]
    assert kinds(desk.quote(1.097, 1.097)) == [], "the child waits, though it would fill"
    assert kinds(desk.quote(1.095, 1.095)) == ["Fill order"]
    assert deals(desk.quote(1.097, 1.097)) == [(-1, 1.097, "out", "order")]


def test_rule_25_a_child_waits_until_its_parent_is_filled_in_full() -> None:
    desk = Desk(liquidity="0.05 lots")
    desk.quote(1.1, 1.1)
    parent = desk.buy(0.08)
    desk.sell(0.08, parent=parent)
    assert kinds(desk.quote(1.1, 1.1)) == ["Accepted", "Fill order"]
    assert kinds(desk.quote(1.1, 1.1)) == ["Fill order"]
    assert lots(desk.quote(1.1, 1.1)) == [0.05]


def test_rule_25_a_parent_that_ends_otherwise_takes_its_children_and_theirs_with_it() -> None:
    desk = Desk()
    desk.quote(1.1, 1.1)
    parent = desk.buy(0.1, "limit", 1.05)
    child = desk.sell(0.1, "limit", 1.2, parent=parent)
    desk.sell(0.1, "limit", 1.3, parent=child)
    desk.sell(0.1, "limit", 1.2, parent=parent)
    desk.quote(1.1, 1.1)
    desk.cancel(parent)
    events = desk.quote(1.1, 1.1)
    assert [(e.order, e.reason) for e in events if isinstance(e, Canceled)] == [
        (1, "canceled"), (2, "parent gone"), (3, "parent gone"), (4, "parent gone")
    ]  # fmt: skip


def test_rule_25_a_refused_parent_takes_its_children_with_it() -> None:
    desk = Desk(balance=100.0)
    desk.quote(1.1, 1.1)
    parent = desk.buy(1.0)
    desk.sell(0.1, "limit", 1.2, parent=parent)
    events = desk.quote(1.1, 1.1)
    assert kinds(events) == ["Accepted", "Rejected not enough money", "Canceled parent gone"]


def test_rule_25_a_bracket_is_a_parent_with_two_children_of_one_group() -> None:
    for price, order in ((1.09, 2), (1.12, 3)):
        desk = Desk()
        desk.quote(1.1, 1.1)
        desk.buy(0.1)
        desk.sell(0.1, "stop", 1.09, parent=1, group="out", reduce_only=True)
        desk.sell(0.1, "limit", 1.12, parent=1, group="out", reduce_only=True)
        desk.quote(1.1, 1.1)
        desk.quote(1.1, 1.1)
        events = desk.quote(price, price)
        assert kinds(events) == ["Fill order", "Canceled one cancels other"]
        assert isinstance(events[0], Fill) and events[0].order == order and len(desk.positions) == 0


def test_rule_25_waiting_orders_do_not_count_for_the_limits_and_can_be_cancelled() -> None:
    desk = Desk(max_orders=2)
    desk.quote(1.1, 1.1)
    desk.buy(0.1, "limit", 1.05)
    child = desk.buy(0.1, "limit", 1.04, parent=1)
    desk.buy(0.1, "limit", 1.03)
    assert kinds(desk.quote(1.1, 1.1)) == ["Accepted"] * 3
    desk.cancel(child)
    assert desk.quote(1.1, 1.1) == [Canceled(desk.now, "hand", "EURUSD", child, "canceled", desk.now)]


# 29. Slippage.


def test_rule_29_market_stop_if_touched_stop_loss_and_stop_out_slip_limits_and_targets_do_not() -> None:
    """Two points: everything that must trade is 0.00002 worse, whatever has a price is not."""
    desk = Desk(slippage="2 points", balance=1e6, leverage=1_000.0)
    desk.quote(1.1, 1.1)
    desk.buy(0.1, stop=1.09)
    desk.buy(0.1, "stop", 1.11, take_profit=1.12)
    desk.sell(0.1, "if_touched", 1.115)
    desk.sell(0.1, "limit", 1.116)
    desk.quote(1.1, 1.1)
    events = [d for p in (1.11, 1.115, 1.116, 1.12, 1.09) for d in deals(desk.quote(p, p))]
    assert deals(desk.events)[0][1] == 1.10002
    assert [d[1] for d in events] == [1.11002, 1.11498, 1.116, 1.12, 1.08998]


def test_rule_29_a_stop_out_slips() -> None:
    desk = opened(1, bid=1.1, ask=1.1, lots=0.8, balance=1_000.0, leverage=100.0, slippage="2 points")
    assert deals(desk.quote(1.09, 1.09)) == [(-1, 1.08998, "out", "stop_out")]


# 30. Frictions.


def test_rule_30_the_dealer_refuses_orders_of_every_kind_and_requotes_market_orders_only() -> None:
    for friction, expected in (
        ({"rejects": "100 %"}, ["Rejected rejected by the dealer"] * 2),
        ({"requotes": "100 %"}, ["Rejected requote", "Accepted"]),
    ):
        desk = Desk(**friction)
        desk.quote(1.1, 1.1)
        desk.buy(0.1)
        desk.buy(0.1, "limit", 1.05)
        assert kinds(desk.quote(1.1, 1.1)) == expected


def test_rule_30_what_the_rules_refuse_is_refused_for_that_reason() -> None:
    desk = Desk(rejects="100 %")
    desk.quote(1.1, 1.1)
    desk.buy(0.1, stop=1.2)
    assert reasons(desk.quote(1.1, 1.1)) == ["invalid stops"]


def test_rule_30_the_same_order_draws_the_same_whatever_else_happens() -> None:
    """Orders 1 to 60, and every third of them alone under its own number: refused are the same."""

    def refused(numbers: range) -> list[int]:
        desk = Desk(rejects="30 %", balance=1e8)
        desk.quote(1.1, 1.1)
        for number in numbers:
            desk.orders = number - 1
            desk.buy(0.01, "limit", 1.0)
        return [e.order for e in desk.quote(1.1, 1.1) if isinstance(e, Rejected)]

    everything = refused(range(1, 61))
    assert [n for n in everything if n % 3 == 0] == refused(range(3, 61, 3))
    assert 8 <= len(everything) <= 30


def test_rule_30_a_partial_fill_is_a_drawn_share_in_whole_steps_and_the_rest_follows() -> None:
    first = []
    for number in range(1, 41):
        desk = Desk(partial_fills="100 %")
        desk.quote(1.1, 1.1)
        desk.orders = number - 1
        desk.buy(0.1)
        fills = [f for _ in range(2) for f in desk.quote(1.1, 1.1) if isinstance(f, Fill)]
        assert sum(round(f.units / 1_000) for f in fills) == 10 and len(fills) == 2
        first.append(round(fills[0].units / 1_000))
    assert set(first) >= {1, 3, 5, 7, 9} and max(first) < 10


def test_rule_30_a_partial_fill_cancels_what_must_be_filled_at_once() -> None:
    for filling, expected in (("ioc", ["Fill order", "Canceled no liquidity"]), ("fok", ["Canceled no liquidity"])):
        desk = Desk(partial_fills="100 %")
        desk.quote(1.1, 1.1)
        desk.buy(0.1, filling=filling)
        assert kinds(desk.quote(1.1, 1.1)) == expected


def test_rule_30_resting_orders_are_not_filled_in_part_for_no_reason() -> None:
    desk = in_bars(lots=0.01, partial_fills="100 %")
    desk.buy(0.5, "limit", 1.095)
    assert lots(desk.bar(1.1, 1.1, 1.09, 1.1)) == [0.5]
