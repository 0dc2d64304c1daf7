"""Oscillators beyond TA-Lib's: who is stronger, and for how long."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature
from engine.features.prices import bar_range, body, change, trange
from engine.features.rates import mom, rocp
from engine.features.regression import percentrank
from engine.features.speeds import rsi
from engine.features.trend import ema, sma
from engine.features.window import moments, total
from engine.kernels.smoothing import rate


@feature(gives="streak", keeps="seen last run", unit="bars", pane="below", covers="3.1.1")
def streak(lo, hi, close, streak, seen, last, run):
    """How many closes in a row rose, or fell (negative); 0 after one that stood still."""
    for i in range(lo, hi):
        if seen > 0.0:
            side = np.sign(close[i] - last)
            run = run + side if side * run > 0.0 else side
        last = close[i]
        streak[i] = run
        seen += 1.0
    return seen, last, run


@feature(
    gives="connors_rsi", settle="19 * period", where="period >= 2, runs >= 2, reach >= 2", unit="percent",
    range=(0.0, 100.0), pane="below", covers="3.1.1", source="Connors & Alvarez, An Introduction to ConnorsRSI, 2012",
)  # fmt: skip
def connors_rsi(
    lo, hi, connors_rsi, strength=rsi("period"), run=rsi("runs", close=streak()),
    rank=percentrank("reach", close=rocp(1)), period=3, runs=2, reach=100,
):  # fmt: skip
    """Connors' RSI: the mean of a short RSI, the RSI of the streak, and the rank of the last return."""
    for i in range(lo, hi):
        connors_rsi[i] = (strength[i] + run[i] + rank[i]) / 3.0


@feature(gives="rose", keeps="seen last", warmup="1", unit="event", pane="below", covers="3.1.1")
def rose(lo, hi, close, rose, seen, last):
    """1 where the close is above the one before, else 0."""
    for i in range(lo, hi):
        rose[i] = (1.0 if close[i] > last else 0.0) if seen > 0.0 else np.nan
        last = close[i]
        seen += 1.0
    return seen, last


@feature(
    gives="psy", where="period >= 2", unit="percent", range=(0.0, 100.0), pane="below", covers="3.1.1",
)  # fmt: skip
def psy(lo, hi, psy, rises=total("period", close=rose()), period=12):
    """Psychological line: percent of the last `period` bars that closed higher than the one before."""
    for i in range(lo, hi):
        psy[i] = 100.0 * rises[i] / period


@feature(
    gives="over under above below", keeps="seen last", warmup="0, 0, 1, 1", unit="price_change", pane="below",
    covers="3.1.1",
)  # fmt: skip
def tugs(lo, hi, open, high, low, close, over, under, above, below, seen, last):
    """How far the bar reached over and under its open, and above and below the close before."""
    for i in range(lo, hi):
        over[i], under[i] = high[i] - open[i], open[i] - low[i]
        above[i] = max(high[i] - last, 0.0) if seen > 0.0 else np.nan
        below[i] = max(last - low[i], 0.0) if seen > 0.0 else np.nan
        last = close[i]
        seen += 1.0
    return seen, last


@feature(gives="ar br", where="period >= 2", unit="percent", pane="below", covers="3.1.1")
def brar(
    lo, hi, ar, br, over=total("period", close=tugs().over), under=total("period", close=tugs().under),
    above=total("period", close=tugs().above), below=total("period", close=tugs().below), period=26,
):  # fmt: skip
    """Emotion and willingness: reach above over reach below the open (ar) and the close before (br), in percent.

    100 where nothing reached either way.
    """
    for i in range(lo, hi):
        ar[i] = 100.0 * over[i] / under[i] if under[i] > 0.0 else 100.0
        br[i] = 100.0 * above[i] / below[i] if below[i] > 0.0 else 100.0


