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
