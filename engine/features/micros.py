"""What bars say about trading costs, who presses, and jumps: the microstructure that is visible without quotes."""

from __future__ import annotations

import math

import numpy as np

from engine.features.contract import feature
from engine.features.prices import change
from engine.features.trend import sma
from engine.features.window import moments
from engine.kernels.jit import jit

KINK = 3.0 - 2.0 * math.sqrt(2.0)


@feature(
    gives="step middle opening before pair signed", keeps="seen side", warmup="1", lookback="1", pane="below",
    unit="ratio ratio ratio ratio ratio volume", covers="3.1.9",
    source="Corwin and Schultz, A Simple Way to Estimate Bid-Ask Spreads, Journal of Finance 67, 2012; tick rule",
)  # fmt: skip
def micro_bar(
    lo, hi, open, high, low, close, volume, step, middle, opening, before, pair, signed, seen, side
):  # fmt: skip
    """What a bar and the one before it say, in logarithms from the close before: what `micro` sums up.

    `step` is the return, `middle` of high and low, `opening`, `before` the middle of the bar before, `pair` Corwin
    and Schultz's spread of both bars (at least 0), `signed` the volume with the sign of the last change of the close.
    """
    for i in range(lo, hi):
        step[i] = middle[i] = opening[i] = before[i] = pair[i] = signed[i] = np.nan
        if seen > 0.0:
            last = close[i - 1]
            top, bottom, top1, bottom1 = high[i], low[i], high[i - 1], low[i - 1]
            step[i], opening[i] = math.log(close[i] / last), math.log(open[i] / last)
            middle[i] = (math.log(top / last) + math.log(bottom / last)) / 2.0
            before[i] = (math.log(top1 / last) + math.log(bottom1 / last)) / 2.0
            gap = max(last - top, 0.0) - max(bottom - last, 0.0)
            top, bottom = top + gap, bottom + gap
            both = math.log(top / bottom) ** 2 + math.log(top1 / bottom1) ** 2
            wide = math.log(max(top, top1) / min(bottom, bottom1))
            power = math.exp((math.sqrt(2.0 * both) - math.sqrt(both)) / KINK - wide / math.sqrt(KINK))
            pair[i] = max(2.0 * (power - 1.0) / (1.0 + power), 0.0)
            side = np.sign(close[i] - last) if close[i] != last else side
            signed[i] = side * volume[i]
        seen += 1.0
    return seen, side


@jit
def steps_against(close, i, n):
    """Covariance (sample) of the last n differences of closes with those one bar before, within the window."""
    a, b, both = 0.0, 0.0, 0.0
    for k in range(i - n + 2, i + 1):
        x, y = close[k] - close[k - 1], close[k - 1] - close[k - 2]
        a, b, both = a + x, b + y, both + x * y
    return (both - a * b / (n - 1.0)) / (n - 2.0)


@jit
def slope_of_flow(close, signed, i, n):
    """Slope of the differences of closes on the signed roots of volume, over n bars; 0 where nothing flowed."""
    a, b, both, squares = 0.0, 0.0, 0.0, 0.0
    for k in range(i - n + 1, i + 1):
        x, y = math.copysign(math.sqrt(abs(signed[k])), signed[k]), close[k] - close[k - 1]
        a, b, both, squares = a + x, b + y, both + x * y, squares + x * x
    spread = squares - a * a / n
    return (both - a * b / n) / spread if spread > 1e-12 * squares else 0.0


@jit
def efficient(open, high, low, close, middle, opening, before, i, n):
    """Ardia, Guidotti and Kroencke's spread of the n pairs of bars that end at row i; 0 where too little moved."""
    moved, opens, closes, a, b, c = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for k in range(i - n + 1, i + 1):
        if high[k] != low[k] or low[k] != close[k - 1]:
            moved += 1.0
            opens += 1.0 * (open[k] != high[k]) + 1.0 * (open[k] != low[k])
            closes += 1.0 * (close[k - 1] != high[k - 1]) + 1.0 * (close[k - 1] != low[k - 1])
        a, b, c = a + middle[k] - opening[k], b + middle[k], c + opening[k]
    if moved < 2.0 or opens == 0.0 or closes == 0.0:
        return 0.0
    a, b, c, first, second, first2, second2 = a / moved, b / moved, c / moved, 0.0, 0.0, 0.0, 0.0
    for k in range(i - n + 1, i + 1):
        there = 1.0 * (high[k] != low[k] or low[k] != close[k - 1])
        inside = (middle[k] - opening[k] - a * there) * -4.0 * n / opens
        across, jumped = (middle[k] - b * there) * -4.0 * n / closes, (opening[k] - c * there) * -4.0 * n / closes
        x = inside * (opening[k] - before[k]) - across * before[k]
        y = inside * opening[k] - jumped * before[k]
        first, second, first2, second2 = first + x, second + y, first2 + x * x, second2 + y * y
    first, second = first / n, second / n
    v1, v2 = first2 / n - first * first, second2 / n - second * second
    square = (v2 * first + v1 * second) / (v1 + v2) if v1 + v2 > 0.0 else (first + second) / 2.0
    return math.sqrt(abs(square))


