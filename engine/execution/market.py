"""Execution at market: TargetPosition -> Order, at once and in full."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import numpy as np

from engine.core.events import Exits, Order, TargetPosition
from engine.execution.kernels import market_orders
from engine.kernels.book import ORDER, Book

NAN = float("nan")
SIDE, STEPS, STOP, TAKE_PROFIT, POSITION = (
    (ORDER.names or ()).index(n) for n in ("side", "steps", "stop", "take_profit", "position")
)


NO_EXITS = Exits(0, "", "")


def led(order: Order, exits: Exits) -> Order:
    """The order, with what moves the stop of the position it opens."""
    return msgspec.structs.replace(
        order, trail=exits.trail, trail_start=exits.trail_start if exits.trail else None, even_at=exits.even_at
    )


@dataclass
class MarketExecution:
    symbols: tuple[str, ...]
    strategies: tuple[str, ...]
    book: Callable[[], Book]
    step_units: list[float]
    _exits: dict[tuple[str, str], Exits] = field(default_factory=dict, repr=False)
    _plan: np.ndarray = field(default_factory=lambda: np.zeros(8, ORDER), repr=False)

    def __post_init__(self) -> None:
        self._symbol = {name: n for n, name in enumerate(self.symbols)}
        self._strategy = {name: n for n, name in enumerate(self.strategies)}

    def on_exits(self, exits: Exits) -> None:
        """What the next target opens trails and breaks even so."""
        self._exits[exits.strategy, exits.symbol] = exits

    def on_target(self, target: TargetPosition) -> list[Order] | None:
        """Orders that lead to the target; what risk has not passed is not for execution."""
        if not target.passed:
            return None
        book = self.book()
        if len(self._plan) <= len(book[3]):
            self._plan = np.zeros(len(book[3]) + 1, ORDER)
        k, s = self._strategy[target.strategy], self._symbol[target.symbol]
        step = self.step_units[s]
        stop = NAN if target.stop is None else target.stop
        take_profit = NAN if target.take_profit is None else target.take_profit
        count = market_orders(book, k, s, round(target.units / step), stop, take_profit, self._plan)
        numbers = book[0]["next_order"]
        number = int(numbers[0])
        numbers[0] = number + count
        exits = self._exits.pop((target.strategy, target.symbol), NO_EXITS)
        orders = []
        for n, o in enumerate(self._plan[:count].tolist()):
            side, steps, stop, take_profit, position = o[SIDE], o[STEPS], o[STOP], o[TAKE_PROFIT], o[POSITION]
            orders.append(
                Order(
                    target.ts, target.strategy, target.symbol, side, steps * step, "market", None,
                    stop if stop == stop else None, take_profit if take_profit == take_profit else None,
                    position, 0, number + n,
                )
            )  # fmt: skip
            if exits is not NO_EXITS and not position:
                orders[-1] = led(orders[-1], exits)
        return orders
