"""Execution at market: TargetPosition -> Order, at once and in full."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from engine.core.events import Order, TargetPosition
from engine.execution.kernels import market_orders
from engine.kernels.book import ORDER, Book

NAN = float("nan")


@dataclass
class MarketExecution:
    symbols: tuple[str, ...]
    strategies: tuple[str, ...]
    book: Callable[[], Book]
    _plan: np.ndarray = field(default_factory=lambda: np.zeros(8, ORDER), repr=False)

    def __post_init__(self) -> None:
        self._symbol = {name: n for n, name in enumerate(self.symbols)}
        self._strategy = {name: n for n, name in enumerate(self.strategies)}

    def on_target(self, target: TargetPosition) -> list[Order] | None:
        """Orders that lead to the target; what risk has not passed is not for execution."""
        if not target.passed:
            return None
        book = self.book()
        if len(self._plan) <= len(book[3]):
            self._plan = np.zeros(len(book[3]) + 1, ORDER)
        k, s = self._strategy[target.strategy], self._symbol[target.symbol]
        step = float(book[1]["step_units"][s])
        stop = NAN if target.stop is None else target.stop
        take_profit = NAN if target.take_profit is None else target.take_profit
        count = market_orders(book, k, s, round(target.units / step), stop, take_profit, self._plan)
        number = int(book[0]["next_order"][0])
        book[0]["next_order"] += count
        orders = []
        for n, o in enumerate(self._plan[:count]):
            exits = (None if np.isnan(price) else float(price) for price in (o["stop"], o["take_profit"]))
            orders.append(
                Order(
                    target.ts, target.strategy, target.symbol, int(o["side"]), int(o["steps"]) * step, "market", None,
                    *exits, int(o["position"]), 0, number + n,
                )
            )  # fmt: skip
        return orders
