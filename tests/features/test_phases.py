"""Phases, regimes and spikes against slow definitions, files of numbers and markets drawn by hand."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from engine.features import (
    Plan,
    adx,
    atr,
    context,
    phase,
    regime,
    regime_cusum,
    regime_hmm,
    scale,
    session,
    sma,
    spike,
    swing_way,
    vol_regime,
)  # fmt: skip
from tests.features import market
from tests.features.market import batch


def line(*points: tuple[int, float]) -> dict[str, np.ndarray]:
    """Bars along straight lines through (bar, price), each with a range of 2."""
    close = np.interp(np.arange(points[-1][0] + 1), *zip(*points, strict=True))
    return market.stamped(close, close + 1, close - 1, close)


def test_a_trapezoid_is_base_advance_top_and_decline():
    bars = line((0, 100), (200, 100), (300, 200), (500, 200), (600, 100), (800, 100))
    out = batch(Plan({"p": phase(50, 10)}), bars)
    seen = [int(k) for k in out["p"][59:]]
    order = [seen[0]] + [b for a, b in zip(seen, seen[1:], strict=False) if a != b]
    assert order == [1, 2, 3, 4, 1]
    turn = int(np.flatnonzero(out["p"] == 2)[0])
    assert 202 <= turn <= 210 and out["p_bars"][turn : turn + 3].tolist() == [1, 2, 3]


def test_a_phase_is_what_a_slow_reading_of_the_rule_says(ref):
    out = batch(Plan({"p": phase(), "m": sma(150), "a": atr(14)}), ref)
    stage, trend, raws = 0, 0, []
    for i in range(169, 2000):
        slope = (out["m"][i] - out["m"][i - 20]) / (20 * out["a"][i])
        up = ref["close"][i] > out["m"][i] and slope > 0.02
        down = ref["close"][i] < out["m"][i] and slope < -0.02
        raws.append(2 if up else 4 if down else 3 if trend == 2 else 1)
        if stage == 0 or (len(set(raws[-3:])) == 1 and len(raws) >= 3):
            stage = raws[-1]
        trend = stage if stage in (2, 4) else trend
        assert out["p"][i] == stage, i
    assert {1, 2, 3, 4} == set(out["p"][169:])


def test_a_regime_is_what_a_slow_reading_of_the_rule_says(eurusd):
    bars = market.rows(eurusd, 0, 3000)
    out = batch(Plan({"r": regime(), "x": adx(14)}), bars)
    close, state = bars["close"], 0.0
    for i in range(47, 3000):
        path = np.abs(np.diff(close[i - 20 : i + 1])).sum()
        ratio = abs(close[i] - close[i - 20]) / path
        if out["x"][i] >= 25 or ratio >= 0.35:
            state = 1.0 if out["x_plus_di"][i] >= out["x_minus_di"][i] else -1.0
        elif out["x"][i] <= 20 and ratio <= 0.25:
            state = 0.0
        assert out["r"][i] == state, i
    assert set(out["r"][47:]) == {-1.0, 0.0, 1.0}


def test_the_markov_filter_has_the_notes_values_and_not_the_smoothed_ones(ref):
    """Acceptance number 14 of the feature notes: two states on the log returns of the reference series."""
    p = batch(Plan({"p": regime_hmm()}), ref)["p"][1:]
    assert p[[0, 9, 49, 99, 199, 299]] == pytest.approx(
        [0.36861827, 0.64163481, 0.04191227, 0.04175701, 0.18994519, 0.10479054], abs=1e-8
    )


def test_the_markov_filter_is_the_forward_recursion_of_two_normal_densities(eurusd):
    close = eurusd["close"][:3000]
    r, stay = np.diff(np.log(close)), np.array([[0.97, 0.03], [0.1, 0.9]])
    variance = np.array([1e-7, 1e-6])
    p, expected = np.array([0.5, 0.5]), []
    for k, x in enumerate(r):
        p = (p @ stay if k else p) * np.exp(-0.5 * x * x / variance) / np.sqrt(2 * np.pi * variance)
        p = p / p.sum()
        expected.append(p[1])
    out = batch(Plan({"p": regime_hmm(0.97, 0.9, 1e-7, 1e-6)}), market.rows(eurusd, 0, 3000))["p"]
    np.testing.assert_allclose(out[1:], expected, rtol=1e-9)
    assert np.std(expected) > 0.1


def lengths(r: np.ndarray, hazard: float, usual: float) -> np.ndarray:
    """Adams and MacKay (2007), algorithm 1, on a whole series: row t is P(run length | r[:t + 1]), lengths 0 to n.

    The normal-gamma prior of Murphy's notes (2007): mean 0, kappa 1, alpha 1, beta `usual`.
    """
    scipy_stats = pytest.importorskip("scipy.stats")
    n = len(r)
    p, found = np.array([1.0]), np.zeros((n, n + 1))
    for t in range(n):
        size = np.arange(t + 1)
        past = [r[t - k : t] for k in size]
        total = np.array([x.sum() for x in past])
        inner = np.array([((x - x.mean()) ** 2).sum() if len(x) else 0.0 for x in past])
        average = total / np.maximum(size, 1)
        mean, kappa, alpha = total / (1 + size), 1.0 + size, 1 + size / 2
        beta = usual + inner / 2 + size * average**2 / (2 * kappa)
        scale = np.sqrt(beta * (kappa + 1) / (alpha * kappa))
        density = scipy_stats.t.pdf(r[t], 2 * alpha, mean, scale)
        p = np.concatenate([[(p * density * hazard).sum()], p * density * (1 - hazard)])
        p = p / p.sum()
        found[t, : t + 2] = p
    return found


def test_run_lengths_are_those_of_the_paper_on_whole_series(eurusd):
    """The paper's length counts from the value after a change, so that 0 has chance `hazard`; ours begins with it."""
    bars = market.rows(eurusd, 0, 241)
    theirs = lengths(np.diff(np.log(bars["close"])), 0.004, 3e-7)
    np.testing.assert_allclose(theirs[:, 0], 0.004, rtol=1e-9)
    out = batch(Plan({"c": regime_cusum()}), bars)
    np.testing.assert_allclose(out["c"][1:], theirs[:, 1:21].sum(axis=1) / 0.996, rtol=1e-7)
    assert (out["c_run"][1:] == theirs[:, 1:].argmax(axis=1) + 1).all() and len(set(out["c_run"][1:])) > 50


