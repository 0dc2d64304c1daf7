"""A bound feature: which one, with which parameters, on which inputs. Frozen, hashable, shared when equal."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engine.core.errors import ConfigError
from engine.core.registry import did_you_mean
from engine.core.table import BASE_COLUMNS, VALUES
from engine.features.expression import Expression
from engine.features.identity import digest

if TYPE_CHECKING:
    from engine.features.contract import Feature


SERIES = "series/"
"""What stands before the name of a series where a symbol could stand."""


class UnknownOutput(ConfigError, AttributeError):
    """`macd().sginal`: a user's mistake, and for Python an attribute that is not there."""


WRITTEN = {
    ("combine", "plus"): "{a} + {b}", ("combine", "minus"): "{a} - {b}", ("combine", "times"): "{a} * {b}",
    ("combine", "over"): "{a} / {b}", ("adjust", "plus"): "{a} + {n}", ("adjust", "from"): "{n} - {a}",
    ("adjust", "times"): "{a} * {n}", ("adjust", "over"): "{a} / {n}", ("adjust", "under"): "{n} / {a}",
}  # fmt: skip
"""What is calculated is shown as it is written, by feature and `how`."""


@dataclass(frozen=True)
class Spec:
    """`rsi(14)`; `macd().signal` is one output of several; `on("H1", rsi(14))` is computed on another frame.

    `feature` is None for a bare column of the bars, named by `output`. Numbers and features are added, subtracted,
    multiplied and divided like numbers: `rsi(14) - rsi(28)`, `2 * atr() / column("close")`.
    """

    feature: Feature | None
    params: tuple[tuple[str, Any], ...] = ()
    inputs: tuple[tuple[str, str | Spec], ...] = ()
    output: str = ""
    frame: str = ""
    symbol: str = ""
    live: bool = False

    def __getattr__(self, name: str) -> Spec:
        feature = self.__dict__.get("feature")
        if feature is None or name.startswith("_"):
            raise AttributeError(name)
        if name not in feature.outputs:
            raise UnknownOutput(f"{feature.name} has no output {name!r}: {did_you_mean(name, feature.outputs)}")
        return replace(self, output=name)

    def __repr__(self) -> str:
        """As one would write it.

        >>> from engine.features import column, sma
        >>> column("close") / sma(20) - 1
        (close / sma(period=20)) - 1
        """
        if self.feature is None:
            return self._placed(repr(self.output)) if self.abroad else self.output
        if self.is_written:
            given = {name: operand(source) for name, source in self.inputs}
            number = format(dict(self.params).get("number", 0.0), "g")
            text = WRITTEN[self.feature.name, dict(self.params)["how"]].format(**given, n=number)
            return self._placed(text.replace("+ -", "- "))
        changed = [(n, s) for n, s in self.inputs if s != self.feature.default(n, dict(self.params))]
        told = [(n, v) for n, v in self.params if not isinstance(v, str) or v != self.feature.params[n].default]
        text = show(self.feature.name, dict([*told, *changed])) + (f".{self.output}" if self.output else "")
        return self._placed(text)

    __str__ = __repr__

    @property
    def is_written(self) -> bool:
        """Is it a calculation of two?"""
        return self.feature is not None and (self.feature.name, dict(self.params).get("how")) in WRITTEN

    def _placed(self, text: str) -> str:
        if self.symbol.startswith(SERIES):
            return f"fact({self.symbol.removeprefix(SERIES)!r}, {text})"
        text = f"on({self.frame!r}, {text}{', live=True' * self.live})" if self.frame else text
        return f"of({self.symbol!r}, {text})" if self.symbol else text

    @property
    def abroad(self) -> bool:
        """Is it a column of another table: of another frame or symbol?"""
        return bool(self.frame or self.symbol)

    @property
    def provisional(self) -> bool:
        """Does it hang on a bar of a larger frame that is still forming?"""
        return self.live or any(s.provisional for _, s in self.inputs if isinstance(s, Spec))

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs meant: one if picked, else all of the feature."""
        if self.output:
            return (self.output,)
        assert self.feature is not None
        return self.feature.outputs

    @property
    def warmup(self) -> int:
        """Index of the first row that has all values; what another frame or symbol contributes is not counted."""
        if self.feature is None or self.abroad:
            return 0
        first = dict(zip(self.feature.outputs, self.feature.warmup, strict=True))
        own = max(int(first[o](dict(self.params))) for o in self.outputs)
        return own + max((s.warmup for _, s in self.inputs if isinstance(s, Spec)), default=0)

    @property
    def confirmed_after(self) -> int:
        """Bars from a thing to the one that tells of it; what another frame or symbol contributes is not counted."""
        if self.feature is None or self.abroad:
            return 0
        inner = max((s.confirmed_after for _, s in self.inputs if isinstance(s, Spec)), default=0)
        return int(self.feature.lag(dict(self.params))) + inner

    @property
    def identity(self) -> str:
        """Twelve hexadecimal digits over name, version, parameters, inputs and the compiled code's text."""
        inner = [(n, s if isinstance(s, str) else s.identity) for n, s in self.inputs]
        code = self.feature.identity if self.feature else ""
        place = [self.symbol] if self.symbol else []
        return digest(code, self.params, inner, self.output, self.frame, *place, *(["live"] * self.live))

    def single(self) -> Spec:
        """This spec as an input of another: exactly one output. Raises ConfigError when it is not clear which."""
        if self.output or self.feature is None:
            return self
        if len(self.feature.outputs) > 1:
            choice = ", ".join(f"{self}.{o}" for o in self.feature.outputs)
            raise ConfigError(f"{self} has several outputs: say which, {choice}")
        return replace(self, output=self.feature.outputs[0])

    def within(self, params: Mapping[str, Any]) -> Spec:
        """A default such as `atr(period="slow")` with the parameters of the feature that it serves."""
        if self.feature is None or not self.is_deferred:
            return self
        kinds = self.feature.params
        own = {n: Expression(v)(params) if kinds[n].is_deferred(v) else v for n, v in self.params}
        inputs = {n: s.within(params) if isinstance(s, Spec) else s
                  for n, s in self.inputs if s != self.feature.inputs.get(n)}  # fmt: skip
        made = self.feature(**own, **inputs)
        return replace(made, output=self.output, frame=self.frame, symbol=self.symbol, live=self.live)

    def reading(self, columns: Mapping[str, Any]) -> Spec:
        """The same, but wherever a column of the bar is read that `columns` names, what it says instead."""
        if not columns or self.abroad:
            return self
        inputs = ((n, s.reading(columns) if isinstance(s, Spec) else columns.get(s, s)) for n, s in self.inputs)
        return replace(self, inputs=tuple(inputs))

    @property
    def reads(self) -> frozenset[str]:
        """Columns of a bar that it and its inner features read on its own table."""
        if self.feature is None or self.abroad:
            return frozenset()
        inner = (s.reads if isinstance(s, Spec) else {s} for _, s in self.inputs)
        return frozenset(set().union(*inner))

    @property
    def is_deferred(self) -> bool:
        """Does it refer to somebody else's parameters? Then it can only be a default."""
        if self.feature is None:
            return False
        own = self.feature.inputs
        inner = (s for n, s in self.inputs if isinstance(s, Spec) and s != own.get(n))
        return any(self.feature.params[n].is_deferred(v) for n, v in self.params) or any(s.is_deferred for s in inner)

    def __add__(self, other: Any) -> Spec:
        return calculated("plus", self, other)

    def __radd__(self, other: Any) -> Spec:
        return calculated("plus", other, self)

    def __sub__(self, other: Any) -> Spec:
        return calculated("minus", self, other)

    def __rsub__(self, other: Any) -> Spec:
        return calculated("minus", other, self)

    def __mul__(self, other: Any) -> Spec:
        return calculated("times", self, other)

    def __rmul__(self, other: Any) -> Spec:
        return calculated("times", other, self)

    def __truediv__(self, other: Any) -> Spec:
        return calculated("over", self, other)

    def __rtruediv__(self, other: Any) -> Spec:
        return calculated("over", other, self)

    def __pow__(self, other: Any) -> Spec:
        return calculated("power", self, other)

    def __neg__(self) -> Spec:
        return calculated("times", self, -1.0)

    def __abs__(self) -> Spec:
        from engine.features.formulas import FUNCTIONS

        made: Spec = FUNCTIONS["abs"](self)
        return made


