"""What lies in order: where a stamp is among rising ones, and a window kept by size, the smallest first."""

from __future__ import annotations

from engine.kernels.jit import jit


@jit
def first_from(ts, i, hi, stop):
    """First of the rising stamps i..hi-1 that is not before `stop`, hi if none: a quick look near i, then by halves."""
    step = 1
    while i + step < hi and ts[i + step] < stop:
        i += step
        step *= 2
    hi = min(i + step, hi)
    while i < hi:
        middle = (i + hi) // 2
        if ts[middle] < stop:
            i = middle + 1
        else:
            hi = middle
    return hi


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
