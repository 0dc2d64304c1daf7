"""The fill rules, one by one: 20, 21 and 22, what the broker asks for and what he does when it is gone."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.events import Correction, Fill, MarginCall, Rejected
from tests.venue.desk import Desk
from tests.venue.lives import HOUR
from tests.venue.read import EUR, deals, in_bars, kinds, opened, reasons
from tests.venue.worlds import SECOND

# 20. Margin.


def test_rule_20_the_margin_of_a_position_is_fixed_at_its_opening() -> None:
    """10,000 EUR at 1.1002 / 30 = 366.73 dollars, wherever the market goes."""
    desk = opened(1)
    for bid in (1.2, 1.05):
        desk.quote(bid, bid + 0.0002)
        assert desk.margin == pytest.approx(11_002 / 30)


def test_rule_20_it_is_converted_at_the_rate_of_the_opening() -> None:
    """10,000 GBP at 190.00 are 1,900,000 JPY, at 152.00 12,500 dollars, / 30. At 125.00 still."""
    desk = Desk("GBPJPY", "USDJPY")
    desk.quote(152.0, 152.0, "USDJPY")
    desk.quote(190.0, 190.0)
    desk.buy(0.1)
    desk.quote(190.0, 190.0)
    desk.quote(125.0, 125.0, "USDJPY")
    desk.quote(191.0, 191.0)
    assert desk.margin == pytest.approx(12_500 / 30)


def test_rule_20_on_a_netting_account_parts_add_theirs_and_reductions_take_pro_rata() -> None:
    """0.10 at 1.10 and 0.20 at 1.13: (11,000 + 22,600) / 30 = 1,120; a third closed: 746.67."""
    desk = opened(1, bid=1.1, ask=1.1, mode="netting")
    desk.buy(0.2)
    desk.quote(1.13, 1.13)
    assert desk.margin == pytest.approx(1_120)
    desk.sell(0.1)
    desk.quote(1.2, 1.2)
    assert desk.margin == pytest.approx(1_120 * 2 / 3)


@pytest.mark.parametrize(("balance", "fine"), [(250.0, True), (249.99, False)])
def test_rule_20_the_margin_after_the_deal_may_be_all_of_the_equity_before_it(balance: float, fine: bool) -> None:
    """10,000 x 1.25 / 50 = 250.00 exactly."""
    desk = Desk(balance=balance, leverage=50.0, checked=False)
    desk.quote(1.25, 1.25)
    desk.buy(0.1)
    assert kinds(desk.quote(1.25, 1.25))[0] == ("Fill order" if fine else "Rejected not enough money")


def test_rule_20_what_does_not_raise_the_margin_needs_no_money() -> None:
    """Hedged volume is free here: a hedge of a position under water is opened without a free cent."""
    free = EUR | {"margin": {"mode": "forex", "hedged": 0.0, "larger_leg": True}}
    for declared, expected in (([free], ["Fill order"]), ([EUR], ["Rejected not enough money"])):
        desk = opened(1, bid=1.1, ask=1.1, declare=declared, balance=400.0)
        desk.quote(1.08, 1.08)
        desk.sell(0.1)
        assert kinds(desk.quote(1.08, 1.08)) == expected


def test_rule_20_an_order_that_closes_needs_no_money() -> None:
    desk = opened(1, bid=1.1, ask=1.1, balance=400.0)
    desk.quote(1.08, 1.08)
    desk.close(1)
    assert kinds(desk.quote(1.08, 1.08)) == ["Fill order"]


def test_rule_20_accrued_swap_is_part_of_the_money_there_is() -> None:
    """400 dollars, 366.67 of it held; 50 a night accrue: 0.01 more needs 36.67, there after a night only."""
    dear = EUR | {"swap": {"mode": "currency_deposit", "long": 500.0}}
    desk = opened(1, bid=1.1, ask=1.1, declare=[dear], balance=400.0)
    desk.buy(0.01)
    assert reasons(desk.quote(1.1, 1.1)) == ["not enough money"]
    desk.buy(0.01)
    assert kinds(desk.quote(1.1, 1.1, after=24 * HOUR))[-1] == "Fill order"


# 21. Margin call and stop-out.


def strained(**options: Any) -> Desk:
    """0.80 long from 1.1000 on 1,000 dollars at 100: margin 880, called at 880, out at 440."""
    return opened(1, bid=1.1, ask=1.1, lots=0.8, **{"balance": 1_000.0, "leverage": 100.0} | options)


def test_rule_21_the_margin_call_warns_once_and_again_after_it_was_better() -> None:
    """80,000 x 0.0014 = 112: 888 are left; x 0.0016 = 128: 872."""
    desk = strained()
    seen = [desk.quote(bid, bid) for bid in (1.0986, 1.0984, 1.0983, 1.0986, 1.0984)]
    assert [kinds(e) for e in seen] == [[], ["MarginCall"], [], [], ["MarginCall"]]
    [call] = seen[1]
    assert isinstance(call, MarginCall) and (call.equity, call.margin) == (pytest.approx(872), pytest.approx(880))


def test_rule_21_the_stop_out_closes_at_the_quote() -> None:
    """80,000 x 0.0069 = 552 leave 448; x 0.0071 = 568 leave 432: out at 1.0929."""
    desk = strained()
    assert kinds(desk.quote(1.0931, 1.0931)) == ["MarginCall"]
    events = desk.quote(1.0929, 1.0929)
    assert deals(events) == [(-1, 1.0929, "out", "stop_out")] and desk.balance == 432.0
    assert isinstance(events[0], Fill) and events[0].order == 0


@pytest.mark.parametrize(("bid", "out"), [(1.1875, True), (1.18750001, False)])
def test_rule_21_the_level_itself_is_too_low(bid: float, out: bool) -> None:
    """1,000 EUR at 1.25 / 10 = 125 of margin on 125 dollars; half of it is left at 1.1875."""
    desk = Desk(balance=125.0, leverage=10.0, checked=False)
    desk.quote(1.25, 1.25)
    desk.buy(0.01)
    desk.quote(1.25, 1.25)
    assert ("Fill stop_out" in kinds(desk.quote(bid, bid))) == out


def test_rule_21_the_largest_loss_goes_first_and_the_level_is_looked_at_again() -> None:
    """0.40 from 1.1000 and 0.40 from 1.1010; at 1.0930: -280 and -320 of 1,000, margin 880.4, level 45 %.

    The second closes: 680 are left on a margin of 440, 155 %: enough.
    """
    desk = opened(1, bid=1.1, ask=1.1, lots=0.4, balance=1_000.0, leverage=100.0)
    desk.buy(0.4)
    desk.quote(1.101, 1.101)
    events = desk.quote(1.093, 1.093)
    assert [(f.position, f.reason) for f in events if isinstance(f, Fill)] == [(2, "stop_out")]
    assert desk.balance == 680.0 and desk.positions["id"].tolist() == [1]


def test_rule_21_of_equal_losses_the_lowest_id_goes_first() -> None:
    desk = opened(1, bid=1.1, ask=1.1, lots=0.4, balance=1_000.0, leverage=100.0)
    desk.buy(0.4)
    desk.quote(1.1, 1.1)
    assert [f.position for f in desk.quote(1.0925, 1.0925) if isinstance(f, Fill)] == [1]


def test_rule_21_the_stop_out_comes_after_stops_and_orders_of_that_quote() -> None:
    desk = strained(stop=1.092)
    assert [d[3] for d in deals(desk.quote(1.092, 1.092))] == ["stop_loss"]


def test_rule_21_orders_that_open_are_cancelled_those_that_close_stay() -> None:
    desk = opened(1, bid=1.1, ask=1.1, lots=0.4, balance=1_000.0, leverage=100.0)
    desk.buy(0.4)
    desk.quote(1.101, 1.101)
    desk.buy(0.01, "limit", 1.05)
    desk.close(1, kind="limit", price=1.2)
    desk.sell(0.1, "limit", 1.2, reduce_only=True)
    desk.buy(0.01, "limit", 1.05, parent=3)
    desk.quote(1.1, 1.1)
    events = desk.quote(1.093, 1.093)
    assert kinds(events) == ["MarginCall", "Canceled stop out", "Canceled parent gone", "Fill stop_out"]
    assert desk.resting == [4, 5]


def test_rule_21_only_what_is_open_to_trade_is_closed() -> None:
    """The euro's market is closed; gold, which loses less, is closed for it."""
    desk = Desk("EURUSD", "XAUUSD", balance=1_100.0, leverage=100.0, declare=[
        EUR | {"sessions": "Mon-Fri 00:00-10:00:10 UTC"},
        {"symbol": "XAUUSD", "base_currency": "XAU", "profit_currency": "USD", "digits": 2, "contract_size": 100.0},
    ])  # fmt: skip
    desk.quote(1.1, 1.1, "EURUSD")
    desk.quote(2_000.0, 2_000.0, "XAUUSD")
    desk.buy(0.8, symbol="EURUSD")
    desk.buy(0.01, symbol="XAUUSD")
    desk.quote(1.1, 1.1, "EURUSD")
    desk.quote(2_000.0, 2_000.0, "XAUUSD")
    assert kinds(desk.quote(1.09, 1.09, "EURUSD", after=10 * SECOND)) == ["MarginCall", "Fill stop_out"]
    assert [f.symbol for f in desk.fills if f.reason == "stop_out"] == ["XAUUSD"]
    assert desk.quote(2_000.0, 2_000.0, "XAUUSD") == []


