"""What comes to the venue: orders and cancels, each on its way for the latency."""

from __future__ import annotations

from engine.kernels.book import NEVER, SENT
from engine.kernels.jit import jit


@jit
def submit(book, drafts, d, now, latency):
    """Take order `drafts[d]` in: number it if nobody has, stamp it, and let the nearest due time of its symbol know."""
    a, orders = book[0][0], book[2]
    n = a.orders
    orders[n] = drafts[d]
    o = orders[n]
    if o.id == 0:
        o.id = a.next_order
        a.next_order += 1
    o.decided, o.arrives, o.cancel_at, o.state = now, now + latency, NEVER, SENT
    a.orders = n + 1
    x = book[1][o.symbol]
    x.due = min(x.due, o.arrives)
    return o.id


@jit
def cancel(book, order, at):
    """Ask for an order to be taken back from `at` on; False if the venue does not have it."""
    a, orders = book[0][0], book[2]
    for n in range(a.orders):
        o = orders[n]
        if o.id == order:
            o.cancel_at = min(o.cancel_at, at)
            x = book[1][o.symbol]
            x.due = min(x.due, o.cancel_at)
            return True
    return False
