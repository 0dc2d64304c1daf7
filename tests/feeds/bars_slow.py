"""Bars by the definitions, slow and plain: lists of records, one list per bar; no state but what the text says."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple


class Record(NamedTuple):
    ts: int
    price: float
    size: float
    side: float
    spread: float


Bar = dict[str, float]


def bar_of(records: list[Record], ts: int, open_ts: int, missing: int = 0) -> Bar:
    prices = [r.price for r in records]
    volume = traded = wide = 0.0
    for r in records:
        volume, traded, wide = volume + r.size, traded + r.price * r.size, wide + r.spread
    mean = min(max(traded / volume, min(prices)), max(prices)) if volume else math.nan
    return {
        "ts": ts, "open_ts": open_ts, "open": prices[0], "high": max(prices), "low": min(prices), "close": prices[-1],
        "volume": volume, "spread": records[-1].spread, "ticks": len(records), "vwap": mean,
        "spread_mean": wide / len(records), "n_missing": missing,
    }  # fmt: skip


def amounts(records: list[Record], measure: str) -> list[float]:
    return [{"tick": 1.0, "volume": r.size, "dollar": r.price * r.size}[measure] for r in records]


def signs(records: list[Record]) -> list[float]:
    """The recorded side, else the direction of the last change of price, else 0."""
    found, sign, last = [], 0.0, None
    for r in records:
        if r.side:
            sign = math.copysign(1.0, r.side)
        elif last is not None and r.price != last:
            sign = 1.0 if r.price > last else -1.0
        last = r.price
        found.append(sign)
    return found


def cut_where(records: list[Record], full: Iterator[bool]) -> list[Bar]:
    """Closed bars, when `full` says of each record whether it completes one."""
    bars, held = [], []
    for r, ends in zip(records, full, strict=True):
        held.append(r)
        if ends:
            bars.append(bar_of(held, r.ts, held[0].ts))
            held = []
    return bars


def by_sum(records: list[Record], measure: str, n: float) -> Iterator[bool]:
    total = 0.0
    for v in amounts(records, measure):
        total += v
        yield total >= n
        total = 0.0 if total >= n else total


def by_range(records: list[Record], points: float, scale: float) -> Iterator[bool]:
    held: list[float] = []
    for r in records:
        held.append(r.price)
        ends = round((max(held) - min(held)) * scale, 6) >= points
        yield ends
        held = [] if ends else held


def expected(values: list[float], n: float) -> float:
    """The exponential mean over 20 n values that begins as a plain one."""
    mean = 0.0
    for k, v in enumerate(values, 1):
        mean += max(2 / (20 * n + 1), 1 / k) * (v - mean)
    return mean


def lengths(before: float | None, ticks: int, n: float) -> float:
    length = n if before is None else before + (ticks - before) * 2 / 21
    return min(max(length, n / 4), n * 4)


def by_imbalance(records: list[Record], measure: str, n: float) -> Iterator[bool]:
    v, b = amounts(records, measure), signs(records)
    length, limit, start = None, 0.0, 0
    for i in range(len(records)):
        ticks = i + 1 - start
        theta = 0.0
        for k in range(start, i + 1):
            theta += b[k] * v[k]
        ends = ticks >= n if length is None or limit <= 0 else abs(theta) >= limit
        if ends:
            length = lengths(length, ticks, n)
            mean = abs(expected([x * y for x, y in zip(b[: i + 1], v[: i + 1], strict=True)], n))
            limit, start = max(length * mean, math.sqrt(length) * expected(v[: i + 1], n)), i + 1
        yield ends


def by_run(records: list[Record], measure: str, n: float) -> Iterator[bool]:
    v, b = amounts(records, measure), signs(records)
    bought = [x if s > 0 else 0.0 for x, s in zip(v, b, strict=True)]
    sold = [x if s < 0 else 0.0 for x, s in zip(v, b, strict=True)]
    length, limit, start = None, 0.0, 0
    for i in range(len(records)):
        ticks, up, down = i + 1 - start, 0.0, 0.0
        for k in range(start, i + 1):
            up, down = up + bought[k], down + sold[k]
        ends = ticks >= n if length is None or limit <= 0 else max(up, down) >= limit
        if ends:
            length, start = lengths(length, ticks, n), i + 1
            limit = length * max(expected(bought[: i + 1], n), expected(sold[: i + 1], n))
        yield ends


def by_volatility(records: list[Record], n: float) -> Iterator[bool]:
    prices = [r.price for r in records]
    limit, start = None, 0
    for i in range(len(records)):
        held = prices[start : i + 1]
        ends = len(held) >= n if not limit else max(held) - min(held) >= limit
        if ends:
            moves = [(y - x) * (y - x) for x, y in zip(prices[:i], prices[1 : i + 1], strict=True)]
            limit, start = math.sqrt(expected(moves, n) * n), i + 1
        yield ends


def by_time(records: list[Record], length: int) -> list[Bar]:
    """Bars that a later record has ended."""
    slots = sorted({r.ts // length for r in records})
    bars = []
    for before, slot in zip([None, *slots], slots[:-1], strict=False):
        held = [r for r in records if r.ts // length == slot]
        missing = slot - before - 1 if before is not None else 0
        bars.append(bar_of(held, (slot + 1) * length, slot * length, missing))
    return bars


def bricks(records: list[Record], points: int, scale: int) -> list[tuple[int, int]]:
    """(open, close) of every Renko brick in points, by walking one point at a time."""
    at = None
    found: list[tuple[int, int]] = []
    low = high = 0
    for r in records:
        p = round(r.price * scale)
        if at is None:
            low = high = (2 * p + points) // (2 * points) * points
        at = p
        while p >= high + points:
            found.append((high, high + points))
            low, high = high, high + points
        while p <= low - points:
            found.append((low, low - points))
            low, high = low - points, low
    return found
