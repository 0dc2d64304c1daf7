"""Calculating with columns: as Python, as text, against numpy and pandas, and live as in batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import ConfigError
from engine.features import FEATURES, Plan, atr, column, ema, frame, lag, load_all, macd, of, on, rank, rsi, sma, std
from engine.features.formulas import FUNCTIONS
from engine.features.text import read_feature
from tests.features import market
from tests.features.market import Tape, batch, same

close, high = column("close"), column("high")

FORMULAS: dict[str, tuple[Any, Any]] = {
    "rsi(14) - rsi(28)": (rsi(14) - rsi(28), lambda x: x["r14"] - x["r28"]),
    "sma(20) / sma(100) - 1": (
        sma(20) / sma(100) - 1,
        lambda x: x.close.rolling(20).mean() / x.close.rolling(100).mean() - 1,
    ),
    "lag(rsi(14), 3)": (lag(rsi(14), 3), lambda x: x["r14"].shift(3)),
    "close / sma(200)": (close / sma(200), lambda x: x.close / x.close.rolling(200).mean()),
    "2 * (high - low) ** 2": (2 * (high - column("low")) ** 2, lambda x: 2 * (x.high - x.low) ** 2),
    "-close + 3": (-close + 3, lambda x: 3 - x.close),
    "1 / close": (1 / close, lambda x: 1 / x.close),
    "rank(close, 50)": (rank(close, 50), lambda x: (x.close.rolling(50).rank() - 0.5) / 50),
    "std(delta(close, 3), 30)": (std(close - lag("close", 3), 30), lambda x: x.close.diff(3).rolling(30).std()),
    "highest(high, 10) - lowest(low, 10)": (None, lambda x: x.high.rolling(10).max() - x.low.rolling(10).min()),
    "mean(abs(close - open), 5)": (None, lambda x: (x.close - x.open).abs().rolling(5).mean()),
    "sum(sign(close - open), 8)": (None, lambda x: np.sign(x.close - x.open).rolling(8).sum()),
    "max(open, close) - min(open, close)": (None, lambda x: (x.open - x.close).abs()),
    "max(rsi(14), 50)": (None, lambda x: x["r14"].clip(lower=50)),
    "log(close / lag(close))": (None, lambda x: np.log(x.close / x.close.shift())),
    "log1p(close - 1) + log1p(close - open)": (None, lambda x: np.log(x.close) + np.log1p(x.close - x.open)),
    "exp(log(close)) - sqrt(close) * sqrt(close) + 1": (None, lambda x: 0 * x.close + 1),
    "sma(lag(close, 2), 4)": (None, lambda x: x.close.shift(2).rolling(4).mean()),
}  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_what_pandas_makes_of_it(text, ref):
    written, oracle = FORMULAS[text]
    spec = read_feature(text)
    if written is not None and "delta" not in text:  # delta(x, n) is one feature, x - lag(x, n) two
        assert written == spec
    bars = pandas.DataFrame({name: ref[name] for name in ("open", "high", "low", "close", "volume")})
    made = batch(Plan({"r14": rsi(14), "r28": rsi(28)}), ref)
    expected = oracle(bars.assign(**made)).to_numpy()
    np.testing.assert_allclose(batch(Plan({"x": spec}), ref)["x"], expected, rtol=1e-9, atol=1e-13)
    plan = Plan({"x": spec})
    same(Tape(plan).add(ref), batch(plan, ref))


def test_what_formulas_share_is_computed_once():
    plan = Plan({"a": rsi(14) - rsi(28), "b": rsi(14) / rsi(28), "r": rsi(14), "z": rank(rsi(28), 50)})
    assert [node.feature.name for node in plan.nodes].count("rsi") == 2
    assert plan.columns == ("a", "b", "r", "z")


LEAVES = st.sampled_from(["close", "high", "rsi(5)", "lag(close, 2)", "2", "0.5", "on('H1', close)"])
SIGNED = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(st.sampled_from(["abs", "sign", "-"]), inner).map(lambda t: f"{t[0]}({t[1]})"),
        st.tuples(st.sampled_from(["max", "min"]), inner, inner).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
    ),
    max_leaves=8,
)
WORDS = {"abs": np.abs, "sign": np.sign, "max": np.maximum, "min": np.minimum, "on": lambda _, x: x}


@settings(max_examples=60, deadline=None)
@given(SIGNED)
def test_any_formula_has_the_value_that_numpy_gives_its_text(text):
    """Here, and only here, the text is handed to eval, with arrays for the names."""
    ref = market.reference(200)
    try:
        spec = read_feature(text)
    except ConfigError:
        return  # numbers alone, or a division by zero written out
    values = batch(Plan({"r": rsi(5), "l": lag(2)}), ref)
    names = {"rsi": lambda n: values["r"], "lag": lambda x, n: values["l"], "close": ref["close"], "high": ref["high"]}
    with np.errstate(all="ignore"):
        expected = np.asarray(eval(text, {"__builtins__": {}, **WORDS}, names)) * np.ones(200)
    slow = {column: ref["close"] for _, _, _, column in Plan({"x": spec}).foreign}
    got = batch_with(Plan({"x": spec}), {**ref, **slow})
    known = np.isfinite(expected)
    np.testing.assert_allclose(got[known], expected[known], rtol=1e-12, atol=1e-12)


def batch_with(plan: Plan, columns: dict[str, np.ndarray]) -> np.ndarray:
    if plan.columns[0] in columns:  # nothing but a column of another frame
        return columns[plan.columns[0]]
    return batch(plan, columns)["x"]


def test_a_division_by_zero_is_unknown_and_says_nothing_of_other_rows():
    bars = market.reference(50)
    bars["open"][10] = bars["close"][10]
    out = batch(Plan({"x": 1 / (close - column("open")), "y": (close - 1) / (close - column("open"))}), bars)
    for values in out.values():
        assert np.isnan(values[10]) and np.isfinite(np.delete(values, 10)).sum() >= 40


def test_places_are_written_with_dots_or_as_calls():
    assert read_feature("H1.rsi(14)") == on("H1", rsi(14)) and read_feature("H1.close") == on("H1", "close")
    assert read_feature("USDJPY.close") == of("USDJPY", "close") == read_feature('of("USDJPY", close)')
    there = of("USDJPY", on("H1", macd(12, 26, 9).signal))
    assert read_feature("USDJPY.H1.macd(12, 26, 9).signal") == there == read_feature('of("USDJPY", H1.macd.signal)')
    assert str(there) == "of('USDJPY', on('H1', macd(fast=12, slow=26, smooth=9).signal))"
    assert read_feature('of("BTC/USDT@binance", rsi(14) / 50)') == of("BTC/USDT@binance", rsi(14) / 50)
    assert read_feature("H4.close / close - 1") == on("H4", "close") / close - 1


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "rsii(14) - 50": "unknown feature 'rsii': did you mean rsi?", "close - clsoe": "did you mean close",
        "macd(12, 26, 9) - 1": "has several outputs: say which", "rank(close, 5, 3)": "rank does not take these values",
        "close ** rsi(14)": "the power must be a number", "close / 0": "must hold that how != 'over' or number != 0",
        "1 / 0": "1 / 0 is no number", "close % 2": "is not part of a feature", "close > 2": "is not part of a feature",
        "H1.14": "cannot be read", "H9.rsi(14) - 'x'": "'x' is nothing to calculate with", "USDJPY": "unknown feature",
        "highest('hgih', 5)": "did you mean high", "std(close, 1)": "is impossible", "1 + 1": "is no feature",
        "on('H1', H4.close)": "is on a frame already", "of('A', B.close)": "is of a symbol already",
        "[c for c in close]": "is not part of a feature", "close.__class__": "is not part of a feature",
        "(lambda: 1)()": "is not part of a feature", "a" * 501: "is longer than 500",
        "-" * 60 + "close": "nested too deep",
    }.items(),
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_what_would_be_right(text, message):
    with pytest.raises(ConfigError, match=message):
        read_feature(text)


def test_python_is_refused_like_text():
    for make in (lambda: close + None, lambda: rsi(14) * True, lambda: close ** rsi(14)):
        with pytest.raises(ConfigError, match="nothing to calculate with|must be a number"):
            make()
    with pytest.raises(ConfigError, match="no column 'clsoe' to calculate with: did you mean close"):
        column("clsoe")


def test_a_default_of_a_feature_may_be_a_formula(ref):
    from engine.features import feature

    apart = sma("fast") / ema("slow") - 1.0

    @feature(gives="x", registry=None)
    def gap(lo, hi, x, far=apart, fast=5, slow=20):
        for i in range(lo, hi):
            x[i] = far[i]

    out = batch(Plan({"a": gap(fast=7), "b": sma(7) / ema(20) - 1, "w": gap(slow=10, close="high")}), ref)
    same({"x": out["a"]}, {"x": out["b"]})
    same({"x": out["w"]}, batch(Plan({"x": sma(5, close="high") / ema(10, close="high") - 1}), ref))


def test_a_frame_takes_texts(ref):
    bars = pandas.DataFrame(ref)
    made = frame({"x": "close / sma(20) - 1", "w": atr(14)}, bars)
    same({n: made[n].to_numpy() for n in made}, batch(Plan({"x": close / sma(20) - 1, "w": atr(14)}), ref))
    with pytest.raises(ConfigError, match="x: .*did you mean sma"):
        frame({"x": "smaa(20)"}, bars)


def test_no_feature_hides_behind_a_function():
    assert not {*FUNCTIONS, "on", "of"} & set(load_all()) and len(FEATURES) > 300
