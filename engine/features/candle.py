"""Candlestick patterns: the 61 of TA-Lib, each a sentence about the last bars.

`cdl_hammer` is 100 on the bar that completes a bullish pattern, -100 for a bearish one, 0 otherwise; 80 for a
pattern whose bodies share an end, 200 for one that was confirmed. `engine/features/conditions.py` has the words.
"""

from __future__ import annotations

import numpy as np

from engine.features.anatomy import candle_sizes
from engine.features.conditions import condition
from engine.features.contract import feature
from engine.kernels.jit import jit

SOURCE = "Nison, Japanese Candlestick Charting Techniques, 1991; Morris, Candlestick Charting Explained, 2006; TA-Lib"


def pattern(name: str, value: str | int, about: str, sentence: str, *, first: int = 0, **params: float) -> None:
    """Declare `cdl_name` like TA-Lib's CDLNAME: `value` on a bar for which the sentence is true."""
    own = f"cdl_{name}"
    globals()[own] = condition(
        own, about, sentence, str(value), sizes=candle_sizes(), first=first, params=params, module=__name__,
        like=f"talib.CDL{name.upper()}", covers="3.4.1", source=SOURCE,
    )  # fmt: skip


@jit
def false_break(high, low, i):
    """+1 if bar i leaves an inside bar downwards, -1 upwards: a hikkake bets that it comes back. Else 0."""
    if high[i - 1] < high[i - 2] and low[i - 1] > low[i - 2]:
        if high[i] < high[i - 1] and low[i] < low[i - 1]:
            return 1.0
        if high[i] > high[i - 1] and low[i] > low[i - 1]:
            return -1.0
    return 0.0


@feature(
    gives="cdl_hikkake", keeps="seen side level age", warmup="5", lookback="2", unit="event", range=(-200.0, 200.0),
    pane="below", like="talib.CDLHIKKAKE", covers="3.4.1", source="Chesler, Trading False Moves, Active Trader 2004",
)  # fmt: skip
def cdl_hikkake(lo, hi, high, low, close, cdl_hikkake, seen, side, level, age):
    """Hikkake: an inside bar left the wrong way; 200 if a close within three bars is back beyond the inside bar."""
    for i in range(lo, hi):
        made = 0.0
        found = false_break(high, low, i) if seen >= 2.0 else 0.0
        age += 1.0
        if found != 0.0:
            made, side, age = 100.0 * found, found, 0.0
            level = high[i - 1] if side > 0.0 else low[i - 1]
        elif age <= 3.0 and (close[i] - level) * side > 0.0:
            made, side = 200.0 * side, 0.0
        cdl_hikkake[i] = made if seen >= 5.0 else np.nan
        seen += 1.0
    return seen, side, level, age


@feature(
    gives="cdl_hikkakemod", keeps="seen side level age", warmup="5", lookback="3", unit="event",
    range=(-200.0, 200.0), pane="below", like="talib.CDLHIKKAKEMOD", covers="3.4.1",
    source="Chesler, Trading False Moves, Active Trader 2004",
)  # fmt: skip
def cdl_hikkakemod(
    lo, hi, high, low, close, cdl_hikkakemod, seen, side, level, age, lately=candle_sizes().lately
):  # fmt: skip
    """Modified hikkake: two inside bars, the first closing near its end, left the wrong way; 200 if confirmed."""
    for i in range(lo, hi):
        made, found = 0.0, 0.0
        if seen >= 2.0 and high[i - 2] < high[i - 3] and low[i - 2] > low[i - 3]:
            found, near = false_break(high, low, i), 0.2 * lately[i - 2]
            if close[i - 2] > low[i - 2] + near if found > 0.0 else close[i - 2] < high[i - 2] - near:
                found = 0.0
        age += 1.0
        if found != 0.0:
            made, side, age = 100.0 * found, found, 0.0
            level = high[i - 1] if side > 0.0 else low[i - 1]
        elif age <= 3.0 and (close[i] - level) * side > 0.0:
            made, side = 200.0 * side, 0.0
        cdl_hikkakemod[i] = made if seen >= 5.0 else np.nan
        seen += 1.0
    return seen, side, level, age


