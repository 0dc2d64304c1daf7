"""Indicators made of several others, as charts show them together."""

from __future__ import annotations

import numpy as np

from engine.features.averages import lagged, rma
from engine.features.contract import feature
from engine.features.oscillators import in_range
from engine.features.prices import change, medprice, mix, trange, typprice
from engine.features.rates import apo, roc
from engine.features.regression import linearreg
from engine.features.spec import Spec
from engine.features.speeds import macd, rsi
from engine.features.stops import ratchet
from engine.features.trend import ema, sma
from engine.features.volatility import donchian
from engine.features.window import moments
from engine.kernels.jit import jit
from engine.kernels.rolling import window_sum

STRENGTH = ema("smooth", close=rsi("period"))


@feature(
    gives="qqe line side", keeps="seen long last upper lower", settle="400 + 40 * period",
    where="period >= 2, smooth >= 2, factor > 0", unit="percent percent event", pane="below", covers="3.1.1",
    source="Livshin, Balance of Market Power and QQE, 2008",
)  # fmt: skip
def qqe(
    lo, hi, qqe, line, side, seen, long, last, upper, lower, strength=STRENGTH,
    width=rma("2 * period - 1", close=change(close=STRENGTH).size), period=14, smooth=5, factor=4.236,
):  # fmt: skip
    """Quantitative qualitative estimation: smoothed RSI and a stop that trails it, `factor` average steps away."""
    for i in range(lo, hi):
        top, bottom = strength[i] + factor * width[i], strength[i] - factor * width[i]
        if seen > 0.0:
            long, upper, lower = ratchet(strength[i], last, long, top, bottom, upper, lower)
        else:
            long, upper, lower = 1.0, top, bottom
        qqe[i], line[i], side[i] = strength[i], lower if long > 0.0 else upper, long
        last = strength[i]
        seen += 1.0
    return seen, long, last, upper, lower


@feature(
    gives="eased", keeps="seen value", settle="ceil(19 / factor)", where="0 < factor, factor <= 1", covers="3.1.1",
)  # fmt: skip
def eased(lo, hi, close, eased, seen, value, factor=0.5):
    """Exponential average by its weight `factor`, seeded with the first close."""
    for i in range(lo, hi):
        value = value + (close[i] - value) * factor if seen > 0.0 else close[i]
        eased[i] = value
        seen += 1.0
    return seen, value


def placed(source: Spec) -> Spec:
    """Where `source` lies in its own range, eased."""
    return eased("factor", close=in_range("cycle", close=source, high=source, low=source))


@feature(
    gives="stc", settle="ceil(9.5 * (slow + 1)) + 100",
    where="fast >= 2, fast < slow, cycle >= 2, 0 < factor, factor <= 1",
    unit="percent", range=(0.0, 100.0), pane="below", covers="3.1.1", source="Schaff, The Schaff Trend Cycle, 1999",
)  # fmt: skip
def stc(lo, hi, stc, place=placed(placed(apo("fast", "slow"))), fast=23, slow=50, cycle=10, factor=0.5):
    """Schaff trend cycle: a stochastic of a stochastic of MACD, both smoothed."""
    for i in range(lo, hi):
        stc[i] = place[i]


@feature(
    gives="kst signal", keeps="seen", warmup="0, smooth - 1", lookback="smooth - 1", where="smooth >= 2",
    unit="percent", pane="below", covers="3.1.1", source="Pring, Rate of Change, Stocks & Commodities 1992",
)  # fmt: skip
def kst(
    lo, hi, kst, signal, seen, one=sma(10, close=roc(10)), two=sma(10, close=roc(15)), three=sma(10, close=roc(20)),
    four=sma(15, close=roc(30)), smooth=9,
):  # fmt: skip
    """Know sure thing: four smoothed rates of change, the longest weighing most, and their mean."""
    for i in range(lo, hi):
        seen += 1.0
        kst[i] = one[i] + 2.0 * two[i] + 3.0 * three[i] + 4.0 * four[i]
        signal[i] = window_sum(kst, i, smooth) / smooth if seen >= smooth else np.nan
    return seen


CENTRE = mix(donchian("period").middle, sma("period"), 0.5, 0.5)


@feature(
    gives="squeeze momentum", where="period >= 2, deviations > 0, multiplier > 0", unit="event price_change",
    pane="below", covers="3.1.1 3.1.4", source="Carter, Mastering the Trade, 2005; LazyBear, TradingView 2014",
)  # fmt: skip
def squeeze(
    lo, hi, squeeze, momentum, sigma=moments("period").deviation, width=sma("period", close=trange()),
    ahead=linearreg("period", close=mix("close", CENTRE, 1.0, -1.0)).linearreg, period=20, deviations=2.0,
    multiplier=1.5,
):  # fmt: skip
    """Squeeze: 1 while Bollinger's bands lie within Keltner's channel, and the momentum with which it may end."""
    for i in range(lo, hi):
        squeeze[i] = 1.0 if deviations * sigma[i] < multiplier * width[i] else 0.0
        momentum[i] = ahead[i]


