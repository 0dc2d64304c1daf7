"""What is due when a record begins (rule 2): expiries, cancels, arriving orders, changes, in the order of time."""

from __future__ import annotations

import numpy as np

from engine.kernels.book import (
    ACCEPTED,
    AWAKE,
    CANCELED,
    CHANGE_ORDER,
    CHANGE_POSITION,
    EXPIRED,
    MARKET,
    MODIFIED,
    NEVER,
    NONE,
    PARENT_GONE,
    R_NO_CHANGES,
    R_ORDER,
    R_POSITION,
    R_PRICE,
    R_STOPS,
    REJECTED,
    SENT,
    STOP_LIMIT,
    WAITING,
    WORKING,
)
from engine.kernels.jit import part
from engine.venues.deals import (
    close_by,
    find_position,
    lose,
    remove,
    report,
    waits,
    was_filled,
)
from engine.venues.grid import away, to_tick
from engine.venues.refusals import bad_exits, bad_stops, frozen_order, frozen_position, malformed, refuse, unlucky

EXPIRY, CANCEL, ARRIVAL, REQUESTED, NOTHING = map(np.int64, range(5))


@part
def there(ts_event, length, decided, arrives):
    """Is what was decided then with the venue when a record begins (rule 1)? A quote has no length."""
    if length is None:
        return ts_event >= arrives
    return ts_event >= arrives or (ts_event >= decided and arrives - decided < length)


@part
def first_due(book, s, ts_event, length, full):
    """The earliest thing that is due for symbol s: (what, its index); NOTHING if there is none."""
    account, orders, requests = book[0], book[2], book[7]
    time, what, at = NEVER, NOTHING, NONE
    for k in range(account[0].orders):
        o = orders[k]
        if o.symbol != s:
            continue
        if o.expires > 0 and ts_event >= o.expires and (o.expires < time or (o.expires == time and what > EXPIRY)):
            time, what, at = o.expires, EXPIRY, k
        c = o.cancel_at
        if c < NEVER and there(ts_event, length, o.cancel_decided, c) and (c < time or (c == time and what > CANCEL)):
            time, what, at = c, CANCEL, k
        if o.state == SENT and there(ts_event, length, o.decided, o.arrives):
            if o.arrives < time or (o.arrives == time and what > ARRIVAL):
                time, what, at = o.arrives, ARRIVAL, k
    if full is not None:
        for k in range(account[0].requests):
            r = requests[k]
            if r.symbol == s and there(ts_event, length, r.decided, r.arrives) and r.arrives < time:
                time, what, at = r.arrives, REQUESTED, k
    return what, at


@part
def arrive(book, k, ts, ts_event, bid, ask, full):
    """Order k is with the venue: taken or refused."""
    o = book[2][k]
    if o.trails and np.isnan(o.price):
        o.price = away(book, o.symbol, (ask if o.side > 0 else bid) + o.side * o.trail, -o.side)
    reason = refuse(book, o, bid, ask)
    if full is not None and not reason:
        reason = unlucky(book, o)
    if reason:
        lose(book, k, REJECTED, ts, ts_event, reason, full)
        return
    o.state = WORKING
    if o.kind != MARKET or o.parent:
        report(book, ACCEPTED, ts, ts_event, o.id, o.strategy, o.symbol, NONE)
    if full is not None and o.parent:
        if waits(book, o.parent):
            o.state = WAITING
        elif was_filled(book, o.parent):
            o.state = AWAKE
        else:
            lose(book, k, CANCELED, ts, ts_event, PARENT_GONE, full)


@part
def changed(old, new):
    """What a price becomes: NaN in a request leaves it, 0 removes it."""
    return old if np.isnan(new) else (np.nan if new == 0.0 else new)


@part
def differs(a, b):
    return a != b and not (np.isnan(a) and np.isnan(b))


@part
def no(book, r, ts, ts_event, reason):
    """The venue refuses a request."""
    n = report(book, REJECTED, ts, ts_event, r.order, r.strategy, r.symbol, reason)
    book[4][n].deal, book[4][n].position = r.id, r.position


@part
def trails(o, r):
    """Take over how an order or a position trails; True if anything changed."""
    trail, step, start = (
        changed(o.trail, r.trail),
        changed(o.trail_step, r.trail_step),
        changed(o.trail_start, r.trail_start),
    )
    even, lock = changed(o.even_at, r.even_at), changed(o.even_lock, r.even_lock)
    found = differs(o.trail, trail) or differs(o.trail_step, step) or differs(o.trail_start, start)
    found = found or differs(o.even_at, even) or differs(o.even_lock, lock)
    o.trail, o.trail_step, o.trail_start, o.even_at, o.even_lock = trail, step, start, even, lock
    return found


