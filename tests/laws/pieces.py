"""Ways to cut a tape: blocks of any size, stretches of single records, and clock events between them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from engine.core.tape import ArrayTape
from tests.laws.market import MINUTE
from tests.laws.runs import Pieces


def clocks_between(tape: ArrayTape, k: int, draw: np.random.Generator) -> list[int]:
    """Moments at which a clock may strike between record k-1 and record k, in order; often on a minute or a bound.

    What is due at t comes before quotes stamped t, so the clock may strike at the stamp of the quote that follows; a
    bar stamped t comes before what is due at t, so there it may not.
    """
    ts = tape.block.ts
    low = int(ts[k - 1]) + 1
    high = int(ts[k]) if tape.kind == "quotes" else int(ts[k]) - 1
    if high < low:
        return []
    minute = -(-low // MINUTE) * MINUTE
    known = [low, high, min(minute, high), int(draw.integers(low, high + 1)), min(minute + 1, high)]
    return sorted(draw.choice(np.array(known, np.int64), int(draw.integers(1, 4)), replace=False).tolist())


def cut(tape: ArrayTape, bounds: set[int], clock_share: float, seed: int) -> Pieces:
    """Pieces that end at these bounds, a share of them followed by clock events."""
    draw = np.random.default_rng(seed)
    inside = sorted(b for b in bounds if 0 < b < len(tape))
    return [(b, clocks_between(tape, b, draw) if draw.random() < clock_share else ()) for b in inside]


def singles(tape: ArrayTape, clock_share: float = 0.5, seed: int = 1) -> Pieces:
    """Every record on its own."""
    return cut(tape, set(range(1, len(tape))), clock_share, seed)


@st.composite
def pieces(draw: st.DrawFn, tape: ArrayTape) -> Pieces:
    """A few cuts anywhere, a stretch of single records, or equal blocks; with or without clock events."""
    n = len(tape)
    bounds = draw(st.sets(st.integers(1, n - 1), max_size=12))
    start, length = draw(st.integers(0, n)), draw(st.sampled_from([0, 2, 20, 200, 700]))
    bounds |= set(range(start, start + length))
    block = draw(st.sampled_from([0, 7, 64, 1_000]))
    bounds |= set(range(block, n, block)) if block else set()
    return cut(tape, bounds, draw(st.sampled_from([0.0, 0.3, 1.0])), draw(st.integers(0, 2**32 - 1)))
