"""Two series beside each other: their ratio, the spread that returns, their correlation, and which of them leads."""

from __future__ import annotations

import math

import numpy as np

from engine.features.contract import feature
from engine.features.volatility import atr
from engine.kernels.jit import jit

NOISE = 1e-3
"""Variance of what a Kalman spread does not explain, as a share of the price squared (Chan 2013, ch. 3)."""


@jit
def slope_of(a, b, i, n):
    """Slope of a straight line through the n values of a over those of b that end at row i; 0 where b stands still."""
    sx, sy, sxx, sxy = 0.0, 0.0, 0.0, 0.0
    for k in range(i - n + 1, i):
        x, y = b[k] - b[i], a[k] - a[i]
        sx, sy, sxx, sxy = sx + x, sy + y, sxx + x * x, sxy + x * y
    left = sxx - sx * sx / n
    return (sxy - sx * sy / n) / left if left > 0.0 else 0.0


@jit
def where_in(a, b, i, n, beta):
    """Of a - beta b over n rows that end at i: its distance from the mean in deviations (sample), and its half-life."""
    s, ss, sp, spp, spd, sd, before = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(i - n + 1, i + 1):
        x = (a[k] - a[i]) - beta * (b[k] - b[i])
        s, ss = s + x, ss + x * x
        if k > i - n + 1:
            sp, spp, sd, spd = sp + before, spp + before * before, sd + (x - before), spd + before * (x - before)
        before = x
    variance = (ss - s * s / n) / (n - 1.0)
    z = -s / n / math.sqrt(variance) if variance > 0.0 else 0.0
    m = n - 1.0
    spread = spp - sp * sp / m
    theta = (spd - sp * sd / m) / spread if spread > 0.0 else 0.0
    return z, min(-math.log(2.0) / theta, 100.0 * n) if theta < 0.0 else 100.0 * n


@feature(
    takes="a b", gives="ratio log_ratio beta gap z half_life", keeps="seen slope base p00 p01 p11",
    warmup="0, 0, period - 1, period - 1, period - 1, period - 1", lookback="period - 1",
    where="period >= 10, 0 < delta, delta < 1", choices={"style": ("ols", "kalman")}, sparse="log_ratio",
    settle="0 if style == 'ols' else 100000", unit="ratio ratio ratio price sigma bars", pane="below",
    covers="3.1.5", source="Engle and Granger 1987; Chan, Algorithmic Trading, 2013, ch. 2 and 3",
)  # fmt: skip
def spread(
    lo, hi, a, b, ratio, log_ratio, beta, gap, z, half_life, seen, slope, base, p00, p01, p11,
    period=100, delta=1e-4, style="ols",
):  # fmt: skip
    """Two series as a pair: their ratio, the hedge `beta`, the `gap` a - beta b, how far off, how fast it returns.

    `beta` is the slope of a line through the last `period` values, or a Kalman filter's, whose slope and level wander
    with `delta` (noise as shares of the price). `z` and `half_life` are of the gaps of the last `period` bars, all
    with the beta of now; the half-life is at most `period` times 100, that too where the gap does not return.
    """
    wander = delta / (1.0 - delta)
    for i in range(lo, hi):
        seen += 1.0
        ratio[i] = a[i] / b[i]
        log_ratio[i] = math.log(ratio[i]) if ratio[i] > 0.0 else np.nan
        if style == 1:
            size = a[i] * a[i]
            p00, p11 = p00 + wander * (size / (b[i] * b[i])), p11 + wander * size
            left, right = p00 * b[i] + p01, p01 * b[i] + p11
            total = left * b[i] + right + NOISE * size
            missed = a[i] - (slope * b[i] + base)
            slope, base = slope + left / total * missed, base + right / total * missed
            p00, p01, p11 = p00 - left * left / total, p01 - left * right / total, p11 - right * right / total
        beta[i] = gap[i] = z[i] = half_life[i] = np.nan
        if seen >= period:
            beta[i] = slope if style == 1 else slope_of(a, b, i, period)
            gap[i] = a[i] - beta[i] * b[i]
            z[i], half_life[i] = where_in(a, b, i, period, beta[i])
    return seen, slope, base, p00, p01, p11


