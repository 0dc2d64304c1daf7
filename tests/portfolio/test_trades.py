"""Deals in, round trips out: nothing is lost, to the cent."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import OnetapeError
from engine.core.events import Canceled, Fill, Modified, Order, Rejected
from engine.core.instrument import Instrument
from engine.portfolio.trades import Trade, TradeBook, pro_rata

INSTRUMENTS = {
    "EURUSD": Instrument(symbol="EURUSD", base_currency="EUR", profit_currency="USD", digits=5),
    "BTCUSD": Instrument(
        symbol="BTCUSD", kind="crypto", base_currency="BTC", profit_currency="USD", digits=2,
        contract_size=1.0, volume_step=0.001, volume_min=0.001,
    ),
}  # fmt: skip


def deal(number: int, position: int, side: int, units: float, price: float, entry: str, **given: object) -> Fill:
    fields = {
        "strategy": "cross", "symbol": "EURUSD", "order": number, "profit": 0.0, "commission": 0.0, "balance": 0.0,
        "reason": "order", "ts_event": number * 10,
    }  # fmt: skip
    return Fill(
        number * 10 + 1, deal=number, position=position, side=side, units=units, price=price, entry=entry,
        **(fields | given),
    )  # fmt: skip


def exact(amounts: list[float]) -> Fraction:
    """The sum a trader would write down: each amount as printed, no binary rounding."""
    return sum((Fraction(Decimal(repr(a))) for a in amounts), Fraction(0))


@st.composite
def account(draw: st.DrawFn) -> list[Fill]:
    """A life of several positions of two strategies: growing, shrinking, closing by all means, some left open."""
    fills: list[Fill] = []
    held: dict[int, tuple[str, str, int, int]] = {}
    for number in range(1, draw(st.integers(1, 25)) + 1):
        cents = st.integers(-50_000, 50_000)
        money = {"commission": draw(st.integers(-999, 5)) / 100}
        price = draw(st.integers(90_000, 130_000)) / 100_000
        choice = draw(st.sampled_from(["new", "grow", "shrink", "close"])) if held else "new"
        if choice == "new":
            symbol, side = draw(st.sampled_from(sorted(INSTRUMENTS))), draw(st.sampled_from([-1, 1]))
            who, position, steps = draw(st.sampled_from(["cross", "channel"])), 100 + number, 0
        else:
            position = draw(st.sampled_from(sorted(held)))
            symbol, who, side, steps = held[position]
        size = steps if choice == "close" else draw(st.integers(1, steps if choice == "shrink" else 50))
        entering = choice in ("new", "grow")
        if not entering:
            money |= {"profit": draw(cents) / 100, "swap": draw(st.integers(-999, 999)) / 100}
        units = size * INSTRUMENTS[symbol].step_units
        fills.append(deal(
            number, position, side if entering else -side, units, price,
            "in" if entering else draw(st.sampled_from(["out", "out", "out_by"])),
            symbol=symbol, strategy=who, **money,
        ))  # fmt: skip
        left = steps + size if entering else steps - size
        held.pop(position, None)
        if left:
            held[position] = (symbol, who, side, left)
    return fills


@given(account())
def test_trades_and_what_is_still_open_add_up_to_the_deals_to_the_cent(fills: list[Fill]) -> None:
    book = TradeBook(INSTRUMENTS)
    trades = [t for t in map(book.on_fill, fills) if t]
    deals = exact([amount for f in fills for amount in (f.profit, f.commission, f.swap)])
    assert exact([t.net for t in trades] + [book.open_commission()]) == deals
    assert exact([a.net for a in book.attribution()]) == deals
    assert [t.id for t in trades] == list(range(1, book.count + 1))


@given(account())
def test_each_strategy_is_credited_with_its_own_deals_only(fills: list[Fill]) -> None:
    book = TradeBook(INSTRUMENTS)
    trades = [t for t in map(book.on_fill, fills) if t]
    for row in book.attribution():
        mine = [f for f in fills if f.strategy == row.strategy]
        closed = [t for t in trades if t.strategy == row.strategy]
        assert exact([row.profit]) == exact([f.profit for f in mine])
        assert exact([row.commission]) == exact([f.commission for f in mine])
        assert exact([row.swap]) == exact([f.swap for f in mine]) == exact([t.swap for t in closed])
        assert exact([row.net]) == exact([row.profit, row.commission, row.swap])
        assert (row.trades, row.wins) == (len(closed), sum(t.net > 0 for t in closed))


@given(account())
def test_units_that_went_in_came_out_or_are_still_open(fills: list[Fill]) -> None:
    book = TradeBook(INSTRUMENTS)
    trades = [t for t in map(book.on_fill, fills) if t]
    for position in {f.position for f in fills}:
        mine = [f for f in fills if f.position == position]
        step = INSTRUMENTS[mine[0].symbol].step_units
        steps = {e: sum(round(f.units / step) for f in mine if f.entry.startswith(e)) for e in ("in", "out")}
        still = book.open[position].steps if position in book.open else 0
        assert steps["in"] == steps["out"] + still
        assert steps["out"] == sum(round(t.units / step) for t in trades if t.position == position)


@given(account())
def test_an_average_entry_lies_within_the_prices_paid(fills: list[Fill]) -> None:
    book = TradeBook(INSTRUMENTS)
    for trade in (t for t in map(book.on_fill, fills) if t):
        paid = [f.price for f in fills if f.position == trade.position and f.entry == "in"]
        assert min(paid) - 1e-12 <= trade.open_price <= max(paid) + 1e-12


@given(st.integers(-10_000, 10_000), st.lists(st.integers(1, 40), min_size=1, max_size=8))
def test_shares_of_a_commission_add_up_and_keep_its_sign(cents: int, parts: list[int]) -> None:
    left, whole, shares = cents, sum(parts), []
    for part in parts:
        shares.append(pro_rata(left, part, whole))
        left, whole = left - shares[-1], whole - part
    assert left == 0 and sum(shares) == cents
    assert all(share * cents >= 0 for share in shares)


def test_a_hedging_position_closed_in_two_parts_makes_two_trades() -> None:
    # 0.30 lots at 1.10000, commission 1.00; 0.10 out at 1.10100 = +10.00, 0.20 out at 1.09900 = -20.00
    book = TradeBook(INSTRUMENTS)
    book.on_order(Order(1, "cross", "EURUSD", 1, 30_000.0, stop=1.099, take_profit=1.102, id=1))
    assert book.on_fill(deal(1, 7, 1, 30_000.0, 1.1, "in", commission=-1.0)) is None
    first = book.on_fill(deal(2, 7, -1, 10_000.0, 1.101, "out", profit=10.0, commission=-0.5))
    second = book.on_fill(deal(3, 7, -1, 20_000.0, 1.099, "out", profit=-20.0, reason="stop_loss", order=0))
    assert first == Trade(
        id=1, position=7, strategy="cross", symbol="EURUSD", side=1, units=10_000.0, lots=0.1,
        open_ts=10, open_price=1.1, close_ts=20, close_price=1.101, profit=10.0, commission=-0.83, net=9.17,
        reason="order", order_in=1, order_out=2, stop=1.099, take_profit=1.102,
    )  # fmt: skip
    assert second is not None and second.duration == 20
    assert (second.lots, second.commission, second.net, second.reason) == (0.2, -0.67, -20.67, "stop_loss")
    assert not book.open


def test_a_netting_position_that_grows_is_averaged_and_a_later_part_close_keeps_the_average() -> None:
    # (1.10000 x 0.10 + 1.10300 x 0.20) / 0.30 = 1.10200
    book = TradeBook(INSTRUMENTS)
    book.on_fill(deal(1, 3, -1, 10_000.0, 1.1, "in"))
    book.on_fill(deal(2, 3, -1, 20_000.0, 1.103, "in"))
    part = book.on_fill(deal(3, 3, 1, 20_000.0, 1.101, "out", profit=20.0))
    rest = book.on_fill(deal(4, 3, 1, 10_000.0, 1.1, "out", profit=20.0))
    assert part and rest
    assert part.open_price == rest.open_price == pytest.approx(1.102, abs=1e-12)
    assert (part.side, part.open_ts, part.order_in) == (-1, 10, 1)


def test_a_netting_reversal_is_a_trade_and_a_new_position() -> None:
    book = TradeBook(INSTRUMENTS)
    book.on_fill(deal(1, 3, 1, 10_000.0, 1.1, "in", order=1))
    closed = book.on_fill(deal(2, 3, -1, 10_000.0, 1.101, "out", profit=10.0, order=2))
    book.on_fill(deal(3, 4, -1, 5_000.0, 1.101, "in", order=2))
    assert closed and closed.position == 3 and list(book.open) == [4]
    assert (book.open[4].side, book.open[4].steps) == (-1, 5)


def test_a_stop_of_a_canceled_order_is_forgotten() -> None:
    book = TradeBook(INSTRUMENTS)
    book.on_order(Order(1, "cross", "EURUSD", 1, 1_000.0, stop=1.0, id=1))
    book.on_canceled(Canceled(2, "cross", "EURUSD", 1, "expired", 2))
    book.on_fill(deal(1, 7, 1, 1_000.0, 1.1, "in", order=1))
    assert book.open[7].stop is None


def test_swap_is_paid_with_the_deals_that_close_and_is_part_of_the_net() -> None:
    # three nights at -0.70 accrued before 0.10 of 0.30 lots are closed: -0.70 now, -1.40 with the rest
    book = TradeBook(INSTRUMENTS)
    book.on_fill(deal(1, 7, 1, 30_000.0, 1.1, "in", commission=-1.0))
    first = book.on_fill(deal(2, 7, -1, 10_000.0, 1.101, "out", profit=10.0, swap=-0.7))
    rest = book.on_fill(deal(3, 7, -1, 20_000.0, 1.101, "out", profit=20.0, swap=-1.4, reason="stop_out", order=0))
    assert first and rest
    assert (first.swap, first.commission, first.net) == (-0.7, -0.33, 8.97)
    assert (rest.swap, rest.commission, rest.net, rest.reason, rest.order_out) == (-1.4, -0.67, 17.93, "stop_out", 0)
    (row,) = book.attribution()
    assert (row.profit, row.commission, row.swap, row.net) == (30.0, -1.0, -2.1, 26.9)


def test_an_order_filled_in_parts_makes_one_position_with_the_exits_it_was_sent_with() -> None:
    book = TradeBook(INSTRUMENTS)
    book.on_order(Order(1, "cross", "EURUSD", 1, 3_000.0, "limit", 1.1, 1.09, 1.12, id=5))
    book.on_fill(deal(1, 7, 1, 1_000.0, 1.1, "in", order=5, left=2_000.0))
    book.on_fill(deal(2, 7, 1, 2_000.0, 1.097, "in", order=5))
    closed = book.on_fill(deal(3, 7, -1, 3_000.0, 1.12, "out", profit=66.0, reason="take_profit", order=0))
    assert closed and (closed.stop, closed.take_profit, closed.order_in) == (1.09, 1.12, 5)
    assert closed.open_price == pytest.approx(1.098, abs=1e-12)


def test_each_part_of_an_order_that_opens_a_position_of_its_own_brings_the_exits_along() -> None:
    book = TradeBook(INSTRUMENTS)
    book.on_order(Order(1, "cross", "EURUSD", 1, 3_000.0, stop=1.09, id=5))
    book.on_fill(deal(1, 7, 1, 1_000.0, 1.1, "in", order=5, left=2_000.0))
    book.on_fill(deal(2, 8, 1, 2_000.0, 1.1, "in", order=5))
    book.on_fill(deal(3, 9, 1, 1_000.0, 1.1, "in", order=5))
    assert [book.open[n].stop for n in (7, 8, 9)] == [1.09, 1.09, None]


def test_two_positions_that_close_each_other_are_two_trades() -> None:
    """Rule 26: the first leg closes at the other's entry and takes the profit of both, the second closes at none."""
    book = TradeBook(INSTRUMENTS)
    book.on_fill(deal(1, 1, 1, 10_000.0, 1.1, "in"))
    book.on_fill(deal(2, 2, -1, 30_000.0, 1.103, "in"))
    by = {"reason": "close_by", "order": 0}
    first = book.on_fill(deal(3, 1, -1, 10_000.0, 1.103, "out_by", profit=30.0, swap=-0.2, **by))
    second = book.on_fill(deal(4, 2, 1, 10_000.0, 1.1, "out_by", profit=0.0, **by))
    assert first and second
    assert (first.net, first.reason, second.net, second.side) == (29.8, "close_by", 0.0, -1)
    assert (list(book.open), book.open[2].steps) == ([2], 20)


