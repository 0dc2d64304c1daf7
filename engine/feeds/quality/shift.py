"""Has a distribution changed? PSI, Kolmogorov-Smirnov, Wasserstein-1 and Page-Hinkley; see catalogue row 21.

PSI       sum (q - p) ln(q / p) over ten bins at the reference's deciles, shares floored at 1e-4     Siddiqi 2006
KS        D, the largest distance of two empirical distribution functions, and its two-sided p: exact by counting
          lattice paths (Hodges 1957) while n x m <= 10^7, else Kolmogorov's limit
W1        the area between the two distribution functions, in the unit of the values
PH        Page 1954, as forgetting sums both ways: delta 0.005, threshold 50, alpha 0.9999
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from engine.kernels.jit import jit

WATCH, ACT = 0.1, 0.25
"""PSI above which to watch and to act, the usual rule of thumb."""
PATHS = 10_000_000
ENOUGH = 100_000


class Shift(msgspec.Struct, kw_only=True):
    """A sample against its baseline."""

    psi: float
    ks: float
    p: float
    w1: float
    page_hinkley: int | None
    """The first value at which Page-Hinkley finds another mean, in units of the baseline's deviation."""
    verdict: str


def shift(reference: np.ndarray, current: np.ndarray) -> Shift:
    """Compare finite samples; ValueError where one of them is empty."""
    if not len(reference) or not len(current):
        raise ValueError("both samples need values")
    a, b = np.sort(reference), np.sort(current)
    d = ks_distance(a, b)
    found = psi(a, b)
    deviation = float(a.std()) or 1.0
    moved = int(page_hinkley((np.r_[reference[-ENOUGH:], current] - a.mean()) / deviation))
    before = len(reference[-ENOUGH:])
    return Shift(
        psi=found, ks=d, p=ks_p(d, len(a), len(b)), w1=wasserstein(a, b),
        page_hinkley=moved - before if moved >= before else None,
        verdict="changed" if found >= ACT else "watch" if found >= WATCH else "same",
    )  # fmt: skip


def psi(reference: np.ndarray, current: np.ndarray, bins: int = 10, floor: float = 1e-4) -> float:
    """Population stability index; both sorted. A bin of the reference holds values up to and including its upper edge.

    >>> x = np.arange(1000.0)
    >>> psi(x, x)
    0.0
    """
    edges = np.unique(np.quantile(reference, np.arange(1, bins) / bins))
    shares = []
    for values in (reference, current):
        upto = np.searchsorted(values, edges, side="right")
        shares.append(np.maximum(np.diff(np.r_[0, upto, len(values)]) / len(values), floor))
    p, q = shares
    return float(((q - p) * np.log(q / p)).sum())


def ks_distance(a: np.ndarray, b: np.ndarray) -> float:
    """D of two sorted samples."""
    both = np.concatenate([a, b])
    return float(np.abs(share_upto(a, both) - share_upto(b, both)).max())


def share_upto(ordered: np.ndarray, at: np.ndarray) -> np.ndarray:
    return np.searchsorted(ordered, at, side="right") / len(ordered)


def ks_p(d: float, n: int, m: int) -> float:
    """The two-sided p of a distance D between samples of n and m values."""
    if n * m <= PATHS:
        return float(min(max(outside(n, m, round(d * math.lcm(n, m)), math.lcm(n, m)), 0.0), 1.0))
    x = math.sqrt(n * m / (n + m)) * d
    total = sum((-1) ** (k - 1) * math.exp(-2 * k * k * x * x) for k in range(1, 101))
    return min(max(2 * total, 0.0), 1.0) if x > 0.2 else 1.0


@jit
def outside(n, m, h, common):
    """Share of lattice paths from (0, 0) to (n, m) that ever stray h / common from the diagonal."""
    row = np.zeros(m + 1)
    for i in range(n + 1):
        for j in range(m + 1):
            if abs(i * (common // n) - j * (common // m)) >= h:
                row[j] = 1.0
            elif i == 0 and j == 0:
                row[j] = 0.0
            elif i == 0:
                row[j] = row[j - 1]
            elif j > 0:
                row[j] = (row[j] * i + row[j - 1] * j) / (i + j)
    return row[m]


def wasserstein(a: np.ndarray, b: np.ndarray) -> float:
    """Wasserstein-1 of two sorted samples."""
    both = np.sort(np.concatenate([a, b]))
    return float((np.abs(share_upto(a, both[:-1]) - share_upto(b, both[:-1])) * np.diff(both)).sum())


@jit
def page_hinkley(x, delta=0.005, threshold=50.0, alpha=0.9999, least=30):
    """Index of the first value at which the mean is said to have changed, in either direction; -1 where never."""
    mean = up = down = lowest = highest = 0.0
    for i in range(x.size):
        mean += (x[i] - mean) / (i + 1)
        up = alpha * up + (x[i] - mean - delta)
        down = alpha * down + (x[i] - mean + delta)
        lowest, highest = min(lowest, up), max(highest, down)
        if i + 1 >= least and (up - lowest > threshold or highest - down > threshold):
            return i
    return -1
