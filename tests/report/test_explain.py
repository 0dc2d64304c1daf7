"""The way back from a deal to what caused it, on hand-made journals."""

from __future__ import annotations

from typing import NamedTuple, get_type_hints

import pytest

from engine.core.errors import NotFound
from engine.core.events import (
    Accepted,
    AnyEvent,
    CloseBy,
    Correction,
    Denied,
    End,
    Event,
    Fill,
    MarginCall,
    Modified,
    Modify,
    Order,
    Quote,
    Signal,
    Start,
    Swapped,
    TargetPosition,
    Timer,
    Triggered,
)
from engine.report.explain import chain, decided_at, text
from engine.report.words import say

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


def story(*events: tuple[int, Event]) -> list[Frame]:
    """The position that the first journal opened, and what happened to it then, one event a frame from 8 on."""
    return [*journal()[:7], *(Frame(seq, cause, event) for seq, (cause, event) in enumerate(events, 8))]


def test_a_stop_that_was_moved_is_told_between_entry_and_exit() -> None:
    at = SECOND
    frames = story(
        (0, Modify(15 * at, "cross", position=1, stop=1.095)),
        (0, Modified(15 * at, "cross", "EURUSD", 0, 1, None, 1.095, None, 15 * at)),
        (0, Modify(16 * at, "cross", position=9, stop=1.2)),
        (0, Swapped(17 * at, "cross", "EURUSD", 1, -0.7, 17 * at)),
        (0, fill(20, 0, 2, 1, -1, "out", price=1.095, profit=-50.0, reason="stop_loss", swap=-0.7)),
        (0, Modified(21 * at, "cross", "EURUSD", 0, 1, None, 1.1, None, 21 * at)),
    )
    steps = chain(frames, trade=1)
    assert [s.seq for s in steps] == [2, 3, 3, 4, 7, 8, 9, 12]
    assert [s.text for s in steps[5:7]] == ["position 1: stop 1.095", "position 1 now has stop 1.095"]
    assert steps[-1].text.endswith("closed by stop-loss, profit -50, commission -0.35, swap -0.7")


def test_a_changed_and_triggered_order_is_told_with_the_deal_it_made() -> None:
    at = SECOND
    order = Order(10 * at, "cross", "EURUSD", 1, 10_000.0, "stop_limit", 1.1, id=1, limit=1.099, group="breakout")
    frames = [f._replace(event=order) if f.seq == 4 else f for f in journal()[:6]]
    frames += [
        Frame(7, 0, Modify(10 * at, "cross", 1, price=1.101, expires=0)),
        Frame(8, 0, Triggered(11 * at, "cross", "EURUSD", 1, 11 * at)),
        Frame(9, 0, fill(11, 1, 1, 1, 1, "in", left=4_000.0)),
    ]
    told = [s.text for s in chain(frames, position=1)]
    assert told[3] == "1: stop_limit buy 10000 units of EURUSD at 1.1, limit 1.099, one of 'breakout'"
    assert told[4:6] == ["order 1: price 1.101, until canceled", "order 1 has triggered: it is a limit order now"]
    assert "position 1 opened by order 1, 4000 units still working, commission" in told[6]


def test_a_stop_out_shows_the_margin_call_before_it_and_no_decision() -> None:
    at = SECOND
    frames = story(
        (0, MarginCall(12 * at, 90.0, 110.0, 12 * at)),
        (0, MarginCall(18 * at, 100.0, 110.0, 18 * at)),
        (0, fill(20, 0, 2, 1, -1, "out", profit=-100.0, reason="stop_out")),
        (0, Correction(20 * at, 3.5, 0.0, 20 * at)),
    )
    steps = chain(frames, trade=1)
    assert [s.seq for s in steps] == [2, 3, 3, 4, 7, 9, 10]
    assert steps[-2].text == "equity 100 against a margin of 110, a level of 90.91%"
    assert "closed by stop-out" in steps[-1].text


def test_a_close_by_leads_back_to_who_asked_for_it() -> None:
    at = SECOND
    frames = story(
        (0, fill(12, 2, 2, 2, -1, "in")),
        (0, Timer(20 * at, "cross", "tidy")),
        (9, CloseBy(20 * at, "cross", 1, 2)),
        (0, fill(20, 0, 3, 1, -1, "out_by", reason="close_by")),
        (0, fill(20, 0, 4, 2, 1, "out_by", reason="close_by")),
    )
    assert [s.seq for s in chain(frames, trade=1)] == [2, 3, 3, 4, 7, 9, 10, 11]
    assert [s.seq for s in chain(frames, trade=2)] == [8, 9, 10, 12]
    assert [s.kind for s in decided_at(frames, 20 * at)] == ["close by"]
    assert "closed by an opposite position" in chain(frames, trade=2)[-1].text


@pytest.mark.parametrize("kind", AnyEvent.__args__, ids=lambda kind: kind.__name__)
def test_every_event_but_start_end_and_quotes_is_told_in_words(kind: type[Event]) -> None:
    told = {int: 7, float: 1.5, float | None: 1.5, int | None: 7, bool: True, str: "text", dict[str, str]: {"x": "y"}}
    event = kind(**{name: told[get_type_hints(kind)[name]] for name in kind.__struct_fields__})
    name, words = say(event)
    assert name and (words or kind in (Start, End, Quote))


@pytest.mark.parametrize("wrong", [{"trade": 0}, {"trade": 3}, {"position": 9}])
def test_what_is_not_in_the_journal_is_said_so(wrong: dict[str, int]) -> None:
    with pytest.raises(NotFound, match="the journal holds no"):
        chain(journal(), **wrong)
