"""Statistics of a window that slides."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature
from engine.kernels.jit import jit
from engine.kernels.order import first_from
from engine.kernels.rolling import DAY, add, first_bar_of_day, window_moments, window_total


@jit
def slide(new, old, mean, deviation, n, base, total, squares):
    """Moments of a window of n while values come and go, as if none were flat; what waits for no row is apart."""
    for j in range(mean.size):
        one, other = new[j] - base, old[j] - base
        total += one - other
        squares += one * one - other * other
        mean[j], deviation[j] = total, squares
    for j in range(mean.size):
        m = mean[j] / n
        mean[j], deviation[j] = base + m, np.sqrt(max(deviation[j] / n - m * m, 0.0))
    return total, squares


@jit
def flatten(new, before, mean, deviation, n, same):
    """Where n values are equal the mean is theirs and the deviation exactly 0; how many are equal at the end."""
    for j in range(new.size):
        same = same + 1.0 if new[j] == before[j] else 1.0
        if same >= n:
            mean[j], deviation[j] = new[j], 0.0
    return same


@feature(
    gives="mean deviation", keeps="seen total squares day base last same", warmup="period - 1", lookback="period",
    where="period >= 2", like="talib.SMA talib.STDDEV", unit="price price_change", covers="3.1.1",
)  # fmt: skip
def moments(lo, hi, open_ts, close, mean, deviation, seen, total, squares, day, base, last, same, period=20):
    """Mean and standard deviation (population) of the last `period` closes.

    Sums are of distances from the first close of the day, so that a spread of 0.0001 around a price of 1.1 keeps
    its digits; the deviation of equal closes is exactly 0.
    """
    i = lo
    while i < hi:
        seen += 1.0
        same = same + 1.0 if close[i] == last and seen > 1.0 else 1.0
        last = close[i]
        if open_ts[i] >= np.int64(day + 1) * DAY:
            day, base = open_ts[i] // DAY, close[i]
            total, squares = window_moments(close, i, int(min(seen, period)), base)
        else:
            new = close[i] - base
            old = close[i - period] - base if seen > period else 0.0
            total += new - old
            squares += new * new - old * old
        mean[i] = deviation[i] = np.nan
        if seen >= period:
            m = total / period
            mean[i] = base + m if same < period else last
            deviation[i] = np.sqrt(max(squares / period - m * m, 0.0)) if same < period else 0.0
        i += 1
        if seen >= period:  # the rest of the day at once
            first, i = i, first_from(open_ts, i, hi, np.int64(day + 1) * DAY)
            new, means, sigmas = close[first:i], mean[first:i], deviation[first:i]
            old, before = close[first - period : i - period], close[first - 1 : i - 1]
            total, squares = slide(new, old, means, sigmas, period, base, total, squares)
            same = flatten(new, before, means, sigmas, period, same)
            seen, last = seen + (i - first), close[i - 1]
    return seen, total, squares, day, base, last, same


@feature(
    gives="zscore", where="period >= 2", unit="sigma", pane="below", covers="2.3.5",
)  # fmt: skip
def zscore(
    lo, hi, close, zscore, mean=moments("period").mean, sigma=moments("period").deviation, period=100
):  # fmt: skip
    """How many standard deviations (sample) the close lies from the mean of its last `period`; 0 if all are equal."""
    sample = np.sqrt((period - 1.0) / period)
    for i in range(lo, hi):
        zscore[i] = (close[i] - mean[i]) / sigma[i] * sample if sigma[i] > 0.0 else 0.0


@feature(
    gives="total", keeps="seen summed rest zeros day", warmup="period - 1", lookback="period", where="period >= 2",
    covers="3.1.1 3.3.3",
)  # fmt: skip
def total(lo, hi, open_ts, close, total, seen, summed, rest, zeros, day, period=20):
    """Sum of the last `period` closes, or of another column; of nothing but zeros it is exactly 0."""
    for i in range(lo, hi):
        seen += 1.0
        zeros = zeros + 1.0 if close[i] == 0.0 else 0.0
        if first_bar_of_day(open_ts[i], day):
            day = open_ts[i] // DAY
            summed, rest = window_total(close, i, int(min(seen, period)), 0.0)
        else:
            summed, rest = add(summed, rest, close[i])
            if seen > period:
                summed, rest = add(summed, rest, -close[i - period])
        total[i] = np.nan
        if seen >= period:
            total[i] = summed + rest if zeros < period else 0.0
    return seen, summed, rest, zeros, day


@feature(
    gives="stddev", where="period >= 2", like="talib.STDDEV", unit="price_change", pane="below", covers="3.1.1 3.3.3"
)
def stddev(lo, hi, stddev, sigma=moments("period").deviation, period=5, deviations=1.0):
    """Standard deviation (population) of the last `period` closes, times `deviations`."""
    for i in range(lo, hi):
        stddev[i] = sigma[i] * deviations


@feature(gives="variance", where="period >= 2", like="talib.VAR", unit="price_squared", pane="below", covers="3.3.3")
def variance(lo, hi, variance, sigma=moments("period").deviation, period=5):
    """Variance (population) of the last `period` closes."""
    for i in range(lo, hi):
        variance[i] = sigma[i] * sigma[i]


@feature(
    gives="avgdev", lookback="period - 1", where="period >= 2", like="talib.AVGDEV", unit="price_change", pane="below",
    covers="3.1.1 3.3.3",
)  # fmt: skip
def avgdev(lo, hi, close, avgdev, mean=moments("period").mean, period=14):
    """Mean distance of the last `period` closes from their mean."""
    for i in range(lo, hi):
        far = 0.0
        for k in range(max(i - period + 1, 0), i + 1):
            far += abs(close[k] - mean[i])
        avgdev[i] = far / period
