"""Momentum, strength of a trend, tendency and bands: against pandas, scipy, TA-Lib's numbers and their own parts."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.features import (
    FEATURES,
    Plan,
    accbands,
    adx,
    aroon,
    atr,
    bands,
    bias,
    bollinger,
    change,
    choppiness,
    donchian,
    ema,
    er,
    keltner,
    momentum,
    momentum_spans,
    on,
    strength,
    strength_hurst,
    swing,
    swing_way,
    vhf,
    vwap,
)  # fmt: skip
from tests.features import market
from tests.features.market import batch


@pytest.mark.parametrize("bars", [1, 5, 10, 20, 60, 120])
def test_momentum_is_pandas_shift_of_logarithms(bars, eurusd):
    columns = market.rows(eurusd, 0, 3000)
    out = batch(Plan({"m": momentum(bars)}), columns)
    x = pandas.Series(np.log(columns["close"]))
    way = x - x.shift(bars)
    sigma = np.sqrt((x.diff()[1:] ** 2).ewm(alpha=0.06, adjust=False).mean())
    expected = {"m": way, "m_scaled": way / (sigma * np.sqrt(bars)), "m_acceleration": way - way.shift(bars),
                "m_tsmom": np.sign(x - x.shift(252))}  # fmt: skip
    for name, theirs in expected.items():
        np.testing.assert_allclose(out[name], theirs.reindex(x.index), rtol=1e-9, atol=1e-12, err_msg=name)


def test_a_straight_line_explains_what_scipy_says(ref, eurusd):
    from scipy.stats import linregress

    assert batch(Plan({"s": strength(14)}), ref)["s_r2"][500] == pytest.approx(0.671684292583261, rel=1e-12)
    out = batch(Plan({"s": strength()}), eurusd)
    t = np.arange(20)
    for i in range(28, len(eurusd["close"]), 97):
        y = eurusd["close"][i - 19 : i + 1]
        line = linregress(t, y - y[-1])
        assert out["s_r2"][i] == pytest.approx(line.rvalue**2, abs=1e-9)
        assert out["s_t_stat"][i] == pytest.approx(line.slope / line.stderr, rel=1e-6, abs=1e-9)


def test_the_other_strengths_are_the_features_of_that_name(ref):
    """Choppiness has the catalogue's value, made with true ranges that include the bar's own."""
    picked = {"adx": adx(14).adx, "plus_di": adx(14).plus_di, "minus_di": adx(14).minus_di, "vhf": vhf(28),
              "aroon_up": aroon(25).aroon_up, "aroon_down": aroon(25).aroon_down, "er": er(10),
              "choppiness": choppiness(14)}  # fmt: skip
    out = batch(Plan({"s": strength(), **picked}), ref)
    for name in picked:
        assert (out[f"s_{name}"][28:] == out[name][28:]).all(), name
    assert out["s_choppiness"][500] == pytest.approx(46.455342660495, rel=1e-12)


def test_a_perfect_line_has_a_t_statistic_of_a_million_and_a_flat_one_none():
    up = np.arange(100.0, 200.0)
    out = batch(Plan({"s": strength()}), market.stamped(up, up, up, up))
    assert out["s_r2"][50] == 1.0 and out["s_t_stat"][50] == 1e6
    down, flat = up[::-1].copy(), np.full(100, 5.0)
    assert batch(Plan({"s": strength()}), market.stamped(down, down, down, down))["s_t_stat"][50] == -1e6
    assert batch(Plan({"s": strength()}), market.stamped(flat, flat, flat, flat))["s_t_stat"][50] == 0.0


def fluctuations(close: np.ndarray) -> float:
    """Peng's exponent of the log returns of `close`, by polyfit in boxes and over them."""
    returns = np.diff(np.log(close))
    path = np.cumsum(returns - returns.mean())
    sizes, heights = np.array([4, 8, 16, 32]), []
    for size in sizes:
        boxes, t = path.reshape(-1, size), np.arange(size)
        fits = np.array([np.polyval(np.polyfit(t, box, 1), t) for box in boxes])
        heights.append(np.sqrt(np.mean((boxes - fits) ** 2)))
    return float(np.polyfit(np.log(sizes), np.log(heights), 1)[0])


def test_the_hurst_exponent_is_that_of_detrended_fluctuations(eurusd):
    out = batch(Plan({"h": strength_hurst()}), market.rows(eurusd, 0, 4000))["h"]
    for i in range(128, 4000, 131):
        assert out[i] == pytest.approx(fluctuations(eurusd["close"][i - 128 : i + 1]), abs=1e-7)


