"""Kernels of the synthetic market: currencies by the minute, quotes inside a minute, streams merged.

A draw is `mix(key + counter)`: a counter-based generator (the finaliser of splitmix64, Steele, Lea and Flood, OOPSLA
2014), so any quote can be made without the ones before it.
"""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import jit

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
S11, S16, S27, S30, S31, S32, S48 = (np.uint64(n) for n in (11, 16, 27, 30, 31, 32, 48))
LOW16 = np.uint64(0xFFFF)
ALPHA, BETA = 0.06, 0.93
"""GARCH: weight of the last squared return and of the last variance; the mean variance is 1."""
PULL = 2e-6
"""Share of the way back to its first value that a currency is drawn per minute (half-life about a year)."""
COMMON, OWN = 0.75, 0.6614378277661477
"""Weights of the dollar's and of a currency's own shocks; their squares sum to 1."""
GAP_EVERY, GAP_LONGEST = 20, 90
MS = 1_000_000
PER_MINUTE = 1 << 20
"""Counters set aside for each minute."""


@jit
def mix(key, counter):
    """64 random bits from a key and a counter, both uint64."""
    z = key + (counter + np.uint64(1)) * GOLDEN
    z = (z ^ (z >> S30)) * FIRST
    z = (z ^ (z >> S27)) * SECOND
    return z ^ (z >> S31)


@jit
def uniform(bits):
    """0 <= u < 1 from 64 random bits."""
    return np.float64(bits >> S11) * 1.1102230246251565e-16


@jit
def normal(bits):
    """Near-normal with mean 0 and variance 1 from 64 random bits: the sum of four uniforms (Irwin-Hall)."""
    total = (bits & LOW16) + ((bits >> S16) & LOW16) + ((bits >> S32) & LOW16) + (bits >> S48)
    return (np.float64(total) * 1.52587890625e-05 - 1.999969482421875) * 1.7320508075688772


@jit
def walk_minutes(keys, common, day, swing, sigma, anchor, value, variance, values, variances):
    """Walk every currency through a day: `values[c, m]` at the start of minute m, `variances[c, m]` during it.

    `value` and `variance` hold the state before and after the day.
    """
    for c in range(len(keys)):
        values[c, 0] = value[c]
        for m in range(len(swing)):
            counter = np.uint64(day * 2048 + m)
            shock = COMMON * normal(mix(common, counter)) + OWN * normal(mix(keys[c], counter))
            shock *= np.sqrt(variance[c])
            variances[c, m] = variance[c]
            pull = PULL * (1.0 - value[c] / anchor[c])
            value[c] *= 1.0 + pull * (sigma[c] > 0.0) + sigma[c] * swing[m] * shock
            variance[c] = (1.0 - ALPHA - BETA) + ALPHA * shock * shock + BETA * variance[c]
            values[c, m + 1] = value[c]


@jit
def count_quotes(key, day, swing, per_minute, gaps, counts):
    """How many quotes each minute has; the sum of them."""
    whole = np.uint64(1 << 62) + np.uint64(day)
    gap_start, gap_end = -1, -1
    if gaps and mix(key, whole) % np.uint64(GAP_EVERY) == np.uint64(0):
        where = mix(key, whole + np.uint64(1 << 40))
        gap_start = np.int64(where % np.uint64(len(swing)))
        gap_end = gap_start + 1 + np.int64((where >> S32) % np.uint64(GAP_LONGEST))
    total = 0
    for m in range(len(swing)):
        bits = mix(key, np.uint64(1 << 61) + np.uint64(day * 2048 + m))
        mean = per_minute * swing[m] * (0.5 + uniform(bits))
        counts[m] = 0 if gap_start <= m < gap_end else np.int64(mean + np.float64(bits & LOW16) * 1.52587890625e-05)
        counts[m] = min(counts[m], PER_MINUTE // 2)
        total += counts[m]
    return total


@jit
def rollover(m, minutes):
    """How many times wider the spread is at minute m of the trading day: 6 at 17:00 New York, fading in 40 minutes."""
    if m < 40:
        return 1.0 + 5.0 * (40 - m) / 40.0
    return 1.0 + 2.0 * (m - minutes + 5) / 5.0 if m > minutes - 5 else 1.0


@jit
def bridge(key, day, opened, price, sigma, stress, counts, spread, scale, bad, ts, bid, ask):
    """Fill one symbol's quotes of a day: `price[m]` at the start of minute m, `sigma[m]` its volatility in it.

    `spread` is a share of the price, `scale` points per unit of price, `bad` the share of bad quotes. One quote in 32
    has the stamp of the one before, one in 8 repeats its prices (in real feeds a size changed).
    """
    k = 0
    minutes = len(counts)
    for m in range(minutes):
        n = counts[m]
        mid, goal = price[m], price[m + 1]
        step = mid * sigma[m] / np.sqrt(max(n, 1))
        wide = spread * mid * scale * (0.6 + 0.4 * stress[m]) * rollover(m, minutes)
        base = np.uint64((day * 2048 + m) * PER_MINUTE)
        begin = opened + m * 60_000 * MS
        for i in range(n):
            one, two = mix(key, base + np.uint64(2 * i)), mix(key, base + np.uint64(2 * i + 1))
            left = n - i
            mid += (goal - mid) / left + step * np.sqrt((left - 1.0) / left) * normal(one)
            ms = np.int64((i + uniform(two)) / n * 60_000.0)
            ts[k] = begin + ms * MS
            if k > 0 and (two & np.uint64(31)) == np.uint64(0):
                ts[k] = max(ts[k - 1], begin)
            if i > 0 and (two >> S27) & np.uint64(7) == np.uint64(0):
                bid[k], ask[k] = bid[k - 1], ask[k - 1]
                k += 1
                continue
            points = max(np.int64(wide * (0.7 + 0.6 * np.float64((two >> np.uint64(5)) & LOW16) / 65536.0) + 0.5), 1)
            low = np.int64(mid * scale - 0.5 * points + 0.5)
            high = low + points
            if bad > 0.0 and uniform(mix(key + GOLDEN, base + np.uint64(2 * i))) < bad:
                kind = mix(key + FIRST, base + np.uint64(2 * i))
                away = np.int64(low * (0.005 + 0.02 * uniform(kind)))
                if kind & np.uint64(3) == np.uint64(0):
                    low, high = low + away, high + away
                elif kind & np.uint64(3) == np.uint64(1):
                    low, high = low - away, high - away
                elif kind & np.uint64(3) == np.uint64(2):
                    low, high = high, low
                else:
                    high += away
            bid[k], ask[k] = low / scale, high / scale
            k += 1


@jit
def merge_order(ts, starts):
    """Row numbers that put streams ts[starts[s]:starts[s + 1]], each sorted, in order of (ts, stream)."""
    order = np.empty(len(ts), np.int64)
    heads = starts[:-1].copy()
    for k in range(len(ts)):
        best = -1
        for s in range(len(heads)):
            if heads[s] < starts[s + 1] and (best < 0 or ts[heads[s]] < ts[heads[best]]):
                best = s
        order[k] = heads[best]
        heads[best] += 1
    return order
