"""Microstructure of quotes: spread, middle, microprice, direction, pace and order flow, one row a quote.

Features are columns of bars; these are columns of quotes, for research on a tape: each row depends on itself and the
row before, so a cut changes nothing. What needs sizes is NaN where a feed has none.
"""

from __future__ import annotations

import numpy as np

from engine.core.errors import DataError
from engine.core.zones import SECOND


def order_flow(bid: np.ndarray, bid_size: np.ndarray, ask: np.ndarray, ask_size: np.ndarray) -> np.ndarray:
    """Order flow imbalance from row to row, along the first axis: what was added to bids, less what to asks.

    A higher bid adds its whole size, a lower one takes the old size away, an equal one adds the difference; asks
    count the other way round. The first row is NaN (Cont, Kukanov and Stoikov, Journal of Financial Econometrics
    12, 2014).

    >>> order_flow(np.array([1.0, 1.0, 1.1]), np.array([5.0, 8, 2]), np.array([1.2, 1.2, 1.2]), np.array([4.0, 3, 3]))
    array([nan,  4.,  2.])
    """
    bids = np.where(bid[1:] >= bid[:-1], bid_size[1:], 0.0) - np.where(bid[1:] <= bid[:-1], bid_size[:-1], 0.0)
    asks = np.where(ask[1:] <= ask[:-1], ask_size[1:], 0.0) - np.where(ask[1:] >= ask[:-1], ask_size[:-1], 0.0)
    there = ~np.isnan(bid[1:] + bid[:-1] + ask[1:] + ask[:-1])
    return np.concatenate([np.full_like(bid[:1], np.nan), np.where(there, bids - asks, np.nan)])


def micro_ticks(
    ts: np.ndarray, bid: np.ndarray, ask: np.ndarray, bid_size: np.ndarray | None = None,
    ask_size: np.ndarray | None = None,
) -> dict[str, np.ndarray]:  # fmt: skip
    """Columns of a tape of one symbol's quotes (ts int64 ns, prices and sizes float64, as long as each other).

    `spread` and `mid` in price; `microprice`, the middle weighted by the other side's size; `sign`, 1 or -1 as the
    middle moved last (0 before it did: the tick rule); `wait`, seconds since the quote before (NaN at first); `flow`,
    the order flow imbalance. `microprice` and `flow` are NaN without sizes. DataError for columns of other lengths
    and for stamps that go back.
    """
    n = len(ts)
    sizes = [np.full(n, np.nan) if s is None else np.asarray(s, np.float64) for s in (bid_size, ask_size)]
    bid, ask = np.asarray(bid, np.float64), np.asarray(ask, np.float64)
    if {len(bid), len(ask), *map(len, sizes)} - {n}:
        raise DataError("bids, asks, sizes and stamps must be as long as each other")
    if n and (np.diff(ts) < 0).any():
        raise DataError("the quotes are not in the order of time")
    mid, whole = (bid + ask) / 2.0, sizes[0] + sizes[1]
    moves = np.sign(np.diff(mid, prepend=mid[:1]))
    last = np.maximum.accumulate(np.where(moves != 0.0, np.arange(n), 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        micro = np.where(whole > 0.0, (ask * sizes[0] + bid * sizes[1]) / whole, np.nan)
    return {
        "spread": ask - bid, "mid": mid, "microprice": micro, "sign": moves[last] if n else moves,
        "wait": np.diff(ts, prepend=ts[:1]) / SECOND + np.where(np.arange(n) == 0, np.nan, 0.0),
        "flow": order_flow(bid, sizes[0], ask, sizes[1]),
    }  # fmt: skip
