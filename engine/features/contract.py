"""What a feature is: a numba kernel whose argument names are its wiring, under `@feature`.

    @feature(gives="rsi", keeps="seen last gain loss", warmup="period", where="period >= 2", like="talib.RSI")
    def rsi(lo, hi, close, rsi, seen, last, gain, loss, period=14):
        for i in range(lo, hi): ...
        return seen, last, gain, loss

An argument is told by its name: `lo, hi` are the rows to fill; a name in `gives` is an output column; a name in
`keeps` is a number carried from one call to the next (0.0 at the start; returned at the end, in this order) or,
as `zones[64 * 6]`, a vector carried in place; a name with a default is a parameter, or an input that is computed
first if the default is a feature; every other name is an input column (`close`, `open_ts`, ...).

The kernel may read rows lo-lookback .. hi-1 of its columns and must write every row lo..hi-1 of every output,
NaN while it warms up. It never meets a NaN in row i of an input: such rows are NaN in every output. A kernel
with look-back 0 passes over them untouched; one that reads earlier rows starts anew after them, because its
window would have a hole. Row numbers shift when a table slides: point to other rows by bars ago only.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import math
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engine.core.errors import ConfigError
from engine.core.registry import Registry, did_you_mean
from engine.core.table import BASE_COLUMNS, STAMPS, VALUES
from engine.features.expression import Expression
from engine.features.identity import digest, kernel_text
from engine.features.spec import Spec, deferred, show

LARGEST = 1_000_000
"""No whole-number parameter may be larger: a look-back of a million rows is a mistyped one."""


@dataclass(frozen=True)
class Param:
    """A parameter: `kind` is int, float, bool or str; a str is one of `choices` and reaches the kernel as its index."""

    name: str
    default: Any
    kind: type
    choices: tuple[str, ...] = ()

    def accept(self, value: Any, owner: str) -> Any:
        """`value` as this parameter's kind, or ConfigError."""
        wrong = ConfigError(f"{owner}: {self.name} must be {self.wants()}, not {value!r}")
        if self.kind is str:
            if value not in self.choices:
                raise wrong
            return value
        if self.is_deferred(value):
            return value
        if self.kind is bool:
            if not isinstance(value, bool):
                raise wrong
            return value
        if isinstance(value, (bool, str)) or not hasattr(value, "__float__"):
            raise wrong
        number = float(value)
        if self.kind is int and (not number.is_integer() or abs(number) > LARGEST):
            raise wrong
        if not math.isfinite(number):
            raise wrong
        return int(number) if self.kind is int else number

    def is_deferred(self, value: Any) -> bool:
        return self.kind is not str and deferred(value)

    def wants(self) -> str:
        if self.kind is str:
            return " or ".join(map(repr, self.choices))
        return {int: f"a whole number up to {LARGEST}", float: "a number", bool: "true or false"}[self.kind]

    def code(self, value: Any) -> float:
        """The value as the kernel receives it."""
        return float(self.choices.index(value) if self.kind is str else value)


@dataclass(frozen=True)
class Keep:
    """A number carried between calls, or a vector of `size` numbers."""

    name: str
    size: Expression | None = None

    @classmethod
    def several(cls, text: str) -> tuple[Keep, ...]:
        """`seen zones[64 * 6]`"""
        found = re.findall(r"(\w+)(?:\[([^\]]+)\])?", text)
        return tuple(cls(name, Expression(size) if size else None) for name, size in found)


