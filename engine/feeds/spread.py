"""Bars to bid prices: a tape holds bid bars with a spread; sources hold bid, ask, mid or last, often without one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.errors import ConfigError
from engine.core.quantity import Spread
from engine.feeds.lineage import Columns, Lineage

PRICES = ("open", "high", "low", "close")
SHARE_BELOW = {"bid": 0.0, "ask": 1.0, "mid": 0.5, "last": 0.5}
"""How much of the spread lies between the bid and a price of that basis."""


@dataclass(frozen=True)
class Assumed:
    """The spread of one symbol's bars: as declared, for prices of so many digits, or as recorded in the bars (None)."""

    declared: Spread | None
    digits: int

    def __str__(self) -> str:
        return "recorded" if self.declared is None else str(self.declared)

    def width(self, columns: Columns, lineage: Lineage) -> np.ndarray:
        """The spread of each bar, in price; ConfigError when the bars carry none and none is declared."""
        if self.declared is None:
            if missing := int(np.isnan(columns["spread"]).sum()):
                raise ConfigError(
                    f"{missing} of {len(columns['spread'])} bars of {lineage.name} carry no spread: "
                    f"declare one, {Spread.forms}"
                )
            return columns["spread"]
        if self.declared.unit == "bps":
            return np.round(columns["open"] * self.declared.amount / 10_000.0, self.digits + 1)
        return np.full(len(columns["ts"]), round(self.declared.amount * 10.0**-self.digits, self.digits + 4))

    def told(self, lineage: Lineage) -> str:
        """One sentence for the report."""
        basis = f"{lineage.basis} bars"
        if self.declared is None:
            return f"{basis}, spread as recorded" + (f" ({lineage.spread})" if lineage.spread else "")
        turned = {
            "bid": f"ask = bid + {self} assumed",
            "ask": f"bid = ask - {self} assumed",
            "mid": f"bid and ask = mid -/+ half of {self} assumed",
            "last": f"bid and ask = last price -/+ half of {self} assumed",
        }[lineage.basis]
        return f"{basis}: {turned}" + (" in place of the recorded spread" if lineage.spread else "")


def assume(written: Spread | str | None, digits: int) -> Assumed:
    """`10 points` or `1.5 bps`, as text or read already; ConfigError for a bare number or another unit.

    >>> str(assume("1.0 points", 5))
    '1 points'
    """
    return Assumed(Spread.parse(written) if isinstance(written, str) else written, digits)


def to_bid(columns: Columns, lineage: Lineage, spread: Assumed) -> Columns:
    """The same bars in bid prices with a spread column; prices stay on the instrument's grid (mid: on half of it)."""
    width = spread.width(columns, lineage)
    share = SHARE_BELOW[lineage.basis]
    if not share:
        return {**columns, "spread": width}
    digits = spread.digits + (share == 0.5)
    return {**columns, **{n: np.round(columns[n] - share * width, digits) for n in PRICES}, "spread": width}
