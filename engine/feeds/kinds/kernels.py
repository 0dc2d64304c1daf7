"""Kernels of `BarMaker`: one loop per kind of bar, state carried from call to call, so that a cut changes nothing.

All take records lo..hi-1 (`ts` int64 ns; price, size, side, spread float64), the state, `p` = (measure, amount, points
in one), the edges of time frames, and room for closed bars. All return (where it stopped, bars closed): early only when
the room is full, before the record at which that was found. A record belongs to the bar it completes.

Imbalance and run bars: López de Prado, Advances in Financial Machine Learning (2018), 2.3.2. Where the book leaves it
open: expectations are exponential means over `MEMORY` bars' worth of records; the expected length stays within a factor
`LEASH` of N; and an imbalance that chance alone makes is none (`sqrt(T) x size`), without which expectations near zero
shrink the bars to single records. The first bar has N records.
"""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import jit

MEMORY, LEASH = 20, 4.0
NEAR = 1e-6
"""In points: prices are decimal fractions, a mid of two may miss its own grid by a rounding."""
BRICKS = 1_000_000
"""Most bricks one record may complete."""
_i, _f = np.int64, np.float64
STATE = np.dtype([
    ("is_open", _i), ("start", _i), ("end", _i), ("known", _i), ("ticks", _i), ("missing", _i),
    ("bars", _i), ("seen", _i), ("first", _f), ("high", _f), ("low", _f), ("last", _f), ("volume", _f), ("value", _f),
    ("spread", _f), ("wide", _f),
    ("price", _f), ("sign", _f), ("up", _f), ("down", _f), ("length", _f), ("limit", _f),
    ("one", _f), ("other", _f), ("top", _i), ("bottom", _i),
], align=True)  # fmt: skip
"""The open bar, the last record (for the tick rule), sums of the bar, expectations, and the last brick's edges."""
VALUES = ("open", "high", "low", "close", "volume", "spread", "ticks", "vwap", "spread_mean", "n_missing")


@jit(no_cpython_wrapper=True)
def absorb(x, ts, start, price, size, spread):
    """Put a record into the open bar, opening it if need be."""
    if not x.is_open:
        x.is_open, x.start = 1, start
        x.first, x.high, x.low = price, price, price
        x.volume, x.value, x.wide, x.ticks = 0.0, 0.0, 0.0, 0
        x.up, x.down = 0.0, 0.0
    x.high = max(x.high, price)
    x.low = min(x.low, price)
    x.last, x.spread, x.known = price, spread, ts
    x.volume += size
    x.value += price * size
    x.wide += spread
    x.ticks += 1


@jit(no_cpython_wrapper=True)
def emit(x, stamps, values, n, known):
    """Write the open bar as row n."""
    stamps[0, n], stamps[1, n] = known, x.start
    values[0, n], values[1, n], values[2, n], values[3, n] = x.first, x.high, x.low, x.last
    values[4, n], values[5, n], values[6, n], values[9, n] = x.volume, x.spread, x.ticks, x.missing
    mean = x.value / x.volume if x.volume > 0.0 else np.nan
    values[7, n] = x.low if mean < x.low else x.high if mean > x.high else mean  # a rounding outside
    values[8, n] = x.wide / x.ticks if x.ticks > 0 else np.nan


@jit(no_cpython_wrapper=True)
def shut(x, stamps, values, n, known):
    emit(x, stamps, values, n, known)
    x.is_open = 0
    x.bars += 1
    return n + 1


@jit
def show(state, stamps, values):
    """The open bar as row 0; nothing changes."""
    emit(state[0], stamps, values, 0, state[0].known)


@jit(no_cpython_wrapper=True)
def amount(measure, price, size):
    if measure == 0.0:
        return 1.0
    return size if measure == 1.0 else price * size


@jit(no_cpython_wrapper=True)
def signed(x, price, side):
    """+1 if the buyer took, -1 if the seller did: as recorded, else by the tick rule; 0 before the first move."""
    if side > 0.0 or side < 0.0:
        x.sign = 1.0 if side > 0.0 else -1.0
    elif price > x.price:
        x.sign = 1.0
    elif price < x.price:
        x.sign = -1.0
    x.price = price
    return x.sign


