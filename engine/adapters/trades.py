"""Trades of an exchange as the catalogue holds them: ticks whose bid and ask are both the price.

The one place that decides this; `side` is +1 where the buyer took, -1 where the seller did, 0 where it is not known.
"""

from __future__ import annotations

import numpy as np

from engine.feeds.lineage import Columns, Lineage

NOTE = "trades: bid and ask are the price, ask_size what buyers took, bid_size what sellers did"


def trade_columns(ts: np.ndarray, price: np.ndarray, size: np.ndarray, side: np.ndarray) -> Columns:
    """int64 ns UTC, float64, float64 and -1, 0 or +1 per trade; a trade of no known side has its size on neither.

    >>> made = trade_columns(np.array([5]), np.array([1.5]), np.array([2.0]), np.array([-1]))
    >>> made["bid"][0], made["bid_size"][0], made["ask_size"][0]
    (np.float64(1.5), np.float64(2.0), np.float64(0.0))
    """
    known = np.where(side == 0, np.nan, size)
    return {
        "ts": ts, "bid": price, "ask": price.copy(),
        "bid_size": np.where(side > 0, 0.0, known), "ask_size": np.where(side < 0, 0.0, known),
    }  # fmt: skip


def trade_lineage(source: str, symbol: str, licence: str, made_from: str) -> Lineage:
    return Lineage(source=source, symbol=symbol, basis="last", licence=licence, made_from=made_from, note=NOTE)
