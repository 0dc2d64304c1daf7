"""The reference venue's door: orders, cancels and changes on their way, what is due, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from fractions import Fraction

from engine.core.events import (
    Accepted,
    Cancel,
    Canceled,
    CloseBy,
    Event,
    Modified,
    Modify,
    Order,
    Rejected,
    Triggered,
)
from engine.core.frames import day_starts
from engine.kernels.draws import REJECT, REQUOTE, uniform
from engine.kernels.jit import jit
from tests.venue.books import Books, Position, Trail, prices
from tests.venue.contract import Terms
from tests.venue.exact import away, exact, maybe, nearest

BETTER = ("limit", "if_touched")
"""Kinds that wait for a better price than the market's; the others wait for a worse one."""


@jit
def drawn(seed, purpose, key):
    return uniform(seed, purpose, key, 0)


@dataclass(eq=False)
class Pending:
    """An order, as the venue has it now."""

    order: Order
    id: int
    side: int
    symbol: str
    kind: str
    steps: int
    price: Fraction | None
    limit: Fraction | None
    stop: Fraction | None
    take_profit: Fraction | None
    expires: int
    decided: int
    arrives: int
    trailing: Trail
    state: str = "sent"
    cancel: tuple[int, int] | None = None
    since: int = 0
    """The record on which it is first judged."""
    served: int = -1
    """The record that has nothing more for it."""
    met: bool = False
    """It has been judged once."""


@dataclass(eq=False)
class Request:
    """A change or a close-by on its way."""

    wish: Modify | CloseBy
    id: int
    symbol: str
    decided: int
    arrives: int


@dataclass
class Due:
    """One thing that is due: by time, then expiry < cancel < order < request, then id."""

    at: int
    rank: int
    id: int
    do: Callable[[], None] = field(compare=False)


