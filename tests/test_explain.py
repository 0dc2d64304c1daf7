"""Why a trade happened, from the bar that a strategy saw to the deal; and what was seen when nothing happened."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import engine
from engine.core.clock import iso, parse_time
from engine.core.config import Config
from engine.core.errors import NotFound, Refused
from engine.core.journal import read
from engine.core.schema import build
from engine.features import atr, sma
from engine.features.contract import feature
from engine.feeds.synthetic import sample
from engine.feeds.tapes import open_tape
from engine.record import Run
from engine.replay import explain
from engine.report.explain import Step, text
from engine.strategy import Strategy, dataclass, strategy

DEMO = {"source": "demo", "symbols": ["EURUSD"], "basis": "ask", "spread": "10 points"}
CROSS = {"name": "ma_cross", "params": {"fast": 5, "slow": 20, "stop_atr": 1.5, "reward": 2.0}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONETAPE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield tmp_path_factory.mktemp("runs")


def config(lane: str = "python", strategies: Any = (CROSS,), **more: Any) -> Config:
    data = {**DEMO, "from": "2017-03-06", "to": "2017-04-22"}
    return build(
        Config, {"name": "demo", "data": data, "strategy": list(strategies), "run": {"lane": lane}, **more}
    )  # fmt: skip


@pytest.fixture(scope="module", params=["python", "compiled"])
def run(request: pytest.FixtureRequest, folder: Path) -> Run:
    made: Run = engine.backtest(config(request.param), out=folder)
    assert set(made.trades["exit_reason"]) == {"order", "stop_loss", "take_profit"} and len(made.trades) > 20
    return made


@pytest.fixture(scope="module")
def frame(folder: Path) -> pd.DataFrame:
    """The strategy's features over the same bars by the batch way, indexed by the close."""
    block = next(open_tape("demo", ["EURUSD"], "H1", "2017-03-06", "2017-04-22", "10 points").blocks())
    bars = pd.DataFrame({name: getattr(block, name) for name in ("ts", "open", "high", "low", "close")})
    made = engine.frame({"fast": sma(5), "slow": sma(20), "reach": atr(14)}, bars.assign(open_ts=block.ts_event))
    return pd.concat([bars, made], axis=1).set_index("ts")


def values(step: Step) -> dict[str, float]:
    """The numbers of a row's step."""
    found = dict(re.findall(r"(\w+) (-?[\d.e+-]+)(?:,|$)", step.text.partition(": ")[2]))
    return {name: float(number) for name, number in found.items()}


def test_every_trade_has_its_whole_chain(run: Run, frame: pd.DataFrame) -> None:
    way_in = ["row", "signal", "risk", "target", "order"]
    for trade in run.trades.itertuples():
        steps = explain(run.path, trade.trade)
        kinds = [step.kind for step in steps]
        start = kinds.index("fill")
        assert kinds[start - 1] == "order" and kinds[:4] == way_in[:4] and kinds[-1] == "fill"
        assert kinds[start + 1 :] == ([*way_in, "fill"] if trade.exit_reason == "order" else ["fill"])
        assert [step.ts for step in steps] == sorted(step.ts for step in steps)
        entry, last = steps[start], steps[-1].text
        deal = f"{'buy' if trade.side > 0 else 'sell'} {trade.units:g} units of EURUSD at {trade.open_price:g}"
        assert deal in entry.text and (iso(trade.open_ts) in entry.text or entry.ts == trade.open_ts)
        assert f"profit {trade.gross_profit:g}" in last and trade.exit_reason.replace("_", "-") in last
        seen = values(steps[0])
        assert np.sign(seen["fast"] - seen["slow"]) == trade.side
        expected = frame.loc[steps[0].ts, list(seen)]
        assert list(seen.values()) == pytest.approx(expected.tolist(), rel=1e-9)


def test_a_chain_reads_as_a_sentence_a_line(run: Run) -> None:
    lines = text(explain(run.path, 2)).splitlines()
    assert len(lines) >= 7
    assert re.match(r"2017-\d\d-\d\dT\d\d:00:00Z  row     ma_cross saw EURUSD H1: open 1\.\d+, high", lines[0])
    assert re.search(
        r"  signal  ma_cross wants EURUSD (long|short) \(-?1\), stop 1\.\d+, take-profit 1\.\d+$", lines[1]
    )
    assert re.search(r"  risk    passed .*max_drawdown", lines[2])
    assert any(re.search(r"  fill    deal \d+: (buy|sell) \d+ units of EURUSD at 1\.\d+", line) for line in lines)


def test_both_lanes_tell_the_same_story(folder: Path) -> None:
    python, compiled = (engine.backtest(config(lane), out=folder) for lane in ("python", "compiled"))
    for trade in range(1, len(python.trades) + 1):
        assert text(explain(python.path, trade)) == text(explain(compiled.path, trade))


