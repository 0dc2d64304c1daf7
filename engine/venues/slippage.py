"""How much worse than the quote a market order fills."""

from __future__ import annotations

from engine.kernels.book import clean
from engine.kernels.jit import jit


@jit(no_cpython_wrapper=True)
def slipped(book, s, price, side, steps, key):
    """A price to buy (+1) or sell (-1) that many steps at, and the slippage that thing `key` draws."""
    x, t = book[1][s], book[6][s]
    return clean(x, price + side * t.slip_a) if t.slip_a > 0.0 else price
