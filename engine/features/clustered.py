"""Prices at which the market turned again and again."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature
from engine.features.swings import swing
from engine.features.volatility import atr
from engine.kernels.jit import jit

SLOTS = 32
"""Clusters kept; a new one takes the place of the lightest."""


@jit
def take(price, reach, centers, weights, counts, used):
    """Put a price to the nearest cluster within `reach`, or open one; returns how many there are."""
    near, place = np.inf, -1
    for k in range(used):
        if abs(centers[k] - price) < near:
            near, place = abs(centers[k] - price), k
    if place >= 0 and near <= reach:
        centers[place] += (price - centers[place]) / (weights[place] + 1.0)
        weights[place] += 1.0
        counts[place] += 1.0
        return used
    if used < SLOTS:
        place, used = used, used + 1
    else:
        place = np.argmin(weights[:used])
    centers[place], weights[place], counts[place] = price, 1.0, 1.0
    return used


@jit
def join(reach, centers, weights, counts, used):
    """Merge the two nearest clusters while they are closer than `reach`; returns how many are left."""
    while used > 1:
        near, a, b = reach, -1, -1
        for j in range(used):
            for k in range(j + 1, used):
                if abs(centers[j] - centers[k]) < near:
                    near, a, b = abs(centers[j] - centers[k]), j, k
        if a < 0:
            return used
        whole = weights[a] + weights[b]
        centers[a] += (centers[b] - centers[a]) * (weights[b] / whole)
        weights[a], counts[a] = whole, counts[a] + counts[b]
        used -= 1
        centers[b], weights[b], counts[b] = centers[used], weights[used], counts[used]
    return used


@feature(
    gives="above above_weight above_count below below_weight below_count clusters",
    keeps="used centers[32] weights[32] counts[32]", where="reach > 0, half_life > 0", settle="100000",
    sparse="above above_weight above_count below below_weight below_count clusters",
    unit="price ratio event price ratio event event", covers="3.4.4",
    source="DBSCAN in one dimension, online; Ester et al., KDD 1996",
)  # fmt: skip
def clusters(
    lo, hi, close, above, above_weight, above_count, below, below_weight, below_count, clusters, used, centers,
    weights, counts, swung=swing().event, top=swing().top, bottom=swing().bottom, width=atr(100), reach=0.5,
    half_life=500.0,
):  # fmt: skip
    """Levels where confirmed swings cluster: the nearest above the close and below, their weight, their swings.

    A swing joins the nearest level within `reach` average true ranges, or opens one; levels closer than that merge.
    A level is the weighted mean of its swings, whose weight halves every `half_life` bars; the heaviest 32 are kept.
    """
    fade = 0.5 ** (1.0 / half_life)
    for i in range(lo, hi):
        weights[:] *= fade
        far, n = reach * width[i], int(used)
        if swung[i] > 0.0:
            n = take(top[i], far, centers, weights, counts, n)
        if swung[i] == -1.0 or swung[i] == 2.0:
            n = take(bottom[i], far, centers, weights, counts, n)
        if swung[i] != 0.0:
            n = join(far, centers, weights, counts, n)
        used = float(n)
        up, down = -1, -1
        for k in range(n):
            if centers[k] > close[i]:
                up = k if up < 0 or centers[k] < centers[up] else up
            else:
                down = k if down < 0 or centers[k] > centers[down] else down
        above[i] = centers[up] if up >= 0 else np.nan
        above_weight[i] = weights[up] if up >= 0 else np.nan
        above_count[i] = counts[up] if up >= 0 else np.nan
        below[i] = centers[down] if down >= 0 else np.nan
        below_weight[i] = weights[down] if down >= 0 else np.nan
        below_count[i] = counts[down] if down >= 0 else np.nan
        clusters[i] = used
    return used
