"""Features as texts: `rsi(14)`, `bollinger(20, 2).upper`, `sma(20) / sma(100) - 1`, `H1.rsi(14)`, `USDJPY.close`.

The text is parsed as Python's grammar has it, and nothing but what is listed here is accepted; it is never evaluated.

    rsi(14)   macd(12, 26, 9).signal   sma(20, close="high")   sma(rsi(14), 9)     features
    open high low close volume spread                                             columns of the bars
    + - * / **number -x   rank(x, 100) delta(x, 5) lag(x, 3) mean std sum highest lowest (x, bars)
    abs(x) sign(x) log(x) log1p(x) exp(x) sqrt(x) min(a, b) max(a, b)              calculations
    group(rsi(7), rsi(14)).mean   hedged(rsi(14) - 50, macd().histogram, horizon=4)         several columns in one
    age("H1")                                                 minutes since the last closed bar of a frame ended
    on("H1", rsi(14), live=True)                                  of the hour that is still forming: provisional
    H1.rsi(14)   on("H1", rsi(14))   USDJPY.close   USDJPY.H1.rsi(14)   of("BTCUSDT@binance", rsi(14))   elsewhere
    fact("cboe/VIX/close")   news("forexfactory/calendar", least=3).minutes_to_next              slow series
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.core.errors import ConfigError
from engine.core.frames import FRAMES, parse_frame
from engine.core.registry import Registry, did_you_mean
from engine.core.table import VALUES
from engine.features.contract import Feature
from engine.features.formulas import FUNCTIONS, calculate, is_number
from engine.features.spec import Spec, column, of, on

LONGEST, DEEPEST = 500, 40
SIGNS: dict[type, tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("plus", operator.add), ast.Sub: ("minus", operator.sub), ast.Mult: ("times", operator.mul),
    ast.Div: ("over", operator.truediv), ast.Pow: ("power", operator.pow),
}  # fmt: skip
OUTSIDE = ("fact", "news", "release_impact")
"""Functions that name a slow series: `fact("cboe/VIX/close")`."""
PLACES: dict[str, Callable[..., Spec]] = {
    "on": lambda frame, x, live=False: on(parse_frame(frame), x, live), "of": of,
}  # fmt: skip


def read_feature(text: Any, values: Mapping[str, Any] = {}) -> Spec:
    """The feature that a text means; ConfigError with the nearest name otherwise. Nothing is evaluated.

    `values` stand for names in the text: `read_feature("rsi(period)", {"period": 14})`; each must be used.

    >>> read_feature("bollinger(20, 2).upper")
    bollinger(period=20, deviations=2.0).upper
    >>> read_feature("USDJPY.H1.rsi(14) - 50")
    of('USDJPY', on('H1', rsi(period=14))) - 50
    """
    if not isinstance(text, str) or not text.strip():
        raise ConfigError(f'{text!r} is no feature: write a text like "rsi(14)"')
    if len(text) > LONGEST:
        raise ConfigError(f"{text[:40]!r}... is longer than {LONGEST} characters: make several features of it")
    try:
        body = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ConfigError(f"{text!r} cannot be read: write it like rsi(14) or bollinger(20, 2).upper") from None
    from engine.features import load_all

    try:
        reader = Reader(text, load_all(), values)
        found = reader.value(body)
        if unused := sorted(set(values) - reader.used):
            raise reader.wrong(f"{unused[0]} is not in it")
        found = found() if isinstance(found, Feature) else found
        if isinstance(found, Spec) and found.feature is None and not found.abroad:
            found = calculate("plus", found, 0.0)  # a column under a name of its own
    except (ConfigError, AttributeError) as error:
        raise ConfigError(str(error) if repr(text) in str(error) else f"{text!r}: {error}") from None
    if not isinstance(found, Spec):
        raise ConfigError(f"{text!r} is no feature: write a text like rsi(14)")
    if found.is_deferred:
        raise ConfigError(f"{text!r}: every parameter must be a number here")
    return found


@dataclass
class Reader:
    """Walks the tree of one text; what it does not know it refuses."""

    text: str
    known: Registry[Feature]
    values: Mapping[str, Any] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    depth: int = 0

    def __post_init__(self) -> None:
        for name in self.values:
            if name in self.known or name in (*VALUES, *FUNCTIONS, *PLACES):
                raise self.wrong(f"{name!r} cannot name a parameter: it has a meaning of its own")

    def wrong(self, why: str) -> ConfigError:
        return ConfigError(f"{self.text!r}: {why}")

    def value(self, part: ast.expr) -> Any:
        """A number, a word, a column, a feature or one with its parameters."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong("is nested too deep: make several features of it")
        try:
            return self.part(part)
        finally:
            self.depth -= 1

    def part(self, part: ast.expr) -> Any:
        if isinstance(part, ast.Constant) and isinstance(part.value, (int, float, str)):
            return part.value
        if isinstance(part, ast.UnaryOp) and isinstance(part.op, (ast.USub, ast.UAdd)):
            inner = self.operand(part.operand)
            return inner if isinstance(part.op, ast.UAdd) else -inner
        if isinstance(part, ast.BinOp) and type(part.op) in SIGNS:
            return self.calculation(part)
        if place := self.place(part):
            return self.elsewhere(part, place)
        if isinstance(part, ast.Name):
            return self.name(part.id)
        if isinstance(part, ast.Attribute):
            return self.output(part)
        if isinstance(part, ast.Call) and not any(k.arg is None for k in part.keywords):
            return self.call(part)
        raise self.wrong(f"{ast.unparse(part)} is not part of a feature: write it like rsi(14)")

    def name(self, name: str) -> Any:
        if name in self.values:
            self.used.add(name)
            return self.values[name]
        if name in VALUES:
            return column(name)
        if name not in self.known:
            hint = did_you_mean(name, [*self.values, *self.known, *VALUES, *FUNCTIONS])
            raise self.wrong(f"unknown feature {name!r}: {hint}")
        return self.known.get(name)

    def operand(self, part: ast.expr) -> Any:
        """Something to calculate with."""
        found = self.value(part)
        found = found() if isinstance(found, Feature) else found
        if not isinstance(found, Spec) and not is_number(found):
            raise self.wrong(f"{ast.unparse(part)} is nothing to calculate with")
        return found

    def calculation(self, part: ast.BinOp) -> Any:
        word, work = SIGNS[type(part.op)]
        left, right = self.operand(part.left), self.operand(part.right)
        if isinstance(left, Spec) or isinstance(right, Spec):
            return calculate(word, left, right)
        try:
            found = float(work(float(left), float(right)))
        except (ArithmeticError, TypeError, ValueError):
            raise self.wrong(f"{ast.unparse(part)} is no number") from None
        return int(found) if found.is_integer() and isinstance(left, int) and isinstance(right, int) else found

    def place(self, part: ast.expr) -> str:
        """The frame or symbol that a chain of dots begins with, or nothing."""
        root: ast.expr = part
        while isinstance(root, (ast.Attribute, ast.Call)):
            root = root.value if isinstance(root, ast.Attribute) else root.func
        if not isinstance(root, ast.Name) or root is part or root.id in self.known or root.id in VALUES:
            return ""
        dotted = not isinstance(part, ast.Call) or not isinstance(part.func, ast.Name)
        return root.id if dotted and re.fullmatch(r"[A-Z][A-Z0-9_]*", root.id) else ""

    def elsewhere(self, part: ast.expr, place: str) -> Spec:
        """`H1.rsi(14)`: what follows the first dot, on another frame or of another symbol."""
        inner = self.operand(without(part, place))
        if not isinstance(inner, Spec):
            raise self.wrong(f"{place} is followed by a feature or a column: {place}.rsi(14)")
        return on(place, inner) if place in FRAMES else of(place, inner)

    def output(self, part: ast.Attribute) -> Spec:
        whole = self.value(part.value)
        whole = whole() if isinstance(whole, Feature) else whole
        if not isinstance(whole, Spec) or part.attr.startswith("_") or whole.feature is None:
            raise self.wrong(f"{ast.unparse(part)} is not part of a feature: write it like rsi(14)")
        if part.attr not in whole.feature.outputs:
            hint = did_you_mean(part.attr, whole.feature.outputs)
            raise self.wrong(f"{whole.feature.name} has no output {part.attr!r}: {hint}")
        made: Spec = getattr(whole, part.attr)
        return made

    def call(self, part: ast.Call) -> Any:
        """A feature with its parameters, a calculation, or `on` another frame, `of` another symbol."""
        given = [self.value(a) for a in part.args]
        named = {str(k.arg): self.value(k.value) for k in part.keywords}
        word = part.func.id if isinstance(part.func, ast.Name) else ""
        if word in PLACES:
            told = word == "on" and named.keys() == {"live"} and isinstance(named["live"], bool)
            if len(given) != 2 or (named and not told) or not isinstance(given[0], str) or is_number(given[1]):
                raise self.wrong('write on("H4", rsi(14))' if word == "on" else 'write of("USDJPY", rsi(14))')
            return PLACES[word](*given, **named)
        if word in OUTSIDE:
            import engine.features

            if not given or not isinstance(given[0], str):
                raise self.wrong(f'name a series: {word}("forexfactory/calendar")')
            try:
                return getattr(engine.features, word)(*given, **named)
            except TypeError:
                raise self.wrong(f"{ast.unparse(part)} has parameters that {word} does not take") from None
        if word in FUNCTIONS:
            try:
                return FUNCTIONS[word](*given, **named)
            except TypeError:
                raise self.wrong(f"{ast.unparse(part)}: {word} does not take these values") from None
        if word and word not in self.known:
            raise self.wrong(f"unknown feature {word!r}: {did_you_mean(word, [*self.known, *FUNCTIONS, *PLACES])}")
        feature = self.known.get(word) if word else self.value(part.func)
        if not isinstance(feature, Feature):
            raise self.wrong(f"{ast.unparse(part.func)} takes no parameters")
        return feature(*given, **named)


def without(part: ast.expr, place: str) -> ast.expr:
    """`H1.rsi(14).x` without its `H1`."""
    if isinstance(part, ast.Call):
        return ast.Call(without(part.func, place), part.args, part.keywords)
    assert isinstance(part, ast.Attribute)
    if isinstance(part.value, ast.Name) and part.value.id == place:
        return ast.Name(part.attr)
    return ast.Attribute(without(part.value, place), part.attr)
