"""Finer bars inside coarser ones: does the detail reach as far as the bars that strategies are to see?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.core.clock import format_ts
from engine.core.errors import DataError
from engine.core.tape import Tape
from engine.feeds.catalogue import Dataset, dataset, dataset_names


def require_detail(
    tape: Tape, source: str, frame: str, detail: str, span: tuple[int | None, int | None], root: Path | None = None
) -> None:
    """DataError where the source has bars of `frame` in [span) and the tape, of its `detail` bars, has none inside.

    A source that keeps no bars of that frame has nothing that the detail could fail to cover.
    """
    kept = {f"{source}/{symbol}/bars-{frame}" for symbol in tape.symbols} & set(dataset_names(root))
    coarse = [
        opens_and_ends(dataset(name, root) if (name := f"{source}/{symbol}/bars-{frame}") in kept else None, span)
        for symbol in tape.symbols
    ]
    bare = uncovered(tape, coarse)
    for symbol, (opens, ends), empty in zip(tape.symbols, coarse, bare, strict=True):
        if len(empty):
            after = np.flatnonzero(np.diff(empty) > 1)
            last = empty[after[0]] if len(after) else empty[-1]
            raise DataError(
                f"data.detail: {source} has {frame} bars of {symbol} from {format_ts(int(opens[empty[0]]))} to"
                f" {format_ts(int(ends[last]))} UTC and no {detail} bars inside them"
                f" ({len(empty):,} of {len(opens):,} {frame} bars are bare): import them, or move data.from and data.to"
            )


def opens_and_ends(held: Dataset | None, span: tuple[int | None, int | None]) -> tuple[np.ndarray, np.ndarray]:
    """int64 ns UTC of the bars that lie in the span, rising; none where there is no dataset."""
    none = np.zeros(0, np.int64)
    first, last = span
    parts = [(c["open_ts"], c["ts"]) for c in held.read(first, last)] if held else []
    opens, ends = (np.concatenate([none, *(part[n] for part in parts)]) for n in (0, 1))
    whole = slice(None) if last is None else ends <= last
    return opens[whole], ends[whole]


def uncovered(tape: Tape, coarse: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[np.ndarray]:
    """For each symbol of a tape of bars, the indices of those of its coarse bars in which none of the tape's opens."""
    found = [np.zeros(len(opens), bool) for opens, _ in coarse]
    for block in tape.blocks():
        for s, (opens, ends) in enumerate(coarse):
            if not len(opens):
                continue
            begun = block.ts_event[block.symbol == s]
            inside = np.searchsorted(opens, begun, side="right") - 1
            there = inside >= 0
            there[there] = begun[there] < ends[inside[there]]
            found[s][inside[there]] = True
    return [np.flatnonzero(~there) for there in found]
