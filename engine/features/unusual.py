"""Bars unlike the others: how far a bar lies from what is usual, all its sides taken together."""

from __future__ import annotations

import math

import numpy as np

from engine.features.contract import feature
from engine.features.volatility import atr
from engine.features.volume import rvol
from engine.kernels.jit import jit

SIDES = 4
FAR = 18.466826952903
"""What a chi-squared number of four degrees of freedom exceeds once in a thousand times."""


@feature(
    gives="anomaly flag", keeps="seen last mean[4] cov[16]", warmup="warm", settle="ceil(19 / (1 - decay))",
    where="warm >= 10, decay > 0.5, decay < 1", unit="ratio event", range=(0.0, 1e12), pane="below", covers="2.4.6",
    source="Mahalanobis, On the Generalised Distance in Statistics, 1936; exponential weights as in RiskMetrics 1996",
)  # fmt: skip
def anomaly(
    lo, hi, close, high, low, spread, anomaly, flag, seen, last, mean, cov,
    atr=atr(14), rvol=rvol(20), warm=250, decay=0.99,
):  # fmt: skip
    """How unusual a bar is: its squared distance from the bars before, in deviations, correlations taken out.

    Four sides: log return, range in ATR, relative volume and spread, against their exponential means and covariances
    (weight `decay`) up to the bar before. `flag` is 1 beyond 18.47, which chance alone exceeds once in 1,000 bars.
    """
    side, new = np.zeros(SIDES), np.zeros(SIDES)
    for i in range(lo, hi):
        anomaly[i] = flag[i] = np.nan
        if seen > 0.0:
            new[0] = math.log(close[i] / last)
            new[1] = (high[i] - low[i]) / atr[i] if atr[i] > 0.0 else 0.0
            new[2], new[3] = rvol[i], spread[i]
            if seen >= warm:
                far = distance(new, mean, cov, side)
                anomaly[i], flag[i] = far, 1.0 * (far > FAR)
            for a in range(SIDES):
                side[a] = new[a] - mean[a] if seen > 1.0 else 0.0
            for a in range(SIDES):
                mean[a] = mean[a] + (1.0 - decay) * side[a] if seen > 1.0 else new[a]
                for b in range(SIDES):
                    cov[a * SIDES + b] = decay * (cov[a * SIDES + b] + (1.0 - decay) * side[a] * side[b])
        last = close[i]
        seen += 1.0
    return seen, last


@jit
def distance(new, mean, cov, side):
    """Squared Mahalanobis distance of `new`: by Cholesky of the correlations; what never varied is left out."""
    root = np.zeros((SIDES, SIDES))
    total = 0.0
    for a in range(SIDES):
        scale = math.sqrt(cov[a * SIDES + a])
        side[a] = (new[a] - mean[a]) / scale if scale > 0.0 else 0.0
        for b in range(a + 1):
            both = scale * math.sqrt(cov[b * SIDES + b])
            value = 1.0 + 1e-9 if a == b else cov[a * SIDES + b] / both if both > 0.0 else 0.0
            for k in range(b):
                value -= root[a, k] * root[b, k]
            root[a, b] = math.sqrt(max(value, 1e-12)) if a == b else value / root[b, b]
        for k in range(a):
            side[a] -= root[a, k] * side[k]
        side[a] /= root[a, a]
        total += side[a] * side[a]
    return total
