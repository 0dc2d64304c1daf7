"""When a bar was: how long after the one before, where on the calendar's circles, how many bars after what happened."""

from __future__ import annotations

import math

import numpy as np

from engine.features.clocks import SESSIONS, hours
from engine.features.contract import feature
from engine.features.swings import swing
from engine.kernels.civil import MINUTE, ZONES, date_of, offset_of
from engine.kernels.jit import jit
from engine.kernels.rolling import DAY


@jit
def circle(part):
    """A share of a full turn as (sine, cosine)."""
    return math.sin(2.0 * math.pi * part), math.cos(2.0 * math.pi * part)


@feature(
    gives="gap day_sin day_cos week_sin week_cos year_sin year_cos", keeps="seen last",
    warmup="1, 0, 0, 0, 0, 0, 0", unit="time", pane="below", choices={"zone": ZONES}, covers="3.6.2",
    source="Kazemi and others, Time2Vec, 2019",
)  # fmt: skip
def when(
    lo, hi, open_ts, close, gap, day_sin, day_cos, week_sin, week_cos, year_sin, year_cos, seen, last, zone="newyork"
):  # fmt: skip
    """When a bar opened: how long after the bar before, and where on the circles of the day, the week and the year.

    `gap` is log(1 + seconds from opening to opening). The circles are those of the clock of `zone`; the year's has
    twelve equal months of 31 days each.
    """
    for i in range(lo, hi):
        micros = open_ts[i] // 1000
        gap[i] = math.log1p((micros - np.int64(last)) * 1e-6) if seen > 0.0 else np.nan
        last = 1.0 * micros
        seen += 1.0
        local = open_ts[i] + offset_of(open_ts[i], zone)
        day = local // DAY
        minute = (local - day * DAY) // MINUTE
        _, month, dom = date_of(day)
        day_sin[i], day_cos[i] = circle(minute / 1440.0)
        week_sin[i], week_cos[i] = circle(((day + 3) % 7 * 1440 + minute) / 10080.0)
        year_sin[i], year_cos[i] = circle((month - 1 + (dom - 1) / 31.0) / 12.0)
    return seen, last


@feature(
    gives="when_session", keeps="seen opened bars", sparse="when_session", choices={"name": SESSIONS}, unit="bars",
    pane="below", covers="3.6.2", source="hours of the exchanges in local time",
)  # fmt: skip
def when_session(lo, hi, open_ts, close, when_session, seen, opened, bars, name="london"):
    """Bars since the session `name` began, 0 on its first; it goes on after the close, until the next one begins.

    It begins with the first session whose opening was seen.
    """
    for i in range(lo, hi):
        day, since, _, inside = hours(open_ts[i], name)
        if inside and opened != day + 1.0:
            opened, bars = day + 1.0, 1.0 * (seen > 0.0 or since == 0)
        elif bars > 0.0:
            bars += 1.0
        when_session[i] = bars - 1.0 if bars > 0.0 else np.nan
        seen += 1.0
    return seen, opened, bars


@feature(
    takes="event", gives="when_since", keeps="bars", sparse="when_since", unit="bars", pane="below", covers="3.6.2",
    source="its name",
)  # fmt: skip
def when_since(lo, hi, event, when_since, bars):
    """Bars since an event, 0 on its bar: since any column was not 0, `when_since(swing().event)`.

    Bars on which the column has no value are not counted; before the first event there is none to count from.
    """
    for i in range(lo, hi):
        bars = 1.0 if event[i] != 0.0 else bars + 1.0 * (bars > 0.0)
        when_since[i] = bars - 1.0 if bars > 0.0 else np.nan
    return bars


@feature(
    gives="when_swing", sparse="when_swing", where="left >= 1, right >= 1", unit="bars", pane="below", covers="3.6.2",
    source="its name",
)  # fmt: skip
def when_swing(
    lo, hi, when_swing, top=swing("left", "right").top_age, bottom=swing("left", "right").bottom_age, left=5, right=5
):  # fmt: skip
    """Bars since the last swing, high or low: since its extreme, which is known `right` bars later.

    It begins when both a high and a low are known.
    """
    for i in range(lo, hi):
        when_swing[i] = min(top[i], bottom[i])


@feature(
    gives="sin0 cos0 sin1 cos1 sin2 cos2 sin3 cos3", sparse="sin0 cos0 sin1 cos1 sin2 cos2 sin3 cos3", unit="time",
    range=(-1.0, 1.0), pane="below", covers="3.6.2", source="Vaswani and others, Attention Is All You Need, 2017, 3.5",
)  # fmt: skip
def when_position(
    lo, hi, sin0, cos0, sin1, cos1, sin2, cos2, sin3, cos3, position=when_session("fx_day")
):  # fmt: skip
    """A position as eight waves: sine and cosine of position / 10000^(2i/8), so of it over 1, 10, 100 and 1,000.

    The position is the bar's in the FX day, 0 the first, unless another is given:
    `when_position(position=swing().top_age)`.
    """
    for i in range(lo, hi):
        p = position[i]
        sin0[i], cos0[i] = math.sin(p), math.cos(p)
        sin1[i], cos1[i] = math.sin(p / 10.0), math.cos(p / 10.0)
        sin2[i], cos2[i] = math.sin(p / 100.0), math.cos(p / 100.0)
        sin3[i], cos3[i] = math.sin(p / 1000.0), math.cos(p / 1000.0)


@feature(gives="minute", unit="time", pane="below", covers="3.3.1", source="its name")
def minute(lo, hi, end, close, minute):
    """When the bar ends, in whole minutes since 1970; `age("H1")` is how old what H1 last said is."""
    for i in range(lo, hi):
        minute[i] = end[i] // MINUTE
