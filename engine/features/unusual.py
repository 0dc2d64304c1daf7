"""Bars unlike the others: how far a bar lies from what is usual, all its sides taken together."""

from __future__ import annotations

import math

import numpy as np

from engine.features.contract import feature
from engine.features.volatility import atr
from engine.features.volume import rvol
from engine.kernels.draws import mix
from engine.kernels.jit import jit
from engine.kernels.order import put_in, take_out

SIDES = 5
FAR = 20.515005652432873
"""What a chi-squared number of five degrees of freedom exceeds once in a thousand times."""


@jit
def measured(new, before, close, high, low, volume, spread, span, atr, rvol):
    """The sides of a bar: log return, range in ATR, relative volume, spread, and volume by the second."""
    new[0] = math.log(close / before)
    new[1] = (high - low) / atr if atr > 0.0 else 0.0
    new[2], new[3] = rvol, spread
    new[4] = volume / (span * 1e-9) if span > 0 else 0.0


@feature(
    gives="anomaly flag", keeps="seen last mean[5] cov[25]", warmup="warm", settle="ceil(19 / (1 - decay))",
    where="warm >= 10, decay > 0.5, decay < 1", unit="ratio event", range=(0.0, 1e12), pane="below", covers="2.4.6",
    source="Mahalanobis, On the Generalised Distance in Statistics, 1936; exponential weights as in RiskMetrics 1996",
)  # fmt: skip
def anomaly(
    lo, hi, open_ts, end, close, high, low, volume, spread, anomaly, flag, seen, last, mean, cov,
    atr=atr(14), rvol=rvol(20), warm=250, decay=0.99,
):  # fmt: skip
    """How unusual a bar is: its squared distance from the bars before, in deviations, correlations taken out.

    Five sides: log return, range in ATR, relative volume, spread and volume by the second (of FX: the rate of ticks),
    against their exponential means and covariances (weight `decay`) up to the bar before. `flag` is 1 beyond 20.52,
    which chance alone exceeds once in 1,000 bars.
    """
    side, new, root = np.zeros(SIDES), np.zeros(SIDES), np.zeros((SIDES, SIDES))
    for i in range(lo, hi):
        anomaly[i] = flag[i] = np.nan
        if seen > 0.0:
            span = end[i] - open_ts[i]
            measured(new, last, close[i], high[i], low[i], volume[i], spread[i], span, atr[i], rvol[i])
            if seen >= warm:
                far = distance(new, mean, cov, side, root)
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
def distance(new, mean, cov, side, root):
    """Squared Mahalanobis distance of `new`: by Cholesky of the correlations; what never varied is left out."""
    root[:] = 0.0
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


@jit
def drawn(seed, tree, place):
    """Random bits of a tree's place: which side a node halves, or where a side's range begins."""
    return mix(np.uint64((seed * 1000 + tree) * 65536 + place + 1) * np.uint64(0x9E3779B97F4A7C15))


@jit
def leaf(point, box, tree, height, seed):
    """Where a point lies in a tree: its way from the root, a bit a level, 1 for the upper half.

    A node halves a side's range at its middle. The ranges (in `box`) reach beyond 0 to 1 by chance, on a grid on which
    middles are exact.
    """
    for a in range(SIDES):
        start = (2.0 * float(drawn(seed, tree, 65000 + a) % np.uint64(1024)) + 1.0) / 2048.0
        wide = 2.0 * max(start, 1.0 - start)
        box[a, 0], box[a, 1] = start - wide, start + wide
    node = 1
    for _ in range(height):
        a = int(drawn(seed, tree, node) % np.uint64(SIDES))
        middle = (box[a, 0] + box[a, 1]) / 2.0
        if point[a] < middle:
            box[a, 1], node = middle, 2 * node
        else:
            box[a, 0], node = middle, 2 * node + 1
    return node - 2**height


@jit
def density(leaves, way, height, few):
    """Points at the first node on `way` that has no more than `few`, or at its leaf, times 2 to the power of its depth.

    `leaves` are those of all points in that tree: two points share a node where their ways begin alike.
    """
    here, depth = leaves.size, 1.0
    for level in range(1, height + 1):
        if here <= few:
            break
        wide = 2.0 ** (height - level)
        low = math.floor(way / wide) * wide
        here, depth = 0, depth * 2.0
        for k in range(leaves.size):
            here += (leaves[k] >= low) & (leaves[k] < low + wide)
    return here * depth


@jit
def squashed(new, raw, point, count):
    """`new` from 0, the lowest of the last `count` bars (in `raw`), to 1, the highest, into `point`."""
    for a in range(SIDES):
        low, high = np.inf, -np.inf
        for k in range(count):
            low, high = min(low, raw[k * SIDES + a]), max(high, raw[k * SIDES + a])
        part = (new[a] - low) / (high - low) if high > low else 0.5 + 0.5 * np.sign(new[a] - low)
        point[a] = min(max(part, 0.0), 1.0)


@feature(
    gives="anomaly_trees flag",
    keeps="seen last raw[window * 5] point[5] leaves[trees * window] ring[window] ordered[window]",
    warmup="window + 1, 2 * window + 1", settle="3 * window", unit="ratio event", range=(0.0, 1.0), pane="below",
    where="window >= 10, window <= 10000, trees >= 1, trees <= 200, height >= 1, height <= 15, "
    "seed >= 0, share > 0, share < 1",
    covers="2.4.6", source="Tan, Ting and Liu, Fast Anomaly Detection for Streaming Data, IJCAI 2011",
)  # fmt: skip
def anomaly_trees(
    lo, hi, open_ts, end, close, high, low, volume, spread, anomaly_trees, flag, seen, last, raw, point, leaves, ring,
    ordered, atr=atr(14), rvol=rvol(20), window=250, trees=25, height=15, share=0.95, seed=1,
):  # fmt: skip
    """How empty the place is where a bar lies among the bars before: half-space trees, 0 crowded to 1 empty.

    The five sides of `anomaly`, each from 0 to 1 by its lowest and highest of the `window` bars before. Random trees
    halve the space; the score is 1 / (1 + points there over points if all were spread evenly). The points are those of
    the last `window` bars, renewed at every bar (the paper: at every window). `flag`: above `share` of those scores.
    """
    new, box = np.zeros(SIDES), np.zeros((SIDES, 2))
    for i in range(lo, hi):
        anomaly_trees[i] = flag[i] = np.nan
        if seen > 0.0:
            done = int(seen) - 1
            row = done % window
            span = end[i] - open_ts[i]
            measured(new, last, close[i], high[i], low[i], volume[i], spread[i], span, atr[i], rvol[i])
            squashed(new, raw, point, min(done, window))
            crowd = 0.0
            for t in range(trees):
                way = leaf(point, box, t, height, seed)
                if done >= window:
                    crowd += density(leaves[t * window : (t + 1) * window], way, height, 0.1 * window)
                leaves[t * window + row] = way
            if done >= window:
                score = 1.0 / (1.0 + crowd / trees / window)
                anomaly_trees[i] = score
                if done >= 2 * window:
                    flag[i] = 1.0 * (score > ordered[min(int(share * window), window - 1)])
                    take_out(ordered, window, ring[row])
                put_in(ordered, min(done - window, window - 1), score)
                ring[row] = score
            raw[row * SIDES : (row + 1) * SIDES] = new
        last = close[i]
        seen += 1.0
    return seen, last
