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
def extremes(high, low, lo, hi, n, upper, lower, at):
    """Highest of `high` and lowest of `low` in the n rows that end at lo, lo + 1 .. hi - 1, written from row `at` on.

    A window is an older part, looked up, and the rows since; rebuilt once per n rows, no row ever costs a search.
    """
    tops, bottoms = np.empty(n), np.empty(n)
    i = lo
    while i < hi:
        top, bottom = high[i], low[i]
        tops[0], bottoms[0] = top, bottom
        for k in range(1, n):
            top = high[i - k] if high[i - k] > top else top
            bottom = low[i - k] if low[i - k] < bottom else bottom
            tops[k], bottoms[k] = top, bottom
        top, bottom = high[i], low[i]
        for j in range(i, min(i + n, hi)):
            top = high[j] if high[j] > top else top
            bottom = low[j] if low[j] < bottom else bottom
            older_top, older_bottom = tops[n - 1 - j + i], bottoms[n - 1 - j + i]
            upper[at + j - lo] = top if top > older_top else older_top
            lower[at + j - lo] = bottom if bottom < older_bottom else older_bottom
        i += n


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
