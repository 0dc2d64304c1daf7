"""Momentum, the strength of a trend, and the tendency that several of them agree on."""

from __future__ import annotations

import math

import numpy as np

from engine.features.adaptive import er
from engine.features.contract import feature
from engine.features.direction import aroon, choppiness, vhf
from engine.features.prices import change, typprice
from engine.features.swings import swing_way
from engine.features.trend import adx, ema
from engine.kernels.jit import jit
from engine.kernels.rolling import DAY

STEEPEST = 1e6
"""The largest t-statistic shown: a line through its points without any error has an infinite one."""


@feature(
    gives="momentum scaled acceleration tsmom", keeps="seen variance", warmup="bars, bars, 2 * bars, year",
    lookback="max(2 * bars, year)", settle="ceil(19 / (1 - decay))", where="bars >= 1, year >= 1, decay > 0, decay < 1",
    unit="ratio sigma ratio event", pane="below", covers="3.1.2",
    source="Moskowitz, Ooi and Pedersen, Time Series Momentum, JFE 104, 2012; RiskMetrics 1996",
)  # fmt: skip
def momentum(
    lo, hi, close, momentum, scaled, acceleration, tsmom, seen, variance, bars=20, year=252, decay=0.94
):  # fmt: skip
    """Momentum: the logarithm of the close over that of `bars` bars ago; it adds up, and a fall weighs as a rise.

    `scaled` has it in deviations of so many bars (exponential, weight `decay`), `acceleration` is its change in
    `bars` bars, `tsmom` the side of time-series momentum: the sign of the way since `year` bars ago.
    """
    for i in range(lo, hi):
        momentum[i] = scaled[i] = acceleration[i] = tsmom[i] = np.nan
        if seen > 0.0:
            step = math.log(close[i] / close[i - 1])
            variance = decay * variance + (1.0 - decay) * step * step if seen > 1.0 else step * step
        if seen >= bars:
            momentum[i] = math.log(close[i] / close[i - bars])
            usual = math.sqrt(variance * bars)
            scaled[i] = momentum[i] / usual if usual > 0.0 else 0.0
        if seen >= 2 * bars:
            acceleration[i] = momentum[i] - math.log(close[i - bars] / close[i - 2 * bars])
        if seen >= year:
            tsmom[i] = np.sign(close[i] - close[i - year])
        seen += 1.0
    return seen, variance


@feature(
    gives="m1 m5 m10 m20 m60 m120", keeps="seen", warmup="1, 5, 10, 20, 60, 120", lookback="120", unit="ratio",
    pane="below", covers="3.1.2", source="Moskowitz, Ooi and Pedersen, Time Series Momentum, JFE 104, 2012",
)  # fmt: skip
def momentum_spans(lo, hi, close, m1, m5, m10, m20, m60, m120, seen):
    """Momentum of six spans: the logarithm of the close over that of 1, 5, 10, 20, 60 and 120 bars ago."""
    for i in range(lo, hi):
        m1[i] = math.log(close[i] / close[i - 1]) if seen >= 1.0 else np.nan
        m5[i] = math.log(close[i] / close[i - 5]) if seen >= 5.0 else np.nan
        m10[i] = math.log(close[i] / close[i - 10]) if seen >= 10.0 else np.nan
        m20[i] = math.log(close[i] / close[i - 20]) if seen >= 20.0 else np.nan
        m60[i] = math.log(close[i] / close[i - 60]) if seen >= 60.0 else np.nan
        m120[i] = math.log(close[i] / close[i - 120]) if seen >= 120.0 else np.nan
        seen += 1.0
    return seen


@jit
def line_through(x, i, n):
    """Of the least-squares line through the n values that end at row i: (share explained, t-statistic of the slope).

    (0, 0) of equal values.
    """
    middle, total = (n - 1) / 2.0, 0.0
    for k in range(n):
        total += x[i - k] - x[i]
    mean, squares, both = total / n, 0.0, 0.0
    for k in range(n):
        off = x[i - k] - x[i] - mean
        squares += off * off
        both += off * (middle - k)
    spread = n * (n * n - 1.0) / 12.0
    if not squares > 0.0:
        return 0.0, 0.0
    share = min(both * both / (spread * squares), 1.0)
    t = STEEPEST
    if share < 1.0:
        t = min(math.sqrt((n - 2.0) * share / (1.0 - share)), STEEPEST)
    return share, math.copysign(t, both) if both != 0.0 else 0.0


