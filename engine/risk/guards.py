"""Limits on entries, each a few lines: True means no, and `answer` says which rule, what it saw and what it holds.

They are asked about owning `after` signed lot steps of a symbol instead of `own`, and only where that is more, or on
the other side: what reduces is never denied.
"""

from __future__ import annotations

import numpy as np

from engine.kernels.book import rate_of, roll_day
from engine.kernels.jit import part
from engine.risk.terms import (
    BLACKOUT,
    CORRELATION,
    DAILY_LOSS,
    FACT_AGE,
    FACT_RELATED,
    HOURS,
    MAX_AGE,
    MAX_CURRENCY,
    MAX_GROSS,
    MAX_LEVERAGE,
    MAX_LOSS,
    MAX_LOSSES,
    MAX_NET,
    MAX_SPREAD,
    MAX_TRADES,
)


@part
def no(answer, rule, value, threshold):
    answer.rule, answer.value, answer.threshold = rule, value, threshold
    return True


@part
def within(windows, low, high, ts):
    """Row of low..high-1 whose stretch holds ts; -1 if none does."""
    end = high
    while low < high:
        middle = (low + high) // 2
        if windows[middle, 1] <= ts:
            low = middle + 1
        else:
            high = middle
    return low if low < end and windows[low, 0] <= ts else -1


@part
def blacked_out(limits, windows, ts, answer):
    """Is ts in a time of no entry? For how many seconds it has been one, and how many it lasts."""
    n = within(windows, limits.black_at, limits.black_end, ts)
    return n >= 0 and no(answer, BLACKOUT, (ts - windows[n, 0]) * 1e-9, (windows[n, 1] - windows[n, 0]) * 1e-9)


@part
def shut(limits, windows, ts, answer):
    """Is ts outside the hours? For how many seconds it has been, and how many that lasts."""
    n = within(windows, limits.shut_at, limits.shut_end, ts)
    return n >= 0 and no(answer, HOURS, (ts - windows[n, 0]) * 1e-9, (windows[n, 1] - windows[n, 0]) * 1e-9)


@part
def too_wide(x, limits, answer):
    """Spread in points, or basis points of the bid."""
    spread = (x.ask - x.bid) / (x.bid if limits.spread_bps else 1.0)
    if spread <= limits.max_spread * (1.0 + 1e-9):
        return False
    return no(answer, MAX_SPREAD, spread / limits.spread_shown, limits.max_spread / limits.spread_shown)


@part
def stale(limits, facts, answer):
    """Seconds since the symbol's last quote or bar."""
    return facts[FACT_AGE] > limits.max_age and no(answer, MAX_AGE, facts[FACT_AGE], limits.max_age)


@part
def lost_today(book, limits, ts, answer):
    """Equity below what the day began with, the higher of equity and balance: as a share of it, or as money."""
    a = book[0][0]
    roll_day(book, ts)
    lost = (a.day_equity - a.equity) / (a.day_equity if limits.daily_share else 1.0)
    return lost >= limits.daily_loss and no(answer, DAILY_LOSS, lost, limits.daily_loss)


@part
def lost_in_all(book, limits, answer):
    """Money below the initial balance."""
    lost = limits.initial - book[0][0].equity
    return lost >= limits.max_loss and no(answer, MAX_LOSS, lost, limits.max_loss)


@part
def traded_enough(limits, past, ts, answer):
    """Entries of the strategy today."""
    count = past.entries if ts < past.day_end else 0
    return count >= limits.max_trades and no(answer, MAX_TRADES, count, limits.max_trades)


@part
def cooling_off(limits, past, ts, answer):
    """Losing trades in a row, while the last one is not long enough ago."""
    if past.losses < limits.max_losses or ts >= past.lost_at + limits.cool_off:
        return False
    return no(answer, MAX_LOSSES, past.losses, limits.max_losses)


@part
def worth(book, s, in_lots):
    """What one lot step of symbol s counts: lots, or its value now as a share of the equity."""
    x = book[1][s]
    if in_lots:
        return x.step_lots
    return x.step_units * 0.5 * (x.bid + x.ask) * rate_of(book[1], s) / book[0][0].equity