# fmt: off
pattern("2crows", -100,
    "Two crows: after a long white body a black one gaps up, and a second black opens in it and closes into the first.",
    "white2 and body2 > usual2 and black1 and bottom1 > top2 and black and o < o1 and o > c1 and c > o2 and c < c2")
pattern("3blackcrows", -100,
    "Three black crows: three black bodies without lower shadows, each opening in the one before and closing lower.",
    "white3 and black2 and black1 and black and lower2 < tiny2 and lower1 < tiny1 and lower < tiny and o1 < o2 and "
    "o1 > c2 and o < o1 and o > c1 and h3 > c2 > c1 > c")
pattern("3inside", "-100 * side2",
    "Three inside up or down: a body inside a long one before it, then a close beyond the long one's open.",
    "body2 > usual2 and body1 <= usual1 and top1 < top2 and bottom1 > bottom2 and (white2 and black and c < o2 or "
    "black2 and white and c > o2)")
pattern("3linestrike", "100 * side1",
    "Three-line strike: three bars one way, then one that opens beyond them and closes back beyond the first open.",
    "side3 == side2 == side1 and side == -side1 and bottom3 - near3 <= o2 <= top3 + near3 and "
    "bottom2 - near2 <= o1 <= top2 + near2 and (white1 and c1 > c2 > c3 and o > c1 and c < o3 or black1 and "
    "c1 < c2 < c3 and o < c1 and c > o3)")
pattern("3outside", "100 * side1", "Three outside up or down: an engulfing bar, then a close further the same way.",
    "white1 and black2 and c1 > o2 and o1 < c2 and c > c1 or black1 and white2 and o1 > c2 and c1 < o2 and c < c1",
        first=3)
pattern("3starsinsouth", 100,
    "Three stars in the south: three black bars, each smaller, with lows that rise after a long lower shadow.",
    "black2 and black1 and black and body2 > usual2 and lower2 > body2 and body1 < body2 and o1 > c2 and "
    "o1 <= h2 and l1 < c2 and l1 >= l2 and lower1 > tiny1 and body < usual and lower < tiny and upper < tiny and "
    "l > l1 and h < h1")
pattern("3whitesoldiers", 100,
    "Three advancing white soldiers: three white bodies without upper shadows, none much smaller than the one before.",
    "white2 and white1 and white and upper2 < tiny2 and upper1 < tiny1 and upper < tiny and c > c1 > c2 and "
    "o1 > o2 and o1 <= c2 + near2 and o > o1 and o <= c1 + near1 and body1 > body2 - far2 and "
    "body > body1 - far1 and body > usual")
pattern("abandonedbaby", "100 * side",
    "Abandoned baby: a doji that gaps away from a long body, and a third bar that gaps back and closes well into it.",
    "body2 > usual2 and body1 <= tiny1 and body > usual and (white2 and black and c < c2 - body2 * penetration and "
    "l1 > h2 and h < l1 or black2 and white and c > c2 + body2 * penetration and h1 < l2 and l > h1)",
        penetration=0.3)
pattern("advanceblock", -100,
    "Advance block: three white bars that still rise, with smaller bodies or longer upper shadows each time.",
    "white2 and white1 and white and c > c1 > c2 and o1 > o2 and o1 <= c2 + near2 and o > o1 and "
    "o <= c1 + near1 and body2 > usual2 and upper2 < wick2 and (body1 < body2 - far2 and body < body1 + near1 or "
    "body < body1 - far1 or body < body1 < body2 and (upper > wick or upper1 > wick1) or body < body1 and "
    "upper > body)")
pattern("belthold", "100 * side", "Belt hold: a long body without a shadow where it opened.",
    "body > usual and (white and lower < tiny or black and upper < tiny)")
pattern("breakaway", "100 * side",
    "Breakaway: a long body, a gap, two more bars the same way, then a close back into the gap.",
    "body4 > usual4 and side4 == side3 == side1 == -side and (black4 and top3 < bottom4 and h2 < h3 and l2 < l3 and "
    "h1 < h2 and l1 < l2 and c > o3 and c < c4 or white4 and bottom3 > top4 and h2 > h3 and l2 > l3 and h1 > h2 and "
    "l1 > l2 and c < o3 and c > c4)")
