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

    What must go is closed first, oldest position first, each by an order that names it: should a stop be quicker, there
    is nothing left for that order to do. Only then the rest is opened. On a netting account a position without exits
    is turned by one order. `plan` is a record array with room for one order more than there are positions.
    """
    account, x, positions = book[0], book[1][s], book[3]
    side = 1 if target > 0 else -1
    n, kept = 0, 0
    for p in range(account[0].positions):
        q = positions[p]
        if q.strategy == k and q.symbol == s and q.side == side and target != 0:
            kept += q.steps
    excess = max(kept - abs(target), 0)
    for p in range(account[0].positions):
        q = positions[p]
        if q.strategy != k or q.symbol != s:
            continue
        against = q.side != side or target == 0
        if against and target != 0 and not account[0].hedging and is_bare(q):
            put(plan[0], x, k, s, side, abs(target) + q.steps, stop, take_profit, 0)
            return 1
        steps = max(q.steps - closing(book, q), 0) if against else min(excess, q.steps)
        if steps > 0:
            put(plan[n], x, k, s, -q.side, steps, np.nan, np.nan, q.id)
            n += 1
            excess -= 0 if against else steps
    if abs(target) > kept:
        put(plan[n], x, k, s, side, abs(target) - kept, stop, take_profit, 0)
        n += 1
    return n


@part
def is_bare(q):
    """Is there no stop and no take-profit that could close the position meanwhile?"""
    return np.isnan(q.stop) and np.isnan(q.take_profit) and not (q.trail > 0.0 or q.even_at > 0.0)


@part
def closing(book, q):
    """Lot steps that market orders on their way will close of the position."""
    steps = 0
    for n in range(book[0][0].orders):
        o = book[2][n]
        if o.position == q.id and o.kind == MARKET:
            steps += o.steps
    return steps


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
