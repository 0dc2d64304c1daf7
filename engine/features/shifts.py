"""Is what comes in still distributed as it was? Two windows, one after the other, compared."""

from __future__ import annotations

import math

import numpy as np

from engine.features.contract import feature
from engine.features.pressure import log_change
from engine.features.scaling import quantile
from engine.kernels.jit import jit
from engine.kernels.order import place_of, put_in

WATCH, ACT = 0.1, 0.25
"""Siddiqi's levels of the population stability index."""


@jit
def apart(a, b, n):
    """n times the largest distance between the cumulative shares of two ordered samples of n (Kolmogorov-Smirnov)."""
    i, j, far = 0, 0, 0
    while i < n and j < n:
        x, y = a[i], b[j]
        i += x <= y
        j += y <= x
        far = max(far, abs(i - j))
    return far


@jit
def exchange(ordered, n, old, new):
    """Put `new` in the place of `old` among n ordered numbers: only what lies between them moves."""
    k = place_of(ordered, n, old)
    while k + 1 < n and ordered[k + 1] < new:
        ordered[k] = ordered[k + 1]
        k += 1
    while k > 0 and ordered[k - 1] > new:
        ordered[k] = ordered[k - 1]
        k -= 1
    ordered[k] = new


@jit
def by_chance(far, n):
    """How often two samples of n from one distribution are `far` / n or more apart: exact, as lattice paths count."""
    if far == 0:
        return 1.0
    total, sign, whole = 0.0, 2.0, 2.0 * math.lgamma(n + 1.0)
    for a in range(far, n + 1, far):
        share = math.exp(whole - math.lgamma(n - a + 1.0) - math.lgamma(n + a + 1.0))
        total += sign * share
        sign = -sign
        if share < 1e-18 * total:
            break
    return min(max(total, 0.0), 1.0)


@feature(
    gives="psi ks p w1 flag", keeps="seen past[period] now[period]", warmup="2 * period - 1", lookback="2 * period",
    where="period >= 20", unit="ratio ratio ratio ratio event", pane="below", covers="2.5.2",
    source="Siddiqi, Credit Risk Scorecards, 2006; Kolmogorov 1933, Smirnov 1939; Hodges, Arkiv Matematik 3, 1958",
)  # fmt: skip
def shift(lo, hi, psi, ks, p, w1, flag, seen, past, now, stream=log_change(), period=500):
    """Has the distribution changed? The last `period` values against the `period` before them, returns unless told.

    `psi` is the stability index over the ten equal parts of the older window (shares of at least 0.0001), `ks` the
    largest distance of the cumulative shares with its exact chance `p`, `w1` the mean distance of the ordered values
    (Wasserstein). `flag` is 1 from a `psi` of 0.1 on (watch), 2 from 0.25 on (act).
    """
    for i in range(lo, hi):
        if seen >= 2 * period:
            exchange(past, period, stream[i - 2 * period], stream[i - period])
        elif seen >= period:
            put_in(past, int(seen) - period, stream[i - period])
        if seen >= period:
            exchange(now, period, stream[i - period], stream[i])
        else:
            put_in(now, int(seen), stream[i])
        seen += 1.0
        psi[i] = ks[i] = p[i] = w1[i] = flag[i] = np.nan
        if seen < 2 * period:
            continue
        moved, index, old, new = 0.0, 0.0, 0, 0
        for part in range(1, 11):
            edge = quantile(past, period, part / 10.0)
            before = place_of(past, period, edge) if part < 10 else period
            after = place_of(now, period, edge) if part < 10 else period
            then, today = max((before - old) / period, 1e-4), max((after - new) / period, 1e-4)
            index += (today - then) * math.log(today / then)
            old, new = before, after
        for k in range(period):
            moved += abs(past[k] - now[k])
        far = apart(past, now, period)
        psi[i], ks[i], p[i], w1[i] = index, far / period, by_chance(far, period), moved / period
        flag[i] = 2.0 if index >= ACT else 1.0 if index >= WATCH else 0.0
    return seen


@feature(
    gives="kswin p", keeps="seen held old[recent] new[recent]", warmup="window - 1", lookback="window - 1",
    where="recent >= 10, window >= 2 * recent, level > 0, level < 1", settle="100000", unit="event ratio",
    range=(0.0, 2.0), pane="below", covers="2.5.2",
    source="Raab, Heusinger and Schleif, Reactive Soft Prototype Computing for Concept Drift Streams, 2020",
)  # fmt: skip
def kswin(lo, hi, kswin, p, seen, held, old, new, stream=log_change(), window=100, recent=30, level=0.005):
    """Drift of a distribution (KSWIN): 2 where the last `recent` values differ from older ones of the window, else 0.

    They are compared with as many of the older ones, spread evenly (the original draws them by lot), by the exact
    test of Kolmogorov and Smirnov; `p` is its chance. After a drift only the recent ones are kept, and `p` is 1
    until the window is full again.
    """
    for i in range(lo, hi):
        seen += 1.0
        held = min(held + 1.0, float(window))
        kswin[i] = p[i] = np.nan
        if seen >= window:
            kswin[i], p[i] = 0.0, 1.0
        if held >= window:
            for k in range(recent):
                put_in(old, k, stream[i - window + 1 + k * (window - recent) // recent])
                put_in(new, k, stream[i - k])
            p[i] = by_chance(apart(old, new, recent), recent)
            if p[i] <= level:
                kswin[i], held = 2.0, float(recent)
    return seen, held