@dataclass(frozen=True, eq=False)
class Feature:
    """A declared feature. Calling it binds parameters: `rsi(14)`, `rsi(period=14)`, `sma(9, close=rsi(14))`."""

    name: str
    kernel: Callable[..., Any]
    arguments: tuple[str, ...]
    inputs: dict[str, str | Spec]
    outputs: tuple[str, ...]
    keeps: tuple[Keep, ...]
    params: dict[str, Param]
    warmup: tuple[Expression, ...]
    lookback: Expression
    settle: Expression
    lag: Expression
    where: tuple[Expression, ...]
    like: tuple[str, ...]
    sparse: tuple[str, ...]
    unit: tuple[str, ...]
    range: tuple[float, float] | None
    pane: str
    covers: tuple[str, ...]
    source: str
    version: int
    meets_holes: bool = False

    @property
    def summary(self) -> str:
        """The first line of the kernel's docstring."""
        return (inspect.getdoc(self.kernel) or "").partition("\n")[0]

    @property
    def required(self) -> tuple[str, ...]:
        """Inputs that whoever binds the feature must give."""
        return tuple(name for name, source in self.inputs.items() if source == "")

    @cached_property
    def reads(self) -> frozenset[str]:
        """Columns of a bar that the feature, or what it is computed from by default, reads."""
        inner = (s.reads if isinstance(s, Spec) else {s} for s in self.inputs.values())
        return frozenset({*VALUES}.intersection(set().union(*inner)))

    @cached_property
    def identity(self) -> str:
        """Changes when the kernel, a helper it calls or its declared shape changes; not with comments."""
        keeps = [(k.name, str(k.size or "")) for k in self.keeps]
        return digest(self.name, self.version, self.arguments, self.outputs, keeps, kernel_text(self.kernel))

    def __repr__(self) -> str:
        return f"<feature {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _declared, (self.kernel.__module__, self.kernel.__qualname__)

    def __call__(self, *values: Any, **named: Any) -> Spec:
        """Bind parameters (by position or name) and inputs (by name): a column's name or another feature.

        Inputs that the feature `takes` come first by position: `ratio(sma(5), sma(20))`; of others a column or
        feature that comes first stands for `close`: `lag(rsi(14), 3)`. A column of the bar is replaced wherever it is
        read, in inner features too: `dema(9, close="high")` is of highs altogether.
        Raises ConfigError for a name that is not there or a value that cannot be.
        """
        places = (*self.required, *self.params)
        if values and "close" in self.reads and not self.required and self.is_source(values[0]):
            places = ("close", *places)
        if len(values) > len(places):
            raise ConfigError(f"{self.name} takes {', '.join(places)}: {len(values)} values are too many")
        given = dict(zip(places, values, strict=False))
        for name, value in named.items():
            if name in given:
                raise ConfigError(f"{self.name}: {name} is given twice")
            if name not in self.params and name not in self.inputs and name not in self.reads:
                near = did_you_mean(name, [*self.params, *self.inputs, *self.reads])
                raise ConfigError(f"{self.name} has no parameter {name!r}: {near}")
            given[name] = value
        params = {n: p.accept(given.get(n, p.default), self.name) for n, p in self.params.items()}
        replaced = {n: v for n, v in given.items() if n in self.reads or n in self.inputs}
        inputs = {**self.inputs, **replaced}
        waits = [self.params[n].is_deferred(v) for n, v in params.items()]
        if not any((*waits, *(isinstance(s, Spec) and s.is_deferred for s in replaced.values()))):
            self.check(params)
            replaced = {n: self.wire(n, source, params) for n, source in replaced.items()}
            inputs = {n: replaced.get(n) or self.wire(n, s, params, replaced) for n, s in self.inputs.items()}
        return Spec(self, tuple(params.items()), tuple(inputs.items()))

    def is_source(self, value: Any) -> bool:
        """Is a first argument what the feature is computed from, and not its first parameter?"""
        word = isinstance(value, str) and value in VALUES and next(iter(self.params.values()), None) is not None
        return isinstance(value, (Spec, Feature)) or (word and next(iter(self.params.values())).kind is not str)

    def check(self, params: Mapping[str, Any]) -> None:
        for rule in self.where:
            if not rule(params):
                raise ConfigError(f"{show(self.name, params)} is impossible: it must hold that {rule}")

    def default(self, name: str, params: Mapping[str, Any]) -> str | Spec:
        """What input `name` is unless somebody says otherwise."""
        source = self.inputs.get(name, name)
        unknown = any(self.params[n].is_deferred(v) for n, v in params.items())
        return source if unknown or source == "" else self.wire(name, source, params)

    def wire(self, name: str, source: Any, params: Mapping[str, Any], columns: Mapping[str, Any] = {}) -> str | Spec:
        """What fills input `name`: a base column, or one output of another feature, read from `columns` if named."""
        if source == "":
            raise ConfigError(f"{self.name} needs {name}: a column or a feature, {self.name}({name}=sma(20))")
        if isinstance(source, Feature):
            source = source()
        if isinstance(source, Spec) and source.feature is None and not source.abroad:
            source = source.output
        if isinstance(source, Spec):
            if name in STAMPS:
                raise ConfigError(f"{self.name}: {name} takes a stamp column, not {source}")
            return source.within(params).reading(columns).single()
        if not isinstance(source, str) or source not in BASE_COLUMNS:
            raise ConfigError(f"{self.name}: {name} cannot be {source!r}: {did_you_mean(str(source), BASE_COLUMNS)}")
        if (name in STAMPS) != (source in STAMPS):
            raise ConfigError(f"{self.name}: {name} is a {'stamp' if name in STAMPS else 'price'}, {source!r} is not")
        return source


