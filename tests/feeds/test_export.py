"""Export: what goes out comes in again with the same rows, nothing is overwritten, nothing is left half-written."""

from __future__ import annotations

import zipfile
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import ConfigError, DataError, NotFound, OutputError
from engine.core.frames import FRAMES
from engine.feeds.append import Append
from engine.feeds.catalogue import dataset
from engine.feeds.data import import_file
from engine.feeds.export import export_dataset
from engine.feeds.importers.formats import open_file
from engine.feeds.importers.options import Options
from engine.feeds.lineage import Columns, Lineage, join, size

START = 1_700_000_000 * 10**9 // (24 * 3_600 * 10**9) * 24 * 3_600 * 10**9
LICENCE = 'free, as in "beer"'
KINDS = {
    "quotes": Lineage(source="s", symbol="EURUSD", licence=LICENCE),
    "prints": Lineage(source="s", symbol="BTCUSD", basis="last", stamps="print", volume_unit="base", licence=LICENCE),
    "M1": Lineage(
        source="s", symbol="EURUSD", frame="M1", basis="bid", stamps="open", volume_unit="tick", spread="told"
    ),
    "H1": Lineage(source="s", symbol="BTCUSD", frame="H1", basis="last", stamps="close", volume_unit="base"),
    "H4": Lineage(source="s", symbol="EURUSD", frame="H4", basis="ask", stamps="open"),
}
price = st.floats(1e-6, 1e6) | st.integers(1, 10**6).map(lambda n: n / 1e5)
maybe = st.floats(1e-9, 1e12) | st.just(float("nan"))


@st.composite
def rows(draw: st.DrawFn, name: str) -> Columns:
    lineage, n = KINDS[name], draw(st.integers(1, 12))

    def column(values: st.SearchStrategy[float]) -> np.ndarray:
        return np.array(draw(st.lists(values, min_size=n, max_size=n)), np.float64)

    steps = np.array(draw(st.lists(st.integers(1, 10**14), min_size=n, max_size=n)), np.int64)
    if not lineage.bars:
        ts = START + np.cumsum(steps)
        if lineage.prints:
            return {"ts": ts, "price": column(price), "size": column(price), "side": np.sign(column(st.floats(-1, 1)))}
        bid = column(price)
        sizes = {"bid_size": column(maybe), "ask_size": column(maybe)}
        return {"ts": ts, "bid": bid, "ask": bid + column(st.floats(0, 10)), **sizes}
    length = FRAMES[lineage.frame]
    opened = START + np.cumsum(steps % 50 + 1) * length
    low = column(price)
    found = {"ts": opened + length, "open_ts": opened, "open": low + 1, "high": low + 2, "low": low, "close": low + 1.5}
    return {**found, "volume": column(maybe), "spread": np.abs(column(maybe))}


def keep(name: str, columns: Columns, root: Path) -> str:
    with Append(KINDS[name], root) as target:
        target.add(columns)
    return target.report.dataset


def same(one: Columns, other: Columns, but: tuple[str, ...] = ()) -> None:
    for name in one:
        if name not in but:
            assert np.array_equal(one[name], other[name], equal_nan=one[name].dtype.kind == "f"), name


