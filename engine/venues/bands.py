"""The nearest prices and the nearest time at which anything of a symbol can happen: what the quick path compares with.

Bands are derived from the rest of the book. One that is too near does no harm, one that is too far would lose a trade.
"""

from __future__ import annotations

import numpy as np

from engine.kernels.book import FOK, IOC, LIMIT, MARKET, NEVER, NONE, SENT, TOUCHED, TRAILING, WAITING
from engine.kernels.jit import part
from engine.venues.exits import trail_level
from engine.venues.grid import least_step
from engine.venues.stopout import reach
from engine.venues.swap import next_night


@part
def order_bands(book, s, ask_low, ask_high, bid_low, bid_high, full):
    """Bands and due time as the orders and requests of symbol s have it."""
    account, orders, requests = book[0], book[2], book[7]
    due = NEVER
    for k in range(account[0].orders):
        o = orders[k]
        if o.symbol != s:
            continue
        if o.state == SENT:
            due = min(due, o.arrives)
        if o.expires > 0:
            due = min(due, o.expires)
        due = min(due, o.cancel_at)
        if o.state == SENT or o.state == WAITING:
            continue
        if o.kind == MARKET:
            due = NONE
            continue
        if full is not None and o.kind == LIMIT and not o.rested and (o.filling == IOC or o.filling == FOK):
            due = NONE  # filled on its first record, or cancelled
        low = high = o.price
        below = (o.kind == LIMIT or o.kind == TOUCHED) == (o.side > 0)
        trails = full is not None and o.kind == TRAILING
        if full is not None and trails:
            other = o.price - o.side * (o.trail + least_step(book, s, o.trail_step))
            if o.side > 0:
                low = other
            else:
                high = other
        if o.side > 0:
            if below or trails:
                ask_low = max(ask_low, low)
            if not below:
                ask_high = min(ask_high, high)
        else:
            if below:
                bid_low = max(bid_low, low)
            if not below or trails:
                bid_high = min(bid_high, high)
    if full is not None:
        for k in range(account[0].requests):
            if requests[k].symbol == s:
                due = min(due, requests[k].arrives)
    return ask_low, ask_high, bid_low, bid_high, due


@part
def exit_bands(book, s, ask_low, ask_high, bid_low, bid_high):
    """Bands as the exits of the positions of symbol s have it."""
    account, positions = book[0], book[3]
    for p in range(account[0].positions):
        q = positions[p]
        if q.symbol != s:
            continue
        if q.side > 0:
            if q.stop > bid_low:
                bid_low = q.stop
            if q.take_profit < bid_high:
                bid_high = q.take_profit
        else:
            if q.stop < ask_high:
                ask_high = q.stop
            if q.take_profit > ask_low:
                ask_low = q.take_profit
    return ask_low, ask_high, bid_low, bid_high


@part
def trail_bands(book, s):
    """How far the market of symbol s goes until a stop moves, and the stops themselves, which only come nearer."""
    account, x, positions = book[0], book[1][s], book[3]
    hair = 1e-3 / x.grid
    x.trail_ask_low, x.trail_bid_high = -np.inf, np.inf
    for p in range(account[0].positions):
        q = positions[p]
        if q.symbol != s or (np.isnan(q.trail) and np.isnan(q.even_at)):
            continue
        if q.side > 0:
            x.trail_bid_high = min(x.trail_bid_high, trail_level(book, q) - hair)
            x.own_bid_low = max(x.own_bid_low, q.stop + hair)
        else:
            x.trail_ask_low = max(x.trail_ask_low, trail_level(book, q) + hair)
            x.own_ask_high = min(x.own_ask_high, q.stop - hair)
    x.bid_low, x.ask_high = max(x.bid_low, x.own_bid_low), min(x.ask_high, x.own_ask_high)
    x.ask_low, x.bid_high = max(x.hard_ask_low, x.trail_ask_low), min(x.hard_bid_high, x.trail_bid_high)


@part
def bands(book, s, full):
    """The bands of symbol s from scratch, those of margin aside."""
    x = book[1][s]
    ask_low, ask_high, bid_low, bid_high, due = order_bands(book, s, -np.inf, np.inf, -np.inf, np.inf, full)
    ask_low, ask_high, bid_low, bid_high = exit_bands(book, s, ask_low, ask_high, bid_low, bid_high)
    hair = 1e-3 / x.grid  # the scan compares with a plain bid + spread; what comes too often does no harm
    x.own_ask_low, x.own_ask_high, x.own_bid_low, x.own_bid_high = (
        ask_low + hair, ask_high - hair, bid_low + hair, bid_high - hair,
    )  # fmt: skip
    x.due = min(due, next_night(book, s)) if x.exposed else due
    x.ask_low, x.ask_high, x.bid_low, x.bid_high = x.own_ask_low, x.own_ask_high, x.own_bid_low, x.own_bid_high
    if full is not None:
        trail_bands(book, s)


@part
def margin_bands(book):
    """Draw the bands of all that is open, or converts what is, near enough to notice a margin call or a stop-out."""
    symbols = book[1]
    share = reach(book)
    for d in range(len(symbols)):
        x = symbols[d]
        x.ask_low, x.ask_high, x.bid_low, x.bid_high = x.own_ask_low, x.own_ask_high, x.own_bid_low, x.own_bid_high
        if share < np.inf and (x.exposed or x.converts):
            x.ask_low, x.ask_high = max(x.ask_low, x.ask * (1.0 - share)), min(x.ask_high, x.ask * (1.0 + share))
            x.bid_low, x.bid_high = max(x.bid_low, x.bid * (1.0 - share)), min(x.bid_high, x.bid * (1.0 + share))
        x.hard_ask_low, x.hard_bid_high = x.ask_low, x.bid_high
        x.ask_low, x.bid_high = max(x.ask_low, x.trail_ask_low), min(x.bid_high, x.trail_bid_high)
