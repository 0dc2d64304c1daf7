"""Sizing: never more than what was asked for, and never a step less than what that allows."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.config import RiskConfig
from engine.core.quantity import Size
from engine.limits import limits_of
from engine.risk.kernels import decide_one
from engine.risk.terms import ANSWER, MAX_DRAWDOWN, NO_FACTS, RULES, SIZINGS, VOLUME_MIN, WISH, rules_of
from tests.venue.desk import Desk

NAN = math.nan
WORLDS: list[dict[str, Any]] = [
    {"symbols": ("EURUSD",)},
    {"symbols": ("USDJPY",)},
    {"symbols": ("GBPJPY", "USDJPY")},
    {"symbols": ("XAUUSD", "EURUSD"), "currency": "EUR"},
    {"symbols": ("EURUSD", "USDJPY"), "currency": "JPY", "balance": 1_000_000.0},
    {"symbols": ("BTCUSD",)},
]
PRICES = {"EURUSD": 1.1, "USDJPY": 150.0, "GBPJPY": 190.0, "XAUUSD": 2000.0, "BTCUSD": 60_000.0}


def answer_of(desk: Desk, size: str, strength: float, stop: float = NAN, limits: Any = None) -> dict[str, Any]:
    """What the kernel answers to a wish for the desk's first symbol."""
    if limits is None:
        limits = limits_for(desk, size)
    answer, wishes = np.zeros(1, ANSWER), np.zeros(limits.shape, WISH)
    decide_one(desk.venue.book, rules_of(limits), wishes, 0, 0, 0, strength, stop, NAN, NO_FACTS, answer)
    return dict(zip(ANSWER.names or (), answer.tolist()[0], strict=True))


def limits_for(desk: Desk, size: str, **changes: Any) -> np.ndarray:
    config = replace(desk.terms.config, risk=RiskConfig(Size.parse(size), **changes))
    return limits_of(config, config.strategies, tuple(desk.terms.instruments.values()))


def quoted(world: dict[str, Any], spread: float = 0.0002, **more: Any) -> Desk:
    """A desk with a quote of every symbol, the spread as a share of the price."""
    options = {**world, **more}
    symbols = options.pop("symbols")
    desk = Desk(*symbols, **options)
    for symbol in symbols:
        price, digits = PRICES[symbol], desk.terms.instruments[symbol].digits
        desk.quote(price, round(price * (1 + spread), digits), symbol)
    return desk


@settings(max_examples=120)
@given(
    st.sampled_from(WORLDS), st.floats(0.01, 20), st.floats(0.0005, 0.2), st.sampled_from([1.0, -1.0, 0.5, -0.3]),
    st.sampled_from([500.0, 10_000.0, 1e6, 123_456.78]),
)  # fmt: skip
def test_by_risk_the_stop_never_costs_more_than_the_money_at_risk_and_one_step_more_would(
    world: dict[str, Any], percent: float, far: float, strength: float, balance: float
) -> None:
    desk = quoted({**world, "balance": balance})
    symbol, side = desk.symbol, 1 if strength > 0 else -1
    price = desk.venue.book[1]["ask" if side > 0 else "bid"][0]
    stop = price * (1 - side * far)
    answer = answer_of(desk, f"{percent!r} % risk", strength, stop)
    rate = float(desk.terms.rate(symbol, desk.ledger.quotes) or 0)
    step = float(desk.terms.step(symbol))
    loses = lambda steps: steps * step * abs(price - stop) * rate  # noqa: E731
    at_risk = balance * percent / 100 * abs(strength)
    if answer["rule"] == VOLUME_MIN:
        assert answer["target"] == 0 and loses(1) > at_risk * (1 - 1e-9)
        return
    assert answer["rule"] == 0 and answer["target"] * side > 0
    assert loses(abs(answer["target"])) <= at_risk * (1 + 1e-8)
    assert loses(abs(answer["target"]) + 1) > at_risk * (1 - 1e-8)


