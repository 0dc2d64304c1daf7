"""Whole sessions against the independent ledger: balance to the cent, equity and margin, after every record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from engine.core.events import Cancel, Order, Signal
from engine.core.tape import ArrayTape, Block
from engine.feeds.tapes import open_tape
from engine.risk.kernels import account_now
from engine.run import Session
from engine.strategy import Strategy, make
from tests.venue.contract import Terms
from tests.venue.desk import SECOND, START, Seen, close_to, terms_of
from tests.venue.exact import exact
from tests.venue.ledger import Ledger
from tests.venue.lives import MARKETS

MIX = 2_654_435_761


@dataclass
class Moody(Strategy):
    """Wishes long, short, half or nothing, with and without exits, as the stamp of the row has it."""

    id: str = "moody"

    def on_row(self, row: Any) -> Signal | None:
        mood = row.ts // SECOND * MIX % 2**32 // 2**20
        grid = MARKETS[row.symbol][1]
        strength = (1.0, -1.0, 0.0, 0.5, -0.5, 1.0, -1.0)[mood % 7]
        side = 1 if strength > 0 else -1
        stop = row.close - side * (3 + mood % 5) * grid if strength else None
        take_profit = row.close + side * (2 + mood % 9) * grid if strength and mood % 3 else None
        return None if mood % 4 == 0 else self.wish(row, strength, stop, take_profit)


@dataclass
class Busy(Strategy):
    """Writes its own orders: limits and stops around the market, cancels the last one now and then."""

    id: str = "busy"
    last: list[int] = field(default_factory=list)

    def on_row(self, row: Any) -> Order | Cancel | None:
        mood = (row.ts // SECOND + len(row.symbol)) * MIX % 2**32 // 2**20
        if mood % 5 == 0 and self.last:
            return Cancel(row.ts, self.id, self.last[-1])
        if mood % 3:
            return None
        side, kind = (1, -1)[mood % 2], ("limit", "stop", "market")[mood // 3 % 3]
        grid = MARKETS[row.symbol][1]
        price = row.close + (-side if kind == "limit" else side) * (mood // 9 % 4) * grid
        return Order(
            row.ts, self.id, row.symbol, side, 3_000.0 * (1 + mood % 2) if grid < 0.1 else 3.0, kind,
            None if kind == "market" else price, take_profit=price + side * 4 * grid, expires=row.ts + 600 * SECOND,
        )  # fmt: skip

    def on_accepted(self, accepted: Any) -> None:
        self.last.append(accepted.order)


WORLDS = {
    "dollars, hedging, yen crosses": {"symbols": ("GBPJPY", "USDJPY", "EURUSD"), "commission": "3.5 USD per lot"},
    "dollars, netting": {"symbols": ("EURUSD", "USDJPY"), "mode": "netting", "commission": "0.3 bps"},
    "yen": {"symbols": ("USDJPY", "EURUSD"), "currency": "JPY", "balance": 3e6, "commission": "400 JPY per lot"},
    "euro, gold": {"symbols": ("XAUUSD", "EURUSD"), "currency": "EUR"},
    "dollars, fixed rate": {"symbols": ("GBPJPY",), "rates": {"USDJPY": 151.25}, "commission": "-0.1 bps"},
}


def quotes(symbols: tuple[str, ...], n: int = 900, seed: int = 7) -> ArrayTape:
    """A walk on the grid with gaps, equal stamps among them."""
    rng = np.random.default_rng(seed)
    which = rng.integers(0, len(symbols), n)
    steps = rng.choice([-8, -2, -1, 0, 1, 2, 8], n, p=[0.01, 0.14, 0.2, 0.3, 0.2, 0.14, 0.01])
    bid, ask = np.zeros(n), np.zeros(n)
    for k, symbol in enumerate(symbols):
        base, grid, digits = MARKETS[symbol]
        mine = which == k
        ticks = np.cumsum(steps[mine])
        bid[mine] = np.round(base + ticks * grid, digits)
        ask[mine] = np.round(base + (ticks + rng.integers(0, 3, mine.sum())) * grid, digits)
    ts = START + np.cumsum(rng.integers(0, 20, n)) * SECOND
    return ArrayTape.quotes(symbols, ts=ts, symbol=which, bid=bid, ask=ask)


class Audit:
    """A session fed record by record, and a ledger that hears of its fills alone."""

    def __init__(self, terms: Terms, tape: Any, strategies: tuple[Strategy, ...]) -> None:
        self.session = Session(terms.config, tape, strategies)
        self.ledger, self.tape, self.seen = Ledger(terms), tape, Seen()
        self.booked = self.records = 0

    def run(self) -> None:
        self.session.start()
        for block in self.tape.blocks(1):
            self.session.feed(block)
            if self.tape.kind == "bars":  # the last of its moment: what is due with it comes now, not with the next
                self.session.clock(int(block.ts[-1]))
            self.records += 1
            self.session.recorder.catch_up()
            self.check(block)
        self.end = self.session.finish(self.records, 0.0)

    def check(self, block: Block) -> None:
        symbol = self.session.symbols[int(block.symbol[0])]
        ledger = self.ledger
        first, last = self.ends(block)
        ledger.quote(symbol, *first)
        for fill in self.session.recorder.fills[self.booked :]:
            assert (fill.profit, fill.commission, fill.balance) == ledger.fill(fill)
            ledger.look()
        self.seen.take(self.session.recorder.fills[self.booked :])
        self.booked = len(self.session.recorder.fills)
        ledger.quote(symbol, *last)
        ledger.look()
        balance, equity, margin = account_now(self.session.venue.book)
        assert int(self.session.venue.book[0]["balance"][0]) == ledger.balance
        assert close_to(balance, ledger.balance / ledger.terms.scale)
        assert close_to(equity, ledger.equity()) and close_to(margin, ledger.margin())

    def ends(self, block: Block) -> Any:
        """(bid, ask) as the record begins and as it ends."""
        if self.tape.kind == "quotes":
            now = exact(block.bid[0]), exact(block.ask[0])
            return now, now
        spread = exact(block.spread[0])
        return tuple((exact(p[0]), exact(p[0]) + spread) for p in (block.open, block.close))


def check_the_end(audit: Audit, terms: Terms) -> None:
    """Deals are all that moves money; peak and drawdown are those of the ledger's equity."""
    account, fills, scale = audit.session.venue.book[0][0], audit.end.fills, terms.scale
    assert (
        sum(round(f.profit * scale) + round(f.commission * scale) for f in fills)
        == int(account["balance"]) - audit.ledger.start
    )
    assert close_to(account["peak"], audit.ledger.peak)
    assert float(account["drawdown"]) == pytest.approx(float(audit.ledger.drawdown), rel=1e-9)
    assert audit.end.summary.figures["end_balance"] == audit.ledger.balance / scale


