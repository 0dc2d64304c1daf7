"""Strength, noise and phase of the cycle: against numpy's transform, TA-Lib's Hilbert transform, and made cycles."""

from __future__ import annotations

import numpy as np
import pytest

from engine.features import Plan, cycle_phase, cycle_strength, cycle_strength_snr, ht_phasor
from tests.features import market
from tests.features.market import batch


def made(x: np.ndarray) -> dict[str, np.ndarray]:
    return market.stamped(x, x, x, x)


def test_the_strength_is_numpys_transform_of_the_window_without_its_line(eurusd):
    out = batch(Plan({"c": cycle_strength()}), market.rows(eurusd, 0, 3000))
    t = np.arange(96)
    for i in range(95, 3000, 37):
        x = eurusd["close"][i - 95 : i + 1]
        power = np.abs(np.fft.rfft(x - np.polyval(np.polyfit(t, x, 1), t)))[2:13] ** 2
        assert out["c"][i] == pytest.approx(power.max() / power.sum(), abs=1e-9)
        assert out["c_period"][i] == 96 / (2 + power.argmax())


@pytest.mark.parametrize("period", [8, 12, 16, 24, 32, 48])
def test_a_pure_cycle_has_all_the_strength(period):
    x = 100.0 + np.sin(2 * np.pi * np.arange(400) / period)
    out = batch(Plan({"c": cycle_strength()}), made(x))
    assert out["c_period"][95:] == pytest.approx(np.full(305, period))
    assert out["c"][95:].min() > (0.99 if period <= 16 else 0.9)


def test_noise_has_little_strength_and_a_straight_line_none():
    noise = 100.0 + np.random.default_rng(1).standard_normal(3000)
    assert np.nanmean(batch(Plan({"c": cycle_strength()}), made(noise))["c"]) < 0.4
    line = batch(Plan({"c": cycle_strength()}), made(np.arange(200.0)))
    assert np.nanmax(line["c_period"]) == 0.0 == np.nanmax(line["c"])


def test_signal_to_noise_is_the_pointer_over_the_bars(ref):
    out = batch(Plan({"s": cycle_strength_snr(), "h": ht_phasor()}), ref)
    noise = ref["high"][12] - ref["low"][12]
    for i in range(13, 2000):
        noise += 0.1 * (ref["high"][i] - ref["low"][i] - noise)
        if i >= 32:
            size = np.hypot(out["h_inphase"][i], out["h_quadrature"][i])
            assert out["s"][i] == pytest.approx(20 * np.log10(size / noise), abs=1e-9)


def test_a_larger_cycle_stands_ten_decibels_higher():
    wave = np.sin(2 * np.pi * np.arange(600) / 20)
    found = []
    for size in (1.0, 10.0**0.5):
        x = 100.0 + size * wave
        found.append(batch(Plan({"s": cycle_strength_snr()}), market.stamped(x, x + 1, x - 1, x))["s"][400:])
    assert found[1] - found[0] == pytest.approx(np.full(200, 10.0), abs=1e-6)


def test_the_phase_is_talibs(ref):
    talib = pytest.importorskip("talib")
    out = batch(Plan({"c": cycle_phase()}), ref)
    close = ref["close"]
    sine, lead = talib.HT_SINE(close)
    theirs = {"c": talib.HT_DCPHASE(close), "c_period": talib.HT_DCPERIOD(close), "c_sin": sine, "c_lead": lead,
              "c_mode": talib.HT_TRENDMODE(close).astype(float)}  # fmt: skip
    for name, values in theirs.items():
        assert np.nanmax(np.abs(out[name] - values)[63:]) < 1e-6, name
    assert np.abs(out["c_sin"] ** 2 + out["c_cos"] ** 2 - 1)[63:].max() < 1e-12 and np.isnan(out["c"][:63]).all()


def test_the_phase_of_a_made_cycle_turns_evenly():
    out = batch(Plan({"c": cycle_phase()}), made(100.0 + np.sin(2 * np.pi * np.arange(500) / 20)))
    steps = np.diff(out["c"][300:]) % 360
    assert steps == pytest.approx(np.full(199, 18.0), abs=2.0)
    assert out["c_period"][300:] == pytest.approx(np.full(200, 20.0), abs=0.5)
