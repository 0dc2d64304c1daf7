"""The compiled lane's inner loop: wishes in columns through risk, execution and matching without Python."""

from __future__ import annotations

import numpy as np
from numba.extending import overload

from engine.execution.kernels import market_orders
from engine.kernels.book import BY_CLOSE, BY_ORDER, CANCELED, FILL, REJECTED, STOPPED_OUT
from engine.kernels.jit import entry, part
from engine.risk.exits import let_go
from engine.risk.kernels import decide, refused, says_new
from engine.risk.past import recall
from engine.risk.terms import IN_FLIGHT
from engine.venues.intake import submit
from engine.venues.scan import advance_bars, advance_quotes

STATEMENT = np.dtype([
    ("at", np.int64), ("ts", np.int64), ("strategy", np.int64), ("symbol", np.int64),
    ("strength", np.float64), ("stop", np.float64), ("take_profit", np.float64), ("look", np.int64),
], align=True)  # fmt: skip
"""One wish of one strategy, in the order in which they are made; at a `look` what is held is looked at first, and where
`strength` is NaN there is no wish."""
NEWS = np.dtype([
    ("due", np.int64), ("strategy", np.int64), ("symbol", np.int64), ("kind", np.int64),
    ("entry", np.int64), ("order", np.int64), ("steps", np.int64), ("net", np.int64),
], align=True)  # fmt: skip
"""On its way back to us: a refusal, or a deal. Deals that change no wish are kept only for rules that remember."""
REFUSED, EXITED, DEALT = 0, 1, 2
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
def collect(book, out, n, news, pending, remembers):
    """Move the reports out of the book, keeping what may make a wish restatable, and all deals if a rule remembers;
    returns (reports, news) so far."""
    account, reports = book[0], book[4]
    for r in range(account[0].reports):
        x = reports[r]
        out[n] = x
        n += 1
        exited = x.kind == FILL and x.reason != BY_ORDER and x.reason != BY_CLOSE
        if turned_away(x) or exited or (remembers and x.kind == FILL):
            y = news[pending]
            y.due, y.strategy, y.symbol = x.known, x.strategy, x.symbol
            y.kind = EXITED if exited else DEALT if x.kind == FILL else REFUSED
            y.entry, y.order, y.steps, y.net = x.entry, x.order, x.steps, x.profit + x.swap - x.commission
            pending += 1
    account[0].reports = 0
    return n, pending


@part
def hear(book, news, pending, ts, wishes, rules):
    """Take in the news that has reached us by ts; returns how many are still on their way."""
    limits, past = rules[0], rules[2]
    left = 0
    for n in range(pending):
        y = news[n]
        if y.due > ts:
            news[left] = y
            left += 1
            continue
        wish = wishes[y.strategy, y.symbol]
        if y.kind == REFUSED:
            refused(wish, limits[y.strategy, y.symbol].retries)
            wish.acted = np.nan  # as `Risk.on_rejected` does
        elif y.kind == EXITED:
            wish.tries, wish.open = 0, 1
        if y.kind != REFUSED and len(past):
            recall(book, past, y.strategy, y.symbol, y.due, y.entry, y.order, y.steps, y.net)
    return left


@part
def send(book, k, s, ts, target, answer, plan):
    """Market orders to the venue that lead to the target; what they open is led as the answer says."""
    for n in range(market_orders(book, k, s, target, answer.stop, answer.take_profit, plan)):
        order = plan[n]
        if order.position == 0:
            order.trail, order.trail_start, order.even_at = answer.trail, answer.trail_start, answer.even_at
        submit(book, order, ts)


@part
def obey(book, rules, wishes, x, facts, answer, plan, denied):
    """One wish through risk and execution to the venue; `denied` counts what each rule said no to."""
    k, s = x.strategy, x.symbol
    wish, limit, a = wishes[k, s], rules[0][k, s], answer[0]
    a.trail = a.trail_start = a.even_at = np.nan
    if x.look and let_go(book, rules, wish, k, s, x.ts):
        a.stop = a.take_profit = np.nan
        send(book, k, s, x.ts, 0, a, plan)
    if np.isnan(x.strength):
        return
    if not says_new(wish, x.strength, x.stop, x.take_profit):
        return
    decide(book, rules, wish, k, s, x.ts, x.strength, x.stop, x.take_profit, facts, a)
    if a.rule == IN_FLIGHT:
        wish.open = 1
    elif a.rule:
        refused(wish, limit.retries)
        denied[a.rule] += 1
    if a.acts:
        send(book, k, s, x.ts, a.target, a, plan)


@entry
def gather(closed, stream, first, k, s, signal, stop, take_profit, look, rank, ranks, made, keys, n):
    """Append the wishes in the closed rows of one stream to `made`, with what orders them; returns how many now.

    With `look` every row makes one, if only to look at what is held.
    """
    for w in range(len(closed)):
        row = closed[w].row
        silent = row < first or np.isnan(signal[row])
        if closed[w].stream != stream or (silent and not look):
            continue
        x = made[n]
        x.at, x.ts, x.strategy, x.symbol = closed[w].at, closed[w].ts, k, s
        x.look = look
        x.strength, x.stop, x.take_profit = np.nan if silent else signal[row], stop[row], take_profit[row]
        keys[n] = w * ranks + rank
        n += 1
    return n


@entry
def drive(book, tape, i, hi, statements, facts, w, rules, wishes, news, pending, answer, plan, out, denied, full):
    """Records i..hi-1 and the wishes w.. made before or right after them.

    Returns (DONE or MORE_ROOM, record reached, wish reached, reports in `out`, news pending). MORE_ROOM: the caller
    empties `out` or grows the book or the plan, and calls again.
    """
    n = 0
    account, remembers = book[0], len(rules[2]) > 0
    while True:
        j = statements[w].at if w < len(statements) else hi
        while i < j:
            i = advance(book, tape, i, j, full)
            n, pending = collect(book, out, n, news, pending, remembers)
            if n + len(book[4]) > len(out) or pending + len(book[4]) > len(news):
                return MORE_ROOM, i, w, n, pending
        if w == len(statements):
            return DONE, i, w, n, pending
        positions = account[0].positions
        room = account[0].orders + positions + 1
        if positions >= len(plan) or account[0].orders + len(plan) > len(book[2]) or room + len(plan) > len(book[3]):
            return MORE_ROOM, i, w, n, pending
        pending = hear(book, news, pending, statements[w].ts, wishes, rules)
        obey(book, rules, wishes, statements[w], facts[w % len(facts)], answer, plan, denied)
        n, pending = collect(book, out, n, news, pending, remembers)
        w += 1
