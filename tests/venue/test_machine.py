"""A trader who does anything at any time, and what must hold of the books all the same."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from engine.core.events import Accepted, Event, Fill
from engine.kernels.book import LIMIT, MARKET, SENT, STOP
from tests.venue.desk import SECOND, Desk, Record, examples
from tests.venue.exact import exact
from tests.venue.lives import JUMPS, LOTS, MARKETS, SETTINGS, WORLDS

BIDS_AND_ASKS = ("bid", "ask")
TICKS = st.integers(-4, 4)
FAR = st.sampled_from([None, None, 1, 2, 3, 5])


class Account(RuleBasedStateMachine):
    """Quotes, bursts of quotes, orders, cancels and closes in any order; the checks look at reports and book only."""

    @initialize(
        world=st.sampled_from(WORLDS), mode=st.sampled_from(SETTINGS["mode"]),
        latency=st.sampled_from(SETTINGS["latency"]), slippage=st.sampled_from(SETTINGS["slippage"]),
    )  # fmt: skip
    def begin(self, world: dict[str, Any], mode: str, latency: str, slippage: str) -> None:
        options = {"mode": mode, "latency": latency, "slippage": slippage} | world
        self.symbols = options.pop("symbols")
        self.desk = Desk(*self.symbols, checked=False, **options)
        self.netting = mode == "netting"
        self.slip = {s: float(self.desk.terms.slippage(s)) for s in self.symbols}
        self.ticks = dict.fromkeys(self.symbols, 0)
        self.quotes: dict[int, tuple[float, float]] = {}
        self.sent: dict[int, Any] = {}
        self.ends: dict[int, list[Event]] = {}
        self.volume: Counter[int] = Counter()
        self.cash = int(self.desk.venue.book[0]["balance"][0])
        self.peak = self.drawdown = 0.0
        for symbol in self.symbols:
            self.market([(self.symbols.index(symbol), 0, 1)])

    # what can happen

    @rule(
        moves=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(JUMPS), st.integers(0, 2)), min_size=1, max_size=12)
    )
    def market(self, moves: list[tuple[int, int, int]]) -> None:
        records = []
        for n, (which, jump, spread) in enumerate(moves):
            symbol = self.symbols[which % len(self.symbols)]
            base, grid, digits = MARKETS[symbol]
            self.ticks[symbol] += jump
            bid, ask = (round(base + (self.ticks[symbol] + up) * grid, digits) for up in (0, spread))
            ts = self.desk.now + (n + 1) * SECOND
            self.quotes[ts] = bid, ask
            records.append(Record(symbol, ts, ts, (bid,) * 4, ask))
        for event in self.desk.stretch(records):
            self.take(event)

    @rule(
        which=st.integers(0, 2), side=st.sampled_from([1, -1]), kind=st.sampled_from(["market", "limit", "stop"]),
        ticks=TICKS, stop=FAR, take_profit=FAR, lots=st.sampled_from(LOTS), lasts=st.sampled_from([0, 0, 3, 20]),
    )  # fmt: skip
    def submit(self, which: int, side: int, kind: str, ticks: int, stop: int | None, take_profit: int | None,
               lots: float, lasts: int) -> None:  # fmt: skip
        symbol = self.symbols[which % len(self.symbols)]
        base, grid, digits = MARKETS[symbol]
        on = lambda far: None if far is None else round(base + (self.ticks[symbol] + far) * grid, digits)  # noqa: E731
        level = 0 if kind == "market" else ticks
        number = self.desk.order(
            side, lots, kind, None if kind == "market" else on(ticks), symbol,
            "hand" if which % 2 == 0 else "other",
            stop=on(None if stop is None else level - side * stop),
            take_profit=on(None if take_profit is None else level + side * take_profit),
            expires=self.desk.now + lasts * SECOND if lasts else 0,
        )  # fmt: skip
        self.sent[number] = self.desk.said[-1][1]

    @rule(which=st.integers(0, 5), part=st.sampled_from([None, 0.01]))
    def close(self, which: int, part: float | None) -> None:
        if len(self.desk.positions):
            position = int(self.desk.positions[which % len(self.desk.positions)]["id"])
            number = self.desk.close(position, part)
            self.sent[number] = self.desk.said[-1][1]

    @rule(which=st.integers(0, 30))
    def cancel(self, which: int) -> None:
        if self.sent:
            number = 1 + which % len(self.sent)
            known = self.desk.cancel(number) == []
            assert known == (number not in self.ends), "the venue knows an order until its last report"

    # what it must have been

    def take(self, event: Event) -> None:
        order = getattr(event, "order", 0)
        if isinstance(event, Fill):
            step = float(self.desk.terms.step(event.symbol))
            self.volume[event.position] += event.side * round(event.units / step)
            scale = self.desk.terms.scale
            self.cash += sum(round(amount * scale) for amount in (event.profit, event.commission, event.swap))
            assert round(event.balance * scale) == self.cash, "each deal says the balance after it"
            self.fair(event)
        if order:
            before = self.ends.setdefault(order, [])
            if isinstance(event, Accepted):
                assert before == []
                del self.ends[order]
                return
            pair = [type(e).__name__ + getattr(e, "entry", "") for e in (*before, event)]
            nets = self.netting and pair in (["Fillout", "Fillin"], ["Fillout", "Rejected"])
            assert len(pair) == 1 or (nets and before[-1].ts == event.ts), "an order ends once"
            before.append(event)

    def fair(self, fill: Fill) -> None:
        """Nobody trades at a price that the quote of that moment and the rules do not give."""
        bid, ask = self.quotes[fill.ts_event]
        quote, slip = (ask if fill.side > 0 else bid), fill.side * self.slip[fill.symbol]
        order = self.sent.get(fill.order)
        slips = fill.reason == "stop_loss" or (order is not None and order.kind != "limit")
        assert math.isclose(fill.price, quote + (slip if slips else 0.0), rel_tol=1e-12)
        if order is not None and order.kind == "limit":
            assert fill.side * (fill.price - order.price) <= 0, "a limit never fills worse than its price"
        if order is not None and order.kind == "stop":
            assert fill.side * (fill.price - order.price) >= 0, "a stop order never fills before its price"

    @invariant()
    def no_volume_from_nothing(self) -> None:
        open_now = {int(p["id"]): int(p["side"] * p["steps"]) for p in self.desk.positions}
        assert open_now == {position: steps for position, steps in self.volume.items() if steps}
        assert all(p["steps"] > 0 for p in self.desk.positions)

    @invariant()
    def orders_are_either_with_the_venue_or_ended(self) -> None:
        book = self.desk.venue.book
        there = book[2]["id"][: int(book[0]["orders"][0])].tolist()
        assert there == [number for number in sorted(self.sent) if number not in self.ends]

    @invariant()
    def positions_lie_by_id_and_one_a_symbol_on_a_netting_account(self) -> None:
        ids = self.desk.positions["id"].tolist()
        assert ids == sorted(set(ids))
        if self.netting:
            held = self.desk.positions["symbol"].tolist()
            assert len(held) == len(set(held))

    @invariant()
    def equity_is_balance_and_what_is_floating(self) -> None:
        a, symbols = self.desk.venue.book[0][0], self.desk.venue.book[1]
        floating = 0.0
        for p in self.desk.positions:
            name = self.symbols[p["symbol"]]
            x = symbols[p["symbol"]]
            rate = self.desk.terms.rate(name, self.mids())
            price = x["bid"] if p["side"] > 0 else x["ask"]
            floating += (
                p["side"] * (price - p["entry"]) * p["steps"] * float(self.desk.terms.step(name)) * float(rate or 0)
            )
        assert int(a["balance"]) == self.cash
        assert math.isclose(a["equity"], self.cash * a["minor"] + floating, rel_tol=1e-9, abs_tol=1e-6)
        assert self.desk.margin >= 0.0 and (self.desk.margin > 0.0) == (len(self.desk.positions) > 0)

    def mids(self) -> Any:
        rows = zip(self.symbols, self.desk.venue.book[1], strict=True)
        return {s: (exact(x["bid"]), exact(x["ask"])) for s, x in rows if not np.isnan(x["bid"])}

    @invariant()
    def peak_and_drawdown_only_grow(self) -> None:
        a = self.desk.venue.book[0][0]
        assert a["peak"] >= self.peak and a["drawdown"] >= self.drawdown
        assert a["peak"] >= a["equity"] and a["drawdown"] >= a["peak"] - a["equity"]
        self.peak, self.drawdown = float(a["peak"]), float(a["drawdown"])

    @invariant()
    def the_bands_leave_nothing_out(self) -> None:
        """What could trigger, looked up one by one: the bands and the due time are at least as near."""
        book = self.desk.venue.book
        for o in book[2][: int(book[0]["orders"][0])]:
            x = book[1][o["symbol"]]
            times = [
                o["cancel_at"],
                *([o["expires"]] if o["expires"] else []),
                *([o["arrives"]] if o["state"] == SENT else []),
            ]
            assert x["due"] <= min(times)
            if o["state"] == SENT:
                continue
            assert o["kind"] != MARKET, "a market order does not rest"
            below = (o["kind"] == LIMIT) == (o["side"] > 0)
            assert o["kind"] in (LIMIT, STOP)
            self.within(x, BIDS_AND_ASKS[int(o["side"] > 0)], below, o["price"])
        for p in self.desk.positions:
            x, side = book[1][p["symbol"]], BIDS_AND_ASKS[int(p["side"] < 0)]
            self.within(x, side, p["side"] > 0, p["stop"])
            self.within(x, side, p["side"] < 0, p["take_profit"])

    @staticmethod
    def within(x: np.void, side: str, below: bool, price: float) -> None:
        if not np.isnan(price):
            assert x[f"{side}_low"] >= price if below else x[f"{side}_high"] <= price


Account.TestCase.settings = examples(40, stateful_step_count=30)
TestAnyAccount = Account.TestCase
