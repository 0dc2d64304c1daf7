"""What weighs how much: which of two signals to trust, and what a released figure still means."""

from __future__ import annotations

import math

import numpy as np

from engine.features.contract import feature

MINUTE = 60_000_000_000
PAST = 20
"""How many earlier surprises of a figure say what is usual for it."""


@feature(
    takes="a b", gives="blend weight_a weight_b", keeps="seen score_a score_b", lookback="horizon",
    where="horizon >= 1, rate > 0, decay > 0, decay < 1, least >= 0, least < 0.5", settle="ceil(25 / (1 - decay))",
    unit="price ratio ratio", covers="2.3.3",
    source="Freund and Schapire, A Decision-Theoretic Generalization of On-Line Learning, JCSS 55, 1997",
)  # fmt: skip
def blend(
    lo, hi, close, a, b, blend, weight_a, weight_b, seen, score_a, score_b, horizon=1, rate=1.0, decay=0.99, least=0.01
):  # fmt: skip
    """Two signals weighted by how well each has called the market (Hedge): more for the one that was right.

    A call is the sign of a signal; it is judged `horizon` bars later, when it is known whether the close went that
    way, and fades by `decay` a bar. Weights grow with exp(`rate` times score) and are never below `least`. For more
    than two signals blend a blend.
    """
    for i in range(lo, hi):
        if seen >= horizon:
            moved = np.sign(close[i] - close[i - horizon])
            score_a = score_a * decay + np.sign(a[i - horizon]) * moved
            score_b = score_b * decay + np.sign(b[i - horizon]) * moved
        share = 1.0 / (1.0 + math.exp(min(rate * (score_b - score_a), 700.0)))
        weight_a[i] = least + (1.0 - 2.0 * least) * share
        weight_b[i] = 1.0 - weight_a[i]
        blend[i] = weight_a[i] * a[i] + weight_b[i] * b[i]
        seen += 1.0
    return seen, score_a, score_b


@feature(
    takes="actual forecast release", gives="impact abs_impact surprise",
    keeps="seen release1 born value count past[20]",
    where="half_life > 0", settle="100000", unit="sigma sigma sigma", pane="below", covers="2.4.4",
    source="Balduzzi, Elton and Green, Economic News and Bond Prices, JFQA 36, 2001",
)  # fmt: skip
def impact(
    lo, hi, open_ts, actual, forecast, release, impact, abs_impact, surprise, seen, release1, born, value, count, past,
    importance=3.0, half_life=30.0,
):  # fmt: skip
    """What a released figure still means: its surprise in usual surprises, halving every `half_life` minutes.

    `actual` and `forecast` are the figure as first printed and as it was expected, `release` any number that changes
    with each release. A surprise is measured against the last 20 of the same figure (0 until there were 8) and
    weighted by `importance` / 3; give `importance=-3` where a higher figure is bad for the symbol.
    """
    for i in range(lo, hi):
        if seen == 0.0 or release[i] != release1:
            total, n = 0.0, int(min(count, PAST))
            for k in range(n):
                total += past[k]
            mean, squares = total / max(n, 1), 0.0
            for k in range(n):
                squares += (past[k] - mean) ** 2
            usual = math.sqrt(squares / (n - 1)) if n >= 8 else 0.0
            new = actual[i] - forecast[i]
            value = new / usual if usual > 0.0 else 0.0
            past[int(count) % PAST] = new
            count += 1.0
            born, release1 = float(open_ts[i] // MINUTE), release[i]
        age = open_ts[i] // MINUTE - born
        surprise[i] = value
        impact[i] = importance / 3.0 * value * 0.5 ** (age / half_life)
        abs_impact[i] = abs(impact[i])
        seen += 1.0
    return seen, release1, born, value, count
