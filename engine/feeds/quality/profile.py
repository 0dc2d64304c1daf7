"""`data profile`: what a dataset looks like: returns, spread, hours, gaps, quality by day, drift against a baseline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from engine.core.clock import format_ts
from engine.core.errors import DataError
from engine.core.frames import FRAMES, MINUTE
from engine.core.zones import DAY, HOUR, SECOND
from engine.feeds.drift import LEAST, Drift, drift_of
from engine.feeds.importers.options import Options
from engine.feeds.lineage import Columns, Lineage, size
from engine.feeds.quality.flags import BITS
from engine.feeds.quality.shift import Shift, shift
from engine.feeds.quality.source import Source, as_heard, open_source
from engine.feeds.quality.tally import Checked, Tally
from engine.feeds.quality.validator import Validator, Verdict
from engine.feeds.quality.week import Calendar, middle, open_between, week_of
from engine.feeds.quality.windows import REJECTED, SPIKED, STALE, WEIGHTS, Marked, Window, worst_windows

Progress = Callable[[int, int], None]
QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
GAPS = 20


class Distribution(msgspec.Struct, kw_only=True):
    """Of finite values: moments (deviation with ddof 1), quantiles by name (`p50`), and a histogram of 60 bins."""

    n: int
    mean: float
    std: float
    skew: float
    kurtosis: float
    quantiles: dict[str, float]
    edges: list[float]
    counts: list[int]


class DayQuality(msgspec.Struct, kw_only=True):
    """A UTC day: `expected` open minutes (bars: bars), `seen` of them, and shares that pull the score down."""

    day: str
    rows: int
    expected: int
    seen: int
    parts: dict[str, float]
    score: float


class Profile(msgspec.Struct, kw_only=True):
    """`returns` are log returns, of quotes between the last mids of minutes; hours are UTC."""

    name: str
    rows: int
    first: str
    last: str
    grade: str
    score: float
    returns: Distribution
    spread: Distribution | None
    spread_by_hour: list[float | None]
    """Median."""
    rows_by_hour: list[float]
    """Rows per open hour."""
    gaps: list[dict[str, str | int]]
    days: list[DayQuality]
    flags: dict[str, int]
    against: str = ""
    drift: dict[str, Shift] = {}
    windows: dict[str, list[Window]] = {}
    """The worst hours and days, rolling, by `1h` and `1d`."""
    clock: Drift | None = None
    """The source's clock against the receiver's, where both stamps are recorded."""


class Collector:
    """What a profile needs of every block: one pass, a few numbers per row."""

    def __init__(self, lineage: Lineage) -> None:
        self.lineage = lineage
        self.levels: list[np.ndarray] = []
        self.ends: list[np.ndarray] = []
        self.spreads: list[np.ndarray] = []
        self.minute_of: list[np.ndarray] = []
        self.still: list[np.ndarray] = []
        self.lags: list[tuple[np.ndarray, np.ndarray]] = []
        """Where both are recorded: when each row happened and when it was received."""
        self.last: int | None = None
        self.marks: list[np.ndarray] = []
        self.minutes: list[np.ndarray] = []
        self.gaps: list[tuple[int, int]] = []

    def add(self, columns: Columns, verdict: Verdict) -> None:
        key = columns[self.lineage.key]
        good = (verdict.flags & REJECTED) == 0
        for row in np.flatnonzero(verdict.flags & BITS["gap"]).tolist():
            self.gaps.append((int(key[row]), int(verdict.hole[row])))
        self.minute_of.append((key // MINUTE).astype(np.int32))
        self.marks.append(verdict.flags)
        before = np.r_[key[0] if self.last is None else self.last, key[:-1]]
        passed = FRAMES[self.lineage.frame] / SECOND if self.lineage.bars else np.maximum(key - before, 0) / SECOND
        self.still.append(np.where(verdict.flags & STALE, passed, 0.0).astype(np.float32))
        self.last = int(key[-1])
        if "ts_event" in columns:
            self.lags.append((columns["ts_event"], columns["ts"]))
        if self.lineage.bars:
            self.levels.append(columns["close"][good])
            self.minutes.append(key)
            self.spreads.append(np.where(good, columns.get("spread", np.full(size(columns), np.nan)), np.nan))
            return
        minute = key[good] // MINUTE
        ends = np.flatnonzero(np.r_[minute[1:] != minute[:-1], True]) if len(minute) else minute
        bid, ask = (columns[name] for name in (("price", "price") if self.lineage.prints else ("bid", "ask")))
        self.levels.append(((bid[good] + ask[good]) / 2)[ends])
        self.ends.append(minute[ends])
        self.minutes.append(np.unique(key // MINUTE) * MINUTE)
        self.spreads.append(np.where(good & (not self.lineage.prints), ask - bid, np.nan))

    def returns(self) -> np.ndarray:
        """Log returns between the last mids of neighbouring minutes with quotes, or between closes."""
        level = np.concatenate(self.levels)
        if self.ends:
            minute = np.concatenate(self.ends)
            level = level[np.flatnonzero(np.r_[minute[1:] != minute[:-1], True])] if len(minute) else level
        found = np.diff(np.log(level))
        return found[np.isfinite(found)]

    def spread(self) -> np.ndarray:
        """Spreads of rows that were not rejected, in price."""
        values = np.concatenate(self.spreads)
        return values[np.isfinite(values)]

    def hours(self) -> np.ndarray:
        return np.concatenate(self.minute_of) // 60

    def windows(self, calendar: Calendar) -> dict[str, list[Window]]:
        """The worst rolling hours and days."""
        happened, received = self.stamps()
        columns = [np.concatenate(part) for part in (self.minute_of, self.marks, self.spreads, self.still)]
        step = FRAMES[self.lineage.frame] if self.lineage.bars else MINUTE
        minute, flags, spread, still = columns
        return worst_windows(Marked(minute, flags, spread, still, (received - happened) / SECOND), calendar, step)

    def stamps(self) -> tuple[np.ndarray, np.ndarray]:
        """When rows happened and when they were received, empty where not both are recorded."""
        happened, received = (np.concatenate(part) for part in zip(*self.lags, strict=True)) if self.lags else ((), ())
        return np.asarray(happened, np.int64), np.asarray(received, np.int64)


def profile(
    ref: str | Path,
    against: str | Path | None = None,
    options: Options = Options(),  # noqa: B008 - frozen
    format: str | None = None,
    calendar: Calendar | None = None,
    root: Path | None = None,
    progress: Progress | None = None,
) -> Profile:
    """Profile a dataset or a file; `against` is the baseline that its drift is measured from."""
    source = open_source(ref, options, format, root=root)
    calendar = calendar or week_of(source.lineage.symbol, source.lineage.source)
    found, seen = collect(source, calendar, progress)
    made = describe(found, seen, source.lineage, calendar)
    if against is not None:
        base_source = open_source(against, options, format, root=root)
        _, base = collect(base_source, calendar, None)
        made.against = base_source.name
        pairs = {"returns": (base.returns(), seen.returns()), "spread": (base.spread(), seen.spread())}
        made.drift = {name: shift(*both) for name, both in pairs.items() if len(both[0]) and len(both[1])}
    return made


def collect(source: Source, calendar: Calendar, progress: Progress | None) -> tuple[Checked, Collector]:
    validator = Validator(source.lineage, calendar)
    tally, seen = Tally(source.name, validator), Collector(source.lineage)
    for columns in as_heard(source.chunks):
        if size(columns):
            verdict = validator.run(columns)
            tally.add(columns, verdict)
            seen.add(columns, verdict)
        if progress and (total := source.expected(tally.rows)):
            progress(tally.rows, total)
    if not tally.rows:
        raise DataError(f"{source.name}: there is no row")
    return tally.finish(), seen


def describe(found: Checked, seen: Collector, lineage: Lineage, calendar: Calendar) -> Profile:
    flags, spreads = (np.concatenate(part) for part in (seen.marks, seen.spreads))
    hours, stamps = seen.hours(), seen.stamps()
    days = by_day(hours, flags, np.concatenate(seen.minutes), lineage, calendar)
    spread, returns = seen.spread(), seen.returns()
    worst = sorted(seen.gaps, key=lambda gap: (-gap[1], gap[0]))[:GAPS]
    return Profile(
        name=found.name, rows=found.rows, first=found.first, last=found.last, grade=found.grade,
        score=score_of(parts_of(flags, sum(d.seen for d in days), sum(d.expected for d in days))),
        returns=distribution(returns), spread=distribution(spread) if len(spread) else None,
        spread_by_hour=[
            float(np.median(own)) if len(own := of_hour(spreads, hours, hour)) else None for hour in range(24)
        ],
        rows_by_hour=rows_by_hour(hours, calendar),
        gaps=[{"until": format_ts(ts), "missing": missing} for ts, missing in worst], days=days,
        flags={finding.flag: finding.rows for finding in found.findings}, windows=seen.windows(calendar),
        clock=drift_of(*stamps) if len(stamps[0]) >= LEAST else None,
    )  # fmt: skip


def of_hour(values: np.ndarray, hours: np.ndarray, hour: int) -> np.ndarray:
    own = values[hours % 24 == hour]
    return own[np.isfinite(own)]


def rows_by_hour(hours: np.ndarray, calendar: Calendar) -> list[float]:
    """Rows per hour of the day at which the market was open, over the span of the data."""
    span = np.arange(int(hours.min()), int(hours.max()) + 1, dtype=np.int64)
    opened = np.bincount(span[calendar.is_open(span * HOUR)] % 24, minlength=24)
    rows = np.bincount(hours % 24, minlength=24)
    return [float(n / max(of, 1)) for n, of in zip(rows, opened, strict=True)]


def by_day(
    hours: np.ndarray, flags: np.ndarray, minutes: np.ndarray, lineage: Lineage, calendar: Calendar
) -> list[DayQuality]:
    """Completeness and shares of every UTC day between the first and the last, days with an open market only."""
    step = FRAMES[lineage.frame] if lineage.bars else MINUTE
    inside = np.unique(minutes[calendar.is_open(minutes + middle(step))]) // DAY
    days = hours // 24
    made = []
    order = np.argsort(days, kind="stable")
    for day in range(int(days.min()), int(days.max()) + 1):
        lo, hi = np.searchsorted(days, [day, day + 1], sorter=order)
        starts = np.array([day * DAY - step]), np.array([(day + 1) * DAY])
        expected = int(open_between(calendar, *starts, step)[0]) if step <= DAY else int(hi > lo)
        if expected or hi > lo:
            seen = min(int((inside == day).sum()), expected)
            parts = parts_of(flags[order[lo:hi]], seen, expected)
            made.append(
                DayQuality(
                    day=str(np.datetime64(day, "D")), rows=int(hi - lo), expected=expected, seen=seen, parts=parts,
                    score=score_of(parts),
                )
            )  # fmt: skip
    return made


def parts_of(flags: np.ndarray, seen: int, expected: int) -> dict[str, float]:
    """What is bad, as shares in [0, 1], by the names of WEIGHTS."""
    n = max(len(flags), 1)
    marked = {"reject": REJECTED, "stale": STALE, "spike": SPIKED}
    shares = {name: float(np.count_nonzero(flags & some) / n) for name, some in marked.items()}
    return {"missing": 1 - seen / expected if expected else 0.0, **shares}


def score_of(parts: dict[str, float]) -> float:
    """Catalogue row 22.

    >>> score_of({"missing": 0.5, "reject": 0.0, "stale": 0.0, "spike": 0.0})
    80.0
    """
    score = 100.0
    for name, weight in WEIGHTS.items():
        score *= 1.0 - weight * parts[name]
    return score


def distribution(values: np.ndarray) -> Distribution:
    n = len(values)
    if not n:
        return Distribution(n=0, mean=0.0, std=0.0, skew=0.0, kurtosis=0.0, quantiles={}, edges=[], counts=[])
    mean, apart = float(values.mean()), values - values.mean()
    second = float((apart**2).mean())
    skew = float((apart**3).mean() / second**1.5) if second > 0 else 0.0
    kurtosis = float((apart**4).mean() / second**2 - 3) if second > 0 else 0.0
    levels = np.quantile(values, QUANTILES)
    low, high = np.quantile(values, [0.001, 0.999])
    counts, edges = np.histogram(np.clip(values, low, high), bins=60)
    return Distribution(
        n=n, mean=mean, std=float(values.std(ddof=1)) if n > 1 else 0.0, skew=skew, kurtosis=kurtosis,
        quantiles={f"p{100 * q:g}": float(v) for q, v in zip(QUANTILES, levels, strict=True)},
        edges=edges.tolist(), counts=counts.tolist(),
    )  # fmt: skip
