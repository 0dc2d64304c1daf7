"""Every column that the feature catalogue names exists under its key, moves on real bars, and is held by the laws."""

from __future__ import annotations

import importlib
from functools import reduce
from pathlib import Path

import numpy as np
import pandas
import pytest

from engine.features import FEATURES, Plan, Spec, load_all
from engine.features.plan import column_name
from engine.features.text import read_feature
from tests.features import market
from tests.features.catalogue import CANDLES, DIFFERS, OWN_NAMES, ROWS, TALIB, columns, served
from tests.features.market import batch

load_all()
SERVED = served()
OURS = sorted({one for ours in SERVED.values() for one in ours if ":" not in one})
PARTS = sorted({one for ours in SERVED.values() for one in ours if ":" in one})


def lacking(names: list[str]) -> list[str]:
    """Those of `feature.output` that are not there."""
    split = [(name, *name.split(".")) for name in names]
    return [name for name, of, output in split if of not in FEATURES or output not in FEATURES.get(of).outputs]


def test_every_column_that_the_catalogue_names_exists():
    assert len(SERVED) > 350 and lacking(OURS) == []
    assert lacking(["roll.kurtosis", "rolls.kurt", "roll.kurt"]) == ["roll.kurtosis", "rolls.kurt"]


def test_every_part_that_is_no_column_of_bars_exists():
    for name in PARTS:
        module, _, path = name.partition(":")
        found = reduce(getattr, path.split("."), importlib.import_module(f"engine.features.{module}"))
        assert callable(found) or isinstance(found, property), name


def test_every_row_is_served_under_its_key():
    assert sorted(ROWS) == [*range(8, 21), *range(24, 54), 56, 57, 74, 75]
    other = {}
    for row, (key, words) in ROWS.items():
        for name in {one.split(".")[0] for ours in columns(words).values() for one in ours if ":" not in one}:
            if name != key and not name.startswith(f"{key}_"):
                other.setdefault(name, []).append(row)
    assert other.keys() == OWN_NAMES.keys()
    assert all(f"{row}: " in OWN_NAMES[name] for name, rows in other.items() for row in rows)


def test_a_row_without_a_column_of_bars_is_one_that_needs_quotes_books_or_windows():
    bare = [row for row, (_, words) in ROWS.items() if all(":" in o for ours in columns(words).values() for o in ours)]
    assert bare == [32, 40, 44, 47, 52, 57]


def test_where_ours_means_something_else_is_written_down():
    assert DIFFERS.keys() <= SERVED.keys() and all(DIFFERS.values())


def test_appendix_a1_and_b_are_the_functions_of_talib():
    talib = pytest.importorskip("talib")
    groups = talib.get_function_groups()
    assert {f"CDL{name.upper()}" for name in CANDLES.split()} == set(groups.pop("Pattern Recognition"))
    assert len(CANDLES.split()) == 61 and len(columns(TALIB)) == 113
    arithmetic = {*groups.pop("Math Operators"), *groups.pop("Math Transform")}
    assert set(columns(TALIB)) == set(talib.get_functions()) - {f"CDL{n.upper()}" for n in CANDLES.split()} - arithmetic


def test_every_column_that_the_catalogue_names_is_held_by_the_generated_laws():
    held = {spec.feature.name for spec in market.variants() if spec.feature is not None}
    assert {name.split(".")[0] for name in OURS} <= held


STALE = read_feature("sign(max(abs(close - lag(close)) - 0.0003, 0))")
"""Was the forecast "the next close is within three points" wrong? EURUSD moved less and less from October 2022 on."""


def bound(name: str) -> Spec:
    """A feature as the laws have it; detectors of drift watch a forecast that goes stale."""
    one = FEATURES.get(name)
    if name in ("ddm", "eddm", "hddm_a", "hddm_w", "drift"):
        return one(error=STALE)
    given = market.GIVEN.get(name, ("close", "high", "low", "open"))
    return one(**dict(zip(one.required, given, strict=False)), **market.BRIEF.get(name, {}))


SPREADS = ("spread_cost", "context")
"""These need a file with spreads. The context's releases are those of a real calendar in test_calendars."""


def moving(names: list[str], bars: dict[str, np.ndarray]) -> set[str]:
    """Those of `feature.output` that take more than one value, none of them infinite."""
    features = sorted({name.split(".")[0] for name in names})
    made = batch(Plan({name: bound(name) for name in features}), bars)
    found = set()
    pairs = [(feature, output) for feature in features for output in FEATURES.get(feature).outputs]
    for name, output in pairs:
        values = made[column_name(name, bound(name), output)]
        there = values[~np.isnan(values)]
        if len(there) > 100 and np.isfinite(there).all() and (there != there[0]).any():
            found.add(f"{name}.{output}")
    return found


def test_no_column_that_the_catalogue_names_is_constant_on_real_bars_of_eurusd(eurusd_weeks):
    named = [name for name in OURS if not name.startswith("cdl_") and name.split(".")[0] not in SPREADS]
    assert set(named) - moving(named, eurusd_weeks) == set()


def test_what_reads_spreads_moves_on_real_bars_with_spreads(shared: Path):
    """USDJPY of FXCM, minutes of 2013 with bid and ask: the file of EURUSD has none."""
    table = pandas.read_parquet(shared / "data/fx_m1/usdjpy_fxcm_m1_bidask_2013.parquet").iloc[:4_000]
    bid = [table[f"bid_{name}"].to_numpy(float) for name in ("open", "high", "low", "close")]
    bars = market.stamped(*bid, spread=table["ask_close"].to_numpy(float) - bid[3], step=60 * 10**9)
    named = [name for name in OURS if name.split(".")[0] in SPREADS]
    assert set(named) - moving(named, bars) == set() and len(named) >= 10


def test_every_pattern_happens_on_real_bars_of_eurusd(eurusd_weeks, shared: Path):
    """The rarest nine not in a year of quarter hours, but in 150,000 minutes of 2018 (HistData)."""
    named = [name for name in OURS if name.startswith("cdl_")]
    rare = sorted(set(named) - moving(named, eurusd_weeks))
    minutes = pandas.read_parquet(shared / "data/fx_m1/eurusd_histdata_m1_2018.parquet").iloc[:150_000]
    prices = [minutes[name].to_numpy(float) for name in ("open", "high", "low", "close")]
    bars = market.stamped(*prices, step=60 * 10**9)
    assert len(rare) == 9 and set(rare) - moving(rare, bars) == set()
