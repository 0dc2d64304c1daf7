"""Oscillators between fixed ends: where the price lies in its recent range, or who moved it."""

from __future__ import annotations

import numpy as np

from engine.features.averages import rma
from engine.features.contract import feature
from engine.features.prices import body, change, mix, trange, typprice
from engine.features.speeds import rsi
from engine.features.trend import ema
from engine.features.volatility import donchian
from engine.features.window import avgdev, moments, total
from engine.kernels.jit import jit
from engine.kernels.metatrader import stochastic_of_mt5
from engine.kernels.smoothing import rate


@jit
def with_mean(x, lo, hi, n, seen, same, mean):
    """Copy x to `same`, and the mean of its last n rows to `mean`, both from the n-th row on."""
    first = min(lo + max(n - 1 - int(seen), 0), hi)
    for i in range(lo, first):
        same[i] = mean[i] = np.nan
    rows = hi - first
    summed, copied, newest = mean[first:hi], same[first:hi], x[first:hi]
    for j in range(rows):
        copied[j], summed[j] = newest[j], 0.0
    for k in range(n):  # a pass per row of the window: the rows of a pass do not wait for each other
        older = x[first - n + 1 + k : hi - n + 1 + k]
        for j in range(rows):
            summed[j] += older[j]
    for j in range(rows):
        summed[j] /= n
    return seen + (hi - lo)


LANE = "Lane, Lane's Stochastics, Stocks & Commodities 1984"


@feature(
    gives="in_range", where="period >= 2", unit="percent", range=(0.0, 100.0), pane="below", covers="3.1.1 3.1.7",
    source=LANE,
)  # fmt: skip
def in_range(lo, hi, close, in_range, top=donchian("period").upper, bottom=donchian("period").lower, period=14):
    """Where the close lies between the lowest low (0) and the highest high (100) of `period` bars; 0 if all is flat."""
    for i in range(lo, hi):
        span = top[i] - bottom[i]
        in_range[i] = 100.0 * ((close[i] - bottom[i]) / span) if span > 0.0 else 0.0


@feature(
    gives="k d", keeps="seen", warmup="smooth - 1", lookback="smooth - 1", where="period >= 2, smooth >= 2",
    like="talib.STOCHF", unit="percent", range=(0.0, 100.0), pane="below", covers="3.1.1 3.1.2", source=LANE,
)  # fmt: skip
def stochf(lo, hi, k, d, seen, raw=in_range("period"), period=5, smooth=3):
    """Fast stochastic: the place in the range of `period` bars (k), and its mean (d)."""
    seen = with_mean(raw, lo, hi, smooth, seen, k, d)
    return seen


@feature(
    gives="k d", keeps="seen", warmup="smooth - 1",
    lookback="smooth - 1 if style == 'lane' else slow + smooth - 2", where="period >= 2, slow >= 2, smooth >= 2",
    choices={"style": ("lane", "mt5")},
    like="talib.STOCH", unit="percent", range=(0.0, 100.0), pane="below", covers="3.1.1 3.1.2", source=LANE,
)  # fmt: skip
def stochastic(
    lo, hi, close, k, d, seen, fast=stochf("period", "slow").d, top=donchian("period").upper,
    bottom=donchian("period").lower, period=5, slow=3, smooth=3, style="lane",
):  # fmt: skip
    """Slow stochastic: the mean of `slow` places in the range (k), and the mean of that (d).

    MetaTrader 5 divides the sum of `slow` distances from the low by the sum of `slow` ranges, and shows 100 where all
    of them are flat: `style="mt5"`.
    """
    if style == 1:
        seen = stochastic_of_mt5(lo, hi, close, top, bottom, seen, k, d, slow, smooth)
    else:
        seen = with_mean(fast, lo, hi, smooth, seen, k, d)
    return seen


OF_RSI = rsi("period")


@feature(
    gives="k d", settle="19 * period", where="period >= 2, fast >= 2, smooth >= 2", like="talib.STOCHRSI",
    unit="percent", range=(0.0, 100.0), pane="below", covers="3.1.1 3.1.2",
    source="Chande & Kroll, The New Technical Trader, 1994",
)  # fmt: skip
def stochrsi(
    lo, hi, k, d, place=stochf("fast", "smooth", close=OF_RSI, high=OF_RSI, low=OF_RSI).k,
    mean=stochf("fast", "smooth", close=OF_RSI, high=OF_RSI, low=OF_RSI).d, period=14, fast=5, smooth=3,
):  # fmt: skip
    """Stochastic of RSI: where RSI lies in its own range of `fast` bars (k), and the mean of that (d)."""
    for i in range(lo, hi):
        k[i], d[i] = place[i], mean[i]


