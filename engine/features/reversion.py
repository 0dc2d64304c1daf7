"""Does the series come back to its mean? Tests over a window that slides, and differences that keep memory."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature
from engine.features.trend import ema
from engine.kernels.jit import jit


@jit
def return_test(x, i, n):
    """Least squares of the steps on the values before them, over the n steps that end at row i.

    Slope and its t-value; both 0 for a series that stands still.
    """
    sx, sy, sxx, sxy, syy = 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(i - n + 1, i + 1):
        a, step = x[k - 1] - x[i], x[k] - x[k - 1]
        sx, sy, sxx, sxy, syy = sx + a, sy + step, sxx + a * a, sxy + a * step, syy + step * step
    spread = sxx - sx * sx / n
    if spread <= 0.0:
        return 0.0, 0.0
    slope = (sxy - sx * sy / n) / spread
    left = max(syy - sy * sy / n - slope * (sxy - sx * sy / n), 0.0)
    return slope, slope / np.sqrt(left / (n - 2.0) / spread) if left > 0.0 else 0.0


@feature(
    gives="half_life adf", keeps="seen", warmup="period", lookback="period", where="period >= 10",
    unit="bars ratio", pane="below", covers="3.1.1",
    source="Dickey & Fuller, Distribution of the Estimators, JASA 1979",
)  # fmt: skip
def half_life(lo, hi, close, half_life, adf, seen, period=100):
    """Bars in which half of a deviation from the mean is gone, and the Dickey-Fuller t-value (constant, no lags).

    -ln 2 over the slope of steps on values, at most `period` times 100; that too where the series does not return.
    """
    for i in range(lo, hi):
        half_life[i] = adf[i] = np.nan
        if seen >= period:
            slope, adf[i] = return_test(close, i, period)
            longest = 100.0 * period
            half_life[i] = min(-np.log(2.0) / slope, longest) if slope < 0.0 else longest
        seen += 1.0
    return seen


@jit
def variance_of_steps(x, i, n, q):
    """Variance of steps over q bars, overlapping and without bias, within the n single steps that end at row i."""
    mean, total = (x[i] - x[i - n]) / n, 0.0
    for k in range(i - n + q, i + 1):
        d = x[k] - x[k - q] - q * mean
        total += d * d
    return total / (q * (n - q + 1.0) * (1.0 - q / n)) if q > 1 else total / (n - 1.0)


@feature(
    gives="vr2 vr4 vr8", keeps="seen", warmup="period", lookback="period", where="period >= 16", unit="ratio",
    pane="below", covers="3.1.1", source="Lo & MacKinlay, Stock Market Prices Do Not Follow Random Walks, 1988",
)  # fmt: skip
def variance_ratio(lo, hi, close, vr2, vr4, vr8, seen, period=100):
    """Variance of steps over 2, 4 and 8 bars over that of single steps: above 1 trends, below 1 returns."""
    for i in range(lo, hi):
        vr2[i] = vr4[i] = vr8[i] = np.nan
        if seen >= period:
            one = variance_of_steps(close, i, period, 1)
            vr2[i] = variance_of_steps(close, i, period, 2) / one if one > 0.0 else 1.0
            vr4[i] = variance_of_steps(close, i, period, 4) / one if one > 0.0 else 1.0
            vr8[i] = variance_of_steps(close, i, period, 8) / one if one > 0.0 else 1.0
        seen += 1.0
    return seen


@feature(
    gives="kpss", keeps="seen", warmup="period - 1", lookback="period - 1",
    where="period >= 10, lags >= 0, lags < period",
    unit="ratio", pane="below", covers="3.1.1",
    source="Kwiatkowski, Phillips, Schmidt & Shin, Testing Stationarity, Journal of Econometrics 1992",
)  # fmt: skip
def kpss(lo, hi, close, kpss, seen, period=100, lags=4):
    """KPSS statistic of a level: above 0.463 the series has no constant mean (5 %); 0 if it stands still."""
    for i in range(lo, hi):
        seen += 1.0
        kpss[i] = np.nan
        if seen >= period:
            first, mean = i - period + 1, 0.0
            for k in range(first, i + 1):
                mean += (close[k] - close[i]) / period
            drift, squares, spread = 0.0, 0.0, 0.0
            for k in range(first, i + 1):
                d = close[k] - close[i] - mean
                drift += d
                squares += drift * drift
                for lag in range(min(lags, k - first) + 1):
                    weight = (1.0 if lag == 0 else 2.0) * (1.0 - lag / (lags + 1.0))
                    spread += weight * d * (close[k - lag] - close[i] - mean)
            kpss[i] = squares / (period * spread) if spread > 0.0 else 0.0
    return seen


@feature(
    gives="ffd", keeps="seen weights[width]", warmup="width - 1", lookback="width - 1",
    where="0 < degree, degree < 1, width >= 2", unit="log_price", pane="below", covers="3.1.1",
    source="Lopez de Prado, Advances in Financial Machine Learning, 2018, ch. 5; Hosking, Biometrika 1981",
)  # fmt: skip
def ffd(lo, hi, close, ffd, seen, weights, degree=0.4, width=282):
    """Fractional difference of ln(close): stationary, yet with memory of `width` bars.

    For degree 0.4 the 282nd weight is the last above 1e-4. Not scale-free: the weights do not add up to 0.
    """
    for i in range(lo, hi):
        if weights[0] == 0.0:
            weights[0] = 1.0
            for k in range(1, width):
                weights[k] = -weights[k - 1] * (degree - k + 1.0) / k
        seen += 1.0
        ffd[i] = np.nan
        if seen >= width:
            mixed = 0.0
            for k in range(width):
                mixed += weights[k] * np.log(max(close[i - k], 1e-300))
            ffd[i] = mixed
    return seen


@feature(
    gives="acceleration jerk", keeps="seen e1 e2 e3", warmup="2, 3", settle="ceil(9.5 * (period + 1))",
    where="period >= 2", unit="price_change", pane="below", covers="3.1.1 3.1.2",
)  # fmt: skip
def acceleration(lo, hi, acceleration, jerk, seen, e1, e2, e3, mean=ema("period"), period=14):
    """Second and third difference of an exponential average: is it gaining pace, and is that gaining."""
    for i in range(lo, hi):
        acceleration[i] = mean[i] - 2.0 * e1 + e2 if seen >= 2.0 else np.nan
        jerk[i] = mean[i] - 3.0 * e1 + 3.0 * e2 - e3 if seen >= 3.0 else np.nan
        e3, e2, e1 = e2, e1, mean[i]
        seen += 1.0
    return seen, e1, e2, e3
