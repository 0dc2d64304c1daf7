"""Latency: each model has its distribution, each leg its own draws, and an order draws the same whatever happens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from engine.core.errors import ConfigError, NotFound
from engine.venues.latency import BACK, CHANGE, LONGEST, OUT
from tests.venue_models.bench import book_of, config_of, delays_of

MS = 1_000_000
KEYS = np.arange(1, 5_001)
LOGNORMAL = {"model": "lognormal", "median": "40 ms", "sigma": 0.5}
GAMMA = {"model": "gamma", "mean": "60 ms", "shape": 2.0}


def of(leg: int = OUT, keys: Any = KEYS, seed: int = 1, n: int = 0, **venue: Any) -> np.ndarray:
    return delays_of(book_of(config_of(seed, **venue)), leg, keys, n)


def test_a_constant_latency_is_what_it_says_on_every_leg() -> None:
    venue = {"latency": "50 ms", "change_latency": "20 ms", "report_latency": "5 ms"}
    assert [int(of(leg, [7], **venue)[0]) for leg in (OUT, CHANGE, BACK)] == [50 * MS, 20 * MS, 5 * MS]
    assert of(CHANGE, [7], latency="50 ms").tolist() == [50 * MS], "a change takes as long as an order unless said"


def test_a_lognormal_latency_has_the_median_and_sigma_it_says() -> None:
    logs = np.log(of(latency=LOGNORMAL) / (40 * MS))
    assert stats.kstest(logs / 0.5, "norm").pvalue > 1e-3


def test_a_gamma_latency_has_the_mean_and_shape_it_says() -> None:
    found = of(latency=GAMMA)
    assert stats.kstest(found / (30 * MS), stats.gamma(2.0).cdf).pvalue > 1e-3
    assert found.mean() == pytest.approx(60 * MS, rel=0.03)


def test_a_trace_draws_its_samples_each_as_likely() -> None:
    values, counts = np.unique(of(latency={"model": "trace", "samples": [10.0, 20.0, 20.0, 900.5]}), return_counts=True)
    assert values.tolist() == [10 * MS, 20 * MS, int(900.5 * MS)]
    assert counts / len(KEYS) == pytest.approx([0.25, 0.5, 0.25], abs=0.03)


def test_a_trace_may_lie_in_a_csv_or_parquet_file(tmp_path: Path) -> None:
    text, table = tmp_path / "pings.csv", tmp_path / "pings.parquet"
    text.write_text("at,ms\n1,15.5\n2,15.5\n")
    pq.write_table(pa.table({"ms": [15, 15]}), table)
    assert set(of(latency={"model": "trace", "file": str(text), "column": "ms"})) == {15_500_000}
    assert set(of(latency={"model": "trace", "file": str(table)})) == {15 * MS}


@pytest.mark.parametrize(
    ("content", "column", "said"),
    [
        ("at,ms\n1,2\n", "", "has no single column: known: at, ms"),
        ("at,ms\n1,2\n", "mss", "has no mss column: did you mean ms"),
        ("ms\nfast\n", "", "does not hold numbers"),
        ("ms\n", "", "is empty or has gaps"),
        ("ms\n-4\n", "", "holds a latency below 0"),
    ],
)
def test_a_file_that_holds_no_latencies_is_one_clear_error(
    tmp_path: Path, content: str, column: str, said: str
) -> None:
    path = tmp_path / "pings.csv"
    path.write_text(content)
    with pytest.raises(ConfigError, match=said):
        of(latency={"model": "trace", "file": str(path), "column": column})


def test_a_file_of_samples_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound, match="nowhere.csv does not exist"):
        of(latency={"model": "trace", "file": "nowhere.csv"})


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"model": "lognormal"}, "the lognormal model needs median"),
        ({"model": "gamma", "median": "3 ms", "mean": "3 ms"}, "median: belongs to the model lognormal, not to gamma"),
        ({"model": "lognormal", "median": "3 ms", "sigma": 9.0}, r"sigma: must lie in 0\.\.5"),
        ({"model": "gamma", "mean": "3 ms", "shape": 0.0}, "shape: must lie in"),
        ({"model": "trace"}, r"needs samples = \[...\] in ms, or a file"),
        ({"model": "trace", "samples": [-1.0]}, "a latency is 0 or more"),
        ({"model": "lognormall", "median": "3 ms"}, "did you mean lognormal"),
        ({"model": "gamma", "meen": "3 ms"}, "did you mean mean"),
    ],
)
def test_a_latency_that_cannot_be_meant_is_one_clear_error(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config_of(latency=table)


@settings(max_examples=50)
@given(
    st.integers(1, 2**40),
    st.lists(st.integers(1, 10_000), min_size=1, max_size=20),
    st.sampled_from([LOGNORMAL, GAMMA]),
)
def test_the_same_order_draws_the_same_latency_whatever_else_is_sent(
    seed: int, others: list[int], model: dict[str, Any]
) -> None:
    alone = of(keys=[77], seed=seed, latency=model)[0]
    among = of(keys=[*others, 77, *others], seed=seed, latency=model)
    assert among[len(others)] == alone
    assert among.min() >= 0 and among.max() <= LONGEST


def test_legs_and_repeated_messages_draw_apart() -> None:
    models = {"latency": LOGNORMAL, "report_latency": LOGNORMAL}
    legs = [of(leg, **models) for leg in (OUT, CHANGE, BACK)] + [of(CHANGE, n=12_345, **models)]
    for a in range(4):
        for b in range(a):
            assert abs(np.corrcoef(legs[a], legs[b])[0, 1]) < 0.06
