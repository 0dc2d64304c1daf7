"""Prices inside a bar that is taken to move in straight legs (rule 24)."""

from __future__ import annotations

import numpy as np

from engine.kernels.book import (
    BY_STOP_LOSS,
    BY_TAKE_PROFIT,
    LIMIT,
    MARKET,
    NONE,
    STOP_LIMIT,
    TOUCHED,
    WORKING,
    clean,
    mark,
    total,
)
from engine.kernels.jit import part
from engine.venues.exits import leave_at, trail
from engine.venues.stopout import force
from engine.venues.working import fill_part, follow_market, trigger

POSITION, ORDER, NOTHING = map(np.int64, range(3))


@part
def ahead(now, level, way):
    """How far ahead a level lies on a way up (+1) or down (-1); 0 if it is reached already, inf if it is behind."""
    far = way * (level - now)
    return max(far, 0.0)


@part
def exit_ahead(q, bid, spread, x, way):
    """The exit that a position meets next on the way: (how far, reason, price)."""
    up = 0.0 if q.side > 0 else spread
    far, reason, price = np.inf, BY_STOP_LOSS, np.nan
    toward = -q.side
    if not np.isnan(q.stop) and (way == toward or toward * (bid - clean(x, q.stop - up)) >= 0.0):
        far, price = ahead(bid, clean(x, q.stop - up), toward), q.stop
    if not np.isnan(q.take_profit) and (way == q.side or q.side * (bid - clean(x, q.take_profit - up)) >= 0.0):
        other = ahead(bid, clean(x, q.take_profit - up), q.side)
        if other < far:
            far, reason, price = other, BY_TAKE_PROFIT, q.take_profit
    return far, reason, price


@part
def order_ahead(o, bid, spread, x, way):
    """How far ahead a working order meets its price; inf if the way leads elsewhere."""
    up = spread if o.side > 0 else 0.0
    below = o.kind == LIMIT or o.kind == TOUCHED
    toward = -o.side if below else o.side
    level = clean(x, o.price - up)
    if way == toward or toward * (bid - level) >= 0.0:
        return ahead(bid, level, toward)
    return np.inf


@part
def next_ahead(book, s, bid, spread, way):
    """What comes next on the way: (how far, what, its index, reason, price); positions before orders, by id."""
    account, orders, positions = book[0], book[2], book[3]
    x = book[1][s]
    nearest, what, at, why, level = np.inf, NOTHING, NONE, BY_STOP_LOSS, np.nan
    for p in range(account[0].positions):
        q = positions[p]
        if q.symbol == s:
            far, reason, price = exit_ahead(q, bid, spread, x, way)
            if far < nearest:
                nearest, what, at, why, level = far, POSITION, p, reason, price
    for k in range(account[0].orders):
        o = orders[k]
        if o.symbol == s and o.state == WORKING and o.kind != MARKET:
            far = order_ahead(o, bid, spread, x, way)
            if far < nearest:
                nearest, what, at, level = far, ORDER, k, o.price
    return nearest, what, at, why, level


@part
def walk(book, s, ts, ts_event, start, end, spread):
    """One leg of the bid from start to end: things happen in the order of their prices."""
    account, symbols, orders = book[0], book[1], book[2]
    x = symbols[s]
    way = 1 if end >= start else -1
    bid = start
    while True:
        far, what, at, reason, level = next_ahead(book, s, bid, spread, way)
        if what == NOTHING or far > way * (end - bid):
            break
        bid = clean(x, bid + way * far)
        x.bid, x.ask = bid, clean(x, bid + spread)
        mark(symbols, s)
        total(account, symbols)
        if what == POSITION:
            edge = x.bid if book[3][at].side > 0 else x.ask
            leave_at(book, at, reason, level if far > 0.0 else edge, ts, ts_event, True)
            continue
        o = orders[at]
        edge, born = (x.ask if o.side > 0 else x.bid), account[0].next_position
        if o.kind == STOP_LIMIT:
            if trigger(book, at, ts, ts_event, edge, False):
                fill_part(book, at, edge, ts, ts_event, False)
        else:
            fill_part(book, at, level if far > 0.0 else edge, ts, ts_event, o.kind == LIMIT)
        trail(book, s, born, x.bid, x.ask)
    x.bid, x.ask = end, clean(x, end + spread)
    mark(symbols, s)
    trail(book, s, NONE, x.bid, x.ask)
    follow_market(book, s, x.bid, x.ask)
    force(book, s, ts, ts_event, True)
