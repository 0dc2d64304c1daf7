"""Figures against quantstats and by hand; the tear sheet, the figures for papers, the days."""

from __future__ import annotations

import csv
import json
import math
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cli
import engine
from engine.ops import console
from engine.report.days import Days, load_days
from engine.report.metrics import SECOND, Tally, day_of, trading_day
from tests.report.sample import START, START_BALANCE, write_run

ROOT = Path(__file__).resolve().parents[2]
DAY = 86_400 * SECOND
paths = st.lists(st.floats(-0.05, 0.06).map(lambda x: round(x, 6)), min_size=5, max_size=40).filter(
    lambda r: len(set(r)) > 2 and min(r) < -1e-4 and max(r) > 1e-4
)


def told(returns: list[float]) -> tuple[dict[str, Any], pd.Series]:
    """Our figures of an account that made these daily returns, and the returns as they really are."""
    levels = START_BALANCE * np.cumprod(1 + np.array(returns))
    tally = Tally(START_BALANCE)
    ts = START + DAY * np.arange(len(levels), dtype=np.int64)
    tally.equity(ts, levels, levels)
    series = pd.Series(np.diff(np.concatenate([[START_BALANCE], levels])), index=pd.to_datetime(ts))
    series /= np.concatenate([[START_BALANCE], levels[:-1]])
    return tally.figures(first_ts=START, last_ts=int(ts[-1])), series


def near(ours: float | None, theirs: float) -> bool:
    return ours is not None and math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9)


@settings(max_examples=30)
@given(paths)
def test_the_figures_are_those_of_quantstats(returns: list[float]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        qs = pytest.importorskip("quantstats", reason="needs the extra report: pip install -e .[report]")
    ours, series = told(returns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert near(ours["sharpe"], qs.stats.sharpe(series, periods=252))
        assert near(ours["sortino"], qs.stats.sortino(series, periods=252))
        assert near(ours["volatility"], qs.stats.volatility(series, periods=252))
        assert near(ours["max_drawdown_share"], -qs.stats.max_drawdown(series))


@settings(max_examples=60)
@given(paths)
def test_the_figures_are_those_of_a_hand_computation(returns: list[float]) -> None:
    ours, series = told(returns)
    r = series.to_numpy()
    mean, n = r.sum() / len(r), len(r)
    deviation = math.sqrt(((r - mean) ** 2).sum() / (n - 1))
    down = math.sqrt(sum(x * x for x in r if x < 0) / n)
    level, peak, fall = START_BALANCE, START_BALANCE, 0.0
    for x in r:
        level *= 1 + x
        peak = max(peak, level)
        fall = max(fall, 1 - level / peak)
    growth = (level / START_BALANCE) ** (365.25 / (n - 1)) - 1
    assert near(ours["sharpe"], mean / deviation * math.sqrt(252)) and near(
        ours["sortino"], mean / down * math.sqrt(252)
    )
    assert near(ours["volatility"], deviation * math.sqrt(252)) and near(ours["max_drawdown_share"], fall)
    assert math.isclose(ours["cagr"], growth, rel_tol=1e-8) and math.isclose(
        ours["calmar"], growth / fall, rel_tol=1e-8
    )


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 30 * 24), st.integers(5_000, 15_000)), min_size=1, max_size=60), st.integers(1, 9)
)
def test_days_are_those_one_makes_with_a_plain_loop(points: list[tuple[int, int]], size: int) -> None:
    clock = trading_day("17:00 America/New_York")
    stamps = np.array([START + h * 3600 * SECOND for h, _ in sorted(points)], np.int64)
    levels = np.array([float(v) for _, v in sorted(points)])
    days = Days(START_BALANCE, 2, lambda ts: day_of(ts, *clock))
    for lo in range(0, len(stamps), size):
        days.equity(stamps[lo : lo + size], levels[lo : lo + size])
    by_hand: dict[str, list[float]] = {}
    for ts, level in zip(stamps.tolist(), levels.tolist(), strict=True):
        by_hand.setdefault(day_of(ts, *clock)[0], []).append(level)
    rows, before = days.rows(), START_BALANCE
    assert [d.day for d in rows] == list(by_hand)
    for d, seen in zip(rows, by_hand.values(), strict=True):
        assert (d.start_equity, d.end_equity) == (seen[0], seen[-1])
        assert (d.low_equity, d.high_equity, d.change) == (min(seen), max(seen), round(seen[-1] - before, 2))
        before = seen[-1]


