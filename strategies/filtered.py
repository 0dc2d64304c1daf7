"""Filtered: another strategy's entries, let through only where trend, regime, hour, session and spread allow them.

Logic: a rule that works with the trend of a larger frame often loses against it, an hour without liquidity costs more
than it gives, and a strategy whose last trades lost more than chance explains deserves less money until it recovers.
An entry that is not let through becomes "flat": nothing opposite is held on to. Exits are never held back. Source:
Elder, Trading for a Living (1993), section 43 (triple screen); the edge is a Beta-binomial posterior, Gelman and
others, Bayesian Data Analysis (3rd ed. 2013), section 2.1.
"""

from __future__ import annotations

from typing import Any

from engine.features import on, sma
from engine.strategy import ConfigError, dataclass, field, strategy
from strategies._around import Around
from strategies._expression import read_expression
from strategies._gate import Gated, blocked, check
from strategies._inner import made_inside, shown


@strategy
@dataclass
class Filtered(Around):
    """`of` with `params`; what it wishes at rows is filtered. In the Python lane only.

    larger, trend  entries go with the side of the close against the average of `trend` bars there (empty: any way)
    regime         a number whose sign the entry must have, never 0, as "regime().regime"; or a condition over prices,
                   features and the entry's `side` that must hold, as "adx(14).adx > 25" (empty: any)
    enter, leave   hours of entries on the wall of `zone`, by the end of bars (equal: all day), on these `days`
    after_open, before_close   minutes without entries at either end of the symbol's own trading sessions
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
    regime: str = ""
    zone: str = "Europe/London"
    enter: str = "00:00"
    leave: str = "00:00"
    days: str = "mon tue wed thu fri"
    after_open: float = 0.0
    before_close: float = 0.0
    max_spread: float = 0.0
    max_delay_s: float = 60.0
    repeat: int = 0
    half: float = 0.0
    stop: float = 0.0
    regime_of: Any = field(default=None, init=False, repr=False)
    _inner: Any = field(default=None, init=False, repr=False)
    _seen: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    name = "filtered"

    def __post_init__(self) -> None:
        check(self)
        self._inner = made_inside(self.name, self.of, self.params)
        self.columns = tuple(dict.fromkeys((*self._inner.columns, "spread", "end")))  # type: ignore[misc]
        self.regime_of = read_expression(self.regime or "1", "filtered: regime", "gate", ("side",))
        own = {*self.regime_of.features, "larger_close", "larger_trend"}
        if taken := sorted(own & set(shown(self._inner))):
            raise ConfigError(f"filtered: {self.of} has a feature named {taken[0]} too: rename it there")

    def features(self):
        own = {"larger_close": on(self.larger, "close"), "larger_trend": on(self.larger, sma(self.trend))}
        return {**self._inner.features(), **(own if self.larger else {}), **self.regime_of.features}

    def on_row(self, row):
        seen = self._seen.get(row.symbol)
        if seen is None:
            seen = self._seen[row.symbol] = Gated(bars=self.regime_of.kept())
        seen.since, seen.words = {side: bars + 1 for side, bars in seen.since.items()}, ""
        seen.bars.append(self.regime_of.reads(row))
        return self.judged(row, seen)

    def judge(self, row, wish, side, seen):
        words = blocked(self, row, wish, side, seen)
        if words:
            return 0.0, words
        factor = seen.edge.factor(self.half or self.stop, self.stop or 1.0) if self.half or self.stop else 1.0
        if not factor:
            seen.edge.rest()
            return 0.0, f"edge {seen.edge.value:.3g} below -{self.stop:g}: nothing is opened"
        seen.since[side] = 0
        return factor, "" if factor == 1.0 else f"edge {seen.edge.value:.3g} below -{self.half:g}: half the size"

    def undone(self, seen):
        seen.since.pop(seen.side, None)

    def over(self, seen, net):
        seen.edge.see(net)
