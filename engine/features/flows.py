"""Flows: volume that follows the direction of prices. In currencies volume counts ticks."""

from __future__ import annotations

import numpy as np

from engine.features.clocks import SESSIONS, hours
from engine.features.contract import feature
from engine.features.prices import typprice
from engine.features.trend import ema
from engine.features.window import total
from engine.kernels.jit import jit
from engine.kernels.rolling import DAY

CHAIKIN = "Chaikin, in Colby, The Encyclopedia of Technical Market Indicators, 2003"


@feature(gives="clv flow", unit="ratio volume", pane="below", covers="3.1.1 3.4.2")
def clv(lo, hi, high, low, close, volume, clv, flow):
    """Where the bar closed, -1 at its low to 1 at its high, 0 without a range; and that times its volume."""
    for i in range(lo, hi):
        span = high[i] - low[i]
        clv[i] = ((close[i] - low[i]) - (high[i] - close[i])) / span if span > 0.0 else 0.0
        flow[i] = clv[i] * volume[i]


@feature(
    gives="ad",
    keeps="summed",
    settle="never",
    like="talib.AD",
    unit="volume",
    pane="below",
    covers="3.1.1",
    source=CHAIKIN,
)
def ad(lo, hi, ad, summed, flow=clv().flow):
    """Accumulation/distribution: volume summed up by where the bars close in their range."""
    for i in range(lo, hi):
        summed += flow[i]
        ad[i] = summed
    return summed


@feature(
    gives="adosc", keeps="seen summed quick steady", warmup="max(fast, slow) - 1", settle="ceil(9.5 * (slow + 1))",
    where="fast >= 2, fast < slow", like="talib.ADOSC", unit="volume", pane="below", covers="3.1.1", source=CHAIKIN,
)  # fmt: skip
def adosc(lo, hi, adosc, seen, summed, quick, steady, flow=clv().flow, fast=3, slow=10):
    """Chaikin oscillator: a fast less a slow exponential average of accumulation/distribution."""
    for i in range(lo, hi):
        summed += flow[i]
        if seen == 0.0:
            quick = steady = summed
        quick += (summed - quick) * 2.0 / (fast + 1.0)
        steady += (summed - steady) * 2.0 / (slow + 1.0)
        seen += 1.0
        adosc[i] = quick - steady if seen >= max(fast, slow) else np.nan
    return seen, summed, quick, steady


@feature(
    gives="cmf", where="period >= 2", like="talib.CMF", unit="ratio", range=(-1.0, 1.0), pane="below", covers="3.1.1",
    source=CHAIKIN,
)  # fmt: skip
def cmf(
    lo, hi, cmf, flow=total("period", close=clv().flow), traded=total("period", close="volume"), period=20
):  # fmt: skip
    """Chaikin money flow: accumulation of `period` bars over their volume; 0 where nothing was traded."""
    for i in range(lo, hi):
        cmf[i] = min(max(flow[i] / traded[i], -1.0), 1.0) if traded[i] > 0.0 else 0.0


@feature(
    gives="force", keeps="seen last", warmup="1", unit="price_volume", pane="below", covers="3.1.1",
    source="Elder, Trading for a Living, 1993",
)  # fmt: skip
def force(lo, hi, close, volume, force, seen, last):
    """Force of a bar: its step from the close before times its volume."""
    for i in range(lo, hi):
        force[i] = (close[i] - last) * volume[i] if seen > 0.0 else np.nan
        last = close[i]
        seen += 1.0
    return seen, last


@feature(
    gives="efi", settle="ceil(9.5 * (period + 1))", where="period >= 2", like="talib.EFI", unit="price_volume",
    pane="below", covers="3.1.1", source="Elder, Trading for a Living, 1993",
)  # fmt: skip
def efi(lo, hi, efi, mean=ema("period", close=force()), period=13):
    """Elder's force index: the force of the bars, smoothed."""
    for i in range(lo, hi):
        efi[i] = mean[i]


@feature(
    gives="marketfi", like="talib.MARKETFI", unit="price_per_volume", pane="below", covers="3.1.1",
    source="Williams, Trading Chaos, 1995",
)  # fmt: skip
def marketfi(lo, hi, high, low, volume, marketfi):
    """Market facilitation: the range that one unit of volume moved; 0 where nothing was traded."""
    for i in range(lo, hi):
        marketfi[i] = (high[i] - low[i]) / volume[i] if volume[i] > 0.0 else 0.0


@feature(
    gives="obv", keeps="seen last summed", settle="never", like="talib.OBV", unit="volume", pane="below",
    covers="3.1.1",
    source="Granville, New Key to Stock Market Profits, 1963",
)  # fmt: skip
def obv(lo, hi, close, volume, obv, seen, last, summed):
    """On-balance volume: volume of rising bars less that of falling ones, from the first bar on."""
    for i in range(lo, hi):
        if seen == 0.0 or close[i] > last:
            summed += volume[i]
        elif close[i] < last:
            summed -= volume[i]
        last = close[i]
        obv[i] = summed
        seen += 1.0
    return seen, last, summed


