"""A plan: named features in the order in which they must be computed; bound to columns it fills them.

    plan = Plan({"fast": sma(20), "slow": sma(100), "m": macd()})
    plan.columns            # ('fast', 'slow', 'm', 'm_signal', 'm_histogram')
    bound = plan.bind(table.columns, table.add)
    bound.extend(lo, hi)    # rows lo..hi-1 have closed

An output named like its feature, or the only one, takes the name given to the feature; another output is appended
to it: `m_signal`. A feature that others need is computed once, in a hidden column whose name starts with `_`.
"""

from __future__ import annotations

import itertools
import keyword
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.core.errors import ConfigError, DataError
from engine.core.registry import did_you_mean
from engine.core.table import BASE_COLUMNS, STAMPS
from engine.features.contract import Feature
from engine.features.identity import digest
from engine.features.spec import SERIES, Spec


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

    @property
    def params(self) -> dict[str, Any]:
        return dict(self.spec.params)

    @property
    def lookback(self) -> int:
        return int(self.feature.lookback(self.params))

    @property
    def vectors(self) -> list[int]:
        """Lengths of the vectors it keeps."""
        return [int(k.size(self.params)) for k in self.feature.keeps if k.size is not None]

    @property
    def state_size(self) -> int:
        return sum(k.size is None for k in self.feature.keeps) + sum(self.vectors)

    @property
    def numbers(self) -> list[float]:
        """The parameters as the kernel's wrapper receives them, then the lengths of its vectors."""
        return [self.feature.params[n].code(v) for n, v in self.spec.params] + [float(v) for v in self.vectors]


