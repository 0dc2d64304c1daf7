"""The fill rules, one by one: 11, 12, 14, 26 and 28, what a deal does to the books."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest

from engine.core.events import Fill, Rejected, Swapped
from tests.venue.desk import Desk, as_dict
from tests.venue.lives import HOUR
from tests.venue.read import EUR, deals, kinds, lots, opened, reasons
from tests.venue.worlds import DAY, SECOND, START

# 11. Hedging opens positions of their own, netting nets.


def test_rule_11_on_a_hedging_account_an_order_opens_a_position_of_its_own() -> None:
    desk = opened(1)
    desk.sell(0.1)
    desk.quote(1.1, 1.1002)
    assert [as_dict(p)["side"] for p in desk.positions] == [1, -1]


def test_rule_11_an_order_that_names_a_position_closes_it_and_opens_nothing() -> None:
    desk = opened(1)
    desk.close(1, lots=0.5)
    assert deals(desk.quote(1.1, 1.1002)) == [(-1, 1.1, "out", "order")]
    assert len(desk.positions) == 0 and desk.fills[-1].units == 10_000.0


def test_rule_11_an_order_to_close_what_is_gone_or_on_its_own_side_is_cancelled() -> None:
    desk = opened(1)
    desk.close(1)
    desk.close(1)
    assert reasons(desk.quote(1.1, 1.1002)) == ["position closed"]
    desk = opened(1)
    desk.buy(0.1, position=1)
    assert reasons(desk.quote(1.1, 1.1002)) == ["position closed"]


def test_rule_11_on_a_netting_account_the_same_side_averages_the_entry() -> None:
    """(1.1002 x 0.10 + 1.1032 x 0.20) / 0.30 = 1.1022; the stop is the last one given, the take-profit stays."""
    desk = opened(1, mode="netting", stop=1.09, take_profit=1.12)
    desk.buy(0.2, stop=1.095)
    desk.quote(1.103, 1.1032)
    [position] = [as_dict(p) for p in desk.positions]
    assert position["entry"] == pytest.approx(1.1022) and position["steps"] == 30
    assert (position["stop"], position["take_profit"]) == (1.095, 1.12)


def test_rule_11_on_a_netting_account_the_other_side_closes_first_and_opens_the_rest() -> None:
    desk = opened(1, mode="netting")
    order = desk.sell(0.25)
    events = [e for e in desk.quote(1.101, 1.1012) if isinstance(e, Fill)]
    assert [(f.entry, f.order, f.position, f.side, f.units) for f in events] == [
        ("out", order, 1, -1, 10_000.0), ("in", order, 2, -1, 15_000.0)
    ]  # fmt: skip


def test_rule_11_netting_closes_even_what_it_cannot_open_the_rest_of() -> None:
    desk = opened(1, mode="netting", balance=500.0)
    desk.sell(10.0)
    events = desk.quote(1.1, 1.1002)
    assert deals(events) == [(-1, 1.1, "out", "order")] and reasons(events) == ["not enough money"]


# 12. Profit is converted at the rate of that moment and booked in whole minor units, half away from zero.


@pytest.mark.parametrize(("side", "cents"), [(1, 0.13), (-1, -0.13)])
def test_rule_12_profit_is_booked_in_whole_cents_half_away_from_zero(side: int, cents: float) -> None:
    """50 units of a contract of 5,000 in steps of 0.01, 0.0025 better: 0.125 is a tie, so 0.13; -0.125 is -0.13."""
    odd = {"symbol": "ODDUSD", "base_currency": "ODD", "profit_currency": "USD", "digits": 4, "contract_size": 5_000.0}
    desk = Desk("ODDUSD", declare=[odd])
    desk.quote(10.0, 10.0)
    desk.order(side, 0.01)
    desk.quote(10.0, 10.0)
    desk.close(1)
    [fill] = desk.quote(10.0025, 10.0025)
    assert isinstance(fill, Fill) and fill.profit == cents


def test_rule_12_profit_is_converted_at_the_rate_of_the_moment_of_the_deal() -> None:
    """10,000 x (191.00 - 190.00) = 10,000 JPY; at a mid of (160.00 + 160.20) / 2 = 160.10: 62.46 USD."""
    desk = Desk("GBPJPY", "USDJPY")
    desk.quote(150.0, 150.2, "USDJPY")
    desk.quote(190.0, 190.0)
    desk.buy(0.1)
    desk.quote(190.0, 190.0)
    desk.close(1)
    desk.quote(160.0, 160.2, "USDJPY")
    [fill] = desk.quote(191.0, 191.0)
    assert isinstance(fill, Fill) and fill.profit == 62.46


@pytest.mark.parametrize("fee", [0.5, 1.5, 3.5, 4.05, 7.25])
def test_rule_12_commission_is_booked_in_whole_cents_half_away_from_zero(fee: float) -> None:
    """0.07 lots at 3.50 are 0.245, in binary 0.24500000000000002 or less: every volume, against exact decimals."""
    desk = Desk(balance=1e9, commission=f"{fee} USD per lot")
    desk.quote(1.1, 1.1)
    for steps in range(1, 200, 2):
        desk.buy(steps / 100)
    events = desk.quote(1.1, 1.1)
    assert [-e.commission for e in events if isinstance(e, Fill)] == [
        math.floor(Fraction(str(fee)) * steps + Fraction(1, 2)) / 100 for steps in range(1, 200, 2)
    ]


def test_rule_11_what_is_left_of_an_order_is_said_with_each_deal() -> None:
    desk = opened(1, mode="netting")
    desk.sell(0.25)
    assert [f.left for f in desk.quote(1.1, 1.1002) if isinstance(f, Fill)] == [15_000.0, 0.0]


# 14. Swap accrues at each rollover, and is paid with the deals that close.


NIGHTLY = EUR | {"swap": {"mode": "points", "long": -7.0, "short": 2.0, "triple_day": "Wednesday"}}
"""0.10 lots: -7 points are 10,000 x -0.00007 = -0.70 a night, +2 points are 0.20."""


def overnight(desk: Desk, days: int) -> list[float]:
    """The same quote so many days later; what is accrued then."""
    bid, ask = desk.records[-1].bid[0], desk.records[-1].ask
    return [e.amount for e in desk.quote(bid, ask, after=days * DAY) if isinstance(e, Swapped)]


@pytest.mark.parametrize(
    ("start", "days", "nights"),
    [(0, 1, 1), (0, 2, 1), (0, 3, 1), (3, 1, 1), (4, 1, 1), (5, 1, 3), (6, 1, 1), (0, 7, 7), (1, 7, 7), (5, 14, 14)],
)
def test_rule_14_a_week_has_seven_nights_of_swap_three_of_them_on_wednesday(start: int, days: int, nights: int) -> None:
    """From Friday 10:00 (0), Saturday (1) ... Wednesday (5) on: the weekend's nights are booked on Wednesday."""
    assert datetime.fromtimestamp(START / 1e9, UTC).strftime("%A") == "Friday"
    for side, night in ((1, -0.7), (-1, 0.2)):
        desk = Desk(declare=[NIGHTLY])
        desk.quote(1.1, 1.1, after=SECOND + start * DAY)
        desk.order(side, 0.1)
        desk.quote(1.1, 1.1)
        assert overnight(desk, days) == [pytest.approx(night * nights)]
        assert desk.balance == 10_000.0 and desk.equity == pytest.approx(10_000 + night * nights)


