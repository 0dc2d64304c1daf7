"""What risk lets through: entries within the limits, exits always, and every no with its value and threshold."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import OnetapeError
from engine.core.events import Denied, Event, Order, Rejected, Signal, TargetPosition
from engine.core.quantity import Percent, Volume
from engine.risk.risk import PASSED, Risk
from engine.risk.terms import RULES
from tests.risk.test_sizing import limits_for
from tests.venue.desk import SECOND, Desk

ENTRIES = {"max_drawdown": Percent.parse("10 %"), "max_position": Volume.parse("0.5 lots")}


def risk_of(desk: Desk, size: str = "0.1 lots", **limits: Any) -> Risk:
    """The risk stage over the desk's book."""
    steps = [one.step_units for one in desk.terms.instruments.values()]
    return Risk(
        tuple(desk.terms.instruments),
        desk.venue.strategies,
        limits_for(desk, size, **limits),
        lambda: desk.venue.book,
        steps,
    )


def started(bid: float = 1.1, ask: float = 1.1002, **options: Any) -> Desk:
    desk = Desk(**options)
    desk.quote(bid, ask)
    return desk


def owning(lots: float, **options: Any) -> Desk:
    desk = started(**options)
    desk.order(1 if lots > 0 else -1, abs(lots))
    desk.quote(1.1, 1.1002)
    return desk


def wish(desk: Desk, strength: float, stop: float | None = None, symbol: str = "EURUSD") -> Signal:
    return Signal(desk.now, "hand", symbol, strength, stop)


def denials(events: list[Event] | Event | None) -> list[tuple[str, float, float]]:
    found = events if isinstance(events, list) else [events]
    return [(e.rule, e.value, e.threshold) for e in found if isinstance(e, Denied)]


def targets(events: list[Event] | Event | None) -> list[float]:
    found = events if isinstance(events, list) else [events]
    return [e.units for e in found if isinstance(e, TargetPosition)]


def same(found: list[tuple[str, float, float]], rule: str, value: float, threshold: float) -> bool:
    return len(found) == 1 and found[0][0] == rule and found[0][1:] == pytest.approx((value, threshold), nan_ok=True)


# each no, with what it saw and what it holds


def test_a_wish_while_an_order_is_on_its_way_is_denied_with_how_many() -> None:
    desk = started(latency="5 s")
    desk.buy(0.1)
    assert same(denials(risk_of(desk).on_signal(wish(desk, 1.0))), "in_flight", 1, 0)


def test_a_wish_before_there_is_a_price_or_a_rate_is_denied() -> None:
    desk = Desk("GBPJPY", "USDJPY")
    risk = risk_of(desk)
    assert same(denials(risk.on_signal(wish(desk, 1.0, symbol="GBPJPY"))), "no_price", math.nan, math.nan)
    desk.quote(190.0, 190.1, "GBPJPY")
    assert same(denials(risk.on_signal(wish(desk, 1.0, symbol="GBPJPY"))), "no_price", math.nan, math.nan)
    desk.quote(150.0, 150.1, "USDJPY")
    assert targets(risk.on_signal(wish(desk, 1.0, symbol="GBPJPY"))) == [10_000.0]


def test_risk_per_trade_without_a_stop_is_denied() -> None:
    assert same(
        denials(risk_of(started(), "1 % risk").on_signal(wish(started(), 1.0))), "stop_missing", math.nan, math.nan
    )


@pytest.mark.parametrize(("strength", "stop", "price"), [(1.0, 1.1002, 1.1002), (1.0, 1.2, 1.1002), (-1.0, 1.1, 1.1)])
def test_a_stop_on_the_wrong_side_is_denied_with_stop_and_price(strength: float, stop: float, price: float) -> None:
    desk = started()
    assert same(denials(risk_of(desk).on_signal(wish(desk, strength, stop))), "stop_side", stop, price)


