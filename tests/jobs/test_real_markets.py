"""The main job on real input: quotes and minute bars of other people's making, and every trade held against them."""

from __future__ import annotations

from dataclasses import replace
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
from tests.jobs.audit import MS, Audit, Symbol, Terms, cents

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
            Terms({"EURUSD": quotes}, slippage=2.0, commission=3.5, size=(0.3, "lots")),
            44, 9804.25, ("6fd97c443ad24638472809416c5531ea", "b3dfc5ae71ddc55f441cdf93d52fa624"),
        ),
        "eurusd-breakout": Job(
            EURUSD, "EURUSD", 1, "channel_breakout", {"stop_atr": 3.0},
            {"risk": {"size": "1 % risk"}, "venue": {"latency": "2 s"}},
            Terms({"EURUSD": quotes}, latency=2 * 10**9, size=(0.01, "risk")),
            9, 9555.87, ("5195c3a196fb63c41ae5f9ce35460166", "a37b4fdc93aa90172694ad669661aec9"),
        ),
        "gbpjpy-cross": Job(
            GBPJPY, "GBPJPY", 5, "ma_cross", {},
            {"risk": {"size": "1 % risk"}, "venue": {"commission": "3.5 USD per lot"}, "rates": {"USDJPY": USDJPY}},
            Terms({"GBPJPY": quotes}, commission=3.5, size=(0.01, "risk")),
            36, 9287.38, ("7a4671e17dd359f2ebcc4f20773ead8e", "2af19245f9a66a37838d3e7d32fd708d"),
        ),
        "gbpjpy-breakout": Job(
            GBPJPY, "GBPJPY", 15, "channel_breakout", {},
            {"risk": {"size": "100 % equity"}, "venue": {"slippage": "3 points"}, "rates": {"USDJPY": USDJPY}},
            Terms({"GBPJPY": quotes}, slippage=3.0, size=(1.0, "equity")),
            12, 9907.93, ("c5be9e51f01e2181b9d405cacaa656ac", "87a74659672085f00def82291d036d9d"),
        ),
        "xauusd-cross": Job(
            XAUUSD, "XAUUSD", 1, "ma_cross", {"fast": 15, "slow": 60, "reward": 1.5},
            {"risk": {"size": "2 % risk"}, "venue": {"commission": "3.5 USD per lot"}, "instrument": [GOLD]},
            Terms({"XAUUSD": quotes}, commission=3.5, size=(0.02, "risk")),
            30, 9144.22, ("0ffba84ad3dc6600df05e0ee1c4bde25", "38ef112196f733ae2929b16a7f4d51a9"),
        ),
        "xauusd-breakout": Job(
            XAUUSD, "XAUUSD", 5, "channel_breakout", {"period": 20, "exit_period": 10},
            {"risk": {"size": "0.20 lots"}, "instrument": [GOLD]},
            Terms({"XAUUSD": quotes}, size=(0.2, "lots")),
            19, 9693.98, ("5baea2296ea3a383c54a8f66e825f141", "a4e1b49eead65de615ef69da364f4546"),
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


PLANTED = {
    "an entry a point too good": lambda t: t.assign(open_price=t.open_price - 1e-5),
    "an entry one quote late": lambda t: t.assign(open_time=t.open_time.str.replace("2019-02-04T01", "2019-02-04T02")),
    "an exit a point off": lambda t: t.assign(close_price=t.close_price + 1e-5),
    "a stop told as a take-profit": lambda t: t.assign(exit_reason=t.exit_reason.replace("stop_loss", "take_profit")),
    "a cent too much": lambda t: t.assign(gross_profit=t.gross_profit + 0.01),
    "a side turned round": lambda t: t.assign(direction=t.direction.map({"long": "short", "short": "long"})),
    "commission on one side only": lambda t: t.assign(commission=t.commission / 2),
}


def test_the_audit_finds_what_is_planted(shared: Path, tmp_path: Path) -> None:
    job = tick_job("eurusd-cross", shared)
    run = engine.backtest(config_of(job, "planted", shared, "python"), out=tmp_path).path
    trades = pd.read_csv(run / "trades.csv")
    Audit(run, job.terms).check()
    for name, alter in PLANTED.items():
        alter(trades).to_csv(run / "trades.csv", index=False)
        try:
            Audit(run, job.terms).check()
        except AssertionError:
            continue
        pytest.fail(f"the audit overlooks {name}")
    trades.to_csv(run / "trades.csv", index=False)
    for wrong in ({"latency": 500 * MS}, {"slippage": 1.0}, {"size": (0.31, "lots")}):
        with pytest.raises(AssertionError):
            Audit(run, replace(job.terms, **wrong)).check()


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
    assert (figures["trades"], figures["end_balance"]) == (job.trades, job.balance)
    assert (python.digest, compiled.digest) == job.digests
    assert ("rates" in job.config) == any("fixed USDJPY of 82.5" in told for told in python.summary.cautions)
    refused = [told for told in python.summary.cautions if "rejected" in told]
    count = len(audit.rejected)
    told = f"orders rejected by the venue: not enough money ({count} times): a smaller risk.size, or"
    assert len(refused) == (count > 0) and all(one.startswith(told) for one in refused)


def check_wishes(
    audit: Audit, strategy: str, name: str, minutes: int, params: dict[str, Any], end: int | None = None
) -> None:
    """The strategy wished what its rule says of these bars, nothing before it had warmed up."""
    market = audit.terms.symbols[name].market
    bars = raw.bars_of(market, minutes, end or int(market.ts[-1]))
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


FILES = {name: f"data/fx_m1/{name.lower()}_histdata_m1_2018.parquet" for name in ("EURUSD", "USDJPY", "XAUUSD")}
SPREADS = {"EURUSD": "8 points", "USDJPY": "12 points", "XAUUSD": "30 points"}
SPAN = ("2018-02-12", "2018-03-24")
"""Six weeks with the change to daylight saving in New York, whose wall time the stamps are."""


def minute_config(shared: Path, lane: str) -> Config:
    """Both strategies on three symbols in one account: a cross on M15, a breakout on H1."""
    data = {
        "source": "file", "files": [str(shared / FILES[name]) for name in FILES], "symbols": list(FILES), "frame": "M1",
        "spread": SPREADS, "tz": "America/New_York", "from": SPAN[0], "to": SPAN[1],
    }  # fmt: skip
    strategies = [
        {"name": "ma_cross", "frame": "M15", "params": {"reward": 2.0}},
        {"name": "channel_breakout", "frame": "H1"},
    ]
    return build(
        Config,
        {
            "name": "minutes", "data": data, "strategy": strategies, "run": {"lane": lane},
            "risk": {"size": "0.05 lots"}, "venue": {"slippage": "1 points", "commission": "3.5 USD per lot"},
        },
    )  # fmt: skip


def test_a_backtest_of_minute_bars_trades_as_the_bars_say(shared: Path, tmp_path: Path) -> None:
    python, compiled = (engine.backtest(minute_config(shared, lane), out=tmp_path) for lane in LANES)
    bars = {
        name: raw.histdata(shared / FILES[name], *SPAN, float(SPREADS[name].split()[0]) * 10.0**-digits)
        for name, digits in (("EURUSD", 5), ("USDJPY", 3), ("XAUUSD", 2))
    }
    terms = Terms(
        {
            "EURUSD": Symbol(bars["EURUSD"], 100_000.0, 5, same),
            "USDJPY": Symbol(bars["USDJPY"], 100_000.0, 3, lambda mid: 1 / mid),
            "XAUUSD": Symbol(bars["XAUUSD"], 100.0, 2, same, pause=(17 * 60, 18 * 60)),
        },
        slippage=1.0, commission=3.5, size=(0.05, "lots"),
    )  # fmt: skip
    audit = Audit(python.path, terms)
    audit.check()
    end = max(int(one.ts[-1]) for one in bars.values())
    for name in bars:
        check_wishes(audit, "ma_cross", name, 15, {"reward": 2.0}, end)
        check_wishes(audit, "channel_breakout", name, 60, {}, end)
    check_lanes(python, compiled)
    figures, reasons = python.summary.figures, set(audit.trades["exit_reason"])
    assert reasons == {"order", "stop_loss", "take_profit"} and not audit.rejected
    paid = sum(float(cents(3.5 * fill.units / terms.symbols[fill.symbol].lot)) for fill in audit.open)
    assert figures["end_balance"] == pytest.approx(10_000.0 + audit.trades["net_profit"].sum() - paid, abs=1e-6)
    assert figures["end_equity"] == pytest.approx(audit.equity(end), abs=1e-6)
    told = " ".join([*python.summary.notes, *python.summary.cautions])
    assert "stamped in America/New_York" in told and "ask = bid + 12 points assumed" in told and "bars only" in told
    assert (figures["trades"], figures["end_balance"], python.summary.records) == (123, 9936.27, 127_017)
    assert python.digest == "77014902025a2983ebe95ff89a6726c9" and compiled.digest == "f9b6d541720ef3110549781627c92cfe"
