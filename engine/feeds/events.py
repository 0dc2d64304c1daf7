"""Stretches of time around what is scheduled: releases of a calendar, rollovers. int64[n, 2], [start, end) ns UTC."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from engine.core.errors import ConfigError
from engine.core.frames import day_starts
from engine.core.frictions import IMPORTANCE
from engine.core.instrument import Instrument
from engine.core.zones import SECOND
from engine.feeds.series import rows_of

NEVER = int(np.iinfo(np.int64).max)


def merged(windows: np.ndarray) -> np.ndarray:
    """Rising and apart: those that touch or overlap are one.

    >>> merged(np.array([[5, 9], [0, 3], [3, 4]])).tolist()
    [[0, 4], [5, 9]]
    """
    windows = windows[np.argsort(windows[:, 0], kind="stable")]
    if not len(windows):
        return windows
    reach = np.maximum.accumulate(windows[:, 1])
    first = np.r_[True, windows[1:, 0] > reach[:-1]]
    last = np.r_[first[1:], True]
    return np.column_stack([windows[first, 0], reach[last]])


def rollovers(one: Instrument, before: int, after: int, first: int, last: int) -> np.ndarray:
    """Around every rollover that touches [first, last]."""
    starts = day_starts(one.rolls, first - after, last + before)
    return merged(np.column_stack([starts - before, starts + after]))


def currencies(one: Instrument) -> frozenset[str]:
    """What releases are about an instrument."""
    return frozenset((one.base_currency, one.profit_currency))


def release_windows(
    series: str, importance: str, before: int, after: int, about: Collection[str], hindsight: bool
) -> tuple[np.ndarray, int]:
    """Around the releases of a calendar that are at least that important, and how many such releases it has.

    `about` are currencies; a release without one is about all. Without `hindsight` a window holds only while the
    release was known, was known to be that important, and was scheduled so: put off, it moves from that moment on.
    NotFound without the series, ConfigError where it is no calendar.
    """
    rows = rows_of(series)
    if "impact" not in rows.field:
        raise ConfigError(f"{series} is no calendar: it does not say how important its events are")
    least = IMPORTANCE.index(importance) + 1
    told: dict[tuple[str, int], list[tuple[int, str, float]]] = {}
    for label, field, event, published, received, value in zip(*rows.columns()[:6], strict=True):
        word = label.split(" ")[0]
        if field in ("impact", "schedule") and (word in about or not (len(word) == 3 and word.isupper())):
            told.setdefault((label, event), []).append((received or published, field, value))
    windows: list[tuple[int, int]] = []
    seen = 0
    for (_, event), known in told.items():
        states = list(history(event, sorted(known, key=lambda row: row[0])))
        if states[-1][2] >= least:
            seen += 1
        if hindsight:
            states = [(-NEVER, *states[-1][1:])]
        ends = [*(state[0] for state in states[1:]), NEVER]
        for (start, due, level), end in zip(states, ends, strict=True):
            stretch = max(start, due - before), min(end, due + after)
            if level >= least and stretch[0] < stretch[1]:
                windows.append(stretch)
    return merged(np.array(windows, np.int64).reshape(-1, 2)), seen


def history(event: int, known: list[tuple[int, str, float]]) -> list[tuple[int, int, float]]:
    """What was known of one release: (since when, when it is due, its importance), rising."""
    states: list[tuple[int, int, float]] = []
    due, level = event, 0.0
    for since, field, value in known:
        if field == "schedule":
            due = int(value) * SECOND
        else:
            level = value
        states.append((since, due, level))
    return states
