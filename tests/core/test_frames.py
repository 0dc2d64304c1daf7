"""Where bars begin and end, checked against zoneinfo and against hand-written cases."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import ConfigError
from engine.core.frames import DAILY, FIXED, FRAMES, FX_DAY, edges, frame_ns, parse_day, parse_frame
from engine.core.zones import HOUR, SECOND

DAYS = (FX_DAY, "00:00 UTC", "00:00 Europe/Athens", "00:00 ny+7", "02:30 America/New_York")
STAMPS = st.integers(0, 2_000_000_000_000_000_000)


def ns(text: str) -> int:
    return int(np.datetime64(text, "ns").astype(np.int64))


def shown(bounds: np.ndarray) -> list[str]:
    return [str(b) for b in bounds.view("M8[ns]").astype("M8[m]")]


@settings(max_examples=80)
@given(st.sampled_from(sorted(FRAMES)), st.sampled_from(DAYS), STAMPS, st.integers(0, 40 * 24 * HOUR))
def test_edges_rise_and_hold_both_stamps_in_their_first_and_last_bar(
    frame: str, day: str, first: int, span: int
) -> None:
    bounds = edges(frame, day, first, first + span)
    assert bounds.dtype == np.int64 and (np.diff(bounds) > 0).all()
    assert bounds[0] <= first < bounds[1] and bounds[-2] <= first + span < bounds[-1]
    assert np.diff(bounds).max() <= frame_ns(frame) + (HOUR if frame in ("D1", "W1") else 0)


@settings(max_examples=80)
@given(st.sampled_from(sorted(FRAMES)), st.sampled_from(DAYS), STAMPS, st.integers(0, 40 * 24 * HOUR), st.data())
def test_edges_do_not_depend_on_where_the_question_starts(
    frame: str, day: str, first: int, span: int, data: st.DataObject
) -> None:
    whole = edges(frame, day, first, first + span)
    inside = data.draw(st.integers(first, first + span))
    part = edges(frame, day, inside, first + span)
    assert np.array_equal(whole[-len(part) :], part)


@settings(max_examples=60)
@given(st.dates(min_value=datetime(1990, 1, 2).date(), max_value=datetime(2036, 1, 1).date()))
def test_every_fx_day_starts_at_17_00_of_new_york_as_zoneinfo_says(date: object) -> None:
    local = datetime.combine(date, time(17), ZoneInfo("America/New_York"))  # type: ignore[arg-type]
    start = int(local.astimezone(UTC).timestamp()) * SECOND
    following = int((datetime.combine(local.date() + timedelta(days=1), time(17), local.tzinfo)).timestamp()) * SECOND
    assert edges("D1", FX_DAY, start, start).tolist() == [start, following]
    assert edges("D1", FX_DAY, start - 1, start - 1)[1] == start
    assert edges("D1", "00:00 ny+7", start, start).tolist() == [start, following]


def test_the_golden_starts_around_both_changes_of_2025() -> None:
    days = edges("D1", FX_DAY, ns("2025-03-07T22:00"), ns("2025-03-09T21:00"))
    assert shown(days) == ["2025-03-07T22:00", "2025-03-08T22:00", "2025-03-09T21:00", "2025-03-10T21:00"]
    days = edges("D1", FX_DAY, ns("2025-10-31T21:00"), ns("2025-11-02T22:00"))
    assert shown(days) == ["2025-10-31T21:00", "2025-11-01T21:00", "2025-11-02T22:00", "2025-11-03T22:00"]


def test_a_week_opens_on_sunday_17_00_in_new_york_and_on_monday_at_midnight_utc() -> None:
    assert shown(edges("W1", FX_DAY, ns("2025-03-05"), ns("2025-03-10"))) == [
        "2025-03-02T22:00", "2025-03-09T21:00", "2025-03-16T21:00",
    ]  # fmt: skip
    assert shown(edges("W1", "00:00 UTC", ns("2025-03-05"), ns("2025-03-05"))) == [
        "2025-03-03T00:00",
        "2025-03-10T00:00",
    ]


def test_a_day_of_23_hours_has_a_last_h4_of_3_hours_and_one_of_25_a_seventh_of_1_hour() -> None:
    spring = edges("H4", FX_DAY, ns("2025-03-08T22:00"), ns("2025-03-09T20:59"))
    assert (np.diff(spring) // HOUR).tolist() == [4, 4, 4, 4, 4, 3]
    autumn = edges("H4", FX_DAY, ns("2025-11-01T21:00"), ns("2025-11-02T21:59"))
    assert (np.diff(autumn) // HOUR).tolist() == [4, 4, 4, 4, 4, 4, 1]
    assert (np.diff(edges("H12", FX_DAY, ns("2025-11-01T21:00"), ns("2025-11-02T21:59"))) // HOUR).tolist() == [
        12,
        12,
        1,
    ]


@pytest.mark.parametrize("frame", sorted(FIXED))
def test_fixed_frames_are_multiples_of_their_length_since_midnight_utc(frame: str) -> None:
    bounds = edges(frame, FX_DAY, ns("2025-03-09T05:01"), ns("2025-03-09T09:00"))
    assert (bounds % FIXED[frame] == 0).all() and (np.diff(bounds) == FIXED[frame]).all()


@pytest.mark.parametrize("frame", sorted(DAILY))
def test_on_a_utc_day_the_daily_frames_are_plain_multiples_too(frame: str) -> None:
    bounds = edges(frame, "00:00 UTC", ns("2025-03-09T05:01"), ns("2025-03-29T09:00"))
    assert (np.diff(bounds) == DAILY[frame]).all() and bounds[0] % DAILY["D1" if frame == "W1" else frame] == 0


def test_a_frame_that_is_none_is_answered_with_the_nearest() -> None:
    assert parse_frame(" h4 ") == "H4"
    for name, meant in (("1h", "H1"), ("15min", "M15"), ("4 hours", "H4"), ("1d", "D1"), ("M155", "M15")):
        with pytest.raises(ConfigError, match=f"did you mean {meant}"):
            frame_ns(name)
    with pytest.raises(ConfigError, match="known: M1 M5 M15"):
        frame_ns("tick")


def test_a_trading_day_that_cannot_be_meant_says_how_to_write_one() -> None:
    for junk in ("17:00", "25:00 UTC", "5pm America/New_York", ""):
        with pytest.raises(ConfigError, match="write a time and a zone"):
            parse_day(junk)
