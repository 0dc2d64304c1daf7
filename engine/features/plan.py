"""A plan: named features in the order in which they must be computed; bound to columns it fills them.

    plan = Plan({"fast": sma(20), "slow": sma(100), "m": macd()})
    plan.columns            # ('fast', 'slow', 'm', 'm_signal', 'm_histogram')
    bound = plan.bind(table.columns, table.add)
    bound.extend(lo, hi)    # rows lo..hi-1 have closed

An output named like its feature, or the only one, takes the name given to the feature; another output is appended
to it: `m_signal`. A feature that others need is computed once, in a hidden column whose name starts with `_`.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.core.errors import ConfigError, DataError
from engine.core.registry import did_you_mean
from engine.core.table import BASE_COLUMNS, STAMPS
from engine.features.contract import Feature
from engine.features.identity import digest
from engine.features.spec import Spec


@dataclass(frozen=True)
class Node:
    """One feature to compute: the columns it reads and the columns it fills."""

    spec: Spec
    reads: tuple[str, ...]
    fills: tuple[str, ...]

    @property
    def feature(self) -> Feature:
        assert self.spec.feature is not None
        return self.spec.feature


class Plan:
    """Names to features, resolved: what to compute, in which order, with which look-back and warm-up.

    columns   names of the columns a row shows, in the order asked for
    warmup    index of the first row in which all of them can have a value (other frames not counted)
    lookback  rows before a row that the kernels read: keep at least as many
    foreign   (frame, feature or base column, column name) for what the engine brings from other frames
    identity  changes when any feature, parameter, input or kernel does
    """

    def __init__(self, specs: Mapping[str, Spec | Feature]) -> None:
        named = {name: self._asked(name, spec) for name, spec in specs.items()}
        self.specs = named
        self.nodes: list[Node] = []
        self.foreign: list[tuple[str, Spec, str]] = []
        self._shown: dict[tuple[Spec, str], str] = {}
        self._hidden: dict[tuple[Spec, str], str] = {}
        again: list[tuple[Spec, str, str]] = []
        for name, spec in named.items():
            for output in spec.outputs:
                key, column = (replace(spec, output=""), output), column_name(name, spec, output)
                self._reserve(column)
                if key in self._shown:
                    again.append((*key, column))
                else:
                    self._shown[key] = column
        self.columns = tuple(c for name, spec in named.items() for c in columns_of(name, spec))
        for spec, _ in tuple(self._shown):
            self._add(spec)
        for spec, output, column in again:
            self._add_again(spec, output, column)
        self.warmup = max((spec.warmup for spec in named.values()), default=0)
        self.lookback = max((int(n.feature.lookback(dict(n.spec.params))) for n in self.nodes), default=0)
        self.identity = digest(*((name, spec.identity) for name, spec in named.items()))

    @staticmethod
    def _asked(name: str, spec: Spec | Feature) -> Spec:
        if isinstance(spec, Feature):
            spec = spec()
        if not isinstance(spec, Spec) or (spec.feature is None and not spec.frame):
            raise ConfigError(f"{name} = {spec!r} is no feature: write for instance {name} = sma(20)")
        if not name.isidentifier():
            raise ConfigError(f"{name!r} cannot name a column: use letters, digits and _")
        if spec.is_deferred:
            raise ConfigError(f"{spec}: a parameter must be a number here")
        return spec

    def _reserve(self, column: str) -> None:
        if column in BASE_COLUMNS:
            raise ConfigError(f"{column!r} is a column of every table: choose another name for the feature")
        if column in self._shown.values() or column in self._hidden.values():
            raise ConfigError(f"two features would fill the column {column!r}: rename one")

    def _column(self, spec: Spec, output: str) -> str:
        """The column of one output: its public name, or a hidden one made up once."""
        key = (spec, output)
        if key in self._shown:
            return self._shown[key]
        if key not in self._hidden:
            stem = re.sub(r"\W+", "_", f"_{spec.frame}_{spec.feature.name if spec.feature else ''}_{output}").strip("_")
            taken = {*self._shown.values(), *self._hidden.values()}
            choices = (f"_{stem}" if k == 1 else f"_{stem}_{k}" for k in range(1, len(taken) + 2))
            self._hidden[key] = next(c for c in choices if c not in taken)
        return self._hidden[key]

    def _add(self, spec: Spec) -> None:
        """Append the node of `spec` after what it needs, once."""
        if spec.frame or any(n.spec == spec for n in self.nodes):
            if spec.frame:
                self._bring(spec)
            return
        reads = self._read(spec)
        self.nodes.append(Node(spec, reads, tuple(self._column(spec, o) for o in spec.outputs)))

    def _read(self, spec: Spec) -> tuple[str, ...]:
        reads = []
        for _, source in spec.inputs:
            if isinstance(source, str):
                reads.append(source)
            elif source.frame:
                reads.append(self._import(source))
            else:
                self._add(source.whole)
                reads.append(self._column(source.whole, source.output))
        return tuple(reads)

    def _bring(self, spec: Spec) -> None:
        for key, column in self._shown.items():
            if key[0] == spec:
                self._foreign(replace(spec, output=key[1], frame=""), spec.frame, column)

    def _import(self, source: Spec) -> str:
        column = self._column(replace(source, output=""), source.output)
        self._foreign(replace(source, frame=""), source.frame, column)
        return column

    def _foreign(self, spec: Spec, frame: str, column: str) -> None:
        if all(column != known for _, _, known in self.foreign):
            self.foreign.append((frame, spec, column))

    def _add_again(self, spec: Spec, output: str, column: str) -> None:
        """One output under a second name: a column slides on its own, so it is computed on its own."""
        if spec.frame:
            self._foreign(replace(spec, output=output, frame=""), spec.frame, column)
            return
        spare = [f"_{column}_{o}" for o in spec.outputs]
        fills = tuple(column if o == output else s for o, s in zip(spec.outputs, spare, strict=True))
        self.nodes.append(Node(spec, self._read(spec), fills))

    def bind(self, columns: Mapping[str, np.ndarray], add: Callable[[str], np.ndarray]) -> Bound:
        """Attach the plan to the columns of one table; compiles what is not compiled yet.

        columns  base columns (float64; stamps int64) and those of `foreign`, all of one length, C-contiguous,
                 in memory that never moves
        add      makes a float64 column of that length
        Raises ConfigError when a column is missing, DataError when one has another type or length.
        """
        return Bound(self, columns, add)


class Bound:
    """A plan on the columns of one table, with what its features carry from row to row."""

    def __init__(self, plan: Plan, columns: Mapping[str, np.ndarray], add: Callable[[str], np.ndarray]) -> None:
        from engine.features import compiled

        self.plan = plan
        self._columns = self._gather(columns, add)
        self.n = len(next(iter(self._columns.values()))) if self._columns else 0
        names = list(self._columns)
        wires = [[names.index(c) for c in (*node.reads, *node.fills)] for node in plan.nodes]
        sizes = [_vector_sizes(node) for node in plan.nodes]
        lengths = [sum(k.size is None for k in n.feature.keeps) + sum(s) for n, s in zip(plan.nodes, sizes, strict=True)]
        self.state = np.zeros(sum(lengths))
        self._saved = np.zeros_like(self.state)
        params = [_codes(node) + s for node, s in zip(plan.nodes, sizes, strict=True)]
        self._params = np.array([v for p in params for v in p] or [0.0])
        self._pointers = np.array([self._columns[names[w]].ctypes.data for ws in wires for w in ws] or [0], np.int64)
        self._wires = np.array([w for ws in wires for w in ws] or [0], np.int64)
        self._list = np.array([self._column_row(c) for c in names] or [[0, 0, 0]], np.int64)
        self._program = np.zeros((len(plan.nodes), 9), np.int64)
        at = np.zeros(3, np.int64)
        for f, node in enumerate(plan.nodes):
            bases = (self._pointers.ctypes.data, self._params.ctypes.data, self.state.ctypes.data)
            pointers = [int(base + 8 * k) for base, k in zip(bases, at, strict=True)]
            restart = int(node.feature.lookback(dict(node.spec.params)) > 0)
            self._program[f] = (compiled.address(node.feature), *pointers, lengths[f],
                                at[0], len(node.reads), len(node.fills), restart)  # fmt: skip
            at += (len(wires[f]), len(params[f]), lengths[f])
        self._extend = compiled.extend

    def _gather(self, columns: Mapping[str, np.ndarray], add: Callable[[str], np.ndarray]) -> dict[str, np.ndarray]:
        """Every column the plan touches, in the order in which the driver numbers them."""
        filled = [c for node in self.plan.nodes for c in node.fills]
        order = [c for c in self.plan.columns if c in filled] + [c for c in filled if c not in self.plan.columns]
        found: dict[str, np.ndarray] = {}
        for column in dict.fromkeys(c for node in self.plan.nodes for c in node.reads if c not in filled):
            if column not in columns:
                raise ConfigError(f"there is no column {column!r}: {did_you_mean(column, columns)}")
            found[column] = columns[column]
        for column in order:
            found[column] = add(column)
        length = {len(a) for a in found.values()}
        for name, a in found.items():
            kind = np.int64 if name in STAMPS else np.float64
            if a.dtype != kind or not a.flags.c_contiguous or a.ndim != 1 or len(length) > 1:
                raise DataError(f"column {name!r} must be {np.dtype(kind)}, contiguous, and as long as the others")
        return found

    def _column_row(self, name: str) -> tuple[int, int, int]:
        read = any(name in node.reads for node in self.plan.nodes)
        filled = any(name in node.fills for node in self.plan.nodes)
        when = 0 if name in STAMPS or not read else 2 if filled else 1
        return self._columns[name].ctypes.data, when, 0

    def extend(self, lo: int, hi: int) -> None:
        """Fill rows lo..hi-1 of all features: they have closed. Every row once, in order."""
        self._extend(lo, hi, self.n, self._program, self._wires, self._list)

    def peek(self, row: int) -> None:
        """Fill row `row` with what it would be if the bar that is forming there closed now; nothing is kept."""
        self._saved[:] = self.state
        self._extend(row, row + 1, self.n, self._program, self._wires, self._list)
        self.state[:] = self._saved

    def snapshot(self) -> bytes:
        """What the features carry. To resume, the last `plan.lookback` rows of all columns are needed too."""
        return struct.pack("<12s", self.plan.identity.encode()) + self.state.tobytes()

    def restore(self, snapshot: bytes) -> None:
        """Go on from `snapshot`. Raises DataError when it is of another plan."""
        if snapshot[:12] != self.plan.identity.encode() or len(snapshot) != 12 + self.state.nbytes:
            raise DataError("this snapshot was taken of other features, other parameters or other kernels")
        self.state[:] = np.frombuffer(snapshot, np.float64, offset=12)


def column_name(name: str, spec: Spec, output: str) -> str:
    """The column of one output of the feature called `name`: `m`, `m_signal`."""
    plain = len(spec.outputs) == 1 or (spec.feature is not None and output == spec.feature.name)
    return name if plain else f"{name}_{output}"


def columns_of(name: str, spec: Spec) -> tuple[str, ...]:
    return tuple(column_name(name, spec, output) for output in spec.outputs)


def _codes(node: Node) -> list[float]:
    return [node.feature.params[n].code(v) for n, v in node.spec.params]


def _vector_sizes(node: Node) -> list[int]:
    params: dict[str, Any] = dict(node.spec.params)
    return [int(k.size(params)) for k in node.feature.keeps if k.size is not None]
