"""Short texts about the market: `rsi < 30`, `close > ema200 and hour >= 8`, `crosses_above(fast, slow)`.

The text is parsed as Python's grammar has it, and nothing but what is listed here is accepted: numbers, the names of
the rule file, + - * /, comparisons, and, or, not, and the functions below. It is never handed to `eval`. What is
unknown (a feature that has no value yet, a bar before the first) makes the whole text unknown: neither true nor false.

    ago(x, 3)               x three bars ago
    crosses_above(a, b)     a was not above b a bar ago, and is now; crosses_below the other way round
    rising(x, 3)            x rose on each of the last three bars; falling: fell
    abs(x)  min(a, b)  max(a, b)
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.core.errors import ConfigError
from engine.core.registry import did_you_mean

Values = Sequence[Mapping[str, float]]
"""What is known, bar by bar, the last one the newest: names to numbers."""
Node = Callable[[Values, int], Any]
"""A part of a formula: its value as of so many bars ago."""


class Unknown(Exception):
    """A value that is not there (yet)."""


ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip
COMPARISONS: dict[type, Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
SIMPLE: dict[str, Callable[..., float]] = {"abs": abs, "min": min, "max": max}
FUNCTIONS = {"abs": 1, "min": 2, "max": 2, "ago": 2, "crosses_above": 2, "crosses_below": 2, "rising": 2, "falling": 2}
"""How many values each takes."""
LONGEST, DEEPEST = 300, 40
FARTHEST = 1_000
"""Bars back that a formula may look."""


@dataclass(frozen=True)
class Formula:
    """A text that has been read: `formula(values)` is a number or a truth; raises `Unknown`."""

    text: str
    node: Node
    names: tuple[str, ...]
    back: int
    """Bars before the last one that it looks at."""
    logical: bool
    """Is it true or false, and not a number?"""

    def __call__(self, values: Values) -> Any:
        return self.node(values, 0)

    def shown(self, values: Values) -> str:
        """The names in it and what they are now: `rsi 34.2, close 1.0712`."""
        now = values[-1]
        told = (f"{name} {now[name]:.6g}" if now[name] == now[name] else f"{name} not known yet" for name in self.names)
        return ", ".join(told)


def read_formula(text: Any, names: Iterable[str]) -> Formula:
    """The formula of a text over these names; ConfigError says what cannot be meant, with the nearest name."""
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        text = repr(text)
    if not isinstance(text, str) or not text.strip():
        raise ConfigError(f'{text!r} is no rule: write a text like "rsi < 30"')
    if len(text) > LONGEST:
        raise ConfigError(f"{text[:40]!r}... is longer than {LONGEST} characters: make several rules of it")
    try:
        body = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ConfigError(
            f"{text!r} cannot be read: write it like rsi < 30, or close > average and hour >= 8"
        ) from None
    reader = Reader(text, tuple(names))
    node, logical = reader.read(body, 0)
    return Formula(text.strip(), node, tuple(dict.fromkeys(reader.used)), reader.back, logical)


class Reader:
    """Walks the tree of one text; what it does not know it refuses."""

    def __init__(self, text: str, names: tuple[str, ...]) -> None:
        self.text, self.known = text, names
        self.used: list[str] = []
        self.back = self.depth = 0

    def wrong(self, why: str) -> ConfigError:
        return ConfigError(f"{self.text!r}: {why}")

    def read(self, part: ast.expr, shift: int) -> tuple[Node, bool]:
        """A part as a function, and whether it is a truth; `shift` bars ago at the most."""
        self.back = max(self.back, shift)
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong("is nested too deep: make several rules of it")
        try:
            return self.part(part, shift)
        finally:
            self.depth -= 1

    def part(self, part: ast.expr, shift: int) -> tuple[Node, bool]:
        if isinstance(part, ast.Constant):
            return self.constant(part.value), False
        if isinstance(part, ast.Name):
            return self.name(part.id), False
        if isinstance(part, ast.UnaryOp):
            return self.unary(part, shift)
        if isinstance(part, ast.BinOp):
            return self.arithmetic(part, shift), False
        if isinstance(part, ast.Compare):
            return self.comparison(part, shift), True
        if isinstance(part, ast.BoolOp):
            return self.joined(part, shift), True
        if isinstance(part, ast.Call):
            return self.call(part, shift)
        raise self.wrong(
            f"{ast.unparse(part)} is no part of a rule: numbers, names, + - * /, comparisons, and, or, not"
        )

    def number(self, part: ast.expr, shift: int) -> Node:
        node, logical = self.read(part, shift)
        if logical:
            raise self.wrong(f"{ast.unparse(part)} is true or false, a number is wanted")
        return node

    def truth(self, part: ast.expr, shift: int) -> Node:
        node, logical = self.read(part, shift)
        if not logical:
            raise self.wrong(f"{ast.unparse(part)} is a number: compare it, like {ast.unparse(part)} > 0")
        return node

    def constant(self, value: Any) -> Node:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong(f"{value!r} is no number")
        number = float(value)
        return lambda values, ago: number

    def name(self, name: str) -> Node:
        if name not in self.known:
            hint = did_you_mean(name, (*self.known, *FUNCTIONS))
            raise self.wrong(f"unknown name {name!r}: {hint}")
        self.used.append(name)

        def value(values: Values, ago: int) -> float:
            if ago >= len(values):
                raise Unknown(name)
            found = values[-1 - ago][name]
            if found != found:
                raise Unknown(name)
            return found

        return value

    def unary(self, part: ast.UnaryOp, shift: int) -> tuple[Node, bool]:
        if isinstance(part.op, ast.Not):
            inner = self.truth(part.operand, shift)
            return (lambda values, ago: not inner(values, ago)), True
        if not isinstance(part.op, (ast.USub, ast.UAdd)):
            raise self.wrong(f"{ast.unparse(part)} is not part of a rule")
        number, sign = self.number(part.operand, shift), -1.0 if isinstance(part.op, ast.USub) else 1.0
        return (lambda values, ago: sign * number(values, ago)), False

    def arithmetic(self, part: ast.BinOp, shift: int) -> Node:
        if type(part.op) not in ARITHMETIC:
            raise self.wrong(f"{ast.unparse(part)}: + - * / are what there is")
        work = ARITHMETIC[type(part.op)]
        left, right = self.number(part.left, shift), self.number(part.right, shift)

        def value(values: Values, ago: int) -> float:
            try:
                return float(work(left(values, ago), right(values, ago)))
            except ZeroDivisionError:
                raise Unknown(self.text) from None

        return value

    def comparison(self, part: ast.Compare, shift: int) -> Node:
        if any(type(op) not in COMPARISONS for op in part.ops):
            raise self.wrong("compare with < <= > >= == or !=")
        tests = [COMPARISONS[type(op)] for op in part.ops]
        sides = [self.number(side, shift) for side in (part.left, *part.comparators)]

        def holds(values: Values, ago: int) -> bool:
            found = [side(values, ago) for side in sides]
            return all(test(a, b) for test, a, b in zip(tests, found, found[1:], strict=False))

        return holds

    def joined(self, part: ast.BoolOp, shift: int) -> Node:
        parts, every = [self.truth(p, shift) for p in part.values], isinstance(part.op, ast.And)

        def holds(values: Values, ago: int) -> bool:
            found = [p(values, ago) for p in parts]
            return all(found) if every else any(found)

        return holds

    def call(self, part: ast.Call, shift: int) -> tuple[Node, bool]:
        name = part.func.id if isinstance(part.func, ast.Name) else ast.unparse(part.func)
        if name not in FUNCTIONS:
            told = " (features are named under [features], and used by that name)" if name not in self.known else ""
            raise self.wrong(f"unknown function {name!r}: {did_you_mean(name, FUNCTIONS)}{told}")
        if part.keywords or len(part.args) != FUNCTIONS[name]:
            raise self.wrong(f"{name} takes {FUNCTIONS[name]} value{'s' * (FUNCTIONS[name] > 1)}")
        if name in SIMPLE:
            work, given = SIMPLE[name], [self.number(a, shift) for a in part.args]
            return (lambda values, ago: float(work(*(g(values, ago) for g in given)))), False
        if name.startswith("crosses"):
            sign = 1.0 if name == "crosses_above" else -1.0
            a, b = (self.number(p, shift + 1) for p in part.args)
            return (
                lambda v, ago: sign * (a(v, ago) - b(v, ago)) > 0.0 >= sign * (a(v, ago + 1) - b(v, ago + 1)),
                True,
            )
        bars = self.bars(name, part.args[1])
        inner = self.number(part.args[0], shift + bars)
        if name == "ago":
            return (lambda values, ago: inner(values, ago + bars)), False
        sign = 1.0 if name == "rising" else -1.0

        def moves(values: Values, ago: int) -> bool:
            found = [inner(values, ago + k) for k in range(bars, -1, -1)]
            return all(sign * (now - before) > 0.0 for before, now in zip(found, found[1:], strict=False))

        return moves, True

    def bars(self, name: str, part: ast.expr) -> int:
        """A whole number of bars, written out."""
        value = part.value if isinstance(part, ast.Constant) else None
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= FARTHEST:
            raise self.wrong(f"{name}: the second value is a number of bars from 1 to {FARTHEST}")
        return value
