"""From a target to orders: closes before it opens, names what it closes, and ends where it was told to."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.events import Order, Rejected, TargetPosition
from engine.execution.market import MarketExecution
from tests.venue.desk import SECOND, Desk

STEP = 1_000.0
HELD = st.lists(st.tuples(st.sampled_from(["hand", "other"]), st.sampled_from([1, -1]), st.integers(1, 30)), max_size=7)


def holding(positions: list[tuple[str, int, int]], **options: Any) -> Desk:
    """A rich desk with these positions (strategy, side, steps); on a netting account they are one."""
    desk = Desk(balance=1e6, **options)
    desk.quote(1.1, 1.1002)
    for strategy, side, steps in positions:
        desk.order(side, steps / 100, strategy=strategy)
    desk.quote(1.1, 1.1002)
    return desk


def own(desk: Desk, strategy: str) -> int:
    k = desk.venue.strategies.index(strategy)
    return sum(int(p["side"] * p["steps"]) for p in desk.positions if p["strategy"] == k)


def plan(desk: Desk, units: float, stop: float | None = None, take_profit: float | None = None) -> list[Order]:
    execution = MarketExecution(tuple(desk.terms.instruments), desk.venue.strategies, lambda: desk.venue.book, [STEP])
    return execution.on_target(TargetPosition(desk.now, "hand", "EURUSD", units, stop, take_profit, "all")) or []


def carry_out(desk: Desk, orders: list[Order]) -> list[Any]:
    for order in orders:
        desk.say(order)
    return desk.quote(1.1, 1.1002)


@settings(max_examples=150)
@given(HELD, st.integers(-60, 60))
def test_a_hedging_plan_closes_before_it_opens_and_ends_on_target(held: list[tuple], target: int) -> None:
    desk = holding(held)
    before = {int(p["id"]): (int(p["strategy"]), int(p["side"]), int(p["steps"])) for p in desk.positions}
    others, side = own(desk, "other"), (target > 0) - (target < 0)
    kept = sum(steps for k, way, steps in before.values() if k == 0 and way == side)
    against = sum(steps for k, way, steps in before.values() if k == 0 and way != side)
    orders = plan(desk, target * STEP)
    closes = [o for o in orders if o.position]
    assert [o.position for o in orders] == [o.position for o in closes] + [0] * (len(orders) - len(closes))
    assert [o.position for o in closes] == sorted(o.position for o in closes), "oldest first"
    for o in closes:
        strategy, way, steps = before[o.position]
        assert strategy == 0 and way == -o.side and o.units <= steps * STEP and o.stop is None
    closed = sum(round(o.units / STEP) for o in closes)
    opened = sum(round(o.units / STEP) for o in orders if not o.position)
    assert closed == against + max(kept - abs(target), 0), "a hedge goes too"
    assert opened == max(abs(target) - kept, 0)
    assert all(o.kind == "market" for o in orders) and len({o.id for o in orders}) == len(orders)
    carry_out(desk, orders)
    assert own(desk, "hand") == target and own(desk, "other") == others
    assert {int(p["side"]) for p in desk.positions if p["strategy"] == 0} <= {side}


@settings(max_examples=60)
@given(st.integers(-30, 30).filter(bool), st.integers(-30, 30))
def test_a_stop_that_is_quicker_leaves_no_more_than_was_allowed(held: int, target: int) -> None:
    """On a netting account the order that closes finds nothing left to close, and opens nothing."""
    side = 1 if held > 0 else -1
    desk = Desk(balance=1e6, mode="netting", latency="1 s")
    desk.quote(1.1, 1.1002)
    desk.order(side, abs(held) / 100, stop=1.1 - side * 0.01, strategy="hand")
    desk.quote(1.1, 1.1002, after=2 * SECOND)
    assert own(desk, "hand") == held
    orders = plan(desk, target * STEP)
    for order in orders:
        desk.say(order)
    desk.quote(1.1 - side * 0.02, 1.1002 - side * 0.02, after=SECOND // 2)
    assert own(desk, "hand") == 0
    desk.quote(1.1, 1.1002, after=2 * SECOND)
    left = own(desk, "hand")
    assert left * target >= 0 and abs(left) <= abs(target)
    assert left == (target if target * held < 0 else max(abs(target) - abs(held), 0) * side if target else 0)


@settings(max_examples=100)
@given(st.integers(-30, 30), st.integers(-30, 30), st.sampled_from([None, 0.01]))
def test_a_netting_account_takes_one_order_to_the_target_where_no_exit_can_be_quicker(
    held: int, target: int, far: float | None
) -> None:
    desk = holding([("hand", 1 if held > 0 else -1, abs(held))] if held else [], mode="netting")
    side = 1 if target > 0 else -1
    stop = 1.1 - side * far if far and target else None
    take_profit = 1.1 + side * far if far and target else None
    orders = plan(desk, target * STEP, stop, take_profit)
    assert len(orders) == (target != held)
    events = carry_out(desk, orders)
    assert not any(isinstance(e, Rejected) for e in events), "a stop for the position is none for what reduces it"
    assert own(desk, "hand") == target


def test_what_is_opened_carries_the_exits_on_the_venues_grid_and_what_is_closed_none() -> None:
    desk = holding([("hand", -1, 5)])
    close, entry = plan(desk, 7 * STEP, 1.0912345, 1.1212351)
    assert (close.position, close.side, close.units, close.stop, close.take_profit) == (1, 1, 5_000.0, None, None)
    assert (entry.position, entry.side, entry.units, entry.stop, entry.take_profit) == (0, 1, 7_000.0, 1.09123, 1.12124)


def test_a_target_that_risk_has_not_passed_is_not_carried_out() -> None:
    desk = holding([])
    execution = MarketExecution(("EURUSD",), desk.venue.strategies, lambda: desk.venue.book, [STEP])
    assert execution.on_target(TargetPosition(desk.now, "hand", "EURUSD", 5_000.0)) is None


def test_orders_are_numbered_on_from_the_last() -> None:
    desk = holding([("hand", 1, 5), ("hand", 1, 5)])
    first = plan(desk, -5 * STEP)
    second = plan(desk, -5 * STEP)
    numbers = [o.id for o in first + second]
    assert numbers == list(range(numbers[0], numbers[0] + 6))


def test_a_strategy_with_many_positions_is_closed_in_full() -> None:
    desk = holding([("hand", 1, 1)] * 40)
    orders = plan(desk, 0.0)
    assert [o.position for o in orders] == list(range(1, 41))
    desk.now += SECOND
    carry_out(desk, orders)
    assert len(desk.positions) == 0 and math.isclose(desk.equity, desk.balance)


@pytest.mark.parametrize("mode", ["hedging", "netting"])
def test_being_there_already_takes_no_order(mode: str) -> None:
    assert plan(holding([("hand", 1, 5)], mode=mode), 5 * STEP) == []
