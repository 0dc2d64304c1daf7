"""Shape and tags of a bar: by hand, by numpy, and against TA-Lib where it has the same thing."""

from __future__ import annotations

import numpy as np
import pytest

from engine.features import Plan, atr, shape, tags
from tests.features import market
from tests.features.market import batch

CALM = [(10, 12, 8, 11)] * 6


def last_tags(*bars: tuple[float, float, float, float], before=CALM) -> dict[str, float]:
    """Tags of the last bar that are not 0, by name; bars are open, high, low, close."""
    table = np.array([*before, *bars], float).T
    out = batch(Plan({"t": tags()}), market.stamped(*table))
    return {n.removeprefix("t_"): float(v[-1]) for n, v in out.items() if v[-1] != 0.0}


@pytest.mark.parametrize(
    ("bars", "expected"),
    [
        ([(10, 11, 9, 10.5)], {"inside": 1, "narrow4": 1, "narrow7": 1, "quarter": 1}),
        ([(10, 14, 7, 10.6)], {"outside": 1, "wide7": 1, "doji": 1}),
        ([(11, 11.5, 4, 11.2)], {"pin": 1, "doji": 1, "quarter": 1, "wide7": 1, "run": -1}),
        ([(9, 16, 8.5, 9)], {"pin": -1, "doji": 1, "quarter": -1, "wide7": 1, "run": 1}),
        ([(13, 14, 12.5, 13)], {"gap": 1, "run": 1, "pin": -1, "doji": 1, "narrow4": 1, "narrow7": 1}),
        ([(11, 13, 6.5, 7)], {"outside": 1, "wide7": 1, "key_reversal": -1, "quarter": -1, "engulf": -1}),
        ([(11, 11, 7, 8), (8, 13, 7.5, 12.5)], {"three_bar": 1, "engulf": 1, "quarter": 1, "wide7": 1, "run": 1}),
    ],
)
def test_a_bar_is_called_what_a_trader_calls_it(bars, expected):
    found = last_tags(*bars)
    found.pop("t")
    assert found == expected


def test_the_bits_say_the_same_as_the_columns(eurusd):
    out = batch(Plan({"tags": tags()}), eurusd)
    bits = out["tags"][6:].astype(int)
    plain = {"inside": 1, "outside": 2, "narrow4": 4, "narrow7": 8, "wide7": 16, "doji": 32}
    signed = {"pin": 64, "engulf": 256, "gap": 1024, "key_reversal": 4096, "three_bar": 16384, "quarter": 65536}
    for name, bit in {**plain, **signed}.items():
        assert ((bits & bit > 0) == (out[f"tags_{name}"][6:] > 0)).all(), name
        assert ((out[f"tags_{name}"][6:] < 0) == ((bits & 2 * bit > 0) & (name in signed))).all(), name
        assert len(set(out[f"tags_{name}"][6:])) == (3 if name in signed else 2), f"{name} never happens"


def test_ranges_are_ranked_as_numpy_ranks_them(eurusd):
    span = eurusd["high"] - eurusd["low"]
    windows = np.lib.stride_tricks.sliding_window_view(span, 7)
    out = batch(Plan({"t": tags()}), eurusd)
    assert (out["t_narrow7"][6:] == (windows[:, 6] < windows[:, :6].min(axis=1))).all()
    assert (out["t_narrow4"][6:] == (windows[:, 6] < windows[:, 3:6].min(axis=1))).all()
    assert (out["t_wide7"][6:] == (windows[:, 6] > windows[:, :6].max(axis=1))).all()


def test_engulfing_bars_are_those_of_talib_but_for_bars_without_a_body(eurusd):
    """To TA-Lib a bar that closes where it opened is white, so that a black body engulfs it; to us nothing does."""
    talib = pytest.importorskip("talib")
    theirs = np.sign(talib.CDLENGULFING(*(eurusd[p] for p in ("open", "high", "low", "close"))))
    ours = batch(Plan({"t": tags()}), eurusd)["t_engulf"]
    bodiless = np.concatenate([[True], eurusd["open"][:-1] == eurusd["close"][:-1]])
    assert (ours == theirs)[6:][~bodiless[6:]].all()
    assert (ours[bodiless & (np.arange(len(ours)) >= 6)] == 0).all() and bodiless.sum() > 100


def test_the_shape_of_a_bar_is_its_parts(eurusd):
    open, high, low, close = (eurusd[p] for p in ("open", "high", "low", "close"))
    out = batch(Plan({"s": shape(), "a": atr(14)}), eurusd)
    span = np.where(high > low, high - low, np.inf)
    parts = {
        "upper": (high - np.maximum(open, close)) / span, "lower": (np.minimum(open, close) - low) / span,
        "body": np.abs(close - open) / span, "place": ((close - low) - (high - close)) / span,
    }  # fmt: skip
    for name, expected in parts.items():
        assert np.abs(out[f"s_{name}"] - expected)[14:].max() < 1e-12, name
    assert np.abs(out["s_reach"][15:] - ((high - low)[15:] / out["a"][14:-1])).max() < 1e-12
    assert np.abs(out["s_gap"][15:] - ((open[15:] - close[14:-1]) / out["a"][14:-1])).max() < 1e-12
    body = np.abs(close - open)
    usual = np.lib.stride_tricks.sliding_window_view(body, 10).mean(axis=1)[4:-1]
    assert np.abs(out["s_size"][14:] * usual - body[14:]).max() < 1e-12


def test_the_colour_run_counts_bars_of_one_colour():
    moves = [1, 1, -1, -1, -1, 0, 1]
    close = 100.0 + np.cumsum([*[1, -1] * 8, *moves])
    open = close - [*[1, -1] * 8, *moves]
    out = batch(Plan({"s": shape()}), market.stamped(open, np.maximum(open, close), np.minimum(open, close), close))
    assert out["s_color"][-7:].tolist() == [1, 2, -1, -2, -3, 0, 1]
