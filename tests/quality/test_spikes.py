"""The textbook rules give the rows that pandas gives, and the catalogue's numbers."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.feeds.lineage import Lineage
from engine.feeds.quality.flags import BITS, Limits
from engine.feeds.quality.validator import Validator

BARS = Lineage(source="test", symbol="EURUSD", frame="M15", basis="bid", stamps="open")


def flagged(close: np.ndarray, method: str, tick: float = 0.01) -> np.ndarray:
    opened = 1_700_000_100_000_000_000 + np.arange(len(close)) * 900_000_000_000
    prices = dict.fromkeys(("open", "high", "low", "close"), close)
    bars = {"ts": opened + 900_000_000_000, "open_ts": opened, **prices}
    return Validator(BARS, limits=Limits(method=method, tick=tick)).run(bars).flags & BITS["spike"] > 0


def walk(seed: int, n: int = 4_000) -> np.ndarray:
    """A walk with heavy tails on a grid, so that ties occur."""
    return np.round(100 + np.cumsum(np.random.default_rng(seed).standard_t(2, n) * 0.05), 2)


def by_pandas(x: np.ndarray, method: str) -> pd.Series:
    s = pd.Series(x)
    before = s.shift(1).rolling(100)
    if method == "z":
        return (s - before.mean()).abs() > 3 * before.std(ddof=0)
    if method == "iqr":
        q1, q3 = before.quantile(0.25), before.quantile(0.75)
        return (s < q1 - 1.5 * (q3 - q1)) | (s > q3 + 1.5 * (q3 - q1))
    if method == "hampel":
        middle = s.rolling(21).median()
        mad = s.rolling(21).apply(lambda w: np.median(np.abs(w - np.median(w))), raw=True)
        return (s - middle).abs() > 3 * 1.4826 * mad
    if method == "std":
        r = s / s.shift(1) - 1
        r.iloc[0] = 0.0
        back = r.shift(1).rolling(100)
        return (r - back.mean()).abs() > 4 * back.std(ddof=0)
    trimmed = s.shift(1).rolling(60)
    mean = trimmed.apply(lambda w: np.sort(w)[6:54].mean(), raw=True)
    deviation = trimmed.apply(lambda w: np.sort(w)[6:54].std(), raw=True)
    return (s - mean).abs() >= 3 * deviation + 2 * 0.01


@pytest.mark.parametrize("method", ["z", "iqr", "hampel", "std", "tick"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_textbook_rules_flag_the_rows_that_pandas_does(method: str, seed: int) -> None:
    x = walk(seed)
    ours, theirs = flagged(x, method), by_pandas(x, method).to_numpy()
    assert ours.any()
    differ = np.flatnonzero(ours != theirs)
    assert len(differ) <= (2 if method in ("z", "iqr", "tick") else 0), differ


def test_hampel_finds_the_catalogues_103_rows_of_the_reference_series(shared: Path) -> None:
    path = shared / "features/spec/ref.py"
    spec = importlib.util.spec_from_file_location("ref", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["ref"] = module
    spec.loader.exec_module(module)
    close = np.asarray(module.ref()[3], float)
    found = np.flatnonzero(flagged(close, "hampel"))
    assert len(found) == 103 and found[:5].tolist() == [107, 108, 109, 110, 111]
