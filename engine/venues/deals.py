"""Deals: what happens to the book when an order or an exit trades. When that is, `matching` says."""

from __future__ import annotations

import numpy as np

from engine.kernels.book import (
    AWAKE,
    BY_CLOSE,
    BY_ORDER,
    CANCELED,
    ENTRY_IN,
    ENTRY_OUT,
    ENTRY_OUT_BY,
    FILL,
    NONE,
    ONE_CANCELS_OTHER,
    PARENT_GONE,
    R_MONEY,
    SENT,
    WAITING,
    first_look,
    mark,
    rate_of,
    to_minor,
    value,
)
from engine.kernels.jit import part
from engine.venues.costs import commission
from engine.venues.margin import margin_after, margin_at, symbol_margin


@part
def report(book, kind, ts, ts_event, order, strategy, s, reason):
    """Append a report and return its index; `balance` is the one after it."""
    account, reports = book[0], book[4]
    n = account[0].reports
    r = reports[n]
    r.kind, r.ts, r.ts_event, r.order, r.strategy, r.symbol, r.reason = kind, ts, ts_event, order, strategy, s, reason
    r.deal, r.position, r.side, r.steps, r.left, r.price = 0, 0, 0, 0, 0, np.nan
    r.entry, r.profit, r.commission, r.swap, r.stop, r.take_profit = 0, 0, 0, 0, np.nan, np.nan
    r.spread, r.slippage, r.worth = 0, 0, 0.0
    r.balance, r.known = account[0].balance, ts
    account[0].reports = n + 1
    return n


@part
def remove(records, count, k):
    """Take record k out of the first `count`, keeping the order of ids; returns the new count."""
    for m in range(k, count - 1):
        records[m] = records[m + 1]
    return count - 1


@part
def find_position(book, position, s):
    """Index of the position of symbol s with that id, or, for id 0, of its one position; -1 if there is none."""
    account, positions = book[0], book[3]
    for p in range(account[0].positions):
        if positions[p].symbol == s and (position == 0 or positions[p].id == position):
            return p
    return -1


@part
def expose(book, s):
    """Open volume, cost, swap and margin of symbol s from scratch, then its mark and the equity."""
    account, symbols, positions = book[0], book[1], book[3]
    a, x = account[0], symbols[s]
    long_units = long_cost = short_units = short_cost = 0.0
    exposed = swap = 0
    for p in range(a.positions):
        q = positions[p]
        if q.symbol == s:
            units = q.steps * x.step_units
            exposed = 1
            swap += q.swap
            if q.side > 0:
                long_units += units
                long_cost += units * q.entry
            else:
                short_units += units
                short_cost += units * q.entry
    x.long_units, x.long_cost, x.short_units, x.short_cost = long_units, long_cost, short_units, short_cost
    x.exposed, x.swap = exposed, swap * a.minor
    x.rate = rate_of(symbols, s)
    x.margin = symbol_margin(book, s)
    a.margin = 0.0
    for d in range(len(symbols)):
        a.margin += symbols[d].margin
    if exposed:
        mark(symbols, s)
    else:
        x.floating = x.mark = 0.0
    value(account, symbols)


@part
def share_of(amount, part, whole):
    """`part / whole` of an amount of minor units, half away from zero; all of it for the last part."""
    if part == whole:
        return amount
    n = (2 * abs(amount) * part + whole) // (2 * whole)
    return n if amount >= 0 else -n


@part
def book_deal(
    book, ts, ts_event, order, strategy, s, side, steps, left, price, entry, position, profit, swap, fee, reason
):  # fmt: skip
    """Book one deal, all amounts in whole minor units, and report it."""
    a = book[0][0]
    a.balance += profit + swap - fee
    n = report(book, FILL, ts, ts_event, order, strategy, s, reason)
    r = book[4][n]
    r.deal, r.position, r.side, r.steps, r.left, r.price = a.next_deal, position, side, steps, left, price
    r.entry, r.profit, r.commission, r.swap = entry, profit, fee, swap
    x = book[1][s]
    unit = steps * x.step_units * rate_of(book[1], s)
    r.worth = unit * price
    if reason != BY_CLOSE:  # two positions that close each other meet no quote
        r.spread, r.slippage = to_minor(0.5 * (x.ask - x.bid) * unit, a.minor), to_minor(x.slip * unit, a.minor)
    a.next_deal += 1


