"""Back through a journal: run it again and compare every decision, or say what a strategy saw and why it traded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeGuard

import msgspec
import numpy as np

from engine.core.clock import iso
from engine.core.config import Config
from engine.core.errors import JournalError, NotFound, Refused
from engine.core.events import End, Event, Fill, Order, Signal, Start
from engine.core.instrument import as_recorded
from engine.core.journal import Frame, Journal, as_stored, read
from engine.core.table import STAMPS
from engine.core.tape import Tape
from engine.feeds.stressed import stressed
from engine.reads import changed
from engine.report.explain import Step, chain, decided_at
from engine.run import Session, make_strategies, open_config_tape
from engine.strategy import Strategy

Progress = Callable[[int, int], None]
Strategies = Sequence[Strategy] | None


@dataclass(frozen=True)
class Replay:
    """How a replay went: whether all was equal, how many frames were compared, and the first difference."""

    ok: bool
    compared: int
    difference: str | None


class Difference(Exception):
    """The replay decided otherwise; nothing after it is worth comparing."""


class Comparing(Journal):
    """A journal that writes nothing and holds each frame against the one recorded."""

    def __init__(self, recorded: Iterator[Frame]) -> None:
        super().__init__()
        self.recorded = recorded
        self.compared = 0

    def write(self, event: Event, cause: int = 0) -> int:
        seq = super().write(event, cause)
        if isinstance(event, Start):
            return seq
        frame = next(self.recorded, None)
        if frame is None:
            raise Difference(f"the journal ends before frame {seq}, the replay goes on with {event}")
        if isinstance(event, End) and isinstance(frame.event, End):
            event = End(event.ts, frame.event.reason, event.digest)
        if (frame.seq, frame.cause) != (seq, cause) or not same(frame.event, event):
            raise Difference(f"frame {seq}: recorded {frame.event}, now {event}")
        self.compared += 1
        return seq


class Telling(Journal):
    """A journal in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[Frame] = []

    def write(self, event: Event, cause: int = 0) -> int:
        seq = super().write(event, cause)
        self.frames.append(Frame(seq, cause, event))
        return seq


def same(recorded: Event, now: Event) -> bool:
    """Equal as they stand on disk, so that NaN equals NaN."""
    return msgspec.msgpack.encode(recorded) == msgspec.msgpack.encode(as_stored(now))


def opening(path: Path) -> tuple[Path, Start, Iterator[Frame]]:
    """The journal of a run folder (or the file itself), its first frame, and the rest."""
    journal = path / "journal" if path.is_dir() else path
    frames = read(journal)
    first = next(frames, None)
    if first is None or not isinstance(first.event, Start):
        raise JournalError(f"{journal} does not say what was run: it has no first frame")
    return journal, first.event, frames


def tape_of(start: Start, config: Config, data: Tape | None) -> Tape:
    if data is None and config.data.source == "memory":
        raise NotFound("the run's tape was in memory and is not on disk: hand it in as `data`")
    tape = open_config_tape(config) if data is None else stressed(data, config)
    if tape.fingerprint != start.tape:
        raise Refused(
            f"the tape has changed since the run: its fingerprint was {start.tape}, now {tape.fingerprint}; a replay"
            " would compare different markets"
        )
    return tape


def made(config: Config, strategies: Strategies) -> Sequence[Strategy]:
    """Fresh strategies: copies of those handed in, or what the config names."""
    if strategies is None:
        return make_strategies(config)
    copies = deepcopy(strategies)
    for one, copy in zip(config.strategies, copies, strict=True):
        copy.id = one.id
    return copies


@as_recorded()
def replay(
    path: Path,
    data: Tape | None = None,
    progress: Progress | None = None,
    strategies: Strategies = None,
) -> Replay:
    """Run what a journal says was run, on the same tape, and compare every decision with what it recorded.

    `data` and `strategies` are needed where a run was made of objects that no file holds. Raises NotFound without a
    journal, JournalError if it is damaged, Refused if the tape has changed since.
    """
    _, start, frames = opening(path)
    config = Config.from_json(start.config)
    journal = Comparing(frames)
    session = Session(config, tape_of(start, config, data), made(config, strategies), journal=journal)
    try:
        _ = session.run(progress).digest  # asked for, so that the run is worked out to its last frame
    except Difference as difference:
        return Replay(False, journal.compared, f"{difference}{since(start, session)}")
    left = next(frames, None)
    if left is not None:
        found = f"the journal goes on with {left.event}, the replay has ended{since(start, session)}"
        return Replay(False, journal.compared, found)
    return Replay(True, journal.compared, None)


def since(start: Start, session: Session) -> str:
    """What else was read then and is not the same now: it may be why the replay differs."""
    names = changed(start.reads, session.reads)
    return f"; changed since the run: {', '.join(names)}" if names else ""


