"""Pairs: two prices that belong together have come apart; bet that they come back.

Logic: what drives two markets alike cancels out in the difference of their prices. Where it lies far from its usual
value, one is dear against the other: sell it, buy the other, leave when they have met again. It is no arbitrage: what
tied them together may have ended, so beyond `stop` it gives up, and waits until they have met once more. Source:
Gatev, Goetzmann and Rouwenhorst, Pairs Trading: Performance of a Relative-Value Arbitrage Rule, Review of Financial
Studies 19 (2006), pp. 797-827 (open at two standard deviations, close when prices cross).
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from engine.strategy import ConfigError, Signal, Strategy, dataclass, field, strategy


@strategy
@dataclass
class Pairs(Strategy):
    """Short the dear one and long the cheap one of two symbols; both legs on one bar's close.

    y, x      the two symbols: the spread is log(y) - hedge * log(x)
    period    bars over which the spread's mean and deviation, and the hedge ratio, are taken
    hedge     notional of x for one of y; 0: the slope of a regression over the last `period` bars, while in a trade the
              one it was opened with
    enter, leave, stop   in deviations; stop 0: none

    Size it by notional (`"40 % equity"`): a leg has no stop-loss of its own, so a size by risk would be denied.
    """

    y: str = "EURUSD"
    x: str = "GBPUSD"
    period: int = 100
    hedge: float = 0.0
    enter: float = 2.0
    leave: float = 0.0
    stop: float = 4.0
    _rows: dict = field(default_factory=dict, init=False, repr=False)
    _logs: deque = field(default_factory=deque, init=False, repr=False)
    _alone: int = field(default=0, init=False, repr=False)
    _side: float = field(default=0.0, init=False, repr=False)
    """+1: long the spread (y), -1: short, 0: out."""
    _slope: float = field(default=0.0, init=False, repr=False)
    _waits: bool = field(default=False, init=False, repr=False)
    """Stopped: nothing is opened until the spread has met its mean."""

    def __post_init__(self) -> None:
        if self.y == self.x or not self.y or not self.x:
            raise ConfigError(f"pairs: y ({self.y}) and x ({self.x}) must be two symbols")
        if self.period < 10:
            raise ConfigError(f"pairs: period ({self.period}) must be at least 10 bars")
        if not 0.0 <= self.leave < self.enter < (self.stop or math.inf):
            raise ConfigError(
                f"pairs: leave ({self.leave:g}) must be at least 0, below enter ({self.enter:g}), and that below stop"
                f" ({self.stop:g})"
            )
        if not 0.0 <= self.hedge < math.inf:
            raise ConfigError(f"pairs: hedge ({self.hedge:g}) cannot be negative; 0 measures it")
        self._logs = deque(maxlen=self.period)

    def on_row(self, row):
        if row.symbol not in (self.y, self.x):
            raise ConfigError(f"pairs: {row.symbol} is neither y ({self.y}) nor x ({self.x}): set both parameters")
        self._rows[row.symbol] = row
        other = self._rows.get(self.x if row.symbol == self.y else self.y)
        if other is None or other.ts != row.ts:
            self._alone += other is None
            if self._alone > self.period:
                raise ConfigError(f"pairs: no bar of {self.x if row.symbol == self.y else self.y}: trade both symbols")
            return None
        self._logs.append((math.log(self._rows[self.y].close), math.log(self._rows[self.x].close)))
        return self.decide(row.ts) if len(self._logs) == self.period else None

    def decide(self, ts):
        """Both legs, said again at every bar: what is not new is dropped, what was in flight is tried again."""
        y, x = np.array(self._logs).T
        slope = self._slope if self._side else self.hedge or slope_of(y, x)
        spread = y - slope * x
        deviation = float(spread.std())
        z = (float(spread[-1]) - float(spread.mean())) / deviation if deviation > 1e-12 else 0.0
        self._waits = self._waits and abs(z) > self.leave + 0.5
        if self._side:
            away = -self._side * z
            self._waits = bool(self.stop) and away >= self.stop
            return self.take(ts, 0.0 if self._waits or away <= self.leave else self._side, slope)
        far = self.enter <= abs(z) < (self.stop or math.inf)
        return self.take(ts, -math.copysign(1.0, z) if far and slope > 0.0 and not self._waits else 0.0, slope)

    def take(self, ts, side, slope):
        """Wishes for both legs; the larger one at full strength."""
        self._side, self._slope = side, slope
        full = max(1.0, slope)
        legs = ((self.y, side / full), (self.x, -side * slope / full))
        return [Signal(ts, self.id, symbol, strength or 0.0) for symbol, strength in legs]

    def on_denied(self, denied):
        """One leg alone is a bet that nobody wanted: out of both."""
        if not self._side or denied.rule == "in_flight":
            return None
        self._waits = True
        return self.take(denied.ts, 0.0, self._slope)

    def on_rejected(self, rejected):
        self._waits = self._waits or bool(self._side)
        return self.take(rejected.ts, 0.0, self._slope) if self._side else None


def slope_of(y, x):
    """Slope of a straight line through y over x (least squares)."""
    away = x - x.mean()
    return float((away * (y - y.mean())).sum() / max(float((away * away).sum()), 1e-300))
