"""The main job on real input: quotes and minute bars of other people's making, and every trade held against them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

import engine
from engine.core.config import Config
from engine.core.schema import build
from engine.record import Run
from engine.replay import replay
from tests.jobs import raw
from tests.jobs.audit import Audit, Symbol, Terms, cents
from tests.jobs.raw import Bars, Quotes

LANES = ("python", "compiled")
TICKS = "data/fx_ticks/"
EURUSD = TICKS + "eurusd_dukascopy_ticks_2019-02-04.parquet"
GBPJPY = TICKS + "gbpjpy_dukascopy_ticks_2012-12-02_14.parquet"
XAUUSD = TICKS + "xauusd_oanda_ticks_2014-05-01_02.parquet"
GOLD = {"symbol": "XAUUSD", "base_currency": "XAU", "profit_currency": "USD", "digits": 3, "contract_size": 100.0}
"""Oanda quotes gold in tenths of a cent."""
USDJPY = 82.5


def same(mid: float) -> float:
    return 1.0


class Job(NamedTuple):
    """One backtest: where its quotes are, its config, what it is judged by, and what it is known to give."""

    file: str
    symbol: str
    minutes: int
    strategy: str
    params: dict[str, Any]
    config: dict[str, Any]
    terms: Terms
    trades: int
    balance: float
    digests: tuple[str, str]


def tick_job(name: str, shared: Path) -> Job:
    """The five backtests of quotes."""
    quotes = {
        "eurusd": lambda: Symbol(raw.dukascopy(shared / EURUSD, 1e-5), 100_000.0, 5, same),
        "gbpjpy": lambda: Symbol(raw.dukascopy(shared / GBPJPY, 1e-3), 100_000.0, 3, lambda mid: 1 / USDJPY),
        "xauusd": lambda: Symbol(raw.oanda(shared / XAUUSD), 100.0, 3, same),
    }[name.partition("-")[0]]()
    made = {
        "eurusd-cross": Job(
            EURUSD, "EURUSD", 1, "ma_cross", {"fast": 10, "slow": 40, "reward": 2.0},
            {"risk": {"size": "0.30 lots"}, "venue": {"slippage": "2 points", "commission": "3.5 USD per lot"}},
            Terms({"EURUSD": quotes}, slippage=2.0, commission=3.5, size=(0.3, "lots")), 0, 0.0, ("", ""),
        ),
        "eurusd-breakout": Job(
            EURUSD, "EURUSD", 1, "channel_breakout", {"stop_atr": 3.0},
            {"risk": {"size": "1 % risk"}, "venue": {"latency": "2 s"}},
            Terms({"EURUSD": quotes}, latency=2 * 10**9, size=(0.01, "risk")), 0, 0.0, ("", ""),
        ),
        "gbpjpy-cross": Job(
            GBPJPY, "GBPJPY", 5, "ma_cross", {},
            {"risk": {"size": "1 % risk"}, "venue": {"commission": "3.5 USD per lot"}, "rates": {"USDJPY": USDJPY}},
            Terms({"GBPJPY": quotes}, commission=3.5, size=(0.01, "risk")), 0, 0.0, ("", ""),
        ),
        "gbpjpy-breakout": Job(
            GBPJPY, "GBPJPY", 15, "channel_breakout", {},
            {"risk": {"size": "100 % equity"}, "venue": {"slippage": "3 points"}, "rates": {"USDJPY": USDJPY}},
            Terms({"GBPJPY": quotes}, slippage=3.0, size=(1.0, "equity")), 0, 0.0, ("", ""),
        ),
        "xauusd-cross": Job(
            XAUUSD, "XAUUSD", 1, "ma_cross", {"fast": 15, "slow": 60, "reward": 1.5},
            {"risk": {"size": "2 % risk"}, "venue": {"commission": "3.5 USD per lot"}, "instrument": [GOLD]},
            Terms({"XAUUSD": quotes}, commission=3.5, size=(0.02, "risk")), 0, 0.0, ("", ""),
        ),
        "xauusd-breakout": Job(
            XAUUSD, "XAUUSD", 5, "channel_breakout", {"period": 20, "exit_period": 10},
            {"risk": {"size": "0.20 lots"}, "instrument": [GOLD]},
            Terms({"XAUUSD": quotes}, size=(0.2, "lots")), 0, 0.0, ("", ""),
        ),
    }  # fmt: skip
    return made[name]


def config_of(job: Job, name: str, shared: Path, lane: str) -> Config:
    table = {
        "name": name,
        "data": {"source": "file", "files": [str(shared / job.file)], "symbols": [job.symbol], "kind": "quotes"},
        "strategy": [{"name": job.strategy, "frame": f"M{job.minutes}", "params": job.params}],
        "run": {"lane": lane},
        **job.config,
    }
    return build(Config, table)


NAMES = ("eurusd-cross", "eurusd-breakout", "gbpjpy-cross", "gbpjpy-breakout", "xauusd-cross", "xauusd-breakout")


@pytest.mark.parametrize("name", NAMES)
def test_a_backtest_of_quotes_trades_as_the_quotes_say(name: str, shared: Path, tmp_path: Path) -> None:
    job = tick_job(name, shared)
    python, compiled = (engine.backtest(config_of(job, name, shared, lane), out=tmp_path) for lane in LANES)
    audit = Audit(python.path, job.terms)
    audit.check()
    check_wishes(audit, job.strategy, job.symbol, job.minutes, job.params)
    check_account(audit, python, job.symbol)
    check_lanes(python, compiled)
    figures = python.summary.figures
    print(name, figures["trades"], figures["end_balance"], (python.digest, compiled.digest), len(audit.rejected))


def check_wishes(audit: Audit, strategy: str, name: str, minutes: int, params: dict[str, Any], end: int = 2**62) -> None:
    """The strategy wished what its rule says of these bars, nothing before it had warmed up."""
    market = audit.terms.symbols[name].market
    bars = raw.bars_of(market, minutes, min(end, int(market.ts[-1])) if end == 2**62 else end)
    if strategy == "ma_cross":
        given = {"fast": 20, "slow": 100, **params}
        expected, warm = raw.ma_cross(bars, **given), given["slow"]
    else:
        expected, warm = raw.channel_breakout(bars, **params), params.get("period", 55) + 1
    wished = [s for s in audit.signals if (s.strategy, s.symbol) == (strategy, name)]
    assert [(s.ts, s.strength) for s in wished] == [wish[:2] for wish in expected]
    for signal, (_, _, stop, goal) in zip(wished, expected, strict=True):
        assert signal.stop == (None if stop is None else pytest.approx(stop, abs=1e-9))
        assert signal.take_profit == (None if goal is None else pytest.approx(goal, abs=1e-9))
    assert len(wished) >= 10 and wished[0].ts >= bars.index[warm - 1]


def check_account(audit: Audit, run: Run, name: str) -> None:
    """Balance, equity, drawdown and the equity curve, from the trades and the quotes alone."""
    figures, trades = run.summary.figures, audit.trades
    after, path = audit.path(name)
    half = audit.terms.commission / audit.terms.symbols[name].lot
    paid = sum(float(cents(half * fill.units)) for fill in audit.open)
    assert figures["end_balance"] == pytest.approx(audit.terms.balance + trades["net_profit"].sum() - paid, abs=1e-6)
    assert figures["end_equity"] == pytest.approx(after[-1], abs=1e-6)
    peaks = np.maximum.accumulate(path)
    assert figures["max_drawdown"] == pytest.approx((peaks - path).max(), abs=0.0051)
    assert figures["max_drawdown_share"] == pytest.approx(((peaks - path) / peaks).max(), abs=1e-9)
    ts = audit.terms.symbols[name].market.ts
    hours = run.equity[run.equity.index.minute + run.equity.index.second + run.equity.index.microsecond == 0]
    known = np.searchsorted(ts, hours.index.as_unit("ns").asi8) - 1
    assert len(hours) > 3
    assert hours["equity"].to_numpy() == pytest.approx(after[known], abs=1e-6)


def check_lanes(python: Run, compiled: Run) -> None:
    """The compiled lane made the same deals, and both can be run again."""
    for name in ("trades.csv", "equity.parquet", "bars.parquet"):
        assert (python.path / name).read_bytes() == (compiled.path / name).read_bytes(), name
    for run in (python, compiled):
        again = replay(run.path)
        assert again.ok and again.compared > len(run.trades), again
        assert (run.path / "report.html").stat().st_size > 50_000