AWAY = mix(typprice(), ema("channel", close=typprice()), 1.0, -1.0)


@feature(gives="over", takes="a b", unit="ratio", pane="below", covers="3.1.1")
def channel_index(lo, hi, a, b, over):
    """a in units of 0.015 b, 0 where b is 0: the scale of the commodity channel index."""
    for i in range(lo, hi):
        over[i] = a[i] / (0.015 * b[i]) if b[i] > 0.0 else 0.0


@feature(gives="absolute", unit="price_change", pane="below", covers="3.1.1")
def absolute(lo, hi, close, absolute):
    """The close without its sign; of a difference, its size."""
    for i in range(lo, hi):
        absolute[i] = abs(close[i])


WAVE = ema("period", close=channel_index(AWAY, ema("channel", close=absolute(close=AWAY))))


@feature(
    gives="wavetrend signal", settle="ceil(14 * (channel + period))", where="channel >= 2, period >= 2", unit="ratio",
    pane="below", covers="3.1.1", source="LazyBear, TradingView 2014",
)  # fmt: skip
def wavetrend(lo, hi, wavetrend, signal, wave=WAVE, mean=sma(4, close=WAVE), channel=10, period=21):
    """Wave trend: the typical price in units of its usual distance from an average, smoothed; and its mean."""
    for i in range(lo, hi):
        wavetrend[i], signal[i] = wave[i], mean[i]


def shown(period: str, shift: str) -> Spec:
    """A smoothed middle as the chart shows it at this bar: drawn `shift` bars ago."""
    return lagged(shift, close=rma(period, close=medprice()))


JAW, TEETH, LIPS = (
    shown("jaw_period", "jaw_shift"),
    shown("teeth_period", "teeth_shift"),
    shown("lips_period", "lips_shift"),
)
WILLIAMS = "Williams, Trading Chaos, 1995; MetaTrader 5 iAlligator, iGator"
ORDER = (
    "jaw_period > teeth_period, teeth_period > lips_period, lips_period >= 2, "
    "jaw_shift >= 1, teeth_shift >= 1, lips_shift >= 1"
)


@feature(gives="jaw teeth lips", settle="19 * jaw_period", where=ORDER, covers="3.1.1", source=WILLIAMS)
def alligator(
    lo, hi, jaw, teeth, lips, slow=JAW, middle=TEETH, fast=LIPS, jaw_period=13, jaw_shift=8, teeth_period=8,
    teeth_shift=5, lips_period=5, lips_shift=3,
):  # fmt: skip
    """Alligator: three smoothed averages of the bars' middles, as charts draw them, some bars ahead."""
    for i in range(lo, hi):
        jaw[i], teeth[i], lips[i] = slow[i], middle[i], fast[i]


@feature(
    gives="gator_upper gator_lower", settle="19 * jaw_period", where=ORDER, unit="price_change", pane="below",
    covers="3.1.1", source=WILLIAMS,
)  # fmt: skip
def gator(
    lo, hi, gator_upper, gator_lower, slow=JAW, middle=TEETH, fast=LIPS, jaw_period=13, jaw_shift=8, teeth_period=8,
    teeth_shift=5, lips_period=5, lips_shift=3,
):  # fmt: skip
    """Gator: how far the alligator's jaw is from its teeth, and (below 0) its teeth from its lips."""
    for i in range(lo, hi):
        gator_upper[i] = abs(slow[i] - middle[i])
        gator_lower[i] = -abs(middle[i] - fast[i])


@feature(
    gives="upper middle lower", where="period >= 2, percent > 0", covers="3.1.1 3.1.4",
    source="MetaTrader 5 iEnvelopes",
)  # fmt: skip
def envelopes(lo, hi, upper, middle, lower, mean=sma("period"), period=14, percent=0.1):
    """Envelopes: an average, and `percent` of it either side."""
    for i in range(lo, hi):
        middle[i] = mean[i]
        upper[i], lower[i] = mean[i] * (1.0 + percent / 100.0), mean[i] * (1.0 - percent / 100.0)


@feature(
    gives="osma", where="fast >= 2, fast < slow, smooth >= 2", settle="ceil(9.5 * (slow + 1))", unit="price_change",
    pane="below", covers="3.1.1", source="MetaTrader 5 iOsMA",
)  # fmt: skip
def osma(
    lo, hi, osma, gap=apo("fast", "slow"), mean=sma("smooth", close=apo("fast", "slow")), fast=12, slow=26, smooth=9
):  # fmt: skip
    """Moving average of oscillator: MACD less its simple mean, which MetaTrader calls its signal."""
    for i in range(lo, hi):
        osma[i] = gap[i] - mean[i]