pattern("closingmarubozu", "100 * side", "Closing marubozu: a long body without a shadow where it closed.",
    "body > usual and (white and upper < tiny or black and lower < tiny)")
pattern("concealbabyswall", 100,
    "Concealing baby swallow: two black bars without shadows, a third that gaps down, and a fourth that swallows it.",
    "black3 and black2 and black1 and black and lower3 < tiny3 and upper3 < tiny3 and lower2 < tiny2 and "
    "upper2 < tiny2 and top1 < bottom2 and upper1 > tiny1 and h1 > c2 and h > h1 and l < l1")
pattern("counterattack", "100 * side",
    "Counterattack: two long bodies of opposite colour that close at the same price.",
    "side1 == -side and body1 > usual1 and body > usual and c1 - equal1 <= c <= c1 + equal1")
pattern("darkcloudcover", -100,
    "Dark cloud cover: a black bar that opens above the high of a long white one and closes deep in its body.",
    "white1 and body1 > usual1 and black and o > h1 and c > o1 and c < c1 - body1 * penetration", penetration=0.5)
pattern("doji", 100, "Doji: the bar closed where it opened.",
    "body <= tiny")
pattern("dojistar", "-100 * side1", "Doji star: a doji whose body gaps away from a long one.",
    "body1 > usual1 and body <= tiny and (white1 and bottom > top1 or black1 and top < bottom1)")
pattern("dragonflydoji", 100, "Dragonfly doji: a doji with a lower shadow only.",
    "body <= tiny and upper < tiny and lower > tiny")
pattern("engulfing", "side * (100 if o != c1 and c != o1 else 80)",
    "Engulfing: a body of the other colour around the one before; 80 if they share an end.",
    "white and black1 and (c >= o1 and o < c1 or c > o1 and o <= c1) or black and white1 and (o >= c1 and c < o1 or "
    "o > c1 and c <= o1)", first=2)
pattern("eveningdojistar", -100,
    "Evening doji star: a long white body, a doji that gaps up, and a black bar back into the first body.",
    "body2 > usual2 and white2 and body1 <= tiny1 and bottom1 > top2 and body > usual and black and "
    "c < c2 - body2 * penetration", penetration=0.3)
pattern("eveningstar", -100,
    "Evening star: a long white body, a small one that gaps up, and a black bar back into the first body.",
    "body2 > usual2 and white2 and body1 <= usual1 and bottom1 > top2 and body > usual and black and "
    "c < c2 - body2 * penetration", penetration=0.3)
pattern("gapsidesidewhite", "100 if bottom1 > top2 else -100",
    "Side-by-side white lines: after a gap, two white bars of the same size from the same open.",
    "(bottom1 > top2 and bottom > top2 or top1 < bottom2 and top < bottom2) and white1 and white and "
    "body1 - near1 <= body <= body1 + near1 and o1 - equal1 <= o <= o1 + equal1")
pattern("gravestonedoji", 100, "Gravestone doji: a doji with an upper shadow only.",
    "body <= tiny and lower < tiny and upper > tiny")
pattern("hammer", 100, "Hammer: a small body on a long lower shadow, without an upper one, at or below the low before.",
    "body < usual and lower > body and upper < tiny and bottom <= l1 + near1")
pattern("hangingman", -100,
    "Hanging man: a small body on a long lower shadow, without an upper one, at or above the high before.",
    "body < usual and lower > body and upper < tiny and bottom >= h1 - near1")
pattern("harami", "-side1 * (100 if top < top1 and bottom > bottom1 else 80)",
    "Harami: a small body inside a long one before it; 80 if they share an end.",
    "body1 > usual1 and body <= usual and top <= top1 and bottom >= bottom1")
pattern("haramicross", "-side1 * (100 if top < top1 and bottom > bottom1 else 80)",
    "Harami cross: a doji inside a long body before it; 80 if they share an end.",
    "body1 > usual1 and body <= tiny and top <= top1 and bottom >= bottom1")
pattern("highwave", "100 * side", "High-wave: a small body with very long shadows on both sides.",
    "body < usual and upper > 2 * body and lower > 2 * body")