def test_a_bar_at_which_nothing_was_decided_shows_what_was_seen(run: Run, frame: pd.DataFrame) -> None:
    decided = {step.ts for trade in run.trades["trade"] for step in explain(run.path, trade) if step.kind == "signal"}
    quiet = next(ts for ts in frame.index[60:] if ts not in decided)
    (only,) = explain(run.path, bar=int(quiet))
    assert (only.kind, only.ts) == ("row", quiet)
    assert values(only) == pytest.approx(frame.loc[quiet, list(values(only))].to_dict(), rel=1e-9)


def test_a_bar_at_which_something_was_decided_shows_what_came_of_it(run: Run) -> None:
    signal = next(step for step in explain(run.path, 3) if step.kind == "signal")
    kinds = [step.kind for step in explain(run.path, bar=signal.ts)]
    assert kinds[:5] == ["row", "signal", "risk", "target", "order"]


def test_a_bar_of_the_warm_up_says_so(run: Run, frame: pd.DataFrame) -> None:
    (only,) = explain(run.path, bar=int(frame.index[10]))
    assert only.text == "ma_cross saw nothing of EURUSD H1 yet: it needs 20 bars first"


@pytest.mark.parametrize(
    ("when", "near"),
    [("2017-03-14 10:30", "2017-03-14T10:00:00Z"), ("2017-03-12 10:00", "2017-03-10T22:00:00Z"), ("2019-01-01", None)],
)
def test_a_moment_without_a_bar_names_the_nearest_before(run: Run, when: str, near: str | None) -> None:
    near = near or iso(run.summary.last_ts)
    with pytest.raises(NotFound, match=f"no bar that a strategy of this run waits for closed at .*: .* {near}$"):
        explain(run.path, bar=parse_time(when))
    with pytest.raises(NotFound, match="no bar .* closed at 2016-01-01T00:00:00Z$"):
        explain(run.path, bar=parse_time("2016-01-01"))


def test_a_trade_that_is_not_there(run: Run) -> None:
    for trade in (0, -1, 1_000):
        with pytest.raises(NotFound, match=f"holds no trade {trade}: its trades are 1 to {len(run.trades)}"):
            explain(run.path, trade)


def test_a_refusal_is_told_at_its_bar(folder: Path) -> None:
    made = engine.backtest(config(risk={"size": "0.0001 lots"}), out=folder)
    assert len(made.trades) == 0 and "denied by the risk rule volume_min" in str(made.summary.cautions)
    with pytest.raises(NotFound, match="it holds no closed trade"):
        explain(made.path, 1)
    denied = next(f.event for f in read(made.path / "journal") if type(f.event).__name__ == "Denied")
    kinds = {step.kind: step.text for step in explain(made.path, bar=denied.ts)}
    assert list(kinds) == ["row", "signal", "denied"]
    assert kinds["denied"] == "volume_min: 0 against a limit of 0.01 (EURUSD)"


def test_a_trade_shows_the_rows_of_its_own_strategy_and_symbol(folder: Path) -> None:
    tape = sample(["EURUSD", "GBPUSD"], 60_000, seed=3)
    data = {"source": "memory", "symbols": ["EURUSD", "GBPUSD"], "kind": "quotes"}
    both = [{**CROSS, "id": "quick", "frame": "M1"}, {**CROSS, "id": "slow", "frame": "M5"}]
    table = {"name": "two", "data": data, "strategy": both, "risk": {"size": "0.01 lots"}}
    made = engine.backtest(build(Config, table), tape, out=folder)
    assert {*zip(made.trades["strategy"], made.trades["symbol"], strict=True)} == {
        (s, x) for s in ("quick", "slow") for x in ("EURUSD", "GBPUSD")
    }
    for trade in made.trades.itertuples():
        rows = [step.text for step in explain(made.path, trade.trade, data=tape) if step.kind == "row"]
        frame = "M1" if trade.strategy == "quick" else "M5"
        assert rows and all(row.startswith(f"{trade.strategy} saw {trade.symbol} {frame}: ") for row in rows)


@feature(gives="signal stop take_profit")
def two_tongues_wish(lo, hi, close, signal, stop, take_profit, mean=sma(5)):  # noqa: B008
    """Long above the mean, flat below."""
    for i in range(lo, hi):
        signal[i] = 1.0 if close[i] > mean[i] else 0.0
        stop[i] = close[i] * 0.99
        take_profit[i] = np.nan


@strategy
@dataclass
class TwoTongues(Strategy):
    """Its compiled form wishes otherwise than its Python form."""

    def features(self) -> dict[str, Any]:
        return {"mean": sma(5)}

    def compiled(self) -> Any:
        return two_tongues_wish()

    def on_row(self, row: Any) -> Any:
        return self.short(row, row.close * 1.01) if row.close > row.mean else self.flat(row)


def test_a_compiled_run_that_its_python_form_contradicts_is_not_explained(folder: Path) -> None:
    made = engine.backtest(config("compiled", [{"name": "two_tongues"}]), out=folder)
    assert len(made.trades) > 20
    with pytest.raises(Refused, match="in the Python lane it makes other deals"):
        explain(made.path, 1)
