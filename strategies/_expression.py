"""Numbers and conditions over features, as one text: `side * (close - sma(50)) / atr(14)`, `adx(14).adx > 25`."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.core.errors import ConfigError
from engine.features import load_all
from engine.features.spec import Spec
from engine.features.text import read_feature
from engine.rules.formula import FUNCTIONS, Formula, Unknown, read_formula

PRICES = ("open", "high", "low", "close", "spread")


@dataclass(frozen=True)
class Expression:
    """A text that has been read: the features it needs, by column, and the formula over them."""

    formula: Formula
    features: dict[str, Spec]
    given: tuple[str, ...]

    def reads(self, row: Any) -> dict[str, float]:
        """What it needs of a row."""
        return {name: getattr(row, name) for name in self.formula.names if name not in self.given}

    def kept(self) -> deque[dict[str, float]]:
        """Room for the bars it looks at, the last one the newest."""
        return deque(maxlen=self.formula.back + 1)

    def value(self, bars: Iterable[dict[str, float]], **given: float) -> float | bool | None:
        """A number, a truth, or None while it is not known."""
        try:
            found = self.formula([{**bar, **given} for bar in bars])
        except Unknown:
            return None
        return found if self.formula.logical or abs(found) < float("inf") else None


def read_expression(text: str, where: str, prefix: str, given: tuple[str, ...] = ()) -> Expression:
    """The expression of a text. `given` are names it may use that no row has; ConfigError starts with `where`.

    >>> found = read_expression("side * (close - sma(50)) / atr(14)", "score", "score", ("side",))
    >>> found.features["score_1"], found.formula.text
    (sma(period=50), 'side * (close - score_1) / score_2')
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError, AttributeError):
        raise ConfigError(f"{where}: {text!r} cannot be read: write it like (close - sma(50)) / atr(14)") from None
    finder = Finder(prefix)
    try:
        plain = ast.unparse(finder.visit(tree))
        return Expression(read_formula(plain, (*PRICES, *given, *finder.columns)), finder.columns, given)
    except ConfigError as error:
        told = str(error)
        for column, written in finder.written.items():
            told = told.replace(column, written)
        raise ConfigError(f"{where}: {told}") from None


class Finder(ast.NodeTransformer):
    """Puts a column's name in the place of each feature of a text."""

    def __init__(self, prefix: str) -> None:
        self.prefix, self.columns, self.written = prefix, dict[str, Spec](), dict[str, str]()
        self.known = load_all()

    def visit(self, node: ast.AST) -> Any:
        if not isinstance(node, ast.expr) or not self.named(node):
            return self.generic_visit(node)
        spec = read_feature(ast.unparse(node))
        spec = spec if len(spec.outputs) == 1 else spec.single()
        column = next((name for name, held in self.columns.items() if held == spec), "")
        if not column:
            column = f"{self.prefix}_{len(self.columns) + 1}"
            self.columns[column], self.written[column] = spec, ast.unparse(node)
        return ast.Name(column, ast.Load())

    def named(self, node: ast.expr) -> bool:
        """Is it a feature, one with parameters, one of its outputs, or `on` another frame?"""
        while isinstance(node, ast.Attribute | ast.Call):
            node = node.value if isinstance(node, ast.Attribute) else node.func
        return isinstance(node, ast.Name) and (node.id in self.known or node.id == "on") and node.id not in FUNCTIONS
