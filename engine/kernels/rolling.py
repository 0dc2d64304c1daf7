"""Windows that slide: what is rebuilt from the rows themselves, and when.

A running sum drifts, and keeps the rounding of every value that ever passed through it. So it is rebuilt from its
window at the first bar of each UTC day: a fixed stamp, so that runs which began elsewhere have the same bits again
from there on, however the bars were cut into blocks.
"""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import jit

DAY = 86_400_000_000_000


@jit
def window_sum(x, i, n):
    """Sum of the n values that end at row i."""
    total = 0.0
    for k in range(i - n + 1, i + 1):
        total += x[k]
    return total


@jit
def window_moments(x, i, n, base):
    """Sum and sum of squares of the n values that end at row i, each less `base`."""
    total, squares = 0.0, 0.0
    for k in range(i - n + 1, i + 1):
        d = x[k] - base
        total += d
        squares += d * d
    return total, squares


@jit
def add(total, rest, x):
    """total + rest + x, with `rest` holding what rounding loses: a spike that has left a sum leaves nothing behind."""
    new = total + x
    back = new - total
    return new, rest + ((total - (new - back)) + (x - back))


@jit
def window_total(x, i, n, base):
    """Sum of the n values that end at row i, each less `base`, and what rounding lost."""
    total, rest = 0.0, 0.0
    for k in range(i - n + 1, i + 1):
        total, rest = add(total, rest, x[k] - base)
    return total, rest


@jit
def first_bar_of_day(open_ts, day):
    """Is a bar that opens at `open_ts` the first of its UTC day? `day` is the day number of the bar before."""
    return open_ts >= np.int64(day + 1) * DAY
