"""Bars and short stretches of prices as tokens: words of SAX, orders, candles; and streams of tokens as numbers."""

from __future__ import annotations

import math

import numpy as np

from engine.features.contract import feature
from engine.kernels.jit import jit

CUT = 0.6744897501960817
"""A quarter of a normal distribution lies beyond it."""
PRIME = 2_147_483_647


@jit
def sax_word(x, i, width, segments):
    """The SAX word of the `width` values that end at row i, as a number: base 4, the oldest letter first."""
    total, squares = 0.0, 0.0
    for k in range(i - width + 1, i + 1):
        d = x[k] - x[i]
        total, squares = total + d, squares + d * d
    mean = total / width
    sigma = math.sqrt(max(squares / width - mean * mean, 0.0))
    word, step = 0, width // segments
    for s in range(segments):
        part = 0.0
        for k in range(i - width + 1 + s * step, i - width + 1 + (s + 1) * step):
            part += x[k] - x[i]
        z = (part / step - mean) / sigma if sigma > 0.0 else 0.0
        word = 4 * word + (z > -CUT) + (z > 0.0) + (z > CUT)
    return word


@jit
def evenness(counts, n):
    """Entropy of n things counted in some bins: 0 all in one, 1 spread evenly."""
    total = 0.0
    for c in counts:
        total -= c / n * math.log(c / n) if c > 0.0 else 0.0
    return total / math.log(1.0 * len(counts))


@jit
def order_of(x, i):
    """Which of six orders the last three values have: 0 rising to 5 falling; of equal ones the earlier counts lower."""
    low = int(x[i - 1] < x[i - 2]) + int(x[i] < x[i - 2])
    return 2 * low + int(x[i] < x[i - 1])


@feature(
    gives="sax ordinal entropy token", keeps="seen counts[6]", warmup="width - 1, 2, period + 1, period - 1",
    lookback="max(width, period + 2)", choices={}, unit="event event ratio event", pane="below", covers="3.4.3",
    where="width >= segments, width % segments == 0, segments >= 2, segments <= 16, period >= 10",
    source="Lin and Keogh, SAX, 2003; Bandt and Pompe, Permutation Entropy, PRL 88, 2002",
)  # fmt: skip
def code(
    lo, hi, open, high, low, close, sax, ordinal, entropy, token, seen, counts, width=16, segments=8, period=100
):  # fmt: skip
    """What just happened as tokens: a SAX word, the order of three closes, how mixed up orders are, a candle's kind.

    `sax` 0 to 4^segments - 1: means of `segments` parts of the last `width` closes in four letters, base 4. `ordinal`
    0 (rising) to 5 (falling). `entropy` of the last `period` orders, 0 to 1. `token` 0 to 26 is 9 direction (0 down,
    1 none, 2 up) + 3 body (third of the last `period` bodies) + wick (0 lower, 1 alike, 2 upper twice as long).
    """
    for i in range(lo, hi):
        seen += 1.0
        sax[i] = ordinal[i] = entropy[i] = token[i] = np.nan
        if seen >= width:
            sax[i] = sax_word(close, i, width, segments)
        if seen >= 3.0:
            ordinal[i] = order_of(close, i)
        if seen >= period + 2:
            counts[:] = 0.0
            for k in range(i - period + 1, i + 1):
                counts[order_of(close, k)] += 1.0
            entropy[i] = evenness(counts, period)
        if seen >= period:
            body, below = abs(close[i] - open[i]), 0
            for k in range(i - period + 1, i + 1):
                below += abs(close[k] - open[k]) < body
            upper = high[i] - max(open[i], close[i])
            lower = min(open[i], close[i]) - low[i]
            wick = 2 if upper > 2.0 * lower else 0 if lower > 2.0 * upper else 1
            way = 1 + (close[i] > open[i]) - (close[i] < open[i])
            token[i] = 9 * way + 3 * min(3 * below // period, 2) + wick
    return seen


@feature(
    gives="embed", keeps="seen", warmup="period - 1", lookback="period - 1", unit="event", pane="below",
    where="period >= 4, buckets >= 2, bucket >= 0, bucket < buckets", covers="3.4.5",
    source="Weinberger et al., Feature Hashing, ICML 2009",
)  # fmt: skip
def embed(lo, hi, embed, seen, a=code().token, period=64, bucket=0, buckets=64):
    """One number of a vector for the last `period` tokens: counts of their runs of one, two and three, hashed.

    The whole vector is `buckets` such columns; in a feature set `{ feature = "embed(bucket=k)", k = [0, 1, 2] }`. Runs
    that share a bucket add up with a sign of their own, so that on average they cancel.
    """
    for i in range(lo, hi):
        seen += 1.0
        embed[i] = np.nan
        if seen < period:
            continue
        total = 0.0
        for k in range(i - period + 1, i + 1):
            h = 1
            for g in range(min(3, i - k + 1)):
                h = (h * 48_271 + int(a[k + g]) + 7) % PRIME
                if h % buckets == bucket:
                    total += 1.0 if h // buckets % 2 == 0 else -1.0
        embed[i] = total
    return seen


@feature(
    gives="now before earlier", keeps="seen", warmup="0, delay, 2 * delay", lookback="2 * delay", where="delay >= 1",
    covers="3.4.5", source="Takens, Detecting Strange Attractors in Turbulence, 1981",
)  # fmt: skip
def takens(lo, hi, close, now, before, earlier, seen, delay=1):
    """A delay vector of three: the close, that of `delay` bars ago, and that of twice as many."""
    for i in range(lo, hi):
        now[i] = close[i]
        before[i] = close[i - delay] if seen >= delay else np.nan
        earlier[i] = close[i - 2 * delay] if seen >= 2 * delay else np.nan
        seen += 1.0
    return seen
