"""Two real MetaTrader 5 accounts through our venue: every deal's price, profit and balance to the cent.

The reports' orders are sent when they were, the tape quotes what the deals traded at. Neither account paid commission
or swap, so these say nothing about costs.

tester_report_gbpusd_h1_exness.html      strategy tester, 358 deals, 3,000.00 to 4,301.40: entries by the market, exits
                                         by the stop-loss or take-profit that the position carries
trade_history_report_demo_hedge.html     demo account, hedging, 32 deals, 100,000.00 to 98,676.00, ten of them closings
                                         of one position by another
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from engine.core.broker import AccountConfig, VenueConfig
from engine.core.config import Config, DataConfig, StrategyConfig
from engine.core.events import CloseBy, Event, Fill, Order
from engine.core.instrument import instrument
from engine.core.quantity import Duration
from engine.core.tape import ArrayTape
from engine.feeds.reports import Deal, Report, read_report
from engine.setup import open_book
from engine.venues.simulated import SimulatedVenue

LOT = 100_000.0


class Desk:
    """A venue without latency; quotes and orders come as the report has them."""

    def __init__(self, symbols: tuple[str, ...], balance: float) -> None:
        config = Config(
            name="report",
            data=DataConfig(symbols=symbols),
            account=AccountConfig(balance=balance, leverage=100.0),
            venue=VenueConfig(latency=Duration(0.0, "ms"), hours="always"),
            strategy=(StrategyConfig(name="ma_cross"),),
        )
        instruments = tuple(instrument(s) for s in symbols)
        book, _ = open_book(config, instruments)
        self.symbols = symbols
        self.venue = SimulatedVenue("quotes", symbols, instruments, ("hand",), book)
        self.orders = 0

    def order(self, deal: Deal, position: int = 0, stop: float | None = None, take_profit: float | None = None) -> None:
        self.orders += 1
        side = 1 if deal.kind == "buy" else -1
        self.venue.on_order(
            Order(deal.time, "hand", deal.symbol, side, deal.volume * LOT, stop=stop, take_profit=take_profit,
                  position=position, id=self.orders)
        )  # fmt: skip

    def quote(self, deal: Deal) -> list[Event]:
        """The price of a deal, on both sides."""
        row = {"ts": [deal.time], "symbol": [self.symbols.index(deal.symbol)], "bid": [deal.price], "ask": [deal.price]}
        self.venue.attach(ArrayTape.quotes(self.symbols, **row).block)
        self.venue.advance(0, 1)
        return self.venue.reports()


def same(fill: Event, deal: Deal) -> None:
    """It is the report's deal, to the cent."""
    assert isinstance(fill, Fill)
    assert (fill.symbol, fill.ts_event, fill.price) == (deal.symbol, deal.time, deal.price)
    assert fill.side == (1 if deal.kind == "buy" else -1) and fill.units == pytest.approx(deal.volume * LOT)
    assert (fill.entry, fill.profit, fill.balance) == (deal.direction.replace(" ", "_"), deal.profit, deal.balance)
    assert fill.commission == fill.swap == deal.commission == deal.swap == deal.fee == 0.0


def trades(report: Report) -> list[Deal]:
    return [deal for deal in report.deals if deal.direction]


def test_every_deal_of_the_real_tester_report_comes_out_to_the_cent(shared: Path) -> None:
    report = read_report(shared / "data/mt5/tester_report_gbpusd_h1_exness.html.xz")
    levels = {order.order: (order.stop_loss or None, order.take_profit or None) for order in report.orders}
    desk = Desk(("GBPUSD",), report.start)
    deals, exits = trades(report), Counter[tuple[str, str]]()
    assert len(deals) == 358 and report.unexplained == []
    for deal in deals:
        if deal.direction == "in":
            desk.order(deal, stop=levels[deal.order][0], take_profit=levels[deal.order][1])
        (fill,) = desk.quote(deal)  # exits are nobody's order: the venue must see by itself that a level is reached
        same(fill, deal)
        assert isinstance(fill, Fill)
        exits[fill.reason, deal.comment[:2]] += 1
    earned = round(sum(deal.profit for deal in deals), 2)
    assert earned == 1_301.40 and desk.venue.book[0]["balance"][0] == round((report.start + earned) * 100)
    assert exits == {("order", "Vo"): 179, ("stop_loss", "sl"): 127, ("take_profit", "tp"): 52}


def test_every_deal_of_the_real_hedging_history_comes_out_to_the_cent(shared: Path) -> None:
    report = read_report(shared / "data/mt5/trade_history_report_demo_hedge.html.xz")
    desk = Desk(("EURUSD", "GBPUSD"), report.start)
    ours: dict[int, int] = {}
    """The report's position to ours."""
    deals = trades(report)
    assert len(deals) == 32
    closed = {p.position for p in report.positions if p.symbol == "GBPUSD"}
    at = 0
    while at < len(deals):
        deal = deals[at]
        if deal.direction == "in":
            desk.order(deal)
            (fill,) = desk.quote(deal)
            ours[deal.order] = fill.position
            same(fill, deal)
            at += 1
        elif deal.direction == "out":
            desk.order(deal, position=ours[min(closed)])
            closed.remove(min(closed))
            (fill,) = desk.quote(deal)
            same(fill, deal)
            at += 1
        else:
            first, other = (int(text.lstrip("#")) for text in deal.comment.split(" by "))
            desk.venue.on_close_by(CloseBy(deal.time, "hand", ours[first], ours[other]))
            fills = desk.quote(deal)
            for fill, leg in zip(fills, deals[at : at + 2], strict=True):
                same(fill, leg)
            at += 2
    assert desk.venue.book[0]["balance"][0] == 98_676_00
