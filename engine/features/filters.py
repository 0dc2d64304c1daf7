"""Filters that only look back: noise taken out, a price split into scales, the cycle that is strongest."""

from __future__ import annotations

import math

import numpy as np

from engine.features.contract import feature
from engine.kernels.jit import jit
from engine.kernels.rolling import DAY

ROOT = math.sqrt(2.0)


@feature(
    gives="denoise residual", keeps="seen base x1 y1 x2 y2 trust", warmup="2", where="period >= 3, ratio > 0",
    choices={"style": ("supersmoother", "butter", "kalman")},
    settle="max(6 * period, ceil(12 * (1 + sqrt(1 + 4 / ratio))))", unit="price price_change", covers="2.3.1",
    source="Ehlers, Cycle Analytics for Traders, 2013, ch. 3; Butterworth 1930; Harvey, Forecasting, 1989, ch. 3",
)  # fmt: skip
def denoise(
    lo, hi, close, denoise, residual, seen, base, x1, y1, x2, y2, trust,
    period=10, ratio=0.05, style="supersmoother",
):  # fmt: skip
    """Noise filter: the close without what is faster than `period` bars, and the rest; it only looks back.

    `style`: Ehlers' two-pole SuperSmoother, Butterworth's filter of order 2 with its corner at `period` bars, or a
    Kalman filter of a level whose steps have `ratio` times the variance of the noise (`period` is not used).
    Distances from the first close are filtered, so a market that stands still gives exactly its price.
    """
    fade = math.exp(-ROOT * math.pi / period)
    turn = 2.0 * fade * math.cos(ROOT * math.pi / period)
    lean = math.tan(math.pi / period)
    scale = 1.0 + ROOT * lean + lean * lean
    for i in range(lo, hi):
        if seen == 0.0:
            base = close[i]
        x = close[i] - base
        if style == 0:
            y = (1.0 - turn + fade * fade) * (x + x1) / 2.0 + turn * y1 - fade * fade * y2 if seen >= 2.0 else x
        elif style == 1:
            forward = lean * lean * (x + 2.0 * x1 + x2)
            y = (forward - 2.0 * (lean * lean - 1.0) * y1 - (1.0 - ROOT * lean + lean * lean) * y2) / scale
        else:
            gain = trust / (trust + 1.0) if seen > 0.0 else 1.0
            y = y1 + gain * (x - y1)
            trust = gain + ratio
        x2, x1, y2, y1 = x1, x, y1, y
        seen += 1.0
        denoise[i] = base + y if seen > 2.0 else np.nan
        residual[i] = x - y if seen > 2.0 else np.nan
    return seen, base, x1, y1, x2, y2, trust


@jit
def end_weights(weights, degree):
    """Weights of the newest point of the least-squares polynomial through weights.size points in a row.

    The sum over the Gram polynomials up to `degree`, each orthogonal to those before it on 0 .. n-1.
    """
    n = weights.size
    below, here = np.zeros(n), np.ones(n)
    weights[:] = 0.0
    size_below = 1.0
    for d in range(degree + 1):
        size = np.sum(here * here)
        weights += here * (here[n - 1] / size)
        middle = 0.0
        for k in range(n):
            middle += k * here[k] * here[k]
        following = np.zeros(n)
        for k in range(n):
            following[k] = (k - middle / size) * here[k] - (size / size_below if d > 0 else 0.0) * below[k]
        below, here, size_below = here, following, size


@feature(
    gives="smooth", keeps="seen weights[period]", warmup="period - 1", lookback="period - 1",
    where="degree >= 0, degree < 6, period > degree", covers="2.3.2",
    source="Savitzky and Golay, Analytical Chemistry 36, 1964, p. 1627",
)  # fmt: skip
def smooth(lo, hi, close, smooth, seen, weights, period=11, degree=2):
    """Savitzky-Golay end point: the newest value of the polynomial that fits the last `period` closes best.

    The usual filter is centred and so knows the future; every average (`sma`, `ema`, ...) is a smoother as well.
    """
    if seen == 0.0:
        end_weights(weights, degree)
    for i in range(lo, hi):
        seen += 1.0
        smooth[i] = np.nan
        if seen >= period:
            total = 0.0
            for k in range(period):
                total += weights[k] * (close[i - period + 1 + k] - close[i])
            smooth[i] = close[i] + total
    return seen


