"""The cut law for the validator: a verdict is the same, to the bit, however the stream is cut into blocks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.zones import HOUR, SECOND
from engine.feeds.lineage import Columns, Lineage, part, size
from engine.feeds.quality.flags import BITS, Limits, counts_of
from engine.feeds.quality.spikes import METHODS
from engine.feeds.quality.tally import Checked, Tally
from engine.feeds.quality.validator import Validator, Verdict
from tests.quality.conftest import QUOTES, synthetic_day
from tests.quality.plant import plant

BARS = Lineage(source="test", symbol="EURUSD", frame="M5", basis="bid", stamps="open")


def run(lineage: Lineage, whole: Columns, cuts: list[int], method: str) -> tuple[Verdict, Checked]:
    validator = Validator(lineage, limits=Limits(method=method))
    tally, found = Tally("x", validator), []
    n = size(whole)
    for lo, hi in pairwise(sorted({0, n, *(c % n for c in cuts)})):
        block = part(whole, slice(lo, hi))
        found.append(validator.run(block))
        tally.add(block, found[-1])
    together = [np.concatenate([getattr(v, name) for v in found]) for name in ("flags", "hole", "away")]
    return Verdict(*together), tally.finish()


def same(lineage: Lineage, whole: Columns, cuts: list[int], method: str) -> Verdict:
    one, told = run(lineage, whole, [], method)
    other, told_too = run(lineage, whole, cuts, method)
    for name in ("flags", "hole", "away"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name
    assert told == told_too
    return one


def noisy(seed: int, rows: int = 3_000) -> Columns:
    """Three weeks of quotes with everything wrong with them."""
    rng = np.random.default_rng(seed)
    steps = rng.choice([0, 1, 20, 500, 3_000, 40_000], rows, p=[0.1, 0.3, 0.3, 0.2, 0.09, 0.01])
    ts = 1_700_000_000 * SECOND + np.cumsum(steps) * SECOND
    ts -= np.where(rng.random(rows) < 0.02, rng.integers(0, 5 * HOUR, rows), 0)
    bid = np.round(1.1 + np.cumsum(rng.normal(0, 2e-5, rows)), 5)
    bid[rng.random(rows) < 0.02] += 0.01
    spread = rng.choice([1e-4, 2e-4, -1e-4, 5e-3, np.nan, 3.0], rows, p=[0.5, 0.4, 0.04, 0.03, 0.02, 0.01])
    size_ = np.where(rng.random(rows) < 0.01, -1.0, 1.0)
    return {"ts": ts, "bid": bid, "ask": bid + spread, "bid_size": size_, "ask_size": np.ones(rows), "ts_event": ts - 7}


def bars(seed: int, rows: int = 3_000) -> Columns:
    rng = np.random.default_rng(seed)
    opened = 1_700_000_100 * SECOND + np.cumsum(rng.choice([0, 1, 1, 1, 2, 60], rows)) * 300 * SECOND
    close = np.round(1.1 + np.cumsum(rng.normal(0, 2e-4, rows) * (rng.random(rows) < 0.7)), 5)
    before = np.r_[close[0], close[:-1]]
    high, low = np.maximum(before, close), np.minimum(before, close)
    high[rng.random(rows) < 0.02] += 0.05
    low *= rng.choice([1.0, 0.0, -1.0, 2.0, np.nan], rows, p=[0.96, 0.01, 0.01, 0.01, 0.01])
    volume = np.where(rng.random(rows) < 0.01, -5.0, 1.0)
    spread = np.where(rng.random(rows) < 0.02, -1e-5, 1e-4)
    prices = {"open": before, "high": high, "low": low, "close": close}
    return {"ts": opened + 300 * SECOND, "open_ts": opened, **prices, "volume": volume, "spread": spread}


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**6), max_size=12), st.sampled_from(list(METHODS)))
def test_cuts_change_no_verdict_on_quotes(seed: int, cuts: list[int], method: str) -> None:
    same(QUOTES, noisy(seed), cuts, method)


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**6), max_size=12), st.sampled_from(list(METHODS)))
def test_cuts_change_no_verdict_on_bars(seed: int, cuts: list[int], method: str) -> None:
    same(BARS, bars(seed), cuts, method)


def test_the_noise_reaches_every_flag_and_single_rows_are_blocks_too() -> None:
    planted, _ = plant(synthetic_day(5_000), 3)
    found = set(counts_of(same(QUOTES, noisy(1), list(range(400)), "jump").flags))
    found |= set(counts_of(same(BARS, bars(1), list(range(400)), "jump").flags))
    found |= set(counts_of(same(QUOTES, planted, list(range(0, 5_000, 7)), "jump").flags))
    assert set(BITS) - found <= {"zone", "closed"}


@pytest.mark.parametrize("method", METHODS)
def test_no_verdict_changes_when_the_future_does(method: str) -> None:
    whole, other = noisy(1), noisy(2)
    half = size(whole) // 2
    changed = {name: np.r_[whole[name][:half], other[name][half:]] for name in whole}
    one, two = run(QUOTES, whole, [], method)[0], run(QUOTES, changed, [], method)[0]
    assert (one.flags[:half] == two.flags[:half]).all() and (one.flags != two.flags).any()
