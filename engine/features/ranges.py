"""Volatility: of ranges, of closes, and estimated from all four prices of the bars."""

from __future__ import annotations

from engine.features.averages import rma
from engine.features.contract import feature
from engine.features.prices import bar_range, change, quotient
from engine.features.rates import roc
from engine.features.trend import ema, sma
from engine.features.volatility import atr
from engine.features.window import moments, total


@feature(
    gives="natr", settle="19 * period", where="period >= 2", like="talib.NATR", unit="percent", pane="below",
    covers="3.1.1",
)  # fmt: skip
def natr(lo, hi, close, natr, width=atr("period"), period=14):
    """Average true range in percent of the close."""
    for i in range(lo, hi):
        natr[i] = 100.0 * width[i] / close[i] if close[i] != 0.0 else 0.0


@feature(gives="adr", where="period >= 2", like="talib.ADR", unit="price_change", pane="below", covers="3.1.1")
def adr(lo, hi, adr, mean=sma("period", close=bar_range()), period=14):
    """Average range of `period` bars, without gaps."""
    for i in range(lo, hi):
        adr[i] = mean[i]


@feature(
    gives="cvi", settle="ceil(9.5 * (period + 1))", where="period >= 2, change >= 1", like="talib.CVI", unit="percent",
    pane="below", covers="3.1.1", source="Chaikin, in Colby, The Encyclopedia of Technical Market Indicators, 2003",
)  # fmt: skip
def cvi(lo, hi, cvi, grown=roc("change", close=ema("period", close=bar_range())), period=10, change=10):
    """Chaikin's volatility: by how many percent the smoothed range has grown over `change` bars."""
    for i in range(lo, hi):
        cvi[i] = grown[i]


@feature(
    gives="massi", settle="ceil(12 * (fast + 1)) + slow", where="fast >= 2, slow >= 2", like="talib.MASSI",
    unit="ratio", pane="below", covers="3.1.1", source="Dorsey, The Mass Index, Stocks & Commodities 1992",
)  # fmt: skip
def massi(
    lo, hi, massi,
    mass=total("slow", close=quotient(ema("fast", close=bar_range()),
                                      ema("fast", close=ema("fast", close=bar_range())), 1.0)),
    fast=9, slow=25,
):  # fmt: skip
    """Mass index: the smoothed range over itself smoothed again, summed up; bulges warn of a turn."""
    for i in range(lo, hi):
        massi[i] = mass[i]


@feature(gives="up down", where="period >= 2", unit="price_change", pane="below", covers="3.1.1")
def swayed(lo, hi, up, down, sigma=moments("period").deviation, step=change().change, period=10):
    """Standard deviation of `period` closes, counted as a rise or a fall by the last step."""
    for i in range(lo, hi):
        up[i] = sigma[i] if step[i] > 0.0 else 0.0
        down[i] = sigma[i] if step[i] < 0.0 else 0.0


@feature(
    gives="rvi", settle="19 * period", where="period >= 2, reach >= 2", like="talib.RVI", unit="percent",
    range=(0.0, 100.0), pane="below", covers="3.1.1",
    source="Dorsey, The Relative Volatility Index, Stocks & Commodities 1993",
)  # fmt: skip
def rvi(
    lo, hi, rvi, up=rma("period", close=swayed("reach").up), down=rma("period", close=swayed("reach").down), period=14,
    reach=10,
):  # fmt: skip
    """Relative volatility index: the share of deviations on rising bars; 50 without any. Not the Vigor index."""
    for i in range(lo, hi):
        both = up[i] + down[i]
        rvi[i] = 100.0 * up[i] / both if both > 0.0 else 50.0
