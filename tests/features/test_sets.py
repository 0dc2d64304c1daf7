"""Feature sets: files of named features, grids of parameters, other frames and symbols."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

import engine
from engine.core.errors import ConfigError, NotFound
from engine.core.load import load
from engine.features import Plan, column, ema, of, on, rsi, sma
from engine.features.batch import bars_frame
from engine.features.batch import frame as of_bars
from engine.features.sets import feature_set, read_set
from engine.feeds.tapes import open_tape
from engine.rules.book import read_rules
from tests.features.market import same
from tests.laws import market

SET = {
    "features": {
        "trend": "close / sma(200) - 1",
        "rsi": {"feature": "rsi(period)", "period": [5, 14]},
        "cross": {"feature": "ema(a) - ema(b)", "a": [5, 10], "b": [50, 100]},
        "H4.rsi": "rsi(14)",
        "USDJPY.H1.rsi": {"feature": "rsi(n)", "n": 14},
        "slow": {"feature": "sma(3)", "on": "d1"},
        "theirs": {"feature": "close", "symbol": "BTC/USDT@binance"},
        "width": {"feature": "bollinger(20, k).upper - close", "k": [0.5, 2]},
    }
}


def test_a_set_names_its_columns():
    made = read_set(SET)
    assert made == {
        "trend": column("close") / sma(200) - 1, "rsi_5": rsi(5), "rsi_14": rsi(14),
        "cross_5_50": ema(5) - ema(50), "cross_5_100": ema(5) - ema(100),
        "cross_10_50": ema(10) - ema(50), "cross_10_100": ema(10) - ema(100),
        "H4_rsi": on("H4", rsi(14)), "USDJPY_H1_rsi_14": of("USDJPY", on("H1", rsi(14))), "slow": on("D1", sma(3)),
        "theirs": of("BTC/USDT@binance", column("close") + 0.0),
        "width_0_5": made["width_0_5"], "width_2": made["width_2"],
    }  # fmt: skip
    assert Plan(made).columns == tuple(made)


def test_what_holds_for_the_whole_file_holds_unless_an_entry_says_otherwise():
    made = read_set({"on": "H1", "symbol": "GBPUSD", "features": {"a": "rsi", "H4.b": "rsi", "EURUSD.c": "rsi"}})
    assert made["a"] == of("GBPUSD", on("H1", rsi())) and made["H4_b"] == of("GBPUSD", on("H4", rsi()))
    assert made["EURUSD_c"] == of("EURUSD", on("H1", rsi()))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "my.toml: features: there are none"),
        ({"fetures": {}}, "my.toml: fetures: unknown key 'fetures': did you mean features"),
        ({"features": {"a": "rsii(14)"}}, r"my.toml: features.a: .*did you mean rsi\?"),
        ({"features": {"a": {"feature": "rsi(period)", "perod": [3]}}}, "features.a: .*did you mean perod"),
        ({"features": {"a": {"feature": "rsi(14)", "n": [3]}}}, "n is not in it"),
        ({"features": {"a": {"feature": "rsi(n)", "n": []}}}, "n: must be the values that n takes"),
        ({"features": {"a": {"feature": "rsi(n)", "n": [5, 5]}}}, "names a value twice"),
        ({"features": {"a": {"feature": "rsi(n)", "n": [5, 1]}}}, "it must hold that period >= 2"),
        ({"features": {"a": {"feature": "rsi(close)", "close": [5]}}}, "'close' cannot name a parameter"),
        ({"features": {"a_5": "rsi", "a": {"feature": "rsi(n)", "n": [5]}}}, "the column 'a_5' is made twice"),
        ({"features": {"a": {"n": [5]}}}, "is no feature: write"),
        ({"features": {"a": 14}}, "is no feature: write"),
        ({"features": {"A.B.C.d": "rsi"}}, "names no column"),
        ({"features": {"a-b": "rsi"}}, "'a-b' cannot name a column"),
        ({"features": {"close": "rsi"}}, "'close' is a column of every table"),
        ({"features": {"a": {"feature": "rsi", "on": "H9"}}}, "features.a: .*H9"),
        ({"on": 5, "features": {"a": "rsi"}}, "on: must be text"),
        ({"features": {"a": {"feature": "rsi(n)", "n": list(range(2, 1100))}}}, "1098 columns are too many"),
    ],
)  # fmt: skip
def test_a_mistake_is_answered_with_file_key_and_what_would_be_right(table, message):
    with pytest.raises(ConfigError, match=message):
        read_set(table, "my.toml")


def test_a_set_that_is_not_there_is_named_with_the_nearest(tmp_path):
    with pytest.raises(ConfigError, match="no feature set is called 'startr': did you mean starter"):
        feature_set("startr")
    with pytest.raises(NotFound):
        feature_set(tmp_path / "mine.toml")


def test_the_command_line_shows_what_a_set_holds(tmp_path):
    from engine.ops.listing import one_feature

    shown = one_feature("starter")
    assert (
        shown["columns"] == len(feature_set("starter")) == len(shown) - 2
        and shown["H4_rsi"] == "on('H4', rsi(period=14))"
    )
    mine = tmp_path / "mine.toml"
    mine.write_text('[features]\nx = "rsii"\n')
    with pytest.raises(ConfigError, match="mine.toml: features.x: .*did you mean rsi"):
        one_feature(str(mine))
    with pytest.raises(ConfigError, match="unknown feature 'startr'"):
        one_feature("startr")


def test_the_starter_set_runs_on_the_demo_data_and_every_column_moves():
    tape = open_tape("demo", ("EURUSD",), "H1")
    columns = feature_set("starter")
    made = engine.frame("starter", tape)
    assert tuple(made.columns) == Plan(columns).columns and 45 <= len(columns) <= 60
    warm = made[600:]
    assert len(warm) > 4_000 and not warm.isna().any().any()
    assert (warm.nunique() >= 10).all(), warm.nunique().idxmin()
    own = {name: spec for name, spec in columns.items() if not name.startswith("H4")}
    assert made.index.equals(bars_frame(tape).index)
    same({n: made[n].to_numpy() for n in own}, {n: v.to_numpy() for n, v in of_bars(own, tape).items()})
    bars = bars_frame(tape)
    four = bars.resample("4h", origin=pandas.Timestamp("2017-01-01 22:00", tz="UTC")).close.last().dropna()
    winter = made.index < pandas.Timestamp("2017-03-10", tz="UTC")
    far = four / four.rolling(50).mean() - 1
    far.index += pandas.Timedelta("4h")  # a bar is known at its close
    far = far.reindex(made.index + pandas.Timedelta("1h"), method="ffill")
    known = winter & far.notna().to_numpy() & made.H4_far.notna().to_numpy()
    assert known.sum() > 500
    np.testing.assert_allclose(made.H4_far[known], far.to_numpy()[known], atol=1e-12)


def test_a_sheet_of_a_tape_of_two_symbols_is_that_of_its_bars():
    tape = market.bars(("EURUSD", "USDJPY"), 900, 4)
    specs = {"x": "USDJPY.close", "s": "spread(close, USDJPY.close, 10).z", "m": "USDJPY.M5.sma(2)"}
    made = engine.frame(specs, tape)
    names = {"ts": "ts", "open_ts": "ts_event", **{n: n for n in ("open", "high", "low", "close")}}
    whole = pandas.DataFrame({name: getattr(tape.block, source) for name, source in names.items()})
    bars = {s: whole[tape.block.symbol == k] for k, s in enumerate(tape.symbols)}
    del specs["m"]
    alone = engine.frame(specs, bars["EURUSD"], {"USDJPY": bars["USDJPY"]})
    same({n: made[n].to_numpy() for n in specs}, {n: alone[n].to_numpy() for n in specs})
    assert made.m.notna().sum() > 200
    quotes = engine.frame({"x": "USDJPY.close"}, market.quotes(("EURUSD", "USDJPY"), 1_600, 2), timeframe="M1")
    assert quotes.x.notna().sum() > 200
    for wrong, message in (
        ({"symbol": "EURUSDD"}, "the tape has no EURUSDD: did you mean EURUSD"), ({"others": {}}, "others holds bars"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=message):
            engine.frame(specs, tape, **wrong)


RULES = """
sets = ["starter", "{mine}"]
[features]
rank = "rsi(15)"
"H4.ema" = "ema(9)"
[long]
all = ["far_20 > 0", "rank > 50", "gap > 0", "H4_ema > 0"]
stop = "3 atr"
[exit]
all = ["far_20 < 0"]
"""


def test_a_rule_file_may_use_a_set_and_the_config_holds_it_all(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text('on = "H4"\n[features]\ngap = "close - sma(5)"\n')
    path = tmp_path / "trend.toml"
    path.write_text(RULES.replace("{mine}", mine.as_posix()))
    config = load(path, env={})
    params = config.strategy[0].params
    mine.unlink()  # nothing is read again
    book = read_rules(params["rules"])
    assert book.features["far_20"] == column("close") / sma(20) - 1 and book.features["rank"] == rsi(15)
    assert book.features["gap"] == on("H4", column("close") - sma(5)) and book.features["H4_ema"] == on("H4", ema(9))
    run = engine.backtest(config)
    assert len(run.trades) > 5
    table = params["rules"] | {"features": params["rules"]["features"] | {"far_20": "close"}}
    with pytest.raises(ConfigError, match="the column 'far_20' is made twice"):
        read_rules(table)
    path.write_text(RULES.replace("{mine}", "startr"))
    with pytest.raises(ConfigError, match="no feature set is called 'startr': did you mean starter"):
        load(path, env={})
