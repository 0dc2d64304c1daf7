"""Finer bars inside coarser ones: strategies see the coarse bars, orders meet the fine ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.core.config import Config
from engine.core.errors import ConfigError, DataError, NotFound
from engine.core.frames import MINUTE
from engine.core.schema import build
from engine.core.tape import ArrayTape
from engine.core.zones import HOUR
from engine.feeds.append import Append
from engine.feeds.detail import uncovered
from engine.feeds.lineage import Lineage
from engine.feeds.tapes import open_data
from engine.record import Run, guessed
from engine.run import Session
from engine.strategy import Strategy, dataclass

TEN = 1_551_693_600 * 10**9
"""2019-03-04 10:00 UTC, a Monday."""
CROSS = {"name": "ma_cross", "params": {"fast": 5, "slow": 20, "stop_atr": 1.0, "reward": 1.0}}
DEMO = {"source": "demo", "symbols": ["EURUSD"], "basis": "ask", "from": "2017-03-06", "to": "2017-05-22"}


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ONETAPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ONETAPE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def config(data: dict[str, Any], **more: Any) -> Config:
    return build(Config, {"name": "fine", "data": data, "strategy": [CROSS], **more})


# what the bars are


@dataclass
class Once(Strategy):
    """Buys at the first close it sees, with a stop and a take-profit 20 points of ten away."""

    done: bool = False

    def on_row(self, row: Any) -> Any:
        before, self.done = self.done, True
        return None if before else self.long(row, stop=1.098, take_profit=1.102)


def minutes(closes: np.ndarray, first: int = TEN) -> dict[str, np.ndarray]:
    """Bars of one minute from one close to the next, without a range of their own."""
    opens = np.concatenate([closes[:1], closes[:-1]])
    ts_event = first + MINUTE * np.arange(len(closes))
    return {
        "ts": ts_event + MINUTE, "ts_event": ts_event, "symbol": np.zeros(len(closes), np.int16), "open": opens,
        "high": np.maximum(opens, closes), "low": np.minimum(opens, closes), "close": closes,
        "spread": np.full(len(closes), 1e-4), "volume": np.ones(len(closes)),
    }  # fmt: skip


def hours(fine: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same market as bars of an hour, by plain reductions."""
    rows = {name: values.reshape(-1, 60) for name, values in fine.items()}
    ends = {"ts": -1, "close": -1} | dict.fromkeys(("ts_event", "symbol", "open", "spread"), 0)
    found = {name: rows[name][:, at] for name, at in ends.items()}
    return {**found, "high": rows["high"].max(1), "low": rows["low"].min(1), "volume": rows["volume"].sum(1)}


def turning_market() -> dict[str, np.ndarray]:
    """An hour of nothing; then, within one hour, up through 1.1020 and down through 1.0980; an hour of nothing."""
    up, down = np.linspace(1.1, 1.1025, 20), np.linspace(1.1025, 1.0975, 40)
    return minutes(np.concatenate([np.full(60, 1.1), up, down, np.full(60, 1.0975)]).round(5))


def lone_trade(tape: ArrayTape, **data: Any) -> tuple[Any, Run]:
    memory = {"source": "memory", "symbols": ["EURUSD"], **data}
    made = build(Config, {"name": "once", "data": memory, "risk": {"size": "0.1 lots"}, "strategy": [{"name": "once"}]})
    one = Once()
    one.id = "once"
    run: Run = Session(made, tape, [one]).run()
    (trade,) = run.trades.itertuples()
    return trade, run


def test_detail_decides_what_a_coarse_bar_left_open() -> None:
    """Bought at 1.1001 (0.10 lots): the hour holds both exits, so the stop at 1.0980 fills, -21; the minutes show that
    the take-profit at 1.1020 came first, +19."""
    fine = turning_market()
    coarse, guess = lone_trade(ArrayTape.bars(("EURUSD",), **hours(fine)), frame="H1")
    told, known = lone_trade(ArrayTape.bars(("EURUSD",), **fine), frame="H1", detail="M1")
    assert (coarse.exit_reason, coarse.net_profit, coarse.close_price) == ("stop_loss", -21.0, 1.098)
    assert (told.exit_reason, told.net_profit, told.close_price) == ("take_profit", 19.0, 1.102)
    assert (guess.summary.figures["ambiguous"], known.summary.figures["ambiguous"]) == (1, 0)
    said = "1 trades had stop and take-profit in one bar"
    assert [any(said in told for told in run.summary.cautions) for run in (guess, known)] == [True, False]
    assert coarse.open_ts == told.open_ts == TEN + HOUR and coarse.open_price == told.open_price == 1.1001


@pytest.mark.parametrize("lane", ["python", "compiled"])
def test_a_run_with_detail_is_the_run_on_the_fine_bars_with_coarse_strategies(lane: str) -> None:
    lanes = {"run": {"lane": lane}}
    with_detail = engine.backtest(config({**DEMO, "frame": "H4", "detail": "h1"}, **lanes))
    fine = replace(
        config({**DEMO, "frame": "H1"}, **lanes), strategy=(replace(with_detail.config.strategy[0], frame="H4"),)
    )
    plain = engine.backtest(fine)
    assert with_detail.digest == plain.digest and len(with_detail.trades) > 10
    assert with_detail.summary.kind == "bars" and with_detail.config.strategies[0].frame == "H4"
    assert any(told.startswith("H1 bars inside those of H4: orders fill") for told in with_detail.summary.cautions)


