"""Rollover: what holding a position over night costs or earns, in every mode of MetaTrader 5 (rule 14).

The calendar holds the nights: the moment of the rollover, how many days it books and the rates of a long and a
short. Swap accrues in whole minor units per position and night and is paid with the deals that close.
"""

from __future__ import annotations

import numpy as np

from engine.kernels.book import NEVER, NONE, SWAPPED, clean, rate_of, to_minor
from engine.kernels.jit import part
from engine.kernels.terms import SWAP_MODES
from engine.venues.deals import expose, report
from engine.venues.margin import margin_rate

(
    DISABLED, POINTS, CURRENCY_SYMBOL, CURRENCY_MARGIN, CURRENCY_DEPOSIT, INTEREST_CURRENT, INTEREST_OPEN,
    REOPEN_CURRENT, REOPEN_BID, CURRENCY_PROFIT,
) = map(np.int64, range(len(SWAP_MODES)))  # fmt: skip


@part
def next_night(book, s):
    """When symbol s rolls over next, int64 ns; NEVER if the calendar has no more nights."""
    x, t = book[1][s], book[6][s]
    return book[8][x.night].start if x.night < t.nights_end else NEVER


@part
def interest(book, s, q, rate):
    """Account money that one day at that rate (points, money per lot or percent a year) brings position q."""
    x, t = book[1][s], book[6][s]
    mode, lots, units = t.swap_mode, q.steps * x.step_lots, q.steps * x.step_units
    if mode == CURRENCY_DEPOSIT:
        return lots * rate
    middle = 0.5 * (x.bid + x.ask)
    if mode == CURRENCY_MARGIN:
        return lots * rate * margin_rate(book, s, middle)
    profit_rate = rate_of(book[1], s)
    if mode == CURRENCY_SYMBOL:
        return lots * rate * middle * profit_rate
    if mode == CURRENCY_PROFIT:
        return lots * rate * profit_rate
    if mode == POINTS:
        return units * (rate / x.grid) * profit_rate
    price = q.entry
    if mode == INTEREST_CURRENT:
        price = x.bid if q.side > 0 else x.ask
    return units * price * (rate / 100.0 / t.year_days) * profit_rate


@part
def roll(book, s, ts, ts_event):
    """Book the rollovers of symbol s up to ts_event: every open position accrues its swap, one report each.

    At the quotes and conversions that stand, which are those before the record. With the modes that reopen a
    position its entry moves instead, against it by a negative rate; what it had gained or lost stays in it.
    """
    account, positions, calendar = book[0], book[3], book[8]
    x, t = book[1][s], book[6][s]
    first = x.night
    while x.night < t.nights_end and calendar[x.night].start <= ts_event:
        x.night += 1
    if x.night == first:
        return
    reopens = t.swap_mode == REOPEN_CURRENT or t.swap_mode == REOPEN_BID
    changed = False
    for p in range(account[0].positions):
        q = positions[p]
        if q.symbol != s:
            continue
        booked, moved = NONE, False
        for n in range(first, x.night):
            night = calendar[n]
            if q.ts >= night.start:
                continue
            rate = night.a * (night.b if q.side > 0 else night.c)
            if reopens and rate != 0.0:
                q.entry = clean(x, q.entry - q.side * rate / x.grid)
                moved = True
            elif not reopens:
                booked += to_minor(interest(book, s, q, rate), account[0].minor)
        if booked != 0 or moved:
            q.swap += booked
            r = book[4][report(book, SWAPPED, ts, ts_event, NONE, q.strategy, s, NONE)]
            r.position, r.side, r.steps, r.price, r.swap = q.id, q.side, q.steps, q.entry, booked
            changed = True
    if changed:
        expose(book, s)
