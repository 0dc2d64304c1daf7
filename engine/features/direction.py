"""Strength and direction of a trend."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature
from engine.features.prices import change, trange
from engine.features.trend import adx, directional, sma
from engine.features.volatility import donchian
from engine.features.window import total
from engine.kernels.jit import jit

WILDER = "Wilder, New Concepts in Technical Trading Systems, 1978"


@feature(
    gives="plus_dm minus_dm", keeps="seen high1 low1 plus minus", warmup="period - 1", settle="19 * period",
    where="period >= 2", like="talib.PLUS_DM talib.MINUS_DM", unit="price_change", pane="below", covers="3.1.1",
    source=WILDER,
)  # fmt: skip
def dm(lo, hi, high, low, plus_dm, minus_dm, seen, high1, low1, plus, minus, period=14):
    """Directional movement, Wilder's sums: of steps to a higher high, and of steps to a lower low."""
    for i in range(lo, hi):
        if seen > 0.0:
            up, down = directional(high[i] - high1, low1 - low[i])
            fade = 1.0 / period if seen >= period else 0.0
            plus += up - plus * fade
            minus += down - minus * fade
        high1, low1 = high[i], low[i]
        seen += 1.0
        plus_dm[i] = plus if seen >= period else np.nan
        minus_dm[i] = minus if seen >= period else np.nan
    return seen, high1, low1, plus, minus


@feature(
    gives="dx", settle="19 * period", where="period >= 2", like="talib.DX", unit="percent", range=(0.0, 100.0),
    pane="below", covers="3.1.1 3.1.3", source=WILDER,
)  # fmt: skip
def dx(lo, hi, dx, plus=adx("period").plus_di, minus=adx("period").minus_di, period=14):
    """Directional index: how one-sided the movement is, before ADX smooths it."""
    for i in range(lo, hi):
        both = plus[i] + minus[i]
        dx[i] = 100.0 * abs(plus[i] - minus[i]) / both if both > 0.0 else 0.0


@feature(
    gives="adxr", keeps="seen", warmup="period - 1", lookback="period - 1", settle="20 * period", where="period >= 2",
    like="talib.ADXR", unit="percent", range=(0.0, 100.0), pane="below", covers="3.1.1 3.1.3", source=WILDER,
)  # fmt: skip
def adxr(lo, hi, adxr, seen, strength=adx("period").adx, period=14):
    """Average directional index rating: the mean of ADX now and `period` - 1 bars ago."""
    for i in range(lo, hi):
        seen += 1.0
        adxr[i] = (strength[i] + strength[i - period + 1]) / 2.0 if seen >= period else np.nan
    return seen


@feature(
    gives="aroon_down aroon_up aroon_oscillator", keeps="seen top bottom", warmup="period", lookback="period",
    where="period >= 2", like="talib.AROON.aroondown talib.AROON.aroonup talib.AROONOSC", unit="percent",
    range=(0.0, 100.0), pane="below", covers="3.1.1 3.1.3", source="Chande, Stocks & Commodities 1995",
)  # fmt: skip
def aroon(lo, hi, high, low, aroon_down, aroon_up, aroon_oscillator, seen, top, bottom, period=14):
    """Aroon: how recent the highest high and the lowest low of `period` + 1 bars are, 100 for this bar.

    Of equals the latest counts. The oscillator is up less down.
    """
    for i in range(lo, hi):
        seen += 1.0
        aroon_down[i] = aroon_up[i] = aroon_oscillator[i] = np.nan
        if seen <= period:
            continue
        top, bottom = top + 1.0, bottom + 1.0
        if seen == period + 1 or top > period:  # the old extreme has left the window
            top = float(_bars_since(high, i, period, 1.0))
        elif high[i] >= high[i - int(top)]:
            top = 0.0
        if seen == period + 1 or bottom > period:
            bottom = float(_bars_since(low, i, period, -1.0))
        elif low[i] <= low[i - int(bottom)]:
            bottom = 0.0
        aroon_up[i] = 100.0 * (period - top) / period
        aroon_down[i] = 100.0 * (period - bottom) / period
        aroon_oscillator[i] = aroon_up[i] - aroon_down[i]
    return seen, top, bottom


