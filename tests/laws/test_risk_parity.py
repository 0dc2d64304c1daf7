"""Every risk rule alike in both lanes: random rules, random markets, fill for fill and byte for byte."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.config import Config, RiskConfig
from engine.core.schema import build
from tests.laws.market import MS, SECOND, SYMBOLS
from tests.laws.pieces import pieces
from tests.laws.runs import small_tables
from tests.laws.test_parity import Duel, contestants

CROSS = ("ma_cross", (("fast", 2), ("slow", 5), ("stop_atr", 2.0), ("reward", 1.0), ("atr_period", 3)))
BARE = ("ma_cross", (("fast", 2), ("slow", 5), ("stop_atr", 0.0), ("reward", 0.0), ("atr_period", 3)))
RESTLESS = ("restless", (("width", 0.7), ("rungs", 3)))


@dataclass(frozen=True)
class Ruled(Duel):
    """A duel under these rules, as a config would write them."""

    rules: tuple[tuple[str, Any], ...] = ()

    def config(self, lane: str) -> Config:
        config = super().config(lane)
        table = {"max_position": "30 lots", "size": self.size, "retries": self.retries}
        risk = build(RiskConfig, table | {k: dict(v) if isinstance(v, tuple) else v for k, v in self.rules}, "risk")
        return replace(config, risk=risk)


def some(**choices: list[Any]) -> st.SearchStrategy[tuple[tuple[str, Any], ...]]:
    """Some of these keys, each with one of its values."""
    return st.fixed_dictionaries({}, optional={k: st.sampled_from(v) for k, v in choices.items()}).map(
        lambda table: tuple(table.items())
    )


exits = some(
    stop=["2 atr", "0.3 atr", "4 bars swing", "0.02 %", "30 points"],
    take_profit=["2 R", "0.5 R", "1 atr", "0.03 %", "40 points"],
    trail=["1.5 atr", "20 points", "0.02 %"],
    break_even=["0.5 atr", "10 points", "0.01 %"],
    max_hold=["7 min", "1 h", "3 bars", "1 bars"],
).filter(bool)
rules = st.builds(
    lambda table, exits: (*table, *((("exits", (*exits, ("atr_period", 3))),) if exits else ())),
    some(
        max_gross=["3 lots", "150 %"], max_net=["2 lots", "100 %"], max_currency=["3 lots", "120 %"],
        max_leverage=[0.5, 2.0, 5.0],
        correlation=[(("max", 0.2), ("bars", 10)), (("max", 0.9), ("bars", 20), ("frame", "M5"))],
        max_trades=[1, 5, 20], max_spread=["3 points", "5 points", "0.5 bps"], max_age=["1 s", "20 s", "3 min"],
        daily_loss=["0.5 %", "100 USD", "1 % initial"], max_loss=["2 % initial", "500 USD"],
        max_losses=[1, 2, 4], cool_off=["10 min", "2 h"],
        hours=["Mon-Fri 08:00-17:00 Europe/London", "Mon-Sun 22:00-12:00 UTC"],
        day=["00:00 UTC", "17:30 America/New_York"], lookback=[5, 60],
        kelly=[(("trades", 3), ("cap", "5 %"), ("start", "1 %")), (("trades", 40),)],
    ),
    st.one_of(st.just(()), exits),
)  # fmt: skip
ruled = st.builds(
    Ruled,
    strategies=st.lists(st.one_of(contestants(), st.sampled_from([BARE, RESTLESS])), min_size=1, max_size=2).map(tuple),
    symbols=st.sampled_from([SYMBOLS, SYMBOLS[:1]]),
    kind=st.sampled_from(["quotes", "quotes", "bars"]),
    mode=st.sampled_from(["hedging", "netting"]),
    latency=st.sampled_from([0, MS, 90 * SECOND]),
    back=st.sampled_from([0, 30 * MS, 120 * SECOND]),
    size=st.sampled_from(["1 % risk", "60 % equity", "0.30 lots", "10 % volatility", "0.5 kelly", "2 % probability"]),
    frame=st.sampled_from(["M1", "M5"]),
    seed=st.integers(1, 3),
    rules=rules,
).filter(lambda d: d.mode == "hedging" or len(d.strategies) <= len(d.symbols))


@settings(max_examples=8)
@given(duel=ruled, data=st.data(), slide=st.booleans())
def test_both_lanes_hold_every_rule_alike(duel: Ruled, data: st.DataObject, slide: bool) -> None:
    tape = duel.tape
    cuts = [data.draw(st.one_of(st.just([]), pieces(tape))) for _ in range(2)]
    if slide:
        with small_tables():
            assert duel.differences(*cuts) == []
    else:
        assert duel.differences(*cuts) == []


BOTH = (CROSS, RESTLESS)
CASES: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "exposure": ({"max_gross": "2 lots", "max_net": "0.5 lots", "max_currency": "80 %"},
                 {"max_currency": 20}),
    "leverage": ({"max_gross": "150 %", "max_leverage": 1.2}, {"max_leverage": 20}),
    "day": ({"daily_loss": "0.5 %", "max_trades": 20, "day": "00:00 UTC"}, {"daily_loss": 20, "max_trades": 20}),
    "lost": ({"max_loss": "500 USD", "max_losses": 2, "cool_off": "20 min"}, {"max_losses": 20}),
    "market": ({"max_spread": "4 points", "max_age": "5 s", "hours": "Mon-Fri 08:00-17:00 Europe/London"},
               {"max_spread": 20, "hours": 20}),
    "related": ({"correlation": {"max": 0.1, "bars": 10}}, {"correlation": 20}),
    "exits": ({"exits": {"stop": "2 atr", "take_profit": "1 R", "trail": "1.5 atr", "break_even": "0.5 R",
                         "override": True, "atr_period": 3}}, {"stop_loss": 50, "take_profit": 50}),
    "held": ({"exits": {"max_hold": "3 bars", "stop": "4 bars swing"}}, {"stop_loss": 5}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("kind", ["quotes", "bars"])
def test_each_rule_says_no_in_both_lanes(name: str, kind: str) -> None:
    """Not vacuous: so often each rule spoke."""
    table, least = CASES[name]
    rules = tuple((k, tuple(v.items()) if isinstance(v, dict) else v) for k, v in table.items())
    duel = Ruled(BOTH, rules=rules, kind=kind, size="0.30 lots", latency=0)
    assert duel.differences() == []
    found: Counter[str] = duel.play("python").counts
    if kind == "quotes":
        assert {what: (found[what], n) for what, n in least.items() if found[what] < n} == {}


@pytest.mark.parametrize("size", ["20 % volatility", "0.5 kelly", "2 % probability"])
def test_each_way_of_sizing_is_alike_in_both_lanes(size: str) -> None:
    duel = Ruled(BOTH, size=size, rules=(("kelly", (("trades", 3),)), ("lookback", 10)))
    assert duel.differences() == []
    assert duel.play("python").counts["Fill"] > 30
