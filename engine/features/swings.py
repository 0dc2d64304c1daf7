"""Turning points, written on the bar that confirms them."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature
from engine.kernels.peaks import is_peak, is_pivot


@feature(
    gives="event top top_age bottom bottom_age", keeps="seen high1 age1 low1 age2", warmup="left + right", lag="right",
    lookback="left + right", where="left >= 1, right >= 1", sparse="top top_age bottom bottom_age",
    unit="event price bars price bars", covers="6.3.6",
)  # fmt: skip
def swing(lo, hi, high, low, event, top, top_age, bottom, bottom_age, seen, high1, age1, low1, age2, left=5, right=5):
    """Swing highs and lows: a bar beyond `left` bars before and `right` bars after it, known `right` bars later.

    `event` is 1 on the bar that confirms a high, -1 for a low, 2 for both, else 0. `top` and `bottom` are the
    prices of the last confirmed ones, `top_age` and `bottom_age` how many bars ago they were. Nothing repaints.
    Of equal highs the last counts.
    """
    for i in range(lo, hi):
        seen += 1.0
        age1 += 1.0
        age2 += 1.0
        found = 0.0
        if seen > left + right:
            if is_pivot(high, i - right, left, right, 1.0):
                high1, age1, found = high[i - right], float(right), 1.0
            if is_pivot(low, i - right, left, right, -1.0):
                low1, age2, found = low[i - right], float(right), 2.0 if found > 0.0 else -1.0
        event[i] = found if seen > left + right else np.nan
        top[i] = high1 if age1 < seen else np.nan
        top_age[i] = age1 if age1 < seen else np.nan
        bottom[i] = low1 if age2 < seen else np.nan
        bottom_age[i] = age2 if age2 < seen else np.nan
    return seen, high1, age1, low1, age2


@feature(
    gives="swing_way", keeps="seen high1 high2 low1 low2", lookback="right", where="left >= 1, right >= 1",
    settle="1000", unit="event", range=(-1.0, 1.0), pane="below", covers="3.2.3 6.3.6",
    source="Dow's theory as in Rhea, The Dow Theory, 1932",
)  # fmt: skip
def swing_way(
    lo, hi, high, low, swing_way, seen, high1, high2, low1, low2, turned=swing("left", "right").event, left=5, right=5
):  # fmt: skip
    """Which way swings point: 1 if the last confirmed high and low are both above those before, -1 if below, or 0."""
    for i in range(lo, hi):
        seen += 1.0
        if turned[i] > 0.0:
            high2, high1 = high1, high[i - right]
        if turned[i] < 0.0 or turned[i] == 2.0:
            low2, low1 = low1, low[i - right]
        swing_way[i] = 0.0
        if high2 != 0.0 and low2 != 0.0:
            swing_way[i] = 1.0 * (high1 > high2 and low1 > low2) - 1.0 * (high1 < high2 and low1 < low2)
    return seen, high1, high2, low1, low2


@feature(
    gives="fractal_up fractal_down", keeps="seen", warmup="left + right", lookback="left + right", lag="right",
    where="left >= 1, right >= 1", like="talib.FRACTAL", unit="event", range=(0.0, 100.0), pane="below",
    covers="3.1.1 6.3.6", source="Williams, Trading Chaos, 1995",
)  # fmt: skip
def fractal(lo, hi, high, low, fractal_up, fractal_down, seen, left=2, right=2):
    """Fractals, strict: 100 where the bar `right` bars ago was higher (lower) than all around it, no equals."""
    for i in range(lo, hi):
        seen += 1.0
        fractal_up[i] = fractal_down[i] = np.nan
        if seen > left + right:
            fractal_up[i] = 100.0 if is_peak(high, i - right, left, right, 1.0) else 0.0
            fractal_down[i] = 100.0 if is_peak(low, i - right, left, right, -1.0) else 0.0
    return seen
