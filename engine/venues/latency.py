"""How long a message is on its way."""

from __future__ import annotations

import math

import numpy as np

from engine.kernels.draws import gamma, normal, one_of, uniform
from engine.kernels.jit import part
from engine.kernels.terms import LATENCIES

OUT, CHANGE, BACK = map(np.int64, range(3))
"""Legs: an order to the venue, a change or cancel to the venue, a report to us."""
CONSTANT, LOGNORMAL, GAMMA, TRACE = map(np.int64, range(len(LATENCIES)))
LONGEST = 86_400e9
"""ns: no message is on its way for more than a day, whatever a tail draws."""


@part
def delay(book, s, leg, key, n):
    """ns that the n-th message of that leg about thing `key` (an order, a deal) takes for symbol s.

    A draw belongs to (seed, leg, key, n): the same order draws the same whatever else happens.
    """
    d = book[6][s].delays[leg]
    return np.int64(d.a) if d.model == CONSTANT else drawn(book, d, leg, key, n)


@part
def on_their_way(book, first):
    """When we hear of the reports from `first` on: none overtakes the one before it."""
    a, reports = book[0][0], book[4]
    for n in range(first, a.reports):
        r = reports[n]
        length = delay(book, r.symbol, BACK, r.order if r.order else r.position, r.ts + r.kind)
        a.known = max(a.known, r.ts + length)
        r.known = a.known


@part
def drawn(book, d, leg, key, n):
    seed = book[0][0].seed
    if d.model == LOGNORMAL:
        length = d.a * math.exp(d.b * normal(uniform(seed, leg, key, n)))
    elif d.model == GAMMA:
        length = d.a / d.b * gamma(d.b, seed, leg, key, n)
    else:
        length = d.a * book[8][one_of(seed, leg, key, n, d.at, d.count)].a
    return np.int64(min(length, LONGEST))
