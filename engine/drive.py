"""The compiled lane's inner loop: wishes in columns through risk, execution and matching without Python."""

from __future__ import annotations

import numpy as np
from numba.extending import overload

from engine.execution.kernels import market_orders
from engine.kernels.book import BY_CLOSE, BY_ORDER, CANCELED, FILL, REJECTED, STOPPED_OUT
from engine.kernels.jit import entry, part
from engine.risk.kernels import IN_FLIGHT, decide, refused, says_new
from engine.venues.intake import submit
from engine.venues.scan import advance_bars, advance_quotes

STATEMENT = np.dtype([
    ("at", np.int64), ("ts", np.int64), ("strategy", np.int64), ("symbol", np.int64),
    ("strength", np.float64), ("stop", np.float64), ("take_profit", np.float64),
], align=True)  # fmt: skip
"""One wish of one strategy, in the order in which they are made."""
NEWS = np.dtype([("due", np.int64), ("strategy", np.int64), ("symbol", np.int64), ("refusal", np.int64)], align=True)
"""A refusal or a stop-out on its way back to us."""
DONE, MORE_ROOM = 0, 1


def advance(book, tape, i, j, full):
    raise AssertionError("compiled only")


@overload(advance)
def _advance(book, tape, i, j, full):
    if len(tape) == 6:
        return lambda book, tape, i, j, full: advance_quotes(
            book, tape[0], tape[1], tape[2], tape[3], tape[4], tape[5], i, j, True, full
        )
    return lambda book, tape, i, j, full: advance_bars(
        book, tape[0], tape[1], tape[2], tape[3], tape[4], tape[5], tape[6], tape[7], tape[8], i, j, True, full
    )


@part
def turned_away(x):
    """Was an order refused, or taken back for want of margin? (`deal` of a refusal is the change that was refused.)"""
    return (x.kind == REJECTED and x.deal == 0) or (x.kind == CANCELED and x.reason == STOPPED_OUT)


@part
def collect(book, out, n, news, pending):
    """Move the reports out of the book, keeping what may make a wish restatable; returns (reports, news) so far."""
    account, reports = book[0], book[4]
    for r in range(account[0].reports):
        x = reports[r]
        out[n] = x
        n += 1
        if turned_away(x) or (x.kind == FILL and x.reason != BY_ORDER and x.reason != BY_CLOSE):
            y = news[pending]
            y.due, y.strategy, y.symbol, y.refusal = x.known, x.strategy, x.symbol, x.kind != FILL
            pending += 1
    account[0].reports = 0
    return n, pending


@part
def hear(news, pending, ts, wishes, limits):
    """Take in the news that has reached us by ts; returns how many are still on their way."""
    left = 0
    for n in range(pending):
        y = news[n]
        if y.due > ts:
            news[left] = y
            left += 1
            continue
        wish = wishes[y.strategy, y.symbol]
        if y.refusal:
            refused(wish, limits[y.strategy, y.symbol].retries)
            wish.acted = np.nan  # as `Risk.on_rejected` does
        else:
            wish.tries, wish.open = 0, 1
    return left


@part
def obey(book, limits, blackouts, wishes, x, answer, plan):
    """One wish through risk and execution to the venue."""
    k, s = x.strategy, x.symbol
    wish, limit = wishes[k, s], limits[k, s]
    if not says_new(wish, x.strength, x.stop, x.take_profit):
        return
    a = answer[0]
    decide(book, limit, blackouts, wish, k, s, x.ts, x.strength, x.stop, x.take_profit, a)
    if a.rule == IN_FLIGHT:
        wish.open = 1
    elif a.rule:
        refused(wish, limit.retries)
    if a.target != a.own:
        for n in range(market_orders(book, k, s, a.target, x.stop, x.take_profit, plan)):
            submit(book, plan[n], x.ts)


@entry
def gather(closed, stream, first, k, s, signal, stop, take_profit, rank, ranks, made, keys, n):
    """Append the wishes in the closed rows of one stream to `made`, with what orders them; returns how many now."""
    for w in range(len(closed)):
        row = closed[w].row
        if closed[w].stream != stream or row < first or np.isnan(signal[row]):
            continue
        x = made[n]
        x.at, x.ts, x.strategy, x.symbol = closed[w].at, closed[w].ts, k, s
        x.strength, x.stop, x.take_profit = signal[row], stop[row], take_profit[row]
        keys[n] = w * ranks + rank
        n += 1
    return n


@entry
def drive(book, tape, i, hi, statements, w, limits, blackouts, wishes, news, pending, answer, plan, out, full):
    """Records i..hi-1 and the wishes w.. made before or right after them.

    Returns (DONE or MORE_ROOM, record reached, wish reached, reports in `out`, news pending). MORE_ROOM: the caller
    empties `out` or grows the book or the plan, and calls again.
    """
    n = 0
    account = book[0]
    while True:
        j = statements[w].at if w < len(statements) else hi
        while i < j:
            i = advance(book, tape, i, j, full)
            n, pending = collect(book, out, n, news, pending)
            if n + len(book[4]) > len(out) or pending + len(book[4]) > len(news):
                return MORE_ROOM, i, w, n, pending
        if w == len(statements):
            return DONE, i, w, n, pending
        positions = account[0].positions
        room = account[0].orders + positions + 1
        if positions >= len(plan) or account[0].orders + len(plan) > len(book[2]) or room + len(plan) > len(book[3]):
            return MORE_ROOM, i, w, n, pending
        pending = hear(news, pending, statements[w].ts, wishes, limits)
        obey(book, limits, blackouts, wishes, statements[w], answer, plan)
        n, pending = collect(book, out, n, news, pending)
        w += 1
