"""How much worse than the quote a market order fills.

    points      a
    spread      a x (ask - bid) of the quote
    volatility  price x a x standard deviation of the mid's logarithm over c seconds, as seen before the record
    volume      price x a x (order / volume of the record before) ** b, the ratio at most 1
    impact      price x a x volatility of a day x (order / volume of a day) ** b
    samples     one of the samples, in price; where it is below 0 the price is better

The square root (b = 0.5) is what practitioners use: Torre, BARRA Market Impact Model Handbook (1997). Almgren, Thum,
Hauptmann and Li, Direct Estimation of Equity Market Impact, Risk 18 (2005), fitted the temporary impact of orders
worked over a time T (in days) as 0.142 x sigma x (X / (V T)) ** 0.6; T of one day gives a = 0.142, b = 0.6, with X and
V in the same unit and sigma the volatility of a day as a share of the price.

What the market has not shown yet (no quote before, no volume) costs nothing.
"""

from __future__ import annotations

import math

import numpy as np

from engine.kernels.book import clean
from engine.kernels.draws import SLIP, one_of
from engine.kernels.jit import part
from engine.kernels.terms import SLIPPAGES

NONE, POINTS, SPREAD, VOLATILITY, VOLUME, IMPACT, SAMPLES = map(np.int64, range(len(SLIPPAGES)))
DAY = 86_400.0


@part
def slipped(book, s, price, side, steps, key, full):
    """The price to buy (+1) or sell (-1) that many steps at with the slippage that thing `key` draws (rule 29)."""
    x, t = book[1][s], book[6][s]
    dealt = price
    if full is None or t.slip_model <= POINTS:
        if t.slip_a > 0.0:
            dealt = clean(x, price + side * t.slip_a)
    else:
        dealt = clean(x, price + side * distance(book, x, t, price, steps, key))
    x.slip = side * (dealt - price)
    return dealt


@part
def distance(book, x, t, price, steps, key):
    """Slippage in price by any model but points."""
    if t.slip_model == SPREAD:
        return t.slip_a * (x.ask - x.bid)
    if t.slip_model == SAMPLES:
        return book[8][one_of(book[0][0].seed, SLIP, key, np.int64(0), t.slip_at, t.slip_count)].a
    return moved(x, t, price, steps)


@part
def moved(x, t, price, steps):
    """Slippage by the models that remember the market: volatility, volume, impact; in price."""
    lots = steps * x.step_lots
    if t.slip_model == VOLATILITY:
        by = math.sqrt(x.variance * t.slip_c)
    elif t.slip_model == VOLUME:
        by = min(lots / x.volume, 1.0) ** t.slip_b if x.volume > 0.0 else x.volume + 1.0
    else:
        by = math.sqrt(x.variance * DAY) * (lots / x.usual_volume) ** t.slip_b if x.usual_volume > 0.0 else 0.0
    by *= price * t.slip_a
    return by if by > 0.0 else 0.0