pattern("homingpigeon", 100, "Homing pigeon: a small black body inside a long black one.",
    "black1 and black and body1 > usual1 and body <= usual and o < o1 and c > c1")
pattern("identical3crows", -100,
    "Identical three crows: three black bars without lower shadows, each opening where the one before closed.",
    "black2 and black1 and black and lower2 < tiny2 and lower1 < tiny1 and lower < tiny and c2 > c1 > c and "
    "c2 - equal2 <= o1 <= c2 + equal2 and c1 - equal1 <= o <= c1 + equal1")
pattern("inneck", -100, "In-neck: after a long black body a white bar opens below its low and closes at its close.",
    "black1 and body1 > usual1 and white and o < l1 and c <= c1 + equal1 and c >= c1")
pattern("invertedhammer", 100,
    "Inverted hammer: a small body under a long upper shadow that gaps down from the body before.",
    "body < usual and upper > body and lower < tiny and top < bottom1")
pattern("kicking", "100 * side", "Kicking: a long body without shadows, then one of the other colour beyond a gap.",
    "side1 == -side and body1 > usual1 and upper1 < tiny1 and lower1 < tiny1 and body > usual and upper < tiny and "
    "lower < tiny and (black1 and l > h1 or white1 and h < l1)")
pattern("kickingbylength", "100 * (side if body > body1 else side1)",
    "Kicking by length: as kicking, with the sign of the longer body.",
    "side1 == -side and body1 > usual1 and upper1 < tiny1 and lower1 < tiny1 and body > usual and upper < tiny and "
    "lower < tiny and (black1 and l > h1 or white1 and h < l1)")
pattern("ladderbottom", 100,
    "Ladder bottom: three falling black bars, a fourth with an upper shadow, and a white bar above its high.",
    "black4 and black3 and black2 and o4 > o3 > o2 and c4 > c3 > c2 and black1 and upper1 > tiny1 and white and "
    "o > o1 and c > h1")
pattern("longleggeddoji", 100, "Long-legged doji: a doji with a long shadow.",
    "body <= tiny and (lower > body or upper > body)")
pattern("longline", "100 * side", "Long line: a long body with short shadows.",
    "body > usual and upper < wick and lower < wick")
pattern("marubozu", "100 * side", "Marubozu: a long body without shadows.",
    "body > usual and upper < tiny and lower < tiny")
pattern("matchinglow", 100, "Matching low: two black bars that close at the same price.",
    "black1 and black and c1 - equal1 <= c <= c1 + equal1")
pattern("mathold", 100,
    "Mat hold: a long white body, a gap up, three small bars that hold above half of it, and a new high.",
    "body4 > usual4 and body3 < usual3 and body2 < usual2 and body1 < usual1 and white4 and black3 and white and "
    "bottom3 > top4 and bottom2 < c4 and bottom1 < c4 and bottom2 > c4 - body4 * penetration and "
    "bottom1 > c4 - body4 * penetration and top2 < o3 and top1 < top2 and o > c1 and c > h3 and c > h2 and c > h1",
        penetration=0.5)
pattern("morningdojistar", 100,
    "Morning doji star: a long black body, a doji that gaps down, and a white bar back into the first body.",
    "body2 > usual2 and black2 and body1 <= tiny1 and top1 < bottom2 and body > usual and white and "
    "c > c2 + body2 * penetration", penetration=0.3)
pattern("morningstar", 100,
    "Morning star: a long black body, a small one that gaps down, and a white bar back into the first body.",
    "body2 > usual2 and black2 and body1 <= usual1 and top1 < bottom2 and body > usual and white and "
    "c > c2 + body2 * penetration", penetration=0.3)
pattern("onneck", -100, "On-neck: after a long black body a white bar opens below its low and closes at that low.",
    "black1 and body1 > usual1 and white and o < l1 and l1 - equal1 <= c <= l1 + equal1")
pattern("piercing", 100,
    "Piercing line: a long white bar that opens below the low of a long black one and closes past its middle.",
    "black1 and body1 > usual1 and white and body > usual and o < l1 and c < o1 and c > c1 + body1 * 0.5")