def test_a_market_that_turns_every_bar_persists_less_than_one_that_goes_on():
    rng = np.random.default_rng(3)
    noise = 1e-3 * rng.standard_normal(4000)
    tame, plain, wild = 100.0 + noise, 100.0 * np.exp(np.cumsum(noise)), 100.0 * np.exp(np.cumsum(np.cumsum(noise) / 9))
    means = [
        np.nanmean(batch(Plan({"h": strength_hurst()}), market.stamped(x, x, x, x))["h"]) for x in (tame, plain, wild)
    ]
    assert means[0] < 0.3 and 0.4 < means[1] < 0.75 and means[2] > 1.0


# ---------------------------------------------------------------- bands


def test_bands_are_the_channels_of_that_name_measured_in_one_way(eurusd):
    columns = market.rows(eurusd, 0, 3000)
    sources = {"bollinger": bollinger(20), "keltner": keltner(20), "donchian": donchian(20), "acceleration": accbands()}
    out = batch(Plan({**{f"b_{k}": bands(style=k) for k in sources}, **sources}), columns)
    for name in sources:
        top, middle, bottom = (out[f"{name}_{k}"] for k in ("upper", "middle", "lower"))
        for side, theirs in (("upper", top), ("middle", middle), ("lower", bottom)):
            np.testing.assert_allclose(out[f"b_{name}_{side}"], theirs, rtol=1e-14, err_msg=f"{name} {side}")
        with np.errstate(invalid="ignore"):
            place = np.where(top > bottom, (columns["close"] - bottom) / (top - bottom), 0.5)
        assert np.abs(out[f"b_{name}_pctb"] - place)[19:].max() < 1e-9, name
        np.testing.assert_allclose(out[f"b_{name}_width"][19:], ((top - bottom) / middle)[19:], rtol=1e-9, atol=1e-15)


def test_a_squeeze_is_bollinger_inside_keltner(eurusd):
    out = batch(Plan({"b": bands(), "k": keltner(20, 10, 1.5)}), eurusd)
    inside = (out["b_upper"] < out["k_upper"]) & (out["b_lower"] > out["k_lower"])
    assert (out["b_squeeze"][19:] == inside[19:]).mean() > 0.9999 and 0.05 < inside.mean() < 0.9


def test_atr_bands_show_a_close_beyond_those_of_the_bar_before(eurusd):
    columns = market.rows(eurusd, 0, 3000)
    out = batch(Plan({"b": bands(style="atr", deviations=1.5), "a": atr(14)}), columns)
    close, a = columns["close"], out["a"]
    np.testing.assert_allclose(out["b_upper"][19:], (close + 1.5 * a)[19:], rtol=1e-14)
    place = (close[1:] - close[:-1]) / (3.0 * a[:-1]) + 0.5
    np.testing.assert_allclose(out["b_pctb"][20:], place[19:], rtol=1e-9, atol=1e-12)
    assert (out["b_pctb"] > 1).any() and (out["b_pctb"] < 0).any()


def test_a_breakout_shows_only_where_the_channel_leaves_the_bar_out(ref):
    out = batch(Plan({"a": bands(style="donchian"), "b": bands(style="donchian", skip=1)}), ref)
    assert np.nanmax(out["a_pctb"]) <= 1.0 < np.nanmax(out["b_pctb"]) and np.isnan(out["b_upper"][19])
    assert out["b_upper"][20:].tolist() == out["a_upper"][19:-1].tolist()


@settings(max_examples=20)
@given(st.integers(5, 60), st.sampled_from(["bollinger", "keltner", "donchian", "acceleration"]))
def test_the_close_is_between_its_bands_exactly_where_pctb_says_so(ref, period, style):
    out = batch(Plan({"b": bands(period, style=style)}), market.rows(ref, 0, 300))
    close, there = ref["close"][:300], ~np.isnan(out["b_pctb"])
    upper, lower, pctb = out["b_upper"][there], out["b_lower"][there], out["b_pctb"][there]
    assert ((pctb > 1 + 1e-9) <= (close[there] > upper)).all() and ((pctb < -1e-9) <= (close[there] < lower)).all()


