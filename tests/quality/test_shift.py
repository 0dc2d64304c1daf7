"""Drift figures against scipy and the catalogue's numbers."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from engine.feeds.quality.shift import ks_distance, ks_p, page_hinkley, psi, shift, wasserstein

VALUES = st.lists(st.integers(-20, 20).map(lambda k: k / 8), min_size=1, max_size=60).map(np.array)


@settings(max_examples=80)
@given(VALUES, VALUES)
def test_distance_p_and_area_are_scipys(a: np.ndarray, b: np.ndarray) -> None:
    a, b = np.sort(a), np.sort(b)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        theirs = stats.ks_2samp(a, b, method="exact")
    d = ks_distance(a, b)
    assert d == pytest.approx(theirs.statistic, abs=1e-12)
    if not told:  # where scipy cannot count the paths it says so, and takes the limit
        assert ks_p(d, len(a), len(b)) == pytest.approx(theirs.pvalue, abs=1e-9)
    assert wasserstein(a, b) == pytest.approx(stats.wasserstein_distance(a, b), abs=1e-12)


def test_large_samples_take_kolmogorovs_limit() -> None:
    rng = np.random.default_rng(1)
    a, b = np.sort(rng.normal(size=20_000)), np.sort(rng.normal(0.015, 1, 30_000))
    theirs = stats.ks_2samp(a, b, method="asymp")
    assert ks_p(ks_distance(a, b), len(a), len(b)) == pytest.approx(theirs.pvalue, rel=0.02)


@pytest.fixture(scope="module")
def reference(shared: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("ref", shared / "features/spec/ref.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_catalogues_numbers_of_the_reference_series(reference: ModuleType) -> None:
    """Catalogue row 21: returns 0-499 against 500-999 give D = .06, p = .32936 (scipy 1.17.1)."""
    returns = np.diff(np.log(reference.ref()[3]))
    found = shift(returns[:500], returns[500:1000])
    assert found.ks == pytest.approx(0.06) and round(found.p, 5) == 0.32936


def test_page_hinkley_sees_the_change_where_river_does(reference: ModuleType) -> None:
    """Catalogue row 21: river 0.26.1 PageHinkley(50) on LCG seed 7, share .2 to .6 at 1000: value 1160."""
    u = reference.lcg(2_000, 7)
    x = (u < np.where(np.arange(2_000) < 1_000, 0.2, 0.6)).astype(float)
    assert page_hinkley(x) == 1160


def test_psi_of_equal_samples_is_zero_and_by_hand_else() -> None:
    x = np.arange(1_000.0)
    assert psi(x, x) == 0.0
    half = np.sort(np.r_[x[:500], x[:500]])
    q = np.where(np.arange(10) < 5, 0.2, 1e-4)
    assert psi(x, half) == pytest.approx(((q - 0.1) * np.log(q / 0.1)).sum(), rel=0.02)
    assert shift(x, half).verdict == "changed" and shift(x, x).verdict == "same"
