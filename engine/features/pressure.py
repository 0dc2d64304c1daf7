"""Volume indicators beyond TA-Lib's: who presses, and how much volume it takes."""

from __future__ import annotations

import numpy as np

from engine.features.averages import rma, turnover
from engine.features.contract import feature
from engine.features.flows import marketfi
from engine.features.prices import change, medprice, quotient, typprice
from engine.features.trend import ema, sma
from engine.features.window import moments, total
from engine.kernels.smoothing import rate


@feature(
    gives="volume_force", keeps="seen price1 span1 way side", warmup="1", settle="100", unit="volume", pane="below",
    covers="3.1.1", source="Klinger, Stocks & Commodities 1997",
)  # fmt: skip
def volume_force(lo, hi, high, low, close, volume, volume_force, seen, price1, span1, way, side):
    """Klinger's volume force: volume, signed by the trend of the bars, weighed by the bar's share in its swing."""
    for i in range(lo, hi):
        price, span = high[i] + low[i] + close[i], high[i] - low[i]
        volume_force[i] = np.nan
        if seen > 0.0:
            now = 1.0 if price > price1 else -1.0
            way = way + span if now == side else span1 + span
            volume_force[i] = 100.0 * volume[i] * now * abs(2.0 * (span / way - 1.0)) if way > 0.0 else 0.0
            side = now
        price1, span1 = price, span
        seen += 1.0
    return seen, price1, span1, way, side


@feature(
    gives="klinger signal", keeps="seen mean", warmup="0, smooth - 1", settle="ceil(9.5 * (slow + smooth))",
    where="fast >= 2, fast < slow, smooth >= 2", unit="volume", pane="below", covers="3.1.1",
    source="Klinger, Stocks & Commodities 1997",
)  # fmt: skip
def klinger(
    lo, hi, klinger, signal, seen, mean, quick=ema("fast", close=volume_force()),
    steady=ema("slow", close=volume_force()), fast=34, slow=55, smooth=13,
):  # fmt: skip
    """Klinger oscillator: a fast less a slow average of volume force, and its signal."""
    for i in range(lo, hi):
        seen += 1.0
        klinger[i] = quick[i] - steady[i]
        mean += (klinger[i] - mean) * rate(seen, smooth, 2.0 / (smooth + 1.0))
        signal[i] = mean if seen >= smooth else np.nan
    return seen, mean


@feature(gives="ease", unit="price_squared_per_volume", pane="below", covers="3.1.1")
def ease(lo, hi, high, low, volume, ease, moved=change(close=medprice()).change):
    """Ease of movement of one bar: how far the middle moved, times the range, per 100 million of volume."""
    for i in range(lo, hi):
        ease[i] = moved[i] * (high[i] - low[i]) / (volume[i] / 1e8) if volume[i] > 0.0 else 0.0


@feature(
    gives="eom", where="period >= 2", unit="price_squared_per_volume", pane="below", covers="3.1.1",
    source="Arms, Volume Cycles in the Stock Market, 1983",
)  # fmt: skip
def eom(lo, hi, eom, mean=sma("period", close=ease()), period=14):
    """Ease of movement: high where little volume moves prices far up."""
    for i in range(lo, hi):
        eom[i] = mean[i]


@feature(
    gives="vwmacd signal histogram", keeps="seen mean", warmup="smooth - 1", settle="ceil(9.5 * (slow + smooth + 2))",
    where="fast >= 2, fast < slow, smooth >= 2", unit="price_change", pane="below", covers="3.1.1",
    source="Dormeier, Investing with Volume Analysis, 2011",
)  # fmt: skip
def vwmacd(
    lo, hi, close, vwmacd, signal, histogram, seen, mean,
    quick=quotient(ema("fast", close=turnover()), ema("fast", close="volume")),
    steady=quotient(ema("slow", close=turnover()), ema("slow", close="volume")), fast=12, slow=26, smooth=9,
):  # fmt: skip
    """MACD of volume-weighted exponential averages; 0 while nothing is traded."""
    for i in range(lo, hi):
        seen += 1.0
        gap = quick[i] - steady[i]
        mean += (gap - mean) * rate(seen, smooth, 2.0 / (smooth + 1.0))
        vwmacd[i] = gap if seen >= smooth else np.nan
        signal[i] = mean if seen >= smooth else np.nan
        histogram[i] = gap - mean if seen >= smooth else np.nan
    return seen, mean


@feature(gives="signed_volume", unit="volume", pane="below", covers="3.1.1")
def signed_volume(lo, hi, volume, signed_volume, moved=change().change):
    """Volume of a rising bar, minus that of a falling one, 0 where the close stood still."""
    for i in range(lo, hi):
        signed_volume[i] = volume[i] * np.sign(moved[i])


