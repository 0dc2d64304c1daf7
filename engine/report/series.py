"""Series as the page carries them: thinned where they are long, packed as base64 of little-endian floats.

Thinning keeps every extreme: a group of bars becomes one candle (first open, highest high, lowest low, last close),
a group of account samples its lowest and its highest equity. Files are read a row group at a time.
"""

from __future__ import annotations

import base64
import csv
import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engine.core.journal import read
from engine.report.explain import Told
from engine.report.summary import OpenTrade
from engine.report.trips import Trips

CANDLES = 120_000
"""Candles a page carries in all; longer series are grouped."""
SAMPLES = 60_000
TRADES = 20_000
"""Trades a page shows; all of them are in trades.csv."""
JOURNAL = 256_000_000
"""Bytes of a journal up to which a page tells why each trade happened."""
NAMES = ["symbol", "frame"]
MS = 1e6


class Thin:
    """Takes columns [columns, n] in pieces and reduces each group of `every` rows; how it is cut does not matter."""

    def __init__(self, every: int, reduce: Callable[[np.ndarray], np.ndarray], columns: int) -> None:
        self.every, self.reduce = every, reduce
        self.rest = np.empty((columns, 0))
        self.done: list[np.ndarray] = []

    def add(self, columns: np.ndarray) -> None:
        rows = np.concatenate([self.rest, columns], axis=1)
        whole = rows.shape[1] // self.every * self.every
        if whole:
            self.done.append(self.reduce(rows[:, :whole].reshape(len(rows), -1, self.every)))
        self.rest = rows[:, whole:].copy()

    def result(self) -> np.ndarray:
        last = [self.reduce(self.rest[:, None, :])] if self.rest.shape[1] else [self.rest]
        return np.concatenate([*self.done, *last], axis=1)


def candle(rows: np.ndarray) -> np.ndarray:
    """Groups [5, groups, every] of open time, open, high, low, close as one candle each."""
    ts, first, high, low, last = rows
    return np.stack([ts[:, 0], first[:, 0], high.max(axis=1), low.min(axis=1), last[:, -1]])


def extremes(rows: np.ndarray) -> np.ndarray:
    """Groups [3, groups, every] of ts, balance, equity as their two extreme samples, in the order of time."""
    if rows.shape[2] == 1:
        return rows[:, :, 0]
    low, high = rows[2].argmin(axis=1), rows[2].argmax(axis=1)
    pair = np.sort(np.stack([low, high], axis=1), axis=1)
    return np.take_along_axis(rows, np.broadcast_to(pair, (3, *pair.shape)), axis=2).reshape(3, -1)


def pack(values: np.ndarray, kind: str = "<f8") -> str:
    return base64.b64encode(np.ascontiguousarray(values, kind).tobytes()).decode("ascii")


