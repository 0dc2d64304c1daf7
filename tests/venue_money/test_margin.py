"""Margin in MetaTrader 5's modes: hand-computed openings, hedged positions, and laws that hold for any of them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import ConfigError
from tests.venue_money.counter import Counter, changed


def counter(symbol: str, margin: dict[str, Any] | None, *others: str, **options: Any) -> Counter:
    extra = options.pop("extra", {})
    table = changed(symbol, **extra)
    table.pop("margin", None)
    if margin is not None:
        table["margin"] = margin
    made = Counter(symbol, *others, declare=[table], **options)
    for name, quote in {"GBPUSD": 1.25, "EURUSD": 1.10, "USDJPY": 150.0, "EURGBP": 0.88}.items():
        if name in made.ids:
            made.quote(name, quote)
    return made


@pytest.mark.parametrize(
    ("symbol", "margin", "lots", "price", "options", "money"),
    [
        # forex: lots x contract / leverage, in the base currency
        ("EURUSD", {"mode": "forex"}, 1.0, 1.10, {}, 1_100.0),  # 100000 / 100 = 1000 EUR x 1.10
        ("EURUSD", {"mode": "forex"}, 0.25, 1.10, {"leverage": 30.0}, 916.666667),  # 25000 / 30 x 1.10
        ("USDJPY", {"mode": "forex"}, 1.0, 150.0, {}, 1_000.0),  # dollars already, whatever the price
        ("EURUSD", {"mode": "forex", "rate": 1.5}, 1.0, 1.10, {}, 1_650.0),
        ("EURUSD", {"mode": "forex", "leverage": 20.0}, 1.0, 1.10, {}, 5_500.0),  # its own leverage, not the account's
        ("EURUSD", {"mode": "forex", "initial": 100_000.0}, 1.0, 1.10, {}, 1_100.0),  # fixed money, still leveraged
        ("EURUSD", {"mode": "forex_no_leverage"}, 1.0, 1.10, {}, 110_000.0),
        ("EURUSD", {"mode": "forex_no_leverage", "initial": 2_500.0}, 2.0, 1.10, {}, 5_500.0),  # 2 x 2500 EUR x 1.10
        # cfd: lots x contract x price, in the profit currency
        ("XAUUSD", {"mode": "cfd"}, 0.5, 2_000.0, {}, 100_000.0),  # 50 oz x 2000
        ("XAUUSD", {"mode": "cfd_leverage"}, 0.5, 2_000.0, {}, 1_000.0),
        ("XAUUSD", {"mode": "cfd_leverage", "currency": "XAU"}, 0.5, 2_000.0, {}, 1_000.0),  # the price is in it once
        ("XAUUSD", {"mode": "cfd", "initial": 700.0, "currency": "USD"}, 2.0, 2_000.0, {}, 1_400.0),
        ("XAUUSD", {"mode": "cfd_leverage", "initial": 700.0, "currency": "USD"}, 2.0, 2_000.0, {}, 14.0),
        ("DE40", {"mode": "cfd_index"}, 3.0, 18_000.0, {"extra": {"tick_size": 0.5, "tick_value": 2.5}}, 297_000.0),
        # 3 x 1 x 18000 x 2.5 / 0.5 = 270000 EUR x 1.10
        ("DE40", {"mode": "futures", "initial": 5_000.0}, 2.0, 18_000.0, {}, 11_000.0),  # 2 x 5000 EUR x 1.10
        ("US500", {"mode": "exch_stocks"}, 10.0, 5_000.0, {}, 50_000.0),
        ("US500", {"mode": "exch_stocks_moex", "rate": 0.5}, 10.0, 5_000.0, {}, 25_000.0),
        ("US500", {"mode": "exch_futures", "initial": 400.0}, 10.0, 5_000.0, {}, 4_000.0),
        # other currencies of the margin
        ("EURUSD", {"mode": "forex", "currency": "USD"}, 1.0, 1.10, {}, 1_000.0),
        ("EURUSD", {"mode": "forex", "currency": "GBP"}, 1.0, 1.10, {}, 1_250.0),  # through GBPUSD
        ("EURUSD", {"mode": "forex", "currency": "CHF"}, 1.0, 1.10, {"rates": {"USDCHF": 0.8}}, 1_250.0),
        ("EURGBP", {"mode": "forex"}, 1.0, 0.88, {}, 1_100.0),  # 1000 EUR x 0.88 x 1.25
        # tiers by what it is worth: the first 100,000 at 1:200, up to 300,000 at 1:100, above at 1:50
        ("EURUSD", {"mode": "forex", "tiers": [[0, 200], [100_000, 100], [300_000, 50]]}, 4.0, 1.10, {}, 5_300.0),
        # 440000 USD: 100000 / 200 + 200000 / 100 + 140000 / 50
        ("XAUUSD", {"mode": "cfd_leverage", "tiers": [[0, 500], [1_000_000, 100]]}, 1.0, 2_000.0, {}, 400.0),
        # not stated at all
        ("EURUSD", None, 1.0, 1.10, {}, 1_100.0),
        ("XAUUSD", None, 1.0, 2_000.0, {}, 2_000.0),
    ],
)  # fmt: skip
def test_an_opening_ties_up_what_the_formula_says(
    symbol: str, margin: dict[str, Any] | None, lots: float, price: float, options: dict[str, Any], money: float
) -> None:
    others = [s for s in ("GBPUSD", "EURUSD") if s != symbol]
    made = counter(symbol, margin, *others, **options)
    made.quote(symbol, price)
    assert made.margin(symbol, lots, price) == money
    assert made.after(symbol, 1, lots, price) == money
    assert bool(made.notes) == (margin is None)


def test_holding_may_need_less_than_opening() -> None:
    made = counter("US500", {"mode": "futures", "initial": 500.0, "maintenance": 400.0})
    assert (made.margin("US500", 2.0, 5_000.0), made.margin("US500", 2.0, 5_000.0, initial=False)) == (1_000.0, 800.0)
    made.hold("US500", 1, 2.0, 5_000.0)
    assert made.together("US500") == 800.0
    assert made.after("US500", 1, 1.0, 5_000.0) == 1_300.0  # 800 for what is held, 500 for the new lot
    made = counter("EURUSD", {"mode": "forex", "rate": 2.0, "maintenance_rate": 1.0})
    assert (made.margin("EURUSD", 1.0, 1.1), made.margin("EURUSD", 1.0, 1.1, initial=False)) == (2_200.0, 1_100.0)


@pytest.mark.parametrize(
    ("more", "money"),
    [
        # 3 lots long at 1.10 (3300), 1 lot short at 1.14 (1140)
        ({}, 4_440.0),  # not stated: both legs
        ({"hedged": 0.0}, 2_200.0),  # 2 lots left of the long leg, the hedge is free
        ({"hedged": 100_000.0}, 3_310.0),  # and one covered lot at the average of all, 4440 / 4
        ({"hedged": 50_000.0}, 2_755.0),  # half of it
        ({"hedged": 25_000.0, "initial": 100_000.0}, 2_477.5),  # money beside the fixed money
        ({"larger_leg": True, "hedged": 100_000.0}, 3_300.0),
        ({"larger_leg": True}, 3_300.0),
    ],
)
def test_a_hedge_counts_as_the_contract_says(more: dict[str, Any], money: float) -> None:
    made = counter("EURUSD", {"mode": "forex", **more})
    made.hold("EURUSD", 1, 2.0, 1.09)
    made.hold("EURUSD", 1, 1.0, 1.12)
    made.hold("EURUSD", -1, 1.0, 1.14)
    assert made.together("EURUSD") == pytest.approx(money)
    assert made.book[0]["margin"][0] == pytest.approx(money)


def test_margin_of_the_account_is_that_of_its_symbols_with_the_new_part() -> None:
    made = counter("EURUSD", {"mode": "forex", "hedged": 0.0}, "GBPUSD")
    made.hold("GBPUSD", 1, 1.0, 1.25)
    made.hold("EURUSD", 1, 1.0, 1.10)
    assert made.after("EURUSD", 1, 1.0, 1.20) == 1_250.0 + 1_100.0 + 1_200.0
    assert made.after("EURUSD", -1, 1.0, 1.20) == 1_250.0  # a full hedge frees what the position tied up
    assert made.after("EURUSD", -1, 3.0, 1.20) == 1_250.0 + 2_400.0
    assert made.after("GBPUSD", -1, 1.0, 1.30) == 1_250.0 + 1_300.0 + 1_100.0


def test_on_a_netting_account_tiers_go_on_where_the_position_stands() -> None:
    tiers = {"mode": "forex", "tiers": [[0, 200], [100_000, 100]]}
    for mode, money in (("netting", 1_000.0), ("hedging", 500.0)):
        made = counter("USDJPY", tiers, mode=mode)
        made.hold("USDJPY", 1, 1.0, 150.0)
        assert made.margin("USDJPY", 1.0, 150.0) == money


MODES = st.sampled_from(["forex", "forex_no_leverage", "cfd", "cfd_leverage", "exch_stocks"])
HELD = st.lists(st.tuples(st.sampled_from([1, -1]), st.integers(1, 900), st.floats(0.5, 2.0)), min_size=1, max_size=6)


@settings(max_examples=60)
@given(MODES, HELD, st.none() | st.floats(0.0, 100_000.0), st.booleans())
def test_a_hedge_ties_up_no_more_than_both_legs_and_no_less_than_what_is_open_on_balance(
    mode: str, held: list[tuple[int, int, float]], hedged: float | None, larger: bool
) -> None:
    margin: dict[str, Any] = {"mode": mode, "larger_leg": larger}
    made = counter("EURUSD", margin if hedged is None else {**margin, "hedged": hedged})
    made.quote("EURUSD", 1.1)
    before = [made.hold("EURUSD", side, steps / 100, price) for side, steps, price in held]
    both = sum(float(q["margin"]) for q in before)
    money = made.together("EURUSD")
    assert money <= both + 1e-6  # a pair of lots counts as one at most
    sides = {side: (sum(int(q["steps"]) for q in before if q["side"] == side),
                    sum(float(q["margin"]) for q in before if q["side"] == side)) for side in (1, -1)}  # fmt: skip
    (more, of_more), (less, _) = sorted(sides.values(), reverse=True)
    assert money >= (more - less) * of_more / more - 1e-6
    if not less:
        assert money == pytest.approx(both, abs=1e-6)


@settings(max_examples=60)
@given(MODES, HELD, st.none() | st.floats(0.0, 200_000.0), st.booleans())
def test_what_an_opening_is_told_to_tie_up_is_what_it_then_does(
    mode: str, held: list[tuple[int, int, float]], hedged: float | None, larger: bool
) -> None:
    margin: dict[str, Any] = {"mode": mode, "larger_leg": larger}
    made = counter("EURUSD", margin if hedged is None else {**margin, "hedged": hedged}, "GBPUSD")
    made.quote("EURUSD", 1.1)
    made.hold("GBPUSD", 1, 0.7, 1.25)
    for side, steps, price in held:
        told = made.after("EURUSD", side, steps / 100, price)
        made.hold("EURUSD", side, steps / 100, price)
        assert made.book[0]["margin"][0] == pytest.approx(told, abs=1e-5)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 400), st.integers(1, 500)), min_size=1, max_size=8),
    st.integers(1, 5_000),
)
def test_tiers_are_the_sum_of_their_parts(steps: list[tuple[int, int]], volume: int) -> None:
    tiers, at = [], 0
    for width, leverage in steps:
        tiers.append((at * 1_000.0, float(leverage)))
        at += width
    made = counter("USDJPY", {"mode": "forex", "tiers": tiers})
    worth, parts = Fraction(volume) * 1_000, Fraction(0)  # a step of 0.01 lots is 1,000 dollars
    for (low, leverage), (high, _) in zip(tiers, [*tiers[1:], (float("inf"), 0.0)], strict=True):
        top = worth if high == float("inf") else min(worth, Fraction(high))
        parts += max(Fraction(0), top - Fraction(low)) / Fraction(leverage)
    assert made.margin("USDJPY", volume / 100, 150.0) == pytest.approx(float(parts), rel=1e-9, abs=1e-5)


@pytest.mark.parametrize(
    ("symbol", "margin", "message"),
    [
        ("EURUSD", {"mode": "exch_bonds"}, "margin.mode 'exch_bonds' is not simulated"),
        ("EURUSD", {"mode": "exch_options"}, "is not simulated"),
        ("EURUSD", {"mode": "collateral"}, "is not simulated"),
        ("EURUSD", {"mode": "forx"}, "forx"),
        ("DE40", {"mode": "cfd_index"}, "needs tick_value"),
        ("DE40", {"mode": "futures"}, "needs margin.initial"),
        ("EURUSD", {"mode": "forex", "currency": "CHF"}, "add USDCHF (or CHFUSD) to data.symbols, or a fixed rate"),
        ("EURUSD", {"mode": "forex", "hedged": -1.0}, "margin.hedged must be 0 or above"),
        ("EURUSD", {"mode": "forex", "tiers": [[n * 1.0, 10.0] for n in range(9)]}, "at most 8"),
    ],
)  # fmt: skip
def test_a_margin_that_cannot_be_worked_out_is_an_error_at_start(
    symbol: str, margin: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as wrong:
        counter(symbol, margin, "EURUSD" if symbol == "DE40" else "GBPUSD")
    assert message in str(wrong.value) and "\n" not in str(wrong.value)


def test_a_future_earns_its_tick_value_per_tick() -> None:
    """E-mini: a quarter of a point is 12.50 dollars a contract, so a unit is 50 dollars a point."""
    future = {
        "symbol": "ES", "kind": "futures", "base_currency": "USD", "profit_currency": "USD", "digits": 2,
        "contract_size": 1.0, "volume_min": 1.0, "volume_step": 1.0, "tick_size": 0.25, "tick_value": 12.5,
        "margin": {"mode": "futures", "initial": 12_000.0},
    }  # fmt: skip
    made = Counter("ES", declare=[future])
    made.quote("ES", 5_010.25)
    made.hold("ES", 1, 2.0, 5_000.0)
    assert made.instruments[0].step_units == 50.0
    assert made.book[1]["floating"][0] == 2 * 41 * 12.5
    assert made.book[0]["margin"][0] == 24_000.0


def test_margin_is_that_of_metatraders_own_example() -> None:
    """`order_calc_margin` in the documentation of the MetaTrader5 package 5.0.29: 0.1 lots, a dollar account at 1:100.

    It prints no prices; those of the euro and the pound follow from their first figures, the yen's from the example of
    `order_calc_profit` beside it (300 points sold from 108.179 are 278.09), and the crosses are made of them.
    """
    prices = {"EURUSD": 1.0991, "GBPUSD": 1.2273, "USDJPY": 108.18, "USDCHF": 0.9680}
    prices |= {f"{base}JPY": prices[f"{base}USD"] * prices["USDJPY"] for base in ("EUR", "GBP")}
    made = Counter(*prices)
    for symbol, price in prices.items():
        made.quote(symbol, price)
    assert {symbol: round(made.margin(symbol, 0.1, price), 2) for symbol, price in prices.items()} == {
        "EURUSD": 109.91, "GBPUSD": 122.73, "USDJPY": 100.0, "USDCHF": 100.0, "EURJPY": 109.91, "GBPJPY": 122.73,
    }  # fmt: skip
