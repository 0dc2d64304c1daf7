"""Numbers brought to one scale, by the past alone: rolling, exponential, since the start, or frozen after a fit."""

from __future__ import annotations

import math

import numpy as np

from engine.core.errors import ConfigError
from engine.core.registry import did_you_mean
from engine.features.contract import feature
from engine.features.spec import Spec
from engine.kernels.jit import jit
from engine.kernels.order import place_of, put_in, take_out


@feature(
    gives="zscore_ew", keeps="seen mean variance", warmup="1", where="decay > 0, decay < 1",
    settle="ceil(38 / (1 - decay))", unit="sigma", pane="below", covers="2.3.5 3.5.3", source="RiskMetrics 1996",
)  # fmt: skip
def zscore_ew(lo, hi, close, zscore_ew, seen, mean, variance, decay=0.97):
    """How many standard deviations the close lies from its exponential mean; both forget by `decay` a bar."""
    for i in range(lo, hi):
        step = close[i] - mean if seen > 0.0 else 0.0
        mean = mean + (1.0 - decay) * step if seen > 0.0 else close[i]
        variance = decay * (variance + (1.0 - decay) * step * step)
        sigma = math.sqrt(variance)
        zscore_ew[i] = np.nan
        if seen > 0.0:
            zscore_ew[i] = (close[i] - mean) / sigma if sigma > 0.0 else 0.0
        seen += 1.0
    return seen, mean, variance


@feature(
    gives="zscore_all", keeps="seen mean squares", warmup="1", settle="100000", unit="sigma", pane="below",
    covers="2.3.5 3.5.3", source="Welford, Technometrics 4, 1962, p. 419",
)  # fmt: skip
def zscore_all(lo, hi, close, zscore_all, seen, mean, squares):
    """How many standard deviations (sample) the close lies from the mean of everything so far."""
    for i in range(lo, hi):
        seen += 1.0
        step = close[i] - mean if seen > 1.0 else 0.0
        mean = mean + step / seen if seen > 1.0 else close[i]
        squares += step * (close[i] - mean)
        zscore_all[i] = np.nan
        if seen > 1.0:
            zscore_all[i] = (close[i] - mean) / math.sqrt(squares / (seen - 1.0)) if squares > 0.0 else 0.0
    return seen, mean, squares


@jit
def quantile(ordered, n, share):
    """The value below which `share` of n ordered numbers lie, linearly between two of them."""
    at = share * (n - 1)
    k = int(at)
    return ordered[k] + (ordered[min(k + 1, n - 1)] - ordered[k]) * (at - k)


@jit
def normal_quantile(p):
    """The standard normal number below which a share p lies: a rough start, then Newton's steps on erfc."""
    x = 2.0 * math.log(4.0 * p * (1.0 - p))
    x = math.copysign(math.sqrt(max(-x / 1.6, 0.0)), p - 0.5)
    for _ in range(8):
        density = math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
        x -= (0.5 * math.erfc(-x / math.sqrt(2.0)) - p) / density
    return x


@feature(
    gives="scale", keeps="seen ordered[period]", warmup="period - 1", lookback="period", where="period >= 3",
    choices={"style": ("robust", "tanh", "minmax", "rank", "gauss")}, unit="ratio", pane="below", covers="3.5.3",
    source="scikit-learn, RobustScaler, MinMaxScaler, QuantileTransformer, on a window that slides",
)  # fmt: skip
def scale(lo, hi, close, scale, seen, ordered, period=250, style="robust"):
    """Where the close lies among its last `period`, itself included, on a scale without units.

    `robust`: distance from the median in interquartile ranges; `tanh`: the same bent into -1 .. 1; `minmax`: 0 at the
    lowest, 1 at the highest; `rank`: the share of lower ones, equal ones counting half; `gauss`: that share as a
    normal number. Where all are equal it is 0, or 0.5.
    """
    for i in range(lo, hi):
        if seen >= period:
            take_out(ordered, period, close[i - period])
        put_in(ordered, int(min(seen, period - 1.0)), close[i])
        seen += 1.0
        scale[i] = np.nan
        if seen < period:
            continue
        if style <= 1:
            middle, width = quantile(ordered, period, 0.5), quantile(ordered, period, 0.75)
            width -= quantile(ordered, period, 0.25)
            scaled = (close[i] - middle) / width if width > 0.0 else 0.0
            scale[i] = math.tanh(scaled) if style == 1 else scaled
        elif style == 2:
            width = ordered[period - 1] - ordered[0]
            scale[i] = (close[i] - ordered[0]) / width if width > 0.0 else 0.5
        else:
            below = place_of(ordered, period, close[i])
            level = below
            while level < period and ordered[level] == close[i]:
                level += 1
            share = (below + level) / 2.0 / period
            scale[i] = share if style == 3 else normal_quantile(share)
    return seen


@feature(
    gives="winsor", keeps="seen ordered[period]", warmup="period - 1", lookback="period",
    where="period >= 3, percent >= 0, percent < 50", covers="3.5.3",
    source="Tukey, Annals of Mathematical Statistics 33, 1962",
)  # fmt: skip
def winsor(lo, hi, close, winsor, seen, ordered, period=250, percent=0.5):
    """The close, but no further out than the `percent` lowest and highest of its last `period`."""
    for i in range(lo, hi):
        if seen >= period:
            take_out(ordered, period, close[i - period])
        put_in(ordered, int(min(seen, period - 1.0)), close[i])
        seen += 1.0
        winsor[i] = np.nan
        if seen >= period:
            bottom = quantile(ordered, period, percent / 100.0)
            winsor[i] = min(max(close[i], bottom), quantile(ordered, period, 1.0 - percent / 100.0))
    return seen


@feature(gives="frozen", where="width > 0", covers="3.5.3", source="fitted by `fit`")
def frozen(lo, hi, close, frozen, center=0.0, width=1.0):
    """A scale fitted once and then left alone: (close - `center`) / `width`."""
    for i in range(lo, hi):
        frozen[i] = (close[i] - center) / width


FITS = {
    "zscore": lambda x: (np.mean(x), np.std(x)),
    "robust": lambda x: (np.median(x), np.subtract(*np.quantile(x, (0.75, 0.25)))),
    "minmax": lambda x: (np.min(x), np.ptp(x)),
}


def fit(values: np.ndarray, style: str = "zscore", source: str | Spec = "close") -> Spec:
    """`source` on a scale fitted to `values`, a past span of it (float64, NaN left out), and frozen.

    The two fitted numbers are parameters of the feature, so they are part of its identity and of every model's that
    uses it. Raises ConfigError for an unknown style, or when the values do not vary.

    >>> fit(np.array([1.0, 2.0, 3.0]), "minmax")
    frozen(center=1.0, width=2.0)
    """
    if style not in FITS:
        raise ConfigError(f"no fit {style!r}: {did_you_mean(style, FITS)}")
    if isinstance(source, Spec) and source.provisional:
        raise ConfigError(f"{source} is provisional: nothing is fitted to a bar that is still forming; leave out live")
    there = values[~np.isnan(values)]
    center, width = FITS[style](there) if len(there) else (0.0, 0.0)
    if not width > 0.0:
        raise ConfigError(f"{len(there)} values that do not vary give no scale")
    return frozen(center=float(center), width=float(width), close=source)
