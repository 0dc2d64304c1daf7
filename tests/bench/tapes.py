"""Seeded synthetic tapes that all sides of a benchmark read: made once, numpy only, one .npy file per column.

Prices are random walks in whole points with about 15 points of movement a minute, so that every tape trades alike
however dense it is, on a slow swing that lets trends last: about 7,000 crosses of SMA 20 and 100 in a million minutes
(a pure random walk has 13,700). Quotes come at exponential gaps in whole milliseconds, around the clock, without
weekends; the spread of 6 to 12 points changes at one quote in twenty. Bars carry no spread and open within a point of
the last close.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

VERSION = 1
START = 1_704_067_200_000_000_000
"""2024-01-01 00:00 UTC, a Monday."""
MINUTE = 60_000_000_000
MOVE = 15.0
"""Points a minute, standard deviation."""
SWING, PERIOD = 0.23 * MOVE, 1_000 * MINUTE
"""Drift in points a minute at the most, and how long the swing takes to come round."""


@dataclass(frozen=True)
class Spec:
    name: str
    kind: str
    symbols: tuple[str, ...]
    records: int
    per_minute: int = 1
    """Quotes a minute and symbol."""
    seed: int = 0


FIRST = {"EURUSD": 110_000, "USDJPY": 140_000, "GBPJPY": 180_000}
"""Price in points at the start."""
SCALE = {"EURUSD": 100_000.0, "USDJPY": 1_000.0, "GBPJPY": 1_000.0}
"""Points in one."""
M = 1_000_000
SPECS = {
    s.name: s
    for s in (
        Spec("q333", "quotes", ("EURUSD",), 10 * M, 333),
        Spec("q95", "quotes", ("EURUSD",), 10 * M, 95),
        Spec("q47", "quotes", ("EURUSD",), 10 * M, 47),
        Spec("q3sym", "quotes", ("EURUSD", "USDJPY", "GBPJPY"), 10 * M, 333),
        Spec("bars", "bars", ("EURUSD",), M),
        Spec("tiny", "quotes", ("EURUSD",), 200_000, 47),
        Spec("tinybars", "bars", ("EURUSD",), 12_000, seed=2),  # without an exact tie of the averages
        Spec("tiny3", "quotes", ("EURUSD", "USDJPY", "GBPJPY"), 300_000, 47),
    )
}


def load(folder: str | Path, name: str, limit: int | None = None) -> dict[str, np.ndarray]:
    """The columns of a tape, in memory; the first `limit` records."""
    spec, columns = SPECS[name], {}
    for path in sorted(made(folder, spec).glob("*.npy")):
        columns[path.stem] = np.ascontiguousarray(np.load(path, mmap_mode="r")[:limit])
    return columns


def made(folder: str | Path, spec: Spec) -> Path:
    return Path(folder) / f"{spec.name}-v{VERSION}"


def make(folder: str | Path, name: str) -> None:
    """Write the tape unless it is there."""
    spec = SPECS[name]
    target = made(folder, spec)
    if target.exists():
        return
    building = target.with_suffix(".new")
    building.mkdir(parents=True, exist_ok=True)
    columns = quotes(spec) if spec.kind == "quotes" else bars(spec)
    for column, values in columns.items():
        np.save(building / f"{column}.npy", values)
    building.rename(target)


def quotes(spec: Spec) -> dict[str, np.ndarray]:
    """Columns ts symbol bid ask, ordered by (ts, symbol)."""
    each = [one_symbol(spec, s, spec.records // len(spec.symbols)) for s in range(len(spec.symbols))]
    columns = {name: np.concatenate([part[name] for part in each]) for name in each[0]}
    if len(each) > 1:
        order = np.lexsort((columns["symbol"], columns["ts"]))
        columns = {name: values[order] for name, values in columns.items()}
    return columns


def one_symbol(spec: Spec, s: int, n: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng([VERSION, spec.per_minute, s])
    symbol = spec.symbols[s]
    gaps = rng.exponential(60_000.0 / spec.per_minute, n)
    ts = START + np.cumsum(gaps).astype(np.int64) * 1_000_000
    bid = FIRST[symbol] + walk(rng, ts, s, spec.per_minute)
    spread = rng.integers(6, 13, n)[np.cumsum(rng.random(n) < 0.05)]
    ask = bid + spread
    assert bid.min() > 0, "the walk fell through the floor: take another seed"
    return {"ts": ts, "symbol": np.full(n, s, np.int16), "bid": bid / SCALE[symbol], "ask": ask / SCALE[symbol]}


def walk(rng: np.random.Generator, ts: np.ndarray, s: int, per_minute: int) -> np.ndarray:
    """Price in whole points since the start, one a stamp."""
    drift = SWING / per_minute * np.sin(2 * np.pi * ((ts - START) / PERIOD) + s)
    return np.cumsum(np.rint(rng.normal(drift, MOVE / np.sqrt(per_minute))).astype(np.int64))


def bars(spec: Spec) -> dict[str, np.ndarray]:
    """Columns ts (close) ts_event (open) symbol open high low close spread volume, one a minute."""
    rng = np.random.default_rng([VERSION, spec.seed])
    n, symbol = spec.records, spec.symbols[0]
    ts_event = START + np.arange(n) * MINUTE
    close = FIRST[symbol] + walk(rng, ts_event, 0, 1)
    first = np.concatenate([[FIRST[symbol]], close[:-1]]) + rng.integers(-1, 2, n)
    high = np.maximum(first, close) + np.rint(np.abs(rng.normal(0.0, MOVE / 3, n))).astype(np.int64)
    low = np.minimum(first, close) - np.rint(np.abs(rng.normal(0.0, MOVE / 3, n))).astype(np.int64)
    assert low.min() > 0, "the walk fell through the floor: take another seed"
    prices = {"open": first, "high": high, "low": low, "close": close}
    return {
        "ts": ts_event + MINUTE,
        "ts_event": ts_event,
        "symbol": np.zeros(n, np.int16),
        **{name: values / SCALE[symbol] for name, values in prices.items()},
        "spread": np.zeros(n),
        "volume": np.full(n, 333.0),
    }
