"""Lags and rolling statistics against pandas and numpy."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from scipy.stats import entropy

from engine.features import Plan, lag, log_return, place, roll, roll_cov, roll_quantile, rsi
from tests.features import market
from tests.features.market import batch


def test_a_lag_is_pandas_shift(ref):
    close = pandas.Series(ref["close"])
    out = batch(Plan({"a": lag(13), "b": lag(2, close=rsi(14)), "r": log_return(5), "s": rsi(14)}), ref)
    assert out["a"][13:].tolist() == close.shift(13)[13:].tolist()
    assert out["b"][16:].tolist() == out["s"][14:-2].tolist() and np.isnan(out["b"][:16]).all()
    assert np.abs(out["r"] - np.log(close / close.shift(5)))[5:].max() < 1e-15


def windowed(column: np.ndarray, period: int, of) -> np.ndarray:
    """A statistic of every window; NaN before the first."""
    made = np.full(len(column), np.nan)
    made[period - 1 :] = [of(w) for w in sliding_window_view(column, period)]
    return made


def permutation_entropy(window: np.ndarray) -> float:
    """Of the orders of three in a row, equal ones in the order they came: 0 to 1."""
    orders = [tuple(np.argsort(window[k : k + 3], kind="stable")) for k in range(len(window) - 2)]
    share = np.array([orders.count(o) for o in set(orders)]) / len(orders)
    return float(-(share * np.log(share)).sum() / np.log(6))


@pytest.mark.parametrize("period", [5, 20, 31])
@pytest.mark.parametrize("source", ["eurusd", "returns", "hard"])
def test_rolling_statistics_are_those_of_pandas(source, period, request):
    bars = market.rows(request.getfixturevalue("hard" if source == "hard" else "eurusd"), 0, 2500)
    if source == "returns":
        bars = {**bars, "close": np.diff(np.log(bars["close"]), prepend=0.0)}
    if source == "hard":  # without its spike, which pandas' running sums remember
        bars = {**bars, "close": np.where(bars["close"] > 1e5, 100.0, bars["close"])}
    column = pandas.Series(bars["close"])
    rolling, windows = column.rolling(period), sliding_window_view(bars["close"], period)
    out = batch(Plan({"r": roll(period)}), bars)
    assert list(out) == [f"r_{name}" for name in roll.outputs] and len(out) == 16
    theirs = {name: getattr(rolling, name)() for name in ("sum", "mean", "var", "std", "min", "max", "median")}
    theirs |= {
        "mad": windowed(bars["close"], period, lambda w: np.median(np.abs(w - np.median(w)))),
        "argmax": windowed(bars["close"], period, lambda w: w[::-1].argmax()),
        "argmin": windowed(bars["close"], period, lambda w: w[::-1].argmin()),
        "rank": rolling.rank(pct=True),
        "permutation": windowed(bars["close"], period, permutation_entropy),
        "entropy": windowed(bars["close"], period, lambda w: entropy(np.histogram(w - w[-1], 10)[0]) / np.log(10)),
    }
    for name, values in theirs.items():
        own = 1e-4 if source == "hard" else 1e-7  # what rounding leaves in the running sums of squares of pandas
        loose = own if name in ("var", "std") else 1e-9
        np.testing.assert_allclose(out[f"r_{name}"], values, rtol=loose, atol=loose * column.std(), err_msg=name)
    for name, exact in (("var", np.var), ("std", np.std)):
        near = windowed(bars["close"], period, lambda w, f=exact: f(w - w[-1], ddof=1))
        np.testing.assert_allclose(out[f"r_{name}"], near, rtol=1e-9, atol=1e-18, err_msg=name)
    varied = np.ptp(windows, axis=1) > 0.0
    for k in np.flatnonzero(varied)[::23]:
        window, row = pandas.Series(windows[k] - windows[k][-1]), period - 1 + k
        told = {"skew": window.skew(), "kurt": window.kurt(), "autocorr": window.autocorr(1)}
        for name, value in told.items():
            value = 0.0 if np.isnan(value) else value  # the one side of a window stands still
            assert out[f"r_{name}"][row] == pytest.approx(value, rel=1e-9, abs=1e-9), (name, row)
    if not varied.all():
        still = np.flatnonzero(~varied)[0] + period - 1
        for name in ("var", "std", "mad", "skew", "kurt", "autocorr", "entropy", "permutation"):
            assert out[f"r_{name}"][still] == 0.0, name
        assert out["r_rank"][still] == (period + 1) / 2 / period


def test_permutation_entropy_is_0_for_a_trend_and_1_where_every_order_is_as_frequent():
    """Eight values hold six orders; of these eight each once."""
    rising = np.arange(1.0, 41.0)
    for close, known in ((rising, 0.0), (np.array([1.0, 2, 6, 5, 4, 8, 3, 7]), 1.0)):
        bars = {"close": close, "open_ts": np.arange(len(close))}
        assert batch(Plan({"r": roll(8)}), bars)["r_permutation"][7:] == pytest.approx(known, abs=1e-12)
        assert permutation_entropy(close[:8]) == pytest.approx(known, abs=1e-12)


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
    np.testing.assert_allclose(out["r_cov"], a.rolling(period).cov(b), rtol=1e-9, atol=1e-9)
    assert np.isnan(out["r_cov"][: 13 + period]).all() and not np.isnan(out["r_cov"][13 + period :]).any()
    for i in range(14 + period, 3000, 31):
        x, y = b[i - period + 1 : i + 1].to_numpy(), a[i - period + 1 : i + 1].to_numpy()
        assert out["r_cov"][i] == pytest.approx(np.cov(x - x[0], y - y[0])[0, 1], rel=1e-9, abs=1e-15)
        if np.ptp(x) > 1e-3 and np.ptp(y) > 1e-9:
            assert out["r_corr"][i] == pytest.approx(np.corrcoef(x - x[0], y - y[0])[0, 1], rel=1e-9, abs=1e-9)
            assert out["r_beta"][i] == pytest.approx(np.polyfit(x - x[0], y - y[0], 1)[0], rel=1e-7, abs=1e-12)


def test_nothing_varies_with_what_stands_still(ref):
    out = batch(Plan({"r": roll_cov("close", "open")}), {**ref, "open": np.full(2000, 1.1)})
    assert all((out[f"r_{name}"][19:] == 0.0).all() for name in ("corr", "cov", "beta"))
