"""Filtered: another strategy's entries, let through only where the larger trend, the hour and the spread allow them.

Logic: a rule that works with the trend of a larger frame often loses against it, an hour without liquidity costs more
than it gives, and a strategy whose last trades lost more than chance explains deserves less money until it recovers.
An entry that is not let through becomes "flat": nothing opposite is held on to. Exits are never held back. Source:
Elder, Trading for a Living (1993), section 43 (triple screen); the edge is a Beta-binomial posterior, Gelman and
others, Bayesian Data Analysis (3rd ed. 2013), section 2.1.
"""

from __future__ import annotations

import inspect
import math
from typing import Any

import msgspec

from engine.features import on, sma
from engine.strategy import ConfigError, Order, Signal, Strategy, dataclass, field, make, strategy
from strategies._gate import Seen, blocked, window


@strategy
@dataclass
class Filtered(Strategy):
    """`of` with `params`; what it wishes at rows is filtered. In the Python lane only.

    larger, trend  entries go with the side of the close against the average of `trend` bars there (empty: any way)
    enter, leave   hours of entries on the wall of `zone`, by the end of bars (equal: all day), on these `days`
    max_spread     no entry while the bar's spread is more than so many basis points of the close (0: any)
    max_delay_s    no entry on a bar that became known so many seconds after its end: it is stale
    repeat         bars after an entry in which another one of that side is a duplicate (0: never)
    half, stop     edge of past trades, in shares of wins above break-even, below whose negative the size is halved, and
                   nothing is opened any more (0: past trades do not count); it fades, so a stopped strategy comes back
    """

    of: str = "ma_cross"
    params: dict[str, Any] = field(default_factory=dict)
    larger: str = "D1"
    trend: int = 20
    zone: str = "Europe/London"
    enter: str = "00:00"
    leave: str = "00:00"
    days: str = "mon tue wed thu fri"
    max_spread: float = 0.0
    max_delay_s: float = 60.0
    repeat: int = 0
    half: float = 0.0
    stop: float = 0.0
    _inner: Any = field(default=None, init=False, repr=False)
    _seen: dict[str, Seen] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.of == "filtered":
            raise ConfigError("filtered: of cannot be filtered itself")
        self._inner = make(self.of, self.params)
        self.columns = tuple(dict.fromkeys((*self._inner.columns, "spread", "end")))  # type: ignore[misc]
        if len(inspect.signature(self._inner.on_row).parameters) > 1:
            raise ConfigError(f"filtered: {self.of} asks for history, which is not handed on")
        window(self)
        if self.trend < 2 or self.repeat < 0 or not 0.0 <= self.max_spread < math.inf:
            raise ConfigError("filtered: trend is at least 2 bars, repeat and max_spread are not negative")
        if not (0.0 <= self.half < 1.0 and (not self.stop or self.half <= self.stop < 1.0)):
            raise ConfigError(f"filtered: 0 <= half ({self.half:g}) <= stop ({self.stop:g}) < 1")

    def features(self):
        own = {"larger_close": on(self.larger, "close"), "larger_trend": on(self.larger, sma(self.trend))}
        return {**self._inner.features(), **(own if self.larger else {})}

    def on_start(self):
        self._inner.id = self.id
        return self._inner.on_start()

    def __getattr__(self, name: str) -> Any:
        inner = self.__dict__.get("_inner")
        if name.startswith("on_") and inner is not None:
            return getattr(inner, name)
        raise AttributeError(name)

    def why(self, symbol):
        return "; ".join(words for words in (self._inner.why(symbol), self._seen[symbol].words) if words)

    def on_row(self, row):
        seen = self._seen.setdefault(row.symbol, Seen())
        seen.since, seen.words = {side: bars + 1 for side, bars in seen.since.items()}, ""
        returned = self._inner.on_row(row)
        events = returned if isinstance(returned, list | tuple) else [] if returned is None else [returned]
        if any(isinstance(event, Order) for event in events):
            raise ConfigError(f"filtered: {self.of} manages orders itself: only wishes can be filtered")
        return [self.let_through(row, event, seen) if isinstance(event, Signal) else event for event in events]

    def let_through(self, row, wish, seen):
        """The wish, smaller, or flat in its place."""
        side = math.copysign(1.0, wish.strength) if wish.strength else 0.0
        if side and side == seen.side:
            return msgspec.structs.replace(wish, strength=wish.strength * seen.factor)
        seen.side, seen.factor = 0.0, 1.0
        if side:
            seen.words = blocked(self, row, wish, side, seen)
            if self.half or self.stop:
                seen.factor = seen.edge.factor(self.half or self.stop, self.stop or 1.0)
            if not seen.words and not seen.factor:
                seen.edge.rest()
                seen.words = f"edge {seen.edge.value:.3g} below -{self.stop:g}: nothing is opened"
            if seen.words:
                return msgspec.structs.replace(wish, strength=0.0, stop=None, take_profit=None)
            seen.side, seen.since[side] = side, 0
        return msgspec.structs.replace(wish, strength=wish.strength * seen.factor)

    def on_fill(self, fill):
        seen = self._seen[fill.symbol]
        if fill.entry != "in":
            seen.edge.see(fill.profit + fill.commission + fill.swap)
            seen.side = 0.0 if fill.reason in ("stop_loss", "take_profit", "stop_out") else seen.side
        inner = getattr(self._inner, "on_fill", None)
        return inner(fill) if inner else None