@feature(
    gives="vzo", settle="ceil(9.5 * (period + 1))", where="period >= 2", unit="percent", range=(-100.0, 100.0),
    pane="below", covers="3.1.1", source="Khalil & Steckler, In the Volume Zone, Stocks & Commodities 2011",
)  # fmt: skip
def vzo(
    lo, hi, vzo, signed=ema("period", close=signed_volume()), traded=ema("period", close="volume"), period=14
):  # fmt: skip
    """Volume zone oscillator: smoothed signed volume in percent of smoothed volume."""
    for i in range(lo, hi):
        vzo[i] = min(max(100.0 * signed[i] / traded[i], -100.0), 100.0) if traded[i] > 0.0 else 0.0


@feature(gives="log_change", keeps="seen last", warmup="1", unit="ratio", pane="below", covers="3.1.1 3.1.2")
def log_change(lo, hi, close, log_change, seen, last):
    """Logarithmic return: ln(close / close before); 0 where a price is not above 0."""
    for i in range(lo, hi):
        log_change[i] = np.nan
        if seen > 0.0:
            log_change[i] = np.log(close[i] / last) if close[i] > 0.0 and last > 0.0 else 0.0
        last = close[i]
        seen += 1.0
    return seen, last


@feature(
    gives="capped",
    keeps="seen usual",
    warmup="1",
    where="period >= 2, reach >= 2",
    unit="ratio",
    pane="below",
    covers="3.1.1",
)
def vfi_flow(
    lo, hi, close, volume, capped, seen, usual, moved=change(close=typprice()).change,
    noise=moments("reach", close=log_change(close=typprice())).deviation, mean=sma("period", close="volume"),
    period=130, reach=30, share=0.2, limit=2.5,
):  # fmt: skip
    """Volume of bars that moved by more than a share of the usual noise, capped at `limit` times the usual volume."""
    for i in range(lo, hi):
        capped[i] = np.nan
        if seen > 0.0:
            traded = min(volume[i], limit * usual) / usual if usual > 0.0 else 0.0
            threshold = share * noise[i] * close[i]
            capped[i] = traded if moved[i] > threshold else -traded if moved[i] < -threshold else 0.0
        usual = mean[i]
        seen += 1.0
    return seen, usual


@feature(
    gives="vfi", settle="40", where="period >= 2, reach >= 2, smooth >= 2", unit="ratio", pane="below",
    covers="3.1.1", source="Katsanos, Detecting Breakouts, Stocks & Commodities 2004",
)  # fmt: skip
def vfi(
    lo, hi, vfi, flow=ema("smooth", close=total("period", close=vfi_flow("period", "reach"))), period=130, reach=30,
    smooth=3,
):  # fmt: skip
    """Volume flow: signed volume of `period` bars in units of the usual, noise left out and spikes capped."""
    for i in range(lo, hi):
        vfi[i] = flow[i]


@feature(gives="flow traded", keeps="seen last", warmup="1", unit="volume", pane="below", covers="3.1.1")
def true_flow(lo, hi, high, low, close, volume, flow, traded, seen, last):
    """Volume by where the bar closed in its true range, and the volume itself."""
    for i in range(lo, hi):
        flow[i] = traded[i] = np.nan
        if seen > 0.0:
            top, bottom = max(high[i], last), min(low[i], last)
            place = (2.0 * close[i] - top - bottom) / (top - bottom) if top > bottom else 0.0
            flow[i], traded[i] = place * volume[i], volume[i]
        last = close[i]
        seen += 1.0
    return seen, last


@feature(
    gives="twiggs", settle="19 * period", where="period >= 2", unit="ratio", range=(-1.0, 1.0), pane="below",
    covers="3.1.1", source="Twiggs, Incredible Charts, 2002",
)  # fmt: skip
def twiggs(
    lo, hi, twiggs, flow=rma("period", close=true_flow().flow), traded=rma("period", close=true_flow().traded),
    period=21
):  # fmt: skip
    """Twiggs money flow: like Chaikin's, of true ranges and smoothed in Wilder's way."""
    for i in range(lo, hi):
        twiggs[i] = min(max(flow[i] / traded[i], -1.0), 1.0) if traded[i] > 0.0 else 0.0


@feature(
    gives="bwmfi color", keeps="seen index1 volume1", warmup="1", unit="price_per_volume event", pane="below",
    covers="3.1.1", source="Williams, Trading Chaos, 1995; MetaTrader 5 iBWMFI",
)  # fmt: skip
def bwmfi(lo, hi, volume, bwmfi, color, seen, index1, volume1, index=marketfi()):
    """Market facilitation with its colour: 0 green (both rise), 1 fade (both fall), 2 fake (volume falls), 3 squat."""
    for i in range(lo, hi):
        bwmfi[i] = color[i] = np.nan
        if seen > 0.0:
            easier, busier = index[i] > index1, volume[i] > volume1
            color[i] = (0.0 if busier else 2.0) if easier else (3.0 if busier else 1.0)
            bwmfi[i] = index[i]
        index1, volume1 = index[i], volume[i]
        seen += 1.0
    return seen, index1, volume1
