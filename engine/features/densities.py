"""Where prices have spent their time: a histogram over prices that fades."""

from __future__ import annotations

import math

import numpy as np

from engine.features.contract import feature
from engine.features.volatility import atr
from engine.kernels.jit import jit
from engine.kernels.rolling import DAY, first_bar_of_day

ROOM = 1024
"""Rows of the histogram: 51 average ranges either side of the price at which it was laid out."""


@jit
def rows_of(low, high, row, origin):
    """First and last row of the histogram that a bar overlaps, and how many it overlaps in and outside of it."""
    bottom, top = math.floor(low / row) - origin, math.floor(high / row) - origin
    return int(max(bottom, 0.0)), int(min(top, ROOM - 1.0)), top - bottom + 1.0


@jit
def plogp(x):
    """x ln x, 0 at 0."""
    return x * math.log(x) if x > 0.0 else 0.0


@feature(
    gives="density percentile above below entropy",
    keeps="seen day row origin grown whole mixed filled counts[1024]", lookback="period", sparse="above below",
    where="period >= 10, half_life > 0, dense > 0, tick >= 0", choices={"by": ("time", "volume")},
    unit="ratio percent ratio ratio ratio", range=(0.0, 1.0), pane="below", covers="3.1.8",
    source="Steidlmayer and Koy, Markets and Market Logic, 1986",
)  # fmt: skip
def density(
    lo, hi, open_ts, high, low, close, volume, density, percentile, above, below, entropy,
    seen, day, row, origin, grown, whole, mixed, filled, counts,
    atr=atr(100), period=1500, half_life=500.0, dense=1.5, tick=0.0, by="time",
):  # fmt: skip
    """How much of its time the market has spent at this price: a share of all, of bars that fade with their age.

    Rows are a tenth of ATR(100) high, at least `tick`, and laid out anew on the first bar of each UTC day (or where
    the price leaves them) from the last `period` bars; each bar counts in all rows it touches, with half the weight
    after `half_life` bars; `by="volume"` spreads its volume over them. `percentile` is the percent of the rows ever
    touched that are emptier than the close's, `above` and `below` the distance in ATR to the nearest rows with
    `dense` times the mean, `entropy` how evenly all is spread (0 one row, 1 evenly).
    """
    step = 0.5 ** (1.0 / half_life)
    for i in range(lo, hi):
        place, first = math.floor(close[i] / row) - origin if row > 0.0 else -1.0, i
        grown = grown / step
        if first_bar_of_day(open_ts[i], day) or place < 0.0 or place >= ROOM or grown > 1e100:
            day, row, grown, first = open_ts[i] // DAY, max(tick, 0.1 * atr[i]), 1.0, i - int(min(seen, period))
            origin = math.floor(close[i] / row) - ROOM // 2 if row > 0.0 else 0.0
            place, whole, mixed, filled = ROOM // 2, 0.0, 0.0, 0.0
            counts[:] = 0.0
        seen += 1.0
        density[i], percentile[i], entropy[i], above[i], below[i] = 1.0, 0.0, 0.0, np.nan, np.nan
        if not row > 0.0:
            continue
        for k in range(first, i + 1):
            bottom, top, size = rows_of(low[k], high[k], row, origin)
            weight = grown * step ** (i - k) * (volume[k] / size if by == 1 else 1.0)
            for r in range(bottom, top + 1 if weight > 0.0 else bottom):
                filled += 1.0 * (counts[r] == 0.0)
                whole += weight
                mixed += plogp(counts[r] + weight) - plogp(counts[r])
                counts[r] += weight
        here, emptier = int(place), 0
        density[i] = counts[here] / whole if whole > 0.0 else 0.0
        for r in range(ROOM):
            emptier += 0.0 < counts[r] < counts[here]
        percentile[i] = 100.0 * emptier / filled if filled > 0.0 else 0.0
        if filled > 1.0:
            entropy[i] = min(max((math.log(whole) - mixed / whole) / math.log(filled), 0.0), 1.0)
        up, down, level = here + 1, here - 1, dense * whole / max(filled, 1.0)
        while up < ROOM and not (counts[up] >= level and whole > 0.0):
            up += 1
        while down >= 0 and not (counts[down] >= level and whole > 0.0):
            down -= 1
        if up < ROOM and atr[i] > 0.0:
            above[i] = ((origin + up) * row - close[i]) / atr[i]
        if down >= 0 and atr[i] > 0.0:
            below[i] = (close[i] - (origin + down + 1.0) * row) / atr[i]
    return seen, day, row, origin, grown, whole, mixed, filled