@part
def change_order(book, r, ts, ts_event, bid, ask):
    """A change of an order has arrived."""
    account, orders = book[0], book[2]
    k = -1
    for n in range(account[0].orders):
        if orders[n].id == r.order:
            k = n
    if k < 0:
        no(book, r, ts, ts_event, R_ORDER)
        return
    o = orders[k]
    reason = frozen_order(book, o, bid, ask)
    if not reason:
        reason = rewrite(book, o, r, bid, ask)
    if reason:
        no(book, r, ts, ts_event, reason)
        return
    n = report(book, MODIFIED, ts, ts_event, o.id, o.strategy, o.symbol, NONE)
    x = book[4][n]
    x.price, x.stop, x.take_profit = o.price, o.stop, o.take_profit


@part
def rewrite(book, o, r, bid, ask):
    """The order as the request wants it; or as it was, and why (rule 27)."""
    price, limit, stop, take_profit, expires = o.price, o.limit, o.stop, o.take_profit, o.expires
    trail, step, start, even, lock = o.trail, o.trail_step, o.trail_start, o.even_at, o.even_lock
    if o.kind != MARKET and not np.isnan(r.price):
        o.price = to_tick(book, o.symbol, changed(o.price, r.price))
    if o.kind == STOP_LIMIT and not np.isnan(r.limit):
        o.limit = to_tick(book, o.symbol, changed(o.limit, r.limit))
    o.stop, o.take_profit = changed(o.stop, r.stop), changed(o.take_profit, r.take_profit)
    if r.expires >= 0:
        o.expires = r.expires
    moved = trails(o, r)
    reason = R_PRICE if malformed(o) else bad_stops(book, o, bid, ask)
    new = differs(o.price, price) or differs(o.limit, limit) or differs(o.stop, stop) or moved
    if not reason and not (new or differs(o.take_profit, take_profit) or o.expires != expires):
        reason = R_NO_CHANGES
    if reason:
        o.price, o.limit, o.stop, o.take_profit, o.expires = price, limit, stop, take_profit, expires
        o.trail, o.trail_step, o.trail_start, o.even_at, o.even_lock = trail, step, start, even, lock
    return reason


@part
def change_position(book, r, ts, ts_event, bid, ask):
    """A change of a position's exits has arrived."""
    p = find_position(book, r.position, r.symbol)
    if p < 0:
        no(book, r, ts, ts_event, R_POSITION)
        return
    q = book[3][p]
    reason = frozen_position(book, q, bid, ask)
    if reason:
        no(book, r, ts, ts_event, reason)
        return
    stop, take_profit = changed(q.stop, r.stop), changed(q.take_profit, r.take_profit)
    moved = differs(q.stop, stop) or differs(q.take_profit, take_profit)
    if bad_exits(book, q.symbol, q.side, bid if q.side > 0 else ask, stop, take_profit):
        no(book, r, ts, ts_event, R_STOPS)
        return
    if not (trails(q, r) or moved):
        no(book, r, ts, ts_event, R_NO_CHANGES)
        return
    q.stop, q.take_profit = stop, take_profit
    n = report(book, MODIFIED, ts, ts_event, NONE, q.strategy, q.symbol, NONE)
    x = book[4][n]
    x.position, x.stop, x.take_profit = q.id, stop, take_profit


@part
def grant(book, k, ts, ts_event, bid, ask):
    """Request k has arrived: done or refused, and gone."""
    account, requests, positions = book[0], book[7], book[3]
    r = requests[k]
    if r.kind == CHANGE_ORDER:
        change_order(book, r, ts, ts_event, bid, ask)
    elif r.kind == CHANGE_POSITION:
        change_position(book, r, ts, ts_event, bid, ask)
    else:
        p, other = find_position(book, r.position, r.symbol), find_position(book, r.by, r.symbol)
        if p < 0 or other < 0 or positions[p].side == positions[other].side or r.by == 0:
            no(book, r, ts, ts_event, R_POSITION)
        else:
            close_by(book, p, other, ts, ts_event)
    account[0].requests = remove(requests, account[0].requests, k)


@part
def settle(book, s, ts, ts_event, length, bid, ask, full):
    """Everything that is due for symbol s when the record begins."""
    orders = book[2]
    while True:
        what, k = first_due(book, s, ts_event, length, full)
        if what == NOTHING:
            return
        if what == EXPIRY:
            lose(book, k, CANCELED, ts, ts_event, EXPIRED, full)
        elif what == ARRIVAL:
            arrive(book, k, ts, ts_event, bid, ask, full)
        elif what == CANCEL:
            o = orders[k]
            reason = frozen_order(book, o, bid, ask)
            if not reason:
                lose(book, k, CANCELED, ts, ts_event, NONE, full)
                continue
            o.cancel_decided, o.cancel_at = NEVER, NEVER
            n = report(book, REJECTED, ts, ts_event, o.id, o.strategy, s, reason)
            book[4][n].deal = -1
        elif full is not None:
            grant(book, k, ts, ts_event, bid, ask)
