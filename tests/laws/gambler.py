"""A strategy that does everything a strategy may, on what a hash of all it has seen tells it to do.

Whatever reaches it a moment too early, too late, or with another bit changes every decision after it: that is what
makes an equal digest mean something.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

from engine.core.events import Denied
from engine.features import atr, on, sma
from engine.strategy import (
    Accepted,
    Cancel,
    Canceled,
    Fill,
    Order,
    Quote,
    Rejected,
    Signal,
    Strategy,
    TargetPosition,
    Timer,
    dataclass,
    field,
)  # fmt: skip
from tests.laws.market import HOUR, MINUTE, MS, SECOND, grid

DISTANCES = (2, 3, 5, 8)
LIVES = (MS, 20 * SECOND, MINUTE, 5 * MINUTE, HOUR + 1)
DELAYS = (1, 300 * MS, 37 * SECOND, MINUTE, 3 * MINUTE, HOUR)
STEP = 1_000.0
"""Units in one lot step of every symbol of the test markets."""
MOST = 8
"""Orders it leaves resting at a time."""


@dataclass
class Gambler(Strategy):
    """Wakes on rows of its frame, which see a larger one; on its timers, fills and refusals."""

    seed: int = 1
    pace: int = 90
    """How many of 256 occasions it uses."""
    larger: str = "M5"
    look_back: int = 20
    state: int = field(default=0, init=False)
    last: dict[str, float] = field(default_factory=dict, init=False)
    resting: list[int] = field(default_factory=list, init=False)
    wish_made: Signal | None = field(default=None, init=False)

    columns = ("open_ts", "volume", "spread")

    def features(self) -> dict[str, Any]:
        return {
            "mean": sma(3), "reach": atr(2), "far": on(self.larger, sma(2)), "edge": on(self.larger, "close"),
        }  # fmt: skip

    def see(self, *facts: object) -> int:
        self.state = crc32(repr((self.seed, *facts)).encode(), self.state)
        return self.state

    def on_row(self, row: Any, history: Any) -> Any:
        self.last[row.symbol] = row.close
        dice = self.see(row, history("close", self.look_back).tobytes())
        if dice % 256 < self.pace:
            return self.act(row.ts, row.symbol, dice >> 8)
        return None

    def on_timer(self, timer: Timer) -> Any:
        dice = self.see(timer)
        known = sorted(self.last)
        return self.act(timer.ts, known[dice % len(known)], dice >> 3) if known and dice & 1 else None

    def on_fill(self, fill: Fill) -> Any:
        dice = self.see(fill)
        self.gone(fill.order)
        self.last[fill.symbol] = grid(fill.symbol, fill.price)
        if dice % 8 == 0 and fill.entry == "in":
            return Order(fill.ts, self.id, fill.symbol, -fill.side, fill.units, position=fill.position)
        if dice % 8 == 1:
            return self.flat(fill)
        return self.act(fill.ts, fill.symbol, dice >> 3) if dice % 8 == 2 else None

    def on_accepted(self, accepted: Accepted) -> Any:
        self.resting.append(accepted.order)
        dice = self.see(accepted)
        return Cancel(accepted.ts, self.id, accepted.order) if dice % 16 == 0 else None

    def on_canceled(self, canceled: Canceled) -> Any:
        dice = self.see(canceled)
        self.gone(canceled.order)
        return self.act(canceled.ts, canceled.symbol, dice >> 3) if dice % 8 == 0 else None

    def on_rejected(self, rejected: Rejected) -> None:
        self.see(rejected)
        self.gone(rejected.order)

    def on_denied(self, denied: Denied) -> Any:
        dice = self.see(denied)
        return Timer(denied.ts + DELAYS[dice % len(DELAYS)], self.id, "again") if dice % 16 == 1 else None

    def gone(self, order: int) -> None:
        if order in self.resting:
            self.resting.remove(order)

    def act(self, ts: int, symbol: str, dice: int) -> Any:
        """One of everything, by the dice."""
        side = 1 if dice & 1 else -1
        near, far = DISTANCES[dice >> 1 & 3], DISTANCES[dice >> 3 & 3]
        price = self.last[symbol]
        stop, take_profit = grid(symbol, price, -side * near), grid(symbol, price, side * far)
        if len(self.resting) >= MOST:
            return Cancel(ts, self.id, self.resting[0])
        choice, dice = (dice >> 5) % 20, dice >> 10
        if choice < 6:
            self.wish_made = Signal(ts, self.id, symbol, side, stop, take_profit if dice & 3 else None)
            return self.wish_made
        if choice == 6:
            return Signal(ts, self.id, symbol, 0.0)
        if choice == 7:
            return Signal(ts, self.id, symbol, side, None, take_profit)
        if choice == 8:
            return Signal(ts, self.id, symbol, side, take_profit)
        if choice == 9 and self.wish_made is not None:
            made = self.wish_made
            return Signal(ts, self.id, made.symbol, made.strength, made.stop, made.take_profit, "again")
        if choice < 15:
            return self.order(ts, symbol, side, price, near, far, dice)
        if choice == 15:
            return Cancel(ts, self.id, self.resting[dice % len(self.resting)] if self.resting else 10**9)
        if choice == 16:
            return [Timer(ts + DELAYS[dice % len(DELAYS)], self.id, "later"), Timer(ts + MINUTE, self.id, "minute")]
        if choice == 17:
            units = (100.0, STEP * 10**6)[dice & 1]
            return Order(ts, self.id, symbol, side, units, stop=stop)
        if choice == 18:
            return TargetPosition(ts, self.id, symbol, side * STEP * (dice % 5), stop, take_profit)
        return Signal(ts + DELAYS[dice % 3], self.id, symbol, side * 0.5, stop)

    def order(self, ts: int, symbol: str, side: int, price: float, near: int, far: int, dice: int) -> Order:
        """A limit or a stop order near the price, most of them with an end, some without exits."""
        kind = "limit" if dice & 1 else "stop"
        away = -near if kind == "limit" else near
        level = grid(symbol, price, side * away)
        exits = (grid(symbol, level, -side * far), grid(symbol, level, side * near)) if dice & 6 else (None, None)
        life = LIVES[(dice >> 3) % len(LIVES)]
        expires = 0 if dice & 192 == 0 else (ts + life if dice & 64 else (ts // MINUTE + 2) * MINUTE)
        return Order(ts, self.id, symbol, side, STEP * (1 + dice % 7), kind, level, *exits, 0, expires)


@dataclass
class Watcher(Gambler):
    """A gambler that also looks at every quote, and now and then acts on one."""

    pace: int = 60

    def on_quote(self, quote: Quote) -> Any:
        dice = self.see(quote)
        self.last[quote.symbol] = grid(quote.symbol, quote.bid)
        return self.act(quote.ts, quote.symbol, dice >> 8) if dice % 256 < 6 else None
