"""The highest or lowest of a window that slides, without a search on any row."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import jit


@jit
def sliding_top(x, sign, lo, hi, n, out, at):
    """The highest (`sign` 1.0) or lowest (-1.0) of x in the n rows that end at lo, lo + 1 .. hi - 1, to row `at` on.

    Windows of 1, 2, 4 ... rows are each made of two half as long, the last two overlapping: no pass depends on the
    row before, so the processor takes several rows at a time. Few rows are looked through as they are.
    """
    rows = hi - lo
    if rows < 4:
        for j in range(rows):
            best = sign * x[lo + j - n + 1]
            for k in range(lo + j - n + 2, lo + j + 1):
                best = sign * x[k] if sign * x[k] > best else best
            out[at + j] = sign * best
        return
    source, size, have = x[lo - n + 1 : hi], rows + n - 1, 1
    one, two = np.empty(size), np.empty(size)
    for j in range(size):
        one[j] = sign * source[j]
    while 2 * have <= n:
        size -= have
        late = one[have:]
        for j in range(size):
            two[j] = one[j] if one[j] > late[j] else late[j]
        one, two = two, one
        have *= 2
    late, made = one[n - have :], out[at : at + rows]
    for j in range(rows):
        made[j] = sign * (one[j] if one[j] > late[j] else late[j])
