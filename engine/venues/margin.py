"""What the broker sets aside for a position."""

from __future__ import annotations

from engine.kernels.book import rate_of
from engine.kernels.jit import jit


@jit(no_cpython_wrapper=True)
def margin_at(book, s, steps, price, initial):
    """Account money that opening that many steps at that price ties up (`initial`), or holding them does."""
    x = book[1][s]
    return steps * x.step_units * price * rate_of(book[1], s) / book[0][0].leverage


@jit(no_cpython_wrapper=True)
def symbol_margin(book, s):
    """Account money that the open positions of symbol s tie up together."""
    account, positions = book[0], book[3]
    total = 0.0
    for p in range(account[0].positions):
        if positions[p].symbol == s:
            total += positions[p].margin
    return total


@jit(no_cpython_wrapper=True)
def margin_after(book, s, side, steps, price):
    """Margin of the whole account once that much more of symbol s is open."""
    return book[0][0].margin + margin_at(book, s, steps, price, True)
