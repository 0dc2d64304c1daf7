"""Recursive averages whose start is a plain mean."""

from __future__ import annotations

from engine.kernels.jit import jit


@jit
def rate(count, period, final):
    """Weight of the newest of `count` values: a plain mean of the first `period`, then `final`.

    An average that moves by `rate` of the distance to each value is seeded with the mean of its first `period`
    values, as TA-Lib's are.
    """
    return final if count > period else 1.0 / count


@jit
def onward(mean, part, fade, step, value, weight):
    """An exponential average after one more value; then (mean, part, fade, step) to go on from.

    Written as `mean += (value - mean) * weight` every bar waits for the one before. Here it waits once in four: `mean`
    is the average up to four values ago, `fade` what is left of it (1 at first) and `part` what the values since have
    added. The bits are the same for one bar at a time as for a million.
    """
    part, fade = part * (1.0 - weight) + value * weight, fade * (1.0 - weight)
    now = mean * fade + part
    if step == 3.0:
        return now, now, 0.0, 1.0, 0.0
    return now, mean, part, fade, step + 1.0
