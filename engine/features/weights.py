"""What weighs how much: which of several signals to trust, and what a released figure still means."""

from __future__ import annotations

import math

import numpy as np

from engine.core.errors import ConfigError
from engine.features.contract import Feature, feature
from engine.features.spec import Spec
from engine.kernels.jit import jit

MOST = 8
FARTHEST = 1e150
"""An error is counted as no larger than this: its square would be no number."""
MINUTE = 60_000_000_000
PAST = 20
"""How many earlier surprises of a figure say what is usual for it."""


@jit
def judged(score, called, moved, style, decay, memory):
    """A signal's record with one call more: of right calls less wrong ones, or of squared errors."""
    if style == 0:
        return score * decay + np.sign(called) * np.sign(moved)
    missed = min(abs(moved - called), FARTHEST)
    return score * memory + (1.0 - memory) * missed * missed


@jit
def share(shares, scores, count, rate, style, least):
    """Fill the shares of the first `count` signals by their records: none below `least`, 1 in all."""
    best = scores[0]
    for k in range(1, count):
        best = max(best, scores[k]) if style == 0 else min(best, scores[k])
    total = 0.0
    for k in range(count):
        if style == 0:
            shares[k] = math.exp(rate * (scores[k] - best))
        else:
            shares[k] = best / scores[k] if scores[k] > best else 1.0
        total += shares[k]
    for k in range(count):
        shares[k] = least + (1.0 - count * least) * (shares[k] / total)


@feature(
    takes="a b c d e f g h", keeps="seen scores[8] shares[8]", lookback="horizon",
    gives="blend weight_a weight_b weight_c weight_d weight_e weight_f weight_g weight_h",
    where="horizon >= 1, rate > 0, decay > 0, decay < 1, memory > 0, memory < 1, count >= 1, count <= 8, least >= 0, "
    "least * count < 1", choices={"style": ("hedge", "variance")}, covers="2.3.3",
    settle="ceil(25 / (1 - decay)) if style == 'hedge' else ceil(25 / (1 - memory))",
    unit="price ratio ratio ratio ratio ratio ratio ratio ratio",
    source="Freund and Schapire, A Decision-Theoretic Generalization of On-Line Learning, JCSS 55, 1997; Bates and "
    "Granger, The Combination of Forecasts, OR Quarterly 20, 1969",
)  # fmt: skip
def blend(
    lo, hi, close, a, b, c, d, e, f, g, h, blend, weight_a, weight_b, weight_c, weight_d, weight_e, weight_f, weight_g,
    weight_h, seen, scores, shares, horizon=1, rate=1.0, decay=0.99, least=0.01, count=8, style="hedge", memory=0.94,
):  # fmt: skip
    """Up to eight signals weighted by how well each has called the market: more for those that were right.

    `hedge`: a call is the sign of a signal; it is judged `horizon` bars later, when it is known whether the close went
    that way, and fades by `decay` a bar; weights grow with exp(`rate` times score). `variance`: a signal is a forecast
    of how far the close goes in `horizon` bars; weights fall with the mean squared error, which fades by `memory` a
    bar. Weights add up to 1 and none is below `least`. `hedged` takes fewer than eight signals; those not counted
    weigh 0.
    """
    for i in range(lo, hi):
        if seen >= horizon:
            k = i - horizon
            called = (a[k], b[k], c[k], d[k], e[k], f[k], g[k], h[k])
            for s in range(count):
                scores[s] = judged(scores[s], called[s], close[i] - close[k], style, decay, memory)
        share(shares, scores, count, rate, style, least)
        now, total = (a[i], b[i], c[i], d[i], e[i], f[i], g[i], h[i]), 0.0
        for s in range(count):
            total += shares[s] * now[s]
        blend[i] = total
        weight_a[i], weight_b[i], weight_c[i], weight_d[i] = shares[0], shares[1], shares[2], shares[3]
        weight_e[i], weight_f[i], weight_g[i], weight_h[i] = shares[4], shares[5], shares[6], shares[7]
        seen += 1.0
    return seen


def hedged(
    *signals: Spec | Feature | str,
    horizon: int = 1,
    rate: float = 1.0,
    decay: float = 0.99,
    least: float = 0.01,
    style: str = "hedge",
    memory: float = 0.94,
) -> Spec:
    """`blend` of one to eight signals: `hedged(rsi(14) - 50, macd().histogram, horizon=4)`.

    Its outputs are `blend` and a weight for each, `weight_a`, `weight_b` and so on in their order. ConfigError for no
    signal or more than eight, and for a floor `least` that leaves nothing to share.

    >>> from engine.features import macd, rsi
    >>> hedged(rsi(14) - 50, macd().histogram, horizon=4).weight_b.outputs
    ('weight_b',)
    """
    if not 1 <= len(signals) <= MOST:
        raise ConfigError(f"hedged takes 1 to {MOST} signals, not {len(signals)}: blend a blend for more")
    rest = [signals[0]] * (MOST - len(signals))  # filled up, and not counted
    named = {"horizon": horizon, "rate": rate, "decay": decay, "least": least, "style": style, "memory": memory}
    return blend(*signals, *rest, count=len(signals), **named)


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
