"""What a symbol is, and what happens when nobody knows it."""

from __future__ import annotations

import pytest

from engine.core.errors import ConfigError
from engine.core.frames import parse_day
from engine.core.instrument import Instrument, declare, instrument, shipped


def test_every_shipped_instrument_has_a_source_a_trading_day_and_sane_numbers() -> None:
    assert len(shipped()) == 48
    for name, one in shipped().items():
        assert name == one.id and one.source and parse_day(one.day)
        assert one.volume_step <= one.volume_min < one.volume_max
        if one.kind == "forex":
            assert one.symbol == one.base_currency + one.profit_currency and one.contract_size == 100_000
            assert one.digits == (3 if one.profit_currency == "JPY" else 5)


def test_a_lot_of_eurusd_is_100000_euros_in_steps_of_1000_and_a_point_is_its_fifth_digit() -> None:
    euro, yen = instrument("EURUSD"), instrument("USDJPY@demo")
    assert (euro.point, euro.step_units, yen.point) == (0.00001, 1000.0, 0.001)


def test_a_name_is_never_guessed_and_the_message_says_how_to_declare_it() -> None:
    with pytest.raises(ConfigError, match=r"did you mean EURUSD.*\[\[instrument\]\]"):
        instrument("EURSD")
    with pytest.raises(ConfigError, match=r"unknown instrument 'TRYMXN'.*\[\[instrument\]\] symbol, base_currency"):
        instrument("TRYMXN")
    with pytest.raises(ConfigError, match="did you mean EURUSD@demo"):
        instrument("EURUSD@elsewhere")


def test_what_a_config_declares_goes_before_what_is_shipped() -> None:
    own = declare([{"symbol": "EURUSD", "base_currency": "EUR", "profit_currency": "USD", "digits": 4}])
    assert instrument("EURUSD", own).digits == 4 and instrument("EURUSD").digits == 5
    assert own[0].source == "the run's config"


def test_a_symbol_at_two_declared_venues_must_be_written_in_full() -> None:
    common = {"symbol": "EURSEK", "base_currency": "EUR", "profit_currency": "SEK", "digits": 5}
    own = declare([{**common, "venue": "one"}, {**common, "venue": "two"}])
    with pytest.raises(ConfigError, match="ambiguous: write one of EURSEK@one, EURSEK@two"):
        instrument("EURSEK", own)
    assert instrument("EURSEK@two", own).venue == "two"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"digit": 5}, "unknown key 'digit': did you mean digits"),
        ({"digits": "five"}, r"Expected `int`, got `str`"),
        ({"digits": 13}, "digits must lie in 0..12"),
        ({"contract_size": 0.0}, "contract_size must be above 0"),
        ({"volume_min": 5.0, "volume_max": 1.0}, "volume_min 5.0 is above volume_max 1.0"),
        ({"symbol": "A@B"}, "names without @"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_one_clear_error(table: dict[str, object], message: str) -> None:
    common = {"symbol": "ABCDEF", "base_currency": "ABC", "profit_currency": "DEF", "digits": 5}
    with pytest.raises(ConfigError, match=message):
        declare([{**common, **table}])


def test_an_instrument_declared_twice_is_an_error() -> None:
    table = {"symbol": "ABCDEF", "base_currency": "ABC", "profit_currency": "DEF", "digits": 5}
    with pytest.raises(ConfigError, match="declared twice"):
        declare([table, table])


def test_importing_instruments_needs_neither_pandas_nor_pyarrow() -> None:
    import subprocess
    import sys

    code = (
        "import sys, engine.core.instrument as i; i.shipped(); print({'pandas', 'pyarrow', 'numba'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()" and isinstance(instrument("EURUSD"), Instrument)
