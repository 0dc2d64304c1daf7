"""Bars of real quotes and real prints: equal to pandas, to Dukascopy's candles, and to an exchange's own minutes."""

from __future__ import annotations

import gzip
import json
import lzma
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import engine
from engine.core.errors import ConfigError, DataError, NotFound
from engine.core.tape import ArrayTape
from engine.core.zones import DAY, HOUR
from engine.feeds.append import Added, Append
from engine.feeds.catalogue import dataset
from engine.feeds.kinds.make import make_bars
from engine.feeds.kinds.maker import BarMaker
from engine.feeds.lineage import Columns, Lineage, join, part, size
from tests.laws.closing import build

MS = 10**6
RULES = {"M1": "1min", "M15": "15min", "H1": "1h"}


def put(lineage: Lineage, *chunks: Columns) -> Added:
    with Append(lineage) as target:
        for chunk in chunks:
            target.add(chunk)
    return target.report


@pytest.fixture(scope="module")
def eurusd(shared: Path) -> Columns:
    """A day of Dukascopy quotes (2019-02-04), 136,741 of them."""
    table = pq.read_table(shared / "data/fx_ticks/eurusd_dukascopy_ticks_2019-02-04.parquet")
    ts = table["ts_utc"].cast("int64").to_numpy() * MS
    order = np.argsort(ts, kind="stable")
    return {"ts": ts[order], **{n: table[f"{n}_pt"].to_numpy()[order] / 1e5 for n in ("bid", "ask")}}


@pytest.fixture(scope="module")
def xrp(shared: Path) -> Columns:
    """12,477 trades of XRP/ETH (2019-10-11 to 13)."""
    rows = json.loads(gzip.decompress((shared / "data/crypto/freqtrade/XRP_ETH-trades.json.gz").read_bytes()))
    side = [1.0 if row[3] == "buy" else -1.0 for row in rows]
    return {
        "ts": np.array([row[0] for row in rows]) * MS, "price": np.array([row[4] for row in rows]),
        "size": np.array([row[5] for row in rows]), "side": np.array(side),
    }  # fmt: skip


@pytest.mark.parametrize("frame", RULES)
@pytest.mark.parametrize("basis", ["bid", "ask", "mid"])
def test_time_bars_of_real_quotes_are_those_of_pandas_resample(eurusd: Columns, frame: str, basis: str) -> None:
    made = engine.bars(eurusd, frame, basis=basis)
    price = eurusd["bid"] * 0.5 + eurusd["ask"] * 0.5 if basis == "mid" else eurusd[basis]
    index = pd.to_datetime(eurusd["ts"], unit="ns", utc=True)
    quotes = pd.DataFrame({"price": price, "spread": eurusd["ask"] - eurusd["bid"]}, index=index)
    slots = quotes.resample(RULES[frame], label="left", closed="left")
    theirs = slots["price"].ohlc().assign(
        volume=slots["price"].count(), spread=slots["spread"].last(), mean=slots["spread"].mean(),
        vwap=slots["price"].mean(),
    )  # fmt: skip
    empty = (theirs["volume"] == 0).cumsum()
    theirs = theirs[theirs["volume"] > 0].iloc[:-1]  # the last is still open
    missing = empty.loc[theirs.index].diff().fillna(0)
    opened = theirs.index.astype("datetime64[ns, UTC]").astype("int64").to_numpy()
    assert len(made) == len(theirs) > 20 and made["open_ts"].tolist() == opened.tolist()
    for name in ("open", "high", "low", "close", "volume", "spread"):
        assert made[name].tolist() == theirs[name].tolist()
    assert made["ticks"].tolist() == theirs["volume"].tolist() and made["n_missing"].tolist() == missing.tolist()
    assert np.allclose(made["spread_mean"], theirs["mean"], rtol=1e-9)
    assert np.allclose(made["vwap"], theirs["vwap"], rtol=1e-12)


