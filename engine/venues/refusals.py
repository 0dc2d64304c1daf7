"""What the venue does not take: rules 9, 13 and 27."""

from __future__ import annotations

import numpy as np

from engine.kernels.book import (
    AWAKE,
    LIMIT,
    MARKET,
    NONE,
    POST_ONLY,
    R_CLOSE_ONLY,
    R_DEALER,
    R_DISABLED,
    R_EXPIRATION,
    R_FILLING,
    R_FROZEN,
    R_KIND,
    R_LONG_ONLY,
    R_ORDERS,
    R_PRICE,
    R_RATE,
    R_REQUOTE,
    R_SHORT_ONLY,
    R_STOPS,
    R_VALUE,
    R_VOLUME_LIMIT,
    R_VOLUME_MAX,
    R_VOLUME_MIN,
    R_WOULD_FILL,
    STOP_LIMIT,
    TOUCHED,
    WORKING,
    rate_of,
)
from engine.kernels.draws import REJECT, REQUOTE, uniform
from engine.kernels.jit import part
from engine.venues.deals import find_position

CLOSE_ONLY, LONG_ONLY, SHORT_ONLY, DISABLED = 1, 2, 3, 4


@part
def reduces(book, o):
    """Can this order only make what is open smaller?"""
    if o.position > 0 or o.reduce_only:
        return True
    if book[0][0].hedging:
        return False
    p = find_position(book, NONE, o.symbol)
    return p >= 0 and book[3][p].side != o.side and o.steps <= book[3][p].steps


@part
def works(o):
    return o.state == WORKING or o.state == AWAKE


@part
def on_side(book, s, side):
    """Lot steps of symbol s that are open, or may be opened by orders at the venue, on that side."""
    account, orders, positions = book[0], book[2], book[3]
    steps = 0
    for p in range(account[0].positions):
        if positions[p].symbol == s and positions[p].side == side:
            steps += positions[p].steps
    for k in range(account[0].orders):
        o = orders[k]
        if o.symbol == s and o.side == side and works(o) and o.position == 0 and not o.reduce_only:
            steps += o.steps
    return steps


@part
def resting(book):
    """Pending orders at the venue, of all symbols."""
    count = 0
    for k in range(book[0][0].orders):
        o = book[2][k]
        count += works(o) and o.kind != MARKET
    return count


@part
def bad_volume(book, o, price):
    """Rule 9 on volumes and on what the symbol may still do."""
    a, x, t = book[0][0], book[1][o.symbol], book[6][o.symbol]
    opens = not reduces(book, o)
    if t.status == DISABLED:
        return R_DISABLED
    if opens and t.status == CLOSE_ONLY:
        return R_CLOSE_ONLY
    if opens and t.status == LONG_ONLY and o.side < 0:
        return R_LONG_ONLY
    if opens and t.status == SHORT_ONLY and o.side > 0:
        return R_SHORT_ONLY
    if o.steps < 1 or (o.position == 0 and o.steps < x.steps_min):
        return R_VOLUME_MIN
    if o.position == 0 and o.steps > x.steps_max:
        return R_VOLUME_MAX
    if opens and t.notional_min > 0.0 and o.steps * x.step_units * price < t.notional_min:
        return R_VALUE
    named = o.position > 0 or o.reduce_only != 0
    if not named and t.volume_limit > 0 and on_side(book, o.symbol, o.side) + o.steps > t.volume_limit:
        return R_VOLUME_LIMIT
    if a.max_orders > 0 and o.kind != MARKET and resting(book) >= a.max_orders:
        return R_ORDERS
    return NONE


@part
def malformed(o):
    """Has a pending order no price, a stop-limit no limit, a trailing stop nothing to trail by?"""
    if o.kind == MARKET:
        return False
    if not o.price > 0.0 or (o.kind == STOP_LIMIT and not o.limit > 0.0):
        return True
    return o.trails != 0 and not o.trail > 0.0


