"""The indicator library: all of TA-Lib's are here, real values that TA-Lib wrote down, and numbers from the sources."""

from __future__ import annotations

import re

import numpy as np
import pytest

from engine.features import FEATURES, Plan, load_all
from tests.features import market
from tests.features.market import batch, same

load_all()
PRICES = ("open", "high", "low", "close", "volume")


def of(columns: dict[str, np.ndarray], name: str, **params: object) -> dict[str, np.ndarray]:
    """One feature's outputs by their own names."""
    feature = FEATURES.get(name)
    found = batch(Plan({"x": feature(**params)}), columns)
    return dict(zip(feature.outputs, found.values(), strict=True))


def one(columns: dict[str, np.ndarray], name: str, **params: object) -> np.ndarray:
    return next(iter(of(columns, name, **params).values()))


def test_each_of_talibs_113_indicators_is_a_feature_or_an_output_of_one():
    """All functions of TA-Lib 0.8.2 but the candlesticks and the arithmetic; MAVP is compared below by hand."""
    talib = pytest.importorskip("talib")
    left_out = ("Pattern Recognition", "Math Operators", "Math Transform")
    theirs = {f for group, names in talib.get_function_groups().items() if group not in left_out for f in names}
    ours = {like.removeprefix("talib.").split(".")[0] for f in market.library() for like in f.like}
    assert len(theirs) == 113 and theirs - ours == {"MAVP"}


@pytest.fixture(scope="module")
def spy(shared):
    """500 days of SPY, 1998 and 1999, with what TA-Lib C 0.8.1 (PyPI 0.8.2) says of them."""
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(shared / "data/vectors/talib_spy_daily_500.parquet")
    return {name: table[name].to_numpy().astype(float) for name in table.column_names if name != "ts"}


def theirs(feature) -> tuple[dict[str, object], list[str]]:
    """TA-Lib's default parameters under our names, and the columns of the file for each output."""
    abstract = pytest.importorskip("talib.abstract")
    from tests.features.test_oracle import OWN, THEIRS

    params: dict[str, object] = {}
    columns: list[str] = []
    for like in feature.like:
        name, _, output = like.removeprefix("talib.").partition(".")
        function = abstract.Function(name) if like != "-" else None
        outputs = function.output_names if function else ["-"]
        columns += [f"{name}.{output}"] if output else [name] if len(outputs) == 1 else [f"{name}.{o}" for o in outputs]
        for ours, called in {**THEIRS, **OWN.get(feature.name, {})}.items():
            if function and called and ours in feature.params and called[0] in function.parameters:
                params[ours] = function.parameters[called[0]]
    return params, columns


@pytest.mark.parametrize(
    "feature",
    [f for f in market.library() if f.like and not f.name.startswith("cdl_") and f.name != "moments"],
    ids=lambda f: f.name,
)
def test_five_hundred_days_give_the_values_that_talib_wrote_down(feature, spy):
    bars = market.stamped(*(spy[p] for p in PRICES), step=market.DAY)
    params, columns = theirs(feature)
    checked = 0
    for values, column in zip(batch(Plan({"x": feature(**params)}), bars).values(), columns, strict=True):
        if column in spy:
            there = ~np.isnan(values)
            assert np.flatnonzero(there)[0] == np.flatnonzero(~np.isnan(spy[column]))[0] or (spy[column] == 0).any()
            wrong = np.abs(values[there] - spy[column][there]).max()
            assert wrong <= 1e-9 * np.abs(spy[column][there]).max(), column
            checked += 1
    assert checked or columns[0] in ("HT_TRENDMODE", "ULTOSC", "LINEARREG_ANGLE", "MAVP")