@feature(
    gives="k d j", settle="19 * (slow + smooth)", where="period >= 2, slow >= 2, smooth >= 2", like="talib.KDJ",
    unit="percent", range=(0.0, 100.0), pane="below", covers="3.1.1 3.1.2",
)  # fmt: skip
def kdj(
    lo, hi, k, d, j, quick=rma("slow", close=in_range("period")),
    steady=rma("smooth", close=rma("slow", close=in_range("period"))), period=9, slow=3, smooth=3,
):  # fmt: skip
    """KDJ: a stochastic smoothed in Wilder's way, and the line j = 3k - 2d that leads both."""
    for i in range(lo, hi):
        k[i], d[i], j[i] = quick[i], steady[i], 3.0 * quick[i] - 2.0 * steady[i]


@feature(
    gives="willr", where="period >= 2", like="talib.WILLR", unit="percent", range=(-100.0, 0.0), pane="below",
    covers="3.1.1 3.1.2", source="Williams, How I Made One Million Dollars, 1973",
)  # fmt: skip
def willr(lo, hi, close, willr, top=donchian("period").upper, bottom=donchian("period").lower, period=14):
    """Williams' %R: how far the close is below the highest high, in percent of the range; 0 if all is flat."""
    for i in range(lo, hi):
        span = top[i] - bottom[i]
        willr[i] = -100.0 * ((top[i] - close[i]) / span) if span > 0.0 else 0.0


@feature(
    gives="cci", where="period >= 2", like="talib.CCI", unit="ratio", pane="below", covers="3.1.1 3.1.2",
    source="Lambert, Commodity Channel Index, Commodities 1980",
)  # fmt: skip
def cci(
    lo, hi, cci, price=typprice(), mean=moments("period", close=typprice()).mean,
    away=avgdev("period", close=typprice()), period=14,
):  # fmt: skip
    """Commodity channel index: distance of the typical price from its mean in units of 0.015 mean deviations."""
    for i in range(lo, hi):
        cci[i] = (price[i] - mean[i]) / (0.015 * away[i]) if away[i] > 0.0 else 0.0


@feature(
    gives="cmo", settle="19 * period", where="period >= 2", like="talib.CMO", unit="percent", range=(-100.0, 100.0),
    pane="below", covers="3.1.1 3.1.2", source="Chande & Kroll, The New Technical Trader, 1994",
)  # fmt: skip
def cmo(lo, hi, cmo, strength=rsi("period"), period=14):
    """Chande momentum oscillator as TA-Lib has it, smoothed in Wilder's way: RSI stretched to -100 .. 100."""
    for i in range(lo, hi):
        cmo[i] = 2.0 * strength[i] - 100.0


@feature(
    gives="cmou", where="period >= 2", like="talib.CMOU", unit="percent", range=(-100.0, 100.0), pane="below",
    covers="3.1.1 3.1.2", source="Chande & Kroll, The New Technical Trader, 1994",
)  # fmt: skip
def cmou(
    lo, hi, cmou, up=total("period", close=change().up), down=total("period", close=change().down), period=14
):  # fmt: skip
    """Chande momentum oscillator as he wrote it: rises less falls of `period` bars over both."""
    for i in range(lo, hi):
        both = up[i] + down[i]
        cmou[i] = min(max(100.0 * (up[i] - down[i]) / both, -100.0), 100.0) if both > 0.0 else 0.0


@feature(
    gives="imi", where="period >= 2", like="talib.IMI", unit="percent", range=(0.0, 100.0), pane="below",
    covers="3.1.1", source="Chande & Kroll, The New Technical Trader, 1994",
)  # fmt: skip
def imi(lo, hi, imi, up=total("period", close=body().up), size=total("period", close=body().size), period=14):
    """Intraday momentum: the share of rising bodies in all bodies of `period` bars; 50 without any."""
    for i in range(lo, hi):
        imi[i] = min(max(100.0 * up[i] / size[i], 0.0), 100.0) if size[i] > 0.0 else 50.0


