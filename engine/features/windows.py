"""The past beside the present: lags, returns and the statistics of the last bars that are not averages."""

from __future__ import annotations

import math

import numpy as np

from engine.features.codes import evenness, order_of
from engine.features.contract import feature
from engine.features.volatility import donchian
from engine.kernels.jit import jit
from engine.kernels.order import place_of, put_in, take_out


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
def mixed_up(x, i, n, low, high, counts):
    """Entropy of n values in ten equal bins from `low` to `high`: 0 all in one bin, 1 spread evenly."""
    counts[:] = 0.0
    for k in range(i - n + 1, i + 1):
        counts[min(int((x[k] - low) / (high - low) * 10.0), 9)] += 1.0
    return evenness(counts, n)


@jit
def shuffled(x, i, n, counts):
    """Entropy of the orders that three values in a row have among n values: 0 always the same, 1 all alike often."""
    counts[:] = 0.0
    for k in range(i - n + 3, i + 1):
        counts[order_of(x, k)] += 1.0
    return evenness(counts, n - 2.0)


@jit
def powers(x, i, n):
    """Of n values that end at row i: their sum, and those of powers 2, 3 and 4 of their distances from their mean.

    The sum is of distances from the last value, and all of this window alone: no digit is lost and nothing drifts.
    """
    shift = 0.0
    for k in range(n):
        shift += x[i - k] - x[i]
    mean, second, third, fourth = shift / n, 0.0, 0.0, 0.0
    for k in range(n):
        d = x[i - k] - x[i] - mean
        second, third, fourth = second + d * d, third + d * d * d, fourth + d * d * (d * d)
    return shift, second, third, fourth


@jit
def place_among(ordered, n, value):
    """Place of one of n ordered numbers over n, 1/n the lowest, 1 the highest; equal ones share their middle place."""
    below = place_of(ordered, n, value)
    level = below
    while level < n and ordered[level] == value:
        level += 1
    return (below + 1 + level) / 2.0 / n


@jit
def middle_distance(ordered, n, center):
    """The median distance of n ordered numbers from `center`: the nearest is beside it, the next on either side."""
    high = place_of(ordered, n, center)
    low, before, now = high - 1, 0.0, 0.0
    for _ in range(n // 2 + 1):
        before = now
        if high >= n or (low >= 0 and center - ordered[low] < ordered[high] - center):
            now, low = center - ordered[low], low - 1
        else:
            now, high = ordered[high] - center, high + 1
    return now if n % 2 else (before + now) / 2.0


@feature(
    gives="sum mean var std min max argmin argmax median mad skew kurt rank autocorr entropy permutation",
    keeps="seen ordered[period] bins[10] orders[6]", warmup="period - 1", lookback="period",
    where="period >= 5",
    unit="price price price_squared price_change price price bars bars price price_change ratio ratio ratio ratio "
    "ratio ratio", pane="below", covers="3.3.3 3.3.4",
    source="pandas.Series.rolling (skewness and kurtosis of a sample); Bandt and Pompe, Permutation Entropy, PRL 88, "
    "2002",
)  # fmt: skip
def roll(
    lo, hi, close, sum, mean, var, std, min, max, argmin, argmax, median, mad, skew, kurt, rank, autocorr, entropy,
    permutation, seen, ordered, bins, orders, period=20,
):  # fmt: skip
    """Statistics of the last `period` closes, by the names that pandas has for them.

    `var` and `std` are of a sample, `argmin` and `argmax` bars since the lowest and the highest (the latest of equal
    ones), `mad` the median distance from the median. `skew` and `kurt` tell lopsidedness and heavy tails (sample, 0
    for a normal), `rank` the place of this one over their number (equals share their middle place: 1/period the
    lowest, 1 the highest), `autocorr` the correlation with the close before, `entropy` how evenly they lie in ten
    equal bins, `permutation` how evenly three in a row take their six orders (both 0 to 1). A quantile is
    `roll_quantile`, two columns together are `roll_cov`.
    """
    n = float(period)
    for i in range(lo, hi):
        if seen >= period:
            take_out(ordered, period, close[i - period])
        put_in(ordered, int(seen if seen < n - 1.0 else n - 1.0), close[i])
        seen += 1.0
        sum[i] = mean[i] = var[i] = std[i] = min[i] = max[i] = argmin[i] = argmax[i] = median[i] = mad[i] = np.nan
        skew[i] = kurt[i] = rank[i] = autocorr[i] = entropy[i] = permutation[i] = np.nan
        if seen < n:
            continue
        half, top, bottom = period // 2, 0, 0
        min[i], max[i] = ordered[0], ordered[period - 1]
        median[i] = ordered[half] if period % 2 else (ordered[half - 1] + ordered[half]) / 2.0
        for k in range(period):
            top = k if close[i - k] > close[i - top] else top
            bottom = k if close[i - k] < close[i - bottom] else bottom
        argmin[i], argmax[i] = bottom, top
        mad[i] = middle_distance(ordered, period, median[i])
        shift, second, third, fourth = powers(close, i, period)
        sum[i], mean[i], var[i] = n * close[i] + shift, close[i] + shift / n, second / (n - 1.0)
        std[i] = math.sqrt(var[i])
        rank[i] = place_among(ordered, period, close[i])
        autocorr[i], permutation[i] = follows(close, i, period), shuffled(close, i, period, orders)
        skew[i] = entropy[i] = 0.0
        kurt[i] = 0.0
        if max[i] > min[i]:
            entropy[i] = mixed_up(close, i, period, min[i], max[i], bins)
            skew[i] = n * math.sqrt(n - 1.0) / (n - 2.0) * third / (second * math.sqrt(second))
            kurt[i] = n * (n + 1.0) * (n - 1.0) / ((n - 2.0) * (n - 3.0)) * fourth / (second * second)
            kurt[i] -= 3.0 * (n - 1.0) ** 2 / ((n - 2.0) * (n - 3.0))
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
    takes="a b", gives="corr cov beta", keeps="seen", warmup="period - 1", lookback="period - 1", where="period >= 2",
    unit="any", pane="below", covers="3.3.3 3.3.4", source="pandas.Series.rolling.corr, rolling.cov",
)  # fmt: skip
def roll_cov(lo, hi, a, b, corr, cov, beta, seen, period=20):
    """Correlation and covariance (sample) of two columns over `period` values, and `beta`, their slope.

    `beta` is how far the first goes with one of the second; it and `corr` are 0 where a column stands still. The
    columns may be of features: returns, say.
    """
    for i in range(lo, hi):
        seen += 1.0
        corr[i] = cov[i] = beta[i] = np.nan
        if seen < period:
            continue
        left, right, both, over, spread = 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(i - period + 1, i):
            left, right = left + (a[k] - a[i]), right + (b[k] - b[i])
        left, right = left / period, right / period
        for k in range(i - period + 1, i + 1):
            x, y = a[k] - a[i] - left, b[k] - b[i] - right
            both, over, spread = both + x * y, over + x * x, spread + y * y
        cov[i] = both / (period - 1.0)
        beta[i] = both / spread if spread > 0.0 else 0.0
        corr[i] = both / (math.sqrt(over) * math.sqrt(spread)) if over > 0.0 and spread > 0.0 else 0.0
        corr[i] = min(max(corr[i], -1.0), 1.0)
    return seen
