"""One line per trading day, as the broker counts days: what the account did and what was closed."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from engine.core.errors import NotFound
from engine.portfolio.trades import Trade

FILE = "days.csv"


class Day(msgspec.Struct):
    """A trading day, named after its noon; amounts in the account currency, a cost is negative.

    Equity at its first and last sample, its extremes among the samples, and `change` since the day before (the start
    balance before the first). `trades` are those closed on it, `net = move + spread + slippage + commission + swap`.
    A day without a sample repeats the equity before it.
    """

    day: str
    start_equity: float
    end_equity: float
    low_equity: float
    high_equity: float
    change: float = 0.0
    trades: int = 0
    wins: int = 0
    move: float = 0.0
    spread: float = 0.0
    slippage: float = 0.0
    commission: float = 0.0
    swap: float = 0.0
    net: float = 0.0
    best: float | None = None
    worst: float | None = None
    sampled: bool = False


class Days:
    """Gathers days from trades and equity samples as they come. `clock` says to what day a moment belongs, and its end.

    >>> days = Days(1000.0, 2, lambda ts: ("2019-01-02", 10) if ts < 10 else ("2019-01-03", 20))
    >>> days.equity(np.array([1, 5, 12]), np.array([1000.0, 990.0, 1010.0]))
    >>> [(d.day, d.low_equity, d.change) for d in days.rows()]
    [('2019-01-02', 990.0, -10.0), ('2019-01-03', 1010.0, 20.0)]
    """

    def __init__(self, start: float, digits: int, clock: Any) -> None:
        self.start, self.digits, self.clock = start, digits, clock
        self.days: dict[str, Day] = {}
        self._last = start
        self._from, self._end, self._day = 0, -(2**63), Day("", start, start, start, start)

    def at(self, ts: int) -> Day:
        """The day of a moment (ns UTC)."""
        if not self._from <= ts < self._end:
            name, end = self.clock(ts)
            if name not in self.days:
                self.days[name] = Day(name, self._last, self._last, self._last, self._last)
            self._from, self._end, self._day = ts, end, self.days[name]
        return self._day

    def equity(self, ts: np.ndarray, equity: np.ndarray) -> None:
        """Samples in time order."""
        at = 0
        while at < len(ts):
            day = self.at(int(ts[at]))
            to = max(int(np.searchsorted(ts, self._end, "left")), at + 1)
            part = equity[at:to]
            low, high = float(part.min()), float(part.max())
            if not day.sampled:
                day.start_equity, day.low_equity, day.high_equity, day.sampled = float(part[0]), low, high, True
            day.low_equity, day.high_equity = min(low, day.low_equity), max(high, day.high_equity)
            day.end_equity = self._last = float(part[-1])
            at = to

    def trade(self, trade: Trade) -> None:
        """A trade belongs to the day on which it closed."""
        day = self.at(trade.close_ts)
        day.trades += 1
        day.wins += trade.net > 0
        for name in ("move", "spread", "slippage", "commission", "swap", "net"):
            setattr(day, name, round(getattr(day, name) + getattr(trade, name), self.digits))
        day.best = trade.net if day.best is None else max(day.best, trade.net)
        day.worst = trade.net if day.worst is None else min(day.worst, trade.net)

    def ends(self) -> dict[str, float]:
        """Equity at the last sample of each day that has one, day by day: trades may have come before samples."""
        return {name: self.days[name].end_equity for name in sorted(self.days) if self.days[name].sampled}

    def rows(self) -> list[Day]:
        """Every day in order, with the change of equity over it."""
        before, out = self.start, sorted(self.days.values(), key=lambda day: day.day)
        for day in out:
            if not day.sampled:
                day.start_equity = day.end_equity = day.low_equity = day.high_equity = before
            day.change = round(day.end_equity - before, self.digits)
            before = day.end_equity
        return out


NAMES = tuple(name for name in Day.__struct_fields__ if name != "sampled")


def write_days(path: Path, days: Iterable[Day], digits: int) -> None:
    """`days.csv` of a run's folder."""
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(NAMES)
        lines.writerows([text(getattr(day, name), digits) for name in NAMES] for day in days)


def text(value: float | int | str | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}" if isinstance(value, float) else str(value)


def load_days(run: Path) -> list[Day]:
    """The trading days of a finished run; NotFound where a run was written before there were any."""
    try:
        with (run / FILE).open(encoding="utf-8", newline="") as file:
            return [msgspec.convert(filled(row), Day, strict=False) for row in csv.DictReader(file)]
    except FileNotFoundError:
        raise NotFound(f"{run} holds no {FILE}: it was written by an older version, run it again") from None


def filled(row: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in row.items() if value}
