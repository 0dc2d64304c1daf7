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
    gives="tenkan kijun a b future_a future_b", keeps="seen", warmup="0, 0, shift, shift, 0, 0", lookback="shift",
    where="fast >= 2, fast < middle, middle < slow, shift >= 1", covers="3.1.1 4.7.1",
    source="Hosoda, Ichimoku Kinko Hyo, 1969; Patel, Trading with Ichimoku Clouds, 2010",
)  # fmt: skip
def ichimoku(
    lo, hi, tenkan, kijun, a, b, future_a, future_b, seen, quick=midprice("fast"), steady=midprice("middle"),
    far=midprice("slow"), fast=9, middle=26, slow=52, shift=25,
):  # fmt: skip
    """Ichimoku: turning and base line, the cloud over this bar (`a`, `b`) and the one that charts draw ahead.

    `shift` 25 is Hosoda's and TradingView's, who count today; MetaTrader's is 26. What the lines say of the price is
    `ichimoku_signals`.
    """
    for i in range(lo, hi):
        tenkan[i], kijun[i], future_b[i] = quick[i], steady[i], far[i]
        future_a[i] = (quick[i] + steady[i]) / 2.0
    first = min(lo + max(shift - int(seen), 0), hi)
    for i in range(lo, first):
        a[i] = b[i] = np.nan
    for i in range(first, hi):
        a[i], b[i] = future_a[i - shift], future_b[i - shift]
    seen += hi - lo
    return seen


LINES = ichimoku("fast", "middle", "slow", "shift")


@feature(
    gives="side cloud cross twist chikou", keeps="crossed twisted", lookback="shift",
    where="fast >= 2, fast < middle, middle < slow, shift >= 1", unit="event", range=(-1.0, 1.0), pane="below",
    covers="4.7.1", source="Patel, Trading with Ichimoku Clouds, 2010", settle="1000",
)  # fmt: skip
def ichimoku_signals(
    lo, hi, close, side, cloud, cross, twist, chikou, crossed, twisted, tenkan=LINES.tenkan, kijun=LINES.kijun,
    a=LINES.a, b=LINES.b, future_a=LINES.future_a, future_b=LINES.future_b, fast=9, middle=26, slow=52, shift=25,
):  # fmt: skip
    """What Ichimoku's lines say: 1 for rising prices, -1 for falling ones, 0 for neither.

    `side`: the close above or below the cloud of this bar, or inside it; `cloud`: that cloud rises (`a` above `b`) or
    falls; `cross`: tenkan crosses kijun on this bar; `twist`: the cloud ahead turns; `chikou`: the close against that
    `shift` bars ago, where charts draw the lagging line backwards: nothing is read ahead.
    """
    for i in range(lo, hi):
        over, upper = compared(tenkan[i], kijun[i]), compared(future_a[i], future_b[i])
        cross[i] = over if over * crossed < 0.0 else 0.0
        crossed = over if over != 0.0 else crossed
        twist[i] = upper if upper * twisted < 0.0 else 0.0
        twisted = upper if upper != 0.0 else twisted
        one, two, now = a[i], b[i], close[i]
        side[i] = (1.0 if now > max(one, two) else 0.0) - (1.0 if now < min(one, two) else 0.0)
        cloud[i], chikou[i] = compared(one, two), compared(now, close[i - shift])
    return crossed, twisted
