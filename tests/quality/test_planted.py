"""Every defect planted in a clean day is found where it is, and on the clean day itself nothing is."""

from __future__ import annotations

import numpy as np
import pytest

from engine.feeds.lineage import Columns, part, size
from engine.feeds.quality.flags import BITS, counts_of, names_of
from engine.feeds.quality.validator import Validator
from tests.quality.conftest import QUOTES, synthetic_day
from tests.quality.plant import PLANTS, plant, weekend


def flags(day: Columns) -> np.ndarray:
    return Validator(QUOTES).run(day).flags


def all_found(day: Columns, seed: int) -> None:
    planted, where = plant(day, seed)
    found = flags(planted)
    assert len(where) == 34 and {p.kind for p in where} == set(PLANTS)
    missed = [(p, names_of(int(found[p.row]))) for p in where if not (found[p.row : p.until + 1] & BITS[p.flag]).any()]
    assert missed == []


@pytest.mark.parametrize("seed", range(8))
def test_34_defects_in_a_clean_synthetic_day_are_all_flagged(seed: int) -> None:
    all_found(synthetic_day(), seed)


@pytest.mark.parametrize("seed", range(8))
def test_34_defects_in_a_clean_real_day_are_all_flagged(real_day: Columns, seed: int) -> None:
    all_found(real_day, seed)


def test_nothing_is_found_on_the_clean_real_day(real_day: Columns) -> None:
    assert size(real_day) == 136_741 and counts_of(flags(real_day)) == {}


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_found_on_clean_synthetic_days(seed: int) -> None:
    assert counts_of(flags(synthetic_day(seed=seed))) == {}


def test_a_day_on_a_saturday_is_all_weekend(real_day: Columns) -> None:
    day = weekend(part(real_day, slice(0, 20_000)))
    assert (flags(day) & BITS["weekend"] > 0).all()
