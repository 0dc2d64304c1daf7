"""Lags and rolling statistics against pandas and numpy."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from engine.features import Plan, lag, log_return, place, roll, rsi
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