def test_a_run_longer_than_the_longest_is_one_that_remembers_the_longest(eurusd):
    """Slowly, with the densities of the last values written out; the longest gathers those that are longer still."""
    scipy_stats = pytest.importorskip("scipy.stats")
    bars, most = market.rows(eurusd, 0, 400), 12
    r, p = np.diff(np.log(bars["close"])), np.zeros(0)
    out = batch(Plan({"c": regime_cusum(bars=4, hazard=0.02, longest=most)}), bars)
    for t in range(len(r)):
        density = []
        for k in range(len(p) + 1):
            x = r[t - k : t]
            kappa, alpha, mean = k + 1, 1 + k / 2, x.sum() / (k + 1)
            beta = 3e-7 + ((x**2).sum() - kappa * mean**2) / 2
            density.append(scipy_stats.t.pdf(r[t], 2 * alpha, mean, np.sqrt(beta * (kappa + 1) / (alpha * kappa))))
        p = np.concatenate([[0.02], 0.98 * p]) * density
        p = p if len(p) <= most else np.concatenate([p[: most - 1], [p[most - 1] + p[most]]])
        p = p / p.sum()
        assert out["c"][t + 1] == pytest.approx(p[:4].sum(), rel=1e-7)
        assert out["c_run"][t + 1] == p.argmax() + 1


def test_a_change_of_variance_or_drift_is_seen_soon_and_a_steady_market_has_none():
    rng = np.random.default_rng(5)
    for after in (6.0, 1.0):  # six times as wild; or as calm as before, with a drift
        steps = 5e-4 * rng.standard_normal(400)
        steps[200:] = after * steps[200:] + (0.0 if after > 1.0 else 1.5e-3)
        close = np.exp(np.concatenate([[0.0], np.cumsum(steps)]))
        out = batch(Plan({"c": regime_cusum()}), market.stamped(close, close, close, close))
        assert out["c"][100:201].max() < 0.5 and out["c"][206:215].max() > 0.95
        assert out["c_run"][200] > 150 and abs(out["c_run"][300] - 100) <= 5


