"""One bar at a time: prices of a bar, its range and body, its step from the bar before."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature


@feature(gives="medprice", like="talib.MEDPRICE", covers="3.1.1")
def medprice(lo, hi, high, low, medprice):
    """Median price: the middle of the bar, (high + low)/2."""
    for i in range(lo, hi):
        medprice[i] = (high[i] + low[i]) / 2.0


@feature(gives="typprice", like="talib.TYPPRICE", covers="3.1.1")
def typprice(lo, hi, high, low, close, typprice):
    """Typical price: (high + low + close)/3."""
    for i in range(lo, hi):
        typprice[i] = (high[i] + low[i] + close[i]) / 3.0


@feature(gives="wclprice", like="talib.WCLPRICE", covers="3.1.1")
def wclprice(lo, hi, high, low, close, wclprice):
    """Weighted close: (high + low + 2 close)/4."""
    for i in range(lo, hi):
        wclprice[i] = (high[i] + low[i] + 2.0 * close[i]) / 4.0


@feature(gives="avgprice", like="talib.AVGPRICE", covers="3.1.1")
def avgprice(lo, hi, open, high, low, close, avgprice):
    """Average price: (open + high + low + close)/4."""
    for i in range(lo, hi):
        avgprice[i] = (open[i] + high[i] + low[i] + close[i]) / 4.0


@feature(
    gives="ha_open ha_high ha_low ha_close", keeps="seen open1 close1", settle="28", like="talib.HA",
    covers="3.1.1 3.4.2", source="Valcu, Using the Heikin-Ashi Technique, Stocks & Commodities 2004",
)  # fmt: skip
def heikin_ashi(lo, hi, open, high, low, close, ha_open, ha_high, ha_low, ha_close, seen, open1, close1):
    """Heikin-Ashi bars: an average bar that opens in the middle of the average bar before it."""
    for i in range(lo, hi):
        opened = (open1 + close1) / 2.0 if seen > 0.0 else (open[i] + close[i]) / 2.0
        closed = (open[i] + high[i] + low[i] + close[i]) / 4.0
        ha_open[i], ha_close[i] = opened, closed
        ha_high[i] = max(high[i], max(opened, closed))
        ha_low[i] = min(low[i], min(opened, closed))
        open1, close1 = opened, closed
        seen += 1.0
    return seen, open1, close1


@feature(
    gives="trange", keeps="seen last", warmup="1", like="talib.TRANGE", unit="price_change", pane="below",
    covers="3.1.1", source="Wilder, New Concepts in Technical Trading Systems, 1978",
)  # fmt: skip
def trange(lo, hi, high, low, close, trange, seen, last):
    """True range: how far the price travelled since the close before, gaps included."""
    for i in range(lo, hi):
        trange[i] = max(high[i], last) - min(low[i], last) if seen > 0.0 else np.nan
        last = close[i]
        seen += 1.0
    return seen, last


@feature(gives="bar_range", unit="price_change", pane="below", covers="3.1.1 3.4.2")
def bar_range(lo, hi, high, low, bar_range):
    """Range of the bar: high - low."""
    for i in range(lo, hi):
        bar_range[i] = high[i] - low[i]


@feature(gives="body up size", unit="price_change", pane="below", covers="3.1.1 3.4.2")
def body(lo, hi, open, close, body, up, size):
    """Body of the bar: close - open, what of it is a rise, and its size."""
    for i in range(lo, hi):
        body[i] = close[i] - open[i]
        up[i] = max(body[i], 0.0)
        size[i] = abs(body[i])


@feature(
    gives="change up down size", keeps="seen last", warmup="1", unit="price_change", pane="below", covers="3.1.1 3.1.2"
)
def change(lo, hi, close, change, up, down, size, seen, last):
    """Step from close to close: as it is, what of it is a rise, what of it a fall, and its size."""
    for i in range(lo, hi):
        change[i] = up[i] = down[i] = size[i] = np.nan
        if seen > 0.0:
            step = close[i] - last
            change[i], up[i], down[i], size[i] = step, max(step, 0.0), max(-step, 0.0), abs(step)
        last = close[i]
        seen += 1.0
    return seen, last


@feature(gives="mix", takes="a b", covers="3.1.1")
def mix(lo, hi, a, b, mix, first=1.0, second=1.0):
    """Two columns added, each with a weight: `first` a + `second` b."""
    for i in range(lo, hi):
        mix[i] = first * a[i] + second * b[i]


@feature(gives="quotient", takes="a b", unit="ratio", pane="below", covers="3.1.1")
def quotient(lo, hi, a, b, quotient, otherwise=0.0):
    """One column over another, a/b; `otherwise` where b is 0."""
    for i in range(lo, hi):
        quotient[i] = a[i] / b[i] if b[i] != 0.0 else otherwise
