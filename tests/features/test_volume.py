"""Relative volume: what TA-Lib says, by the clock as a slow table has it, and where nothing is traded."""

from __future__ import annotations

import numpy as np
import pytest

from engine.features import Plan, rvol, rvol_slot
from tests.features.market import batch, hard

WEEK = 7 * 86_400 * 10**9
QUARTER = 15 * 60 * 10**9


def test_rvol_has_the_catalogues_golden_value(ref):
    """REF[500] of the feature catalogue, computed with TA-Lib 0.8.2 RVOL(v, 20)."""
    assert batch(Plan({"x": rvol(20)}), ref)["x"][500] == pytest.approx(0.6581899775617054, rel=1e-12)


def test_no_volume_before_is_as_usual():
    bars = hard()
    found = batch(Plan({"x": rvol(5), "y": rvol_slot()}), bars)
    assert (bars["volume"] == 0).any() and np.isfinite(found["x"][6:]).all() and np.isfinite(found["y"][1:]).all()
    assert found["x"][10] == 1.0 and found["y"][10] == 1.0


def slow(bars: dict[str, np.ndarray], span: int) -> list[float]:
    """Every bar against a table of what its quarter hour had in earlier weeks."""
    past: dict[int, float] = {}
    found, held, started = [], [], None
    for i, (ts, volume) in enumerate(zip(bars["open_ts"].tolist(), bars["volume"].tolist(), strict=True)):
        if started is not None and ts // QUARTER != started:
            slot, mean = started * QUARTER % WEEK // QUARTER, sum(held) / len(held)
            past[slot] = past[slot] + 2 / (span + 1) * (mean - past[slot]) if slot in past else mean
            held = []
        started = ts // QUARTER
        usual = past.get(ts % WEEK // QUARTER, bars["volume"][:i].mean() if i else np.nan)
        found.append(np.nan if not i else volume / usual if usual > 0 else 1.0)
        held.append(volume)
    return found


@pytest.mark.parametrize("minutes", [10, 15, 60])
def test_rvol_by_the_clock_is_what_a_slow_table_says(minutes, ref):
    """The reference's volumes on stamps of another step, over more than a week."""
    n = len(ref["close"])
    opened = ref["open_ts"][0] + np.arange(n) * minutes * 60 * 10**9
    bars = {name: values[:n] for name, values in ref.items()} | {"open_ts": opened}
    found = batch(Plan({"x": rvol_slot(4)}), bars)["x"]
    np.testing.assert_allclose(found, slow(bars, 4), rtol=1e-9)
    assert opened[-1] - opened[0] > WEEK
