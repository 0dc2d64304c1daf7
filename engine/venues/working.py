"""How orders trade once they are with the venue: rules 5 to 7, 11, 16 to 19, 23 and 25."""

from __future__ import annotations

import numpy as np

from engine.kernels.book import (
    AWAKE,
    CANCELED,
    FOK,
    IOC,
    LIMIT,
    MARKET,
    NO_LIQUIDITY,
    NONE,
    NOTHING_TO_REDUCE,
    POSITION_CLOSED,
    POST_ONLY,
    R_REQUOTE,
    R_WOULD_FILL,
    REJECTED,
    STOP_LIMIT,
    TOUCHED,
    TRAILING,
    TRIGGERED,
    WORKING,
)
from engine.kernels.draws import PARTIAL, SHARE, uniform
from engine.kernels.jit import part
from engine.venues.deals import (
    cancel_group,
    drop,
    enter,
    filled_up,
    find_position,
    leave,
    lose,
    orphan,
    remove,
    report,
)
from engine.venues.grid import away, least_step
from engine.venues.slippage import slipped


@part
def order_price(book, o, first, high, low):
    """Where a working order fills on first..high/low of its entry side, before slippage; NaN if it does not."""
    if o.kind == MARKET:
        return first
    below = o.kind == LIMIT or o.kind == TOUCHED
    toward = o.side if below else -o.side
    if toward * (first - o.price) <= 0.0:
        return first
    reached = low if toward > 0 else high
    return o.price if toward * (reached - o.price) <= 0.0 else np.nan


@part
def held_by(book, o):
    """Index of the position that an order closes first: the one it names, or nets against, or may reduce; -1: none."""
    account, positions = book[0], book[3]
    if o.position > 0:
        p = find_position(book, o.position, o.symbol)
        return p if p >= 0 and positions[p].side != o.side else -1
    if not account[0].hedging:
        p = find_position(book, NONE, o.symbol)
        return p if p >= 0 and positions[p].side != o.side else -1
    if o.reduce_only:
        for p in range(account[0].positions):
            q = positions[p]
            if q.symbol == o.symbol and q.strategy == o.strategy and q.side != o.side:
                return p
    return -1


@part
def trade(book, k, steps, price, ts, ts_event, maker):
    """Order k trades that many steps: closes what it must, opens the rest; 0 or why it could not open."""
    positions = book[3]
    o = book[2][k]
    left = steps
    p = held_by(book, o)
    while p >= 0 and left > 0:
        part = min(left, positions[p].steps)
        leave(book, k, p, part, price, ts, ts_event, maker)
        left -= part
        p = held_by(book, o)
    if left > 0 and o.position == 0 and not o.reduce_only:
        return enter(book, k, left, price, ts, ts_event, maker)
    return NONE


@part
def closable(book, o):
    """Lot steps that an order which may not open can close now."""
    account, positions = book[0], book[3]
    p = held_by(book, o)
    if p < 0 or o.position > 0 or not account[0].hedging:
        return positions[p].steps if p >= 0 else NONE
    steps = NONE
    for n in range(account[0].positions):
        q = positions[n]
        if q.symbol == o.symbol and q.strategy == o.strategy and q.side != o.side:
            steps += q.steps
    return steps


@part
def offered(book, o, want):
    """Lot steps of `want` that the record has for this order (rules 19 and 30)."""
    a, x = book[0][0], book[1][o.symbol]
    steps = want
    if o.kind == MARKET and not o.rested and a.partial > 0.0 and uniform(a.seed, PARTIAL, o.id, NONE) < a.partial:
        steps = max(np.int64(1), np.int64(uniform(a.seed, SHARE, o.id, NONE) * o.steps))
    return min(want, steps, x.left_buy if o.side > 0 else x.left_sell)


