"""From a config and an instrument to the records of the book; what cannot be meant is one clear line at start."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.core.broker import VenueConfig
from engine.core.errors import ConfigError
from engine.core.quantity import Level, Volume
from engine.kernels.book import FILLINGS, ORDER_KINDS, PATHS
from tests.venue_money.counter import Counter, changed


def names(known: tuple[str, ...], mask: int) -> set[str]:
    return {name for n, name in enumerate(known) if mask >> n & 1}


def test_limits_of_a_symbol_are_in_steps_and_in_price() -> None:
    table = changed("USDJPY", stops_level=15, freeze_level=4, volume_limit=12.5, notional_min=500.0, tick_size=0.005,
                    status="close_only")  # fmt: skip
    made = Counter("USDJPY", declare=[table])
    t, x = made.book[6][0], made.book[1][0]
    assert (t["stops_level"], t["freeze_level"], t["tick_size"]) == pytest.approx((0.015, 0.004, 0.005))
    assert (t["volume_limit"], t["notional_min"], t["status"]) == (1250, 500.0, 1)
    assert (x["steps_min"], x["steps_max"], x["step_lots"], x["step_units"]) == (1, 50_000, 0.01, 1_000.0)


@pytest.mark.parametrize(
    ("table", "kinds", "fillings"),
    [
        ({"orders": [], "filling": [], "execution": ""}, set(), set()),  # nothing stated: everything is taken
        ({"orders": ["market", "limit"], "filling": ["fok"]}, {"market", "if_touched", "limit"}, {"return", "fok"}),
        ({"orders": ["stop", "sl", "tp"], "filling": ["boc"]}, {"stop", "trailing_stop"}, {"return", "post_only"}),
        (
            {"orders": ["stop_limit"], "filling": ["fok"], "execution": "instant"},
            {"stop_limit"},
            {"return", "ioc", "fok"},
        ),
    ],
)
def test_what_an_instrument_takes_are_bits_by_name(table: dict[str, Any], kinds: set[str], fillings: set[str]) -> None:
    t = Counter("EURUSD", declare=[changed("EURUSD", **table)]).book[6][0]
    assert names(ORDER_KINDS, int(t["kinds"])) == kinds and names(FILLINGS, int(t["fillings"])) == fillings
    assert bool(t["kinds"]) == bool(table["orders"])


def test_an_instrument_that_takes_stops_alone_does_not_take_everything() -> None:
    t = Counter("EURUSD", declare=[changed("EURUSD", orders=["sl", "tp", "close_by"])]).book[6][0]
    assert t["kinds"] != 0 and not names(ORDER_KINDS, int(t["kinds"]))


def test_expirations_have_the_bits_of_mt5() -> None:
    t = Counter("EURUSD", declare=[changed("EURUSD", expiration=["gtc", "specified"])]).book[6][0]
    assert t["expirations"] == 0b101


def test_liquidity_is_counted_in_steps() -> None:
    for text, steps in (("2 lots", 200), ("150000 units", 150)):
        made = Counter("EURUSD", venue=VenueConfig(liquidity=Volume.parse(text)))
        assert made.book[6][0]["liquidity"] == steps
    assert Counter("EURUSD").book[6][0]["liquidity"] == 0
    with pytest.raises(ConfigError, match=r"venue.liquidity: 0.001 lots is less than one step of EURUSD, 0.01 lots"):
        Counter("EURUSD", venue=VenueConfig(liquidity=Volume.parse("0.001 lots")))


def test_the_account_says_when_the_broker_acts() -> None:
    a = Counter("EURUSD").book[0][0]
    assert (a["call_level"], a["stop_level"], a["level_in_money"], a["protect"]) == (1.0, 0.5, 0, 1)
    a = Counter("EURUSD", margin_call=Level(500.0, "USD"), stop_out=Level(200.0, "USD"), negative_balance="keep",
                max_orders=7, venue=VenueConfig(closed="refuse", path="olhc")).book[0][0]  # fmt: skip
    assert (a["call_level"], a["stop_level"], a["level_in_money"], a["protect"]) == (500.0, 200.0, 1, 0)
    assert (a["max_orders"], a["refuse_closed"], PATHS[a["path"]]) == (7, 1, "olhc")


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ({"stop_out": Level(200.0, "USD")}, "say both as a share of the margin or both in USD"),
        ({"stop_out": Level(120.0, "%")}, "account.margin_call 100 % is below account.stop_out 120 %"),
    ],
)
def test_levels_that_do_not_go_together_are_an_error(levels: dict[str, Level], message: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        Counter("EURUSD", **levels)
    assert message in str(wrong.value) and "\n" not in str(wrong.value)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"swap": {"mode": "pints"}}, "pints"),
        ({"swap": {"mode": "points", "long": float("nan")}}, "swap.long must be a number"),
        ({"swap": {"mode": "points", "triple_day": "Wensday"}}, "Wensday"),
        ({"swap": {"mode": "interest_open", "long": 5_000.0}}, "cannot be meant"),
        ({"sessions": "Mon-Fri 25:00-26:00 UTC"}, "there is no 25:00"),
        ({"holidays": ["2024-13-40"]}, "2024-13-40"),
        ({"rollover": "17:00 America/NewYork"}, "did you mean America/New_York"),
        ({"commission": "3.5 per lot"}, "unknown unit"),
        ({"expires": "2020-01-01", "starts": "2021-01-01"}, "before it starts"),
    ],
)
def test_an_impossible_instrument_is_one_clear_line(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        Counter("EURUSD", declare=[changed("EURUSD", **table)])
    assert message in str(wrong.value) and "\n" not in str(wrong.value)


def test_a_book_is_the_same_every_time() -> None:
    first, second = (Counter("EURUSD", "XAUUSD", span=(10**18, 10**18 + 10**16)).book for _ in range(2))
    assert all(np.array_equal(a.view(np.uint8), b.view(np.uint8)) for a, b in zip(first, second, strict=True))
