"""Lines that trail the price and change sides when it crosses them."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature
from engine.features.prices import medprice, mix
from engine.features.trend import ema, sma
from engine.features.volatility import atr, donchian
from engine.kernels.jit import jit

WILDER = "Wilder, New Concepts in Technical Trading Systems, 1978"


@jit
def first_side(high, low, high1, low1):
    """Short if the second bar's low falls, and further than its high rises, else long."""
    return -1.0 if low1 - low > 0.0 and low1 - low > high - high1 else 1.0


@jit
def parabolic(high, low, high1, low1, side, stop, best, pace, start, step, limit, offset):
    """One bar of a parabolic stop on `side` (+1 long, -1 short): the stop that was valid, then all that follows.

    `start step limit` are pairs, long then short. A touched stop jumps to the best price of the move, at least
    beyond this bar and the last; a new one never lies inside them.
    """
    ahead, behind = (high, low) if side > 0.0 else (low, high)
    if (behind - stop) * side <= 0.0:
        stop = max(best, max(high1, high)) if side > 0.0 else min(best, min(low1, low))
        stop += side * stop * offset
        side, best = -side, behind
        pace = start[0] if side > 0.0 else start[1]
        shown = stop
    else:
        shown = stop
        k = 0 if side > 0.0 else 1
        if (ahead - best) * side > 0.0:
            best, pace = ahead, min(pace + step[k], limit[k])
    stop += pace * (best - stop)
    stop = min(stop, min(low1, low)) if side > 0.0 else max(stop, max(high1, high))
    return shown, side, stop, best, pace


@feature(
    gives="sar side", keeps="seen long stop best pace high1 low1", warmup="1", settle="300",
    where="0 < step, step <= maximum", like="talib.SAR -", unit="price event", covers="3.1.1", source=WILDER,
)  # fmt: skip
def sar(lo, hi, high, low, sar, side, seen, long, stop, best, pace, high1, low1, step=0.02, maximum=0.2):
    """Parabolic stop and reverse: a stop that hurries after new extremes; `side` is 1 below prices, -1 above."""
    for i in range(lo, hi):
        sar[i] = side[i] = np.nan
        if seen > 0.0:
            if seen == 1.0:
                long, pace = first_side(high[i], low[i], high1, low1), step
                stop, best = (low1, high[i]) if long > 0.0 else (high1, low[i])
                high1, low1 = high[i], low[i]
            sar[i], long, stop, best, pace = parabolic(
                high[i],
                low[i],
                high1,
                low1,
                long,
                stop,
                best,
                pace,
                (step, step),
                (step, step),
                (maximum, maximum),
                0.0,
            )
            side[i] = long
        high1, low1 = high[i], low[i]
        seen += 1.0
    return seen, long, stop, best, pace, high1, low1


@feature(
    gives="sarext", keeps="seen side stop best pace high1 low1", warmup="1", settle="300",
    where="min(start_long, step_long, limit_long) > 0, min(start_short, step_short, limit_short) > 0, offset >= 0",
    like="talib.SAREXT", covers="3.1.1", source=WILDER,
)  # fmt: skip
def sarext(
    lo, hi, high, low, sarext, seen, side, stop, best, pace, high1, low1, start=0.0, offset=0.0, start_long=0.02,
    step_long=0.02, limit_long=0.2, start_short=0.02, step_short=0.02, limit_short=0.2,
):  # fmt: skip
    """Parabolic stop with its own acceleration on each side; negative while short, as TA-Lib writes it.

    `start` above 0 begins long with that stop, below 0 short; `offset` widens the stop after a turn by that share.
    """
    starts = (min(start_long, limit_long), min(start_short, limit_short))
    steps = (min(step_long, limit_long), min(step_short, limit_short))
    for i in range(lo, hi):
        sarext[i] = np.nan
        if seen > 0.0:
            if seen == 1.0:
                side = first_side(high[i], low[i], high1, low1) if start == 0.0 else (1.0 if start > 0.0 else -1.0)
                stop, best = (low1, high[i]) if side > 0.0 else (high1, low[i])
                stop = abs(start) if start != 0.0 else stop
                pace = starts[0] if side > 0.0 else starts[1]
                high1, low1 = high[i], low[i]
            shown, side, stop, best, pace = parabolic(
                high[i], low[i], high1, low1, side, stop, best, pace, starts, steps, (limit_long, limit_short), offset
            )
            sarext[i] = shown * side
        high1, low1 = high[i], low[i]
        seen += 1.0
    return seen, side, stop, best, pace, high1, low1


@jit
def ratchet(x, last, side, upper, lower, upper1, lower1):
    """Bands that only close in while `x` stays between them, and the side x is on: beyond one, it changes."""
    if not (upper < upper1 or last > upper1):
        upper = upper1
    if not (lower > lower1 or last < lower1):
        lower = lower1
    if side > 0.0 and x < lower:
        side = -1.0
    elif side < 0.0 and x > upper:
        side = 1.0
    return side, upper, lower


