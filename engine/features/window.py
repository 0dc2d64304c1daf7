"""Statistics of a window that slides."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature
from engine.kernels.rolling import DAY, window_moments


@feature(
    gives="mean deviation", keeps="seen total squares day base last same", warmup="period - 1", lookback="period",
    where="period >= 2", like="talib.SMA talib.STDDEV", unit="price price_change", covers="3.1.1",
)  # fmt: skip
def moments(lo, hi, open_ts, close, mean, deviation, seen, total, squares, day, base, last, same, period=20):
    """Mean and standard deviation (population) of the last `period` closes.

    Sums are of distances from the first close of the day, so that a spread of 0.0001 around a price of 1.1 keeps
    its digits; the deviation of equal closes is exactly 0.
    """
    midnight = np.int64(day + 1) * DAY
    for i in range(lo, hi):
        seen += 1.0
        same = same + 1.0 if close[i] == last and seen > 1.0 else 1.0
        last = close[i]
        if open_ts[i] >= midnight:
            day, base = open_ts[i] // DAY, close[i]
            midnight = np.int64(day + 1) * DAY
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
