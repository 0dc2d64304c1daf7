"""Slippage that remembers the market, in whole runs: what it costs, the same in both lanes and wherever it is cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.core.errors import ConfigError
from engine.core.load import load
from engine.kernels.book import ACCOUNT, SYMBOL
from tests.laws.market import SYMBOLS
from tests.laws.pieces import pieces
from tests.laws.runs import play
from tests.laws.test_parity import contestant
from tests.venue_models.test_lanes import Rough

MODELS: list[Any] = [
    "0.5 sigma", {"model": "volatility", "share": 0.3, "over": "5 min", "half_life": "3 min"},
    {"model": "volume", "volume": "3 lots", "factor": 0.001}, {"model": "impact", "volume": "500 lots"},
]  # fmt: skip
models = st.sampled_from(MODELS)


def rough(model: Any, **options: Any) -> Rough:
    return Rough(venue=(("slippage", model),), **options)


def state_of(book: bytes, symbols: int) -> bytes:
    """A book without what was last noted of the pulse: a note for the next record that is looked at, no state."""
    rows = np.frombuffer(book, SYMBOL, symbols, ACCOUNT.itemsize).copy()
    for name in ("variance", "volume", "usual_volume", "fresh"):
        rows[name] = 0
    end = ACCOUNT.itemsize + rows.nbytes
    return book[: ACCOUNT.itemsize] + rows.tobytes() + book[end:]


@settings(max_examples=10)
@given(models, st.sampled_from(["quotes", "bars"]), st.sampled_from([SYMBOLS, SYMBOLS[:1]]), st.data())
def test_both_lanes_and_every_cut_remember_the_same(model: Any, kind: str, symbols: Any, data: st.DataObject) -> None:
    duel = rough(model, kind=kind, symbols=symbols)
    runs = [duel.play(lane, data.draw(pieces(duel.tape))) for lane in ("python", "compiled")]
    assert runs[0].fills == runs[1].fills and runs[0].samples == runs[1].samples
    assert state_of(runs[0].book, len(symbols)) == state_of(runs[1].book, len(symbols))


@settings(max_examples=6)
@given(models, st.sampled_from(["quotes", "bars"]))
def test_records_passed_over_are_remembered_as_if_each_had_been_looked_at(model: Any, kind: str) -> None:
    """A small balance: stop-outs close positions of symbols other than the record's."""
    duel = rough(model, kind=kind, balance=300.0, size="60 % equity", leverage=200.0)
    config = duel.config("python")
    runs = [
        play(config, duel.tape, [contestant(one) for one in config.strategies], banded=banded, eager=not banded)
        for banded in (True, False)
    ]
    assert runs[0].fills == runs[1].fills and runs[0].digest == runs[1].digest


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_such_slippage_costs_something_and_is_named_in_the_report(model: Any) -> None:
    plain, slipped = (rough(m).play("python") for m in ("0 points", model))
    first = [next(f for f in run.fills if f.entry == "in") for run in (plain, slipped)]
    assert first[1].side * (first[1].price - first[0].price) > 0
    text = model if isinstance(model, str) else "{" + ",".join(f"{k}={v!r}" for k, v in model.items()) + "}"
    run = engine.backtest(load("demo", sets=[f"venue.slippage={text}", "data.to=2017-03-01"], env={}))
    assert any(note.startswith("slippage ") and "0 points" not in note for note in run.summary.notes)


def test_what_the_venue_slips_by_is_what_the_records_before_say() -> None:
    """The first market order on a tape, worked out from the quotes before it."""
    duel = rough({"model": "volatility", "share": 1.0, "over": "1 min", "half_life": "1000 d"}, symbols=SYMBOLS[:1])
    fill = next(f for f in duel.play("python").fills if f.entry == "in")
    b = duel.tape.block
    k = int(np.searchsorted(b.ts, fill.ts_event, side="left"))
    mid = 0.5 * (b.bid + b.ask)
    gaps, moves = np.diff(b.ts[:k]) * 1e-9, np.diff(np.log(mid[:k])) ** 2
    near = gaps <= 3_600
    sigma = np.sqrt(moves[near].sum() / gaps[near].sum() * 60)
    quote = b.ask[k] if fill.side > 0 else b.bid[k]
    assert fill.side * (fill.price - quote) == pytest.approx(quote * sigma, rel=2e-3)


def test_a_model_that_needs_volumes_says_so_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match='its bars count tick.*say volume = "2000 lots"'):
        engine.backtest(load("demo", sets=["venue.slippage={model='impact'}"], env={}))
