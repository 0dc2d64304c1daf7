"""The catalogue: all or nothing, the same twice changes nothing, every flipped bit is found, others can read it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import ConfigError, DataError, NotFound, OutputError
from engine.core.zones import DAY, HOUR
from engine.feeds.append import Added, Append
from engine.feeds.catalogue import dataset, dataset_names, folder_of
from engine.feeds.data import sample, show_dataset
from engine.feeds.lineage import Columns, Lineage, join
from engine.feeds.store_index import list_datasets

QUOTES = Lineage(source="test", symbol="EURUSD")
BARS = Lineage(source="test", symbol="EURUSD", frame="H1", basis="bid", stamps="open")


def quotes(ts: list[int] | np.ndarray, bid: object = 1.1) -> Columns:
    stamps = np.asarray(ts, np.int64)
    low = np.broadcast_to(np.asarray(bid, float), stamps.shape)
    return {"ts": stamps, "bid": low.copy(), "ask": low + 0.0001}


def bars(opens: list[int] | np.ndarray, close: object = 1.1) -> Columns:
    opened = np.asarray(opens, np.int64) * HOUR
    price = np.broadcast_to(np.asarray(close, float), opened.shape).copy()
    same = dict.fromkeys(("open", "high", "low", "close"), price)
    nothing = np.full(len(opened), np.nan)
    return {"ts": opened + HOUR, "open_ts": opened, **same, "volume": nothing, "spread": nothing}


def put(lineage: Lineage, *chunks: Columns, root: Path | None = None) -> Added:
    with Append(lineage, root) as target:
        for chunk in chunks:
            target.add(chunk)
    return target.report


def read(name: str, root: Path | None = None) -> Columns:
    return join(list(dataset(name, root).read()))


def state(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(p): (p.stat().st_mtime_ns, p.stat().st_ino) for p in sorted(folder.rglob("*")) if p.is_file()}


def test_what_goes_in_comes_out_over_months_and_in_any_chunks(own_folders: Path) -> None:
    ts = np.arange(0, 100 * DAY, 7 * HOUR)
    bid = 1.0 + np.arange(len(ts)) / 1e5
    for symbol, chunks in (("EURUSD", 1), ("GBPUSD", 9)):
        lineage = Lineage(source="test", symbol=symbol)
        put(
            lineage,
            *(quotes(t, b) for t, b in zip(np.array_split(ts, chunks), np.array_split(bid, chunks), strict=True)),
        )
        back = read(f"test/{symbol}/quotes")
        assert np.array_equal(back["ts"], ts) and np.array_equal(back["bid"], bid) and (back["version"] == 1).all()
    months = [p.name for p in sorted((own_folders / "test/EURUSD/quotes").glob("*.parquet"))]
    assert months == ["1970-01.parquet", "1970-02.parquet", "1970-03.parquet", "1970-04.parquet"]
    one, other = dataset("test/EURUSD/quotes"), dataset("test/GBPUSD/quotes")
    assert one.digests == other.digests and one.rows == len(ts)


def test_the_same_data_again_changes_not_a_byte(own_folders: Path) -> None:
    chunk = quotes(np.repeat(np.arange(0, 40 * DAY, HOUR), 2))  # each quote twice: real feeds repeat themselves
    assert put(QUOTES, chunk).added == 2 * 40 * 24
    before = state(own_folders)
    again = put(QUOTES, chunk)
    assert (again.rows, again.added, again.files) == (2 * 40 * 24, 0, 0) and state(own_folders) == before


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 3)), min_size=1, max_size=12), st.data())
def test_quotes_that_overlap_are_kept_as_often_as_the_side_that_has_more(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, int]], data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("root")
    rows = sorted(rows, key=lambda row: row[0])
    lo, hi = sorted((data.draw(st.integers(0, len(rows))), data.draw(st.integers(0, len(rows)))))
    first, second = rows[:hi] or rows, rows[lo:] or rows
    for piece in (first, second, second, first):
        put(QUOTES, quotes([t for t, _ in piece], [float(p) for _, p in piece]), root=root)
    back = read("test/EURUSD/quotes", root)
    got = sorted(zip(back["ts"].tolist(), back["bid"].tolist(), strict=True))
    expected = []
    for row in sorted(set(first + second)):
        expected += [(row[0], float(row[1]))] * max(first.count(row), second.count(row))
    assert got == expected and (np.diff(back["ts"]) >= 0).all()


def test_a_bar_that_comes_again_with_other_numbers_replaces_the_old_one_and_says_so() -> None:
    put(BARS, bars([0, 1, 2], [1.0, 1.1, 1.2]))
    report = put(BARS, bars([1, 2, 3], [1.1, 9.9, 1.3]))
    assert (report.added, report.revised) == (1, 1)
    back = read("test/EURUSD/bars-H1")
    assert back["close"].tolist() == [1.0, 1.1, 9.9, 1.3] and back["version"].tolist() == [1, 1, 2, 1]


def test_a_year_of_h1_bars_is_one_file_and_the_bar_that_closes_in_january_stays_in_december(own_folders: Path) -> None:
    put(BARS, bars(np.arange(364 * 24, 366 * 24)))
    files = sorted((own_folders / "test/EURUSD/bars-H1").glob("*.parquet"))
    assert [p.name for p in files] == ["1970.parquet", "1971.parquet"]
    assert dataset("test/EURUSD/bars-H1").files[0][1].last == 365 * DAY - HOUR


def test_an_import_that_fails_leaves_nothing_and_harms_nothing(own_folders: Path) -> None:
    put(QUOTES, quotes([1, 2, 3]))
    before = state(own_folders)

    def fail(error: type[BaseException]) -> None:
        with Append(QUOTES) as target:
            target.add(quotes(np.arange(10, 100 * DAY, HOUR)))
            raise error("stop")

    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error):
            fail(error)
    with pytest.raises(DataError, match="no row to keep"), Append(Lineage(source="new", symbol="X")) as target:
        target.add(quotes([]))
    assert state(own_folders) == before and not (own_folders / "new").exists()
    assert not list(own_folders.rglob(".staging*"))


def test_ask_bars_do_not_get_into_a_dataset_of_bid_bars() -> None:
    put(BARS, bars([0, 1]))
    asks = Lineage(source="test", symbol="EURUSD", frame="H1", basis="ask", stamps="open")
    with pytest.raises(ConfigError, match="holds rows with basis 'bid', these have 'ask'"):
        put(asks, bars([2]))


def test_every_flipped_bit_of_the_numbers_is_found(own_folders: Path) -> None:
    random = np.random.Generator(np.random.Philox(5))
    put(QUOTES, quotes(np.cumsum(random.integers(1, 10**9, 3_000)), 1 + random.random(3_000)))
    path = next(own_folders.rglob("*.parquet"))
    good, expected = path.read_bytes(), read("test/EURUSD/quotes")
    silent, first = 0, int(expected["ts"][1])
    for place in random.integers(4, len(good) - 8, 120).tolist():
        path.write_bytes(good[:place] + bytes([good[place] ^ (1 << (place % 8))]) + good[place + 1 :])
        for begin, row in ((None, 0), (first, 1)):  # all of it, and a part: there only the pages can tell
            try:
                back = join(list(dataset("test/EURUSD/quotes").read(begin)))
            except (DataError, NotFound):
                continue
            silent += row == 0
            same = (np.array_equal(back[n], expected[n][row:], equal_nan=True) for n in expected)
            assert all(same), f"byte {place} lied"
    assert silent < 60, "most flips must be noticed, the others may only hit what is not read"
    path.write_bytes(good[: len(good) // 2])
    with pytest.raises(DataError, match="is damaged"):
        read("test/EURUSD/quotes")


def test_duckdb_polars_and_pandas_read_the_files_as_they_are_with_their_lineage(own_folders: Path) -> None:
    sample(["EURUSD"], 5_000, seed=3)
    files = str(own_folders / "sample/EURUSD/quotes/*.parquet")
    mine = read("sample/EURUSD/quotes")
    query = f"select count(*), sum(bid), min(instrument), min(stamps) from '{files}'"
    by_duck = duckdb.connect().execute(query).fetchall()[0]
    by_polars = pl.read_parquet(files)
    by_pandas = pd.read_parquet(own_folders / "sample/EURUSD/quotes")
    assert by_duck[0] == 5_000 and by_duck[1] == pytest.approx(mine["bid"].sum())
    assert by_duck[2:] == ("EURUSD@sample", "quote")
    assert np.array_equal(by_polars["ts"].to_physical().to_numpy(), mine["ts"])
    assert (
        np.array_equal(by_pandas["ask"].to_numpy(), mine["ask"]) and str(by_pandas["ts"].dtype) == "datetime64[ns, UTC]"
    )


def test_a_dataset_that_is_not_there_is_answered_with_the_nearest() -> None:
    sample(["EURUSD"], 100, seed=1)
    assert dataset_names() == ["demo/EURUSD/bars-H1", "sample/EURUSD/quotes"]
    with pytest.raises(NotFound, match="did you mean sample/EURUSD/quotes"):
        dataset("sample/EURUDS/quotes")
    with pytest.raises(NotFound):
        dataset("../../etc")


def test_list_and_show_say_what_is_there_in_plain_values() -> None:
    sample(["EURUSD"], 100, seed=1)
    listed = list_datasets()
    assert [(line["name"], line["rows"]) for line in listed] == [
        ("demo/EURUSD/bars-H1", 6225),
        ("sample/EURUSD/quotes", 100),
    ]
    shown = show_dataset("demo/EURUSD/bars-H1", rows=1)
    assert shown["first"] == "2017-01-01 22:00:00" and shown["lineage"]["basis"] == "ask"
    assert shown["head"][0]["open"] == 1.05236 and shown["head"][0]["spread"] is None
    assert shown["head"][0]["ts"] == "2017-01-01 23:00:00"


def test_a_symbol_with_a_slash_is_one_folder_and_never_leaves_the_root(own_folders: Path) -> None:
    lineage = Lineage(source="test", symbol="BTC/USDT:USDT")
    for name in ("test/../quotes", "../../..", "./../x", "test/../../etc/quotes"):
        assert folder_of(own_folders, name).resolve().is_relative_to(own_folders.resolve())
    put(lineage, quotes([1]))
    assert len(read(lineage.name)["ts"]) == 1 and lineage.name in dataset_names()


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        put(QUOTES, quotes([1]), root=tmp_path / "file")
