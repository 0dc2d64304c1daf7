"""Oscillators: how fast, and in which direction, prices move."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature
from engine.kernels.smoothing import rate


@feature(
    gives="rsi", keeps="seen last gain loss", warmup="period", settle="19 * period", where="period >= 2",
    like="talib.RSI", unit="percent", range=(0.0, 100.0), pane="below", covers="3.1.1 3.1.2",
    source="Wilder, New Concepts in Technical Trading Systems, 1978",
)  # fmt: skip
def rsi(lo, hi, close, rsi, seen, last, gain, loss, period=14):
    """Relative strength index: the share of gains in all movement, each averaged in Wilder's way.

    50 when there was no movement at all (TA-Lib says 0, which reads as "oversold" in a dead market).
    """
    for i in range(lo, hi):
        if seen > 0.0:
            change = close[i] - last
            weight = rate(seen, period, 1.0 / period)
            gain = gain * (1.0 - weight) + max(change, 0.0) * weight
            loss = loss * (1.0 - weight) + max(-change, 0.0) * weight
        last = close[i]
        rsi[i] = np.nan
        if seen >= period:
            rsi[i] = 100.0 * gain / (gain + loss) if gain + loss > 0.0 else 50.0
        seen += 1.0
    return seen, last, gain, loss


@feature(
    gives="macd signal histogram", keeps="seen quick steady mean", warmup="slow + smooth - 2",
    settle="ceil(9.5 * (slow + smooth + 2))", where="fast >= 2, fast < slow, smooth >= 2", like="talib.MACD",
    unit="price_change", pane="below", covers="3.1.1 3.1.2",
    source="Appel, The Moving Average Convergence-Divergence Trading Method, 1979",
)  # fmt: skip
def macd(lo, hi, close, macd, signal, histogram, seen, quick, steady, mean, fast=12, slow=26, smooth=9):
    """Distance of a fast from a slow exponential average, its own average (signal), and the difference of both.

    Both averages are seeded at the same bar, as in TA-Lib: the fast one with the last `fast` of the first `slow`
    closes.
    """
    for i in range(lo, hi):
        seen += 1.0
        steady += (close[i] - steady) * rate(seen, slow, 2.0 / (slow + 1.0))
        if seen > slow - fast:
            quick += (close[i] - quick) * rate(seen - (slow - fast), fast, 2.0 / (fast + 1.0))
        if seen >= slow:
            mean += (quick - steady - mean) * rate(seen - slow + 1.0, smooth, 2.0 / (smooth + 1.0))
        macd[i] = signal[i] = histogram[i] = np.nan
        if seen >= slow + smooth - 1:
            macd[i] = quick - steady
            signal[i] = mean
            histogram[i] = quick - steady - mean
    return seen, quick, steady, mean
