"""Several symbols in one row: as pandas joins them, cut anywhere, whatever the future, live as in batch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.config import Config, StrategyConfig
from engine.core.errors import ConfigError
from engine.core.table import BASE_COLUMNS
from engine.core.tape import ArrayTape
from engine.features import Plan, column, correlation, frame, lead_lag, of, on, sma, spread
from engine.run import Session
from engine.strategy import Strategy
from tests.features import market as bars_market
from tests.features.market import batch, same
from tests.laws import market
from tests.laws.gambler import Gambler
from tests.laws.market import MS
from tests.laws.runs import gamble, play, small_tables

TWO = ("EURUSD", "USDJPY")
SPECS = {
    "theirs": of("USDJPY", "close"),
    "ended": of("USDJPY", "end"),
    "mean": of("USDJPY", sma(2)),
    "slow": of("USDJPY", on("M5", sma(2))),
    "own": of("EURUSD", "close"),
    "pair": spread("close", of("USDJPY", "close"), period=10),
    "both": correlation("close", of("USDJPY", "close"), 10),
    "odd": of("USDJPY", sma(2) / on("M5", "close")),
    "forming": on("M5", sma(2), live=True),
    "top": on("M5", "high", live=True) - column("high"),
}
SPECS_OUT = Plan(SPECS).columns


@dataclass
class Both(Gambler):
    """Decides by a hash of rows that hold columns of the other symbol."""

    def features(self) -> dict[str, Any]:
        return SPECS


def config_of(kind: str) -> Config:
    base = gamble(TWO, kind, drawdown=None)
    one = StrategyConfig(name="gambler", id="g0", symbols=TWO, frame="M1")
    return replace(base, strategy=(one,), rates={"USDJPY": 110.0})


def both() -> list[Strategy]:
    made = Both(seed=3)
    made.id = "g0"
    return [made]


TAPES = {"quotes": market.quotes(TWO, 1_600, 2), "bars": market.bars(TWO, 900, 4)}


@pytest.mark.parametrize("kind", TAPES)
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_where_the_tape_of_two_symbols_is_cut_changes_nothing(kind, data):
    tape = TAPES[kind]
    grace = data.draw(st.sampled_from([0, 500 * MS, 90_000 * MS])) if kind == "quotes" else 0
    whole = play(config_of(kind), tape, both(), grace=grace)
    step = data.draw(st.sampled_from([1, 2, 7, 40]))
    cuts = data.draw(st.lists(st.integers(1, len(tape) - 1), max_size=12, unique=True))
    cuts = sorted({*cuts, *range(step, min(len(tape), 30 * step), step)})
    with small_tables():
        parts = play(config_of(kind), tape, both(), [(k, ()) for k in cuts], grace=grace)
    assert parts.differences(whole) == []
    assert whole.counts["Fill"] > 20 and parts.slides > 0


@dataclass
class Listener(Strategy):
    rows: Any = None

    columns = ("open_ts", "end", "volume", "spread")

    def features(self) -> dict[str, Any]:
        return SPECS

    def on_row(self, row: Any) -> None:
        self.rows.append(row)


def heard(tape: ArrayTape, kind: str) -> dict[str, pandas.DataFrame]:
    """The rows of a run, one table per symbol."""
    made = Listener([])
    made.id = "g0"
    Session(config_of(kind), tape, [made]).run()
    names = made.rows[0].__struct_fields__
    rows = pandas.DataFrame([[getattr(row, n) for n in names] for row in made.rows], columns=names)
    return {s: rows[rows.symbol == s].reset_index(drop=True) for s in TWO}


@pytest.mark.parametrize("kind", TAPES)
def test_a_row_has_what_pandas_joins_as_of_its_close(kind):
    rows = heard(TAPES[kind], kind)
    mine, theirs = rows["EURUSD"], rows["USDJPY"][["ts", "end", "close", "mean"]]
    there = pandas.merge_asof(mine[["ts"]], theirs, on="ts")
    known = there.close.notna().to_numpy()
    assert known.sum() > 200 and (there.end[known] < mine.end[known]).any() and (there.end == mine.end).any()
    for name, source in {"theirs": "close", "ended": "end", "mean": "mean"}.items():
        np.testing.assert_array_equal(mine[name][known], there[source][known], err_msg=name)
    np.testing.assert_array_equal(mine.own, mine.close)
    np.testing.assert_array_equal(rows["USDJPY"].theirs, rows["USDJPY"].close)


@pytest.mark.parametrize("kind", TAPES)
def test_in_batch_the_columns_are_those_of_the_run(kind):
    """Bit for bit: the bars of the run's own tables, handed to `frame`."""
    made = Listener([])
    made.id = "g0"
    session = Session(config_of(kind), TAPES[kind], [made])
    session.run()
    bars = {}
    for table in session.builder.tables.tables:
        assert not table.dropped
        bars[str(table.stream)] = pandas.DataFrame({n: table.columns[n][: table.n] for n in BASE_COLUMNS})
    run = pandas.DataFrame(
        [[getattr(row, n) for n in ("ts", *SPECS_OUT)] for row in made.rows if row.symbol == "EURUSD"]
    )
    others = {"USDJPY": bars["USDJPY M1"], "EURUSD": bars["EURUSD M1"], "USDJPY M5": bars["USDJPY M5"],
              "M5": bars["EURUSD M5"]}  # fmt: skip
    out = frame(SPECS, bars["EURUSD M1"], others)
    assert tuple(out.columns) == SPECS_OUT and len(run) > 200
    shown = out[bars["EURUSD M1"].ts >= run[0][0]]
    same(
        {n: shown[n].to_numpy(np.float64) for n in out}, {n: run[k + 1].to_numpy(np.float64) for k, n in enumerate(out)}
    )


