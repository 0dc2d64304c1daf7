"""Quantities carry their unit, and what has none is refused."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import ConfigError
from engine.core.quantity import Distance, Duration, Fee, Percent, Points, Quantity, Size, Spread, Volume

KINDS = (Size, Volume, Distance, Points, Spread, Fee, Percent, Duration)


@given(st.sampled_from(KINDS), st.floats(1e-6, 100.0), st.data())
def test_what_is_written_out_reads_back_the_same(kind: type[Quantity], amount: float, data: st.DataObject) -> None:
    quantity = kind.parse(f"{amount!r} {data.draw(st.sampled_from(sorted(kind.units)))}")
    assert quantity.amount == amount and kind.parse(str(quantity)) == quantity


@given(st.sampled_from(KINDS), st.text(max_size=12))
def test_any_other_text_is_one_clear_error_or_a_quantity(kind: type[Quantity], text: str) -> None:
    try:
        quantity = kind.parse(text)
    except ConfigError as error:
        assert "\n" not in str(error) or "\n" in text
    else:
        assert quantity.unit in {*kind.units.values(), *([quantity.unit] if kind is Fee else [])}


@pytest.mark.parametrize(
    ("kind", "text", "amount", "unit"),
    [
        (Size, "0.10 lots", 0.1, "lots"),
        (Size, "1000 units", 1000.0, "units"),
        (Size, "1_000 units", 1000.0, "units"),
        (Size, "50 % equity", 50.0, "% equity"),
        (Size, "1% risk", 1.0, "% risk"),
        (Distance, "250 points", 250.0, "points"),
        (Distance, "1.5 ATR", 1.5, "atr"),
        (Distance, "0.5 %", 0.5, "%"),
        (Fee, "3.5 USD per lot", 3.5, "USD per lot"),
        (Fee, "2 JPY per lot", 2.0, "JPY per lot"),
        (Fee, "-0.1 bps", -0.1, "bps"),
        (Spread, "1.5 bps", 1.5, "bps"),
        (Percent, "20%", 20.0, "%"),
    ],
)
def test_the_forms_of_the_documentation_are_read(kind: type[Quantity], text: str, amount: float, unit: str) -> None:
    assert kind.parse(text) == kind(amount, unit)


@pytest.mark.parametrize(
    ("text", "ns"), [("50 ms", 50_000_000), ("1 h", 3_600_000_000_000), ("1.5 minutes", 90_000_000_000), ("0 ms", 0)]
)
def test_durations_are_whole_nanoseconds(text: str, ns: int) -> None:
    assert Duration.parse(text).ns == ns


def test_a_percentage_is_a_fraction_inside() -> None:
    assert Size.parse("1 % risk").fraction == 0.01 and Percent.parse("20 %").fraction == 0.2


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        (Size, 0.1, "has no unit: write"),
        (Size, "0.1", "has no unit: write"),
        (Size, "0 lots", "more than 0"),
        (Size, "-1 lots", "at least 0"),
        (Size, "1e999 lots", "finite"),
        (Size, "1 lost", "did you mean lots"),
        (Distance, "25 pips", "1 pip of EURUSD is 10 points"),
        (Points, "2 pips", "1 pip of EURUSD is 10 points"),
        (Fee, "3.5 usdollars per lot", "unknown unit"),
        (Percent, "120 %", "at most 100"),
        (Percent, "0.2", "has no unit"),
        (Duration, "5", "has no unit"),
        (Duration, "5 m", "unknown unit"),
        (Duration, "1e12 d", "longer than any run"),
        (Size, "ten lots", "cannot be read"),
    ],
)
def test_what_cannot_be_meant_says_how_to_write_it(kind: type[Quantity], value: object, why: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(why)):
        kind.parse(value)  # type: ignore[arg-type]
