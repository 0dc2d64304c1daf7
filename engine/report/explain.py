"""Why a trade happened: the chain of events behind it, read from the journal.

Every frame names the frame that caused it (`cause`, 0: came from outside), so the way back from a fill is

    Fill (by its order's id) -> Order -> TargetPosition (and the risk rules it passed) -> Signal -> what woke it

An exit by stop-loss, take-profit or stop-out ends at the entry's order: the venue filled it, nobody decided anew; what
changed the order or the position on the way, and the margin call before a stop-out, stand between.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import msgspec

from engine.core.clock import iso
from engine.core.errors import NotFound
from engine.core.events import (
    Cancel,
    CloseBy,
    Denied,
    Event,
    Fill,
    MarginCall,
    Modified,
    Modify,
    Order,
    Quote,
    Signal,
    TargetPosition,
    Triggered,
)
from engine.report.words import VENUE_EXITS, say


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
        asked = _closing(frame, kept) if fill.reason == "close_by" else orders.get(fill.order)
        if asked is not None and fill.reason not in VENUE_EXITS:
            _climb(asked, kept, seen)
        seen[frame.seq] = _step(frame)
    for frame in _between(wanted, kept):
        _climb(frame, kept, seen)
    return [step for _, group in sorted(_with_risk(seen, kept).items()) for step in group]


DECISIONS = (Signal, TargetPosition, Denied, Order, Cancel, Modify, CloseBy)


def decided_at(frames: Iterable[Frame], ts: int) -> list[Step]:
    """What was decided at one moment (ns UTC), refusals included, and what came of it; empty when nothing was."""
    seen: dict[int, Step] = {}
    kept: dict[int, Frame] = {}
    for frame in frames:
        decided = isinstance(frame.event, DECISIONS) and frame.event.ts == ts
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
    exits = [f for f in fills if _entry(f) in ("out", "out_by")]
    if not 1 <= trade <= len(exits):
        known = f"its trades are 1 to {len(exits)}" if exits else "it holds no closed trade"
        raise NotFound(f"the journal holds no trade {trade}: {known}")
    last = exits[trade - 1]
    entries = [f for f in fills if _position(f) == _position(last) and _entry(f) == "in" and f.seq < last.seq]
    return [*entries, last]


def _closing(deal: Frame, kept: dict[int, Frame]) -> Frame | None:
    """What asked for this deal of a close-by: the last such wish before it that names the position."""
    asked = [
        f for f in kept.values()
        if isinstance(f.event, CloseBy) and f.seq < deal.seq and _position(deal) in (f.event.position, f.event.by)
    ]  # fmt: skip
    return asked[-1] if asked else None


def _between(deals: list[Frame], kept: dict[int, Frame]) -> list[Frame]:
    """What changed the orders and the position behind these deals, up to the last of them, in order.

    Before a stop-out also the last margin call.
    """
    fills = [f.event for f in deals if isinstance(f.event, Fill)]
    orders, positions = {fill.order for fill in fills} - {0}, {fill.position for fill in fills}
    last = deals[-1]
    found, calls = [], []
    for frame in kept.values():
        event = frame.event
        if frame.seq > last.seq:
            break
        if isinstance(event, MarginCall):
            calls = [frame]
        if isinstance(event, Modify | Modified | Triggered):
            position = 0 if isinstance(event, Triggered) else event.position
            found += [frame] if event.order in orders or position in positions else []
    return found + (calls if fills[-1].reason == "stop_out" else [])


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
