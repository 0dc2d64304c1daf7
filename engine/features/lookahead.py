"""Does anything look ahead? Change the future in many ways and see whether the past moves.

    finding = check("rsi", columns)          # None: nothing before a cut depends on what comes after it
    finding = leak(compute, columns)         # any function from columns to columns

One cut does not find a leak: peaks, back-fills and interpolations show only near an event. So half of the cuts
lie within three bars of one, the others are spread evenly over the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from engine.core.errors import DataError, OnetapeError
from engine.core.table import STAMPS
from engine.features.contract import FEATURES, Feature
from engine.features.plan import Plan
from engine.features.spec import Spec

Columns = Mapping[str, np.ndarray]
YEAR = 365 * 86_400_000_000_000
GOLDEN = 0.618_033_988_749_895


@dataclass(frozen=True)
class Finding:
    """The first value that moved: column `column` at row `row` (its stamp `ts`, int64 ns UTC).

    It was `before`, and became `after` when the bars from row `cut` on were altered.
    """

    column: str
    ts: int
    row: int
    cut: int
    alteration: str
    before: float
    after: float

    def __str__(self) -> str:
        when = np.datetime64(self.ts, "ns").astype("datetime64[s]")
        return (
            f"{self.column} at {when} UTC (bar {self.row}) looks ahead: it was {self.before:.10g} and became "
            f"{self.after:.10g} when the bars from number {self.cut} on were {self.alteration}"
        )


def _truncated(name: str, future: np.ndarray) -> np.ndarray:
    return future[:0]


def _nan(name: str, future: np.ndarray) -> np.ndarray:
    return future if name in STAMPS else np.full_like(future, np.nan)


def _huge(name: str, future: np.ndarray) -> np.ndarray:
    return future + YEAR if name in STAMPS else np.full_like(future, 1e9)


def _reversed(name: str, future: np.ndarray) -> np.ndarray:
    return future if name in STAMPS else future[::-1]


ALTERATIONS: dict[str, Callable[[str, np.ndarray], np.ndarray]] = {
    "cut off": _truncated,
    "replaced by NaN": _nan,
    "replaced by 1e9": _huge,
    "reversed": _reversed,
}


def altered(columns: Columns, cut: int, alteration: str) -> dict[str, np.ndarray]:
    """The columns with another future: rows before `cut` as they are."""
    alter = ALTERATIONS[alteration]
    return {name: np.concatenate([a[:cut], alter(name, a[cut:])]) for name, a in columns.items()}


def differs(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where two columns are not the same number bit for bit (NaN equals NaN)."""
    same: np.ndarray = (a == b) & (np.signbit(a) == np.signbit(b)) | (np.isnan(a) & np.isnan(b))
    return ~same


def events(outputs: Columns) -> np.ndarray:
    """Rows where something happens: an output changes its state, or, if it changes all the time, changes most."""
    rows: list[np.ndarray] = []
    for values in outputs.values():
        change = np.flatnonzero(differs(values[1:], values[:-1])) + 1
        if len(change) > len(values) // 2:
            step = np.abs(np.diff(values))
            change = np.argsort(np.where(np.isnan(step), -1.0, step), kind="stable")[::-1][:64] + 1
        rows.append(change)
    return np.unique(np.concatenate(rows)) if rows else np.zeros(0, np.int64)


def cut_rows(n: int, happened: np.ndarray, cuts: int) -> list[int]:
    """Where to cut n rows: half spread evenly, half within three bars of an event; no two alike."""
    first = max(n // 50, 2)
    spread = [first + int((k * GOLDEN) % 1.0 * (n - first)) for k in range(1, cuts - cuts // 2 + 1)]
    near = [int(happened[int((k * GOLDEN) % 1.0 * len(happened))]) - 2 + k % 6 for k in range(cuts // 2)] if len(
        happened) else []  # fmt: skip
    return sorted({min(max(c, first), n - 1) for c in (*spread, *near)})


def leak(
    compute: Callable[[Columns], Columns], columns: Columns, cuts: int = 64,
    alterations: Iterable[str] = tuple(ALTERATIONS),
) -> Finding | None:  # fmt: skip
    """The first value that depends on later rows, or None.

    `compute` takes columns of one length (float64; stamps int64) and returns columns, row by row. It is called
    once for each cut and alteration; one that refuses some alteration (ValueError, OnetapeError) is judged by the
    others. Raises DataError when there are too few rows to cut, or when every alteration was refused.
    """
    columns = {name: np.asarray(values) for name, values in columns.items()}
    n = len(next(iter(columns.values())))
    if n < 100:
        raise DataError(f"{n} bars are too few to look for look-ahead: give at least 100")
    base = compute(columns)
    worst: Finding | None = None
    judged = 0
    for cut in cut_rows(n, events(base), cuts):
        for alteration in alterations:
            try:
                other = compute(altered(columns, cut, alteration))
            except (ValueError, OnetapeError):
                continue
            judged += 1
            found = first_difference(base, other, cut, alteration, columns)
            if found and (worst is None or found.row < worst.row):
                worst = found
    if not judged:
        raise DataError("nothing could be judged: every altered future was refused")
    return worst


def first_difference(base: Columns, other: Columns, cut: int, alteration: str, columns: Columns) -> Finding | None:
    """The first value before row `cut` (0: of all) that is not what it was, or None."""
    stamps = next((columns[s] for s in STAMPS if s in columns), np.zeros(cut, np.int64))
    found = None
    for name, values in base.items():
        rows = np.flatnonzero(differs(values[: cut or None], other[name][: cut or None]))
        if len(rows) and (found is None or rows[0] < found.row):
            row = int(rows[0])
            found = Finding(name, int(stamps[row]), row, cut, alteration, float(values[row]), float(other[name][row]))
    return found


def batch(plan: Plan) -> Callable[[Columns], Columns]:
    """The plan as a function from columns to columns, all rows in one call."""

    def compute(columns: Columns) -> Columns:
        made: dict[str, np.ndarray] = {}
        n = len(next(iter(columns.values())))
        given = {name: np.ascontiguousarray(values) for name, values in columns.items()}
        plan.bind(given, lambda name: made.setdefault(name, np.full(n, np.nan))).extend(0, n)
        return {name: made[name] for name in plan.columns}

    return compute


def check(feature: str | Feature | Spec, data: Columns, cuts: int = 64) -> Finding | None:
    """Look for look-ahead in one feature, by name or with parameters, over the columns of `data`.

    Raises ConfigError for an unknown name, or when `data` lacks a column.
    """
    if isinstance(feature, str):
        from engine.features import load_all

        load_all()
        feature = FEATURES.get(feature)
    spec = feature() if isinstance(feature, Feature) else feature
    plan = Plan({spec.feature.name if spec.feature else spec.output: spec})
    return leak(batch(plan), data, cuts)
