"""Clocks and sessions against the zone database."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas
import pytest

from engine.features import Plan, atr, clock, session, session_bits, session_reach
from engine.kernels.civil import ZONES, date_of, offset_of
from tests.features import market
from tests.features.market import batch

NAMES = {
    "utc": "UTC", "newyork": "America/New_York", "london": "Europe/London", "tokyo": "Asia/Tokyo",
    "sydney": "Australia/Sydney",
}  # fmt: skip
HOUR = 3_600_000_000_000


@pytest.mark.parametrize("zone", ZONES)
def test_summer_time_begins_and_ends_in_the_hour_that_the_zone_database_says(zone):
    """Every hour of the weeks in which any of these clocks changes, 2008 to 2035."""
    info = ZoneInfo(NAMES[zone])
    for year in range(2008, 2036):
        for month in (3, 4, 10, 11):
            start = datetime.datetime(year, month, 1, tzinfo=datetime.UTC)
            for hour in range(0, 24 * 31, 1 if year in (2024, 2025, 2033) else 7):
                when = start + datetime.timedelta(hours=hour)
                ns = int(when.timestamp()) * 10**9
                theirs = when.astimezone(info).utcoffset()
                assert theirs is not None
                assert offset_of(ns, ZONES.index(zone)) == theirs.total_seconds() * 1e9, when


def test_days_are_those_of_the_calendar():
    for day in range(-1000, 40_000, 97):
        date = datetime.date(1970, 1, 1) + datetime.timedelta(days=day)
        assert date_of(day) == (date.year, date.month, date.day)


def test_the_clock_turns_once_a_day_and_once_a_week(eurusd):
    bars = market.rows(eurusd, 0, 3000)
    out = batch(Plan({"c": clock("london")}), bars)
    for i in range(0, 3000, 61):
        when = datetime.datetime.fromtimestamp(bars["open_ts"][i] / 1e9, ZoneInfo("Europe/London"))
        minute = when.hour * 60 + when.minute
        day, week = 2 * np.pi * minute / 1440, 2 * np.pi * (when.weekday() * 1440 + minute) / 10080
        assert [out["c_day_sin"][i], out["c_day_cos"][i]] == pytest.approx([np.sin(day), np.cos(day)], abs=1e-12)
        assert [out["c_week_sin"][i], out["c_week_cos"][i]] == pytest.approx([np.sin(week), np.cos(week)], abs=1e-12)
        assert out["c_month_day"][i] == when.day
        assert out["c_third_friday"][i] == (when.weekday() == 4 and 15 <= when.day <= 21)


def test_the_last_weekday_of_a_month_and_of_a_quarter_is_pandas():
    """Every twelve hours of 2008 to 2035, by the clock of Tokyo; known on the day itself, not on the next bar."""
    opened = np.arange(1_199_145_600, 2_082_758_400, 43_200) * 10**9
    flat = np.full(len(opened), 1.0)
    out = batch(Plan({"c": clock("tokyo")}), {**market.stamped(flat, flat, flat, flat), "open_ts": opened})
    dates = pandas.to_datetime(opened, unit="ns").tz_localize("UTC").tz_convert("Asia/Tokyo").tz_localize(None)
    month, quarter = pandas.offsets.BMonthEnd(), pandas.offsets.BQuarterEnd(startingMonth=12)
    days, places = np.unique(dates.normalize(), return_inverse=True)
    for name, offset in (("month", month), ("quarter", quarter)):
        expected = np.array([offset.is_on_offset(pandas.Timestamp(day)) for day in days])[places]
        np.testing.assert_array_equal(out[f"c_{name}_end"], expected)
    assert out["c_month_end"].sum() == 2 * 28 * 12 and out["c_quarter_end"].sum() == 2 * 28 * 4


HOURS = {
    "fx_day": ("America/New_York", 17 * 60, 24 * 60), "london": ("Europe/London", 8 * 60, 9 * 60),
    "asian_kill": ("America/New_York", 20 * 60, 4 * 60), "sydney": ("Australia/Sydney", 7 * 60, 9 * 60),
    "us_cash": ("America/New_York", 9 * 60 + 30, 6 * 60 + 30),
}  # fmt: skip


def fx_week(ts: int) -> bool:
    """Sunday 17:00 to Friday 17:00 in New York, read slowly."""
    local = datetime.datetime.fromtimestamp(ts / 1e9, ZoneInfo("America/New_York"))
    weekday, late = local.weekday(), local.hour >= 17
    return weekday < 4 or (weekday == 4 and not late) or (weekday == 6 and late)


@pytest.mark.parametrize("name", HOURS)
def test_a_session_is_what_a_slow_reading_of_its_hours_says(name, ref):
    """Bars of a quarter hour from 20 March 2024 on, over the change of the European clocks."""
    zone, opens, length = HOURS[name]
    start = 1_710_892_800_000_000_000
    bars = {**ref, "open_ts": start + np.arange(2000) * market.QUARTER}
    out = batch(Plan({"s": session(name)}), bars)
    sessions: dict[datetime.date, list[int]] = {}
    for i, ts in enumerate(bars["open_ts"].tolist()):
        local = datetime.datetime.fromtimestamp(ts / 1e9, ZoneInfo(zone)).replace(tzinfo=None)
        since = local - datetime.timedelta(minutes=opens)
        minutes = since.hour * 60 + since.minute
        assert (out["s_minutes"][i] >= 0) == (minutes < length), local
        assert out["s_active"][i] == (minutes < length and fx_week(ts)), local
        if minutes < length:
            sessions.setdefault(since.date(), []).append(i)
            assert (out["s_minutes"][i], out["s_left"][i]) == (minutes, length - minutes)
        if sessions:
            *before, now = sessions.values()
            assert out["s_first"][i] == bars["open"][now[0]]
            assert (out["s_top"][i], out["s_bottom"][i]) == (bars["high"][now].max(), bars["low"][now].min())
            if before:
                last = before[-1]
                assert out["s_last_close"][i] == bars["close"][last[-1]]
                assert out["s_last_top"][i] == bars["high"][last].max()
                assert out["s_last_bottom"][i] == bars["low"][last].min()
    assert len(sessions) >= 20


def test_new_york_closes_the_fx_day_in_winter_at_22_and_in_summer_at_21_utc():
    """Acceptance number 10 of the feature notes."""
    for day, hour in (("2025-03-07", 22), ("2025-03-09", 21), ("2025-10-31", 21), ("2025-11-02", 22)):
        ts = int(np.datetime64(f"{day}T{hour:02}", "ns").astype(np.int64))
        flat = np.full(2, 1.0)
        bars = market.stamped(flat, flat, flat, flat, start=ts - 15 * 60 * 10**9)
        assert batch(Plan({"s": session("fx_day")}), bars)["s_minutes"].tolist() == [1425.0, 0.0], day


APPENDIX = {
    "fx_day": ("America/New_York", 17, 24), "sydney": ("Australia/Sydney", 7, 9), "tokyo": ("Asia/Tokyo", 9, 9),
    "london": ("Europe/London", 8, 9), "newyork": ("America/New_York", 8, 9),
    "us_cash": ("America/New_York", 9.5, 6.5), "asian_kill": ("America/New_York", 20, 4),
    "london_kill": ("America/New_York", 2, 3), "newyork_kill": ("America/New_York", 7, 3),
    "close_kill": ("America/New_York", 10, 2),
}  # fmt: skip
"""Appendix G of the feature catalogue: zone, opening, hours."""


@pytest.mark.parametrize("start", ["2025-03-05", "2025-03-27", "2025-10-02", "2025-10-23"])
def test_the_bits_of_open_sessions_are_the_catalogues_table(start):
    """Twelve days of quarter hours each, over changes of America's, Europe's and Australia's clocks."""
    first = int(np.datetime64(start, "ns").astype(np.int64))
    flat = np.full(12 * 96, 1.0)
    bars = market.stamped(flat, flat, flat, flat, start=first)
    opened = bars["open_ts"]
    out = batch(Plan({"s": session_bits()}), bars)
    week = np.array([fx_week(ts) for ts in opened.tolist()])
    inside = {}
    for name, (zone, opens, length) in APPENDIX.items():
        local = pandas.to_datetime(opened, unit="ns").tz_localize("UTC").tz_convert(zone)
        since = (local.hour + local.minute / 60 - opens) % 24
        inside[name] = (since.to_numpy() < length) & week
    *places, asian, london, newyork, close = inside.values()
    assert out["s_sessions"].tolist() == sum(2**k * open for k, open in enumerate(places)).tolist()
    assert out["s_kill"].tolist() == (asian * 1 + london * 2 + newyork * 4 + close * 8).tolist()
    assert out["s_overlap"].tolist() == sum(1 * open for open in places[1:5]).tolist()
    assert {0, 1, 2} <= set(out["s_overlap"]) and {0, 1, 2, 4, 8} <= set(out["s_kill"])


@pytest.mark.parametrize("name", ["london", "fx_day", "asian_kill"])
def test_the_reach_of_a_session_is_its_range_so_far_in_atr(name, eurusd_weeks):
    bars = market.rows(eurusd_weeks, 0, 6000)
    out = batch(Plan({"x": session_reach(name), "s": session(name), "a": atr(14)}), bars)
    zone, opens, length = APPENDIX[name]
    local = pandas.to_datetime(bars["open_ts"], unit="ns").tz_localize("UTC").tz_convert(zone).tz_localize(None)
    shifted = local - pandas.Timedelta(hours=opens)
    inside = np.asarray(shifted.hour + shifted.minute / 60 < length)
    table = pandas.DataFrame({"high": bars["high"], "low": bars["low"], "day": shifted.normalize(), "in": inside})
    groups = table[inside].groupby("day")
    spans = (groups["high"].cummax() - groups["low"].cummin()).reindex(range(6000)).ffill()
    known = np.flatnonzero(~np.isnan(out["x"]))[0]
    expected = (spans / out["a"]).to_numpy()[known:]
    assert np.abs(out["x"][known:] - expected).max() < 1e-12
    assert out["s_minutes"][known] == 0 and 14 <= known < 200 and np.nanmax(out["x"]) > 5