SPOTS = [
    ("rsi", {}, "rsi", {14: 65.388951522}), ("atr", {}, "atr", {500: 0.00082193728765}),
    ("adx", {}, "adx", {27: 40.4671631482}), ("cci", {"period": 20}, "cci", {500: -197.464013357}),
    ("mfi", {}, "mfi", {500: 33.3635710987}), ("kama", {"period": 10}, "kama", {500: 1.0933650043}),
    ("sar", {}, "sar", {500: 1.09462906328}), ("ultosc", {}, "ultosc", {28: 49.3816700645}),
    ("beta", {}, "beta", {500: -0.655224061288}), ("ad", {}, "ad", {1999: 16040.742839}),
    ("macd", {}, "macd", {33: 0.0010603237380764, 1999: -0.00020254672121}),
    ("apo", {}, "apo", {33: 0.000994788946596, 1999: -0.00020254672121}),
    ("percentrank", {}, "percentrank", {500: 4.0}), ("choppiness", {}, "choppiness", {500: 46.455342660495}),
    ("ichimoku", {}, "a", {500: 1.092925}), ("ichimoku", {}, "b", {500: 1.0935}),
    ("ichimoku", {"shift": 26}, "a", {500: 1.09289}), ("ichimoku", {"shift": 26}, "b", {500: 1.09377}),
    ("supersmoother", {}, "supersmoother", {100: 1.101999272568, 500: 1.093192496582, 1999: 1.086046714620}),
    ("ffd", {}, "ffd", {281: 0.00682234772791783, 1000: 0.005541369728729789, 1999: 0.0055906337061462225}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "params", "output", "numbers"), SPOTS, ids=lambda v: v if isinstance(v, str) else "")
def test_the_reference_series_has_the_numbers_of_the_catalogue(name, params, output, numbers, ref):
    """Acceptance numbers 3 to 5 of the feature notes and rows 8, 25, 29, 74 and A2 of the catalogue."""
    found = of(ref, name, **params)[output]
    for row, value in numbers.items():
        assert found[row] == pytest.approx(value, rel=1e-9, abs=1e-10)


def test_supertrend_flips_where_the_catalogue_counts(ref):
    flips = np.flatnonzero(np.nan_to_num(of(ref, "supertrend")["flip"]))
    assert len(flips) == 49 and flips[:6].tolist() == [82, 142, 179, 189, 226, 238]


def test_a_variable_average_is_talibs(ref):
    talib = pytest.importorskip("talib")
    periods = np.floor(np.arange(2000) * 7.3) % 45.0
    found = one({**ref, "spread": periods}, "mavp", periods="spread")
    expected = talib.MAVP(ref["close"], periods, 2, 30)
    assert np.nanmax(np.abs(found - expected)) < 1e-12 and (np.isnan(found) == np.isnan(expected)).all()


def test_a_replaced_column_reaches_the_inner_features(ref):
    """`dema(close="high")` is the double average of highs, though only averages inside it read a column."""
    highs = {**ref, "close": ref["high"]}
    for name in ("dema", "t3", "hma", "zlema", "ppo", "linearreg", "stddev", "trix", "wavetrend"):
        if "high" in FEATURES.get(name).reads:
            continue
        same(of(ref, name, close="high"), of(highs, name))
    assert (one(ref, "correl", high="close", low="close", period=9)[8:] > 0.999999).all()
    ema, dema = FEATURES.get("ema"), FEATURES.get("dema")
    twice = of(ref, "dema", close=ema(5))["dema"]
    assert np.flatnonzero(~np.isnan(twice))[0] == 58 + 4 == dema(close=ema(5)).warmup


# ---------------------------------------------------------------- declared deviations


def test_a_volume_weighted_price_before_any_volume_is_nothing_where_talib_says_0(ref):
    talib = pytest.importorskip("talib")
    dry = {**ref, "volume": np.where(np.arange(2000) < 7, 0.0, ref["volume"])}
    found = one(dry, "vwap")
    assert np.isnan(found[:7]).all() and not np.isnan(found[7:]).any()
    assert talib.VWAP(*(dry[p] for p in ("high", "low", "close", "volume")))[:7].tolist() == [0.0] * 7


