"""What stands between another strategy's entry and the market; used by `filtered`."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.core.zones import SECOND, Zone, offset_at, parse_zone
from engine.strategy import ConfigError
from strategies._around import Seen
from strategies._edge import Edge
from strategies._hours import days_named, minute_of

MINUTE = 60 * SECOND


@dataclass
class Gated(Seen):
    """Bars since the last entry of each side, the edge of past trades, and what the regime is read from."""

    since: dict[float, int] = field(default_factory=dict)
    edge: Edge = field(default_factory=Edge)
    bars: deque[dict[str, float]] = field(default_factory=deque)


def window(own: Any) -> tuple[Zone, int, int, int]:
    """Zone, first minute and length of the hours of entries, and their days as bits."""
    enter, leave = (minute_of(getattr(own, name), f"filtered: {name}") for name in ("enter", "leave"))
    days = days_named(own.days, "filtered: days")
    return parse_zone(own.zone), enter, (leave - enter) % 1440 or 1440, days


def check(own: Any) -> None:
    """ConfigError for what cannot be meant."""
    window(own)
    if own.trend < 2 or own.repeat < 0 or not 0.0 <= own.max_spread < math.inf:
        raise ConfigError("filtered: trend is at least 2 bars, repeat and max_spread are not negative")
    if not (0.0 <= own.after_open < math.inf and 0.0 <= own.before_close < math.inf):
        raise ConfigError("filtered: after_open and before_close are minutes, not negative")
    if not (0.0 <= own.half < 1.0 and (not own.stop or own.half <= own.stop < 1.0)):
        raise ConfigError(f"filtered: 0 <= half ({own.half:g}) <= stop ({own.stop:g}) < 1")


def blocked(own: Any, row: Any, wish: Any, side: float, seen: Gated) -> str:
    """Why an entry is not let through; empty if it is."""
    zone, enter, length, days = window(own)
    minutes = (row.end + offset_at(zone, row.end // SECOND)) // MINUTE
    weekday = ((minutes - enter) // 1440 + 3) % 7  # of the day on which the window opened
    exits = [price for price in (wish.stop, wish.take_profit) if price is not None]
    spread, delay = row.spread / row.close * 1e4, (row.ts - row.end) / SECOND
    if not abs(wish.strength) <= 1.0 or not all(math.isfinite(price) for price in exits):
        return f"not finite: strength {wish.strength:g}, exits {exits}"
    if delay > own.max_delay_s:
        return f"stale: known {delay:g} s after its end, {own.max_delay_s:g} are allowed"
    if (minutes - enter) % 1440 >= length or not days >> weekday & 1:
        return f"out of hours: {own.enter} to {own.leave} {own.zone} on {own.days}"
    if words := out_of_session(own, row):
        return words
    if own.max_spread and not spread <= own.max_spread:
        return f"spread {spread:.3g} bps, {own.max_spread:g} are allowed"
    if seen.since.get(side, own.repeat + 1) <= own.repeat:
        return f"duplicate: an entry of this side {seen.since[side]} bars ago, {own.repeat} must pass"
    if own.larger and not side * (row.larger_close - row.larger_trend) > 0.0:
        return f"against {own.larger}: close {row.larger_close:.6g}, average {row.larger_trend:.6g}"
    return out_of_regime(own, side, seen) if own.regime else ""


def out_of_session(own: Any, row: Any) -> str:
    """Is the symbol's own session too young, nearly over, or over? Its specification says when it trades."""
    hours = own.specifications[row.symbol].hours if own.after_open or own.before_close else None
    if hours is None or hours.always:
        return ""
    opens, closes = hours.around(row.end, row.end)
    at = int(np.searchsorted(opens, row.end, side="right")) - 1
    begun, left = (row.end - int(opens[at])) / MINUTE, (int(closes[at]) - row.end) / MINUTE
    if left <= 0.0:
        return f"session: closed for {-left:g} minutes"
    if begun < own.after_open:
        return f"session: open for {begun:g} minutes, {own.after_open:g} must pass"
    return f"session: closes in {left:g} minutes, {own.before_close:g} are needed" if left < own.before_close else ""


def out_of_regime(own: Any, side: float, seen: Gated) -> str:
    """Does the regime's number not have the side's sign, or does its condition not hold?"""
    expression = own.regime_of
    value = expression.value(seen.bars, side=side)
    if value is None:
        return f"regime: {own.regime} is not known yet"
    if expression.formula.logical:
        return "" if value else f"regime: not {own.regime}"
    return "" if side * value > 0.0 else f"regime: {own.regime} is {value:.4g}"
