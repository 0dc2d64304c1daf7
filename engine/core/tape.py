"""The tape: columns of market records that grow to the right, handed on in blocks.

A tape holds either quotes or bars. Every column is a C-contiguous, read-only array, so that a memory map,
a synthetic market and a live block of one quote all reach the same compiled code.

    quotes   ts ts_event int64 ns UTC, symbol int16 (index into `symbols`), bid ask float64
    bars     ts (close) ts_event (open) int64 ns UTC, symbol int16, open high low close spread volume float64

Bar prices are bid prices; ask = bid + spread. Records are ordered by (ts, symbol, source order). In history
`ts_event is ts` for quotes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

QUOTE_COLUMNS = ("ts", "ts_event", "symbol", "bid", "ask")
BAR_COLUMNS = ("ts", "ts_event", "symbol", "open", "high", "low", "close", "spread", "volume")
DTYPES = {"ts": np.int64, "ts_event": np.int64, "symbol": np.int16}
BLOCK = 131_072
"""Records per block in history: it fits the cache; 16k and 256k were both slower."""


def tape_column(name: str, values: object) -> np.ndarray:
    """One column in the form every kernel expects; copies only what is not in that form yet."""
    column = np.ascontiguousarray(values, dtype=DTYPES.get(name, np.float64)).view(np.ndarray)
    if column.flags.writeable:
        column = column[:]
        column.flags.writeable = False
    return column


class Block:
    """A stretch of a tape: attribute access to its columns, `len()`, and slices that are blocks."""

    __slots__ = ("columns", "n", *dict.fromkeys(QUOTE_COLUMNS + BAR_COLUMNS))
    ts: np.ndarray
    ts_event: np.ndarray
    symbol: np.ndarray
    bid: np.ndarray
    ask: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    spread: np.ndarray
    volume: np.ndarray

    def __init__(self, **columns: np.ndarray) -> None:
        self.columns = tuple(columns)
        self.n = len(columns["ts"])
        for name, values in columns.items():
            setattr(self, name, values)

    def __len__(self) -> int:
        return self.n

    def part(self, lo: int, hi: int) -> Block:
        return Block(**{name: getattr(self, name)[lo:hi] for name in self.columns})


class Tape(Protocol):
    """What a feed gives to a run: who made it, what is in it, and its records in blocks."""

    @property
    def kind(self) -> str:
        """`quotes` or `bars`."""

    @property
    def symbols(self) -> tuple[str, ...]: ...

    @property
    def fingerprint(self) -> str:
        """Hash over the content: two tapes with one fingerprint hold the same records."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the report must know: assumed spread, source, licence, coarse rates."""

    def __len__(self) -> int: ...

    @property
    def span(self) -> tuple[int, int]:
        """First and last `ts`."""
        ...

    def blocks(self, size: int = BLOCK) -> Iterator[Block]: ...


@dataclass(frozen=True)
class ArrayTape:
    """A tape held in memory: tests, synthetic markets, small files."""

    kind: str
    symbols: tuple[str, ...]
    block: Block
    notes: tuple[str, ...] = ()
    source: str = "memory"
    _fingerprint: list[str] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def quotes(cls, symbols: tuple[str, ...], **columns: object) -> ArrayTape:
        """Quotes from arrays; `ts_event` defaults to `ts`."""
        block = {name: tape_column(name, values) for name, values in columns.items()}
        block.setdefault("ts_event", block["ts"])
        return cls("quotes", symbols, Block(**{n: block[n] for n in QUOTE_COLUMNS}))

    @classmethod
    def bars(cls, symbols: tuple[str, ...], notes: tuple[str, ...] = (), **columns: object) -> ArrayTape:
        block = {name: tape_column(name, values) for name, values in columns.items()}
        return cls("bars", symbols, Block(**{n: block[n] for n in BAR_COLUMNS}), notes)

    @property
    def fingerprint(self) -> str:
        if not self._fingerprint:
            self._fingerprint.append(fingerprint(self))
        return self._fingerprint[0]

    def __len__(self) -> int:
        return len(self.block)

    @property
    def span(self) -> tuple[int, int]:
        return int(self.block.ts[0]), int(self.block.ts[-1])

    def blocks(self, size: int = BLOCK) -> Iterator[Block]:
        for lo in range(0, len(self.block), size):
            yield self.block.part(lo, min(lo + size, len(self.block)))


def fingerprint(tape: Tape) -> str:
    """blake2b over kind, symbols and every column, independent of how the tape is cut into blocks."""
    import hashlib

    names = QUOTE_COLUMNS if tape.kind == "quotes" else BAR_COLUMNS
    hashes = {name: hashlib.blake2b(digest_size=16) for name in names}
    for block in tape.blocks():
        for name in names:
            hashes[name].update(getattr(block, name))
    whole = hashlib.blake2b(repr((tape.kind, tape.symbols)).encode(), digest_size=16)
    for name in names:
        whole.update(hashes[name].digest())
    return whole.hexdigest()
