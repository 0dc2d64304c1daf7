"""Prices on the tick grid of a symbol."""

from __future__ import annotations

import numpy as np

from engine.kernels.book import clean
from engine.kernels.jit import part


@part
def away(book, s, price, side):
    """A price on the tick grid, rounded away from the market: down for the stop of a long, up for a short."""
    x, t = book[1][s], book[6][s]
    ticks = price / t.tick_size if t.tick_size > 0.0 else price * x.grid
    whole = np.floor(ticks + 1e-6) if side > 0 else np.ceil(ticks - 1e-6)
    return clean(x, whole * t.tick_size if t.tick_size > 0.0 else whole / x.grid)


@part
def to_tick(book, s, price):
    """The nearest price on the tick grid (NaN stays NaN)."""
    x, tick = book[1][s], book[6][s].tick_size
    return clean(x, np.round(price / tick) * tick) if tick > 0.0 else np.round(price * x.grid) / x.grid


@part
def least_step(book, s, step):
    """The least move of what trails: its step, at least a tick, at most a hair less."""
    x, t = book[1][s], book[6][s]
    tick = t.tick_size if t.tick_size > 0.0 else 1.0 / x.grid
    return (max(step, tick) if step > 0.0 else tick) - 1e-3 / x.grid
