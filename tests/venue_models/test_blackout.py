"""Times of no entry: from a list or a calendar as it was known, held alike by both lanes, and exits always pass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.clock import format_ts, parse_time
from engine.core.config import Config, RiskConfig
from engine.core.errors import ConfigError, NotFound
from engine.core.events import Denied, Order, Signal
from engine.core.frictions import Blackout
from engine.core.instrument import instrument
from engine.core.schema import build
from engine.feeds.events import merged, release_windows
from engine.feeds.lineage import Lineage
from engine.feeds.outside import Rows
from engine.feeds.series import import_series, store_rows
from engine.frictions import blackouts, windows_of
from engine.risk.terms import LIMITS, RULES
from tests.laws.market import MINUTE, MS, SYMBOLS
from tests.laws.pieces import pieces
from tests.laws.test_parity import Duel
from tests.venue_models.bench import SECOND

HOUR = 60 * MINUTE


def at(text: str) -> int:
    return parse_time(f"2020-01-{text}")


def told(windows: np.ndarray) -> list[str]:
    return [f"{format_ts(a)[8:16]} {format_ts(b)[8:16]}" for a, b in windows.tolist()]


@pytest.fixture
def calendar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rows:
    """An empty calendar; what a test adds to it is stored by `keep`."""
    monkeypatch.setenv("ONETAPE_DATA", str(tmp_path))
    return Rows()


def keep(rows: Rows) -> None:
    store_rows(rows, Lineage(source="ff", symbol="calendar"), 0)


def release(rows: Rows, label: str, due: str, known: str, impact: float, first: str = "") -> None:
    """A release announced (or, with `first`, put off from there) at `known`."""
    name, seen = at(first or due), at(known)
    rows.add(label, "schedule", name, seen, seen, at(due) // SECOND)
    rows.add(label, "impact", name, seen, seen, impact)


def around(importance: str = "high", hindsight: bool = False) -> list[str]:
    found, _ = release_windows("ff/calendar", importance, 10 * MINUTE, 20 * MINUTE, {"EUR", "USD"}, hindsight)
    return told(found)


def test_a_window_lies_around_each_release_that_matters_to_the_symbol(calendar: Rows) -> None:
    release(calendar, "USD CPI m/m", "10 13:30", "02 00:00", 3.0)
    release(calendar, "JPY CPI m/m", "11 13:30", "02 00:00", 3.0)
    release(calendar, "EUR Speech", "12 13:30", "02 00:00", 2.0)
    release(calendar, "OPEC Meetings", "13 13:30", "02 00:00", 3.0)
    keep(calendar)
    assert around() == ["10 13:20 10 13:50", "13 13:20 13 13:50"]
    assert around("medium") == ["10 13:20 10 13:50", "12 13:20 12 13:50", "13 13:20 13 13:50"]


def test_a_release_put_off_moves_its_window_from_the_moment_that_is_known(calendar: Rows) -> None:
    release(calendar, "USD CPI", "10 13:30", "02 00:00", 3.0)
    release(calendar, "USD CPI", "10 16:00", "10 13:25", 3.0, first="10 13:30")
    keep(calendar)
    assert around() == ["10 13:20 10 13:25", "10 15:50 10 16:20"]
    assert around(hindsight=True) == ["10 15:50 10 16:20"]


def test_what_was_not_known_in_time_blocks_nothing_unless_hindsight_is_wished(calendar: Rows) -> None:
    release(calendar, "USD CPI", "10 13:30", "15 00:00", 3.0)
    keep(calendar)
    assert around() == [] and around(hindsight=True) == ["10 13:20 10 13:50"]
    one = instrument("EURUSD")
    with pytest.raises(ConfigError, match="none of 1 was known in time; hindsight = true"):
        windows_of(Blackout("ff/calendar"), one, [])
    notes: list[str] = []
    assert len(windows_of(Blackout("ff/calendar", "high"), instrument("GBPJPY"), notes)) == 0
    assert notes == ["no high-importance event of ff/calendar is about GBPJPY"]


def test_a_release_that_becomes_important_blocks_from_then_on(calendar: Rows) -> None:
    release(calendar, "USD CPI", "10 13:30", "02 00:00", 1.0)
    calendar.add("USD CPI", "impact", at("10 13:30"), at("10 13:32"), at("10 13:32"), 3.0)
    keep(calendar)
    assert around() == ["10 13:32 10 13:50"]


def test_a_series_that_is_no_calendar_is_one_clear_error(calendar: Rows) -> None:
    calendar.add("", "close", 5, 6, 6, 1.0)
    keep(calendar)
    with pytest.raises(ConfigError, match="ff/calendar is no calendar"):
        around()
    with pytest.raises(NotFound, match="did you mean ff/calendar"):
        release_windows("ff/calender", "high", 0, 1, {"USD"}, False)


def test_a_real_calendar_blocks_its_high_impact_releases(shared: Path, calendar: Rows) -> None:
    """Forex Factory, November 2019 to April 2020: 458 releases are of high impact, as the file says."""
    import_series("calendar", shared / "data/calendar/forexfactory_revisions_2019-11_2020-04.parquet", "ff/calendar", 0)
    windows, seen = release_windows("ff/calendar", "high", MINUTE, MINUTE, {"USD", "EUR"}, False)
    assert 100 < len(windows) <= seen < 458
    starts = {int(start) + MINUTE for start in windows[:, 0]}
    assert parse_time("2020-03-06 13:30") in starts, "the US employment report of March 2020"


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 30)), min_size=1, max_size=12))
def test_merged_windows_cover_the_same_moments_and_lie_apart(spans: list[tuple[int, int]]) -> None:
    windows = np.array([(a, a + n) for a, n in spans], np.int64)
    found = merged(windows)
    inside = {t for a, n in spans for t in range(a, a + n)}
    assert {t for a, b in found.tolist() for t in range(a, b)} == inside
    assert (found[1:, 0] > found[:-1, 1]).all() and (found[:, 0] < found[:, 1]).all()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "name a calendar"),
        ({"windows": ["2020-01-01"]}, "cannot be read: write 2024-03-01 10:00 - 2024-03-01 10:20"),
        ({"windows": ["2020-01-02 - 2020-01-01"]}, "ends before it begins"),
        ({"series": "a/b", "importance": "huge"}, "is not one of its values"),
        ({"serie": "a/b"}, "did you mean series"),
    ],
)
def test_a_blackout_that_cannot_be_meant_is_one_clear_error(table: dict[str, Any], said: str) -> None:
    base = {"name": "x", "data": {"symbols": ["EURUSD"]}, "strategy": [{"name": "ma_cross"}]}
    with pytest.raises(ConfigError, match=said):
        build(Config, base | {"risk": {"blackout": table}})


def test_each_symbol_has_windows_of_its_own(calendar: Rows) -> None:
    release(calendar, "GBP Rates", "10 12:00", "02 00:00", 3.0)
    release(calendar, "USD CPI", "11 13:30", "02 00:00", 3.0)
    keep(calendar)
    config = replace(Duel().config("python"), risk=RiskConfig(blackout=Blackout("ff/calendar")))
    limits = np.zeros((2, 2), LIMITS)
    windows, _ = blackouts(config, [instrument("GBPUSD"), instrument("EURUSD")], limits)
    assert told(windows) == ["10 11:45 10 12:15", "11 13:15 11 13:45", "11 13:15 11 13:45"]
    assert limits["black_at"].tolist() == [[0, 2]] * 2 and limits["black_end"].tolist() == [[2, 3]] * 2


# both lanes


@dataclass(frozen=True)
class Barred(Duel):
    windows: tuple[tuple[int, int], ...] = ()
    """Start and length in minutes after the tape's first record."""

    def config(self, lane: str) -> Config:
        config = super().config(lane)
        first = self.tape.span[0]
        texts = tuple(
            f"{format_ts(first + a * MINUTE)} - {format_ts(first + (a + n) * MINUTE)}" for a, n in self.windows
        )
        return replace(config, risk=replace(config.risk, blackout=Blackout(windows=texts)))


