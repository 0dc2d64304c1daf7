"""Filters against scipy, numpy and the dense definition of what they estimate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from engine.features import Plan, decompose, decompose_cycle, denoise, smooth
from tests.features import market
from tests.features.market import batch


def test_the_supersmoother_has_the_catalogues_values(ref):
    """REF supersmoother(10) at bars 100, 500 and 1999."""
    y = batch(Plan({"x": denoise(10)}), ref)["x"]
    assert y[[100, 500, 1999]] == pytest.approx([1.101999272568, 1.093192496582, 1.086046714620], abs=1e-12)


@pytest.mark.parametrize("period", [3, 10, 48])
def test_butterworths_filter_is_scipys_from_its_steady_state(eurusd, period):
    signal = pytest.importorskip("scipy.signal")
    sos = signal.butter(2, 2.0 / period, output="sos")
    close = eurusd["close"]
    theirs, _ = signal.sosfilt(sos, close, zi=signal.sosfilt_zi(sos) * close[0])
    ours = batch(Plan({"x": denoise(period, style="butter")}), eurusd)
    assert np.abs(ours["x"][2:] - theirs[2:]).max() < 1e-12
    assert np.abs(ours["x"] + ours["x_residual"] - close)[2:].max() < 1e-15


@pytest.mark.parametrize("ratio", [0.001, 0.05, 2.0])
def test_the_kalman_level_is_the_best_guess_that_a_dense_solution_makes(ref, ratio):
    """Least squares over all levels at once: noise of variance 1, steps of variance `ratio`, the first level free."""
    n = 60
    x = ref["close"][:n] - ref["close"][0]
    steps = np.eye(n) - np.eye(n, k=-1)
    steps = steps[1:] / np.sqrt(ratio)
    levels = np.linalg.lstsq(np.vstack([np.eye(n), steps]), np.concatenate([x, np.zeros(n - 1)]), rcond=None)[0]
    ours = batch(Plan({"x": denoise(ratio=ratio, style="kalman")}), market.rows(ref, 0, n))["x"]
    assert ours[-1] == pytest.approx(ref["close"][0] + levels[-1], abs=1e-12)


@pytest.mark.parametrize(("period", "degree"), [(11, 2), (5, 0), (7, 1), (21, 3), (31, 5)])
def test_the_smoother_is_the_end_of_scipys_savitzky_golay(ref, period, degree):
    signal = pytest.importorskip("scipy.signal")
    weights = signal.savgol_coeffs(period, degree, pos=period - 1, use="dot")
    base = ref["close"][0]  # scipy's weights add up to 1 only to 1e-9, so they get distances
    theirs = base + sliding_window_view(ref["close"] - base, period) @ weights
    ours = batch(Plan({"x": smooth(period, degree)}), ref)["x"]
    assert np.abs(ours[period - 1 :] - theirs).max() < 1e-10


@given(st.lists(st.integers(-50, 50), min_size=3, max_size=3), st.integers(5, 30))
def test_a_parabola_is_left_as_it_is(coefficients, period):
    t = np.arange(80.0)
    price = np.polyval(coefficients, t / 10.0) + 1e4
    ours = batch(Plan({"x": smooth(period, 2)}), market.stamped(price, price, price, price))["x"]
    assert ours[period - 1 :] == pytest.approx(price[period - 1 :], rel=1e-12)


def test_the_scales_are_trailing_means_and_add_up(ref):
    """REF: the mean of 8 closes is 1.1032 at bar 20 and 1.0935725 at bar 500."""
    out = batch(Plan({"d": decompose()}), ref)
    close = ref["close"]
    for level in range(1, 5):
        means = [sliding_window_view(close, 2 ** (level - k)).mean(axis=1) for k in (1, 0)]
        expected = means[0][2 ** (level - 1) :] - means[1]
        assert np.abs(out[f"d_detail{level}"][2**level - 1 :] - expected).max() < 1e-15
    total = sum(out[f"d_detail{k}"] for k in range(1, 5)) + out["d_trend"]
    assert np.abs(total - close)[15:].max() < 5e-16
    eight = out["d_trend"] + out["d_detail4"]
    assert eight[[20, 500]] == pytest.approx([1.1032, 1.0935725], abs=1e-12)


@pytest.mark.parametrize("period", [4, 15, 64])
def test_the_spectrum_is_that_of_numpys_transform_of_the_window(ref, period):
    out = batch(Plan({"s": decompose_cycle(period, bin=2)}), ref)
    windows = sliding_window_view(ref["close"] - ref["close"][0], period)
    power = np.abs(np.fft.rfft(windows, axis=1)[:, 1 : period // 2 + 1]) ** 2
    share = power.max(axis=1) / power.sum(axis=1)
    assert np.abs(out["s_strength"][period - 1 :] - share).max() < 1e-9
    np.testing.assert_allclose(out["s_power"][period - 1 :], power[:, 1], rtol=1e-9, atol=1e-18)
    assert (out["s_cycle"][period - 1 :] == period / (power.argmax(axis=1) + 1)).mean() > 0.999


def test_a_wave_of_16_bars_is_found_and_a_dead_market_has_none():
    wave = 1.1 + 0.01 * np.sin(np.arange(300) * 2 * np.pi / 16)
    out = batch(Plan({"s": decompose_cycle(64)}), market.stamped(wave, wave, wave, wave))
    assert set(out["s_cycle"][63:]) == {16.0} and (out["s_strength"][63:] > 0.999).all()
    flat = np.full(300, 1.1)
    assert set(batch(Plan({"s": decompose_cycle(64)}), market.stamped(flat, flat, flat, flat))["s_cycle"][63:]) == {0.0}
