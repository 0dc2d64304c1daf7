"""`BarMaker`: quotes, prints or smaller bars in, closed bars out, however the stream is cut."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core.errors import ConfigError, DataError
from engine.core.frames import FX_DAY, edges, frame_ns
from engine.feeds.kinds import kernels
from engine.feeds.kinds.spec import PRICED, BarKind, parse_kind
from engine.feeds.lineage import BARS, Columns, join, part, size

WEIGHTS = {"bid": (1.0, 0.0), "ask": (0.0, 1.0), "mid": (0.5, 0.5)}
MORE = ("ticks", "vwap", "spread_mean", "n_missing")
"""Columns beyond those of every bar: records in it, mean price by volume, mean spread, and intervals without a record
since the bar before (of bars from smaller bars: small ones that are not there; of other kinds: 0)."""
ROOM = 65_536
BY_KIND = {
    "time": kernels.by_time, "tick": kernels.by_sum, "volume": kernels.by_sum, "dollar": kernels.by_sum,
    "range": kernels.by_range, "renko": kernels.by_renko, "imbalance": kernels.by_imbalance, "run": kernels.by_run,
    "adaptive": kernels.by_volatility,
}  # fmt: skip
NO_EDGES = np.zeros(2, np.int64)


class BarMaker:
    """Bars of one kind from one stream; `state` is all it remembers and may be kept and given to another.

    A bar's `ts` is the moment it was known: the record that completed it, or the right edge of its interval. `points`
    is how many points are in one (100000.0 for EURUSD), for kinds measured in points. `small` is the frame of the bars
    that come in, if it is bars that do.

    >>> quotes = {"ts": np.arange(5), "bid": np.array([1.0, 3.0, 2.0, 5.0, 4.0]), "ask": np.full(5, 6.0)}
    >>> maker = BarMaker("tick 2")
    >>> maker.add(quotes)["close"], maker.peek()["close"]
    (array([3., 5.]), array([4.]))
    """

    def __init__(
        self,
        kind: BarKind | str,
        basis: str = "bid",
        points: float = 0.0,
        day: str = FX_DAY,
        small: str = "",
        state: np.ndarray | None = None,
    ) -> None:
        self.kind = parse_kind(kind) if isinstance(kind, str) else kind
        self.basis, self.day, self.small = basis, day, small
        if self.kind.kind in PRICED and points <= 0:
            raise ConfigError(f"{self.kind.kind} bars are measured in points: say of which instrument")
        if small and (self.kind.kind != "time" or frame_ns(self.kind.frame) <= frame_ns(small)):
            raise ConfigError(f"{self.kind} bars cannot be made of {small} bars: take quotes, prints or smaller bars")
        measure = ("tick", "volume", "dollar").index(self.kind.measure)
        self.params = np.array([measure, self.kind.amount, points])
        self.state = np.zeros(1, kernels.STATE) if state is None else state.copy()
        if state is None:
            self.state["price"] = np.nan
        self.room = ROOM

    def add(self, records: Columns) -> Columns:
        """The bars that these records close: `ts open_ts open high low close volume spread` and `MORE`.

        Records are quotes (`ts bid ask`), prints (`ts price size side`) or bars. DataError if one is stamped before the
        one before it, has no price, or completes more than a million bricks.
        """
        key = records["open_ts" if self.small else "ts"]
        if not len(key):
            return bars_of(np.empty((2, 0), np.int64), np.empty((len(kernels.VALUES), 0)), 0)
        known = int(self.state[0]["known"])
        if (key[1:] < key[:-1]).any() or (self.state[0]["ticks"] and key[0] < known and not self.small):
            raise DataError("records are not in the order of time: bars cannot be made of them")
        inputs = self.inputs(records)
        if not np.isfinite(inputs[1]).all():
            raise DataError("a record has no price: bars cannot be made of it")
        bounds = self.edges(int(key[0]), int(key[-1]))
        done, made = 0, []
        while done < len(key):
            stamps, values = np.empty((2, self.room), np.int64), np.empty((len(kernels.VALUES), self.room))
            before = done
            done, n = self.run(inputs, done, bounds, stamps, values)
            if n < 0:
                raise DataError(f"a record jumps over more than {kernels.BRICKS:,} bricks of {self.kind}")
            made.append(bars_of(stamps, values, n))
            if done == before and not n:
                self.room *= 2
        return join(made)

    def run(self, inputs: tuple[np.ndarray, ...], lo: int, bounds: np.ndarray, *out: np.ndarray) -> tuple[int, int]:
        n = len(inputs[0])
        if self.small:
            return kernels.bars_by_time(*inputs, lo, n, self.state, frame_ns(self.small), bounds, *out)
        return BY_KIND[self.kind.kind](*inputs, lo, n, self.state, self.params, bounds, *out)

    def inputs(self, records: Columns) -> tuple[np.ndarray, ...]:
        """What the kernels take: stamps as int64, the rest as float64, one after the other in memory."""
        n = size(records)
        if self.small:
            names = ("open", "high", "low", "close", "volume", "spread")
            given: list[Any] = [records[name] for name in names]
            stamps = [np.ascontiguousarray(records[name], np.int64) for name in ("ts", "open_ts")]
            return (*stamps, *(np.ascontiguousarray(values, np.float64) for values in given))
        if "bid" in records:
            bid, ask = (np.asarray(records[name], np.float64) for name in ("bid", "ask"))
            below, above = WEIGHTS[self.basis]
            price = bid if not above else ask if not below else bid * below + ask * above
            given = [price, np.ones(n), np.zeros(n), ask - bid]
        else:
            side = np.nan_to_num(np.asarray(records.get("side", np.zeros(n)), np.float64))
            given = [records["price"], records["size"], side, np.full(n, np.nan)]
        stamps = [np.ascontiguousarray(records["ts"], np.int64)]
        return (*stamps, *(np.ascontiguousarray(values, np.float64) for values in given))

    def edges(self, first: int, last: int) -> np.ndarray:
        """The edges of the intervals from the end of the last bar, or the first record, to the last record."""
        if self.kind.kind != "time":
            return NO_EDGES
        end = int(self.state[0]["end"])
        return edges(self.kind.frame, self.day, min(first, end) if end else first, last)

    def clock(self, ts: int) -> Columns:
        """The clock reached `ts`: a time bar that has ended by then closes."""
        x = self.state[0]
        due = self.kind.kind == "time" and x["is_open"] and x["end"] <= ts
        bar = self.peek() if due else part(self.peek(), slice(0, 0))
        if due:
            bar["ts"][:] = x["end"]
            x["is_open"], x["bars"] = 0, x["bars"] + 1
        return bar

    def peek(self) -> Columns:
        """The open bar as it is now, no row if none is open; it stays open. Its `ts` is that of its last record."""
        x, values = self.state[0], np.empty((len(kernels.VALUES), 1))
        stamps = np.empty((2, 1), np.int64)
        if x["is_open"]:
            kernels.show(self.state, stamps, values)
        return bars_of(stamps, values, int(x["is_open"]))


def bars_of(stamps: np.ndarray, values: np.ndarray, n: int) -> Columns:
    """Rows of the kernels as columns, the stored ones first."""
    found = {"ts": stamps[0, :n].copy(), "open_ts": stamps[1, :n].copy()}
    found |= {name: values[i, :n].copy() for i, name in enumerate(kernels.VALUES)}
    return {name: found[name] for name in (*BARS, *MORE)}