def calculated(how: str, a: Any, b: Any) -> Spec:
    """Two columns, or a column and a number, in one column. The kernels are loaded when somebody calculates."""
    from engine.features.formulas import calculate

    return calculate(how, a, b)


def column(name: str) -> Spec:
    """A column of the bars, to calculate with: `column("close") / sma(200)`. Raises ConfigError for another name.

    >>> column("high") - column("low")
    high - low
    """
    if name not in VALUES:
        raise ConfigError(f"there is no column {name!r} to calculate with: {did_you_mean(name, VALUES)}")
    return Spec(None, output=name)


def on(frame: str, source: Spec | Feature | str, live: bool = False) -> Spec:
    """A feature, or a base column, of another time frame, as of the last bar of that frame that has closed.

    With `live` it is that of the bar still forming, made of the rows so far, as if it closed with the row. It moves
    until that bar has closed: a provisional value, to which nothing is fitted (`Plan.provisional` names them).
    Raises ConfigError for what is on a frame already, and for an unknown column.

    >>> from engine.features import rsi
    >>> on("H1", rsi(14)), on("H1", rsi(14), live=True)
    (on('H1', rsi(period=14)), on('H1', rsi(period=14), live=True))
    """
    if live and isinstance(source, str) and source not in VALUES:
        raise ConfigError(f"on({frame!r}, {source!r}, live=True): {did_you_mean(source, VALUES)}")
    if isinstance(source, str):
        if source not in BASE_COLUMNS:
            raise ConfigError(f"on({frame!r}, {source!r}): {did_you_mean(source, BASE_COLUMNS)}")
        return Spec(None, output=source, frame=frame, live=live)
    spec = source if isinstance(source, Spec) else source()
    if spec.frame:
        raise ConfigError(f"{spec} is on a frame already")
    return replace(spec, frame=frame, live=live)


