"""The quick way through a table of text and the slow one read the same; vendors' tables mean what they say."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import ConfigError, DataError
from engine.feeds.importers.formats import open_file, sniff
from engine.feeds.importers.options import Options
from engine.feeds.importers.stamps import Reader
from engine.feeds.importers.tables import Layout
from engine.feeds.importers.text import by_arrow, by_kernel, read_csv
from engine.feeds.lineage import Columns, join

LAYOUT = Layout(",", ("time", "a", "b", "word"), False, "utf-8")
TYPES = {"time": pa.string(), "a": pa.float64(), "word": pa.string()}
number = (
    st.integers(-(10**15), 10**15).map(str)
    | st.decimals(-(10**8), 10**8, places=5).map(str)
    | st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.sampled_from(
        ["", "-0", "0.1", ".5", "5.", "1e-5", "007.10", "123456789012345678901234567890", "0.30000000000000004"]
    )
)
word = st.text("abc XYZ019/:", max_size=6)


@given(
    rows=st.lists(st.tuples(number, st.integers(0, 9).map(str), word), min_size=1, max_size=20),
    ending=st.sampled_from(["\n", "\r\n"]),
)
@settings(max_examples=60)
def test_the_kernel_reads_what_arrow_reads_or_leaves_it_to_arrow(rows: list[tuple[str, str, str]], ending: str) -> None:
    text = "".join(f"2019-02-04 00:00:{i:02}.{i:03},{','.join(row)}{ending}" for i, row in enumerate(rows)).encode()
    (slow,) = by_arrow(io.BytesIO(text), Path("x"), LAYOUT, TYPES)
    fast = by_kernel(np.frombuffer(text, np.uint8), LAYOUT, TYPES, None, {})
    if fast is None:
        plain = [r[0] for r in rows if "e" not in r[0] and sum(c.isdigit() for c in r[0]) <= 15]
        assert len(plain) < len(rows)
        return
    numbers = [batch.column(1).to_numpy(zero_copy_only=False) for batch in (fast, slow)]
    assert np.array_equal(*numbers, equal_nan=True) and not (np.signbit(numbers[0]) ^ np.signbit(numbers[1])).any()
    assert fast.column(0).equals(slow.column(0)) and fast.column(2).equals(slow.column(2))


@given(
    wall=st.lists(st.integers(-(2 * 10**18), 4 * 10**18), min_size=1, max_size=20),
    form=st.sampled_from(["ms", "s", "compact", "T", "Z", "+02:00", "minute"]),
)
@settings(max_examples=40)
def test_stamps_read_on_the_way_are_those_that_are_read_later(wall: list[int], form: str) -> None:
    unit = {"s": "s", "compact": "s", "minute": "m"}.get(form, "ms")
    texts = np.array(wall).view("M8[ns]").astype(f"M8[{unit}]").astype(str)
    if form == "compact":
        texts = np.array([t.replace("-", "").replace("T", " ").replace(":", "") for t in texts])
    elif form != "T":
        texts = np.array([t.replace("T", " ") + (form if form in ("Z", "+02:00") else "") for t in texts])
    block = "".join(f"{t},1\n" for t in texts).encode()
    layout = Layout(",", ("time", "x"), False, "utf-8")
    reader, later = Reader(), Reader()
    fast = by_kernel(np.frombuffer(block, np.uint8), layout, {"time": pa.string()}, reader, {"time": False})
    assert fast is not None and pa.types.is_timestamp(fast.column(0).type)
    want = later.read(pa.array(texts.tolist()), None, 0)
    assert np.array_equal(fast.column(0).view(pa.int64()).to_numpy(), want) and reader.own_zone == later.own_zone


@pytest.mark.parametrize("chunk", [64, 100, 1_000])
def test_blocks_of_any_size_give_the_same_rows(tmp_path: Path, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"2019-02-04 00:00:{n % 60:02},{n}.5,{n}.7" for n in range(300)]
    lines[150] = '"2019-02-04 00:00:30",1e3,1.001e3'  # only this block goes the slow way
    (tmp_path / "t.csv").write_text("time,bid,ask\n" + "\n".join(lines))
    monkeypatch.setattr("engine.feeds.importers.text.CHUNK", chunk)
    types = {"time": pa.string(), "bid": pa.float64()}
    layout = Layout(",", ("time", "bid", "ask"), True, "utf-8")
    bids = np.concatenate(
        [b.column(1).to_numpy() for b in read_csv(tmp_path / "t.csv", layout, types, Reader(), {"time": False})]
    )
    want = [n + 0.5 for n in range(300)]
    want[150] = 1000.0
    assert bids.tolist() == want


def put(tmp_path: Path, name: str, text: str, **options: object) -> tuple[Columns, object]:
    path = tmp_path / name
    path.write_bytes(text.encode())
    come = open_file(path, Options(**options))  # type: ignore[arg-type]
    return join(list(come.chunks)), come.lineage


MS, US = "1672531200123", "1735689600123456"
VENDORS = [
    # name, text, format, dataset's kind, first ts (or open) as text, first row
    ("EURUSD-2019-01.csv", "EUR/USD,20190101 22:00:00.295,1.14598,1.14682\nEUR/USD,20190101 22:00:00.400,1.1,1.2\n",
     "truefx", "EURUSD/quotes", "2019-01-01T22:00:00.295", {"bid": 1.14598, "ask": 1.14682}),
    ("EURUSD_1.csv", "DateTime,Bid,Ask\r\n01/07/2018 22:00:00.123,1.20281,1.20357\r\n",
     "fxcm", "EURUSD/quotes", "2018-01-07T22:00:00.123", {"bid": 1.20281, "ask": 1.20357}),
    ("EURUSD_H1.csv", "DateTime,BidOpen,BidHigh,BidLow,BidClose,AskOpen,AskHigh,AskLow,AskClose\n"
     "01/07/2018 22:00:00,1.1,1.3,1.0,1.2,1.2,1.4,1.1,1.3\n",
     "fxcm", "EURUSD/bars-H1", "2018-01-07T22:00", {"open": 1.1, "close": 1.2, "spread": 0.1}),
    ("BTCUSDT-1m-2023-01.csv", f"{MS[:-3]}000,16541.77,16545.7,16508.39,16529.67,4364.8357,{MS[:-3]}999,72146293.57,"
     f"149854,2179.94772,36032350.6,0\n", "binance", "BTCUSDT/bars-M1", "2023-01-01T00:00",
     {"open": 16541.77, "close": 16529.67, "volume": 4364.8357}),
    ("BTCUSDT-1m-2025-01.csv",
     "1735689600000000,93576.0,93610.9,93537.5,93610.9,8.2,1735689659999999,767891.1,1823,4.2,"
     "395121.1,0\n", "binance", "BTCUSDT/bars-M1", "2025-01-01T00:00", {"open": 93576.0, "high": 93610.9}),
    ("BTCUSDT-1m-2024-02.csv", "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
     "taker_buy_quote_volume,ignore\n1706745600000,42580,42600.1,42570,42590,10.5,1706745659999,447195,321,5.5,234234,0\n",
     "binance", "BTCUSDT/bars-M1", "2024-02-01T00:00", {"open": 42580.0, "volume": 10.5}),
    ("BTCUSDT-aggTrades-2023-01.csv",
     f"1,16541.77,0.002,10,11,{MS},True,True\n2,16541.78,0.003,12,12,{MS},False,True\n",
     "binance", "BTCUSDT/prints", "2023-01-01T00:00:00.123", {"price": 16541.77, "size": 0.002, "side": -1.0}),
    ("BTCUSDT-aggTrades-2024-01.csv", "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,"
     f"is_buyer_maker\n1,42580.1,0.002,10,11,{MS},false\n",
     "binance", "BTCUSDT/prints", "2023-01-01T00:00:00.123", {"price": 42580.1, "side": 1.0}),
    ("ETHUSDT-trades-2025-01.csv", f"2085,3350.01,0.5,1675.005,{US},False,True\n",
     "binance", "ETHUSDT/prints", "2025-01-01T00:00:00.123456", {"price": 3350.01, "size": 0.5, "side": 1.0}),
    ("XBTUSD.csv", "1381095255,122.00000,0.10000000\n1381179030,123.61000,0.10000000\n",
     "kraken", "XBTUSD/prints", "2013-10-06T21:34:15", {"price": 122.0, "size": 0.1, "side": 0.0}),
    ("XBTUSD_60.csv", "1672531200,16541.7,16545.7,16508.3,16529.6,43.6,120\n",
     "kraken", "XBTUSD/bars-H1", "2023-01-01T00:00", {"open": 16541.7, "volume": 43.6}),
    ("DAT_ASCII_EURUSD_M1_201801.csv", "20180101 170000;1.200370;1.201000;1.200370;1.201000;0\n",
     "histdata", "EURUSD/bars-M1", "2018-01-01T22:00", {"open": 1.20037, "close": 1.201}),
    ("DAT_ASCII_EURUSD_T_201801.csv", "20180101 170012123,1.200370,1.200450,0\n",
     "histdata", "EURUSD/quotes", "2018-01-01T22:00:12.123", {"bid": 1.20037, "ask": 1.20045}),
]  # fmt: skip


@pytest.mark.parametrize("packed", ["", ".gz", ".zip"])
@pytest.mark.parametrize(("name", "text", "format", "dataset", "first", "row"), VENDORS, ids=[v[0] for v in VENDORS])
def test_a_vendors_table_is_known_by_its_first_row_and_means_what_the_vendor_says(
    tmp_path: Path, name: str, text: str, format: str, dataset: str, first: str, row: dict[str, float], packed: str
) -> None:
    path = tmp_path / (name.replace(".csv", ".zip") if packed == ".zip" else name + packed)
    if packed == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, text)
            archive.writestr(name.replace(".csv", ".txt"), "what the vendor says of it")
    else:
        path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert sniff(path) == format
    come = open_file(path, Options(frame="M1" if "bars-M1" in dataset else "H1" if "bars" in dataset else ""))
    columns = join(list(come.chunks))
    assert f"{come.lineage.symbol}/{come.lineage.kind}" == dataset
    assert np.datetime64(int(columns[come.lineage.key][0]), "ns") == np.datetime64(first)
    assert {column: columns[column][0] for column in row} == pytest.approx(row)


def test_histdata_in_summer_is_read_by_where_its_weeks_begin_and_end_or_asks(tmp_path: Path) -> None:
    def week(first: str, last: str) -> str:
        stamps = [np.datetime64(first), np.datetime64("2018-07-11T12:00"), np.datetime64(last)]
        return "".join(
            f"{str(s).replace('-', '').replace('T', ' ').replace(':', '')}00;1.1;1.1;1.1;1.1;0\n" for s in stamps
        )

    name = "DAT_ASCII_EURUSD_M1_201807.csv"
    for first, last, zone in (
        ("2018-07-08T17:00", "2018-07-13T16:59", "America/New_York"),
        ("2018-07-08T16:00", "2018-07-13T15:59", "UTC-05:00"),
    ):
        got, lineage = put(tmp_path, name, week(first, last), frame="M1")
        assert lineage.zone == zone  # type: ignore[attr-defined]
        assert np.datetime64(int(got["open_ts"][0]), "ns") == np.datetime64("2018-07-08T21:00")
    with pytest.raises(ConfigError, match="no week shows whether stamps are New York time or UTC-05:00: say --tz"):
        put(tmp_path, name, week("2018-07-09T08:00", "2018-07-12T15:00"), frame="M1")
    got, _ = put(tmp_path, name, week("2018-07-09T08:00", "2018-07-12T15:00"), frame="M1", zone="UTC-05:00")
    assert np.datetime64(int(got["open_ts"][0]), "ns") == np.datetime64("2018-07-09T13:00")


def test_bid_and_ask_in_two_files_become_bars_with_the_spread_at_their_open(tmp_path: Path, shared: Path) -> None:
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq

    table = pq.read_table(shared / "data/fx_m1/usdjpy_fxcm_m1_bidask_2013.parquet")
    for side, skip in (("bid", 0), ("ask", 3)):
        names = ["timestamp", *(f"{side}_{p}" for p in ("open", "high", "low", "close"))]
        one = table.select(names).rename_columns(["timestamp", "open", "high", "low", "close"]).slice(skip)
        pacsv.write_csv(one, tmp_path / f"usdjpy-m1-{side}-2013.csv")
    come = open_file(tmp_path / "usdjpy-m1-bid-2013.csv", Options(ask=tmp_path / "usdjpy-m1-ask-2013.csv"))
    bars = join(list(come.chunks))
    assert len(bars["ts"]) == 28_761 - 3 and come.lineage.note == "left out: 3 bars only in usdjpy-m1-bid-2013.csv"
    joined = join(list(open_file(shared / "data/fx_m1/usdjpy_fxcm_m1_bidask_2013.parquet", Options()).chunks))
    for column in ("open_ts", "open", "close", "spread"):
        assert np.array_equal(bars[column], joined[column][3:])
    alone = open_file(tmp_path / "usdjpy-m1-ask-2013.csv", Options())
    assert alone.lineage.basis == "ask"  # the name says so
    (tmp_path / "USDJPY.csv").write_text("time,bid,ask\n2013-02-01,91.7,91.8\n")
    with pytest.raises(ConfigError, match="joins bars to bars"):
        open_file(tmp_path / "usdjpy-m1-bid-2013.csv", Options(ask=tmp_path / "USDJPY.csv"))


def test_a_side_that_is_none_and_a_size_of_nothing_are_refused(tmp_path: Path) -> None:
    from engine.feeds.data import import_file

    path = tmp_path / "BTCUSD.csv"
    path.write_text("time,price,size,side\n2019-02-04 00:00:01,1.1,2,buy\n2019-02-04 00:00:02,1.1,2,maybe\n")
    with pytest.raises(DataError, match="column 'side' holds 'maybe', which is no side"):
        import_file(path)
    path.write_text("time,price,size,side\n2019-02-04 00:00:01,1.1,2,buy\n2019-02-04 00:00:02,1.1,0,sell\n")
    with pytest.raises(DataError, match="1 rows have no size, or one of zero or below, the first is row 2"):
        import_file(path)
    assert import_file(path, on_bad="drop").dropped == {"bad_size": 1}


def test_zips_of_several_tables_and_formats_that_are_not_meant_say_so(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "EURUSD.zip", "w") as archive:
        archive.writestr("a.csv", "x")
        archive.writestr("b.csv", "x")
    with pytest.raises(DataError, match="holds 2 files .a.csv, b.csv.: unpack it and name one"):
        open_file(tmp_path / "EURUSD.zip", Options(), "csv")
    (tmp_path / "EURUSD.csv").write_text("time,bid,ask\n2013-02-01,91.7,91.8\n")
    with pytest.raises(ConfigError, match="this is no kraken file"):
        open_file(tmp_path / "EURUSD.csv", Options(), "kraken")
    with pytest.raises(ConfigError, match="unknown format 'histdat': did you mean histdata"):
        open_file(tmp_path / "EURUSD.csv", Options(), "histdat")