@feature(
    gives="adx plus_di minus_di aroon_up aroon_down vhf er r2 t_stat choppiness", lookback="period - 1",
    where="period >= 3, period <= 28",
    unit="percent percent percent percent percent ratio ratio ratio sigma percent", range=(0.0, 100.0), pane="below",
    covers="3.1.3", source="Wilder 1978; Chande 1995; White 1991; Kaufman 1995; Dreiss 1993",
)  # fmt: skip
def strength(
    lo, hi, close, adx, plus_di, minus_di, aroon_up, aroon_down, vhf, er, r2, t_stat, choppiness,
    trending=adx(14).adx, plus=adx(14).plus_di, minus=adx(14).minus_di, up=aroon(25).aroon_up,
    down=aroon(25).aroon_down, way=vhf(28), straight=er(10), chop=choppiness(14), period=20,
):  # fmt: skip
    """Strength of a trend, as seven measures of it say: ADX first, and the usual others beside it.

    `r2` is the share of the last `period` closes that a straight line explains, `t_stat` its slope over the error of
    the slope (at most a million); `strength_hurst` says whether moves persist.
    """
    for i in range(lo, hi):
        adx[i], plus_di[i], minus_di[i] = trending[i], plus[i], minus[i]
        aroon_up[i], aroon_down[i], vhf[i], er[i], choppiness[i] = up[i], down[i], way[i], straight[i], chop[i]
        r2[i], t_stat[i] = line_through(close, i, period)


@jit
def rough(x, first, n):
    """Sum of the squared distances of n values from the line through them."""
    middle, total = (n - 1) / 2.0, 0.0
    for k in range(n):
        total += x[first + k]
    mean, squares, both = total / n, 0.0, 0.0
    for k in range(n):
        off = x[first + k] - mean
        squares += off * off
        both += off * (k - middle)
    return squares - both * both * 12.0 / (n * (n * n - 1.0))


@feature(
    gives="strength_hurst", keeps="seen", warmup="period", lookback="period", where="period >= 32, period % 32 == 0",
    unit="ratio", pane="below", covers="3.1.3",
    source="Peng and others, Mosaic Organization of DNA Nucleotides, Physical Review E 49, 1994",
)  # fmt: skip
def strength_hurst(lo, hi, close, strength_hurst, seen, period=128):
    """Hurst exponent: above 0.5 moves go on, below they turn back; by detrended fluctuations of `period` returns.

    The summed returns are cut into boxes of 4, 8, 16 and 32 bars; how fast the distance from each box's own line
    grows with its length is the exponent. 0.5 where prices did not move.
    """
    path = np.zeros(period)
    for i in range(lo, hi):
        strength_hurst[i] = np.nan
        if seen >= period:
            for k in range(period):
                path[k] = math.log(close[i - k] / close[i - period])
            rise = 0.0
            for power in range(2, 6):
                total = 0.0
                for box in range(0, period, 2**power):
                    total += rough(path, box, 2**power)
                if not total > 0.0:
                    rise = math.nan
                    break
                rise += (power - 3.5) * 0.5 * math.log(total)
            strength_hurst[i] = rise / (5.0 * math.log(2.0)) if rise == rise else 0.5
        seen += 1.0
    return seen


@feature(
    gives="score tag agreement", keeps="seen day traded mean plain n",
    where="fast >= 2, fast < middle, middle < slow, left >= 1, right >= 1", settle="1000", unit="event event event",
    range=(-5.0, 5.0), pane="below", covers="3.2.3", source="Elder, Trading for a Living, 1993",
)  # fmt: skip
def bias(
    lo, hi, open_ts, close, volume, score, tag, agreement, seen, day, traded, mean, plain, n,
    quick=ema("fast"), steady=ema("middle"), calm=ema("slow"), higher=change(close=ema("slow")).change,
    swung=swing_way("left", "right"), price=typprice(), fast=20, middle=50, slow=200, left=5, right=5,
):  # fmt: skip
    """Tendency by five votes, -5 to 5: two pairs of averages, swings, the day's mean price, and the higher frame.

    Each votes 1, -1 or 0: `fast` against `middle` and `middle` against `slow` exponential average; the last two
    confirmed swing highs and lows (both higher, both lower); the close against the volume-weighted mean of the UTC
    day (the plain one while nothing is traded); the sign of `higher`, the slope of the slow average unless a larger
    frame's is given: `bias(higher=on("H4", change(close=ema(50)).change))`. `tag` is 2 from 4 up, 1 from 2 up, and
    likewise below; `agreement` is 1 where the first pair goes with the higher frame, -1 where against it.
    """
    for i in range(lo, hi):
        seen += 1.0
        if seen == 1.0 or open_ts[i] >= np.int64(day + 1) * DAY:
            day, traded, mean, plain, n = open_ts[i] // DAY, 0.0, 0.0, 0.0, 0.0
        n += 1.0
        plain += (price[i] - plain) / n
        if volume[i] > 0.0:
            traded += volume[i]
            mean += (price[i] - mean) * (volume[i] / traded)
        own = np.sign(quick[i] - steady[i])
        votes = own + np.sign(steady[i] - calm[i]) + swung[i]
        votes += np.sign(close[i] - (mean if traded > 0.0 else plain)) + np.sign(higher[i])
        score[i], agreement[i] = votes, own * np.sign(higher[i])
        tag[i] = np.sign(votes) * (2.0 if abs(votes) >= 4.0 else 1.0 if abs(votes) >= 2.0 else 0.0)
    return seen, day, traded, mean, plain, n
