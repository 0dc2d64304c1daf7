"""A strategy followed on paper: from wish to wish at the bars' closes, less the spread. Nothing is sent anywhere.

What a paper trade does: it opens and closes at the close of the bar at which that was wished, and pays the spread of
the bar it opened at once. Its stop-loss and take-profit are judged on the bars after that: at the level, or at the
open where the bar opened beyond it; where both lie in one bar the stop counts. A wish for the side it has changes
nothing. That is coarser than the venue, on purpose: it needs rows alone, so it is the same in a backtest and live.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple


class Deal(NamedTuple):
    """A paper trade opened ("in") or closed ("out"); `result` is in price, for one unit at full strength."""

    entry: str
    side: float
    price: float
    reason: str = "order"
    result: float = 0.0


@dataclass
class Paper:
    """What one strategy has of one symbol on paper."""

    side: float = 0.0
    strength: float = 0.0
    price: float = math.nan
    spread: float = 0.0
    stop: float | None = None
    take_profit: float | None = None

    def bar(self, row: Any) -> list[Deal]:
        """A bar has closed: its exits are judged."""
        worst, best = (row.low, row.high) if self.side > 0.0 else (row.high, row.low)
        if self.side and self.stop is not None and self.side * (worst - self.stop) <= 0.0:
            return [self.close(self.side * min(self.side * row.open, self.side * self.stop), "stop_loss")]
        if self.side and self.take_profit is not None and self.side * (best - self.take_profit) >= 0.0:
            return [self.close(self.side * max(self.side * row.open, self.side * self.take_profit), "take_profit")]
        return []

    def wish(self, row: Any, wish: Any) -> list[Deal]:
        """It wishes that at this bar."""
        side = math.copysign(1.0, wish.strength) if wish.strength and wish.strength == wish.strength else 0.0
        if side == self.side:
            return []
        deals = [self.close(row.close, "order")] if self.side else []
        if side:
            stop, take_profit = (p if p is None or math.isfinite(p) else None for p in (wish.stop, wish.take_profit))
            self.side, self.strength, self.price, self.spread = side, wish.strength, row.close, row.spread
            self.stop, self.take_profit = stop, take_profit
            deals.append(Deal("in", side, row.close))
        return deals

    def close(self, price: float, reason: str) -> Deal:
        result = self.side * (price - self.price) - self.spread
        deal = Deal("out", -self.side, price, reason, result * abs(self.strength))
        self.side = self.strength = 0.0
        return deal
