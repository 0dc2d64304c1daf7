"""Laws about bars that a feed should not have sent: gaps in time and price, and bars that come twice."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.table import STAMPS
from tests.features import market
from tests.features.market import Tape, batch, joined, rows, same
from tests.features.test_laws import CANDLES, PLANS, every_plan, plan_of

Columns = dict[str, np.ndarray]
N = 500


def with_gaps(bars: Columns) -> Columns:
    """Bars missing, one and forty of them, then three days of none and prices a tenth higher after them."""
    kept = np.setdiff1d(np.arange(N), [60, *range(200, 240)])
    made = {name: values[kept].copy() for name, values in bars.items()}
    for name, values in made.items():
        if name in STAMPS:
            values[300:] += 3 * market.DAY
        elif name not in ("volume", "spread"):
            values[300:] *= 1.1
    return made


def repeated(bars: Columns) -> Columns:
    """Some bars sent again as they were, stamps and all, one of them five times."""
    times = np.ones(N, int)
    times[[30, 31, 150, 333]] = 2
    times[220] = 5
    return {name: np.repeat(values[:N], times) for name, values in bars.items()}


@pytest.mark.parametrize("spoil", [with_gaps, repeated])
@every_plan
def test_gaps_and_repeated_bars_change_nothing_about_the_law_and_give_no_infinite_number(spec, spoil, ref):
    columns, plan = spoil(rows(ref if spec is not CANDLES else market.candles(), 0, N)), plan_of(spec)
    expected, tape, n = batch(plan, columns), Tape(plan), len(columns["close"])
    pieces = [0, *range(25, 70), *range(195, 245), *range(298, 303), n]
    same(joined((tape.add(rows(columns, a, b)) for a, b in zip(pieces, pieces[1:], strict=False)), plan), expected)
    assert not any(np.isinf(values).any() for values in expected.values())


@pytest.mark.parametrize("spoil", [with_gaps, repeated])
@every_plan
def test_after_gaps_and_repeated_bars_every_output_that_had_a_value_has_one(spec, spoil, ref):
    """Nothing stays NaN because of them: a hole in the calendar is no hole in the columns."""
    bars = rows(ref if spec is not CANDLES else market.candles(), 0, N)
    plan = plan_of(spec)
    before, after = batch(plan, bars), batch(plan, spoil(bars))
    sparse = {f"{name}_{output}" for name, one in plan.specs.items() for output in one.feature.sparse}
    for name, values in after.items():
        there = ~np.isnan(values)
        if there.any() and name not in sparse and not np.isnan(before[name][-1]):
            assert there[np.flatnonzero(there)[0] :].mean() > 0.98, name


def test_the_plans_hold_every_feature_of_the_library():
    held = {one.feature.name for plan in PLANS for one in plan.specs.values()}
    assert held == {f.name for f in market.library()}