class Plan:
    """Names to features, resolved: what to compute, in which order, with which look-back and warm-up.

    columns   names of the columns a row shows, in the order asked for
    warmup    index of the first row in which all of them can have a value (other frames not counted)
    lookback  rows before a row that the kernels read: keep at least as many
    foreign   (symbol, frame, feature or base column, column name) for what the engine brings from other tables; an
              empty symbol or frame is that of the rows
    identity  changes when any feature, parameter, input or kernel does
    provisional   those of `columns` that hang on a bar that is still forming: shown, but no model is fitted to them
    """

    def __init__(self, specs: Mapping[str, Spec | Feature]) -> None:
        self.specs = {name: _asked(name, spec) for name, spec in specs.items()}
        self.nodes: list[Node] = []
        self.foreign: list[tuple[str, str, Spec, str]] = []
        self._taken: set[str] = set()
        self._names: dict[tuple[Spec, str], str] = {}
        seconds: list[tuple[Spec, dict[str, str]]] = []
        for name, spec in self.specs.items():
            whole, twice = replace(spec, output=""), dict[str, str]()
            for output in spec.outputs:
                column = self._reserve(column_name(name, spec, output))
                if self._names.setdefault((whole, output), column) != column:
                    twice[output] = column
            if twice:
                seconds.append((whole, twice))
        self.columns = tuple(column_name(n, spec, output) for n, spec in self.specs.items() for output in spec.outputs)
        for (whole, output), column in tuple(self._names.items()):
            self._supply(whole, output, column)
        for whole, twice in seconds:
            self._repeat(whole, twice)
        self.provisional = tuple(
            column_name(n, spec, o) for n, spec in self.specs.items() if spec.provisional for o in spec.outputs
        )
        self.warmup = max((spec.warmup for spec in self.specs.values()), default=0)
        self.lookback = max((node.lookback for node in self.nodes), default=0)
        self.identity = digest(*((name, spec.identity) for name, spec in self.specs.items()))

    def _reserve(self, column: str) -> str:
        if column in BASE_COLUMNS:
            raise ConfigError(f"{column!r} is a column of every table: choose another name for the feature")
        if column in self._taken:
            raise ConfigError(f"two features would fill the column {column!r}: rename one")
        self._taken.add(column)
        return column

    def _hide(self, words: str) -> str:
        """A free name for a column that no row shows."""
        stem = "_" + re.sub(r"\W+", "_", words).strip("_")
        free = (f"{stem}_{k}" if k > 1 else stem for k in itertools.count(1))
        return self._reserve(next(name for name in free if name not in self._taken))

    def _name(self, whole: Spec, output: str) -> str:
        """The column of one output: the one a row shows, or a hidden one."""
        if (whole, output) not in self._names:
            told = [whole.symbol, whole.frame, "live" * whole.live, whole.feature.name if whole.feature else "", output]
            words = dict.fromkeys(told)
            self._names[whole, output] = self._hide("_".join(word for word in words if word))
        return self._names[whole, output]

    def _supply(self, whole: Spec, output: str, column: str) -> None:
        """See to it that `column` gets that output: by a node here, or from another table by the engine."""
        if not whole.abroad:
            self._add(whole)
        elif all(column != known for _, _, _, known in self.foreign):
            bare = replace(whole, output=output, frame="", symbol="")  # of a forming bar: `live` stays
            self.foreign.append((whole.symbol, whole.frame, bare, column))

    def _source(self, source: str | Spec) -> str:
        """The column that holds an input."""
        if isinstance(source, str):
            return source
        whole, output = replace(source, output=""), source.output
        column = self._name(whole, output)
        self._supply(whole, output, column)
        return column

    def _add(self, spec: Spec) -> None:
        """Append the node of `spec`, after those of its inputs, once."""
        if any(node.spec == spec for node in self.nodes):
            return
        reads = tuple(self._source(source) for _, source in spec.inputs)
        self.nodes.append(Node(spec, reads, tuple(self._name(spec, o) for o in spec.outputs)))

    def _repeat(self, whole: Spec, columns: Mapping[str, str]) -> None:
        """The same under a second name. A column slides on its own, so it is computed on its own."""
        if whole.abroad:
            for output, column in columns.items():
                self._supply(whole, output, column)
            return
        first = next(node for node in self.nodes if node.spec == whole)
        fills = tuple(columns.get(o) or self._hide(f"{whole.feature}_{o}") for o in whole.outputs)
        self.nodes.append(replace(first, fills=fills))

    def streams(self, symbol: str, frame: str) -> Iterator[tuple[str, str]]:
        """Symbol and frame of every other table that it reads for rows of this one, and that those read in turn."""
        for other, larger, spec, _ in self.foreign:
            if other.startswith(SERIES):
                continue
            there = (other or symbol, larger or frame)
            yield there
            if spec.feature is not None:
                yield from Plan({"value": spec}).streams(*there)

    @property
    def farthest(self) -> int:
        """The look-back of its kernels, of those on other tables too."""
        inner = (Plan({"value": spec}).farthest for _, _, spec, _ in self.foreign if spec.feature is not None)
        return max(self.lookback, *inner, 0)

    def uncompiled(self) -> tuple[str, ...]:
        """Names of the features that `bind` would have to compile first, on this machine, in this version."""
        from engine.features.compiled import is_compiled

        features = dict.fromkeys(node.feature for node in self.nodes)
        return tuple(feature.name for feature in features if not is_compiled(feature))

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
        self._columns = _gather(plan, columns, add)
        self.n = len(next(iter(self._columns.values()), ()))
        self.state = np.zeros(sum(node.state_size for node in plan.nodes))
        self._saved = np.zeros_like(self.state)
        place = {name: k for k, name in enumerate(self._columns)}
        wires = [place[name] for node in plan.nodes for name in (*node.reads, *node.fills)]
        filled = {name for node in plan.nodes for name in node.fills}
        read = {name for node in plan.nodes for name in node.reads if name not in STAMPS}
        scan = [0 if name not in read else 2 if name in filled else 1 for name in self._columns]
        memory = [a.ctypes.data for a in self._columns.values()]
        self._list = np.array([(a, s, 0) for a, s in zip(memory, scan, strict=True)], np.int64).reshape(-1, 3)
        self._wires = np.array(wires, np.int64)
        self._pointers = np.array([memory[w] for w in wires], np.int64)
        self._params = np.array([v for node in plan.nodes for v in node.numbers])
        self._program = self._write_program(compiled.address)
        self._extend = compiled.extend

    def _write_program(self, address: Callable[[Feature], int]) -> np.ndarray:
        """One row per node, in the columns that `engine.features.compiled` names."""
        bases = [a.ctypes.data for a in (self._pointers, self._params, self.state)]
        program, wire, number, state = [], 0, 0, 0
        for node in self.plan.nodes:
            pointers = [base + 8 * at for base, at in zip(bases, (wire, number, state), strict=True)]
            blind = len(node.reads) if node.feature.meets_holes else 0  # what the driver does not look at for NaN
            counts = (node.state_size, wire, len(node.reads) - blind, len(node.fills) + blind, node.lookback > 0)
            program.append((address(node.feature), *pointers, *counts))
            wire += len(node.reads) + len(node.fills)
            number += len(node.numbers)
            state += node.state_size
        return np.array(program, np.int64).reshape(-1, 9)

    def extend(self, lo: int, hi: int) -> None:
        """Fill rows lo..hi-1 of all features: they have closed. Every row once, in order."""
        self._extend(lo, hi, self.n, self._program, self._wires, self._list)

    def peek(self, row: int) -> None:
        """Fill row `row` with what it would be if the bar that is forming there closed now; nothing is kept."""
        self._saved[:] = self.state
        self._extend(row, row + 1, self.n, self._program, self._wires, self._list)
        self.state[:] = self._saved

    @property
    def driver(self) -> tuple[np.ndarray, ...]:
        """What a kernel needs to call the driver itself: the state, room for a copy, program, wires, memory."""
        return self.state, self._saved, self._program, self._wires, self._list

    def snapshot(self) -> bytes:
        """What the features carry. To resume, the last `plan.lookback` rows of all columns are needed too."""
        return self.plan.identity.encode() + self.state.tobytes()

    def restore(self, snapshot: bytes) -> None:
        """Go on from `snapshot`. Raises DataError when it is of another plan."""
        head = self.plan.identity.encode()
        if snapshot[: len(head)] != head or len(snapshot) != len(head) + self.state.nbytes:
            raise DataError("this snapshot was taken of other features, other parameters or other kernels")
        self.state[:] = np.frombuffer(snapshot, np.float64, offset=len(head))


