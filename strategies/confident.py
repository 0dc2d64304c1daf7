"""Confident: another strategy's entries, if entries like it have won often enough before.

Logic: entries differ. How far the price is from its average, how strong the trend is, how wide the spread is: one
number over such things is a score, and how trades of a like score have ended says how likely this one is to win. The
past alone is asked: a trade's outcome counts from the fill that closes it, and what was not let through is followed
on paper (`strategies/_paper.py`), so that a doubt can prove wrong. The curve from score to probability and its source
are in `strategies/_confidence.py`. Exits are never held back, and nothing is ever made larger than was asked for.
"""

from __future__ import annotations

import math
from typing import Any

from engine.strategy import ConfigError, Signal, dataclass, field, strategy
from strategies._around import Around
from strategies._confidence import Confidence, Scored
from strategies._expression import read_expression
from strategies._inner import made_inside, shown
from strategies._paper import Paper


@strategy
@dataclass
class Confident(Around):
    """`of` with `params`; its entries at rows are scored. In the Python lane only.

    score   a number over prices, features, the entry's `side` (+1, -1) and `wished` (the size asked for, up to 1);
            a higher one must mean better: put a minus in front where it does not
    least   entries whose probability of a win is below it are not let through (0: all are)
    full    entries whose probability is below it are made smaller in proportion (0: none are)
    learn   outcomes there must be before anything is doubted
    memory  outcomes of each symbol that are kept
    prior   trades' worth of belief that a score says nothing: the larger, the more outcomes it takes
    """

    of: str = "ma_cross"
    params: dict[str, Any] = field(default_factory=dict)
    score: str = "side * (close - sma(50)) / atr(14)"
    least: float = 0.0
    full: float = 0.5
    learn: int = 30
    memory: int = 500
    prior: float = 10.0
    _inner: Any = field(default=None, init=False, repr=False)
    _expression: Any = field(default=None, init=False, repr=False)
    _seen: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    name = "confident"

    def __post_init__(self) -> None:
        self._inner = made_inside(self.name, self.of, self.params)
        self._expression = read_expression(self.score, "confident: score", "score", ("side", "wished"))
        if self._expression.formula.logical:
            raise ConfigError(f"confident: score: {self.score!r} is true or false, a number is wanted")
        if not (0.0 <= self.least < 1.0 and 0.0 <= self.full <= 1.0):
            raise ConfigError(f"confident: least ({self.least:g}) and full ({self.full:g}) are probabilities")
        if self.learn < 0 or self.memory < 1 or not 0.0 < self.prior < math.inf:
            raise ConfigError("confident: learn is not negative, memory at least 1 trade, prior more than 0")
        self.columns = tuple(dict.fromkeys((*self._inner.columns, "spread")))  # type: ignore[misc]
        if taken := sorted(set(shown(self._inner)) & set(self._expression.features)):
            raise ConfigError(f"confident: {self.of} has a feature named {taken[0]} too: rename it there")

    def features(self):
        return {**self._inner.features(), **self._expression.features}

    def on_row(self, row):
        seen = self._seen.get(row.symbol)
        if seen is None:
            known = Confidence(self.prior, self.memory)
            seen = self._seen[row.symbol] = Scored(known=known, bars=self._expression.kept())
        seen.words = ""
        seen.bars.append(self._expression.reads(row))
        self.learn_from(seen, seen.paper.bar(row))
        return self.judged(row, seen)

    def let_through(self, row, wish, seen):
        side = math.copysign(1.0, wish.strength) if wish.strength else 0.0
        if side != seen.paper.side:  # what is followed on paper ends where it would have ended
            self.learn_from(seen, seen.paper.wish(row, Signal(row.ts, self.id, row.symbol, 0.0)))
        return super().let_through(row, wish, seen)

    def judge(self, row, wish, side, seen):
        score = self._expression.value(seen.bars, side=side, wished=abs(wish.strength))
        if score is None:
            return 0.0, f"score {self.score} is not known yet"
        count, chance = len(seen.known.pairs), seen.known.of(score)
        told = f"confidence {chance:.3g} at score {score:.4g} after {count} outcomes"
        if count >= self.learn and chance < self.least:
            if not seen.paper.side:
                seen.paper.wish(row, wish)
                seen.doubted = score
            return 0.0, f"{told}, {self.least:g} is asked for"
        seen.score, seen.paper = score, Paper()
        if count < self.learn:
            return 1.0, f"{told}: {self.learn} are needed"
        return (min(chance / self.full, 1.0) if self.full else 1.0), told

    def learn_from(self, seen, deals):
        for deal in deals:
            seen.known.see(seen.doubted, deal.result > 0.0)

    def opened(self, seen):
        seen.traded = seen.score

    def over(self, seen, net):
        seen.known.see(seen.traded, net > 0.0)