@as_recorded()
def explain(
    path: Path,
    trade: int | None = None,
    bar: int | None = None,
    data: Tape | None = None,
    strategies: Strategies = None,
) -> list[Step]:
    """Why a trade happened, or what was seen and decided at a bar's close (ns UTC): steps from the row to the deal.

    `data` and `strategies` as in `replay`. NotFound for a trade that is not there, and for a moment at which no bar
    closed.
    """
    journal, start, _ = opening(path)
    config = Config.from_json(start.config)
    frames = list(read(journal))
    tape = tape_of(start, config, data)
    if config.run.lane == "compiled":
        config, frames = retold(config, tape, frames, strategies)
    if bar is not None:
        return [*at_close(config, tape, bar, strategies), *decided_at(frames, bar)]
    steps = chain(frames, trade=trade)
    mine = {step.seq for step in steps}
    signals = {f.seq: f.event for f in frames if f.seq in mine and made_of_row(f.event, f.cause)}
    _, rows = rerun(config, tape, {s.ts for s in signals.values()}, strategies)
    seen = {row[:3]: steps_of(*row) for row in rows}
    found: list[Step] = []
    for step in steps:
        if (signal := signals.get(step.seq)) and (row := seen.get((signal.ts, signal.strategy, signal.symbol))):
            found += row
        found.append(step)
    return found


def made_of_row(event: Event, cause: int) -> TypeGuard[Signal | Order]:
    """Is it what a strategy made of a row: a wish, or an order of its own?"""
    return isinstance(event, Signal) or (isinstance(event, Order) and not cause)


def retold(config: Config, tape: Tape, recorded: Iterable[Frame], strategies: Strategies) -> tuple[Config, list[Frame]]:
    """What the Python lane has to say of a compiled run, whose journal holds deals and rejections only.

    Refused when the Python lane makes other deals: then it is no witness.
    """
    config = replace(config, run=replace(config.run, lane="python"))
    journal = Telling()
    Session(config, tape, made(config, strategies), journal=journal).run().settle()
    theirs = [f.event for f in recorded if isinstance(f.event, Fill)]
    ours = [f.event for f in journal.frames if isinstance(f.event, Fill)]
    if len(ours) != len(theirs) or not all(map(same, ours, theirs)):
        raise Refused(
            "a compiled run's journal holds no signals, and run again in the Python lane it makes other deals:"
            " what led to them cannot be said"
        )
    return config, journal.frames


Seen = tuple[int, str, str, str, str, str]
"""A row that a strategy saw: ts, strategy, symbol, frame, its values in words, and why it decided as it did."""


def rerun(config: Config, tape: Tape, moments: set[int], strategies: Strategies) -> tuple[Session, list[Seen]]:
    """The session up to the last of these moments (ns UTC), and the rows that strategies saw at them.

    Rows are derived, so a journal does not hold them: they are computed again from the same tape.
    """
    session = Session(config, tape, made(config, strategies))
    session.rows.watched = set(moments)
    reasons = ask_why(session, moments)
    last = max(moments, default=tape.span[0])
    session.start()
    for block in tape.blocks(config.run.block):
        known = int(np.searchsorted(block.ts, last, "right"))
        session.feed(block.part(0, known))
        if known < len(block):
            break
    session.clock(min(last, tape.span[1]))
    frames = {one.id: one.frame for one in config.strategies}
    return session, [
        (row.ts, name, row.symbol, frames[name], row_text(row), reasons.get((row.ts, name, row.symbol), ""))
        for name, row in session.rows.seen
    ]


def ask_why(session: Session, moments: set[int]) -> dict[tuple[int, str, str], str]:
    """Has every strategy asked why, right after it saw a row of these moments; the answers, as they come in."""
    reasons: dict[tuple[int, str, str], str] = {}
    strategies = {made.id: made for made in session.strategies}

    def asking(made: Strategy, handler: Callable[..., Any]) -> Callable[..., Any]:
        def call(row: Any, *history: Any) -> Any:
            result = handler(row, *history)
            if row.ts in moments:
                reasons[row.ts, made.id, row.symbol] = made.why(row.symbol)
            return result

        return call

    for one in session.rows.subscriptions:
        one.handler = asking(strategies[one.strategy], one.handler)
    return reasons


def row_text(row: Any) -> str:
    """A row's values in one line."""
    values = ((name, getattr(row, name)) for name in row.__struct_fields__ if name not in ("symbol", *STAMPS))
    return ", ".join(f"{name} {value:.10g}" for name, value in values)


def steps_of(ts: int, strategy: str, symbol: str, frame: str, text: str, why: str) -> list[Step]:
    row = Step(0, ts, "row", f"{strategy} saw {symbol} {frame}: {text}")
    return [row, Step(0, ts, "why", f"{strategy}: {why}")] if why else [row]


def at_close(config: Config, tape: Tape, bar: int, strategies: Strategies) -> list[Step]:
    """What strategies saw at one close, and which of them were still warming up; NotFound when no bar closed then."""
    session, rows = rerun(config, tape, {bar}, strategies)
    steps = [step for row in rows for step in steps_of(*row)]
    awake = {row[1:3] for row in rows}
    before: list[int] = []
    for one in session.rows.subscriptions:
        table = one.view.table
        closes = table.columns["ts"][: table.n]
        if (one.strategy, table.stream.symbol) not in awake and bar in closes:
            need = f"{one.view.plan.warmup + 1} bars"
            told = (
                f"{one.strategy} saw nothing of {table.stream.symbol} {table.stream.frame} yet: it needs {need} first"
            )
            steps.append(Step(0, bar, "row", told))
        before += closes[closes < bar][-1:].tolist()
    if not steps:
        near = f": the last before it closed at {iso(max(before))}" if before else ""
        raise NotFound(f"no bar that a strategy of this run waits for closed at {iso(bar)}{near}")
    return steps
