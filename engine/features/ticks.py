"""Microstructure of quotes: spread, middle, microprice, direction, pace and order flow; what a bar's ticks add up to.

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


def tick_flow(
    ts: np.ndarray, price: np.ndarray, edges: np.ndarray, size: np.ndarray | None = None,
    bid: np.ndarray | None = None, ask: np.ndarray | None = None,
) -> dict[str, np.ndarray]:  # fmt: skip
    """What the ticks of each bar add up to: a bar is the ticks with edges[k] <= ts < edges[k + 1] (int64 ns).

    `ticks`, and of them `up_ticks` and `down_ticks`; `up` and `down` volume, their difference `delta`, the `largest`
    trade, and `vwap` (both NaN without one). A tick goes up or down as the price moved last, also before the first
    edge (the tick rule); with `bid` and `ask`, a trade above the middle bought, one below it sold, and the tick rule
    tells the rest (Lee and Ready 1991). Before any move a tick is neither. Of quotes give the middle as the price:
    without sizes every tick counts 1. DataError for columns of other lengths and for stamps or edges that go back.

    >>> out = tick_flow(np.array([0, 1, 2, 3]), np.array([5.0, 6, 6, 5]), np.array([0, 3, 4]), np.array([1.0, 2, 3, 4]))
    >>> out["delta"], out["up_ticks"]
    (array([ 5., -4.]), array([2., 0.]))
    """
    n, bars, edges = len(ts), max(len(edges) - 1, 0), np.asarray(edges)
    price = np.asarray(price, np.float64)
    size = np.ones(n) if size is None else np.asarray(size, np.float64)
    beside = [np.asarray(side, np.float64) for side in (bid, ask) if side is not None]
    if len(beside) == 1 or {len(price), len(size), *map(len, beside)} - {n}:
        raise DataError("prices, sizes, stamps, and bids with asks, must be as long as each other")
    if (np.diff(ts) < 0).any() or (np.diff(edges) <= 0).any():
        raise DataError("the ticks, or the edges of the bars, are not in the order of time")
    moves = np.sign(np.diff(price, prepend=price[:1]))
    side = moves[np.maximum.accumulate(np.where(moves != 0.0, np.arange(n), 0))] if n else moves
    if beside:
        off = np.sign(price - (beside[0] + beside[1]) / 2.0)
        side = np.where((off == 1.0) | (off == -1.0), off, side)
    at = np.searchsorted(edges, ts, side="right") - 1
    inside = (at >= 0) & (at < bars)
    at, price, size, side = at[inside], price[inside], size[inside], side[inside]

    def summed(values: np.ndarray) -> np.ndarray:
        return np.bincount(at, weights=values, minlength=bars)

    up, down, volume = summed(size * (side > 0.0)), summed(size * (side < 0.0)), summed(size)
    largest = np.full(bars, -np.inf)
    np.maximum.at(largest, at, size)
    with np.errstate(invalid="ignore", divide="ignore"):
        vwap = np.where(volume > 0.0, summed(price * size) / volume, np.nan)
    return {
        "ticks": summed(np.ones(len(at))), "up_ticks": summed(1.0 * (side > 0.0)),
        "down_ticks": summed(1.0 * (side < 0.0)), "up": up, "down": down, "delta": up - down,
        "largest": np.where(np.isinf(largest), np.nan, largest), "vwap": vwap,
    }  # fmt: skip