@feature(gives="bias_ratio", where="period >= 2", unit="percent", pane="below", covers="3.1.1")
def bias_ratio(lo, hi, close, bias_ratio, mean=sma("period"), period=26):
    """Bias: how far the close is from its mean, in percent of it."""
    for i in range(lo, hi):
        bias_ratio[i] = 100.0 * (close[i] - mean[i]) / mean[i] if mean[i] != 0.0 else 0.0


@feature(
    gives="rsx", keeps="seen last moves[6] sizes[6]", warmup="period", settle="12 * period", where="period >= 2",
    unit="percent", range=(0.0, 100.0), pane="below", covers="3.1.1", source="Jurik Research; published studies, 2006",
)  # fmt: skip
def rsx(lo, hi, close, rsx, seen, last, moves, sizes, period=14):
    """RSX: RSI of steps that three filters in a row have smoothed; smooth, with little lag, 50 without movement."""
    share = 3.0 / (period + 2.0)
    for i in range(lo, hi):
        step = close[i] - last if seen > 0.0 else 0.0
        move, size = step, abs(step)
        for k in range(0, 6, 2):
            moves[k] += share * (move - moves[k])
            moves[k + 1] += share * (moves[k] - moves[k + 1])
            move = 1.5 * moves[k] - 0.5 * moves[k + 1]
            sizes[k] += share * (size - sizes[k])
            sizes[k + 1] += share * (sizes[k] - sizes[k + 1])
            size = 1.5 * sizes[k] - 0.5 * sizes[k + 1]
        last = close[i]
        rsx[i] = np.nan
        if seen >= period:
            rsx[i] = min(max(50.0 * (move / size + 1.0), 0.0), 100.0) if size > 0.0 else 50.0
        seen += 1.0
    return seen, last


@feature(
    gives="pgo", settle="ceil(9.5 * (period + 1))", where="period >= 2", unit="ratio", pane="below", covers="3.1.1",
    source="Johnson, Stocks & Commodities",
)  # fmt: skip
def pgo(lo, hi, close, pgo, mean=sma("period"), width=ema("period", close=trange()), period=14):
    """Pretty good oscillator: how many average true ranges the close is from its mean."""
    for i in range(lo, hi):
        pgo[i] = (close[i] - mean[i]) / width[i] if width[i] > 0.0 else 0.0


@feature(gives="over under", where="period >= 2", unit="price_change", pane="below", covers="3.1.1")
def sides(lo, hi, close, over, under, mean=sma("period"), period=60):
    """How far the close is above its mean, and below it."""
    for i in range(lo, hi):
        over[i], under[i] = max(close[i] - mean[i], 0.0), max(mean[i] - close[i], 0.0)


@feature(
    gives="tii", where="period >= 2", unit="percent", range=(0.0, 100.0), pane="below", covers="3.1.1 3.1.3",
    source="Pee, Trend Intensity Index, Stocks & Commodities 2002",
)  # fmt: skip
def tii(
    lo, hi, tii, over=total("period", close=sides("2 * period").over),
    under=total("period", close=sides("2 * period").under), period=30,
):  # fmt: skip
    """Trend intensity: the share of deviations above the mean of twice `period` bars; 50 without any."""
    for i in range(lo, hi):
        both = over[i] + under[i]
        tii[i] = min(max(100.0 * over[i] / both, 0.0), 100.0) if both > 0.0 else 50.0


@feature(
    gives="rmi", keeps="seen gain loss", warmup="period - 1", settle="19 * period", where="period >= 2, reach >= 1",
    unit="percent", range=(0.0, 100.0), pane="below", covers="3.1.1",
    source="Altman, Relative Momentum Index, Stocks & Commodities 1993",
)  # fmt: skip
def rmi(lo, hi, rmi, seen, gain, loss, moved=mom("reach"), period=14, reach=5):
    """Relative momentum index: RSI of steps over `reach` bars; 50 without movement."""
    for i in range(lo, hi):
        seen += 1.0
        weight = rate(seen, period, 1.0 / period)
        gain = gain * (1.0 - weight) + max(moved[i], 0.0) * weight
        loss = loss * (1.0 - weight) + max(-moved[i], 0.0) * weight
        rmi[i] = np.nan
        if seen >= period:
            rmi[i] = 100.0 * gain / (gain + loss) if gain + loss > 0.0 else 50.0
    return seen, gain, loss