def bars(path: Path, limit: int = CANDLES) -> list[dict[str, Any]]:
    """Every stream of a `bars.parquet`, in the order of their first bars.

    Each has `symbol`, `frame`, `every` (bars per candle), `ts` (open times, ms UTC, float64) and
    `open high low close` as float32 differences to `base`.
    """
    with pq.ParquetFile(path, read_dictionary=NAMES) as file:
        counts: Counter[tuple[str, str]] = Counter()
        for batch in file.iter_batches(columns=NAMES):
            counts.update({name: int(mine.sum()) for name, mine in split(batch)})
        share = limit if file.metadata.num_rows <= limit else max(limit // len(counts), 1)
        streams = {name: Thin(max(1, -(-count // share)), candle, 5) for name, count in counts.items()}
        for batch in file.iter_batches():
            rows = np.stack([view(batch[name]) for name in ("open_ts", "open", "high", "low", "close")])
            rows[0] /= MS
            for name, mine in split(batch):
                streams[name].add(rows[:, mine])
    return [packed(*name, thin.every, thin.result()) for name, thin in streams.items()]


def split(batch: pa.RecordBatch) -> Iterator[tuple[tuple[str, str], np.ndarray]]:
    """Each (symbol, frame) in a batch and the mask of its rows."""
    symbol, frame = batch.select(NAMES).columns
    keys = view(symbol.indices) * len(frame.dictionary) + view(frame.indices)
    for key in dict.fromkeys(keys.tolist()):
        s, f = divmod(key, len(frame.dictionary))
        yield (symbol.dictionary[s].as_py(), frame.dictionary[f].as_py()), keys == key


def view(column: pa.Array) -> np.ndarray:
    """Arrow's numbers as numpy's, without a copy; `to_numpy` would import pandas, half a second."""
    return np.from_dlpack(column)


def packed(symbol: str, frame: str, every: int, rows: np.ndarray) -> dict[str, Any]:
    base = float(rows[1, 0])
    prices = {name: pack(rows[k + 1] - base, "<f4") for k, name in enumerate(("open", "high", "low", "close"))}
    return {"symbol": symbol, "frame": frame, "every": every, "base": base, "ts": pack(rows[0]), **prices}


def equity(path: Path, limit: int = SAMPLES) -> dict[str, Any]:
    """An `equity.parquet` as `ts` (ms UTC), `balance` and `equity`, and how many samples each point stands for."""
    with pq.ParquetFile(path) as file:
        every = max(1, -(-file.metadata.num_rows // limit))
        thin = Thin(every if every == 1 else 2 * every, extremes, 3)
        rows = np.empty((3, 0))
        for batch in file.iter_batches(columns=["ts", "balance", "equity"]):
            rows = np.stack([view(batch[name]) for name in ("ts", "balance", "equity")])
            rows[0] /= MS
            thin.add(rows)
    points = thin.result()
    if every > 1:
        points = np.concatenate([points, rows[:, -1:]], axis=1)  # the account's end is no extreme, and must be there
    return {"every": every, **{name: pack(points[k]) for k, name in enumerate(("ts", "balance", "equity"))}}


def trades(path: Path, limit: int = TRADES) -> dict[str, Any]:
    """The first `limit` rows of a trades.csv as columns: texts as indices into `words`, times in ms, and `total`."""
    words: dict[str, int] = {}
    columns: dict[str, list[Any]] = {}
    total = 0
    with path.open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            total += 1
            if total <= limit:
                for name, text in line.items():
                    columns.setdefault(name, []).append(cell(name, text, words))
    return {"total": total, "words": list(words), "columns": columns}


def cell(name: str, text: str, words: dict[str, int]) -> float | int | None:
    if name in ("strategy", "symbol", "direction", "exit_reason"):
        return words.setdefault(text, len(words))
    if name in ("open_time", "close_time"):
        return int(np.datetime64(text.removesuffix("Z"), "ns").astype(np.int64)) / MS
    if not text:
        return None
    return int(text) if text.lstrip("-").isdecimal() else float(text)


def exposure(trips: Trips, held: list[OpenTrade], last: int, limit: int = SAMPLES) -> dict[str, Any]:
    """What was open over time, worth at its opening, in the account currency: `ts` (ms UTC), `long` and `short`.

    A step at each opening and closing; where there are too many, the one with the largest sum of every group.
    """
    end = np.full(len(held), last)
    opened = np.concatenate([trips["open_time"], np.array([h.open_ts for h in held], np.int64)])
    closed = np.concatenate([trips["close_time"], end])
    value = np.concatenate([np.nan_to_num(trips["value"]), [h.value for h in held]])
    ways = [np.array([w == "long" for w in trips.words.get("direction", [])], bool)[trips["direction"].astype(int)]
            if len(trips) else np.zeros(0, bool)]  # fmt: skip
    longs = np.concatenate([*ways, np.array([h.side > 0 for h in held], bool)])
    ts = np.concatenate([opened, closed])
    order = np.argsort(ts, kind="stable")
    steps = np.concatenate([value, -value])[order]
    side = np.concatenate([longs, longs])[order]
    both = np.stack([ts[order] / MS, np.cumsum(np.where(side, steps, 0.0)), np.cumsum(np.where(side, 0.0, steps))])
    both = both[:, np.flatnonzero(np.diff(both[0], append=np.inf))]  # of one moment the last
    if both.shape[1] > limit:
        every = -(-both.shape[1] // limit)
        most = [lo + int(np.argmax(both[1, lo : lo + every] + both[2, lo : lo + every])) for lo in
                range(0, both.shape[1], every)]  # fmt: skip
        both = both[:, most]
    return {"ts": pack(both[0]), "long": pack(both[1].clip(0), "<f4"), "short": pack(both[2].clip(0), "<f4")}


def chains(path: Path, limit: int = TRADES) -> str:
    """Why each of the first trades happened: JSON, a list of [ms UTC, kind, words] per trade, gzip, base64.

    Empty without a journal, or when it is too long to be read again for this.
    """
    if not path.is_file() or path.stat().st_size > JOURNAL:
        return ""
    told = Told(read(path))
    steps = [told.of(told.deals(n + 1)) for n in range(min(len(told.exits), limit))]
    rows = [[[step.ts / MS, step.kind, step.text] for step in chain] for chain in steps]
    packed = gzip.compress(json.dumps(rows, separators=(",", ":")).encode(), compresslevel=6, mtime=0)
    return base64.b64encode(packed).decode("ascii")
