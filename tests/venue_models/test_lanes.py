"""Frictions in whole runs: both lanes draw the same, a cut changes nothing, the report and the replay know of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.core.broker import VenueConfig
from engine.core.config import Config
from engine.core.errors import Refused
from engine.core.load import load
from engine.core.schema import build, dump
from engine.core.tape import BAR_COLUMNS, QUOTE_COLUMNS, ArrayTape
from engine.feeds.stressed import stressed
from engine.replay import replay
from engine.run import open_config_tape
from tests.laws.market import SYMBOLS
from tests.laws.pieces import pieces
from tests.laws.test_parity import Duel
from tests.venue_models.bench import book_of, config_of

LOGNORMAL = {"model": "lognormal", "median": "40 ms", "sigma": 1.0}
GAMMA = {"model": "gamma", "mean": "900 ms", "shape": 0.7}
TRACE = {"model": "trace", "samples": [1.0, 250.0, 90_000.0]}
latencies = st.sampled_from(["0 ms", "250 ms", LOGNORMAL, GAMMA, TRACE])
venues = st.fixed_dictionaries(
    {"latency": latencies, "report_latency": latencies},
    optional={
        "change_latency": latencies, "rejects": st.just("20 %"), "requotes": st.just("20 %"),
        "partial_fills": st.just("40 %"), "missed": st.just("10 %"), "spread": st.just(2.0),
        "slippage": st.sampled_from(["0 points", "30 % spread", {"model": "samples", "samples": [-2.0, 0.0, 7.0]}]),
    },
)  # fmt: skip


@dataclass(frozen=True)
class Rough(Duel):
    """A duel with a venue of its own, written as a config would."""

    venue: tuple[tuple[str, Any], ...] = ()

    def config(self, lane: str) -> Config:
        config = super().config(lane)
        return replace(config, venue=build(VenueConfig, dump(config.venue) | dict(self.venue)))

    @property
    def tape(self) -> ArrayTape:
        """In memory, so that it can be cut."""
        tape = stressed(super().tape, self.config("python"))
        names = BAR_COLUMNS if self.kind == "bars" else tuple(n for n in QUOTE_COLUMNS if n != "ts_event")
        blocks = list(tape.blocks())
        columns = {name: np.concatenate([getattr(block, name) for block in blocks]) for name in names}
        return getattr(ArrayTape, self.kind)(tape.symbols, **columns)  # type: ignore[no-any-return]


@settings(max_examples=14)
@given(venues, st.sampled_from(["quotes", "bars"]), st.sampled_from(["hedging", "netting"]), st.integers(1, 3))
def test_both_lanes_draw_the_same(venue: dict[str, Any], kind: str, mode: str, seed: int) -> None:
    duel = Rough(venue=tuple(venue.items()), kind=kind, mode=mode, seed=seed, symbols=SYMBOLS[:1])
    assert duel.differences() == []


@settings(max_examples=8)
@given(venues, st.data())
def test_a_cut_anywhere_leaves_every_draw_as_it_was(venue: dict[str, Any], data: st.DataObject) -> None:
    duel = Rough(venue=tuple(venue.items()), symbols=SYMBOLS[:1])
    assert duel.play("compiled").same(duel.play("compiled", data.draw(pieces(duel.tape))))


def test_frictions_reach_the_account() -> None:
    book = book_of(config_of(7, rejects="5 %", requotes="2 %", partial_fills="10 %"))
    a = book[0][0]
    assert (int(a["seed"]), float(a["reject"]), float(a["requote"]), float(a["partial"])) == (7, 0.05, 0.02, 0.1)


ROUGH = [
    "venue.latency={model='lognormal',median='40 ms',sigma=0.5}", "venue.slippage=25 % spread", "venue.spread=1.5",
    "venue.rejects=10 %", "venue.missed=2 %", "venue.widen=[{at='rollover',factor=3.0}]",
    "risk.blackout={windows=['2017-03-01 00:00 - 2017-03-08 00:00']}",
]  # fmt: skip


@pytest.fixture(scope="module")
def rough(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return engine.backtest(load("demo", sets=ROUGH, env={}), out=tmp_path_factory.mktemp("rough"))


def test_the_report_names_the_models_in_use(rough: Any) -> None:
    notes = "\n".join(rough.summary.notes)
    for said in (
        "after lognormal (median 40 ms, sigma 0.5)", "slippage 25 % spread", "every spread times 1.5",
        "the dealer rejects 10 % of the orders, drawn by order with seed 1", "2.00% of all records are missed",
        "3 times as wide", "no entries 2017-03-01 00:00 - 2017-03-08 00:00",
    ):  # fmt: skip
        assert said in notes
    assert any("rejected by the dealer" in caution for caution in rough.summary.cautions)


def test_a_run_under_stress_replays_from_its_journal(rough: Any) -> None:
    assert replay(rough.path).ok
    raw = open_config_tape(load("demo", env={}))
    assert replay(rough.path, raw).ok, "a tape handed in is stressed as the config says"
    other = open_config_tape(load("demo", sets=["data.to=2017-06-01"], env={}))
    with pytest.raises(Refused, match="the tape has changed"):
        replay(rough.path, other)


def test_a_tape_handed_to_a_backtest_is_stressed_like_the_configs_own() -> None:
    config = load("demo", sets=["venue.spread=3.0"], env={})
    raw = open_config_tape(load("demo", env={}))
    assert engine.backtest(config, raw).digest == engine.backtest(config).digest
    assert engine.backtest(config).balance < engine.backtest(load("demo", env={})).balance
