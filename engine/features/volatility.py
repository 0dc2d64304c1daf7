"""Ranges, and bands around prices."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature
from engine.features.window import moments
from engine.kernels.smoothing import onward, rate
from engine.kernels.tops import sliding_top


@feature(
    gives="atr", keeps="seen last mean part fade step", warmup="period", settle="0 if style == 'mt5' else 19 * period",
    lookback="period if style == 'mt5' else 0", where="period >= 2", choices={"style": ("wilder", "mt5")},
    like="talib.ATR", unit="price_change", pane="below", covers="3.1.1",
    source="Wilder, New Concepts in Technical Trading Systems, 1978",
)  # fmt: skip
def atr(lo, hi, high, low, close, atr, seen, last, mean, part, fade, step, period=14, style="wilder"):
    """Average true range: how far prices travel in a bar, gaps included, averaged in Wilder's way.

    MetaTrader 5 shows the simple mean of the last `period` true ranges: `style="mt5"`.
    """
    first = min(lo + max(period + 1 - int(seen), 0), hi)
    for i in range(lo, first):
        if seen > 0.0:
            true_range = max(high[i], last) - min(low[i], last)
            weight = rate(seen, period, 1.0 / period)
            mean = mean * (1.0 - weight) + true_range * weight
        last = close[i]
        atr[i] = mean if seen >= period else np.nan
        seen, fade = seen + 1.0, 1.0
    highs, lows, closes, out = high[first:hi], low[first:hi], close[first:hi], atr[first:hi]
    for k in range(out.size):
        reach = max(highs[k], last) - min(lows[k], last)
        out[k], mean, part, fade, step = onward(mean, part, fade, step, reach, 1.0 / period)
        last = closes[k]
    seen += hi - first
    for i in range(lo, hi if style == 1 else lo):
        if seen - (hi - i) >= period:
            reach = 0.0
            for k in range(i - period + 1, i + 1):
                reach += max(high[k], close[k - 1]) - min(low[k], close[k - 1])
            atr[i] = reach / period
    return seen, last, mean, part, fade, step


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
    gives="upper middle lower", keeps="seen", warmup="period + skip - 1", lookback="period + skip - 1",
    where="period >= 2, skip >= 0", like="talib.DONCHIAN", covers="3.1.1 3.1.4",
    source="Donchian, Commodities: High Finance in Copper, Financial Analysts Journal 1960",
)  # fmt: skip
def donchian(lo, hi, high, low, upper, middle, lower, seen, period=20, skip=0):
    """Donchian channel: the highest high and lowest low of `period` bars, and their middle.

    The channel includes the bar itself, so no close is ever above `upper`: `skip=1` leaves the bar out, which is
    what a breakout is measured against.
    """
    first = min(lo + max(period + skip - 1 - int(seen), 0), hi)
    for i in range(lo, first):
        upper[i] = middle[i] = lower[i] = np.nan
    sliding_top(high, 1.0, first - skip, hi - skip, period, upper, first)
    sliding_top(low, -1.0, first - skip, hi - skip, period, lower, first)
    for i in range(first, hi):
        middle[i] = (upper[i] + lower[i]) / 2.0
    seen += hi - lo
    return seen
