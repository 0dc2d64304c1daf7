"""The quick path of the simulated venue: what happens at the records where nothing happens.

`peek` finds the next record that can trigger anything, without touching the book. `advance` brings the venue up to
a record: it marks open positions at every quote, and calls `match` only where a band is touched. Both exist for
quotes and for bars; everything a record can trigger is in `matching.match`.
"""

from __future__ import annotations

import numpy as np

from engine.kernels.book import NONE, clean, mark, sample_grid, value
from engine.kernels.jit import entry, part
from engine.venues.bands import trail_bands
from engine.venues.exits import trail
from engine.venues.intake import pause_at
from engine.venues.matching import match


@part
def touches(x, bid, ask, ts_event):
    # one branch instead of five
    return (ask <= x.ask_low) | (ask >= x.ask_high) | (bid <= x.bid_low) | (bid >= x.bid_high) | (ts_event >= x.due)


@entry
def peek_quotes(book, ts_event, symbol, bid, ask, i, j):
    """First quote of i..j-1 that can trigger anything; j if none can."""
    symbols = book[1]
    if len(symbols) == 1:
        x = symbols[0]
        ask_low, ask_high, bid_low, bid_high, due = x.ask_low, x.ask_high, x.bid_low, x.bid_high, x.due
        for k in range(i, j):
            a, b = ask[k], bid[k]
            if a <= ask_low or a >= ask_high or b <= bid_low or b >= bid_high or ts_event[k] >= due:
                return k
        return j
    for k in range(i, j):
        if touches(symbols[symbol[k]], bid[k], ask[k], ts_event[k]):
            return k
    return j


@part
def keep(x, bid, ask, spread, k):
    x.bid, x.ask = bid[k], clean(x, ask[k] + spread[k]) if len(spread) else ask[k]


@part
def keep_last(symbols, symbol, bid, ask, spread, i, j):
    """Keep the last quote of every symbol in i..j-1: what sizing and conversion will read."""
    missing = len(symbols)
    if missing > 63:  # more symbols than bits to tick them off with: oldest to newest, the last one stays
        for k in range(i, j):
            keep(symbols[symbol[k]], bid, ask, spread, k)
        return
    seen = np.int64(0)
    for k in range(j - 1, i - 1, -1):
        s = np.int64(symbol[k])
        if seen >> s & 1:
            continue
        seen |= np.int64(1) << s
        keep(symbols[s], bid, ask, spread, k)
        missing -= 1
        if missing == 0:
            return


@part
def quiet_one(book, ts, ts_event, bid, ask, i, j):
    """`quiet_quotes` for a market of one symbol that converts nothing, its numbers held in registers."""
    a, x = book[0][0], book[1][0]
    ask_low, ask_high, bid_low, bid_high, due = x.ask_low, x.ask_high, x.bid_low, x.bid_high, x.due
    if not x.exposed:
        k = i
        while k < j and not (
            ask[k] <= ask_low or ask[k] >= ask_high or bid[k] <= bid_low or bid[k] >= bid_high or ts_event[k] >= due
        ):
            k += 1
        if k > i:
            x.bid, x.ask = bid[k - 1], ask[k - 1]
        return k
    long_units, long_cost, short_units, short_cost = x.long_units, x.long_cost, x.short_units, x.short_cost
    rate, cash = x.rate, a.balance * a.minor
    peak, drawdown, share, equity = a.peak, a.drawdown, a.drawdown_share, a.equity
    floating, swap = x.floating, x.swap
    next_sample = a.next_sample
    k = i
    while k < j:
        q, b = ask[k], bid[k]
        if q <= ask_low or q >= ask_high or b <= bid_low or b >= bid_high or ts_event[k] >= due:
            break
        if ts[k] >= next_sample:
            a.equity = equity
            sample_grid(book, ts[k], ts[k])
            next_sample = a.next_sample
        floating = (b * long_units - long_cost) + (short_cost - q * short_units)
        equity = cash + (floating * rate + swap)
        if equity > peak:
            peak = equity
        else:
            down = peak - equity
            if down > drawdown:
                drawdown = down
            if down > share * peak:
                share = down / peak
        k += 1
    if k > i:
        x.bid, x.ask = bid[k - 1], ask[k - 1]
        x.floating, x.mark = floating, floating * rate + swap
    a.peak, a.drawdown, a.drawdown_share, a.equity = peak, drawdown, share, equity
    return k


@part
def quiet_quotes(book, ts, ts_event, symbol, bid, ask, i, j):
    """Keep and mark quotes i.. up to the first that can trigger anything, or j; returns where it stopped."""
    account, symbols = book[0], book[1]
    a = account[0]
    holding = a.positions > 0
    for k in range(i, j):
        s = np.int64(symbol[k])
        x = symbols[s]
        if touches(x, bid[k], ask[k], ts_event[k]):
            return k
        if holding and ts[k] >= a.next_sample:
            sample_grid(book, ts[k], ts[k])
        x.bid, x.ask = bid[k], ask[k]
        if holding and x.exposed | x.converts and mark(symbols, s):
            value(account, symbols)
    return j