@feature(
    gives="impulse", keeps="seen mean1 bars1", warmup="1", settle="ceil(9.5 * 40)", where="period >= 2", unit="event",
    range=(-1.0, 1.0), pane="below", covers="3.1.1", source="Elder, Come Into My Trading Room, 2002",
)  # fmt: skip
def impulse(lo, hi, impulse, seen, mean1, bars1, mean=ema("period"), bars=macd().histogram, period=13):
    """Elder's impulse: 1 while average and MACD histogram both rise, -1 while both fall, else 0."""
    for i in range(lo, hi):
        impulse[i] = np.nan
        if seen > 0.0:
            up, down = mean[i] > mean1 and bars[i] > bars1, mean[i] < mean1 and bars[i] < bars1
            impulse[i] = 1.0 if up else -1.0 if down else 0.0
        mean1, bars1 = mean[i], bars[i]
        seen += 1.0
    return seen, mean1, bars1


@feature(
    gives="reach_out", keeps="seen high1 low1", warmup="1", unit="price_change", pane="below", covers="3.1.1",
)  # fmt: skip
def reach_out(lo, hi, high, low, reach_out, seen, high1, low1):
    """How far the bar reaches out of the one before, on the farther side; 0 inside it."""
    for i in range(lo, hi):
        reach_out[i] = max(max(high[i] - high1, low1 - low[i]), 0.0) if seen > 0.0 else np.nan
        high1, low1 = high[i], low[i]
        seen += 1.0
    return seen, high1, low1


@feature(
    gives="thermometer usual", settle="ceil(9.5 * (period + 1))", where="period >= 2", unit="price_change",
    pane="below", covers="3.1.1", source="Elder, Come Into My Trading Room, 2002",
)  # fmt: skip
def thermometer(lo, hi, thermometer, usual, now=reach_out(), mean=ema("period", close=reach_out()), period=20):
    """Elder's market thermometer: how far the bar reaches out of the one before, and the average of that."""
    for i in range(lo, hi):
        thermometer[i], usual[i] = now[i], mean[i]


@jit
def run_of(count, close, past):
    """The signed count of bars in a row that closed above (+) or below (-) the close four bars earlier."""
    if close > past:
        return count + 1.0 if count > 0.0 else 1.0
    if close < past:
        return count - 1.0 if count < 0.0 else -1.0
    return 0.0


@feature(
    gives="setup countdown perfect resistance support", keeps="seen run side count top bottom above below",
    warmup="4", lookback="8", settle="1000", sparse="resistance support",
    unit="event event event price price", pane="below", covers="3.1.1",
    source="DeMark, The New Science of Technical Analysis, 1994",
)  # fmt: skip
def td_sequential(
    lo, hi, high, low, close, setup, countdown, perfect, resistance, support, seen, run, side, count, top, bottom,
    above, below,
):  # fmt: skip
    """TD Sequential: a setup of nine closes beyond the close four bars earlier, then a countdown of thirteen.

    `setup` and `countdown` are signed: negative while prices fall, which may become a buy. `perfect` is 1 or -1 on
    the ninth bar if its or the eighth bar's extreme is beyond those of the sixth and seventh. `resistance` is the
    highest high of the last falling setup, `support` the lowest low of the last rising one (TDST).
    """
    for i in range(lo, hi):
        seen += 1.0
        setup[i] = countdown[i] = perfect[i] = resistance[i] = support[i] = np.nan
        if seen <= 4.0:
            continue
        run = run_of(run, close[i], close[i - 4])
        top = max(top, high[i]) if abs(run) > 1.0 else high[i]
        bottom = min(bottom, low[i]) if abs(run) > 1.0 else low[i]
        setup[i], perfect[i] = min(max(run, -9.0), 9.0), 0.0
        if run == -9.0:
            side, count, above = -1.0, 0.0, top
            ends = min(low[i], low[i - 1])
            perfect[i] = -1.0 if ends < min(low[i - 2], low[i - 3]) else 0.0
        elif run == 9.0:
            side, count, below = 1.0, 0.0, bottom
            ends = max(high[i], high[i - 1])
            perfect[i] = 1.0 if ends > max(high[i - 2], high[i - 3]) else 0.0
        beyond = close[i] <= low[i - 2] if side < 0.0 else close[i] >= high[i - 2]
        if side != 0.0 and beyond and count < 13.0:
            count += 1.0
        countdown[i] = side * count
        resistance[i] = above if above != 0.0 else np.nan
        support[i] = below if below != 0.0 else np.nan
        if count == 13.0:
            side, count = 0.0, 0.0
    return seen, run, side, count, top, bottom, above, below
