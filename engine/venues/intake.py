"""What comes to the venue: orders, cancels and changes, each on its way for its latency."""

from __future__ import annotations

import numpy as np

from engine.kernels.book import (
    MARKET,
    NEVER,
    NONE,
    R_CLOSED,
    R_DISABLED,
    R_OUTAGE,
    REJECTED,
    SENT,
)
from engine.kernels.jit import entry, part
from engine.kernels.terms import NOT_LISTED, OUTAGE
from engine.venues.deals import report
from engine.venues.grid import to_tick
from engine.venues.latency import BACK, CHANGE, OUT, delay


@part
def pause_at(book, s, t):
    """Index in the calendar of the pause of symbol s that holds time t; -1 if the market is open then."""
    terms, calendar = book[6][s], book[8]
    low, high = terms.pauses_at, terms.pauses_end
    while low < high:
        middle = (low + high) // 2
        if calendar[middle].end <= t:
            low = middle + 1
        else:
            high = middle
    return low if low < terms.pauses_end and calendar[low].start <= t else -1


@part
def barred(book, s, t, waits):
    """Why nothing can arrive for symbol s at time t; 0 if it can, or may wait for the opening."""
    n = pause_at(book, s, t)
    if n < 0:
        return NONE
    kind = book[8][n].kind
    if kind == OUTAGE:
        return R_OUTAGE
    if kind == NOT_LISTED:
        return R_DISABLED
    return R_CLOSED if book[0][0].refuse_closed and not waits else NONE


@part
def refuse_at(book, order, strategy, s, ts, reason, request, position):
    """A refusal at time ts, which lies ahead of the record the venue stands at: it overtakes nothing."""
    n = report(book, REJECTED, ts, ts, order, strategy, s, reason)
    r = book[4][n]
    r.deal, r.position = request, position
    r.known = ts + delay(book, s, BACK, order if order else position, ts + REJECTED)


@entry
def submit(book, order, now):
    """Take an ORDER record in, numbering it if nobody has, and let its due time be known.

    What would arrive while the market is closed waits for the opening, or is refused (rule 13).
    """
    a = book[0][0]
    o = book[2][a.orders]
    book[2][a.orders] = order
    if o.id == 0:
        o.id = a.next_order
        a.next_order += 1
    s = o.symbol
    length = delay(book, s, OUT, o.id, 0)
    arrives = now + length
    reason = barred(book, s, arrives, False)
    pause = pause_at(book, s, arrives)
    while pause >= 0 and not reason:
        while pause >= 0:  # what adjoins is one wait
            now = book[8][pause].end
            pause = pause_at(book, s, now)
        arrives = now + length
        reason = barred(book, s, arrives, False)
        pause = pause_at(book, s, arrives)
    if reason:
        refuse_at(book, o.id, o.strategy, s, arrives, reason, NONE, NONE)
        return
    a.orders += 1
    o.filled, o.rested = 0, 0
    o.price, o.limit = to_tick(book, s, o.price), to_tick(book, s, o.limit)
    if o.kind == MARKET and not np.isnan(o.deviation):
        o.limit = book[1][s].ask if o.side > 0 else book[1][s].bid
    o.decided, o.arrives = now, arrives
    o.cancel_decided, o.cancel_at, o.state = NEVER, NEVER, SENT
    x = book[1][s]
    x.due = min(x.due, arrives)
    if o.expires > 0:
        x.due = min(x.due, o.expires)


@entry
def cancel(book, order, now):
    """Ask for an order to be taken back; False if the venue does not have it."""
    a, orders = book[0][0], book[2]
    for n in range(a.orders):
        o = orders[n]
        if o.id == order:
            at = now + delay(book, o.symbol, CHANGE, order, now)
            reason = barred(book, o.symbol, at, True)
            if reason:
                refuse_at(book, order, o.strategy, o.symbol, at, reason, np.int64(-1), NONE)
                return True
            if at < o.cancel_at:
                o.cancel_decided, o.cancel_at = now, at
            x = book[1][o.symbol]
            x.due = min(x.due, o.cancel_at)
            return True
    return False


@entry
def request(book, change, now):
    """Take a REQUEST record in: a change of an order or a position, or a closing by another."""
    a = book[0][0]
    r = book[7][a.requests]
    book[7][a.requests] = change
    r.id = a.next_request
    a.next_request += 1
    r.decided, r.arrives = now, now + delay(book, r.symbol, CHANGE, max(r.order, r.position), now)
    reason = barred(book, r.symbol, r.arrives, True)
    if reason:
        refuse_at(book, r.order, r.strategy, r.symbol, r.arrives, reason, r.id, r.position)
        return
    a.requests += 1
    x = book[1][r.symbol]
    x.due = min(x.due, r.arrives)


@entry
def unknown_at(book, key, now):
    """When a request about something that the venue does not have arrives, and when we hear of it."""
    arrives = now + delay(book, NONE, CHANGE, key, now)
    return arrives, arrives + delay(book, NONE, BACK, key, now)