def test_time_bars_are_those_of_the_run(eurusd: Columns) -> None:
    tape = ArrayTape.quotes(("EURUSD",), symbol=np.zeros(size(eurusd)), **eurusd)
    for frame in ("M5", "H4", "D1"):
        made = engine.bars(eurusd, frame, symbol="EURUSD")
        run = [(b.start, b.end, b.open, b.high, b.low, b.close, b.volume) for b in build(tape, [frame])]
        names = ("open_ts", "ts", "open", "high", "low", "close", "volume")
        assert list(zip(*(made[n].tolist() for n in names), strict=True)) == run and (run or frame == "D1")


def test_minutes_are_dukascopys_own_candles(eurusd: Columns, shared: Path) -> None:
    raw = lzma.decompress((shared / "data/fx_ticks/bi5_raw/EURUSD/2019/01/04/BID_candles_min_1.bi5").read_bytes())
    theirs = {int(t): (o, h, low, c) for t, o, c, low, h, _ in struct.iter_unpack(">5if", raw)}
    made = engine.bars(eurusd, "M1")
    points = (np.round(made[["open", "high", "low", "close"]].to_numpy() * 1e5)).astype(int)
    seconds = (made["open_ts"].to_numpy() % DAY) // 10**9
    got = {int(t): tuple(row) for t, row in zip(seconds, points.tolist(), strict=True)}
    assert len(got) == 1439 and all(got[t] == theirs[t] for t in got)  # the 1440th has no quote after it


def test_minutes_of_real_prints_are_the_exchanges_own(xrp: Columns, shared: Path) -> None:
    theirs = pd.read_feather(shared / "data/crypto/freqtrade/XRP_ETH-1m.feather").set_index("date")
    stream = BarMaker("M1")
    made = join([stream.add(xrp), stream.clock(int(xrp["ts"][-1]) + HOUR)])
    opened = pd.to_datetime(made["open_ts"], unit="ns", utc=True)
    mine = pd.DataFrame({n: made[n] for n in ("open", "high", "low", "close", "volume")}, index=opened)
    theirs = theirs[theirs["volume"] > 0]
    assert len(mine) == len(theirs) and (mine.index == theirs.index).all()
    assert np.array_equal(mine[["open", "high", "low", "close"]], theirs[["open", "high", "low", "close"]])
    assert np.allclose(mine["volume"], theirs["volume"], rtol=1e-12)


@pytest.mark.parametrize("kind", ["tick 500", "volume 5000", "dollar 10", "imbalance 200", "dollar run 200"])
def test_activity_bars_of_real_prints_hold_every_print_once(xrp: Columns, kind: str) -> None:
    stream = BarMaker(kind)
    every = join([stream.add(xrp), stream.peek()])
    assert size(every) > 5 and every["ticks"].sum() == size(xrp)
    assert np.isclose(every["volume"].sum(), xrp["size"].sum(), rtol=1e-12)
    assert (every["high"].max(), every["low"].min()) == (xrp["price"].max(), xrp["price"].min())


@pytest.mark.parametrize("kind", ["M5", "tick 1000", "renko 10 points", "adaptive 500"])
def test_bars_go_into_the_catalogue_and_made_again_change_nothing(
    eurusd: Columns, kind: str, own_folders: Path
) -> None:
    put(Lineage(source="test", symbol="EURUSD"), eurusd)
    report = make_bars("test/EURUSD/quotes", kind)
    files = {p: p.stat().st_mtime_ns for p in own_folders.rglob("*") if p.is_file()}
    again = make_bars("test/EURUSD/quotes", kind)
    assert report.added == report.rows > 100 and (again.added, again.revised, again.files) == (0, 0, 0)
    assert files == {p: p.stat().st_mtime_ns for p in own_folders.rglob("*") if p.is_file()}
    held = dataset(report.dataset)
    stored, made = join(list(held.read())), engine.bars("test/EURUSD/quotes", kind)
    assert all(np.array_equal(stored[n], made[n], equal_nan=True) for n in made)
    lineage = held.lineage
    assert (lineage.basis, lineage.volume_unit, lineage.made_from) == ("bid", "tick", "test/EURUSD/quotes")
    assert "the last bar is still open" in report.notes[0]