@part
def remember(symbols, symbol, pulse, k):
    """What slippage knows of each symbol's market before record k: of the others as of their last record."""
    missing = 0
    for d in range(len(symbols)):
        symbols[d].fresh = d == symbol[k] or not symbols[d].exposed
        missing += not symbols[d].fresh
    x = symbols[symbol[k]]
    x.variance, x.volume, x.usual_volume = pulse[k]
    n = k - 1
    while missing > 0 and n >= 0:
        x = symbols[symbol[n]]
        if not x.fresh:
            x.fresh = 1
            x.variance, x.volume, x.usual_volume = pulse[n]
            missing -= 1
        n -= 1


@part
def followed(book, s, ts_event, bid, ask):
    """Was this quote all about stops that trail? Then they, the quote and the equity have followed it."""
    account, symbols = book[0], book[1]
    x = symbols[s]
    free = (ask > x.hard_ask_low) & (ask < x.ask_high) & (bid > x.bid_low) & (bid < x.hard_bid_high)
    if not free or ts_event >= x.due or pause_at(book, s, ts_event) >= 0:
        return False
    x.bid, x.ask = bid, ask
    if mark(symbols, s):
        value(account, symbols)
    trail(book, s, NONE, bid, ask)
    trail_bands(book, s)
    return True


@entry
def advance_quotes(book, ts, ts_event, symbol, bid, ask, pulse, i, j, banded, full):
    """Bring the venue from quote i to quote j; stops after the quote that caused a report and returns that index."""
    account, symbols = book[0], book[1]
    a = account[0]
    one = len(symbols) == 1 and not symbols[0].converts
    if a.orders == 0 and a.positions == 0 and a.requests == 0 and banded:
        keep_last(symbols, symbol, bid, ask, ask[:0], i, j)
        return j
    while i < j:
        k = i
        if banded:
            k = (
                quiet_one(book, ts, ts_event, bid, ask, i, j)
                if one
                else quiet_quotes(book, ts, ts_event, symbol, bid, ask, i, j)
            )
            if k == j:
                return j
        if a.positions > 0 and ts[k] >= a.next_sample:
            sample_grid(book, ts[k], ts[k])
        b, q = bid[k], ask[k]
        if full is not None and banded and followed(book, np.int64(symbol[k]), ts_event[k], b, q):
            i = k + 1
            continue
        if len(pulse):
            remember(symbols, symbol, pulse, k)
        match(book, np.int64(symbol[k]), ts[k], ts_event[k], None, (b, b, b, b), (q, q, q, q), full)
        i = k + 1
        if a.reports > 0:
            return i
    return j


@part
def touches_bar(x, ts, high, low, spread):
    return (
        low + spread <= x.ask_low
        or high + spread >= x.ask_high
        or low <= x.bid_low
        or high >= x.bid_high
        or ts >= x.due
    )


@entry
def peek_bars(book, ts, symbol, high, low, spread, i, j):
    """First bar of i..j-1 that can trigger anything; j if none can."""
    symbols = book[1]
    for k in range(i, j):
        if touches_bar(symbols[symbol[k]], ts[k], high[k], low[k], spread[k]):
            return k
    return j


@entry
def advance_bars(book, ts, ts_event, symbol, first, high, low, last, spread, pulse, i, j, banded, full):
    """`advance_quotes` for a tape of bars: marks at each close."""
    account, symbols = book[0], book[1]
    a = account[0]
    if a.orders == 0 and a.positions == 0 and a.requests == 0 and banded:
        keep_last(symbols, symbol, last, last, spread, i, j)
        return j
    for k in range(i, j):
        s = np.int64(symbol[k])
        x = symbols[s]
        if a.positions > 0 and ts[k] > a.next_sample:
            sample_grid(book, ts[k], ts[k] - 1)
        w = spread[k]
        if not banded or touches_bar(x, ts[k], high[k], low[k], w):
            if len(pulse):
                remember(symbols, symbol, pulse, k)
            bid = (first[k], high[k], low[k], last[k])
            ask = (clean(x, first[k] + w), clean(x, high[k] + w), clean(x, low[k] + w), clean(x, last[k] + w))
            match(book, s, ts[k], ts_event[k], ts[k] - ts_event[k], bid, ask, full)
            if a.reports > 0:
                return k + 1
            continue
        x.bid, x.ask = last[k], clean(x, last[k] + w)
        if x.exposed or x.converts:
            mark(symbols, s)
            if a.positions > 0:
                value(account, symbols)
    return j