@part
def held(book, limits, k, s, mine, in_lots, currency):
    """(long and short added up, short taken off long, for less against `currency`) of all that is held or ordered,
    with `mine` lot steps in place of what strategy k has of symbol s.
    """
    account, orders, positions = book[0], book[2], book[3]
    gross = net = flow = 0.0
    for n in range(account[0].positions + account[0].orders + 1):
        if n == 0:
            d, steps = s, mine
        elif n <= account[0].positions:
            q = positions[n - 1]
            if q.strategy == k and q.symbol == s:
                continue
            d, steps = q.symbol, q.side * q.steps
        else:
            o = orders[n - 1 - account[0].positions]
            if o.position > 0 or (o.strategy == k and o.symbol == s):
                continue
            d, steps = o.symbol, o.side * o.steps
        value = steps * worth(book, d, in_lots) if steps else 0.0
        gross += abs(value)
        net += value
        flow += value * ((limits[0, d].base == currency) - (limits[0, d].quote == currency))
    return gross, net, flow


@part
def beyond(answer, rule, after, before, most):
    """Is it more than allowed, and more than now?"""
    return abs(after) > most * (1.0 + 1e-9) and abs(after) > abs(before) and no(answer, rule, abs(after), most)


@part
def exposed(book, limits, k, s, own, after, answer):
    """Gross, net, currency and leverage, of the whole account."""
    l = limits[k, s]
    if l.max_gross < np.inf:
        lots = l.gross_lots
        if beyond(answer, MAX_GROSS, held(book, limits, k, s, after, lots, -1)[0],
                  held(book, limits, k, s, own, lots, -1)[0], l.max_gross):  # fmt: skip
            return True
    if l.max_net < np.inf:
        lots = l.net_lots
        if beyond(answer, MAX_NET, held(book, limits, k, s, after, lots, -1)[1],
                  held(book, limits, k, s, own, lots, -1)[1], l.max_net):  # fmt: skip
            return True
    if l.max_currency < np.inf:
        for c in (l.base, l.quote):
            lots = l.currency_lots
            if beyond(answer, MAX_CURRENCY, held(book, limits, k, s, after, lots, c)[2],
                      held(book, limits, k, s, own, lots, c)[2], l.max_currency):  # fmt: skip
                return True
    if l.max_leverage < np.inf:
        return beyond(answer, MAX_LEVERAGE, held(book, limits, k, s, after, 0, -1)[0],
                      held(book, limits, k, s, own, 0, -1)[0], l.max_leverage)  # fmt: skip
    return False


@part
def related(book, limits, s, side, facts, answer):
    """Is a symbol with an open position moving alike, in this direction?"""
    if not limits.max_related < np.inf:
        return False
    account, positions = book[0], book[3]
    for d in range(len(facts) - FACT_RELATED):
        if d == s:
            continue
        steps = 0
        for p in range(account[0].positions):
            if positions[p].symbol == d:
                steps += positions[p].side * positions[p].steps
        alike = facts[FACT_RELATED + d] * np.sign(steps) * side
        if alike >= limits.max_related:
            return no(answer, CORRELATION, alike, limits.max_related)
    return False


@part
def forbidden(guarded, book, rules, k, s, ts, own, after, facts, answer):
    """Is a limit against it? `guarded` is the last of the rules: None, and nothing below is compiled."""
    if guarded is None:
        return False
    return against(book, rules, k, s, ts, own, after, facts, answer)


@part
def against(book, rules, k, s, ts, own, after, facts, answer):
    """The first limit that is against it."""
    limits, windows, past, _ = rules
    l, x = limits[k, s], book[1][s]
    if abs(after) <= abs(own) and after * own >= 0:
        return False
    if shut(l, windows, ts, answer) or too_wide(x, l, answer) or stale(l, facts, answer):
        return True
    if lost_today(book, l, ts, answer) or lost_in_all(book, l, answer):
        return True
    if l.remembers:
        all_ = past[k, past.shape[1] - 1]
        if traded_enough(l, all_, ts, answer) or cooling_off(l, all_, ts, answer):
            return True
    side = 1 if after > own else -1
    return exposed(book, limits, k, s, own, after, answer) or related(book, l, s, side, facts, answer)
