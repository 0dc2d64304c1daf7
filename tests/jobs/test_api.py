"""The Python interface: a backtest in a few lines, and what it gives back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import engine
from engine.core.config import Config
from engine.core.errors import ConfigError, NotFound
from engine.core.load import load
from engine.core.tape import ArrayTape
from engine.features import atr, sma
from engine.feeds.synthetic import sample
from engine.feeds.tapes import open_tape
from engine.ops import listing
from engine.record import Run
from engine.report.writer import TRADES
from engine.strategy import Strategy, dataclass
from strategies.ma_cross import MaCross

SEEN: list[Any] = []


@dataclass
class Watching(Strategy):
    """Trades a little and keeps every row it saw."""

    period: int = 10
    calls: int = 0

    def features(self) -> dict[str, Any]:
        return {"mean": sma(self.period), "reach": atr(self.period)}

    def on_row(self, row: Any) -> Any:
        SEEN.append(row)
        self.calls += 1
        return self.long(row, row.close - 20 * row.reach) if row.close > row.mean else self.flat(row)


def quotes(n: int = 40_000) -> ArrayTape:
    """Quotes in memory, as a notebook would have them."""
    made = sample(["EURUSD"], n, seed=7)
    parts = list(made.blocks())
    columns = {name: np.concatenate([getattr(b, name) for b in parts]) for name in ("ts", "symbol", "bid", "ask")}
    return ArrayTape.quotes(("EURUSD",), **columns)


def demo_bars() -> ArrayTape:
    block = next(open_tape("demo", ["EURUSD"], "H1", "2017-02", "2017-05").blocks())
    return ArrayTape.bars(("EURUSD",), **{name: getattr(block, name) for name in block.columns})


def test_a_strategy_object_on_quotes_in_memory() -> None:
    SEEN.clear()
    run = engine.backtest(Watching(period=6), quotes(), frame="M1")
    trades, equity = run.trades, run.equity
    assert len(trades) > 20 and set(TRADES) | {"open_ts", "close_ts", "side"} == set(trades.columns)
    assert str(trades["open_time"].dtype) == "datetime64[ns, UTC]" and (trades["held_s"] >= 0).all()
    assert trades["net_profit"].sum() == pytest.approx(run.summary.figures["net_profit"], abs=0.005)
    assert list(equity.columns) == ["balance", "equity"] and equity.index.is_monotonic_increasing
    assert str(equity.index.tz) == "UTC" and equity["balance"].iloc[0] == 10_000.0
    assert equity["balance"].iloc[-1] == run.summary.figures["end_balance"] == run.balance
    assert len(run.fills) >= 2 * len(trades) and run.path is None and len(run.digest) == 32
    assert {row.symbol for row in SEEN} == {"EURUSD"} and (np.diff([row.ts for row in SEEN]) % (60 * 10**9) == 0).all()


def test_what_a_strategy_sees_is_what_the_frame_function_gives() -> None:
    SEEN.clear()
    tape = demo_bars()
    engine.backtest(Watching(period=14), tape)
    block = next(tape.blocks())
    data = pd.DataFrame({name: getattr(block, name) for name in ("ts", "open", "high", "low", "close")})
    frame = engine.frame({"mean": sma(14), "reach": atr(14)}, data.assign(open_ts=block.ts_event))
    warm = frame.dropna()
    assert len(SEEN) == len(warm) > 1_000 and [row.ts for row in SEEN] == block.ts[warm.index].tolist()
    for name in ("mean", "reach"):
        assert [getattr(row, name) for row in SEEN] == warm[name].tolist(), "bit for bit"


def test_an_object_can_run_twice_and_starts_afresh() -> None:
    watching, tape = Watching(), demo_bars()
    first, second = engine.backtest(watching, tape), engine.backtest(watching, tape)
    assert first.digest == second.digest and watching.calls == 0 and watching.id == ""
    cross = MaCross(fast=5, slow=20)
    assert engine.backtest(cross, tape).digest == engine.backtest(cross, tape).digest


def test_an_object_a_config_and_a_name_are_the_same_backtest() -> None:
    config = load("ma_cross", env={})
    by_name = engine.backtest("ma_cross")
    by_config = engine.backtest(config)
    by_object = engine.backtest(MaCross(), open_tape("demo", ["EURUSD"], "H1"))
    assert by_name.digest == by_config.digest == by_object.digest
    assert by_object.summary.config["strategy"][0]["params"] == by_config.summary.config["strategy"][0]["params"] | {
        "fast": 20, "slow": 100, "stop_atr": 3.0, "reward": 0.0, "atr_period": 14,
    }  # fmt: skip


def test_bars_in_memory_are_of_the_frame_they_are() -> None:
    tape = demo_bars()
    assert engine.backtest(Watching(), tape).summary.config["data"]["frame"] == "H1"
    longer = engine.backtest(Watching(), tape, frame="H4")
    assert longer.summary.config["strategy"][0]["frame"] == "H4" and len(longer.trades) > 5
    with pytest.raises(ConfigError, match="M5 is finer than the H1 bars"):
        engine.backtest(Watching(), tape, frame="M5")


def both(config: Config | Strategy, tape: Any, folder: Path, **more: Any) -> tuple[Run, Run]:
    return engine.backtest(config, tape, **more), engine.backtest(config, tape, out=folder, **more)


@pytest.mark.parametrize("lane", ["python", "compiled"])
@pytest.mark.parametrize("kind", ["bars", "quotes"])
def test_a_run_in_memory_and_one_on_disk_say_the_same(kind: str, lane: str, tmp_path: Path) -> None:
    sets = [f"run.lane={lane}", "strategy.params.fast=3", "strategy.params.slow=8", f"data.kind={kind}"]
    config = load("demo", sets=[*sets, *(["strategy.frame=M1"] if kind == "quotes" else [])], env={})
    memory, disk = both(config, quotes() if kind == "quotes" else demo_bars(), tmp_path)
    assert memory.digest == disk.digest and len(memory.trades) > 20
    pd.testing.assert_frame_equal(memory.trades, disk.trades, check_exact=True)
    pd.testing.assert_frame_equal(memory.equity, disk.equity, check_exact=True)
    ours, theirs = (
        {name: getattr(run.summary, name) for name in run.summary.__struct_fields__} for run in (memory, disk)
    )
    different = {name for name in ours if ours[name] != theirs[name]} - {"started", "finished", "extra"}
    assert different == {"number"} and theirs["number"] == 1
    assert theirs == {name: getattr(load_back(disk), name) for name in theirs}


def load_back(run: Run) -> Any:
    from engine.report.summary import load_summary

    assert run.path is not None
    return load_summary(run.path)


def test_runs_are_listed_and_shown(tmp_path: Path) -> None:
    tape = demo_bars()
    for name in ("first", "second"):
        one = Watching()
        one.id = name
        engine.backtest(one, tape, out=tmp_path)
    rows = listing.runs(str(tmp_path))
    assert [(row["run"], row["name"]) for row in rows] == [(1, "first"), (2, "second")]
    assert rows[0]["trades"] == rows[1]["trades"] > 20 and "second" in listing.runs_text(rows)
    shown = listing.run("latest", str(tmp_path))
    assert shown["name"] == "second" and shown["path"] == str(tmp_path / "2-second")
    text = listing.run_text(shown)
    assert "second on EURUSD" in text and "! bars only: orders fill at the next open" in text
    with pytest.raises(NotFound, match="did you mean"):
        listing.run("secnd", str(tmp_path))
