"""As-of joins, checked against pandas.merge_asof and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import DataError
from engine.core.series import Series

SMALL = st.integers(0, 60)
FLOATS = st.floats(-5, 5)


@settings(max_examples=80)
@given(
    st.lists(st.tuples(SMALL, st.integers(0, 20), st.floats(-5, 5)), max_size=30),
    st.lists(SMALL, min_size=1, max_size=30),
)
def test_the_row_known_at_a_moment_is_the_one_that_merge_asof_finds(
    rows: list[tuple[int, int, float]], asked: list[int]
) -> None:
    published = np.array([p for p, _, _ in rows], np.int64)
    received = published + np.array([d for _, d, _ in rows], np.int64)
    values = np.array([v for _, _, v in rows])
    series = Series.of("x", published, published, values, np.where(received > 0, received, 0))
    left = pd.DataFrame({"ts": np.sort(asked).astype(np.int64)})
    right = pd.DataFrame(
        {"ts": received.astype(np.int64), "row": np.arange(len(rows), dtype=np.int64), "value": values}
    )
    joined = pd.merge_asof(left, right.sort_values("ts", kind="stable"), on="ts")
    rows_at = series.rows_at(np.sort(asked))
    got = np.where(rows_at >= 0, series.values[rows_at] if len(rows) else np.nan, np.nan)
    assert np.array_equal(got, joined["value"].to_numpy(float), equal_nan=True)


@settings(max_examples=80)
@given(st.lists(st.tuples(SMALL, SMALL, st.floats(-5, 5)), min_size=1, max_size=20), SMALL)
def test_nothing_is_known_before_its_time_and_the_newest_event_holds(
    rows: list[tuple[int, int, float]], ts: int
) -> None:
    event, published, values = (np.array(c) for c in zip(*rows, strict=True))
    seen = [(e, k, v) for k, (e, p, v) in enumerate(rows) if p <= ts]
    order = sorted(seen, key=lambda r: (r[0], published[r[1]], r[1]))
    expected = order[-1][2] if order else float("nan")
    assert np.array_equal([Series.of("x", event, published, values).at(ts)], [expected], equal_nan=True)


def test_as_of_the_first_print_holds_until_the_revision_is_known() -> None:
    jobs = Series.of("jobs", event=[1330, 1330, 2330], published=[1330, 1500, 2330], values=[266.0, 256.0, 145.0])
    assert [jobs.about(1330, t) for t in (1330, 1499, 1500, 9999)] == [266.0, 266.0, 256.0, 256.0]
    assert jobs.first_print(1330) == 266.0 and np.isnan(jobs.about(1330, 1329))
    assert [jobs.at(t) for t in (1400, 1600, 2400)] == [266.0, 256.0, 145.0]


def test_a_late_revision_of_an_old_event_does_not_displace_a_newer_one() -> None:
    series = Series.of("x", event=[1, 2, 1], published=[10, 20, 30], values=[1.0, 2.0, 1.5])
    assert series.at(35) == 2.0 and series.about(1, 35) == 1.5


def test_what_was_received_late_is_known_late() -> None:
    series = Series.of("x", event=[1, 2], published=[10, 20], values=[1.0, 2.0], received=[50, 0])
    assert [series.at(t) for t in (10, 20, 50)] == [pytest.approx(float("nan"), nan_ok=True), 2.0, 2.0]
    assert series.about(1, 49) != series.about(1, 49) and series.about(1, 50) == 1.0


def test_a_row_received_before_it_was_published_is_an_error() -> None:
    with pytest.raises(DataError, match="row 2 was received before it was published"):
        Series.of("x", [1, 2], [10, 20], [1.0, 2.0], received=[10, 19])
    with pytest.raises(DataError, match="differ in length"):
        Series.of("x", [1, 2], [10, 20], [1.0])


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.floats(-9, 9)), min_size=1, max_size=25),
    st.lists(st.integers(-5, 80), min_size=1, max_size=25),
    st.one_of(st.none(), st.integers(0, 20)),
)
def test_as_of_with_a_tolerance_equals_pandas_merge_asof(
    rows: list[tuple[int, float]], moments: list[int], tolerance: int | None
) -> None:
    """pandas.merge_asof(direction="backward"): the last row not after the moment, unless it is too old."""
    import pandas as pd

    known = sorted(row[0] for row in rows)
    values = [row[1] for row in rows]
    when = sorted(moments)
    series = Series.of("s", list(range(len(rows))), known, values)
    left = pd.DataFrame({"ts": np.array(when, np.int64)})
    right = pd.DataFrame({"ts": np.array(known, np.int64), "value": values, "since": np.array(known, np.int64)})
    want = pd.merge_asof(left, right, on="ts", direction="backward", tolerance=tolerance)
    assert np.array_equal(series.as_of(when, tolerance), want["value"].to_numpy(np.float64), equal_nan=True)
    age = np.where(want["since"].isna(), -1, want["ts"] - want["since"].fillna(0))
    held = series.age(when)
    assert np.array_equal(held if tolerance is None else np.where(held > tolerance, -1, held), age.astype(np.int64))


def test_the_age_of_a_value_is_that_of_the_newest_event_and_not_of_a_late_revision() -> None:
    series = Series.of("cpi", [1, 2, 1], [10, 20, 30], [1.0, 2.0, 1.5])
    assert series.as_of([35]).tolist() == [2.0] and series.age([9, 35]).tolist() == [-1, 15]
    assert np.isnan(series.as_of([35], tolerance=14)).all() and series.as_of([35], tolerance=15).tolist() == [2.0]
