"""Running a session whole or in pieces, and all of what it must agree in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import engine.run
import engine.setup
from engine.core import events as e
from engine.core.config import AccountConfig, Config, DataConfig, ReportConfig, RiskConfig, StrategyConfig, VenueConfig
from engine.core.journal import Journal
from engine.core.quantity import Duration, Fee, Percent, Points, Size, Volume
from engine.core.tape import ArrayTape
from engine.kernels.book import snapshot
from engine.run import Session
from engine.strategy import Strategy
from tests.laws.gambler import Gambler, Watcher
from tests.laws.market import MINUTE, MS, SECOND, SYMBOLS

LATENCIES = (0, MS, 75 * MS, 2 * MINUTE)
REPORTS = (0, 30 * MS, 90 * SECOND)


class Diary(Journal):
    """A journal that also keeps its events."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[tuple[int, int, e.Event]] = []

    def write(self, event: e.Event, cause: int = 0) -> int:
        seq = super().write(event, cause)
        self.frames.append((seq, cause, event))
        return seq


@dataclass(frozen=True)
class Outcome:
    """What two runs of one market must agree in, and what happened in this one."""

    digest: str
    fills: tuple[e.Fill, ...]
    book: bytes
    samples: bytes
    frames: tuple[tuple[int, int, e.Event], ...]
    slides: int
    refused: tuple[str, ...]

    def same(self, other: Outcome) -> bool:
        return not self.differences(other)

    def differences(self, other: Outcome) -> list[str]:
        """Where they part: the first frame that differs, then what else does."""
        found = []
        if self.digest != other.digest:
            pairs = zip(self.frames, other.frames, strict=False)
            first = next((f"{a} against {b}" for a, b in pairs if repr(a) != repr(b)), "one of them goes on")
            found.append(f"digest: {first}")
        found += [name for name in ("fills", "book", "samples") if getattr(self, name) != getattr(other, name)]
        return found

    @property
    def counts(self) -> Counter[str]:
        """How often each thing happened: the proof that nothing here is vacuous."""
        found: Counter[str] = Counter()
        for _, _, event in self.frames:
            kind = type(event).__name__
            found[kind] += 1
            if isinstance(event, e.Fill):
                found[f"fill {event.entry}"] += 1
                found[event.reason] += 1
            if isinstance(event, e.Order):
                found[event.kind] += 1
            if isinstance(event, e.Canceled | e.Rejected):
                found[event.reason] += 1
            if isinstance(event, e.Denied):
                found[event.rule] += 1
        return found


def ns(amount: int) -> Duration:
    return Duration(amount / MS, "ms")


def gamble(
    symbols: Sequence[str] = SYMBOLS,
    kind: str = "quotes",
    mode: str = "hedging",
    latency: int = MS,
    back: int = 30 * MS,
    size: str = "1 % risk",
    drawdown: float | None = 30.0,
) -> Config:
    """A config for three gamblers: two share all symbols on a hedging account; on netting each has its own."""
    shared = tuple(symbols)
    own = [(s,) for s in symbols] if mode == "netting" else [shared, shared, shared[:1]]
    frames = ("M1", "M1", "M5")
    strategies = tuple(
        StrategyConfig(name="gambler", id=f"g{k}", symbols=mine, frame=frame)
        for k, (mine, frame) in enumerate(zip(own, frames, strict=False))
    )
    return Config(
        name="gamble",
        data=DataConfig("memory", (), shared, kind, "M1"),
        account=AccountConfig(mode=mode, balance=50_000.0),
        venue=VenueConfig(ns(latency), ns(back), Points(3.0, "points"), Fee(3.5, "USD per lot")),
        risk=RiskConfig(
            Size.parse(size), Volume(9.0, "lots"), None if drawdown is None else Percent(drawdown, "%"), retries=2
        ),
        strategy=strategies,
        report=ReportConfig(equity=Duration(7.0, "min")),
    )


def gamblers(config: Config, watch: bool = False) -> list[Strategy]:
    """Fresh strategies for `gamble`: the last one sees every quote if `watch`."""
    made: list[Strategy] = []
    for k, one in enumerate(config.strategies):
        kind = Watcher if watch and k == len(config.strategies) - 1 else Gambler
        gambler = kind(seed=k + 1, larger="H1" if one.frame == "M5" or k == 1 else "M5")
        gambler.id = one.id
        made.append(gambler)
    return made


@contextmanager
def small_tables(keep: int = 32, capacity: int = 128) -> Iterator[None]:
    """Tables that slide all the time; `keep` is still more than any look-back."""
    before = engine.run.KEEP, engine.run.ROOM, engine.setup.CAPACITY
    engine.run.KEEP, engine.run.ROOM, engine.setup.CAPACITY = keep, capacity // 4, capacity
    try:
        yield
    finally:
        engine.run.KEEP, engine.run.ROOM, engine.setup.CAPACITY = before


Pieces = Sequence[tuple[int, Sequence[int]]]
"""(where a piece ends, the clock events after it)"""


def play(
    config: Config,
    tape: ArrayTape,
    strategies: list[Strategy],
    pieces: Pieces = (),
    make: Callable[..., Session] = Session,
    grace: int = 0,
    fill: bool = False,
    **options: Any,
) -> Outcome:
    """Feed the tape in these pieces (by default whole), then its end; `grace` is the bar builder's."""
    diary = Diary()
    config = replace(config, data=replace(config.data, fill_gaps=fill))
    session = make(config, tape, strategies, journal=diary, **options)
    session.builder.grace = grace
    session.start()
    lo = 0
    for hi, clocks in (*pieces, (len(tape), ())):
        if hi > lo:
            session.feed(tape.block.part(lo, hi))
        lo = hi
        for ts in clocks:
            session.clock(ts)
    session.clock(tape.span[1])
    run = session.finish(len(tape), 0.0)
    slides = sum(table.dropped for table in session.rows.tables.tables)
    rows = run._result.samples
    samples = b"".join(rows[name].tobytes() for name in rows.dtype.names)
    return Outcome(
        run.digest,
        tuple(run.fills),
        snapshot(session.venue.book),
        samples,
        tuple(diary.frames),
        slides,
        tuple(run.summary.cautions),
    )
