"""The economic calendar beside prices: how far the releases are, and what the last one meant."""

from __future__ import annotations

from engine.features.contract import feature
from engine.features.spec import Spec, fact


@feature(
    takes="ahead behind level number", gives="minutes_to_next minutes_since_last importance in_window count_24h",
    where="before >= 0, after >= 0", unit="time time event event event", pane="below", covers="2.4.3",
)  # fmt: skip
def events(
    lo, hi, ahead, behind, level, number, minutes_to_next, minutes_since_last, importance, in_window, count_24h,
    before=15.0, after=30.0,
):  # fmt: skip
    """The calendar around a bar: minutes to the next release and since the last, and whether that is near.

    `importance` is that of the next release (1 low to 3 high), `in_window` 1 from `before` minutes before a release to
    `after` minutes after it, `count_24h` how many are due within a day. `news("forexfactory/calendar")` fills it.
    """
    for i in range(lo, hi):
        minutes_to_next[i], minutes_since_last[i], importance[i] = ahead[i], behind[i], level[i]
        in_window[i] = 1.0 * (ahead[i] <= before or behind[i] <= after)
        count_24h[i] = number[i]


def news(series: str, least: int = 1, before: float = 15.0, after: float = 30.0) -> Spec:
    """`events` of a calendar in the catalogue: its releases about the symbol's currencies, of importance `least` up.

    Schedules are taken as they were known when the bar ended, put-offs included; nothing is further away than a week
    (10,080 minutes).

    >>> news("forexfactory/calendar", least=3).in_window.output
    'in_window'
    """
    columns = ("minutes_to_next", "minutes_since_last", "importance", "count_24h")
    return events(*(fact(series, f"{name} {least}") for name in columns), before=before, after=after)


@feature(
    takes="value age", gives="impact abs_impact surprise", where="half_life > 0", unit="sigma sigma sigma",
    pane="below", covers="2.4.4",
    source="Balduzzi, Elton and Green, Economic News and Bond Prices, JFQA 36, 2001",
)  # fmt: skip
def impact_known(lo, hi, value, age, impact, abs_impact, surprise, importance=3.0, half_life=30.0):
    """What a release still means: its surprise in usual surprises, halving every `half_life` minutes of its `age`.

    It is weighted by `importance` / 3. `release_impact` fills it from a calendar, with all of its past, where
    `impact` knows only the releases that it has seen.
    """
    for i in range(lo, hi):
        surprise[i] = value[i]
        impact[i] = importance / 3.0 * value[i] * 0.5 ** (age[i] / half_life)
        abs_impact[i] = abs(impact[i])


def release_impact(figure: str, importance: float = 3.0, half_life: float = 30.0) -> Spec:
    """`impact_known` of one figure of a calendar, `forexfactory/calendar/USD Non-Farm Employment Change`.

    First prints and their forecasts, from the bar on that ends after they were known; negative where a surprise is
    bad for the symbol, because its currency is the quoted one. Give a negative `importance` to a figure of which
    more is worse, such as unemployment.

    >>> release_impact("ff/calendar/USD CPI m/m").abs_impact.output
    'abs_impact'
    """
    return impact_known(fact(figure, "surprise"), fact(figure, "age"), importance=importance, half_life=half_life)