@feature(
    gives="supertrend side flip", keeps="seen long last upper lower", settle="300 + 19 * period",
    where="period >= 2, multiplier > 0", like="talib.SUPERTREND.supertrend talib.SUPERTREND.trend -",
    unit="price event event", covers="3.1.1 4.7.2",
    source="Seban, Tout le monde mérite d'être riche, 2008",
)  # fmt: skip
def supertrend(
    lo, hi, high, low, close, supertrend, side, flip, seen, long, last, upper, lower, width=atr("period"), period=10,
    multiplier=3.0,
):  # fmt: skip
    """SuperTrend: a stop `multiplier` average true ranges from the bar's middle, which only moves with the trend.

    `side` is 1 while the close stays above it, -1 below; the first side is 1. `flip` is the new side on the bar that
    changed it, else 0.
    """
    for i in range(lo, hi):
        middle, reach = (high[i] + low[i]) / 2.0, multiplier * width[i]
        before = long
        if seen > 0.0:
            long, upper, lower = ratchet(close[i], last, long, middle + reach, middle - reach, upper, lower)
        else:
            long, upper, lower = 1.0, middle + reach, middle - reach
        supertrend[i], side[i] = lower if long > 0.0 else upper, long
        flip[i] = long if long * before < 0.0 else 0.0
        last = close[i]
        seen += 1.0
    return seen, long, last, upper, lower


@feature(
    gives="atr_stop side", keeps="seen long last upper lower", settle="300 + 19 * period",
    where="period >= 2, multiplier > 0", unit="price event", covers="3.1.1",
)  # fmt: skip
def atr_stop(
    lo, hi, close, atr_stop, side, seen, long, last, upper, lower, width=atr("period"), period=10, multiplier=3.0
):  # fmt: skip
    """Trailing stop: `multiplier` average true ranges from the close, moved only in favour of the position."""
    for i in range(lo, hi):
        reach = multiplier * width[i]
        if seen > 0.0:
            long, upper, lower = ratchet(close[i], last, long, close[i] + reach, close[i] - reach, upper, lower)
        else:
            long, upper, lower = 1.0, close[i] + reach, close[i] - reach
        atr_stop[i], side[i] = lower if long > 0.0 else upper, long
        last = close[i]
        seen += 1.0
    return seen, long, last, upper, lower


@feature(
    gives="pmax side", keeps="seen long last upper lower", settle="300 + 19 * period",
    where="period >= 2, multiplier > 0", unit="price event", covers="3.1.1", source="Özbilgiç, TradingView, 2020",
)  # fmt: skip
def pmax(
    lo, hi, pmax, side, seen, long, last, upper, lower, mean=ema("period", close=medprice()), width=atr("period"),
    period=10, multiplier=3.0,
):  # fmt: skip
    """Profit maximizer: SuperTrend of an average, turned when the average itself crosses the stop."""
    for i in range(lo, hi):
        reach = multiplier * width[i]
        if seen > 0.0:
            long, upper, lower = ratchet(mean[i], last, long, mean[i] + reach, mean[i] - reach, upper, lower)
        else:
            long, upper, lower = 1.0, mean[i] + reach, mean[i] - reach
        pmax[i], side[i] = lower if long > 0.0 else upper, long
        last = mean[i]
        seen += 1.0
    return seen, long, last, upper, lower


@feature(
    gives="long short", settle="19 * period", where="period >= 2, multiplier > 0", covers="3.1.1",
    source="LeBeau, in Elder, Come Into My Trading Room, 2002",
)  # fmt: skip
def chandelier(
    lo, hi, long, short, top=donchian("period").upper, bottom=donchian("period").lower, width=atr("period"), period=22,
    multiplier=3.0,
):  # fmt: skip
    """Chandelier exit: the stop of a long hangs under the highest high, that of a short stands on the lowest low."""
    for i in range(lo, hi):
        long[i] = top[i] - multiplier * width[i]
        short[i] = bottom[i] + multiplier * width[i]


@feature(
    gives="long short", settle="19 * period", where="period >= 2, multiplier > 0, smooth >= 2", covers="3.1.1",
    source="Chande & Kroll, The New Technical Trader, 1994",
)  # fmt: skip
def chande_kroll(
    lo, hi, long, short,
    above=donchian("smooth", high=mix(donchian("period").upper, atr("period"), 1.0, "-multiplier"), low="low").upper,
    below=donchian("smooth", high="high", low=mix(donchian("period").lower, atr("period"), 1.0, "multiplier")).lower,
    period=10, multiplier=1.0, smooth=9,
):  # fmt: skip
    """Chande Kroll stop: for shorts the highest of the stops below recent highs, for longs the lowest above lows."""
    for i in range(lo, hi):
        short[i] = above[i]
        long[i] = below[i]


@feature(
    gives="hilo side", keeps="seen long top bottom line", warmup="1", where="period >= 2", unit="price event",
    settle="1000", covers="3.1.1", source="Krausz, A W.D. Gann Treasure Discovered, 1998",
)  # fmt: skip
def hilo(
    lo, hi, close, hilo, side, seen, long, top, bottom, line, highs=sma("period", close="high"),
    lows=sma("period", close="low"), period=13,
):  # fmt: skip
    """HiLo activator: the mean low under prices, the mean high above; turns when a close passes the last of them."""
    for i in range(lo, hi):
        hilo[i] = side[i] = np.nan
        if seen > 0.0:
            long = 1.0 if close[i] > top else -1.0 if close[i] < bottom else long
            line = lows[i] if close[i] > top else highs[i] if close[i] < bottom else line
            if long == 0.0:
                long, line = 1.0, lows[i]
            hilo[i], side[i] = line, long
        top, bottom = highs[i], lows[i]
        seen += 1.0
    return seen, long, top, bottom, line
