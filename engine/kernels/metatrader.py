"""What MetaTrader 5 draws otherwise than the books: averages that begin with 0, sums over sums."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import jit


@jit
def adx_of_mt5(lo, hi, high, low, close, adx, plus_di, minus_di, seen, high1, low1, close1, plus, minus, mean, period):
    """ADX as its terminal has it: each bar's directional movement over its own true range, averaged exponentially."""
    weight = 2.0 / (period + 1.0)
    for i in range(lo, hi):
        if seen > 0.0:
            up, down = max(high[i] - high1, 0.0), max(low1 - low[i], 0.0)
            reach = max(high[i], close1) - min(low[i], close1)
            plus += ((100.0 * up / reach if up > down and reach > 0.0 else 0.0) - plus) * weight
            minus += ((100.0 * down / reach if down > up and reach > 0.0 else 0.0) - minus) * weight
            mean += ((100.0 * abs(plus - minus) / (plus + minus) if plus + minus > 0.0 else 0.0) - mean) * weight
        high1, low1, close1 = high[i], low[i], close[i]
        plus_di[i] = plus if seen >= period else np.nan
        minus_di[i] = minus if seen >= period else np.nan
        adx[i] = mean if seen >= 2 * period - 1 else np.nan
        seen += 1.0
    return seen, high1, low1, close1, plus, minus, mean


@jit
def stochastic_of_mt5(lo, hi, close, top, bottom, seen, k, d, slow, smooth):
    """Slow stochastic as its terminal has it: distances from the low, summed, over ranges, summed; 100 if flat."""
    for i in range(lo, hi):
        seen += 1.0
        k[i] = d[i] = np.nan
        if seen < smooth:
            continue
        total = 0.0
        for row in range(i - smooth + 1, i + 1):
            part, whole = 0.0, 0.0
            for j in range(row - slow + 1, row + 1):
                part, whole = part + (close[j] - bottom[j]), whole + (top[j] - bottom[j])
            k[i] = 100.0 * (part / whole) if whole > 0.0 else 100.0
            total += k[i]
        d[i] = total / smooth
    return seen
