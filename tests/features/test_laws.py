"""The laws that hold for every registered feature; nothing here is about one of them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.table import VALUES
from engine.features import Plan, Spec
from engine.features.lookahead import batch as whole
from engine.features.lookahead import events, leak
from tests.features import market
from tests.features.market import Tape, batch, joined, rows, same, settle

SPECS = market.variants()
PATTERNS = [spec for spec in SPECS if spec.feature.name.startswith("cdl_")]
MONITORS = [spec for spec in SPECS if spec.feature.kernel.__module__.endswith((".monitors", ".shifts"))]


def together(specs: Iterable[Spec]) -> Plan:
    """Many features in one plan, numbered."""
    return Plan({f"{spec.feature.name}_{k}": spec for k, spec in enumerate(specs)})


def by_lookback(specs: Iterable[Spec]) -> list[Plan]:
    """Plans of features that read equally far back: a table that keeps no more shows which reads further."""
    groups: dict[int, list[Spec]] = {}
    for spec in specs:
        groups.setdefault(plan_of(spec).lookback, []).append(spec)
    return [together(groups[back]) for back in sorted(groups)]


def plan_of(spec: Spec | Plan) -> Plan:
    if isinstance(spec, Plan):
        return spec
    assert spec.feature is not None
    return Plan({spec.feature.name: spec})


CANDLES = Plan({spec.feature.name: spec for spec in PATTERNS})
WATCH = together(MONITORS)
PLANS = [*by_lookback(spec for spec in SPECS if spec not in PATTERNS and spec not in MONITORS), WATCH, CANDLES]
every = pytest.mark.parametrize("spec", SPECS, ids=str)
every_plan = pytest.mark.parametrize(
    "spec",
    PLANS,
    ids=lambda p: "candlesticks" if p is CANDLES else "monitors" if p is WATCH else f"lookback {p.lookback}",
)
"""Laws that take long are held by many features in one plan; what fails is named by its column."""
MARKETS = (market.reference(900), market.hard())


@pytest.fixture
def ref(ref, request):
    """The reference market; for what never happens there one in which it does."""
    spec = request.getfixturevalue("spec")
    if spec is CANDLES or spec in PATTERNS:
        return market.candles()
    if isinstance(spec, Spec) and spec.feature.name in ("clock", "when"):
        return market.weeks()
    return market.turning() if spec is WATCH or spec in MONITORS else ref


@every_plan
def test_rows_computed_one_by_one_are_the_rows_computed_at_once(spec):
    for columns in MARKETS if spec is not CANDLES else [market.candles()]:
        plan = plan_of(spec)
        tape = Tape(plan)
        n = len(columns["close"])
        same(joined((tape.add(rows(columns, i, i + 1)) for i in range(n)), plan), batch(plan, columns))


@every_plan
@settings(max_examples=8)
@given(data=st.data())
def test_where_the_stream_is_cut_changes_nothing(spec, data):
    columns = data.draw(st.sampled_from(MARKETS if spec is not CANDLES else [market.candles()]))
    n = len(columns["close"])
    cuts = data.draw(st.lists(st.integers(1, n - 1), min_size=1, max_size=40, unique=True))
    plan = plan_of(spec)
    tape = Tape(plan, room=data.draw(st.sampled_from([2, 3, 50, 1000])))
    same(
        joined((tape.add(rows(columns, a, b)) for a, b in pairwise([0, *sorted(cuts), n])), plan), batch(plan, columns)
    )


@every_plan
def test_no_future_changes_the_past(spec, ref, deep):
    for columns in (ref, MARKETS[1]) if spec is not CANDLES else [ref]:
        finding = leak(whole(plan_of(spec)), columns, cuts=512 if deep else 64)
        assert finding is None, str(finding)


@every_plan
def test_a_restart_from_any_snapshot_goes_on_exactly(spec, ref):
    plan = plan_of(spec)
    expected = batch(plan, ref)
    n = len(ref["close"])
    stops = sorted({1, 2, *np.linspace(spec.warmup + 1, n - 50, 14).astype(int).tolist()})
    first = Tape(plan)
    for a, b in pairwise([0, *stops]):
        first.add(rows(ref, a, b))
        second = resumed(first)
        same(second.add(rows(ref, b, n)), {name: values[b:] for name, values in expected.items()})


def resumed(first: Tape) -> Tape:
    """Another table with the last rows of the first, and its features' state from the snapshot."""
    second = Tape(first.plan, room=20)
    n = first.table.n
    k = min(n, first.plan.lookback)
    for name, column in first.table.columns.items():
        second.table.columns[name][:k] = column[n - k : n]
    second.tables.rows[0] = k
    second.bound.restore(first.bound.snapshot())
    return second


