"""Tokens, likeness, clusters, groups and windows, against definitions written out in numpy."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import ConfigError
from engine.features import (
    FEATURES,
    Plan,
    aggregate,
    atr,
    clusters,
    code,
    compare,
    embed,
    lag,
    likeness,
    log_return,
    macd,
    rsi,
    shaped,
    swing,
    takens,
)
from engine.features.alike import CORNERS
from engine.features.fused import group, hits, principal
from engine.features.slices import Slices, normalised, whole, windows
from tests.features.market import Tape, batch, same, stamped


def z(x: np.ndarray) -> np.ndarray:
    return (x - x.mean()) / x.std() if np.ptp(x) > 0.0 else np.zeros(len(x))


def test_codes_are_those_of_their_definitions(ref):
    out = batch(Plan({"c": code(16, 8, 50)}), ref)
    o, h, l, c = (ref[n] for n in ("open", "high", "low", "close"))
    body = np.abs(c - o)
    orders = {(0, 1, 2): 0, (0, 2, 1): 1, (1, 0, 2): 2, (1, 2, 0): 3, (2, 0, 1): 4, (2, 1, 0): 5}
    order = np.full(len(c), -1)
    for i in range(2, len(c)):
        ranks = np.argsort(np.argsort(c[i - 2 : i + 1], kind="stable"), kind="stable")
        order[i] = orders[tuple(int(r) for r in ranks)]
    np.testing.assert_array_equal(out["c_ordinal"][2:], order[2:])
    for i in range(51, len(c), 13):
        letters = np.searchsorted(
            [-0.6744897501960817, 0.0, 0.6744897501960817], z(c[i - 15 : i + 1]).reshape(8, 2).mean(1)
        )
        assert out["c_sax"][i] == int("".join(map(str, letters)), 4)
        p = np.unique(order[i - 49 : i + 1], return_counts=True)[1] / 50
        assert out["c_entropy"][i] == pytest.approx(-(p * np.log(p)).sum() / np.log(6))
        upper, lower = h[i] - max(o[i], c[i]), min(o[i], c[i]) - l[i]
        third = min(int((body[i - 49 : i + 1] < body[i]).sum() * 3 // 50), 2)
        wick = 2 if upper > 2 * lower else 0 if lower > 2 * upper else 1
        assert out["c_token"][i] == 9 * (1 + np.sign(c[i] - o[i])) + 3 * third + wick
    assert len(np.unique(out["c_token"][49:])) > 15 and len(np.unique(out["c_sax"][51:])) > 500


def test_the_embedding_counts_runs_in_their_buckets(ref):
    plan = Plan({"t": code(16, 8, 50).token, **{f"e{k}": embed(20, k, 8, a=code(16, 8, 50).token) for k in range(8)}})
    out = batch(plan, ref)
    for i in range(100, 2000, 97):
        tokens, expected = out["t"][i - 19 : i + 1].astype(int).tolist(), np.zeros(8)
        for n in (1, 2, 3):
            for k in range(20 - n + 1):
                h = 1
                for token in tokens[k : k + n]:
                    h = (h * 48_271 + token + 7) % 2_147_483_647
                expected[h % 8] += 1 if h // 8 % 2 == 0 else -1
        np.testing.assert_array_equal([out[f"e{k}"][i] for k in range(8)], expected)
    out = batch(Plan({"v": takens(3)}), ref)
    same({"x": out["v_earlier"][6:]}, {"x": ref["close"][:-6]})
    same({"x": out["v_before"][3:]}, {"x": ref["close"][:-3]})


def dtw(a: np.ndarray, b: np.ndarray) -> float:
    m = len(a)
    d = np.full((m + 1, m + 1), np.inf)
    d[0, 0] = 0.0
    for i in range(1, m + 1):
        for j in range(1, m + 1):
            if abs(i - j) <= 3:
                d[i, j] = (a[i - 1] - b[j - 1]) ** 2 + min(d[i - 1, j], d[i, j - 1], d[i - 1, j - 1])
    return float(np.sqrt(d[m, m]))


MEASURE = {
    "euclid": lambda a, b: float(np.sqrt(((a - b) ** 2).sum())), "dtw": dtw,
    "pearson": lambda a, b: 1.0 - float(np.mean(a * b)),
}  # fmt: skip


@pytest.mark.parametrize("style", MEASURE)
def test_the_most_alike_of_the_past_is_found(style, ref):
    out = batch(
        Plan({"m": compare(12, 40, style), "o": likeness("close", "high", 12, style), "s": shaped(12, style)}), ref
    )
    c, measure = ref["close"], MEASURE[style]
    grid = np.linspace(0, 6, 12)
    shapes = [z(np.interp(grid, range(7), corners)) for corners in CORNERS]
    for i in range(130, 2000, 61):
        mine = z(c[i - 11 : i + 1])
        past = [measure(mine, z(c[i - back - 11 : i - back + 1])) for back in range(6, 41)]
        assert out["m_distance"][i] == pytest.approx(min(past)) and out["m_age"][i] == 6 + int(np.argmin(past))
        assert out["m_rank"][i] == np.mean(out["m_distance"][i - 40 : i] < out["m_distance"][i])
        assert out["o"][i] == pytest.approx(measure(mine, z(ref["high"][i - 11 : i + 1])), abs=1e-7)
        drawn = [measure(mine, shape) for shape in shapes]
        assert out["s_nearest"][i] == int(np.argmin(drawn)) and out["s_distance"][i] == pytest.approx(min(drawn))


def test_a_planted_repetition_is_found_where_it_is():
    draw = np.random.default_rng(3)
    close = 100.0 + np.cumsum(draw.normal(size=400))
    close[300:320] = 2.0 * close[237:257] + 7.0  # another size and level
    out = batch(Plan({"m": compare(20, 100)}), stamped(close, close, close, close))
    assert out["m_age"][319] == 63.0 and out["m_distance"][319] < 1e-6


def level_book(ref: dict[str, np.ndarray], reach: float, half_life: float) -> list[list[list[float]]]:
    """The definition of `clusters`, bar by bar: [centre, weight, count] of every level."""
    given = batch(Plan({"s": swing(), "w": atr(100)}), ref)
    levels: list[list[float]] = []
    books = []
    for i in range(len(ref["close"])):
        known = not np.isnan([given["s_top"][i], given["s_bottom"][i], given["w"][i]]).any()
        if known:
            for level in levels:
                level[1] *= 0.5 ** (1 / half_life)
            eps, event = reach * given["w"][i], given["s_event"][i]
            for price in [given["s_top"][i]] * int(event > 0) + [given["s_bottom"][i]] * (event in (-1, 2)):
                near = min(levels, key=lambda level: abs(level[0] - price), default=None)
                if near is not None and abs(near[0] - price) <= eps:
                    near[0] = (near[0] * near[1] + price) / (near[1] + 1)
                    near[1], near[2] = near[1] + 1, near[2] + 1
                else:
                    if len(levels) == 32:
                        levels.remove(min(levels, key=lambda level: level[1]))
                    levels.append([price, 1.0, 1.0])
            while event:
                levels.sort()
                gaps = np.diff([level[0] for level in levels])
                if not len(gaps) or gaps.min() >= eps:
                    break
                k = int(gaps.argmin())
                a, b = levels[k], levels.pop(k + 1)
                a[:] = [(a[0] * a[1] + b[0] * b[1]) / (a[1] + b[1]), a[1] + b[1], a[2] + b[2]]
        books.append([list(level) for level in levels] if known else [])
    return books


def test_clusters_are_those_of_the_book_of_levels(ref):
    out = batch(Plan({"k": clusters(0.5, 500.0)}), ref)
    books = level_book(ref, 0.5, 500.0)
    seen = 0
    for i, book in enumerate(books):
        if not book:
            continue
        assert out["k_clusters" if "k_clusters" in out else "k"][i] == len(book)
        above = min((x for x in book if x[0] > ref["close"][i]), default=None)
        below = max((x for x in book if x[0] <= ref["close"][i]), default=None)
        for word, level in (("above", above), ("below", below)):
            got = [out[f"k_{word}"][i], out[f"k_{word}_weight"][i], out[f"k_{word}_count"][i]]
            np.testing.assert_allclose(got, level or [np.nan] * 3, rtol=1e-9)
            seen += level is not None
    assert seen > 3000 and max(len(book) for book in books) > 8


def test_a_group_is_what_pandas_makes_of_it(ref):
    parts = {"a": macd().histogram, "b": rsi(3) - 50, "c": swing().top, "d": rsi(14) - 50}
    plan = Plan({**parts, "g": group(*parts.values(), base=1.0, loads=(1.0, 2.0, 3.0, 4.0))})
    out = batch(plan, ref)
    table = pandas.DataFrame({n: out[n] for n in parts})
    expected = {
        "mean": table.mean(axis=1), "sum": table.sum(axis=1, min_count=1), "min": table.min(axis=1),
        "max": table.max(axis=1), "missing": table.isna().sum(axis=1),
        "vote": np.sign(np.sign(table).sum(axis=1, min_count=1)),
        "score": 1.0 + (table * [1.0, 2.0, 3.0, 4.0]).sum(axis=1, min_count=4),
    }  # fmt: skip
    for name, values in expected.items():
        np.testing.assert_allclose(out[f"g_{name}"], values, rtol=1e-12, atol=1e-12, err_msg=name)
    assert (
        set(out["g_missing"]) >= {0.0, 1.0, 4.0}
        and np.isnan(out["g_mean"][:3]).all()
        and out["g_mean"][5] == out["b"][5]
    )
    same(Tape(plan).add(ref), out)
    assert len(aggregate.outputs) == 7
    for wrong in (lambda: group(), lambda: group(*["close"] * 9), lambda: group("close", loads=(1.0, 2.0))):
        with pytest.raises(ConfigError, match="a group has 1 to 8 columns"):
            wrong()


def test_hits_are_the_columns_of_a_row_that_say_something(ref):
    plan = Plan({name: FEATURES.get(f"cdl_{name}")() for name in ("doji", "hammer", "engulfing", "harami")})
    out = batch(plan, ref)
    rows = [hits({name: out[name][i] for name in out}) for i in range(len(ref["close"]))]
    assert {name for row in rows for name in row} >= {"doji", "engulfing", "harami"} and rows[0] == {}
    for i, row in enumerate(rows):
        assert row == {name: v[i] for name, v in out.items() if np.nan_to_num(v[i]) != 0.0}


def test_a_principal_score_is_that_of_the_past_it_was_fitted_to(ref):
    parts = (rsi(7), rsi(14), rsi(28))
    values = np.column_stack(list(batch(Plan({f"r{k}": p for k, p in enumerate(parts)}), ref).values()))
    score = batch(Plan({"s": principal(values[:800], *parts)}), ref)["s"]
    past = values[:800][~np.isnan(values[:800]).any(axis=1)]
    centered = (values - past.mean(axis=0)) / past.std(axis=0)
    first = np.linalg.svd((past - past.mean(axis=0)) / past.std(axis=0))[2][0]
    expected = centered @ (first * np.sign(first.sum()))
    np.testing.assert_allclose(score, expected, rtol=1e-8, atol=1e-9)
    assert (
        Plan({"s": principal(values[:800], *parts)}).identity != Plan({"s": principal(values[:900], *parts)}).identity
    )
    with pytest.raises(ConfigError, match="give no score"):
        principal(values[:5], *parts)


def test_principal_scores_of_lags_embed_a_window(eurusd):
    """Loads fitted to the first 2,000 bars; the scores of all are numpy's, and tell the past without overlap."""
    bars = {name: values[:3000] for name, values in eurusd.items()}
    past = [lag(log_return(), k) for k in range(1, 9)]
    values = np.column_stack(list(batch(Plan({f"r{k}": p for k, p in enumerate(past)}), bars).values()))
    plan = Plan({f"s{k}": principal(values[:2000], *past, component=k) for k in range(1, 9)})
    scores = np.column_stack(list(batch(plan, bars).values()))
    there = values[9:2000]
    scaled = (values - there.mean(axis=0)) / there.std(axis=0)
    loads = np.linalg.svd(scaled[9:2000])[2].T
    expected = scaled @ (loads * np.where(loads.sum(axis=0) < 0, -1.0, 1.0))
    np.testing.assert_allclose(scores[9:], expected[9:], rtol=1e-6, atol=1e-7)
    spread = np.cov(scores[9:2000].T)
    assert np.abs(spread - np.diag(np.diag(spread))).max() < 1e-6 and (np.diff(np.diag(spread)) < 0).all()
    for wrong in (0, 9):
        with pytest.raises(ConfigError, match=f"there is no {wrong}"):
            principal(values[:2000], *past, component=wrong)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_a_window_pushed_bar_by_bar_is_that_of_the_whole_matrix(width, k, n, seed):
    draw = np.random.default_rng(seed)
    rows = np.where(draw.random((n, k)) < 0.1, np.nan, draw.normal(size=(n, k)))
    batchwise, live = windows(rows, width), Slices([f"c{j}" for j in range(k)], width)
    assert not len(batchwise) or np.shares_memory(batchwise, rows)
    for i in range(n):
        live.push(rows[i])
        padded = np.vstack([np.full((width, k), np.nan), rows[: i + 1]])[-width:]
        np.testing.assert_array_equal(live.view, padded)
        np.testing.assert_array_equal(live.mask, ~np.isnan(padded).any(axis=1))
        assert np.shares_memory(live.view, live._rows)
        if i >= width - 1:
            np.testing.assert_array_equal(batchwise[i - width + 1], live.view)


def test_windows_are_normalised_each_by_itself():
    x = np.random.default_rng(1).normal(size=(50, 3))
    x[:, 2] = 7.0
    many = windows(x, 10)
    assert normalised(many) is many and whole(many).all()
    np.testing.assert_allclose(normalised(many, "first")[5], x[5:15] - x[5])
    np.testing.assert_allclose(normalised(many, "z")[5][:, 0], z(x[5:15, 0]))
    scaled = normalised(many, "minmax")
    assert scaled[:, :, :2].min() == 0.0 and scaled[:, :, :2].max() == 1.0 and (scaled[:, :, 2] == 0.0).all()
    with pytest.raises(ConfigError, match="did you mean minmax"):
        normalised(many, "minmx")
    with pytest.raises(ConfigError, match="at least one row"):
        Slices(("a",), 0)
    with pytest.raises(ValueError, match="read-only"):
        Slices(("a",), 3).view[0] = 1.0