def test_rule_14_who_opens_at_the_rollover_does_not_pay_who_closes_at_it_does() -> None:
    """22:00:00 UTC is 17:00 in New York."""
    desk = Desk(declare=[NIGHTLY])
    desk.quote(1.1, 1.1)
    desk.buy(0.1)
    desk.quote(1.1, 1.1)
    desk.buy(0.1, at=START + 12 * HOUR)
    desk.close(1)
    events = desk.quote(1.1, 1.1, after=START + 12 * HOUR - desk.now)
    assert isinstance(events[0], Swapped)
    assert [(e.entry, e.swap) for e in events if isinstance(e, Fill)] == [("in", 0.0), ("out", -0.7)]
    assert overnight(desk, 1) == []


def test_rule_14_swap_is_paid_pro_rata_of_what_is_closed_and_the_last_part_takes_the_rest() -> None:
    """-0.70 on ten steps: three pay -0.21, four of the seven left -0.28, the last three the last -0.21."""
    desk = opened(1, bid=1.1, ask=1.1, declare=[NIGHTLY])
    overnight(desk, 1)
    paid = []
    for volume in (0.03, 0.04, 0.03):
        desk.close(1, lots=volume)
        paid += [(f.swap, f.balance) for f in desk.quote(1.1, 1.1) if isinstance(f, Fill)]
    assert paid == [(-0.21, 9_999.79), (-0.28, 9_999.51), (-0.21, 9_999.30)]


def test_rule_14_half_a_cent_of_swap_is_rounded_away_from_zero_and_nothing_is_lost() -> None:
    """-0.5 points on 0.02 lots are -0.01. Half of it, -0.005, is -0.01; for the other half nothing is left."""
    desk = opened(1, bid=1.1, ask=1.1, lots=0.02, declare=[EUR | {"swap": {"long": -0.5}}])
    assert overnight(desk, 1) == [-0.01]
    paid = []
    for _ in range(2):
        desk.close(1, lots=0.01)
        paid += [f.swap for f in desk.quote(1.1, 1.1) if isinstance(f, Fill)]
    assert paid == [-0.01, 0.0]


def test_rule_14_swap_in_another_currency_is_converted_at_the_quote_before_the_record() -> None:
    """-10 points of USDJPY on 0.10 lots: 10,000 x -0.010 = -100 JPY, at 125.00 -0.80, though it is 150 by then."""
    declared = {"symbol": "USDJPY", "base_currency": "USD", "profit_currency": "JPY", "digits": 3,
                "swap": {"mode": "points", "long": -10.0}}  # fmt: skip
    desk = Desk("USDJPY", declare=[declared])
    desk.quote(125.0, 125.0)
    desk.buy(0.1)
    desk.quote(125.0, 125.0)
    [swapped] = desk.quote(150.0, 150.0, after=DAY)
    assert isinstance(swapped, Swapped) and swapped.amount == -0.8


