"""When a market is open, as far as the checks need it: `is_open(ts)` for whole columns, and the hours between.

The hours are those of the instrument: what a broker's import or a config states, else what ships with the project, else
those of EURUSD, XAUUSD or any coin, by kind and name. Shipped holidays are typical, and brokers differ in them: on one
nothing is missing, and nothing that is there is wrong. Doors open and close on a whole minute.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.core.errors import ConfigError
from engine.core.frames import MINUTE
from engine.core.instrument import Instrument, instrument, shipped
from engine.core.sessions import Sessions, parse_sessions
from engine.core.zones import DAY, HOUR, parse_zone

NEW_YORK = parse_zone("America/New_York")
SHIFTED = parse_zone("ny+7")
"""In which a currency's week is Monday 00:00 to Saturday 00:00."""
SATURDAY = 5


class Calendar(Protocol):
    """What the checks ask of a calendar; `ts` and the answer have the same length, int64 ns UTC to bool."""

    def is_open(self, ts: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Hours:
    """Whose hours (`name`), when rows are expected, and when there may be some: on holidays that are typical only."""

    name: str
    expected: Sessions
    possible: Sessions

    def is_open(self, ts: np.ndarray) -> np.ndarray:
        """bool per stamp: whether a row is expected.

        >>> fx = week_of("EURUSD")  # Friday 16:59 and 17:00 New York, and Christmas
        >>> fx.is_open(np.array([1549058340, 1549058400, 1545732000]) * 10**9).tolist()
        [True, False, False]
        """
        return self.expected.is_open(ts)


ALWAYS = Hours("always", parse_sessions("24/7"), parse_sessions("24/7"))
COINS = ("BTC", "ETH", "XRP", "USDT", "ADA")
METALS = ("XAU", "XAG", "XPT", "XPD")


def week_of(symbol: str, source: str = "") -> Calendar:
    """When a symbol trades: by its instrument at the venue `source`, else by that symbol anywhere, else by its kind."""
    kind, name = "", symbol.upper()
    for one in named(symbol, source):
        kind = kind or one.kind
        if one.sessions == "24/7" and not one.holidays:
            return ALWAYS
        if one.sessions:
            typical = one.venue == "demo"
            return Hours(one.id, one.hours, parse_sessions(one.sessions) if typical else one.hours)
    if kind == "crypto" or any(coin in name for coin in COINS):
        return ALWAYS
    return week_of("XAUUSD@demo" if kind == "metal" or name[:3] in METALS else "EURUSD@demo")


def named(symbol: str, source: str) -> list[Instrument]:
    """The instruments that a symbol of a source may mean, the nearest first."""
    found = []
    for name in (f"{symbol}@{source}", symbol):
        with suppress(ConfigError):
            found.append(instrument(name))
    return [*found, *(one for one in [shipped().get(f"{symbol}@demo")] if one)]


def never_open(calendar: Calendar, ts: np.ndarray) -> np.ndarray:
    """bool per stamp: no row can be of that moment, whoever the broker is."""
    return ~(calendar.possible if isinstance(calendar, Hours) else calendar).is_open(ts)


def weekday(wall: np.ndarray) -> np.ndarray:
    """0 Monday to 6 Sunday, of ns on a wall clock."""
    return (wall // DAY + 3) % 7


def open_rows(calendar: Calendar, ts: np.ndarray) -> np.ndarray:
    """bool per row: asked once a minute, which is as often as a door can move."""
    if not len(ts):
        return np.zeros(0, bool)
    minute = ts // MINUTE
    new = np.flatnonzero(np.r_[True, minute[1:] != minute[:-1]])
    answers = calendar.is_open(minute[new] * MINUTE)
    return answers[0:1].repeat(len(ts)) if len(new) == 1 else np.repeat(answers, np.diff(np.r_[new, len(ts)]))


def middle(step: int) -> int:
    """How far into a bar the market must be open for the bar to be expected: a day may begin with a break."""
    return step // 2 if step > MINUTE else 0


def open_between(calendar: Calendar, after: np.ndarray, until: np.ndarray, step: int = MINUTE) -> np.ndarray:
    """How many of after + step, after + 2 step ... before `until` are open, per pair; int64.

    With a step of a minute that is open time in minutes; with a frame's length, bars that are not there (and in whose
    middle the market is open).
    """
    steps = np.maximum((until - after - 1) // step, 0)
    total = int(steps.sum())
    if not total:
        return np.zeros(len(after), np.int64)
    place = np.arange(total) - np.repeat(np.cumsum(steps) - steps, steps) + 1
    grid = np.repeat(after, steps) + place * step + middle(step)
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
