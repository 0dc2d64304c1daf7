"""Averages that adapt: faster where prices trend, slower where they only move to and fro."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature
from engine.features.prices import change
from engine.features.window import total


@feature(
    gives="er", lookback="period", where="period >= 2", like="talib.ER", unit="ratio", range=(0.0, 1.0), pane="below",
    covers="3.1.1 3.1.3", source="Kaufman, Smarter Trading, 1995",
)  # fmt: skip
def er(lo, hi, close, er, path=total("period", close=change().size), period=10):
    """Efficiency ratio: how far the price got in `period` bars over the way it went; 1 if it never moved."""
    for i in range(lo, hi):
        far = abs(close[i] - close[max(i - period, 0)])
        er[i] = far / path[i] if path[i] > far else 1.0


@feature(
    gives="kama", keeps="seen mean", settle="ceil(19 * ((slow + 1) / 2) ** 2)", lookback="1",
    where="period >= 2, fast >= 1, fast < slow", like="talib.KAMA", covers="3.1.1",
    source="Kaufman, Smarter Trading, 1995",
)  # fmt: skip
def kama(lo, hi, close, kama, seen, mean, efficiency=er("period"), period=30, fast=2, slow=30):
    """Kaufman's adaptive average: between a `fast` and a `slow` exponential one, by the efficiency of the move."""
    quick, steady = 2.0 / (fast + 1.0), 2.0 / (slow + 1.0)
    for i in range(lo, hi):
        if seen == 0.0:
            mean = close[max(i - 1, 0)]
        weight = efficiency[i] * (quick - steady) + steady
        mean += (close[i] - mean) * weight * weight
        kama[i] = mean
        seen += 1.0
    return seen, mean


@feature(
    gives="vidya", keeps="seen mean", warmup="period - 1", settle="ceil(60 * (period + 1))", lookback="1",
    where="period >= 2, reach >= 2", covers="3.1.1",
    source="Chande, Adapting Moving Averages to Market Volatility, Stocks & Commodities 1992; MetaTrader 5 iVIDyA",
)  # fmt: skip
def vidya(
    lo, hi, close, vidya, seen, mean, up=total("reach", close=change().up), down=total("reach", close=change().down),
    period=12, reach=9,
):  # fmt: skip
    """Variable index dynamic average: its weight shrinks with Chande's momentum of `reach` bars."""
    for i in range(lo, hi):
        seen += 1.0
        vidya[i] = np.nan
        if seen < period:
            continue
        if seen == period:
            mean = close[max(i - 1, 0)]
        moved = up[i] + down[i]
        share = min(abs(up[i] - down[i]) / moved, 1.0) if moved > 0.0 else 0.0
        mean += (close[i] - mean) * share * 2.0 / (period + 1.0)
        vidya[i] = mean
    return seen, mean


@feature(
    gives="mcginley", keeps="seen mean", settle="ceil(19 * 0.6 * period)", where="period >= 2, pace > 0",
    covers="3.1.1",
    source="McGinley, McGinley Dynamic, Journal of Technical Analysis 1997",
)  # fmt: skip
def mcginley(lo, hi, close, mcginley, seen, mean, period=10, pace=0.6):
    """McGinley dynamic: an average that hurries after falling prices and dawdles after rising ones."""
    for i in range(lo, hi):
        if seen == 0.0:
            mean = close[i]
        ratio = close[i] / mean if mean != 0.0 else 1.0
        mean += (close[i] - mean) / max(pace * period * ratio * ratio * ratio * ratio, 1.0)
        mcginley[i] = mean
        seen += 1.0
    return seen, mean


@feature(
    gives="frama", keeps="seen mean reach", warmup="period - 1", lookback="period - 1", settle="2000",
    where="period >= 4, period % 2 == 0", covers="3.1.1",
    source="Ehlers, FRAMA: Fractal Adaptive Moving Average, Stocks & Commodities 2005",
)  # fmt: skip
def frama(lo, hi, high, low, close, frama, seen, mean, reach, period=14):
    """Fractal adaptive average: its weight falls with the fractal dimension of the last `period` bars.

    The dimension compares the ranges of both halves with the range of the whole window: 1 on a straight way, 2
    where prices fill the plane. Starts at the close.
    """
    half = period // 2
    for i in range(lo, hi):
        seen += 1.0
        frama[i] = np.nan
        if seen < period:
            continue
        if seen == period:
            mean, reach = close[i], 1.0
        top1, top2, bottom1, bottom2 = high[i], high[i - half], low[i], low[i - half]
        for k in range(1, half):
            top1, bottom1 = max(top1, high[i - k]), min(bottom1, low[i - k])
            top2, bottom2 = max(top2, high[i - half - k]), min(bottom2, low[i - half - k])
        halves = (top1 - bottom1 + top2 - bottom2) / half
        whole = (max(top1, top2) - min(bottom1, bottom2)) / period
        if halves > 0.0 and whole > 0.0:
            reach = np.log(halves / whole) / np.log(2.0)
        mean += (close[i] - mean) * min(max(np.exp(-4.6 * (reach - 1.0)), 0.01), 1.0)
        frama[i] = mean
    return seen, mean, reach
