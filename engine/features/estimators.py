"""Volatility estimated from all prices of the bars; per bar unless `bars` says how many make the unit of time."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature
from engine.features.pressure import log_change
from engine.features.volatility import donchian
from engine.features.window import moments, total


@feature(
    gives="hvol", where="period >= 2, bars > 0", unit="ratio", pane="below", covers="3.1.1",
)  # fmt: skip
def hvol(lo, hi, hvol, sigma=moments("period", close=log_change()).deviation, period=20, bars=252.0):
    """Historical volatility: standard deviation (sample) of logarithmic returns, times the root of `bars` a year."""
    for i in range(lo, hi):
        hvol[i] = sigma[i] * np.sqrt(bars * period / (period - 1.0))


@feature(
    gives="parkinson garman rogers overnight inside", keeps="seen last", warmup="1", unit="ratio", pane="below",
    covers="3.1.1",
)  # fmt: skip
def bar_variance(
    lo, hi, open, high, low, close, parkinson, garman, rogers, overnight, inside, seen, last
):  # fmt: skip
    """What one bar says about variance, in three ways, and its logarithmic moves: from the close before, and inside."""
    for i in range(lo, hi):
        parkinson[i] = garman[i] = rogers[i] = overnight[i] = inside[i] = np.nan
        if seen > 0.0 and low[i] > 0.0 and last > 0.0 and open[i] > 0.0 and close[i] > 0.0:
            span, way = np.log(high[i] / low[i]), np.log(close[i] / open[i])
            parkinson[i] = span * span / (4.0 * np.log(2.0))
            garman[i] = 0.5 * span * span - (2.0 * np.log(2.0) - 1.0) * way * way
            rogers[i] = np.log(high[i] / close[i]) * np.log(high[i] / open[i])
            rogers[i] += np.log(low[i] / close[i]) * np.log(low[i] / open[i])
            overnight[i], inside[i] = np.log(open[i] / last), way
        elif seen > 0.0:
            parkinson[i] = garman[i] = rogers[i] = overnight[i] = inside[i] = 0.0
        last = close[i]
        seen += 1.0
    return seen, last


@feature(
    gives="parkinson", where="period >= 2, bars > 0", unit="ratio", pane="below", covers="3.1.1",
    source="Parkinson, The Extreme Value Method, Journal of Business 1980",
)  # fmt: skip
def parkinson(lo, hi, parkinson, summed=total("period", close=bar_variance().parkinson), period=20, bars=1.0):
    """Parkinson's volatility, from highs and lows."""
    for i in range(lo, hi):
        parkinson[i] = np.sqrt(max(summed[i], 0.0) / period * bars)


@feature(
    gives="garman_klass", where="period >= 2, bars > 0", unit="ratio", pane="below", covers="3.1.1",
    source="Garman & Klass, On the Estimation of Security Price Volatilities, Journal of Business 1980",
)  # fmt: skip
def garman_klass(lo, hi, garman_klass, summed=total("period", close=bar_variance().garman), period=20, bars=1.0):
    """Garman and Klass's volatility, from all four prices, without jumps between bars."""
    for i in range(lo, hi):
        garman_klass[i] = np.sqrt(max(summed[i], 0.0) / period * bars)


@feature(
    gives="rogers_satchell", where="period >= 2, bars > 0", unit="ratio", pane="below", covers="3.1.1",
    source="Rogers & Satchell, Estimating Variance from High, Low and Closing Prices, 1991",
)  # fmt: skip
def rogers_satchell(lo, hi, rogers_satchell, summed=total("period", close=bar_variance().rogers), period=20, bars=1.0):
    """Rogers and Satchell's volatility, from all four prices, true in a trend too."""
    for i in range(lo, hi):
        rogers_satchell[i] = np.sqrt(max(summed[i], 0.0) / period * bars)


@feature(
    gives="yang_zhang", where="period >= 2, bars > 0", unit="ratio", pane="below", covers="3.1.1",
    source="Yang & Zhang, Drift-Independent Volatility Estimation, Journal of Business 2000",
)  # fmt: skip
def yang_zhang(
    lo, hi, yang_zhang, summed=total("period", close=bar_variance().rogers),
    gap=moments("period", close=bar_variance().overnight).deviation,
    way=moments("period", close=bar_variance().inside).deviation, period=20, bars=1.0,
):  # fmt: skip
    """Yang and Zhang's volatility: jumps between bars, moves inside and ranges, weighed for the least error."""
    share = 0.34 / (1.34 + (period + 1.0) / (period - 1.0))
    sample = period / (period - 1.0)
    for i in range(lo, hi):
        variance = sample * (gap[i] * gap[i] + share * way[i] * way[i]) + (1.0 - share) * max(summed[i], 0.0) / period
        yang_zhang[i] = np.sqrt(variance * bars)


@feature(
    gives="below_top squared", where="period >= 2", unit="percent", pane="below", covers="3.1.1",
)  # fmt: skip
def below_top(lo, hi, close, below_top, squared, top=donchian("period", high="close", low="close").upper, period=14):
    """How far the close is below the highest of `period` closes, in percent, and the square of that."""
    for i in range(lo, hi):
        below_top[i] = 100.0 * (close[i] / top[i] - 1.0) if top[i] != 0.0 else 0.0
        squared[i] = below_top[i] * below_top[i]


@feature(
    gives="ulcer", where="period >= 2", unit="percent", pane="below", covers="3.1.1",
    source="Martin & McCann, The Investor's Guide to Fidelity Funds, 1989",
)  # fmt: skip
def ulcer(lo, hi, ulcer, summed=total("period", close=below_top("period").squared), period=14):
    """Ulcer index: root of the mean squared drawdown of `period` bars."""
    for i in range(lo, hi):
        ulcer[i] = np.sqrt(max(summed[i], 0.0) / period)
