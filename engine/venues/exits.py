"""How positions end by themselves: stop-loss, take-profit, stops that trail (rules 3, 4 and 15)."""

from __future__ import annotations

import numpy as np

from engine.kernels.book import BY_STOP_LOSS, BY_TAKE_PROFIT, NONE
from engine.kernels.jit import part
from engine.venues.deals import close
from engine.venues.grid import away, least_step
from engine.venues.slippage import slipped


@part
def exit_price(side, stop, take_profit, first, high, low):
    """Which exit a position meets on first..high/low of its exit side, and its price: (reason or -1, price).

    Where stop and take-profit both lie in the range the stop fills. NaN compares false, so what is not set never
    fills, and a `first` of NaN leaves the range alone to decide.
    """
    if side * (first - stop) <= 0.0:
        return BY_STOP_LOSS, first
    if side * (first - take_profit) >= 0.0:
        return BY_TAKE_PROFIT, first
    worst, best = (low, high) if side > 0 else (high, low)
    if side * (worst - stop) <= 0.0:
        return BY_STOP_LOSS, stop
    if side * (best - take_profit) >= 0.0:
        return BY_TAKE_PROFIT, take_profit
    return -1, np.nan


@part
def leave_at(book, p, reason, price, ts, ts_event, full):
    """Position p is closed by its stop-loss (which slips) or its take-profit."""
    q = book[3][p]
    book[1][q.symbol].slip = 0.0
    if reason != BY_TAKE_PROFIT:
        price = slipped(book, q.symbol, price, -q.side, q.steps, q.id, full)
    close(book, p, q.steps, NONE, price, ts, ts_event, NONE, reason, False)


@part
def ended(book, p, x, stop_only, ts, ts_event, full):
    """Position p meets (first, high, low) of its exit side: True if it is closed."""
    q = book[3][p]
    take_profit = np.nan if stop_only else q.take_profit
    reason, price = exit_price(q.side, q.stop, take_profit, x[0], x[1], x[2])
    if reason < 0:
        return False
    best = x[1] if q.side > 0 else x[2]
    if reason == BY_STOP_LOSS and not q.side * (x[0] - q.stop) <= 0.0 and q.side * (best - q.take_profit) >= 0.0:
        book[0][0].ambiguous += 1
    leave_at(book, p, reason, price, ts, ts_event, full)
    return True


@part
def judge(book, s, ts, ts_event, first_id, last_id, bid, ask, range_only, trails, full):
    """Stop-loss and take-profit of positions first_id..last_id-1 on (first, high, low) of bid and of ask.

    `range_only`: of what was opened inside the range the stop alone is judged. `trails`: what is still open
    moves its stop by the best price of the range and is judged once more.
    """
    account, positions = book[0], book[3]
    p = NONE
    while p < account[0].positions:
        q = positions[p]
        if q.symbol != s or q.id < first_id or q.id >= last_id:
            p += 1
            continue
        x = bid if q.side > 0 else ask
        within = (np.nan, x[1], x[2])
        if ended(book, p, within if range_only else x, range_only, ts, ts_event, full):
            continue
        if full is not None and trails and trail_one(book, q, x[1] if q.side > 0 else x[2]):
            if ended(book, p, within, True, ts, ts_event, full):
                continue
        p += 1


@part
def nearer(book, q, edge):
    """Where the stop of a position goes when its exit side reaches `edge`; NaN or the stop as it is: it stays."""
    s, side = q.symbol, q.side
    stop = q.stop
    start = q.trail_start if q.trail_start > 0.0 else -np.inf
    hair = 1e-3 / book[1][s].grid
    if side * (edge - q.entry) >= start - hair:
        behind, least = edge - side * q.trail, least_step(book, s, q.trail_step)
        if np.isnan(stop) or side * (behind - stop) >= least - hair:  # rounding takes away, it does not add
            moved = away(book, s, behind, side)
            if not np.isnan(moved) and (np.isnan(stop) or side * (moved - stop) >= least):
                stop = moved
    if side * (edge - q.entry) >= q.even_at - hair:
        lock = 0.0 if np.isnan(q.even_lock) else q.even_lock
        even = away(book, s, q.entry + side * lock, side)
        if np.isnan(stop) or side * (even - stop) > 0.0:
            stop = even
    return stop


@part
def trail_one(book, q, edge):
    """A stop that trails or breaks even follows the exit side to `edge`; True if it moved."""
    if np.isnan(q.trail) and np.isnan(q.even_at):
        return False
    stop = nearer(book, q, edge)
    if stop == q.stop or np.isnan(stop):
        return False
    q.stop = stop
    return True


@part
def trail(book, s, first_id, bid, ask):
    """Stops of the positions from first_id on follow the bid (longs) and the ask (shorts)."""
    account, positions = book[0], book[3]
    for p in range(account[0].positions):
        q = positions[p]
        if q.symbol == s and q.id >= first_id:
            trail_one(book, q, bid if q.side > 0 else ask)


@part
def trail_level(book, q):
    """The price of its exit side at which the stop of a position moves next; the far side if it does not trail."""
    level = np.inf * q.side
    if not np.isnan(q.trail):
        start = q.entry + q.side * q.trail_start if q.trail_start > 0.0 else -np.inf * q.side
        level = start
        if not np.isnan(q.stop):
            step = q.stop + q.side * (q.trail + least_step(book, q.symbol, q.trail_step))
            level = max(start, step) if q.side > 0 else min(start, step)
    if not np.isnan(q.even_at):
        lock = 0.0 if np.isnan(q.even_lock) else q.even_lock
        if np.isnan(q.stop) or q.side * (away(book, q.symbol, q.entry + q.side * lock, q.side) - q.stop) > 0.0:
            even = q.entry + q.side * q.even_at
            level = min(level, even) if q.side > 0 else max(level, even)
    return level
