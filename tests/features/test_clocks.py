"""Clocks and sessions against the zone database."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from engine.features import Plan, clock, session
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


HOURS = {
    "fx_day": ("America/New_York", 17 * 60, 24 * 60), "london": ("Europe/London", 8 * 60, 9 * 60),
    "asian_kill": ("America/New_York", 20 * 60, 4 * 60), "sydney": ("Australia/Sydney", 7 * 60, 9 * 60),
    "us_cash": ("America/New_York", 9 * 60 + 30, 6 * 60 + 30),
}  # fmt: skip


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
