"""Events: immutable facts with a time stamp, one frozen struct each.

`ts` is int64 nanoseconds UTC, when *we* knew; `ts_event` is the venue's time. `side` is +1 or -1.
`units` are units of the base (lots x contract size), always positive, the direction is in `side`.
Prices that are not set are None. On disk an event is a tagged MessagePack array.
"""

from __future__ import annotations

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


class Denied(Event, frozen=True, gc=False):
    """Our own no: which rule, the value it saw and the threshold it holds."""

    strategy: str
    symbol: str
    rule: str
    value: float
    threshold: float


class Order(Event, frozen=True, gc=False):
    """How to get there. `kind` is market, limit or stop; `position` names the one it closes (0: none).

    A strategy that manages its own orders returns them with `id` 0; risk numbers what it lets through.
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


class Cancel(Event, frozen=True, gc=False):
    """Ask the venue to take a resting order back."""

    strategy: str
    order: int


class Accepted(Event, frozen=True, gc=False):
    """The venue holds the order."""

    strategy: str
    symbol: str
    order: int
    ts_event: int


class Rejected(Event, frozen=True, gc=False):
    """The venue's no."""

    strategy: str
    symbol: str
    order: int
    reason: str
    ts_event: int


class Canceled(Event, frozen=True, gc=False):
    """The order is gone unfilled; `reason` is canceled or expired."""

    strategy: str
    symbol: str
    order: int
    reason: str
    ts_event: int


class Fill(Event, frozen=True, gc=False):
    """A deal. `entry` is in or out; a netting position that turns round is an out and an in of one order.

    `profit` and `commission` are in the account currency, a cost is negative, and `balance` is the one after it.
    `reason` is order, stop_loss or take_profit.
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


class End(Event, frozen=True, gc=False):
    """Last frame of a journal: how the run ended and the digest of all frames before."""

    reason: str
    digest: str


AnyEvent = (
    Quote | Signal | TargetPosition | Denied | Order | Cancel | Accepted | Rejected | Canceled
    | Fill | Timer | Start | End
)  # fmt: skip
