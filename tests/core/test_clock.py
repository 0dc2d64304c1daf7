"""Moments as people write them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.clock import format_ts, parse_time
from engine.core.errors import ConfigError

ZONES = ("UTC", "America/New_York", "Europe/Athens", "Asia/Kolkata", "ny+7", "UTC-05:00")
STAMPS = st.integers(0, 2_500_000_000_000_000_000)
HOUR = 3_600_000_000_000


@given(STAMPS)
def test_a_moment_shown_in_utc_reads_back_as_the_same_nanosecond(ts: int) -> None:
    assert parse_time(format_ts(ts)) == ts


@given(STAMPS)
def test_what_is_shown_is_what_numpy_shows(ts: int) -> None:
    seconds, part = str(np.datetime64(ts, "ns")).replace("T", " ").split(".")
    assert format_ts(ts) == f"{seconds}.{part}".rstrip("0").rstrip(".") if int(part) else seconds


@given(STAMPS, st.sampled_from(ZONES))
def test_in_any_zone_it_reads_back_or_is_the_first_of_a_repeated_hour(ts: int, zone: str) -> None:
    assert parse_time(format_ts(ts, zone), zone) in (ts, ts - HOUR)


@given(STAMPS, st.integers(-14 * 60, 14 * 60))
def test_an_offset_in_the_text_beats_the_zone(ts: int, minutes: int) -> None:
    sign, (hours, rest) = "+" if minutes >= 0 else "-", divmod(abs(minutes), 60)
    wall = format_ts(ts + minutes * 60_000_000_000)
    assert parse_time(f"{wall}{sign}{hours:02d}:{rest:02d}", "Asia/Tokyo") == ts


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2019", "2019-01-01"),
        ("2019-02", "2019-02-01"),
        ("2019-2-4", "2019-02-04"),
        ("2019-02-04T10:00Z", "2019-02-04T10:00"),
        ("2019-02-04 10:00:07.25", "2019-02-04T10:00:07.250"),
        ("1969-12-31 23:59:59.999999999", "1969-12-31T23:59:59.999999999"),
    ],
)
def test_short_forms_mean_their_first_moment(text: str, iso: str) -> None:
    assert parse_time(text) == int(np.datetime64(iso, "ns").astype(np.int64))


def test_in_the_repeated_hour_the_first_is_meant() -> None:
    assert parse_time("2019-11-03 01:30", "America/New_York") == parse_time("2019-11-03 05:30")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2019-02-30", "does not exist"),
        ("2019-02-04 24:00", "hours end at 23"),
        ("2019-02-04 10:60", "minutes and seconds at 59"),
        ("yesterday", "cannot be read: write"),
        ("", "cannot be read"),
        ("1500-01-01", "outside the years"),
        ("04.02.2019", "cannot be read"),
    ],
)
def test_a_time_that_cannot_be_meant_says_why(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        parse_time(text)


def test_an_hour_that_daylight_saving_skips_is_an_error() -> None:
    with pytest.raises(ConfigError, match="never occurred in America/New_York"):
        parse_time("2019-03-10 02:30", "America/New_York")
