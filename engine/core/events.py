"""Events: immutable facts with a time stamp, one frozen struct each.

`ts` is int64 nanoseconds UTC, when *we* knew; `ts_event` is the venue's time. `side` is +1 or -1.
`units` are units of the base (lots x contract size), always positive, the direction is in `side`.
Prices that are not set are None. On disk an event is a tagged MessagePack array.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

REPORT, ROW, TIMER, QUOTE = 0, 1, 2, 3
"""Ranks of what is due at one and the same `ts`: venue reports, closed bars, timers, then the quotes stamped so."""


class Event(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=True):
    ts: int


class Quote(Event, frozen=True, gc=False):
    """Best bid and ask of one symbol."""

    symbol: str
    bid: float
    ask: float
    ts_event: int


class Signal(Event, frozen=True, gc=False):
    """What a strategy wants: -1 (short) .. 0 (flat) .. +1 (long), an idempotent wish."""

    strategy: str
    symbol: str
    strength: float
    stop: float | None = None
    take_profit: float | None = None
    tag: str = ""


class TargetPosition(Event, frozen=True, gc=False):
    """What risk allows: the signed units a strategy is to own of a symbol.

    `passed` names the risk rules it went through; what has not passed is not executed.
    """

    strategy: str
    symbol: str
    units: float
    stop: float | None = None
    take_profit: float | None = None
    passed: str = ""


class Exits(Event, frozen=True, gc=False):
    """How what the next target opens is led, by the rules of the config: distances in price, None where not set.

    trail, trail_start, even_at   as in `Order`
    """

    strategy: str
    symbol: str
    trail: float | None = None
    trail_start: float | None = None
    even_at: float | None = None


class Denied(Event, frozen=True, gc=False):
    """Our own no: which rule, the value it saw and the threshold it holds."""

    strategy: str
    symbol: str
    rule: str
    value: float
    threshold: float


class Order(Event, frozen=True, gc=False):
    """How to get there. A strategy that manages its own orders returns them with `id` 0; risk numbers what it passes.

    kind      market, limit, stop, stop_limit (`price` triggers a limit at `limit`), if_touched, trailing_stop
    position  the position it closes (0: none)
    expires   int64 ns UTC when it ends unfilled (0: never); `day` True: at the end of its trading day
    filling   return (the rest goes on working), ioc, fok, post_only
    group     orders of the strategy that carry the same text: one filled cancels the others
    parent    the order that must be filled before this one works
    trail, trail_step, trail_start, even_at, even_lock   distances in price: of the order if it is a trailing stop, else
              of the position it opens; see the fill rules in `engine.venues.matching`
    deviation the most that a market order may fill away from the quote it was decided on, as price (None: any)
    """

    strategy: str
    symbol: str
    side: int
    units: float
    kind: str = "market"
    price: float | None = None
    stop: float | None = None
    take_profit: float | None = None
    position: int = 0
    expires: int = 0
    id: int = 0
    limit: float | None = None
    day: bool = False
    filling: str = "return"
    reduce_only: bool = False
    group: str = ""
    parent: int = 0
    trail: float | None = None
    trail_step: float | None = None
    trail_start: float | None = None
    even_at: float | None = None
    even_lock: float | None = None
    deviation: float | None = None


class Cancel(Event, frozen=True, gc=False):
    """Ask the venue to take a resting order back."""

    strategy: str
    order: int


class Modify(Event, frozen=True, gc=False):
    """Ask the venue to change an order, or the exits of a position: name one. What is None stays, 0.0 removes."""

    strategy: str
    order: int = 0
    position: int = 0
    price: float | None = None
    limit: float | None = None
    stop: float | None = None
    take_profit: float | None = None
    expires: int | None = None
    trail: float | None = None
    trail_step: float | None = None
    trail_start: float | None = None
    even_at: float | None = None
    even_lock: float | None = None


class CloseBy(Event, frozen=True, gc=False):
    """Ask the venue to close a position by an opposite one of the same symbol (hedging accounts)."""

    strategy: str
    position: int
    by: int


class Report(Event, frozen=True, gc=False):
    """What a venue says; `retcode` is the MT5 trade return code that means it."""

    @property
    def retcode(self) -> int:
        from engine.core.retcodes import retcode

        return retcode(self)


class Accepted(Report, frozen=True, gc=False):
    """The venue holds the order."""

    strategy: str
    symbol: str
    order: int
    ts_event: int


class Rejected(Report, frozen=True, gc=False):
    """The venue's no, to an order or to a change of one."""

    strategy: str
    symbol: str
    order: int
    reason: str
    ts_event: int
    request: int = 0
    """Not 0: it was the change that was refused; the order or position stays as it is."""
    position: int = 0


class Canceled(Report, frozen=True, gc=False):
    """The order is gone, what was left of it unfilled; `reason` says why."""

    strategy: str
    symbol: str
    order: int
    reason: str
    ts_event: int


class Modified(Report, frozen=True, gc=False):
    """An order, or the exits of a position, are now these."""

    strategy: str
    symbol: str
    order: int
    position: int
    price: float | None
    stop: float | None
    take_profit: float | None
    ts_event: int


class Triggered(Report, frozen=True, gc=False):
    """A stop-limit order has become a limit order."""

    strategy: str
    symbol: str
    order: int
    ts_event: int


class Fill(Report, frozen=True, gc=False):
    """A deal. `entry` is in, out or out_by; a netting position that turns round is an out and an in of one order.

    `profit`, `commission` and `swap` are in the account currency, a cost is negative, and `balance` is the one after
    it. `reason` is order, stop_loss, take_profit, stop_out or close_by. `left` are units of the order that still work.
    """

    strategy: str
    symbol: str
    order: int
    deal: int
    position: int
    side: int
    units: float
    price: float
    entry: str
    profit: float
    commission: float
    balance: float
    reason: str
    ts_event: int
    swap: float = 0.0
    left: float = 0.0


class DealCost(NamedTuple):
    """What a deal cost against the middle of its quote, and its value; in the account currency, a cost is negative.

    Worked out from the quote by who fills, for the books: no event, and nothing is decided on it.
    """

    spread: float = 0.0
    slippage: float = 0.0
    value: float = 0.0


class Swapped(Report, frozen=True, gc=False):
    """Swap that a position accrued at a rollover, in the account currency: paid when it closes."""

    strategy: str
    symbol: str
    position: int
    amount: float
    ts_event: int


class MarginCall(Report, frozen=True, gc=False):
    """The margin level fell to the broker's margin call: equity and margin of that moment."""

    equity: float
    margin: float
    ts_event: int


class Correction(Report, frozen=True, gc=False):
    """The broker sets a negative balance to zero."""

    amount: float
    balance: float
    ts_event: int


class Timer(Event, frozen=True, gc=False):
    """Wake `strategy` at `ts`; a handler returns one dated later than now."""

    strategy: str
    name: str = ""


class Start(Event, frozen=True, gc=False):
    """First frame of a journal: everything needed to run it again."""

    version: int
    name: str
    config: str
    tape: str
    identity: str
    reads: dict[str, str] = {}
    """Digest of each file and series that was read beside the tape, by name."""


class End(Event, frozen=True, gc=False):
    """Last frame of a journal: how the run ended and the digest of all frames before."""

    reason: str
    digest: str


AnyEvent = (
    Quote | Signal | TargetPosition | Denied | Order | Cancel | Modify | CloseBy | Accepted | Rejected | Canceled
    | Modified | Triggered | Fill | Swapped | MarginCall | Correction | Timer | Exits | Start | End
)  # fmt: skip