@part
def lessen(book, p, steps):
    """Take that many steps off position p; the swap that is paid with them."""
    account, positions = book[0], book[3]
    q = positions[p]
    swap = share_of(q.swap, steps, q.steps)
    q.swap -= swap
    q.margin *= (q.steps - steps) / q.steps
    q.steps -= steps
    if q.steps == 0:
        account[0].positions = remove(positions, account[0].positions, p)
    return swap


@part
def close(book, p, steps, left, price, ts, ts_event, order, reason, maker):
    """Close that many steps of position p: profit at the rate of this moment, rounded once, booked."""
    account, symbols = book[0], book[1]
    q = book[3][p]
    s, side, strategy, position, entry = q.symbol, q.side, q.strategy, q.id, q.entry
    worth = steps * symbols[s].step_units * rate_of(symbols, s)
    profit = to_minor(side * (price - entry) * worth, account[0].minor, price * worth)
    fee = commission(book, s, steps, price, False, maker)
    swap = lessen(book, p, steps)
    book_deal(
        book, ts, ts_event, order, strategy, s, -side, steps, left, price, ENTRY_OUT, position, profit, swap, fee,
        reason,
    )  # fmt: skip
    expose(book, s)


@part
def close_by(book, p, other, ts, ts_event):
    """Positions p and `other` close each other as far as the smaller goes (rule 26)."""
    account, symbols, positions = book[0], book[1], book[3]
    minor = account[0].minor
    q, y = positions[p], positions[other]
    s, steps = q.symbol, min(q.steps, y.steps)
    worth = steps * symbols[s].step_units * rate_of(symbols, s)
    profit = to_minor(q.side * (y.entry - q.entry) * worth, minor, y.entry * worth)
    paid = book[6][s].fee_close_by != 0
    fee = commission(book, s, steps, y.entry, False, False) if paid else NONE
    fee2 = commission(book, s, steps, q.entry, False, False) if paid else NONE
    one, two = q.id, y.id
    k, side, price, k2, price2 = q.strategy, q.side, y.entry, y.strategy, q.entry
    swap = lessen(book, p, steps)
    book_deal(
        book, ts, ts_event, NONE, k, s, -side, steps, NONE, price, ENTRY_OUT_BY, one, profit, swap, fee, BY_CLOSE
    )  # fmt: skip
    swap = lessen(book, find_position(book, two, s), steps)
    book_deal(
        book, ts, ts_event, NONE, k2, s, side, steps, NONE, price2, ENTRY_OUT_BY, two, NONE, swap, fee2, BY_CLOSE
    )  # fmt: skip
    expose(book, s)  # after both: with one leg gone the account would look richer or poorer than it ever was


@part
def opened(book, k, steps, price, ts, ts_event):
    """A new position for order k; its record."""
    account, orders, positions = book[0], book[2], book[3]
    a, o = account[0], orders[k]
    q = positions[a.positions]
    q.id, q.strategy, q.symbol, q.side, q.steps, q.entry = a.next_position, o.strategy, o.symbol, o.side, steps, price
    q.stop, q.take_profit, q.ts, q.swap = o.stop, o.take_profit, ts_event, 0
    q.margin = margin_at(book, o.symbol, steps, price, False)
    q.trail, q.trail_step, q.trail_start = o.trail, o.trail_step, o.trail_start
    q.even_at, q.even_lock = o.even_at, o.even_lock
    if o.trails:  # these are the order's own
        q.trail = q.trail_step = q.trail_start = q.even_at = q.even_lock = np.nan
    if a.positions == 0:
        first_look(book, ts, ts_event)
    a.next_position += 1
    a.positions += 1
    return q


