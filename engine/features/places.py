"""Where the price is: among the closes before it, in its bands, in the day and the week, and beside round numbers."""

from __future__ import annotations

import math

import numpy as np

from engine.features.clocks import hours
from engine.features.contract import feature
from engine.features.regression import percentrank
from engine.features.volatility import atr, bollinger
from engine.kernels.jit import jit


@feature(
    gives="place_rank", unit="percent", range=(0.0, 100.0), pane="below", where="period >= 2", covers="3.1.7",
    source="Connors and Alvarez, An Introduction to ConnorsRSI, 2012",
)  # fmt: skip
def place_rank(lo, hi, place_rank, rank=percentrank("period"), period=100):
    """Percent of the `period` closes before this one that are strictly below it: TA-Lib's, not TradingView's rank."""
    for i in range(lo, hi):
        place_rank[i] = rank[i]


@feature(
    gives="place_band", unit="ratio", pane="below", where="period >= 2, deviations > 0", covers="3.1.7",
    source="Bollinger, Bollinger on Bollinger Bands, 2001",
)  # fmt: skip
def place_band(
    lo, hi, close, place_band, upper=bollinger("period", "deviations").upper,
    lower=bollinger("period", "deviations").lower, period=20, deviations=2.0,
):  # fmt: skip
    """%B: where the close lies between the lower (0) and the upper (1) Bollinger band, or beyond; 0.5 if equal."""
    for i in range(lo, hi):
        place_band[i] = (close[i] - lower[i]) / (upper[i] - lower[i]) if upper[i] > lower[i] else 0.5


@jit
def stretch(fresh, high, low, top, bottom, last_top, last_bottom):
    """Extremes of a stretch of bars and of the one before it, with this bar in it."""
    if fresh:
        return high, low, top, bottom
    return max(top, high), min(bottom, low), last_top, last_bottom


@jit
def share(price, low, high):
    """Where a price lies between two others."""
    return (price - low) / (high - low) if high > low else 0.5


@jit
def nearest_round(price, step):
    """The multiple of `step` nearest to a price; of a hundredth of the power of ten nearest to it, for step 0."""
    if price == 0.0:
        return 0.0
    if step == 0.0:
        step = 10.0 ** (math.floor(math.log10(abs(price)) + 0.5) - 2.0)
    return step * math.floor(price / step + 0.5)


@feature(
    gives="today yesterday week day_high day_low week_high week_low round_number",
    keeps="day days high1 low1 high2 low2 sunday weeks high3 low3 high4 low4", where="step >= 0",
    sparse="today yesterday week day_high day_low week_high week_low", range=(0.0, 1.0),
    unit="ratio ratio ratio ratio ratio ratio ratio any", pane="below", covers="3.1.7",
    source="the FX day and week: 17:00 in New York, from Sunday on",
)  # fmt: skip
def place_day(
    lo, hi, open_ts, high, low, close, today, yesterday, week, day_high, day_low, week_high, week_low, round_number,
    day, days, high1, low1, high2, low2, sunday, weeks, high3, low3, high4, low4, atr=atr(14), step=0.0,
):  # fmt: skip
    """Where the close lies in the trading day and week, and how far from the levels that everybody watches.

    `today` and `week` are places in the range so far, 0 the low and 1 the high, `yesterday` in the range of the trading
    day before, so beyond 0 and 1 too. `day_high`, `day_low`, `week_high`, `week_low` (of the day and the week before)
    and `round_number` are distances of the close in ATR, negative below the level. Days begin at 17:00 in New York,
    weeks on Sunday; both count from the first whose opening was seen. Round numbers are multiples of `step`, in price;
    with 0 of 0.01 around 1, of 1 around 100, of 10 around 1,000.
    """
    for i in range(lo, hi):
        now, since, _, _ = hours(open_ts[i], 0)
        if day != now + 1.0:
            days = min(days + 1.0, 2.0) if day > 0.0 or since == 0 else 0.0
        high1, low1, high2, low2 = stretch(day != now + 1.0, high[i], low[i], high1, low1, high2, low2)
        began = (now + 4) // 7  # the FX day that opens on a Sunday is the first of its week; 1970-01-04 was one
        if sunday != began + 1.0:
            weeks = min(weeks + 1.0, 2.0) if day > 0.0 or (since == 0 and (now + 4) % 7 == 0) else 0.0
        high3, low3, high4, low4 = stretch(sunday != began + 1.0, high[i], low[i], high3, low3, high4, low4)
        day, sunday = now + 1.0, began + 1.0
        per = 1.0 / atr[i] if atr[i] > 0.0 else 0.0
        today[i] = share(close[i], low1, high1) if days > 0.0 else np.nan
        week[i] = share(close[i], low3, high3) if weeks > 0.0 else np.nan
        yesterday[i] = day_high[i] = day_low[i] = week_high[i] = week_low[i] = np.nan
        if days > 1.0:
            yesterday[i] = share(close[i], low2, high2)
            day_high[i], day_low[i] = (close[i] - high2) * per, (close[i] - low2) * per
        if weeks > 1.0:
            week_high[i], week_low[i] = (close[i] - high4) * per, (close[i] - low4) * per
        round_number[i] = (close[i] - nearest_round(close[i], step)) * per
    return day, days, high1, low1, high2, low2, sunday, weeks, high3, low3, high4, low4
