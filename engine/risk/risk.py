"""The risk stage: Signal -> TargetPosition or Denied. The arithmetic is in `kernels`, shared with the compiled lane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from engine.core.errors import OnetapeError
from engine.core.events import Canceled, Denied, Event, Exits, Fill, Order, Rejected, Signal, TargetPosition
from engine.core.registry import did_you_mean
from engine.kernels.book import ENTRIES, Book
from engine.risk.exits import overdue_one
from engine.risk.kernels import allow_order, decide_one, stands
from engine.risk.orders import Change, check_change, check_order, check_owner, check_parent
from engine.risk.past import recall_one
from engine.risk.terms import ANSWER, IN_FLIGHT, NO_BLACKOUT, NO_FACTS, RULES, WISH, rules_of
from engine.risk.wishes import STOPPED

NAN = float("nan")
PASSED = "strength in_flight blackout no_price stop_missing stop_side max_drawdown volume_min max_position"


MAX_HOLD = "max_hold"
"""Why a target is passed that no strategy asked for."""
MORE = {
    "shut_end": "hours", "max_spread": "max_spread", "max_age": "max_age", "daily_loss": "daily_loss",
    "max_loss": "max_loss", "max_trades": "max_trades", "max_losses": "max_losses", "max_gross": "max_gross",
    "max_net": "max_net", "max_currency": "max_currency", "max_leverage": "max_leverage", "max_related": "correlation",
}  # fmt: skip


def passed(limits: np.ndarray) -> str:
    """The rules that what is let through went through: those that are always asked, and those that are set."""
    asked = [rule for field, rule in MORE.items() if (np.isfinite(limits[field]) & (limits[field] > 0)).any()]
    return " ".join([PASSED, *asked]) if limits["guarded"].any() else PASSED


def no_facts(k: int, s: int, ts: int) -> np.ndarray:
    """For runs whose rules ask for nothing beside the book."""
    return NO_FACTS


@dataclass
class Risk:
    """Sizes wishes and holds the limits; `limits[strategy, symbol]` are LIMITS records, `book` gives the state now."""

    symbols: tuple[str, ...]
    strategies: tuple[str, ...]
    limits: np.ndarray
    book: Callable[[], Book]
    step_units: list[float]
    windows: np.ndarray = field(default_factory=lambda: NO_BLACKOUT)
    """Times of no entry, int64[n, 2]; LIMITS say which are whose."""
    facts: Callable[[int, int, int], np.ndarray] = no_facts
    """(strategy, symbol, ts) to what the rules read beside the book, see `engine.risk.terms`."""
    works: bool = False
    """Entries are worked over time: a wish that changes must reach execution even where what is owned may stay."""
    wishes: np.ndarray = field(init=False)
    _answer: np.ndarray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.rules = rules_of(self.limits, self.windows)
        self.wishes = np.zeros(self.limits.shape, WISH)
        self._answer = np.zeros(1, ANSWER)
        self._symbol = {name: n for n, name in enumerate(self.symbols)}
        self._strategy = {name: n for n, name in enumerate(self.strategies)}
        self._led = bool(self.limits["led"].any())
        self.passed = passed(self.limits)

    def on_signal(self, signal: Signal) -> list[Event]:
        k, s = self._at(signal)
        ts = signal.ts
        stop = NAN if signal.stop is None else signal.stop
        take_profit = NAN if signal.take_profit is None else signal.take_profit
        before = float(self.wishes["acted"][k, s]) if self.works else 0.0
        decide_one(
            self.book(), self.rules, self.wishes, k, s, ts, signal.strength, stop, take_profit, self.facts(k, s, ts),
            self._answer,
        )  # fmt: skip
        target, _, acts, rule, value, threshold, *exits = self._answer.tolist()[0]
        events: list[Event] = []
        if rule:
            events.append(Denied(ts, signal.strategy, signal.symbol, RULES[rule], value, threshold))
        if acts or (self.works and self._ends_work(k, s, before, signal.strength, rule)):
            loss, profit = signal.stop, signal.take_profit
            if self._led:
                loss, profit, *moving = (None if price != price else price for price in exits)
                if target and any(moving):
                    events.append(Exits(ts, signal.strategy, signal.symbol, *moving))
            units = target * self.step_units[s]
            events.append(TargetPosition(ts, signal.strategy, signal.symbol, units, loss, profit, self.passed))
        return events

    def _ends_work(self, k: int, s: int, before: float, strength: float, rule: int) -> bool:
        """Is an entry that is being worked no longer wished for, though as much may be owned as is?"""
        if rule:
            if rule == IN_FLIGHT or not before * strength < 0.0:
                return False
            self.wishes["acted"][k, s] = NAN
            return True
        return bool(self.wishes["acted"][k, s] != before)

    def on_row(self, k: int, row: Any) -> TargetPosition | None:
        """A bar of strategy k has closed: what it has held long enough is closed."""
        s = self._symbol[row.symbol]
        if not overdue_one(self.book(), self.rules, self.wishes, k, s, row.ts):
            return None
        return TargetPosition(row.ts, self.strategies[k], row.symbol, 0.0, passed=MAX_HOLD)

    def on_fill(self, fill: Fill) -> None:
        """What the rules remember of a strategy."""
        k, s = self._strategy[fill.strategy], self._symbol[fill.symbol]
        book = self.book()
        minor = book[0]["minor"][0]
        net = round(fill.profit / minor) + round(fill.swap / minor) + round(fill.commission / minor)
        steps = round(fill.units / self.step_units[s])
        recall_one(book, self.rules[2], k, s, fill.ts, ENTRIES.index(fill.entry), fill.order, steps, net)

    def on_rejected(self, rejected: Rejected) -> None:
        """What the venue refused was not acted on: the same wish may be sized again."""
        if rejected.symbol and not rejected.request:
            self._undo(rejected)

    def on_canceled(self, canceled: Canceled) -> None:
        """Nor was what a stop-out took back."""
        if canceled.reason == STOPPED:
            self._undo(canceled)

    def _undo(self, event: Rejected | Canceled) -> None:
        self.wishes["acted"][self._strategy[event.strategy], self._symbol[event.symbol]] = NAN

    def on_target(self, target: TargetPosition) -> Event | None:
        """A target that a strategy set itself: the same limits, no sizing."""
        if target.passed:
            return None
        k, s = self._at(target)
        book = self.book()
        own, coming, count = stands(book, k, s)
        steps = round(target.units / self.step_units[s]) - own
        if steps == coming:  # there already, or on the way
            return None
        if count:
            return Denied(target.ts, target.strategy, target.symbol, RULES[IN_FLIGHT], float(count), 0.0)
        side = 1 if steps > 0 else -1
        denied = self._refuse(target.ts, target.strategy, target.symbol, book, k, s, side, abs(steps), 0)
        return denied or TargetPosition(
            target.ts, target.strategy, target.symbol, target.units, target.stop, target.take_profit, self.passed
        )

    def on_order(self, order: Order) -> Event | None:
        """An order that a strategy wrote itself: numbered and let through, or denied."""
        if order.id:
            return None
        k, s = self._at(order)
        check_order(order)
        book = self.book()
        check_parent(book, self.strategies, order)
        steps = round(order.units / self.step_units[s])
        denied = self._refuse(order.ts, order.strategy, order.symbol, book, k, s, order.side, steps, order.position)
        if denied:
            return denied
        number = int(book[0]["next_order"][0])
        book[0]["next_order"] += 1
        grid = float(book[1]["grid"][s])
        prices = (order.price, order.limit, order.stop, order.take_profit)
        price, limit, stop, take_profit = (None if p is None or p != p else round(p * grid) / grid for p in prices)
        return msgspec.structs.replace(order, price=price, limit=limit, stop=stop, take_profit=take_profit, id=number)

    def on_change(self, wish: Change) -> None:
        """A cancel, change or closing that a strategy asks for itself: of its own orders and positions only."""
        check_change(wish)
        check_owner(self.book(), self.strategies, wish)

    def _at(self, event: Signal | TargetPosition | Order) -> tuple[int, int]:
        """Which strategy and symbol; OnetapeError for a symbol that the run does not have."""
        s = self._symbol.get(event.symbol)
        if s is None:
            hint = did_you_mean(event.symbol, self.symbols)
            raise OnetapeError(f"strategy {event.strategy}: no {event.symbol} in this run: {hint}")
        return self._strategy[event.strategy], s

    def _refuse(self, ts: int, strategy: str, symbol: str, book: Book, k: int, s: int, side: int, steps: int,
                position: int) -> Denied | None:  # fmt: skip
        facts = self.facts(k, s, ts)
        allow_order(book, self.rules, k, s, ts, side, steps, position, facts, self._answer)
        _, _, _, rule, value, threshold, *_ = self._answer.tolist()[0]
        return Denied(ts, strategy, symbol, RULES[rule], value, threshold) if rule else None
