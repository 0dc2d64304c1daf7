"""Ehlers' filters and oscillators: cycles without lag, trends without cycles."""

from __future__ import annotations

import numpy as np

from engine.features.averages import wma
from engine.features.contract import feature
from engine.features.prices import medprice
from engine.features.regression import linearreg
from engine.features.speeds import rsi
from engine.features.volatility import donchian
from engine.features.window import moments
from engine.kernels.filters import high_pass, smoother

ANALYTICS = "Ehlers, Cycle Analytics for Traders, 2013"


@feature(
    gives="supersmoother", keeps="seen base x1 y1 y2", warmup="2", settle="8 * period", where="period >= 3",
    covers="3.1.1 2.3.2", source=ANALYTICS,
)  # fmt: skip
def supersmoother(lo, hi, close, supersmoother, seen, base, x1, y1, y2, period=10):
    """Super smoother: takes out what turns faster than `period` bars; starts with the first two closes."""
    for i in range(lo, hi):
        if seen == 0.0:
            base = close[i]
        x = close[i] - base
        y = smoother(x, x1, y1, y2, period) if seen >= 2.0 else x
        supersmoother[i] = base + y if seen >= 2.0 else np.nan
        x1, y2, y1 = x, y1, y
        seen += 1.0
    return seen, base, x1, y1, y2


@feature(
    gives="decycler", keeps="seen x1 x2 y1 y2", warmup="2", settle="8 * period", where="period >= 5", covers="3.1.1",
    source=ANALYTICS,
)  # fmt: skip
def decycler(lo, hi, close, decycler, seen, x1, x2, y1, y2, period=60):
    """Decycler: the close without what turns faster than `period` bars; no lag in a trend."""
    for i in range(lo, hi):
        y = high_pass(close[i], x1, x2, y1, y2, period) if seen >= 2.0 else 0.0
        decycler[i] = close[i] - y if seen >= 2.0 else np.nan
        x2, x1, y2, y1 = x1, close[i], y1, y
        seen += 1.0
    return seen, x1, x2, y1, y2


@feature(
    gives="roofing", keeps="seen x1 x2 h1 h2 y1 y2", warmup="2", settle="8 * slow", where="fast >= 3, fast < slow",
    unit="price_change", pane="below", covers="3.1.1", source=ANALYTICS,
)  # fmt: skip
def roofing(lo, hi, close, roofing, seen, x1, x2, h1, h2, y1, y2, slow=48, fast=10):
    """Roofing filter: what turns within `fast` to `slow` bars, trend and noise taken out."""
    for i in range(lo, hi):
        h = high_pass(close[i], x1, x2, h1, h2, slow) if seen >= 2.0 else 0.0
        y = smoother(h, h1, y1, y2, fast)
        roofing[i] = y if seen >= 2.0 else np.nan
        x2, x1, h2, h1, y2, y1 = x1, close[i], h1, h, y1, y
        seen += 1.0
    return seen, x1, x2, h1, h2, y1, y2


@feature(
    gives="laguerre_rsi", keeps="seen l0 l1 l2 l3", warmup="4", settle="400", where="0 <= gamma, gamma <= 0.9",
    unit="ratio", range=(0.0, 1.0), pane="below", covers="3.1.1",
    source="Ehlers, Cybernetic Analysis for Stocks and Futures, 2004",
)  # fmt: skip
def laguerre_rsi(lo, hi, close, laguerre_rsi, seen, l0, l1, l2, l3, gamma=0.5):
    """Laguerre RSI: the share of rises between four delayed closes; 0.5 without any movement."""
    for i in range(lo, hi):
        if seen == 0.0:
            l0 = l1 = l2 = l3 = close[i]
        k0 = l0 + (1.0 - gamma) * (close[i] - l0)
        k1 = l0 + gamma * (l1 - k0)
        k2 = l1 + gamma * (l2 - k1)
        k3 = l2 + gamma * (l3 - k2)
        l0, l1, l2, l3 = k0, k1, k2, k3
        up = max(l0 - l1, 0.0) + max(l1 - l2, 0.0) + max(l2 - l3, 0.0)
        down = max(l1 - l0, 0.0) + max(l2 - l1, 0.0) + max(l3 - l2, 0.0)
        laguerre_rsi[i] = np.nan
        if seen >= 4.0:
            laguerre_rsi[i] = up / (up + down) if up + down > 0.0 else 0.5
        seen += 1.0
    return seen, l0, l1, l2, l3


