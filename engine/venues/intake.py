"""What comes to the venue: orders and cancels, each on its way for the latency."""

from __future__ import annotations

from engine.kernels.book import NEVER, SENT
from engine.kernels.jit import jit


@jit
def submit(book, order, k, s, side, kind, steps, price, stop, take_profit, position, expires, now, latency):
    """Take an order of strategy k for symbol s in, numbering it if nobody has, and let its due time be known."""
    a = book[0][0]
    o = book[2][a.orders]
    a.orders += 1
    if order == 0:
        order = a.next_order
        a.next_order += 1
    o.id, o.strategy, o.symbol, o.side, o.kind, o.steps = order, k, s, side, kind, steps
    o.price, o.stop, o.take_profit, o.position, o.expires = price, stop, take_profit, position, expires
    o.decided, o.arrives, o.cancel_at, o.state = now, now + latency, NEVER, SENT
    x = book[1][s]
    x.due = min(x.due, o.arrives)
    if expires > 0:
        x.due = min(x.due, expires)


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