pattern("rickshawman", 100, "Rickshaw man: a doji in the middle of the range with two long shadows.",
    "body <= tiny and lower > body and upper > body and bottom <= l + reach / 2 + near and "
    "top >= l + reach / 2 - near")
pattern("risefall3methods", "100 * side4",
    "Rising or falling three methods: a long body, three small ones against it inside its range, and a new extreme.",
    "body4 > usual4 and body3 < usual3 and body2 < usual2 and body1 < usual1 and body > usual and "
    "side4 == -side3 and side3 == side2 == side1 == -side and bottom3 < h4 and top3 > l4 and bottom2 < h4 and "
    "top2 > l4 and bottom1 < h4 and top1 > l4 and c2 * side4 < c3 * side4 and c1 * side4 < c2 * side4 and "
    "o * side4 > c1 * side4 and c * side4 > c4 * side4")
pattern("separatinglines", "100 * side",
    "Separating lines: two bars of opposite colour from the same open, the second long and without a shadow there.",
    "side1 == -side and o1 - equal1 <= o <= o1 + equal1 and body > usual and (white and lower < tiny or black and "
    "upper < tiny)")
pattern("shootingstar", -100,
    "Shooting star: a small body under a long upper shadow that gaps up from the body before.",
    "body < usual and upper > body and lower < tiny and bottom > top1")
pattern("shortline", "100 * side", "Short line: a small body with short shadows.",
    "body < usual and upper < wick and lower < wick")
pattern("spinningtop", "100 * side", "Spinning top: a small body with two shadows that are longer than it.",
    "body < usual and upper > body and lower > body")
pattern("stalledpattern", -100, "Stalled pattern: two long white bars and a small white one at the top of the second.",
    "white2 and white1 and white and c > c1 > c2 and body2 > usual2 and body1 > usual1 and upper1 < tiny1 and "
    "o1 > o2 and o1 <= c2 + near2 and body < usual and o >= c1 - body - near1")
pattern("sticksandwich", 100, "Stick sandwich: a white bar between two black ones that close at the same price.",
    "black2 and white1 and black and l1 > c2 and c2 - equal2 <= c <= c2 + equal2")
pattern("takuri", 100, "Takuri: a dragonfly doji with a very long lower shadow.",
    "body <= tiny and upper < tiny and lower > 2 * body")
pattern("tasukigap", "100 * side1",
    "Tasuki gap: a gap, then two bars of one size, the second of the other colour and closing in the gap.",
    "abs(body1 - body) < near1 and (bottom1 > top2 and white1 and black and o < c1 and o > o1 and c < o1 and "
    "c > top2 or top1 < bottom2 and black1 and white and o < o1 and o > c1 and c > o1 and c < bottom2)")
pattern("thrusting", -100,
    "Thrusting: after a long black body a white bar opens below its low and closes in its lower half.",
    "black1 and body1 > usual1 and white and o < l1 and c > c1 + equal1 and c <= c1 + body1 * 0.5")
pattern("tristar", "100 if top1 < bottom2 else -100", "Tristar: three doji, the middle one beyond a gap.",
    "body2 <= tiny2 and body1 <= tiny2 and body <= tiny2 and (bottom1 > top2 and top < top1 or top1 < bottom2 and "
    "bottom > bottom1)")
pattern("unique3river", 100,
    "Unique three river: a long black body, a black one inside it with a new low, and a small white one above it.",
    "body2 > usual2 and black2 and black1 and c1 > c2 and o1 <= o2 and l1 < l2 and body < usual and white and "
    "o > l1")
pattern("upsidegap2crows", -100,
    "Upside gap two crows: a long white body and two black ones above it, the second around the first.",
    "white2 and body2 > usual2 and black1 and body1 <= usual1 and bottom1 > top2 and black and o > o1 and "
    "c < c1 and c > c2")
pattern("xsidegap3methods", "100 * side2",
    "Gap three methods: two bars around a gap, then one of the other colour from the second back into the first.",
    "side2 == side1 == -side and o < top1 and o > bottom1 and c < top2 and c > bottom2 and (white2 and "
    "bottom1 > top2 or black2 and top1 < bottom2)")
# fmt: on
