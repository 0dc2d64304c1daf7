"""What the broker sets aside for a position: MetaTrader 5's formulas, fixed at the opening (rule 20).

Source of the formulas: MetaTrader 5, "Basic margin calculation" and "Margin calculation: retail forex, CFD, futures,
hedging". Money is in the account currency, not rounded.
"""

from __future__ import annotations

import numpy as np

from engine.kernels.book import leg_rate, rate_of
from engine.kernels.jit import part
from engine.kernels.terms import MARGIN_MODES

FOREX, FOREX_NO_LEVERAGE, CFD, CFD_LEVERAGE, CFD_INDEX, FUTURES, STOCKS, NO_MARGIN = map(
    np.int64, range(len(MARGIN_MODES))
)
OF_BASE, OF_PROFIT, OF_ACCOUNT, OF_OTHER, OF_FIXED = map(np.int64, range(5))
"""Margin currencies."""


@part
def lot_money(t, initial):
    """Money per lot that the contract states instead of a formula, for opening or for holding; 0 where it does not."""
    return t.margin_maintenance if not initial and t.margin_maintenance > 0.0 else t.margin_initial


@part
def margin_rate(book, s, price):
    """Account currency per unit of the margin currency, at that price of the symbol itself."""
    t = book[6][s]
    if t.margin_currency == OF_ACCOUNT:
        return 1.0
    if t.margin_currency == OF_FIXED:
        return t.margin_fixed
    if t.margin_currency == OF_OTHER:
        return leg_rate(book[1], t.margin_via, t.margin_inverse != 0)
    rate = rate_of(book[1], s)
    return price * rate if t.margin_currency == OF_BASE else rate


@part
def leverage_of(book, s, steps, price):
    """Leverage of that many steps: the symbol's own, of the steps of its notional, or the account's."""
    a, x, t = book[0][0], book[1][s], book[6][s]
    if t.tiers == 0:
        return t.margin_leverage if t.margin_leverage > 0.0 else a.leverage
    rate = rate_of(book[1], s)
    notional = steps * x.step_units * price * rate
    held = 0.0 if a.hedging else (x.long_cost + x.short_cost) * rate
    money = 0.0
    for n in range(t.tiers):
        top = t.tier_from[n + 1] if n + 1 < t.tiers else np.inf
        part = min(top, held + notional) - max(t.tier_from[n], held)
        if part > 0.0:
            money += part / t.tier_leverage[n]
    return notional / money


@part
def margin_at(book, s, steps, price, initial):
    """Account money that opening that many steps at that price ties up (`initial`), or holding them does."""
    x, t = book[1][s], book[6][s]
    mode, lots, fixed = t.margin_mode, steps * x.step_lots, lot_money(t, initial)
    if mode == NO_MARGIN:
        return 0.0
    if fixed > 0.0:
        money = lots * fixed
    elif mode in (FOREX, FOREX_NO_LEVERAGE):
        money = lots * t.contract
    else:
        money = lots * t.contract * price
        if mode == CFD_INDEX:
            money *= t.tick_value / t.tick_size
    if mode in (FOREX, CFD_LEVERAGE):
        money /= leverage_of(book, s, steps, price)
    share = t.margin_rate if initial or t.maintenance_rate == 0.0 else t.maintenance_rate
    return money * share * margin_rate(book, s, price)


@part
def legs(book, s):
    """Open steps and margin of symbol s: (long steps, long margin, short steps, short margin)."""
    account, positions = book[0], book[3]
    long_steps = short_steps = 0
    long_margin = short_margin = 0.0
    for p in range(account[0].positions):
        q = positions[p]
        if q.symbol == s and q.side > 0:
            long_steps += q.steps
            long_margin += q.margin
        elif q.symbol == s:
            short_steps += q.steps
            short_margin += q.margin
    return long_steps, long_margin, short_steps, short_margin


@part
def together(t, long_steps, long_margin, short_steps, short_margin):
    """Margin of both legs of a symbol: what covers each other by the hedged margin, the rest as the larger leg."""
    if long_steps == 0 or short_steps == 0:
        return long_margin + short_margin
    if t.larger_leg:
        return max(long_margin, short_margin)
    if np.isnan(t.margin_hedged):
        return long_margin + short_margin
    size = lot_money(t, False)
    average = (long_margin + short_margin) / (long_steps + short_steps)
    covered = min(long_steps, short_steps) * average * t.margin_hedged / (size if size > 0.0 else t.contract)
    if long_steps >= short_steps:
        return covered + (long_steps - short_steps) * long_margin / long_steps
    return covered + (short_steps - long_steps) * short_margin / short_steps


@part
def symbol_margin(book, s):
    """Account money that the open positions of symbol s tie up together."""
    long_steps, long_margin, short_steps, short_margin = legs(book, s)
    return together(book[6][s], long_steps, long_margin, short_steps, short_margin)


@part
def margin_after(book, s, side, steps, price):
    """Margin of the whole account once that much more of symbol s is open; the new part at its initial margin."""
    long_steps, long_margin, short_steps, short_margin = legs(book, s)
    margin = margin_at(book, s, steps, price, True)
    if side > 0:
        long_steps += steps
        long_margin += margin
    else:
        short_steps += steps
        short_margin += margin
    others = 0.0
    for d in range(len(book[1])):
        if d != s:
            others += book[1][d].margin
    return others + together(book[6][s], long_steps, long_margin, short_steps, short_margin)
