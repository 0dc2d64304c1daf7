"""Small expressions over a feature's parameters: `2 * period - 1`, `max(fast, slow)`, `fast < slow`."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import Any

NEVER = 1_000_000_000
"""`settle="never"`: what adds up from the first bar on remembers for ever where it began."""
WORDS: dict[str, Any] = {
    "never": NEVER, "max": max, "min": min, "abs": abs, "int": int, "ceil": math.ceil, "floor": math.floor,
    "sqrt": math.sqrt,
}  # fmt: skip


class Expression:
    """An expression in a declaration, evaluated with the values of the parameters.

    >>> Expression("2 * period - 1")({"period": 14})
    27
    """

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        self._code = compile(self.text, "<declaration>", "eval")

    @classmethod
    def several(cls, text: str) -> tuple[Expression, ...]:
        """Expressions separated by commas.

        >>> Expression.several("period >= 2, max(a, b) > 1")
        (period >= 2, max(a, b) > 1)
        """
        if not text.strip():
            return ()
        body = ast.parse(f"({text},)", mode="eval").body
        assert isinstance(body, ast.Tuple)
        return tuple(cls(ast.unparse(part)) for part in body.elts)

    @property
    def names(self) -> set[str]:
        return set(self._code.co_names) - set(WORDS)

    def __call__(self, params: Mapping[str, Any]) -> Any:
        return eval(self._code, {"__builtins__": {}, **WORDS}, dict(params))

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__