windows = st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 600)), min_size=1, max_size=5).map(tuple)


@settings(max_examples=10)
@given(windows, st.sampled_from(["quotes", "bars"]), st.sampled_from(["hedging", "netting"]), st.data())
def test_both_lanes_hold_the_same_blackout(
    spans: tuple[tuple[int, int], ...], kind: str, mode: str, data: st.DataObject
) -> None:
    duel = Barred(kind=kind, mode=mode, symbols=SYMBOLS[:1], windows=spans, latency=0)
    assert duel.differences(data.draw(pieces(duel.tape)), ()) == []


def test_entries_are_denied_inside_and_exits_pass() -> None:
    """Not vacuous: in a day of blackout no position is opened, those held are closed, and the denials say why."""
    cross = (("ma_cross", (("fast", 2), ("slow", 5), ("stop_atr", 0.0), ("reward", 0.0))),)
    free = Duel(cross, SYMBOLS[:1], latency=0, back=0, size="0.30 lots")
    barred = Barred(cross, SYMBOLS[:1], latency=0, back=0, size="0.30 lots", windows=((30, 150), (400, 10**5)))
    first = barred.tape.span[0]
    inside = lambda ts: any(first + a * MINUTE <= ts < first + (a + n) * MINUTE for a, n in barred.windows)  # noqa: E731
    run, before = barred.play("python"), free.play("python")
    assert any(inside(f.ts) and f.entry == "in" for f in before.fills)
    assert not any(inside(f.ts) and f.entry == "in" and f.ts - first > 400 * MINUTE + 2 * MS for f in run.fills)
    denied = [event for _, _, event in run.frames if isinstance(event, Denied) and event.rule == "blackout"]
    assert denied and all(inside(d.ts) and 0 <= d.value < d.threshold for d in denied)
    assert any(inside(f.ts) and f.entry == "out" and f.reason == "order" for f in run.fills)
    assert RULES.index("blackout") == 9


def test_an_order_of_a_strategys_own_is_denied_too_and_a_reducing_one_is_not() -> None:
    from engine.risk.risk import Risk
    from tests.risk.test_sizing import limits_for
    from tests.venue.desk import Desk

    desk = Desk(checked=False)
    desk.quote(1.1, 1.1002)
    desk.buy(0.1)
    desk.quote(1.1, 1.1002)
    limits = limits_for(desk, "0.1 lots")
    limits["black_end"] = 1
    shut = np.array([[desk.now, desk.now + HOUR]])
    risk = Risk(("EURUSD",), desk.venue.strategies, limits, lambda: desk.venue.book, [1_000.0], shut)
    buy = Order(desk.now, "hand", "EURUSD", 1, 1_000.0)
    assert isinstance(denied := risk.on_order(buy), Denied) and denied.rule == "blackout"
    assert isinstance(risk.on_order(Order(desk.now, "hand", "EURUSD", -1, 1_000.0)), Order)
    assert isinstance(risk.on_order(Order(desk.now + HOUR, "hand", "EURUSD", 1, 1_000.0)), Order)
    events = risk.on_signal(Signal(desk.now + HOUR - 1, "hand", "EURUSD", -1.0, 1.2))
    assert [type(e).__name__ for e in events] == ["Denied", "TargetPosition"], "the exit of a reversal goes through"