def test_days_are_in_the_folder_in_memory_and_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = engine.backtest("demo", out=tmp_path)
    assert run.path
    kept = list(csv.DictReader((run.path / "days.csv").read_text().splitlines()))
    assert len(kept) == len(run.days) == len(load_days(run.path)) > 250
    assert run.days["net"].sum() == pytest.approx(run.trades["net_profit"].sum())
    assert run.days["trades"].sum() == 87
    assert run.days["change"].sum() == pytest.approx(run.equity["equity"].iloc[-1] - 10_000.0)
    assert engine.backtest("demo").days.equals(run.days)
    assert console.run(cli.app, ["runs", "show", str(run.path), "--days", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["day"] for row in rows] == [row["day"] for row in kept]
    assert rows[1]["net"] == float(kept[1]["net"]) and "sampled" not in rows[0]
    (run.path / "days.csv").unlink()
    assert console.run(cli.app, ["runs", "show", str(run.path), "--days"]) == 6


def test_a_report_is_written_again_as_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_run(tmp_path, journal=True)
    before = (run / "report.html").read_bytes()
    (run / "report.html").unlink()
    assert console.run(cli.app, ["report", str(run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [{"file": str(run / "report.html")}]
    assert (run / "report.html").read_bytes() == before


def test_a_tear_sheet_and_figures_for_papers_stand_beside_the_report(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("quantstats", reason="needs the extra report: pip install -e .[report]")
    run = write_run(tmp_path)
    assert console.run(cli.app, ["report", str(run), "--tearsheet", "--png"]) == 0
    page = (run / "tearsheet.html").read_text("utf-8")
    assert "Sharpe" in page and not re.search(r'<(?:link|script|img)[^>]+(?:href|src)="https?:', page)
    for name in ("equity", "months", "distribution", "excursions", "hours"):
        image = (run / f"figures/{name}.png").read_bytes()
        assert image.startswith(b"\x89PNG") and len(image) > 5_000
    assert not list(run.rglob(".*partial"))


@pytest.mark.parametrize(("flag", "package"), [("--tearsheet", "quantstats"), ("--png", "matplotlib")])
def test_without_the_extra_there_is_one_clear_message(tmp_path: Path, flag: str, package: str) -> None:
    run = write_run(tmp_path, bars=500, trades=5)
    code = (
        f"import sys; sys.modules[{package!r}] = None; sys.modules.setdefault('matplotlib', None)\n"
        "import cli; from engine.ops import console\n"
        f"sys.exit(console.run(cli.app, ['report', {str(run)!r}, {flag!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "pip install -e '.[report]'" in done.stderr and {p.name for p in run.iterdir()} >= {"report.html"}
    assert not list(run.rglob(".*partial")) and not list(run.glob("tearsheet*"))


def test_a_run_too_short_for_a_tear_sheet_is_told_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert console.run(cli.app, ["report", str(write_run(tmp_path, bars=3, trades=0)), "--tearsheet"]) == 1
    assert "at least 3 trading days" in capsys.readouterr().err


def test_the_page_adds_its_costs_up_and_tells_its_assumptions(tmp_path: Path) -> None:
    run = engine.backtest("demo", out=tmp_path)
    assert run.path
    page = (run.path / "report.html").read_text("utf-8")
    table = re.search(r'<table class="pairs costs">(.*?)</table>', page)
    assert table
    amounts = [float(x.replace(",", "")) for x in re.findall(r"<td>(-?[\d,.]+) USD</td>", table[1])]
    assert round(sum(amounts[:-1]), 2) == amounts[-1] == -743.72
    for told in ("252 trading days a year", "riskless rate 0", "whole ranges, of the closing bar", "America/New_York"):
        assert told in page
    for title in ("Long and short", "By exit", "weekday and hour", "Trading days", "Distribution", "Z-score"):
        assert title in page
    hours = re.findall(r'<table class="hours">(.*?)</table>', page)
    counted = [sum(int(n) for n in re.findall(r", (\d+) trades,", one)) for one in hours]
    assert counted == [87, 87], "every trade once in each zone"
