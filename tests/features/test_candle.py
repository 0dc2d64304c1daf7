"""The 61 candlestick patterns: equal to TA-Lib 0.8.2 bar for bar, and what their sentences mean."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import ConfigError
from engine.features import FEATURES, Plan, candle_sizes, cdl_doji, cdl_hammer, cdl_morningstar
from engine.features.conditions import condition, kernel_text
from tests.features import market
from tests.features.market import batch

PATTERNS = {f.name: f() for f in market.library() if f.name.startswith("cdl_")}
PRICES = ("open", "high", "low", "close")


def theirs(name: str) -> str:
    """`cdl_hammer` as TA-Lib writes it."""
    return name.replace("_", "").upper()


def differences(bars: dict[str, np.ndarray], oracle: dict[str, np.ndarray]) -> dict[str, list[int]]:
    """Rows where a pattern is not what the oracle says, which has 0 where we have nothing yet."""
    ours = batch(Plan(PATTERNS), bars)
    assert ours.keys() == oracle.keys()
    wrong = {name: np.flatnonzero(np.nan_to_num(values) != oracle[name]).tolist() for name, values in ours.items()}
    return {name: rows for name, rows in wrong.items() if rows}


def of_talib(bars: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    talib = pytest.importorskip("talib")
    return {name: getattr(talib, theirs(name))(*(bars[p] for p in PRICES)) for name in PATTERNS}


def test_there_are_61_patterns():
    assert len(PATTERNS) == 61


@pytest.mark.parametrize(("seed", "span"), [(1, 8), (2, 20), (3, 60), (4, 12), (5, 5), (6, 30)])
def test_no_bar_of_a_stress_series_differs_from_talib(seed, span):
    """The six series of the feature catalogue's executable definitions, 30,000 bars each."""
    bars = market.stress(seed, span)
    assert differences(bars, of_talib(bars)) == {}


def test_each_pattern_happens_in_the_stress_series():
    found = batch(Plan(PATTERNS), market.stress(4, 12))
    assert [name for name, values in found.items() if not (np.nan_to_num(values) != 0).any()] == []


@pytest.mark.parametrize("name", ["talib_cdl_eurusd_h1_2018_6000", "talib_spy_daily_500"])
def test_real_bars_give_the_values_that_talib_wrote_down(shared, name):
    """Files made with TA-Lib C 0.8.1 (PyPI TA-Lib 0.8.2): 6,000 hours of EURUSD 2018, 500 days of SPY 1998."""
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(shared / f"data/vectors/{name}.parquet")
    bars = market.stamped(*(table[p].to_numpy().astype(float) for p in PRICES))
    assert differences(bars, {own: table[theirs(own)].to_numpy() for own in PATTERNS}) == {}


def test_a_year_of_quarter_hours_is_what_talib_says(eurusd):
    assert differences(eurusd, of_talib(eurusd)) == {}


SUMS = {
    "cdl_engulfing": -3160, "cdl_harami": -400, "cdl_haramicross": -540, "cdl_hikkake": -1900, "cdl_doji": 23100,
    "cdl_spinningtop": 2300, "cdl_shortline": 700, "cdl_morningstar": 900, "cdl_eveningstar": -1500,
}  # fmt: skip


def test_the_reference_series_has_the_catalogues_sums(ref):
    """Acceptance number 2 of the feature notes."""
    found = {name: np.nan_to_num(values) for name, values in batch(Plan(PATTERNS), ref).items()}
    assert {name: found[name].sum() for name in SUMS} == SUMS
    assert sum(np.abs(values).sum() for values in found.values()) == 341880


bar = st.tuples(st.integers(-6, 6), st.integers(-6, 6), st.integers(0, 4), st.integers(0, 4))


def bars_of(drawn: list[tuple[int, int, int, int]], level: float = 1000.0) -> dict[str, np.ndarray]:
    """Whole prices: each bar a gap, a body and two shadows."""
    moves = np.array(drawn, float)
    close = level + (moves[:, 0] + moves[:, 1]).cumsum()
    open = close - moves[:, 1]
    return market.stamped(open, np.maximum(open, close) + moves[:, 2], np.minimum(open, close) - moves[:, 3], close)


@settings(max_examples=60)
@given(st.lists(bar, min_size=1, max_size=60))
def test_on_any_market_of_whole_prices_ours_are_talibs(drawn):
    bars = bars_of(drawn)
    assert differences(bars, of_talib(bars)) == {}


@settings(max_examples=30)
@given(drawn=st.lists(bar, min_size=20, max_size=60), past=st.lists(bar, min_size=1, max_size=30))
def test_a_pattern_knows_its_last_seventeen_bars_and_no_level(drawn, past):
    """Ten bars for what is usual, at most five of the pattern, and three in which a hikkake may be confirmed."""
    short = batch(Plan(PATTERNS), bars_of(drawn, 5000.0))
    long = batch(Plan(PATTERNS), bars_of([*past, *drawn]))
    market.same({n: v[17:] for n, v in short.items()}, {n: v[len(past) + 17 :] for n, v in long.items()})


def test_a_hammer_is_found_where_a_trader_sees_one():
    falling = [(0, -5, 1, 1)] * 12
    bars = bars_of([*falling, (0, -1, 0, 9)])
    assert batch(Plan({"x": cdl_hammer()}), bars)["x"][-1] == 100.0
    with_upper_shadow = bars_of([*falling, (0, -1, 5, 9)])
    assert batch(Plan({"x": cdl_hammer()}), with_upper_shadow)["x"][-1] == 0.0


def test_penetration_asks_for_a_deeper_close():
    falling = [*[(0, -4, 1, 1)] * 11, (0, -8, 1, 1)]
    star = [(-3, -1, 1, 1), (2, 5, 1, 1)]
    bars = bars_of([*falling, *star])
    deep = {p: batch(Plan({"x": cdl_morningstar(p)}), bars)["x"][-1] for p in (0.1, 0.3, 0.5, 0.9)}
    assert deep == {0.1: 100.0, 0.3: 100.0, 0.5: 0.0, 0.9: 0.0}


def test_a_sentence_becomes_a_kernel_that_reads_like_it():
    text, depth = kernel_text("shape", "body < usual and c1 <= c <= h1", "100 * side1", 0, {})
    assert depth == 1
    assert "        body = abs(c - o)\n        usual = bodies[i]\n" in text
    assert "shape[i] = float(100 * side1) if (body < usual) & ((c1 <= c) & (c <= h1)) else 0.0" in text


@pytest.mark.parametrize(
    ("sentence", "message"),
    [("bdoy > usual", "'bdoy' is no word about a bar: did you mean body"), ("c > average_7", "'average_7' is no word")],
)
def test_a_word_that_is_not_known_is_answered_with_the_nearest(sentence, message):
    with pytest.raises(ConfigError, match=message):
        condition("mine", "Mine.", sentence, "100", sizes=candle_sizes(), module=__name__)


def test_a_pattern_travels_to_another_process_and_keeps_its_identity():
    assert pickle.loads(pickle.dumps(cdl_hammer())) == cdl_hammer()
    assert len({FEATURES.get(name).identity for name in PATTERNS}) == 61
    assert cdl_doji().identity != cdl_hammer().identity
