"""A calendar as it was known at a moment: which releases are due when, and what of them is out."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from engine.core.zones import SECOND
from engine.feeds.series import rows_of


class KnownRelease(msgspec.Struct, frozen=True, kw_only=True):
    """`due` is when it was to come out, ns UTC, as far as one knew; NaN where there was no figure yet."""

    label: str
    due: int
    impact: float = float("nan")
    """0 none, 1 low, 2 medium, 3 high."""
    forecast: float = float("nan")
    actual: float = float("nan")


def releases(
    name: str, ts: int, first: int | None = None, last: int | None = None, impact: int = 0, root: Path | None = None
) -> list[KnownRelease]:
    """The releases of the calendar `name` due in [first, last) as known at `ts` (ns UTC), of `impact` or more.

    A release that was put off is where it was put to, from the moment that was known. In order of time, then of label.
    NotFound when there is no such series.
    """
    rows = rows_of(name, root)
    known = np.where(np.array(rows.received) != 0, rows.received, rows.published)
    facts: dict[tuple[str, int], dict[str, float]] = {}
    for i in np.flatnonzero(known <= ts).tolist():
        facts.setdefault((rows.label[i], rows.event[i]), {})[rows.field[i]] = rows.value[i]
    found = [
        KnownRelease(
            label=label, due=int(seen["schedule"]) * SECOND,
            **{field: seen[field] for field in ("impact", "forecast", "actual") if field in seen},
        )
        for (label, _), seen in facts.items()
        if "schedule" in seen and seen.get("impact", 0.0) >= impact
    ]  # fmt: skip
    inside = [one for one in found if (first is None or one.due >= first) and (last is None or one.due < last)]
    return sorted(inside, key=lambda one: (one.due, one.label))
