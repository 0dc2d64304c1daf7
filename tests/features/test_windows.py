"""Lags and rolling statistics against pandas and numpy."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from engine.features import Plan, lag, log_return, place, roll, roll_cov, roll_quantile, rsi
from tests.features.market import batch


def test_a_lag_is_pandas_shift(ref):
    close = pandas.Series(ref["close"])
    out = batch(Plan({"a": lag(13), "b": lag(2, close=rsi(14)), "r": log_return(5), "s": rsi(14)}), ref)
    assert out["a"][13:].tolist() == close.shift(13)[13:].tolist()
    assert out["b"][16:].tolist() == out["s"][14:-2].tolist() and np.isnan(out["b"][:16]).all()
    assert np.abs(out["r"] - np.log(close / close.shift(5)))[5:].max() < 1e-15


@pytest.mark.parametrize("period", [5, 20, 31])
def test_rolling_statistics_are_those_of_pandas(eurusd, period):
    bars = {name: values[:4000] for name, values in eurusd.items()}
    rolling = pandas.Series(bars["close"]).rolling(period)
    out = batch(Plan({"r": roll(period)}), bars)
    assert np.abs(out["r_median"] - rolling.median())[period - 1 :].max() < 1e-15
    windows = sliding_window_view(bars["close"], period)
    varied = np.ptp(windows, axis=1) > 2e-4  # pandas sums lose their digits in windows that hardly move
    for name in ("skew", "kurtosis"):
        theirs = (rolling.skew() if name == "skew" else rolling.kurt()).to_numpy()[period - 1 :]
        assert np.abs(out[f"r_{name}"][period - 1 :] - theirs)[varied].max() < 1e-5, name
    middle = np.median(windows, axis=1)
    assert np.abs(out["r_mad"][period - 1 :] - np.median(np.abs(windows - middle[:, None]), axis=1)).max() < 1e-15
    assert (out["r_since_top"][period - 1 :] == windows[:, ::-1].argmax(axis=1)).all()
    assert (out["r_since_bottom"][period - 1 :] == windows[:, ::-1].argmin(axis=1)).all()
    for i in range(0, len(windows), 53):
        if varied[i]:
            pair = np.corrcoef(windows[i, 1:], windows[i, :-1])[0, 1]
            assert out["r_autocorrelation"][period - 1 + i] == pytest.approx(pair, abs=1e-9)


def test_entropy_is_0_in_one_bin_and_1_in_all_ten():
    rising = np.arange(1.0, 41.0)
    bars = {"close": rising, "open_ts": np.arange(40)}
    out = batch(Plan({"r": roll(20)}), bars)
    assert out["r_entropy"][19:] == pytest.approx(np.ones(21), abs=1e-12)
    split = np.tile([1.0, 2.0], 20)
    assert batch(Plan({"r": roll(20)}), {**bars, "close": split})["r_entropy"][19:] == pytest.approx(
        np.log10(2) * np.ones(21)
    )


def test_the_place_is_0_at_the_lowest_and_1_at_the_highest(ref):
    out = batch(Plan({"p": place(60)}), ref)["p"]
    high = sliding_window_view(ref["high"], 60).max(axis=1)
    low = sliding_window_view(ref["low"], 60).min(axis=1)
    assert np.abs(out[59:] - (ref["close"][59:] - low) / (high - low)).max() < 1e-12


@pytest.mark.parametrize(("period", "q"), [(20, 0.25), (7, 0.9), (2, 0.5), (31, 0.0), (31, 1.0), (250, 1 / 3)])
def test_a_rolling_quantile_is_pandas_linear_one(eurusd, period, q):
    bars = {name: values[:4000] for name, values in eurusd.items()}
    out = batch(Plan({"r": roll_quantile(period, q)}), bars)["r"]
    theirs = pandas.Series(bars["close"]).rolling(period).quantile(q, interpolation="linear")
    np.testing.assert_allclose(out, theirs, rtol=1e-14)
    assert len(np.unique(out)) > 500


@pytest.mark.parametrize("period", [2, 20, 99])
def test_a_rolling_covariance_is_that_of_pandas_and_the_slope_that_of_a_fitted_line(eurusd, period):
    bars = {name: values[:3000] for name, values in eurusd.items()}
    other = rsi(14)
    out = batch(Plan({"r": roll_cov("close", other, period), "b": other}), bars)
    a, b = pandas.Series(bars["close"]), pandas.Series(out["b"])
    np.testing.assert_allclose(out["r"], a.rolling(period).cov(b), rtol=1e-9, atol=1e-9)
    assert np.isnan(out["r"][: 13 + period]).all() and not np.isnan(out["r"][13 + period :]).any()
    for i in range(14 + period, 3000, 31):
        x, y = b[i - period + 1 : i + 1].to_numpy(), a[i - period + 1 : i + 1].to_numpy()
        assert out["r"][i] == pytest.approx(np.cov(x, y)[0, 1], rel=1e-9, abs=1e-15)
        if np.ptp(x) > 1e-3:
            assert out["r_slope"][i] == pytest.approx(np.polyfit(x - x[0], y - y[0], 1)[0], rel=1e-7, abs=1e-12)


def test_nothing_varies_with_what_stands_still(ref):
    out = batch(Plan({"r": roll_cov("close", "open")}), {**ref, "open": np.full(2000, 1.1)})
    assert (out["r"][19:] == 0.0).all() and (out["r_slope"][19:] == 0.0).all()