def test_momentum_of_six_spans_is_numpys_logarithm_of_the_ratio(ref):
    out = batch(Plan({"m": momentum_spans(), "one": momentum(60)}), ref)
    logs = np.log(ref["close"])
    for bars in (1, 5, 10, 20, 60, 120):
        found = out[f"m_m{bars}"]
        assert np.isnan(found[:bars]).all() and np.abs(found[bars:] - (logs[bars:] - logs[:-bars])).max() < 1e-15
    assert out["m_m60"][60:].tolist() == out["one"][60:].tolist()


# ---------------------------------------------------------------- tendency


def structure(event: np.ndarray, high: np.ndarray, low: np.ndarray, start: int) -> np.ndarray:
    tops, bottoms, found = [], [], np.zeros(len(event))
    for i in range(start, len(event)):
        if event[i] > 0:
            tops.append(high[i - 5])
        if event[i] in (-1, 2):
            bottoms.append(low[i - 5])
        if len(tops) > 1 and len(bottoms) > 1:
            up = tops[-1] > tops[-2] and bottoms[-1] > bottoms[-2]
            down = tops[-1] < tops[-2] and bottoms[-1] < bottoms[-2]
            found[i] = up * 1.0 - down * 1.0
    return found


def test_swings_point_where_the_last_two_highs_and_lows_do(eurusd):
    columns = market.rows(eurusd, 0, 4000)
    out = batch(Plan({"way": swing_way(), "s": swing().event}), columns)
    assert (out["way"][10:] == structure(out["s"], columns["high"], columns["low"], 10)[10:]).all()
    assert set(out["way"][10:]) == {-1.0, 0.0, 1.0}


def test_the_tendency_is_the_sum_of_its_five_votes(eurusd):
    columns = market.rows(eurusd, 0, 4000)
    parts = {"a": ema(20), "b": ema(50), "c": ema(200), "w": vwap("day"), "s": swing().event}
    out = batch(Plan({"x": bias(), "up": change(close=ema(200)).change, **parts}), columns)
    votes = [np.sign(out["a"] - out["b"]), np.sign(out["b"] - out["c"]), np.sign(columns["close"] - out["w"]),
             np.sign(out["up"]), structure(out["s"], columns["high"], columns["low"], 200)]  # fmt: skip
    score = np.sum(votes, axis=0)
    assert (out["x_score"][300:] == score[300:]).all(), "from the first whole day on"
    tag = np.select([score >= 4, score >= 2, score <= -4, score <= -2], [2, 1, -2, -1], 0)
    assert (out["x_tag"][300:] == tag[300:]).all() and set(out["x_tag"][200:]) == {-2, -1, 0, 1, 2}
    assert (out["x_agreement"][200:] == (votes[0] * votes[3])[200:]).all()
    assert set(out["x_score"][200:]) >= {-5, -3, -1, 1, 3, 5}


def test_the_vote_of_a_larger_frame_is_its_last_closed_bars():
    """The engine brings the column; here it is given, and only its sign counts."""
    spec = bias(higher=on("H4", change(close=ema(50)).change))
    plan = Plan({"x": spec})
    _, frame, _, name = plan.foreign[0]
    assert frame == "H4"
    columns = market.reference(600)
    votes = [batch(plan, {**columns, name: np.full(600, side)})["x_score"][250:] for side in (-3.0, 0.0, 3.0)]
    assert (votes[1] - votes[0] == 1).all() and (votes[2] - votes[1] == 1).all()


def test_without_volume_the_plain_mean_of_the_day_votes(ref):
    silent = {**ref, "volume": np.zeros(len(ref["close"]))}
    even = {**ref, "volume": np.full(len(ref["close"]), 7.0)}
    plan = Plan({"x": bias()})
    assert (batch(plan, silent)["x_score"][200:] == batch(plan, even)["x_score"][200:]).mean() > 0.999


def test_the_features_are_found_under_the_catalogues_keys():
    for key in ("momentum", "strength", "bands", "bias"):
        assert FEATURES.get(key).name == key


ROWS = (
    "momentum", "strength", "strength_hurst", "bands", "bias", "cycle_strength", "cycle_strength_snr", "cycle_phase",
    "shift", "kswin", "density", "micro_bar", "micro", "micro_vpin",
)  # fmt: skip


def test_no_column_is_constant_on_real_bars(eurusd):
    """24,424 quarter hours of EURUSD."""
    out = batch(Plan({name: FEATURES.get(name)() for name in ROWS}), eurusd)
    assert len(out) >= 60
    for name, values in out.items():
        there = values[~np.isnan(values)]
        assert len(there) > 20_000 and there.min() < there.max() and np.isfinite(there).all(), name
