"""Small adversarial markets: equal stamps, gaps of hours and days, prices so coarse that stops are hit exactly."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from engine.core.tape import ArrayTape

MS = 1_000_000
SECOND = 1_000 * MS
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
START = 1_551_434_400 * SECOND
"""2019-03-01 10:00 UTC, a Friday: a weekend and the start of New York's daylight saving are near."""
SYMBOLS = ("EURUSD", "USDJPY", "GBPJPY")
SCALE = {"EURUSD": 1e4, "USDJPY": 1e2, "GBPJPY": 1e2}
"""Grid steps per unit of price: ten points each."""
FIRST = {"EURUSD": 11_000, "USDJPY": 11_000, "GBPJPY": 15_000}


def grid(symbol: str, price: float, steps: int = 0) -> float:
    """`price` moved by whole grid steps, exactly as the tape writes it."""
    scale = SCALE.get(symbol, 1e4)
    return round(price * scale + steps) / scale


@lru_cache(maxsize=8)
def quotes(symbols: tuple[str, ...] = SYMBOLS, n: int = 2_400, seed: int = 1) -> ArrayTape:
    """Bursts, quiet stretches and gaps; a quarter of all stamps are equal to the one before, many lie on a minute."""
    draw = np.random.default_rng(seed)
    steps = np.empty(n, np.int64)
    at = 0
    while at < n:
        size = int(draw.integers(5, 60))
        pace = draw.choice(3, p=[0.45, 0.45, 0.1])
        if pace == 0:
            burst = draw.choice(np.array([0, 0, 1, 50, 250, 1_000, 5_000]), size)
            steps[at : at + size] = burst[: n - at] * MS
        elif pace == 1:
            quiet = draw.choice(np.array([0, 15, 30, 60, 60, 61, 150]), size)
            steps[at : at + size] = quiet[: n - at] * SECOND
        else:
            size = 1
            steps[at] = draw.choice(np.array([2 * HOUR, 2 * HOUR + 7, 48 * HOUR]), p=[0.6, 0.3, 0.1])
        at += size
    steps[n // 2] = 48 * HOUR
    ts = START + 5 * SECOND + np.cumsum(steps)
    snapped = ts - ts % MINUTE
    ts = np.maximum.accumulate(np.where(draw.random(n) < 0.2, snapped, ts))
    symbol = draw.integers(0, len(symbols), n).astype(np.int16)
    if seed % 3:
        symbol[: len(symbols)] = range(len(symbols))
    elif len(symbols) > 1:  # nothing converts yen for the first quarter
        symbol[: n // 4][symbol[: n // 4] == 1] = 0
    order = np.lexsort((symbol, ts))
    ts, symbol = ts[order], symbol[order]
    bid, ask = np.empty(n), np.empty(n)
    for s, name in enumerate(symbols):
        mine = np.flatnonzero(symbol == s)
        moves = draw.choice(np.array([-9, -2, -1, 0, 1, 2, 9]), len(mine), p=[0.02, 0.13, 0.2, 0.3, 0.2, 0.13, 0.02])
        level = FIRST[name] + np.cumsum(moves)
        bid[mine] = level / SCALE[name]
        ask[mine] = (level + draw.integers(1, 4, len(mine))) / SCALE[name]
    return ArrayTape.quotes(symbols, ts=ts, symbol=symbol, bid=bid, ask=ask)


@lru_cache(maxsize=8)
def bars(symbols: tuple[str, ...] = SYMBOLS, n: int = 1_500, seed: int = 1, length: int = MINUTE) -> ArrayTape:
    """Bars with missing intervals, symbols missing at a stamp, and ranges that hold stop and take-profit both."""
    draw = np.random.default_rng(seed)
    per = n // len(symbols)
    jumps = draw.choice(np.array([1, 1, 1, 1, 2, 7, 130, 2_900]), per, p=[0.3, 0.3, 0.2, 0.1, 0.06, 0.03, 0.009, 0.001])
    slots = START // length + np.cumsum(jumps)
    parts: dict[str, list[np.ndarray]] = {}
    for s, name in enumerate(symbols):
        here = slots[draw.random(per) > 0.1] if s else slots
        size = len(here)
        first = FIRST[name] + np.cumsum(draw.integers(-4, 5, size))
        last = first + draw.integers(-3, 4, size)
        high = np.maximum(first, last) + draw.integers(0, 4, size)
        low = np.minimum(first, last) - draw.integers(0, 4, size)
        columns = {"open": first, "high": high, "low": low, "close": last, "spread": draw.integers(1, 4, size)}
        found = {key: values / SCALE[name] for key, values in columns.items()}
        found |= {"ts": (here + 1) * length, "ts_event": here * length, "symbol": np.full(size, s, np.int16)}
        found["volume"] = draw.integers(1, 50, size).astype(float)
        for key, values in found.items():
            parts.setdefault(key, []).append(values)
    whole = {key: np.concatenate(values) for key, values in parts.items()}
    order = np.lexsort((whole["symbol"], whole["ts"]))
    return ArrayTape.bars(symbols, **{key: values[order] for key, values in whole.items()})


@lru_cache(maxsize=8)
def delayed(symbols: tuple[str, ...] = SYMBOLS, n: int = 2_400, seed: int = 1) -> ArrayTape:
    """The same quotes as they reach us live: stamped by the venue up to seconds before, some a little after our clock.

    What the venue stamped does not run in order across symbols, nor always within one: some quotes are late.
    """
    tape = quotes(symbols, n, seed)
    draw = np.random.default_rng(seed + 1_000)
    delay = draw.choice(
        np.array([-40, 0, 0, 3, 250, 900, 4_000, 61_000]), n, p=[0.1, 0.2, 0.2, 0.2, 0.2, 0.05, 0.04, 0.01]
    )
    b = tape.block
    return ArrayTape.quotes(symbols, ts=b.ts, ts_event=b.ts - delay * MS, symbol=b.symbol, bid=b.bid, ask=b.ask)