@part
def fill(book, k, price, ts, ts_event, maker, full):
    """Order k meets its price: as much of it trades as there is; what becomes of the rest its filling says."""
    if full is not None:
        fill_part(book, k, price, ts, ts_event, maker)
        return
    account, orders, positions = book[0], book[2], book[3]
    o = orders[k]
    if o.position > 0:
        p = held_by(book, o)
        if p < 0:
            drop(book, k, CANCELED, ts, ts_event, POSITION_CLOSED)
            return
        o.steps = min(o.steps, positions[p].steps)
    book[1][o.symbol].slip = 0.0
    if o.kind != LIMIT:
        price = slipped(book, o.symbol, price, o.side, o.steps, o.id, None)
    reason = trade(book, k, o.steps, price, ts, ts_event, maker)
    if reason:
        drop(book, k, REJECTED, ts, ts_event, reason)
    else:
        filled_up(book, o.id, None)
        account[0].orders = remove(orders, account[0].orders, k)


@part
def fill_part(book, k, price, ts, ts_event, maker):
    """`fill` where liquidity, fillings, groups and reduce-only have their say."""
    account, orders = book[0], book[2]
    o = orders[k]
    order, group = o.id, o.group
    want, excess = o.steps, NONE
    if o.position > 0 or o.reduce_only:
        can = closable(book, o)
        if can == 0:
            lose(book, k, CANCELED, ts, ts_event, POSITION_CLOSED if o.position > 0 else NOTHING_TO_REDUCE, True)
            return
        want, excess = min(want, can), max(want - can, NONE)
        if o.position > 0:
            o.steps, excess = want, NONE
    steps = offered(book, o, want)
    if steps < want and (o.filling == FOK or (steps == 0 and o.filling == IOC)):
        lose(book, k, CANCELED, ts, ts_event, NO_LIQUIDITY, True)
        return
    if steps == 0:
        goes_on(o)
        return
    book[1][o.symbol].slip = 0.0
    if o.kind != LIMIT:
        price = slipped(book, o.symbol, price, o.side, steps, o.id, True)
    before, side, s = o.filled, o.side, o.symbol
    reason = trade(book, k, steps, price, ts, ts_event, maker)
    traded = o.filled - before
    take(book, s, side, traded)
    lost = True
    if reason:
        drop(book, k, REJECTED, ts, ts_event, reason)
    elif o.steps == 0:
        filled_up(book, order, True)
        account[0].orders = remove(orders, account[0].orders, k)
        lost = False
    elif (excess > 0 and steps == want) or o.filling == IOC:
        why = NOTHING_TO_REDUCE if excess > 0 and steps == want else NO_LIQUIDITY
        drop(book, k, CANCELED, ts, ts_event, why)
    else:
        goes_on(o)
        lost = False
    if traded > 0 and group > 0:
        cancel_group(book, group, order, ts, ts_event)
    if lost:
        orphan(book, order, ts, ts_event)


@part
def take(book, s, side, steps):
    """What was dealt is no longer on offer in this record."""
    x = book[1][s]
    if side > 0:
        x.left_buy -= steps
    else:
        x.left_sell -= steps


@part
def goes_on(o):
    """What is left waits for the next record: of a limit as a limit, of everything that was triggered at market."""
    if o.kind != LIMIT:
        o.kind = MARKET
    o.rested, o.state = 1, AWAKE


@part
def after(book, order):
    """Index of the first order with a higher number: where to go on after orders may have gone."""
    account, orders = book[0], book[2]
    low, high = NONE, account[0].orders
    while low < high:
        middle = (low + high) // 2
        if orders[middle].id <= order:
            low = middle + 1
        else:
            high = middle
    return low


@part
def triggers(book, o, first, high, low):
    """Does a stop-limit order become a limit on first..high/low of its entry side? At once if `first` touches it."""
    reached = high if o.side > 0 else low
    return o.side * (first - o.price) >= 0.0 or o.side * (reached - o.price) >= 0.0


@part
def becomes_limit(book, o, ts, ts_event):
    report(book, TRIGGERED, ts, ts_event, o.id, o.strategy, o.symbol, NONE)
    o.kind, o.price, o.rested = LIMIT, o.limit, 0


