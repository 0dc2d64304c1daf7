"""Averages: of what is in a window, or of averages."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature
from engine.features.prices import mix
from engine.features.spec import Spec
from engine.features.trend import ema, sma
from engine.features.volatility import donchian
from engine.features.window import total
from engine.kernels.rolling import DAY, add, first_bar_of_day, window_total
from engine.kernels.smoothing import rate
from engine.kernels.tops import sliding_top


@feature(
    gives="rma", keeps="seen mean", warmup="period - 1", settle="19 * period", where="period >= 2",
    like="talib.RMA", covers="3.1.1", source="Wilder, New Concepts in Technical Trading Systems, 1978",
)  # fmt: skip
def rma(lo, hi, close, rma, seen, mean, period=14):
    """Wilder's average, weight 1/period, seeded with the mean of the first `period` closes."""
    for i in range(lo, hi):
        seen += 1.0
        mean += (close[i] - mean) * rate(seen, period, 1.0 / period)
        rma[i] = mean if seen >= period else np.nan
    return seen, mean


@feature(
    gives="wma", keeps="seen plain lost weighted missed day base", warmup="period - 1", lookback="period",
    where="period >= 2", like="talib.WMA", covers="3.1.1",
)  # fmt: skip
def wma(lo, hi, open_ts, close, wma, seen, plain, lost, weighted, missed, day, base, period=30):
    """Weighted moving average: weights 1 to `period`, the newest close weighs most."""
    share = period * (period + 1.0) / 2.0
    for i in range(lo, hi):
        seen += 1.0
        if first_bar_of_day(open_ts[i], day):
            day, base = open_ts[i] // DAY, close[i]
            n = int(min(seen, period))
            plain, lost = window_total(close, i, n, base)
            weighted, missed = 0.0, 0.0
            for k in range(n):
                weighted, missed = add(weighted, missed, (k + 1.0) * (close[i - n + 1 + k] - base))
        else:
            weighted, missed = add(weighted, missed, min(seen, period) * (close[i] - base))
            if seen > period:
                weighted, missed = add(weighted, missed, -(plain + lost))
                plain, lost = add(plain, lost, base - close[i - period])
            plain, lost = add(plain, lost, close[i] - base)
        wma[i] = base + (weighted + missed) / share if seen >= period else np.nan
    return seen, plain, lost, weighted, missed, day, base


def chained(times: int) -> Spec:
    """An exponential average of an exponential average ..., each seeded on the one before."""
    spec = ema("period")
    for _ in range(times - 1):
        spec = ema("period", close=spec)
    return spec


@feature(
    gives="dema", settle="ceil(12 * (period + 1))", where="period >= 2", like="talib.DEMA", covers="3.1.1",
    source="Mulloy, Smoothing Data with Faster Moving Averages, Stocks & Commodities 1994",
)  # fmt: skip
def dema(lo, hi, dema, once=ema("period"), twice=chained(2), period=30):
    """Double exponential average: twice the average less the average of the average, which takes out its lag."""
    for i in range(lo, hi):
        dema[i] = 2.0 * once[i] - twice[i]


@feature(
    gives="tema", settle="ceil(14 * (period + 1))", where="period >= 2", like="talib.TEMA", covers="3.1.1",
    source="Mulloy, Smoothing Data with Faster Moving Averages, Stocks & Commodities 1994",
)  # fmt: skip
def tema(lo, hi, tema, once=ema("period"), twice=chained(2), thrice=chained(3), period=30):
    """Triple exponential average: three averages of averages, weighed so that their lags cancel."""
    for i in range(lo, hi):
        tema[i] = 3.0 * once[i] - 3.0 * twice[i] + thrice[i]


@feature(
    gives="t3", settle="ceil(20 * (period + 1))", where="period >= 2, 0 <= factor <= 1", like="talib.T3",
    covers="3.1.1", source="Tillson, Smoothing Techniques for More Accurate Signals, Stocks & Commodities 1998",
)  # fmt: skip
def t3(lo, hi, t3, e3=chained(3), e4=chained(4), e5=chained(5), e6=chained(6), period=5, factor=0.7):
    """Tillson's T3: a double exponential average applied three times; `factor` says how much lag is taken out."""
    v, w = factor, factor * factor
    for i in range(lo, hi):
        smooth = (1.0 + 3.0 * v + w * v + 3.0 * w) * e3[i] - (6.0 * w + 3.0 * v + 3.0 * w * v) * e4[i]
        t3[i] = smooth + (3.0 * w + 3.0 * w * v) * e5[i] - w * v * e6[i]


@feature(gives="trima", where="period >= 3", like="talib.TRIMA", covers="3.1.1")
def trima(lo, hi, trima, mean=sma("period // 2 + 1", close=sma("(period + 1) // 2")), period=30):
    """Triangular moving average: the middle of the window weighs most; a mean of means."""
    for i in range(lo, hi):
        trima[i] = mean[i]


@feature(
    gives="hma", where="period >= 4", like="talib.HMA", covers="3.1.1", source="Hull, alanhull.com, 2005",
)  # fmt: skip
def hma(lo, hi, hma, mean=wma("int(sqrt(period))", close=mix(wma("period // 2"), wma("period"), 2.0, -1.0)), period=20):
    """Hull moving average: twice a fast less a slow weighted average, smoothed over the root of the period."""
    for i in range(lo, hi):
        hma[i] = mean[i]


