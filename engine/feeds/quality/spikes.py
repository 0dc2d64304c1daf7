"""Spikes: a price far from those just before it, by six yardsticks; none looks ahead and none repairs.

    jump    |p - m| > max(12 s, 0.1 % of p): m and s of the 60 believed prices before, trimmed by 10 % at both ends.
            What is flagged is not believed; the sixth in a row is the new level. The default: silent on clean ticks.
            Bars: reach > max(25 m, 0.1 % of p): how far high or low is from the close before, m the mean of 60 such.
    tick    |p - m| >= 3 s + 2 price steps, of the 60 prices before    Brownlees & Gallo 2006, with a trailing window
    z       |p - mean| > 3 sigma of the 100 prices before (ddof 0)
    std     |r - mean| > 4 sigma of the 100 returns before (ddof 0)
    iqr     outside [Q1 - 1.5 IQR, Q3 + 1.5 IQR] of the 100 prices before                     Tukey 1977
    hampel  |p - median| > 3 x 1.4826 MAD of the 21 prices that end here                      Hampel 1974

All but `jump` are textbook rules that flag the tails of any market: thousands of rows on a good day. Brownlees & Gallo,
Computational Statistics & Data Analysis 51 (2006), centre their window; centred, it would look ahead.
"""

from __future__ import annotations

import numpy as np

from engine.core.errors import ConfigError
from engine.core.registry import did_you_mean
from engine.kernels.jit import jit

METHODS = {"jump": 60, "tick": 60, "z": 100, "iqr": 100, "hampel": 21, "std": 100}
"""Each method's window, in rows."""
COUNT, STRIKES = 0, 1


def method_of(name: str) -> str:
    if name not in METHODS:
        raise ConfigError(f"unknown method {name!r}: {did_you_mean(name, METHODS)}")
    return name


def spike_state(method: str):
    """(integers, window in the order it came, window sorted, last price): what is carried from block to block."""
    n = METHODS[method_of(method)]
    return np.zeros(2, np.int64), np.zeros(n), np.zeros(n), np.full(1, np.nan)


@jit
def push(ring, ordered, count, x):
    """Put `x` into a window, kept both as a ring and sorted; the oldest leaves a full one."""
    n = ring.size
    held = min(count, n)
    if count >= n:
        old = ring[count % n]
        k = np.searchsorted(ordered, old)
        while k < n - 1:
            ordered[k] = ordered[k + 1]
            k += 1
        held -= 1
    ring[count % n] = x
    k = held
    while k > 0 and ordered[k - 1] > x:
        ordered[k] = ordered[k - 1]
        k -= 1
    ordered[k] = x


@jit
def moments(values, first, last):
    """Mean and standard deviation (ddof 0) of values[first:last], in two passes."""
    total = 0.0
    for k in range(first, last):
        total += values[k]
    mean = total / (last - first)
    squares = 0.0
    for k in range(first, last):
        squares += (values[k] - mean) ** 2
    return mean, np.sqrt(squares / (last - first))


@jit
def quantile(ordered, n, q):
    """Of sorted values, between neighbours linearly, as pandas and numpy do."""
    place = (n - 1) * q
    low = int(np.floor(place))
    high = min(low + 1, n - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


@jit
def far(p, ring, held, factor, least):
    """(whether p is a jump, its distance from the trimmed mean)."""
    ordered = np.sort(ring[:held])
    cut = held // 10
    mean, deviation = moments(ordered, cut, held - cut)
    return abs(p - mean) > max(factor * deviation, least), p - mean


@jit
def jumps(price, believed, restart, factor, least, believe, bit, integers, ring, bounds, out, away):
    """The method `jump` of quotes; `restart` marks rows after a hole, where a new level is expected.

    The cheap question first: the mean lies between `bounds`, and a price near both cannot be far from it. They only
    widen between two looks at the whole window, so they are never too narrow.
    """
    n = ring.size
    count, strikes, lo, hi = integers[COUNT], integers[STRIKES], bounds[0], bounds[1]
    for i in range(price.size):
        if restart[i]:
            count = strikes = 0
        if not believed[i]:
            continue
        p = price[i]
        lo, hi = (min(lo, p), max(hi, p)) if count else (p, p)
        if hi - lo > least * p and count >= 20:
            found, distance = far(p, ring, min(count, n), factor, least * p)
            if found and strikes < believe:
                out[i] |= bit
                away[i] = distance
                strikes += 1
                lo, hi = ring[: min(count, n)].min(), ring[: min(count, n)].max()
                continue
            if found:
                count = 0
                lo = hi = p
        strikes = 0
        ring[count % n] = p
        count += 1
        if count % n == 0:
            lo, hi = ring.min(), ring.max()
    integers[COUNT], integers[STRIKES], bounds[0], bounds[1] = count, strikes, lo, hi


@jit
def reaches(price, reach, believed, restart, factor, least, believe, bit, integers, ring, ordered, out, away):
    """The method `jump` of bars: is the `reach` from the close before beyond what the last ones had."""
    for i in range(price.size):
        if not believed[i] or restart[i]:
            continue
        x = reach[i]
        held = min(integers[COUNT], ring.size)
        if held >= 20 and x > least * price[i]:
            cut = held // 10
            mean, _ = moments(ordered, cut, held - cut)
            if x > factor * mean and integers[STRIKES] < believe:
                out[i] |= bit
                away[i] = x
                integers[STRIKES] += 1
                continue
        integers[STRIKES] = 0
        push(ring, ordered, integers[COUNT], x)
        integers[COUNT] += 1


@jit
def outliers(method, price, believed, tick, bit, integers, ring, ordered, last, out, away):
    """The textbook methods, by number: 1 tick, 2 z, 3 iqr, 4 hampel, 5 std; a price that is flagged counts on."""
    n = ring.size
    for i in range(price.size):
        if not believed[i]:
            continue
        x = price[i]
        if method == 5:
            x, last[0] = (x / last[0] - 1.0 if last[0] > 0.0 else 0.0), x
        if method == 4:
            push(ring, ordered, integers[COUNT], x)
            integers[COUNT] += 1
        if integers[COUNT] >= n:
            found, distance = beyond(method, x, ring, ordered, tick)
            if found:
                out[i] |= bit
                away[i] = distance
        if method != 4:
            push(ring, ordered, integers[COUNT], x)
            integers[COUNT] += 1


@jit
def beyond(method, x, ring, ordered, tick):
    n = ring.size
    if method == 1:
        mean, deviation = moments(ordered, n // 10, n - n // 10)
        return abs(x - mean) >= 3.0 * deviation + 2.0 * tick, x - mean
    if method == 3:
        low, high = quantile(ordered, n, 0.25), quantile(ordered, n, 0.75)
        beside = 1.5 * (high - low)
        return x < low - beside or x > high + beside, x - (low + high) / 2.0
    if method == 4:
        middle = ordered[n // 2]
        apart = np.sort(np.abs(ordered - middle))
        return abs(x - middle) > 3.0 * 1.4826 * apart[n // 2], x - middle
    mean, deviation = moments(ring, 0, n)
    return abs(x - mean) > (3.0 if method == 2 else 4.0) * deviation, x - mean
