"""Risk rules as jitted functions: the one place that turns a wish into units, called by both lanes.

`decide` takes a wish and answers with the signed lot steps the strategy may own, its exits, and the rule that said
no, if one did. Exits are never denied. The formulas are in `sizing`, `exits` and `guards`, the records in `terms`.
"""

from __future__ import annotations

import numpy as np

from engine.kernels.book import MARKET, owned, rate_of
from engine.kernels.jit import entry, part
from engine.risk.exits import in_flight, lead
from engine.risk.guards import blacked_out, forbidden
from engine.risk.sizing import size
from engine.risk.terms import (
    BY_KELLY,
    BY_PROBABILITY,
    BY_RISK,
    IN_FLIGHT,
    MAX_DRAWDOWN,
    MAX_POSITION,
    NO_PRICE,
    STOP_MISSING,
    STOP_SIDE,
    STRENGTH,
    VOLUME_MIN,
)


@part
def decide(book, rules, wish, k, s, ts, strength, stop, take_profit, facts, answer):
    """What strategy k may own of symbol s, and whether anything is to be done about it; fills `answer`.

    That is when it owns something else, or that much on both sides: a close that was refused leaves a hedge behind.
    """
    aim(book, rules, wish, k, s, ts, strength, stop, take_profit, facts, answer)
    hedged = answer.rule == 0 and both_ways(book, k, s)
    answer.acts = answer.target != answer.own or hedged


@part
def aim(book, rules, wish, k, s, ts, strength, stop, take_profit, facts, answer):
    """Target, rule and exits of `answer`; what is not denied may still be what is owned."""
    account, x, limits = book[0], book[1][s], rules[0][k, s]
    own = owned(book, k, s)
    answer.own, answer.target, answer.rule, answer.value, answer.threshold = own, own, 0, np.nan, np.nan
    answer.stop, answer.take_profit = stop, take_profit
    if not abs(strength) <= 1.0:  # nor NaN
        answer.rule, answer.value, answer.threshold = STRENGTH, strength, 1.0
        return
    count = in_flight(book, k, s)
    if count:
        answer.rule, answer.value, answer.threshold = IN_FLIGHT, count, 0.0
        return
    if strength == 0.0:
        answer.target, wish.acted = 0, 0.0
        return
    side = 1 if strength > 0.0 else -1
    if own * side > 0 and strength == wish.acted:
        return
    if own * side < 0:
        answer.target = 0  # whatever is said of the entry, the exit goes through
    if blacked_out(limits, rules[1], ts, answer):
        return
    price = x.ask if side > 0 else x.bid
    if not price > 0.0 or np.isnan(rate_of(book[1], s)):
        answer.rule = NO_PRICE
        return
    if limits.led and not lead(x, limits, side, price, facts, answer):
        return
    stop = answer.stop
    if np.isnan(stop):
        if limits.sizing == BY_RISK or limits.sizing == BY_KELLY or limits.sizing == BY_PROBABILITY:
            answer.rule = STOP_MISSING
            return
    elif side * (price - stop) <= 0.0:
        answer.rule, answer.value, answer.threshold = STOP_SIDE, stop, price
        return
    down = (account[0].peak - account[0].equity) / account[0].peak
    if down >= limits.max_drawdown:
        answer.rule, answer.value, answer.threshold = MAX_DRAWDOWN, down, limits.max_drawdown
        return
    steps = min(size(book, rules, k, s, strength, price, stop, facts, answer), limits.max_steps)
    if answer.rule:
        return
    if steps < x.steps_min:
        answer.rule, answer.value, answer.threshold = VOLUME_MIN, steps * x.step_lots, x.steps_min * x.step_lots
        return
    if limits.guarded and forbidden(rules[3], book, rules, k, s, ts, own, side * steps, facts, answer):
        return
    answer.target = side * steps
    wish.acted = strength


@part
def both_ways(book, k, s):
    """Does strategy k own symbol s long and short at once?"""
    account, positions = book[0], book[3]
    long = short = False
    for p in range(account[0].positions):
        q = positions[p]
        if q.strategy == k and q.symbol == s:
            long, short = long or q.side > 0, short or q.side < 0
    return long and short


@entry
def decide_one(book, rules, wishes, k, s, ts, strength, stop, take_profit, facts, answer):
    """`decide` for the Python lane: one call, `answer` is a record array of one."""
    decide(book, rules, wishes[k, s], k, s, ts, strength, stop, take_profit, facts, answer[0])


@part
def coming_in(book, k, s, side):
    """Lot steps that orders of strategy k, sent or resting, may yet add to its own on that side."""
    account, orders = book[0], book[2]
    steps = 0
    for n in range(account[0].orders):
        o = orders[n]
        if o.strategy == k and o.symbol == s and o.side == side and o.position == 0:
            steps += o.steps
    return steps


@entry
def allow_order(book, rules, k, s, ts, side, steps, position, facts, answer):
    """May strategy k send this order itself, should all it has sent on that side be filled? Reducing is allowed."""
    account, x = book[0], book[1][s]
    a, l = answer[0], rules[0][k, s]
    own = owned(book, k, s)
    added = steps + coming_in(book, k, s, side)
    reach = abs(own + side * added)
    a.own, a.target, a.rule, a.value, a.threshold = own, own + side * steps, 0, np.nan, np.nan
    if position > 0 or (own * side < 0 and added <= abs(own)):
        return
    if blacked_out(l, rules[1], ts, a):
        return
    down = (account[0].peak - account[0].equity) / account[0].peak
    if down >= l.max_drawdown:
        a.rule, a.value, a.threshold = MAX_DRAWDOWN, down, l.max_drawdown
    elif steps < x.steps_min:
        a.rule, a.value, a.threshold = VOLUME_MIN, steps * x.step_lots, x.steps_min * x.step_lots
    elif reach > l.max_steps:
        a.rule, a.value, a.threshold = MAX_POSITION, reach * x.step_lots, l.max_steps * x.step_lots
    elif l.guarded:
        forbidden(rules[3], book, rules, k, s, ts, own, own + side * added, facts, a)


@entry
def stands(book, k, s):
    """Signed lot steps strategy k owns of symbol s, those its market orders on their way will add, and how many."""
    account, orders = book[0], book[2]
    coming = 0
    for n in range(account[0].orders):
        o = orders[n]
        if o.strategy == k and o.symbol == s and o.kind == MARKET:
            coming += o.side * o.steps
    return owned(book, k, s), coming, in_flight(book, k, s)


@entry
def account_now(book):
    """Balance, equity, margin used: what a trader reads."""
    a = book[0][0]
    return a.balance * a.minor, a.equity, a.margin


@part
def same(a, b):
    return a == b or (np.isnan(a) and np.isnan(b))


@part
def says_new(wish, strength, stop, take_profit):
    """`Wishes.keep` for the compiled lane."""
    if wish.given and wish.strength == strength and same(wish.stop, stop) and same(wish.take_profit, take_profit):
        fresh = wish.open
        wish.open = 0
        return fresh == 1
    wish.given, wish.open, wish.tries = 1, 0, 0
    wish.strength, wish.stop, wish.take_profit = strength, stop, take_profit
    return True


@part
def refused(wish, retries):
    """`Wishes.on_denied` and `on_rejected` for the compiled lane."""
    wish.tries += 1
    if wish.tries < retries:
        wish.open = 1
