"""Bands around prices, all measured in one way: where the close lies, how wide they are, whether they are squeezed."""

from __future__ import annotations

from engine.features.channels import accbands, keltner
from engine.features.contract import feature
from engine.features.volatility import atr, bollinger, donchian

STYLES = ("bollinger", "keltner", "donchian", "atr", "acceleration")


@feature(
    gives="upper middle lower pctb width squeeze", lookback="1",
    where="period >= 5, reach >= 2, skip >= 0, deviations > 0, multiplier > 0", choices={"style": STYLES},
    unit="price price price ratio ratio event", covers="3.1.4",
    source="Bollinger 2001; Keltner 1960, Raschke; Donchian 1960; Headley 2002; Carter, Mastering the Trade, 2005",
)  # fmt: skip
def bands(
    lo, hi, close, upper, middle, lower, pctb, width, squeeze,
    top=bollinger("period", "deviations").upper, center=bollinger("period", "deviations").middle,
    bottom=bollinger("period", "deviations").lower, calm=keltner("period", "reach", 1.0).middle,
    above=keltner("period", "reach", 1.0).upper, highest=donchian("period", "skip").upper,
    lowest=donchian("period", "skip").lower, atr=atr(14), outer=accbands("period").upper,
    inner=accbands("period").lower, period=20, reach=10, skip=0, deviations=2.0, multiplier=1.5, style="bollinger",
):  # fmt: skip
    """Bands of any kind, and what is read from them: `bands(style="keltner")`.

    `pctb` is where the close lies, 0 at the lower and 1 at the upper band, `width` the distance of the bands over
    their middle, `squeeze` 1 while Bollinger's bands lie within Keltner's channel of `multiplier` ranges. Bollinger,
    Keltner (average true range of `reach` bars) and ATR bands (around the close) lie `deviations` away; Donchian's
    leave the last `skip` bars out: with 1 a breakout shows. The close is in the middle of its own ATR bands, so
    their `pctb` is of the bands of the bar before.
    """
    for i in range(lo, hi):
        if style == 0:
            upper[i], middle[i], lower[i] = top[i], center[i], bottom[i]
        elif style == 1:
            gap = deviations * (above[i] - calm[i])
            upper[i], middle[i], lower[i] = calm[i] + gap, calm[i], calm[i] - gap
        elif style == 2:
            upper[i], middle[i], lower[i] = highest[i], (highest[i] + lowest[i]) / 2.0, lowest[i]
        elif style == 3:
            gap = deviations * atr[i]
            upper[i], middle[i], lower[i] = close[i] + gap, close[i], close[i] - gap
        else:
            upper[i], middle[i], lower[i] = outer[i], center[i], inner[i]
        base, span = lower[i], upper[i] - lower[i]
        if style == 3:
            base, span = close[i - 1] - deviations * atr[i - 1], 2.0 * deviations * atr[i - 1]
        pctb[i] = (close[i] - base) / span if span > 0.0 else 0.5
        width[i] = (upper[i] - lower[i]) / middle[i] if middle[i] != 0.0 else 0.0
        room = multiplier * (above[i] - calm[i])
        squeeze[i] = 1.0 * (top[i] < calm[i] + room and bottom[i] > calm[i] - room)
