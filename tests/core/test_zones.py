"""Wall time and UTC, checked against zoneinfo itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import ConfigError, DataError
from engine.core.zones import HOUR, SECOND, parse_zone, utc_to_wall, wall_to_utc

ZONES = ("America/New_York", "Europe/Athens", "Europe/London", "Asia/Tokyo", "Australia/Sydney", "Asia/Kolkata", "UTC")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECONDS = st.integers(0, 2_000_000_000)


def ns(text: str) -> int:
    return int(np.datetime64(text, "ns").astype(np.int64))


def wall_by_zoneinfo(second: int, zone: str) -> int:
    there = (EPOCH + timedelta(seconds=second)).astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)
    return int((there - EPOCH).total_seconds())


@settings(max_examples=60)
@given(st.lists(SECONDS, min_size=1, max_size=20), st.sampled_from(ZONES))
def test_wall_time_equals_zoneinfo(seconds: list[int], zone: str) -> None:
    wall = utc_to_wall(np.array(seconds, np.int64) * SECOND, parse_zone(zone))
    assert [w // SECOND for w in wall.tolist()] == [wall_by_zoneinfo(s, zone) for s in seconds]


@settings(max_examples=60)
@given(st.integers(0, 1_950_000_000), st.integers(60, 40_000), st.integers(2, 400), st.sampled_from(ZONES), st.data())
def test_rising_utc_survives_the_way_to_wall_time_and_back_in_any_two_chunks(
    start: int, step: int, n: int, zone: str, data: st.DataObject
) -> None:
    utc = (start + np.arange(n) * step) * SECOND
    wall = utc_to_wall(utc, parse_zone(zone))
    cut = data.draw(st.integers(0, n))
    first = wall_to_utc(wall[:cut], parse_zone(zone))
    second = wall_to_utc(wall[cut:], parse_zone(zone), after=int(first[-1]) if cut else None)
    got = np.concatenate([first, second])
    # Only a stretch that lies wholly in the hour that occurs twice can be read as the first occurrence.
    assert ((got == utc) | (got == utc - HOUR)).all() and (np.diff(got) > 0).all()
    if step <= 900 and n * step > 4 * 3600 and wall[0] != utc[0] - HOUR:
        hours = np.flatnonzero(got != utc)
        assert not len(hours) or hours[-1] < 3600 / step


def test_a_feed_that_trades_through_the_double_hour_gets_both_of_its_hours() -> None:
    utc = ns("2019-10-26T22:00") + np.arange(0, 6 * 60) * 60 * SECOND
    zone = parse_zone("Europe/Athens")
    assert np.array_equal(wall_to_utc(utc_to_wall(utc, zone), zone), utc)


@pytest.mark.parametrize(
    ("utc", "wall"),
    [
        ("2025-03-07T22:00", "2025-03-08T00:00"),
        ("2025-03-09T21:00", "2025-03-10T00:00"),
        ("2025-10-31T21:00", "2025-11-01T00:00"),
        ("2025-11-02T22:00", "2025-11-03T00:00"),
    ],
)
def test_midnight_of_a_new_york_plus_seven_server_is_17_00_in_new_york(utc: str, wall: str) -> None:
    assert utc_to_wall(np.array([ns(utc)]), parse_zone("ny+7"))[0] == ns(wall)
    assert wall_to_utc(np.array([ns(wall)]), parse_zone("ny+7"))[0] == ns(utc)


def test_new_york_plus_seven_and_athens_differ_between_the_two_changes() -> None:
    times = np.array([ns("2025-03-08T12:00"), ns("2025-03-20T12:00"), ns("2025-04-01T12:00")])
    gap = utc_to_wall(times, parse_zone("ny+7")) - utc_to_wall(times, parse_zone("Europe/Athens"))
    assert gap.tolist() == [0, HOUR, 0]


def test_a_wall_time_that_never_occurred_is_an_error_that_names_its_row() -> None:
    wall = np.array([ns("2025-03-09T01:59"), ns("2025-03-09T02:30")])
    with pytest.raises(DataError, match=r"row 2: wall time 2025-03-09T02:30:00 never occurred in America/New_York"):
        wall_to_utc(wall, parse_zone("America/New_York"))


def test_a_fixed_offset_never_moves() -> None:
    times = np.array([ns("2014-01-01"), ns("2014-07-01")])
    assert (utc_to_wall(times, parse_zone("UTC-05:00")) - times).tolist() == [-5 * HOUR] * 2
    assert (utc_to_wall(times, parse_zone("gmt+3")) - times).tolist() == [3 * HOUR] * 2


def test_an_unknown_zone_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean America/New_York"):
        parse_zone("America/NewYork")
    for junk in ("", "../etc/passwd", "America", "UTC+99", "x" * 300):
        with pytest.raises(ConfigError, match="unknown time zone"):
            parse_zone(junk)
