"""Margin call, stop-out and what a debt becomes: rules 20 to 22."""

from __future__ import annotations

import numpy as np

from engine.kernels.book import (
    BY_STOP_OUT,
    CALLED,
    CANCELED,
    CORRECTED,
    NONE,
    SENT,
    STOPPED_OUT,
    rate_of,
    total,
    value,
)
from engine.kernels.jit import part
from engine.venues.deals import lose, report
from engine.venues.exits import leave_at
from engine.venues.intake import pause_at
from engine.venues.swap import roll


@part
def threshold(a, level):
    """The equity at which a level is reached; nothing below reaches it when no margin is tied up."""
    if not a.margin > 0.0:
        return -np.inf
    return level if a.level_in_money else level * a.margin


@part
def worst(book, ts_event):
    """Index of the open position that has lost most and whose symbol trades now; -1 if there is none."""
    a, symbols, positions = book[0][0], book[1], book[3]
    found, least = -1, np.inf
    for p in range(a.positions):
        q = positions[p]
        x = symbols[q.symbol]
        price = x.bid if q.side > 0 else x.ask
        money = q.side * (price - q.entry) * q.steps * x.step_units * rate_of(symbols, q.symbol) + q.swap * a.minor
        if money < least and pause_at(book, q.symbol, ts_event) < 0:
            found, least = p, money
    return found


@part
def stand_down(book, ts, ts_event, full):
    """Take back every resting order that would open something."""
    account, orders = book[0], book[2]
    k = NONE
    while k < account[0].orders:
        o = orders[k]
        if o.state == SENT or o.position > 0 or o.reduce_only:
            k += 1
        else:
            lose(book, k, CANCELED, ts, ts_event, STOPPED_OUT, full)


@part
def force(book, s, ts, ts_event, full):
    """Warn at the margin call; at the stop-out level close the worst position until the level is above it."""
    account, symbols, positions = book[0], book[1], book[3]
    a = account[0]
    equity = total(account, symbols)
    if equity > threshold(a, a.call_level):
        a.called = 0
        return
    if not a.called and a.positions > 0:
        a.called = 1
        r = book[4][report(book, CALLED, ts, ts_event, NONE, NONE, s, NONE)]
        r.stop, r.take_profit = equity, a.margin
    closed = False
    while a.positions > 0 and equity <= threshold(a, a.stop_level):
        stand_down(book, ts, ts_event, full)
        p = worst(book, ts_event)
        if p < 0:
            break
        closed = True
        q = positions[p]
        if q.symbol != s:
            roll(book, q.symbol, ts, ts_event)
        price = symbols[q.symbol].bid if q.side > 0 else symbols[q.symbol].ask
        leave_at(book, p, BY_STOP_OUT, price, ts, ts_event, full)
        equity = total(account, symbols)
    if closed:
        a.called = equity <= threshold(a, a.call_level)
    if closed and a.positions == 0 and a.balance < 0 and a.protect:
        amount = -a.balance
        a.balance = 0
        book[4][report(book, CORRECTED, ts, ts_event, NONE, NONE, s, NONE)].profit = amount
        value(account, symbols)


@part
def reach(book):
    """The share by which every price may move from where it is before a margin call or stop-out comes or goes.

    Equity moves by at most the value of all open volume times that share, a little more where profit is converted;
    0.02 at most, so that what is squared stays small.
    """
    account, symbols = book[0], book[1]
    a = account[0]
    stop, call = threshold(a, a.stop_level), threshold(a, a.call_level)
    if stop == -np.inf:
        return np.inf
    slack = min(a.equity - stop, abs(a.equity - call))
    gross = 0.0
    for s in range(len(symbols)):
        x = symbols[s]
        if x.exposed:
            open_value = x.bid * x.long_units + x.ask * x.short_units
            gross += x.rate * (1.05 * open_value + (2.1 * abs(x.floating) if x.conversion > 1 else 0.0))
    if gross <= 0.0 or slack >= 0.02 * gross:
        return 0.02
    return max(0.999 * slack / gross, 0.0)
