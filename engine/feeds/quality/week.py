"""When a market is open, as far as the checks need it: `is_open(ts)` for whole columns, and the hours between.

Three weeks are known: currencies (Sunday 17:00 to Friday 17:00 New York), metals (Sunday 18:00 to Friday 17:00 with a
break from 17:00 to 18:00 every day) and coins (always). Anything with the same `is_open` can stand in their place.
Doors open and close on a whole minute.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.core.errors import ConfigError
from engine.core.frames import MINUTE
from engine.core.instrument import instrument
from engine.core.zones import DAY, HOUR, parse_zone, utc_to_wall

NEW_YORK = parse_zone("America/New_York")
SHIFTED = parse_zone("ny+7")
"""In which a currency's week is Monday 00:00 to Saturday 00:00."""
SATURDAY = 5


class Calendar(Protocol):
    """What the checks ask of a calendar; `ts` and the answer have the same length, int64 ns UTC to bool."""

    def is_open(self, ts: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Week:
    """`always` open, or currencies' week with a daily pause of `pause` ns from 17:00 New York."""

    name: str
    always: bool = False
    pause: int = 0

    def is_open(self, ts: np.ndarray) -> np.ndarray:
        """bool per stamp.

        >>> FX.is_open(np.array([1549058340, 1549058400]) * 10**9).tolist()  # Friday 16:59 and 17:00 New York
        [True, False]
        """
        if self.always:
            return np.ones(len(ts), bool)
        wall = utc_to_wall(ts, SHIFTED)
        inside = weekday(wall) < SATURDAY
        return inside & (wall % DAY >= self.pause) if self.pause else inside


FX = Week("fx")
METALS = Week("metals", pause=HOUR)
ALWAYS = Week("always", always=True)


def weekday(wall: np.ndarray) -> np.ndarray:
    """0 Monday to 6 Sunday, of ns on a wall clock."""
    return (wall // DAY + 3) % 7


def week_of(symbol: str) -> Calendar:
    """When a symbol trades: its instrument's own hours where a broker's were imported or it is neither currency, metal
    nor coin; else the week of its kind; currencies' where it is not known."""
    kind, name = "", symbol.upper()
    with suppress(ConfigError):
        one = instrument(symbol)
        kind = one.kind
        if one.sessions and (one.venue != "demo" or kind not in ("forex", "metal", "crypto")):
            return one.hours
    if kind == "crypto" or any(coin in name for coin in ("BTC", "ETH", "XRP", "USDT", "ADA")):
        return ALWAYS
    return METALS if kind == "metal" or name[:3] in ("XAU", "XAG", "XPT", "XPD") else FX


def open_rows(calendar: Calendar, ts: np.ndarray) -> np.ndarray:
    """bool per row: asked once a minute, which is as often as a door can move."""
    if not len(ts):
        return np.zeros(0, bool)
    minute = ts // MINUTE
    new = np.flatnonzero(np.r_[True, minute[1:] != minute[:-1]])
    answers = calendar.is_open(minute[new] * MINUTE)
    return answers[0:1].repeat(len(ts)) if len(new) == 1 else np.repeat(answers, np.diff(np.r_[new, len(ts)]))


def open_between(calendar: Calendar, after: np.ndarray, until: np.ndarray, step: int = MINUTE) -> np.ndarray:
    """How many of after + step, after + 2 step ... before `until` are open, per pair; int64.

    With a step of a minute that is open time in minutes; with a frame's length, bars that are not there.
    """
    steps = np.maximum((until - after - 1) // step, 0)
    total = int(steps.sum())
    if not total:
        return np.zeros(len(after), np.int64)
    place = np.arange(total) - np.repeat(np.cumsum(steps) - steps, steps) + 1
    grid = np.repeat(after, steps) + place * step
    seen = np.r_[0, np.cumsum(calendar.is_open(grid))]
    ends = np.cumsum(steps)
    return seen[ends] - seen[ends - steps]


def doors_near(calendar: Calendar, ts: int) -> tuple[int | None, int | None]:
    """The opening and the closing of a weekend (12 h or more) nearest to a moment, within two days; None where none."""
    minutes = ts // MINUTE * MINUTE + np.arange(-4 * 1440, 4 * 1440) * MINUTE
    inside = calendar.is_open(minutes)
    turns = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    found: dict[bool, int | None] = {True: None, False: None}
    for k, place in enumerate(turns.tolist()):
        other = turns[k - 1] if inside[place] and k else turns[k + 1] if not inside[place] and k + 1 < len(turns) else 0
        at = int(minutes[place])
        long = not other or abs(int(minutes[other]) - at) >= 12 * HOUR
        best = found[bool(inside[place])]
        if long and abs(at - ts) <= 2 * DAY and (best is None or abs(at - ts) < abs(best - ts)):
            found[bool(inside[place])] = at
    return found[True], found[False]
