"""What stands between another strategy's entry and the market; used by `filtered`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from engine.core.zones import SECOND, Zone, offset_at, parse_zone
from strategies._edge import Edge
from strategies._hours import days_named, minute_of


@dataclass
class Seen:
    """What is known of one symbol: the side let through, bars since the last entry of each, its size, last words."""

    side: float = 0.0
    since: dict[float, int] = field(default_factory=dict)
    edge: Edge = field(default_factory=Edge)
    factor: float = 1.0
    words: str = ""


def window(own: Any) -> tuple[Zone, int, int, int]:
    """Zone, first minute and length of the hours of entries, and their days as bits."""
    enter, leave = (minute_of(getattr(own, name), f"filtered: {name}") for name in ("enter", "leave"))
    days = days_named(own.days, "filtered: days")
    return parse_zone(own.zone), enter, (leave - enter) % 1440 or 1440, days


def blocked(own: Any, row: Any, wish: Any, side: float, seen: Seen) -> str:
    """Why an entry is not let through; empty if it is."""
    zone, enter, length, days = window(own)
    minutes = (row.end + offset_at(zone, row.end // SECOND)) // (60 * SECOND)
    weekday = ((minutes - enter) // 1440 + 3) % 7  # of the day on which the window opened
    exits = [price for price in (wish.stop, wish.take_profit) if price is not None]
    spread, delay = row.spread / row.close * 1e4, (row.ts - row.end) / SECOND
    if not abs(wish.strength) <= 1.0 or not all(math.isfinite(price) for price in exits):
        return f"not finite: strength {wish.strength:g}, exits {exits}"
    if delay > own.max_delay_s:
        return f"stale: known {delay:g} s after its end, {own.max_delay_s:g} are allowed"
    if (minutes - enter) % 1440 >= length or not days >> weekday & 1:
        return f"out of hours: {own.enter} to {own.leave} {own.zone} on {own.days}"
    if own.max_spread and not spread <= own.max_spread:
        return f"spread {spread:.3g} bps, {own.max_spread:g} are allowed"
    if seen.since.get(side, own.repeat + 1) <= own.repeat:
        return f"duplicate: an entry of this side {seen.since[side]} bars ago, {own.repeat} must pass"
    if own.larger and not side * (row.larger_close - row.larger_trend) > 0.0:
        return f"against {own.larger}: close {row.larger_close:.6g}, average {row.larger_trend:.6g}"
    return ""
