"""Two runs side by side: what was set otherwise, what came out otherwise, and the first decision that differs and why.

Both journals are walked together. Where they part, the event of each is shown with what led to it and with the row
that the strategy saw, worked out again from the tape; from what differs before it follows whether the config, the data
or the code is the cause.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgspec

from engine.core.config import Config
from engine.core.errors import OnetapeError
from engine.core.events import Denied, End, Event, Fill, Order, Report, Signal, Start, TargetPosition
from engine.core.instrument import as_recorded
from engine.core.journal import Frame, read
from engine.reads import changed
from engine.replay import Seen, made_of_row, opening, rerun, tape_of
from engine.report.explain import Step, climb
from engine.report.summary import Summary, load_summary
from engine.report.words import say

IDLE = ("name", "report.", "expect.", "run.")
"""Keys of a config on which no decision depends."""
STAGES: tuple[tuple[type[Event] | tuple[type[Event], ...], tuple[str, ...]], ...] = (
    (Signal, ("strategy", "data.")),
    ((TargetPosition, Denied), ("risk.", "account.", "instruments")),
    (Order, ("execution.", "risk.", "strategy")),
    (Report, ("venue.", "account.", "instruments", "seed")),
)
"""Kinds of events, and the sections of a config that decide on them."""


class Setting(msgspec.Struct, frozen=True):
    """One key and its values in both runs; None where it is not there."""

    key: str
    first: Any
    second: Any


class Parting(msgspec.Struct, frozen=True):
    """Where two journals part: after how many equal frames, when (ns UTC), and what each has there.

    `first` and `second` are the events in words ("" where a journal has ended), `fields` those of one kind of event
    that differ. `led` are the steps that led to each, `saw` the row its strategy saw, or why that is not known.
    `causes` holds `config`, `data` or `code`, and `keys` the keys of the config that decide on such an event.
    """

    after: int
    ts: int
    first: str
    second: str
    fields: list[Setting]
    led: tuple[list[Step], list[Step]]
    saw: tuple[str, str]
    causes: list[str]
    keys: list[Setting]


class Comparison(msgspec.Struct, frozen=True):
    """Everything that two runs differ in; `parting` is None where every decision is the same."""

    runs: tuple[str, str]
    config: list[Setting]
    figures: list[Setting]
    tape: tuple[str, str]
    reads: list[str]
    engine: tuple[str, str]
    compared: int
    parting: Parting | None

    @property
    def same(self) -> bool:
        return self.parting is None


def compare(one: Path, two: Path) -> Comparison:
    """Compare two run folders. NotFound without a summary or journal, JournalError where one is damaged."""
    runs = load_summary(one), load_summary(two)
    flat = [flattened(run.config) for run in runs]
    figures = [dict(run.figures) for run in runs]
    settings = differing(*flat)
    lanes = {table.get("run.lane") for table in flat}
    kinds: type[Event] | tuple[type[Event], ...] = Fill if "compiled" in lanes else Event
    compared, pair = first_difference(frames(one, kinds), frames(two, kinds))
    parting = parted(compared, pair, (one, two), runs, settings) if pair else None
    return Comparison(
        (str(one), str(two)), settings, differing(*figures), (runs[0].tape, runs[1].tape),
        changed(runs[0].reads, runs[1].reads), (runs[0].engine, runs[1].engine), compared, parting,
    )  # fmt: skip


def frames(run: Path, kinds: type[Event] | tuple[type[Event], ...]) -> Iterator[Frame]:
    """What was decided and what came of it; a compiled run's journal holds deals only, so of both only deals."""
    path = run / "journal"
    return (f for f in read(path) if isinstance(f.event, kinds) and not isinstance(f.event, Start | End))


Pair = tuple[Frame | None, Frame | None]


def first_difference(one: Iterator[Frame], two: Iterator[Frame]) -> tuple[int, Pair | None]:
    """How many frames are the same, and the first two that are not."""
    encode = msgspec.msgpack.encode
    count = 0
    for a, b in zip_longest(one, two):
        if a is None or b is None or encode(a.event) != encode(b.event):
            return count, (a, b)
        count += 1
    return count, None