@every_plan
def test_looking_at_the_forming_bar_leaves_no_trace(spec, ref):
    columns = rows(ref, 0, 400)
    plan = plan_of(spec)
    expected, tape = batch(plan, columns), Tape(plan)
    for i in range(400):
        before = tape.bound.snapshot()
        if tape.tables.capacity - tape.table.n < 2:
            tape.table.slide()
        for forming in (rows(ref, 1000 + i, 1001 + i), rows(columns, i, i + 1)):
            tape.put(forming)
            tape.bound.peek(tape.table.n)
            assert tape.bound.snapshot() == before
        peeked = {c: tape.table.columns[c][tape.table.n : tape.table.n + 1].copy() for c in plan.columns}
        same(peeked, {c: v[i : i + 1] for c, v in expected.items()})
        same(tape.add(rows(columns, i, i + 1)), peeked)


BOLD = [spec for spec in SPECS if spec.feature.meets_holes]
"""These have values where their inputs have none; tests of their own say which."""
every_timid = pytest.mark.parametrize("spec", [spec for spec in SPECS if spec not in BOLD], ids=str)


@every_timid
def test_the_first_value_comes_exactly_when_declared(spec, ref):
    feature, outputs = spec.feature, batch(plan_of(spec), ref)
    for name, output, first in zip(outputs, feature.outputs, feature.warmup, strict=True):
        there = np.flatnonzero(~np.isnan(outputs[name]))
        inner = max((s.warmup for _, s in spec.inputs if isinstance(s, Spec)), default=0)
        warmup = first(dict(spec.params)) + inner
        assert len(there), name
        if output in feature.sparse:
            assert there[0] >= warmup
        else:
            assert there[0] == warmup
            assert len(there) == len(outputs[name]) - warmup, f"{name} has holes after its warm-up"
        assert (outputs[name][there] != outputs[name][there[0]]).any(), f"{name} never changes"
    assert spec in PATTERNS or len(events(outputs)) >= 20, "nothing happens here: the laws could not fail"


WAITING = [spec for spec in SPECS if spec.feature.lag(dict(spec.params)) > 0]


def moved(columns, row):
    """The same bars, but one of them higher or lower, by five percent or by less than one."""
    for factor in (1.05, 0.95, 1.006, 0.994, 1.002, 0.998):
        altered = {name: values.copy() for name, values in columns.items()}
        for name in ("open", "high", "low", "close"):
            altered[name][row] *= factor
        yield altered


@pytest.mark.parametrize("spec", WAITING, ids=str)
def test_what_is_told_after_a_lag_hangs_on_the_bar_it_tells_of_and_on_the_bar_that_confirms_it(spec, ref):
    plan, lag = plan_of(spec), spec.confirmed_after
    told = batch(plan, ref)
    name = next(iter(told))
    values = told[name]
    news = np.flatnonzero((values[1:] != values[:-1]) & (values[1:] != 0.0) & ~np.isnan(values[:-1])) + 1
    news = news[news > 2 * spec.warmup][:24]
    for row in (0, lag):  # the bar that confirms, and the one that is told of
        changes = [any(batch(plan, bars)[name][t] != values[t] for bars in moved(ref, t - row)) for t in news]
        assert sum(changes) >= 0.7 * len(changes) > 0, f"{name} is told {lag} bars late, whatever bar {row} ago does"
    for age in (n for n in told if n.endswith("_age")):
        assert np.nanmin(told[age]) == lag, f"{age} is less or more than the lag declared"


RESTLESS = {
    **dict.fromkeys(("sar", "sarext"), "the stop of a dead market is touched by every bar, as in TA-Lib"),
    **dict.fromkeys(
        ("phasor", "ht_phase", "ht_dcperiod", "ht_phasor", "ht_dcphase", "ht_sine", "ht_trendline", "ht_trendmode",
         "mama"), "Hilbert's state starts with 0, as in TA-Lib, and a cycle of nothing has any phase",
    ),
}  # fmt: skip


@every
def test_dead_markets_give_finite_numbers_that_stand_still(spec):
    flat = np.full(300 + spec.warmup + 2 * min(settle(spec), 1000), 1.1)
    out = batch(plan_of(spec), market.stamped(flat, flat, flat, flat))
    for (name, values), output, unit in zip(out.items(), spec.feature.outputs, spec.feature.unit, strict=True):
        there = values[spec.warmup :]
        if output in spec.feature.sparse or np.isnan(there).all():
            continue
        assert np.isfinite(there).all(), name
        if unit not in ("bars", "time") and spec.feature.name not in RESTLESS:  # a count of bars goes on, as clocks do
            assert len(np.unique(there[-200:])) == 1, f"{name} moves although prices do not"


