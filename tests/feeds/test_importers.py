"""Importers: foreign files in, the stated rows and spans out, and one clear message for everything that is wrong."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.core.errors import ConfigError, DataError, NotFound, OnetapeError
from engine.core.instrument import declare
from engine.core.zones import HOUR, parse_zone, utc_to_wall
from engine.feeds.catalogue import dataset, dataset_names
from engine.feeds.data import import_file
from engine.feeds.importers.formats import FORMATS, open_file, sniff
from engine.feeds.importers.options import Options
from engine.feeds.lineage import Columns, join
from engine.feeds.tapes import open_files, open_tape

TICKS = "time,bid,ask\n2019-02-04 00:00:01,1.1,1.2\n2019-02-04 00:00:02,1.1,1.3\n"
BARS = "time,open,high,low,close,volume\n2019-02-04 00:00,1.1,1.3,1.0,1.2,5\n2019-02-04 01:00,1.2,1.4,1.1,1.3,6\n"


def ns(text: str) -> int:
    return int(np.datetime64(text, "ns").astype(np.int64))


def put(tmp_path: Path, text: str | bytes, name: str = "EURUSD.csv", **options: object) -> Columns:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    extra = {key: options.pop(key) for key in ("sort", "on_bad", "format") if key in options}
    report = import_file(path, Options(**options), **extra)  # type: ignore[arg-type]
    return join(list(dataset(report.dataset).read()))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_ticks_with_any_separator_and_line_end_come_in(tmp_path: Path, separator: str, ending: str) -> None:
    got = put(tmp_path, TICKS.replace(",", separator).replace("\n", ending))
    assert got["ts"].tolist() == [ns("2019-02-04T00:00:01"), ns("2019-02-04T00:00:02")]
    assert got["bid"].tolist() == [1.1, 1.1] and got["ask"].tolist() == [1.2, 1.3]


@pytest.mark.parametrize(
    ("name", "pack"),
    [("EURUSD.csv.gz", gzip.compress), ("EURUSD.csv.xz", lzma.compress), ("EURUSD.txt", bytes),
     ("EURUSD.csv", lambda b: b"\xef\xbb\xbf" + b), ("EURUSD.csv", lambda b: b.decode().encode("utf-16"))],
)  # fmt: skip
def test_packed_files_and_other_encodings_come_in(tmp_path: Path, name: str, pack: object) -> None:
    assert len(put(tmp_path, pack(TICKS.encode()), name)["ts"]) == 2  # type: ignore[operator]


def test_bars_are_stamped_by_their_open_and_close_one_frame_later(tmp_path: Path) -> None:
    got = put(tmp_path, BARS)
    assert dataset_names()[-1] == "file/EURUSD/bars-H1"
    assert got["open_ts"].tolist() == [ns("2019-02-04T00:00"), ns("2019-02-04T01:00")]
    assert (got["ts"] - got["open_ts"] == HOUR).all() and got["volume"].tolist() == [5.0, 6.0]
    assert np.isnan(got["spread"]).all()


def test_a_zone_and_close_stamps_are_taken_into_account(tmp_path: Path) -> None:
    got = put(tmp_path, BARS, zone="America/New_York", stamps="close")
    assert got["ts"].tolist() == [ns("2019-02-04T05:00"), ns("2019-02-04T06:00")]
    assert (got["ts"] - got["open_ts"] == HOUR).all()


def test_a_daily_bar_of_a_broker_closes_when_its_next_day_begins_also_across_daylight_saving(tmp_path: Path) -> None:
    days = ["2025.03.07", "2025.03.10", "2025.03.11"]
    rows = "".join(f"{day}\t1.1\t1.2\t1.0\t1.1\n" for day in days)
    got = put(tmp_path, "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\n" + rows, zone="ny+7", frame="D1")
    assert got["open_ts"].tolist() == [ns("2025-03-06T22:00"), ns("2025-03-09T21:00"), ns("2025-03-10T21:00")]
    assert got["ts"].tolist() == [ns("2025-03-07T22:00"), ns("2025-03-10T21:00"), ns("2025-03-11T21:00")]


def test_columns_are_found_by_many_names_or_named_and_decimal_commas_are_read(tmp_path: Path) -> None:
    text = "Gmt time;Bid Price;AskPrice\n04.02.2019 00:00:01.000;1,1;1,2\n"
    assert put(tmp_path, text)["ask"].tolist() == [1.2]
    text = "t;b;a\n2019-02-04;1.1;1.2\n"
    named = {"time": "t", "bid": "b", "ask": "a"}
    assert put(tmp_path, text, columns=named, source="named")["bid"].tolist() == [1.1]
    headless = "1672531436,1.1,1.2\n1672531437,1.1,1.2\n"
    columns = {"time": "column1", "bid": "column2", "ask": "column3"}
    assert len(put(tmp_path, headless, columns=columns, source="headless")["ts"]) == 2


def test_mt5_bars_are_server_time_with_the_spread_in_points(tmp_path: Path) -> None:
    text = (
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\r\n"
        "2025.03.10\t00:00:00\t1.10000\t1.20000\t1.00000\t1.15000\t77\t0\t12\r\n"
        "2025.03.10\t01:00:00\t1.10000\t1.20000\t1.00000\t1.15000\t78\t0\t3\r\n"
    )
    got = put(tmp_path, text, zone="ny+7")
    assert got["open_ts"][0] == ns("2025-03-09T21:00") and got["volume"].tolist() == [77.0, 78.0]
    assert got["spread"].tolist() == pytest.approx([0.00012, 0.00003])
    lineage = dataset("file/EURUSD/bars-H1").lineage
    assert (lineage.volume_unit, lineage.zone, lineage.basis) == ("tick", "ny+7", "bid") and "MT5" in lineage.spread


def test_in_mt5_ticks_a_blank_side_is_unchanged_also_from_one_stretch_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n2019.02.04\t13:00:00.000\t\t1.2\t\t\t4\n"
    rows = [f"2019.02.04\t13:{n // 60:02}:{n % 60:02}.{n % 7}00\t" for n in range(1, 3_000)]
    text = head + "".join(
        row + (f"{1 + n / 1e4:.4f}\t\t\t\t2\n" if n % 3 else "\t2.5\t\t\t4\n") for n, row in enumerate(rows)
    )
    monkeypatch.setattr("engine.feeds.importers.text.CHUNK", 4_096)
    got = put(tmp_path, text, zone="UTC")
    assert len(got["ts"]) == 2_998  # both sides are known from the second row with a price on
    assert got["ask"][0] == 2.5 or got["ask"][0] == 1.2
    assert not np.isnan(got["bid"]).any() and got["bid"][-1] == pytest.approx(1 + 2998 / 1e4)


def test_the_hour_that_occurs_twice_is_read_twice_also_from_one_stretch_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    utc = ns("2019-10-26T22:00") + np.arange(5 * 60) * 60 * 10**9
    wall = utc_to_wall(utc, parse_zone("Europe/Athens")).view("M8[ns]").astype("M8[s]")
    text = "time,bid,ask\n" + "".join(f"{str(w).replace('T', ' ')},1.1,1.2\n" for w in wall)
    monkeypatch.setattr("engine.feeds.importers.text.CHUNK", 512)
    assert np.array_equal(put(tmp_path, text, zone="Europe/Athens")["ts"], utc)


def test_whole_points_become_prices(tmp_path: Path) -> None:
    table = pa.table(
        {
            "ts_utc": pa.array([1, 2], pa.timestamp("ms", tz="UTC")),
            "bid_pt": [110000, 110001],
            "ask_pt": [110002, 110003],
        }
    )
    pq.write_table(table, tmp_path / "eurusd_points.parquet")
    import_file(tmp_path / "eurusd_points.parquet", Options(source="points"))
    assert next(dataset("points/EURUSD/quotes").read())["bid"].tolist() == [1.1, 1.10001]
    with pytest.raises(ConfigError, match="unknown instrument 'NEW'"):
        import_file(tmp_path / "eurusd_points.parquet", Options(symbol="NEW"))
    own = declare([{"symbol": "NEW", "base_currency": "N", "profit_currency": "USD", "digits": 2}])
    import_file(tmp_path / "eurusd_points.parquet", Options(symbol="NEW", declared=own))
    assert next(dataset("file/NEW/quotes").read())["bid"].tolist() == [1100.0, 1100.01]


def test_a_file_of_a_catalogue_comes_in_as_it_is(own_folders: Path) -> None:
    demo = dataset("demo/EURUSD/bars-H1")
    report = import_file(demo.files[0][0], Options(source="copy"))
    assert report.rows == 6225 and dataset("copy/EURUSD/bars-H1").lineage.basis == "ask"
    assert dataset("copy/EURUSD/bars-H1").digests == demo.digests


@pytest.mark.parametrize(
    ("text", "options", "error", "message"),
    [
        ("", {}, DataError, "is empty"),
        ("time,bid,ask\n", {}, DataError, "there is no row"),
        ("just some words\nand more\n", {}, DataError, "the first lines are no table"),
        ("time,bid\n2019-02-04,1.1\n", {}, DataError, "no column for ask among time, bid"),
        ("time,bidd,ask\n2019-02-04,1.1,1.2\n", {}, DataError, "no column for bid among .*did you mean bidd"),
        ("bid,ask\n1.1,1.2\n", {}, DataError, "no column for the time"),
        (TICKS, {"columns": {"bid": "bidd"}}, DataError, "no column 'bidd': did you mean bid"),
        (TICKS, {"columns": {"bit": "bid"}}, ConfigError, "unknown column role 'bit': did you mean bid"),
        ("1672531436,1.1,1.2\n", {}, ConfigError, "has no header: say what its columns are"),
        (TICKS.replace("1.3", "x"), {}, DataError, "holds 'x', which is no number"),
        (TICKS + "2019-02-04 00:00:03,1.1\n", {}, DataError, "Expected 3 columns, got 2"),
        (TICKS.replace(":02,", ":99,"), {}, DataError, "row 2: time '2019-02-04 00:00:99' cannot be read"),
        (TICKS.replace("1.3", ""), {}, DataError, "1 rows have a price that is missing or not finite, .* row 2"),
        (TICKS.replace("1.3", "inf"), {}, DataError, "missing or not finite"),
        (TICKS.replace("1.1,1.3", "0,1.3"), {}, DataError, "1 rows have a price of zero or below"),
        (TICKS.replace("1.1,1.3", "1.4,1.3"), {}, DataError, "1 rows are crossed .*bid 1.4 ask 1.3"),
        (TICKS.replace("04 00:00:01", "05 00:00:01"), {}, DataError, "1 rows go back in time .*sort.* row 2"),
        (BARS.replace("01:00", "00:00"), {"frame": "H1"}, DataError, "1 rows repeat the stamp .*row 2"),
        (BARS.replace("1.4,", "0.4,"), {}, DataError, "contradict each other, the first is row 2"),
        (BARS.replace("01:00", "01:07"), {"frame": "H1"}, DataError, "row 2: .*T01:07:00 is not where a H1 bar"),
        (BARS.replace("01:00", "01:07"), {}, ConfigError, "which time frame"),
        (BARS, {"frame": "1h"}, ConfigError, "did you mean H1"),
        (BARS, {"basis": "asks"}, ConfigError, "basis 'asks': did you mean ask"),
        (TICKS, {"zone": "Europe/Athen"}, ConfigError, "did you mean Europe/Athens"),
        (TICKS, {"source": "demo"}, ConfigError, "source 'demo' cannot be used"),
        (TICKS, {"format": "cvs"}, ConfigError, "unknown format 'cvs': did you mean csv"),
        (TICKS.replace("2019-02-04 00", "2025-03-09 02"), {"zone": "America/New_York"}, DataError, "never occurred"),
        ("<DATE>\t<TIME>\t<BID>\t<ASK>\n", {}, ConfigError, "MT5 writes the broker's time and not its zone"),
    ],
)  # fmt: skip
def test_bad_input_is_one_clear_message_and_nothing_is_kept(
    tmp_path: Path, text: str, options: dict[str, object], error: type[OnetapeError], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        put(tmp_path, text, **options)
    assert "\n" not in str(caught.value)
    assert dataset_names() == ["demo/EURUSD/bars-H1"] and not (tmp_path / "catalogue" / "file").exists()


def test_a_file_that_is_not_there_or_broken_says_so(tmp_path: Path) -> None:
    (tmp_path / "EURUSD.csv").write_text(TICKS)
    with pytest.raises(NotFound, match="did you mean EURUSD.csv"):
        import_file(tmp_path / "EURUDS.csv")
    with pytest.raises(NotFound):
        import_file(tmp_path / "no" / "such" / "folder.csv")
    with pytest.raises(NotFound):
        import_file(tmp_path)
    (tmp_path / "EURUSD.csv.xz").write_bytes(lzma.compress(TICKS.encode() * 1000)[:200])
    (tmp_path / "EURUSD.csv.gz").write_bytes(b"no gzip at all")
    (tmp_path / "EURUSD.parquet").write_bytes(b"PAR1 and then nothing of the kind PAR1")
    for name in ("EURUSD.csv.xz", "EURUSD.csv.gz", "EURUSD.parquet"):
        with pytest.raises(DataError):
            import_file(tmp_path / name)
    (tmp_path / "quotes.csv").write_text(TICKS)
    with pytest.raises(ConfigError, match="which symbol"):
        import_file(tmp_path / "quotes.csv")


def test_bad_rows_are_left_out_only_when_asked_for_and_are_counted(tmp_path: Path) -> None:
    text = TICKS + "2019-02-04 00:00:03,1.4,1.3\n2019-02-04 00:00:04,,1.3\n2019-02-04 00:00:05,1.1,1.2\n"
    assert len(put(tmp_path, text, on_bad="drop")["ts"]) == 3
    assert dataset("file/EURUSD/quotes").dropped == {"crossed": 1, "missing": 1}
    assert any("rows left out: 1" in note for note in open_tape("file", ["EURUSD"], "quotes").notes)


def test_sorting_is_done_when_asked_for_and_keeps_the_order_of_equal_stamps(tmp_path: Path) -> None:
    rows = ["2019-02-04 00:00:02,1.1,1.3", "2019-02-04 00:00:01,1.2,1.3", "2019-02-04 00:00:02,1.0,1.3"]
    got = put(tmp_path, "\n".join(["time,bid,ask", *rows]), sort=True)
    assert got["bid"].tolist() == [1.2, 1.1, 1.0]


def test_the_format_is_found_in_the_file_not_in_its_name(shared: Path) -> None:
    data = shared / "data"
    assert sniff(data / "mt5/export_bars/EURUSD_H1.csv.xz") == "mt5"
    assert sniff(data / "fx_ticks/nautilus__truefx__usdjpy-ticks.csv") == "csv"
    assert sniff(data / "fx_m1/eurusd_histdata_m1_2018.parquet") == "parquet"
    assert {"csv", "mt5", "parquet", "histdata", "lean", "feather", "kraken", "binance", "bi5"} <= set(FORMATS)


NEW_YORK, SERVER, UTC = {"zone": "America/New_York"}, {"zone": "ny+7"}, {"zone": "UTC"}
REAL = [
    ("fx_ticks/eurusd_dukascopy_ticks_2019-02-04.parquet", {},
     136_741, "2019-02-04T00:00:00.994 2019-02-04T23:59:57.992"),
    ("fx_ticks/gbpjpy_dukascopy_ticks_2012-12-02_14.parquet", {},
     608_996, "2012-12-02T22:00:20.449 2012-12-14T21:59:57.599"),
    ("fx_ticks/xauusd_oanda_ticks_2014-05-01_02.parquet", {},
     394_759, "2014-05-01T00:00:00.043 2014-05-02T20:59:58.570"),
    ("fx_ticks/eurusd_oanda_ticks_2014-05-01_09.parquet", {},
     321_559, "2014-05-01T00:00:00.292 2014-05-09T20:59:58.835"),
    ("fx_ticks/nautilus__truefx__usdjpy-ticks.csv", {}, 1_000, "2013-01-01T22:00:00.295 2013-01-01T22:35:13.494"),
    ("fx_m1/eurusd_histdata_m1_2018.parquet", NEW_YORK, 372_607, "2018-01-01T22:00 2018-12-31T21:59"),
    ("fx_m1/usdjpy_histdata_m1_2018.parquet", NEW_YORK, 371_800, "2018-01-01T22:00 2018-12-31T21:58"),
    ("fx_m1/xauusd_histdata_m1_2018.parquet", NEW_YORK, 353_778, "2018-01-01T23:01 2018-12-31T21:58"),
    ("mt5/export_bars/EURUSD_H1.csv.xz", SERVER, 3_608, "2025-06-22T21:00 2026-01-21T08:00"),
    ("mt5/export_bars/USDCHF_H1.csv.xz", SERVER, 3_594, "2025-06-22T21:00 2026-01-20T18:00"),
    ("mt5/export_bars/ADAUSD_H1.csv.xz", {**SERVER, "symbol": "ADAUSD"}, 5_090, "2025-06-20T22:00 2026-01-21T08:00"),
    ("mt5/export_bars/BRENT_H1.csv.xz", {**SERVER, "symbol": "BRENT"}, 3_200, "2025-06-22T22:00 2026-01-21T08:00"),
    ("mt5/specimen_tick_export_format_EURUSD.csv.xz", UTC, 7_763, "2019-02-04T13:00:00.092 2019-02-04T13:59:59.971"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "options", "rows", "span"), REAL, ids=[r[0].split("/")[-1] for r in REAL])
def test_real_files_come_in_with_the_stated_rows_and_span(
    shared: Path, file: str, options: dict[str, object], rows: int, span: str
) -> None:
    report = import_file(shared / "data" / file, Options(**options))  # type: ignore[arg-type]
    assert (report.rows, report.added) == (rows, rows)
    for got, stated in zip((report.first, report.last), span.split(), strict=True):
        assert np.datetime64(got, "ns").astype("datetime64[ms]") == np.datetime64(stated)
    again = import_file(shared / "data" / file, Options(**options))  # type: ignore[arg-type]
    assert (again.added, again.files) == (0, 0)


def test_the_specimen_of_mt5_ticks_holds_the_quotes_of_the_hour_it_was_made_from(shared: Path) -> None:
    for file, source in (
        ("mt5/specimen_tick_export_format_EURUSD.csv.xz", "mt5"),
        ("fx_ticks/eurusd_dukascopy_ticks_2019-02-04.parquet", "duka"),
    ):
        import_file(shared / "data" / file, Options(source=source, zone="UTC"))
    hour = ("2019-02-04 13:00", "2019-02-04 14:00")
    one, other = (open_tape(source, ["EURUSD"], "quotes", *hour) for source in ("mt5", "duka"))
    mine, theirs = next(one.blocks()), next(other.blocks())
    if len(one) == len(other):
        assert one.fingerprint == other.fingerprint
    else:  # the specimen leaves out rows in which only a size changed
        change = np.r_[True, (np.diff(theirs.bid) != 0) | (np.diff(theirs.ask) != 0)]
        assert np.array_equal(mine.ts, theirs.ts[change]) and np.array_equal(mine.bid, theirs.bid[change])
        assert np.array_equal(mine.ask, theirs.ask[change])


def test_real_defects_are_counted_exactly(shared: Path) -> None:
    fxcm = shared / "data/fx_ticks/eurusd_fxcm_ticks_2014-05-01_05.parquet"
    with pytest.raises(DataError, match="21213 rows are crossed .ask below bid., the first is row 37 "):
        import_file(fxcm, Options(zone="UTC-05:00"))
    report = import_file(fxcm, Options(zone="UTC-05:00"), on_bad="drop")
    assert (report.rows, report.dropped) == (213_627 - 21_213, {"crossed": 21_213})
    histdata = shared / "data/fx_m1/eurusd_histdata_m1_2019Q4.parquet"
    with pytest.raises(DataError, match="59 rows go back in time.*1 rows repeat the stamp"):
        import_file(histdata, Options(**NEW_YORK))  # type: ignore[arg-type]
    report = import_file(histdata, Options(**NEW_YORK), sort=True, on_bad="drop")  # type: ignore[arg-type]
    assert (report.rows, report.dropped) == (93_673 - 60, {"duplicate": 60})


def test_minutes_of_bid_and_ask_become_bid_bars_with_their_spread(shared: Path) -> None:
    file = shared / "data/fx_m1/usdjpy_fxcm_m1_bidask_2013.parquet"
    report = import_file(file, Options(), on_bad="drop")
    crossed = report.dropped["negative_spread"]
    table = pq.read_table(file).to_pandas()
    assert (
        crossed == (table["ask_open"].round(3) < table["bid_open"].round(3)).sum() and report.rows == 28_761 - crossed
    )
    tape = open_tape("file", ["USDJPY"], "M1")
    assert "USDJPY: bid bars, spread as recorded (ask open - bid open)" in tape.notes


def test_a_real_file_is_replayed_without_importing_it(shared: Path) -> None:
    file = shared / "data/fx_ticks/eurusd_dukascopy_ticks_2019-02-04.parquet"
    import_file(file, Options(source="duka"))
    direct = open_files([file], ["EURUSD"], "quotes")
    assert direct.fingerprint == open_tape("duka", ["EURUSD"], "quotes").fingerprint and len(direct) == 136_741
    minutes = np.unique(next(direct.blocks(200_000)).ts // (60 * 10**9))
    assert len(minutes) == 1_440
    come = open_file(file, Options())
    assert come.lineage.symbol == "EURUSD" and come.lineage.kind == "quotes"


def test_the_minutes_of_the_imported_ticks_are_the_vendors_own_minute_bars(shared: Path) -> None:
    ticks = open_files([shared / "data" / REAL[0][0]], ["EURUSD"], "quotes")
    block = next(ticks.blocks(200_000))
    raw = lzma.decompress((shared / "data/fx_ticks/bi5_raw/EURUSD/2019/01/04/BID_candles_min_1.bi5").read_bytes())
    theirs = np.frombuffer(raw, ">u4").reshape(-1, 6)[:, :5]  # second, open, close, low, high in points
    minute = (block.ts - ns("2019-02-04")) // (60 * 10**9)
    starts = np.flatnonzero(np.r_[True, np.diff(minute) > 0])
    points = np.round(block.bid * 1e5).astype(np.int64)
    ends = np.r_[starts[1:], len(points)] - 1
    lows, highs = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    ours = np.stack([minute[starts] * 60, points[starts], points[ends], lows, highs], axis=1)
    assert len(theirs) == 1_440 and np.array_equal(ours, theirs)
