"""Turning points. `sign` is +1 for highs and -1 for lows: one code path for both."""

from __future__ import annotations

from engine.kernels.jit import jit


@jit
def is_pivot(x, p, left, right, sign):
    """Is row p beyond every one of `right` rows after it and at least level with `left` before it?

    Of equal highs the last one counts, as in MetaTrader's Fractals and TradingView's pivots.
    """
    for k in range(p + 1, p + right + 1):
        if (x[p] - x[k]) * sign <= 0.0:
            return False
    for k in range(p - left, p):
        if (x[p] - x[k]) * sign < 0.0:
            return False
    return True


@jit
def is_peak(x, p, left, right, sign):
    """Is row p beyond every one of the rows around it? Equals do not count."""
    for k in range(p - left, p + right + 1):
        if k != p and (x[p] - x[k]) * sign <= 0.0:
            return False
    return True
