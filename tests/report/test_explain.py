"""The way back from a deal to what caused it, on hand-made journals."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from engine.core.errors import NotFound
from engine.core.events import Accepted, Denied, Event, Fill, Order, Quote, Signal, Start, TargetPosition, Timer
from engine.report.explain import chain, decided_at, text

SECOND = 1_000_000_000


class Frame(NamedTuple):
    seq: int
    cause: int
    event: Event


def fill(second: int, order: int, deal: int, position: int, side: int, entry: str, **given: object) -> Fill:
    fields = {"units": 10_000.0, "price": 1.1, "profit": 0.0, "commission": -0.35, "balance": 0.0, "reason": "order"}
    return Fill(
        second * SECOND, "cross", "EURUSD", order=order, deal=deal, position=position, side=side, entry=entry,
        ts_event=second * SECOND, **(fields | given),
    )  # fmt: skip


def journal() -> list[Frame]:
    """Position 1 opened on a signal and stopped out; position 2 opened on another and closed by a signal of a timer."""
    at = SECOND
    events: list[tuple[int, Event]] = [
        (0, Start(0, 1, "demo", "", "", "")),
        (0, Signal(10 * at, "cross", "EURUSD", 1.0, stop=1.09, tag="fast above slow")),
        (2, TargetPosition(10 * at, "cross", "EURUSD", 10_000.0, stop=1.09, passed="max_position, drawdown")),
        (3, Order(10 * at, "cross", "EURUSD", 1, 10_000.0, stop=1.09, id=1)),
        (4, Accepted(11 * at, "cross", "EURUSD", 1, 11 * at)),
        (0, Quote(11 * at, "EURUSD", 1.1, 1.1001, 11 * at)),
        (4, fill(11, 1, 1, 1, 1, "in")),
        (0, fill(20, 0, 2, 1, -1, "out", price=1.09, profit=-100.0, reason="stop_loss")),
        (0, Signal(30 * at, "cross", "EURUSD", -1.0)),
        (9, Denied(30 * at, "cross", "EURUSD", "drawdown", 0.11, 0.1)),
        (0, Signal(40 * at, "cross", "EURUSD", -1.0)),
        (11, TargetPosition(40 * at, "cross", "EURUSD", -10_000.0, passed="max_position")),
        (12, Order(40 * at, "cross", "EURUSD", -1, 10_000.0, id=2)),
        (13, fill(41, 2, 3, 2, -1, "in")),
        (0, Timer(50 * at, "cross", "end of day")),
        (15, Signal(50 * at, "cross", "EURUSD", 0.0)),
        (16, TargetPosition(50 * at, "cross", "EURUSD", 0.0)),
        (17, Order(50 * at, "cross", "EURUSD", 1, 10_000.0, position=2, id=3)),
        (18, fill(51, 3, 4, 2, 1, "out", profit=25.0)),
    ]
    return [Frame(seq, cause, event) for seq, (cause, event) in enumerate(events, 1)]


def test_a_stopped_trade_leads_back_to_the_signal_that_set_the_stop() -> None:
    steps = chain(journal(), trade=1)
    assert [s.kind for s in steps] == ["signal", "risk", "target", "order", "fill", "fill"]
    assert steps[0].text == "cross wants EURUSD long (1), stop 1.09 [fast above slow]"
    assert steps[1].text == "passed max_position, drawdown"
    assert steps[-1].text.endswith("at 1.09, position 1 closed by stop-loss, profit -100, commission -0.35")


def test_a_trade_closed_by_a_wish_shows_both_decisions_and_what_woke_the_second() -> None:
    steps = chain(journal(), trade=2)
    assert [s.kind for s in steps] == [
        "signal", "risk", "target", "order", "fill", "timer", "signal", "target", "order", "fill",
    ]  # fmt: skip
    assert [s.seq for s in steps] == [11, 12, 12, 13, 14, 15, 16, 17, 18, 19]
    assert steps[8].text == "3: market buy 10000 units of EURUSD, closing position 2"


def test_a_position_still_open_is_explained_by_its_number() -> None:
    frames = journal()[:7]
    assert [s.kind for s in chain(frames, position=1)] == ["signal", "risk", "target", "order", "fill"]


def test_a_stop_exit_that_carries_its_entrys_order_is_not_explained_twice() -> None:
    frames = [
        f._replace(event=fill(20, 1, 2, 1, -1, "out", reason="stop_loss")) if f.seq == 8 else f for f in journal()
    ]
    assert [s.seq for s in chain(frames, trade=1)] == [2, 3, 3, 4, 7, 8]


def test_a_part_close_leaves_out_what_came_after_it() -> None:
    frames = [*journal()[:7], Frame(8, 0, fill(20, 0, 2, 1, -1, "out", units=4_000.0, reason="take_profit")),
              Frame(9, 4, fill(21, 1, 3, 1, 1, "in")),
              Frame(10, 0, fill(22, 0, 4, 1, -1, "out", units=16_000.0, reason="stop_loss"))]  # fmt: skip
    assert [s.seq for s in chain(frames, trade=1)] == [2, 3, 3, 4, 7, 8]
    assert [s.seq for s in chain(frames, trade=2)] == [2, 3, 3, 4, 7, 9, 10]
    assert [s.seq for s in chain(frames, position=1)] == [2, 3, 3, 4, 7, 8, 9, 10]


def test_a_bar_shows_what_was_decided_there_and_what_came_of_it() -> None:
    assert [s.kind for s in decided_at(journal(), 30 * SECOND)] == ["signal", "denied"]
    assert [s.seq for s in decided_at(journal(), 40 * SECOND)] == [11, 12, 12, 13, 14]
    assert decided_at(journal(), 12 * SECOND) == []


def test_the_text_is_one_line_per_step() -> None:
    lines = text(decided_at(journal(), 30 * SECOND)).splitlines()
    assert lines == [
        "1970-01-01T00:00:30Z  signal  cross wants EURUSD short (-1)",
        "1970-01-01T00:00:30Z  denied  drawdown: 0.11 against a limit of 0.1 (EURUSD)",
    ]
    assert text([]) == ""


@pytest.mark.parametrize("wrong", [{"trade": 0}, {"trade": 3}, {"position": 9}])
def test_what_is_not_in_the_journal_is_said_so(wrong: dict[str, int]) -> None:
    with pytest.raises(NotFound, match="the journal holds no"):
        chain(journal(), **wrong)
