"""Returns of bars, for sizing."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature


@feature(gives="sigma", keeps="seen", warmup="period", lookback="period", where="period >= 2", registry=None)
def return_sigma(lo, hi, close, sigma, seen, period=60):
    """Standard deviation of the logarithmic return of a bar, over the last `period` of them."""
    for i in range(lo, hi):
        sigma[i] = np.nan
        if seen >= period:
            mean = np.log(close[i] / close[i - period]) / period
            total = 0.0
            for j in range(i - period + 1, i + 1):
                off = np.log(close[j] / close[j - 1]) - mean
                total += off * off
            sigma[i] = np.sqrt(total / (period - 1))
        seen += 1.0
    return seen
