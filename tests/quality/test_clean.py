"""Cleaning: what a rule names is done and nothing else, and the original comes back to the bit."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.errors import ConfigError, DataError, NotFound
from engine.core.zones import HOUR, SECOND
from engine.feeds.append import Append
from engine.feeds.catalogue import dataset
from engine.feeds.lineage import Columns, Lineage, join, part, size
from engine.feeds.parquet import FileWriter, read_rows
from engine.feeds.quality.apply import Applier
from engine.feeds.quality.clean import clean, restore, undo
from engine.feeds.quality.rules import Rules, load_rules, parse_rules
from engine.feeds.quality.week import ALWAYS, week_of
from tests.quality.conftest import QUOTES
from tests.quality.test_cut import BARS, bars, noisy

EVERYTHING = parse_rules(
    {
        "rule": [
            {"flag": ["duplicate", "backward", "weekend"], "do": "drop"},
            {"flag": ["missing", "wide"], "do": "hold", "limit": 2},
            {"flag": ["crossed", "negative"], "do": "repair"},
            {"flag": ["nonpositive", "spike", "stale"], "do": "hold"},
        ]
    },
    "test",
)
BAR_RULES = parse_rules(
    {
        "rule": [
            {"flag": ["duplicate", "backward", "nonpositive"], "do": "drop"},
            {"flag": "missing", "do": "hold"},
            {"flag": ["inconsistent", "crossed", "negative"], "do": "repair"},
            {"flag": "gap", "do": "fill", "limit": 30},
        ]
    },
    "test",
)


def stored(lineage: Lineage, columns: Columns, path: Path) -> Path:
    """A raw file with the rows as they are, bad ones too."""
    writer = FileWriter(path, lineage)
    writer.add({name: values for name, values in columns.items() if name != "ts_event"})
    writer.close()
    return path


def equal(one: Columns, other: Columns) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[n], other[n], equal_nan=n[-2:] != "ts") for n in one)


CASES = [
    ("quotes", EVERYTHING),
    ("quotes", load_rules("default")),
    ("bars", BAR_RULES),
    ("bars", load_rules("default")),
]


@pytest.mark.parametrize(("kind", "rules"), CASES)
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(seed=st.integers(0, 10**6))
def test_what_was_cleaned_comes_back_row_by_row(
    kind: str, rules: Rules, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("clean")
    lineage, rows = (QUOTES, noisy(seed, 600)) if kind == "quotes" else (BARS, bars(seed, 600))
    file = stored(lineage, rows, folder / "in.parquet")
    held, before = file.read_bytes(), join(list(read_rows(file)))
    report = clean(file, "clean", rules, root=folder / "data")
    assert report.rows == 600 and report.actions and file.read_bytes() == held
    back = restore(report.dataset, folder / "data")
    assert equal(back, before)
    again = clean(file, "clean", rules, root=folder / "data")
    assert again.unchanged and again.rows_after == report.rows_after == dataset(report.dataset, folder / "data").rows


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**6), max_size=10), st.sampled_from(["quotes", "bars"]))
def test_cuts_change_nothing_that_is_cleaned(seed: int, cuts: list[int], kind: str) -> None:
    lineage, whole, rules = (
        (QUOTES, noisy(seed, 800), EVERYTHING) if kind == "quotes" else (BARS, bars(seed, 800), BAR_RULES)
    )

    def run(bounds: list[int]) -> tuple[Columns, list[tuple[int, ...]]]:
        applier, out, record = Applier(lineage, rules, week_of("EURUSD")), [], []
        for lo, hi in pairwise(sorted({0, 800, *(b % 800 for b in bounds)})):
            kept, touched, _ = applier.run(part(whole, slice(lo, hi)))
            out.append(kept)
            record += zip(
                *(t.tolist() for t in (touched.row, touched.out_row, touched.action, touched.flag)), strict=True
            )
        return join(out), sorted(record)

    one, other = run([]), run(cuts)
    assert one[1] == other[1] and equal(one[0], other[0])


@settings(max_examples=15)
@given(st.integers(0, 10**6))
def test_cleaning_twice_by_the_default_rules_is_cleaning_once(seed: int) -> None:
    rules = load_rules("default")
    once = Applier(QUOTES, rules, ALWAYS).run(noisy(seed, 250))[0]
    twice, touched, _ = Applier(QUOTES, rules, ALWAYS).run(once)
    assert equal(once, twice) and not len(touched.row)


def small(prices: list[float], steps: list[int] | None = None) -> Columns:
    close = np.array(prices)
    opened = 1_700_000_100 * SECOND + np.cumsum(steps or [1] * len(prices)) * 300 * SECOND
    four = dict.fromkeys(("open", "high", "low", "close"), close)
    ones = np.ones(len(close))
    return {"ts": opened + 300 * SECOND, "open_ts": opened, **four, "volume": ones, "spread": ones * 1e-4}


def apply(rules: list[dict[str, object]], columns: Columns) -> Columns:
    return Applier(BARS, parse_rules({"rule": rules}, "test"), ALWAYS).run(columns)[0]


def test_a_hold_lasts_as_long_as_its_limit_and_then_rows_are_left_out() -> None:
    """Catalogue row 1: the last value, at most `limit` events; pandas ffill(limit=2) says the same."""
    held = apply(
        [{"flag": "missing", "do": "hold", "limit": 2}], small([1.0, 1.1, np.nan, np.nan, np.nan, 1.2, np.nan])
    )
    assert held["close"].tolist() == [1.0, 1.1, 1.1, 1.1, 1.2, 1.2]


def test_a_first_row_that_has_nothing_to_hold_is_left_out() -> None:
    assert apply([{"flag": "missing", "do": "hold"}], small([np.nan, 1.1]))["close"].tolist() == [1.1]


def test_missing_bars_are_filled_flat_and_marked_and_only_when_asked_for() -> None:
    """Catalogue row 1: O=H=L=C=close[t-1], V=0, synthetic=1."""
    holed = small([1.0, 1.1, 1.2], [1, 1, 4])
    filled = apply([{"flag": "gap", "do": "fill"}], holed)
    assert filled["synthetic"].tolist() == [0, 0, 1, 1, 1, 0] and filled["volume"].tolist() == [1, 1, 0, 0, 0, 1]
    for name in ("open", "high", "low", "close"):
        assert filled[name].tolist() == [1.0, 1.1, 1.1, 1.1, 1.1, 1.2]
    assert (np.diff(filled["open_ts"]) == 300 * SECOND).all() and (
        filled["ts"] - filled["open_ts"] == 300 * SECOND
    ).all()
    assert size(apply([{"flag": "crossed", "do": "drop"}], holed)) == 3
    assert size(apply([{"flag": "gap", "do": "fill", "limit": 2}], holed)) == 3


def test_nothing_is_filled_while_the_market_is_closed() -> None:
    friday = 1_549_054_800 * SECOND + HOUR  # 2019-02-01 22:00 UTC: closed in New York
    rows = small([1.0, 1.1])
    rows["open_ts"] = np.array([friday - 300 * SECOND, friday + 48 * HOUR])
    rules = parse_rules({"rule": [{"flag": "gap", "do": "fill"}]}, "test")
    assert size(Applier(BARS, rules, week_of("EURUSD")).run(rows)[0]) == 2


def test_fxcms_crossed_quotes_are_left_out_and_had_back(shared: Path, own_folders: Path) -> None:
    from engine.feeds.importers.options import Options

    file = shared / "data/fx_ticks/eurusd_fxcm_ticks_2014-05-01_05.parquet"
    report = clean(file, "clean", options=Options(zone="UTC-05:00"))
    assert (report.rows, report.rows_after, report.actions) == (213_627, 192_414, {"drop crossed": 21_213})
    assert report.before["crossed"] == 21_213 and "crossed" not in report.after
    made = dataset("clean/EURUSD/quotes")
    assert made.dropped == {"crossed": 21_213} and report.rules in made.lineage.made_from
    touched = pq.read_table(own_folders / "clean/EURUSD/quotes/_clean/rows.parquet")
    assert touched.num_rows == 21_213 and set(touched.column("flag").to_pylist()) == {"crossed"}
    assert undo("clean/EURUSD/quotes", "back").rows_after == dataset("back/EURUSD/quotes").rows == 213_627


def test_a_dataset_comes_back_with_the_digest_it_had(own_folders: Path) -> None:
    with Append(QUOTES) as target:
        rows = {n: np.arange(5.0) + 1 if n != "ts" else np.arange(5) * SECOND + 1_700_000_000 * SECOND for n in QUOTES_}
        rows["bid"] = np.full(5, 1.1)
        rows["ask"] = np.array([1.1001, 1.1001, 1.1002, 1.1002, 1.1002])
        rows["ts"][2] = rows["ts"][1]
        target.add(rows)
    rules = parse_rules({"rule": [{"flag": "gap", "do": "fill"}, {"flag": "spike", "do": "drop"}]}, "test")
    clean("test/EURUSD/quotes", "clean", rules)
    undo("clean/EURUSD/quotes", "back")
    assert dataset("back/EURUSD/quotes").digests == dataset("test/EURUSD/quotes").digests


QUOTES_ = ("ts", "bid", "ask", "bid_size", "ask_size")


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({}, "no rule"),
        ({"rules": []}, "unknown key 'rules': did you mean rule?"),
        ({"method": "zz", "rule": []}, "method 'zz'"),
        ({"rule": [{"flag": "crosed", "do": "drop"}]}, r"rule\[0\].flag: 'crosed': did you mean crossed?"),
        ({"rule": [{"flag": "crossed", "do": "dorp"}]}, "'dorp': did you mean drop?"),
        ({"rule": [{"flagg": "crossed", "do": "drop"}]}, "unknown key 'flagg': did you mean flag?"),
        ({"rule": [{"flag": "gap", "do": "drop"}]}, "drop cannot be done about gap"),
        ({"rule": [{"flag": "spike", "do": "repair"}]}, "it can about crossed, inconsistent, negative"),
        ({"rule": [{"flag": "gap", "do": "fill", "limit": -1}]}, "limit: must be a number of rows"),
        ({"rule": ["drop"]}, "is not a table"),
        ({"rule": [{"do": "drop"}]}, "name one flag or a list of them"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_named(table: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse_rules(table, "x.toml")


def test_nothing_is_repaired_by_the_rules_that_ship() -> None:
    for name in ("default", "strict", "fill"):
        assert {rule.do for rule in load_rules(name).rules} <= {"drop", "fill"}
    with pytest.raises(ConfigError, match="no rules are called 'defalt': did you mean default?"):
        load_rules("defalt")


def test_what_cannot_be_cleaned_leaves_nothing_behind(tmp_path: Path, own_folders: Path) -> None:
    file = stored(QUOTES, noisy(1, 300), tmp_path / "in.parquet")
    with pytest.raises(DataError, match="crossed"):
        clean(file, "clean", parse_rules({"rule": [{"flag": ["missing", "duplicate", "backward"], "do": "drop"}]}, "x"))
    assert not own_folders.exists() or not list(own_folders.rglob("*"))
    with pytest.raises(NotFound, match="no dataset"):
        clean("nowhere/EURUSD/quotes", "clean")
    (own_folders / ".clean.999999/clean").mkdir(parents=True)
    clean(file, "clean")
    assert not list(own_folders.glob(".*"))
    with pytest.raises(ConfigError, match="is there already, made otherwise"):
        clean(file, "clean", "strict")
    clean(file, "clean", "strict", replace=True)
    for out in ("demo", "", "clean/GBPUSD/quotes"):
        with pytest.raises(ConfigError, match="cannot"):
            clean(file, out, "strict")


def test_a_cleaned_dataset_that_was_changed_cannot_be_undone(tmp_path: Path) -> None:
    file = stored(QUOTES, noisy(1, 300), tmp_path / "in.parquet")
    report = clean(file, "clean")
    lineage = dataset(report.dataset).lineage
    later = {n: np.array([1.5]) for n in QUOTES_} | {"ts": np.array([1_700_000_000 * SECOND]), "ask": np.array([1.6])}
    with Append(lineage) as target:
        target.add(later)
    with pytest.raises(DataError, match="was changed after it was cleaned"):
        restore(report.dataset)
