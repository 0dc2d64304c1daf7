"""Every rule for wall time against zoneinfo, at every change of clocks from 1990 to 2030."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import DataError
from engine.core.zones import HOUR, SECOND, leave, parse_zone, reach, utc_to_wall, wall_to_utc

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
RULES: dict[str, tuple[tzinfo, int]] = {
    "UTC": (UTC, 0),
    "UTC-05:00": (timezone(timedelta(hours=-5)), 0),
    "gmt+5:30": (timezone(timedelta(hours=5, minutes=30)), 0),
    "ny+7": (NEW_YORK, 7),
    "NY - 3": (NEW_YORK, -3),
    "ny+0": (NEW_YORK, 0),
    **{
        name: (ZoneInfo(name), 0)
        for name in (
            "America/New_York", "America/Chicago", "Europe/Athens", "Europe/London", "Europe/Moscow",
            "Australia/Sydney", "Australia/Lord_Howe", "Asia/Tokyo", "Asia/Kolkata", "Africa/Casablanca",
        )
    },
}  # fmt: skip
"""Name: the zone and the hours on top, as zoneinfo must be asked. Lord Howe moves by half an hour, Moscow changed its
rule three times, Casablanca changes around Ramadan."""


def offset(second: int, rule: str) -> int:
    zone, hours = RULES[rule]
    found = (EPOCH + timedelta(seconds=second)).astimezone(zone).utcoffset()
    assert found is not None
    return int(found.total_seconds()) + hours * 3600


@lru_cache
def changes(rule: str) -> list[int]:
    """Seconds of UTC at which the offset changes, found hour by hour where a day shows a difference."""
    first, last = (int((when - EPOCH).total_seconds()) for when in (FIRST, LAST))
    return [
        s
        for day in range(first, last, 86_400) if offset(day, rule) != offset(day + 86_400, rule)
        for s in range(day + 1800, day + 86_401, 1800) if offset(s, rule) != offset(s - 1800, rule)
    ]  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_wall_time_around_every_change_of_clocks_from_1990_to_2030_equals_zoneinfo(rule: str) -> None:
    around = [c + d for c in changes(rule) for d in (-7200, -3600, -1, 0, 1, 1800, 3599, 3600, 7200)]
    around += list(range(631_152_000, 1_924_992_000, 40 * 86_400 + 977))
    seconds = np.array(sorted(around), np.int64)
    got = utc_to_wall(seconds * SECOND, parse_zone(rule))
    want = seconds + [offset(s, rule) for s in seconds.tolist()]
    assert np.array_equal(got, want * SECOND)


@pytest.mark.parametrize("rule", RULES)
def test_a_feed_through_every_change_comes_back_exactly_and_its_source_time_too(rule: str) -> None:
    zone = parse_zone(rule)
    for change in changes(rule) or [1_000_000_000]:
        utc = (change + np.arange(-4 * 3600, 4 * 3600, 300)) * SECOND
        wall = utc_to_wall(utc, zone)
        read = wall_to_utc(wall, zone)
        assert np.array_equal(read, utc)
        assert np.array_equal(utc_to_wall(read, zone), wall)


@settings(max_examples=80)
@given(
    st.sampled_from(sorted(RULES)), st.integers(631_152_000, 1_924_905_600), st.lists(st.integers(0, 7200), max_size=60)
)
def test_what_the_source_wrote_is_recovered_exactly_from_utc_and_the_zone_also_in_the_double_hour(
    rule: str, start: int, steps: list[int]
) -> None:
    """Any wall times that occurred, in any order: so no offset need be kept per row."""
    near = min(changes(rule), key=lambda c: abs(c - start), default=start)
    zone = parse_zone(rule)
    there = np.array([near - 5400 + s for s in steps], np.int64)
    walls = np.array([s + offset(s, rule) for s in there.tolist()], np.int64) * SECOND
    assert np.array_equal(utc_to_wall(wall_to_utc(walls, zone), zone), walls)


@settings(max_examples=80)
@given(st.sampled_from(sorted(RULES)), st.integers(0, 90), st.integers(-7200, 7200))
def test_one_wall_time_is_read_as_zoneinfo_reads_it_earlier_in_a_fold_refused_in_a_gap(
    rule: str, which: int, shift: int
) -> None:
    found = changes(rule)
    near = found[which % len(found)] if found else 1_000_000_000
    tz, hours = RULES[rule]
    wall = near + offset(near - 1, rule) + shift
    naive = datetime(1970, 1, 1) + timedelta(seconds=wall - hours * 3600)
    instants = {int((naive.replace(tzinfo=tz, fold=fold).astimezone(UTC) - EPOCH).total_seconds()) for fold in (0, 1)}
    real = sorted(s for s in instants if s + offset(s, rule) == wall)
    column = np.array([wall * SECOND])
    if not real:
        with pytest.raises(DataError, match="never occurred"):
            wall_to_utc(column, parse_zone(rule))
        shifted = int(wall_to_utc(column, parse_zone(rule), gap="shift")[0]) // SECOND
        assert shifted == int((naive.replace(tzinfo=tz, fold=0).astimezone(UTC) - EPOCH).total_seconds())
        return
    assert int(wall_to_utc(column, parse_zone(rule))[0]) // SECOND == real[0]
    assert int(reach(column, parse_zone(rule))[0]) // SECOND == real[0]
    assert int(leave(column, parse_zone(rule))[0]) // SECOND == real[-1]


def test_an_appointment_that_daylight_saving_skips_falls_on_the_change() -> None:
    at = np.array(["2025-03-09T02:30"], "M8[ns]").astype(np.int64)
    change = np.array(["2025-03-09T07:00"], "M8[ns]").astype(np.int64)
    zone = parse_zone("America/New_York")
    assert reach(at, zone) == change and leave(at, zone) == change
    assert len(reach(at[:0], zone)) == len(leave(at[:0], zone)) == 0


def test_the_united_states_and_europe_change_on_their_own_sundays() -> None:
    rules = {"ny+7": "2025-03-09 2025-11-02", "Europe/Athens": "2025-03-30 2025-10-26"}
    for rule, days in rules.items():
        seen = [EPOCH + timedelta(seconds=c) for c in changes(rule)]
        assert " ".join(f"{when:%Y-%m-%d}" for when in seen if when.year == 2025) == days
    before_2007 = [c for c in changes("ny+7") if c < 1_167_609_600]
    assert {f"{EPOCH + timedelta(seconds=c):%m}" for c in before_2007} == {"04", "10"}
    assert HOUR == 3600 * SECOND
