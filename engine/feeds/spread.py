"""Bars to bid prices: a tape holds bid bars with a spread; sources hold bid, ask, mid or last, often without one."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from engine.core.errors import ConfigError
from engine.feeds.lineage import Columns, Lineage

PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True)
class Spread:
    """A declared spread: `amount` of `unit` (points or bps), or none declared."""

    amount: float | None
    unit: str
    digits: int

    def __str__(self) -> str:
        return "recorded" if self.amount is None else f"{self.amount:g} {self.unit}"

    def of(self, price: np.ndarray) -> np.ndarray:
        """The spread in price, one per bar."""
        assert self.amount is not None
        if self.unit == "points":
            return np.full(len(price), round(self.amount * 10.0**-self.digits, self.digits + 4))
        return price * self.amount / 10_000.0

    def told(self, lineage: Lineage) -> str:
        """One sentence for the report."""
        basis = f"{lineage.basis} bars"
        if self.amount is None:
            return f"{basis}, spread as recorded" + (f" ({lineage.spread})" if lineage.spread else "")
        turned = {
            "bid": f"ask = bid + {self} assumed",
            "ask": f"bid = ask - {self} assumed",
            "mid": f"bid and ask = mid -/+ half of {self} assumed",
            "last": f"bid and ask = last price -/+ half of {self} assumed",
        }[lineage.basis]
        return f"{basis}: {turned}" + (" in place of the recorded spread" if lineage.spread else "")


def parse_spread(text: str | None, digits: int) -> Spread:
    """`10 points` or `1.5 bps`; ConfigError for a bare number, another unit or a negative one.

    >>> str(parse_spread("1.0 points", 5))
    '1 points'
    """
    if text is None:
        return Spread(None, "points", digits)
    parts = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*(points?|bps)\s*", str(text))
    if not parts:
        raise ConfigError(f"spread {text!r} cannot be read: write it with its unit, like '10 points' or '1.5 bps'")
    return Spread(float(parts[1]), "bps" if parts[2] == "bps" else "points", digits)


def to_bid(columns: Columns, lineage: Lineage, spread: Spread) -> Columns:
    """The same bars in bid prices with a spread column; prices stay on the instrument's grid (mid: on half of it).

    ConfigError when the bars carry no spread and none is declared.
    """
    if spread.amount is None:
        width = columns["spread"]
        if missing := int(np.isnan(width).sum()):
            raise ConfigError(
                f"{missing} of {len(width)} bars of {lineage.name} carry no spread: declare one, spread = '10 points'"
            )
    else:
        width = spread.of(columns["close"])
    off = {"bid": 0.0, "ask": 1.0, "mid": 0.5, "last": 0.5}[lineage.basis]
    digits = spread.digits + (1 if off == 0.5 else 0) if spread.unit == "points" else 15
    turned = {n: np.round(columns[n] - off * width, digits) if off else columns[n] for n in PRICES}
    return {**columns, **turned, "spread": width}
