"""Why a trade happened: the chain of events behind it, read from the journal.

Every frame names the frame that caused it (`cause`, 0: came from outside), so the way back from a fill is

    Fill (by its order's id) -> Order -> TargetPosition (and the risk rules it passed) -> Signal -> what woke it

An exit by stop-loss or take-profit ends at the entry's order: the venue filled it, nobody decided anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import msgspec

from engine.core.clock import iso
from engine.core.errors import NotFound
from engine.core.events import Canceled, Denied, Event, Fill, Order, Quote, Rejected, Signal, TargetPosition, Timer


class Frame(Protocol):
    """A journal's frame: its number, the number of the frame that caused it, and the event."""

    @property
    def seq(self) -> int: ...
    @property
    def cause(self) -> int: ...
    @property
    def event(self) -> Event: ...


class Step(msgspec.Struct, frozen=True):
    """One link: journal frame, time (int64 ns UTC), what it is (signal, risk, target, order, fill, ...), in words."""

    seq: int
    ts: int
    kind: str
    text: str


VENUE_EXITS = ("stop_loss", "take_profit")


def chain(frames: Iterable[Frame], *, trade: int | None = None, position: int | None = None) -> list[Step]:
    """Everything that led to a trade (counted from 1 in the order of closing deals) or made a position.

    In time order: decision and deal of each entry, then of the exit. A trade shows the entries before it and its own
    exit, a position all of its deals. Raises NotFound when the journal holds no such trade or position.
    """
    if (trade is None) == (position is None):
        raise ValueError("name either a trade or a position")
    kept = {f.seq: f for f in frames if not isinstance(f.event, Quote)}
    fills = [f for f in kept.values() if isinstance(f.event, Fill)]
    wanted = _deals(fills, trade, position)
    orders = {f.event.id: f for f in kept.values() if isinstance(f.event, Order) and f.event.id}
    seen: dict[int, Step] = {}
    for frame in wanted:
        fill = frame.event
        assert isinstance(fill, Fill)
        order = orders.get(fill.order)
        if order is not None and fill.reason not in VENUE_EXITS:
            _climb(order, kept, seen)
        seen[frame.seq] = _step(frame)
    return [step for _, group in sorted(_with_risk(seen, kept).items()) for step in group]


def decided_at(frames: Iterable[Frame], ts: int) -> list[Step]:
    """What was decided at one moment (ns UTC), refusals included, and what came of it; empty when nothing was."""
    seen: dict[int, Step] = {}
    kept: dict[int, Frame] = {}
    for frame in frames:
        decided = isinstance(frame.event, (Signal, TargetPosition, Denied, Order)) and frame.event.ts == ts
        if decided or frame.cause in seen:
            kept[frame.seq], seen[frame.seq] = frame, _step(frame)
    return [step for _, group in sorted(_with_risk(seen, kept).items()) for step in group]


def text(steps: list[Step]) -> str:
    """The chain as lines for the terminal: time, kind, words."""
    wide = max((len(step.kind) for step in steps), default=0)
    times = [iso(step.ts) for step in steps]
    far = max(map(len, times), default=0)
    return "\n".join(f"{t:<{far}}  {s.kind:<{wide}}  {s.text}" for t, s in zip(times, steps, strict=True))


def _deals(fills: list[Frame], trade: int | None, position: int | None) -> list[Frame]:
    if trade is None:
        mine = [f for f in fills if _position(f) == position]
        if not mine:
            raise NotFound(f"the journal holds no deal of position {position}")
        return mine
    exits = [f for f in fills if _entry(f) == "out"]
    if not 1 <= trade <= len(exits):
        known = f"its trades are 1 to {len(exits)}" if exits else "it holds no closed trade"
        raise NotFound(f"the journal holds no trade {trade}: {known}")
    last = exits[trade - 1]
    entries = [f for f in fills if _position(f) == _position(last) and _entry(f) == "in" and f.seq < last.seq]
    return [*entries, last]


def _position(frame: Frame) -> int:
    return frame.event.position if isinstance(frame.event, Fill) else 0


def _entry(frame: Frame) -> str:
    return frame.event.entry if isinstance(frame.event, Fill) else ""


def _climb(frame: Frame, kept: dict[int, Frame], seen: dict[int, Step]) -> None:
    """This frame and what caused it, up to the outside; a cause that is not in the journal ends the way."""
    at: Frame | None = frame
    while at is not None and at.seq not in seen:
        seen[at.seq] = _step(at)
        at = kept.get(at.cause) if at.cause < at.seq else None


def _with_risk(seen: dict[int, Step], kept: dict[int, Frame]) -> dict[int, list[Step]]:
    """Steps by frame; before a target stands the step of the risk rules it passed."""
    out: dict[int, list[Step]] = {}
    for seq, step in seen.items():
        event = kept[seq].event
        passed = event.passed if isinstance(event, TargetPosition) else ""
        rules = [Step(seq, step.ts, "risk", f"passed {passed}")] if passed else []
        out[seq] = [*rules, step]
    return out


def _step(frame: Frame) -> Step:
    kind, words = say(frame.event)
    return Step(frame.seq, frame.event.ts, kind, words)


def say(event: Event) -> tuple[str, str]:
    """An event in a trader's words: its kind and a sentence.

    >>> say(Signal(0, "cross", "EURUSD", 1.0, stop=1.09))
    ('signal', 'cross wants EURUSD long (1), stop 1.09')
    """
    match event:
        case Signal():
            way = "long" if event.strength > 0 else "short" if event.strength < 0 else "flat"
            strength = f" ({event.strength:g})" if event.strength else ""
            return "signal", f"{event.strategy} wants {event.symbol} {way}{strength}{_exits(event)}{_tag(event.tag)}"
        case TargetPosition():
            return "target", f"{event.strategy} may own {event.units:+.12g} units of {event.symbol}{_exits(event)}"
        case Denied():
            return "denied", f"{event.rule}: {event.value:g} against a limit of {event.threshold:g} ({event.symbol})"
        case Order():
            price = "" if event.price is None else f" at {event.price:.12g}"
            closing = f", closing position {event.position}" if event.position else ""
            size = f"{_side(event.side)} {event.units:.12g} units of {event.symbol}"
            return "order", f"{event.id}: {event.kind} {size}{price}{_exits(event)}{closing}"
        case Fill():
            return "fill", _filled(event)
        case Timer():
            return "timer", f"{event.name or 'wake-up'} of {event.strategy}"
        case Rejected() | Canceled():
            return type(event).__name__.lower(), f"order {event.order}: {event.reason}"
    return type(event).__name__.lower(), ""


def _filled(fill: Fill) -> str:
    act = "opened by" if fill.entry == "in" else "closed by"
    cause = fill.reason.replace("_", "-") if fill.reason in VENUE_EXITS else f"order {fill.order}"
    words = f"deal {fill.deal}: {_side(fill.side)} {fill.units:.12g} units of {fill.symbol} at {fill.price:.12g}"
    profit = "" if fill.entry == "in" else f", profit {fill.profit:.12g}"
    when = "" if fill.ts_event == fill.ts else f" (the venue's {iso(fill.ts_event)})"
    return f"{words}{when}, position {fill.position} {act} {cause}{profit}, commission {fill.commission:.12g}"


def _side(side: int) -> str:
    return "buy" if side > 0 else "sell"


def _exits(event: Signal | TargetPosition | Order) -> str:
    stop = "" if event.stop is None else f", stop {event.stop:.12g}"
    return stop + ("" if event.take_profit is None else f", take-profit {event.take_profit:.12g}")


def _tag(tag: str) -> str:
    return f" [{tag}]" if tag else ""