FEATURES: Registry[Feature] = Registry("feature")
"""Every declared feature by name, complete after `engine.features.load_all()`."""


def feature(
    *,
    gives: str,
    takes: str = "",
    warmup: str = "0",
    keeps: str = "",
    lookback: str = "0",
    settle: str = "0",
    lag: str = "0",
    where: str = "",
    choices: Mapping[str, tuple[str, ...]] | None = None,
    like: str = "",
    sparse: str = "",
    unit: str = "price",
    range: tuple[float, float] | None = None,
    pane: str = "price",
    covers: str = "",
    source: str = "",
    version: int = 1,
    meets_holes: bool = False,
    registry: Registry[Feature] | None = FEATURES,
) -> Callable[[Callable[..., Any]], Feature]:
    """Declare a kernel to be a feature; this declaration is the only list of its properties.

    gives     output columns; one named like the feature is its main output
    takes     inputs that are no column of a bar and that whoever binds the feature must give: `a b`
    keeps     what is carried between calls: `seen last zones[64 * 6]`
    warmup    index of the first value, an expression of the parameters; one for all outputs, or one each
    lookback  rows before row i that the kernel reads (0: it reads row i alone)
    settle    bars until the start is forgotten to 1e-8
    lag       bars from a thing (a swing, a change of phase) to the one that confirms it and tells of it
    where     what parameters must satisfy: "period >= 2, fast < slow"
    choices   allowed values of parameters that are words
    like      the oracle of each output, `talib.RSI` (all its outputs in order), or one each
    sparse    outputs that may be NaN after the warm-up, because they wait for an event
    unit      price, price_change, percent, sigma, bars, event, volume; one for all outputs, or one each
    range     lowest and highest value of the main output
    pane covers source   for plots and the documentation; covers names the wishes served
    version   raise it when the numbers change though the code's text does not
    meets_holes   the kernel is called for rows with NaN in its inputs too, and says itself what follows
    """

    def declare(kernel: Callable[..., Any]) -> Feature:
        outputs, kept = tuple(gives.split()), Keep.several(keeps)
        inputs, params = _arguments(kernel, takes.split(), {*outputs, *(k.name for k in kept)}, choices or {})
        made = Feature(
            name=kernel.__name__, kernel=kernel, arguments=tuple(inspect.signature(kernel).parameters), inputs=inputs,
            outputs=outputs, keeps=kept, params=params, warmup=_each(Expression.several(warmup), outputs),
            lookback=Expression(lookback), settle=Expression(settle), lag=Expression(lag),
            where=Expression.several(where), like=tuple(like.split()), sparse=tuple(sparse.split()),
            unit=_each(tuple(unit.split()), outputs),
            range=range, pane=pane, covers=tuple(covers.split()), source=source, version=version,
            meets_holes=meets_holes,
        )  # fmt: skip
        _check(made)
        return made if registry is None else registry.add(made.name, made)

    return declare


