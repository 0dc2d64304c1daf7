"""What makes two features the same: name, version, parameters, inputs, and the text of everything compiled."""

from __future__ import annotations

import functools
import hashlib
import inspect
import io
import textwrap
import tokenize
from collections.abc import Callable
from typing import Any

PASSED = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def digest(*parts: object) -> str:
    """Twelve hexadecimal digits over `parts`."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]


def kernel_text(kernel: Callable[..., Any]) -> str:
    """The code of a kernel, of every jitted helper it calls and of the constants they read, without comments."""
    found: dict[str, str] = {}
    _collect(kernel, found)
    return "\n".join(found[name] for name in sorted(found))


def _collect(function: Callable[..., Any], found: dict[str, str]) -> None:
    key = f"{function.__module__}.{function.__qualname__}"
    if key in found:
        return
    found[key] = own_text(function)
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        helper = getattr(value, "py_func", None)
        if helper is not None:
            _collect(helper, found)
        elif isinstance(value, (int, float, bool, str, tuple)):
            found[f"{key}.{name}"] = f"{name} = {value!r}"


@functools.cache
def own_text(function: Callable[..., Any]) -> str:
    return tokens(inspect.getsource(function))


def tokens(source: str) -> str:
    """A function's tokens from `def` on, without comments, docstring and layout."""
    words: list[str] = []
    fresh = False
    for token in tokenize.generate_tokens(io.StringIO(textwrap.dedent(source)).readline):
        if token.type == tokenize.STRING and fresh:
            continue
        if token.type not in PASSED:
            words.append(token.string)
        fresh = token.type in {tokenize.INDENT, tokenize.NEWLINE} or (fresh and token.type in PASSED)
    return " ".join(words[words.index("def") :])