@settings(max_examples=80)
@given(st.sampled_from(WORLDS), st.floats(0.5, 3_000), st.sampled_from([1.0, -1.0, 0.25]))
def test_by_equity_the_value_never_exceeds_that_share_of_the_equity(
    world: dict[str, Any], percent: float, strength: float
) -> None:
    desk = quoted(world)
    answer = answer_of(desk, f"{percent!r} % equity", strength)
    price = desk.venue.book[1]["ask" if strength > 0 else "bid"][0]
    rate = float(desk.terms.rate(desk.symbol, desk.ledger.quotes) or 0)
    worth = lambda steps: steps * float(desk.terms.step(desk.symbol)) * price * rate  # noqa: E731
    share = desk.equity * percent / 100 * abs(strength)
    assert worth(abs(answer["target"])) <= share * (1 + 1e-8)
    assert worth(abs(answer["target"]) + 1) > share * (1 - 1e-8)


@settings(max_examples=80)
@given(st.integers(1, 10_000), st.integers(0, 99), st.sampled_from([1.0, -1.0]))
def test_lots_and_units_are_rounded_down_to_whole_steps(steps: int, more: int, strength: float) -> None:
    """Even where the lots are no binary fraction: 0.29 / 0.01 is 28.999999999999996."""
    desk = quoted(WORLDS[0])
    units = steps * 1_000 + more * 10
    for size in (f"{units / 100_000} lots", f"{units} units"):
        assert answer_of(desk, size, strength)["target"] == strength * steps


@pytest.mark.parametrize(
    ("size", "strength", "stop", "steps"),
    [
        # 0.25 lots
        ("0.25 lots", 1.0, None, 25),
        # 12,345 units = 0.12345 lots
        ("12345 units", -1.0, None, -12),
        # half of 10,000 at the ask 1.10020: 5,000 / 1.10020 = 4,544 units
        ("50 % equity", 1.0, None, 4),
        # 1 % of 10,000 = 100.00 over 1.10020 - 1.09500 = 0.00520: 19,230 units
        ("1 % risk", 1.0, 1.095, 19),
        # the same to sell at the bid 1.10000 with a stop at 1.10500: 20,000 units, exactly
        ("1 % risk", -1.0, 1.105, -20),
        # half the wish: 50.00 / 0.00520 = 9,615 units
        ("1 % risk", 0.5, 1.095, 9),
    ],
)
def test_sizes_by_hand_in_the_account_currency(size: str, strength: float, stop: float | None, steps: int) -> None:
    desk = quoted(WORLDS[0])
    assert desk.venue.book[1]["ask"][0] == 1.10022
    desk.quote(1.1, 1.1002)
    assert answer_of(desk, size, strength, NAN if stop is None else stop)["target"] == steps


def test_sizes_by_hand_converted_from_yen() -> None:
    """2 % of 10,000 = 200.00 USD, x 150.00 = 30,000 JPY; 190.00 to 189.25 is 0.75: 40,000 units. 100 %: 7,894 units."""
    desk = quoted(WORLDS[2], spread=0.0)
    assert answer_of(desk, "2 % risk", 1.0, 189.25)["target"] == 40
    assert answer_of(desk, "100 % equity", 1.0)["target"] == 7


def test_sizes_follow_the_equity_not_the_balance() -> None:
    """Long 1.00 from 1.10000, now 1.15000: 10,000 + 5,000. 1 % of 15,000 over 0.05000 is 3,000 units; the wish adds."""
    desk = Desk()
    desk.quote(1.1, 1.1)
    desk.buy(1.0, strategy="other")
    desk.quote(1.1, 1.1)
    desk.quote(1.15, 1.15)
    assert desk.balance == 10_000.0
    assert answer_of(desk, "1 % risk", 1.0, 1.10)["target"] == 3


def test_every_way_of_sizing_has_a_name() -> None:
    assert SIZINGS[:4] == ("lots", "units", "equity", "risk")
    assert RULES[0] == "" and RULES[MAX_DRAWDOWN] == "max_drawdown"