@part
def requoted(book, o, first):
    """Is the quote further from the one at decision time than the order allows?"""
    return (
        o.kind == MARKET and not o.rested and o.side * (first - o.limit) > o.deviation + 1e-3 / book[1][o.symbol].grid
    )


@part
def trigger(book, k, ts, ts_event, edge, whole):
    """A stop-limit order is touched: a limit from now on; True if it may be filled on this record as a taker."""
    o = book[2][k]
    becomes_limit(book, o, ts, ts_event)
    if whole:
        o.state = AWAKE
        return False
    if o.side * (edge - o.price) > 0.0:
        if o.filling == IOC or o.filling == FOK:
            lose(book, k, CANCELED, ts, ts_event, NO_LIQUIDITY, True)
        return False
    if o.filling == POST_ONLY:
        lose(book, k, REJECTED, ts, ts_event, R_WOULD_FILL, True)
        return False
    return True


@part
def drag(book, o, edge):
    """The price of a trailing-stop order follows the market to `edge` (rule 18); True if it moved."""
    if o.kind != TRAILING:
        return False
    price = away(book, o.symbol, edge + o.side * o.trail, -o.side)
    if not o.side * (o.price - price) >= least_step(book, o.symbol, o.trail_step):
        return False
    o.price = price
    return True


@part
def meet(book, k, ts, ts_event, x, whole):
    """An order of any kind meets (first, high, low) of its entry side; `whole`: a bar's range, after its open."""
    o = book[2][k]
    hasty = o.kind == LIMIT and not o.rested and (o.filling == IOC or o.filling == FOK)
    maker = o.kind == LIMIT and (whole or o.rested != 0)
    if o.kind == STOP_LIMIT:
        if triggers(book, o, x[0], x[1], x[2]) and trigger(book, k, ts, ts_event, x[0], whole):
            fill_part(book, k, x[0], ts, ts_event, False)
        return
    if requoted(book, o, x[0]):
        lose(book, k, REJECTED, ts, ts_event, R_REQUOTE, True)
        return
    price = order_price(book, o, x[0], x[1], x[2])
    if np.isnan(price) and whole and drag(book, o, x[1] if o.side < 0 else x[2]):
        price = order_price(book, o, np.nan, x[1], x[2])
    if not np.isnan(price):
        fill_part(book, k, price, ts, ts_event, maker)
    elif hasty:
        lose(book, k, CANCELED, ts, ts_event, NO_LIQUIDITY, True)


@part
def work(book, s, ts, ts_event, bid, ask, whole, full):
    """Working orders of symbol s by id meet (first, high, low) of bid and of ask."""
    account, orders = book[0], book[2]
    k = NONE
    while k < account[0].orders:
        o = orders[k]
        if o.symbol != s or o.state != WORKING or (whole and o.kind == MARKET):
            k += 1
            continue
        order, x = o.id, ask if o.side > 0 else bid
        if full is not None:
            meet(book, k, ts, ts_event, x, whole)
        else:
            price = order_price(book, o, x[0], x[1], x[2])
            if not np.isnan(price):
                fill(book, k, price, ts, ts_event, o.kind == LIMIT and (whole or o.rested != 0), None)
        k = after(book, order)


@part
def follow_market(book, s, bid, ask):
    """Trailing-stop orders move after the market at the end of a leg."""
    account, orders = book[0], book[2]
    for k in range(account[0].orders):
        o = orders[k]
        if o.symbol == s and o.state == WORKING:
            drag(book, o, ask if o.side > 0 else bid)


@part
def settled(book, s):
    """The record is over: every order there has rested, what it woke works from now on; is that of another symbol?"""
    account, orders = book[0], book[2]
    elsewhere = False
    for k in range(account[0].orders):
        o = orders[k]
        if o.state == AWAKE:
            o.state = WORKING
            elsewhere = elsewhere or o.symbol != s
        elif o.state == WORKING and o.symbol == s:
            o.rested = 1
    return elsewhere