def of(symbol: str, source: Spec | Feature | str) -> Spec:
    """A feature, or a base column, of another symbol's bars, as of its last bar known at the moment of the row.

    Bars that end together are known together: at 10:15 the row of one symbol has the 10:15 bar of the other.
    Raises ConfigError for what is of a symbol already, and for an unknown column.

    >>> from engine.features import rsi
    >>> of("USDJPY", on("H1", rsi(14))), of("USDJPY", "close")
    (of('USDJPY', on('H1', rsi(period=14))), of('USDJPY', 'close'))
    """
    if isinstance(source, str):
        if source not in BASE_COLUMNS:
            raise ConfigError(f"of({symbol!r}, {source!r}): {did_you_mean(source, BASE_COLUMNS)}")
        source = Spec(None, output=source)
    spec = source if isinstance(source, Spec) else source()
    if spec.symbol:
        raise ConfigError(f"{spec} is of a symbol already")
    if spec.provisional:
        raise ConfigError(f"of({symbol!r}, {spec}): a forming bar is made of the row's own symbol; leave out live")
    if not symbol:
        raise ConfigError(f'of("", {spec}): name a symbol')
    return replace(spec, symbol=symbol)


def fact(series: str, column: str = "value") -> Spec:
    """A column of a slow outside series, as it was known when the bar ended: an index, a rate, a calendar.

    A plain series has `value` and `age`, a calendar and its figures what `engine.feeds.known.facts` lists.
    Raises ConfigError for a name that is none.

    >>> fact("cboe/VIX/close")
    fact('cboe/VIX/close', 'value')
    """
    if len(series.removeprefix(SERIES).split("/")) < 2:
        raise ConfigError(f"series {series!r}: write SOURCE/NAME, like cboe/VIX/close")
    return Spec(None, output=column, symbol=SERIES + series.removeprefix(SERIES))


def deferred(value: Any) -> bool:
    """Is it an expression of somebody else's parameters, such as `"slow"` or `"2 * period"`?"""
    return isinstance(value, str) and _has_names(value)


@functools.lru_cache(1_024)
def _has_names(text: str) -> bool:
    try:
        return any(isinstance(node, ast.Name) for node in ast.walk(ast.parse(text, mode="eval")))
    except SyntaxError:
        return False


def operand(source: str | Spec) -> str:
    """One side of a calculation, in brackets where it is one itself."""
    if isinstance(source, str):
        return source
    single = source.feature is not None and len(source.feature.outputs) == 1
    text = str(replace(source, output="") if single else source)
    return f"({text})" if source.is_written and not source.abroad else text


def show(name: str, values: Mapping[str, Any]) -> str:
    """`rsi(period=14)`"""
    return f"{name}({', '.join(f'{n}={v!r}' for n, v in values.items())})"
