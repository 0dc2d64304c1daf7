"""Detectors of drift against the detections of river 0.26.1, and unusual bars against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from engine.features import FEATURES, Plan, anomaly, anomaly_trees, atr, drift, load_all, miss, rvol
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
        bars["spread"], bars["volume"] / 900.0,
    ])  # fmt: skip
    mean, cov, checked = sides[21], np.zeros((5, 5)), 0
    for i in range(22, 2000):
        step = sides[i] - mean
        if i >= 270:
            expected = step @ np.linalg.solve(cov, step)
            assert out["x"][i] == pytest.approx(expected, rel=1e-6), i
            assert out["x_flag"][i] == (expected > chi2.ppf(0.999, 5))
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


def sides(bars: dict[str, np.ndarray]) -> np.ndarray:
    """What unusual bars are told by, one row a bar; the first 20 are not known."""
    out, close = batch(Plan({"a": atr(14), "v": rvol(20)}), bars), bars["close"]
    step = np.concatenate([[np.nan], np.diff(np.log(close))])
    rate = bars["volume"] / ((bars["end"] - bars["open_ts"]) * 1e-9)
    return np.column_stack([step, (bars["high"] - bars["low"]) / out["a"], out["v"], bars["spread"], rate])


def bits(seed: int, tree: int, place: int) -> int:
    """SplitMix64 of a tree's place, in whole numbers of any size."""
    mask = 2**64 - 1
    z = ((seed * 1000 + tree) * 65536 + place + 1) * 0x9E3779B97F4A7C15 & mask
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
    z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
    return z ^ z >> 31


def path(point: np.ndarray, tree: int, height: int, seed: int) -> list[int]:
    """The nodes that a point passes, the root first, as Tan, Ting and Liu build a tree: ranges, then middles."""
    ranges = []
    for side in range(5):
        s = (2 * (bits(seed, tree, 65000 + side) % 1024) + 1) / 2048
        ranges.append([s - 2 * max(s, 1 - s), s + 2 * max(s, 1 - s)])
    nodes = [1]
    for _ in range(height):
        side = bits(seed, tree, nodes[-1]) % 5
        middle = sum(ranges[side]) / 2
        right = bool(point[side] >= middle)
        ranges[side][0 if right else 1] = middle
        nodes.append(2 * nodes[-1] + right)
    return nodes


@pytest.mark.parametrize("height", [5, 15])
def test_half_space_trees_are_those_written_out_plainly(height, ref):
    window, trees, seed, n = 40, 5, 3, 400
    bars = market.rows(ref, 0, n)
    spec = anomaly_trees(window=window, trees=trees, height=height, seed=seed, share=0.9)
    out, raw = batch(Plan({"x": spec}), bars), sides(bars)
    first = int(np.flatnonzero(~np.isnan(batch(Plan({"v": rvol(20)}), bars)["v"]))[0]) + 1
    points, scores, flags = {}, {}, 0
    for i in range(first, n):
        past = raw[max(first, i - window) : i]
        low, high = (past.min(axis=0), past.max(axis=0)) if len(past) else (raw[i] + 1, raw[i] + 1)
        with np.errstate(all="ignore"):
            within = np.where(high > low, (raw[i] - low) / (high - low), 0.5 + 0.5 * np.sign(raw[i] - low))
        points[i] = [path(np.clip(within, 0, 1), t, height, seed) for t in range(trees)]
        if i - first < window:
            assert np.isnan(out["x"][i])
            continue
        densities = []
        for t in range(trees):
            for depth, node in enumerate(points[i][t]):
                count = sum(points[k][t][depth] == node for k in range(i - window, i))
                if count <= 0.1 * window:
                    break
            densities.append(count * 2**depth)
        scores[i] = 1 / (1 + np.mean(densities) / window)
        assert out["x"][i] == pytest.approx(scores[i], rel=1e-12), i
        if i - first >= 2 * window:
            limit = sorted(scores[k] for k in range(i - window, i))[int(0.9 * window)]
            assert out["x_flag"][i] == (scores[i] > limit)
            flags += scores[i] > limit
    assert flags > 5 and np.isnan(out["x_flag"][: first + 2 * window]).all()


def test_planted_anomalies_rank_high_whatever_the_seed(eurusd):
    """Long bars, bursts of ticks and wide spreads among ordinary bars; 0.5 would be chance."""
    bars = {name: v[:3000].copy() for name, v in eurusd.items()}
    bars["spread"] = 1e-5 * (1 + np.random.default_rng(3).integers(0, 5, 3000))
    rows = np.arange(1000, 3000, 100)
    bars["high"][rows[::3]] += 0.006
    bars["low"][rows[::3]] -= 0.006
    bars["volume"][rows[1::3]] *= 10
    bars["spread"][rows[2::3]] *= 4
    found = []
    for seed in range(1, 5):
        score = batch(Plan({"x": anomaly_trees(seed=seed)}), bars)["x"]
        found.append(np.argsort(np.argsort(score[600:]))[rows - 600] / 2400)
    assert np.mean(found, axis=1).min() > 0.75 and np.mean(found) > 0.8 and np.median(found) > 0.9
