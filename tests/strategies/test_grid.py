"""The grid manages its orders itself: a ladder of limits that reacts to fills and stays inside its limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.core.config import StrategyConfig
from engine.core.events import Accepted, Cancel, Canceled, Event, Fill, Modify, Order
from engine.core.load import load
from engine.features import atr
from engine.feeds.tapes import open_tape
from engine.run import Session, make_strategies
from strategies.grid import Grid
from tests.laws import market
from tests.laws.runs import Diary, gamble, play, small_tables


@pytest.fixture(scope="module")
def events() -> list[Event]:
    config = load("demo-grid", env={})
    diary = Diary()
    tape = open_tape("demo", ["EURUSD"], "H1", "2017-01", "2017-07", "10 points")
    Session(config, tape, make_strategies(config), journal=diary).run()
    return [event for _, _, event in diary.frames]


def of(events: list[Event], kind: type[Any]) -> list[Any]:
    return [event for event in events if type(event) is kind]


def test_it_sends_moves_and_takes_back_orders_and_answers_fills(events: list[Event]) -> None:
    orders, fills = [o for o in of(events, Order) if o.id], of(events, Fill)
    assert len(orders) > 100 and {o.kind for o in orders} == {"limit"}
    assert len(of(events, Modify)) > 10 and len(of(events, Cancel)) > 10
    assert {f.reason for f in fills} == {"order", "take_profit", "stop_loss"}
    after = [o.ts for o in orders]
    won = [f.ts for f in fills if f.reason == "take_profit"]
    assert sum(ts in after for ts in won) > len(won) // 2, "a rung that has earned its step is put up again at once"


def test_no_more_is_ever_held_or_resting_than_the_ladder_has_rungs(events: list[Event]) -> None:
    held: dict[int, int] = {}
    resting: set[int] = set()
    most = 0
    for event in events:
        if isinstance(event, Accepted):
            resting.add(event.order)
        if isinstance(event, Canceled):
            resting.discard(event.order)
        if isinstance(event, Fill) and event.entry == "in":
            held[event.position] = event.side
            resting.discard(event.order)
        elif isinstance(event, Fill):
            held.pop(event.position)
        most = max(most, len(held))
        for side in (1, -1):
            assert sum(s == side for s in held.values()) <= 3
        assert len(held) + len(resting) <= 2 * 3
    assert most >= 3


def test_every_rung_takes_one_step_and_its_stop_lies_beyond_the_last(events: list[Event]) -> None:
    for o in (o for o in of(events, Order) if o.id):
        step = (o.take_profit - o.price) * o.side
        away = (o.price - o.stop) * o.side
        assert step > 0 and 2 * step - 3e-5 <= away <= 4 * step + 3e-5, o


def test_it_decides_the_same_however_the_tape_is_cut() -> None:
    base = gamble(("EURUSD",), "bars", size="0.30 lots", drawdown=None)
    one = StrategyConfig(name="grid", id="grid", symbols=("EURUSD",), frame="M1")
    config, tape = replace(base, strategy=(one,)), market.bars(("EURUSD",), 500, 2)

    def run(pieces: Any) -> Any:
        made = Grid(units=3_000.0, rungs=2, atr_period=3)
        made.id = "grid"
        return play(config, tape, [made], pieces)

    whole = run(())
    with small_tables():
        assert run([(k, ()) for k in range(7, 500, 7)]).differences(whole) == []
    assert whole.counts["take_profit"] > 5 and atr(3).warmup == 3
