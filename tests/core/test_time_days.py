"""H4, D1 and W1 in the weeks in which clocks change, against a slow oracle on zoneinfo."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from engine.core.frames import edges
from engine.core.instrument import declare, instrument
from engine.core.sessions import FX_WEEK, parse_sessions
from engine.core.zones import DAY, HOUR, parse_zone, utc_to_wall

NEW_YORK, ATHENS = ZoneInfo("America/New_York"), ZoneInfo("Europe/Athens")
RULES = {
    "17:00 America/New_York": (NEW_YORK, 17),
    "00:00 ny+7": (NEW_YORK, 17),
    "00:00 Europe/Athens": (ATHENS, 0),
    "00:00 UTC": (UTC, 0),
    "09:00 Australia/Sydney": (ZoneInfo("Australia/Sydney"), 9),
}
WEEKS = ("2025-03-09", "2025-03-30", "2025-10-26", "2025-11-02", "2019-10-27", "2006-04-02", "2025-04-06")
"""Sundays on which the United States, Europe, both of old, or Australia change."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ns(when: datetime) -> int:
    return int((when.astimezone(UTC) - EPOCH).total_seconds()) * 1_000_000_000


def starts(day: str, first: str, days: int) -> list[int]:
    """When each trading day begins: a wall time on `days` dates one after the other, read by zoneinfo."""
    zone, hour = RULES[day]
    begin = datetime.fromisoformat(first)
    return [ns((begin + timedelta(days=k)).replace(hour=hour, tzinfo=zone)) for k in range(days)]


@pytest.mark.parametrize("sunday", WEEKS)
@pytest.mark.parametrize("day", RULES)
def test_days_quarters_and_weeks_begin_where_the_oracle_says(day: str, sunday: str) -> None:
    monday = datetime.fromisoformat(sunday) - timedelta(days=6)
    want = starts(day, monday.strftime("%Y-%m-%d"), 15)
    assert edges("D1", day, want[0], want[-1] - 1).tolist() == want
    quarters = []
    for start, end in zip(want[:-1], want[1:], strict=True):
        quarters += [start + k * 4 * HOUR for k in range(7) if start + k * 4 * HOUR < end]
    assert edges("H4", day, want[0], want[-1] - 1).tolist() == [*quarters, want[-1]]
    late = RULES[day][1] >= 12
    mondays = starts(day, (monday - timedelta(days=late)).strftime("%Y-%m-%d"), 22)[::7]
    assert edges("W1", day, mondays[0], mondays[2] - 1).tolist() == mondays[:3]


@pytest.mark.parametrize("sunday", WEEKS)
def test_a_brokers_week_has_five_days_and_thirty_quarters_where_its_clock_moves_at_the_weekend(sunday: str) -> None:
    first = parse_sessions(FX_WEEK).next_open(ns(datetime.fromisoformat(sunday).replace(tzinfo=UTC)))
    last = parse_sessions(FX_WEEK).next_close(first)
    assert [len(edges(f, "00:00 ny+7", first, last - 1)) - 1 for f in ("H4", "D1", "W1")] == [30, 5, 1]


def test_between_the_american_and_the_european_change_an_athens_day_cuts_the_market_week_elsewhere() -> None:
    """2025-03-10 to 28: the market closes at 23:00 of a European server, which then has an hour of Sunday."""
    euro = instrument("EURUSD").hours
    spans = {"00:00 ny+7": 5, "00:00 Europe/Athens": 6}
    for sunday, odd in (("2025-03-02", False), ("2025-03-16", True), ("2025-04-06", False)):
        first = euro.next_open(ns(datetime.fromisoformat(sunday).replace(tzinfo=UTC)))
        last = euro.next_close(first)
        got = {day: len(euro.expected_bars(first - DAY, last, "D1", day)) for day in spans}
        assert got == {"00:00 ny+7": 5, "00:00 Europe/Athens": 6 if odd else 5}


def test_an_instruments_own_day_is_that_of_its_broker_and_its_rollover_at_the_servers_midnight() -> None:
    (own,) = declare([{
        "symbol": "EURUSD", "venue": "b", "base_currency": "EUR", "profit_currency": "USD", "digits": 5,
        "day": "00:00 Europe/Athens", "rollover": "00:00 Europe/Athens",
    }])  # fmt: skip
    bounds = edges("D1", own.day, ns(datetime(2025, 10, 24, tzinfo=UTC)), ns(datetime(2025, 10, 28, tzinfo=UTC)))
    wall = utc_to_wall(bounds, parse_zone("Europe/Athens"))
    assert not (wall % DAY).any() and sorted(set(np.diff(bounds) // HOUR)) == [24, 25]
    assert own.rolls.start == 0 and own.rolls.zone.name == "Europe/Athens"
    assert instrument("EURUSD").rolls.start == 17 * HOUR
