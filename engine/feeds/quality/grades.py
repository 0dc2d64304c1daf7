"""Grades A to D: one table of thresholds, and the worst line of it decides.

    what                                                                    A           B          C        else D
    broken: missing nonpositive inconsistent negative backward zone         none        0.001 %    0.1 %
    false: crossed duplicate spike wide frozen stale late early             0.01 %      0.1 %      1 %      of rows
    hours: weekend closed                                                   0.1 %       1 %        5 %      of rows
    gap                                                                     0.5 %       2 %        10 %     of open time

A: trade on it. B: look at what was found first. C: clean it. D: do not use it as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from engine.feeds.quality.flags import BROKEN

Grade = Literal["A", "B", "C", "D"]
FALSE = ("crossed", "duplicate", "spike", "wide", "frozen", "stale", "late", "early")
HOURS = ("weekend", "closed")
THRESHOLDS: dict[str, tuple[tuple[str, ...], tuple[float, float, float]]] = {
    "broken": (BROKEN, (0.0, 1e-5, 1e-3)),
    "false": (FALSE, (1e-4, 1e-3, 1e-2)),
    "hours": (HOURS, (1e-3, 1e-2, 5e-2)),
    "gap": (("gap",), (0.005, 0.02, 0.1)),
}
"""The highest share for A, B and C, of each flag of a group by itself."""


def grade_of(shares: Mapping[str, float]) -> dict[str, Grade]:
    """A grade per flag from the share of rows that carry it (`gap`: of open time).

    >>> grade_of({"crossed": 0.002, "gap": 0.0})
    {'crossed': 'C', 'gap': 'A'}
    """
    found: dict[str, Grade] = {}
    for flags, (best, good, poor) in THRESHOLDS.values():
        for name in flags:
            if name in shares:
                share = shares[name]
                found[name] = "A" if share <= best else "B" if share <= good else "C" if share <= poor else "D"
    return {name: found[name] for name in shares}


def worst(grades: Mapping[str, Grade]) -> Grade:
    return max(grades.values(), default="A")


def below(grade: str, least: str) -> bool:
    """Whether a grade does not reach another.

    >>> below("C", "B"), below("A", "B")
    (True, False)
    """
    return grade > least
