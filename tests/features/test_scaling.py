"""Scales and weights against pandas, scipy and their slow definitions."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from engine.core.errors import ConfigError
from engine.features import (
    Plan,
    Spec,
    atr,
    body,
    column,
    frozen,
    group,
    hedged,
    impact,
    macd,
    mom,
    rsi,
    scale,
    winsor,
    zscore_all,
    zscore_ew,
)  # fmt: skip
from engine.features.scaling import fit, normal_quantile
from engine.features.text import read_feature
from tests.features import market
from tests.features.market import batch


def test_the_exponential_zscore_is_pandas(eurusd):
    close = pandas.Series(eurusd["close"])
    past = close.ewm(alpha=0.03, adjust=False)
    theirs = (close - past.mean()) / past.std(bias=True)
    ours = batch(Plan({"x": zscore_ew()}), eurusd)["x"]
    assert np.abs(ours[5:] - theirs[5:]).max() < 1e-7


def test_the_expanding_zscore_is_pandas(eurusd):
    close = pandas.Series(eurusd["close"])
    theirs = (close - close.expanding().mean()) / close.expanding().std()
    ours = batch(Plan({"x": zscore_all()}), eurusd)["x"]
    assert np.abs(ours[5:] - theirs[5:]).max() < 1e-9


def test_rolling_scales_are_numpys_of_the_window(ref):
    plan = Plan({style: scale(50, style) for style in ("robust", "tanh", "minmax", "rank")} | {"w": winsor(50, 5)})
    out = batch(plan, ref)
    windows, now = sliding_window_view(ref["close"], 50), ref["close"][49:]
    low, first, middle, third, high, cut, top = np.quantile(windows, (0, 0.25, 0.5, 0.75, 1, 0.05, 0.95), axis=1)
    below = (windows < now[:, None]).sum(axis=1)
    equal = (windows == now[:, None]).sum(axis=1)
    assert np.abs(out["robust"][49:] - (now - middle) / (third - first)).max() < 1e-12
    assert np.abs(out["tanh"][49:] - np.tanh(out["robust"][49:])).max() < 1e-12
    assert np.abs(out["minmax"][49:] - (now - low) / (high - low)).max() < 1e-12
    assert np.abs(out["rank"][49:] - (below + equal / 2) / 50).max() < 1e-12
    assert np.abs(out["w"][49:] - np.clip(now, cut, top)).max() < 1e-12


@given(st.floats(1e-6, 1 - 1e-6))
def test_a_share_becomes_the_normal_number_scipy_says(p):
    special = pytest.importorskip("scipy.special")
    assert normal_quantile(p) == pytest.approx(special.ndtri(p), abs=1e-9)


def test_a_frozen_scale_remembers_its_fit_in_its_identity(ref):
    past = batch(Plan({"x": atr(14)}), ref)["x"][:1000]
    spec = fit(past, "zscore", atr(14))
    out = batch(Plan({"f": spec, "x": atr(14)}), ref)
    there = past[~np.isnan(past)]
    assert np.abs(out["f"][14:] - (out["x"][14:] - there.mean()) / there.std()).max() < 1e-9
    assert spec.identity != fit(past[:900], "zscore", atr(14)).identity
    assert str(frozen(1.0, 2.0)) == "frozen(center=1.0, width=2.0)"
    with pytest.raises(ConfigError, match="no fit 'zsocre': did you mean zscore"):
        fit(past, "zsocre")
    with pytest.raises(ConfigError, match="do not vary"):
        fit(np.full(9, 1.0))


def weighed(given, close: np.ndarray, t: int, style: str, horizon, decay, memory, least) -> np.ndarray:
    """Weights at t by the definition, from all that was known."""
    past = range(max(t - horizon + 1, 0))
    moved = close[horizon:] - close[:-horizon]
    if style == "hedge":
        score = [sum(decay ** (t - s - horizon) * np.sign(x[s]) * np.sign(moved[s]) for s in past) for x in given]
        raw = np.exp(np.array(score) - max(score))
    else:
        fade = [memory ** (t - s - horizon) for s in past]
        errors = np.array([sum(w * (moved[s] - x[s]) ** 2 for s, w in zip(past, fade, strict=True)) for x in given])
        raw = 1.0 / errors if len(past) else np.ones(len(given))
    return least + (1 - len(given) * least) * raw / raw.sum()


def calls(n: int) -> list[Spec]:
    """Signals made of columns of the bars."""
    parts = [column("close") - column("open"), mom(5), -mom(2), mom(11) * 2.0, column("close") - column("high") / 2.0]
    return [*parts, macd().histogram, body().body, -mom(1)][:n]


@pytest.mark.parametrize("style", ["hedge", "variance"])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 8])
def test_weights_of_up_to_eight_signals_are_what_the_definition_says(ref, style, n):
    horizon, decay, memory, least = 3, 0.9, 0.8, 0.02
    bars, given = market.rows(ref, 0, 300), calls(n)
    spec = hedged(*given, horizon=horizon, decay=decay, least=least, style=style, memory=memory)
    out = batch(Plan({"x": spec, **{f"s{k}": s for k, s in enumerate(given)}}), bars)
    first = spec.warmup  # the longest of the signals' own
    past = [out[f"s{k}"][first:] for k in range(n)]
    for t in (0, 2, 3, 4, 50, 299 - first):
        weights = weighed(past, bars["close"][first:], t, style, horizon, decay, memory, least)
        found = [out[f"x_weight_{letter}"][first + t] for letter in "abcdefgh"]
        assert found == pytest.approx([*weights, *[0.0] * (8 - n)], abs=1e-12), t
        assert out["x"][first + t] == pytest.approx(weights @ [x[t] for x in past], abs=1e-12)


def test_two_signals_are_weighed_as_a_logistic_of_the_difference_of_their_scores(ref):
    out = batch(Plan({"x": hedged("high", "low", rate=0.3)}), {**ref, "high": ref["close"] - 1.1, "low": mom_of(ref)})
    a = b = 0.0
    for i in range(400):
        if i:
            moved = np.sign(ref["close"][i] - ref["close"][i - 1])
            a = a * 0.99 + np.sign(ref["close"][i - 1] - 1.1) * moved
            b = b * 0.99 + np.sign(mom_of(ref)[i - 1]) * moved
        assert out["x_weight_a"][i] == pytest.approx(0.01 + 0.98 / (1 + np.exp(0.3 * (b - a))), abs=1e-12)


def mom_of(bars: dict[str, np.ndarray]) -> np.ndarray:
    return bars["close"] - np.roll(bars["close"], 3)


NUMBERS = st.one_of(st.floats(-1e3, 1e3), st.sampled_from([0.0, 1e200, -1e200, 5e-324, 1.0]))


@settings(max_examples=25)
@given(st.data())
def test_weights_add_up_keep_their_floor_and_go_with_their_signals(data):
    n, rows = data.draw(st.integers(1, 4)), data.draw(st.integers(5, 40))
    drawn = [np.array(data.draw(st.lists(NUMBERS, min_size=rows, max_size=rows))) for _ in range(n)]
    drawn.append(drawn[0])  # one signal twice
    n, style = n + 1, data.draw(st.sampled_from(["hedge", "variance"]))
    close = 1.0 + np.cumsum(np.array(data.draw(st.lists(st.integers(-3, 3), min_size=rows, max_size=rows)))) / 100.0
    least, rate = data.draw(st.floats(0.0, 0.9 / n)), data.draw(st.sampled_from([1e-3, 1.0, 1e300]))
    order, names = data.draw(st.permutations(range(n))), ("open", "high", "low", "volume", "spread")
    bars = {**market.stamped(close, close, close, close), **dict(zip(names, drawn, strict=False))}
    words = {"horizon": data.draw(st.integers(1, 4)), "least": least, "rate": rate, "style": style}
    plan = Plan({"x": hedged(*names[:n], **words), "y": hedged(*(names[k] for k in order), **words)})
    out = batch(plan, bars)
    weights, turned = ([out[f"{v}_weight_{letter}"] for letter in "abcdefgh"[:n]] for v in "xy")
    assert np.abs(np.sum(weights, axis=0) - 1.0).max() < 1e-12 and np.isfinite(out["x"]).all()
    assert np.min(weights) >= least - 1e-15 and (weights[0] == weights[-1]).all(), "equal signals weigh alike"
    for place, k in enumerate(order):
        assert turned[place] == pytest.approx(weights[k], abs=1e-12)
    assert all((out[f"x_weight_{letter}"] == 0.0).all() for letter in "abcdefgh"[n:])


def test_hedged_is_written_in_texts_as_in_python_and_says_what_it_takes():
    text = 'hedged(rsi(7) - 50, macd().histogram, horizon=4, style="variance").weight_b'
    assert read_feature(text) == hedged(rsi(7) - 50, macd().histogram, horizon=4, style="variance").weight_b
    assert read_feature("group(rsi(7), rsi(14)).mean") == group(rsi(7), rsi(14)).mean
    for wrong in ("hedged()", f"hedged({', '.join(['close'] * 9)})"):
        with pytest.raises(ConfigError, match="hedged takes 1 to 8 signals"):
            read_feature(wrong)
    with pytest.raises(ConfigError, match="least \\* count < 1"):
        hedged(*["close"] * 8, least=0.125)
    with pytest.raises(ConfigError, match="does not take these values"):
        read_feature("hedged(close, hurry=3)")


def test_a_signal_that_is_always_right_gets_all_but_the_floor(ref):
    right = np.concatenate([np.diff(ref["close"]), [0.0]])
    for style in ("hedge", "variance"):
        out = batch(Plan({"x": hedged("high", "low", style=style)}), {**ref, "high": right, "low": -right})
        assert out["x_weight_a"][-1] == pytest.approx(0.99, abs=1e-6), style


def test_a_surprise_is_measured_by_earlier_ones_and_halves():
    """Ten releases, one every four hours: the first eight say nothing yet."""
    n = 16 * 10
    number = np.arange(n) // 16
    surprise = np.array([1, -1, 2, -2, 1, -1, 2, -2, 3.0, -1])[number]
    bars = market.stamped(100 + surprise, np.full(n, 100.0), number.astype(float), np.full(n, 1.0))
    out = batch(Plan({"x": impact("open", "high", "low", importance=-1.5)}), bars)
    assert (out["x"][: 16 * 8] == 0).all()
    usual = np.std([1, -1, 2, -2, 1, -1, 2, -2], ddof=1)
    ages = np.arange(16) * 15
    assert out["x_surprise"][128:144] == pytest.approx(np.full(16, 3 / usual), rel=1e-12)
    assert out["x"][128:144] == pytest.approx(-0.5 * 3 / usual * 0.5 ** (ages / 30), rel=1e-12)
    usual = np.std([1, -1, 2, -2, 1, -1, 2, -2, 3], ddof=1)
    assert out["x_surprise"][144] == pytest.approx(-1 / usual, rel=1e-12)


def test_an_input_may_be_any_feature(ref):
    out = batch(Plan({"x": scale(100, "rank", close=rsi(14))}), ref)["x"]
    assert np.isnan(out[:113]).all() and 0.0 < out[113] <= 1.0
