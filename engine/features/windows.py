"""The past beside the present: lags, returns and the statistics of the last bars that are not averages."""

from __future__ import annotations

import math

import numpy as np

from engine.features.contract import feature
from engine.features.volatility import donchian
from engine.kernels.jit import jit
from engine.kernels.order import put_in, take_out


@feature(gives="lag", keeps="seen", warmup="bars", lookback="bars", where="bars >= 1", covers="3.3.2")
def lag(lo, hi, close, lag, seen, bars=1):
    """The close of `bars` bars ago, or another column's or feature's value."""
    for i in range(lo, hi):
        lag[i] = close[i - bars] if seen >= bars else np.nan
        seen += 1.0
    return seen


@feature(
    gives="log_return", keeps="seen", warmup="bars", lookback="bars", where="bars >= 1", unit="ratio", pane="below",
    covers="3.1.2 3.3.2",
)  # fmt: skip
def log_return(lo, hi, close, log_return, seen, bars=1):
    """Logarithm of the close over the close of `bars` bars ago."""
    for i in range(lo, hi):
        log_return[i] = math.log(close[i] / close[i - bars]) if seen >= bars else np.nan
        seen += 1.0
    return seen


@feature(gives="place", unit="ratio", range=(0.0, 1.0), pane="below", where="period >= 2", covers="3.1.7")
def place(lo, hi, close, place, upper=donchian("period").upper, lower=donchian("period").lower, period=60):
    """Where the close lies between the lowest low (0) and the highest high (1) of `period` bars; 0.5 if equal."""
    for i in range(lo, hi):
        place[i] = (close[i] - lower[i]) / (upper[i] - lower[i]) if upper[i] > lower[i] else 0.5


@jit
def mixed_up(x, i, n, low, high):
    """Entropy of n values in ten equal bins from `low` to `high`: 0 all in one bin, 1 spread evenly."""
    counts = np.zeros(10)
    for k in range(i - n + 1, i + 1):
        counts[min(int((x[k] - low) / (high - low) * 10.0), 9)] += 1.0
    total = 0.0
    for c in counts:
        total -= c / n * math.log(c / n) if c > 0.0 else 0.0
    return total / math.log(10.0)


@feature(
    gives="median mad skew kurtosis autocorrelation entropy since_top since_bottom",
    keeps="seen ordered[period] far[period]", warmup="period - 1", lookback="period", where="period >= 5",
    unit="price price_change ratio ratio ratio ratio bars bars", pane="below", covers="3.3.3 3.3.4",
    source="definitions of pandas.Series.rolling (bias-corrected skewness and kurtosis)",
)  # fmt: skip
def roll(
    lo, hi, close, median, mad, skew, kurtosis, autocorrelation, entropy, since_top, since_bottom, seen, ordered, far,
    period=20,
):  # fmt: skip
    """Statistics of the last `period` closes that an average and a deviation do not tell.

    The median and the median distance from it, lopsidedness and heavy tails (sample, 0 for a normal), correlation
    with the close before, spread over ten equal bins (0 to 1), bars since the highest and the lowest (the latest
    of equal ones).
    """
    n = float(period)
    for i in range(lo, hi):
        if seen >= period:
            take_out(ordered, period, close[i - period])
        put_in(ordered, int(min(seen, n - 1.0)), close[i])
        seen += 1.0
        median[i] = mad[i] = skew[i] = kurtosis[i] = autocorrelation[i] = entropy[i] = np.nan
        since_top[i] = since_bottom[i] = np.nan
        if seen < n:
            continue
        half = period // 2
        median[i] = ordered[half] if period % 2 else (ordered[half - 1] + ordered[half]) / 2.0
        shift = 0.0
        for k in range(period):
            put_in(far, k, abs(close[i - k] - median[i]))
            shift += close[i - k] - close[i]
        mad[i] = far[half] if period % 2 else (far[half - 1] + far[half]) / 2.0
        second, third, fourth, top, bottom = 0.0, 0.0, 0.0, 0, 0
        mean = shift / n
        for k in range(period):
            d = close[i - k] - close[i] - mean
            second, third, fourth = second + d * d, third + d * d * d, fourth + d * d * (d * d)
            top = k if close[i - k] > close[i - top] else top
            bottom = k if close[i - k] < close[i - bottom] else bottom
        since_top[i], since_bottom[i] = top, bottom
        varied = ordered[period - 1] > ordered[0]
        skew[i] = n * math.sqrt(n - 1.0) / (n - 2.0) * third / (second * math.sqrt(second)) if varied else 0.0
        kurtosis[i] = -3.0 * (n - 1.0) ** 2 / ((n - 2.0) * (n - 3.0)) * varied
        kurtosis[i] += (
            n * (n + 1.0) * (n - 1.0) / ((n - 2.0) * (n - 3.0)) * fourth / (second * second) if varied else 0.0
        )
        entropy[i] = mixed_up(close, i, period, ordered[0], ordered[period - 1]) if varied else 0.0
        autocorrelation[i] = follows(close, i, period)
    return seen