@feature(
    gives="fisher trigger", keeps="seen place turned", settle="60", where="period >= 2", unit="ratio", pane="below",
    covers="3.1.1", source="Ehlers, Using the Fisher Transform, Stocks & Commodities 2002",
)  # fmt: skip
def fisher(
    lo, hi, fisher, trigger, seen, place, turned, price=medprice(),
    top=donchian("period", high=medprice(), low=medprice()).upper,
    bottom=donchian("period", high=medprice(), low=medprice()).lower, period=9,
):  # fmt: skip
    """Fisher transform of the place in the range: sharp turns at extremes; `trigger` is the value before."""
    for i in range(lo, hi):
        span = top[i] - bottom[i]
        place = 0.66 * ((price[i] - bottom[i]) / span - 0.5) + 0.67 * place if span > 0.0 else 0.67 * place
        place = min(max(place, -0.999), 0.999)
        trigger[i] = turned
        turned = 0.5 * np.log((1.0 + place) / (1.0 - place)) + 0.5 * turned
        fisher[i] = turned
        seen += 1.0
    return seen, place, turned


@feature(
    gives="ifisher_rsi", where="period >= 2, smooth >= 2", settle="19 * period", unit="ratio", range=(-1.0, 1.0),
    pane="below", covers="3.1.1", source="Ehlers, The Inverse Fisher Transform, Stocks & Commodities 2004",
)  # fmt: skip
def ifisher_rsi(lo, hi, ifisher_rsi, mean=wma("smooth", close=rsi("period")), period=5, smooth=9):
    """Inverse Fisher transform of RSI: pushed towards -1 or 1, so that what lies between is rare."""
    for i in range(lo, hi):
        ifisher_rsi[i] = np.tanh(0.1 * (mean[i] - 50.0))


@feature(
    gives="cg", where="period >= 2", unit="bars", pane="below", covers="3.1.1",
    source="Ehlers, The Center of Gravity Oscillator, Stocks & Commodities 2002",
)  # fmt: skip
def cg(lo, hi, cg, weighted=wma("period"), mean=moments("period").mean, period=10):
    """Centre of gravity of the last `period` closes, in bars from the middle of the window."""
    for i in range(lo, hi):
        cg[i] = (period + 1.0) / 2.0 * (weighted[i] / mean[i] - 1.0) if mean[i] != 0.0 else 0.0


@feature(
    gives="ebsw", keeps="seen x1 h1 y1 y2", warmup="period + 2", settle="8 * period", where="period >= 5, smooth >= 3",
    unit="ratio", range=(-1.0, 1.0), pane="below", covers="3.1.1", source=ANALYTICS,
)  # fmt: skip
def ebsw(lo, hi, close, ebsw, seen, x1, h1, y1, y2, period=40, smooth=10):
    """Even better sine wave: the filtered price over its own power, so that it swings between -1 and 1."""
    turn = 2.0 * np.pi / period
    a = (1.0 - np.sin(turn)) / np.cos(turn)
    for i in range(lo, hi):
        h = 0.5 * (1.0 + a) * (close[i] - x1) + a * h1 if seen > 0.0 else 0.0
        y = smoother(h, h1, y1, y2, smooth)
        power = (y * y + y1 * y1 + y2 * y2) / 3.0
        wave = (y + y1 + y2) / 3.0
        ebsw[i] = np.nan
        if seen >= period + 2:
            ebsw[i] = min(max(wave / np.sqrt(power), -1.0), 1.0) if power > 0.0 else 0.0
        x1, h1, y2, y1 = close[i], h, y1, y
        seen += 1.0
    return seen, x1, h1, y1, y2


@feature(
    gives="cti", where="period >= 3", unit="ratio", range=(-1.0, 1.0), pane="below", covers="3.1.1 3.1.3",
    source="Ehlers, Correlation as a Trend Indicator, Stocks & Commodities 2020",
)  # fmt: skip
def cti(lo, hi, cti, slope=linearreg("period").slope, sigma=moments("period").deviation, period=12):
    """Correlation trend indicator: correlation of the last `period` closes with a straight line."""
    spread = np.sqrt((period * period - 1.0) / 12.0)
    for i in range(lo, hi):
        cti[i] = min(max(slope[i] * spread / sigma[i], -1.0), 1.0) if sigma[i] > 0.0 else 0.0
