"""Twenty trades worked out by hand. The arithmetic stands in each docstring; all money in the account currency."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.events import Event, Fill, Rejected
from tests.venue.desk import Desk


def money(events: list[Event]) -> list[tuple[float, float, float, float]]:
    """(price, profit, commission, balance) of the deals."""
    return [(e.price, e.profit, e.commission, e.balance) for e in events if isinstance(e, Fill)]


def trade(
    desk: Desk, side: int, lots: float, first: tuple[float, float], last: tuple[float, float], **exits: Any
) -> Fill:
    """In at the quote `first`, out at market at the quote `last`; returns the deal that closed."""
    desk.quote(*first)
    desk.order(side, lots, **exits)
    desk.quote(*first)
    desk.close(int(desk.positions[-1]["id"]))
    [fill] = desk.quote(*last)
    assert isinstance(fill, Fill)
    return fill


def test_01_a_long_in_the_account_currency() -> None:
    """Buy 0.10 EURUSD at 1.10020, sell at 1.10120: 10,000 x 0.00100 = +10.00."""
    desk = Desk()
    fill = trade(desk, 1, 0.1, (1.1000, 1.1002), (1.1012, 1.1014))
    assert (fill.profit, fill.balance) == (10.0, 10_010.0)


def test_02_a_short_pays_the_spread_twice_over_nothing() -> None:
    """Sell 0.10 at the bid 1.10000, buy back at the ask 1.10020, the market unmoved: 10,000 x -0.00020 = -2.00."""
    fill = trade(Desk(), -1, 0.1, (1.1000, 1.1002), (1.1000, 1.1002))
    assert (fill.profit, fill.balance) == (-2.0, 9_998.0)


def test_03_equity_and_margin_while_a_position_is_open() -> None:
    """Buy 0.30 at 1.10020; bid 1.09900. Floating 30,000 x -0.00120 = -36.00.

    Margin 30,000 x 1.10020 / 30 = 1,100.20.
    """
    desk = Desk()
    desk.quote(1.1000, 1.1002)
    desk.buy(0.3)
    desk.quote(1.1000, 1.1002)
    desk.quote(1.0990, 1.0992)
    assert desk.balance == 10_000.0
    assert desk.equity == pytest.approx(9_964.0, rel=1e-12)
    assert desk.margin == pytest.approx(1_100.2, rel=1e-12)


def test_04_a_yen_profit_through_the_same_pair() -> None:
    """Buy 0.50 USDJPY at 150.000, sell at 151.000: 50,000 x 1.000 = 50,000 JPY.

    The mid then is (151.000 + 151.020) / 2 = 151.010: 50,000 / 151.010 = 331.1039..., booked 331.10.
    """
    fill = trade(Desk("USDJPY"), 1, 0.5, (149.98, 150.0), (151.0, 151.02))
    assert fill.profit == 331.10


def test_05_a_yen_loss_through_another_pair() -> None:
    """Sell 0.20 GBPJPY at 190.000, buy back at 190.500: 20,000 x -0.500 = -10,000 JPY.

    USDJPY mid (149.990 + 150.010) / 2 = 150.000: -10,000 / 150 = -66.666..., booked -66.67.
    """
    desk = Desk("GBPJPY", "USDJPY")
    desk.quote(149.99, 150.01, "USDJPY")
    assert trade(desk, -1, 0.2, (190.0, 190.02), (190.48, 190.5)).profit == -66.67


def test_06_floating_profit_follows_the_conversion_pair() -> None:
    """0.10 GBPJPY 1.00 up is 10,000 JPY: 66.67 USD at 150.00, 80.00 at 125.00, though GBPJPY itself stood still."""
    desk = Desk("GBPJPY", "USDJPY")
    desk.quote(150.0, 150.0, "USDJPY")
    desk.quote(190.0, 190.0)
    desk.buy(0.1)
    desk.quote(190.0, 190.0)
    desk.quote(191.0, 191.0)
    assert desk.equity == pytest.approx(10_000 + 10_000 / 150)
    desk.quote(125.0, 125.0, "USDJPY")
    assert desk.equity == pytest.approx(10_080.0, rel=1e-12)


def test_07_gold_has_a_hundred_ounces_a_lot() -> None:
    """Sell 0.05 XAUUSD at 2,015.30, buy back at 2,003.55: 5 oz x 11.75 = +58.75. Margin 5 x 2,015.30 / 30 = 335.88."""
    desk = Desk("XAUUSD")
    desk.quote(2015.3, 2015.6)
    desk.sell(0.05)
    desk.quote(2015.3, 2015.6)
    assert desk.margin == pytest.approx(335.88333333)
    desk.close(1)
    assert money(desk.quote(2003.25, 2003.55)) == [(2003.55, 58.75, 0.0, 10_058.75)]


def test_08_commission_per_lot_and_side() -> None:
    """0.13 lots at 3.50 a lot and side: 0.455, a tie, booked 0.46. Twice 0.46, no profit: 9,999.08."""
    desk = Desk(commission="3.5 USD per lot")
    fill = trade(desk, 1, 0.13, (1.1, 1.1), (1.1, 1.1))
    assert [f.commission for f in desk.fills] == [-0.46, -0.46]
    assert (fill.profit, fill.balance) == (0.0, 9_999.08)


def test_09_commission_in_basis_points_of_the_value() -> None:
    """0.5 bps of 10,000 x 1.10000 = 11,000.00 is 0.55; of 10,000 x 1.12000 = 11,200.00 it is 0.56. +200.00 between."""
    desk = Desk(commission="0.5 bps")
    trade(desk, 1, 0.1, (1.1, 1.1), (1.12, 1.12))
    assert [(f.profit, f.commission, f.balance) for f in desk.fills] == [
        (0.0, -0.55, 9_999.45),
        (200.0, -0.56, 10_198.89),
    ]


def test_10_basis_points_of_a_value_in_yen() -> None:
    """1 bps of 10,000 x 190.00 = 1,900,000 JPY is 190 JPY, at 150.00 1.2666..., booked 1.27."""
    desk = Desk("GBPJPY", "USDJPY", commission="1 bps")
    desk.quote(150.0, 150.0, "USDJPY")
    desk.quote(190.0, 190.0)
    desk.buy(0.1)
    assert money(desk.quote(190.0, 190.0)) == [(190.0, 0.0, -1.27, 9_998.73)]


def test_11_a_rebate_is_income() -> None:
    """-0.2 bps of 11,000.00 is -0.22: the account is credited 0.22."""
    desk = Desk(commission="-0.2 bps")
    desk.quote(1.1, 1.1)
    desk.buy(0.1)
    assert money(desk.quote(1.1, 1.1)) == [(1.1, 0.0, 0.22, 10_000.22)]


def test_12_a_position_closed_in_two_parts() -> None:
    """Buy 0.30 at 1.10000. Sell 0.10 at 1.10100: 10,000 x 0.00100 = 10.00. Sell 0.20 at 1.09900: 20,000 x -0.00100."""
    desk = Desk()
    desk.quote(1.1, 1.1)
    desk.buy(0.3)
    desk.quote(1.1, 1.1)
    desk.close(1, lots=0.1)
    assert money(desk.quote(1.101, 1.101)) == [(1.101, 10.0, 0.0, 10_010.0)]
    assert desk.margin == pytest.approx(20_000 * 1.1 / 30)
    desk.close(1)
    assert money(desk.quote(1.099, 1.099)) == [(1.099, -20.0, 0.0, 9_990.0)]


def test_13_netting_adds_reduces_and_reverses() -> None:
    """Buy 0.10 at 1.10000, 0.20 at 1.10300: average (1.10000 + 2 x 1.10300) / 3 = 1.10200.

    Sell 0.15 at 1.10400: 15,000 x 0.00200 = 30.00. Sell 0.25 at 1.10100: 15,000 x -0.00100 = -15.00 and 0.10 short.
    Buy 0.10 at 1.10000: 10,000 x 0.00100 = 10.00. Together 25.00.
    """
    desk = Desk(mode="netting")
    desk.quote(1.1, 1.1)
    for side, lots, price in ((1, 0.1, 1.1), (1, 0.2, 1.103), (-1, 0.15, 1.104), (-1, 0.25, 1.101), (1, 0.1, 1.1)):
        desk.order(side, lots)
        desk.quote(price, price)
    assert [(f.entry, f.profit) for f in desk.fills] == [
        ("in", 0.0), ("in", 0.0), ("out", 30.0), ("out", -15.0), ("in", 0.0), ("out", 10.0)
    ]  # fmt: skip
    assert (desk.balance, len(desk.positions)) == (10_025.0, 0)


def test_14_a_stop_loss_gaps_over_the_weekend() -> None:
    """Buy 0.10 at 1.10000, stop 1.09500 (-50.00 had it held). Next quote 1.08200: 10,000 x -0.01800 = -180.00."""
    desk = Desk()
    desk.quote(1.1, 1.1)
    desk.buy(0.1, stop=1.095)
    desk.quote(1.1, 1.1)
    assert money(desk.quote(1.082, 1.0825)) == [(1.082, -180.0, 0.0, 9_820.0)]


def test_15_a_take_profit_gaps_to_the_better() -> None:
    """Sell 0.10 at 1.10000, take-profit 1.09500. First quote after: ask 1.09150. 10,000 x 0.00850 = 85.00."""
    desk = Desk()
    desk.quote(1.1, 1.1)
    desk.sell(0.1, take_profit=1.095)
    desk.quote(1.1, 1.1)
    assert money(desk.quote(1.0912, 1.0915)) == [(1.0915, 85.0, 0.0, 10_085.0)]


def test_16_a_limit_gaps_and_its_stop_with_slippage_follows() -> None:
    """Buy limit 0.10 at 1.09500, filled at the ask 1.09300. Stop 1.09000 is met at a bid of 1.08990.

    Slippage of 2 points: out at 1.08988. 10,000 x -0.00312 = -31.20.
    """
    desk = Desk(slippage="2 points")
    desk.quote(1.1, 1.1)
    desk.buy(0.1, "limit", 1.095, stop=1.09)
    desk.quote(1.1, 1.1)
    assert money(desk.quote(1.0928, 1.093)) == [(1.093, 0.0, 0.0, 10_000.0)]
    assert money(desk.quote(1.0899, 1.0901)) == [(1.08988, -31.2, 0.0, 9_968.8)]


def test_17_slippage_both_ways() -> None:
    """1 point each way on 1.00 lots: in at 1.10001, out at 1.09999. 100,000 x -0.00002 = -2.00."""
    fill = trade(Desk(slippage="1 points"), 1, 1.0, (1.1, 1.1), (1.1, 1.1))
    assert (fill.price, fill.profit) == (1.09999, -2.0)


def test_18_an_account_in_yen_has_no_cents() -> None:
    """Buy 0.01 EURUSD at 1.10000, sell at 1.10015: 1,000 x 0.00015 = 0.15 USD, at 150.33 22.5495 JPY, booked 23.

    Commission 0.01 lots x 450 = 4.5 JPY, a tie, booked 5. 1,000,000 - 5 + 23 - 5 = 1,000,013.
    """
    desk = Desk("EURUSD", "USDJPY", currency="JPY", balance=1_000_000.0, commission="450 JPY per lot")
    desk.quote(150.33, 150.33, "USDJPY")
    trade(desk, 1, 0.01, (1.1, 1.1), (1.10015, 1.10015))
    assert [(f.profit, f.commission) for f in desk.fills] == [(0.0, -5.0), (23.0, -5.0)]
    assert desk.balance == 1_000_013.0


def test_19_an_account_in_euro_divides_by_the_euro() -> None:
    """Sell 0.10 EURUSD at 1.10000, buy back at 1.08000: +200.00 USD, at a mid of 1.08000 185.185... EUR, booked 185.19.

    Margin while open: 10,000 x 1.10000 USD / 1.10000 / 30 = 333.33 EUR.
    """
    desk = Desk(currency="EUR")
    desk.quote(1.1, 1.1)
    desk.sell(0.1)
    desk.quote(1.1, 1.1)
    assert desk.margin == pytest.approx(10_000 / 30)
    desk.close(1)
    assert money(desk.quote(1.08, 1.08)) == [(1.08, 185.19, 0.0, 10_185.19)]


def test_20_a_fixed_rate_ignores_the_market() -> None:
    """Buy 0.10 GBPJPY at 190.00, sell at 191.00: 10,000 JPY at the configured 160.00 = 62.50 USD."""
    fill = trade(Desk("GBPJPY", rates={"USDJPY": 160.0}), 1, 0.1, (190.0, 190.0), (191.0, 191.0))
    assert fill.profit == 62.5


def test_21_free_margin_counts_floating_losses() -> None:
    """1,000 USD, leverage 30. Long 0.20 from 1.10000 holds 733.33; at 1.09500 it floats -100.00: free 166.67.

    0.05 lots need 5,000 x 1.09500 / 30 = 182.50: no. 0.04 need 146.00: yes.
    """
    desk = Desk(balance=1_000.0)
    desk.quote(1.1, 1.1)
    desk.buy(0.2)
    desk.quote(1.1, 1.1)
    desk.buy(0.05)
    desk.buy(0.04)
    refused, filled = desk.quote(1.095, 1.095)
    assert isinstance(refused, Rejected) and refused.reason == "not enough money"
    assert isinstance(filled, Fill) and filled.units == 4_000.0


def test_22_a_hedge_holds_margin_on_both_sides_and_floats_the_spread() -> None:
    """Long 0.10 at 1.10020, short 0.10 at 1.10000. Whatever the market does, closing both would pay its spread too:

    10,000 x (1.10000 - 1.10020 - 0.00020) = -4.00. Margin 10,000 x (1.10020 + 1.10000) / 30 = 733.40.
    """
    desk = Desk()
    desk.quote(1.1, 1.1002)
    desk.buy(0.1)
    desk.sell(0.1)
    desk.quote(1.1, 1.1002)
    for bid in (1.1, 1.2, 1.05):
        desk.quote(bid, bid + 0.0002)
        assert desk.equity == pytest.approx(9_996.0)
    assert desk.margin == pytest.approx(733.4)


def test_23_drawdown_is_from_the_highest_equity() -> None:
    """Long 1.00 from 1.10000: +500.00 at 1.10500 (peak 10,500), then 1.09900: -100.00. Fall 600.00, 600 / 10,500."""
    desk = Desk()
    desk.quote(1.1, 1.1)
    desk.buy(1.0)
    for price in (1.1, 1.105, 1.099, 1.104):
        desk.quote(price, price)
    account = desk.venue.book[0][0]
    assert (account["peak"], account["drawdown"]) == (pytest.approx(10_500), pytest.approx(600))
    assert account["drawdown_share"] == pytest.approx(600 / 10_500)
