"""Estimates from what a broker did: shares, costs of a fill, latencies known only between two quotes."""

from __future__ import annotations

import math

import msgspec
import numpy as np

Z95 = 1.959963984540054
"""Standard normal quantile of 97.5 %."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """One figure, the range that holds it with 95 % probability (None: not known), and from how many observations."""

    name: str
    value: float
    unit: str = ""
    low: float | None = None
    high: float | None = None
    n: int = 0
    note: str = ""


def share(name: str, hits: int, n: int, note: str = "") -> Estimate:
    """A share of 1 with Wilson's interval (J. Am. Stat. Assoc. 22, 1927).

    >>> found = share("rejects", 5, 100)
    >>> found.value, round(found.low, 4), round(found.high, 4)
    (0.05, 0.0215, 0.1118)
    """
    value, z2 = hits / n, Z95**2
    middle, scale = (value + z2 / (2 * n)) / (1 + z2 / n), Z95 / (1 + z2 / n)
    half = scale * math.sqrt(value * (1 - value) / n + z2 / (4 * n * n))
    return Estimate(name=name, value=value, low=max(middle - half, 0.0), high=min(middle + half, 1.0), n=n, note=note)


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """What fills cost against the tape's quotes; `kind` is points, spread or samples.

    `spread` is the factor on the tape's spreads, `slip` points or a share of the spread actually paid, `samples` every
    slippage in points where neither explains them.
    """

    kind: str
    spread: Estimate
    slip: Estimate
    samples: np.ndarray


NOISE = 0.3
"""Points: what is left unexplained by more (standard deviation) is a distribution, not one figure."""


def costs(side: np.ndarray, away: np.ndarray, spread: np.ndarray) -> Costs:
    """Fit what fills cost: `away` is how far the price lies above the bid (points), `spread` the tape's (points).

    A sale at bid - away shows the slippage, a purchase spread and slippage, so both can be told apart. Two readings are
    tried, slippage of so many points and slippage of a share of the spread; the better one is taken.
    """
    buys = side > 0
    pays = np.where(buys, away, -away)
    n = len(side)
    fixed = np.column_stack([np.where(buys, spread, 0.0), np.ones(n)])
    shared = np.column_stack([np.where(buys, spread, 0.0), spread])
    fits = [solved(design, pays) for design in (fixed, shared)]
    steady = spread.std() < 1e-3 * max(spread.mean(), 1e-12)
    which = 0 if steady or fits[0][2] <= fits[1][2] * (1 + 1e-9) + 1e-12 else 1
    (factor, slip), errors, left = fits[which]
    factor, slip = float(factor), float(slip)
    between = Estimate(
        name="spread", value=factor, unit="times the tape's", low=factor - Z95 * float(errors[0]),
        high=factor + Z95 * float(errors[0]), n=n, note=f"{factor * spread.mean():.3g} points on average",
    )  # fmt: skip
    if math.sqrt(left / n) > NOISE:
        factor, slip = (float(one) for one in fits[0][0])
        errors = fits[0][1]
        found = np.round(pays - np.where(buys, factor * spread, 0.0), 2)
        told = quantity("slippage", slip, errors[1], "points", n, "differs from fill to fill")
        return Costs(kind="samples", spread=between, slip=told, samples=np.sort(found))
    if which == 0:
        told = quantity("slippage", slip, errors[1], "points", n)
        return Costs(kind="points", spread=between, slip=told, samples=np.zeros(0))
    told = quantity("slippage", slip / factor, errors[1] / factor, "of the spread", n)
    return Costs(kind="spread", spread=between, slip=told, samples=np.zeros(0))


def quantity(name: str, value: float, error: float, unit: str, n: int, note: str = "") -> Estimate:
    low, high = float(value - Z95 * error), float(value + Z95 * error)
    return Estimate(name=name, value=value, unit=unit, low=low, high=high, n=n, note=note)


def solved(design: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Least squares: coefficients, their standard errors, the sum of squares left over."""
    found, *_ = np.linalg.lstsq(design, values, rcond=None)
    left = float(((values - design @ found) ** 2).sum())
    spare = max(len(values) - design.shape[1], 1)
    covariance = np.linalg.pinv(design.T @ design) * left / spare
    return found, np.sqrt(np.diag(covariance).clip(0.0)), left


OUTLIERS = 0.02
"""Share of orders that may contradict one latency for all: quotes that the venue missed."""
erf = np.frompyfunc(math.erf, 1, 1)


def latency(low: np.ndarray, high: np.ndarray) -> tuple[str, Estimate, Estimate]:
    """Fit latencies known to lie in (low, high], in any one unit of time.

    Returns (`constant` or `lognormal`, median, sigma of the logarithm). One latency is enough where it explains nearly
    all orders; else a lognormal is fitted by maximum likelihood over the intervals.
    """
    low = np.maximum(low, 0.0)
    n, late = len(low), max(int(OUTLIERS * len(low)), 0)
    first = float(np.sort(low)[n - 1 - late // 2])
    last = float(np.sort(high)[late - late // 2])
    none = Estimate(name="sigma", value=0.0, n=n)
    if first < last:
        middle = 0.5 * (first + last)
        return "constant", Estimate(name="latency", value=middle, unit="ms", low=first, high=last, n=n), none
    middle = np.maximum(0.5 * (low + high), 1e-6)
    at = np.array([float(np.median(np.log(middle))), math.log(max(float(np.std(np.log(middle))), 0.05))])
    at = climbed(lambda point: likelihood(point, low, high), at)
    errors = spread_of(lambda point: likelihood(point, low, high), at)
    median, sigma = math.exp(at[0]), math.exp(at[1])
    told = Estimate(
        name="latency", value=median, unit="ms", low=median * math.exp(-Z95 * errors[0]),
        high=median * math.exp(Z95 * errors[0]), n=n, note="median",
    )  # fmt: skip
    return "lognormal", told, quantity("sigma", sigma, sigma * errors[1], "", n)


def likelihood(point: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """Log likelihood of a lognormal (mean of the logarithm, log of its sigma) given intervals."""
    sigma = math.exp(min(max(float(point[1]), -6.0), 2.0))
    with np.errstate(divide="ignore"):
        ends = [(np.log(np.maximum(edge, 0.0)) - point[0]) / (sigma * math.sqrt(2.0)) for edge in (low, high)]
    below, above = (0.5 * (1.0 + erf(end).astype(np.float64)) for end in ends)
    return float(np.log(np.maximum(above - below, 1e-12)).sum())


def climbed(value: object, at: np.ndarray) -> np.ndarray:
    """The top of a smooth hill in a few dimensions: a step along each axis, halved when none leads up."""
    assert callable(value)
    step, best = 0.5, value(at)
    while step > 1e-4:
        tries = [at + step * sign * axis for axis in np.eye(len(at)) for sign in (1.0, -1.0)]
        heights = [value(one) for one in tries]
        top = int(np.argmax(heights))
        if heights[top] > best:
            at, best = tries[top], heights[top]
        else:
            step /= 2.0
    return at


def spread_of(value: object, at: np.ndarray, step: float = 0.02) -> np.ndarray:
    """Standard error along each axis from the curvature at the top."""
    assert callable(value)
    top = value(at)
    bends = [(value(at + step * axis) + value(at - step * axis) - 2 * top) / step**2 for axis in np.eye(len(at))]
    return np.array([math.sqrt(-1.0 / bend) if bend < 0 else math.nan for bend in bends])