@feature(
    gives="dymi", lookback="30", unit="percent", range=(0.0, 100.0), pane="below", covers="3.1.1", warmup="30 - 13",
    keeps="seen", source="Chande & Kroll, The New Technical Trader, 1994",
)  # fmt: skip
def dymi(
    lo, hi, close, dymi, seen, sigma=moments(5).deviation, usual=sma(10, close=moments(5).deviation), period=14
):  # fmt: skip
    """Dynamic momentum index: RSI whose period, 5 to 30 bars around `period`, shrinks when prices become restless.

    Its gains and losses are plain sums; 50 without movement.
    """
    for i in range(lo, hi):
        dymi[i] = np.nan
        if seen >= 17.0:
            n = 30
            if usual[i] > 0.0 and sigma[i] > 0.0:
                n = int(min(max(period * usual[i] / sigma[i], 5.0), 30.0))
            gain, loss = 0.0, 0.0
            for k in range(i - n + 1, i + 1):
                gain += max(close[k] - close[k - 1], 0.0)
                loss += max(close[k - 1] - close[k], 0.0)
            dymi[i] = 100.0 * gain / (gain + loss) if gain + loss > 0.0 else 50.0
        seen += 1.0
    return seen


@feature(
    gives="swma", keeps="seen", warmup="3", lookback="3", covers="3.1.1", source="Ehlers, Relative Vigor Index, 2002",
)  # fmt: skip
def swma(lo, hi, close, swma, seen):
    """Symmetric weighted mean of four closes: weights 1, 2, 2, 1."""
    for i in range(lo, hi):
        seen += 1.0
        swma[i] = np.nan
        if seen >= 4.0:
            swma[i] = (close[i] + 2.0 * close[i - 1] + 2.0 * close[i - 2] + close[i - 3]) / 6.0
    return seen


@feature(gives="vigor_line", where="period >= 2", unit="ratio", pane="below", covers="3.1.1")
def vigor_line(
    lo, hi, vigor_line, bodies=total("period", close=swma(close=body().body)),
    spans=total("period", close=swma(close=bar_range())), period=10,
):  # fmt: skip
    """Smoothed bodies over smoothed ranges of `period` bars; 0 without any range."""
    for i in range(lo, hi):
        vigor_line[i] = bodies[i] / spans[i] if spans[i] > 0.0 else 0.0


@feature(
    gives="vigor signal", where="period >= 2", unit="ratio", pane="below", covers="3.1.1",
    source="Ehlers, Relative Vigor Index, Stocks & Commodities 2002; MetaTrader 5 iRVI",
)  # fmt: skip
def vigor(lo, hi, vigor, signal, line=vigor_line("period"), mean=swma(close=vigor_line("period")), period=10):
    """Relative vigor index: bars that close higher than they open, in units of their range. Not TA-Lib's RVI."""
    for i in range(lo, hi):
        vigor[i], signal[i] = line[i], mean[i]


@feature(
    gives="demarker", where="period >= 2", unit="ratio", range=(0.0, 1.0), pane="below", covers="3.1.1",
    source="DeMark, The New Science of Technical Analysis, 1994; MetaTrader 5 iDeMarker",
)  # fmt: skip
def demarker(
    lo, hi, demarker, up=total("period", close=change(close="high").up),
    down=total("period", close=change(close="low").down), period=14,
):  # fmt: skip
    """DeMarker: the share of steps to higher highs in those and steps to lower lows; 0 without any."""
    for i in range(lo, hi):
        both = up[i] + down[i]
        demarker[i] = min(max(up[i] / both, 0.0), 1.0) if both > 0.0 else 0.0
