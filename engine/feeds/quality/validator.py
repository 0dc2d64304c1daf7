"""READ FIRST: the validator. One code for a stream and for a file: blocks go in, a flag word per row comes out.

    checker = Validator(lineage)
    for columns in stream:
        verdict = checker.run(columns)     # verdict.flags[i] has the bits of engine.feeds.quality.flags

A verdict uses its row and the rows before it, and does not depend on how the stream is cut into blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.core.errors import ConfigError
from engine.core.frames import FRAMES, MINUTE
from engine.core.instrument import instrument
from engine.core.zones import DAY, HOUR, SECOND, utc_to_wall
from engine.feeds.lineage import Columns, Lineage, size
from engine.feeds.quality import kernels, spikes
from engine.feeds.quality.flags import BITS, NOT_BELIEVED, Limits, bits
from engine.feeds.quality.week import (
    SATURDAY,
    SHIFTED,
    Calendar,
    never_open,
    open_between,
    open_rows,
    week_of,
    weekday,
)
from engine.feeds.quality.zones import Weeks

UNBELIEVED = NOT_BELIEVED | BITS["backward"] | BITS["duplicate"] | BITS["negative"]
NOT_OF_PRINTS = bits(("crossed", "duplicate", "wide", "frozen", "stale"))
"""Trades at one price, and equal ones at one moment, are nothing unusual."""
BOUNCE = 0.01
"""A trade is a spike from this share of the price on: trades go from bid to ask and back."""
TEXTBOOK = {"tick": 1, "z": 2, "iqr": 3, "hampel": 4, "std": 5}
SHARPEST = "H4"
"""Weeks are watched in bars up to this long."""


@dataclass(frozen=True)
class Verdict:
    """What was found in a block, one entry per row."""

    flags: np.ndarray
    """uint32, bits of `engine.feeds.quality.flags`."""
    hole: np.ndarray
    """int32: open minutes without a quote before the row, or bars that are missing before it."""
    away: np.ndarray
    """float64: how far a spike is from what came before, in price; 0 elsewhere."""


class Validator:
    """Checks a stream of quotes or bars as it comes; all that is remembered is in here.

    `lineage` says whether rows are quotes or bars; `calendar` when the market is open (by the symbol's kind where none
    is given); a column `ts_event` beside `ts` says when a quote happened, and `synthetic` that a bar was filled in.
    """

    def __init__(self, lineage: Lineage, calendar: Calendar | None = None, limits: Limits = Limits()) -> None:  # noqa: B008
        self.lineage, self.limits = lineage, limits
        self.calendar: Calendar = calendar or week_of(lineage.symbol, lineage.source)
        self.step = FRAMES.get(lineage.frame, 0) if lineage.frame != "W1" else 0
        self.weeks = Weeks(self.calendar)
        self.watch = not lineage.bars or FRAMES[lineage.frame] <= FRAMES[SHARPEST]
        self.state: Any = kernels.bar_state() if lineage.bars else kernels.quote_state()
        self.spike: Any = spikes.spike_state(limits.method)
        self.bounds = np.zeros(2)
        self.high: int | None = None
        self.close = np.nan
        self.tick = limits.tick or point_of(lineage.symbol)

    def run(self, columns: Columns) -> Verdict:
        """The verdicts on the next rows; `columns` is not changed."""
        n = size(columns)
        if self.lineage.prints:
            columns = as_quotes(columns)
        verdict = Verdict(np.zeros(n, np.uint32), np.zeros(n, np.int32), np.zeros(n))
        if n:
            key = np.ascontiguousarray(columns[self.lineage.key], np.int64)
            self.hours(key, columns, verdict)
            if self.lineage.bars:
                self.bars(key, columns, verdict.flags)
            else:
                self.quotes(key, columns, verdict.flags)
            self.spikes(columns, verdict)
        if self.lineage.prints:
            np.bitwise_and(verdict.flags, np.uint32(~NOT_OF_PRINTS & 0xFFFFFFFF), out=verdict.flags)
            verdict.flags[~(columns["bid_size"] > 0)] |= BITS["negative"]
        return verdict

    def hours(self, key: np.ndarray, columns: Columns, verdict: Verdict) -> None:
        """Flags that need the calendar: weekend, closed, gap, zone."""
        inside = open_rows(self.calendar, key)
        shut = np.flatnonzero(~inside)
        shut = shut[self.shut(key[shut])]
        if len(shut):
            weekend = weekday(utc_to_wall(key[shut], SHIFTED)) >= SATURDAY
            verdict.flags[shut] |= np.where(weekend, BITS["weekend"], BITS["closed"]).astype(np.uint32)
        before = np.maximum.accumulate(np.r_[key[0] if self.high is None else self.high, key])
        self.high, before = int(before[-1]), before[:-1]
        bars = self.lineage.bars
        apart = self.step if bars else int(self.limits.gap * SECOND)
        wide = np.flatnonzero(key - before > apart) if apart else np.zeros(0, np.int64)
        if len(wide):
            missing = open_between(self.calendar, before[wide], key[wide], self.step if bars else MINUTE)
            verdict.hole[wide] = missing
            holes = missing > 0 if bars else missing * MINUTE >= apart
            verdict.flags[wide[holes]] |= BITS["gap"]
        self.restart = key - before > max(4 * self.step, HOUR)
        if self.watch:
            self.weeks.run(key, columns["ts"], BITS["zone"], verdict.flags)

    def shut(self, key: np.ndarray) -> np.ndarray:
        """bool per row: the market cannot be open at a quote, or in a bar (its first minute, middle, last minute)."""
        length = FRAMES[self.lineage.frame] if self.lineage.bars else 0
        during = (0, length // 2, length - MINUTE) if length > MINUTE else (0,)
        closed = np.ones(len(key), bool)
        for into in during:
            closed &= never_open(self.calendar, key + into)
        return closed

    def quotes(self, ts: np.ndarray, columns: Columns, out: np.ndarray) -> None:
        bid, ask = (np.ascontiguousarray(columns[name], np.float64) for name in ("bid", "ask"))
        sizes = [np.ascontiguousarray(columns[n], np.float64) for n in ("bid_size", "ask_size") if n in columns]
        negative = np.zeros(len(ts), bool)
        for values in sizes:
            negative |= values < 0
        raw = np.zeros((4, len(ts)), np.int64)
        for k, values in enumerate((bid, ask, *sizes)):
            raw[k] = values.view(np.int64)
        limits = self.limits
        few = np.array([limits.frozen * SECOND, limits.stale * SECOND, limits.wide, limits.wide_least])
        counts = np.array([limits.frozen_n, limits.stale_n])
        kernels.quote_flags(ts, bid, ask, raw, negative, few, counts, *self.state, out)
        if "ts_event" in columns:
            lag = ts - columns["ts_event"]
            out[lag > int(limits.late * SECOND)] |= BITS["late"]
            out[lag < -int(limits.early * SECOND)] |= BITS["early"]

    def bars(self, opened: np.ndarray, columns: Columns, out: np.ndarray) -> None:
        n = len(opened)
        prices = [np.ascontiguousarray(columns[name], np.float64) for name in ("open", "high", "low", "close")]
        others = [
            np.ascontiguousarray(columns[name], np.float64) if name in columns else np.full(n, np.nan)
            for name in ("volume", "spread")
        ]
        made = columns["synthetic"] > 0 if "synthetic" in columns else np.zeros(n, bool)
        limits = self.limits
        frozen = max(limits.frozen * 3, limits.frozen_n * FRAMES[self.lineage.frame] / SECOND)
        few = np.array([frozen * SECOND, 0.0, limits.wide, limits.wide_least])
        counts = np.array([limits.frozen_n, limits.stale_n])
        kernels.bar_flags(opened, *prices, *others, made, few, counts, *self.state, out)

    def spikes(self, columns: Columns, verdict: Verdict) -> None:
        believed = (verdict.flags & UNBELIEVED) == 0
        level = self.level(columns)
        if self.limits.method != "jump":
            self.tick = self.tick or shown_step(level[:1])
            number = TEXTBOOK[self.limits.method]
            spikes.outliers(number, level, believed, self.tick, BITS["spike"], *self.spike, verdict.flags, verdict.away)
            return
        limits, (integers, ring, ordered, _) = self.limits, self.spike
        known = (
            max(limits.least, BOUNCE) if self.lineage.prints else limits.least,
            limits.believe,
            BITS["spike"],
            integers,
            ring,
            ordered,
            verdict.flags,
            verdict.away,
        )
        if not self.lineage.bars:
            known = (*known[:4], self.bounds, *known[5:])
            spikes.jumps(level, believed, self.restart, limits.jump, *known)
            return
        before, self.close = np.r_[self.close, level[:-1]], float(level[-1])
        high, low = (np.ascontiguousarray(columns[name], np.float64) for name in ("high", "low"))
        first = np.isnan(before)
        reach = np.maximum(high - np.where(first, level, before), np.where(first, level, before) - low)
        spikes.reaches(level, reach, believed, self.restart, limits.reach, *known)

    def level(self, columns: Columns) -> np.ndarray:
        if self.lineage.bars:
            return np.ascontiguousarray(columns["close"], np.float64)
        with np.errstate(invalid="ignore"):
            return (columns["bid"] + columns["ask"]) / 2.0


def as_quotes(prints: Columns) -> Columns:
    """Prints as quotes without a spread: what can be wrong with both is looked for by one code."""
    price, amount = prints["price"], prints["size"]
    times = {name: values for name, values in prints.items() if name.startswith("ts")}
    return {**times, "bid": price, "ask": price, "bid_size": amount, "ask_size": amount}


def point_of(symbol: str) -> float:
    """A symbol's smallest price step; 0 where it is not known."""
    try:
        return instrument(symbol).point
    except ConfigError:
        return 0.0


def shown_step(price: np.ndarray) -> float:
    """The step that a price shows: 0.001 for 135.008."""
    digits = next((d for d in range(10) if (np.round(price, d) == price).all()), 10)
    return float(10.0**-digits)


def days_of(key: np.ndarray) -> np.ndarray:
    """The day that rows belong to in what is reported: the UTC date, int64 days since 1970."""
    return key // DAY
