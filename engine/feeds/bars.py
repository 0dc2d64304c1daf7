"""Bars by the time law, from quotes or from smaller bars, for all symbols and frames of a run in one kernel.

A bar covers [start, end). It closes at the first record of its symbol with `ts_event` >= end or when the clock,
moved by any symbol's record or by `clock`, reaches end + grace; its row's `ts` is the moment we knew. A record at
exactly the end belongs to the next bar. An interval without records makes no bar; with `fill` it makes a flat one
of volume 0. Bars due at one moment close in the order (known, frame, symbol).

Each symbol has one base stream (its smallest frame) that is built from the tape; the larger frames are built from
closed base bars. On a tape of bars the record *is* the base bar, stamped with its close: it closes when the clock
has passed that stamp, so that all records of one moment are seen before any row of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.events import QUOTE, ROW
from engine.core.table import Stream, Tables
from engine.core.tape import Block
from engine.kernels.jit import jit
from engine.kernels.order import first_from

BASES = {"bid": (1.0, 0.0), "ask": (0.0, 1.0), "mid": (0.5, 0.5)}
NEVER = np.iinfo(np.int64).max
_i, _f = np.int64, np.float64
STREAM = np.dtype([
    ("symbol", _i), ("rank", _i), ("length", _i), ("edge", _i), ("base", _i), ("next", _i),
    ("is_open", _i), ("flat", _i), ("start", _i), ("end", _i),
    ("first", _f), ("high", _f), ("low", _f), ("last", _f), ("volume", _f), ("spread", _f),
], align=True)  # fmt: skip
WAKE = np.dtype([("at", _i), ("stream", _i), ("row", _i), ("ts", _i), ("rank", _i)], align=True)


@jit(no_cpython_wrapper=True)
def interval(x, edges, s, ts):
    """Start and end of the interval of stream s that holds ts."""
    if x.length > 0:
        start = ts - ts % x.length
        return start, start + x.length
    e = x.edge
    row = edges[s]
    while row[e] > ts:
        e -= 1
    while row[e + 1] <= ts:
        e += 1
    x.edge = e
    return row[e], row[e + 1]


@jit(no_cpython_wrapper=True)
def merge(x, start, end, first, high, low, last, volume, spread, flat):
    """Put a price range into the open bar of x, opening it if need be; a flat one gives way to a real one."""
    if not x.is_open or (x.flat and not flat):
        x.is_open, x.flat, x.start, x.end = 1, flat, start, end
        x.first, x.high, x.low, x.volume = first, high, low, 0.0
    x.high = max(x.high, high)
    x.low = min(x.low, low)
    x.last, x.spread = last, spread
    x.volume += volume


@jit(no_cpython_wrapper=True)
def shut(streams, edges, s, stamps, values, rows, known, fill):
    """Close the open bar of stream s into its table; a base bar goes on into the larger frames of its symbol."""
    x = streams[s]
    n = rows[s]
    stamps[s, 0, n], stamps[s, 1, n], stamps[s, 2, n] = known, x.start, x.end
    row = values[s]
    row[0, n], row[1, n], row[2, n], row[3, n] = x.first, x.high, x.low, x.last
    row[4, n], row[5, n] = x.volume, x.spread
    rows[s] = n + 1
    x.is_open = 0
    larger = x.next if x.base else -1
    while larger >= 0:
        y = streams[larger]
        start, end = interval(y, edges, larger, x.start)
        merge(y, start, end, x.first, x.high, x.low, x.last, x.volume, x.spread, x.flat)
        larger = y.next
    if fill and x.base:
        start, end = interval(x, edges, s, x.end)
        merge(x, start, end, x.last, x.last, x.last, x.last, 0.0, x.spread, 1)


@jit(no_cpython_wrapper=True)
def earliest(streams):
    """End of the open bar that ends first; NEVER if none is open."""
    end = NEVER
    for s in range(len(streams)):
        if streams[s].is_open and streams[s].end < end:
            end = streams[s].end
    return end


@jit(no_cpython_wrapper=True)
def close_due(streams, edges, stamps, values, rows, wakes, n, at, ts, symbol, ts_event, grace, strict, fill):
    """Close every bar that is due before a record of `symbol` at `ts`; returns the wakes so far, -1 - wakes if full.

    Bars due at one moment close together or not at all: rows of a moment are published when all of them are there.
    """
    moment, moment_rank = -1, ROW
    while True:
        best, best_known, rank = -1, NEVER, QUOTE
        for s in range(len(streams)):
            x = streams[s]
            if not x.is_open:
                continue
            known, by = x.end + grace, ROW
            if known + strict > ts:
                if x.symbol != symbol or ts_event < x.end + strict:
                    continue
                known, by = ts, QUOTE  # the record itself says so: not due at ts, but as old as the record
            if known > best_known or (known == best_known and by > rank):
                continue
            y = streams[best]
            if known < best_known or by < rank or x.rank < y.rank or (x.rank == y.rank and x.symbol < y.symbol):
                best, best_known, rank = s, known, by
        if best < 0:
            return n
        if best_known != moment or rank != moment_rank:
            if rows.max() == stamps.shape[2] or n + len(streams) > len(wakes):
                return -1 - n
            moment, moment_rank = best_known, rank
        if rows[best] == stamps.shape[2] or n == len(wakes):  # with `fill` one stream may close twice at one moment
            return -1 - n
        shut(streams, edges, best, stamps, values, rows, best_known, fill)
        w = wakes[n]
        w.at, w.stream, w.row, w.ts, w.rank = at, best, rows[best] - 1, best_known, rank
        n += 1


@jit(no_cpython_wrapper=True)
def extremes(bid, ask, weight_bid, weight_ask, i, k, high, low):
    """The highest and lowest price of quotes i..k-1 and of what is given; four at a time, so that none waits."""
    h1 = h2 = h3 = high
    l1 = l2 = l3 = low
    while i + 4 <= k:
        p0 = bid[i] * weight_bid + ask[i] * weight_ask
        p1 = bid[i + 1] * weight_bid + ask[i + 1] * weight_ask
        p2 = bid[i + 2] * weight_bid + ask[i + 2] * weight_ask
        p3 = bid[i + 3] * weight_bid + ask[i + 3] * weight_ask
        high, h1, h2, h3 = max(high, p0), max(h1, p1), max(h2, p2), max(h3, p3)
        low, l1, l2, l3 = min(low, p0), min(l1, p1), min(l2, p2), min(l3, p3)
        i += 4
    while i < k:
        p0 = bid[i] * weight_bid + ask[i] * weight_ask
        high, low = max(high, p0), min(low, p0)
        i += 1
    return max(max(high, h1), max(h2, h3)), min(min(low, l1), min(l2, l3))


@jit
def quotes_to_bars(ts, ts_event, symbol, bid, ask, lo, hi, alone, weight_bid, weight_ask, streams, base_of, edges,
                   stamps, values, rows, wakes, grace, fill):  # fmt: skip
    """Run quotes lo..hi-1 through all streams. Returns (where it stopped, wakes, late quotes).

    It stops early only when a table or `wakes` is full, before the quote at which that was found. `alone` says that
    all quotes are of one symbol and that `ts_event` is `ts`: then stamps rise and need not be looked at one by one.
    """
    n = late = 0
    due = earliest(streams)
    several = len(base_of) > 1
    i = lo
    while i < hi:
        s = symbol[i]
        b = base_of[s]
        known_due = due if due == NEVER else due + grace
        if ts[i] >= known_due or ts_event[i] >= due:
            n = close_due(streams, edges, stamps, values, rows, wakes, n, i, ts[i], s, ts_event[i], grace, 0, fill)
            if n < 0:
                return i, -1 - n, late
            due = earliest(streams)
            known_due = due if due == NEVER else due + grace
        if b < 0:  # nobody asks for bars of this symbol: it moves the clock, no more
            i += 1
            continue
        x = streams[b]
        if x.is_open and ts_event[i] < x.start:
            late += 1
            i += 1
            continue
        price = bid[i] * weight_bid + ask[i] * weight_ask
        if not x.is_open or x.flat:
            start, end = interval(x, edges, b, ts_event[i])
            if end + grace <= ts[i] or (rows[b] > 0 and start < stamps[b, 2, rows[b] - 1]):  # its time is over
                late += 1
                i += 1
                continue
            merge(x, start, end, price, price, price, price, 1.0, ask[i] - bid[i], 0)
            due = min(due, end)
            i += 1
            continue
        if several:  # they take turns, and which comes next cannot be foretold: no branch on that
            limit = min(known_due, due)
            while True:
                x.high, x.low, x.last = max(x.high, price), min(x.low, price), price
                x.volume += 1.0
                x.spread = ask[i] - bid[i]
                i += 1
                if i >= hi or ts[i] >= limit or ts_event[i] >= due or base_of[symbol[i]] < 0:
                    break
                x = streams[base_of[symbol[i]]]
                if (x.is_open == 0) | (x.flat != 0) | (ts_event[i] < x.start):
                    break
                price = bid[i] * weight_bid + ask[i] * weight_ask
            continue
        stop = min(x.end, due)
        if alone:
            k = first_from(ts, i + 1, hi, min(stop, known_due))
            x.high, x.low = extremes(bid, ask, weight_bid, weight_ask, i, k, x.high, x.low)
            price = bid[k - 1] * weight_bid + ask[k - 1] * weight_ask
        else:
            high, low, k = x.high, x.low, i
            while True:  # the hot loop: quotes of one symbol inside its open bar
                high = max(high, price)
                low = min(low, price)
                k += 1
                if k >= hi or symbol[k] != s or ts[k] >= known_due or ts_event[k] >= stop or ts_event[k] < x.start:
                    break
                price = bid[k] * weight_bid + ask[k] * weight_ask
            x.high, x.low = high, low
        x.last, x.spread = price, ask[k - 1] - bid[k - 1]
        x.volume += k - i
        i = k
    return i, n, late


@jit
def bars_to_rows(ts, ts_event, symbol, first, high, low, last, spread, volume, lo, hi, streams, base_of,
                 stamps, values, rows, wakes):  # fmt: skip
    """`bars_to_bars` where no larger frame is asked for: each record becomes a row, without a call in between."""
    n, count = 0, len(streams)
    end = earliest(streams)
    for i in range(lo, hi):
        if ts[i] > end:  # all open bars end together: records come in the order of their ends
            if n + count > len(wakes):
                return i, n, 0
            for s in range(count):
                if streams[s].is_open and rows[s] == stamps.shape[2]:
                    return i, n, 0
            for s in range(count):
                x = streams[s]
                if x.is_open:
                    r = rows[s]
                    stamps[s, 0, r], stamps[s, 1, r], stamps[s, 2, r] = x.end, x.start, x.end
                    values[s, 0, r], values[s, 1, r], values[s, 2, r] = x.first, x.high, x.low
                    values[s, 3, r], values[s, 4, r], values[s, 5, r] = x.last, x.volume, x.spread
                    w = wakes[n]
                    w.at, w.stream, w.row, w.ts, w.rank = i, s, r, x.end, ROW
                    rows[s] = r + 1
                    x.is_open = 0
                    n += 1
        if base_of[symbol[i]] < 0:
            continue
        x = streams[base_of[symbol[i]]]
        x.is_open, x.flat, x.start, x.end = 1, 0, ts_event[i], ts[i]
        x.first, x.high, x.low, x.last = first[i], high[i], low[i], last[i]
        x.volume, x.spread = volume[i], spread[i]
        end = ts[i]
    return hi, n, 0


@jit
def bars_to_bars(ts, ts_event, symbol, first, high, low, last, spread, volume, lo, hi, streams, base_of, edges,
                 stamps, values, rows, wakes, fill):  # fmt: skip
    """`quotes_to_bars` for a tape whose records are the base bars."""
    n = 0
    due = earliest(streams)
    for i in range(lo, hi):
        s = symbol[i]
        if ts[i] > due:
            n = close_due(streams, edges, stamps, values, rows, wakes, n, i, ts[i], s, ts[i], 0, 1, fill)
            if n < 0:
                return i, -1 - n, 0
            due = earliest(streams)
        if base_of[s] < 0:
            continue
        x = streams[base_of[s]]
        merge(x, ts_event[i], ts[i], first[i], high[i], low[i], last[i], volume[i], spread[i], 0)
        due = min(due, ts[i])
    return hi, n, 0


@jit
def clock_to_bars(ts, streams, edges, stamps, values, rows, wakes, grace, fill):
    """The clock reached ts: close what is due by then. Returns (0, wakes, 0); -1 first if a table is full."""
    n = close_due(streams, edges, stamps, values, rows, wakes, 0, 0, ts, -1, 0, grace, 0, fill)
    return (-1, -1 - n, 0) if n < 0 else (0, n, 0)


@dataclass
class BarBuilder:
    """Turns blocks of a tape into rows of tables. `wakes[:n]` says which row became known before which record."""

    kind: str
    tables: Tables
    streams: np.ndarray
    base_of: np.ndarray
    edges: np.ndarray
    weights: tuple[float, float]
    grace: int = 0
    fill: bool = False
    late: int = 0

    def __post_init__(self) -> None:
        self.wakes = np.zeros(self.tables.capacity, WAKE)
        self._plain = not self.fill and bool(self.streams["base"].all())

    def feed(self, block: Block, lo: int) -> tuple[int, np.ndarray]:
        """Take records lo.. of the block; returns how far it came and the wakes, rows in their order."""
        t, shared = self.tables, (self.streams, self.base_of, self.edges)
        out = (t.stamps, t.values, t.rows, self.wakes)
        if self.kind == "quotes":
            hi, n, late = quotes_to_bars(
                block.ts, block.ts_event, block.symbol, block.bid, block.ask, lo, len(block), self.alone(block),
                *self.weights, *shared, *out, self.grace, self.fill,
            )  # fmt: skip
        else:
            columns = (
                block.ts, block.ts_event, block.symbol, block.open, block.high, block.low, block.close,
                block.spread, block.volume, lo, len(block),
            )  # fmt: skip
            if self._plain:
                hi, n, late = bars_to_rows(*columns, self.streams, self.base_of, *out)
            else:
                hi, n, late = bars_to_bars(*columns, *shared, *out, self.fill)
        self.late += late
        return hi, self.wakes[:n]

    def alone(self, block: Block) -> bool:
        """Whether one look at `ts` says all about a stretch of quotes: one symbol, and the venue's stamps are ours."""
        return len(self.base_of) == 1 and block.ts.ctypes.data == block.ts_event.ctypes.data

    def clock(self, ts: int) -> tuple[bool, np.ndarray]:
        """The run's clock reached ts. True when everything due is closed, False when a table must slide first."""
        t = self.tables
        done, n, _ = clock_to_bars(
            ts, self.streams, self.edges, t.stamps, t.values, t.rows, self.wakes, self.grace, self.fill
        )
        return done == 0, self.wakes[:n]


def stream_records(
    streams: tuple[Stream, ...], symbols: tuple[str, ...], lengths: dict[str, int], base: dict[str, str]
) -> tuple[np.ndarray, np.ndarray]:
    """Stream records and, per symbol, the index of its base stream. `lengths` maps a frame to ns, 0 if by edges.

    `streams` must be ordered by frame, smallest first: the order is the rank of the tie rule.
    """
    records = np.zeros(len(streams), STREAM)
    base_of = np.full(len(symbols), -1, np.int64)
    frames = list(dict.fromkeys(s.frame for s in streams))
    last: dict[str, int] = {}
    for n, stream in enumerate(streams):
        r = records[n]
        r["symbol"], r["rank"] = symbols.index(stream.symbol), frames.index(stream.frame)
        r["length"], r["next"] = lengths[stream.frame], -1
        if stream.frame == base[stream.symbol]:
            r["base"] = 1
            base_of[symbols.index(stream.symbol)] = n
        else:
            records[last[stream.symbol]]["next"] = n
        last[stream.symbol] = n
    return records, base_of
