"""From a sentence about the last bars to a feature: `body < usual and lower > body and upper < tiny`.

A number at the end of a word is bars ago: `c1` is the close of the bar before, `c` this bar's. `WORDS` says what
each word is. What counts as large is measured on the bars before the one meant: `usual` and `wick` are the mean
body and the mean shadow of 10 bars, `tiny` is a tenth of their mean range; `near`, `far` and `equal` are 0.2, 0.6
and 0.05 of the mean range of 5.

The kernel written for a sentence computes each word once and joins the conditions without branches, which is three
times as quick as TA-Lib's way: the compiler takes several bars at a time.
"""

from __future__ import annotations

import ast
import linecache
import re

import numpy as np

from engine.core.errors import ConfigError
from engine.core.registry import did_you_mean
from engine.features.contract import Feature, feature
from engine.features.spec import Spec

WORDS = {
    "o": "open[i]", "h": "high[i]", "l": "low[i]", "c": "close[i]", "reach": "h - l", "body": "abs(c - o)",
    "top": "max(o, c)", "bottom": "min(o, c)", "upper": "h - top", "lower": "bottom - l",
    "white": "c >= o", "black": "c < o", "side": "1.0 if white else -1.0",
    "usual": "bodies[i]", "wick": "shadows[i]", "tiny": "0.1 * ranges[i]",
    "near": "0.2 * lately[i]", "far": "0.6 * lately[i]", "equal": "0.05 * lately[i]",
}  # fmt: skip
"""Every word about a bar, in columns or in other words."""
PRICES = ("open", "high", "low", "close")
SIZES = ("bodies", "shadows", "ranges", "lately")


class _NoBranches(ast.NodeTransformer):
    """`a < b < c and d or e` as `(a < b) & (b < c) & d | e`."""

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        sides = [node.left, *node.comparators]
        pairs = [ast.Compare(a, [op], [b]) for a, op, b in zip(sides, node.ops, sides[1:], strict=False)]
        joined: ast.expr = pairs[0]
        for pair in pairs[1:]:
            joined = ast.BinOp(joined, ast.BitAnd(), pair)
        return joined

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        joined = node.values[0]
        for value in node.values[1:]:
            joined = ast.BinOp(joined, ast.BitAnd() if isinstance(node.op, ast.And) else ast.BitOr(), value)
        return joined


def words_of(name: str, text: str, params: dict[str, float]) -> dict[str, str]:
    """What the words of `text` are, by name, each after those it is made of; ConfigError for an unknown one."""
    found: dict[str, str] = {}

    def define(word: str, back: str) -> None:
        if word not in WORDS:
            raise ConfigError(f"feature {name}: {word!r} is no word about a bar: {did_you_mean(word, WORDS)}")
        if word + back in found:
            return
        for inner in re.findall("[a-z]+", WORDS[word]):
            if inner in WORDS:
                define(inner, back)
        said = re.sub(r"\b[a-z]+\b", lambda m: m[0] + back if m[0] in WORDS else m[0], WORDS[word])
        found[word + back] = said.replace("[i]", f"[i - {back}]" if back else "[i]")

    for node in ast.walk(ast.parse(text, mode="eval")):
        if isinstance(node, ast.Name) and node.id not in (*params, "abs"):
            part = re.fullmatch(r"([a-z]+)(\d*)", node.id)
            define(*(part.groups() if part else (node.id, "")))
    return found


def kernel_text(name: str, sentence: str, value: str, first: int, params: dict[str, float]) -> tuple[str, int]:
    """The kernel that writes `value` where the sentence is true, and how many rows back it looks."""
    sentence, value = " ".join(sentence.split()), " ".join(value.split())
    made = ast.unparse(ast.fix_missing_locations(_NoBranches().visit(ast.parse(sentence, mode="eval"))))
    words = words_of(name, f"({value}, {sentence})", params)
    depth = max(int(re.sub(r"\D", "", word) or 0) for word in words)
    first = max(first, depth)
    read = set(re.findall(r"(\w+)\[", " ".join(words.values())))
    prices = [c for c in PRICES if c in read]
    given = [f"{c}=sizes.{c}" for c in SIZES if c in read] + [f"{n}={v}" for n, v in params.items()]
    lines = [f"def {name}({', '.join(['lo', 'hi', *prices, name, *(['seen'] if first else []), *given])}):"]
    if first:
        lines += [f"    start = min(hi, lo + int(max({first}.0 - seen, 0.0)))", "    for i in range(lo, start):",
                  f"        {name}[i] = np.nan"]  # fmt: skip
    lines += [f"    for i in range({'start' if first else 'lo'}, hi):"]
    lines += [f"        {word} = {said}" for word, said in words.items()]
    lines += [f"        {name}[i] = float({value}) if {made} else 0.0"]
    lines += ["    seen += hi - lo", "    return seen"] if first else []
    return "\n".join(lines) + "\n", depth


def condition(
    name: str, about: str, sentence: str, value: str, *, sizes: Spec, first: int = 0,
    params: dict[str, float] | None = None, module: str, **declared: str,
) -> Feature:  # fmt: skip
    """The feature `name`: `value` on a bar for which the sentence is true, else 0.

    about     its documentation's first sentence
    sizes     the feature that says what is usual: outputs bodies, shadows, ranges, lately
    first     bars before the first value, where more are wanted than the sentence looks back
    params    parameters that the sentence may use, with their defaults
    module    where the feature will be found under its name
    declared  what else `feature` takes: like, source
    Raises ConfigError for a word that is not known.
    """
    text, depth = kernel_text(name, sentence, value, first, params or {})
    file = f"<{module}.{name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    space = {"__name__": module, "np": np, "sizes": sizes}
    exec(compile(text, file, "exec"), space)
    kernel = space[name]
    kernel.__doc__ = about
    return feature(
        gives=name, keeps="seen" if max(first, depth) else "", warmup=str(max(first, depth)), lookback=str(depth),
        where=", ".join(f"{p} >= 0" for p in params or {}), unit="event", range=(-100.0, 100.0), pane="below",
        **declared,  # type: ignore[arg-type]
    )(kernel)  # fmt: skip
