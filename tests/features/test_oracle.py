"""Every feature against the library or the file that its declaration names."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from engine.features import Plan, moments, rsi, swing, zscore
from tests.features import market
from tests.features.market import batch

talib = pytest.importorskip("talib")
pytest.importorskip("talib.abstract")
WITH_ORACLE = [f for f in market.library() if f.like]


THEIRS = {
    "period": ["timeperiod"], "fast": ["fastperiod"], "slow": ["slowperiod"], "smooth": ["signalperiod"],
    "deviations": ["nbdevup", "nbdevdn", "nbdev"], "factor": ["vfactor"], "multiplier": ["multiplier"],
    "maximum": ["maximum"], "first": ["firstperiod"], "second": ["secondperiod"], "fast_limit": ["fastlimit"],
    "slow_limit": ["slowlimit"], "penetration": ["penetration"],
}  # fmt: skip
"""What TA-Lib calls our parameters; what is not here, and not in `OWN`, it does not have."""
OWN: dict[str, dict[str, list[str]]] = {
    "stochf": {"period": ["fastk_period"], "smooth": ["fastd_period"]},
    "stochastic": {"period": ["fastk_period"], "slow": ["slowk_period"], "smooth": ["slowd_period"]},
    "kama": {"fast": [], "slow": []},
    "kdj": {"period": ["fastk_period"], "slow": ["slowk_period"], "smooth": ["slowd_period"]},
    "stochrsi": {"fast": ["fastk_period"], "smooth": ["fastd_period"]},
    "ultosc": {"short": ["timeperiod1"], "middle": ["timeperiod2"], "long": ["timeperiod3"]},
    "cvi": {"change": ["rocperiod"]}, "massi": {"fast": ["fastperiod"], "slow": ["slowperiod"]},
    "rvi": {"reach": ["stddevperiod"]}, "keltner": {"reach": ["atrperiod"]}, "percentile": {"percent": ["percentile"]},
    "fractal": {"left": ["leftbars"], "right": ["rightbars"]},
    "coppock": {"period": ["wmaperiod"], "fast": ["roc1period"], "slow": ["roc2period"]},
    "sar": {"step": ["acceleration"]},
    "sarext": {
        "start": ["startvalue"], "offset": ["offsetonreverse"],
        "start_long": ["accelerationinitlong"], "step_long": ["accelerationlong"],
        "limit_long": ["accelerationmaxlong"],
        "start_short": ["accelerationinitshort"], "step_short": ["accelerationshort"],
        "limit_short": ["accelerationmaxshort"],
    },
}  # fmt: skip
"""Where one indicator calls them otherwise."""


def oracle(feature, columns, params) -> list[np.ndarray]:
    """What TA-Lib says, one column for each output; `talib.AROON.aroonup` is one output of several."""
    prices = {name: columns[name] for name in ("open", "high", "low", "close", "volume")}
    names = {**THEIRS, **OWN.get(feature.name, {})}
    named = {theirs: value for name, value in params.items() for theirs in names.get(name, ())}
    found: list[np.ndarray] = []
    for like in feature.like:
        if like == "-":
            found.append(None)
            continue
        name, _, output = like.removeprefix("talib.").partition(".")
        function = talib.abstract.Function(name)
        function.parameters = {k: v for k, v in named.items() if k in function.parameters}
        made = function(prices)
        made = list(made) if isinstance(made, (tuple, list)) else [made]
        made = [made[function.output_names.index(output)]] if output else made
        early = np.arange(len(columns["close"])) < function.lookback  # whole numbers are 0 there
        found += [np.where(early, np.nan, m) if m.dtype.kind == "i" else m for m in made]
    return found


@pytest.fixture(scope="session")
def rough() -> dict[str, np.ndarray]:
    """A stress series of the feature catalogue, whole points with gaps and ties; and volumes that repeat."""
    bars = market.stress(3, 60, 5_000)
    return {**bars, "volume": 100.0 + np.arange(5_000) * 7 % 50}


@pytest.mark.parametrize("feature", WITH_ORACLE, ids=lambda f: f.name)
@pytest.mark.parametrize("source", ["ref", "eurusd", "rough"])
def test_it_is_what_talib_says_from_the_first_value_on(feature, source, request):
    columns = request.getfixturevalue(source)
    known = {**THEIRS, **OWN.get(feature.name, {})}
    for spec in (
        feature(),
        feature(**{n: p.default + 3 for n, p in feature.params.items() if p.kind is int and known.get(n)}),
    ):
        ours = batch(Plan({"x": spec}), columns)
        theirs = oracle(feature, columns, dict(spec.params))
        assert len(ours) == len(theirs)
        for (name, a), b in zip(ours.items(), theirs, strict=True):
            if b is None:
                continue
            assert (np.isnan(a) == np.isnan(b)).all(), name
            close = 1e-9 if not feature.name.startswith("ht_") else 1e-8  # a phase is an angle of two small numbers
            assert np.nanmax(np.abs(a - b)) <= close * np.nanmax(np.abs(b)), name


def test_every_feature_of_talibs_has_its_oracle():
    assert {f.name for f in WITH_ORACLE} >= {"sma", "ema", "rsi", "atr", "macd", "bollinger", "donchian", "adx"}


def test_rsi_is_wilders_and_not_the_exponential_one(ref):
    """Acceptance number 4 of the feature notes; 25.888 would be the exponential and 30.78 the simple average."""
    x = batch(Plan({"x": rsi(14)}), ref)["x"]
    assert x[14] == pytest.approx(65.388951522, abs=1e-9)
    assert [x[500], x[1999]] == pytest.approx([37.0205767989, 46.3332897756], abs=1e-9)


def test_rsi_of_a_dead_market_is_50_where_talib_says_0():
    flat = np.full(100, 1.1)
    assert batch(Plan({"x": rsi(14)}), market.stamped(flat, flat, flat, flat))["x"][14:].tolist() == [50.0] * 86
    assert talib.RSI(flat, 14)[14:].tolist() == [0.0] * 86


def test_zscore_is_pandas_rolling_sample_zscore(eurusd):
    close = pandas.Series(eurusd["close"])
    theirs = (close - close.rolling(100).mean()) / close.rolling(100).std()
    ours = batch(Plan({"x": zscore(100)}), eurusd)["x"]
    assert np.nanmax(np.abs(ours - theirs)) < 1e-7
    assert (np.isnan(ours) == np.isnan(theirs)).all()


def test_swings_of_eurusd_are_those_counted_in_the_catalogue(eurusd):
    out = batch(Plan({"s": swing(5, 5)}), eurusd)
    tops = out["s_top"][np.isin(out["s_event"], (1, 2))]
    bottoms = out["s_bottom"][np.isin(out["s_event"], (-1, 2))]
    assert (len(tops), len(bottoms)) == (1474, 1491)
    assert ((np.diff(tops) > 0).sum(), (np.diff(tops) <= 0).sum()) == (743, 730)
    assert ((np.diff(bottoms) < 0).sum(), (np.diff(bottoms) >= 0).sum()) == (722, 768)


def test_a_swing_points_back_to_its_bar(ref):
    out = batch(Plan({"s": swing(3, 4)}), ref)
    both = np.flatnonzero(~np.isnan(out["s_top"] + out["s_bottom"]))
    assert len(both) > 1900
    for i in both:
        assert ref["high"][i - int(out["s_top_age"][i])] == out["s_top"][i]
        assert ref["low"][i - int(out["s_bottom_age"][i])] == out["s_bottom"][i]


def test_strict_swings_are_scipys_extrema_known_later(ref):
    """Catalogue row 66: REF, order 5: 113 highs and 107 lows without ties; ours keeps the last of equals too."""
    signal = pytest.importorskip("scipy.signal")
    out = batch(Plan({"s": swing(5, 5)}), ref)
    strict = signal.argrelextrema(ref["high"], np.greater, order=5)[0]
    strict = strict[(strict >= 5) & (strict < 1995)]
    assert len(strict) == 113
    confirmed = np.flatnonzero(np.isin(out["s_event"], (1, 2))) - 5
    assert set(strict) <= set(confirmed)
    assert all(ref["high"][p] == ref["high"][p - 5 : p].max() for p in set(confirmed) - set(strict))


def test_a_mean_does_not_drift_over_a_hundred_thousand_bars():
    walk = np.cumsum(np.sin(np.arange(100_000) * 12.9898) * 1e-4) + 1.1
    walk[50_000] = 1e9
    out = batch(Plan({"m": moments(50)}), market.stamped(walk, walk, walk, walk))
    for i in [*range(60_000, 100_000, 997), 99_999]:
        window = walk[i - 49 : i + 1].astype(np.longdouble)
        assert out["m_mean"][i] == pytest.approx(float(window.mean()), rel=1e-13)
        assert out["m_deviation"][i] == pytest.approx(float(window.std()), rel=1e-9)