BAR = micro_bar()


@feature(
    gives="signed roll corwin abdi edge amihud kyle variance bipower jump", keeps="seen", warmup="period - 1",
    lookback="period", where="period >= 5", pane="below", covers="3.1.9",
    unit="volume price_change ratio ratio ratio per_turnover price_per_root_volume ratio ratio ratio",
    source="Roll 1984; Corwin and Schultz 2012; Abdi and Ranaldo 2017; Ardia, Guidotti and Kroencke 2024; Amihud 2002; "
    "Kyle 1985; Barndorff-Nielsen and Shephard 2004",
)  # fmt: skip
def micro(
    lo, hi, open, high, low, close, volume, signed, roll, corwin, abdi, edge, amihud, kyle, variance, bipower, jump,
    seen, step=BAR.step, middle=BAR.middle, opening=BAR.opening, before=BAR.before, pair=BAR.pair, flow=BAR.signed,
    period=100,
):  # fmt: skip
    """Microstructure from bars: four estimates of the spread, how much volume moves prices, and the share of jumps.

    `signed` is the bar's volume by the tick rule. Of the last `period` bars: the spread by Roll (in price), Corwin
    and Schultz, Abdi and Ranaldo, and EDGE (shares of the price); Amihud's illiquidity (mean return over turnover,
    bars without volume left out), Kyle's lambda (slope of closes' changes on signed roots of volume), realised
    `variance`, `bipower` variation and the share of `jump`s in the variance. 0 where nothing moved.
    """
    for i in range(lo, hi):
        seen += 1.0
        signed[i] = roll[i] = corwin[i] = abdi[i] = edge[i] = amihud[i] = kyle[i] = np.nan
        variance[i] = bipower[i] = jump[i] = np.nan
        if seen < period:
            continue
        spreads, products, dry, traded, squares, pairs = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(i - period + 1, i + 1):
            spreads += pair[k]
            products += before[k] * middle[k]
            squares += step[k] * step[k]
            pairs += abs(step[k] * step[k - 1]) if k > i - period + 1 else 0.0
            if volume[k] > 0.0:
                dry += abs(step[k]) / (close[k] * volume[k])
                traded += 1.0
        signed[i], corwin[i] = flow[i], spreads / period
        abdi[i] = 2.0 * math.sqrt(max(products / period, 0.0))
        amihud[i] = dry / traded if traded > 0.0 else 0.0
        variance[i], bipower[i] = squares, math.pi / 2.0 * period / (period - 1.0) * pairs
        jump[i] = max(1.0 - bipower[i] / squares, 0.0) if squares > 0.0 else 0.0
        roll[i] = 2.0 * math.sqrt(max(-steps_against(close, i, period), 0.0))
        kyle[i] = slope_of_flow(close, flow, i, period)
        edge[i] = efficient(open, high, low, close, middle, opening, before, i, period)
    return seen


@feature(
    gives="micro_vpin bought", keeps="size filled buys count gaps[buckets] sizes[buckets]", sparse="micro_vpin",
    where="period >= 10, buckets >= 5, bars > 0", settle="never", unit="ratio ratio", range=(0.0, 1.0), pane="below",
    covers="3.1.9",
    source="Easley, Lopez de Prado and O'Hara, Flow Toxicity and Liquidity, Review of Financial Studies 25, 2012",
)  # fmt: skip
def micro_vpin(
    lo, hi, volume, micro_vpin, bought, size, filled, buys, count, gaps, sizes,
    moved=change().change, noise=moments("period", close=change().change).deviation,
    usual=sma("period", close="volume"), period=100, buckets=50, bars=2.0,
):  # fmt: skip
    """VPIN: how one-sided volume has been, 0 to 1, over the last `buckets` buckets of equal volume.

    Of a bar's volume the share `bought` is the normal chance of its move in deviations of `period` bars (bulk
    classification). A bucket holds as much as `bars` bars usually do when it is opened; what does not fit goes into
    the next. NaN until `buckets` of them are full.
    """
    for i in range(lo, hi):
        share = 0.5 * math.erfc(-moved[i] / noise[i] / math.sqrt(2.0)) if noise[i] > 0.0 else 0.5
        rest, bought[i] = volume[i], share
        while rest > 0.0:
            size = bars * usual[i] if size == 0.0 else size
            put = min(rest, size - filled)
            full = rest >= size - filled
            rest, filled, buys = rest - put, filled + put, buys + put * share
            if full:
                at = int(count % buckets)
                gaps[at], sizes[at] = abs(2.0 * buys - size), size
                count, size, filled, buys = count + 1.0, 0.0, 0.0, 0.0
        micro_vpin[i] = np.nan
        if count >= buckets:
            apart, whole = 0.0, 0.0
            for k in range(buckets):
                apart, whole = apart + gaps[k], whole + sizes[k]
            micro_vpin[i] = min(apart / whole, 1.0)
    return size, filled, buys, count