def test_a_drawdown_at_the_limit_is_denied_and_one_just_below_is_not() -> None:
    """1.00 lot of another strategy from 1.10000: 1.09000 is a fall of 1,000 of 10,000, 1.09001 of 999."""
    for bid, denied in ((1.09001, False), (1.09, True)):
        desk = Desk()
        desk.quote(1.1, 1.1)
        desk.buy(1.0, strategy="other")
        desk.quote(1.1, 1.1)
        desk.quote(bid, bid)
        found = denials(risk_of(desk, max_drawdown=Percent.parse("10 %")).on_signal(wish(desk, 1.0)))
        assert same(found, "max_drawdown", 0.1, 0.1) if denied else found == []


def test_a_size_below_the_smallest_volume_is_denied_with_both_in_lots() -> None:
    """0.1 % of 10,000 = 10.00 over 0.05000 is 200 units, no step; the least is 0.01 lots."""
    desk = started()
    assert same(denials(risk_of(desk, "0.1 % risk").on_signal(wish(desk, 1.0, 1.0502))), "volume_min", 0.0, 0.01)


def test_a_size_above_the_largest_position_is_cut_to_it() -> None:
    desk = started()
    risk = risk_of(desk, "2 lots", max_position=Volume.parse("0.5 lots"))
    assert targets(risk.on_signal(wish(desk, -1.0))) == [-50_000.0]


def test_an_own_order_beyond_the_largest_position_is_denied_with_both_in_lots() -> None:
    desk = owning(0.3)
    risk = risk_of(desk, max_position=Volume.parse("0.5 lots"))
    order = lambda units: Order(desk.now, "hand", "EURUSD", 1, units)  # noqa: E731
    assert same(denials(risk.on_order(order(21_000.0))), "max_position", 0.51, 0.5)
    passed = risk.on_order(order(20_000.0))
    assert isinstance(passed, Order) and passed.id > 0


# a no to the entry is no no to the exit


@settings(max_examples=150)
@given(
    lots=st.sampled_from([0.1, -0.1, 0.6, -0.6]), strength=st.sampled_from([0.0, 1.0, -1.0, 0.5, -0.5]),
    stop=st.sampled_from([None, 1.05, 1.15]), size=st.sampled_from(["0.1 lots", "1 % risk", "0.0001 % risk", "3 lots"]),
    price=st.sampled_from([1.1, 1.02, 1.3]), mode=st.sampled_from(["hedging", "netting"]),
    limits=st.sampled_from([{}, ENTRIES]),
)  # fmt: skip
def test_an_exit_is_never_denied(
    lots: float, strength: float, stop: float | None, size: str, price: float, mode: str, limits: dict[str, Any]
) -> None:
    """With nothing on its way: flat means flat, the other side means at least flat, whatever is said of the entry."""
    desk = owning(lots, mode=mode, balance=50_000.0)
    desk.quote(price, price + 0.0002)
    events = risk_of(desk, size, **limits).on_signal(wish(desk, strength, stop))
    [own] = {int(p["side"] * p["steps"]) for p in desk.positions}
    if strength == 0.0:
        assert targets(events) == [0.0] and denials(events) == []
    elif strength * own < 0:
        assert len(targets(events)) == 1 and targets(events)[0] * own <= 0


@settings(max_examples=150)
@given(
    lots=st.sampled_from([0.0, 0.1, -0.1, 0.5, 0.6]), strength=st.sampled_from([1.0, -1.0, 0.5, -0.25]),
    stop=st.sampled_from([None, 1.05, 1.15]), size=st.sampled_from(["0.1 lots", "1 % risk", "300 % equity", "3 lots"]),
    price=st.sampled_from([1.1, 1.02, 1.3]),
)  # fmt: skip
def test_what_is_allowed_is_within_every_limit(
    lots: float, strength: float, stop: float | None, size: str, price: float
) -> None:
    desk = owning(lots, balance=50_000.0) if lots else started(balance=50_000.0)
    desk.quote(price, price + 0.0002)
    a = desk.venue.book[0][0]
    events = risk_of(desk, size, **ENTRIES).on_signal(wish(desk, strength, stop))
    for units in targets(events):
        if units == 0.0:
            continue
        assert units * strength > 0, "the wished side"
        assert abs(units) <= 50_000.0 + 1e-6, "max_position"
        assert (a["peak"] - a["equity"]) / a["peak"] < 0.1, "max_drawdown"
        assert stop is None or strength * (price - stop) > 0, "stop on the right side"
        assert abs(units) >= 1_000.0, "volume_min"
    for rule, _, _ in denials(events):
        assert rule in RULES


