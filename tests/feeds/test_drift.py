"""The drift between two clocks, found again where it was put in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import DataError
from engine.core.zones import HOUR, SECOND
from engine.feeds.drift import drift_of, server_offset

NOW = 1_700_000_000 * SECOND


def messages(n: int, ppm: float, behind: float, seed: int, wild: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """(stamped, received): transit of 20 ms and more, and a share of stamps that are wildly late."""
    draw = np.random.default_rng(seed)
    ours = NOW + np.cumsum(draw.exponential(0.5, n) * SECOND).astype(np.int64)
    transit = 0.02 + draw.exponential(0.015, n) + np.where(draw.random(n) < wild, draw.exponential(30.0, n), 0.0)
    late = behind + ppm * 1e-6 * (ours - ours[0]) / SECOND + transit
    return ours - (late * SECOND).astype(np.int64), ours


@settings(max_examples=25)
@given(st.floats(-200, 200), st.floats(-5, 5), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.1, 0.2]))
def test_a_drift_that_was_put_in_is_found_though_messages_are_late(
    ppm: float, behind: float, seed: int, wild: float
) -> None:
    stamped, received = messages(6_000, ppm, behind, seed, wild)
    found = drift_of(stamped, received)
    assert not found.jumps and abs(found.ppm - ppm) < 3.0
    at_end = behind + ppm * 1e-6 * (received[-1] - received[0]) / SECOND
    assert abs(found.behind - at_end - 0.033) < 0.02 and found.noise < 0.03


@settings(max_examples=15)
@given(
    st.sampled_from([-3600.0, -2.0, 1.5, 3600.0]), st.floats(0.2, 0.8), st.floats(-50, 50), st.integers(0, 2**32 - 1)
)
def test_a_clock_that_was_set_is_told_from_one_that_drifts(by: float, where: float, ppm: float, seed: int) -> None:
    stamped, received = messages(6_000, ppm, 0.0, seed)
    cut = int(where * len(stamped))
    stamped[cut:] += int(by * SECOND)
    found = drift_of(stamped, received)
    assert len(found.jumps) == 1 and abs(found.jumps[0].seconds - by) < 0.05 * max(1.0, abs(by) / 100)
    assert abs(found.jumps[0].ts - received[cut]) < 0.04 * (received[-1] - received[0])
    assert abs(found.ppm - ppm) < 30 and abs(found.behind + by) < 0.5


def test_two_clocks_that_agree_do_not_drift_and_too_few_rows_say_nothing() -> None:
    same = NOW + np.arange(1000) * SECOND
    found = drift_of(same, same)
    assert (found.ppm, found.behind, found.noise, found.jumps) == (0.0, 0.0, 0.0, [])
    assert drift_of(np.full(40, NOW), np.full(40, NOW)).ppm == 0.0
    for rows in (0, 15):
        with pytest.raises(DataError, match="a drift needs 16 rows"):
            drift_of(same[:rows], same[:rows])
    with pytest.raises(DataError):
        drift_of(same, same[:-1])


@given(st.integers(-24, 28), st.integers(0, 55), st.integers(0, 2**31))
def test_a_servers_offset_is_read_off_two_fresh_ticks_and_not_off_a_stale_one(halves: int, late: int, at: int) -> None:
    ours = [NOW + at * SECOND, NOW + (at + 3) * SECOND]
    offset = halves * HOUR // 2
    fresh = [one + offset - late * SECOND for one in ours]
    assert server_offset(fresh, ours) == offset
    assert server_offset([fresh[0], fresh[1] + HOUR], ours) is None
    stale = [one - 600 * SECOND for one in fresh]
    assert server_offset(stale, ours) is None and server_offset(fresh[:1], ours[:1]) is None