def test_rule_21_levels_may_be_amounts_of_money() -> None:
    """Called at 900, out at 500 dollars of equity."""
    desk = strained(margin_call="900 USD", stop_out="500 USD")
    seen = [desk.quote(bid, bid) for bid in (1.0988, 1.0987, 1.0938, 1.0937)]
    assert [kinds(e) for e in seen] == [[], ["MarginCall"], [], ["Fill stop_out"]]


def test_rule_21_another_symbols_quote_may_bring_the_account_down() -> None:
    """Short 0.80 USDJPY from 150.00 loses more dollars the cheaper the dollar... and the quote is its own rate."""
    desk = Desk("EURJPY", "USDJPY", balance=1_000.0, leverage=100.0)
    desk.quote(150.0, 150.0, "USDJPY")
    desk.quote(160.0, 160.0)
    desk.buy(0.5)
    desk.quote(160.0, 160.0)
    desk.quote(158.0, 158.0)  # -100,000 JPY are -666.67 dollars on a margin of 533.33
    assert len(desk.positions) == 1
    events = desk.quote(120.0, 120.0, "USDJPY")  # and now -833.33
    assert kinds(events) == ["Fill stop_out"] and deals(events)[0][1] == 158.0


# 22. Negative balance.


@pytest.mark.parametrize(("policy", "balance"), [("protect", 0.0), ("keep", -1_400.0)])
def test_rule_22_a_debt_after_a_stop_out_is_set_to_zero_where_the_broker_protects(policy: str, balance: float) -> None:
    """80,000 x 0.0300 = 2,400 on 1,000 dollars."""
    desk = strained(negative_balance=policy)
    events = desk.quote(1.07, 1.07)
    assert kinds(events) == ["MarginCall", "Fill stop_out", *(["Correction"] if policy == "protect" else [])]
    if policy == "protect":
        assert events[-1] == Correction(desk.now, 1_400.0, 0.0, desk.now)
    assert desk.balance == balance == desk.equity


def test_rule_22_nothing_is_corrected_while_anything_is_open() -> None:
    """The long is closed at -2,000; the short, which has gained, is closed too as the account is still under water."""
    desk = strained()
    desk.sell(0.01)
    desk.quote(1.1, 1.1)
    events = desk.quote(1.07, 1.07)
    assert kinds(events) == ["MarginCall", "Fill stop_out", "Fill stop_out", "Correction"]
    assert [f.position for f in events if isinstance(f, Fill)] == [1, 2] and desk.balance == 0.0


def test_rule_22_after_a_correction_there_is_nothing_left_to_trade_with() -> None:
    desk = strained()
    desk.quote(1.07, 1.07)
    desk.buy(0.01)
    [refused] = desk.quote(1.07, 1.07)
    assert isinstance(refused, Rejected) and refused.reason == "not enough money"


def test_rule_22_a_bar_may_bring_a_debt_too() -> None:
    desk = in_bars(lots=0.8, balance=1_000.0, leverage=100.0)
    assert kinds(desk.bar(1.08, 1.08, 1.07, 1.07)) == ["MarginCall", "Fill stop_out", "Correction"]
