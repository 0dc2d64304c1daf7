"""Deals: what happens to the book when an order or an exit trades. When that is, `matching` says."""

from __future__ import annotations

import numpy as np

from engine.kernels.book import (
    BY_ORDER,
    CANCELED,
    ENTRY_IN,
    ENTRY_OUT,
    FILL,
    NONE,
    POSITION_CLOSED,
    R_MONEY,
    REJECTED,
    mark,
    rate_of,
    to_minor,
    value,
)
from engine.kernels.jit import jit
from engine.venues.costs import commission
from engine.venues.latency import BACK, delay
from engine.venues.margin import margin_after, margin_at, symbol_margin


@jit(no_cpython_wrapper=True)
def report(book, kind, ts, ts_event, order, strategy, s, reason):
    """Append a report and return its index; `balance` is the one after it."""
    account, reports = book[0], book[4]
    n = account[0].reports
    r = reports[n]
    r.kind, r.ts, r.ts_event, r.order, r.strategy, r.symbol, r.reason = kind, ts, ts_event, order, strategy, s, reason
    r.deal, r.position, r.side, r.steps, r.left, r.price = 0, 0, 0, 0, 0, np.nan
    r.entry, r.profit, r.commission, r.swap, r.stop, r.take_profit = 0, 0, 0, 0, np.nan, np.nan
    a = account[0]
    r.balance = a.balance
    a.known = max(a.known, ts + delay(book, s, BACK, order, a.next_deal))
    r.known = a.known
    a.reports = n + 1
    return n


@jit(no_cpython_wrapper=True)
def remove(records, count, k):
    """Take record k out of the first `count`, keeping the order of ids; returns the new count."""
    for m in range(k, count - 1):
        records[m] = records[m + 1]
    return count - 1


@jit(no_cpython_wrapper=True)
def find_position(book, position, s):
    """Index of the position of symbol s with that id, or, for id 0, of its one position; -1 if there is none."""
    account, positions = book[0], book[3]
    for p in range(account[0].positions):
        if positions[p].symbol == s and (position == 0 or positions[p].id == position):
            return p
    return -1


@jit(no_cpython_wrapper=True)
def expose(book, s):
    """Open volume and cost of symbol s from scratch, then its mark and the equity."""
    account, symbols, positions = book[0], book[1], book[3]
    a, x = account[0], symbols[s]
    long_units = long_cost = short_units = short_cost = 0.0
    exposed = swap = 0
    for p in range(account[0].positions):
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


@jit(no_cpython_wrapper=True)
def deal(book, ts, ts_event, order, strategy, s, side, steps, price, entry, position, profit, reason):
    """Book one deal: profit and commission in whole minor units, then its report."""
    a = book[0][0]
    fee = commission(book, s, steps, price, entry == ENTRY_IN, False)
    a.balance += profit - fee
    n = report(book, FILL, ts, ts_event, order, strategy, s, reason)
    r = book[4][n]
    r.deal, r.position, r.side, r.steps, r.price = a.next_deal, position, side, steps, price
    r.entry, r.profit, r.commission = entry, profit, fee
    a.next_deal += 1
    expose(book, s)


@jit(no_cpython_wrapper=True)
def close(book, p, steps, price, ts, ts_event, order, reason):
    """Close that many steps of position p: profit at the rate of this moment, rounded once, booked."""
    account, symbols, positions = book[0], book[1], book[3]
    q = positions[p]
    s, side, strategy, position, entry = q.symbol, q.side, q.strategy, q.id, q.entry
    worth = steps * symbols[s].step_units * rate_of(symbols, s)
    money = side * (price - entry) * worth
    q.margin *= (q.steps - steps) / q.steps
    q.steps -= steps
    if q.steps == 0:
        account[0].positions = remove(positions, account[0].positions, p)
    profit = to_minor(money, account[0].minor, price * worth)
    deal(book, ts, ts_event, order, strategy, s, -side, steps, price, ENTRY_OUT, position, profit, reason)


@jit(no_cpython_wrapper=True)
def enter(book, k, steps, price, ts, ts_event):
    """Open (or, netting, add to) a position for order k if the free margin allows it; 0 or the reason why not."""
    account, symbols, orders, positions = book[0], book[1], book[2], book[3]
    a, o = account[0], orders[k]
    s = o.symbol
    after = margin_after(book, s, o.side, steps, price)
    if not (after <= a.equity or after <= a.margin):
        return R_MONEY
    p = -1 if a.hedging else find_position(book, NONE, s)
    if p < 0:
        p = a.positions
        q = positions[p]
        q.id, q.strategy, q.symbol, q.side, q.steps, q.entry = a.next_position, o.strategy, s, o.side, steps, price
        q.stop, q.take_profit, q.ts, q.swap = o.stop, o.take_profit, ts_event, 0
        q.margin = margin_at(book, s, steps, price, False)
        q.trail, q.trail_step, q.trail_start = o.trail, o.trail_step, o.trail_start
        q.even_at, q.even_lock = o.even_at, o.even_lock
        if a.positions == 0 and a.sample_every > 0:
            a.next_sample = (ts // a.sample_every + 1) * a.sample_every
        a.next_position += 1
        a.positions += 1
    else:
        q = positions[p]
        q.entry = (q.entry * q.steps + price * steps) / (q.steps + steps)
        q.steps += steps
        q.margin += margin_at(book, s, steps, price, False)
        if not np.isnan(o.stop):
            q.stop = o.stop
        if not np.isnan(o.take_profit):
            q.take_profit = o.take_profit
    deal(book, ts, ts_event, o.id, o.strategy, s, o.side, steps, price, ENTRY_IN, q.id, NONE, BY_ORDER)
    r = book[4][a.reports - 1]
    r.stop, r.take_profit = q.stop, q.take_profit
    return 0


@jit(no_cpython_wrapper=True)
def execute(book, k, price, ts, ts_event):
    """Order k trades at that price: close what it names or nets against, open the rest."""
    account, orders, positions = book[0], book[2], book[3]
    o = orders[k]
    left = o.steps
    p = -1
    if o.position > 0:
        p = find_position(book, o.position, o.symbol)
        if p < 0 or positions[p].side == o.side:
            report(book, CANCELED, ts, ts_event, o.id, o.strategy, o.symbol, POSITION_CLOSED)
            return
    elif not account[0].hedging:
        p = find_position(book, NONE, o.symbol)
        if p >= 0 and positions[p].side == o.side:
            p = -1
    if p >= 0:
        steps = min(left, positions[p].steps)
        close(book, p, steps, price, ts, ts_event, o.id, BY_ORDER)
        left = 0 if o.position > 0 else left - steps
    if left > 0:
        reason = enter(book, k, left, price, ts, ts_event)
        if reason:
            report(book, REJECTED, ts, ts_event, o.id, o.strategy, o.symbol, reason)
