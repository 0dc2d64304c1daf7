"""Hours on a wall, for strategies that trade by the clock: `"08:30"` in the zone `"london"`."""

from __future__ import annotations

import re

from engine.core.registry import did_you_mean
from engine.kernels.civil import MINUTE, ZONES, offset_of
from engine.kernels.jit import jit
from engine.strategy import ConfigError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONG_NAMES = {
    "UTC": "utc", "America/New_York": "newyork", "Europe/London": "london", "Asia/Tokyo": "tokyo",
    "Australia/Sydney": "sydney",
}  # fmt: skip


def minute_of(text: str, name: str) -> int:
    """Minutes since midnight of `"08:30"`; ConfigError that speaks of the parameter `name`.

    >>> minute_of("08:30", "enter")
    510
    """
    found = re.fullmatch(r"(\d{1,2}):([0-5]\d)", text.strip())
    if not found or int(found[1]) > 23:
        raise ConfigError(f"{name}: {text!r} is not a time of day: write it like 08:30, from 00:00 to 23:59")
    return int(found[1]) * 60 + int(found[2])


def zone_named(text: str, name: str) -> str:
    """The zone as kernels know it: one of five, by the rules in force since 2008.

    >>> zone_named("Europe/London", "zone")
    'london'
    """
    zone = LONG_NAMES.get(text, text)
    if zone not in ZONES:
        raise ConfigError(f"{name}: {text!r} is no zone of it: {did_you_mean(text, (*ZONES, *LONG_NAMES))}")
    return zone


def days_named(text: str, name: str) -> int:
    """Weekdays as bits, Monday the lowest.

    >>> days_named("mon fri", "days")
    17
    """
    words = text.lower().split()
    for word in words:
        if word not in DAYS:
            raise ConfigError(f"{name}: {word!r} is no weekday: {did_you_mean(word, DAYS)}")
    if not words:
        raise ConfigError(f"{name}: name at least one weekday, like mon")
    return sum(1 << DAYS.index(word) for word in set(words))


@jit
def wall_minute(ts, zone):
    """Minutes since 1970-01-01 00:00 that the clocks of a zone (its place in ZONES) show at `ts` (int64 ns UTC)."""
    return (ts + offset_of(ts, zone)) // MINUTE