@pytest.mark.parametrize("format", ["csv", "feather", "parquet"])
@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
@settings(max_examples=6)
def test_what_goes_out_comes_in_again(
    name: str, format: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("round")
    known = keep(name, data.draw(rows(name)), root)
    if KINDS[name].bars:  # a second import revises a bar
        first = next(dataset(known, root).read())
        keep(name, {k: v[:1] + (1.0 if k == "volume" else 0) for k, v in first.items() if k != "version"}, root)
    before = join(list(dataset(known, root).read()))
    report = export_dataset(known, format, out=root / f"{KINDS[name].symbol}.{format}", root=root)
    come = open_file(Path(report.path), Options(source="s"))
    back = join(list(come.chunks))
    assert report.rows == size(before) == size(back)
    same(before, back, but=("version",) if not KINDS[name].bars else ())
    lineage, told = dataset(known, root).lineage, come.lineage
    same_words = ("symbol", "frame", "basis", "stamps", "spread", "kind")
    assert [getattr(told, w) for w in same_words] == [getattr(lineage, w) for w in same_words]
    if format != "csv":
        assert told == lineage


@pytest.mark.parametrize("name", ["quotes", "prints", "M1", "H1"])
@given(data=st.data())
@settings(max_examples=6)
def test_what_lean_can_hold_goes_through_it_and_back(
    name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("lean")
    columns = data.draw(rows(name))
    if "spread" in columns:
        columns["spread"] = np.round(np.nan_to_num(columns["spread"]) % 1.0, 5)
        columns.update({k: np.round(columns[k], 5) for k in ("open", "high", "low", "close")})
    known = keep(name, columns, root)
    before = join(list(dataset(known, root).read()))
    report = export_dataset(known, "lean", out=root / "lean", root=root)
    files = sorted((root / "lean").rglob("*.zip"))
    assert report.files == len(files)
    back = join([join(list(open_file(file, Options(source="s")).chunks)) for file in files])
    lost = {"quotes": ("bid_size", "ask_size"), "prints": ("side",), "M1": ("volume",), "H1": ("spread",)}[name]
    same(before, back, but=(*lost, "version", "spread"))
    if name == "M1":  # ask minus bid, and neither knows more than a double of its size
        np.testing.assert_allclose(back["spread"], before["spread"], rtol=0, atol=1e-9)
    for column in lost:
        if not np.isnan(before[column]).all() and (before[column] != 0).any():
            assert any("left out" in note for note in report.notes)


def test_other_programs_read_what_is_exported(tmp_path: Path) -> None:
    paths = {
        f: export_dataset("demo/EURUSD/bars-H1", f, out=tmp_path / f"demo.{f}").path
        for f in ("csv", "feather", "parquet")
    }
    close = next(dataset("demo/EURUSD/bars-H1").read())["close"]
    assert np.array_equal(duckdb.sql(f"select close from '{paths['csv']}'").fetchnumpy()["close"], close)
    assert np.array_equal(duckdb.sql(f"select close from '{paths['parquet']}'").fetchnumpy()["close"], close)
    assert np.array_equal(pl.read_parquet(paths["parquet"])["close"].to_numpy(), close)
    assert np.array_equal(pl.read_ipc(paths["feather"])["close"].to_numpy(), close)
    table = pd.read_feather(paths["feather"])
    assert np.array_equal(table["close"].to_numpy(), close) and str(table["ts"].dt.tz) == "UTC"


def test_nothing_is_overwritten_unless_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("mine")
    with pytest.raises(ConfigError, match="is there already: name another file, or replace it with --force"):
        export_dataset("demo/EURUSD/bars-H1", out=path)
    assert path.read_text() == "mine" and list(tmp_path.iterdir()) == [path]
    assert export_dataset("demo/EURUSD/bars-H1", out=path, force=True).rows == 6_225
    assert export_dataset("demo/EURUSD/bars-H1", out=tmp_path).path == str(tmp_path / "EURUSD-H1.csv")


def test_a_range_is_cut_as_asked_and_an_empty_one_leaves_nothing(tmp_path: Path) -> None:
    first, last = (int(np.datetime64(text, "ns").astype(np.int64)) for text in ("2017-03-01", "2017-03-02"))
    report = export_dataset("demo/EURUSD/bars-H1", "parquet", first, last, tmp_path / "day.parquet")
    assert report.rows == 24 and (report.first, report.last) == (first, last - 3_600 * 10**9)
    with pytest.raises(DataError, match="holds no row in this range: they reach from 2017-01-01 22:00:00 to"):
        export_dataset("demo/EURUSD/bars-H1", "csv", last + 10**18, None, tmp_path / "new" / "none.csv")
    assert [p.name for p in tmp_path.iterdir()] == ["day.parquet"]


def test_what_cannot_be_meant_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="unknown format 'cvs': did you mean csv"):
        export_dataset("demo/EURUSD/bars-H1", "cvs", out=tmp_path)
    with pytest.raises(NotFound, match="did you mean demo/EURUSD/bars-H1"):
        export_dataset("demo/EURUSD/bars-H2", out=tmp_path)
    with pytest.raises(ConfigError, match="bid .with a spread. or last prices, not ask"):
        export_dataset("demo/EURUSD/bars-H1", "lean", out=tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.feeds.export.write_csv", full)
    with pytest.raises(OutputError, match="the disk is full"):
        export_dataset("demo/EURUSD/bars-H1", "csv", out=tmp_path / "x.csv")
    assert list(tmp_path.iterdir()) == []


def test_real_equity_days_go_out_to_lean_as_they_came(shared: Path, tmp_path: Path) -> None:
    source = shared / "data/equities/lean/daily__spy.zip"
    name = import_file(source, Options(source="usa")).dataset
    report = export_dataset(name, "lean", out=tmp_path / "lean")
    assert (report.files, report.rows, report.notes) == (1, 5_849, [])
    with zipfile.ZipFile(source) as theirs, zipfile.ZipFile(tmp_path / "lean/equity/usa/daily/spy.zip") as ours:
        assert theirs.read("spy.csv").split() == ours.read("spy.csv").split()


def test_real_quotes_go_out_to_every_format_and_come_back(shared: Path, tmp_path: Path) -> None:
    file = shared / "data/fx_ticks/eurusd_dukascopy_ticks_2019-02-04.parquet"
    name = import_file(file, Options(source="duka")).dataset
    before = join(list(dataset(name).read()))
    for format in ("csv", "feather", "parquet", "lean"):
        report = export_dataset(name, format, out=tmp_path / ("lean" if format == "lean" else f"EURUSD.{format}"))
        path = tmp_path / "lean/forex/duka/tick/eurusd/20190204_quote.zip" if format == "lean" else Path(report.path)
        back = import_file(path, Options(source=format))
        assert (back.rows, back.first, back.last) == (136_741, report.first, report.last)
        lost = ("bid_size", "ask_size") if format == "lean" else ()
        same(before, join(list(dataset(back.dataset).read())), but=lost)
