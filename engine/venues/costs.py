"""Commission of a deal."""

from __future__ import annotations

from engine.kernels.book import rate_of, to_minor
from engine.kernels.jit import jit


@jit(no_cpython_wrapper=True)
def commission(book, s, steps, price, opens, maker):
    """Whole minor units that a deal costs: `opens` and `maker` are 1 for an entry and for a limit order that rested."""
    a, x, t = book[0][0], book[1][s], book[6][s]
    notional = steps * x.step_units * price * rate_of(book[1], s)
    return to_minor(t.fee_per_lot * steps * x.step_lots + t.fee_share * notional, a.minor)