class Intake(Books):
    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self.latency = terms.venue.latency.ns
        self.change = (terms.venue.change_latency or terms.venue.latency).ns
        self.orders: list[Pending] = []
        self.requests: list[Request] = []
        self.asked = self.records = 0
        self.filled: set[int] = set()
        """Orders that were filled in full."""

    # what comes in

    def submit(self, order: Order) -> list[Event]:
        steps = round(exact(order.units) / self.terms.step(order.symbol))
        decided, arrives = order.ts, order.ts + self.latency
        reason = self.barred(order.symbol, arrives)
        while reason == "market closed" and self.terms.venue.closed == "wait":
            opens = self.terms.next_open(order.symbol, arrives)
            assert opens is not None
            decided, arrives = opens, opens + self.latency
            reason = self.barred(order.symbol, arrives)
        if reason:
            return [Rejected(arrives + self.back, order.strategy, order.symbol, order.id, reason, arrives)]
        expires = order.expires
        if order.day:
            starts = day_starts(self.terms.instruments[order.symbol].rolls, order.ts, order.ts).tolist()
            expires = next(start for start in starts if start > order.ts)
        amounts = (maybe(p) for p in (order.price, order.limit, order.stop, order.take_profit))
        trailing = Trail(*(maybe(getattr(order, f.name)) for f in fields(Trail)))
        self.orders.append(
            Pending(order, order.id, order.side, order.symbol, order.kind, steps, *amounts, expires, decided, arrives,
                    trailing)
        )  # fmt: skip
        return []

    def barred(self, symbol: str, at: int) -> str:
        """Why nothing arrives at that time."""
        state = self.terms.state(symbol, at)
        return {"open": "", "closed": "market closed", "outage": "no connection", "not listed": "trading disabled"}[
            state
        ]

    def ask(self, strategy: str, symbol: str, ts: int, order: int, request: int, position: int = 0) -> Event | None:
        """Can a cancel or a change come through? While the market is merely closed it can."""
        arrives = ts + self.change
        reason = self.barred(symbol, arrives)
        if reason in ("", "market closed"):
            return None
        return Rejected(arrives + self.back, strategy, symbol, order, reason, arrives, request, position)

    def cancel(self, wish: Cancel) -> list[Event]:
        arrives = wish.ts + self.change
        for p in self.orders:
            if p.id == wish.order:
                if refused := self.ask(p.order.strategy, p.symbol, wish.ts, p.id, -1):
                    return [refused]
                if p.cancel is None or arrives < p.cancel[1]:
                    p.cancel = wish.ts, arrives
                return []
        return [Rejected(arrives + self.back, wish.strategy, "", wish.order, "no such order", arrives)]

    def modify(self, wish: Modify) -> list[Event]:
        if wish.order:
            return self.take(wish, [p.symbol for p in self.orders if p.id == wish.order], wish.order, 0)
        return self.take(wish, [p.symbol for p in self.positions if p.id == wish.position], 0, wish.position)

    def close_by_wish(self, wish: CloseBy) -> list[Event]:
        return self.take(wish, [p.symbol for p in self.positions if p.id == wish.position], 0, wish.position)

    def take(self, wish: Modify | CloseBy, there: list[str], order: int, position: int) -> list[Event]:
        arrives = wish.ts + self.change
        if not there:
            reason = "position is not open" if position else "no such order"
            return [Rejected(arrives + self.back, wish.strategy, "", order, reason, arrives, 0, position)]
        self.asked += 1
        if refused := self.ask(wish.strategy, there[0], wish.ts, order, self.asked, position):
            return [refused]
        self.requests.append(Request(wish, self.asked, there[0], wish.ts, arrives))
        return []

    # rules 1 and 2: what is due at a record

    def there(self, decided: int, arrives: int) -> bool:
        """Has what was decided then come to the venue when the record begins?"""
        length = self.ts - self.ts_event
        return self.ts_event >= arrives or (self.ts_event >= decided and arrives - decided < length)

    def due(self, symbol: str) -> None:
        while things := self.things_due(symbol):
            min(things, key=lambda d: (d.at, d.rank, d.id)).do()

    def things_due(self, symbol: str) -> list[Due]:
        found = []
        for p in self.resting(symbol):
            if p.expires and self.ts_event >= p.expires:
                found.append(Due(p.expires, 0, p.id, lambda p=p: self.end(p, "expired")))
            if p.cancel and self.there(*p.cancel):
                found.append(Due(p.cancel[1], 1, p.id, lambda p=p: self.take_back(p)))
            if p.state == "sent" and self.there(p.decided, p.arrives):
                found.append(Due(p.arrives, 2, p.id, lambda p=p: self.arrive(p)))
        for r in self.requests:
            if r.symbol == symbol and self.there(r.decided, r.arrives):
                found.append(Due(r.arrives, 3, r.id, lambda r=r: self.answer(r)))
        return found

    def take_back(self, p: Pending) -> None:
        p.cancel = None
        if self.frozen_order(p):
            self.refuse(p.order.strategy, p.symbol, p.id, "frozen", -1)
        else:
            self.end(p, "canceled")

    def arrive(self, p: Pending) -> None:
        """The order is with the venue: does the venue take it?"""
        self.on_ticks(p)
        reason = self.refusal(p) or self.friction(p)
        if reason:
            self.end(p, reason, rejected=True)
            return
        parent = p.order.parent
        if p.kind != "market" or parent:
            self.say(Accepted(self.stamp, p.order.strategy, p.symbol, p.id, self.ts_event))
        p.state, p.since = "working", self.records
        if parent in self.filled:
            p.since += 1
        elif parent and any(other.id == parent for other in self.orders):
            p.state = "waiting"
        elif parent:
            self.end(p, "parent gone")

    def on_ticks(self, p: Pending) -> None:
        tick = self.terms.tick(p.symbol)
        if p.kind == "trailing_stop" and p.price is None and p.trailing.trail:
            p.price = away(self.entry_quote(p) + p.side * p.trailing.trail, tick, -p.side)
        p.price = None if p.price is None else nearest(p.price, tick)
        p.limit = None if p.limit is None else nearest(p.limit, tick)

    def friction(self, p: Pending) -> str:
        """Rule 30."""
        venue, seed = self.terms.venue, self.terms.config.seed
        if venue.rejects and drawn(seed, REJECT, p.id) < venue.rejects.fraction:
            return "rejected by the dealer"
        if p.kind == "market" and venue.requotes and drawn(seed, REQUOTE, p.id) < venue.requotes.fraction:
            return "requote"
        return ""

    # rule 9

    def refusal(self, p: Pending) -> str:
        reduces = self.reduces(p)
        return (
            ("" if reduces else self.status(p))
            or self.volume(p, reduces)
            or self.malformed(p)
            or self.not_taken(p)
            or ("no conversion rate" if self.terms.rate(p.symbol, self.quotes) is None else "")
            or self.wrong_stops(p)
        )

    def reduces(self, p: Pending) -> bool:
        """It cannot open anything."""
        against = [q for q in self.of(p.symbol) if q.side == -p.side and q.steps >= p.steps]
        return bool(p.order.position or p.order.reduce_only or (not self.hedging and against))

    def status(self, p: Pending) -> str:
        state = self.terms.instruments[p.symbol].status
        one_way = {"long_only": -1, "short_only": 1}
        if state == "full" or one_way.get(state, p.side) == -p.side:
            return ""
        return "trading disabled" if state == "disabled" else state.replace("_", " ")

    def volume(self, p: Pending, reduces: bool) -> str:
        one, named = self.terms.instruments[p.symbol], bool(p.order.position)
        lots = self.terms.lots(p.symbol, p.steps)
        if p.steps < 1 or (not named and lots < exact(one.volume_min)):
            return "volume below the minimum"
        if not named and lots > exact(one.volume_max):
            return "volume above the maximum"
        price = self.entry_quote(p) if p.kind == "market" else p.limit if p.kind == "stop_limit" else p.price
        if one.notional_min and not reduces and price is not None:
            if p.steps * self.terms.step(p.symbol) * price < exact(one.notional_min):
                return "value below the minimum"
        if one.volume_limit and not (named or p.order.reduce_only):
            working = [
                o for o in self.resting(p.symbol)
                if o.state == "working" and o.side == p.side and not o.order.position and not o.order.reduce_only
            ]  # fmt: skip
            held = [q for q in self.of(p.symbol) if q.side == p.side]
            steps = sum(o.steps for o in working) + sum(q.steps for q in held) + p.steps
            if self.terms.lots(p.symbol, steps) > exact(one.volume_limit):
                return "volume limit"
        pending = sum(o.state == "working" and o.kind != "market" for o in self.orders)
        most = self.terms.account.max_orders
        return "too many orders" if most and p.kind != "market" and pending >= most else ""

    def malformed(self, p: Pending) -> str:
        """What a pending order needs and has not got."""
        needs = [] if p.kind == "market" else [p.price]
        needs += [p.limit] if p.kind == "stop_limit" else []
        needs += [p.trailing.trail] if p.kind == "trailing_stop" else []
        return "invalid price" if not all(needs) else ""

    def not_taken(self, p: Pending) -> str:
        """Kinds, fillings and expirations that the instrument does not know."""
        one = self.terms.instruments[p.symbol]
        kind = {"trailing_stop": "stop", "if_touched": "limit"}.get(p.kind, p.kind)
        if one.orders and kind not in one.orders:
            return "unsupported kind"
        filling = "boc" if p.order.filling == "post_only" else p.order.filling
        if one.filling and filling not in (*one.filling, "return"):
            return "unsupported filling"
        ways = {"day", "specified", "specified_day"} if p.expires else {"gtc"}
        if one.expiration and p.kind != "market" and not ways & set(one.expiration):
            return "unsupported expiration"
        return ""

    def wrong_stops(self, p: Pending) -> str:
        """Stops on the wrong side or too near; a price too near to the market; what post-only means on arrival."""
        side, level = p.side, self.level(p.symbol, "stops_level")
        reference = self.quotes[p.symbol][0 if side > 0 else 1]
        if p.kind != "market":
            reference = p.limit if p.kind == "stop_limit" else p.price
        if self.bad_stops(side, reference, p.stop, p.take_profit, level):
            return "invalid stops"
        if p.kind == "market":
            return "would fill" if p.order.filling == "post_only" else ""
        assert p.price is not None
        if abs(p.price - self.entry_quote(p)) < level:
            return "invalid price"
        if p.order.filling == "post_only" and self.touched(p, self.entry_quote(p)):
            return "would fill" if p.kind == "limit" else "invalid price"
        return ""

    @staticmethod
    def bad_stops(side: int, reference: Fraction, stop: Fraction | None, target: Fraction | None, level: Fraction
                  ) -> bool:  # fmt: skip
        distances = [side * (reference - stop)] if stop is not None else []
        distances += [side * (target - reference)] if target is not None else []
        return any(d <= 0 or d < level for d in distances)

    def level(self, symbol: str, name: str) -> Fraction:
        return getattr(self.terms.instruments[symbol], name) * self.terms.point(symbol)

    def entry_quote(self, p: Pending) -> Fraction:
        return self.quotes[p.symbol][1 if p.side > 0 else 0]

    @staticmethod
    def touched(p: Pending, price: Fraction) -> bool:
        """Is a price (of the side it takes) what a pending order waits for, or beyond?"""
        assert p.price is not None
        sign = -p.side if p.kind in BETTER else p.side
        return sign * (price - p.price) >= 0

    # rules 26 and 27

    def frozen_order(self, p: Pending) -> bool:
        if p.state != "working" or p.kind == "market" or p.price is None:
            return False
        return abs(p.price - self.entry_quote(p)) < self.level(p.symbol, "freeze_level")

    def frozen_position(self, q: Position) -> bool:
        level, market = self.level(q.symbol, "freeze_level"), self.exit_quote(q)
        return any(abs(x - market) < level for x in (q.stop, q.take_profit) if x is not None)

    def answer(self, r: Request) -> None:
        self.requests.remove(r)
        wish = r.wish
        if isinstance(wish, CloseBy):
            self.answer_close_by(wish, r)
        elif wish.order:
            self.change_order(wish, r)
        else:
            self.change_position(wish, r)

    def answer_close_by(self, wish: CloseBy, r: Request) -> None:
        pair = [q for number in (wish.position, wish.by) for q in self.of(r.symbol) if q.id == number]
        if len(pair) == 2 and pair[0].side == -pair[1].side and self.hedging:
            self.close_by(*pair)
        else:
            self.refuse(wish.strategy, r.symbol, 0, "position is not open", r.id, wish.position)

    def change_order(self, wish: Modify, r: Request) -> None:
        p = next((p for p in self.orders if p.id == wish.order), None)
        no = lambda reason: self.refuse(wish.strategy, r.symbol, wish.order, reason, r.id)  # noqa: E731
        if p is None:
            return no("no such order")
        if self.frozen_order(p):
            return no("frozen")
        old = (p.price, p.limit, p.stop, p.take_profit, p.expires, p.trailing)
        tick = self.terms.tick(p.symbol)
        price, limit = p.price, p.limit
        if p.kind != "market" and wish.price is not None:
            price = changed(price, wish.price)
            price = None if price is None else nearest(price, tick)
        if p.kind == "stop_limit" and wish.limit is not None:
            limit = changed(limit, wish.limit)
            limit = None if limit is None else nearest(limit, tick)
        stop, target = changed(p.stop, wish.stop), changed(p.take_profit, wish.take_profit)
        expires = p.expires if wish.expires is None else wish.expires
        new = (price, limit, stop, target, expires, retrail(p.trailing, wish))
        put(p, new)
        reason = self.malformed(p) or self.wrong_stops(p) or ("no changes" if new == old else "")
        if reason:
            put(p, old)
            return no(reason)
        amounts = prices(p.price, p.stop, p.take_profit)
        return self.say(Modified(self.stamp, wish.strategy, p.symbol, p.id, 0, *amounts, self.ts_event))

    def change_position(self, wish: Modify, r: Request) -> None:
        q = next((q for q in self.positions if q.id == wish.position), None)
        no = lambda reason: self.refuse(wish.strategy, r.symbol, 0, reason, r.id, wish.position)  # noqa: E731
        if q is None:
            return no("position is not open")
        if self.frozen_position(q):
            return no("frozen")
        stop, target = changed(q.stop, wish.stop), changed(q.take_profit, wish.take_profit)
        trailing = retrail(q.trailing, wish)
        if self.bad_stops(q.side, self.exit_quote(q), stop, target, self.level(q.symbol, "stops_level")):
            return no("invalid stops")
        if (stop, target, trailing) == (q.stop, q.take_profit, q.trailing):
            return no("no changes")
        q.stop, q.take_profit, q.trailing = stop, target, trailing
        amounts = prices(None, stop, target)
        return self.say(Modified(self.stamp, wish.strategy, q.symbol, 0, q.id, *amounts, self.ts_event))

    # how an order ends

    def resting(self, symbol: str) -> list[Pending]:
        return sorted((p for p in self.orders if p.symbol == symbol), key=lambda p: p.id)

    def refuse(self, strategy: str, symbol: str, order: int, reason: str, request: int, position: int = 0) -> None:
        self.say(Rejected(self.stamp, strategy, symbol, order, reason, self.ts_event, request, position))

    def trigger(self, p: Pending) -> None:
        """Rule 16: from now on a limit order."""
        p.kind, p.price, p.limit = "limit", p.limit, None
        self.say(Triggered(self.stamp, p.order.strategy, p.symbol, p.id, self.ts_event))

    def end(self, p: Pending, reason: str, rejected: bool = False) -> None:
        """It ends other than by being filled, and its children with it."""
        self.gone(p, reason, rejected)
        self.orphan(p)

    def gone(self, p: Pending, reason: str, rejected: bool = False) -> None:
        self.orders.remove(p)
        how = Rejected if rejected else Canceled
        self.say(how(self.stamp, p.order.strategy, p.symbol, p.id, reason, self.ts_event))

    def orphan(self, parent: Pending) -> None:
        for child in self.by_id(lambda p: p.order.parent == parent.id and p.state != "working"):
            if child in self.orders:
                self.end(child, "parent gone")

    def by_id(self, which: Callable[[Pending], bool]) -> list[Pending]:
        return sorted(filter(which, self.orders), key=lambda p: p.id)

    def drop_what_opens(self) -> None:
        for p in self.by_id(lambda p: p.state != "sent" and not p.order.position and not p.order.reduce_only):
            if p in self.orders:
                self.end(p, "stop out")


def changed(old: Fraction | None, said: float | None) -> Fraction | None:
    """None stays, 0.0 removes."""
    return old if said is None else exact(said) or None


def retrail(old: Trail, wish: Modify) -> Trail:
    return Trail(*(changed(getattr(old, f.name), getattr(wish, f.name)) for f in fields(Trail)))


def put(p: Pending, values: tuple) -> None:  # type: ignore[type-arg]
    p.price, p.limit, p.stop, p.take_profit, p.expires, p.trailing = values
