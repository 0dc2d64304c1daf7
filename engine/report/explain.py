"""Why a trade happened: the chain of events behind it, read from the journal.

Every frame names the frame that caused it (`cause`, 0: came from outside), so the way back from a fill is

    Fill (by its order's id) -> Order -> TargetPosition (and the risk rules it passed) -> Signal -> what woke it

An exit by stop-loss, take-profit or stop-out ends at the entry's order: the venue filled it, nobody decided anew; what
changed the order or the position on the way, and the margin call before a stop-out, stand between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, TypeVar

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


AnyFrame = TypeVar("AnyFrame", bound=Frame)


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
    told = Told(frames)
    return told.of(told.deals(trade, position))


class Told:
    """What a journal holds, sorted once so that one trade after the other can be asked about."""

    def __init__(self, frames: Iterable[Frame]) -> None:
        self.kept: dict[int, Frame] = {}
        self.exits: list[Frame] = []
        self.fills: dict[int, list[Frame]] = {}
        self.orders: dict[int, Frame] = {}
        self.changes: dict[tuple[str, int], list[Frame]] = {}
        self.calls: list[Frame] = []
        for frame in frames:
            event = frame.event
            if isinstance(event, Quote):
                continue
            self.kept[frame.seq] = frame
            if isinstance(event, Fill):
                self.fills.setdefault(event.position, []).append(frame)
                self.exits += [frame] if event.entry in ("out", "out_by") else []
            elif isinstance(event, Order) and event.id:
                self.orders[event.id] = frame
            elif isinstance(event, MarginCall):
                self.calls.append(frame)
            elif isinstance(event, Modify | Modified | Triggered):
                position = 0 if isinstance(event, Triggered) else event.position
                for key in (("order", event.order), ("position", position)):
                    self.changes.setdefault(key, []).append(frame)
            elif isinstance(event, CloseBy):
                for position in (event.position, event.by):
                    self.changes.setdefault(("close_by", position), []).append(frame)

    def deals(self, trade: int | None, position: int | None = None) -> list[Frame]:
        """The deals of a trade or of a position; NotFound."""
        if trade is None:
            if not self.fills.get(position or 0):
                raise NotFound(f"the journal holds no deal of position {position}")
            return self.fills[position or 0]
        if not 1 <= trade <= len(self.exits):
            known = f"its trades are 1 to {len(self.exits)}" if self.exits else "it holds no closed trade"
            raise NotFound(f"the journal holds no trade {trade}: {known}")
        last = self.exits[trade - 1]
        assert isinstance(last.event, Fill)
        mine = self.fills[last.event.position]
        return [*(f for f in mine if isinstance(f.event, Fill) and f.event.entry == "in" and f.seq < last.seq), last]

    def of(self, deals: list[Frame]) -> list[Step]:
        """What led to these deals, step by step."""
        seen: dict[int, Step] = {}
        for frame in deals:
            fill = frame.event
            assert isinstance(fill, Fill)
            asked = self._closing(frame, fill) if fill.reason == "close_by" else self.orders.get(fill.order)
            if asked is not None and fill.reason not in VENUE_EXITS:
                _climb(asked, self.kept, seen)
            seen[frame.seq] = _step(frame)
        for frame in self._between(deals):
            _climb(frame, self.kept, seen)
        return [step for _, group in sorted(_with_risk(seen, self.kept).items()) for step in group]

    def _closing(self, deal: Frame, fill: Fill) -> Frame | None:
        """What asked for this deal of a close-by: the last such wish before it that names the position."""
        asked = [f for f in self.changes.get(("close_by", fill.position), ()) if f.seq < deal.seq]
        return asked[-1] if asked else None

    def _between(self, deals: list[Frame]) -> list[Frame]:
        """What changed the orders and the position behind these deals, up to the last of them.

        Before a stop-out also the last margin call.
        """
        fills = [f.event for f in deals if isinstance(f.event, Fill)]
        keys = [("order", fill.order) for fill in fills if fill.order] + [("position", f.position) for f in fills]
        last = deals[-1].seq
        found = {f.seq: f for key in dict.fromkeys(keys) for f in self.changes.get(key, ()) if f.seq <= last}
        calls = [f for f in self.calls if f.seq <= last][-1:] if fills[-1].reason == "stop_out" else []
        return [frame for _, frame in sorted(found.items())] + calls


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


def climb(frame: AnyFrame, kept: Mapping[int, AnyFrame]) -> Iterator[AnyFrame]:
    """This frame and what caused it, up to the outside; a cause that is not in the journal ends the way."""
    at: AnyFrame | None = frame
    while at is not None:
        yield at
        at = kept.get(at.cause) if at.cause < at.seq else None


def _climb(frame: Frame, kept: dict[int, Frame], seen: dict[int, Step]) -> None:
    for at in climb(frame, kept):
        if at.seq in seen:
            return
        seen[at.seq] = _step(at)


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
