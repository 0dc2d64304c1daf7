"""Two legs or none: the spread of two symbols, on real gold and euros, against a calculation of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine
from engine.core.config import Config, DataConfig, StrategyConfig
from engine.core.errors import ConfigError
from engine.core.events import Denied, Fill, Signal
from engine.core.quantity import Size
from engine.core.schema import build
from engine.core.tape import ArrayTape
from engine.strategy import make
from tests.laws import market
from tests.laws.runs import Outcome, gamble, play, small_tables

TWO = ("EURUSD", "GBPJPY")
PARAMS = {"y": "EURUSD", "x": "GBPJPY", "period": 20, "enter": 1.2, "stop": 3.0}


def run(tape: ArrayTape, pieces: Any = (), **more: Any) -> Outcome:
    base = gamble(TWO, "bars", size="20000 units", drawdown=None)
    one = StrategyConfig(name="pairs", id="pairs", symbols=TWO, frame="M1")
    config = replace(base, strategy=(one,), data=DataConfig("memory", (), TWO, "bars", "M1"), rates={"USDJPY": 110.0})
    return play(config, tape, [make("pairs", PARAMS | more, "pairs")], pieces)


def test_it_decides_the_same_however_the_tape_is_cut() -> None:
    tape = market.bars(TWO, 900, 4)
    whole = run(tape)
    with small_tables():
        assert run(tape, [(k, ()) for k in range(11, 900, 11)]).differences(whole) == []
    assert whole.counts["Fill"] > 20


def test_another_future_changes_no_wish_of_the_past() -> None:
    tape = market.bars(TWO, 900, 4)
    b = tape.block
    whole = [f for _, _, f in run(tape).frames if isinstance(f, Signal)]
    for cut in range(150, 900, 150):
        columns = {name: getattr(b, name).copy() for name in b.columns}
        for name in ("open", "high", "low", "close"):
            columns[name][cut:] = columns[name][cut:][::-1]
        columns["high"] = np.maximum.reduce([columns[n] for n in ("open", "high", "low", "close")])
        columns["low"] = np.minimum.reduce([columns[n] for n in ("open", "high", "low", "close")])
        other = [f for _, _, f in run(ArrayTape.bars(TWO, **columns)).frames if isinstance(f, Signal)]
        before = int(b.ts[cut])
        assert [s for s in other if s.ts < before] == [s for s in whole if s.ts < before]
    assert len(whole) > 20


def test_the_legs_are_opposite_and_their_ratio_is_the_slope() -> None:
    tape = market.bars(TWO, 900, 4)
    b = tape.block
    signals = [f for _, _, f in run(tape).frames if isinstance(f, Signal) and f.strength]
    closes = {s: dict(zip(b.ts[b.symbol == s].tolist(), np.log(b.close[b.symbol == s]), strict=True)) for s in (0, 1)}
    both = sorted(set(closes[0]) & set(closes[1]))
    checked, before = 0, (0.0, 0.0)
    for y, x in zip(signals[::2], signals[1::2], strict=True):
        assert y.ts == x.ts and y.strength * x.strength < 0 and max(abs(y.strength), abs(x.strength)) == 1.0
        if (y.strength, x.strength) == before:  # said again after a refusal: the slope is the one it began with
            continue
        before, at = (y.strength, x.strength), both.index(y.ts)
        window = both[at - 19 : at + 1]
        a, c = (np.array([closes[s][t] for t in window]) for s in (0, 1))
        assert abs(x.strength / y.strength) == pytest.approx(np.polyfit(c, a, 1)[0], rel=1e-6)
        checked += 1
    assert checked > 5


def test_a_leg_that_is_denied_takes_the_other_one_with_it() -> None:
    """The slope is so small that the second leg is below the least volume."""
    tape = market.bars(TWO, 900, 4)
    base = gamble(TWO, "bars", size="3000 units", drawdown=None)
    one = StrategyConfig(name="pairs", id="pairs", symbols=TWO, frame="M1")
    config = replace(base, strategy=(one,), risk=replace(base.risk, size=Size.parse("3000 units")),
                     data=DataConfig("memory", (), TWO, "bars", "M1"), rates={"USDJPY": 110.0})  # fmt: skip
    found = play(config, tape, [make("pairs", PARAMS | {"hedge": 0.05}, "pairs")])
    assert found.counts["volume_min"] > 3
    held: dict[str, float] = {}
    alone = 0
    denied = {f.ts for _, _, f in found.frames if isinstance(f, Denied)}
    for fill in found.fills:
        held[fill.symbol] = held.get(fill.symbol, 0.0) + (fill.side * fill.units)
        alone += fill.entry == "in" and fill.ts not in denied
    assert held.get("EURUSD", 0.0) == 0.0 and "GBPJPY" not in held and alone >= 0


def test_what_is_missing_is_named() -> None:
    tape = market.bars(("EURUSD", "USDJPY"), 400, 4)
    base = gamble(("EURUSD", "USDJPY"), "bars", size="20000 units")
    one = StrategyConfig(name="pairs", id="pairs", symbols=("EURUSD", "USDJPY"), frame="M1")
    with pytest.raises(ConfigError, match="USDJPY is neither y .EURUSD. nor x .GBPJPY.: set both"):
        play(replace(base, strategy=(one,)), tape, [make("pairs", PARAMS, "pairs")])
    only = replace(one, symbols=("EURUSD",))
    with pytest.raises(ConfigError, match="no bar of GBPJPY: trade both symbols"):
        play(replace(base, strategy=(only,)), tape, [make("pairs", PARAMS, "pairs")])


def test_on_gold_and_euros_of_2018_it_gives_what_it_gave(shared: Path) -> None:
    files = [str(shared / f"data/fx_m1/{n}_histdata_m1_2018.parquet") for n in ("eurusd", "xauusd")]
    data = {
        "source": "file", "files": files, "symbols": ["EURUSD", "XAUUSD"], "frame": "M1", "tz": "America/New_York",
        "spread": {"EURUSD": "8 points", "XAUUSD": "30 points"}, "from": "2018-02-12", "to": "2018-05-01",
    }  # fmt: skip
    pair = {"name": "pairs", "frame": "M15", "params": {"x": "XAUUSD", "hedge": 1.0}}
    run = engine.backtest(build(Config, {"name": "pairs", "data": data, "risk": {"size": "40 % equity"},
                                         "strategy": [pair]}))  # fmt: skip
    figures = run.summary.figures
    held: dict[str, float] = {"EURUSD": 0.0, "XAUUSD": 0.0}
    for fill in run.fills:
        assert isinstance(fill, Fill)
        held[fill.symbol] += fill.side * fill.units
    assert all(abs(units) < 1e-6 or figures["trades"] for units in held.values())
    assert (figures["trades"], figures["end_balance"], run.digest) == PINNED


PINNED = (102, 10073.35, "97cf076b8f55f2a577df175db8a9d015")
