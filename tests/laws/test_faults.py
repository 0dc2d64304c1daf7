"""Do these laws have teeth? Faults planted in the engine, one at a time, and who notices.

Some faults are wrong and consistent: they give the same wrong run however it is cut. Those are listed as such, with the
golden case or the comparison of lanes that does notice them.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import engine.run
from engine.core import bus as buses
from engine.core.events import REPORT
from engine.core.table import Table
from engine.features.plan import Plan
from engine.loop import Loop
from engine.risk.wishes import Wishes
from engine.rows import Foreign, Rows
from engine.run import Session
from engine.venues.simulated import SimulatedVenue
from tests.laws import test_ties as ties
from tests.laws.gambler import Gambler
from tests.laws.market import MINUTE, MS, SECOND
from tests.laws.pieces import Pieces, cut
from tests.laws.runs import Outcome, gamblers, play, small_tables
from tests.laws.test_cut import Case

CASE = Case(latency=75 * MS, size="40 % equity")
CALM = replace(CASE, symbols=("EURUSD",))


def sevenths(case: Case) -> Pieces:
    return cut(case.tape, set(range(7, len(case.tape), 7)), 0.3, 1)


def alarms(case: Case, run: Callable[..., Outcome] | None = None) -> set[str]:
    """Which comparisons see that something is wrong: an error counts, an equal run does not."""
    run = run or case.play
    try:
        whole = run()
    except Exception:
        return {"whole"}
    found = set()
    ways: dict[str, Callable[[], Outcome]] = {
        "cut": lambda: run(sevenths(case)), "eager": lambda: run(eager=True), "bands": lambda: run(banded=False),
    }  # fmt: skip
    for name, way in ways.items():
        try:
            if way().differences(whole):
                found.add(name)
        except Exception:
            found.add(name)
    return found


def mutated(function: Any, old: str, new: str) -> Any:
    """The function with one piece of its text replaced."""
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(old) == 1, f"the planted fault no longer fits: {old!r} in {function.__qualname__}"
    space = dict(function.__globals__)
    exec(compile(source.replace(old, new), "<planted>", "exec"), space)
    return space[function.__name__]


def notices(test: Callable[[], None]) -> bool:
    """Does a golden case fail?"""
    try:
        test()
    except AssertionError:
        return True
    return False


def test_without_a_fault_there_is_no_alarm() -> None:
    for case in (CASE, CALM, replace(CASE, kind="bars"), replace(CASE, watch=True)):
        assert alarms(case) == set()


def test_sizing_on_an_account_that_was_not_brought_up_to_now_is_caught(monkeypatch) -> None:
    class Unsynced(Loop):
        def run(self, block, lo, hi, wakes, until=None):
            self.hi = hi
            super().run(block, lo, hi, wakes, until)

        def _sync(self, i, j):
            return super()._sync(i, j) if j >= self.hi else i

    monkeypatch.setattr(engine.run, "Loop", Unsynced)
    assert "cut" in alarms(CASE)


def test_a_strategy_that_reads_the_newest_row_of_a_table_is_caught() -> None:
    class Peeker(Gambler):
        def on_row(self, row, history):
            table = next(t for t in self.session.rows.tables.tables if t.stream.symbol == row.symbol)
            self.see(table.columns["close"][table.n - 1])
            return super().on_row(row, history)

    def run(cuts: Pieces = (), **options: object) -> Outcome:
        config = CASE.config
        strategies = gamblers(config)
        strategies[0] = Peeker(seed=1)
        strategies[0].id = config.strategies[0].id

        def make(*args: Any, **more: Any) -> Session:
            strategies[0].session = Session(*args, **more)
            return strategies[0].session

        return play(config, CASE.tape, strategies, cuts, make, **options)

    assert "cut" in alarms(CASE, run)


def test_bars_closed_at_the_end_of_a_block_are_caught(monkeypatch) -> None:
    def feed(self: Session, block: Any) -> None:
        honest(self, block)
        self.clock(int(block.ts[-1]) // MINUTE * MINUTE + MINUTE)

    honest = Session.feed
    monkeypatch.setattr(Session, "feed", feed)
    assert "cut" in alarms(CASE)


def test_a_venue_that_skips_the_last_quote_while_nothing_is_open_is_caught(monkeypatch) -> None:
    class Sleepy(SimulatedVenue):
        def advance(self, i, j):
            return j if self.idle and self.banded else super().advance(i, j)

    monkeypatch.setattr(engine.run, "SimulatedVenue", Sleepy)
    assert "bands" in alarms(CASE)


@pytest.mark.parametrize("latency", [0, 75 * MS])
def test_a_look_ahead_that_is_kept_after_an_order_is_caught(monkeypatch, latency) -> None:
    stale = mutated(Loop.run, "hit, scanned, look = False, hi if venue.idle else i, LOOK_AHEAD", "hit = False")
    monkeypatch.setattr(Loop, "run", stale)
    assert alarms(replace(CASE, latency=latency)) & {"cut", "eager", "bands", "whole"}


def test_an_expiry_noticed_only_when_a_price_is_touched_is_caught(monkeypatch) -> None:
    class Dozing(SimulatedVenue):
        def doze(self):
            for o in self.book[2][: self.book[0]["orders"][0]]:
                x = self.book[1][o["symbol"]]
                x["due"] = np.iinfo(np.int64).max if 0 < x["due"] == o["expires"] else x["due"]

        def peek(self, i, j):
            self.doze()
            return super().peek(i, j)

        def advance(self, i, j):
            self.doze()
            return super().advance(i, j)

    monkeypatch.setattr(engine.run, "SimulatedVenue", Dozing)
    assert "bands" in alarms(CASE)


def test_a_scan_that_overlooks_one_quote_is_caught(monkeypatch) -> None:
    class Hurried(SimulatedVenue):
        def peek(self, i, j):
            return super().peek(min(i + 1, j), j)

    monkeypatch.setattr(engine.run, "SimulatedVenue", Hurried)
    assert alarms(CASE) and alarms(CALM)


def test_reports_handed_out_at_the_end_of_a_block_before_their_latency_are_caught(monkeypatch) -> None:
    class Hasty(Loop):
        def run(self, block, lo, hi, wakes, until=None):
            super().run(block, lo, hi, wakes, until)
            while self.bus.next_due != buses.NEVER and self.bus.next_due % buses.RANKS == REPORT:
                self.bus.now = max(self.bus.now, buses.ts_of(self.bus.next_due))
                self.bus.publish_due()

    monkeypatch.setattr(engine.run, "Loop", Hasty)
    assert "cut" in alarms(replace(CASE, back=90 * SECOND))


def test_marks_that_are_not_carried_into_the_next_block_are_caught(monkeypatch) -> None:
    monkeypatch.setattr(Loop, "run", mutated(Loop.run, "self._sync(i, hi)\n", "pass\n"))
    assert "cut" in alarms(CASE)


def test_a_timer_that_overtakes_the_bars_of_its_moment_is_caught(monkeypatch) -> None:
    monkeypatch.setattr(Loop, "_position", mutated(Loop._position, "if quotes and t <=", "if t <="))
    assert "cut" in alarms(replace(CASE, kind="bars"))


def test_a_pass_that_forgets_what_is_due_after_its_last_row_is_caught(monkeypatch) -> None:
    monkeypatch.setattr(Loop, "_position", mutated(Loop._position, "j < hi or more or", "more or"))
    assert alarms(CASE) & {"cut", "whole"}


def test_a_table_that_slides_without_one_of_its_columns_is_caught(monkeypatch) -> None:
    monkeypatch.setattr(
        Table, "slide", mutated(Table.slide, "self.columns.values()", "list(self.columns.values())[:-1]")
    )
    with small_tables():
        assert "cut" in alarms(replace(CASE, seed=4))


def test_tables_that_keep_less_than_a_feature_looks_back_are_caught(monkeypatch) -> None:
    from engine.features import sma

    class Forgetful(Plan):
        def __init__(self, specs: Any) -> None:
            super().__init__(specs)
            self.lookback = 0

    monkeypatch.setattr(engine.run, "Plan", Forgetful)
    monkeypatch.setattr(Gambler, "features", lambda self: {"mean": sma(40)})
    with small_tables(keep=21, capacity=84):
        assert "cut" in alarms(replace(CASE, seed=4))


class TestWrongAndConsistent:
    """No cut sees these; each has somebody who does."""

    def test_a_memory_of_wishes_that_is_never_cleared(self, monkeypatch) -> None:
        from tests.laws.test_parity import Duel

        duel = Duel((("restless", (("width", 0.7), ("rungs", 1))),))
        assert duel.differences() == []
        for name in ("on_denied", "on_rejected", "on_fill"):
            monkeypatch.setattr(Wishes, name, lambda self, event: None)
        assert alarms(CASE) == set()
        assert duel.differences() != []

    def test_reports_that_do_not_wait_for_their_latency(self, monkeypatch) -> None:
        honest = SimulatedVenue._event

        def early(self: SimulatedVenue, *record: Any) -> Any:
            event = honest(self, *record)
            return type(event)(record[1], *(getattr(event, f) for f in event.__struct_fields__[1:]))

        monkeypatch.setattr(SimulatedVenue, "_event", early)
        assert alarms(CASE) == set()
        assert notices(ties.test_at_one_moment_reports_precede_rows_precede_timers_precede_quotes)

    def test_rows_that_come_after_the_timers_of_their_moment(self, monkeypatch) -> None:
        monkeypatch.setattr(Rows, "_calls", mutated(Rows._calls, "moments(known, ranks)", "moments(known, ranks + 2)"))
        assert alarms(CASE) == set()
        assert notices(ties.test_at_one_moment_reports_precede_rows_precede_timers_precede_quotes)

    def test_a_row_that_does_not_see_the_larger_bar_of_its_moment(self, monkeypatch) -> None:
        monkeypatch.setattr(Foreign, "align", mutated(Foreign.align, '"right"', '"left"'))
        assert alarms(CASE) == set()
        assert notices(ties.test_every_table_of_a_moment_is_extended_before_any_row_of_it_is_published)

    def test_a_timer_that_comes_after_the_quote_of_its_stamp(self, monkeypatch) -> None:
        late = mutated(Loop._position, '"left" if quotes else "right"', '"right"')
        monkeypatch.setattr(Loop, "_position", late)
        assert notices(ties.test_what_is_due_at_t_precedes_a_quote_stamped_t)
