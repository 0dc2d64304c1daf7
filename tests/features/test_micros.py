"""Microstructure of bars, quotes and books: against pandas, published code's numbers, and books made by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.core.errors import DataError
from engine.features import Plan, micro, micro_vpin
from engine.features.books import depth
from engine.features.ticks import micro_ticks, order_flow, tick_flow
from tests.features import market
from tests.features.market import batch

NAN = float("nan")


@pytest.fixture(scope="module")
def bars(eurusd):
    return market.rows(eurusd, 0, 2500)


@pytest.fixture(scope="module")
def found(bars):
    return batch(Plan({"m": micro()}), bars)


def series(bars: dict[str, np.ndarray]) -> pandas.DataFrame:
    return pandas.DataFrame({k: bars[k] for k in ("open", "high", "low", "close", "volume")})


def corwin(t: pandas.DataFrame) -> pandas.Series:
    last = t.close.shift()
    gap = (last - t.high).clip(lower=0) - (t.low - last).clip(lower=0)
    top, bottom = t.high + gap, t.low + gap
    beta = np.log(top / bottom) ** 2 + np.log(t.high.shift() / t.low.shift()) ** 2
    gamma = np.log(np.maximum(top, t.high.shift()) / np.minimum(bottom, t.low.shift())) ** 2
    k = 3 - 2 * np.sqrt(2)
    alpha = (np.sqrt(2 * beta) - np.sqrt(beta)) / k - np.sqrt(gamma / k)
    return (2 * (np.exp(alpha) - 1) / (1 + np.exp(alpha))).clip(lower=0)


def test_every_column_is_its_plain_definition_in_pandas(bars, found):
    t, n = series(bars), 100
    r, steps = np.log(t.close).diff(), t.close.diff()
    middle = (np.log(t.high) + np.log(t.low)) / 2
    sign = np.sign(steps).replace(0.0, np.nan).ffill().fillna(0.0)
    flow = sign * t.volume
    root = np.sign(flow) * np.sqrt(flow.abs())
    pairs = (r.abs() * r.shift().abs()).rolling(n - 1).sum()
    variance, bipower = (r**2).rolling(n).sum(), np.pi / 2 * n / (n - 1) * pairs
    close = np.log(t.close).shift()
    products = (close - middle.shift()) * (close - middle)
    against = steps.rolling(n - 1).cov(steps.shift())
    dry = (r.abs() / (t.close * t.volume)).where(t.volume > 0)
    expected = {
        "signed": flow, "roll": 2 * np.sqrt((-against).clip(lower=0)), "corwin": corwin(t).rolling(n).mean(),
        "abdi": 2 * np.sqrt(products.rolling(n).mean().clip(lower=0)),
        "amihud": dry.rolling(n, min_periods=1).mean(), "kyle": steps.rolling(n).cov(root) / root.rolling(n).var(),
        "variance": variance, "bipower": bipower, "jump": (1 - bipower / variance).clip(lower=0),
    }  # fmt: skip
    for name, theirs in expected.items():
        ours, slack = found[f"m_{name}"], {"roll": 1e-6, "abdi": 1e-7}.get(name, 1e-9)
        assert np.isnan(ours[:100]).all(), name
        np.testing.assert_allclose(ours[101:], theirs[101:], rtol=1e-6, atol=slack * theirs.abs().max(), err_msg=name)


def efficient(t: pandas.DataFrame) -> float:
    """Equations of Ardia, Guidotti and Kroencke (2024) on one window, its first bar being the one before."""
    o, h, l, c = (np.log(t[k].to_numpy()) for k in ("open", "high", "low", "close"))
    m, n = (h + l) / 2, len(o) - 1
    tau = ((h[1:] != l[1:]) | (l[1:] != c[:-1])) * 1.0
    opens = (tau * (o[1:] != h[1:]) + tau * (o[1:] != l[1:])).sum() / n
    closes = (tau * (c[:-1] != h[:-1]) + tau * (c[:-1] != l[:-1])).sum() / n

    def less(x: np.ndarray) -> np.ndarray:
        return x - x.mean() / tau.mean() * tau

    back = c[:-1] - m[:-1]
    first = less(m[1:] - o[1:]) * (o[1:] - m[:-1]) / opens + less(m[1:] - c[:-1]) * back / closes
    second = less(m[1:] - o[1:]) * (o[1:] - c[:-1]) / opens + less(o[1:] - c[:-1]) * back / closes
    v1, v2 = 16 * first.var(), 16 * second.var()
    return float(np.sqrt(abs(-4 * (v2 * first.mean() + v1 * second.mean()) / (v1 + v2))))


def test_the_efficient_spread_is_that_of_its_authors(ref, bars, found):
    """Golden values: bidask 2.1.0 `edge` (MIT) on the 101 bars up to each of these; it differed by 9e-15 in all."""
    ours = batch(Plan({"m": micro()}), ref)["m_edge"]
    theirs = {100: 3.096034074476517e-05, 500: 2.4551412939294144e-05, 1000: 2.618191716853485e-05,
              1999: 5.202546800948374e-05}  # fmt: skip
    for row, value in theirs.items():
        assert ours[row] == pytest.approx(value, rel=1e-9)
    for row in range(100, 2500, 83):
        assert found["m_edge"][row] == pytest.approx(efficient(series(bars)[row - 100 : row + 1]), rel=1e-6)


def test_spread_estimates_find_the_spread_of_a_made_market():
    """Trades at bid or ask by lot, 50 a bar, a spread of 1 percent: what the estimators were made for."""
    rng = np.random.default_rng(11)
    n, trades = 1500, 50
    mid = np.cumsum(0.001 * rng.standard_normal(n * trades))
    price = 100.0 * np.exp(mid + 0.005 * rng.choice([-1.0, 1.0], n * trades)).reshape(n, trades)
    made = market.stamped(price[:, 0], price.max(axis=1), price.min(axis=1), price[:, -1])
    out = batch(Plan({"m": micro(period=1000)}), made)
    assert out["m_edge"][-1] == pytest.approx(0.01, rel=0.15) and out["m_abdi"][-1] == pytest.approx(0.01, rel=0.3)
    assert out["m_roll"][-1] / 100 == pytest.approx(0.01, rel=0.5) and 0.003 < out["m_corwin"][-1] < 0.015


def test_a_jump_takes_its_share_of_the_variance():
    rng = np.random.default_rng(2)
    steps = 1e-3 * rng.standard_normal(300)
    steps[250] = 0.02
    close = 100.0 * np.exp(np.cumsum(steps))
    out = batch(Plan({"m": micro()}), market.stamped(close, close, close, close))
    assert out["m_jump"][249] < 0.2 and out["m_jump"][251] == pytest.approx(0.0004 / 0.0005, abs=0.15)


def buckets(bars: dict[str, np.ndarray], period: int, count: int, each: float) -> np.ndarray:
    """VPIN by lists: each bar poured into buckets one after the other."""
    t = series(bars)
    steps = t.close.diff()
    noise, usual = steps.rolling(period).std(ddof=0), t.volume.rolling(period).mean()
    gaps, sizes, size, full, buys, found = [], [], 0.0, 0.0, 0.0, np.full(len(t), np.nan)
    for i in range(period, len(t)):
        share = 0.5 * (1 + math.erf(steps[i] / noise[i] / math.sqrt(2)))
        rest = t.volume[i]
        while rest > 0:
            size = size or each * usual[i]
            put = min(rest, size - full)
            done, rest, full, buys = rest >= size - full, rest - put, full + put, buys + put * share
            if done:
                gaps.append(abs(buys - (size - buys)))
                sizes.append(size)
                size = full = buys = 0.0
        if len(gaps) >= count:
            found[i] = sum(gaps[-count:]) / sum(sizes[-count:])
    return found


@pytest.mark.parametrize(("count", "each"), [(50, 2.0), (10, 0.3)])
def test_vpin_is_that_of_buckets_filled_one_by_one(count, each, bars):
    out = batch(Plan({"v": micro_vpin(buckets=count, bars=each)}), bars)["v"]
    np.testing.assert_allclose(out, buckets(bars, 100, count, each), rtol=1e-6)
    assert np.isfinite(out[500:]).all() and 0 < np.nanmin(out) < np.nanmax(out) <= 1


# ---------------------------------------------------------------- quotes


def test_columns_of_quotes_by_hand():
    ts, sizes = np.array([0, 10**9, 10**9, 4 * 10**9]), np.array([3.0, 1, 3, 3])
    out = micro_ticks(ts, np.array([1.0, 1.1, 1.1, 1.0]), np.full(4, 1.2), sizes, np.ones(4))
    assert out["spread"] == pytest.approx([0.2, 0.1, 0.1, 0.2]) and out["mid"] == pytest.approx([1.1, 1.15, 1.15, 1.1])
    assert out["microprice"] == pytest.approx([1.15, 1.15, 1.175, 1.15])
    assert out["sign"].tolist() == [0, 1, 1, -1] and out["wait"][1:].tolist() == [1, 0, 3] and np.isnan(out["wait"][0])
    assert out["flow"][1:].tolist() == [1, 2, -3]
    bare = micro_ticks(ts, out["mid"] - 0.1, out["mid"] + 0.1)
    assert (
        np.isnan(bare["microprice"]).all() and np.isnan(bare["flow"]).all() and bare["sign"].tolist() == [0, 1, 1, -1]
    )
    assert all(len(v) == 0 for v in micro_ticks(ts[:0], ts[:0], ts[:0]).values())


def test_quotes_out_of_order_or_of_other_lengths_are_refused():
    one = np.array([1.0, 1.0])
    with pytest.raises(DataError, match="order of time"):
        micro_ticks(np.array([5, 4]), one, one)
    with pytest.raises(DataError, match="as long as each other"):
        micro_ticks(np.array([5, 6]), one, one[:1])


quotes = st.integers(2, 30).flatmap(
    lambda n: st.tuples(
        arrays(np.int64, n, elements=st.integers(0, 5)),
        arrays(np.float64, n, elements=st.sampled_from([1.0, 1.1, 1.2])),
        arrays(np.float64, n, elements=st.integers(0, 9)), arrays(np.float64, n, elements=st.integers(0, 9)),
        st.integers(1, n),
    )
)  # fmt: skip


@settings(max_examples=50)
@given(quotes)
def test_no_later_quote_changes_an_earlier_row(drawn):
    steps, bid, bid_size, ask_size, cut = drawn
    given = (np.cumsum(steps), bid, bid + 0.1, bid_size, ask_size)
    whole, part = micro_ticks(*given), micro_ticks(*(column[:cut] for column in given))
    for name in whole:
        np.testing.assert_array_equal(whole[name][:cut], part[name], err_msg=name)


def test_order_flow_case_by_case():
    """Bid up, same and down; ask down, same and up: sizes 5 before, 7 now."""
    for way, expected in ((1, 7.0), (0, 2.0), (-1, -5.0)):
        one, five = np.array([10.0, 10.0 + way]), np.array([5.0, 7.0])
        assert order_flow(one, five, np.full(2, 20.0), np.zeros(2))[1] == expected
        assert order_flow(np.full(2, 1.0), np.zeros(2), 20.0 - one, five)[1] == -expected


trades = st.integers(0, 40).flatmap(
    lambda n: st.tuples(
        arrays(np.int64, n, elements=st.integers(0, 4)),
        arrays(np.float64, n, elements=st.sampled_from([1.0, 1.1, 1.2])),
        arrays(np.float64, n, elements=st.integers(0, 9)),
        st.lists(st.integers(-3, 60), max_size=8, unique=True), st.booleans(),
    )
)  # fmt: skip


@settings(max_examples=80)
@given(trades)
def test_the_flow_of_ticks_is_that_of_pandas_groups(drawn):
    steps, price, size, edges, quoted = drawn
    ts, edges = np.cumsum(steps), np.array(sorted(edges), np.int64)
    beside = {"bid": np.full(len(ts), 1.0), "ask": np.full(len(ts), 1.2)} if quoted else {}
    out = tick_flow(ts, price, edges, size, **beside)
    t = pandas.DataFrame({"price": price, "size": size})
    t["side"] = np.sign(t.price.diff()).replace(0.0, np.nan).ffill().fillna(0.0)
    if quoted:  # the middle is 1.1
        t.loc[t.price > 1.15, "side"], t.loc[t.price < 1.05, "side"] = 1.0, -1.0
    t["bar"] = pandas.cut(ts, edges, right=False, labels=False) if len(edges) > 1 else np.nan
    t["up"], t["down"], t["money"] = t["size"] * (t.side > 0), t["size"] * (t.side < 0), t.price * t["size"]
    t["rise"], t["fall"] = t.side > 0, t.side < 0
    bars = pandas.RangeIndex(max(len(edges) - 1, 0))
    sums = t.groupby("bar")[["up", "down", "money", "size", "rise", "fall"]].sum().reindex(bars, fill_value=0.0)
    expected = {
        "ticks": t.groupby("bar").size().reindex(bars, fill_value=0), "up_ticks": sums.rise, "down_ticks": sums.fall,
        "up": sums.up, "down": sums.down, "delta": sums.up - sums.down,
        "largest": t.groupby("bar")["size"].max().reindex(bars),
        "vwap": sums.money / sums["size"].where(sums["size"] > 0),
    }  # fmt: skip
    assert out.keys() == expected.keys()
    for name, theirs in expected.items():
        np.testing.assert_allclose(out[name], theirs.astype(float), rtol=1e-12, err_msg=name)


def test_a_trade_at_an_ask_bought_and_one_in_the_middle_goes_with_the_last_move():
    ts, price = np.arange(5), np.array([1.2, 1.1, 1.1, 1.0, 1.1])
    out = tick_flow(ts, price, np.arange(6), np.full(5, 2.0), np.full(5, 1.0), np.full(5, 1.2))
    assert out["delta"].tolist() == [2, -2, -2, -2, 2]
    bare = tick_flow(ts, price, np.array([0, 5]))
    assert [bare[k][0] for k in ("ticks", "up_ticks", "down_ticks", "delta", "largest")] == [5, 1, 3, -2, 1]
    assert bare["vwap"][0] == pytest.approx(1.1)


def test_ticks_and_edges_out_of_order_or_of_other_lengths_are_refused():
    one, edges = np.array([1.0, 1.0]), np.array([0, 9])
    for ts, bars in ((np.array([5, 4]), edges), (np.array([4, 5]), np.array([9, 9]))):
        with pytest.raises(DataError, match="order of time"):
            tick_flow(ts, one, bars)
    for wrong in ({"size": one[:1]}, {"bid": one}, {"bid": one, "ask": one[:1]}):
        with pytest.raises(DataError, match="as long as each other"):
            tick_flow(np.array([5, 6]), one, edges, **wrong)


# ---------------------------------------------------------------- books

BOOK = (
    np.array([[100.0, 99.0, 97.0], [100.0, 99.0, 97.0], [101.0, NAN, NAN]]),
    np.array([[2.0, 3.0, 5.0], [4.0, 3.0, 6.0], [1.0, NAN, NAN]]),
    np.array([[102.0, 103.0, 104.0], [102.0, 103.0, 104.0], [NAN, NAN, NAN]]),
    np.array([[1.0, 4.0, 5.0], [1.0, 5.0, 5.0], [NAN, NAN, NAN]]),
)


def test_a_book_by_hand():
    out = depth(*BOOK, tick=0.5, amount=4.0)
    assert out["bids"][0] == 10 and out["asks"][0] == 10 and out["imbalance1"][0] == pytest.approx(1 / 3)
    assert out["imbalance5"][0] == 0.0 == out["imbalance10"][0] and out["gap_bid"][0] == 2 == out["gap_ask"][0]
    assert out["slope_bid"][0] == pytest.approx(np.polyfit([0, 2, 6], [2, 5, 10], 1)[0])
    assert out["slope_ask"][0] == pytest.approx(np.polyfit([0, 2, 4], [1, 5, 10], 1)[0])
    assert out["cost_buy"][0] == pytest.approx(1e4 * ((102 + 3 * 103) / 4 / 101 - 1))
    assert out["cost_sell"][0] == pytest.approx(1e4 * (1 - (2 * 100 + 2 * 99) / 4 / 101))
    assert out["flow1"][1] == 2.0 and out["flow5"][1] == (4 - 2) + (6 - 5) - (5 - 4) and np.isnan(out["flow1"][0])


def test_a_book_without_a_side_is_nan_throughout_and_a_thin_one_has_no_cost():
    out = depth(*BOOK, tick=0.5, amount=10.5)
    assert all(np.isnan(values[2]) for values in out.values())
    assert np.isnan(out["cost_buy"][0]) and out["cost_buy"][1] > 0 and out["bids"][0] == 10
    no_book = np.full((4, 10), NAN)
    assert all(np.isnan(v).all() for v in depth(no_book, no_book, no_book, no_book, 0.1, 1.0).values())


@settings(max_examples=50)
@given(
    arrays(np.float64, (6, 10), elements=st.integers(1, 9)), arrays(np.float64, (6, 10), elements=st.integers(1, 9)),
    st.integers(1, 5),
)  # fmt: skip
def test_a_book_seen_from_the_other_side_changes_signs(bids, asks, cut):
    below, above = 100.0 - np.arange(10.0) + np.zeros((6, 1)), 101.0 + np.arange(10.0) + np.zeros((6, 1))
    one = depth(below, bids, above, asks, 1.0, 5.0)
    other = depth(201.0 - above, asks, 201.0 - below, bids, 1.0, 5.0)
    for n in (1, 5, 10):
        np.testing.assert_allclose(one[f"imbalance{n}"], -other[f"imbalance{n}"])
        np.testing.assert_allclose(one[f"flow{n}"], -other[f"flow{n}"])
        assert (np.abs(one[f"imbalance{n}"]) <= 1).all()
    np.testing.assert_allclose(one["slope_bid"], other["slope_ask"])
    np.testing.assert_allclose(one["cost_buy"], other["cost_sell"], atol=1e-8)
    part = depth(below[:cut], bids[:cut], above[:cut], asks[:cut], 1.0, 5.0)
    assert all(np.array_equal(part[name], one[name][:cut], equal_nan=True) for name in one)


def test_a_book_of_other_shapes_is_refused():
    with pytest.raises(DataError, match="one shape"):
        depth(BOOK[0], BOOK[1], BOOK[2], BOOK[3][:, :2], 0.5, 1.0)
    with pytest.raises(DataError, match="above 0"):
        depth(*BOOK, tick=0.0, amount=1.0)