@jit
def follows(x, i, n):
    """Correlation of the last n values with those one row before, within the window; 0 where one side is constant."""
    a, b = 0.0, 0.0
    for k in range(n - 1):
        a, b = a + (x[i - k] - x[i]), b + (x[i - k - 1] - x[i])
    a, b = a / (n - 1), b / (n - 1)
    both, left, right = 0.0, 0.0, 0.0
    for k in range(n - 1):
        u, v = x[i - k] - x[i] - a, x[i - k - 1] - x[i] - b
        both, left, right = both + u * v, left + u * u, right + v * v
    return both / math.sqrt(left * right) if left * right > 0.0 else 0.0


@feature(
    gives="roll_quantile", keeps="seen ordered[period]", warmup="period - 1", lookback="period",
    where="period >= 2, q >= 0, q <= 1", covers="3.3.3 3.3.4", source="pandas.Series.rolling.quantile, linear",
)  # fmt: skip
def roll_quantile(lo, hi, close, roll_quantile, seen, ordered, period=20, q=0.25):
    """The value below which a share `q` of the last `period` closes lies, on a line between the two nearest of them.

    0 is the lowest, 1 the highest; one of the closes themselves is what `percentile` gives.
    """
    for i in range(lo, hi):
        if seen >= period:
            take_out(ordered, period, close[i - period])
        put_in(ordered, int(min(seen, period - 1.0)), close[i])
        seen += 1.0
        roll_quantile[i] = np.nan
        if seen >= period:
            at = q * (period - 1.0)
            k = min(int(at), period - 2)
            roll_quantile[i] = ordered[k] + (ordered[k + 1] - ordered[k]) * (at - k)
    return seen


@feature(
    takes="a b", gives="roll_cov slope", keeps="seen", warmup="period - 1", lookback="period - 1", where="period >= 2",
    unit="any", pane="below", covers="3.3.3 3.3.4", source="pandas.Series.rolling.cov",
)  # fmt: skip
def roll_cov(lo, hi, a, b, roll_cov, slope, seen, period=20):
    """Covariance (sample) of two columns over their last `period` values, and the slope of the first on the second.

    The slope, their beta, is 0 where the second stands still. The columns may be of features: returns, say.
    """
    for i in range(lo, hi):
        seen += 1.0
        roll_cov[i] = slope[i] = np.nan
        if seen < period:
            continue
        left, right, both, spread = 0.0, 0.0, 0.0, 0.0
        for k in range(i - period + 1, i):
            left, right = left + (a[k] - a[i]), right + (b[k] - b[i])
        left, right = left / period, right / period
        for k in range(i - period + 1, i + 1):
            x, y = a[k] - a[i] - left, b[k] - b[i] - right
            both, spread = both + x * y, spread + y * y
        roll_cov[i] = both / (period - 1.0)
        slope[i] = both / spread if spread > 0.0 else 0.0
    return seen