@jit(no_cpython_wrapper=True)
def share(x, span):
    """Weight of a new value in an exponential mean that begins as a plain one."""
    x.seen += 1
    return max(2.0 / (span + 1.0), 1.0 / x.seen)


@jit
def by_time(ts, price, size, side, spread, lo, hi, state, p, edges, stamps, values):
    """Bars of [edges[k], edges[k + 1]); `missing` counts the empty intervals since the bar before."""
    x = state[0]
    k = n = 0
    for i in range(lo, hi):
        if x.is_open and ts[i] >= x.end:
            if n == stamps.shape[1]:
                return i, n
            n = shut(x, stamps, values, n, x.end)
        if not x.is_open:
            k = max(np.searchsorted(edges, ts[i], side="right") - 1, 0)
            x.missing = k - np.searchsorted(edges, x.end, side="left") if x.bars else 0
            x.end = edges[k + 1]
        absorb(x, ts[i], edges[k], price[i], size[i], spread[i])
    return hi, n


@jit
def by_sum(ts, price, size, side, spread, lo, hi, state, p, edges, stamps, values):
    x = state[0]
    n = 0
    for i in range(lo, hi):
        if n == stamps.shape[1]:
            return i, n
        absorb(x, ts[i], ts[i], price[i], size[i], spread[i])
        x.up += amount(p[0], price[i], size[i])
        if x.up >= p[1]:
            n = shut(x, stamps, values, n, ts[i])
    return hi, n


@jit
def by_range(ts, price, size, side, spread, lo, hi, state, p, edges, stamps, values):
    x = state[0]
    n = 0
    for i in range(lo, hi):
        if n == stamps.shape[1]:
            return i, n
        absorb(x, ts[i], ts[i], price[i], size[i], spread[i])
        if (x.high - x.low) * p[2] >= p[1] - NEAR:
            n = shut(x, stamps, values, n, ts[i])
    return hi, n


@jit
def by_renko(ts, price, size, side, spread, lo, hi, state, p, edges, stamps, values):
    """Bricks from edge to edge on a grid of p[1] points; a record that completes several is in the first of them."""
    x = state[0]
    n = 0
    for i in range(lo, hi):
        at = price[i] * p[2]
        half = np.floor(2.0 * at + 0.5) * 0.5
        at = half if abs(at - half) < NEAR else at
        if not x.seen:
            x.seen, x.top = 1, int(np.floor(at / p[1] + 0.5))
            x.bottom = x.top
        up = int(np.floor((at + NEAR) / p[1])) - x.top
        down = x.bottom - int(np.ceil((at - NEAR) / p[1]))
        count = max(up, down, 0)
        if n + count > stamps.shape[1]:
            return i, (-1 if count > BRICKS else n)
        absorb(x, ts[i], ts[i], price[i], size[i], spread[i])
        step = 1 if up > 0 else -1
        for brick in range(count):
            begin = x.top if step > 0 else x.bottom
            x.first, x.last = begin * p[1] / p[2], (begin + step) * p[1] / p[2]
            if brick:
                x.is_open, x.start, x.high, x.low = 1, ts[i], x.first, x.first
                x.volume, x.value, x.wide, x.ticks = 0.0, 0.0, 0.0, 0
            reached = price[i] if brick == count - 1 else x.last
            top, low = max(x.first, x.last), min(x.first, x.last)
            # Until the last of several bricks the record's price is beyond the brick: its wick belongs to the last.
            beyond_top = x.high > top and step > 0 and brick < count - 1
            beyond_low = x.low < low and step < 0 and brick < count - 1
            x.high = top if beyond_top else max(x.high, top, reached)
            x.low = low if beyond_low else min(x.low, low, reached)
            n = shut(x, stamps, values, n, ts[i])
            x.bottom, x.top = min(begin, begin + step), max(begin, begin + step)
    return hi, n


@jit(no_cpython_wrapper=True)
def relearn(x, n):
    """The expected length of a bar, after one of x.ticks records."""
    if x.bars == 0:
        x.length = n
    else:
        x.length += (x.ticks - x.length) * 2.0 / (MEMORY + 1.0)
    x.length = min(max(x.length, n / LEASH), n * LEASH)


