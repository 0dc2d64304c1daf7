"""Exits by rule: where stop and take-profit of a wish go, how the stop follows, when it has been long enough."""

from __future__ import annotations

import numpy as np

from engine.kernels.book import MARKET
from engine.kernels.jit import entry, part
from engine.risk.terms import (
    ATR,
    EXIT_MISSING,
    FACT_ATR,
    FACT_HIGH,
    FACT_LOW,
    NOTHING,
    PERCENT,
    POINTS,
    STOP_MISSING,
    SWING,
    TIMES_RISK,
)


@part
def distance(by, amount, price, reach, risk):
    """A distance in price; NaN where there is none, or what it is counted in is not known."""
    if by == POINTS:
        return amount
    if by == PERCENT:
        return amount * price
    if by == ATR:
        return amount * reach
    if by == TIMES_RISK:
        return amount * risk
    return np.nan


@part
def stop_at(x, limits, side, price, facts):
    """The stop by rule; behind a swing that of a short lies the spread further, for it is closed at the ask."""
    if limits.stop_by == SWING:
        return facts[FACT_LOW] if side > 0 else facts[FACT_HIGH] + (x.ask - x.bid)
    return price - side * distance(limits.stop_by, limits.stop, price, facts[FACT_ATR], np.nan)


@part
def lead(x, limits, side, price, facts, answer):
    """Fill in the exits that the wish does not give (or all, with `override`); False if one cannot be told."""
    fresh = limits.override != 0
    if limits.stop_by != NOTHING and (fresh or np.isnan(answer.stop)):
        answer.stop = stop_at(x, limits, side, price, facts)
        if np.isnan(answer.stop):
            answer.rule = STOP_MISSING
            return False
    reach, risk = facts[FACT_ATR], abs(price - answer.stop)
    if limits.take_by != NOTHING and (fresh or np.isnan(answer.take_profit)):
        answer.take_profit = price + side * distance(limits.take_by, limits.take, price, reach, risk)
    answer.trail = distance(limits.trail_by, limits.trail, price, reach, risk)
    answer.trail_start = distance(limits.start_by, limits.start, price, reach, risk)
    answer.even_at = distance(limits.even_by, limits.even, price, reach, risk)
    told = (limits.take_by == NOTHING or not np.isnan(answer.take_profit)) and (
        limits.trail_by == NOTHING or answer.trail > 0.0
    )
    if told and (limits.start_by == NOTHING or answer.trail_start > 0.0):
        if limits.even_by == NOTHING or answer.even_at > 0.0:
            return True
    answer.rule = EXIT_MISSING
    return False


@part
def in_flight(book, k, s):
    """Market orders of strategy k for symbol s that are on their way."""
    account, orders = book[0], book[2]
    count = 0
    for n in range(account[0].orders):
        o = orders[n]
        if o.strategy == k and o.symbol == s and o.kind == MARKET:
            count += 1
    return count


@part
def overdue(book, rules, k, s, ts):
    """Asked once at each bar of the strategy: has what it owns of symbol s been held long enough?"""
    account, positions = book[0], book[3]
    limits, past = rules[0][k, s], rules[2][k, s]
    for p in range(account[0].positions):
        q = positions[p]
        if q.strategy == k and q.symbol == s:  # the oldest
            past.bars += 1
            old = limits.hold_bars > 0 and past.bars >= limits.hold_bars
            return old or (limits.hold > 0 and ts - q.ts >= limits.hold)
    past.bars = 0
    return False


@part
def let_go(book, rules, wish, k, s, ts):
    """Is what strategy k owns of symbol s to be closed now? Then its wish is no longer acted on."""
    if not overdue(book, rules, k, s, ts) or in_flight(book, k, s):
        return False
    wish.acted = np.nan
    return True


@entry
def overdue_one(book, rules, wishes, k, s, ts):
    """`let_go` for the Python lane."""
    return let_go(book, rules, wishes[k, s], k, s, ts)