def test_a_run_with_detail_replays_from_its_journal(tmp_path: Path) -> None:
    from engine.replay import replay

    run = engine.backtest(config({**DEMO, "frame": "H4", "detail": "H1"}), out=tmp_path / "runs")
    assert run.path and replay(run.path).ok


def test_how_often_a_bar_held_both_exits_is_told_before_the_figures() -> None:
    made = config(DEMO)
    assert list(guessed(0, made)) == []
    (told,) = guessed(3, made)
    assert told.startswith("3 trades had stop and take-profit in one bar") and 'venue.path = "pessimistic"' in told


# what cannot be meant


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"frame": "H1", "detail": "H1"}, "data.detail: H1 bars are not finer than the H1 bars of data.frame"),
        ({"frame": "M5", "detail": "M15"}, "data.detail: M15 bars are not finer than the M5 bars"),
        ({"frame": "H1", "detail": "M7"}, "data.detail: unknown time frame 'M7'"),
        ({"kind": "quotes", "detail": "M1"}, "data.detail: quotes hold more than any bars"),
    ],
)
def test_a_detail_that_is_none_is_refused(data: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        config({**DEMO, **data})


def test_bars_that_the_detail_does_not_divide_are_refused() -> None:
    data = {"source": "memory", "symbols": ["EURUSD"], "frame": "H3", "detail": "H2"}
    with pytest.raises(ConfigError, match="H3 bars cannot be made from bars of H2"):
        engine.backtest(config(data), ArrayTape.bars(("EURUSD",), **two_hours()))


def two_hours() -> dict[str, np.ndarray]:
    fine = minutes(np.full(240, 1.1))
    rows = hours(fine)
    return {name: values[::2] if name != "ts" else values[1::2] for name, values in rows.items()}


def test_a_tape_of_other_bars_than_the_detail_is_refused() -> None:
    tape = ArrayTape.bars(("EURUSD",), **hours(turning_market()))
    with pytest.raises(ConfigError, match="data.detail: the tape holds H1 bars, not M1"):
        engine.backtest(config({"source": "memory", "symbols": ["EURUSD"], "detail": "M1"}), tape)


# what the detail does not cover


def keep(frame: str, columns: dict[str, np.ndarray], symbol: str = "EURUSD") -> None:
    named = {"open_ts": columns["ts_event"], **{n: v for n, v in columns.items() if n not in ("ts_event", "symbol")}}
    lineage = Lineage(source="test", symbol=symbol, frame=frame, basis="bid", stamps="open", spread="recorded")
    with Append(lineage) as target:
        target.add(named)


def rows_of(columns: dict[str, np.ndarray], rows: slice | np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[rows] for name, values in columns.items()}


def kept(**data: Any) -> Any:
    return open_data(config({"source": "test", "symbols": ["EURUSD"], "detail": "M1", **data}).data)


def test_detail_that_covers_every_bar_is_taken_as_it_is() -> None:
    fine = turning_market()
    keep("H1", hours(fine))
    keep("M1", rows_of(fine, np.arange(180) % 60 == 17))
    assert len(kept()) == 3, "a minute an hour is what there is: minutes without a quote make no bar"


def test_the_first_stretch_without_detail_is_named() -> None:
    fine = minutes(np.full(600, 1.1))
    keep("H1", hours(fine))
    missing = np.isin(np.arange(600) // 60, [2, 3, 7])
    keep("M1", rows_of(fine, ~missing))
    with pytest.raises(DataError) as caught:
        kept()
    assert str(caught.value) == (
        "data.detail: test has H1 bars of EURUSD from 2019-03-04 12:00:00 to 2019-03-04 14:00:00 UTC and no M1 bars"
        " inside them (3 of 10 H1 bars are bare): import them, or move data.from and data.to"
    )
    assert len(kept(**{"from": "2019-03-04 14:00", "to": "2019-03-04 17:00"})) == 180


def test_a_detail_that_is_not_there_at_all_is_not_found() -> None:
    keep("H1", hours(turning_market()))
    with pytest.raises(NotFound, match="no dataset 'test/EURUSD/bars-M1'"):
        kept()


def test_a_source_without_coarse_bars_has_them_made_of_the_detail() -> None:
    keep("M1", turning_market())
    assert len(kept()) == 180


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 1)), min_size=1, max_size=60), st.integers(1, 7))
def test_bare_bars_are_found_however_the_tape_is_cut(opens: list[tuple[int, int]], size: int) -> None:
    """Against a plain search, for two symbols with bars of ten and, with holes between, of seven."""
    opens.sort()
    n = len(opens)
    columns = dict.fromkeys(("open", "high", "low", "close", "spread", "volume"), np.ones(n))
    ts = np.array([at for at, _ in opens])
    tape = ArrayTape.bars(("A", "B"), ts=ts + 1, ts_event=ts, symbol=np.array([s for _, s in opens]), **columns)
    coarse = [(np.arange(0, 300, 10), np.arange(0, 300, 10) + length) for length in (10, 7)]

    class Cut:
        symbols, blocks = tape.symbols, staticmethod(lambda: tape.blocks(size))

    for s, found in enumerate(uncovered(Cut(), coarse)):  # type: ignore[arg-type]
        mine = [at for at, whose in opens if whose == s]
        bare = [i for i, (a, b) in enumerate(zip(*coarse[s], strict=True)) if not any(a <= at < b for at in mine)]
        assert found.tolist() == bare
