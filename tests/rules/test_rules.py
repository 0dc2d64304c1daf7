"""A strategy without code: what a rule file says is what is traded, and `explain` names the first rule that failed."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import engine
from engine.core.config import Config
from engine.core.errors import ConfigError
from engine.core.load import RULES, load
from engine.features import atr, rsi, sma
from engine.feeds.tapes import open_tape
from engine.replay import explain, replay
from engine.rules.book import read_rules
from engine.rules.decide import choose

PULLBACK = tomllib.loads((RULES / "pullback.toml").read_text("utf-8"))
SIMPLE: dict[str, Any] = {
    "features": {"fast": "sma(5)", "slow": "sma(20)"},
    "long": {"all": ["crosses_above(fast, slow)"], "stop": "2 atr"},
    "short": {"all": ["crosses_below(fast, slow)"], "stop": "2 atr"},
    "exit": {"any": ["held >= 12"]},
}


def changed(**more: Any) -> dict[str, Any]:
    return {**deepcopy(SIMPLE), **more}


def config(rules: dict[str, Any], **more: Any) -> Config:
    base = load("pullback", env={}, sets=["data.from=2017-01", "data.to=2017-05"])
    one = base.strategy[0].__class__(name="rules", id="r", params={"rules": rules, "source": "my.toml"})
    return replace(base, strategy=(one,), **more)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({}, "there are no rules|name a file"),
        (changed(logn={}), r"my.toml: logn: unknown key 'logn': did you mean long\?"),
        (changed(features={"fast": "smaa(5)"}), "my.toml: features.fast: .*unknown feature 'smaa': did you mean sma"),
        (changed(features={"close": "sma(5)"}), "features.close: 'close' has a meaning of its own"),
        (changed(features={"a b": "sma(5)"}), "features.a b: 'a b' is no name"),
        (changed(long={"all": ["fats > slow"]}), r"my.toml: long.all\[0\]: .*unknown name 'fats': did you mean fast"),
        (changed(long={"all": [{"any": ["fast > slow", {"not": ["x > 1"]}]}]}), r"long.all\[0\].any\[1\].not\[0\]: "),
        (changed(long={"all": ["fast"]}), r"long.all\[0\]: 'fast' is a number: compare it, like fast > 0"),
        (changed(long={"all": []}), "long.all: must be a list of rules"),
        (changed(long={"alll": ["fast > slow"]}), "long.alll: unknown key 'alll': did you mean all"),
        (changed(long={"not": ["fast > slow"]}), "long: say when, with all or any"),
        (changed(long={"all": ["fast > slow"], "stop": "20 points"}), "long.stop: 'points' is no unit here"),
        (changed(long={"all": ["fast > slow"], "stop": "2 R"}), "R is the distance of the stop itself"),
        (changed(long={"all": ["fast > slow"], "take_profit": "2 R"}), "and there is no stop"),
        (changed(long={"all": ["fast > slow"], "stop": "fast > slow"}), "long.stop: .* is no price"),
        (changed(long={"all": ["fast > slow"], "stop": "0 atr"}), "long.stop: '0 atr' must be more than 0"),
        (changed(long={"all": ["fast > slow"], "priority": "x"}), "long.priority: must be a whole number"),
        (changed(long={"all": ["fast > slow"]}, exit={}), "long: nothing ends it: add an .exit., or a stop"),
        (changed(cooldown=-1), "cooldown: must be a whole number of bars, at least 0"),
        (changed(reverse="yes"), "reverse: must be true or false"),
        (changed(zone="Lundon"), "zone: unknown time zone 'Lundon'"),
        ({"features": {"fast": "sma(5)"}}, "it would never trade"),
    ],
)
def test_a_mistake_is_answered_with_file_key_and_the_nearest_name(rules: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_rules(rules, "my.toml")


def test_all_any_and_not_hold_as_their_words_say() -> None:
    rules = changed(long={"all": ["open > 0"], "any": ["high > 2", {"all": ["low > 1", "close > 1"]}],
                          "not": ["volume > 5"], "stop": "1 %"}, features={})  # fmt: skip
    rules["short"] = {"all": ["close < 0"], "stop": "1 %"}
    book = read_rules(rules)
    for row, holds, words in [
        ((1, 3, 0, 0.5, 1), True, "long holds: open > 0; long.any[0]: high > 2 holds (high 3); not volume > 5"),
        ((1, 1, 2, 2, 1), True, "long.any[1] holds: low > 1; close > 1"),
        ((1, 1, 2, 1, 1), False, "long.any[1].all[1]: close > 1 does not hold (close 1)"),
        ((1, 3, 0, 0.5, 9), False, "long: no, long.not[0]: volume > 5 holds (volume 9)"),
        ((0, 3, 0, 0.5, 1), False, "long: no, long.all[0]: open > 0 does not hold (open 0)"),
        ((np.nan, 3, 0, 0.5, 1), False, "long.all[0]: open > 0 is not known yet (open not known yet)"),
        ((1, 3, 0, 0.5, np.nan), False, "long.not[0]: volume > 5 is not known yet"),
    ]:
        values = [dict(zip(("open", "high", "low", "close", "volume"), row, strict=True))]
        found = choose(book, values, 0.0, 0)
        assert (found.side == 1.0) is holds and words in found.words, found.words


def test_the_higher_priority_wins_and_equal_ones_that_disagree_do_nothing() -> None:
    both = {"all": ["close > 0"], "stop": "1 %"}
    for up, down, side in [(1, 0, 1.0), (0, 1, -1.0), (0, 0, 0.0)]:
        book = read_rules({"long": {**both, "priority": up}, "short": {**both, "priority": down}})
        found = choose(book, [{"close": 1.0}], 0.0, 0)
        assert found.side == side
    assert found.words == "no entry: long, short hold at once, with the same priority 0"
    waits = choose(book, [{"close": 1.0}], 0.0, 2)
    assert waits.side == 0.0 and "out, and waits: 2 of" in waits.words


def test_exits_lie_where_atr_percent_r_and_prices_put_them() -> None:
    values = [{"close": 100.0, "low": 98.0, "atr_14_of_levels": 2.0, "atr_5_of_levels": 3.0}]
    for stop, goal, wanted in [
        ("1.5 atr", "2 R", (97.0, 106.0)), ("1 %", "3 atr", (99.0, 106.0)), ("2 atr(5)", "1 atr", (94.0, 102.0)),
        ("low - 0.5", "close + 2 * (close - low)", (97.5, 104.0)),
    ]:  # fmt: skip
        entry = read_rules({"long": {"all": ["close > 0"], "stop": stop, "take_profit": goal}}).entries[0]
        assert entry.exits(values) == pytest.approx(wanted)
    short = read_rules({"short": {"all": ["close > 0"], "stop": "1.5 atr", "take_profit": "2 R"}}).entries[0]
    assert short.exits(values) == pytest.approx((103.0, 94.0))


def frame(start: str, end: str) -> pd.DataFrame:
    block = next(open_tape("demo", ["EURUSD"], "H1", start, end, "10 points").blocks())
    bars = pd.DataFrame({name: getattr(block, name) for name in ("ts", "open", "high", "low", "close")})
    asked = {"trend": sma(200), "quick": sma(5), "strength": rsi(2), "reach": atr(14)}
    return pd.concat([bars, engine.frame(asked, bars.assign(open_ts=block.ts_event))], axis=1)


def test_the_shipped_rules_enter_where_pandas_says_and_explain_names_the_first_rule_that_failed(tmp_path: Path) -> None:
    made = load("pullback", env={}, sets=["data.from=2017-01", "data.to=2017-04"])
    run = engine.backtest(made, out=tmp_path)
    assert run.path is not None and replay(run.path).ok
    data = frame("2017-01", "2017-04").dropna().reset_index(drop=True)
    wall = pd.to_datetime(data["ts"], utc=True).dt.tz_convert("Europe/London")
    hours = (wall.dt.hour >= 7) & (wall.dt.hour < 21) & ~((wall.dt.day_of_week == 4) & (wall.dt.hour >= 17))
    up = (data["close"] > data["trend"]) & (data["strength"] < 10) & hours
    down = (data["close"] < data["trend"]) & (data["strength"] > 90) & hours
    decided = run.trades["open_ts"].to_numpy()  # with bars a deal is stamped with the open that follows the decision
    sides = dict(zip(data["ts"], np.where(up, 1, np.where(down, -1, 0)), strict=True))
    assert len(decided) > 30 and [sides.get(ts) for ts in decided] == run.trades["side"].tolist()
    inside = np.zeros(len(data), bool)
    for trade in run.trades.itertuples():
        inside |= (data["ts"] >= trade.open_ts) & (data["ts"] <= trade.close_ts + 4 * 3_600 * 10**9)
    calm = data[~inside]
    first = {"close > trend": data["close"] <= data["trend"], "strength < 10": data["strength"] >= 10}
    seen = set()
    for row in calm.iloc[:: max(len(calm) // 12, 1)].itertuples():
        (why,) = [s.text for s in explain(run.path, bar=int(row.ts)) if s.kind == "why"]
        assert why.startswith("pullback: no entry: long: no, long.")
        failed = next((n for n, text in enumerate(first) if first[text][row.Index]), 2)
        assert f"long: no, long.all[{failed}]: " in why or (failed == 2 and "long.not[0]" in why), (row, why)
        seen.add(failed)
    assert seen >= {0, 1}
    steps = explain(run.path, trade=3)
    kinds = [s.kind for s in steps]
    assert kinds[:3] == ["row", "why", "signal"] and "holds: close" in steps[1].text


def test_cooldown_and_held_count_bars() -> None:
    run = engine.backtest(config(changed(cooldown=30)))
    trades = run.trades
    waited = np.diff(np.c_[trades["close_ts"][:-1], trades["open_ts"][1:]], axis=1)[:, 0] / 3.6e12
    assert len(trades) > 10 and waited.min() >= 30
    by_rule = trades[trades["exit_reason"] == "order"]
    assert len(by_rule) > 3 and set(by_rule["held_s"]) >= {12 * 3600.0}


def test_reverse_turns_a_position_round() -> None:
    trades = engine.backtest(config(changed(reverse=True, exit={}))).trades
    turned = (trades["close_ts"][:-1].to_numpy() == trades["open_ts"][1:].to_numpy()).sum()
    assert turned > 5


def test_a_rule_file_is_part_of_the_config_and_can_be_changed_by_key(tmp_path: Path) -> None:
    by_name, by_path = load("pullback", env={}), load(RULES / "pullback.toml", env={})
    assert by_name.identity == by_path.identity and by_name.strategy[0].params["rules"] == PULLBACK
    closer = load(
        "demo-rules", env={}, sets=["strategy.params.rules.long.stop=2 atr", "strategy.params.rules.cooldown=9"]
    )
    own = closer.strategy[0].params["rules"]
    assert (own["long"]["stop"], own["short"]["stop"], own["cooldown"]) == ("2 atr", "3 atr", 9) and closer.modified
    assert Config.from_json(by_name.to_json()) == by_name
    with pytest.raises(ConfigError, match="no rules are called 'pulback': did you mean pullback"):
        load("demo-rules", env={}, sets=["strategy.params.file=pulback"])
    (tmp_path / "mine.toml").write_text('[long]\nall = ["close > opne"]\nstop = "1 %"\n')
    with pytest.raises(ConfigError, match=r"mine.toml: long.all\[0\]: .*did you mean open"):
        engine.backtest(load(tmp_path / "mine.toml", env={}))