def test_a_reversal_in_a_drawdown_is_denied_as_an_entry_and_goes_through_as_an_exit() -> None:
    desk = owning(1.0)
    desk.quote(1.08, 1.0802)
    events = risk_of(desk, max_drawdown=Percent.parse("10 %")).on_signal(wish(desk, -1.0))
    assert same(denials(events), "max_drawdown", 0.202, 0.1)
    assert targets(events) == [0.0]
    assert [e.passed for e in events if isinstance(e, TargetPosition)] == [PASSED]


def test_reducing_by_an_own_order_is_allowed_in_any_drawdown() -> None:
    desk = owning(1.0)
    desk.quote(1.08, 1.0802)
    risk = risk_of(desk, **ENTRIES)
    order = lambda side, units, position=0: Order(desk.now, "hand", "EURUSD", side, units, position=position)  # noqa: E731
    assert isinstance(risk.on_order(order(-1, 100_000.0)), Order)
    assert isinstance(risk.on_order(order(-1, 500_000.0, 1)), Order)
    assert denials(risk.on_order(order(-1, 101_000.0))) and denials(risk.on_order(order(1, 1_000.0)))


# a wish repeated, a wish scaled


def test_a_wish_that_is_met_changes_nothing_and_one_of_another_strength_does() -> None:
    desk = started()
    risk = risk_of(desk)
    [target] = risk.on_signal(wish(desk, 1.0))
    assert isinstance(target, TargetPosition) and target.units == 10_000.0
    desk.buy(0.1)
    desk.quote(1.1, 1.1002)
    assert risk.on_signal(wish(desk, 1.0)) == []
    assert targets(risk.on_signal(wish(desk, 0.5))) == [5_000.0]


def test_a_target_a_strategy_sets_itself_is_held_to_the_limits() -> None:
    desk = owning(0.3)
    risk = risk_of(desk, **ENTRIES)
    set_to = lambda units: risk.on_target(TargetPosition(desk.now, "hand", "EURUSD", units))  # noqa: E731
    assert same(denials(set_to(51_000.0)), "max_position", 0.51, 0.5)
    assert targets(set_to(50_000.0)) == [50_000.0] and targets(set_to(0.0)) == [0.0]
    assert set_to(30_000.0) is None


# what cannot be meant


@pytest.mark.parametrize("strength", [math.nan, 1.5, -50.0, math.inf])
def test_a_strength_beyond_one_or_none_at_all_is_denied(strength: float) -> None:
    """NaN sold the largest position allowed; 50 staked fifty times the money at risk."""
    desk = owning(0.1)
    risk = risk_of(desk, "1 % risk", max_position=Volume.parse("5 lots"))
    events = risk.on_signal(wish(desk, strength, 1.05 if strength > 0 else 1.15))
    assert same(denials(events), "strength", strength, 1.0) and targets(events) == []


def test_a_target_repeated_while_its_order_is_on_its_way_is_not_ordered_twice() -> None:
    """A target set at every quote became an order at every quote until the first was filled."""
    desk = started(latency="5 s")
    risk = risk_of(desk, **ENTRIES)
    set_to = lambda units: risk.on_target(TargetPosition(desk.now, "hand", "EURUSD", units))  # noqa: E731
    assert targets(set_to(30_000.0)) == [30_000.0]
    desk.buy(0.3)
    desk.quote(1.1, 1.1002)
    assert set_to(30_000.0) is None
    assert same(denials(set_to(0.0)), "in_flight", 1, 0)
    desk.quote(1.1, 1.1002, after=5 * SECOND)
    assert set_to(30_000.0) is None and targets(set_to(0.0)) == [0.0]


