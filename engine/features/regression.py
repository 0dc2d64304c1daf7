"""Lines through the last bars, and how two series move together."""

from __future__ import annotations

import numpy as np

from engine.features.averages import wma
from engine.features.contract import feature
from engine.features.rates import rocp
from engine.features.window import moments
from engine.kernels.order import put_in, take_out


@feature(
    gives="linearreg slope intercept angle forecast", where="period >= 2",
    like="talib.LINEARREG talib.LINEARREG_SLOPE talib.LINEARREG_INTERCEPT talib.LINEARREG_ANGLE talib.TSF",
    unit="price price_change price angle price", covers="3.1.1 3.1.3",
)  # fmt: skip
def linearreg(
    lo, hi, linearreg, slope, intercept, angle, forecast, weighted=wma("period"), mean=moments("period").mean, period=14
):  # fmt: skip
    """Least-squares line through the last `period` closes: its end, slope a bar, start, angle and next value.

    The end of the line is three times the weighted less twice the plain mean. The angle, in degrees, depends on
    the unit of the price.
    """
    for i in range(lo, hi):
        slope[i] = 6.0 * (weighted[i] - mean[i]) / (period - 1.0)
        linearreg[i] = mean[i] + slope[i] * (period - 1.0) / 2.0
        intercept[i] = mean[i] - slope[i] * (period - 1.0) / 2.0
        angle[i] = np.arctan(slope[i]) * 180.0 / np.pi
        forecast[i] = mean[i] + slope[i] * (period + 1.0) / 2.0


@feature(
    gives="fosc", keeps="seen expected", warmup="1", where="period >= 2", like="talib.FOSC", unit="percent",
    pane="below", covers="3.1.1", source="Chande & Kroll, The New Technical Trader, 1994",
)  # fmt: skip
def fosc(lo, hi, close, fosc, seen, expected, ahead=linearreg("period").forecast, period=5):
    """Forecast oscillator: how far the close is from what the line through the bars before led to, in percent."""
    for i in range(lo, hi):
        fosc[i] = np.nan
        if seen > 0.0:
            fosc[i] = 100.0 * (close[i] - expected) / close[i] if close[i] != 0.0 else 0.0
        expected = ahead[i]
        seen += 1.0
    return seen, expected


@feature(
    gives="covariance variance_a variance_b", takes="a b", keeps="seen", warmup="period - 1", lookback="period - 1",
    where="period >= 2", unit="price_squared", pane="below", covers="3.1.1 3.1.5",
)  # fmt: skip
def comoments(lo, hi, a, b, covariance, variance_a, variance_b, seen, period=30):
    """Covariance and variances (population) of two columns over `period` bars; exactly 0 of what stood still.

    Summed anew each bar, from distances to its values: exact, and a spike that has left leaves nothing behind.
    """
    for i in range(lo, hi):
        seen += 1.0
        covariance[i] = variance_a[i] = variance_b[i] = np.nan
        if seen >= period:
            sx, sy, sxx, syy, sxy = 0.0, 0.0, 0.0, 0.0, 0.0
            for k in range(i - period + 1, i):
                x, y = a[k] - a[i], b[k] - b[i]
                sx, sy, sxx, syy, sxy = sx + x, sy + y, sxx + x * x, syy + y * y, sxy + x * y
            covariance[i] = sxy / period - sx / period * (sy / period)
            variance_a[i] = max(sxx / period - sx / period * (sx / period), 0.0)
            variance_b[i] = max(syy / period - sy / period * (sy / period), 0.0)
    return seen


PAIR = comoments("high", "low", "period")


@feature(
    gives="correl", where="period >= 2", like="talib.CORREL", unit="ratio", range=(-1.0, 1.0), pane="below",
    covers="3.1.1 3.1.5",
)  # fmt: skip
def correl(lo, hi, correl, both=PAIR.covariance, first=PAIR.variance_a, second=PAIR.variance_b, period=30):
    """Correlation (Pearson) of two columns over `period` bars, of highs and lows as in TA-Lib unless others are given.

    `correl(30, high="close", low="volume")`. 0 while one of them stands still.
    """
    for i in range(lo, hi):
        size = np.sqrt(first[i]) * np.sqrt(second[i])
        correl[i] = min(max(both[i] / size, -1.0), 1.0) if size > 0.0 else 0.0


RETURNS = comoments(rocp(1, close="high"), rocp(1, close="low"), "period")


@feature(
    gives="beta", where="period >= 2", like="talib.BETA", unit="ratio", pane="below", covers="3.1.1 3.1.5",
)  # fmt: skip
def beta(lo, hi, beta, both=RETURNS.covariance, first=RETURNS.variance_a, period=5):
    """Slope of the second column's returns on those of the first (lows on highs unless others are given)."""
    for i in range(lo, hi):
        beta[i] = both[i] / first[i] if first[i] > 0.0 else 0.0


@feature(
    gives="percentile", keeps="seen sorted[period]", warmup="period - 1", lookback="period",
    where="period >= 2, 0 <= percent, percent <= 100", like="talib.PERCENTILE", covers="3.1.1 3.3.3",
)  # fmt: skip
def percentile(lo, hi, close, percentile, seen, sorted, period=30, percent=50.0):
    """The close below or at which `percent` of the last `period` closes are: one of them, never between two."""
    rank = min(max(int(np.ceil(percent / 100.0 * period)), 1), period) - 1
    for i in range(lo, hi):
        size = int(min(seen, period))
        if size == period:
            take_out(sorted, size, close[i - period])
            size -= 1
        put_in(sorted, size, close[i])
        seen += 1.0
        percentile[i] = sorted[rank] if seen >= period else np.nan
    return seen


@feature(
    gives="percentrank", keeps="seen", warmup="period", lookback="period", where="period >= 2",
    like="talib.PERCENTRANK",
    unit="percent", range=(0.0, 100.0), pane="below", covers="3.1.1 3.1.7 3.3.3",
)  # fmt: skip
def percentrank(lo, hi, close, percentrank, seen, period=100):
    """Percent of the `period` closes before this one that are below it."""
    for i in range(lo, hi):
        below = 0
        if seen >= period:
            for k in range(i - period, i):
                below += close[k] < close[i]
        percentrank[i] = 100.0 * below / period if seen >= period else np.nan
        seen += 1.0
    return seen
