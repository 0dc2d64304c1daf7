"""A larger frame's feature on its forming bar: what it would be if that bar closed together with the row's own.

`on("H1", rsi(14), live=True)` moves with every row; without `live` it waits for the hour to close. The forming bar is
made of the rows since its interval began, and looked at as `Bound.peek` looks: the closed bars before it stay what they
were. Where the larger bar closes with the row, the value is the closed bar's, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from engine.core.errors import ConfigError
from engine.core.frames import edges
from engine.core.table import BASE_COLUMNS, STAMPS, VALUES
from engine.features.compiled import extend
from engine.features.plan import Plan
from engine.features.spec import Spec
from engine.kernels.jit import jit

ROOM = 1_024
"""Larger bars that close before the rows kept here slide."""
NONE = np.iinfo(np.int64).min
FILLED, BEGUN, CLOSED, COUNT = range(4)
"""What is carried: rows filled here, where the forming and the last closed bar began, bars closed in all."""
Columns = Mapping[str, np.ndarray]


@jit
def follow(lo, hi, known, mine, bounds, first, larger, theirs, k, n, at, stamps, values, state, saved, plan, wires,
           memory, warmup, source, target):  # fmt: skip
    """Rows lo..hi-1 with their larger bar as far as it is; returns the row at which there was no room, hi if none.

    `mine` are the values of the rows, row i lies in the interval bounds[:, i - first]; `larger` (stamps) and `theirs`
    (values) are the closed larger bars, of which n are there and k the next; `stamps` and `values` keep what is
    followed here. `plan`, `wires`, `memory` are the driver's.
    """
    size = values.shape[1]
    for i in range(lo, hi):
        while k < n and larger[0][k] <= known[i]:
            m = at[FILLED]
            if m + 2 > size:
                return i
            for j in range(3):
                stamps[j, m] = larger[j][k]
            for j in range(6):
                values[j, m] = theirs[j][k]
            extend(m, m + 1, size, plan, wires, memory)
            at[FILLED], at[BEGUN], at[CLOSED], at[COUNT] = m + 1, NONE, larger[1][k], at[COUNT] + 1
            k += 1
        m, start = at[FILLED], bounds[0, i - first]
        if start == at[CLOSED]:
            target[i] = source[m - 1] if at[COUNT] > warmup else np.nan
            continue
        there = mine[3][i] == mine[3][i]
        if there and at[BEGUN] != start:
            at[BEGUN], stamps[1, m], stamps[2, m] = start, start, bounds[1, i - first]
            for j in range(6):
                values[j, m] = mine[j][i]
        elif there:
            values[1, m], values[2, m] = max(values[1, m], mine[1][i]), min(values[2, m], mine[2][i])
            values[3, m], values[4, m], values[5, m] = mine[3][i], values[4, m] + mine[4][i], mine[5][i]
        target[i] = np.nan
        if at[BEGUN] == start and at[COUNT] >= warmup:
            stamps[0, m] = known[i]
            saved[:] = state
            extend(m, m + 1, size, plan, wires, memory)
            target[i] = source[m]
            state[:] = saved
    return hi


class Forming:
    """One provisional column: keeps the larger frame's closed bars that its kernels look back over, and fills rows.

    `day` says when trading days start. Raises ConfigError for what reads further tables.
    """

    def __init__(self, spec: Spec, frame: str, day: str, target: np.ndarray) -> None:
        inner = replace(spec, live=False)
        plan = Plan({"value": inner if spec.feature is not None else inner + 0.0})
        if plan.foreign:
            raise ConfigError(f"on({frame!r}, {inner}, live=True): it reads other tables itself; leave out live")
        self.frame, self.day, self.target = frame, day, target
        self.reads = {name for node in plan.nodes for name in node.reads} & {*BASE_COLUMNS}
        self.keep, size = max(plan.lookback, 1), max(plan.lookback, 1) + ROOM
        self.stamps = np.zeros((len(STAMPS), size), np.int64)
        self.values = np.full((len(VALUES), size), np.nan)
        self.columns = {**dict(zip(STAMPS, self.stamps, strict=True)), **dict(zip(VALUES, self.values, strict=True))}
        self.bound = plan.bind(self.columns, self._add)
        self.at = np.array([0, NONE, NONE, 0])

    def _add(self, name: str) -> np.ndarray:
        self.columns[name] = np.full(self.values.shape[1], np.nan)
        return self.columns[name]

    def fill(self, rows: Columns, lo: int, hi: int, larger: Columns, n: int) -> None:
        """Fill rows lo..hi-1 of the target: `rows` are the columns of its table, `larger` those of n closed bars."""
        bounds = intervals(self.frame, self.day, rows["open_ts"][lo:hi])
        if len(bounds[0]) and (bounds[1] - bounds[0]).max() <= (rows["end"][lo:hi] - rows["open_ts"][lo:hi]).max():
            raise ConfigError(f"live=True: bars of {self.frame} are no larger than the rows they are formed of")
        mine, theirs = (tuple(columns[name] for name in VALUES) for columns in (rows, larger))
        stamps, first = tuple(larger[name] for name in STAMPS), lo
        driver = self.bound.driver
        while lo < hi:
            k = int(np.searchsorted(stamps[1][:n], self.at[CLOSED], "right"))
            lo = follow(
                lo, hi, rows["ts"], mine, bounds, first, stamps, theirs, k, n, self.at, self.stamps, self.values,
                *driver, self.bound.plan.warmup, self.columns["value"], self.target,
            )  # fmt: skip
            if lo < hi:
                self._slide()

    def _slide(self) -> None:
        """Make room: the closed bars that the kernels look back over stay."""
        n = int(self.at[FILLED])
        for column in self.columns.values():
            column[: self.keep] = column[n - self.keep : n].copy()
        self.at[FILLED], self.at[BEGUN] = self.keep, NONE


def intervals(frame: str, day: str, opened: np.ndarray) -> np.ndarray:
    """Start and end of the interval of `frame` in which each row opened: int64 (2, rows)."""
    if not len(opened):
        return np.zeros((2, 0), np.int64)
    bounds = edges(frame, day, int(opened[0]), int(opened[-1]))
    at = np.searchsorted(bounds, opened, "right") - 1
    return np.stack([bounds[at], bounds[at + 1]])
