"""The laws must be able to fail: each of these kernels breaks one, and is caught."""

from __future__ import annotations

import numpy as np
import pytest

from engine.features import feature
from tests.features import test_laws as laws


@feature(gives="x", registry=None)
def reads_the_next_bar(lo, hi, close, x):
    for i in range(lo, hi):
        x[i] = close[i + 1] if i + 1 < close.size else close[i]


@feature(gives="x", keeps="best", warmup="0", registry=None)
def begins_anew_with_every_call(lo, hi, close, x, best):
    best = 0.0
    for i in range(lo, hi):
        best = max(best, close[i])
        x[i] = best
    return best


@feature(gives="x", keeps="row", lookback="1", registry=None)
def remembers_a_row_number(lo, hi, close, x, row):
    for i in range(lo, hi):
        if close[i] > close[int(row)] or i == 0:
            row = i
        x[i] = close[int(row)]
    return row


@feature(gives="x", keeps="seen", warmup="3", lookback="2", registry=None)
def reads_further_back_than_it_says(lo, hi, close, x, seen):
    for i in range(lo, hi):
        x[i] = close[i] - close[i - 3] if seen >= 3 else np.nan
        seen += 1.0
    return seen


@feature(gives="x", registry=None)
def leaves_rows_out(lo, hi, close, open, x):
    for i in range(lo, hi):
        if close[i] > open[i]:
            x[i] = close[i]


@feature(gives="x", keeps="seen last", warmup="1", registry=None)
def is_late(lo, hi, close, x, seen, last):
    for i in range(lo, hi):
        x[i] = close[i] - last if seen > 1 else np.nan
        last = close[i]
        seen += 1.0
    return seen, last


@feature(gives="x", keeps="seen total", lookback="1", registry=None)
def adds_up_rounding(lo, hi, close, x, seen, total):
    for i in range(lo, hi):
        total += close[i]
        seen += 1.0
        x[i] = total / seen
    return seen, total


@feature(gives="x", keeps="mean", lookback="1", registry=None)
def lets_a_hole_in(lo, hi, close, x, mean):
    for i in range(lo, hi):
        mean = 0.9 * mean + 0.1 * close[i - 1]
        x[i] = mean
    return mean


@pytest.mark.parametrize(
    ("law", "planted"),
    [
        (laws.test_no_future_changes_the_past, reads_the_next_bar),
        (laws.test_rows_computed_one_by_one_are_the_rows_computed_at_once, reads_the_next_bar),
        (laws.test_rows_computed_one_by_one_are_the_rows_computed_at_once, begins_anew_with_every_call),
        (laws.test_rows_computed_one_by_one_are_the_rows_computed_at_once, remembers_a_row_number),
        (laws.test_a_restart_from_any_snapshot_goes_on_exactly, remembers_a_row_number),
        (laws.test_rows_computed_one_by_one_are_the_rows_computed_at_once, reads_further_back_than_it_says),
        (laws.test_a_restart_from_any_snapshot_goes_on_exactly, reads_further_back_than_it_says),
        (laws.test_rows_computed_one_by_one_are_the_rows_computed_at_once, leaves_rows_out),
        (laws.test_the_first_value_comes_exactly_when_declared, is_late),
    ],
    ids=lambda v: getattr(v, "name", getattr(v, "__name__", None)),
)
def test_a_broken_kernel_is_caught_by_the_law_it_breaks(law, planted, ref):
    given = {"spec": planted(), "ref": ref, "deep": False}
    with pytest.raises(AssertionError):
        law(**{name: given[name] for name in law.__code__.co_varnames[: law.__code__.co_argcount]})


def test_a_kernel_that_remembers_its_start_is_caught(ref):
    with pytest.raises(AssertionError):
        laws.test_where_history_began_is_forgotten(adds_up_rounding(), ref)


def test_a_kernel_that_reads_a_hole_is_caught(ref):
    with pytest.raises(AssertionError):
        laws.test_a_bar_without_prices_is_passed_over_or_starts_the_window_anew(lets_a_hole_in(), ref)
