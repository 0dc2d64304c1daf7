"""What can be wrong with a row of market data: one bit each, in the order in which a reader wants to hear of them.

>>> names_of(5)
('missing', 'crossed')
>>> bit("crossed")
4
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np

from engine.core.errors import ConfigError
from engine.core.registry import did_you_mean

FLAGS = {
    "missing": "a price is missing or not finite",
    "nonpositive": "a price is zero or below",
    "crossed": "ask below bid, or a negative spread",
    "inconsistent": "high, low, open and close contradict each other",
    "negative": "a volume or size below zero",
    "backward": "stamped before an earlier row",
    "duplicate": "a quote equal in everything to one of the 256 before it, or a bar's opening time again",
    "zone": "the week's opening is off by whole hours: the stamps are in another zone than was said",
    "weekend": "stamped on a weekend, when the market is closed",
    "closed": "stamped in a daily break, when the market is closed",
    "gap": "the first row after a hole while the market was open",
    "spike": "far from what was quoted just before",
    "wide": "a spread far beyond the usual",
    "frozen": "the same prices for too long",
    "stale": "one side stands still while the other moves on, 5 usual spreads away",
    "late": "received long after it happened",
    "early": "received before it happened: a clock is wrong",
}
"""Every flag and its meaning; the k-th is bit 2^k."""
BITS = {name: 1 << k for k, name in enumerate(FLAGS)}
BROKEN = ("missing", "nonpositive", "inconsistent", "negative", "backward", "zone")
NOT_BELIEVED = sum(BITS[name] for name in ("missing", "nonpositive", "crossed", "inconsistent"))
"""Rows whose prices teach the later checks nothing."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Thresholds of every check; lengths of time in seconds, `n` in rows."""

    method: str = "jump"
    """How spikes are found: `jump`, `tick`, `z`, `iqr`, `hampel` or `std`."""
    gap: float = 300.0
    """Of quotes: open time without a row. Bars: any missing bar."""
    jump: float = 12.0
    """Spike: this many deviations of the 60 prices before ..."""
    reach: float = 25.0
    """Spike of a bar: it reaches so many times as far from the close before as the 60 before it did ..."""
    least: float = 0.001
    """... and at least this share of the price ..."""
    believe: int = 5
    """... for so many rows together; then it is the new level."""
    wide: float = 20.0
    """Wide: this many usual spreads (mean with a memory of about 1,000 rows), and `wide_least` of the price."""
    wide_least: float = 0.002
    frozen: float = 600.0
    frozen_n: int = 10
    stale: float = 120.0
    stale_n: int = 20
    """Moves of the other side while one stands still; the spread must also be above 5 usual ones."""
    late: float = 1.0
    early: float = 0.0
    tick: float = 0.0
    """The smallest price step; 0: the one that the first prices show."""


def bit(name: str) -> int:
    """A flag's bit; ConfigError names the nearest."""
    if name not in BITS:
        raise ConfigError(f"unknown flag {name!r}: {did_you_mean(name, BITS)}")
    return BITS[name]


def bits(names: Iterable[str]) -> int:
    together = 0
    for name in names:
        together |= bit(name)
    return together


def names_of(flags: int) -> tuple[str, ...]:
    """The names of the bits that are set."""
    return tuple(name for name, one in BITS.items() if flags & one)


def counts_of(flags: np.ndarray) -> dict[str, int]:
    """How many rows carry each flag; those that none carries are left out."""
    found = {name: int(np.count_nonzero(flags & one)) for name, one in BITS.items()}
    return {name: n for name, n in found.items() if n}