def _gather(plan: Plan, columns: Mapping[str, np.ndarray], add: Callable[[str], np.ndarray]) -> dict[str, np.ndarray]:
    """Every column that the plan reads or fills, those that a row shows first among the latter."""
    filled = {name for node in plan.nodes for name in node.fills}
    found: dict[str, np.ndarray] = {}
    for name in (name for node in plan.nodes for name in node.reads if name not in filled):
        if name not in columns:
            raise ConfigError(f"there is no column {name!r}: {did_you_mean(name, columns)}")
        found[name] = columns[name]
    for name in (*(c for c in plan.columns if c in filled), *(c for node in plan.nodes for c in node.fills)):
        if name not in found:
            found[name] = add(name)
    length = {len(a) for a in found.values()}
    for name, a in found.items():
        kind = np.int64 if name in STAMPS else np.float64
        if a.dtype != kind or not a.flags.c_contiguous or a.ndim != 1 or len(length) > 1:
            raise DataError(f"column {name!r} must be {np.dtype(kind)}, contiguous, and as long as the others")
    return found


def _asked(name: str, spec: Any) -> Spec:
    """The spec asked for under `name`, or ConfigError."""
    spec = spec() if isinstance(spec, Feature) else spec
    if not isinstance(spec, Spec) or (spec.feature is None and not spec.abroad):
        raise ConfigError(f"{name} = {spec!r} is no feature: write for instance {name} = sma(20)")
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ConfigError(f"{name!r} cannot name a column: use letters, digits and _")
    if spec.is_deferred:
        raise ConfigError(f"{spec}: every parameter must be a number here")
    return spec


def column_name(name: str, spec: Spec, output: str) -> str:
    """The column of one output of the feature called `name`: `m`, `m_signal`."""
    plain = len(spec.outputs) == 1 or (spec.feature is not None and output == spec.feature.name)
    return name if plain else f"{name}_{output}"
