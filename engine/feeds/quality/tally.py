"""Adds up what a validator finds: counts, first occurrences, missing time, shifted weeks, the grade."""

from __future__ import annotations

import msgspec
import numpy as np

from engine.core.clock import format_ts
from engine.core.frames import MINUTE
from engine.core.zones import DAY
from engine.feeds.checks import priced
from engine.feeds.lineage import Columns, Lineage, size
from engine.feeds.quality.flags import BITS, FLAGS, Limits
from engine.feeds.quality.grades import grade_of, worst
from engine.feeds.quality.validator import Validator, Verdict
from engine.feeds.quality.week import Calendar, open_between

SHOWN = 3
"""First occurrences that are kept of each flag."""
STRETCH = 30 * DAY


class Finding(msgspec.Struct, kw_only=True):
    """One flag: rows that carry it, in how many stretches, and the first of them."""

    flag: str
    rows: int = 0
    share: float = 0.0
    """Of rows; of `gap`: of open time."""
    stretches: int = 0
    grade: str = "A"
    first: list[str] = []


class Checked(msgspec.Struct, kw_only=True):
    """What a check found; `log` holds every flagged row; rows are counted from 1."""

    name: str
    grade: str
    rows: int
    flagged: int
    first: str
    last: str
    missing: int
    """Open minutes without quotes, or bars that are not there, in gaps."""
    expected: int
    findings: list[Finding]
    weeks: list[str]
    notes: list[str]
    method: str
    calendar: str
    unit: str
    """Of what is missing: bars, or open minutes."""
    identity: str = ""
    log: str = ""

    def count(self, flag: str) -> int:
        """Rows that carry a flag."""
        return next((found.rows for found in self.findings if found.flag == flag), 0)


class Tally:
    """`add` every block and its verdict in order, then `finish`."""

    def __init__(self, name: str, validator: Validator, span: tuple[int | None, int | None] = (None, None)) -> None:
        """`span` is what should be there, where that is known: what lacks at its ends counts as missing."""
        self.name, self.validator, self.span = name, validator, span
        self.found = {flag: Finding(flag=flag) for flag in FLAGS}
        self.rows = self.flagged = self.missing = self.before = 0
        self.first = self.last = 0

    def add(self, columns: Columns, verdict: Verdict) -> None:
        n = size(columns)
        if not n:
            return
        key, flags = columns[self.validator.lineage.key], verdict.flags
        self.first = min(self.first, int(key.min())) if self.rows else int(key.min())
        self.last = max(self.last, int(key.max())) if self.rows else int(key.max())
        some = np.flatnonzero(flags)
        self.flagged += len(some)
        before = np.r_[np.uint32(self.before), flags[:-1]]
        for name in [name for name, one in BITS.items() if len(some) and (flags[some] & one).any()]:
            finding, rows = self.found[name], some[(flags[some] & BITS[name]) != 0]
            finding.rows += len(rows)
            finding.stretches += int(((before[rows] & BITS[name]) == 0).sum())
            for row in rows[: SHOWN - len(finding.first)].tolist():
                why = why_of(name, row, columns, verdict, self.validator.lineage)
                finding.first = [*finding.first, f"row {self.rows + row + 1:,}, {format_ts(int(key[row]))}: {why}"]
        self.missing += int(verdict.hole[(flags & BITS["gap"]) != 0].sum())
        self.rows, self.before = self.rows + n, int(flags[-1])

    def finish(self) -> Checked:
        weeks = [week for week in self.validator.weeks.finish() if week.shift]
        head, tail = self.ends()
        calendar, bars = self.validator.calendar, self.validator.lineage.bars
        spanned = self.rows if bars else open_minutes(calendar, self.first, self.last)
        missing = self.missing + head + tail
        expected = max(spanned + (missing if bars else head + tail), 1)
        shares = {name: found.rows / max(self.rows, 1) for name, found in self.found.items()}
        shares["gap"] = missing / expected
        shares["zone"] = max(shares["zone"], sum(week.rows for week in weeks) / max(self.rows, 1))
        grades = grade_of(shares)
        for name, found in self.found.items():
            found.share, found.grade = shares[name], grades[name]
        ends = ((head, "before the first row"), (tail, "after the last row"))
        notes = [f"{n:,} {'bars' if bars else 'open minutes'} are missing {where}" for n, where in ends if n]
        note, minutes = self.day_cut()
        if minutes:
            notes.append(note)
        limits: Limits = self.validator.limits
        return Checked(
            name=self.name, grade=worst(grades), rows=self.rows, flagged=self.flagged, first=format_ts(self.first),
            last=format_ts(self.last), missing=missing, expected=expected,
            findings=[found for found in self.found.values() if found.rows or found.grade != "A"],
            weeks=[week.told() for week in weeks], notes=notes, method=limits.method,
            calendar=getattr(calendar, "name", type(calendar).__name__), unit="bars" if bars else "open minutes",
        )  # fmt: skip

    def ends(self) -> tuple[int, int]:
        """What is missing before the first row and after the last, of the span that was named."""
        (first, last), step = self.span, self.validator.step or MINUTE
        calendar = self.validator.calendar
        head = tail = 0
        if first is not None and first < self.first:
            head = int(open_between(calendar, np.array([first - step]), np.array([self.first]), step)[0])
        if last is not None and last > self.last:
            tail = int(open_between(calendar, np.array([self.last]), np.array([last]), step)[0])
        return (head, tail) if self.rows else (0, 0)

    def day_cut(self) -> tuple[str, int]:
        """Whether the data end in the middle of a day on which the market is open for another hour or more."""
        end = -(-(self.last + 1) // DAY) * DAY
        left = int(open_between(self.validator.calendar, np.array([self.last]), np.array([end]))[0])
        told = f"the data end at {format_ts(self.last)}: the market is open for another {left / 60:.1f} h of that day"
        return told, left if left >= 60 and self.span[1] is None else 0


def open_minutes(calendar: Calendar, first: int, last: int) -> int:
    """Whole minutes between two stamps at which the market is open."""
    total = 0
    for at in range(first, last, STRETCH):
        total += int(open_between(calendar, np.array([at]), np.array([min(at + STRETCH, last)]))[0])
    return total


def why_of(flag: str, row: int, columns: Columns, verdict: Verdict, lineage: Lineage) -> str:
    """A flag of a row in words, with the numbers that made it."""
    names = priced(lineage)
    if flag == "gap":
        return f"{int(verdict.hole[row]):,} {'bars' if lineage.bars else 'open minutes'} are missing before it"
    if flag == "spike":
        return f"{verdict.away[row]:+.6g} from what came before ({values(columns, row, names)})"
    if flag in ("late", "early") and "ts_event" in columns:
        return f"received {(columns['ts'][row] - columns['ts_event'][row]) / 1e9:g} s after it happened"
    if flag == "wide":
        return f"{FLAGS[flag]} ({values(columns, row, ('spread',) if lineage.bars else names)})"
    if flag == "negative":
        held = ("volume",) if lineage.bars else ("size",) if lineage.prints else ("bid_size", "ask_size")
        return f"{FLAGS[flag]} ({values(columns, row, held)})"
    if flag == "crossed" and lineage.bars:
        return f"{FLAGS[flag]} ({values(columns, row, ('spread',))})"
    return f"{FLAGS[flag]} ({values(columns, row, names)})"


def values(columns: Columns, row: int, names: tuple[str, ...]) -> str:
    return " ".join(f"{name} {columns[name][row]:.10g}" for name in names if name in columns)
