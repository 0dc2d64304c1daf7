"""Random numbers that belong to a thing: a hash of (seed, purpose, its number), so the same order draws the same."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import jit

LATENCY_OUT, LATENCY_CHANGE, LATENCY_BACK, SLIP, REJECT, REQUOTE, PARTIAL, SHARE = map(np.int64, range(8))
"""Purposes: what is drawn for."""


@jit(no_cpython_wrapper=True)
def mix(z):
    """Every bit of a 64-bit number depends on every bit of it (Steele, Lea and Flood, SplitMix, OOPSLA 2014)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@jit(no_cpython_wrapper=True)
def uniform(seed, purpose, key, n):
    """The n-th number of thing `key` for that purpose, even in (0, 1)."""
    golden = np.uint64(0x9E3779B97F4A7C15)
    z = mix(np.uint64(seed) + golden)
    z = mix(z + np.uint64(purpose + 1) * golden)
    z = mix(z + np.uint64(key + 1) * golden)
    z = mix(z + np.uint64(n + 1) * golden)
    return (np.float64(z >> np.uint64(11)) + 0.5) / 9007199254740992.0
