"""Averages and the strength of a trend."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature
from engine.kernels.jit import jit
from engine.kernels.metatrader import adx_of_mt5
from engine.kernels.order import first_from
from engine.kernels.rolling import DAY, window_sum
from engine.kernels.smoothing import onward, rate


@jit
def slide(new, old, out, total, n):
    """Means of a window of n while values come and go, from the sum before; two passes, of which one waits for rows."""
    for j in range(out.size):
        total += new[j] - old[j]
        out[j] = total
    for j in range(out.size):
        out[j] /= n
    return total


@feature(
    gives="sma", keeps="seen total day", warmup="period - 1", lookback="period", where="period >= 2",
    like="talib.SMA", covers="3.1.1",
)  # fmt: skip
def sma(lo, hi, open_ts, close, sma, seen, total, day, period=20):
    """Simple moving average: the mean of the last `period` closes."""
    i = lo
    while i < hi:
        seen += 1.0
        if open_ts[i] >= np.int64(day + 1) * DAY:
            day = open_ts[i] // DAY
            total = window_sum(close, i, int(min(seen, period)))
        else:
            total += close[i] - close[i - period] if seen > period else close[i]
        sma[i] = total / period if seen >= period else np.nan
        i += 1
        if seen >= period:  # the rest of the day at once
            first, i = i, first_from(open_ts, i, hi, np.int64(day + 1) * DAY)
            total = slide(close[first:i], close[first - period : i - period], sma[first:i], total, period)
            seen += i - first
    return seen, total, day


@feature(
    gives="ema", keeps="seen mean base part fade step", warmup="period - 1", settle="ceil(9.5 * (period + 1))",
    where="period >= 2", like="talib.EMA", covers="3.1.1",
)  # fmt: skip
def ema(lo, hi, close, ema, seen, mean, base, part, fade, step, period=20):
    """Exponential moving average, weight 2/(period + 1), seeded with the mean of the first `period` closes."""
    first = min(lo + max(period - int(seen), 0), hi)
    for i in range(lo, first):
        seen += 1.0
        mean += (close[i] - mean) * rate(seen, period, 0.0)
        ema[i] = mean if seen >= period else np.nan
        if seen == period:
            mean, base, fade = mean - close[i], close[i], 1.0
    values, out = close[first:hi], ema[first:hi]
    for k in range(out.size):  # distances from a price nearby: where prices stand still it is the price to the last bit
        now, mean, part, fade, step = onward(mean, part, fade, step, values[k] - base, 2.0 / (period + 1.0))
        out[k] = base + now
        if step == 0.0:
            mean, base = now + (base - values[k]), values[k]
    seen += hi - first
    return seen, mean, base, part, fade, step


@jit
def directional(up, down):
    """Wilder's directional movement: the larger of the two moves if it is positive, else nothing."""
    return (up if up > down and up > 0.0 else 0.0), (down if down > up and down > 0.0 else 0.0)


@feature(
    gives="adx plus_di minus_di", keeps="seen high1 low1 close1 plus minus reach mean",
    warmup="2 * period - 1, period, period", settle="19 * period if style == 'wilder' else 24 * (period + 1)",
    where="period >= 2", choices={"style": ("wilder", "mt5")},
    like="talib.ADX talib.PLUS_DI talib.MINUS_DI", unit="percent", range=(0.0, 100.0), pane="below",
    covers="3.1.1 3.1.3", source="Wilder, New Concepts in Technical Trading Systems, 1978",
)  # fmt: skip
def adx(
    lo, hi, high, low, close, adx, plus_di, minus_di, seen, high1, low1, close1, plus, minus, reach, mean, period=14,
    style="wilder",
):  # fmt: skip
    """Average directional index: how strongly prices trend, and the two directional indicators +DI and -DI.

    Sums of directional movement and true range start with `period` - 1 bars, then lose 1/period of themselves a
    bar; DX is averaged in Wilder's way. Without any movement all three are 0. MetaTrader 5 averages each bar's own
    movement over its true range exponentially: `style="mt5"` (its ADX Wilder is the plain style).
    """
    if style == 1:
        seen, high1, low1, close1, plus, minus, mean = adx_of_mt5(
            lo, hi, high, low, close, adx, plus_di, minus_di, seen, high1, low1, close1, plus, minus, mean, period
        )
    for i in range(lo, hi if style == 0 else lo):
        if seen > 0.0:
            up, down = directional(high[i] - high1, low1 - low[i])
            fade = 1.0 / period if seen >= period else 0.0
            plus += up - plus * fade
            minus += down - minus * fade
            reach += max(high[i], close1) - min(low[i], close1) - reach * fade
        plus_di[i] = minus_di[i] = adx[i] = np.nan
        if seen >= period:
            plus_di[i] = 100.0 * plus / reach if reach > 0.0 else 0.0
            minus_di[i] = 100.0 * minus / reach if reach > 0.0 else 0.0
            dx = 100.0 * abs(plus - minus) / (plus + minus) if plus + minus > 0.0 else 0.0
            mean += (dx - mean) * rate(seen - period + 1.0, period, 1.0 / period)
        if seen >= 2 * period - 1:
            adx[i] = mean
        high1, low1, close1 = high[i], low[i], close[i]
        seen += 1.0
    return seen, high1, low1, close1, plus, minus, reach, mean
