"""Sizing and risk rules as jitted functions: the one place that turns a wish into units, called by both lanes.

`decide` takes a wish and answers with the signed lot steps the strategy may own, and the rule that said no, if one
did. Exits are never denied.
"""

from __future__ import annotations

import numpy as np

from engine.kernels.book import MARKET, owned, rate_of
from engine.kernels.jit import entry, part

BY_LOTS, BY_UNITS, BY_EQUITY, BY_RISK = 0, 1, 2, 3
SIZINGS = ("lots", "units", "equity", "risk")

RULES = (
    "", "in_flight", "no_price", "stop_missing", "stop_side", "max_drawdown", "volume_min", "max_position", "strength",
    "blackout",
)  # fmt: skip
IN_FLIGHT, NO_PRICE, STOP_MISSING, STOP_SIDE, MAX_DRAWDOWN, VOLUME_MIN, MAX_POSITION, STRENGTH = 1, 2, 3, 4, 5, 6, 7, 8
BLACKOUT = 9

_i, _f = np.int64, np.float64
LIMITS = np.dtype([
    ("sizing", _i), ("size", _f), ("max_steps", _i), ("max_drawdown", _f), ("retries", _i),
    ("black_at", _i), ("black_end", _i),
], align=True)  # fmt: skip
"""What one strategy may do with one symbol: limits[strategy, symbol]. `black_at` to `black_end` are its rows
of the blackouts, times of no entry as int64[n, 2], [start, end) ns UTC, each symbol's rising and apart."""
NO_BLACKOUT = np.zeros((0, 2), np.int64)
WISH = np.dtype([
    ("given", _i), ("open", _i), ("strength", _f), ("stop", _f), ("take_profit", _f), ("tries", _i), ("acted", _f),
], align=True)  # fmt: skip
"""The last wish of a strategy for a symbol, and the strength it was last acted on with: wishes[strategy, symbol]."""
ANSWER = np.dtype([("target", _i), ("own", _i), ("rule", _i), ("value", _f), ("threshold", _f)], align=True)


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
def size(book, s, sizing, amount, strength, price, stop):
    """Lot steps (unsigned, rounded down) for a full wish scaled by |strength|.

    lots, units: that many. equity: that share of the equity as notional. risk: the volume that loses that share of
    the equity between `price` and `stop`.
    """
    account, x = book[0], book[1][s]
    if sizing == BY_LOTS:
        units = amount / x.step_lots * x.step_units
    elif sizing == BY_UNITS:
        units = amount
    else:
        money = amount * account[0].equity / rate_of(book[1], s)
        units = money / price if sizing == BY_EQUITY else money / abs(price - stop)
    steps = units * abs(strength) / x.step_units
    return np.int64(np.floor(steps + 1e-9)) if steps < 9e15 else np.int64(9e15)


@part
def blacked_out(limits, blackouts, ts, answer):
    """Is ts in a time of no entry? Says into `answer` for how many seconds it has been one, and how many it lasts."""
    low, high = limits.black_at, limits.black_end
    while low < high:
        middle = (low + high) // 2
        if blackouts[middle, 1] <= ts:
            low = middle + 1
        else:
            high = middle
    if low == limits.black_end or ts < blackouts[low, 0]:
        return False
    answer.rule = BLACKOUT
    answer.value = (ts - blackouts[low, 0]) * 1e-9
    answer.threshold = (blackouts[low, 1] - blackouts[low, 0]) * 1e-9
    return True


@part
def decide(book, limits, blackouts, wish, k, s, ts, strength, stop, take_profit, answer):
    """What strategy k may own of symbol s; fills `answer`. `target == own` means: leave things as they are."""
    account, x = book[0], book[1][s]
    own = owned(book, k, s)
    answer.own, answer.target, answer.rule, answer.value, answer.threshold = own, own, 0, np.nan, np.nan
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
    if blacked_out(limits, blackouts, ts, answer):
        return
    price = x.ask if side > 0 else x.bid
    if not price > 0.0 or np.isnan(rate_of(book[1], s)):
        answer.rule = NO_PRICE
        return
    if np.isnan(stop):
        if limits.sizing == BY_RISK:
            answer.rule = STOP_MISSING
            return
    elif side * (price - stop) <= 0.0:
        answer.rule, answer.value, answer.threshold = STOP_SIDE, stop, price
        return
    down = (account[0].peak - account[0].equity) / account[0].peak
    if down >= limits.max_drawdown:
        answer.rule, answer.value, answer.threshold = MAX_DRAWDOWN, down, limits.max_drawdown
        return
    steps = min(size(book, s, limits.sizing, limits.size, strength, price, stop), limits.max_steps)
    if steps < x.steps_min:
        answer.rule, answer.value, answer.threshold = VOLUME_MIN, steps * x.step_lots, x.steps_min * x.step_lots
        return
    answer.target = side * steps
    wish.acted = strength


@entry
def decide_one(book, limits, blackouts, wishes, k, s, ts, strength, stop, take_profit, answer):
    """`decide` for the Python lane: one call, `answer` is a record array of one."""
    decide(book, limits[k, s], blackouts, wishes[k, s], k, s, ts, strength, stop, take_profit, answer[0])


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
def allow_order(book, limits, blackouts, k, s, ts, side, steps, position, answer):
    """May strategy k send this order itself, should all it has sent on that side be filled? Reducing is allowed."""
    account, x = book[0], book[1][s]
    a, l = answer[0], limits[k, s]
    own = owned(book, k, s)
    added = steps + coming_in(book, k, s, side)
    reach = abs(own + side * added)
    a.own, a.target, a.rule, a.value, a.threshold = own, own + side * steps, 0, np.nan, np.nan
    if position > 0 or (own * side < 0 and added <= abs(own)):
        return
    if blacked_out(l, blackouts, ts, a):
        return
    down = (account[0].peak - account[0].equity) / account[0].peak
    if down >= l.max_drawdown:
        a.rule, a.value, a.threshold = MAX_DRAWDOWN, down, l.max_drawdown
    elif steps < x.steps_min:
        a.rule, a.value, a.threshold = VOLUME_MIN, steps * x.step_lots, x.steps_min * x.step_lots
    elif reach > l.max_steps:
        a.rule, a.value, a.threshold = MAX_POSITION, reach * x.step_lots, l.max_steps * x.step_lots


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
