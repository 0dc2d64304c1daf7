"""Bars whose bid and ask lie in two files (FXCM, Dukascopy's and others' web exports): joined by their opening time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from engine.core.errors import ConfigError, DataError
from engine.feeds.importers.options import Incoming, Options
from engine.feeds.lineage import join, part


def two_sided(path: Path, options: Options, open_one: Callable[[Path, Options], Incoming]) -> Incoming:
    """The bid bars of `path` with the spread at their open from the ask bars of `options.ask`.

    Both are held in memory. Bars that only one file has are left out, and the note counts them; DataError when the
    files do not hold bars of one frame, or none in common.
    """
    assert options.ask is not None
    one = replace(options, ask=None)
    bid, ask = open_one(path, replace(one, basis="bid")), open_one(options.ask, replace(one, basis="ask"))
    if not bid.lineage.bars or bid.lineage.kind != ask.lineage.kind:
        raise ConfigError(
            f"--ask joins bars to bars: {path} holds {bid.lineage.kind}, {options.ask} {ask.lineage.kind}"
        )
    left, right = join(list(bid.chunks)), join(list(ask.chunks))
    for file, columns in ((path, left), (options.ask, right)):
        if (np.diff(columns["open_ts"]) <= 0).any():
            raise DataError(f"{file}: its bars repeat or go back in time, so the two sides cannot be joined")
    _, a, b = np.intersect1d(left["open_ts"], right["open_ts"], assume_unique=True, return_indices=True)
    if not len(a):
        raise DataError(f"{path} and {options.ask} have no bar in common")
    spread = np.round(right["open"][b] - left["open"][a], 10)
    alone = [f"{n} bars only in {f.name}" for f, n in ((path, len(left["ts"]) - len(a)),
                                                       (options.ask, len(right["ts"]) - len(b))) if n]  # fmt: skip
    note = "; ".join(filter(None, [bid.lineage.note, *(f"left out: {text}" for text in alone)]))
    lineage = msgspec.structs.replace(
        bid.lineage, spread="ask open - bid open", note=note, made_from=f"{path.name} and {options.ask.name}"
    )
    return Incoming(path, lineage, iter([{**part(left, a), "spread": spread}]))
