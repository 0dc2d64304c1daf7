"""Oscillators: how fast, and in which direction, prices move."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature
from engine.kernels.jit import jit
from engine.kernels.smoothing import onward, rate


@feature(
    gives="rsi", keeps="seen last gain loss gained lost fade step", warmup="period", settle="19 * period",
    where="period >= 2", like="talib.RSI", unit="percent", range=(0.0, 100.0), pane="below", covers="3.1.1 3.1.2",
    source="Wilder, New Concepts in Technical Trading Systems, 1978",
)  # fmt: skip
def rsi(lo, hi, close, rsi, seen, last, gain, loss, gained, lost, fade, step, period=14):
    """Relative strength index: the share of gains in all movement, each averaged in Wilder's way.

    50 when there was no movement at all (TA-Lib says 0, which reads as "oversold" in a dead market).
    """
    first = min(lo + max(period + 1 - int(seen), 0), hi)
    for i in range(lo, first):
        if seen > 0.0:
            change, weight = close[i] - last, rate(seen, period, 0.0)
            gain = gain * (1.0 - weight) + max(change, 0.0) * weight
            loss = loss * (1.0 - weight) + max(-change, 0.0) * weight
        rsi[i] = np.nan
        if seen >= period:
            rsi[i] = 100.0 * gain / (gain + loss) if gain + loss > 0.0 else 50.0
        last, seen, fade = close[i], seen + 1.0, 1.0
    closes, out, weight = close[first:hi], rsi[first:hi], 1.0 / period
    for k in range(out.size):
        change, last = closes[k] - last, closes[k]
        up, gain, gained, _, _ = onward(gain, gained, fade, step, max(change, 0.0), weight)
        down, loss, lost, fade, step = onward(loss, lost, fade, step, max(-change, 0.0), weight)
        out[k] = 100.0 * up / (up + down) if up + down > 0.0 else 50.0
    seen += hi - first
    return seen, last, gain, loss, gained, lost, fade, step


@jit
def macd_of_mt5(lo, hi, close, macd, signal, histogram, seen, quick, steady, gaps, fast, slow):
    """MACD as MetaTrader 5 draws it: averages seeded with the first close, a simple mean as the signal."""
    for i in range(lo, hi):
        quick = quick + (close[i] - quick) * 2.0 / (fast + 1.0) if seen > 0.0 else close[i]
        steady = steady + (close[i] - steady) * 2.0 / (slow + 1.0) if seen > 0.0 else close[i]
        gaps[int(seen) % gaps.size] = quick - steady
        seen += 1.0
        macd[i] = signal[i] = histogram[i] = np.nan
        if seen >= slow + gaps.size - 1:
            macd[i], signal[i] = quick - steady, gaps.sum() / gaps.size
            histogram[i] = macd[i] - signal[i]
    return seen, quick, steady


@feature(
    gives="macd signal histogram", keeps="seen quick steady mean gaps[smooth]", warmup="slow + smooth - 2",
    settle="ceil(9.5 * (slow + smooth + 2))", where="fast >= 2, fast < slow, smooth >= 2",
    choices={"style": ("appel", "mt5")}, like="talib.MACD",
    unit="price_change", pane="below", covers="3.1.1 3.1.2",
    source="Appel, The Moving Average Convergence-Divergence Trading Method, 1979",
)  # fmt: skip
def macd(
    lo, hi, close, macd, signal, histogram, seen, quick, steady, mean, gaps, fast=12, slow=26, smooth=9, style="appel"
):  # fmt: skip
    """Distance of a fast from a slow exponential average, its own average (signal), and the difference of both.

    Both averages are seeded at the same bar, as in TA-Lib: the fast one with the last `fast` of the first `slow`
    closes. In MetaTrader 5 (`style="mt5"`) they start with the first close, and the signal is a simple mean.
    """
    if style == 1:
        seen, quick, steady = macd_of_mt5(lo, hi, close, macd, signal, histogram, seen, quick, steady, gaps, fast, slow)
    hi = hi if style == 0 else lo
    first = min(lo + max(slow + smooth - 1 - int(seen), 0), hi)
    for i in range(lo, first):
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
    one, two, three = 2.0 / (fast + 1.0), 2.0 / (slow + 1.0), 2.0 / (smooth + 1.0)
    for i in range(first, hi):
        steady += (close[i] - steady) * two
        quick += (close[i] - quick) * one
        mean += (quick - steady - mean) * three
        macd[i], signal[i], histogram[i] = quick - steady, mean, quick - steady - mean
    seen += hi - first
    return seen, quick, steady, mean