@pytest.mark.parametrize("kind", TAPES)
def test_another_future_of_either_symbol_moves_nothing_before_it(kind):
    tape = TAPES[kind]
    before = heard(tape, kind)
    b = tape.block
    prices = [n for n in b.columns if n in ("bid", "ask", "open", "high", "low", "close")]
    for cut in range(len(tape) // 4, len(tape), len(tape) // 4):
        for symbol in (0, 1):
            later = (np.arange(len(tape)) >= cut) & (b.symbol == symbol)
            columns = {n: np.where(later, getattr(b, n) * 1.5, getattr(b, n)) if n in prices else getattr(b, n)
                       for n in b.columns}  # fmt: skip
            make = ArrayTape.quotes if kind == "quotes" else ArrayTape.bars
            after = heard(make(TWO, **columns), kind)
            for s in TWO:
                old, new = (t[s][t[s].ts < b.ts[cut]] for t in (before, after))
                pandas.testing.assert_frame_equal(old, new)


def test_a_strategy_reads_a_symbol_that_it_does_not_trade():
    config = config_of("bars")
    made = Listener([])
    made.id = "g0"
    one = replace(config.strategy[0], symbols=("EURUSD",))
    Session(replace(config, strategy=(one,)), TAPES["bars"], [made]).run()
    assert {row.symbol for row in made.rows} == {"EURUSD"} and made.rows[-1].theirs > 50.0


def test_a_symbol_that_is_not_on_the_tape_is_named():
    made = Listener([])
    made.id = "g0"
    made.features = lambda: {"x": of("USDJPI", "close")}  # type: ignore[method-assign]
    with pytest.raises(ConfigError, match="reads USDJPI, which is not among data.symbols: did you mean USDJPY"):
        Session(config_of("bars"), TAPES["bars"], [made])
    with pytest.raises(ConfigError, match=r"of other bars \(USDJPI\): hand them in.*did you mean USDJPY"):
        frame({"x": of("USDJPI", "close")}, pandas.DataFrame(bars_market.reference(50)), others={"USDJPY": None})


def pair(n: int = 600, seed: int = 5) -> dict[str, np.ndarray]:
    """Two random walks tied together, the second one two bars ahead of the first."""
    draw = np.random.default_rng(seed)
    common = np.cumsum(draw.normal(0.0, 0.01, n + 2))
    noise = np.zeros(n)
    for i in range(1, n):
        noise[i] = 0.8 * noise[i - 1] + draw.normal(0.0, 0.004)
    b = 5.0 + common[2:]
    return bars_market.stamped(b, b + 9.0, 1.5 * (5.0 + common[:n]) + noise, b)  # `low` holds the first series


def test_a_spread_is_that_of_a_rolling_regression():
    bars = pair()
    a, b = bars["low"], bars["close"]
    out = batch(Plan({"s": spread("low", "close", period=60)}), bars)
    np.testing.assert_allclose(out["s_ratio"], a / b)
    np.testing.assert_allclose(out["s_log_ratio"], np.log(a) - np.log(b), atol=1e-15)
    for i in range(59, 600, 23):
        y, x = a[i - 59 : i + 1], b[i - 59 : i + 1]
        beta = np.linalg.lstsq(np.column_stack([x, np.ones(60)]), y, rcond=None)[0][0]
        gap = y - beta * x
        theta = np.polyfit(gap[:-1], np.diff(gap), 1)[0]
        got = [out[f"s_{name}"][i] for name in ("beta", "gap", "z", "half_life")]
        z = (gap[-1] - gap.mean()) / gap.std(ddof=1)
        np.testing.assert_allclose(got, [beta, gap[-1], z, -np.log(2) / theta if theta < 0 else 6000.0], rtol=1e-7)


def test_a_spread_filtered_is_that_of_the_matrix_form():
    bars = pair()
    a, b = bars["low"], bars["close"]
    out = batch(Plan({"s": spread("low", "close", period=20, style="kalman")}), bars)
    state, cov = np.zeros(2), np.zeros((2, 2))
    for i in range(600):
        cov = cov + 1e-4 / (1 - 1e-4) * np.diag([(a[i] / b[i]) ** 2, a[i] ** 2])
        h = np.array([b[i], 1.0])
        gain = cov @ h / (h @ cov @ h + 1e-3 * a[i] ** 2)
        state, cov = state + gain * (a[i] - h @ state), cov - np.outer(gain, h @ cov)
        if i >= 19:
            np.testing.assert_allclose(out["s_beta"][i], state[0], rtol=1e-8)
    assert abs(out["s_z"][100:]).max() > 1.5


def test_correlation_and_lead_are_those_of_pandas():
    bars = pair()
    a, b = pandas.Series(bars["low"]), pandas.Series(bars["close"])
    x, y = np.log(a).diff(), np.log(b).diff()
    expected = {
        "now": x.rolling(80).corr(y), "two": x.rolling(80).corr(y.shift(2)),
        "steps": a.diff().rolling(80).corr(b.diff()),
        "levels": a.rolling(80).corr(b),
    }  # fmt: skip
    low, close = column("low"), column("close")
    out = batch(
        Plan({
            "now": correlation(low, close, 80), "two": correlation(low, close, 80, 2),
            "steps": correlation(low, close, 80, style="steps"), "levels": correlation(low, close, 80, style="levels"),
            "l": lead_lag(low, close, 80, 4), "m": lead_lag(close, low, 80, 4),
        }),
        bars,
    )  # fmt: skip
    for name, values in expected.items():
        np.testing.assert_allclose(out[name][100:], values[100:], atol=1e-8, err_msg=name)
    assert (out["l_lead"][100:] == 2.0).mean() > 0.95 and (out["m_lead"][100:] == -2.0).mean() > 0.95
    at = out["l_lead"] == 2.0
    np.testing.assert_allclose(out["l_strength"][at], out["two"][at], rtol=1e-12)
    np.testing.assert_array_equal(out["l_now"][100:], out["now"][100:])