def test_orders_that_rest_count_towards_the_largest_position() -> None:
    """Five limits of 0.3 lots, each allowed alone, held 1.5 lots where 0.5 were allowed."""
    desk = started()
    risk = risk_of(desk, **ENTRIES)
    limit = lambda side, units: Order(desk.now, "hand", "EURUSD", side, units, "limit", 1.1 - side * 0.01)  # noqa: E731
    assert isinstance(risk.on_order(limit(1, 30_000.0)), Order)
    desk.buy(0.3, "limit", 1.09)
    assert same(denials(risk.on_order(limit(1, 30_000.0))), "max_position", 0.6, 0.5)
    assert isinstance(risk.on_order(limit(1, 20_000.0)), Order)
    assert isinstance(risk.on_order(limit(-1, 50_000.0)), Order), "the other side has nothing resting"


def test_what_reduces_twice_over_is_an_entry() -> None:
    """Long 1.00 in a drawdown: one order may sell it all, a second would open a short."""
    desk = owning(1.0)
    desk.quote(1.08, 1.0802)
    risk = risk_of(desk, max_drawdown=Percent.parse("10 %"))
    order = Order(desk.now, "hand", "EURUSD", -1, 100_000.0, "limit", 1.09)
    assert isinstance(risk.on_order(order), Order)
    desk.sell(1.0, "limit", 1.09)
    assert same(denials(risk.on_order(order)), "max_drawdown", 0.202, 0.1)


def test_a_larger_wish_that_the_venue_refused_can_be_tried_again() -> None:
    """Half a wish is held, the whole is refused for want of margin: repeated, it was taken for met and dropped."""
    desk = started()
    risk = risk_of(desk)
    assert targets(risk.on_signal(wish(desk, 0.5))) == [5_000.0]
    desk.buy(0.05)
    desk.quote(1.1, 1.1002)
    assert targets(risk.on_signal(wish(desk, 1.0))) == [10_000.0]
    risk.on_rejected(Rejected(desk.now, "hand", "EURUSD", 2, "not enough money", desk.now))
    assert targets(risk.on_signal(wish(desk, 1.0))) == [10_000.0]
    risk.on_rejected(Rejected(desk.now, "hand", "", 7, "no such order", desk.now))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kind": "limit"}, "a limit order needs a price"),
        ({"kind": "stop", "price": math.nan}, "a stop order needs a price"),
        ({"kind": "limit", "price": -1.1}, "a limit order needs a price"),
        ({"kind": "trailing", "price": 1.1}, "kind 'trailing'"),
        ({"kind": "limt", "price": 1.1}, "did you mean limit"),
        ({"stop": math.inf}, "finite"),
        ({"side": 2}, "side 2"),
        ({"side": 0}, "side 0"),
        ({"symbol": "EURUSE"}, "did you mean EURUSD"),
    ],
)
def test_an_own_order_that_cannot_be_meant_is_one_clear_error(wrong: dict[str, Any], says: str) -> None:
    """A limit without a price rested for ever; side 2 doubled every profit."""
    desk = started()
    order = {"symbol": "EURUSD", "side": 1, "units": 1_000.0} | wrong
    with pytest.raises(OnetapeError, match="hand") as error:
        risk_of(desk).on_order(Order(desk.now, "hand", order.pop("symbol"), **order))
    assert says in str(error.value)


def test_an_own_orders_prices_lie_on_the_grid_and_nan_is_none() -> None:
    desk = started()
    order = Order(desk.now, "hand", "EURUSD", 1, 1_000.0, "limit", 1.0912345, math.nan, 1.1212351)
    passed = risk_of(desk).on_order(order)
    assert isinstance(passed, Order)
    assert (passed.price, passed.stop, passed.take_profit) == (1.09123, None, 1.12124)


def test_a_wish_for_a_symbol_that_is_not_there_is_one_clear_error() -> None:
    desk = started()
    for event, handler in ((wish(desk, 1.0, symbol="EURUSB"), "on_signal"),
                           (TargetPosition(desk.now, "hand", "EURUSB", 1_000.0), "on_target")):  # fmt: skip
        with pytest.raises(OnetapeError, match="EURUSB.*did you mean EURUSD"):
            getattr(risk_of(desk), handler)(event)
