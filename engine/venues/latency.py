"""How long a message is on its way."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import jit

OUT, CHANGE, BACK = map(np.int64, range(3))
"""Legs: an order to the venue, a change or cancel to the venue, a report to us."""


@jit(no_cpython_wrapper=True)
def delay(book, s, leg, key, n):
    """ns that the n-th message of that leg about thing `key` (an order, a deal) takes for symbol s."""
    return np.int64(book[6][s].delays[leg].a)