@feature(
    gives="pvt", keeps="seen last summed", settle="never", like="talib.PVT", unit="volume", pane="below", covers="3.1.1"
)
def pvt(lo, hi, close, volume, pvt, seen, last, summed):
    """Price volume trend: volume times the relative change of the close, summed up from the first bar on."""
    for i in range(lo, hi):
        if seen > 0.0 and last != 0.0:
            summed += volume[i] * (close[i] - last) / last
        last = close[i]
        pvt[i] = summed
        seen += 1.0
    return seen, last, summed


FOSBACK = "Fosback, Stock Market Logic, 1976"


@jit
def grown(index, close, last, counts):
    return index * (close / last) if counts and last != 0.0 else index


@feature(
    gives="nvi", keeps="seen last traded index", settle="never", like="talib.NVI", unit="index", pane="below",
    covers="3.1.1", source=FOSBACK,
)  # fmt: skip
def nvi(lo, hi, close, volume, nvi, seen, last, traded, index):
    """Negative volume index: 1000, moved with the close on bars of less volume than the one before."""
    for i in range(lo, hi):
        index = grown(index, close[i], last, volume[i] < traded) if seen > 0.0 else 1000.0
        last, traded = close[i], volume[i]
        nvi[i] = index
        seen += 1.0
    return seen, last, traded, index


@feature(
    gives="pvi", keeps="seen last traded index", settle="never", like="talib.PVI", unit="index", pane="below",
    covers="3.1.1", source=FOSBACK,
)  # fmt: skip
def pvi(lo, hi, close, volume, pvi, seen, last, traded, index):
    """Positive volume index: 1000, moved with the close on bars of more volume than the one before."""
    for i in range(lo, hi):
        index = grown(index, close[i], last, volume[i] > traded) if seen > 0.0 else 1000.0
        last, traded = close[i], volume[i]
        pvi[i] = index
        seen += 1.0
    return seen, last, traded, index


@feature(
    gives="wad", keeps="seen last summed", settle="never", like="talib.WAD", unit="price_change", pane="below",
    covers="3.1.1", source="Williams, How I Made One Million Dollars, 1973",
)  # fmt: skip
def wad(lo, hi, high, low, close, wad, seen, last, summed):
    """Williams' accumulation/distribution: the way of rising bars from their true low, of falling from their high."""
    for i in range(lo, hi):
        if seen > 0.0 and close[i] > last:
            summed += close[i] - min(low[i], last)
        elif seen > 0.0 and close[i] < last:
            summed += close[i] - max(high[i], last)
        last = close[i]
        wad[i] = summed
        seen += 1.0
    return seen, last, summed


@feature(
    gives="vwap", keeps="traded mean period", settle="never", like="talib.VWAP", covers="3.1.1",
    choices={"anchor": ("start", "day", "week")},
)  # fmt: skip
def vwap(lo, hi, open_ts, volume, vwap, traded, mean, period, price=typprice(), anchor="start"):
    """Volume-weighted mean of typical prices since the first bar, or since the UTC day or week began.

    NaN before any volume (TA-Lib: 0).
    """
    for i in range(lo, hi):
        day = open_ts[i] // DAY
        now = 0.0 if anchor == 0 else float(day) if anchor == 1 else float((day + 3) // 7)
        if now != period:
            period, traded, mean = now, 0.0, 0.0
        if volume[i] > 0.0:
            traded += volume[i]
            mean += (price[i] - mean) * (volume[i] / traded)
        vwap[i] = mean if traded > 0.0 else np.nan
    return traded, mean, period


@feature(
    gives="up down delta cumulative", keeps="seen last side opened summed", warmup="1", unit="volume", pane="below",
    choices={"rule": ("tick", "range"), "session": SESSIONS[:6]}, covers="3.3.5",
    source="tick rule: Lee and Ready, Journal of Finance 46, 1991; Lopez de Prado, Advances, 2018, ch. 2",
)  # fmt: skip
def flow(
    lo, hi, open_ts, high, low, close, volume, up, down, delta, cumulative, seen, last, side, opened, summed,
    rule="tick", session="fx_day",
):  # fmt: skip
    """Volume that bought and that sold as a bar lets one guess it, the difference, and its sum since the session began.

    By the `tick` rule all of a bar's volume goes the way in which the close moved last; by `range` it is split where
    the bar closes between its low and its high. Half each where neither says anything. `cumulative` begins anew with
    the first bar of each `session` (the FX day: 17:00 New York). Exact, from ticks: `engine.features.ticks.tick_flow`.
    """
    for i in range(lo, hi):
        up[i] = down[i] = delta[i] = cumulative[i] = np.nan
        if seen > 0.0:
            side = np.sign(close[i] - last) if close[i] != last else side
            share = 0.5 + 0.5 * side
            if rule == 1:
                share = (close[i] - low[i]) / (high[i] - low[i]) if high[i] > low[i] else 0.5
            day = float(hours(open_ts[i], session)[0]) + 1.0
            summed = 0.0 if day != opened else summed
            opened = day
            up[i] = share * volume[i]
            down[i] = volume[i] - up[i]
            delta[i] = up[i] - down[i]
            summed += delta[i]
            cumulative[i] = summed
        last = close[i]
        seen += 1.0
    return seen, last, side, opened, summed
