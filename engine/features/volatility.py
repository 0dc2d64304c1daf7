"""Ranges, and bands around prices."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature
from engine.features.window import moments
from engine.kernels.peaks import extreme
from engine.kernels.smoothing import rate


@feature(
    gives="atr", keeps="seen last mean", warmup="period", settle="19 * period", where="period >= 2",
    like="talib.ATR", pane="below", covers="3.1.1", source="Wilder, New Concepts in Technical Trading Systems, 1978",
)  # fmt: skip
def atr(lo, hi, high, low, close, atr, seen, last, mean, period=14):
    """Average true range: how far prices travel in a bar, gaps included, averaged in Wilder's way."""
    for i in range(lo, hi):
        if seen > 0.0:
            true_range = max(high[i], last) - min(low[i], last)
            mean += (true_range - mean) * rate(seen, period, 1.0 / period)
        last = close[i]
        atr[i] = mean if seen >= period else np.nan
        seen += 1.0
    return seen, last, mean


@feature(
    gives="upper middle lower", where="period >= 2, deviations > 0", like="talib.BBANDS", covers="3.1.1 3.1.4",
    source="Bollinger, Bollinger on Bollinger Bands, 2001",
)  # fmt: skip
def bollinger(
    lo, hi, upper, middle, lower,
    mean=moments("period").mean, sigma=moments("period").deviation, period=20, deviations=2.0,
):  # fmt: skip
    """Bollinger bands: the mean of the last `period` closes, and `deviations` standard deviations either side."""
    for i in range(lo, hi):
        middle[i] = mean[i]
        upper[i] = mean[i] + deviations * sigma[i]
        lower[i] = mean[i] - deviations * sigma[i]


@feature(
    gives="upper middle lower", keeps="seen top top_age bottom bottom_age", warmup="period + skip - 1",
    lookback="period + skip", where="period >= 2, skip >= 0", like="talib.DONCHIAN", covers="3.1.1 3.1.4",
    source="Donchian, Commodities: High Finance in Copper, Financial Analysts Journal 1960",
)  # fmt: skip
def donchian(
    lo, hi, high, low, upper, middle, lower, seen, top, top_age, bottom, bottom_age, period=20, skip=0
):  # fmt: skip
    """Donchian channel: the highest high and lowest low of `period` bars, and their middle.

    The channel includes the bar itself, so no close is ever above `upper`: `skip=1` leaves the bar out, which is
    what a breakout is measured against.
    """
    for i in range(lo, hi):
        seen += 1.0
        upper[i] = middle[i] = lower[i] = np.nan
        j = i - skip
        if seen > skip:
            first = seen == skip + 1.0
            top_age += 1.0
            bottom_age += 1.0
            if first or high[j] >= top:
                top, top_age = high[j], 0.0
            elif top_age >= period:
                top, top_age = extreme(high, j, period, 1.0)
            if first or low[j] <= bottom:
                bottom, bottom_age = low[j], 0.0
            elif bottom_age >= period:
                bottom, bottom_age = extreme(low, j, period, -1.0)
        if seen >= period + skip:
            upper[i], middle[i], lower[i] = top, (top + bottom) / 2.0, bottom
    return seen, top, top_age, bottom, bottom_age
