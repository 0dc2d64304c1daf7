"""Is the source's clock right? Its stamps against ours: how far off, how fast it drifts, and when it jumped.

What we see is the difference of two clocks plus the time a message travels, which is never below nothing and now and
then long. So stretches of rows stand for themselves by their median, and a line is laid through these by the median of
all slopes (Theil 1950, Sen 1968): up to a quarter of bad stamps moves neither much. A jump (the source set its clock,
or daylight saving) is found first and cut out of the line.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from engine.core.errors import DataError
from engine.core.zones import SECOND

BLOCKS = 64
LEAST = 16
"""Rows that say something about a drift."""
HALF_HOUR = 1800 * SECOND
CLOSE = 60 * SECOND


class Jump(msgspec.Struct, frozen=True, kw_only=True):
    """The source's clock was set: from about `ts` (ns UTC, ours) on it is `seconds` further ahead."""

    ts: int
    seconds: float


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """The source's clock against ours.

    behind   s at the last row: received minus stamped, so the way a message takes is in it
    ppm      how much further behind per million: 1 is 86 ms a day
    noise    s: half of the rows lie closer than this to the line
    """

    rows: int
    behind: float
    ppm: float
    noise: float
    jumps: list[Jump]


def drift_of(stamped: object, received: object) -> Drift:
    """The drift of rows in the order we had them; both int64 ns UTC. DataError for fewer than 16 rows.

    >>> ours = np.arange(100) * 60 * SECOND
    >>> drift_of(ours * (1 - 2e-6) - SECOND // 4, ours).ppm.__round__(3)
    2.0
    """
    theirs, ours = np.asarray(stamped).astype(np.int64), np.asarray(received, np.int64)
    if len(theirs) != len(ours) or len(ours) < LEAST:
        raise DataError(f"a drift needs {LEAST} rows and more, each with both stamps: there are {len(ours)}")
    seconds, behind = (ours - ours[0]) / SECOND, (ours - theirs) / SECOND
    parts = np.array_split(np.arange(len(ours)), min(BLOCKS, len(ours) // 4))
    x, y = (np.array([np.median(v[part]) for part in parts]) for v in (seconds, behind))
    cuts = jumps(x, y)
    level = np.zeros(len(x))
    for cut in cuts:
        level[cut:] += np.median(y[cut : cut + 3]) - np.median(y[max(cut - 3, 0) : cut])
    slope = slope_of(x, y - level)
    whole = np.repeat(level, [len(part) for part in parts])
    rest = behind - whole - slope * seconds
    start = float(np.median(rest))
    found = [
        Jump(ts=int(ours[parts[cut][0]]), seconds=float(level[cut - 1] - level[cut])) for cut in cuts
    ]  # fmt: skip
    return Drift(
        rows=len(ours), behind=float(start + level[-1] + slope * seconds[-1]), ppm=slope * 1e6,
        noise=float(np.median(np.abs(rest - start))), jumps=found,
    )  # fmt: skip


def jumps(x: np.ndarray, y: np.ndarray) -> list[int]:
    """Where the medians step: by more than 8 times the usual step and a quarter of a second, and stay there."""
    steps = np.diff(y)
    usual = np.median(np.abs(steps - np.median(steps)))
    found: list[int] = []
    for at in (np.flatnonzero(np.abs(steps) > max(8 * usual, 0.25)) + 1).tolist():
        before, after = y[max(at - 3, 0) : at], y[at : at + 3]
        if abs(np.median(after) - np.median(before)) > max(8 * usual, 0.25) and (not found or at - found[-1] > 2):
            found.append(at)
    return found


def slope_of(x: np.ndarray, y: np.ndarray) -> float:
    """The median of the slopes between all pairs of points."""
    low, high = np.triu_indices(len(x), 1)
    run = x[high] - x[low]
    return float(np.median((y[high] - y[low])[run > 0] / run[run > 0])) if (run > 0).any() else 0.0


def server_offset(stamped: Sequence[int], received: Sequence[int]) -> int | None:
    """A server's offset from UTC in ns, as two fresh ticks show it; None where they do not.

    MT5 stamps are the server's wall time written as if it were UTC: the offset is the difference to the half hour. Two
    ticks in a row must agree and lie within a minute of it: a stale tick (weekend, illiquid symbol) tells nothing.
    """
    apart = np.asarray(stamped, np.int64) - np.asarray(received, np.int64)
    near = (np.round(apart / HALF_HOUR) * HALF_HOUR).astype(np.int64)
    fresh = np.abs(apart - near) < CLOSE
    agreed = np.flatnonzero(fresh[1:] & fresh[:-1] & (near[1:] == near[:-1]))
    return int(near[1:][agreed[-1]]) if len(agreed) else None
