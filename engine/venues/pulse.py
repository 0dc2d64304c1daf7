"""What slippage remembers of the market, for every record of a block: how it moved and traded up to the one before.

The venue passes over most records without a look, so this memory is made in a pass of its own over the block's
columns; the state carried along makes it the same wherever the tape is cut. Only runs whose slippage reads it need it.
"""

from __future__ import annotations

import math

import numpy as np

from engine.core.tape import Block
from engine.kernels.jit import entry, part

_i, _f = np.int64, np.float64
PULSE = np.dtype([
    ("half_life", _f), ("lots", _f), ("per_record", _f), ("per_day", _f),
    ("ts", _i), ("mid", _f), ("squares", _f), ("seconds", _f), ("volume", _f), ("traded", _f), ("open", _f),
], align=True)  # fmt: skip
"""One symbol's memory.

half_life   seconds after which what was seen counts half (of bars at least ten of them)
lots        lots in one unit of the tape's volume, 0: it counts nothing usable
per_record, per_day   lots that trade as stated, NaN: what the tape says counts
squares, seconds      of log mid changes, and the time they took; both fade alike, so variance = squares / seconds
volume, traded, open  of the record before; fading sums of lots and of the seconds in which they traded
"""
CLOSED = np.int64(3_600 * 10**9)
"""ns without a quote after which the market was closed: the gap is no volatility of an open market."""
LEAST_BARS = 10.0


def pulse_of(block: Block, kind: str, state: np.ndarray) -> np.ndarray:
    """float64[n, 3] for the n records of a block: what was known of each record's symbol before it.

    Columns: variance of the mid's logarithm per second, lots traded in the symbol's record before, usual lots a day;
    NaN where nothing is known yet. `state` (PULSE[symbols], made by `engine.frictions`) is carried on.
    """
    found = np.empty((len(block), 3))
    if kind == "quotes":
        beat_quotes(block.ts_event, block.symbol, block.bid, block.ask, state, found)
    else:
        b = block
        beat_bars(b.ts, b.ts_event, b.symbol, b.open, b.close, b.volume, state, found)
    return found


@part
def tell(x, row):
    """Write down what symbol x remembers."""
    row[0] = x.squares / x.seconds if x.seconds > 0.0 else np.nan
    row[1] = x.per_record if x.per_record == x.per_record else x.volume
    row[2] = x.per_day if x.per_day == x.per_day else (x.traded / x.open * 86_400.0 if x.open > 0.0 else np.nan)


@part
def fade(x, seconds, half_life):
    faded = 2.0 ** (-seconds / half_life)
    x.squares *= faded
    x.seconds *= faded
    x.traded *= faded
    x.open *= faded


@entry
def beat_quotes(ts_event, symbol, bid, ask, state, found):
    """Quotes: the mid's changes from one to the next, where no more than an hour lies between."""
    for k in range(len(ts_event)):
        x = state[symbol[k]]
        tell(x, found[k])
        mid = 0.5 * (bid[k] + ask[k])
        gap = ts_event[k] - x.ts
        if x.mid > 0.0 and mid > 0.0 and 0 <= gap <= CLOSED:
            seconds = gap * 1e-9
            fade(x, seconds, x.half_life)
            x.squares += math.log(mid / x.mid) ** 2
            x.seconds += seconds
        x.mid, x.ts = mid, max(ts_event[k], x.ts)


@entry
def beat_bars(ts, ts_event, symbol, first, last, volume, state, found):
    """Bars: the change from open to close, so that what happened while the market was closed is left out."""
    for k in range(len(ts)):
        x = state[symbol[k]]
        tell(x, found[k])
        seconds = (ts[k] - ts_event[k]) * 1e-9
        if seconds > 0.0 and first[k] > 0.0 and last[k] > 0.0:
            fade(x, seconds, max(x.half_life, LEAST_BARS * seconds))
            x.squares += math.log(last[k] / first[k]) ** 2
            x.seconds += seconds
            x.traded += volume[k] * x.lots
            x.open += seconds
        x.volume = volume[k] * x.lots if x.lots > 0.0 else np.nan
