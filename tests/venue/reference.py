"""A slow venue, written from the fill rules in the docstring of `engine.venues.matching.match` and from nothing else.

Plain lists, exact fractions, every record judged in full. What it reports is what the engine must report. `books` holds
what is open and what it costs, `intake` what comes in and what is due; here prices meet both.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from fractions import Fraction

from engine.core.events import Event
from engine.kernels.draws import PARTIAL, SHARE
from tests.venue.books import Position, sharp
from tests.venue.contract import Terms
from tests.venue.exact import HairsBreadth, Prices, away
from tests.venue.intake import BETTER, Intake, Pending, drawn


@dataclass
class Thing:
    """Something that happens on a leg: where (as bid), positions before orders, by id."""

    bid: Fraction
    rank: int
    id: int
    what: Position | Pending
    how: str = ""


class ReferenceVenue(Intake):
    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self.path = terms.venue.path
        self.left: dict[int, int | None] = {}
        """Steps that this record still offers, by side."""
        self.liquidity = terms.liquidity

    def record(self, symbol: str, ts: int, ts_event: int, bid: Prices, ask: Prices) -> list[Event]:
        """One quote (ts == ts_event) or bar (opened at ts_event, closed at ts); returns what happened, in order."""
        self.out, self.marks, self.ts, self.ts_event = [], [], ts, ts_event
        self.records += 1
        self.roll(symbol)
        closed = self.terms.state(symbol, ts_event) != "open"
        if not closed:
            self.left = {1: self.liquidity[symbol], -1: self.liquidity[symbol]}
            self.quotes[symbol] = bid.open, ask.open
            self.due(symbol)
            self.quote(symbol)
            self.look()
            if ts > ts_event:
                (self.pessimistic if self.path == "pessimistic" else self.legs)(symbol, bid, ask)
        self.quotes[symbol] = bid.close, ask.close
        if closed or (ts > ts_event and self.path == "pessimistic"):
            self.look()
        return self.out

    def quote(self, symbol: str) -> None:
        """Rules 3 to 8, then what trails: a quote, or the open of a bar."""
        bid, ask = self.quotes[symbol]
        for q in self.of(symbol):
            self.judge(q, Prices(*[bid] * 4), Prices(*[ask] * 4))
        for p in self.resting(symbol):
            if self.judged(p):
                self.meet(p)
        for q in self.of(symbol):
            self.follow(q, self.exit_quote(q))

    def judged(self, p: Pending) -> bool:
        """Is it there to be judged, and has the record something for it?"""
        return p in self.orders and p.state == "working" and p.since <= self.records and p.served < self.records

    # rules 3, 4 and 10: exits

    def judge(self, q: Position, bid: Prices, ask: Prices, stop_only: bool = False, first: bool = True) -> bool:
        path, side = (bid if q.side > 0 else ask), q.side
        stop, target = q.stop, None if stop_only else q.take_profit
        worst, best = (path.low, path.high) if side > 0 else (path.high, path.low)
        if first and stop is not None and side * (path.open - stop) <= 0:
            self.exit(q, "stop_loss", path.open)
        elif first and target is not None and side * (path.open - target) >= 0:
            self.exit(q, "take_profit", path.open)
        elif stop is not None and side * (worst - stop) <= 0:
            self.exit(q, "stop_loss", stop)
        elif target is not None and side * (best - target) >= 0:
            self.exit(q, "take_profit", target)
        return q in self.positions

    # rule 15

    def follow(self, q: Position, best: Fraction) -> None:
        """The stop after the market was at `best` on the side it would leave by; only ever nearer."""
        t, tick, side = q.trailing, self.terms.tick(q.symbol), q.side
        ahead = side * (best - q.entry)
        if t.trail and (not t.trail_start or reached(ahead, t.trail_start)):
            moved = away(best - side * t.trail, tick, side)
            if q.stop is None or side * (moved - q.stop) >= (t.trail_step or tick / 1000):
                q.stop = moved
        if t.even_at and reached(ahead, t.even_at):
            safe = q.entry + side * (t.even_lock or 0)
            off = safe / tick % 1
            if off and min(off, 1 - off) < Fraction(1, 10**6):
                raise HairsBreadth
            moved = away(safe, tick, side)
            if q.stop is None or side * (moved - q.stop) > 0:
                q.stop = moved

    def drag(self, p: Pending, best: Fraction) -> None:
        """Rule 18: the price of a trailing stop order after the market was at `best`."""
        if p.kind == "trailing_stop" and p.state == "working" and p.price is not None and p.trailing.trail:
            moved = away(best + p.side * p.trailing.trail, self.terms.tick(p.symbol), -p.side)
            if p.side * (p.price - moved) >= (p.trailing.trail_step or self.terms.tick(p.symbol) / 1000):
                p.price = moved

    # rules 5 to 7 and 16 to 19: orders at a quote

    def meet(self, p: Pending) -> None:
        """An order at the quote that stands; what must be filled at once and was not is cancelled."""
        hasty = p.order.filling in ("ioc", "fok") and not p.met
        self.at_quote(p, p.met)
        p.met = True
        if p in self.orders:
            if hasty:
                self.end(p, "no liquidity")
            else:
                self.drag(p, self.entry_quote(p))

    def at_quote(self, p: Pending, rested: bool) -> None:
        price = self.entry_quote(p)
        if p.kind == "market":
            return self.trade(p, self.slipped(p, price))
        if not self.touched(p, price):
            return None
        if p.kind == "stop_limit":
            self.trigger(p)
            if self.touched(p, price):
                if p.order.filling == "post_only":
                    return self.end(p, "would fill", rejected=True)
                self.trade(p, price)
            return None
        if p.kind == "limit":
            return self.trade(p, price, maker=rested)
        return self.trade(p, self.slipped(p, price))

    def slipped(self, p: Pending, price: Fraction) -> Fraction:
        return price + p.side * self.terms.slippage(p.symbol, self.quotes)

    # rules 10, 15, 16, 18 and 21: a bar whose path is not known

    def pessimistic(self, symbol: str, bid: Prices, ask: Prices) -> None:
        at_open = self.of(symbol)
        for q in at_open:
            if self.judge(q, bid, ask):
                self.follow(q, bid.high if q.side > 0 else ask.low)
                self.judge(q, bid, ask, stop_only=True, first=False)
        for p in self.resting(symbol):
            if self.judged(p) and p.kind != "market":
                self.in_range(p, bid, ask)
        for q in self.of(symbol):
            if q not in at_open:
                self.judge(q, bid, ask, stop_only=True, first=False)
        for side in ("low", "high"):
            self.quotes[symbol] = getattr(bid, side), getattr(ask, side)
            self.look()

    def in_range(self, p: Pending, bid: Prices, ask: Prices) -> None:
        path = ask if p.side > 0 else bid
        low, high = (path.low, path.high) if p.side > 0 else (path.high, path.low)
        best, worst = (low, high) if p.kind in BETTER else (high, low)
        assert p.price is not None
        if p.kind == "trailing_stop" and not self.touched(p, best):
            self.drag(p, worst)
        if not self.touched(p, best):
            return
        if p.kind == "stop_limit":
            self.trigger(p)
            p.served = self.records
        elif p.kind == "limit":
            self.trade(p, p.price, maker=True)
        else:
            self.trade(p, self.slipped(p, p.price))

    # rule 24: a bar whose path is stated

    def legs(self, symbol: str, bid: Prices, ask: Prices) -> None:
        spread = ask.open - bid.open
        up_first = self.path == "ohlc" or (self.path == "nearest" and bid.high - bid.open < bid.open - bid.low)
        turns = (bid.high, bid.low) if up_first else (bid.low, bid.high)
        for end in (*turns, bid.close):
            self.walk(symbol, end, spread)
            for q in self.of(symbol):
                self.follow(q, self.exit_quote(q))
            for p in self.resting(symbol):
                if self.judged(p):
                    self.drag(p, self.entry_quote(p))
            self.look()

    def walk(self, symbol: str, end: Fraction, spread: Fraction) -> None:
        """Along one leg: what is nearest happens first, and then the market stands there."""
        while things := self.ahead(symbol, end, spread):
            start = self.quotes[symbol][0]
            one = min(things, key=lambda t: (abs(t.bid - start), t.rank, t.id))
            self.quotes[symbol] = one.bid, one.bid + spread
            known = self.of(symbol)
            if isinstance(one.what, Position):
                self.exit(one.what, one.how, self.exit_quote(one.what))
            else:
                self.at_quote(one.what, rested=True)
            for q in self.of(symbol):
                if q not in known:
                    self.follow(q, self.exit_quote(q))
        self.quotes[symbol] = end, end + spread

    def ahead(self, symbol: str, end: Fraction, spread: Fraction) -> list[Thing]:
        """Everything that is touched where the market stands, or between there and the end of the leg."""
        start = self.quotes[symbol][0]
        found = []

        def on_the_way(price: Fraction | None, side: int, rising: bool, rank: int, what: Position | Pending, how: str
                       ) -> None:  # fmt: skip
            if price is None:
                return
            at = price if side > 0 else price - spread
            sign = 1 if rising else -1
            if sign * (start - at) >= 0:
                found.append(Thing(start, rank, what.id, what, how))
            elif sign * (end - at) >= 0:
                found.append(Thing(at, rank, what.id, what, how))

        for q in self.of(symbol):
            on_the_way(q.stop, q.side, q.side < 0, 0, q, "stop_loss")
            on_the_way(q.take_profit, q.side, q.side > 0, 0, q, "take_profit")
        for p in self.resting(symbol):
            if self.judged(p) and p.kind != "market":
                on_the_way(p.price, -p.side, (p.side > 0) != (p.kind in BETTER), 1, p, "")
        return found

    # rules 11, 19, 20, 23, 25 and 30: an order trades

    def trade(self, p: Pending, price: Fraction, maker: bool = False) -> None:
        """Deal what can be dealt at that price; then its rest, its group and its children."""
        order = p.order
        against = self.against(p)
        if order.position and not against:
            return self.end(p, "position closed")
        if order.position:
            p.steps = min(p.steps, against[0].steps)
        only = bool(order.position or order.reduce_only)
        wanted = min(p.steps, sum(q.steps for q in against)) if only else p.steps
        if not wanted:
            return self.end(p, "nothing to reduce")
        allowed = self.allowed(p, wanted)
        if order.filling == "fok" and allowed < wanted:
            return self.end(p, "no liquidity")
        dealt, refused = self.deals_of(p, against, allowed, price, only, maker)
        if refused:
            self.gone(p, "not enough money", rejected=True)
        elif not p.steps:
            self.orders.remove(p)
            self.filled.add(p.id)
        elif only and dealt == wanted:
            self.gone(p, "nothing to reduce")
        elif order.filling == "ioc":
            self.gone(p, "no liquidity")
        else:
            p.served = self.records
            p.kind = p.kind if p.kind == "limit" else "market"
        if dealt and order.group:
            self.one_cancels_other(p)
        if p not in self.orders:
            self.release(p) if p.id in self.filled else self.orphan(p)
        return None

    def against(self, p: Pending) -> list[Position]:
        """What it closes before it opens anything."""
        opposite = [q for q in self.of(p.symbol) if q.side == -p.side]
        if p.order.position:
            return [q for q in opposite if q.id == p.order.position]
        if not self.hedging:
            return opposite
        return [q for q in opposite if q.strategy == p.order.strategy] if p.order.reduce_only else []

    def allowed(self, p: Pending, wanted: int) -> int:
        """Of what it wants, what it gets on this record."""
        venue, seed, left = self.terms.venue, self.terms.config.seed, self.left[p.side]
        allowed = wanted if left is None else min(wanted, left)
        first = not p.met and p.order.kind == "market"
        if first and venue.partial_fills and drawn(seed, PARTIAL, p.id) < venue.partial_fills.fraction:
            share = int(drawn(seed, SHARE, p.id) * p.steps)
            allowed = min(allowed, max(1, share))
        return allowed

    def deals_of(self, p: Pending, against: list[Position], allowed: int, price: Fraction, only: bool, maker: bool
                 ) -> tuple[int, bool]:  # fmt: skip
        """Close, then open: steps dealt, and whether the money was missing for the rest."""
        dealt = 0
        for q in against:
            steps = min(allowed - dealt, q.steps)
            if steps:
                dealt += steps
                self.took(p, steps)
                self.close(q, steps, price, p.id, "order", p.steps, maker=maker)
        rest = allowed - dealt
        if only or not rest:
            return dealt, False
        if not self.affords(p.symbol, p.side, rest, price):
            return dealt, True
        self.took(p, rest)
        exits = Position(
            0, p.order.strategy, p.symbol, p.side, rest, price, p.stop, p.take_profit, 0, Fraction(0), copy(p.trailing)
        )
        if p.order.kind == "trailing_stop":  # they are the order's own
            exits.trailing = type(exits.trailing)()
        q = self.add(p.order, rest, price, exits)
        self.deal(q, p.side, rest, price, "in", Fraction(0), p.id, p.order.strategy, "order", p.steps, maker=maker)
        return dealt + rest, False

    def took(self, p: Pending, steps: int) -> None:
        p.steps -= steps
        left = self.left[p.side]
        self.left[p.side] = None if left is None else left - steps

    def one_cancels_other(self, p: Pending) -> None:
        mine = (p.order.strategy, p.order.group)
        for other in self.by_id(lambda o: (o.order.strategy, o.order.group) == mine and o is not p):
            if other in self.orders:
                self.end(other, "one cancels other")

    def release(self, parent: Pending) -> None:
        """Its children work from the next record on."""
        for child in self.by_id(lambda o: o.order.parent == parent.id and o.state == "waiting"):
            child.state, child.since = "working", self.records + 1


def reached(ahead: Fraction, distance: Fraction) -> bool:
    """On it counts; so near that an averaged entry's float may say either is a HairsBreadth."""
    return ahead == distance or sharp(ahead - distance) > 0
