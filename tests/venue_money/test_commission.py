"""Commission per lot, deal and value, of takers and makers, with a minimum, on one side or both."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core import schema
from engine.core.broker import Commission, VenueConfig
from engine.core.errors import ConfigError
from engine.core.quantity import Money
from tests.venue_money.counter import Counter, changed

TABLE = {"per_lot": "3.5 USD", "per_deal": "0.10 USD", "bps": 0.2, "maker_per_lot": "-1 USD", "maker_bps": 0.0,
         "minimum": "0.5 USD", "sides": "entry", "close_by": True}  # fmt: skip


def venue(commission: Any) -> VenueConfig:
    return schema.build(VenueConfig, {"commission": commission})


def desk(commission: Any = None, symbol: str = "EURUSD", **options: Any) -> Counter:
    chosen = VenueConfig() if commission is None else venue(commission)
    made = Counter(symbol, *options.pop("others", ()), venue=chosen, **options)
    for name, quote in {"EURUSD": 1.1, "GBPUSD": 1.25, "USDJPY": 150.0}.items():
        if name in made.ids:
            made.quote(name, quote)
    return made


@pytest.mark.parametrize(
    ("said", "lots", "cents"),
    [
        ("3.5 USD per lot", 1.0, 350),
        ("3.5 USD per lot", 0.01, 4),  # 0.035: half away from zero
        ("3.5 USD per lot", 0.03, 11),  # 0.105
        ("-1 USD per lot", 0.5, -50),  # a rebate
        ("0.5 bps", 1.0, 550),  # 110000 x 0.00005 = 5.50
        ({"per_lot": "3.5 USD"}, 2.0, 700),
        ({"per_deal": "1.25 USD"}, 0.01, 125),
        ({"bps": 0.5}, 0.1, 55),
        ({"per_lot": "3.5 USD", "per_deal": "0.1 USD", "bps": 0.2}, 0.1, 67),  # 0.35 + 0.10 + 0.22
        ({"per_lot": "3.5 USD", "minimum": "1 USD"}, 0.1, 100),
        ({"per_lot": "3.5 USD", "minimum": "1 USD"}, 1.0, 350),
        ({}, 1.0, 0),
    ],
)
def test_a_deal_costs_what_the_config_says(said: Any, lots: float, cents: int) -> None:
    made = desk(said)
    assert made.fee("EURUSD", lots, 1.1) == made.fee("EURUSD", lots, 1.1, opens=False) == cents
    assert made.fee("EURUSD", lots, 1.1, maker=True) == cents


def test_makers_pay_their_own_rates_and_entries_alone_may_cost() -> None:
    made = desk(TABLE)
    assert made.fee("EURUSD", 1.0, 1.1) == 350 + 10 + 220
    assert made.fee("EURUSD", 1.0, 1.1, maker=True) == 50  # -1 + 0.10, but at least 0.50
    assert made.fee("EURUSD", 1.0, 1.1, opens=False) == 0
    assert made.book[6][0]["fee_close_by"] == 1
    made = desk({**TABLE, "minimum": "0 USD"})
    assert made.fee("EURUSD", 1.0, 1.1, maker=True) == -90  # what is earned is not held up by a minimum of nothing


def test_a_share_of_the_value_is_one_of_its_value_in_account_money() -> None:
    made = desk("1 bps", "EURGBP", others=("GBPUSD",))
    assert made.fee("EURGBP", 1.0, 0.88) == 1_100  # 88000 GBP x 0.0001 x 1.25
    made = desk("1 bps", "EURJPY", others=("USDJPY",), currency="USD")
    assert made.fee("EURJPY", 1.0, 165.0) == 1_100  # 16500000 JPY x 0.0001 / 150


def test_the_instruments_own_commission_counts_when_the_config_says_nothing() -> None:
    table = [changed("EURUSD", commission="2 USD per lot")]
    made = desk(None, declare=table)
    assert made.fee("EURUSD", 1.0, 1.1) == 200
    assert made.notes == ["EURUSD: commission 2 USD per lot and side, as EURUSD@demo states it"]
    made = desk("0 USD per lot", declare=table)
    assert made.fee("EURUSD", 1.0, 1.1) == 0 and made.notes == []


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("3.5 EUR per lot", "venue.commission is in EUR, the account in USD"),
        ({"per_lot": "3.5 EUR"}, "venue.commission.per_lot is in EUR, the account in USD"),
        ({"per_deal": "1 GBP"}, "venue.commission.per_deal is in GBP"),
        ({"minimum": "1 GBP"}, "venue.commission.minimum is in GBP"),
        ({"maker_per_lot": "1 GBP"}, "venue.commission.maker_per_lot is in GBP"),
        ({"per_lott": "1 USD"}, "unknown key 'per_lott': did you mean per_lot"),
        ({"per_lot": 3.5}, "has no unit"),
        ({"sides": "exit"}, "'exit' is not one of its values"),
        (3.5, "has no unit"),
    ],
)
def test_a_commission_that_cannot_be_meant_is_one_clear_line(said: Any, message: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        desk(said)
    assert message in str(wrong.value) and "\n" not in str(wrong.value)
    with pytest.raises(ConfigError, match="EURUSD@demo: commission is in EUR"):
        desk(None, declare=[changed("EURUSD", commission="2 EUR per lot")])


def test_a_table_survives_being_written_and_read() -> None:
    read = venue(TABLE)
    assert isinstance(read.commission, Commission)
    assert read.commission.per_lot == Money(3.5, "USD")
    assert schema.build(VenueConfig, schema.dump(read)) == read
    assert schema.build(VenueConfig, schema.dump(read, full=False)) == read
    assert schema.build(VenueConfig, schema.dump(VenueConfig())) == VenueConfig()
    assert str(read.commission) == (
        "3.5 USD per lot + 0.2 bps + 0.1 USD per deal (makers -1 USD per lot + 0 bps), at least 0.5 USD,"
        " on entries alone"
    )


CENTS = st.integers(-500, 2_000).map(lambda n: n / 100)


@settings(max_examples=80)
@given(CENTS, CENTS, st.integers(0, 50), st.integers(0, 300), st.integers(1, 10_000), st.integers(50_000, 200_000))
def test_commission_is_the_sum_of_its_parts_rounded_once(
    per_lot: float, per_deal: float, tenths: int, least: int, steps: int, points: int
) -> None:
    table = {"per_lot": f"{per_lot} USD", "per_deal": f"{per_deal} USD", "bps": tenths / 10,
             "minimum": f"{least / 100} USD"}  # fmt: skip
    lots = Fraction(steps, 100)
    value = lots * 100_000 * Fraction(points, 100_000)
    money = Fraction(str(per_lot)) * lots + Fraction(str(per_deal)) + value * Fraction(tenths, 100_000)
    money = max(money, Fraction(least, 100)) if least else money
    cents = abs(money) * 100
    expected = int(cents + Fraction(1, 2)) * (1 if money >= 0 else -1)
    assert desk(table).fee("EURUSD", steps / 100, points / 100_000) == expected