def _each(given: tuple[Any, ...], outputs: tuple[str, ...]) -> tuple[Any, ...]:
    """One for every output: as given, or the only one given for all."""
    return given * len(outputs) if len(given) == 1 else given


def _arguments(
    kernel: Callable[..., Any], takes: list[str], told: set[str], choices: Mapping[str, tuple[str, ...]]
) -> tuple[dict[str, str | Spec], dict[str, Param]]:
    """The inputs and the parameters of a kernel: all its arguments that are not `told` to be something else."""
    inputs: dict[str, str | Spec] = {}
    params: dict[str, Param] = {}
    if tuple(inspect.signature(kernel).parameters)[:2] != ("lo", "hi"):
        raise ConfigError(f"feature {kernel.__name__}: the first arguments are lo, hi")
    for name, argument in inspect.signature(kernel).parameters.items():
        default = argument.default
        if name in ("lo", "hi") or name in told:
            continue
        if isinstance(default, Spec):
            inputs[name] = default
        elif default is not inspect.Parameter.empty:
            params[name] = Param(name, default, type(default), tuple(choices.get(name, ())))
        elif name in BASE_COLUMNS or name in takes:
            inputs[name] = "" if name in takes else name
        else:
            near = did_you_mean(name, [*BASE_COLUMNS, *told, *takes])
            raise ConfigError(
                f"feature {kernel.__name__}: {name!r} is no column, output, kept number or parameter: {near}"
            )
    for name in takes:
        if name not in inputs:
            raise ConfigError(f"feature {kernel.__name__}: {name!r} is declared but no argument of the kernel")
    return inputs, params


def _check(made: Feature) -> None:
    """A declaration that cannot be meant is refused when it is read, not when it trades."""

    def need(holds: bool, message: str) -> None:
        if not holds:
            raise ConfigError(f"feature {made.name}: {message}")

    for word in (*made.outputs, *(k.name for k in made.keeps)):
        need(word in made.arguments, f"{word!r} is declared but no argument of the kernel")
    for word in made.outputs:
        need(word != "feature" and not hasattr(Spec, word), f"{word!r} cannot name an output")
    for what, listed in (("warmup", made.warmup), ("unit", made.unit), ("like", made.like)):
        alone = what == "like" and len(listed) <= 1
        need(alone or len(listed) == len(made.outputs), f"{what} must be one for all outputs, or one for each")
    need(set(made.sparse) <= set(made.outputs), f"sparse names outputs: {', '.join(made.outputs)}")
    for param in made.params.values():
        need(param.kind in (int, float, bool, str), f"{param.name} must be a number, true or false, or a word")
        need(param.kind is not str or param.default in param.choices, f"choices must list what {param.name} can be")
    sizes = [k.size for k in made.keeps if k.size is not None]
    for expression in (*made.warmup, made.lookback, made.settle, made.lag, *made.where, *sizes):
        unknown = sorted(expression.names - set(made.params))
        need(not unknown, f"{expression} speaks of {', '.join(unknown)}: no parameter")


def check_return(made: Feature) -> None:
    """The kernel must end by returning its kept numbers in the order of `keeps`: a swap would be silent.

    Reads the source, so it is done when the kernel is needed, not when its file is read.
    """
    body = ast.parse(textwrap.dedent(inspect.getsource(made.kernel))).body[0]
    assert isinstance(body, ast.FunctionDef)
    returns = [node for node in ast.walk(body) if isinstance(node, ast.Return)]
    texts = [ast.unparse(node.value).strip("()") if node.value else "" for node in returns]
    wanted = ", ".join(k.name for k in made.keeps if k.size is None)
    if texts != ([wanted] if wanted else []) or (wanted and returns != [body.body[-1]]):
        raise ConfigError(f"feature {made.name}: it must end with: return {wanted or '(nothing)'}")


def _declared(module: str, name: str) -> Feature:
    """A feature by where it was declared: how it travels to another process."""
    found: Feature = getattr(importlib.import_module(module), name)
    return found
