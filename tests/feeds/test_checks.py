"""Checks of incoming rows: the same verdict however the stream is cut, and every planted defect is named."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import DataError
from engine.core.zones import HOUR
from engine.feeds.checks import WORDS, Checker
from engine.feeds.lineage import Columns, Lineage, join, part

QUOTES = Lineage(source="test", symbol="EURUSD")
BARS = Lineage(source="test", symbol="EURUSD", frame="H1", basis="bid", stamps="open")
PRICE = st.sampled_from([1.0, 1.1, 1.2, 0.0, -1.0, np.nan, np.inf])


def bars(rows: list[tuple[int, float, float, float, float, float]]) -> Columns:
    columns = np.array(rows, float).reshape(-1, 6)
    opened = columns[:, 0].astype(np.int64) * HOUR
    names = ("open", "high", "low", "close", "spread")
    prices = {name: columns[:, i + 1] for i, name in enumerate(names)}
    return {"ts": opened + HOUR, "open_ts": opened, **prices, "volume": np.ones(len(opened))}


def verdict(
    lineage: Lineage, whole: Columns, cuts: list[int]
) -> tuple[Columns | None, dict[str, tuple[int, int]], str]:
    n = len(whole["ts"])
    bounds = sorted({0, n, *(c for c in cuts if c < n)})
    checker = Checker(lineage, "file", "drop")
    kept, error = [], ""
    try:
        for columns, _ in checker.run(part(whole, slice(a, b)) for a, b in pairwise(bounds)):
            kept.append(columns)
    except DataError as wrong:
        error = str(wrong)
    return join(kept) if kept else None, {k: (f.rows, f.first) for k, f in checker.found.items()}, error


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, 12), PRICE, PRICE, PRICE, PRICE, PRICE), min_size=1, max_size=25),
    st.lists(st.integers(0, 25), max_size=8),
)
def test_the_verdict_on_bars_does_not_depend_on_how_they_are_cut(
    rows: list[tuple[int, float, float, float, float, float]], cuts: list[int]
) -> None:
    one, other = verdict(BARS, bars(rows), []), verdict(BARS, bars(rows), cuts)
    assert one[1:] == other[1:]
    assert one[0] is not None and other[0] is not None
    assert all(np.array_equal(one[0][n], other[0][n], equal_nan=True) for n in one[0])


@settings(max_examples=80)
@given(st.lists(st.tuples(st.integers(0, 9), PRICE, PRICE), min_size=1, max_size=25), st.lists(st.integers(0, 25)))
def test_what_is_kept_of_quotes_is_in_order_and_can_be_traded_on(
    rows: list[tuple[int, float, float]], cuts: list[int]
) -> None:
    columns = np.array(rows, float)
    whole = {"ts": columns[:, 0].astype(np.int64), "bid": columns[:, 1], "ask": columns[:, 2]}
    kept, found, error = verdict(QUOTES, whole, cuts)
    assert kept is not None and bool(error) == ("backward" in found)
    assert (np.diff(kept["ts"]) >= 0).all() and (kept["bid"] > 0).all() and (kept["ask"] >= kept["bid"]).all()
    assert np.isfinite(kept["ask"]).all() and len(kept["ts"]) == len(rows) - sum(n for n, _ in found.values())


GOOD = (1.1, 1.3, 1.0, 1.2, 0.1)


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("backward", (0, *GOOD)), ("duplicate", (1, *GOOD)), ("missing", (2, 1.1, 1.3, 1.0, np.nan, 0.1)),
        ("missing", (2, 1.1, np.inf, 1.0, 1.2, 0.1)), ("nonpositive", (2, 1.1, 1.3, 0.0, 1.2, 0.1)),
        ("inconsistent", (2, 1.1, 1.0, 1.3, 1.2, 0.1)), ("inconsistent", (2, 1.4, 1.3, 1.0, 1.2, 0.1)),
        ("inconsistent", (2, 1.1, 1.3, 1.0, 0.9, 0.1)), ("negative_spread", (2, 1.1, 1.3, 1.0, 1.2, -0.1)),
    ],
)  # fmt: skip
def test_every_defect_of_a_bar_is_named_with_its_row(kind: str, row: tuple[float, ...]) -> None:
    whole = bars([(1, *GOOD), row, (3, *GOOD)])  # type: ignore[list-item]
    for cuts in ([], [1], [2]):
        assert verdict(BARS, whole, cuts)[1] == {kind: (1, 2)}
    checker = Checker(BARS, "file")
    with pytest.raises(DataError, match=f"^file: 1 rows {WORDS[kind][:12]}.*, the first is row 2 "):
        list(checker.run(iter([whole])))


def test_a_bar_whose_spread_was_not_recorded_is_not_a_bad_bar() -> None:
    assert verdict(BARS, bars([(1, *GOOD[:4], np.nan)]), [])[1] == {}