def test_bars_of_a_dataset_that_grew_are_those_of_the_whole(eurusd: Columns) -> None:
    lineage, n = Lineage(source="test", symbol="EURUSD"), size(eurusd) // 2
    put(lineage, part(eurusd, slice(0, n)))
    for kind in ("M5", "tick 700", "renko 5 points"):
        make_bars("test/EURUSD/quotes", kind)
    put(lineage, part(eurusd, slice(n, None)))
    for kind in ("M5", "tick 700", "renko 5 points"):
        grown = make_bars("test/EURUSD/quotes", kind)
        stored = join(list(dataset(grown.dataset).read()))
        made = engine.bars("test/EURUSD/quotes", kind)
        assert grown.added > 0 and all(np.array_equal(stored[n], made[n], equal_nan=True) for n in made)


def test_a_quote_that_comes_late_makes_activity_bars_anew_and_revises_time_bars(eurusd: Columns) -> None:
    lineage, odd = Lineage(source="test", symbol="EURUSD"), np.arange(size(eurusd)) != 50_000
    put(lineage, part(eurusd, odd))
    for kind in ("M1", "tick 1000"):
        make_bars("test/EURUSD/quotes", kind)
    put(lineage, eurusd)
    minutes, ticks = (make_bars("test/EURUSD/quotes", kind) for kind in ("M1", "tick 1000"))
    assert (minutes.revised, minutes.added) == (1, 0) and ticks.revised > 50
    for kind in ("M1", "tick1000"):
        stored, made = join(list(dataset(f"test/EURUSD/bars-{kind}").read())), engine.bars(eurusd, kind)
        assert all(np.array_equal(stored[n], made[n], equal_nan=True) for n in made)


def test_larger_bars_of_smaller_ones_are_those_of_the_quotes(eurusd: Columns) -> None:
    put(Lineage(source="test", symbol="EURUSD"), eurusd)
    make_bars("test/EURUSD/quotes", "M1")
    for frame, n in (("M15", 15), ("H1", 60)):
        mine, theirs = engine.bars("test/EURUSD/bars-M1", frame), engine.bars(eurusd, frame)
        for name in ("ts", "open_ts", "open", "high", "low", "close", "volume", "spread"):
            assert mine[name].tolist() == theirs[name].tolist()[: len(mine)]
        assert (mine["ticks"] + mine["n_missing"] == n).all() and mine["vwap"].isna().all()
    gap = engine.bars("test/EURUSD/bars-M1", "M15").iloc[0]
    assert gap["n_missing"] == 0


def test_what_cannot_be_meant_is_said(eurusd: Columns) -> None:
    put(Lineage(source="test", symbol="NOBODY"), part(eurusd, slice(0, 100)))
    with pytest.raises(NotFound, match="did you mean"):
        make_bars("test/NOBODY/quots", "tick 10")
    with pytest.raises(ConfigError, match="unknown instrument 'NOBODY'"):
        make_bars("test/NOBODY/quotes", "renko 10 points")
    assert make_bars("test/NOBODY/quotes", "tick 10").added == 10
    with pytest.raises(ConfigError, match="`demo` ships with the project"):
        make_bars("demo/EURUSD/bars-H1", "H4")
    assert make_bars("demo/EURUSD/bars-H1", "H4", out="mine").added > 1000
    with pytest.raises(ConfigError, match="holds ask prices"):
        make_bars("demo/EURUSD/bars-H1", "H4", out="mine", basis="bid")
    with pytest.raises(ConfigError, match="say of which symbol"):
        engine.bars(eurusd, "renko 10 points")
    with pytest.raises(DataError, match="columns bid and ask, or price and size"):
        engine.bars({"ts": [1], "close": [1.0]}, "tick 10")
    with pytest.raises(ConfigError, match="made of bid, ask or mid"):
        engine.bars(eurusd, "M1", basis="last")
    frame = pd.DataFrame({k: eurusd[k] for k in ("bid", "ask")}, index=pd.to_datetime(eurusd["ts"], unit="ns"))
    assert engine.bars(frame, "M1").equals(engine.bars(eurusd, "M1"))
