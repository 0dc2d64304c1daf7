"""Trades of an exchange as the catalogue holds them: prints. The one place that decides this."""

from __future__ import annotations

import numpy as np

from engine.feeds.lineage import Columns, Lineage


def trade_columns(ts: np.ndarray, price: np.ndarray, size: np.ndarray, side: np.ndarray) -> Columns:
    """int64 ns UTC, float64, float64 and, per trade, +1 where the buyer took, -1 the seller, 0 where not known.

    >>> trade_columns(np.array([5]), np.array([1.5]), np.array([2.0]), np.array([-1]))["side"]
    array([-1.])
    """
    return {"ts": ts, "price": price, "size": size, "side": side.astype(np.float64)}


def trade_lineage(source: str, symbol: str, licence: str, made_from: str) -> Lineage:
    return Lineage(
        source=source, symbol=symbol, basis="last", stamps="print", volume_unit="base", licence=licence,
        made_from=made_from,
    )  # fmt: skip
