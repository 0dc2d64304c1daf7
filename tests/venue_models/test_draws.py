"""Draws belong to a thing: the same number always, the right distribution, nothing shared between two things."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from engine.kernels.draws import LATENCY_BACK, LATENCY_OUT, gamma, normal, one_of, uniform
from engine.kernels.jit import jit

N = 20_000


@jit
def quantile(p):
    return normal(p)


@jit
def many(seed, purpose, n, shape, out):
    """For keys 1..n: a uniform, a normal, a gamma draw and one of 7 things from 100 on."""
    for k in range(n):
        key = np.int64(k + 1)
        out[k, 0] = uniform(seed, purpose, key, np.int64(0))
        out[k, 1] = normal(out[k, 0])
        out[k, 2] = gamma(shape, seed, purpose, key, np.int64(0))
        out[k, 3] = one_of(seed, purpose, key, np.int64(0), np.int64(100), np.int64(7))


def drawn(seed: int = 1, purpose: int = LATENCY_OUT, shape: float = 2.0, n: int = N) -> np.ndarray:
    out = np.empty((n, 4))
    many(np.int64(seed), np.int64(purpose), n, shape, out)
    return out


@settings(max_examples=200)
@given(st.floats(1e-300, 1.0, exclude_max=True))
@example(0.5)
@example(0.075)
@example(0.925)
@example(2**-54)
@example(1 - 2**-53)
def test_the_normal_quantile_is_that_of_as241_to_fifteen_digits(p: float) -> None:
    """Golden: Python's statistics.NormalDist (algorithm AS241) and scipy's ndtri, which is another algorithm."""
    assert quantile(p) == pytest.approx(NormalDist().inv_cdf(p), rel=2e-15, abs=1e-16)
    assert quantile(p) == pytest.approx(stats.norm.ppf(p), rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("shape", [0.3, 1.0, 2.0, 50.0])
def test_gamma_draws_are_gamma_distributed_and_uniform_ones_uniform(shape: float) -> None:
    found = drawn(shape=shape)
    assert stats.kstest(found[:, 0], "uniform").pvalue > 1e-3
    assert stats.kstest(found[:, 1], "norm").pvalue > 1e-3
    assert stats.kstest(found[:, 2], stats.gamma(shape).cdf).pvalue > 1e-3


def test_each_of_several_things_is_as_likely() -> None:
    things, counts = np.unique(drawn()[:, 3], return_counts=True)
    assert things.tolist() == list(range(100, 107))
    assert stats.chisquare(counts).pvalue > 1e-3


def test_another_seed_or_purpose_draws_other_numbers_that_have_nothing_to_do_with_these() -> None:
    base = drawn()
    for other in (drawn(seed=2), drawn(purpose=LATENCY_BACK)):
        assert abs(np.corrcoef(base[:, 0], other[:, 0])[0, 1]) < 0.03
        assert (base[:, 2] != other[:, 2]).all()


def test_a_number_depends_on_nothing_but_seed_purpose_and_key() -> None:
    assert drawn(n=50).tobytes() == drawn()[:50].tobytes()
