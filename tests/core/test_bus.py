"""Moments: what is due when, as one number."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.core.bus import RANKS, moments, ts_of

STAMPS = st.lists(st.integers(-(2**62), 2**63 - 1), max_size=20)


@given(STAMPS, st.integers(0, RANKS - 1))
def test_a_moment_holds_its_stamp_in_any_year(stamps: list[int], rank: int) -> None:
    found = moments(np.array(stamps, np.int64), rank).tolist()
    assert found == [ts * RANKS + rank for ts in stamps]
    assert [ts_of(moment) for moment in found] == stamps


@given(st.lists(st.tuples(st.integers(-(2**62), 2**63 - 1), st.integers(0, RANKS - 1)), min_size=1, max_size=20))
def test_moments_order_by_stamp_and_then_by_rank(pairs: list[tuple[int, int]]) -> None:
    ts, ranks = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    places = np.lexsort((np.arange(len(ts)), moments(ts, ranks)))
    assert [pairs[k] for k in places.tolist()] == sorted(pairs)