def test_an_anchored_volume_weighted_price_begins_anew_each_day_or_week(ref):
    price, volume = (ref["high"] + ref["low"] + ref["close"]) / 3.0, ref["volume"]
    for anchor, unit in (("day", 1), ("week", 7)):
        days = (ref["open_ts"] // market.DAY + (3 if unit == 7 else 0)) // unit
        slow = np.array([np.average(price[days == days[i]][: (days[: i + 1] == days[i]).sum()],
                                    weights=volume[days == days[i]][: (days[: i + 1] == days[i]).sum()])
                         for i in range(0, 2000, 37)])  # fmt: skip
        np.testing.assert_allclose(one(ref, "vwap", anchor=anchor)[::37], slow, rtol=1e-12)


def test_without_volume_a_weighted_average_is_the_plain_one(ref):
    same({"x": one({**ref, "volume": np.zeros(2000)}, "vwma")}, {"x": one(ref, "sma", period=30)})


def test_metatraders_average_true_range_is_a_simple_mean(ref):
    high, low, last = ref["high"][1:], ref["low"][1:], ref["close"][:-1]
    ranges = np.maximum(high, last) - np.minimum(low, last)
    slow = np.convolve(ranges, np.ones(14) / 14.0, "valid")
    np.testing.assert_allclose(one(ref, "atr", style="mt5")[14:], slow, rtol=1e-12)


def test_metatraders_macd_begins_with_the_first_close_and_has_a_simple_signal(ref):
    import pandas

    close = pandas.Series(ref["close"])
    line = close.ewm(span=12, adjust=False).mean() - close.ewm(span=26, adjust=False).mean()
    found = of(ref, "macd", style="mt5")
    np.testing.assert_allclose(found["macd"][33:], line[33:], atol=1e-15)
    np.testing.assert_allclose(found["signal"][33:], line.rolling(9).mean()[33:], atol=1e-15)
    np.testing.assert_allclose(found["histogram"], found["macd"] - found["signal"], atol=1e-18)


def test_metatraders_adx_averages_each_bars_own_movement_exponentially(ref):
    import pandas

    high, low, close = (pandas.Series(ref[name]) for name in ("high", "low", "close"))
    up, down = high.diff().clip(lower=0.0), (-low.diff()).clip(lower=0.0)
    reach = np.maximum(high, close.shift()) - np.minimum(low, close.shift())

    def smoothed(values):
        return values.fillna(0.0).ewm(span=14, adjust=False).mean()  # the terminal's buffers begin with a 0

    plus, minus = (
        smoothed(100.0 * up.where(up > down, 0.0) / reach),
        smoothed(100.0 * down.where(down > up, 0.0) / reach),
    )
    found = of(ref, "adx", style="mt5")
    np.testing.assert_allclose(found["plus_di"][14:], plus[14:], rtol=1e-10)
    np.testing.assert_allclose(found["minus_di"][14:], minus[14:], rtol=1e-10)
    expected = smoothed(100.0 * (plus - minus).abs() / (plus + minus))
    np.testing.assert_allclose(found["adx"][27:], expected[27:], rtol=1e-10)
    assert np.nanmax(np.abs(found["adx"] - of(ref, "adx")["adx"])) > 5.0, "another indicator under the same name"


def test_metatraders_stochastic_divides_sums_by_sums(ref):
    import pandas

    high, low, close = (pandas.Series(ref[name]) for name in ("high", "low", "close"))
    top, bottom = high.rolling(5).max(), low.rolling(5).min()
    k = 100.0 * (close - bottom).rolling(3).sum() / (top - bottom).rolling(3).sum()
    found = of(ref, "stochastic", style="mt5")
    np.testing.assert_allclose(found["k"][8:], k[8:], atol=1e-8)
    np.testing.assert_allclose(found["d"][8:], k.rolling(3).mean()[8:], atol=1e-8)
    flat = {**ref, **{name: np.full(2000, 1.1) for name in ("open", "high", "low", "close")}}
    assert (of(flat, "stochastic", style="mt5")["k"][8:] == 100.0).all(), "as the terminal shows it"


def test_each_indicator_of_the_terminal_is_written_as_the_guide_says(ref):
    from engine.core.load import ROOT
    from engine.features.text import read_feature

    guide = (ROOT / "docs/guides/coming-from.md").read_text("utf-8").split("### The terminal's indicators")[1]
    found = dict(re.findall(r"\| `(i[A-Z]\w+)` \| `(.+?)` (?=\|)", guide.split("These are")[0]))
    assert len(found) == 38, "all built-ins of MetaTrader 5 but iCustom"
    texts = [text for several in found.values() for text in several.split("`, `")]
    plan = Plan({f"x{k}": read_feature(text) for k, text in enumerate(texts)})
    assert not any(np.isnan(values[-100:]).all() for values in batch(plan, ref).values())


@pytest.mark.parametrize("price", [1.1, 0.1 + 0.2, 65_432.1, 7e-9])
def test_an_exponential_average_of_a_price_that_stands_still_is_that_price(price):
    """To the last bit, also after the price has moved: else it would cross its average without moving."""
    moved = price * (1.0 + 0.01 * np.sin(np.arange(1.0, 41.0)))
    close = np.concatenate([np.full(60, price), moved, np.full(900, price)])
    out = batch(Plan({"x": FEATURES.get("ema")(20)}), market.stamped(close, close, close, close))["x"]
    assert (out[19:60] == price).all() and (out[60:100] != price).all() and (out[-100:] == price).all()


# ---------------------------------------------------------------- real data, and long runs


STILL = {
    "when_gap": "its bars are stamped one after the other: real gaps are in test_timing",
    "context_cost": "the file has no spreads: it moves on a file that has, in test_notes",
    **dict.fromkeys(("ddm", "page_hinkley", "drift"), "turns do not drift in this year; other errors do: test_notes"),
    "context_event": "there is no calendar: it moves in test_calendars",
    "spread_cost_points": "the file has no spreads",
}


@pytest.mark.parametrize("family", sorted({f.kernel.__module__ for f in market.library()} - {"engine.features.candle"}))
def test_no_output_stands_still_on_real_bars(family, eurusd):
    """And doubled bars (the same prices again, as after a wrong resend) give no infinite number."""
    given = ("close", "high", "low", "open")
    specs = {f.name: f(**dict(zip(f.required, market.GIVEN.get(f.name, given), strict=False))) for f in market.library()
             if f.kernel.__module__ == family}  # fmt: skip
    for name, values in batch(Plan(specs), eurusd).items():
        seen = values[~np.isnan(values)]
        assert len(seen) > 1000 and np.isfinite(seen).all(), name
        assert (seen != seen[0]).any() != (name in STILL), name
    twice = market.stamped(*(np.repeat(eurusd[p][:3000], 2) for p in PRICES))
    assert all(not np.isinf(v).any() for v in batch(Plan(specs), twice).values())


def test_what_the_lines_of_ichimoku_say_is_what_pandas_reads_off_them(ref):
    import pandas

    out = pandas.DataFrame(batch(Plan({"i": FEATURES.get("ichimoku")(), "s": FEATURES.get("ichimoku_signals")()}), ref))
    close, there = pandas.Series(ref["close"]), slice(51 + 25, None)
    upper, lower = out[["i_a", "i_b"]].max(axis=1), out[["i_a", "i_b"]].min(axis=1)
    expected = {"side": (close > upper) * 1.0 - (close < lower), "cloud": np.sign(out["i_a"] - out["i_b"]),
                "chikou": np.sign(close - close.shift(25))}  # fmt: skip
    for name, one, two in (("cross", "i_tenkan", "i_kijun"), ("twist", "i_future_a", "i_future_b")):
        over = np.sign(out[one] - out[two])[there].replace(0.0, np.nan).ffill()
        level = out[one][there] == out[two][there]
        expected[name] = over.where((over * over.shift() < 0.0) & ~level, 0.0)
    for name, values in expected.items():
        found = out[f"s_{name}"]
        assert found[: 51 + 25].isna().all() and found[there].tolist() == values.loc[51 + 25 :].tolist(), name
        assert set(found[there]) >= {-1.0, 0.0, 1.0} or name == "cloud", name


def long_walk(n: int = 100_000) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(11)
    close = np.round(1.1 * np.exp(np.cumsum(rng.normal(0.0, 1e-4, n))), 5)
    open = np.concatenate([close[:1], close[:-1]])
    wick = np.round(rng.random((2, n)) * 2e-4, 5)
    volume = np.floor(rng.random(n) * 900.0) + 1.0
    bars = np.maximum(open, close) + wick[0], np.minimum(open, close) - wick[1]
    return market.stamped(open, *bars, close, volume, step=60 * 10**9)


def test_a_hundred_thousand_bars_leave_no_drift():
    """What forgets its start is, at the end, what a run over the last bars alone computes; bit for bit if windowed."""
    bars, n, tail = long_walk(), 100_000, 12_000
    part = {name: values[n - tail :] for name, values in bars.items()}
    specs = {}
    for f in market.library():
        given = market.GIVEN.get(f.name, ("close", "high", "low", "open"))
        spec = f(**dict(zip(f.required, given, strict=False)), **market.BRIEF.get(f.name, {}))
        settle = max(int(node.feature.settle(node.params)) for node in Plan({"x": spec}).nodes)
        if settle < 7_000 and not f.name.startswith("cdl_") and f.name != "place_day":  # its weeks are longer
            specs[f.name] = spec
    long, short = batch(Plan(specs), bars), batch(Plan(specs), part)
    assert len(specs) > 150
    for name, values in short.items():
        a, b = long[name][-2000:], values[-2000:]
        assert np.nanmax(np.abs(a - b)) <= 1e-9 * max(np.nanmax(np.abs(a)), 1e-12), name


def test_what_adds_up_for_ever_is_what_long_doubles_say():
    bars = long_walk()
    high, low, close, volume = (bars[p].astype(np.longdouble) for p in ("high", "low", "close", "volume"))
    step, share = np.diff(close, prepend=close[:1]), np.zeros_like(close)
    share[1:] = step[1:] / close[:-1]
    span = high - low
    flow = np.where(span > 0, ((close - low) - (high - close)) / np.where(span > 0, span, 1), 0) * volume
    last = np.concatenate([close[:1], close[:-1]])
    won = np.where(step > 0, close - np.minimum(low, last), np.where(step < 0, close - np.maximum(high, last), 0))
    quieter = np.concatenate([[False], np.diff(volume) < 0])
    slow = {
        "obv": np.cumsum(np.where(np.arange(len(close)) == 0, 1, np.sign(step)) * volume), "ad": np.cumsum(flow),
        "pvt": np.cumsum(share * volume), "wad": np.cumsum(won),
        "nvi": 1000 * np.cumprod(np.where(quieter, 1 + share, 1)),
        "vwap": np.cumsum((high + low + close) / 3 * volume) / np.cumsum(volume),
    }  # fmt: skip
    for name, expected in slow.items():
        found = one(bars, name)
        assert np.abs(found - expected).max() <= 1e-11 * np.abs(expected).max(), name


def test_a_spike_that_has_left_a_window_leaves_nothing_behind(ref):
    """Sums carry what rounding lost: TA-Lib's mean of 5 is wrong by 3.5e-8 two hundred bars after a price of 1e9."""
    spiked = {**ref, "close": ref["close"].copy()}
    spiked["close"][700] = 1e9
    for name, close in (("total", 1e-13), ("er", 1e-9), ("cmou", 1e-9), ("vwma", 1e-13), ("wma", 1e-9)):
        np.testing.assert_allclose(one(ref, name)[760:780], one(spiked, name)[760:780], rtol=close, err_msg=name)