def test_a_changed_order_opens_with_its_new_exits_and_a_refused_change_leaves_the_old() -> None:
    book = TradeBook(INSTRUMENTS)
    for number in (5, 6):
        book.on_order(Order(1, "cross", "EURUSD", 1, 1_000.0, "limit", 1.1, 1.09, 1.12, id=number))
    book.on_modified(Modified(2, "cross", "EURUSD", 5, 0, 1.1, 1.08, None, 2))
    book.on_rejected(Rejected(2, "cross", "EURUSD", 6, "frozen", 2, request=1))
    book.on_fill(deal(1, 7, 1, 1_000.0, 1.1, "in", order=5))
    book.on_fill(deal(2, 8, 1, 1_000.0, 1.1, "in", order=6))
    assert (book.open[7].stop, book.open[7].take_profit) == (1.08, None)
    assert (book.open[8].stop, book.open[8].take_profit) == (1.09, 1.12)


@pytest.mark.parametrize(
    "bad",
    [
        deal(2, 8, -1, 1_000.0, 1.1, "out"),
        deal(2, 7, -1, 2_000.0, 1.1, "out"),
        deal(2, 7, 1, 1_000.0, 1.1, "out"),
        deal(2, 7, -1, 1_000.0, 1.1, "in"),
        deal(2, 7, -1, 1_000.0, 1.1, "in/out"),
        deal(2, 9, 1, 1_234.0, 1.1, "in"),
    ],
    ids=["unknown position", "too much", "wrong side", "other side added", "one deal reversal", "no whole step"],
)
def test_deals_that_do_not_fit_together_are_refused(bad: Fill) -> None:
    book = TradeBook(INSTRUMENTS)
    book.on_fill(deal(1, 7, 1, 1_000.0, 1.1, "in"))
    with pytest.raises(OnetapeError, match="deal 2"):
        book.on_fill(bad)
