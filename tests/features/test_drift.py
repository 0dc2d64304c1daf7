"""What rounding does over a long run: every feature against the same definition in long doubles.

The kernels run over 100,000 bars (`make laws`: ten million), sliding as a live table does. What forgets its start is
compared, over its last bars, with a long-double run that began late, but long enough before for nothing of the start
to be left; what never forgets is run in long doubles from the first bar on. Prices lie on a grid of 1/65536, so that
sums of a few of them are exact and a tie is a tie in both.
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterator

import numpy as np
import pytest

from engine.features import Plan, Spec
from tests.features import market, precise
from tests.features.market import Tape, batch, settle

pytestmark = pytest.mark.skipif(
    np.finfo(np.longdouble).eps == np.finfo(float).eps, reason="long doubles are doubles on this machine"
)
Columns = dict[str, np.ndarray]
GRID, BLOCK, LAST = 65_536.0, 10_000, 200
FIRST = 365 * market.DAY
"""1971: ten million quarters of an hour are 285 years, and stamps end in 2262."""
NEVER = 7_000
"""Bars to settle from which on a run in long doubles begins with the first bar."""
SLOW = {"kswin": (5_000, 100_000)}
"""Bars in CI and in `make laws` of what takes milliseconds a bar in long doubles; it starts anew every few hundred."""
SEEN = 300, 900
"""Bars that a run has at least, for what begins anew each week, and those compared: CI's ends on a Wednesday, that of
`make laws` anywhere in a week of quarters of an hour."""


def pieces(n: int) -> Iterator[Columns]:
    """A market of n bars on the grid, a piece at a time; it is pulled back to where it began."""
    rng, price, start = np.random.default_rng(11), 1.1, FIRST
    for _ in range(0, n, BLOCK):
        moves, close = rng.normal(0.0, 2e-4, BLOCK), np.empty(BLOCK)
        for i in range(BLOCK):
            price += moves[i] + (1.1 - price) * 1e-4
            close[i] = price
        close = np.round(close * GRID) / GRID
        open = np.concatenate([close[:1], close[:-1]])
        wick = np.floor(rng.random((2, BLOCK)) * 14.0) / GRID
        volume = np.floor(rng.random(BLOCK) * 900.0) + 1.0
        spread = np.floor(rng.random(BLOCK) * 8.0) / GRID
        yield market.stamped(open, np.maximum(open, close) + wick[0], np.minimum(open, close) - wick[1], close,
                             volume, spread, start=start)  # fmt: skip
        start += BLOCK * market.QUARTER


def together(parts: list[Columns]) -> Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@functools.lru_cache(1)
def market_of(n: int) -> Columns:
    return together(list(pieces(n)))


NO_TIES = {"micro_vpin": {"period": 128}, "shaped": {"width": 20}}
"""Else a bucket would be full, or one of two templates nearer, by a last bit, which long doubles tell otherwise."""


def specs() -> dict[str, Spec]:
    given, brief = ("close", "high", "low", "open") * 2, market.BRIEF | NO_TIES
    return {
        f.name: f(**dict(zip(f.required, market.GIVEN.get(f.name, given), strict=False)), **brief.get(f.name, {}))
        for f in market.library()
    }


def compare(doubles: Columns, wide: Columns, least: int) -> None:
    """Equal to a billionth of the largest value, and NaN where it is NaN."""
    compared = 0
    for name, values in doubles.items():
        a, b = values[-LAST:].astype(np.longdouble), wide[name][-LAST:]
        assert (np.isnan(a) == np.isnan(b)).all(), name
        there = ~np.isnan(a)
        if there.any():
            wrong, size = np.abs(a - b)[there].max(), np.abs(b[there]).max()
            assert wrong <= 1e-9 * max(size, 1e-12), f"{name} has drifted by {float(wrong / max(size, 1e-12)):.1e}"
            compared += 1
    assert compared >= least


FORGET = {name: spec for name, spec in specs().items() if settle(spec) < NEVER}
REMEMBER = {name: spec for name, spec in specs().items() if settle(spec) >= NEVER}
REACH = {name: int(2.5 * settle(spec)) + spec.warmup for name, spec in FORGET.items()}
GROUPS = [(0, 150), (150, 500), (500, 1_500), (1_500, 5_000), (5_000, 100_000)]


@pytest.mark.parametrize(("least", "most"), GROUPS, ids=lambda v: f"{v}")
def test_long_runs_are_what_long_doubles_say_to_a_billionth(least, most, deep):
    chosen = {name: spec for name, spec in FORGET.items() if least <= REACH[name] < most}
    plan, reach = Plan(chosen), SEEN[deep] + max(REACH[name] for name in chosen)
    tape, found = Tape(plan, room=BLOCK), {}
    kept: deque[Columns] = deque(maxlen=2 + reach // BLOCK)
    for part in pieces(10_000_000 if deep else 100_000):
        found = tape.add(part)
        kept.append(part)
    tail = {name: values[-reach:] for name, values in together(list(kept)).items()}
    compare(found, precise.run(plan, tail), least=len(chosen))


@pytest.mark.parametrize("name", sorted(REMEMBER))
def test_what_never_forgets_is_what_long_doubles_say_of_all_bars(name, deep):
    spec = REMEMBER[name]
    usual, long = SLOW.get(name, (100_000, 10_000_000))
    bars, plan = market_of(long if deep else usual), Plan({name: spec})
    compare(batch(plan, bars), precise.run(plan, bars), least=1)


def test_the_long_doubles_are_longer_and_the_comparison_can_fail():
    """A sum that is not re-anchored, of numbers that leave something behind, is found out."""
    from engine.features import feature

    @feature(gives="x", keeps="seen held", warmup="0", lookback="5", registry=None)
    def drifting(lo, hi, close, x, seen, held):
        for i in range(lo, hi):
            held += close[i] * 1e6 / 3.0 - (close[i - 5] * 1e6 / 3.0 if seen >= 5.0 else 0.0)
            x[i] = held - 1.1 * 5e6 / 3.0
            seen += 1.0
        return seen, held

    assert np.finfo(np.longdouble).eps < np.finfo(float).eps
    bars, plan = market_of(100_000), Plan({"x": drifting()})
    spiked = {**bars, "close": bars["close"].copy()}
    spiked["close"][50_000] = 1e9
    tail = {name: values[-2_000:] for name, values in spiked.items()}
    with pytest.raises(AssertionError, match="x has drifted"):
        compare(batch(plan, spiked), precise.run(plan, tail), least=1)
