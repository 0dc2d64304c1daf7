"""Momentum: how far prices have come, as a difference, a share, or a gap between two averages."""

from __future__ import annotations

import numpy as np

from engine.features.averages import chained, wma
from engine.features.contract import feature
from engine.features.prices import body, change, medprice, mix
from engine.features.spec import Spec
from engine.features.trend import ema, sma
from engine.kernels.smoothing import rate


@feature(
    gives="mom", keeps="seen", warmup="period", lookback="period", where="period >= 1", like="talib.MOM",
    unit="price_change", pane="below", covers="3.1.1 3.1.2",
)  # fmt: skip
def mom(lo, hi, close, mom, seen, period=10):
    """Momentum: the close less that of `period` bars ago."""
    for i in range(lo, hi):
        mom[i] = close[i] - close[i - period] if seen >= period else np.nan
        seen += 1.0
    return seen


@feature(
    gives="rocr", keeps="seen", warmup="period", lookback="period", where="period >= 1", like="talib.ROCR",
    unit="ratio", pane="below", covers="3.1.1 3.1.2",
)  # fmt: skip
def rocr(lo, hi, close, rocr, seen, period=10):
    """The close over that of `period` bars ago; 0 where that was 0."""
    for i in range(lo, hi):
        rocr[i] = np.nan
        if seen >= period:
            rocr[i] = close[i] / close[i - period] if close[i - period] != 0.0 else 0.0
        seen += 1.0
    return seen


@feature(
    gives="rocp", keeps="seen", warmup="period", lookback="period", where="period >= 1", like="talib.ROCP",
    unit="ratio", pane="below", covers="3.1.1 3.1.2",
)  # fmt: skip
def rocp(lo, hi, close, rocp, seen, period=10):
    """Change over `period` bars as a share of the close before them; 0 where that was 0."""
    for i in range(lo, hi):
        rocp[i] = np.nan
        if seen >= period:
            rocp[i] = (close[i] - close[i - period]) / close[i - period] if close[i - period] != 0.0 else 0.0
        seen += 1.0
    return seen


@feature(
    gives="roc", where="period >= 1", like="talib.ROC", unit="percent", pane="below", covers="3.1.1 3.1.2",
)  # fmt: skip
def roc(lo, hi, roc, share=rocp("period"), period=10):
    """Rate of change: the change over `period` bars in percent of the close before them."""
    for i in range(lo, hi):
        roc[i] = 100.0 * share[i]


@feature(
    gives="rocr100", where="period >= 1", like="talib.ROCR100", unit="percent", pane="below", covers="3.1.1 3.1.2",
)  # fmt: skip
def rocr100(lo, hi, rocr100, ratio=rocr("period"), period=10):
    """The close in percent of that of `period` bars ago, which MetaTrader calls Momentum."""
    for i in range(lo, hi):
        rocr100[i] = 100.0 * ratio[i]


@feature(
    gives="apo", settle="ceil(9.5 * (slow + 1))", where="fast >= 2, fast < slow", like="talib.APO",
    unit="price_change", pane="below", covers="3.1.1 3.1.2",
)  # fmt: skip
def apo(lo, hi, apo, quick=ema("fast"), steady=ema("slow"), fast=12, slow=26):
    """Absolute price oscillator: a fast less a slow exponential average, each seeded on its own."""
    for i in range(lo, hi):
        apo[i] = quick[i] - steady[i]


@feature(
    gives="ppo", settle="ceil(9.5 * (slow + 1))", where="fast >= 2, fast < slow", like="talib.PPO",
    unit="percent", pane="below", covers="3.1.1 3.1.2",
)  # fmt: skip
def ppo(lo, hi, ppo, quick=ema("fast"), steady=ema("slow"), fast=12, slow=26):
    """Percentage price oscillator: how far the fast exponential average is from the slow one, in percent of it."""
    for i in range(lo, hi):
        ppo[i] = 100.0 * (quick[i] - steady[i]) / steady[i] if steady[i] != 0.0 else 0.0


@feature(
    gives="pvo", settle="ceil(9.5 * (slow + 1))", where="fast >= 2, fast < slow", like="talib.PVO",
    unit="percent", pane="below", covers="3.1.1",
)  # fmt: skip
def pvo(lo, hi, pvo, share=ppo("fast", "slow", close="volume"), fast=12, slow=26):
    """Percentage volume oscillator: the same of volumes."""
    for i in range(lo, hi):
        pvo[i] = share[i]


@feature(
    gives="macdfix signal histogram", keeps="seen quick steady mean", warmup="24 + smooth",
    settle="ceil(9.5 * (28 + smooth))", where="smooth >= 2", like="talib.MACDFIX", unit="price_change",
    pane="below", covers="3.1.1 3.1.2",
)  # fmt: skip
def macdfix(lo, hi, close, macdfix, signal, histogram, seen, quick, steady, mean, smooth=9):
    """MACD with Appel's rounded weights, 0.15 and 0.075, for 12 and 26 bars."""
    for i in range(lo, hi):
        seen += 1.0
        steady += (close[i] - steady) * rate(seen, 26.0, 0.075)
        if seen > 14.0:
            quick += (close[i] - quick) * rate(seen - 14.0, 12.0, 0.15)
        if seen >= 26.0:
            mean += (quick - steady - mean) * rate(seen - 25.0, smooth, 2.0 / (smooth + 1.0))
        macdfix[i] = signal[i] = histogram[i] = np.nan
        if seen >= 25.0 + smooth:
            macdfix[i], signal[i] = quick - steady, mean
            histogram[i] = quick - steady - mean
    return seen, quick, steady, mean


