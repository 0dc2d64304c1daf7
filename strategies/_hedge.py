"""Weights of several experts by what each has earned: Hedge, with a floor, and a memory that fades.

Source: Freund and Schapire, A Decision-Theoretic Generalization of On-Line Learning, Journal of Computer and System
Sciences 55 (1997), pp. 119-139: weights are multiplied by beta ** loss, a loss lies between 0 and 1. Here a gain lies
between -1 and 1, which is the loss (1 - gain) / 2, and beta is exp(-2 * rate). The floor lets who was bad once come
back soon: Herbster and Warmuth, Tracking the Best Linear Predictor, Journal of Machine Learning Research 1 (2001).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass
class Hedge:
    """Weights that sum to 1.

    rate    how fast: a full gain multiplies a weight by exp(rate) before all are scaled to 1
    memory  rounds after which what was earned counts half (0: for ever)
    floor   no weight is below it: what it lacks, the others give in proportion
    """

    names: tuple[str, ...]
    rate: float = 0.5
    memory: float = 0.0
    floor: float = 0.0
    weights: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        self.weights = dict.fromkeys(self.names, 1.0 / len(self.names))

    def round(self, gains: dict[str, float]) -> None:
        """One round is over, in which these earned that (-1 to 1), and who is not named 0."""
        fade = 0.5 ** (1.0 / self.memory) if self.memory else 1.0
        raw = {
            name: weight**fade * math.exp(self.rate * min(max(gains.get(name, 0.0), -1.0), 1.0))
            for name, weight in self.weights.items()
        }
        self.weights = floored(raw, self.floor)


def floored(raw: dict[str, float], floor: float) -> dict[str, float]:
    """The same proportions with the sum 1, none below `floor` (less than one over their number).

    >>> floored({"a": 8.0, "b": 1.0, "c": 1.0}, 0.2)
    {'a': 0.6, 'b': 0.2, 'c': 0.2}
    """
    low: set[str] = set()
    while True:
        scale = (1.0 - floor * len(low)) / sum(value for name, value in raw.items() if name not in low)
        under = {name for name, value in raw.items() if name not in low and value * scale < floor}
        if not under:
            return {name: floor if name in low else value * scale for name, value in raw.items()}
        low |= under
