"""Changes of distribution against scipy, and the histogram of prices against numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.features import Plan, atr, density, kswin, shift
from engine.features.shifts import apart, by_chance
from tests.features import market
from tests.features.market import batch


def stability(past: np.ndarray, now: np.ndarray) -> float:
    edges = np.quantile(past, np.arange(1, 10) / 10)
    shares = [np.bincount(np.searchsorted(edges, x, side="right"), minlength=10) / len(x) for x in (past, now)]
    was, new = (np.maximum(s, 1e-4) for s in shares)
    return float(((new - was) * np.log(new / was)).sum())


@pytest.mark.parametrize("period", [500, 60])
def test_two_windows_differ_as_scipy_says(period, eurusd):
    from scipy.stats import ks_2samp, wasserstein_distance

    out = batch(Plan({"s": shift(period)}), market.rows(eurusd, 0, 5000))
    returns = np.diff(np.log(eurusd["close"][:5000]))
    assert np.isnan(out["s_psi"][: 2 * period]).all()
    for i in range(2 * period, 5000, 211):
        past, now = returns[i - 2 * period : i - period], returns[i - period : i]
        theirs = ks_2samp(past, now, method="exact")
        assert out["s_ks"][i] == pytest.approx(theirs.statistic, abs=1e-12)
        assert out["s_p"][i] == pytest.approx(theirs.pvalue, rel=1e-8, abs=1e-15)
        assert out["s_w1"][i] == pytest.approx(wasserstein_distance(past, now), rel=1e-9)
        assert out["s_psi"][i] == pytest.approx(stability(past, now), rel=1e-9, abs=1e-12)
    psi = out["s_psi"][2 * period :]
    assert (out["s_flag"][2 * period :] == np.select([psi >= 0.25, psi >= 0.1], [2, 1], 0)).all()


def test_the_reference_series_has_the_catalogues_distance_and_chance(ref):
    """Row 21: REF returns 0 to 499 against 500 to 999, scipy 1.17.1."""
    out = batch(Plan({"s": shift()}), ref)
    assert out["s_ks"][1000] == pytest.approx(0.06, abs=1e-12)
    assert out["s_p"][1000] == pytest.approx(0.32936, abs=5e-6)


def paths(n: int, far: int) -> float:
    """The share of the lattice paths from (0, 0) to (n, n) that somewhere are `far` or more from the diagonal."""
    ways = [[0] * (n + 1) for _ in range(n + 1)]
    for i in range(n + 1):
        for j in range(n + 1):
            if abs(i - j) < far:
                ways[i][j] = 1 if i == j == 0 else (ways[i - 1][j] if i else 0) + (ways[i][j - 1] if j else 0)
    return 1 - ways[n][n] / math.comb(2 * n, n)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 6), min_size=10, max_size=40), st.integers(0, 2**32))
def test_the_distance_of_two_samples_is_exact_with_ties(values, seed):
    from scipy.stats import ks_2samp

    other = np.random.default_rng(seed).integers(0, 8, len(values)).astype(float)
    a, b, n = np.sort(np.array(values, float)), np.sort(other), len(values)
    assert apart(a, b, n) == round(ks_2samp(a, b, method="asymp").statistic * n)
    assert by_chance(apart(a, b, n), n) == pytest.approx(paths(n, apart(a, b, n)), rel=1e-9, abs=1e-12)


def test_doubled_noise_raises_the_flag_and_is_forgotten_again():
    rng = np.random.default_rng(5)
    noise = np.concatenate([np.full(1200, 1e-3), np.full(1600, 2.5e-3)]) * rng.standard_normal(2800)
    close = 100.0 * np.exp(np.cumsum(noise))
    out = batch(Plan({"s": shift()}), market.stamped(close, close, close, close))
    assert out["s_flag"][1190] == 0 and out["s_flag"][1700] == 2 and out["s_p"][1700] < 1e-6
    assert out["s_flag"][2750] == 0


def test_a_window_test_sees_a_change_soon_and_starts_anew():
    rng = np.random.default_rng(8)
    x = np.concatenate([rng.standard_normal(300), 3.0 + rng.standard_normal(300)])
    out = batch(Plan({"k": kswin(stream="close", level=1e-4)}), market.stamped(x, x, x, x))
    found = np.flatnonzero(out["k"] == 2)
    assert 300 < found[0] < 330 and (out["k_p"][found[0] + 1 : found[0] + 70] == 1).all()
    assert len(found) <= 2


def test_the_window_test_is_scipys_on_the_same_values(ref):
    from scipy.stats import ks_2samp

    out = batch(Plan({"k": kswin(level=1e-12)}), ref)
    returns = np.concatenate([[np.nan], np.diff(np.log(ref["close"]))])
    picks = np.arange(30) * 70 // 30
    for i in range(100, 2000, 61):
        window = returns[i - 99 : i + 1]
        theirs = ks_2samp(window[picks], window[-30:], method="exact")
        assert out["k_p"][i] == pytest.approx(theirs.pvalue, rel=1e-9), i


# ---------------------------------------------------------------- density


def slow(bars: dict[str, np.ndarray], ranges: np.ndarray, i: int, start: int, period: int, volume: bool) -> tuple:
    """The histogram at bar i by numpy: rows laid out on the first bar of its day, bars from `period` before it."""
    days = bars["open_ts"] // market.DAY
    laid = max(int(np.flatnonzero(days == days[i])[0]), start)
    row = 0.1 * ranges[laid]
    first = max(laid - period, start)
    k = np.arange(first, i + 1)
    bottoms, tops = np.floor(bars["low"][k] / row), np.floor(bars["high"][k] / row)
    weights = 0.5 ** ((i - k) / 500.0) * (bars["volume"][k] / (tops - bottoms + 1) if volume else 1.0)
    parts = [np.arange(a, b + 1) for a, b in zip(bottoms, tops, strict=True)]
    every = np.concatenate(parts)
    counts, edges = np.histogram(
        every, np.arange(every.min(), every.max() + 2) - 0.5, weights=np.repeat(weights, [len(p) for p in parts])
    )
    return counts, edges[:-1] + 0.5, row


@pytest.mark.parametrize("by", ["time", "volume"])
def test_the_density_is_numpys_histogram_of_the_same_bars(by, eurusd):
    n, period = 2500, 400
    bars = market.rows(eurusd, 0, n)
    out = batch(Plan({"d": density(period=period, by=by), "a": atr(100)}), bars)
    for i in [100, 101, *range(150, n, 47)]:
        counts, rows, row = slow(bars, out["a"], i, 100, period, by == "volume")
        close, a = bars["close"][i], out["a"][i]
        here = int(np.floor(close / row) - rows[0])
        assert out["d"][i] == pytest.approx(counts[here] / counts.sum(), rel=1e-9), i
        there = counts > 0
        assert out["d_percentile"][i] == pytest.approx(
            100 * (counts[there] < counts[here] * (1 - 1e-12)).sum() / there.sum(), abs=100 / there.sum() + 1e-9
        )
        shares = counts[there] / counts.sum()
        if there.sum() > 1:
            assert out["d_entropy"][i] == pytest.approx(-(shares * np.log(shares)).sum() / np.log(there.sum()))
        level = 1.5 * counts.sum() / there.sum()
        up = [r for r in range(here + 1, len(counts)) if counts[r] >= level]
        down = [r for r in range(here) if counts[r] >= level]
        above = ((rows[up[0]] * row) - close) / a if up else np.nan
        below = (close - (rows[down[-1]] + 1) * row) / a if down else np.nan
        assert out["d_above"][i] == pytest.approx(above, abs=1e-9, nan_ok=True), i
        assert out["d_below"][i] == pytest.approx(below, abs=1e-9, nan_ok=True), i


def test_a_price_never_seen_lays_the_rows_out_anew_and_a_dead_market_is_all_at_one_price():
    flat = np.full(300, 100.0)
    out = batch(Plan({"d": density()}), market.stamped(flat, flat, flat, flat))
    assert (out["d"][100:] == 1).all() and (out["d_entropy"][100:] == 0).all()
    jump = 100.0 + np.arange(300) % 2 + np.where(np.arange(300) < 250, 0.0, 900.0)
    out = batch(Plan({"d": density()}), market.stamped(jump, jump, jump, jump))
    assert out["d"][250] == 1.0 and np.isfinite(out["d"][100:]).all()
