"""What a symbol is, and what happens when nobody knows it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import ConfigError
from engine.core.frames import parse_day
from engine.core.instrument import (
    Instrument,
    as_recorded,
    check_terms,
    declare,
    imported_folder,
    instrument,
    shipped,
    table_of,
)  # fmt: skip
from engine.core.sessions import FX_WEEK, parse_sessions
from engine.core.terms import Margin, Swap


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
        ({"sessions": "Mon-Fri"}, "instrument ABCDEF@demo: sessions 'Mon-Fri' cannot be read"),
        ({"sessions": "24/7", "holidays": ["never"]}, "instrument ABCDEF@demo: holiday 'never'"),
        ({"rollover": "midnight"}, "instrument ABCDEF@demo: trading day 'midnight'"),
        ({"day": "25:00 UTC"}, "instrument ABCDEF@demo: trading day '25:00 UTC'"),
        ({"commission": "3.5"}, "instrument ABCDEF@demo: .*3.5"),
        ({"tick_size": 0.000005}, "tick_size 5e-06 is no multiple of its point 1e-05"),
        ({"tick_size": -1.0}, "tick_size must be 0 or above"),
        ({"stops_level": -1}, "stops_level must be 0 or above"),
        ({"volume_limit": 0.001}, "volume_limit 0.001 is below volume_min"),
        ({"status": "open"}, "Invalid enum value 'open'"),
        ({"filling": ["foo"]}, "Invalid enum value 'foo'"),
        ({"expires": "someday"}, "time 'someday' cannot be read"),
        ({"starts": "2025-01-02", "expires": "2025-01-01"}, "expires 2025-01-01 before it starts"),
        ({"margin": {"mode": "futures"}}, "margin.mode 'futures' needs margin.initial"),
        ({"margin": {"rate": 0.0}}, "margin.rate must be above 0"),
        ({"margin": {"initial": float("nan")}}, "margin.initial must be 0 or above"),
        ({"margin": {"tiers": [[0, 100], [0, 50]]}}, "margin.tiers are"),
        ({"margin": {"tiers": [[10, 100]]}}, "margin.tiers are"),
        ({"margin": {"leverag": 10}}, "unknown field `leverag`"),
        ({"swap": {"long": float("inf")}}, "swap.long must be a number"),
        ({"swap": {"mode": "interest_open", "long": -5000.0}}, "cannot be meant"),
        ({"swap": {"triple_day": "Someday"}}, "Invalid enum value 'Someday'"),
        ({"swap": {"year_days": 300}}, "swap.year_days must lie in 360..366"),
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


def test_every_shipped_instrument_says_when_it_trades_and_that_what_differs_by_broker_is_not_stated() -> None:
    first, last = ("2025-01-06", "2025-01-13")
    week = [int(np.datetime64(t, "ns").astype(np.int64)) for t in (first, last)]
    hours = {"forex": 120, "metal": 115, "crypto": 168}
    for one in shipped().values():
        opens, closes = one.hours.spans(*week)
        open_hours = (closes - opens).sum() / 3.6e12
        assert open_hours == hours.get(one.kind, open_hours) and 90 < open_hours <= 168
        assert "brokers differ" in one.source and "swap rates are not stated" in one.source and "LEAN" in one.source
        assert one.margin and one.swap and (one.swap.long, one.swap.short, one.commission) == (0.0, 0.0, "")
        assert one.volume_unit == "tick" and one.status == "full" and one.life == (None, None)
    assert {"XAUUSD", "XAGUSD", "US500", "US100", "US30", "DE40", "UK100", "JP225", "BTCUSD", "ETHUSD"} <= {
        one.symbol for one in shipped().values()
    }
    pairs = [one for one in shipped().values() if one.kind == "forex"]
    majors = ["EUR", "GBP", "AUD", "NZD", "USD", "CAD", "CHF", "JPY"]
    assert {a + b for i, a in enumerate(majors) for b in majors[i + 1 :]} <= {one.symbol for one in pairs}


def test_the_shipped_currency_week_is_that_of_new_york_without_christmas_and_new_year() -> None:
    euro = instrument("EURUSD").hours
    span = [int(np.datetime64(t, "ns").astype(np.int64)) for t in ("2024-02-01", "2024-12-20")]
    for ours, theirs in zip(euro.spans(*span), parse_sessions(FX_WEEK).spans(*span), strict=True):
        assert np.array_equal(ours, theirs)
    christmas = np.array(["2024-12-24T21:59", "2024-12-24T22:00", "2024-12-25T21:59", "2024-12-25T22:00"], "M8[ns]")
    assert euro.is_open(christmas.astype(np.int64)).tolist() == [True, False, False, True]


def test_an_instrument_that_states_nothing_more_trades_always_and_has_no_terms() -> None:
    plain = Instrument(symbol="X", base_currency="X", profit_currency="USD", digits=2)
    assert plain.hours.always and (plain.margin, plain.swap, plain.tick) == (None, None, 0.01)
    assert plain.rolls == parse_day("17:00 America/New_York")
    assert table_of(plain) == {
        "symbol": "X", "venue": "demo", "base_currency": "X", "profit_currency": "USD", "digits": 2,
    }  # fmt: skip


def test_terms_in_a_config_are_read_back_as_they_were_written() -> None:
    table = {
        "symbol": "DAX", "venue": "b", "base_currency": "DAX", "profit_currency": "EUR", "digits": 1, "tick_size": 0.5,
        "sessions": "Mon-Fri 09:00-17:30 Europe/Berlin", "holidays": ["12-25"], "rollover": "00:00 Europe/Athens",
        "margin": {"mode": "futures", "initial": 1200.0, "tiers": [[0.0, 20.0], [1e6, 10.0]]},
        "swap": {"mode": "interest_current", "long": -4.5, "short": 1.0, "triple_day": "Friday", "year_days": 365},
        "commission": "0.5 bps", "filling": ["fok"], "starts": "2025-01-02", "expires": "2025-03-21 08:00:00",
    }  # fmt: skip
    (one,) = declare([table])
    assert one.margin == Margin(mode="futures", initial=1200.0, tiers=((0.0, 20.0), (1e6, 10.0)))
    assert one.swap == Swap(mode="interest_current", long=-4.5, short=1.0, triple_day="Friday", year_days=365)
    assert one.life[1] == int(np.datetime64("2025-03-21T08:00", "ns").astype(np.int64)) and one.tick == 0.5
    assert declare([table_of(one)]) == (one,)
    check_terms(one)


def test_what_was_imported_goes_before_what_is_shipped_and_after_what_a_config_declares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.feeds.catalogue import data_root

    monkeypatch.setenv("ONETAPE_DATA", str(tmp_path))
    assert imported_folder() == data_root() / "instruments"
    text = (
        '[[instrument]]\nsymbol = "EURUSD"\nvenue = "{}"\nbase_currency = "EUR"\nprofit_currency = "USD"\ndigits = {}\n'
    )
    imported_folder().mkdir()
    (imported_folder() / "mine.toml").write_text(text.format("mine", 4))
    assert (instrument("EURUSD").id, instrument("EURUSD@demo").digits) == ("EURUSD@mine", 5)
    own = declare([{"symbol": "EURUSD", "base_currency": "EUR", "profit_currency": "USD", "digits": 3}])
    assert instrument("EURUSD", own).digits == 3
    with as_recorded():
        assert instrument("EURUSD").id == "EURUSD@demo"
    (imported_folder() / "other.toml").write_text(text.format("other", 5))
    with pytest.raises(ConfigError, match="ambiguous: write one of EURUSD@mine, EURUSD@other"):
        instrument("EURUSD")
    (imported_folder() / "other.toml").write_text("[[instrument]\n")
    with pytest.raises(ConfigError, match=r"other.toml is damaged .*: import it again"):
        instrument("EURUSD")
    (imported_folder() / "other.toml").write_text(text.format("other", 99))
    with pytest.raises(ConfigError, match="other.toml: instrument EURUSD@other: digits must lie in 0..12"):
        instrument("EURUSD")
