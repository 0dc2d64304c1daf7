"""Signals from a table: the same run as a strategy that wishes the same, and one clear message for each bad table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.core.broker import VenueConfig
from engine.core.errors import ConfigError, OnetapeError
from engine.core.events import Signal
from engine.core.journal import read
from engine.core.load import load
from engine.core.quantity import Size
from engine.core.tape import ArrayTape
from engine.feeds.tapes import open_tape
from engine.replay import replay
from engine.signals import SignalTable, _config, read_signals
from tests.laws import market
from tests.laws.market import MINUTE
from tests.laws.runs import ns, play

HOUR = 3_600 * 10**9


def hours() -> Any:
    return open_tape("demo", ["EURUSD"], "H1", "2017-02", "2017-04", "10 points")


def wished(run: Any) -> list[Signal]:
    return [f.event for f in read(run.path / "journal") if isinstance(f.event, Signal)]


def test_the_signals_of_a_strategy_written_down_make_the_same_trades(tmp_path: Path) -> None:
    config = load("demo-breakout", env={})
    theirs = engine.backtest(config, hours(), out=tmp_path)
    said = wished(theirs)
    table = pd.DataFrame(
        {
            "ts": pd.to_datetime([s.ts for s in said], utc=True), "symbol": [s.symbol for s in said],
            "signal": [s.strength for s in said], "stop": [s.stop for s in said],
        }
    )  # fmt: skip
    ours = engine.backtest_signals(table, hours(), config=config, out=tmp_path)
    same = ["open_ts", "close_ts", "side", "units", "open_price", "close_price", "stop", "exit_reason", "net_profit"]
    assert len(ours.trades) > 8
    pd.testing.assert_frame_equal(ours.trades[same], theirs.trades[same], check_exact=True)
    assert ours.balance == theirs.balance and ours.path is not None
    made = SignalTable(read_signals(table, ("EURUSD",)))
    assert replay(ours.path, data=hours(), strategies=[made]).ok
    by_index = table.set_index("ts").drop(columns="symbol").tz_convert("America/New_York")
    assert engine.backtest_signals(by_index, hours(), config=config).digest == ours.digest
    naive = table.assign(ts=table["ts"].dt.tz_convert("Europe/Athens").dt.tz_localize(None))
    assert engine.backtest_signals(naive, hours(), config=config, zone="Europe/Athens").digest == ours.digest


@settings(max_examples=15, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["quotes", "bars"]))
def test_a_wish_is_decided_at_its_moment_and_not_known_before(data: st.DataObject, kind: str) -> None:
    """Rows after a moment may be anything: what was decided until then stays, and each wish is journalled at its ts."""
    tape: ArrayTape = getattr(market, kind)(("EURUSD",), 900, 3)
    first, last = tape.span
    stamps = sorted(data.draw(st.sets(st.integers(first, last), min_size=2, max_size=12)))
    rows = [(t, float(data.draw(st.sampled_from([-1.0, -0.5, 0.0, 1.0])))) for t in stamps]
    cut = data.draw(st.integers(1, len(rows) - 1))
    other = [*rows[:cut], *((t, -s) for t, s in rows[cut:])]

    def run(chosen: list[tuple[int, float]]) -> Any:
        config = _config(None, tape, "signals")
        config = replace(config, risk=replace(config.risk, size=Size.parse("3000 units")), venue=VenueConfig(ns(10**6)))
        table = pd.DataFrame(chosen, columns=["ts", "signal"])
        return play(config, tape, [SignalTable(read_signals(table, ("EURUSD",)))])

    whole, changed = run(rows), run(other)
    said = [f for _, _, f in whole.frames if isinstance(f, Signal)]
    assert {s.ts for s in said} <= set(stamps)
    before = [[repr(f) for _, _, f in o.frames if f.ts < rows[cut][0]][1:] for o in (whole, changed)]
    assert before[0] == before[1]
    for fill in whole.fills:
        if fill.reason == "order":
            asked = max(t for t, _ in rows if t <= fill.ts)
            assert fill.ts_event >= asked or (kind == "bars" and fill.ts_event + MINUTE >= asked)


def table(**columns: Any) -> pd.DataFrame:
    base = {"ts": pd.to_datetime(["2017-02-06 10:00", "2017-02-06 12:00"], utc=True), "signal": [1.0, 0.0]}
    return pd.DataFrame({**base, **columns})


STAMPS = pd.to_datetime(["2017-02-06 10:00", "2017-02-06 12:00"])


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (table(ts=STAMPS), 'the stamps name no zone: say which with zone="UTC"'),
        (table(ts=STAMPS[::-1].tz_localize("UTC")), "row 2: 2017-02-06T10:00:00Z comes after .*: sort the table by ts"),
        (table(ts=STAMPS[[0, 0]].tz_localize("UTC")), "row 2: a second signal for EURUSD at 2017-02-06T10:00:00Z"),
        (table(ts=["2017-02-06", "2017-02-07"]), "needs a column ts .or an index. of datetimes"),
        (table(ts=[STAMPS[0].tz_localize("UTC"), pd.NaT]), "row 2: NaT: there is no time"),
        (table(ts=STAMPS.tz_localize("UTC") + pd.DateOffset(years=3)), "row 1: 2020-.* lies outside the data, 2017-"),
        (table(signal=[1.0, np.nan]), "row 2: nan: a signal is a number from -1 to 1"),
        (table(signal=[1.5, -2.0]), "row 1: 1.5: a signal is a number from -1 to 1 .2 rows are."),
        (table(signal=["long", "flat"]), "column signal: holds .*, numbers are wanted"),
        (table(symbol=["EURUSD", "EURSUD"]), "row 2: no EURSUD in the data: did you mean EURUSD"),
        (table(stop=[-1.0, np.nan]), "row 1: -1.0: stop is a price, or NaN: none"),
        (table(take_profit=[np.inf, 1.0]), "row 1: inf: take_profit is a price"),
        (table(stop_loss=[1.0, 1.0]), "column 'stop_loss' is none of ts, symbol, signal, stop, take_profit: "),
        (table().drop(columns="signal"), "has no column signal"),
        (table().iloc[:0], "the table holds no signals"),
        (table().drop(columns="ts"), "needs a column ts"),
        ([1.0], "signals are a table .pandas.DataFrame., not a list"),
        (table(), "a size of 1 % risk needs a stop in every row that opens"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused_in_one_clear_line(made: Any, message: str) -> None:
    with pytest.raises(OnetapeError, match=message):
        engine.backtest_signals(made, hours())


def test_a_market_and_a_zone_are_asked_for_where_they_are_missing() -> None:
    with pytest.raises(ConfigError, match="signals need a market: give data, a tape, or the config that names one"):
        engine.backtest_signals(table(), size="0.10 lots")
    with pytest.raises(ConfigError, match="the stamps name their own"):
        engine.backtest_signals(table(), hours(), zone="UTC")
    with pytest.raises(ConfigError, match="the data hold several: EURUSD, USDJPY"):
        read_signals(table(), ("EURUSD", "USDJPY"))
    run = engine.backtest_signals(table(), config="demo", size="0.10 lots")
    assert len(run.trades) == 1 and run.summary.config["account"]["balance"] == 10_000.0
    trade = run.trades.iloc[0]
    assert str(trade["open_time"]) == "2017-02-06 10:00:00+00:00" and trade["lots"] == 0.1