@jit
def value_of(x, k, style):
    """The value at row k, its step from the row before, or its logarithmic step."""
    if style == 2:
        return x[k]
    return math.log(x[k] / x[k - 1]) if style == 0 else x[k] - x[k - 1]


@jit
def together(a, b, i, n, behind, style):
    """Correlation of n values of a that end at row i with b `behind` rows earlier; 0 where one stands still."""
    first, second = value_of(a, i, style), value_of(b, i - behind, style)
    sx, sy, sxx, syy, sxy = 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(i - n + 1, i):
        x, y = value_of(a, k, style) - first, value_of(b, k - behind, style) - second
        sx, sy, sxx, syy, sxy = sx + x, sy + y, sxx + x * x, syy + y * y, sxy + x * y
    vx, vy = sxx - sx * sx / n, syy - sy * sy / n
    if not (vx > 0.0 and vy > 0.0):
        return 0.0
    return min(max((sxy - sx * sy / n) / (math.sqrt(vx) * math.sqrt(vy)), -1.0), 1.0)


STYLES = ("returns", "steps", "levels")


@feature(
    takes="a b", gives="correlation", keeps="seen", warmup="period + behind", lookback="period + behind",
    where="period >= 3, behind >= 0", choices={"style": STYLES}, unit="ratio", range=(-1.0, 1.0), pane="below",
    covers="3.1.5 3.3.3",
)  # fmt: skip
def correlation(lo, hi, a, b, correlation, seen, period=30, behind=0, style="returns"):
    """Correlation of two series over `period` bars, of the second as it was `behind` bars earlier.

    Of their logarithmic returns, of their steps, or of the values themselves; 0 while one of them stands still.
    """
    for i in range(lo, hi):
        correlation[i] = together(a, b, i, period, behind, style) if seen >= period + behind else np.nan
        seen += 1.0
    return seen


@feature(
    takes="a b", gives="lead strength now", keeps="seen", warmup="period + reach", lookback="period + reach",
    where="period >= 10, reach >= 1", choices={"style": STYLES}, unit="bars ratio ratio", pane="below",
    covers="3.1.5", source="cross-correlation function; Box and Jenkins, Time Series Analysis, 1970, ch. 11",
)  # fmt: skip
def lead_lag(lo, hi, a, b, lead, strength, now, seen, period=100, reach=5, style="returns"):
    """Which of two series leads: the lag, up to `reach` bars, at which they go together most, and how much.

    `lead` 3: the first does what the second did 3 bars before; -3: the second follows the first. `strength` is the
    correlation at that lag, `now` that of the same bars. The correlation at one lag alone is `correlation(behind=3)`.
    """
    x, y, last = np.empty(period + reach), np.empty(period + reach), period + reach - 1
    for i in range(lo, hi):
        lead[i] = strength[i] = now[i] = np.nan
        if seen >= period + reach:
            for k in range(period + reach):
                x[last - k], y[last - k] = value_of(a, i - k, style), value_of(b, i - k, style)
            now[i] = together(x, y, last, period, 0, 2)
            best, at = now[i], 0
            for k in range(1, reach + 1):
                behind, ahead = together(x, y, last, period, k, 2), together(y, x, last, period, k, 2)
                if abs(behind) > abs(best):
                    best, at = behind, k
                if abs(ahead) > abs(best):
                    best, at = ahead, -k
            lead[i], strength[i] = at, best
        seen += 1.0
    return seen


@feature(gives="points bps atrs", where="point > 0", unit="any", pane="below", covers="3.1.5")
def spread_cost(lo, hi, close, spread, points, bps, atrs, width=atr("period"), point=1e-5, period=14):
    """What the spread costs: in points of size `point`, in basis points of the price, in average true ranges."""
    for i in range(lo, hi):
        points[i] = spread[i] / point
        bps[i] = spread[i] / close[i] * 1e4
        atrs[i] = spread[i] / width[i] if width[i] > 0.0 else 0.0
