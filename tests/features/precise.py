"""Features in long doubles: their own kernels, run by Python with 64 bits of mantissa instead of 53.

Every jitted helper is replaced by its Python source, `math` and `float` by numpy's in long doubles, and arrays a
helper makes hold long doubles. What is compared is therefore rounding alone: the definition is the same text.
"""

from __future__ import annotations

import builtins
import functools
import math
import types
from typing import Any

import numpy as np

from engine.core.table import STAMPS, VALUES
from engine.features import Plan
from engine.features.plan import Node

WIDE = np.longdouble


class WideNumpy(types.ModuleType):
    """numpy, but new arrays are of long doubles."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    empty = staticmethod(functools.partial(np.empty, dtype=WIDE))
    zeros = staticmethod(functools.partial(np.zeros, dtype=WIDE))

    @staticmethod
    def full(shape: Any, value: Any) -> np.ndarray:
        return np.full(shape, value, WIDE)


class WideMath(types.ModuleType):
    """math, but in long doubles."""

    def __getattr__(self, name: str) -> Any:
        if name in ("pi", "e", "inf", "nan"):
            return {"pi": 4 * np.arctan(WIDE(1)), "e": np.exp(WIDE(1))}.get(name, WIDE(getattr(math, name)))
        renamed = {"atan": "arctan", "atan2": "arctan2", "asin": "arcsin", "acos": "arccos", "pow": "power"}
        called = getattr(np, renamed.get(name, name), None)
        if called is None:  # erf, gamma, lgamma: doubles are all there is
            return lambda *given: WIDE(getattr(math, name)(*map(builtins.float, given)))
        if name in ("floor", "ceil"):
            return lambda x: int(called(x))
        return lambda *given: called(*(WIDE(x) for x in given))


SWAPPED = {np: WideNumpy("numpy"), math: WideMath("math")}
_done: dict[Any, Any] = {}


def wide(function: Any) -> Any:
    """The Python source of a kernel or a jitted helper, on long doubles."""
    source = getattr(function, "py_func", function)
    if source not in _done:
        names: dict[str, Any] = {"float": WIDE, "__builtins__": builtins}
        _done[source] = made = types.FunctionType(source.__code__, names, source.__name__, source.__defaults__)
        for name in source.__code__.co_names:
            value = source.__globals__.get(name)
            if hasattr(value, "py_func"):
                names[name] = wide(value)
            elif isinstance(value, types.ModuleType):
                names[name] = SWAPPED.get(value, value)
            elif name in source.__globals__:
                names[name] = value
        names.setdefault(source.__name__, made)
    return _done[source]


def run(plan: Plan, bars: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What `market.batch` gives, in long doubles."""
    columns: dict[str, np.ndarray] = {name: bars[name] for name in STAMPS}
    columns |= {name: bars[name].astype(WIDE) for name in VALUES}
    n = len(bars["close"])
    with np.errstate(all="ignore"):
        for node in plan.nodes:
            fill(node, columns, n)
    return {name: columns[name] for name in plan.columns}


def fill(node: Node, columns: dict[str, np.ndarray], n: int) -> None:
    """Fill one feature's columns: rows whose inputs are all there, in runs, as the driver hands them to a kernel."""
    feature, kernel = node.feature, wide(node.feature.kernel)
    inputs = dict(zip(feature.inputs, (columns[name] for name in node.reads), strict=True))
    outputs = {output: np.full(n, np.nan, WIDE) for output in feature.outputs}
    columns.update(zip(node.fills, outputs.values(), strict=True))
    params = {name: convert(feature.params[name].kind, code) for (name, _), code in
              zip(node.spec.params, node.numbers, strict=False)}  # fmt: skip
    state = fresh(node)
    whole = np.ones(n, bool)
    for name, column in inputs.items():
        if name not in STAMPS:
            whole &= ~np.isnan(column)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], whole, [False]]).astype(np.int8)))
    for k, (lo, hi) in enumerate(edges.reshape(-1, 2).tolist()):
        if node.lookback and (k or lo):
            state = fresh(node)
        given = {**inputs, **outputs, **state, **params}
        made = kernel(lo, hi, *(given[name] for name in feature.arguments[2:]))
        scalars = [keep.name for keep in feature.keeps if keep.size is None]
        state.update(zip(scalars, made if len(scalars) > 1 else [made], strict=False))


def convert(kind: type, code: float) -> Any:
    return code if kind is float else bool(code) if kind is bool else int(code)


def fresh(node: Node) -> dict[str, Any]:
    sizes = iter(node.vectors)
    return {k.name: WIDE(0) if k.size is None else np.zeros(next(sizes), WIDE) for k in node.feature.keeps}
