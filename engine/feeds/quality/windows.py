"""Rolling quality: how good the last hour and the last day were, at every full hour (catalogue row 22).

    score = 100 x (1 - 0.4 missing) (1 - 0.3 reject) (1 - 0.2 stale) (1 - 0.1 spike), each a share in [0, 1]

Counts of all windows come from sums over minutes; what is dear (quantiles, medians) is worked out for the worst alone.
"""

from __future__ import annotations

import msgspec
import numpy as np

from engine.core.clock import format_ts
from engine.core.frames import MINUTE
from engine.feeds.quality.flags import BITS, bits, counts_of
from engine.feeds.quality.week import Calendar, middle

REJECTED = bits(("missing", "nonpositive", "crossed", "inconsistent", "negative", "backward", "duplicate"))
STALE = bits(("frozen", "stale"))
SPIKED = bits(("spike", "wide"))
WEIGHTS = {"missing": 0.4, "reject": 0.3, "stale": 0.2, "spike": 0.1}
SPANS = {"1h": 60, "1d": 1440}
"""Minutes."""
EVERY = 60
WORST = 24


class Window(msgspec.Struct, kw_only=True):
    """The stretch that ends at `until`, UTC.

    parts        what is bad, as shares: missing of `expected`, the others of `rows`
    stale_s      s during which prices, or one side, stood still for too long
    rejects      rows that cannot be traded on, by flag
    spread_p50   of rows that were not rejected, in price; None where there is none
    skew_s       s: the median of received minus stamped; None where only one of them is recorded
    """

    until: str
    score: float
    parts: dict[str, float]
    rows: int
    expected: int
    seen: int
    stale_s: float
    duplicates: int
    rejects: dict[str, int]
    spikes: int
    spread_p50: float | None
    spread_p99: float | None
    skew_s: float | None


class Marked(msgspec.Struct):
    """Rows as the windows need them, in the order of the source: one entry each."""

    minute: np.ndarray
    """Minutes since 1970 of the time that the row is about."""
    flags: np.ndarray
    spread: np.ndarray
    """NaN where rejected or not recorded."""
    still: np.ndarray
    """s since the row before, of rows that are stale; else 0."""
    skew: np.ndarray
    """s, received minus stamped; empty where that is not recorded."""


def worst_windows(rows: Marked, calendar: Calendar, step: int, keep: int = WORST) -> dict[str, list[Window]]:
    """The worst windows within the data, by span (`1h`, `1d`), worst first; those without a blemish are left out.

    `step` is the length of a bar in ns, a minute for quotes; a window shorter than a bar says nothing and is not made.
    """
    first, last = int(rows.minute.min()), int(rows.minute.max())
    order = slice(None) if (np.diff(rows.minute) >= 0).all() else np.argsort(rows.minute, kind="stable")
    ordered = Marked(*(v[order] if len(v) else v for v in msgspec.structs.astuple(rows)))
    sums = totals(ordered, calendar, step, first, last)
    found = {}
    for name, span in SPANS.items():
        ends = np.arange(-(-(first + span) // EVERY) * EVERY, last + 2, EVERY)
        if span * MINUTE < step or not len(ends):
            continue
        counts = {what: total[ends - first] - total[ends - span - first] for what, total in sums.items()}
        shares, scores = scored(counts)
        bad = np.flatnonzero((scores < 100.0) & ((counts["expected"] > 0) | (counts["rows"] > 0)))
        chosen = bad[np.argsort(scores[bad], kind="stable")][:keep]
        found[name] = [window(ordered, counts, shares, scores, k, int(ends[k]), span) for k in chosen.tolist()]
    return found


def totals(rows: Marked, calendar: Calendar, step: int, first: int, last: int) -> dict[str, np.ndarray]:
    """Sums over the minutes before each, int64[minutes + 1]."""
    minutes = np.arange(first, last + 1)
    slots = minutes if step <= MINUTE else minutes[(minutes * MINUTE) % step == 0]
    due = np.zeros(len(minutes), bool)
    due[slots - first] = calendar.is_open(slots * MINUTE + middle(step))
    at = rows.minute.astype(np.int64) - first
    seen = np.zeros(len(minutes), bool)
    seen[at] = True
    seen &= due if step <= MINUTE else calendar.is_open(minutes * MINUTE + middle(step))
    marks = {"reject": REJECTED, "stale": STALE, "spike": SPIKED}
    counts = {name: np.bincount(at[(rows.flags & some) != 0], minlength=len(minutes)) for name, some in marks.items()}
    counts |= {"rows": np.bincount(at, minlength=len(minutes)), "seen": seen, "expected": due}
    return {name: np.r_[0, np.cumsum(values, dtype=np.int64)] for name, values in counts.items()}


def scored(counts: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The parts and the score of every window."""
    of = np.maximum(counts["rows"], 1)
    there = np.minimum(counts["seen"], counts["expected"]) / np.maximum(counts["expected"], 1)
    shares = {"missing": np.where(counts["expected"] > 0, 1.0 - there, 0.0)}
    shares |= {name: counts[name] / of for name in ("reject", "stale", "spike")}
    score = np.full(len(of), 100.0)
    for name, weight in WEIGHTS.items():
        score *= 1.0 - weight * shares[name]
    return shares, score


def window(
    rows: Marked, counts: dict[str, np.ndarray], shares: dict[str, np.ndarray], scores: np.ndarray, k: int, end: int,
    span: int,
) -> Window:  # fmt: skip
    lo, hi = np.searchsorted(rows.minute, [end - span, end])
    flags, spread, skew = rows.flags[lo:hi], rows.spread[lo:hi], rows.skew[lo:hi]
    spread = spread[np.isfinite(spread)]
    middle_, far = (float(v) for v in np.quantile(spread, [0.5, 0.99])) if len(spread) else (None, None)
    return Window(
        until=format_ts(end * MINUTE), score=float(scores[k]),
        parts={name: float(share[k]) for name, share in shares.items()}, rows=int(hi - lo),
        expected=int(counts["expected"][k]), seen=int(min(counts["seen"][k], counts["expected"][k])),
        stale_s=float(rows.still[lo:hi].sum()), duplicates=int(np.count_nonzero(flags & BITS["duplicate"])),
        rejects=counts_of(flags & np.uint32(REJECTED)), spikes=int(counts["spike"][k]), spread_p50=middle_,
        spread_p99=far, skew_s=float(np.median(skew)) if len(skew) else None,
    )  # fmt: skip


def row_of(one: Window) -> dict[str, str | float | int | None]:
    """A window as a line of a table."""
    rejects = ", ".join(f"{flag} {n:,}" for flag, n in one.rejects.items())
    return {
        "until": one.until, "score": one.score, "rows": one.rows, "seen": f"{one.seen:,} of {one.expected:,}",
        "rejects": rejects, "stale s": one.stale_s, "spikes": one.spikes, "spread p50": one.spread_p50,
        "spread p99": one.spread_p99, "skew s": one.skew_s,
    }  # fmt: skip
