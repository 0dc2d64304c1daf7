"""Bars to bid prices: a tape holds bid bars with a spread; sources hold bid, ask, mid or last, often without one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core import quantity
from engine.core.errors import ConfigError
from engine.feeds.lineage import Columns, Lineage

PRICES = ("open", "high", "low", "close")
SHARE_BELOW = {"bid": 0.0, "ask": 1.0, "mid": 0.5, "last": 0.5}
"""How much of the spread lies between the bid and a price of that basis."""
Written = quantity.Quantity | str | None


@dataclass(frozen=True)
class Spread:
    """The spread of one symbol's bars: points of 10^-digits, basis points of their open, or as recorded (None)."""

    written: quantity.Quantity | None
    digits: int

    def __str__(self) -> str:
        return "recorded" if self.written is None else str(self.written)

    def width(self, opens: np.ndarray) -> np.ndarray:
        """Ask less bid for each bar, float64; of a share, whole points."""
        assert self.written is not None
        amount = self.written.amount
        if self.written.unit == "bps":
            return np.round(opens * (amount * 1e-4), self.digits)
        return np.full(len(opens), round(amount * 10.0**-self.digits, self.digits + 4))

    def told(self, lineage: Lineage) -> str:
        """One sentence for the report."""
        basis = f"{lineage.basis} bars"
        if self.written is None:
            return f"{basis}, spread as recorded" + (f" ({lineage.spread})" if lineage.spread else "")
        turned = {
            "bid": f"ask = bid + {self} assumed",
            "ask": f"bid = ask - {self} assumed",
            "mid": f"bid and ask = mid -/+ half of {self} assumed",
            "last": f"bid and ask = last price -/+ half of {self} assumed",
        }[lineage.basis]
        return f"{basis}: {turned}" + (" in place of the recorded spread" if lineage.spread else "")


def spread_of(written: Written, digits: int) -> Spread:
    """`10 points` or `1.5 bps` as a Spread; ConfigError for a bare number or another unit.

    >>> str(spread_of("1.0 points", 5))
    '1 points'
    """
    return Spread(quantity.Spread.parse(written) if isinstance(written, str) else written, digits)


def to_bid(columns: Columns, lineage: Lineage, spread: Spread) -> Columns:
    """The same bars in bid prices with a spread column; prices stay on the instrument's grid (mid: on half of it).

    ConfigError when the bars carry no spread and none is declared.
    """
    width = columns["spread"]
    if spread.written is not None:
        width = spread.width(columns["open"])
    elif missing := int(np.isnan(width).sum()):
        raise ConfigError(
            f"{missing} of {len(width)} bars of {lineage.name} carry no spread: declare one, like spread = '10 points'"
        )
    share = SHARE_BELOW[lineage.basis]
    if not share:
        return {**columns, "spread": width}
    digits = spread.digits + (share == 0.5)
    return {**columns, **{n: np.round(columns[n] - share * width, digits) for n in PRICES}, "spread": width}
