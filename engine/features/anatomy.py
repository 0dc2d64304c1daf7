"""What a bar looks like: its parts, and what is usual for them."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature


@feature(
    gives="bodies shadows ranges lately", keeps="seen", warmup="10, 10, 10, 5", lookback="10", unit="price_change",
    pane="below", covers="3.4.1", source="TA-Lib, candle settings",
)  # fmt: skip
def candle_sizes(lo, hi, open, high, low, close, bodies, shadows, ranges, lately, seen):
    """What is usual: mean body, shadow and range of the 10 bars before, and mean range of the 5 before (`lately`).

    Each mean is added up from its own bars, so it forgets completely.
    """
    for i in range(lo, hi):
        body, shadow, reach, near = np.nan, np.nan, np.nan, np.nan
        if seen >= 10.0:
            body = shadow = reach = 0.0
            for k in range(i - 10, i):
                top, bottom = max(open[k], close[k]), min(open[k], close[k])
                body += abs(close[k] - open[k])
                shadow += (high[k] - top) + (bottom - low[k])
                reach += high[k] - low[k]
        if seen >= 5.0:
            near = 0.0
            for k in range(i - 5, i):
                near += high[k] - low[k]
        bodies[i], shadows[i], ranges[i], lately[i] = body / 10.0, shadow / 10.0 / 2.0, reach / 10.0, near / 5.0
        seen += 1.0
    return seen
