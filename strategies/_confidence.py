"""How likely a trade is to win, judged by how trades of a like score have ended; nothing else is known of it.

A higher score is taken to be better, and no more than that: the share of wins is a rising curve over the score, fitted
by pooling adjacent violators. Source: Ayer, Brunk, Ewing, Reid and Silverman, An Empirical Distribution Function for
Sampling with Incomplete Information, Annals of Mathematical Statistics 26 (1955), pp. 641-647; as a calibration of
scores: Zadrozny and Elkan, KDD 2002. The Beta prior of each step: Gelman and others, Bayesian Data Analysis, 2.1.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from strategies._around import Seen
from strategies._paper import Paper

Steps = list[tuple[float, float, float, float]]
"""First and last score of a step, the wins there, and the outcomes."""
Curve = list[tuple[float, float, float]]
"""First and last score of a step, and the chance of a win there; both rise from step to step."""


@dataclass
class Confidence:
    """Outcomes of trades by their score, the last `memory` of them.

    prior   trades' worth of belief that a step of the curve is like all trades, and all trades like a coin
    """

    prior: float = 10.0
    memory: int = 500
    pairs: deque[tuple[float, bool]] = field(default_factory=deque)
    steps: Curve | None = None

    def see(self, score: float, won: bool) -> None:
        """A trade that was entered with this score is over."""
        self.pairs.append((score, won))
        if len(self.pairs) > self.memory:
            self.pairs.popleft()
        self.steps = None

    @property
    def base(self) -> float:
        """The share of wins of all trades, on the prior."""
        return (0.5 * self.prior + sum(won for _, won in self.pairs)) / (self.prior + len(self.pairs))

    def of(self, score: float) -> float:
        """Probability of a win at this score: between two steps on the straight line that joins them."""
        if not self.pairs:
            return 0.5
        if self.steps is None:
            self.steps = calibrated(sorted(self.pairs), self.base, self.prior)
        after = bisect_right(self.steps, score, key=lambda step: step[0])
        if after == 0:
            return self.steps[0][2]
        _, last, share = self.steps[after - 1]
        if score <= last or after == len(self.steps):
            return share
        begin, _, more = self.steps[after]
        return share + (more - share) * (score - last) / (begin - last)


@dataclass
class Scored(Seen):
    """One symbol's outcomes, and the scores of its entries."""

    known: Confidence = field(default_factory=Confidence)
    bars: deque = field(default_factory=deque)
    score: float = math.nan
    """Of the last entry that was let through; `traded` of the trade that is open, `doubted` of the one on paper."""
    traded: float = math.nan
    doubted: float = math.nan
    paper: Paper = field(default_factory=Paper)


def calibrated(pairs: Sequence[tuple[float, bool]], base: float, prior: float) -> Curve:
    """The curve through (score, won), rising scores: each step's share on a Beta prior of `prior` trades at `base`.

    A prior moves small steps further than large ones; where that breaks their order they are pooled again.
    """
    counts: Steps = []
    for score, group in groupby(pairs, key=lambda pair: pair[0]):
        won = [pair[1] for pair in group]
        counts.append((score, score, float(sum(won)), float(len(won))))
    seen = pooled(counts)
    believed = pooled([(first, last, won + prior * base, count + prior) for first, last, won, count in seen])
    return [(first, last, total / weight) for first, last, total, weight in believed]


def pooled(steps: Steps) -> Steps:
    """Pool adjacent violators: (first, last, total, weight) with means that rise, nearest in squares.

    Totals are kept, not means: of whole numbers they are exact, so that equal means are found equal.

    >>> pooled([(1, 1, 0.0, 1.0), (2, 2, 1.0, 1.0), (3, 3, 0.5, 1.0)])
    [(1, 1, 0.0, 1.0), (2, 3, 1.5, 2.0)]
    """
    held: Steps = []
    for first, last, total, weight in steps:
        while held and held[-1][2] * weight >= total * held[-1][3]:
            first, _, before, more = held.pop()
            total, weight = before + total, more + weight
        held.append((first, last, total, weight))
    return held
