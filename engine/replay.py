"""Back through a journal: run it again and compare every decision, or look at what a strategy saw at a bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from engine.core.config import Config, RunConfig
from engine.core.errors import JournalError, OnetapeError, Refused
from engine.core.events import End, Event, Start
from engine.core.journal import Frame, Journal, read
from engine.core.tape import Tape
from engine.run import Session, make_strategies, open_config_tape

Progress = Callable[[int, int], None]


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


def same(a: Event, b: Event) -> bool:
    """Equal as they stand on disk, so that NaN equals NaN."""
    return msgspec.msgpack.encode(a) == msgspec.msgpack.encode(b)


def opening(path: Path) -> tuple[Path, Start, Iterator[Frame]]:
    """The journal of a run folder (or the file itself), its first frame, and the rest."""
    journal = path / "journal" if path.is_dir() else path
    frames = read(journal)
    first = next(frames, None)
    if first is None or not isinstance(first.event, Start):
        raise JournalError(f"{journal} does not say what was run: it has no first frame")
    return journal, first.event, frames


def tape_of(start: Start, config: Config, data: Tape | None) -> Tape:
    tape = data if data is not None else open_config_tape(config)
    if tape.fingerprint != start.tape:
        raise Refused(
            f"the tape has changed since the run: its fingerprint was {start.tape}, now {tape.fingerprint}; a replay"
            " would compare different markets"
        )
    return tape


def replay(path: Path, data: Tape | None = None, progress: Progress | None = None) -> Replay:
    """Run what a journal says was run, on the same tape, and compare every decision with what it recorded.

    Raises NotFound without a journal, JournalError if it is damaged, Refused if the tape has changed since.
    """
    _, start, frames = opening(path)
    config = Config.from_json(start.config)
    journal = Comparing(frames)
    session = Session(config, tape_of(start, config, data), make_strategies(config), journal=journal)
    try:
        _ = session.run(progress).digest  # asked for, so that the run is worked out to its last frame
    except Difference as difference:
        return Replay(False, journal.compared, str(difference))
    left = next(frames, None)
    if left is not None:
        return Replay(False, journal.compared, f"the journal goes on with {left.event}, the replay has ended")
    return Replay(True, journal.compared, None)


def rows_at(path: Path, moments: set[int], data: Tape | None = None) -> list[tuple[str, Any]]:
    """(strategy, row) for every row that closed at one of these moments (ns UTC): what the strategies saw.

    Rows are derived, so a journal does not hold them: they are computed again from the same tape.
    """
    _, start, _ = opening(path)
    config = Config.from_json(start.config)
    config = replace(config, run=RunConfig(block=config.run.block))
    session = Session(config, tape_of(start, config, data), make_strategies(config))
    session.rows.watched = set(moments)
    session.start()
    for block in session.tape.blocks(config.run.block):
        if not moments or int(block.ts[0]) > max(moments):
            break
        session.feed(block)
    session.clock(min(session.tape.span[1], max(moments, default=0)))
    return session.rows.seen


def row_text(row: Any) -> str:
    """A row's values in one line."""
    values = ((name, getattr(row, name)) for name in row.__struct_fields__ if name not in ("ts", "symbol"))
    return f"{row.symbol} " + ", ".join(f"{name} {value:.10g}" for name, value in values)


def explain(path: Path, trade: int | None = None, bar: int | None = None, data: Tape | None = None) -> list[Any]:
    """Why a trade happened, or what was seen and decided at a bar's close: steps from the row to the deal."""
    from engine.report.explain import Step, chain, decided_at

    journal, _, _ = opening(path)
    steps = chain(read(journal), trade=trade) if bar is None else decided_at(read(journal), bar)
    moments = {bar} if bar is not None else {step.ts for step in steps if step.kind == "signal"}
    seen = [Step(0, row.ts, "row", f"{strategy} saw {row_text(row)}") for strategy, row in rows_at(path, moments, data)]
    if bar is not None and not seen and not steps:
        raise OnetapeError("no bar of this run closed then: give a bar's close (its open plus its length), in UTC")
    return sorted([*seen, *steps], key=lambda step: (step.ts, step.seq))
