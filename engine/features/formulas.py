"""Calculating with columns: `close / sma(200)`, `rank(x, 100)`, compiled down to ordinary features.

    from engine.features import column, lag, rank, rsi, sma, std
    rsi(14) - rsi(28)      column("close") / sma(200) - 1      rank(lag(rsi(14), 3), 100)      abs(x) / std(x, 20)

`x` is a feature, one output of a feature, or a column's name. Nothing here computes: each function says of which
features a column is made, so that what two formulas share is computed once, and batch and live have the same bits.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from typing import Any

from engine.core.errors import ConfigError
from engine.core.frames import parse_frame
from engine.features.arithmetic import adjust, combine, transform
from engine.features.contract import Feature
from engine.features.fused import group
from engine.features.rates import mom
from engine.features.scaling import scale
from engine.features.spec import Spec, on
from engine.features.timing import minute
from engine.features.trend import sma
from engine.features.volatility import donchian
from engine.features.weights import hedged
from engine.features.window import stddev, total

Source = Spec | Feature | str
TURNED = {"minus": "from", "over": "under"}
"""What a column does to a number, when it stands on the right."""


def calculate(how: str, a: Any, b: Any) -> Spec:
    """a `how` b: plus, minus, times, over, power, less, more; ConfigError unless one is a column and both can be."""
    for x in (a, b):
        if not isinstance(x, (Spec, Feature, str)) and not is_number(x):
            raise ConfigError(f"{x!r} is nothing to calculate with: a feature, column('close') or a number is")
    if is_number(b):
        return adjust(a, -float(b), "plus") if how == "minus" else adjust(a, float(b), how)
    if how == "power":
        raise ConfigError(f"{a} ** {b}: the power must be a number")
    if is_number(a):
        return adjust(b, float(a), TURNED.get(how, how))
    return combine(a, b, how)


def is_number(x: Any) -> bool:
    return isinstance(x, numbers.Real) and not isinstance(x, bool)


def rank(x: Source, period: int = 100) -> Spec:
    """Share of the last `period` values that are below this one, equals (itself too) counting half: 0 to 1."""
    return scale(period, "rank", close=x)


def delta(x: Source, bars: int = 1) -> Spec:
    """x less what it was `bars` bars ago."""
    return mom(bars, close=x)


def mean(x: Source, period: int = 20) -> Spec:
    """Mean of the last `period` values."""
    return sma(period, close=x)


def std(x: Source, period: int = 20) -> Spec:
    """Standard deviation (sample) of the last `period` values."""
    return stddev(period, math.sqrt(period / (period - 1.0)) if period > 1 else 1.0, close=x)


def summed(x: Source, period: int = 20) -> Spec:
    """Sum of the last `period` values."""
    return total(period, close=x)


def highest(x: Source, period: int = 20) -> Spec:
    """The highest of the last `period` values."""
    return donchian(period, high=x, low=x).upper


def lowest(x: Source, period: int = 20) -> Spec:
    """The lowest of the last `period` values."""
    return donchian(period, high=x, low=x).lower


def larger(a: Any, b: Any) -> Spec:
    """The larger of two columns, or of a column and a number, row by row."""
    return calculate("more", a, b)


def smaller(a: Any, b: Any) -> Spec:
    """The smaller of two columns, or of a column and a number, row by row."""
    return calculate("less", a, b)


def age(frame: str) -> Spec:
    """Minutes since the last closed bar of `frame` ended: how old what `on(frame, ...)` says is.

    >>> age("H1")
    minute() - on('H1', minute())
    """
    return minute() - on(parse_frame(frame), minute())


def sign(x: Source) -> Spec:
    """-1, 0 or 1."""
    return transform(x, "sign")


def log(x: Source) -> Spec:
    """Natural logarithm; NaN where x is not above 0."""
    return transform(x, "log")


def root(x: Source) -> Spec:
    """Square root; NaN below 0."""
    return transform(x, "root")


FUNCTIONS: dict[str, Callable[..., Spec]] = {
    "rank": rank, "delta": delta, "mean": mean, "std": std, "sum": summed, "highest": highest, "lowest": lowest,
    "max": larger, "min": smaller, "sign": sign, "log": log, "sqrt": root,
    "abs": lambda x: transform(x, "absolute"), "exp": lambda x: transform(x, "exp"),
    "log1p": lambda x: transform(x, "log1p"), "group": group, "hedged": hedged, "age": age,
}  # fmt: skip
"""How formulas written as text call them."""