@part
def lacks(bits, n):
    return bits != 0 and not bits >> n & 1


@part
def bad_kind(book, o):
    """Rule 9 on kinds, fillings and expirations that the instrument does not take."""
    t = book[6][o.symbol]
    if lacks(t.kinds, o.kind):
        return R_KIND
    if lacks(t.fillings, o.filling):
        return R_FILLING
    if o.kind == MARKET:
        return NONE
    if o.expires == 0:
        return R_EXPIRATION if lacks(t.expirations, 0) else NONE
    return R_EXPIRATION if lacks(t.expirations, 1) and lacks(t.expirations, 2) else NONE


@part
def bad_exits(book, s, side, reference, stop, take_profit):
    """Are exits on the wrong side of the reference, or nearer to it than the stops level?"""
    level = book[6][s].stops_level
    hair = 1e-3 / book[1][s].grid if level > 0.0 else 0.0
    down, up = side * (reference - stop), side * (take_profit - reference)
    return down <= 0.0 or up <= 0.0 or down < level - hair or up < level - hair


@part
def too_near(book, s, price, market):
    """Is a pending price nearer to the market than the stops level?"""
    level = book[6][s].stops_level
    return level > 0.0 and abs(price - market) < level - 1e-3 / book[1][s].grid


@part
def frozen(book, s, price, market):
    """Is a price so near to the market that what hangs on it may not be changed any more?"""
    level = book[6][s].freeze_level
    return level > 0.0 and abs(price - market) < level - 1e-3 / book[1][s].grid


@part
def bad_stops(book, o, bid, ask):
    """Rule 9 on the exits of an order, and on its own price; 0 if all is well."""
    entry, leave = (ask, bid) if o.side > 0 else (bid, ask)
    level = o.limit if o.kind == STOP_LIMIT else o.price
    if bad_exits(book, o.symbol, o.side, leave if o.kind == MARKET else level, o.stop, o.take_profit):
        return R_STOPS
    if o.kind == MARKET:
        return R_WOULD_FILL if o.filling == POST_ONLY else NONE
    if too_near(book, o.symbol, o.price, entry):
        return R_PRICE
    toward = o.side if o.kind == LIMIT or o.kind == TOUCHED else -o.side
    if o.filling == POST_ONLY and toward * (entry - o.price) <= 0.0:
        return R_WOULD_FILL if o.kind == LIMIT else R_PRICE
    return NONE


@part
def refuse(book, o, bid, ask):
    """Why the venue does not take this order on arrival; 0 if it does."""
    price = o.limit if o.kind == STOP_LIMIT else o.price
    if o.kind == MARKET:
        price = ask if o.side > 0 else bid
    reason = bad_volume(book, o, price)
    if not reason:
        reason = R_PRICE if malformed(o) else bad_kind(book, o)
    if reason:
        return reason
    if np.isnan(rate_of(book[1], o.symbol)):
        return R_RATE
    return bad_stops(book, o, bid, ask)


@part
def unlucky(book, o):
    """Frictions that an order draws on arrival (rule 30); 0 if it is spared."""
    a = book[0][0]
    if a.reject > 0.0 and uniform(a.seed, REJECT, o.id, NONE) < a.reject:
        return R_DEALER
    if o.kind == MARKET and a.requote > 0.0 and uniform(a.seed, REQUOTE, o.id, NONE) < a.requote:
        return R_REQUOTE
    return NONE


@part
def frozen_order(book, o, bid, ask):
    """Reason why an order may not be touched any more; 0 if it may."""
    market = ask if o.side > 0 else bid
    return R_FROZEN if works(o) and o.kind != MARKET and frozen(book, o.symbol, o.price, market) else NONE


@part
def frozen_position(book, q, bid, ask):
    market = bid if q.side > 0 else ask
    near = frozen(book, q.symbol, q.stop, market) or frozen(book, q.symbol, q.take_profit, market)
    return R_FROZEN if near else NONE
