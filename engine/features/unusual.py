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
    side, new, root = np.zeros(SIDES), np.zeros(SIDES), np.zeros((SIDES, SIDES))
    for i in range(lo, hi):
        anomaly[i] = flag[i] = np.nan
        if seen > 0.0:
            new[0] = math.log(close[i] / last)
            new[1] = (high[i] - low[i]) / atr[i] if atr[i] > 0.0 else 0.0
            new[2], new[3] = rvol[i], spread[i]
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
    return mix(np.uint64((seed * 1000 + tree) * 4096 + place + 1) * np.uint64(0x9E3779B97F4A7C15))


@jit
def walk(points, at, mass, box, tree, height, seed, few, step):
    """Down a tree to where the point points[at:at + 4] lies: its density there, or with `step` a point more or less.

    A node halves a side's range at its middle. The ranges (in `box`) reach beyond 0 to 1 by chance, on a grid on which
    middles are exact. The density is the points at the first node of no more than `few`, or at a leaf, times 2 to the
    power of its depth.
    """
    for a in range(SIDES):
        start = (2.0 * float(drawn(seed, tree, 4000 + a) % np.uint64(1024)) + 1.0) / 2048.0
        wide = 2.0 * max(start, 1.0 - start)
        box[a, 0], box[a, 1] = start - wide, start + wide
    first, node, depth = tree * 2 ** (height + 1), 1, 1.0
    for level in range(height + 1):
        here = first + node
        mass[here] += step
        if level == height or (step == 0.0 and mass[here] <= few):
            break
        a = int(drawn(seed, tree, node) % np.uint64(SIDES))
        middle = (box[a, 0] + box[a, 1]) / 2.0
        if points[at + a] < middle:
            box[a, 1], node = middle, 2 * node
        else:
            box[a, 0], node = middle, 2 * node + 1
        depth *= 2.0
    return mass[first + node] * depth


@jit
def squashed(new, raw, points, row, count):
    """`new` from 0, the lowest of the last `count` bars, to 1, the highest, into a row of points; raw beside it."""
    for a in range(SIDES):
        low, high = np.inf, -np.inf
        for k in range(count):
            low, high = min(low, raw[k * SIDES + a]), max(high, raw[k * SIDES + a])
        part = (new[a] - low) / (high - low) if high > low else 0.5 + 0.5 * np.sign(new[a] - low)
        points[row * SIDES + a] = min(max(part, 0.0), 1.0)


@feature(
    gives="anomaly_trees flag",
    keeps="seen last mass[trees * 2 ** (height + 1)] raw[window * 4] points[(window + 1) * 4] ring[window] "
    "ordered[window]",
    warmup="window + 1, 2 * window + 1", settle="3 * window", unit="ratio event", range=(0.0, 1.0), pane="below",
    where="window >= 10, window <= 10000, trees >= 1, trees <= 200, height >= 1, height <= 10, "
    "seed >= 0, share > 0, share < 1",
    covers="2.4.6", source="Tan, Ting and Liu, Fast Anomaly Detection for Streaming Data, IJCAI 2011",
)  # fmt: skip
def anomaly_trees(
    lo, hi, close, high, low, spread, anomaly_trees, flag, seen, last, mass, raw, points, ring, ordered,
    atr=atr(14), rvol=rvol(20), window=250, trees=25, height=6, share=0.95, seed=1,
):  # fmt: skip
    """How empty the place is where a bar lies among the bars before: half-space trees, 0 crowded to 1 empty.

    The four sides of `anomaly`, each from 0 to 1 by its lowest and highest of the `window` bars before. Random trees
    halve the space; the score is 1 / (1 + points there over points if all were spread evenly). The points are those of
    the last `window` bars, renewed at every bar (the paper: at every window). `flag`: above `share` of those scores.
    """
    new, box = np.zeros(SIDES), np.zeros((SIDES, 2))
    for i in range(lo, hi):
        anomaly_trees[i] = flag[i] = np.nan
        if seen > 0.0:
            done = int(seen) - 1
            row = done % window
            new[0] = math.log(close[i] / last)
            new[1] = (high[i] - low[i]) / atr[i] if atr[i] > 0.0 else 0.0
            new[2], new[3] = rvol[i], spread[i]
            squashed(new, raw, points, window, min(done, window))
            if done >= window:
                crowd = 0.0
                for t in range(trees):
                    crowd += walk(points, window * SIDES, mass, box, t, height, seed, 0.1 * window, 0.0)
                    walk(points, row * SIDES, mass, box, t, height, seed, 0.0, -1.0)
                score = 1.0 / (1.0 + crowd / trees / window)
                anomaly_trees[i] = score
                if done >= 2 * window:
                    flag[i] = 1.0 * (score > ordered[min(int(share * window), window - 1)])
                    take_out(ordered, window, ring[row])
                put_in(ordered, min(done - window, window - 1), score)
                ring[row] = score
            for t in range(trees):
                walk(points, window * SIDES, mass, box, t, height, seed, 0.0, 1.0)
            for a in range(SIDES):
                raw[row * SIDES + a], points[row * SIDES + a] = new[a], points[window * SIDES + a]
        last = close[i]
        seen += 1.0
    return seen, last
