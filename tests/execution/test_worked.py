"""Entries worked over time: never more than the target, never a step lost, and the same however the tape is cut."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.config import Config
from engine.core.errors import ConfigError
from engine.core.events import Accepted, Cancel, Canceled, Fill, Order, Rejected, TargetPosition
from engine.core.orders import ExecutionConfig
from engine.core.schema import build
from engine.execution.worked import schedule
from engine.strategy import Strategy
from tests.laws.market import MINUTE, SECOND, SYMBOLS, quotes
from tests.laws.pieces import pieces
from tests.laws.restless import Restless
from tests.laws.runs import Outcome, play

weights = st.lists(st.floats(0.0, 100.0), min_size=1, max_size=40).filter(lambda w: sum(w) > 1e-6)
STYLES: dict[str, dict[str, Any]] = {
    "passive": {"style": "passive", "wait": "2 min"},
    "iceberg": {"style": "iceberg", "show": "0.2 lots", "wait": "5 min"},
    "twap": {"style": "twap", "over": "3 min", "slices": 7},
    "vwap": {"style": "vwap", "over": "3 min", "slices": 7, "profile": [float(h % 5 + 1) for h in range(24)]},
    "market": {"style": "market", "retries": 2},
}


@settings(max_examples=300)
@given(st.integers(1, 10_000), weights, st.integers(1, 30))
def test_the_slices_add_up_to_the_target_exactly(total: int, weights: list[float], least: int) -> None:
    plan = schedule(total, weights, least)
    sizes = [b - a for a, b in zip([0, *plan], plan, strict=False)]
    assert len(plan) == len(weights) and sum(sizes) == total == plan[-1]
    assert all(size == 0 or size >= min(least, total) for size in sizes)


@settings(max_examples=200)
@given(st.integers(1, 10_000), weights)
def test_no_slice_drifts_by_more_than_half_a_step(total: int, weights: list[float]) -> None:
    whole, so_far = sum(weights), 0.0
    for sent, weight in zip(schedule(total, weights), weights, strict=True):
        so_far += weight
        assert abs(sent - total * so_far / whole) <= 0.5 + 1e-6


@dataclass
class Once(Strategy):
    """Long at its first row, flat from `after` rows later on."""

    after: int = 0
    rows: int = 0

    def on_row(self, row: Any) -> Any:
        self.rows += 1
        if self.rows == 1:
            return self.long(row)
        return self.flat(row) if self.after and self.rows > self.after else None


def config(execution: dict[str, Any], **venue: Any) -> Config:
    table = {
        "name": "worked", "data": {"source": "memory", "symbols": list(SYMBOLS[:1]), "kind": "quotes", "frame": "M1"},
        "account": {"balance": 50_000.0}, "venue": {"latency": "1 ms", "hours": "always", **venue},
        "risk": {"size": "1.13 lots"}, "strategy": [{"name": "once"}], "execution": execution,
    }  # fmt: skip
    return build(Config, table)


def run(execution: dict[str, Any], made: Strategy, cuts: Any = (), **venue: Any) -> Outcome:
    made.id = "once"
    return play(config(execution, **venue), quotes(SYMBOLS[:1], 6_000, 1), [made], cuts)


def told(outcome: Outcome, kind: type) -> list[Any]:
    return [event for _, _, event in outcome.frames if isinstance(event, kind)]


@pytest.mark.parametrize("style", STYLES)
def test_an_entry_ends_on_its_target_and_opens_nothing_beyond(style: str) -> None:
    outcome = run(STYLES[style], Once())
    assert round(sum(f.units for f in told(outcome, Fill)), 6) == 113_000.0
    [target] = told(outcome, TargetPosition)
    assert target.units == 113_000.0


def test_slices_come_evenly_over_the_time_asked_for() -> None:
    outcome = run(STYLES["twap"], Once())
    orders = told(outcome, Order)
    assert [o.units for o in orders] == [16_000.0] * 3 + [17_000.0] + [16_000.0] * 3
    gaps = {b.ts - a.ts for a, b in zip(orders, orders[1:], strict=False)}
    assert gaps == {3 * MINUTE // 7}


def test_slices_by_volume_weigh_as_their_hours_do() -> None:
    profile = [0.0] * 24
    first = told(run(STYLES["twap"], Once()), Order)[0].ts
    hour = first // (60 * MINUTE) % 24
    profile[hour], profile[(hour + 1) % 24] = 1.0, 3.0
    given = {"style": "vwap", "over": "2 h", "slices": 4, "profile": profile}
    sizes = Counter[int]()
    for order in told(run(given, Once()), Order):
        sizes[order.ts // (60 * MINUTE) % 24] += round(order.units / 1_000)
    assert sum(sizes.values()) == 113 and sizes[(hour + 1) % 24] > 2 * sizes[hour]


def test_a_passive_entry_rests_at_the_near_side_and_what_is_left_goes_to_the_market() -> None:
    outcome = run({"style": "passive", "wait": "2 s"}, Once())
    orders = told(outcome, Order)
    assert [o.kind for o in orders] == ["limit", "market"]
    assert told(outcome, Canceled)[0].order == orders[0].id
    [cancel] = told(outcome, Cancel)
    assert orders[1].units == 113_000.0 and cancel.ts - orders[0].ts == 2 * SECOND
    assert orders[1].ts == told(outcome, Canceled)[0].ts, "only once it is known that the limit is gone"
    waited = run({"style": "passive", "wait": "10 h"}, Once())
    [order], [fill] = told(waited, Order), told(waited, Fill)
    assert fill.price <= order.price and fill.ts > told(waited, Accepted)[0].ts


def test_an_iceberg_never_shows_more_than_its_tip() -> None:
    orders = told(run(STYLES["iceberg"] | {"wait": "10 h"}, Once()), Order)
    assert [round(o.units) for o in orders] == [20_000] * 5 + [13_000] and {o.kind for o in orders} == {"limit"}


def test_a_wish_to_be_flat_takes_back_what_rests_and_nothing_fills_after_it() -> None:
    outcome = run({"style": "passive", "wait": "10 h"}, Once(after=1), latency="0 ms")
    fills = told(outcome, Fill)
    net = sum(f.side * f.units for f in fills)
    assert net == 0.0 and told(outcome, TargetPosition)[-1].units == 0.0
    sliced = run({"style": "twap", "over": "8 h", "slices": 30}, Once(after=3))
    flat = told(sliced, TargetPosition)[-1].ts
    assert not [o for o in told(sliced, Order) if o.ts > flat and not o.position]
    assert 0 < len([o for o in told(sliced, Order) if not o.position]) < 30
    assert sum(f.side * f.units for f in told(sliced, Fill)) == 0.0


def test_what_the_dealer_refuses_is_sent_again_so_many_times() -> None:
    refused = run({"style": "market", "retries": 3, "retry_after": "10 s"}, Once(), rejects="80 %")
    orders, nos = told(refused, Order), told(refused, Rejected)
    assert len(orders) == min(len(nos), 3) + 1 and len(nos) >= 1
    gaps = [b.ts - a.ts for a, b in zip(nos, orders[1:], strict=False)]
    assert set(gaps) == {10 * SECOND}
    assert sum(f.units for f in told(refused, Fill)) in (0.0, 113_000.0)


@settings(max_examples=10)
@given(data=st.data(), style=st.sampled_from(sorted(STYLES)), mode=st.sampled_from(["hedging", "netting"]))
def test_worked_runs_do_not_depend_on_how_the_tape_is_cut(data: st.DataObject, style: str, mode: str) -> None:
    tape = quotes(SYMBOLS[:1], 3_000, 2)
    asked = config(STYLES[style], rejects="10 %", partial_fills="10 %", latency="30 ms", report_latency="200 ms")
    asked = replace(asked, account=replace(asked.account, mode=mode))
    outcomes = []
    for cuts in ((), data.draw(pieces(tape))):
        restless = Restless(width=0.7, rungs=3)
        restless.id = "once"
        outcomes.append(play(asked, tape, [restless], cuts))
    assert outcomes[0].differences(outcomes[1]) == []
    assert outcomes[0].counts["Fill"] > 20


@settings(max_examples=10)
@given(style=st.sampled_from(sorted(STYLES)), mode=st.sampled_from(["hedging", "netting"]), seed=st.integers(1, 5))
def test_never_more_is_owned_than_was_allowed(style: str, mode: str, seed: int) -> None:
    """Where the broker takes every order: a closing refused leaves a hedge, whose stop may later bare the other leg."""
    asked = config(STYLES[style], latency="30 ms")
    asked = replace(asked, account=replace(asked.account, mode=mode))
    restless = Restless(width=3.0, rungs=3)
    restless.id = "once"
    owned = 0.0
    for _, _, event in play(asked, quotes(SYMBOLS[:1], 3_000, seed), [restless]).frames:
        if isinstance(event, Fill):
            owned += event.side * event.units
            assert abs(owned) <= 113_000.0 + 1e-6


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"style": "twap"}, 'style = twap has no compiled form: set run.lane = "python"'),
        ({"retries": 2}, "retries = 2 has no compiled form"),
        ({"style": "iceberg"}, "needs show"),
        ({"style": "passive", "show": "1 lots"}, "has no use for show"),
        ({"style": "vwap", "profile": [1.0]}, "24 weights"),
        ({"style": "twap", "profile": [1.0] * 24}, "belongs to the style vwap"),
        ({"style": "twpa"}, "did you mean twap"),
        ({"style": "twap", "slices": 0}, "1..1000"),
        ({"style": "passive", "wait": "0 s"}, "more than 0"),
    ],
)
def test_what_cannot_be_meant_is_one_clear_error(table: dict[str, Any], says: str) -> None:
    base = config({})
    with pytest.raises(ConfigError) as error:
        replace(base, execution=build(ExecutionConfig, table, "execution"), run=replace(base.run, lane="compiled"))
    assert says in str(error.value)
