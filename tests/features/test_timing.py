"""When a bar was: gaps, circles and positions against numpy, bars since against pandas."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import ConfigError
from engine.features import (
    Plan,
    age,
    frame,
    minute,
    session,
    session_bits,
    session_reach,
    spike,
    swing,
    when,
    when_position,
    when_session,
    when_since,
    when_swing,
)  # fmt: skip
from tests.features import market
from tests.features.market import batch


def test_the_gap_is_the_logarithm_of_the_seconds_since_the_bar_before(eurusd_weeks):
    out = batch(Plan({"w": when()}), eurusd_weeks)["w_gap"]
    seconds = np.diff(eurusd_weeks["open_ts"]) / 1e9
    assert np.isnan(out[0]) and out[1:] == pytest.approx(np.log1p(seconds), rel=1e-12)
    assert (out[1:] > np.log1p(2 * 86_400)).sum() == 51, "weekends"


def test_an_age_counts_minutes_since_the_larger_bar_ended_and_is_0_where_it_ends_with_this_one(eurusd_weeks):
    """Over weekends too: what H1 said on Friday is two days old when Sunday's first quarter of an hour closes."""
    bars = market.rows(eurusd_weeks, 0, 3000)
    data = pandas.DataFrame({n: bars[n] for n in ("open", "high", "low", "close", "volume")})
    data.index = pandas.DatetimeIndex(bars["open_ts"].view("datetime64[ns]"))
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    for name, length in (("M30", 30), ("H1", 60)):
        larger = data.resample(f"{length}min").agg(how).dropna()
        out = frame({"a": age(name), "t": f'age("{name}")', "m": minute()}, data, {name: larger})
        now = bars["end"] // (60 * 10**9)
        ends = larger.index.as_unit("ns").view(np.int64) // (60 * 10**9) + length
        known = np.searchsorted(ends, now, side="right")
        assert (out["m"] == now).all() and out["a"].equals(out["t"])
        assert np.isnan(out["a"][known == 0]).all() and (known == 0).sum() == length // 15 - 1
        assert (out["a"][known > 0] == (now - ends[known - 1])[known > 0]).all()
        assert out["a"].min() == 0.0 and out["a"].max() >= 2 * 1440 and (out["a"] < length).mean() > 0.98
    with pytest.raises(ConfigError, match="M15"):
        frame({"a": 'age("M16")'}, data)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 10**18), min_size=1, max_size=9))
