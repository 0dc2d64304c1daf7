"""What one symbol's market says of another's."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import jit


@jit
def last_before(symbol, s, at):
    """The last record of symbol s before record `at`; -1 if there is none."""
    for n in range(at - 1, -1, -1):
        if symbol[n] == s:
            return n
    return -1


@jit
def correlation(end_a, close_a, i, end_b, close_b, j, bars):
    """Correlation of the logarithmic returns of two streams up to rows i and j, over `bars` bars that both have.

    NaN where they share less than half as many in the last 2 x `bars` rows, or one of them does not move.
    """
    first_i, first_j = max(i - 2 * bars, 0), max(j - 2 * bars, 0)
    n, sx, sy, sxx, syy, sxy, later_a, later_b = 0, 0.0, 0.0, 0.0, 0.0, 0.0, np.nan, np.nan
    while i >= first_i and j >= first_j and n < bars:
        if end_a[i] > end_b[j]:
            i -= 1
        elif end_b[j] > end_a[i]:
            j -= 1
        else:
            if later_a == later_a:
                x, y = np.log(later_a / close_a[i]), np.log(later_b / close_b[j])
                n, sx, sy = n + 1, sx + x, sy + y
                sxx, syy, sxy = sxx + x * x, syy + y * y, sxy + x * y
            later_a, later_b = close_a[i], close_b[j]
            i -= 1
            j -= 1
    if 2 * n < bars:
        return np.nan
    vx, vy = n * sxx - sx * sx, n * syy - sy * sy
    if not (vx > 0.0 and vy > 0.0):
        return np.nan
    return min(max((n * sxy - sx * sy) / np.sqrt(vx * vy), -1.0), 1.0)
