"""Channels around prices."""

from __future__ import annotations

import numpy as np

from engine.features.averages import midprice
from engine.features.contract import feature
from engine.features.prices import typprice
from engine.features.trend import sma
from engine.kernels.jit import jit
from engine.kernels.smoothing import rate


@feature(gives="upper lower", covers="3.1.1")
def accelerated(lo, hi, high, low, upper, lower):
    """High and low of the bar, moved out by four times its range over its middle."""
    for i in range(lo, hi):
        reach = 4.0 * (high[i] - low[i]) / (high[i] + low[i]) if high[i] + low[i] != 0.0 else 0.0
        upper[i] = high[i] * (1.0 + reach)
        lower[i] = low[i] * (1.0 - reach)


@feature(
    gives="upper middle lower", where="period >= 2", like="talib.ACCBANDS", covers="3.1.1 3.1.4",
    source="Headley, Big Trends in Trading, 2002",
)  # fmt: skip
def accbands(
    lo, hi, upper, middle, lower, above=sma("period", close=accelerated().upper), mean=sma("period"),
    below=sma("period", close=accelerated().lower), period=20,
):  # fmt: skip
    """Acceleration bands: means of closes, and of highs and lows moved out by the bars' relative range."""
    for i in range(lo, hi):
        upper[i], middle[i], lower[i] = above[i], mean[i], below[i]


@feature(
    gives="upper middle lower", keeps="seen last mean width", warmup="max(period - 1, reach)",
    settle="max(ceil(9.5 * (period + 1)), 19 * reach)", where="period >= 2, reach >= 2, deviations > 0",
    like="talib.KC", covers="3.1.1 3.1.4", source="Keltner, How to Make Money in Commodities, 1960; Raschke",
)  # fmt: skip
def keltner(
    lo, hi, close, high, low, upper, middle, lower, seen, last, mean, width, price=typprice(), period=20, reach=10,
    deviations=2.0,
):  # fmt: skip
    """Keltner channel: an exponential average of typical prices, and average true ranges of `reach` bars around it.

    Both averages are seeded at the channel's first bar, as in TA-Lib: with the last `reach` true ranges before it.
    """
    first = max(period - 1, reach)
    for i in range(lo, hi):
        if seen > first - period:
            mean += (price[i] - mean) * rate(seen - first + period, period, 2.0 / (period + 1.0))
        if seen > first - reach:
            true_range = max(high[i], last) - min(low[i], last)
            width += (true_range - width) * rate(seen - first + reach, reach, 1.0 / reach)
        last = close[i]
        middle[i] = mean if seen >= first else np.nan
        upper[i] = mean + deviations * width if seen >= first else np.nan
        lower[i] = mean - deviations * width if seen >= first else np.nan
        seen += 1.0
    return seen, last, mean, width


@jit
def compared(x, y):
    """1 if x is above y, -1 below, 0 level: without a branch, which prices would make the processor guess wrong."""
    return (1.0 if x > y else 0.0) - (1.0 if x < y else 0.0)


@feature(
    gives="tenkan kijun a b future_a future_b side twist cross chikou cloud",
    keeps="seen crossed twisted", warmup="0, 0, shift, shift, 0, 0, shift, 0, 0, shift, shift", lookback="shift",
    where="fast >= 2, fast < middle, middle < slow, shift >= 1",
    unit="price price price price price price event event event event event", covers="3.1.1 4.7.1",
    source="Hosoda, Ichimoku Kinko Hyo, 1969; Patel, Trading with Ichimoku Clouds, 2010",
)  # fmt: skip
def ichimoku(
    lo, hi, close, tenkan, kijun, a, b, future_a, future_b, side, twist, cross, chikou, cloud, seen, crossed, twisted,
    quick=midprice("fast"), steady=midprice("middle"), far=midprice("slow"), fast=9, middle=26, slow=52, shift=25,
):  # fmt: skip
    """Ichimoku: turning and base line, the cloud over this bar (`a`, `b`) and the one that charts draw ahead.

    `shift` 25 is Hosoda's and TradingView's, who count today; MetaTrader's is 26. `side` is 1 above the cloud of
    this bar, -1 below, 0 inside; `cloud` is 1 where that cloud rises (`a` above `b`), -1 where it falls. `cross` is 1
    or -1 on the bar where tenkan crosses kijun, `twist` where the cloud ahead changes its upper edge. `chikou`
    compares the close with that `shift` bars ago, where charts draw the lagging line backwards: 1, -1 or 0, and
    nothing is read ahead.
    """
    for i in range(lo, hi):
        tenkan[i], kijun[i], future_b[i] = quick[i], steady[i], far[i]
        middle_of_both = (quick[i] + steady[i]) / 2.0
        future_a[i] = middle_of_both
        over, upper = compared(quick[i], steady[i]), compared(middle_of_both, far[i])
        cross[i] = over if over * crossed < 0.0 else 0.0
        crossed = over if over != 0.0 else crossed
        twist[i] = upper if upper * twisted < 0.0 else 0.0
        twisted = upper if upper != 0.0 else twisted
    first = min(lo + max(shift - int(seen), 0), hi)
    for i in range(lo, first):
        a[i] = b[i] = side[i] = chikou[i] = cloud[i] = np.nan
    for i in range(first, hi):
        one, two, now = future_a[i - shift], future_b[i - shift], close[i]
        a[i], b[i] = one, two
        side[i] = (1.0 if now > max(one, two) else 0.0) - (1.0 if now < min(one, two) else 0.0)
        chikou[i] = compared(now, close[i - shift])
        cloud[i] = compared(one, two)
    seen += hi - lo
    return seen, crossed, twisted