@feature(
    gives="trix", keeps="seen last", warmup="1", settle="ceil(14 * (period + 1))", where="period >= 2",
    like="talib.TRIX", unit="percent", pane="below", covers="3.1.1 3.1.2",
    source="Hutson, Good TRIX, Stocks & Commodities 1983",
)  # fmt: skip
def trix(lo, hi, trix, seen, last, smooth=chained(3), period=30):
    """TRIX: change of a triple smoothed exponential average from bar to bar, in percent."""
    for i in range(lo, hi):
        trix[i] = np.nan
        if seen > 0.0:
            trix[i] = 100.0 * (smooth[i] - last) / last if last != 0.0 else 0.0
        last = smooth[i]
        seen += 1.0
    return seen, last


@feature(
    gives="ao", where="fast >= 2, fast < slow", like="talib.AO", unit="price_change", pane="below", covers="3.1.1",
    source="Williams, Trading Chaos, 1995",
)  # fmt: skip
def ao(lo, hi, ao, quick=sma("fast", close=medprice()), steady=sma("slow", close=medprice()), fast=5, slow=34):
    """Awesome oscillator: a fast less a slow mean of the bars' middles."""
    for i in range(lo, hi):
        ao[i] = quick[i] - steady[i]


@feature(
    gives="ac", where="fast >= 2, fast < slow, smooth >= 2", like="talib.AC", unit="price_change", pane="below",
    covers="3.1.1", source="Williams, Trading Chaos, 1995",
)  # fmt: skip
def ac(lo, hi, ac, drive=ao("fast", "slow"), mean=sma("smooth", close=ao("fast", "slow")), fast=5, slow=34, smooth=5):
    """Accelerator: the awesome oscillator less its own mean."""
    for i in range(lo, hi):
        ac[i] = drive[i] - mean[i]


@feature(
    gives="bop", like="talib.BOP", unit="ratio", range=(-1.0, 1.0), pane="below", covers="3.1.1",
    source="Livshin, Balance of Market Power, Stocks & Commodities 2001",
)  # fmt: skip
def bop(lo, hi, open, high, low, close, bop):
    """Balance of power: the body of the bar over its range, 0 without a range."""
    for i in range(lo, hi):
        bop[i] = (close[i] - open[i]) / (high[i] - low[i]) if high[i] > low[i] else 0.0


@feature(
    gives="coppock", where="period >= 2, fast >= 1, slow >= 1", like="talib.COPPOCK", unit="percent", pane="below",
    covers="3.1.1", source="Coppock, Barron's 1962",
)  # fmt: skip
def coppock(lo, hi, coppock, curve=wma("period", close=mix(roc("fast"), roc("slow"))), period=10, fast=11, slow=14):
    """Coppock curve: a weighted mean of two rates of change."""
    for i in range(lo, hi):
        coppock[i] = curve[i]


@feature(
    gives="bull bear", settle="ceil(9.5 * (period + 1))", where="period >= 2", like="talib.ERI", unit="price_change",
    pane="below", covers="3.1.1", source="Elder, Trading for a Living, 1993",
)  # fmt: skip
def eri(lo, hi, high, low, bull, bear, mean=ema("period"), period=13):
    """Elder's ray: how far the high (bulls) and the low (bears) are from an exponential average of closes."""
    for i in range(lo, hi):
        bull[i] = high[i] - mean[i]
        bear[i] = low[i] - mean[i]


@feature(
    gives="qstick", where="period >= 2", like="talib.QSTICK", unit="price_change", pane="below", covers="3.1.1",
    source="Chande & Kroll, The New Technical Trader, 1994",
)  # fmt: skip
def qstick(lo, hi, qstick, mean=sma("period", close=body().body), period=10):
    """Qstick: the mean body of `period` bars; above 0 they tend to close higher than they open."""
    for i in range(lo, hi):
        qstick[i] = mean[i]


def twice_smoothed(source: Spec | str) -> Spec:
    """An exponential average over `second` of one over `first`."""
    return ema("second", close=ema("first", close=source))


@feature(
    gives="tsi", settle="ceil(12 * (first + second))", where="first >= 2, second >= 2", like="talib.TSI",
    unit="percent", range=(-100.0, 100.0), pane="below", covers="3.1.1 3.1.2",
    source="Blau, True Strength Index, Stocks & Commodities 1991",
)  # fmt: skip
def tsi(
    lo, hi, tsi, moved=twice_smoothed(change().change), size=twice_smoothed(change().size), first=25, second=13
):  # fmt: skip
    """True strength index: steps from close to close, smoothed twice, over their sizes smoothed alike."""
    for i in range(lo, hi):
        tsi[i] = min(max(100.0 * moved[i] / size[i], -100.0), 100.0) if size[i] > 0.0 else 0.0
