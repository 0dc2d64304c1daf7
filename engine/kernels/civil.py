"""Local time in kernels: what the clocks of the large markets show, by the rules in force since 2008.

Libraries of time zones cannot be asked from compiled code. Five zones and their rules are enough for sessions; a
test holds them against the zone database for every hour of many years.
"""

from __future__ import annotations

from engine.kernels.jit import jit
from engine.kernels.rolling import DAY

HOUR, MINUTE = 3_600_000_000_000, 60_000_000_000
ZONES = ("utc", "newyork", "london", "tokyo", "sydney")


@jit
def date_of(day):
    """(year, month, day of month) of a day counted from 1970-01-01, in the Gregorian calendar."""
    shifted = day + 719_468  # days since 0000-03-01, so that the leap day ends a year
    era = shifted // 146_097
    of_era = shifted - era * 146_097
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    dom = of_year - (153 * month + 2) // 5 + 1
    month = month + 3 if month < 10 else month - 9
    return year + era * 400 + (1 if month <= 2 else 0), month, dom


@jit
def sunday(year, month, nth):
    """The nth Sunday of a month, counted in days from 1970-01-01; the last one before the month for nth 0."""
    before = year - 1 if month <= 2 else year
    era = before // 400
    of_era = before - era * 400
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5
    first = era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468
    return first + (3 - first) % 7 + 7 * (nth - 1)  # 1970-01-04 was a Sunday


@jit
def offset_of(ts, zone):
    """What a zone's clock shows more than UTC at the moment `ts`, in ns. `zone` is a place in ZONES."""
    if zone == 0:
        return 0
    if zone == 3:
        return 9 * HOUR
    year = date_of(ts // DAY)[0]
    if zone == 1:
        summer = sunday(year, 3, 2) * DAY + 7 * HOUR <= ts < sunday(year, 11, 1) * DAY + 6 * HOUR
        return (-4 if summer else -5) * HOUR
    if zone == 2:
        return HOUR if sunday(year, 4, 0) * DAY + HOUR <= ts < sunday(year, 11, 0) * DAY + HOUR else 0
    winter = sunday(year, 4, 1) * DAY - 8 * HOUR <= ts < sunday(year, 10, 1) * DAY - 8 * HOUR
    return (10 if winter else 11) * HOUR