@jit
def _bars_since(x, i, period, sign):
    """How many bars ago the highest (sign +1) or lowest of x[i - period .. i] was; of equals the latest."""
    best = 0
    for k in range(1, period + 1):
        if (x[i - k] - x[i - best]) * sign > 0.0:
            best = k
    return best


@feature(gives="plus minus", keeps="seen high1 low1", warmup="1", unit="price_change", pane="below", covers="3.1.1")
def crossings(lo, hi, high, low, plus, minus, seen, high1, low1):
    """Way from the low before to this high, and from the high before to this low: what the vortex sums up."""
    for i in range(lo, hi):
        plus[i] = abs(high[i] - low1) if seen > 0.0 else np.nan
        minus[i] = abs(low[i] - high1) if seen > 0.0 else np.nan
        high1, low1 = high[i], low[i]
        seen += 1.0
    return seen, high1, low1


@feature(
    gives="plus_vi minus_vi", where="period >= 2", like="talib.VORTEX", unit="ratio", pane="below",
    covers="3.1.1 3.1.3",
    source="Botes & Siepman, The Vortex Indicator, Stocks & Commodities 2010",
)  # fmt: skip
def vortex(
    lo, hi, plus_vi, minus_vi, plus=total("period", close=crossings().plus),
    minus=total("period", close=crossings().minus), reach=total("period", close=trange()), period=14,
):  # fmt: skip
    """Vortex: upward and downward crossings of `period` bars over their true ranges; 0 without any movement."""
    for i in range(lo, hi):
        plus_vi[i] = plus[i] / reach[i] if reach[i] > 0.0 else 0.0
        minus_vi[i] = minus[i] / reach[i] if reach[i] > 0.0 else 0.0


@feature(
    gives="vhf", where="period >= 2", like="talib.VHF", unit="ratio", pane="below", covers="3.1.1 3.1.3",
    source="White, The Vertical Horizontal Filter, Futures 1991",
)  # fmt: skip
def vhf(
    lo, hi, vhf, top=donchian("period", high="close", low="close").upper,
    bottom=donchian("period", high="close", low="close").lower, path=total("period", close=change().size), period=28,
):  # fmt: skip
    """Vertical horizontal filter: the range of `period` closes over the way they went; high in trends."""
    for i in range(lo, hi):
        vhf[i] = (top[i] - bottom[i]) / path[i] if path[i] > 0.0 else 0.0


@feature(
    gives="choppiness", where="period >= 2", unit="percent", pane="below", covers="3.1.1 3.1.3",
    source="Dreiss, Futures 1993",
)  # fmt: skip
def choppiness(
    lo, hi, choppiness, path=total("period", close=trange()), top=donchian("period").upper,
    bottom=donchian("period").lower, period=14,
):  # fmt: skip
    """Choppiness index: the true ranges of `period` bars against the range of all of them, 100 where it goes nowhere.

    It is a logarithm in units of `period`; 100 where there was no range at all.
    """
    for i in range(lo, hi):
        span = top[i] - bottom[i]
        choppiness[i] = (
            100.0 * np.log(path[i] / span) / np.log(float(period)) if span > 0.0 and path[i] > 0.0 else 100.0
        )


@feature(
    gives="dpo", lookback="period // 2 + 1", where="period >= 3", like="talib.DPO", unit="price_change",
    pane="below", covers="3.1.1",
)  # fmt: skip
def dpo(lo, hi, close, dpo, mean=sma("period"), period=20):
    """Detrended price: the close half a period and one bar ago less the mean of now; no bar ahead is read."""
    for i in range(lo, hi):
        dpo[i] = close[max(i - period // 2 - 1, 0)] - mean[i]