def parted(
    after: int, pair: Pair, paths: tuple[Path, Path], runs: tuple[Summary, Summary], settings: list[Setting]
) -> Parting:
    """What is to be said of the first two frames that differ."""
    ts = min(frame.event.ts for frame in pair if frame)
    traced = [cause_of(frame, path) for frame, path in zip(pair, paths, strict=True)]
    leader = next(n for n, frame in enumerate(pair) if frame and frame.event.ts == ts)
    root = traced[leader][1]
    moment, who = (root.ts, (root.strategy, root.symbol)) if root else (ts, None)
    rows = [row_at(path, moment, who) for path in paths]
    a, b = (frame.event if frame else None for frame in pair)
    fields = []
    if a is not None and b is not None and type(a) is type(b):
        fields = differing(msgspec.structs.asdict(a), msgspec.structs.asdict(b))
    return Parting(
        after=after, ts=ts, first=words(a), second=words(b), fields=fields, led=(traced[0][0], traced[1][0]),
        saw=(row_words(rows[0]), row_words(rows[1])), causes=causes(rows, runs, settings),
        keys=of_stage(a if leader == 0 else b, settings),
    )  # fmt: skip


def words(event: Event | None) -> str:
    return " ".join(say(event)) if event else ""


def cause_of(frame: Frame | None, run: Path) -> tuple[list[Step], Signal | Order | None]:
    """The steps up to this frame, and the wish at their root."""
    if frame is None:
        return [], None
    kept = {f.seq: f for f in read(run / "journal") if f.seq <= frame.seq}
    order = getattr(frame.event, "order", 0)
    asked = [f for f in kept.values() if isinstance(f.event, Order) and f.event.id == order] if order else []
    chain = {f.seq: f for start in [*asked, frame] for f in climb(start, kept)}
    found = [f for _, f in sorted(chain.items())]
    roots = [f.event for f in found if made_of_row(f.event, f.cause)]
    root = roots[-1] if roots and isinstance(roots[-1], Signal | Order) else None
    return [Step(f.seq, f.event.ts, *say(f.event)) for f in found], root


@as_recorded()
def row_at(run: Path, ts: int, who: tuple[str, str] | None) -> Seen | str:
    """What the strategy saw at that moment, from the tape once more; in words why that cannot be said."""
    try:
        _, start, _ = opening(run)
        config = Config.from_json(start.config)
        if config.run.lane == "compiled":
            return "a compiled run keeps no rows: onetape explain works them out trade by trade"
        _, rows = rerun(config, tape_of(start, config, None), {ts}, None)
    except OnetapeError as error:
        return str(error)
    mine = [row for row in rows if who is None or row[1:3] == who]
    return mine[-1] if mine else "no row closed at that moment"


def row_words(row: Seen | str) -> str:
    return row if isinstance(row, str) else f"{row[1]} saw {row[2]} {row[3]}: {row[4]}"


def causes(rows: list[Seen | str], runs: tuple[Summary, Summary], settings: list[Setting]) -> list[str]:
    """What may have made the difference, and with the rows at hand what has."""
    found = ["config"] if any(not s.key.startswith(IDLE) for s in settings) else []
    one, two = runs
    other_tape = one.tape != two.tape or bool(changed(one.reads, two.reads))
    other_code = (one.engine, one.code) != (two.engine, two.code)
    seen_alike = not isinstance(rows[0], str) and not isinstance(rows[1], str) and rows[0][4] == rows[1][4]
    if other_tape and not (found and seen_alike):
        found.append("data")
    if other_code or not found:
        found.append("code")
    return found


def of_stage(event: Event | None, settings: list[Setting]) -> list[Setting]:
    """The keys that decide on such an event; where none of them differs, all on which decisions depend."""
    active = [s for s in settings if not s.key.startswith(IDLE)]
    for kinds, sections in STAGES:
        if isinstance(event, kinds):
            return [s for s in active if s.key.startswith(sections)] or active
    return active


def flattened(value: Any, key: str = "") -> dict[str, Any]:
    """A config as dotted keys.

    >>> flattened({"risk": {"size": "1 %"}, "strategy": [{"name": "x"}]})
    {'risk.size': '1 %', 'strategy.0.name': 'x'}
    """
    nested = isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict) for v in value))
    if not nested:
        return {key: value} if key else {}
    items = value.items() if isinstance(value, dict) else ((str(n), v) for n, v in enumerate(value))
    return {k: v for name, inner in items for k, v in flattened(inner, f"{key}.{name}" if key else name).items()}


def differing(one: dict[str, Any], two: dict[str, Any]) -> list[Setting]:
    """Keys whose values differ, in the order of the first."""
    keys = dict.fromkeys([*one, *two])
    return [Setting(key, one.get(key), two.get(key)) for key in keys if one.get(key) != two.get(key)]