@feature(
    gives="detail1 detail2 detail3 detail4 trend", keeps="seen", warmup="1, 3, 7, 15, 15", lookback="15",
    unit="price_change price_change price_change price_change price", covers="2.3.4",
    source="Shensa, IEEE Transactions on Signal Processing 40, 1992; Percival and Walden, Wavelet Methods, 2000",
)  # fmt: skip
def decompose(lo, hi, close, detail1, detail2, detail3, detail4, trend, seen):
    """The close split into scales of 2, 4, 8 and 16 bars (Haar wavelet, a trous, past bars only).

    `trend` is the mean of the last 16 closes, each detail the difference of two such means; together they add up
    to the close. Library transforms (pywt.swt) read the future instead.
    """
    for i in range(lo, hi):
        seen += 1.0
        detail1[i] = detail2[i] = detail3[i] = detail4[i] = trend[i] = np.nan
        fine, total, n = close[i], 0.0, 0
        for level in range(1, 5):
            if seen < 2.0**level:
                break
            while n < 2**level:
                total += close[i - n] - close[i]
                n += 1
            coarse = close[i] + total / n
            if level == 1:
                detail1[i] = fine - coarse
            elif level == 2:
                detail2[i] = fine - coarse
            elif level == 3:
                detail3[i] = fine - coarse
            else:
                detail4[i], trend[i] = fine - coarse, coarse
            fine = coarse
    return seen


@feature(
    gives="cycle strength power", keeps="seen day base cosine[period // 2] sine[period // 2] real[period // 2] "
    "imaginary[period // 2]", warmup="period - 1", lookback="period", unit="bars ratio price_squared",
    where="period >= 4, bin >= 1, bin <= period // 2",
    range=(0.0, 1e6), pane="below", covers="2.3.4 3.1.6",
    source="Jacobsen and Lyons, The Sliding DFT, IEEE Signal Processing Magazine, March 2003",
)  # fmt: skip
def decompose_cycle(
    lo, hi, open_ts, close, cycle, strength, power, seen, day, base, cosine, sine, real, imaginary, period=64, bin=1
):  # fmt: skip
    """The strongest cycle in the last `period` closes (bars, 0 if none) and its share of all movement (0 to 1).

    `power` is the squared amplitude of one frequency, that of `bin` whole cycles in the window, as numpy's `rfft`
    counts it. A Fourier transform that slides: each bar turns every frequency by one step. It is rebuilt every UTC
    midnight.
    """
    half = period // 2
    if seen == 0.0:
        for k in range(half):
            cosine[k] = math.cos(2.0 * math.pi * (k + 1) / period)
            sine[k] = math.sin(2.0 * math.pi * (k + 1) / period)
    for i in range(lo, hi):
        seen += 1.0
        if open_ts[i] >= np.int64(day + 1) * DAY:
            day, base = open_ts[i] // DAY, close[i]
            real[:] = 0.0
            imaginary[:] = 0.0
            first = i - int(min(seen, period)) + 1
        else:
            first = i
        for j in range(first, i + 1):
            step = close[j] - base
            if first == i and seen > period:
                step -= close[i - period] - base
            for k in range(half):
                shifted = real[k] + step
                real[k] = shifted * cosine[k] - imaginary[k] * sine[k]
                imaginary[k] = shifted * sine[k] + imaginary[k] * cosine[k]
        cycle[i] = strength[i] = power[i] = np.nan
        if seen >= period:
            best, most, total = 0, 0.0, 0.0
            for k in range(half):
                size = real[k] * real[k] + imaginary[k] * imaginary[k]
                total += size
                if size > most:
                    best, most = k + 1, size
                if k + 1 == bin:
                    power[i] = size
            cycle[i] = period / best if best > 0 else 0.0
            strength[i] = most / total if total > 0.0 else 0.0
    return seen, day, base
