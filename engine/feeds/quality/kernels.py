"""The checks of single rows, compiled: a block of rows and the state that is carried from block to block.

Every verdict uses this row and those before it; nothing depends on where a stream is cut into blocks, to the bit.
"""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import jit

MISSING, NONPOSITIVE, CROSSED, INCONSISTENT, NEGATIVE, BACKWARD, DUPLICATE = 1, 2, 4, 8, 16, 32, 64
WIDE, FROZEN, STALE = 4096, 8192, 16384
RING = 256
"""How many rows back a quote is recognised."""
MEMORY, FORGET = 1000, 0.001
"""Rows over which the usual spread is remembered."""
HIGH, SEEN, RUN, RUN_TS, BID_TS, ASK_TS, BID_MOVES, ASK_MOVES, LEARNT, IN_ORDER = range(10)
LAST_BID, LAST_ASK, USUAL = range(3)


def quote_state():
    """(integers, numbers, ring of the last rows): what `quote_flags` carries."""
    integers = np.zeros(10, np.int64)
    integers[HIGH], integers[IN_ORDER] = np.iinfo(np.int64).min, RING
    return integers, np.full(3, np.nan), np.zeros((RING, 5), np.int64)


@jit
def seen_before(t, raw, i, ring, seen, sorted_since):
    """Whether one of the last rows is equal in stamp, prices and sizes, bit for bit; the newest are looked at first.

    Where the last rows are in order of time, the first one stamped earlier ends the search.
    """
    for back in range(1, min(seen, RING) + 1):
        k = (seen - back) % RING
        if ring[k, 0] < t and sorted_since > RING:
            return False
        if ring[k, 0] == t and ring[k, 1] == raw[0, i] and ring[k, 2] == raw[1, i]:
            if ring[k, 3] == raw[2, i] and ring[k, 4] == raw[3, i]:
                return True
    return False


@jit
def quote_flags(ts, bid, ask, raw, sized, limits, n, state, numbers, ring, out):
    """OR the flags of quotes into `out`.

    raw   int64 (4, rows): bid, ask and both sizes, their bits
    limits  frozen ns, stale ns, wide in usual spreads, wide least share; n: frozen rows, stale moves
    """
    high, seen, in_order = state[HIGH], state[SEEN], state[IN_ORDER]
    for i in range(ts.size):
        b, a, t = bid[i], ask[i], ts[i]
        flags = 0
        in_order += 1
        if t < high:
            flags |= BACKWARD
            in_order = 0
        if t <= high and seen_before(t, raw, i, ring, seen, in_order):
            flags |= DUPLICATE
        high = max(high, t)
        place = seen % RING
        ring[place, 0] = t
        for k in range(4):
            ring[place, k + 1] = raw[k, i]
        seen += 1
        if not (np.isfinite(b) and np.isfinite(a)):
            flags |= MISSING
        elif b <= 0.0 or a <= 0.0:
            flags |= NONPOSITIVE
        elif a < b:
            flags |= CROSSED
        else:
            flags |= still(t, b, a, limits, n, state, numbers)
            flags |= too_wide(b, a, limits, state, numbers)
        if sized[i]:
            flags |= NEGATIVE
        if flags:
            out[i] |= flags
    state[HIGH], state[SEEN], state[IN_ORDER] = high, seen, in_order


@jit
def still(t, b, a, limits, n, state, numbers):
    """FROZEN and STALE: how long neither side has moved, and how long one while the other moves on."""
    moved_bid, moved_ask = b != numbers[LAST_BID], a != numbers[LAST_ASK]
    if not (moved_bid or moved_ask):
        state[RUN] += 1
        return FROZEN if state[RUN] >= n[0] and t - state[RUN_TS] >= limits[0] else 0
    state[RUN], state[RUN_TS] = 1, t
    numbers[LAST_BID], numbers[LAST_ASK] = b, a
    if moved_bid:
        state[BID_TS], state[ASK_MOVES] = t, 0
        state[BID_MOVES] += 1
    if moved_ask:
        state[ASK_TS], state[BID_MOVES] = t, 0
        state[ASK_MOVES] += 0 if moved_bid else 1
    if a - b <= 5.0 * numbers[USUAL]:
        return 0
    moves = max(state[BID_MOVES], state[ASK_MOVES])
    since = t - (state[ASK_TS] if state[BID_MOVES] > state[ASK_MOVES] else state[BID_TS])
    return STALE if moves >= n[1] and since >= limits[1] else 0


@jit
def too_wide(b, a, limits, state, numbers):
    """WIDE: a spread beyond so many usual ones; such a spread does not become usual."""
    spread, usual, learnt = a - b, numbers[USUAL], state[LEARNT]
    if learnt == 0:
        numbers[USUAL], state[LEARNT] = spread, 1
        return 0
    if learnt >= 100 and spread > limits[2] * usual and spread > limits[3] * b:
        return WIDE
    believed = min(spread, 3.0 * usual) if usual > 0.0 else spread
    if learnt < MEMORY:
        state[LEARNT] = learnt + 1
        numbers[USUAL] = usual + (believed - usual) / (learnt + 1.0)
    else:
        numbers[USUAL] = usual + (believed - usual) * FORGET
    return 0


def bar_state():
    """(integers, numbers, ring of opening times): what `bar_flags` carries."""
    integers = np.zeros(9, np.int64)
    integers[HIGH] = np.iinfo(np.int64).min
    return integers, np.full(3, np.nan), np.full(RING, np.iinfo(np.int64).min)


@jit
def bar_flags(opened, o, h, l, c, volume, spread, made, limits, n, state, numbers, ring, out):
    """OR the flags of bars into `out`; `made` marks synthetic bars, which may be flat for ever."""
    for i in range(opened.size):
        t = opened[i]
        flags = 0
        if t < state[HIGH]:
            flags |= BACKWARD
        if t <= state[HIGH]:
            for k in range(min(state[SEEN], RING)):
                if ring[k] == t:
                    flags |= DUPLICATE
        state[HIGH] = max(state[HIGH], t)
        ring[state[SEEN] % RING] = t
        state[SEEN] += 1
        if not (np.isfinite(o[i]) and np.isfinite(h[i]) and np.isfinite(l[i]) and np.isfinite(c[i])):
            flags |= MISSING
        elif o[i] <= 0.0 or h[i] <= 0.0 or l[i] <= 0.0 or c[i] <= 0.0:
            flags |= NONPOSITIVE
        elif h[i] < max(o[i], c[i], l[i]) or l[i] > min(o[i], c[i]):
            flags |= INCONSISTENT
        if spread[i] < 0.0 or np.isinf(spread[i]):
            flags |= CROSSED
        if volume[i] < 0.0:
            flags |= NEGATIVE
        if flags == 0:
            flat = h[i] == l[i] and c[i] == numbers[LAST_BID]
            if flat and not made[i]:
                state[RUN] += 1
                if state[RUN] >= n[0] and t - state[RUN_TS] >= limits[0]:
                    flags |= FROZEN
            else:
                state[RUN], state[RUN_TS] = 1, t
            numbers[LAST_BID] = c[i]
            if spread[i] == spread[i]:
                flags |= too_wide(c[i], c[i] + spread[i], limits, state, numbers)
        out[i] |= flags