def test_rule_14_swap_accrues_before_anything_else_at_that_record() -> None:
    desk = opened(1, stop=1.09, declare=[NIGHTLY])
    desk.buy(0.1, "limit", 1.05)
    events = desk.quote(1.08, 1.0802, after=DAY)
    assert kinds(events) == ["Swapped", "Accepted", "Fill stop_loss"]
    assert [f.swap for f in events if isinstance(f, Fill)] == [-0.7]


# 26. Close-by: two opposite positions of one symbol close each other at no spread.


def both_ways(first: float = 0.1, second: float = 0.1, **options: Any) -> Desk:
    """Long from 1.1002, then short from 1.1050."""
    desk = opened(1, lots=first, **options)
    desk.quote(1.105, 1.1052)
    desk.sell(second)
    desk.quote(1.105, 1.1052)
    return desk


def test_rule_26_two_positions_close_each_other_at_no_spread() -> None:
    """10,000 x (1.1050 - 1.1002) = 48.00 in the first deal, nothing in the second, no commission in either."""
    desk = both_ways(commission="3.5 USD per lot")
    before = desk.balance
    desk.close_by(1, 2)
    events = desk.quote(1.2, 1.21)
    assert [(f.position, f.side, f.entry, f.reason, f.profit, f.commission, f.order) for f in events] == [
        (1, -1, "out_by", "close_by", 48.0, 0.0, 0), (2, 1, "out_by", "close_by", 0.0, 0.0, 0)
    ]  # fmt: skip
    assert deals(events)[0][1] == 1.105 and deals(events)[1][1] == 1.1002
    assert len(desk.positions) == 0 and desk.balance == before + 48.0


def test_rule_26_the_smaller_volume_of_both_is_closed_and_the_rest_stays_as_it_was() -> None:
    desk = both_ways(0.1, 0.03)
    desk.close_by(2, 1)
    events = desk.quote(1.105, 1.1052)
    assert lots(events) == [0.03, 0.03] and [f.profit for f in events if isinstance(f, Fill)] == [14.4, 0.0]
    [position] = [as_dict(p) for p in desk.positions]
    assert (position["id"], position["steps"], position["entry"]) == (1, 7, 1.1002)


def test_rule_26_each_pays_its_swap() -> None:
    desk = both_ways(0.1, 0.05, declare=[NIGHTLY])
    overnight(desk, 1)
    desk.close_by(1, 2)
    assert [f.swap for f in desk.quote(1.105, 1.1052) if isinstance(f, Fill)] == [-0.35, 0.1]


def test_rule_26_the_account_is_not_valued_between_the_two_deals() -> None:
    """After the first deal alone the equity would seem 52.00 higher, and stay the highest ever seen."""
    desk = both_ways()
    peak = float(desk.ledger.peak)
    desk.close_by(1, 2)
    desk.quote(1.11, 1.1102)
    assert float(desk.ledger.peak) == peak


@pytest.mark.parametrize(("position", "by"), [(1, 9), (1, 1), (1, 3)])
def test_rule_26_what_is_not_there_or_not_opposite_cannot_close_anything(position: int, by: int) -> None:
    desk = both_ways()
    desk.buy(0.1)
    desk.quote(1.105, 1.1052)
    desk.close_by(position, by)
    events = desk.quote(1.105, 1.1052)
    assert events == [Rejected(desk.now, "hand", "EURUSD", 0, "position is not open", desk.now, 1, position)]
    assert len(desk.positions) == 3


def test_rule_26_a_position_that_was_never_there_is_not_open_and_one_says_so_at_once() -> None:
    desk = both_ways()
    assert desk.close_by(7, 1) == [Rejected(desk.now, "hand", "", 0, "position is not open", desk.now, 0, 7)]


# 28. Commission per deal.


def test_rule_28_every_deal_pays_its_commission() -> None:
    """0.12 lots in deals of 0.05, 0.05 and 0.02 at 7.25 a lot: 0.3625, 0.3625, 0.145 are 0.36, 0.36, 0.15."""
    desk = Desk(liquidity="0.05 lots", commission="7.25 USD per lot")
    desk.quote(1.1, 1.1)
    desk.buy(0.12)
    paid = [f.commission for _ in range(3) for f in desk.quote(1.1, 1.1) if isinstance(f, Fill)]
    assert paid == [-0.36, -0.36, -0.15]


def test_rule_28_a_reversal_on_a_netting_account_pays_for_both_its_deals() -> None:
    desk = opened(1, mode="netting", commission="10 USD per lot")
    desk.sell(0.25)
    assert [f.commission for f in desk.quote(1.1, 1.1002) if isinstance(f, Fill)] == [-1.0, -1.5]
