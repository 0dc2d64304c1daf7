"""Places in ranges, days and weeks against pandas, at the real times of EURUSD."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from engine.features import Plan, atr, place_band, place_day, place_rank
from tests.features import market
from tests.features.market import batch

NAMES = ("today", "yesterday", "week", "day_high", "day_low", "week_high", "week_low")


def test_the_rank_is_talibs_and_counts_no_ties(ref, eurusd):
    """REF[500] of the feature catalogue is 4.0."""
    talib = pytest.importorskip("talib")
    assert batch(Plan({"p": place_rank()}), ref)["p"][500] == 4.0
    for bars in (ref, eurusd):
        found = batch(Plan({"p": place_rank(100)}), bars)["p"]
        np.testing.assert_allclose(found, talib.PERCENTRANK(bars["close"], 100))
    tied = market.stamped(*[np.tile([1.0, 2.0, 2.0], 20)] * 4)
    assert batch(Plan({"p": place_rank(3)}), tied)["p"][-1] == pytest.approx(100 / 3)


def test_the_place_in_the_bands_is_the_textbooks_percent_b(eurusd):
    bars = market.rows(eurusd, 0, 3000)
    rolling = pandas.Series(bars["close"]).rolling(20)
    wide = 2.5 * rolling.std(ddof=0)
    expected = (bars["close"] - (rolling.mean() - wide)) / (2 * wide)
    found = batch(Plan({"p": place_band(20, 2.5)}), bars)["p"]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    assert np.nanmin(found) < 0 and np.nanmax(found) > 1


def days_and_weeks(bars: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What pandas finds on FX days and weeks, all of them whole."""
    utc = pandas.to_datetime(bars["open_ts"], unit="ns").tz_localize("UTC")
    day = (utc.tz_convert("America/New_York").tz_localize(None) - pandas.Timedelta(hours=17)).normalize()
    week = day - pandas.to_timedelta((day.day_of_week + 1) % 7, unit="D")
    table = pandas.DataFrame({"high": bars["high"], "low": bars["low"]})
    found, close, span = {}, bars["close"], batch(Plan({"a": atr(14)}), bars)["a"]
    for name, key, now, then in (("day", day, "today", "yesterday"), ("week", week, "week", "")):
        groups = table.groupby(np.asarray(key))
        high, low = groups["high"].cummax().to_numpy(), groups["low"].cummin().to_numpy()
        whole = groups.agg({"high": "max", "low": "min"}).shift(1).reindex(key)
        last_high, last_low = whole["high"].to_numpy(), whole["low"].to_numpy()
        found[now] = (close - low) / (high - low)
        found[f"{name}_high"], found[f"{name}_low"] = (close - last_high) / span, (close - last_low) / span
        if then:
            found[then] = (close - last_low) / (last_high - last_low)
    return {name: np.where(np.isnan(span), np.nan, values) for name, values in found.items()}


def test_places_in_the_day_and_the_week_are_those_of_pandas(eurusd_weeks):
    """A year of real bars: 51 weekends, four changes of clocks, Christmas; its first bar opens a week."""
    expected, out = days_and_weeks(eurusd_weeks), batch(Plan({"p": place_day()}), eurusd_weeks)
    assert eurusd_weeks["open_ts"][0] == np.datetime64("2022-10-09T21:00", "ns").astype(np.int64)
    for name in NAMES:
        # ATR has no value on the first 14 bars, so they are not in the ranges of the first day and week.
        late = 2 * 960 if "week" in name else 2 * 96
        there = ~np.isnan(out[f"p_{name}"])
        assert there[late:].all() and there.sum() > 22_000, name
        np.testing.assert_allclose(out[f"p_{name}"][late:], expected[name][late:], rtol=1e-9, atol=1e-9, err_msg=name)


def test_round_numbers_are_a_hundredth_of_the_power_of_ten_around(eurusd):
    for price, level in ((1.0837, 1.08), (0.9731, 0.97), (150.4, 150.0), (1987.0, 1990.0), (61_700.0, 62_000.0)):
        close = np.where(np.arange(60) % 2 == 0, price, price * 1.0001)
        bars = market.stamped(close, close * 1.001, close * 0.999, close)
        out = batch(Plan({"p": place_day(), "a": atr(14)}), bars)
        assert out["p_round_number"][50] == pytest.approx((price - level) / out["a"][50], abs=1e-9), price
    out = batch(Plan({"p": place_day(step=0.005), "a": atr(14)}), eurusd)
    number = eurusd["close"] / 0.005
    clear = np.abs(number % 1 - 0.5) > 1e-6  # halfway either is nearest
    expected = (eurusd["close"] - np.round(number) * 0.005) / out["a"]
    np.testing.assert_allclose(out["p_round_number"][clear], expected[clear], atol=1e-9)


def test_a_history_that_begins_in_a_day_says_nothing_of_the_part_it_saw(eurusd_weeks):
    """From the middle of a Wednesday: the day is known from Thursday, yesterday from Friday, the week from Sunday."""
    whole = batch(Plan({"p": place_day()}), eurusd_weeks)
    start = 480 + 2 * 96 + 40
    out = batch(Plan({"p": place_day()}), market.rows(eurusd_weeks, start, start + 2000))
    first = {name: start + int(np.flatnonzero(~np.isnan(out[f"p_{name}"]))[0]) for name in NAMES}
    assert first["today"] == 480 + 3 * 96 and first["yesterday"] == first["day_high"] == 480 + 4 * 96
    assert first["week"] == 960 and first["week_high"] == first["week_low"] == 1440
    for name in ("today", "yesterday", "week"):
        rows = slice(first[name], start + 2000)
        assert out[f"p_{name}"][first[name] - start :].tolist() == whole[f"p_{name}"][rows].tolist()


def test_nothing_stands_still_on_real_prices(eurusd_weeks):
    plan = Plan({"r": place_rank(), "b": place_band(), "d": place_day()})
    for name, values in batch(plan, eurusd_weeks).items():
        assert len(np.unique(values[~np.isnan(values)])) > 50, name