@feature(
    gives="up down", keeps="seen last", warmup="1", unit="price_volume", pane="below", covers="3.1.1",
)  # fmt: skip
def money_flow(lo, hi, volume, up, down, seen, last, price=typprice()):
    """Typical price times volume, as a rise or a fall by the step of the typical price.

    A step that is only rounding, such as that of three prices added in another order, is none.
    """
    for i in range(lo, hi):
        up[i] = down[i] = np.nan
        if seen > 0.0:
            step = price[i] - last if abs(price[i] - last) > 1e-14 * price[i] else 0.0
            up[i] = price[i] * volume[i] if step > 0.0 else 0.0
            down[i] = price[i] * volume[i] if step < 0.0 else 0.0
        last = price[i]
        seen += 1.0
    return seen, last


@feature(
    gives="mfi", where="period >= 2", like="talib.MFI", unit="percent", range=(0.0, 100.0), pane="below",
    covers="3.1.1", source="Quong & Soudack, Volume-Weighted RSI, Stocks & Commodities 1989",
)  # fmt: skip
def mfi(
    lo, hi, mfi, up=total("period", close=money_flow().up), down=total("period", close=money_flow().down), period=14
):
    """Money flow index: the share of rising turnover in all turnover of `period` bars; 0 without any."""
    for i in range(lo, hi):
        both = up[i] + down[i]
        mfi[i] = min(max(100.0 * up[i] / both, 0.0), 100.0) if both > 0.0 else 0.0


@feature(
    gives="buying", keeps="seen last", warmup="1", unit="price_change", pane="below", covers="3.1.1",
)  # fmt: skip
def buying(lo, hi, low, close, buying, seen, last):
    """Buying pressure: the close above the low of the bar or the close before, whichever is lower."""
    for i in range(lo, hi):
        buying[i] = close[i] - min(low[i], last) if seen > 0.0 else np.nan
        last = close[i]
        seen += 1.0
    return seen, last


@feature(
    gives="ultosc", where="short >= 2, middle >= 2, long >= 2", like="talib.ULTOSC", unit="percent",
    range=(0.0, 100.0), pane="below", covers="3.1.1 3.1.2",
    source="Williams, The Ultimate Oscillator, Stocks & Commodities 1985",
)  # fmt: skip
def ultosc(
    lo, hi, ultosc, bought1=total("short", close=buying()), bought2=total("middle", close=buying()),
    bought3=total("long", close=buying()), range1=total("short", close=trange()),
    range2=total("middle", close=trange()), range3=total("long", close=trange()), short=7, middle=14, long=28,
):  # fmt: skip
    """Ultimate oscillator: buying pressure over true range, of three periods, the shortest weighing most."""
    for i in range(lo, hi):
        strength = 4.0 * bought1[i] / range1[i] if range1[i] > 0.0 else 0.0
        strength += 2.0 * bought2[i] / range2[i] if range2[i] > 0.0 else 0.0
        strength += bought3[i] / range3[i] if range3[i] > 0.0 else 0.0
        ultosc[i] = min(max(100.0 * strength / 7.0, 0.0), 100.0)


FROM_MIDDLE = ema("fast", close=ema("slow", close=mix("close", donchian("period").middle, 1.0, -1.0)))
HALF_RANGE = ema("fast", close=ema("slow", close=mix(donchian("period").upper, donchian("period").lower, 0.5, -0.5)))


@feature(
    gives="smi signal", keeps="seen mean", warmup="smooth - 1", settle="ceil(12 * (fast + slow + smooth))",
    where="period >= 2, fast >= 2, slow >= 2, smooth >= 2", like="talib.SMI", unit="percent", range=(-100.0, 100.0),
    pane="below", covers="3.1.1 3.1.2", source="Blau, Stochastic Momentum, Stocks & Commodities 1993",
)  # fmt: skip
def smi(lo, hi, smi, signal, seen, mean, away=FROM_MIDDLE, half=HALF_RANGE, period=13, fast=2, slow=25, smooth=9):
    """Stochastic momentum: distance from the middle of the range over half the range, both smoothed twice."""
    for i in range(lo, hi):
        seen += 1.0
        place = min(max(100.0 * away[i] / half[i], -100.0), 100.0) if half[i] > 0.0 else 0.0
        mean += (place - mean) * rate(seen, smooth, 2.0 / (smooth + 1.0))
        smi[i] = place if seen >= smooth else np.nan
        signal[i] = mean if seen >= smooth else np.nan
    return seen, mean
