"""The calendar: nights at the broker's rollover and stretches without trading, through every change of clocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.broker import VenueConfig
from engine.core.clock import format_ts, parse_time
from engine.core.errors import ConfigError
from engine.core.frames import edges
from engine.core.instrument import Instrument, instrument
from engine.core.zones import DAY, HOUR
from engine.kernels.terms import CLOSED, NOT_LISTED, OUTAGE
from engine.venues.calendar import nights, outages, pauses
from tests.venue_money.counter import YEAR, Counter, changed

MINUTE = HOUR // 60
KIND = {CLOSED: "closed", OUTAGE: "outage", NOT_LISTED: "not listed"}


def told(rows: np.ndarray) -> list[tuple[str, str, str]]:
    return [(format_ts(int(r["start"])), format_ts(int(r["end"])), KIND[int(r["kind"])]) for r in rows]


def one_of(**more: object) -> Instrument:
    from engine.core.instrument import declare

    return declare([changed("EURUSD", **more)])[0]


@pytest.mark.parametrize(
    ("rollover", "expected"),
    [
        # the week in which New York changes (10 March), then the one in which Europe does (31 March)
        ("17:00 America/New_York", ["03-07 22:00", "03-08 22:00", "03-11 21:00", "03-29 21:00", "04-01 21:00"]),
        ("00:00 ny+7", ["03-07 22:00", "03-08 22:00", "03-11 21:00", "03-29 21:00", "04-01 21:00"]),
        ("00:00 Europe/Athens", ["03-07 22:00", "03-08 22:00", "03-11 22:00", "03-29 22:00", "04-01 21:00"]),
    ],
)
def test_the_rollover_follows_the_brokers_clock(rollover: str, expected: list[str]) -> None:
    one = one_of(rollover=rollover, holidays=[], swap={"mode": "points", "long": -1.0})
    rows = nights(one, one.hours, None, YEAR)
    texts = [format_ts(int(ts))[5:16] for ts in rows["start"]]
    for text in expected:
        assert text in texts
    assert "03-09 22:00" not in texts and "03-30 21:00" not in texts  # Saturdays book nothing


@settings(max_examples=60)
@given(
    st.sampled_from(["America/New_York", "Europe/Athens", "ny+7", "UTC", "Europe/London", "Asia/Kolkata", "UTC-05:00"]),
    st.integers(0, 23), st.sampled_from([0, 15, 30, 59]),
    st.sampled_from(["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]),
    st.integers(1990, 2040),
)  # fmt: skip
def test_any_seven_days_book_seven_days_of_interest(zone: str, hour: int, minute: int, triple: str, year: int) -> None:
    swap = {"mode": "points", "long": -1.0, "triple_day": triple}
    one = one_of(rollover=f"{hour:02d}:{minute:02d} {zone}", holidays=[], swap=swap)
    span = (parse_time(f"{year}-01-01"), parse_time(f"{year}-12-31"))
    rows = nights(one, None, None, span)
    assert (np.diff(rows["start"]) > 0).all()
    first = int(rows["start"][0]) + 12 * HOUR  # half a day from any rollover: no change of clocks reaches it
    for week in range(first, span[1], 7 * DAY):
        inside = (rows["start"] >= week) & (rows["start"] < week + 7 * DAY)
        assert float(rows["a"][inside].sum()) == 7.0
    assert set(rows["a"]) <= {1.0, 3.0}


def test_figures_that_are_nothing_make_no_nights() -> None:
    one = one_of(swap={"mode": "points"})
    assert not len(nights(one, one.hours, None, YEAR))
    assert not len(nights(instrument("EURUSD"), None, None, YEAR))


def test_the_stretches_of_a_week_are_its_nights_and_weekend() -> None:
    one = instrument("XAUUSD")
    rows = pauses(one.hours, one.life, (), (parse_time("2024-03-04"), parse_time("2024-03-12")))
    week = [r for r in told(rows) if "2024-03-07" < r[0] < "2024-03-13"]
    assert [(a[5:16], b[5:16], kind) for a, b, kind in week] == [
        ("03-07 22:00", "03-07 23:00", "closed"),
        ("03-08 22:00", "03-10 22:00", "closed"),  # Friday 17:00 to Sunday 18:00 in New York, which changes in between
        ("03-11 21:00", "03-11 22:00", "closed"),
        ("03-12 21:00", "03-12 22:00", "closed"),
    ]


def test_an_outage_goes_before_the_end_of_a_life_and_that_before_closed_hours() -> None:
    one = one_of(starts="2024-03-04 12:00", expires="2024-03-08 12:00", sessions="Mon-Fri 09:00-17:00 UTC", holidays=[])
    shut = outages(("2024-03-05 16:00 - 2024-03-05 18:00", "2024-03-08 11:00 - 2024-03-08 13:00"))
    rows = pauses(one.hours, one.life, shut, (parse_time("2024-03-04"), parse_time("2024-03-09")))
    inside = [(a[5:16], b[5:16], k) for a, b, k in told(rows) if "2024-03-04 01" < a < "2024-03-10"]
    assert told(rows)[0][1:] == ("2024-03-04 12:00:00", "not listed")
    assert inside == [
        ("03-04 17:00", "03-05 09:00", "closed"),
        ("03-05 16:00", "03-05 18:00", "outage"),
        ("03-05 18:00", "03-06 09:00", "closed"),
        ("03-06 17:00", "03-07 09:00", "closed"),
        ("03-07 17:00", "03-08 09:00", "closed"),
        ("03-08 11:00", "03-08 13:00", "outage"),
        ("03-08 13:00", told(rows)[-1][1][5:16], "not listed"),
    ]


@pytest.mark.parametrize(
    ("symbol", "frame", "expected"),
    [
        # gold: an hour's break a day, Friday 17:00 to Sunday 18:00 in New York
        ("XAUUSD", "M1", ["07 22:00 - 07 23:00", "08 22:00 - 10 22:00", "11 21:00 - 11 22:00"]),
        ("XAUUSD", "H1", ["07 22:00 - 07 23:00", "08 22:00 - 10 22:00", "11 21:00 - 11 22:00"]),
        ("XAUUSD", "H4", ["08 22:00 - 10 21:00"]),  # the first bar of each day begins in the break
        ("XAUUSD", "D1", ["08 22:00 - 10 21:00"]),
        ("XAUUSD", "W1", ["08 22:00 - 10 21:00"]),  # no week begins in it
        # shares of Frankfurt, 01:15 to 22:00
        ("DE40", "M15", ["07 21:00 - 08 00:15", "08 21:00 - 11 00:15", "11 21:00 - 12 00:15"]),
        ("DE40", "H1", ["07 21:00 - 08 00:00", "08 21:00 - 11 00:00", "11 21:00 - 12 00:00"]),
        ("DE40", "D1", ["07 21:00 - 07 22:00", "08 21:00 - 10 21:00"]),
    ],
)
def test_a_bar_in_which_the_market_opens_is_open(symbol: str, frame: str, expected: list[str]) -> None:
    one, day = instrument(symbol), "17:00 America/New_York"
    rows = pauses(one.hours, one.life, (), (parse_time("2024-03-04"), parse_time("2024-03-13")), (frame, day))
    found = [f"{a[8:16]} - {b[8:16]}" for a, b, _ in told(rows) if "2024-03-07 12" < a < "2024-03-12 12"]
    assert found == expected


@settings(max_examples=30)
@given(
    st.sampled_from(["XAUUSD", "DE40", "EURUSD", "US500"]), st.sampled_from(["M1", "M15", "H1", "H4", "D1"]),
    st.integers(2010, 2030), st.integers(0, 51),
)  # fmt: skip
def test_of_a_bar_tape_only_bars_that_never_trade_are_closed(symbol: str, frame: str, year: int, week: int) -> None:
    """But for those that begin open and close inside: their open decides."""
    one, day = instrument(symbol), "17:00 America/New_York"
    first = parse_time(f"{year}-01-01") + week * 7 * DAY
    rows = pauses(one.hours, (None, None), (), (first, first + 7 * DAY), (frame, day))
    bounds = edges(frame, day, first, first + 7 * DAY)
    traded = np.isin(bounds[:-1], one.hours.expected_bars(int(bounds[0]), int(bounds[-1]), frame, day))
    place = np.searchsorted(rows["start"], bounds[:-1], side="right") - 1
    closed = (place >= 0) & (bounds[:-1] < rows["end"][place])
    assert (closed == ~traded).all()


def stretches() -> st.SearchStrategy[list[tuple[int, int]]]:
    start = parse_time("2024-02-20") // MINUTE
    minutes = st.integers(start, start + 40 * 1_440)
    return st.lists(st.tuples(minutes, st.integers(1, 3_000)), max_size=4).map(
        lambda found: [(a * MINUTE, (a + n) * MINUTE) for a, n in found]
    )


@settings(max_examples=60)
@given(
    st.sampled_from(["24/7", "Mon 00:00-Fri 24:00 ny+7", "Mon-Fri 09:30-16:00, break 12:00-13:00 America/New_York"]),
    st.lists(st.sampled_from(["2024-03-08", "03-11", "2024-03-12 13:00-24:00"]), unique=True),
    stretches(), st.none() | st.integers(0, 30), st.none() | st.integers(31, 50), st.data(),
)  # fmt: skip
def test_the_calendar_says_of_any_moment_why_nobody_trades(
    sessions: str, holidays: list[str], shut: list[tuple[int, int]], begins: int | None, ends: int | None,
    data: st.DataObject,
) -> None:  # fmt: skip
    zero = parse_time("2024-02-20")
    life = (None if begins is None else zero + begins * DAY, None if ends is None else zero + ends * DAY)
    hours = one_of(sessions=sessions, holidays=holidays).hours
    texts = tuple(f"{format_ts(a)} - {format_ts(b)}" for a, b in shut)
    rows = pauses(hours, life, outages(texts), (zero, zero + 40 * DAY))
    assert (rows["start"] < rows["end"]).all() and (rows["end"][:-1] <= rows["start"][1:]).all()
    edges = [int(ts) + step for ts in [*rows["start"], *rows["end"]] for step in (-1, 0) if ts < zero + 40 * DAY]
    moments = data.draw(st.lists(st.integers(zero, zero + 40 * DAY), max_size=8)) + edges
    for ts in (t for t in moments if t >= zero):
        why = [OUTAGE] if any(a <= ts < b for a, b in shut) else []
        why += [NOT_LISTED] if (life[0] or zero) > ts or (life[1] is not None and ts >= life[1]) else []
        why += [CLOSED] if not hours.is_open(np.array([ts]))[0] else []
        found = [int(r["kind"]) for r in rows if r["start"] <= ts < r["end"]]
        assert found == why[:1]


def rows_of(made: Counter, s: int) -> Iterator[np.ndarray]:
    t = made.book[6][s]
    for name in ("nights", "pauses"):
        yield made.book[8][t[f"{name}_at"] : t[f"{name}_end"]]


def test_every_symbol_has_its_own_part_of_the_one_calendar() -> None:
    table = changed("EURUSD", swap={"mode": "points", "long": -1.0})
    made = Counter("XAUUSD", "EURUSD", "BTCUSD", declare=[table], span=YEAR)
    (_, gold), (night, euro), (_, coin) = (tuple(rows_of(made, s)) for s in range(3))
    assert len(gold) > 200 and len(euro) > 50 and not len(coin)
    assert len(night) > 250 and sum(map(len, (gold, night, euro))) == len(made.book[8])
    assert [int(x["night"]) for x in made.book[1]] == [int(t["nights_at"]) for t in made.book[6]]
    assert [int(x["pause"]) for x in made.book[1]] == [int(t["pauses_at"]) for t in made.book[6]]


def test_hours_that_are_always_leave_outages_and_the_symbols_life() -> None:
    venue = VenueConfig(hours="always", outages=("2024-03-05 16:00 - 2024-03-05 18:00",))
    made = Counter("EURUSD", span=YEAR, venue=venue)
    assert [r[2] for r in told(made.book[8])] == ["outage"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2024-03-05 16:00", "is no stretch of time"),
        ("2024-03-05 16:00 - 2024-03-05 15:00", "ends before it begins"),
        ("2024-03-05 16:00 - tomorrow", "time 'tomorrow' cannot be read"),
    ],
)
def test_an_outage_that_cannot_be_read_is_one_clear_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=r"venue.outages\[0\]: ") as wrong:
        Counter("EURUSD", span=YEAR, venue=VenueConfig(outages=(text,)))
    assert message in str(wrong.value) and "\n" not in str(wrong.value)