@every_plan
def test_one_bar_and_no_bar_are_enough(spec, ref):
    plan = plan_of(spec)
    for n in (0, 1):
        assert all(len(v) == n for v in batch(plan, rows(ref, 0, n)).values())


SCALES = {"price": (1, 0), "price_change": (1, 0), "price_squared": (2, 0), "volume": (0, 1), "price_volume": (1, 1),
          "price_per_volume": (1, -1), "price_squared_per_volume": (2, -1), "per_turnover": (-1, -1),
          "price_per_root_volume": (1, -0.5), "angle": None, "log_price": None, "any": None}  # fmt: skip
"""How a unit scales with prices and with volume; angles on a chart and logarithms do not scale, nor what is
calculated of anything; all others stay."""


@every
@pytest.mark.parametrize("scaled", ["prices", "volume"])
def test_prices_or_volume_in_another_unit_scale_what_they_must_and_nothing_else(spec, ref, scaled):
    names = ("open", "high", "low", "close") if scaled == "prices" else ("volume",)
    plan = plan_of(spec)
    before = batch(plan, ref)
    after = batch(plan, {n: v * 1024.0 if n in names else v for n, v in ref.items()})
    for (name, values), unit in zip(before.items(), spec.feature.unit, strict=True):
        powers = SCALES.get(unit, (0, 0))
        if powers is not None and scaled == "prices":
            same({name: values * 1024.0 ** powers[0]}, {name: after[name]})
        elif powers is not None:
            np.testing.assert_allclose(values * 1024.0 ** powers[1], after[name], rtol=1e-9, err_msg=name)


@every
def test_the_declared_range_is_kept(spec, ref, hard):
    if spec.feature.range is None:
        return
    low, high = spec.feature.range
    for columns in (ref, hard):
        values = next(iter(batch(plan_of(spec), columns).values()))
        assert low <= np.nanmin(values) <= np.nanmax(values) <= high


HOLES = (0, 3, 150, 151, 152, 400)


@pytest.mark.parametrize(
    "spec",
    [*(s for s in SPECS if s not in PATTERNS and s not in BOLD), CANDLES],
    ids=lambda s: "candlesticks" if s is CANDLES else str(s),
)
def test_a_bar_without_prices_is_passed_over_or_starts_the_window_anew(spec, ref):
    n = min(900 + spec.warmup, len(ref["close"]))
    columns = {name: v.copy() for name, v in rows(ref, 0, n).items()}
    for name in VALUES:
        columns[name][list(HOLES)] = np.nan
    plan = plan_of(spec)
    got = batch(plan, columns)
    kept = np.setdiff1d(np.arange(n), HOLES)
    assert all(np.isnan(v[list(HOLES)]).all() for v in got.values())
    lookbacks = {node.feature.lookback(dict(node.spec.params)) > 0 for node in plan.nodes if node.feature.keeps}
    if True not in lookbacks:
        same({n: v[kept] for n, v in got.items()}, batch(plan, {n: v[kept] for n, v in columns.items()}))
    elif False not in lookbacks:
        same({n: v[401:] for n, v in got.items()}, batch(plan, rows(columns, 401, n)))
    assert all(not np.isnan(v[600:]).all() for v in got.values())


def depth(spec: Spec) -> int:
    return 1 + max((depth(s) for _, s in spec.inputs if isinstance(s, Spec)), default=0)


NEVER = 100_000
"""What settles later than this remembers its first bar: it says so, and nothing is promised of it."""
every_forgetful = pytest.mark.parametrize("spec", [spec for spec in SPECS if settle(spec) < NEVER], ids=str)


@every_forgetful
def test_where_history_began_is_forgotten(spec, ref):
    plan = plan_of(spec)
    late = 500
    midnights = 96 * depth(spec)  # what sums up sums is rebuilt a day later than they
    start = spec.warmup + max(settle(spec), midnights)
    n = late + start + 500
    columns = ref if n <= len(ref["close"]) else market.reference(n)
    full = {name: v[late:] for name, v in batch(plan, columns).items()}
    part = batch(plan, rows(columns, late, len(columns["close"])))
    for name, output in zip(full, spec.feature.outputs, strict=True):
        a, b = full[name][start:], part[name][start:]
        if settle(spec):
            assert np.nanmax(np.abs(a - b)) <= 1e-7 * np.nanmax(np.abs(a)), name
        elif output not in spec.feature.sparse:
            same({name: a}, {name: b})
