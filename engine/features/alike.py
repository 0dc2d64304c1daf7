"""How much the last bars look like others: the most alike in the past, another series, or a drawn shape."""

from __future__ import annotations

import math

import numpy as np

from engine.features.contract import feature
from engine.kernels.jit import jit

MEASURES = ("euclid", "dtw", "pearson")
RADIUS = 3
"""Bars that dynamic time warping may shift (Sakoe and Chiba's band)."""
SHAPES = ("rise", "fall", "valley", "peak", "double_bottom", "double_top", "head_shoulders")
CORNERS = (
    (0, 1, 2, 3, 4, 5, 6), (6, 5, 4, 3, 2, 1, 0), (3, 2, 1, 0, 1, 2, 3), (0, 1, 2, 3, 2, 1, 0),
    (4, 2, 0, 2, 0, 2, 4), (0, 2, 4, 2, 4, 2, 0), (0, 2, 1, 3, 1, 2, 0),
)  # fmt: skip
"""The shapes: heights at seven corners, evenly spaced, straight lines between."""


@jit
def normal(x, i, m, out):
    """The m values that end at row i, less their mean, over their deviation (population); zeros where all are equal."""
    total, squares = 0.0, 0.0
    for k in range(m):
        d = x[i - m + 1 + k] - x[i]
        total, squares = total + d, squares + d * d
    mean = total / m
    variance = squares / m - mean * mean
    sigma = math.sqrt(variance) if variance > 1e-12 * (squares / m) else 0.0
    for k in range(m):
        out[k] = (x[i - m + 1 + k] - x[i] - mean) / sigma if sigma > 0.0 else 0.0


@jit
def warped(a, b, m, limit, before, now):
    """Squared distance of two stretches when each may run up to RADIUS bars ahead of the other (dynamic time warping).

    Given up, with infinity, once it cannot be below `limit` any more.
    """
    before[:] = np.inf
    before[0] = 0.0
    for i in range(1, m + 1):
        now[:] = np.inf
        least = np.inf
        for j in range(max(1, i - RADIUS), min(m, i + RADIUS) + 1):
            d = a[i - 1] - b[j - 1]
            now[j] = d * d + min(before[j], before[j - 1], now[j - 1])
            least = min(least, now[j])
        if least >= limit:
            return np.inf
        before, now = now, before
    return before[m]


@jit
def apart(a, b, m, style, limit, work):
    """How far two normalised stretches are from each other, by the measure `style`; infinity if not below `limit`."""
    far = (a[0] - b[0]) ** 2 + (a[m - 1] - b[m - 1]) ** 2
    if style != 2 and far >= limit * limit:  # first goes with first and last with last, by either measure
        return np.inf
    if style == 1:
        return math.sqrt(warped(a, b, m, limit * limit, work[0], work[1]))
    both = 0.0
    for k in range(1, m - 1):
        far += (a[k] - b[k]) ** 2
    for k in range(m):
        both += a[k] * b[k]
    return math.sqrt(far) if style == 0 else 1.0 - both / m


@feature(
    gives="distance age rank", keeps="seen", choices={"style": MEASURES},
    warmup="width + period - 1, width + period - 1, width + 2 * period - 1", lookback="width + period",
    where="width >= 4, period > width", unit="ratio bars ratio", pane="below", covers="3.3.8",
    source="Yeh et al., Matrix Profile I, ICDM 2016 (left profile, of windows up to `period` bars ago)",
)  # fmt: skip
def compare(lo, hi, close, distance, age, rank, seen, width=20, period=100, style="euclid"):
    """How unlike anything before the last `width` closes are: distance to the most alike stretch of the past.

    Stretches are normalised, end at least `width` // 2 and at most `period` bars ago; `age` is how many. `rank` is the
    share of the last `period` bars with a smaller distance: near 1 something new happens. Nothing later is compared.
    """
    mine, other, work = np.empty(width), np.empty(width), np.empty((2, width + 1))
    for i in range(lo, hi):
        seen += 1.0
        distance[i] = age[i] = rank[i] = np.nan
        if seen < width + period:
            continue
        normal(close, i, width, mine)
        best, at = np.inf, 0
        for back in range(max(width // 2, 1), period + 1):
            normal(close, i - back, width, other)
            d = apart(mine, other, width, style, best, work)
            if d < best:
                best, at = d, back
        distance[i], age[i] = best, at
        if seen >= width + 2 * period:
            below = 0
            for k in range(i - period, i):
                below += distance[k] < best
            rank[i] = below / period
    return seen


@feature(
    takes="a b", gives="likeness", keeps="seen", warmup="width - 1", lookback="width - 1", where="width >= 4",
    choices={"style": MEASURES}, unit="ratio", pane="below", covers="3.3.8",
    source="Mueen et al., MASS; Sakoe and Chiba, IEEE Transactions ASSP 26, 1978",
)  # fmt: skip
def likeness(lo, hi, a, b, likeness, seen, width=20, style="euclid"):
    """Distance between the last `width` values of two series, each normalised: 0 where they move alike.

    `euclid`, `dtw` (each may run three bars ahead of the other), or `pearson` (1 less the correlation).
    """
    mine, other, work = np.empty(width), np.empty(width), np.empty((2, width + 1))
    for i in range(lo, hi):
        seen += 1.0
        likeness[i] = np.nan
        if seen >= width:
            normal(a, i, width, mine)
            normal(b, i, width, other)
            likeness[i] = apart(mine, other, width, style, np.inf, work)
    return seen


@feature(
    gives="nearest distance", keeps="seen", warmup="width - 1", lookback="width - 1", where="width >= 7",
    choices={"style": MEASURES}, unit="event ratio", pane="below", covers="3.3.8", source="Sakoe and Chiba 1978",
)  # fmt: skip
def shaped(lo, hi, close, nearest, distance, seen, width=20, style="euclid"):
    """Which drawn shape the last `width` closes are most like, and how far they are from it.

    0 rise, 1 fall, 2 valley, 3 peak, 4 double bottom, 5 double top, 6 head and shoulders: straight lines between seven
    corners, stretched over the window and normalised.
    """
    count = len(CORNERS)
    shapes, line = np.empty((count, width)), np.empty(width)
    for s in range(count):
        for k in range(width):
            at = 6.0 * k / (width - 1)
            j = min(int(at), 5)
            line[k] = CORNERS[s][j] + (CORNERS[s][j + 1] - CORNERS[s][j]) * (at - j)
        normal(line, width - 1, width, shapes[s])
    mine, work = np.empty(width), np.empty((2, width + 1))
    for i in range(lo, hi):
        seen += 1.0
        nearest[i] = distance[i] = np.nan
        if seen >= width:
            normal(close, i, width, mine)
            best, which = np.inf, 0
            for s in range(count):
                d = apart(mine, shapes[s], width, style, best, work)
                if d < best:
                    best, which = d, s
            nearest[i], distance[i] = which, best
    return seen
