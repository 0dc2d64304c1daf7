"""Scales and weights against pandas, scipy and their slow definitions."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from engine.core.errors import ConfigError
from engine.features import Plan, atr, blend, frozen, impact, rsi, scale, winsor, zscore_all, zscore_ew
from engine.features.scaling import fit, normal_quantile
from tests.features import market
from tests.features.market import batch


def test_the_exponential_zscore_is_pandas(eurusd):
    close = pandas.Series(eurusd["close"])
    past = close.ewm(alpha=0.03, adjust=False)
    theirs = (close - past.mean()) / past.std(bias=True)
    ours = batch(Plan({"x": zscore_ew()}), eurusd)["x"]
    assert np.abs(ours[5:] - theirs[5:]).max() < 1e-7


def test_the_expanding_zscore_is_pandas(eurusd):
    close = pandas.Series(eurusd["close"])
    theirs = (close - close.expanding().mean()) / close.expanding().std()
    ours = batch(Plan({"x": zscore_all()}), eurusd)["x"]
    assert np.abs(ours[5:] - theirs[5:]).max() < 1e-9


def test_rolling_scales_are_numpys_of_the_window(ref):
    plan = Plan({style: scale(50, style) for style in ("robust", "tanh", "minmax", "rank")} | {"w": winsor(50, 5)})
    out = batch(plan, ref)
    windows, now = sliding_window_view(ref["close"], 50), ref["close"][49:]
    low, first, middle, third, high, cut, top = np.quantile(windows, (0, 0.25, 0.5, 0.75, 1, 0.05, 0.95), axis=1)
    below = (windows < now[:, None]).sum(axis=1)
    equal = (windows == now[:, None]).sum(axis=1)
    assert np.abs(out["robust"][49:] - (now - middle) / (third - first)).max() < 1e-12
    assert np.abs(out["tanh"][49:] - np.tanh(out["robust"][49:])).max() < 1e-12
    assert np.abs(out["minmax"][49:] - (now - low) / (high - low)).max() < 1e-12
    assert np.abs(out["rank"][49:] - (below + equal / 2) / 50).max() < 1e-12
    assert np.abs(out["w"][49:] - np.clip(now, cut, top)).max() < 1e-12


@given(st.floats(1e-6, 1 - 1e-6))
def test_a_share_becomes_the_normal_number_scipy_says(p):
    special = pytest.importorskip("scipy.special")
    assert normal_quantile(p) == pytest.approx(special.ndtri(p), abs=1e-9)


def test_a_frozen_scale_remembers_its_fit_in_its_identity(ref):
    past = batch(Plan({"x": atr(14)}), ref)["x"][:1000]
    spec = fit(past, "zscore", atr(14))
    out = batch(Plan({"f": spec, "x": atr(14)}), ref)
    there = past[~np.isnan(past)]
    assert np.abs(out["f"][14:] - (out["x"][14:] - there.mean()) / there.std()).max() < 1e-9
    assert spec.identity != fit(past[:900], "zscore", atr(14)).identity
    assert str(frozen(1.0, 2.0)) == "frozen(center=1.0, width=2.0)"
    with pytest.raises(ConfigError, match="no fit 'zsocre': did you mean zscore"):
        fit(past, "zsocre")
    with pytest.raises(ConfigError, match="do not vary"):
        fit(np.full(9, 1.0))


def test_hedge_weights_are_what_the_definition_says(ref):
    horizon, decay, least = 3, 0.9, 0.02
    bars = market.rows(ref, 0, 300)
    a, b = bars["close"] - bars["open"], bars["open"] - np.roll(bars["close"], 5)
    bars = {**bars, "high": a, "low": b}
    out = batch(Plan({"x": blend("high", "low", horizon, 1.0, decay, least)}), bars)
    moved = np.sign(bars["close"][horizon:] - bars["close"][:-horizon])
    for t in (0, 2, 3, 50, 299):
        score = [sum(decay ** (t - s - horizon) * np.sign(x[s]) * moved[s] for s in range(max(t - horizon + 1, 0)))
                 for x in (a, b)]  # fmt: skip
        share = np.exp(score) / np.exp(score).sum()
        weights = least + (1 - 2 * least) * share
        assert [out["x_weight_a"][t], out["x_weight_b"][t]] == pytest.approx(weights.tolist(), abs=1e-12), t
        assert out["x"][t] == pytest.approx(weights @ [a[t], b[t]], abs=1e-15)


def test_a_signal_that_is_always_right_gets_all_but_the_floor(ref):
    right = np.concatenate([np.diff(ref["close"]), [0.0]])
    out = batch(Plan({"x": blend("high", "low")}), {**ref, "high": right, "low": -right})
    assert out["x_weight_a"][-1] == pytest.approx(0.99, abs=1e-6)


def test_a_surprise_is_measured_by_earlier_ones_and_halves():
    """Ten releases, one every four hours: the first eight say nothing yet."""
    n = 16 * 10
    number = np.arange(n) // 16
    surprise = np.array([1, -1, 2, -2, 1, -1, 2, -2, 3.0, -1])[number]
    bars = market.stamped(100 + surprise, np.full(n, 100.0), number.astype(float), np.full(n, 1.0))
    out = batch(Plan({"x": impact("open", "high", "low", importance=-1.5)}), bars)
    assert (out["x"][: 16 * 8] == 0).all()
    usual = np.std([1, -1, 2, -2, 1, -1, 2, -2], ddof=1)
    ages = np.arange(16) * 15
    assert out["x_surprise"][128:144] == pytest.approx(np.full(16, 3 / usual), rel=1e-12)
    assert out["x"][128:144] == pytest.approx(-0.5 * 3 / usual * 0.5 ** (ages / 30), rel=1e-12)
    usual = np.std([1, -1, 2, -2, 1, -1, 2, -2, 3], ddof=1)
    assert out["x_surprise"][144] == pytest.approx(-1 / usual, rel=1e-12)


def test_an_input_may_be_any_feature(ref):
    out = batch(Plan({"x": scale(100, "rank", close=rsi(14))}), ref)["x"]
    assert np.isnan(out[:113]).all() and 0.0 < out[113] <= 1.0