@part
def enter(book, k, steps, price, ts, ts_event, maker):
    """Open (or, netting, add to) a position for order k if the margin allows it; 0 or the reason why not."""
    account, orders, positions = book[0], book[2], book[3]
    a, o = account[0], orders[k]
    s = o.symbol
    after = margin_after(book, s, o.side, steps, price)
    if not (after <= a.equity or after <= a.margin):
        return R_MONEY
    p = -1 if a.hedging else find_position(book, NONE, s)
    if p < 0:
        q = opened(book, k, steps, price, ts, ts_event)
    else:
        q = positions[p]
        q.entry = (q.entry * q.steps + price * steps) / (q.steps + steps)
        q.steps += steps
        q.margin += margin_at(book, s, steps, price, False)
        if not np.isnan(o.stop):
            q.stop = o.stop
        if not np.isnan(o.take_profit):
            q.take_profit = o.take_profit
    o.steps -= steps
    o.filled += steps
    fee = commission(book, s, steps, price, True, maker)
    book_deal(
        book, ts, ts_event, o.id, o.strategy, s, o.side, steps, o.steps, price, ENTRY_IN, q.id, NONE, NONE, fee,
        BY_ORDER,
    )  # fmt: skip
    expose(book, s)
    r = book[4][a.reports - 1]
    r.stop, r.take_profit = q.stop, q.take_profit
    return NONE


@part
def leave(book, k, p, steps, price, ts, ts_event, maker):
    """Close that many steps of position p for order k."""
    o = book[2][k]
    o.steps -= steps
    o.filled += steps
    close(book, p, steps, o.steps, price, ts, ts_event, o.id, BY_ORDER, maker)


@part
def drop(book, k, kind, ts, ts_event, reason):
    """Order k is gone: CANCELED or REJECTED."""
    account, orders = book[0], book[2]
    o = orders[k]
    report(book, kind, ts, ts_event, o.id, o.strategy, o.symbol, reason)
    account[0].orders = remove(orders, account[0].orders, k)


@part
def orphan(book, parent, ts, ts_event):
    """Cancel what waits for an order that will not be filled, by id, each with what waits for it (rule 25)."""
    account, orders = book[0], book[2]
    k = NONE
    while k < account[0].orders:
        o = orders[k]
        if o.parent == parent and (o.state == WAITING or o.state == SENT):
            child = o.id
            drop(book, k, CANCELED, ts, ts_event, PARENT_GONE)
            orphan(book, child, ts, ts_event)
        else:
            k += 1


@part
def lose(book, k, kind, ts, ts_event, reason, full):
    """Order k is CANCELED or REJECTED, and what waited for it."""
    order = book[2][k].id
    drop(book, k, kind, ts, ts_event, reason)
    if full is not None:
        orphan(book, order, ts, ts_event)


@part
def waits(book, order):
    """Is that order still in the book?"""
    account, orders = book[0], book[2]
    for k in range(account[0].orders):
        if orders[k].id == order:
            return True
    return False


@part
def was_filled(book, order):
    """Was that order, which is gone, filled in full? The venue remembers the last ones."""
    filled = book[0][0].filled
    for n in range(len(filled)):
        if filled[n] == order:
            return True
    return False


@part
def filled_up(book, order, full):
    """The order was filled in full: remember it, and wake what waited for it."""
    a, orders = book[0][0], book[2]
    a.filled[a.fills % len(a.filled)] = order
    a.fills += 1
    if full is not None:
        for k in range(a.orders):
            o = orders[k]
            if o.parent == order and o.state == WAITING:
                o.state = AWAKE


@part
def cancel_group(book, group, order, ts, ts_event):
    """One of the group has traded: the others are taken back."""
    account, orders = book[0], book[2]
    found = True
    while found:
        found = False
        for k in range(account[0].orders):
            if orders[k].group == group and orders[k].id != order:
                lose(book, k, CANCELED, ts, ts_event, ONE_CANCELS_OTHER, True)
                found = True
                break
