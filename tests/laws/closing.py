"""Bars as the builder makes them, and as the time law reads when written down one quote at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from engine.core.frames import FIXED, FX_DAY, edges, frame_ns
from engine.core.table import Stream
from engine.core.tape import ArrayTape
from engine.feeds.bars import BarBuilder
from engine.setup import bar_builder
from tests.laws.market import DAY, MINUTE
from tests.laws.runs import Pieces, gamble


class Bar(NamedTuple):
    """A closed bar; `known` is its row's ts."""

    known: int
    frame: str
    symbol: str
    start: int
    end: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    spread: float


def builder(
    tape: ArrayTape,
    frames: Sequence[str],
    basis: str = "bid",
    grace: int = 0,
    fill: bool = False,
    day: str = FX_DAY,
    silent: Sequence[str] = (),
) -> BarBuilder:
    """`silent` symbols are on the tape, but nobody asks for their bars."""
    config = gamble(tape.symbols, tape.kind)
    config = replace(config, data=replace(config.data, basis=basis, trading_day=day))
    streams = tuple(Stream(s, f) for f in sorted(frames, key=frame_ns) for s in tape.symbols if s not in silent)
    made = bar_builder(config, tape, streams, 64)
    made.grace, made.fill = grace, fill
    made.__post_init__()
    return made


def build(tape: ArrayTape, frames: Sequence[str], cuts: Pieces = (), ends: int | None = None, **options) -> list[Bar]:
    """Every bar in the order in which it closes; `ends` is a last clock event."""
    made = builder(tape, frames, **options)
    bars: list[Bar] = []

    def take(closed: np.ndarray) -> None:
        for w in closed:
            table = made.tables.tables[w["stream"]]
            c = {name: column[w["row"]].item() for name, column in table.columns.items()}
            values = (c[n] for n in ("open_ts", "end", "open", "high", "low", "close", "volume", "spread"))
            assert c["ts"] == w["ts"]
            bars.append(Bar(c["ts"], table.stream.frame, table.stream.symbol, *values))

    def strike(ts: int) -> None:
        done = False
        while not done:
            made.tables.slide(32)
            done, closed = made.clock(ts)
            take(closed)

    at = 0
    for hi, clocks in (*cuts, (len(tape), () if ends is None else (ends,))):
        block, lo = tape.block.part(at, hi), 0
        while lo < len(block):
            made.tables.slide(32)
            lo, closed = made.feed(block, lo)
            take(closed)
        at = hi
        for ts in clocks:
            strike(ts)
    build.late = made.late
    return bars


def bounds(frame: str, tape: ArrayTape, day: str = FX_DAY) -> np.ndarray:
    first = int(min(tape.block.ts_event.min(), tape.block.ts.min())) - 2 * DAY
    return edges(frame, day, first, int(max(tape.block.ts_event.max(), tape.block.ts.max())) + 8 * DAY)


@dataclass
class Forming:
    symbol: int
    rank: int
    start: int
    end: int
    prices: list[float]
    spread: float = 0.0


def by_the_law(
    tape: ArrayTape, frames: Sequence[str], grace: int = 0, day: str = FX_DAY, silent: Sequence[str] = ()
) -> tuple[list[Bar], int]:
    """The time law, quote by quote: every frame straight from the quotes, nothing shared with the kernel.

    Returns the bars in the order in which they close, and how many quotes came too late for theirs.
    """
    frames = sorted(frames, key=frame_ns)
    grids = [bounds(f, tape, day) for f in frames]
    forming: dict[tuple[int, int], Forming] = {}
    over = dict.fromkeys(range(len(tape.symbols)), -1)
    bars: list[Bar] = []
    late = 0
    b = tape.block
    for ts, event, s, bid, ask in zip(*(c.tolist() for c in (b.ts, b.ts_event, b.symbol, b.bid, b.ask)), strict=True):
        due = []
        for key, x in forming.items():
            if x.end + grace <= ts:
                due.append((x.end + grace, 0, x.rank, x.symbol, key))
            elif x.symbol == s and event >= x.end:
                due.append((ts, 1, x.rank, x.symbol, key))
        for known, _, rank, symbol, key in sorted(due):
            x = forming.pop(key)
            p = x.prices
            made = (p[0], max(p), min(p), p[-1], float(len(p)), x.spread)
            bars.append(Bar(known, frames[rank], tape.symbols[symbol], x.start, x.end, *made))
            if rank == 0:
                over[symbol] = x.end
        if tape.symbols[s] in silent:
            continue
        k = int(np.searchsorted(grids[0], event, "right")) - 1
        if grids[0][k + 1] + grace <= ts or grids[0][k] < over[s] or (
            (s, 0) in forming and event < forming[s, 0].start
        ):  # fmt: skip
            late += 1
            continue
        for rank, grid in enumerate(grids):
            k = int(np.searchsorted(grid, event, "right")) - 1
            x = forming.setdefault((s, rank), Forming(s, rank, int(grid[k]), int(grid[k + 1]), []))
            x.prices.append(bid)
            x.spread = ask - bid
    return bars, late


def as_tape(bars: Sequence[Bar], frame: str, symbols: tuple[str, ...]) -> ArrayTape:
    """The bars of one frame as a tape of bars."""
    mine = sorted((b for b in bars if b.frame == frame), key=lambda b: (b.end, symbols.index(b.symbol)))
    columns = {n: [getattr(b, n) for b in mine] for n in ("open", "high", "low", "close", "volume", "spread")}
    index = [symbols.index(b.symbol) for b in mine]
    return ArrayTape.bars(symbols, ts=[b.end for b in mine], ts_event=[b.start for b in mine], symbol=index, **columns)


__all__ = ["FIXED", "MINUTE", "Bar", "as_tape", "bounds", "build", "builder", "by_the_law"]
