"""Market depth: what an order book of several levels says, one row a state of the book.

No feed carries books yet, and a feature reads columns of bars; so these are functions of arrays: prices and sizes,
float64[rows, levels], the best level first, NaN where the book has no such level.
"""

from __future__ import annotations

import numpy as np

from engine.core.errors import DataError
from engine.features.ticks import order_flow

LEVELS = (1, 5, 10)


def depth(
    bid: np.ndarray, bid_size: np.ndarray, ask: np.ndarray, ask_size: np.ndarray, tick: float, amount: float
) -> dict[str, np.ndarray]:  # fmt: skip
    """Columns of a book's states; `tick` is the smallest step of the price, `amount` the size that is to be traded.

    `bids` and `asks`: size on each side. `imbalance1`, `5` and `10`: (bids - asks) / both over so many levels, of
    as many as there are. `slope_bid`, `slope_ask`: size gained per tick away from the best, by least squares of the
    summed size. `cost_buy`, `cost_sell`: what `amount` costs beyond the middle, in basis points, NaN where the book
    is too thin. `gap_bid`, `gap_ask`: ticks to the next level. `flow1`, `flow5`, `flow10`: order flow imbalance
    summed over so many levels. NaN where a side is empty. DataError for arrays of different shapes.

    >>> row = np.array([[100.0, 99.0]]), np.array([[2.0, 3.0]]), np.array([[101.0, 102.0]]), np.array([[1.0, 4.0]])
    >>> found = depth(*row, tick=1.0, amount=3.0)
    >>> float(found["bids"][0]), float(found["imbalance5"][0]), float(found["gap_ask"][0])
    (5.0, 0.0, 1.0)
    """
    sides = [np.asarray(a, np.float64) for a in (bid, bid_size, ask, ask_size)]
    if any(a.ndim != 2 or a.shape != sides[0].shape or not a.shape[1] for a in sides):
        raise DataError("a book is four arrays of one shape: rows, levels")
    if not (tick > 0.0 and amount > 0.0):
        raise DataError("the tick and the amount must be above 0")
    bid, bid_size, ask, ask_size = sides
    levels = bid.shape[1]
    mid = (bid[:, 0] + ask[:, 0]) / 2.0
    there = ~np.isnan(mid)
    bids, asks = np.nan_to_num(bid_size), np.nan_to_num(ask_size)
    flow = order_flow(*(np.where(np.isnan(a), b, a) for a, b in zip(sides, (np.nan, 0.0, np.nan, 0.0), strict=True)))
    made = {"bids": bids.sum(axis=1), "asks": asks.sum(axis=1)}
    for n in LEVELS:
        up, down = bids[:, :n].sum(axis=1), asks[:, :n].sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            made[f"imbalance{n}"] = (up - down) / (up + down)
    for name, price, size in (("bid", bid, bid_size), ("ask", ask, ask_size)):
        away = np.abs(price - price[:, :1]) / tick
        made[f"slope_{name}"] = slope(away, np.cumsum(np.nan_to_num(size), axis=1))
        made[f"gap_{name}"] = away[:, 1] if levels > 1 else np.full(len(mid), np.nan)
    made["cost_buy"] = 1e4 * (cost(ask, asks, amount) / mid - 1.0)
    made["cost_sell"] = 1e4 * (1.0 - cost(bid, bids, amount) / mid)
    for n in LEVELS:
        known = ~np.isnan(flow[:, 0])
        made[f"flow{n}"] = np.where(known, np.nansum(flow[:, :n], axis=1), np.nan)
    return {name: np.where(there, values, np.nan) for name, values in made.items()}


def slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Least-squares slope of y on x in each row, over the columns where x is a number; NaN where x does not vary."""
    there = ~np.isnan(x)
    n = np.maximum(there.sum(axis=1), 1)[:, None]
    dx = np.where(there, x - np.nansum(x, axis=1, keepdims=True) / n, 0.0)
    dy = np.where(there, y - np.where(there, y, 0.0).sum(axis=1, keepdims=True) / n, 0.0)
    squares = (dx * dx).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(squares > 0.0, (dx * dy).sum(axis=1) / squares, np.nan)


def cost(price: np.ndarray, size: np.ndarray, amount: float) -> np.ndarray:
    """Mean price of `amount` walked through the levels of each row; NaN where they hold less."""
    before = np.cumsum(size, axis=1) - size
    taken = np.clip(amount - before, 0.0, size)
    paid = np.where(taken > 0.0, taken * price, 0.0).sum(axis=1)
    return np.where(size.sum(axis=1) >= amount, paid / amount, np.nan)
