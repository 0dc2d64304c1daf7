"""A window kept in order of size, the smallest first."""

from __future__ import annotations

from engine.kernels.jit import jit


@jit
def place_of(ordered, size, value):
    """How many of the first `size` numbers are below `value`."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        if ordered[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@jit
def put_in(ordered, size, value):
    """Insert `value` among the first `size` numbers."""
    k = place_of(ordered, size, value)
    for j in range(size, k, -1):
        ordered[j] = ordered[j - 1]
    ordered[k] = value


@jit
def take_out(ordered, size, value):
    """Remove one `value` from the first `size` numbers."""
    for j in range(place_of(ordered, size, value), size - 1):
        ordered[j] = ordered[j + 1]
