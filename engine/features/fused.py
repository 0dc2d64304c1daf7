"""Many columns of a row in one: their mean, sum, extremes and vote, how many are missing, a frozen score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from engine.core.errors import ConfigError
from engine.features.contract import Feature, feature
from engine.features.spec import Spec

MOST = 8


@feature(
    takes="a b c d e f g h", gives="mean sum min max vote missing score", sparse="mean sum min max vote score",
    meets_holes=True, where="count >= 1, count <= 8", unit="any", pane="below", covers="3.3.7",
)  # fmt: skip
def aggregate(
    lo, hi, a, b, c, d, e, f, g, h, mean, sum, min, max, vote, missing, score, count=8, base=0.0, load_a=0.125,
    load_b=0.125, load_c=0.125, load_d=0.125, load_e=0.125, load_f=0.125, load_g=0.125, load_h=0.125,
):  # fmt: skip
    """Up to eight columns in one: mean, sum, lowest, highest, vote (sign of the signs), how many are missing, score.

    Missing ones are left out, as pandas does; the score, `base` plus each column times its load, wants all of them.
    `group` gives fewer than eight columns, `principal` the loads of a past span. For more, aggregate aggregates.
    """
    for i in range(lo, hi):
        values = (a[i], b[i], c[i], d[i], e[i], f[i], g[i], h[i])
        loads = (load_a, load_b, load_c, load_d, load_e, load_f, load_g, load_h)
        known, total, least, most, votes, scored = 0, 0.0, np.inf, -np.inf, 0.0, base
        for k in range(count):
            x = values[k]
            scored += loads[k] * x
            if x == x:
                known, total, votes = known + 1, total + x, votes + np.sign(x)
                least, most = x if x < least else least, x if x > most else most
        missing[i] = count - known
        mean[i] = total / known if known else np.nan
        sum[i] = total if known else np.nan
        min[i] = least if known else np.nan
        max[i] = most if known else np.nan
        vote[i] = np.sign(votes) if known else np.nan
        score[i] = scored


def group(*columns: Spec | Feature | str, base: float = 0.0, loads: Sequence[float] = ()) -> Spec:
    """`aggregate` of one to eight columns: `group(rsi(7), rsi(14), rsi(28)).mean`. ConfigError for none or more.

    >>> from engine.features import rsi
    >>> group(rsi(7), rsi(14)).vote.outputs
    ('vote',)
    """
    if not 1 <= len(columns) <= MOST or len(loads) not in (0, len(columns)):
        raise ConfigError(f"a group has 1 to {MOST} columns, and a load for each or none: {len(columns)} columns")
    weights = loads or [1.0 / len(columns)] * len(columns)
    named = {f"load_{'abcdefgh'[k]}": float(w) for k, w in enumerate(weights)}
    rest = [columns[0]] * (MOST - len(columns))  # filled up, and not counted
    return aggregate(*columns, *rest, count=len(columns), base=float(base), **named)


def hits(row: Mapping[str, float]) -> dict[str, float]:
    """The columns of a row that say something: neither 0 nor NaN, of patterns those that are complete on this bar.

    >>> hits({"hammer": 100.0, "doji": 0.0, "engulfing": float("nan")})
    {'hammer': 100.0}
    """
    return {name: float(value) for name, value in row.items() if value == value and value != 0.0}


def principal(values: np.ndarray, *columns: Spec | Feature | str, component: int = 1) -> Spec:
    """A principal score of columns (the first), its loads fitted to `values`, a past span (rows, columns), and frozen.

    Of lags it embeds a window: with `past = [lag(log_return(), k) for k in range(1, 9)]` and their past values,
    `principal(values, *past, component=k)` for k from 1 to 8 are up to eight numbers that say how the window looks.

    Columns are scaled to deviation 1 first; rows with NaN are left out; the sign is such that the loads add up to no
    less than 0. The loads are parameters, so they are part of the feature's identity: another fit is another feature.
    ConfigError where nothing varies, and for a component that is not there.
    """
    if provisional := [one for one in columns if isinstance(one, Spec) and one.provisional]:
        raise ConfigError(f"{provisional[0]} is provisional: nothing is fitted to a bar that is still forming")
    there = values[~np.isnan(values).any(axis=1)]
    sigma = there.std(axis=0) if len(there) > 1 else np.zeros(values.shape[1])
    if values.shape[1] != len(columns) or not (sigma > 0.0).all():
        raise ConfigError(f"{len(there)} rows of {values.shape[1]} columns give no score of {len(columns)} columns")
    if not 1 <= component <= len(columns):
        raise ConfigError(f"{len(columns)} columns have components 1 to {len(columns)}: there is no {component}")
    scaled = (there - there.mean(axis=0)) / sigma
    first = np.linalg.eigh(scaled.T @ scaled)[1][:, -component]
    loads = (first if first.sum() >= 0.0 else -first) / sigma
    return group(*columns, base=-float(loads @ there.mean(axis=0)), loads=loads.tolist()).score
