"""Figures against hand arithmetic and plain numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import ConfigError
from engine.portfolio.trades import Trade
from engine.report.metrics import SECOND, Month, Tally, day_of, ratio, sharpe, trading_day

DAY = 86_400 * SECOND


def closed(
    number: int, net: float, side: int = 1, start: int = 0, end: int = 10, commission: float = 0.0, swap: float = 0.0,
    reason: str = "order",
) -> Trade:  # fmt: skip
    return Trade(
        id=number, position=number, strategy="s", symbol="EURUSD", side=side, units=1e4, lots=0.1, open_ts=start,
        open_price=1.1, close_ts=end, close_price=1.1, profit=net - commission - swap, commission=commission,
        net=net, reason=reason, order_in=1, order_out=2, swap=swap,
    )  # fmt: skip


def fed(trades: list[Trade], start: float = 1_000.0, equity: list[float] | None = None) -> Tally:
    tally = Tally(start)
    for trade in trades:
        tally.trade(trade)
    values = np.array(equity if equity is not None else [start + sum(t.net for t in trades)])
    tally.equity(DAY * np.arange(len(values), dtype=np.int64), values, values)
    return tally


def test_five_trades_by_hand() -> None:
    # wins 30 + 10 = 40, losses -20 - 5 = -25, one of nothing; net 15 on 1,000
    trades = [closed(1, 30.0), closed(2, -20.0, -1), closed(3, 10.0, -1), closed(4, -5.0), closed(5, 0.0)]
    figures = fed(trades).figures(first_ts=0, last_ts=100)
    assert (figures["net_profit"], figures["return"]) == (15.0, 0.015)
    assert (figures["trades"], figures["wins"], figures["losses"]) == (5, 2, 2)
    assert (figures["gross_profit"], figures["gross_loss"], figures["profit_factor"]) == (40.0, -25.0, 1.6)
    assert (figures["expected_payoff"], figures["win_rate"]) == (3.0, 0.4)
    assert (figures["average_win"], figures["average_loss"]) == (20.0, -12.5)
    assert (figures["largest_win"], figures["largest_loss"]) == (30.0, -20.0)
    assert (figures["long_trades"], figures["short_trades"]) == (3, 2)
    assert (figures["long_win_rate"], figures["short_win_rate"]) == (1 / 3, 0.5)


def test_drawdown_is_measured_from_the_highest_point_so_far_and_the_start_counts() -> None:
    # 1000 -> 900 (100, 10 %) -> 2000 -> 1850 (150, 7.5 %): the largest in money is not the largest in parts
    figures = fed([], equity=[900.0, 2_000.0, 1_850.0, 1_900.0]).figures(first_ts=0, last_ts=1)
    assert figures["max_drawdown"] == 150.0 and figures["max_drawdown_share"] == pytest.approx(0.1, abs=1e-15)
    assert figures["net_profit"] == 900.0 and figures["recovery_factor"] == 6.0


def test_the_venues_own_drawdown_is_preferred() -> None:
    tally = fed([], equity=[990.0, 1_100.0])
    figures = tally.figures(first_ts=0, last_ts=1, max_drawdown=50.0, max_drawdown_share=0.05)
    assert (figures["max_drawdown"], figures["max_drawdown_share"], figures["recovery_factor"]) == (50.0, 0.05, 2.0)


def test_sharpe_by_hand() -> None:
    # returns +10 %, -10 %, +10 %: mean 1/30, sample deviation sqrt(((1/15)^2 * 2 + (2/15)^2) / 2) = 0.11547
    value = sharpe(100.0, [110.0, 99.0, 108.9], 252)
    assert value == pytest.approx(
        1 / 30 / math.sqrt(((1 / 15) ** 2 * 2 + (2 / 15) ** 2) / 2) * math.sqrt(252), rel=1e-12
    )


def test_figures_that_mean_nothing_are_none_and_never_a_number() -> None:
    figures = Tally(1_000.0).figures(first_ts=0, last_ts=0)
    undefined = ("profit_factor", "expected_payoff", "win_rate", "average_win", "largest_loss", "sharpe",
                 "recovery_factor", "time_in_market", "average_hold_s", "long_win_rate")  # fmt: skip
    assert {figures[name] for name in undefined} == {None}
    assert figures["net_profit"] == figures["max_drawdown"] == figures["commission"] == 0.0
    assert ratio(1.0, 0.0) is None
    assert sharpe(100.0, [100.0, 100.0], 252) is None and sharpe(100.0, [101.0], 252) is None


def test_time_in_market_counts_overlapping_positions_once_and_open_ones_to_the_end() -> None:
    # [10, 30) and [20, 40) overlap: 30; open since 90: 10; of 100
    tally = fed([closed(1, 1.0, start=10, end=30), closed(2, 1.0, start=20, end=40)])
    assert tally.figures(first_ts=0, last_ts=100, open_since=[90])["time_in_market"] == pytest.approx(0.4)


def test_commission_of_open_positions_is_in_the_total() -> None:
    tally = fed([closed(1, 1.0, commission=-0.7)])
    assert tally.figures(first_ts=0, last_ts=1, open_commission=-0.35)["commission"] == pytest.approx(-1.05)


def test_swap_stop_outs_calls_and_a_debt_written_off_by_hand() -> None:
    # 100 of balance: -0.30 of swap in a win of 10, then a stop-out that loses 115 and leaves a debt of 5 written off
    tally = fed([closed(1, 10.0, swap=-0.3), closed(2, -115.0, swap=-0.2, reason="stop_out")], 100.0, [0.0])
    tally.margin_call()
    tally.margin_call()
    tally.correction(5.0)
    figures = tally.figures(first_ts=0, last_ts=1, ambiguous=3)
    assert (figures["swap"], figures["stop_outs"], figures["margin_calls"]) == (-0.5, 1, 2)
    assert (figures["corrections"], figures["ambiguous"]) == (5.0, 3)
    whole = [figures[name] for name in ("gross_profit", "gross_loss", "corrections")]
    assert figures["net_profit"] == sum(whole) == -100.0


@given(st.lists(st.integers(-100_000, 100_000), min_size=1, max_size=60), st.integers(0, 5))
def test_money_figures_are_exact_to_the_cent(cents: list[int], seed: int) -> None:
    trades = [closed(k + 1, c / 100, side=1 if (k + seed) % 2 else -1) for k, c in enumerate(cents)]
    figures = fed(trades, start=10_000.0).figures(first_ts=0, last_ts=1)
    assert figures["gross_profit"] == sum(c for c in cents if c > 0) / 100
    assert figures["gross_loss"] == sum(c for c in cents if c < 0) / 100
    assert figures["expected_payoff"] == sum(cents) / 100 / len(cents)
    assert figures["long_trades"] + figures["short_trades"] == figures["trades"] == len(cents)


@given(
    st.lists(st.tuples(st.integers(1, 40 * 3600), st.floats(500.0, 2_000.0)), min_size=1, max_size=80),
    st.lists(st.integers(0, 80), max_size=6),
)
def test_samples_may_arrive_cut_anywhere(samples: list[tuple[int, float]], cuts: list[int]) -> None:
    ts = np.cumsum([gap * SECOND for gap, _ in samples]).astype(np.int64)
    equity = np.array([value for _, value in samples])
    whole, parts = (Tally(1_000.0, day="17:00 America/New_York") for _ in range(2))
    whole.equity(ts, equity, equity)
    edges = [0, *sorted(min(c, len(ts)) for c in cuts), len(ts)]
    for lo, hi in zip(edges, edges[1:], strict=False):
        parts.equity(ts[lo:hi], equity[lo:hi], equity[lo:hi])
    span = {"first_ts": 0, "last_ts": int(ts[-1])}
    assert parts.figures(**span) == whole.figures(**span)
    assert parts.days == whole.days and parts.months() == whole.months()
    peaks = np.maximum.accumulate(np.concatenate([[1_000.0], equity]))
    falls = peaks - np.concatenate([[1_000.0], equity])
    assert whole.drawdown == falls.max() and whole.drawdown_share == pytest.approx((falls / peaks).max(), rel=1e-12)


@given(st.integers(0, 2_000_000_000))
def test_a_stamp_lies_in_its_trading_day_and_the_end_begins_the_next(second: int) -> None:
    for day in ("00:00 UTC", "17:00 America/New_York", "00:00 Europe/Helsinki"):
        rule = trading_day(day)
        name, end = day_of(second * SECOND, *rule)
        assert 0 < end - second * SECOND <= 25 * 3600 * SECOND
        assert day_of(end - 1, *rule)[0] == name
        assert day_of(end, *rule)[0] > name


def test_a_forex_week_has_five_trading_days_from_sunday_evening_on() -> None:
    rule = trading_day("17:00 America/New_York")
    sunday = 1_546_812_000  # 6 January 2019, 22:00 UTC = 17:00 in New York
    assert day_of((sunday - 1) * SECOND, *rule)[0] == "2019-01-06"
    assert day_of(sunday * SECOND, *rule)[0] == "2019-01-07"
    assert {day_of((sunday + h * 3600) * SECOND, *rule)[0] for h in range(120)} == {
        f"2019-01-{d:02}" for d in range(7, 12)
    }


def test_months_chain_from_the_start_balance() -> None:
    tally = Tally(1_000.0)
    ts = np.array([0, 20, 40, 70]) * DAY  # 1 and 21 January, 10 February, 12 March 1970
    values = np.array([1_050.0, 1_100.0, 990.0, 1_089.0])
    tally.equity(ts, values, values)
    got = tally.months()
    assert [m.month for m in got] == ["1970-01", "1970-02", "1970-03"]
    assert [m.profit for m in got] == [100.0, -110.0, 99.0]
    assert [m.change for m in got] == pytest.approx([0.1, -0.1, 0.1])
    assert isinstance(got[0], Month)


@pytest.mark.parametrize("text", ["25:00 UTC", "17:00 Mars/Olympus", "noon", "17:00 ../etc"])
def test_a_trading_day_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="17:00 America/New_York"):
        Tally(1.0, day=text)