def test_the_volatility_percentile_is_talibs_percentrank(ref):
    talib = pytest.importorskip("talib")
    out = batch(Plan({"v": vol_regime(100), "a": atr(14)}), ref)
    quiet = out["a"] / ref["close"]
    theirs = talib.PERCENTRANK(quiet[14:], 100)
    assert out["v_percentile"][114:] == pytest.approx(theirs[100:], abs=1e-12)
    raw = np.select([theirs > 95, theirs > 67, theirs < 33], [3.0, 2.0, 0.0], 1.0)[100:]
    state, expected = raw[0], []
    for i, now in enumerate(raw):
        state = now if i and raw[i - 1] == now else state
        expected.append(state)
    assert out["v"][114:].tolist() == expected


@pytest.mark.parametrize("style", ["ewma", "garch"])
def test_the_volatility_of_returns_is_that_of_riskmetrics_or_of_garch(ref, style):
    talib = pytest.importorskip("talib")
    out = batch(Plan({"v": vol_regime(100, style=style, decay=0.9, shock=0.08, floor=2e-9)}), ref)
    squares = np.diff(np.log(ref["close"][14:])) ** 2
    variance = [0.0, squares[0]]
    for square in squares[1:]:
        more = 0.9 * variance[-1] + 0.1 * square if style == "ewma" else 2e-9 + 0.08 * square + 0.9 * variance[-1]
        variance.append(more)
    if style == "ewma":
        np.testing.assert_allclose(variance[1:], pandas.Series(squares).ewm(alpha=0.1, adjust=False).mean(), rtol=1e-9)
    theirs = talib.PERCENTRANK(np.sqrt(variance), 100)
    assert out["v_percentile"][114:] == pytest.approx(theirs[100:], abs=1e-12)
    assert set(out["v"][114:]) == {0.0, 1.0, 2.0, 3.0}


def test_spikes_are_what_numpy_says(eurusd):
    n, period = 3000, 270
    bars = market.rows(eurusd, 0, n)
    high, low, close = bars["high"], bars["low"], bars["close"]
    out = batch(Plan({"s": spike(), "a": atr(14)}), bars)
    r = np.abs(np.concatenate([[0.0], np.diff(np.log(close))]))
    for i in (*range(300, n, 37), n - 1):
        true_range = max(high[i], close[i - 1]) - min(low[i], close[i - 1])
        assert out["s_widening"][i] == pytest.approx(true_range / out["a"][i - 1], rel=1e-12)
        sigma = np.sqrt((r[i - period + 2 : i] * r[i - period + 1 : i - 1]).sum() / (period - 2))
        root, c = np.sqrt(2 * np.log(period)), np.sqrt(2 / np.pi)
        center = root / c - (np.log(np.pi) + np.log(np.log(period))) / (2 * c * root)
        assert out["s_jump"][i] == pytest.approx((r[i] / sigma - center) * c * root, rel=1e-9)
    variance, first = r[15] ** 2, 15
    for i in range(first + 1, n):
        assert out["s_shock"][i] == pytest.approx(r[i] / np.sqrt(variance), rel=1e-9)
        variance = 0.94 * variance + 0.06 * r[i] ** 2
    flags = (out["s_widening"] > 2.5) + 2 * (out["s_shock"] > 3) + 4 * (out["s_jump"] > 4.6001)
    assert (out["s"][period + 14 :] == flags[period + 14 :]).all() and set(out["s"][16:]) >= {0, 1, 2, 3, 7}
    rows = np.where(out["s"] > 0, np.arange(n), -1)
    last = np.maximum.accumulate(rows)
    np.testing.assert_array_equal(out["s_since"], np.where(last < 0, np.nan, np.arange(n) - last))
    assert 0 in out["s_since"] and np.nanmax(out["s_since"]) > 20


def test_the_context_is_its_parts_in_one_row(ref):
    picked = {"stage": phase().phase, "trend": regime().regime, "quiet": vol_regime().vol_regime,
              "jumpy": spike().spike, "cost": scale(250, "rank", close="spread"), "structure": swing_way(),
              "london": session("london").minutes, "newyork": session("newyork").minutes}  # fmt: skip
    out = batch(Plan({"c": context(), **picked}), ref)
    for name in picked:
        assert (out[f"c_{name}"][514:] == out[name][514:]).all(), name
    assert np.isnan(out["c_stage"][:514]).all()
    assert 0.0 <= out["c_day"][514:].min() < 0.05 and 0.95 < out["c_day"][514:].max() <= 1.0