@feature(gives="lagged", keeps="seen", warmup="bars", lookback="bars", where="bars >= 1", covers="3.1.1 3.3.2")
def lagged(lo, hi, close, lagged, seen, bars=1):
    """The close `bars` bars ago."""
    for i in range(lo, hi):
        lagged[i] = close[i - bars] if seen >= bars else np.nan
        seen += 1.0
    return seen


@feature(
    gives="zlema", settle="ceil(9.5 * (period + 1))", where="period >= 3", like="talib.ZLEMA", covers="3.1.1",
    source="Ehlers & Way, Zero Lag (Well, Almost), Stocks & Commodities 2010",
)  # fmt: skip
def zlema(lo, hi, zlema, mean=ema("period", close=mix("close", lagged("(period - 1) // 2"), 2.0, -1.0)), period=30):
    """Zero-lag exponential average: of closes pushed ahead by what they gained over half the period."""
    for i in range(lo, hi):
        zlema[i] = mean[i]


@feature(gives="turnover", unit="price_volume", pane="below", covers="3.1.1")
def turnover(lo, hi, close, volume, turnover):
    """Price times volume."""
    for i in range(lo, hi):
        turnover[i] = close[i] * volume[i]


@feature(gives="vwma", where="period >= 2", like="talib.VWMA", covers="3.1.1")
def vwma(
    lo, hi, vwma, traded=total("period", close=turnover()), units=total("period", close="volume"), mean=sma("period"),
    period=30,
):  # fmt: skip
    """Volume-weighted mean of the last `period` closes; the plain mean where nothing was traded (TA-Lib: NaN)."""
    for i in range(lo, hi):
        vwma[i] = traded[i] / units[i] if units[i] > 0.0 else mean[i]


@feature(gives="midpoint", where="period >= 2", like="talib.MIDPOINT", covers="3.1.1")
def midpoint(lo, hi, midpoint, middle=donchian("period", high="close", low="close").middle, period=14):
    """Middle between the highest and the lowest close of `period` bars."""
    for i in range(lo, hi):
        midpoint[i] = middle[i]


@feature(
    gives="midprice", keeps="seen", warmup="period - 1", lookback="period - 1", where="period >= 2",
    like="talib.MIDPRICE", covers="3.1.1",
)  # fmt: skip
def midprice(lo, hi, high, low, midprice, seen, period=14):
    """Middle between the highest high and the lowest low of `period` bars."""
    first = min(lo + max(period - 1 - int(seen), 0), hi)
    midprice[lo:first] = np.nan
    lowest = np.empty(hi - first)
    sliding_top(high, 1.0, first, hi, period, midprice, first)
    sliding_top(low, -1.0, first, hi, period, lowest, 0)
    for i in range(first, hi):
        midprice[i] = (midprice[i] + lowest[i - first]) / 2.0
    seen += hi - lo
    return seen


@feature(
    gives="alma", keeps="seen", warmup="period - 1", lookback="period - 1",
    where="period >= 2, 0 <= offset <= 1, width > 0", covers="3.1.1", source="Legoux & Kouzis-Loukas, ALMA, 2009",
)  # fmt: skip
def alma(lo, hi, close, alma, seen, period=9, offset=0.85, width=6.0):
    """Arnaud Legoux moving average: weights form a bell of `period / width` bars around `offset` of the window."""
    for i in range(lo, hi):
        seen += 1.0
        alma[i] = np.nan
        if seen >= period:
            moved, weights = 0.0, 0.0
            for k in range(period):
                away = (k - offset * (period - 1.0)) * width / period
                weight = np.exp(-away * away / 2.0)
                moved += weight * (close[i - period + 1 + k] - close[i])
                weights += weight
            alma[i] = close[i] + moved / weights
    return seen


@feature(gives="ma", where="period >= 2", like="talib.MA", covers="3.1.1")
def ma(lo, hi, ma, average=sma("period"), period=30):
    """Any average under one name: simple unless another is given, `ma(average=kama(30))`."""
    for i in range(lo, hi):
        ma[i] = average[i]


@feature(
    gives="macdext signal histogram", keeps="seen gaps[smooth]", warmup="smooth - 1",
    where="fast >= 2, fast < slow, smooth >= 2", like="talib.MACDEXT", unit="price_change", pane="below",
    covers="3.1.1 3.1.2",
)  # fmt: skip
def macdext(
    lo, hi, macdext, signal, histogram, seen, gaps, quick=sma("fast"), steady=sma("slow"), fast=12, slow=26, smooth=9
):  # fmt: skip
    """MACD of any averages: simple ones unless others are given, `macdext(quick=wma(12), steady=kama(26))`."""
    for i in range(lo, hi):
        gap = quick[i] - steady[i]
        gaps[int(seen) % smooth] = gap
        seen += 1.0
        macdext[i] = signal[i] = histogram[i] = np.nan
        if seen >= smooth:
            macdext[i], signal[i] = gap, gaps.sum() / smooth
            histogram[i] = gap - signal[i]
    return seen
