"""The estimators find what was planted, and their ranges hold it about as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from engine.research.fit import costs, latency, share


def planted(
    kind: str, factor: float, slip: float, seed: int, n: int = 400
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sides, prices above the bid and the tape's spreads, points."""
    draw = np.random.default_rng(seed)
    side, spread = draw.choice([-1, 1], n), draw.integers(2, 25, n).astype(float)
    paid = factor * spread
    slipped = {"points": np.full(n, slip), "spread": slip * paid, "samples": draw.exponential(slip, n)}[kind]
    return side, np.where(side > 0, paid, 0.0) + side * slipped, spread


@settings(max_examples=40)
@given(st.sampled_from(["points", "spread"]), st.floats(0.5, 4.0), st.floats(0.1, 5.0), st.integers(1, 99))
def test_spread_and_slippage_of_one_kind_are_found_exactly(kind: str, factor: float, slip: float, seed: int) -> None:
    found = costs(*planted(kind, factor, slip, seed))
    assert found.kind == kind
    assert found.spread.value == pytest.approx(factor, rel=1e-6)
    assert found.slip.value == pytest.approx(slip, rel=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_slippage_that_differs_from_fill_to_fill_comes_as_samples(seed: int) -> None:
    found = costs(*planted("samples", 1.5, 6.0, seed, 3_000))
    assert found.kind == "samples"
    assert found.spread.value == pytest.approx(1.5, rel=0.05)
    assert found.samples.mean() == pytest.approx(6.0, rel=0.1)
    assert np.quantile(found.samples, 0.9) == pytest.approx(6.0 * np.log(10), rel=0.15)


def test_a_constant_spread_leaves_slippage_in_points() -> None:
    side, away, _ = planted("points", 1.0, 2.0, 1)
    flat = np.full(len(side), 10.0)
    away = np.where(side > 0, 15.0, 0.0) + side * 2.0
    found = costs(side, away, flat)
    assert (found.kind, round(found.spread.value, 9), round(found.slip.value, 9)) == ("points", 1.5, 2.0)


def intervals(latencies: np.ndarray, every: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What quotes at random moments, `every` ms apart on average, leave known of latencies."""
    draw = np.random.default_rng(seed)
    after = draw.exponential(every, len(latencies))
    before = draw.exponential(every, len(latencies))
    return latencies - before, latencies + after


@settings(max_examples=25)
@given(st.floats(5, 400), st.floats(10, 300), st.integers(1, 99))
def test_one_latency_for_all_is_found_between_the_quotes(true: float, every: float, seed: int) -> None:
    kind, found, _ = latency(*intervals(np.full(1_500, true), every, seed))
    assert kind == "constant"
    assert found.low is not None and found.high is not None
    assert found.value == pytest.approx(true, rel=0.02, abs=0.05 * every)


@settings(max_examples=8)
@given(st.floats(20, 200), st.floats(0.3, 1.2), st.floats(0.1, 0.5), st.integers(1, 99))
def test_a_lognormal_latency_is_found_between_the_quotes(
    median: float, sigma: float, density: float, seed: int
) -> None:
    true = median * np.exp(sigma * np.random.default_rng(seed).normal(size=2_000))
    kind, found, width = latency(*intervals(true, density * median, seed))
    assert kind == "lognormal"
    assert found.value == pytest.approx(median, rel=0.1) and width.value == pytest.approx(sigma, rel=0.1)


def test_its_range_holds_the_true_median_about_as_often_as_it_says() -> None:
    held = 0
    for seed in range(40):
        true = 50 * np.exp(0.6 * np.random.default_rng(seed).normal(size=300))
        _, found, _ = latency(*intervals(true, 20.0, 1_000 + seed))
        assert found.low is not None and found.high is not None
        held += found.low < 50 < found.high
    assert held >= 34


@settings(max_examples=60)
@given(st.integers(1, 5_000), st.data())
def test_a_share_has_wilsons_interval(n: int, data: st.DataObject) -> None:
    """Golden: scipy.stats.binomtest(...).proportion_ci(method="wilson")."""
    hits = data.draw(st.integers(0, n))
    found, theirs = share("x", hits, n), stats.binomtest(hits, n).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
