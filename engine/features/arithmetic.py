"""Columns calculated with: sums and quotients of two, of one and a number, and simple functions of one."""

from __future__ import annotations

import math

import numpy as np

from engine.features.contract import feature


@feature(
    takes="a b", gives="combine", choices={"how": ("plus", "minus", "times", "over", "less", "more")}, sparse="combine",
    unit="any", pane="below", covers="3.5.1",
)  # fmt: skip
def combine(lo, hi, a, b, combine, how="plus"):
    """Two columns in one: a + b, a - b, a times b, a over b, the lesser or the greater of them.

    Written with signs: `rsi(14) - rsi(28)`. What is no finite number (a division by 0) is not known: NaN.
    """
    for i in range(lo, hi):
        x, y = a[i], b[i]
        if how == 0:
            value = x + y
        elif how == 1:
            value = x - y
        elif how == 2:
            value = x * y
        elif how == 3:
            value = x / y
        else:
            value = min(x, y) if how == 4 else max(x, y)
        combine[i] = value if math.isfinite(value) else np.nan


@feature(
    takes="a", gives="adjust", where="how != 'over' or number != 0", sparse="adjust", unit="any", pane="below",
    choices={"how": ("plus", "from", "times", "over", "under", "power", "less", "more")}, covers="3.5.1",
)  # fmt: skip
def adjust(lo, hi, a, adjust, number=1.0, how="plus"):
    """A column and a number: a + number, number - a, a times, a over, number over a, a to the power, lesser, greater.

    Written with signs: `100 - rsi(14)`. What is no finite number (a division by 0) is not known: NaN.
    """
    for i in range(lo, hi):
        x = a[i]
        if how == 0:
            value = x + number
        elif how == 1:
            value = number - x
        elif how == 2:
            value = x * number
        elif how == 3:
            value = x / number
        elif how == 4:
            value = number / x
        elif how == 5:
            value = x**number
        else:
            value = min(x, number) if how == 6 else max(x, number)
        adjust[i] = value if math.isfinite(value) else np.nan


@feature(
    takes="a", gives="transform", sparse="transform",
    choices={"how": ("absolute", "sign", "log", "exp", "root", "log1p")}, unit="any", pane="below", covers="3.5.1",
)  # fmt: skip
def transform(lo, hi, a, transform, how="absolute"):
    """A function of a column: its size, its sign (-1, 0, 1), natural logarithm, exponential, square root, log(1 + x).

    What is no finite number (the logarithm of 0, the root of -1) is not known: NaN.
    """
    for i in range(lo, hi):
        x = a[i]
        if how == 0:
            value = abs(x)
        elif how == 1:
            value = np.sign(x)
        elif how == 2:
            value = math.log(x) if x > 0.0 else np.nan
        elif how == 3:
            value = np.exp(x)
        elif how == 4:
            value = math.sqrt(x) if x >= 0.0 else np.nan
        else:
            value = math.log1p(x) if x > -1.0 else np.nan
        transform[i] = value if math.isfinite(value) else np.nan