@jit
def by_imbalance(ts, price, size, side, spread, lo, hi, state, p, edges, stamps, values):
    """`one` and `other`: means of signed and of plain amounts per record."""
    x = state[0]
    n = 0
    for i in range(lo, hi):
        if n == stamps.shape[1]:
            return i, n
        b, v = signed(x, price[i], side[i]), amount(p[0], price[i], size[i])
        absorb(x, ts[i], ts[i], price[i], size[i], spread[i])
        x.up += b * v
        a = share(x, MEMORY * p[1])
        x.one += a * (b * v - x.one)
        x.other += a * (v - x.other)
        full = x.ticks >= p[1] if x.bars == 0 or x.limit <= 0.0 else abs(x.up) >= x.limit
        if full:
            relearn(x, p[1])
            x.limit = max(x.length * abs(x.one), np.sqrt(x.length) * x.other)
            n = shut(x, stamps, values, n, ts[i])
    return hi, n


@jit
def by_run(ts, price, size, side, spread, lo, hi, state, p, edges, stamps, values):
    """`one` and `other`: means per record of what buyers and what sellers took."""
    x = state[0]
    n = 0
    for i in range(lo, hi):
        if n == stamps.shape[1]:
            return i, n
        b, v = signed(x, price[i], side[i]), amount(p[0], price[i], size[i])
        absorb(x, ts[i], ts[i], price[i], size[i], spread[i])
        bought, sold = (v if b > 0.0 else 0.0), (v if b < 0.0 else 0.0)
        x.up += bought
        x.down += sold
        a = share(x, MEMORY * p[1])
        x.one += a * (bought - x.one)
        x.other += a * (sold - x.other)
        full = x.ticks >= p[1] if x.bars == 0 or x.limit <= 0.0 else max(x.up, x.down) >= x.limit
        if full:
            relearn(x, p[1])
            x.limit = x.length * max(x.one, x.other)
            n = shut(x, stamps, values, n, ts[i])
    return hi, n


@jit
def by_volatility(ts, price, size, side, spread, lo, hi, state, p, edges, stamps, values):
    """`one`: mean squared change from record to record, known before the bar whose height it sets."""
    x = state[0]
    n = 0
    for i in range(lo, hi):
        if n == stamps.shape[1]:
            return i, n
        absorb(x, ts[i], ts[i], price[i], size[i], spread[i])
        if not np.isnan(x.price):
            move = price[i] - x.price
            x.one += share(x, MEMORY * p[1]) * (move * move - x.one)
        x.price = price[i]
        full = x.ticks >= p[1] if x.bars == 0 or x.limit <= 0.0 else x.high - x.low >= x.limit
        if full:
            x.limit = np.sqrt(x.one * p[1])
            n = shut(x, stamps, values, n, ts[i])
    return hi, n


@jit
def bars_by_time(ts, opened, first, high, low, close, volume, spread, lo, hi, state, step, edges, stamps, values):
    """Bars out of smaller ones of `step` ns, by their opening; `missing` counts the small ones that are not there.

    A bar closes with the small one that ends where it does, else with the first that opens after it.
    """
    x = state[0]
    k = n = 0
    for i in range(lo, hi):
        if n + 2 > stamps.shape[1]:
            return i, n
        if x.is_open and opened[i] >= x.end:
            n = shut(x, stamps, values, n, x.end)
        if not x.is_open:
            k = max(np.searchsorted(edges, opened[i], side="right") - 1, 0)
            x.end = edges[k + 1]
            x.missing = (edges[k + 1] - edges[k] + step - 1) // step
            absorb(x, ts[i], edges[k], first[i], 0.0, 0.0)
            x.ticks = 0
            x.wide = 0.0
        absorb(x, ts[i], edges[k], close[i], volume[i], spread[i])
        x.high, x.low = max(x.high, high[i]), min(x.low, low[i])
        x.missing -= 1
        x.value = np.nan  # what was traded where inside the small bars is not known
        if ts[i] >= x.end:
            n = shut(x, stamps, values, n, x.end)
    return hi, n