def test_gaps_of_any_size_are_right_to_a_microsecond(steps):
    opened = market.START + np.cumsum(np.array(steps) // 1000 * 1000)
    flat = np.full(len(steps), 1.0)
    out = batch(Plan({"w": when()}), {**market.stamped(flat, flat, flat, flat), "open_ts": opened})["w_gap"]
    assert out[1:] == pytest.approx(np.log1p(np.diff(opened) / 1e9), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("zone", ["newyork", "london"])
def test_the_circles_are_those_of_the_clock_on_the_wall(zone, eurusd_weeks):
    """Over the changes of both clocks in October and November 2022."""
    bars = market.rows(eurusd_weeks, 0, 4000)
    out = batch(Plan({"w": when(zone)}), bars)
    names = {"newyork": "America/New_York", "london": "Europe/London"}
    for i in range(0, 4000, 31):
        local = datetime.datetime.fromtimestamp(bars["open_ts"][i] / 1e9, ZoneInfo(names[zone]))
        minute = local.hour * 60 + local.minute
        parts = {"day": minute / 1440, "week": (local.weekday() * 1440 + minute) / 10080,
                 "year": (local.month - 1 + (local.day - 1) / 31) / 12}  # fmt: skip
        for name, part in parts.items():
            assert out[f"w_{name}_sin"][i] == pytest.approx(np.sin(2 * np.pi * part), abs=1e-12), (name, local)
            assert out[f"w_{name}_cos"][i] == pytest.approx(np.cos(2 * np.pi * part), abs=1e-12), (name, local)


@pytest.mark.parametrize("name", ["london", "fx_day", "tokyo"])
def test_a_session_begins_on_its_first_bar_and_counts_to_the_next(name, eurusd_weeks):
    """The whole year: an hour later in UTC in winter, except in Tokyo. History begins within a session."""
    bars = market.rows(eurusd_weeks, 42, 24_424)
    zone, opens = {"london": ("Europe/London", 8), "fx_day": ("America/New_York", 17), "tokyo": ("Asia/Tokyo", 9)}[name]
    local = pandas.to_datetime(bars["open_ts"], unit="ns").tz_localize("UTC").tz_convert(zone).tz_localize(None)
    shifted = pandas.Series(local - pandas.Timedelta(hours=opens))
    inside = shifted[(shifted.dt.hour < 9) | (name == "fx_day")].dt.normalize()
    began = inside.drop_duplicates().index[1:]  # of the first, the opening was not seen
    number = pandas.Series(np.isin(np.arange(len(shifted)), began).cumsum())
    expected = np.where(number > 0, number.groupby(number).cumcount(), np.nan)
    out = batch(Plan({"w": when_session(name)}), bars)["w"]
    np.testing.assert_array_equal(out, expected)
    assert number.iloc[-1] > 250 and np.nanmax(out) >= 95


def test_a_session_counts_from_the_first_bar_of_a_history_if_that_opens_it(eurusd_weeks):
    assert batch(Plan({"w": when_session("fx_day")}), market.rows(eurusd_weeks, 0, 3))["w"].tolist() == [0, 1, 2]


def test_bars_since_an_event_are_counted_from_any_column_that_is_not_0(eurusd):
    bars = market.rows(eurusd, 0, 4000)
    plan = Plan({"a": when_since(swing().event), "s": swing(), "b": when_since(spike().spike), "p": spike()})
    out = batch(plan, bars)
    for since, event in (("a", out["s_event"]), ("b", out["p"])):
        rows = np.where(event > 0, np.arange(4000), np.where(event < 0, np.arange(4000), -1))
        last = np.maximum.accumulate(rows)
        np.testing.assert_array_equal(out[since], np.where(last < 0, np.nan, np.arange(4000) - last))
    np.testing.assert_array_equal(out["b"], out["p_since"])


def test_bars_since_the_last_swing_are_counted_from_its_extreme(ref):
    """Against the swings of a slow reading: each confirmed five bars after it."""
    high, low, n = ref["high"], ref["low"], len(ref["close"])
    out, seen, expected = batch(Plan({"w": when_swing()}), ref)["w"], [-1, -1], []
    for i in range(n):
        k = i - 5
        if k >= 5:
            before, after = slice(k - 5, k), slice(k + 1, k + 6)  # of equal highs the last counts
            seen[0] = k if high[k] >= high[before].max() and high[k] > high[after].max() else seen[0]
            seen[1] = k if low[k] <= low[before].min() and low[k] < low[after].min() else seen[1]
        expected.append(i - max(seen) if min(seen) >= 0 else np.nan)
    np.testing.assert_array_equal(out, expected)
    assert np.nanmin(out) == 5


def test_a_position_is_the_papers_waves_of_eight(eurusd_weeks):
    bars = market.rows(eurusd_weeks, 0, 3000)
    out = batch(Plan({"w": when_position(), "p": when_session("fx_day"), "m": when_position(position="volume")}), bars)
    for name, position in (("w", out["p"]), ("m", bars["volume"])):
        for i in range(4):
            angle = position / 10_000 ** (2 * i / 8)
            np.testing.assert_allclose(out[f"{name}_sin{i}"], np.sin(angle), atol=1e-12)
            np.testing.assert_allclose(out[f"{name}_cos{i}"], np.cos(angle), atol=1e-12)


def test_nothing_stands_still_on_real_prices(eurusd_weeks):
    plan = Plan({"w": when(), "s": when_session(), "e": when_since(swing().event), "g": when_swing(),
                 "p": when_position(), "b": session_bits(), "r": session_reach(), "o": session()})  # fmt: skip
    for name, values in batch(plan, eurusd_weeks).items():
        assert len(np.unique(values[~np.isnan(values)])) > 1, name