@pytest.mark.parametrize("world", WORLDS)
def test_a_sessions_books_are_those_of_an_exact_ledger_after_every_quote(world: str) -> None:
    options: dict[str, Any] = {"latency": "3 s", "slippage": "1 points", **WORLDS[world]}
    symbols = options.pop("symbols")
    netting = options.get("mode") == "netting"
    terms = terms_of(symbols, strategies=("moody",) if netting else ("moody", "busy"), risk="1 % risk", **options)
    audit = Audit(terms, quotes(symbols), (Moody(),) if netting else (Moody(), Busy()))
    audit.run()
    check_the_end(audit, terms)
    assert set(audit.seen.reasons) >= {"Fill in order", "Fill out order", "Fill out stop_loss", "Fill out take_profit"}
    assert audit.booked > 40


@pytest.mark.parametrize("name", ["ma_cross", "channel_breakout"])
def test_the_shipped_strategies_on_the_demos_bars_leave_exact_books(name: str) -> None:
    terms = terms_of(
        ("EURUSD",), kind="bars", frame="H1", strategies=(name,), commission="3.5 USD per lot", risk="2 % risk"
    )
    audit = Audit(terms, open_tape("demo", ("EURUSD",), "H1"), (make(name),))
    audit.run()
    check_the_end(audit, terms)
    assert audit.booked > 40
