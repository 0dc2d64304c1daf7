"""Detectors of drift against the detections of river 0.26.1, and unusual bars against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from engine.features import FEATURES, Plan, anomaly, atr, drift, load_all, miss, rvol
from tests.features import market
from tests.features.market import batch


def errors(n: int = 2000) -> dict[str, np.ndarray]:
    """Row 20 of the feature catalogue: misses with chance .2, from bar 1000 on .6; its generator, seed 7."""
    x, stream = 7, np.empty(n)
    for i in range(n):
        x = (1103515245 * x + 12345) % 2147483648
        stream[i] = x / 2147483648.0 < (0.2 if i < 1000 else 0.6)
    return market.stamped(stream, stream, stream, stream)


@pytest.mark.parametrize(
    ("name", "first"), [("drift", 1119), ("ddm", 1255), ("hddm_a", 1047), ("hddm_w", 1040), ("page_hinkley", 1160)]
)
def test_a_change_of_the_error_rate_is_seen_on_the_bar_on_which_river_sees_it(name, first):
    """River 0.26.1 (catalogue rows 20 and 21): ADWIN, DDM, HDDM_A, HDDM_W and PageHinkley(threshold 50)."""
    out = batch(Plan({"x": load_all().get(name)(error="close")}), errors())
    assert int(np.flatnonzero(out["x"] == 2)[0]) == first


def test_eddm_sees_it_too_and_raises_false_alarms():
    """The feature notes: 17 alarms of EDDM on a stream with one change."""
    alarms = np.flatnonzero(batch(Plan({"x": FEATURES.get("eddm")(error="close")}), errors())["x"] == 2)
    assert (alarms < 1000).any() and ((alarms > 1000) & (alarms < 1100)).any()


def test_the_adaptive_window_holds_the_new_rate_after_a_change():
    out = batch(Plan({"x": drift(error="close")}), errors())
    assert out["x_width"][1118] == 1119 and (np.diff(out["x_width"][:1119]) == 1).all()
    assert out["x_estimate"][1118] == pytest.approx(errors()["close"][:1119].mean(), abs=1e-12)
    assert 300 < out["x_width"][-1] < 1100 and out["x_estimate"][-1] == pytest.approx(0.6, abs=0.06)
    tail = errors()["close"][-int(out["x_width"][-1]) :]
    assert out["x_estimate"][-1] == pytest.approx(tail.mean(), abs=1e-12)


def test_a_steady_stream_gives_no_alarm_but_eddms():
    steady = {name: v[:1000] for name, v in errors().items()}
    for name in ("drift", "ddm", "hddm_a", "hddm_w", "page_hinkley"):
        assert not (batch(Plan({"x": load_all().get(name)(error="close")}), steady)["x"] == 2).any(), name


def test_a_miss_is_a_bar_that_turns():
    price = np.array([1.0, 2.0, 3.0, 2.5, 2.5, 2.6, 2.4])
    out = batch(Plan({"m": miss()}), market.stamped(price, price, price, price))["m"]
    assert out[2:].tolist() == [0, 1, 0, 0, 1] and np.isnan(out[:2]).all()


def test_the_distance_is_numpys_with_the_means_and_covariances_of_the_past(ref):
    bars = {**ref, "spread": 1e-5 + 1e-6 * (np.arange(2000) % 7)}
    out = batch(Plan({"x": anomaly(), "a": atr(14), "v": rvol(20)}), bars)
    close = bars["close"]
    sides = np.column_stack([
        np.concatenate([[0.0], np.diff(np.log(close))]), (bars["high"] - bars["low"]) / out["a"], out["v"],
        bars["spread"],
    ])  # fmt: skip
    mean, cov, checked = sides[21], np.zeros((4, 4)), 0
    for i in range(22, 2000):
        step = sides[i] - mean
        if i >= 270:
            expected = step @ np.linalg.solve(cov, step)
            assert out["x"][i] == pytest.approx(expected, rel=1e-6), i
            assert out["x_flag"][i] == (expected > 18.466826952903)
            checked += 1
        mean = mean + 0.01 * step
        cov = 0.99 * (cov + 0.01 * np.outer(step, step))
    assert checked == 1730 and np.isnan(out["x"][:270]).all()


def test_a_crash_is_an_anomaly_and_a_constant_side_is_left_out(ref):
    bars = {name: v.copy() for name, v in ref.items()}
    for name in ("low", "close"):
        bars[name][1500] -= 0.03
    out = batch(Plan({"x": anomaly()}), bars)
    assert out["x_flag"][1500] == 1.0 and out["x"][1500] > 100
    assert 0 <= out["x_flag"][270:1500].mean() < 0.02
