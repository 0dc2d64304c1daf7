"""How far each trade went for and against itself while it was open: the prices it could have been closed at.

On quotes every quote from the opening to the closing is looked at, the bid for a long, the ask for a short. On bars a
trade counts the whole range of every bar from the one it opened in up to the one it closed in, and of that one the
open and its own exit: what a bar did before an entry or after an exit inside it cannot be told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.tape import Block, Tape


@dataclass(frozen=True)
class Spans:
    """Trades as columns: int64 ns UTC, index of the symbol on the tape, +1 or -1, prices."""

    opened: np.ndarray
    closed: np.ndarray
    symbol: np.ndarray
    side: np.ndarray
    entry: np.ndarray
    exit: np.ndarray


def source(tape: Tape, frame: str) -> str:
    """What the excursions of this tape are worth, in words."""
    if tape.kind == "quotes":
        return "every quote between opening and closing"
    return f"{frame} bars: whole ranges, of the closing bar the open and the exit; inside one bar nothing is known"


def excursions(tape: Tape, spans: Spans) -> tuple[np.ndarray, np.ndarray]:
    """The best and the worst price of each trade's exit side, float64; its own two prices are among them."""
    best = np.where(spans.side > 0, np.maximum(spans.entry, spans.exit), np.minimum(spans.entry, spans.exit))
    worst = np.where(spans.side > 0, np.minimum(spans.entry, spans.exit), np.maximum(spans.entry, spans.exit))
    quotes = tape.kind == "quotes"
    if not len(best):
        return best, worst
    first, last = spans.opened.min(), spans.closed.max()
    for block in tape.blocks():
        if block.ts_event[0] > last or block.ts[-1] < first:
            continue
        for s in np.unique(spans.symbol).tolist():
            mine = np.flatnonzero(block.symbol == s)
            if not len(mine):
                continue
            at = np.maximum.accumulate(block.ts_event[mine])  # a late record counts where it came
            asked = np.flatnonzero((spans.symbol == s) & (spans.opened <= at[-1]) & (spans.closed >= at[0]))
            lo = np.searchsorted(at, spans.opened[asked], "left")
            hi = np.searchsorted(at, spans.closed[asked], "right" if quotes else "left")
            for side in (1, -1):
                high, low = edges(block, mine, side)
                these = spans.side[asked] == side
                top, bottom = extremes(high, low, lo[these], hi[these])
                if not quotes:
                    opens = block.open[mine] if side > 0 else block.open[mine] + block.spread[mine]
                    here = hi[these] < len(mine)
                    met = here & (at[np.minimum(hi[these], len(mine) - 1)] == spans.closed[asked[these]])
                    met &= spans.closed[asked[these]] > spans.opened[asked[these]]
                    last_open = np.where(met, opens[np.minimum(hi[these], len(mine) - 1)], np.nan)
                    top, bottom = np.fmax(top, last_open), np.fmin(bottom, last_open)
                good, bad = (top, bottom) if side > 0 else (bottom, top)
                k = asked[these]
                best[k] = side * np.fmax(side * best[k], side * good)
                worst[k] = side * np.fmin(side * worst[k], side * bad)
    return best, worst


def edges(block: Block, mine: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Highest and lowest price of the exit side in each record."""
    if "bid" in block.columns:
        price = (block.bid if side > 0 else block.ask)[mine]
        return price, price
    up = 0.0 if side > 0 else block.spread[mine]
    return block.high[mine] + up, block.low[mine] + up


def extremes(high: np.ndarray, low: np.ndarray, lo: np.ndarray, hi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """max(high[lo:hi]) and min(low[lo:hi]) for each pair; NaN where it is empty."""
    top, bottom = np.full(len(lo), np.nan), np.full(len(lo), np.nan)
    whole = (lo == 0) & (hi == len(high))
    if whole.any():  # a position held for long would read every block again for each of its kind
        top[whole], bottom[whole] = high.max(), low.min()
    some = np.flatnonzero((lo < hi) & ~whole)
    for k in some.tolist():
        top[k], bottom[k] = high[lo[k] : hi[k]].max(), low[lo[k] : hi[k]].min()
    return top, bottom
