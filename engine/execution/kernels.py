"""From a target to orders, as one jitted function that both lanes call."""

from __future__ import annotations

import numpy as np

from engine.kernels.book import MARKET, on_grid, owned
from engine.kernels.jit import entry, part


@part
def put(order, x, k, s, side, steps, stop, take_profit, position):
    order.id, order.strategy, order.symbol, order.side, order.kind, order.steps = 0, k, s, side, MARKET, steps
    order.price, order.limit, order.position, order.expires = np.nan, np.nan, position, 0
    order.filling, order.reduce_only, order.group, order.parent, order.trails = 0, 0, 0, 0, 0
    order.trail = order.trail_step = order.trail_start = order.even_at = order.even_lock = order.deviation = np.nan
    order.stop, order.take_profit = on_grid(x, stop), on_grid(x, take_profit)


@entry
def market_orders(book, k, s, target, stop, take_profit, plan):
    """Market orders that take strategy k to `target` signed lot steps of symbol s; returns how many.

    A netting account takes one order, without exits where it only reduces. On a hedging account what must go is
    closed first, oldest position first, each by an order that names it, and only then the rest is opened. `plan` is a
    record array with room for one order more than the strategy has positions.
    """
    account, x, positions = book[0], book[1][s], book[3]
    own = owned(book, k, s)
    change = target - own
    if change == 0:
        return 0
    side = 1 if change > 0 else -1
    if not account[0].hedging:
        if own * side < 0 and abs(change) <= abs(own):
            stop = take_profit = np.nan
        put(plan[0], x, k, s, side, abs(change), stop, take_profit, 0)
        return 1
    n, left = 0, abs(change)
    for p in range(account[0].positions):
        q = positions[p]
        if left == 0 or q.strategy != k or q.symbol != s or q.side == side:
            continue
        steps = min(left, q.steps)
        put(plan[n], x, k, s, side, steps, np.nan, np.nan, q.id)
        n += 1
        left -= steps
    if left > 0:
        put(plan[n], x, k, s, side, left, stop, take_profit, 0)
        n += 1
    return n


@entry
def owned_soon(book, k, s):
    """Signed lot steps strategy k owns of symbol s, with what its market orders on their way will add."""
    account, orders = book[0], book[2]
    steps = owned(book, k, s)
    for n in range(account[0].orders):
        o = orders[n]
        if o.strategy == k and o.symbol == s and o.kind == MARKET:
            steps += o.side * o.steps
    return steps


@entry
def opposed(book, k, s, side):
    """Lot steps of positions of strategy k in symbol s against `side`, less what orders that name them will close."""
    account, orders, positions = book[0], book[2], book[3]
    steps = 0
    for p in range(account[0].positions):
        q = positions[p]
        if q.strategy == k and q.symbol == s and q.side != side:
            steps += q.steps
    for n in range(account[0].orders):
        o = orders[n]
        if o.strategy == k and o.symbol == s and o.side == side and (o.position > 0 or not account[0].hedging):
            steps -= o.steps
    return max(steps, 0)
