"""Features as texts: `rsi(14)`, `bollinger(20, 2).upper`, `on("H4", ema(50))`, `sma(9, close=rsi(14))`."""

from __future__ import annotations

import ast
from typing import Any

from engine.core.errors import ConfigError
from engine.core.frames import parse_frame
from engine.core.registry import did_you_mean
from engine.features import load_all, on
from engine.features.contract import Feature
from engine.features.spec import Spec


def read_feature(text: Any) -> Spec:
    """The feature that a text names; ConfigError with the nearest name otherwise. Nothing is evaluated.

    >>> read_feature("bollinger(20, 2).upper")
    bollinger(period=20, deviations=2.0).upper
    """
    if not isinstance(text, str):
        raise ConfigError(f'{text!r} is no feature: write a text like "rsi(14)"')
    try:
        body = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ConfigError(f"{text!r} cannot be read: write it like rsi(14) or bollinger(20, 2).upper") from None
    try:
        found = value_of(body, text)
    except AttributeError as error:
        raise ConfigError(f"{text!r}: {error}") from None
    if isinstance(found, Feature):
        found = found()
    if not isinstance(found, Spec):
        raise ConfigError(f"{text!r} is no feature: write a text like rsi(14)")
    if found.is_deferred:
        raise ConfigError(f"{text!r}: every parameter must be a number here")
    return found


def value_of(part: ast.expr, text: str) -> Any:
    """A number, a word, a feature or one with its parameters."""
    if isinstance(part, ast.Constant) and isinstance(part.value, (int, float, str)):
        return part.value
    if isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.USub) and isinstance(part.operand, ast.Constant):
        inner = value_of(part.operand, text)
        if isinstance(inner, (int, float)):
            return -inner
    if isinstance(part, ast.Name):
        known = load_all()
        if part.id not in known:
            raise ConfigError(f"{text!r}: unknown feature {part.id!r}: {did_you_mean(part.id, known)}")
        return known.get(part.id)
    if isinstance(part, ast.Attribute):
        whole = value_of(part.value, text)
        if isinstance(whole, Feature):
            whole = whole()
        if isinstance(whole, Spec) and not part.attr.startswith("_") and whole.feature is not None:
            if part.attr not in whole.feature.outputs:
                hint = did_you_mean(part.attr, whole.feature.outputs)
                raise ConfigError(f"{text!r}: {whole.feature.name} has no output {part.attr!r}: {hint}")
            return getattr(whole, part.attr)
    if isinstance(part, ast.Call) and not any(k.arg is None for k in part.keywords):
        return called(part, text)
    raise ConfigError(f"{text!r}: {ast.unparse(part)} is not part of a feature: write it like rsi(14)")


def called(part: ast.Call, text: str) -> Any:
    """A feature with its parameters, or `on` another frame."""
    given = [value_of(a, text) for a in part.args]
    if isinstance(part.func, ast.Name) and part.func.id == "on":
        if len(given) != 2 or part.keywords or not isinstance(given[0], str):
            raise ConfigError(f'{text!r}: write on("H4", rsi(14))')
        try:
            return on(parse_frame(given[0]), given[1])
        except ConfigError as error:
            raise ConfigError(f"{text!r}: {error}") from None
    feature = value_of(part.func, text)
    if not isinstance(feature, Feature):
        raise ConfigError(f"{text!r}: {ast.unparse(part.func)} takes no parameters")
    try:
        return feature(*given, **{str(k.arg): value_of(k.value, text) for k in part.keywords})
    except ConfigError as error:
        raise ConfigError(f"{text!r}: {error}") from None
