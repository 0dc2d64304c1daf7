"""What a bar looks like: its parts, and what is usual for them."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature
from engine.features.volatility import atr
from engine.kernels.jit import jit


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


@jit
def runs(up, down, run):
    """How many times in a row, with a sign: one more if it goes on, 1 if it turned, 0 if neither."""
    if up:
        return max(run, 0.0) + 1.0
    return min(run, 0.0) - 1.0 if down else 0.0


@feature(
    gives="upper lower body place color reach gap size", keeps="seen last run before",
    warmup="0, 0, 0, 0, 0, 1, 1, 0", unit="ratio ratio ratio ratio bars ratio ratio ratio", range=(0.0, 1.0),
    pane="below", covers="3.4.2", source="Nison, Japanese Candlestick Charting Techniques, 1991",
)  # fmt: skip
def shape(
    lo, hi, open, high, low, close, upper, lower, body, place, color, reach, gap, size, seen, last, run, before,
    atr=atr(14), usual=candle_sizes().bodies,
):  # fmt: skip
    """Shape of a bar: shadows and body as shares of the range, where it closed (-1 to 1), and how large it is.

    `color` counts bars of one colour in a row (+ white), `reach` is the range and `gap` the opening gap in ATR of the
    bar before, `size` the body over the mean body of the 10 bars before. A bar without range has zeros.
    """
    for i in range(lo, hi):
        span = high[i] - low[i]
        top, bottom = max(open[i], close[i]), min(open[i], close[i])
        upper[i] = (high[i] - top) / span if span > 0.0 else 0.0
        lower[i] = (bottom - low[i]) / span if span > 0.0 else 0.0
        body[i] = (top - bottom) / span if span > 0.0 else 0.0
        place[i] = ((close[i] - low[i]) - (high[i] - close[i])) / span if span > 0.0 else 0.0
        run = runs(close[i] > open[i], close[i] < open[i], run)
        color[i] = run
        reach[i] = gap[i] = np.nan
        if seen > 0.0:
            reach[i] = span / before if before > 0.0 else 0.0
            gap[i] = (open[i] - last) / before if before > 0.0 else 0.0
        size[i] = (top - bottom) / usual[i] if usual[i] > 0.0 else 0.0
        last, before = close[i], atr[i]
        seen += 1.0
    return seen, last, run, before


@jit
def put(column, i, value, bit):
    """Write a tag; its bit, or the next one if it is bearish."""
    column[i] = value
    return bit if value > 0.0 else 2.0 * bit if value < 0.0 else 0.0


@jit
def extreme(high, low, i, n, sign):
    """Is the range of bar i larger (sign +1) or smaller (-1) than each of the n before?"""
    for k in range(i - n, i):
        if ((high[i] - low[i]) - (high[k] - low[k])) * sign <= 0.0:
            return False
    return True


@feature(
    gives="tags inside outside narrow4 narrow7 wide7 pin engulf doji gap key_reversal three_bar quarter run",
    keeps="seen streak", warmup="6", lookback="6", unit="event event event event event event event event event event "
    "event event event bars", range=(0.0, 262143.0), pane="below", covers="2.4.1",
    source="Crabel, Day Trading With Short Term Price Patterns, 1990; Nison 1991; Brooks, Trading Price Action, 2009",
)  # fmt: skip
def tags(
    lo, hi, open, high, low, close, tags, inside, outside, narrow4, narrow7, wide7, pin, engulf, doji, gap,
    key_reversal, three_bar, quarter, run, seen, streak,
):  # fmt: skip
    """Price action in words: what a trader would call this bar, each +1 (bullish or true), -1 (bearish) or 0.

    `tags` has them as bits: inside 1, outside 2, narrow4 4, narrow7 8, wide7 16, doji 32, and a pair of bits
    (bullish, bearish) for pin 64, engulf 256, gap 1024, key_reversal 4096, three_bar 16384 and quarter 65536.
    narrow7 and wide7: the smallest and largest range of 7. pin: a shadow of two thirds of the range and a body of at
    most one. key_reversal: a new high that closes below the low before, or the mirror. three_bar: a low (high) in
    the middle bar, of the old colour, and a close beyond that bar. quarter: closes in the top or bottom quarter.
    `run` counts bars in a row with higher highs and lows (+) or lower ones (-).
    """
    for i in range(lo, hi):
        seen += 1.0
        if seen < 2.0:
            streak = 0.0
        else:
            streak = runs(
                high[i] > high[i - 1] and low[i] > low[i - 1], high[i] < high[i - 1] and low[i] < low[i - 1], streak
            )
        inside[i] = outside[i] = narrow4[i] = narrow7[i] = wide7[i] = pin[i] = engulf[i] = doji[i] = np.nan
        tags[i] = gap[i] = key_reversal[i] = three_bar[i] = quarter[i] = run[i] = np.nan
        if seen < 7.0:
            continue
        h, l, o, c = high[i], low[i], open[i], close[i]
        h1, l1, o1, c1 = high[i - 1], low[i - 1], open[i - 1], close[i - 1]
        span, size = h - l, abs(c - o)
        bits = put(inside, i, 1.0 * (h <= h1 and l >= l1), 1.0) + put(outside, i, 1.0 * (h > h1 and l < l1), 2.0)
        bits += put(narrow4, i, 1.0 * extreme(high, low, i, 3, -1.0), 4.0)
        bits += put(narrow7, i, 1.0 * extreme(high, low, i, 6, -1.0), 8.0)
        bits += put(wide7, i, 1.0 * extreme(high, low, i, 6, 1.0), 16.0) + put(
            doji, i, 1.0 * (size <= 0.1 * span), 32.0
        )
        slim = span > 0.0 and 3.0 * size <= span
        below, above = 3.0 * (min(o, c) - l) >= 2.0 * span, 3.0 * (h - max(o, c)) >= 2.0 * span
        bits += put(pin, i, 1.0 * (slim and below) - 1.0 * (slim and above), 64.0)
        around = c1 < o1 and c > o and c >= o1 and o <= c1 and size > o1 - c1
        under = c1 > o1 and c < o and c <= o1 and o >= c1 and size > c1 - o1
        bits += put(engulf, i, 1.0 * around - 1.0 * under, 256.0)
        bits += put(gap, i, 1.0 * (o > h1) - 1.0 * (o < l1), 1024.0)
        bits += put(key_reversal, i, 1.0 * (l < l1 and c > h1) - 1.0 * (h > h1 and c < l1), 4096.0)
        rising = c1 < o1 and l1 < low[i - 2] and l1 < l and c > h1
        falling = c1 > o1 and h1 > high[i - 2] and h1 > h and c < l1
        bits += put(three_bar, i, 1.0 * rising - 1.0 * falling, 16384.0)
        high_quarter, low_quarter = 4.0 * (c - l) >= 3.0 * span, 4.0 * (c - l) <= span
        bits += put(quarter, i, (1.0 * high_quarter - 1.0 * low_quarter) * (span > 0.0), 65536.0)
        run[i], tags[i] = streak, bits
    return seen, streak
