"""A tape under stress: wider spreads, always or at times, and records that never arrive.

The bid stays where it was and the ask moves away from it. A record is missed or not by a hash of its symbol and its
venue time, so the same ones are missed however the tape is cut and whatever else is on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from engine.core.config import Config
from engine.core.errors import DataError
from engine.core.instrument import Instrument, instrument
from engine.core.tape import BLOCK, Block, Tape, tape_column
from engine.feeds.events import currencies, release_windows, rollovers
from engine.kernels.draws import MISSED, uniform
from engine.kernels.jit import jit

ROLLOVER = "rollover"


@dataclass(frozen=True)
class Widening:
    """Times in which one symbol's spread is `factor` times as wide."""

    symbol: int
    factor: float
    windows: np.ndarray


@dataclass
class StressedTape:
    """`tape` with every spread times `factor`, wider still in `wide`, and a share `missed` of its records gone."""

    tape: Tape
    digits: tuple[int, ...]
    factor: float = 1.0
    wide: tuple[Widening, ...] = ()
    missed: float = 0.0
    seed: int = 1
    _rows: list[int] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        self.kind, self.symbols = self.tape.kind, self.tape.symbols
        self.keys = np.array([symbol_key(symbol) for symbol in self.symbols], np.int64)
        self.fine = 10.0 ** (np.array(self.digits, np.float64) + 3)

    @property
    def fingerprint(self) -> str:
        told = (self.tape.fingerprint, self.digits, self.factor, self.missed, self.seed if self.missed else 0)
        whole = hashlib.blake2b(repr(told).encode(), digest_size=16)
        for one in self.wide:
            whole.update(repr((one.symbol, one.factor)).encode())
            whole.update(np.ascontiguousarray(one.windows))
        return whole.hexdigest()

    @property
    def notes(self) -> tuple[str, ...]:
        told = [*self.tape.notes]
        if self.factor != 1.0:
            told.append(f"every spread times {self.factor:g}: the ask is moved, the bid is as recorded")
        if self.wide:
            count = sum(len(one.windows) for one in self.wide)
            told.append(
                f"spreads up to {max(w.factor for w in self.wide):g} times as wide in {count} stretches of time"
            )
        if self.missed:
            told.append(f"{self.missed:.2%} of all records are missed, seed {self.seed}")
        return tuple(told)

    @property
    def span(self) -> tuple[int, int]:
        return self.tape.span

    def __len__(self) -> int:
        if not self.missed:
            return len(self.tape)
        if not self._rows:
            self._rows.append(sum(int(self.kept(block).sum()) for block in self.tape.blocks()))
        return self._rows[0]

    def blocks(self, size: int = BLOCK) -> Iterator[Block]:
        for block in self.tape.blocks(size):
            if len(found := self.stressed(block)):
                yield found

    def stressed(self, block: Block) -> Block:
        """One block of the tape, cut anywhere, as it is under stress."""
        columns = {name: getattr(block, name) for name in block.columns}
        factor = self.factors(block)
        if (factor != 1.0).any():
            fine = self.fine[block.symbol]
            if self.kind == "quotes":
                ask = np.round((block.bid + factor * (block.ask - block.bid)) * fine) / fine
                columns["ask"] = tape_column("ask", np.where(factor == 1.0, block.ask, ask))
            else:
                wider = np.round(factor * block.spread * fine) / fine
                columns["spread"] = tape_column("spread", np.where(factor == 1.0, block.spread, wider))
        if self.missed and not (kept := self.kept(block)).all():
            columns = {name: tape_column(name, values[kept]) for name, values in columns.items()}
        return Block(**columns)

    def factors(self, block: Block) -> np.ndarray:
        """float64 per record. A bar that a window touches is wide from open to close: it has one spread."""
        factor = np.ones(len(block))
        ends = block.ts_event + 1 if self.kind == "quotes" else block.ts
        for one in self.wide:
            mine = block.symbol == one.symbol
            at = np.searchsorted(one.windows[:, 1], block.ts_event[mine], side="right")
            starts = np.r_[one.windows[:, 0], np.iinfo(np.int64).max]
            inside = starts[at] < ends[mine]
            factor[mine] = np.maximum(factor[mine], np.where(inside, one.factor, 1.0))
        return factor * self.factor

    def kept(self, block: Block) -> np.ndarray:
        """bool per record: it reaches us."""
        found = np.empty(len(block), np.bool_)
        reach(block.ts_event, block.symbol, self.keys, self.seed, self.missed, found)
        return found


@jit
def reach(ts_event, symbol, keys, seed, missed, found):
    """Mark the records that are not missed."""
    for k in range(len(ts_event)):
        found[k] = uniform(seed, MISSED, keys[symbol[k]], ts_event[k]) >= missed


def symbol_key(symbol: str) -> int:
    """A number that stands for a symbol on any tape."""
    return int.from_bytes(hashlib.blake2b(symbol.encode(), digest_size=7).digest())


def stressed(tape: Tape, config: Config) -> Tape:
    """The tape as `[venue]` of a config wants it stressed; the tape itself where it wants nothing or it has been done.

    NotFound for a calendar that is not in the catalogue, DataError where no record would be left.
    """
    venue = config.venue
    if isinstance(tape, StressedTape) or (venue.spread == 1.0 and not venue.widen and not venue.missed):
        return tape
    known = [instrument(symbol, config.instruments) for symbol in tape.symbols]
    wide = tuple(one for s, held in enumerate(known) for one in widenings(config, s, held, *tape.span))
    missed = venue.missed.fraction if venue.missed else 0.0
    found = StressedTape(tape, tuple(i.digits for i in known), venue.spread, wide, missed, config.seed)
    if missed and not len(found):
        raise DataError(f"venue.missed: {venue.missed} leaves no record of this tape")
    return found


def widenings(config: Config, s: int, one: Instrument, first: int, last: int) -> Iterator[Widening]:
    for wish in config.venue.widen:
        before, after = wish.before.ns, wish.after.ns
        if wish.at == ROLLOVER:
            windows = rollovers(one, before, after, first, last)
        else:
            windows, _ = release_windows(wish.at, wish.importance, before, after, currencies(one), hindsight=True)
        if len(windows):
            yield Widening(s, wish.factor, windows)
