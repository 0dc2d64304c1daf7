"""`backtest --stress`: every row is the run that it says, judged by the config's limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import cli
import engine
from engine.core.broker import StressConfig
from engine.core.load import load
from engine.core.quantity import Percent
from engine.core.schema import build
from engine.ops import console
from engine.research.stress import judged, stress, stresses

SHORT = ["data.to=2017-04-01"]
BARRED = "stress.blackout={windows=['2017-01-01 00:00 - 2017-02-15 00:00']}"


def test_every_row_is_the_run_that_it_says() -> None:
    config = load("demo", sets=[*SHORT, BARRED], env={})
    rows = {row.stress: row for row in stress(config)}
    assert list(rows) == [
        "as it is", "spread x1.5", "spread x2", "spread x3", "latency x5", "5 % rejected", "2 % of records missed",
        "no entries around events",
    ]  # fmt: skip
    for name, sets in {
        "as it is": [], "spread x3": ["venue.spread=3.0"], "5 % rejected": ["venue.rejects=5 %"],
        "no entries around events": ["risk" + BARRED.removeprefix("stress")],
    }.items():  # fmt: skip
        figures = engine.backtest(load("demo", sets=[*SHORT, *sets], env={})).summary.figures
        row = rows[name]
        assert (row.net_profit, row.trades) == (figures["net_profit"], figures["trades"])
        assert (row.max_drawdown, row.profit_factor) == (figures["max_drawdown"], figures["profit_factor"])
    assert rows["no entries around events"].trades < rows["as it is"].trades  # type: ignore[operator]
    assert rows["spread x3"].net_profit < rows["as it is"].net_profit  # type: ignore[operator]


def test_what_the_config_says_itself_is_made_worse_from_there() -> None:
    config = load(
        "demo", env={},
        sets=["venue.spread=2.0", "venue.rejects=7 %", "venue.latency={model='gamma',mean='10 ms'}", BARRED],
    )  # fmt: skip
    made = {name: worse for name, worse in stresses(config) if worse}
    assert made["spread x1.5"].venue.spread == 3.0
    assert made["5 % rejected"].venue.rejects == Percent(7.0, "%")
    assert made["latency x5"].venue.latency.times == 5.0  # type: ignore[union-attr]
    assert str(made["latency x5"].venue.report_latency) == "0 ms"


FIGURES: dict[str, Any] = {
    "trades": 10, "end_balance": 9_000.0, "max_drawdown_share": 0.2, "profit_factor": 1.1, "net_profit": -1_000.0,
    "max_drawdown": 2_000.0, "gross_profit": 500.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "figures", "failed"),
    [
        ({}, {}, []),
        ({"max_drawdown": "20 %", "min_balance": 9_000.0, "min_profit_factor": 1.1, "min_trades": 10}, {}, []),
        ({"max_drawdown": "19 %"}, {}, ["drawdown 20.00% is more than 19 %"]),
        ({"min_balance": 9_000.01}, {}, ["balance 9,000.00 is less than 9,000.01"]),
        ({"min_profit_factor": 1.2}, {}, ["profit factor 1.10 is less than 1.2"]),
        ({"min_trades": 11}, {}, ["10 trades are fewer than 11"]),
        ({"min_profit_factor": 1.2}, {"profit_factor": None}, []),
        (
            {"min_profit_factor": 1.2}, {"profit_factor": None, "gross_profit": 0.0},
            ["no trade won or lost: there is no profit factor"],
        ),
    ],
)  # fmt: skip
def test_a_row_is_judged_by_each_limit_that_is_set(
    limits: dict[str, Any], figures: dict[str, Any], failed: list[str]
) -> None:
    row = judged("x", FIGURES | figures, build(StressConfig, limits))
    assert row.failed == failed and row.verdict == ("FAIL" if failed else "pass")


def said(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    code = console.run(cli.app, args)
    out, err = capsys.readouterr()
    return code, out, err


def test_the_verb_prints_the_table_and_refuses_a_run_that_breaks_a_limit(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    args = ["backtest", "demo", "--stress", "--to", "2017-04-01"]
    code, out, _ = said(capsys, *args)
    assert code == 0 and "spread x1.5" in out and "nothing is judged: [stress] of the config sets no limit" in out
    assert "no entries around events: skipped, no calendar" in out and not list(tmp_path.iterdir())
    code, out, err = said(capsys, *args, "--set", "stress.min_trades=10000", "--json")
    found = json.loads(out)
    assert code == 4 and "does not hold its limits under stress: as it is, spread x1.5" in err
    assert found["limits"] == {"min_trades": 10_000}
    assert [row["verdict"] for row in found["rows"]] == ["FAIL"] * 7 + ["skipped"]


def test_calibrate_prints_what_it_found_of_a_run_and_what_it_cannot(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    runs = str(tmp_path / "runs")
    assert said(capsys, "backtest", "demo", "--out", runs, "--set", "venue.spread=1.5", "--json")[0] == 0
    code, out, _ = said(capsys, "calibrate", "latest", "--out", runs)
    assert code == 0 and "1.5  times the tape's" in out and "cannot be told:" in out and "[venue]" in out
    code, out, _ = said(capsys, "calibrate", "1", "--out", runs, "--json")
    assert code == 0 and {e["name"] for e in json.loads(out)["estimates"]} >= {"spread", "slippage", "commission"}
    assert said(capsys, "calibrate", "9", "--out", runs)[0] == 6
