"""Every real file of a kind that can be imported comes in with the rows and the span stated for it."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from engine.core.errors import ConfigError, OnetapeError
from engine.core.zones import HOUR
from engine.feeds.catalogue import dataset
from engine.feeds.data import import_file, show_dataset
from engine.feeds.importers.formats import open_file, sniff
from engine.feeds.importers.options import Options
from engine.feeds.lineage import Columns, join
from engine.feeds.store_index import list_datasets

Said = dict[str, object]
LAST, SPX = {"basis": "last"}, {"symbol": "SPX"}
LEAN = "crypto/lean/crypto__"
FREQ = "crypto/freqtrade/"
MINUTE = 60 * 10**9
REAL: list[tuple[str, str, Said, str, int, str]] = [
    # file, format, options, dataset, rows, span of keys in UTC
    ("crypto/btc-perp_1m_2022-01a.parquet", "parquet", {"symbol": "BTC-PERP", **LAST}, "BTC-PERP/bars-M1",
     22_515, "2021-12-31T23:01 2022-01-16T14:15"),
    (FREQ + "XRP_ETH-1m.feather", "feather", {}, "XRP/ETH/bars-M1", 2_469, "2019-10-11T00:00 2019-10-13T11:19"),
    (FREQ + "XRP_ETH-5m.feather", "feather", {}, "XRP/ETH/bars-M5", 706, "2019-10-11T00:00 2019-10-13T11:15"),
    (FREQ + "XRP_ETH-trades.json.gz", "freqtrade", {}, "XRP/ETH/prints",
     12_477, "2019-10-11T00:00:11.620 2019-10-13T11:19:28.844"),
    (FREQ + "futures__XRP_USDT_USDT-1h-futures.feather", "feather", {}, "XRP/USDT:USDT/bars-H1",
     100, "2021-11-17T01:00 2021-11-21T04:00"),
    (FREQ + "futures__XRP_USDT_USDT-1h-mark.feather", "feather", {}, "XRP/USDT:USDT/bars-H1",
     100, "2021-11-15T06:00 2021-11-19T09:00"),
    (FREQ + "futures__XRP_USDT_USDT-5m-futures.feather", "feather", {}, "XRP/USDT:USDT/bars-M5",
     1_999, "2021-11-15T00:00 2021-11-21T22:30"),
    (FREQ + "futures__XRP_USDT_USDT-8h-mark.feather", "feather", {}, "XRP/USDT:USDT/bars-H8",
     91, "2021-11-18T00:00 2021-12-18T00:00"),
    (FREQ + "kraken__trades_csv__BCHEUR.csv", "kraken", {}, "BCHEUR/prints",
     148, "2023-01-01T00:03:56 2023-01-01T23:19:47"),
    (FREQ + "kraken__trades_csv__incremental_q2__BCHEUR.csv", "kraken", {}, "BCHEUR/prints",
     486, "2023-01-02T00:48:56 2023-01-02T23:17:03"),
    (LEAN + "bybit__minute__btcusdt__20221213_quote.zip", "lean", {}, "BTCUSDT/bars-M1",
     721, "2022-12-13T00:00 2022-12-13T12:00"),
    (LEAN + "bybit__minute__btcusdt__20221213_trade.zip", "lean", {}, "BTCUSDT/bars-M1",
     1_440, "2022-12-13T00:00 2022-12-13T23:59"),
    (LEAN + "coinbase__minute__btcusd__20171217_quote.zip", "lean", {}, "BTCUSD/bars-M1",
     1_439, "2017-12-17T00:00 2017-12-17T23:58"),
    (LEAN + "coinbase__minute__btcusd__20171217_trade.zip", "lean", {}, "BTCUSD/bars-M1",
     1_440, "2017-12-17T00:00 2017-12-17T23:59"),
    (LEAN + "coinbase__minute__btcusd__20180404_quote.zip", "lean", {}, "BTCUSD/bars-M1",
     1_437, "2018-04-04T00:00 2018-04-04T23:58"),
    (LEAN + "coinbase__minute__btcusd__20180404_trade.zip", "lean", {}, "BTCUSD/bars-M1",
     1_007, "2018-04-04T00:00 2018-04-04T16:47"),
    (LEAN + "coinbase__minute__btcusd__20180405_quote.zip", "lean", {}, "BTCUSD/bars-M1",
     1_436, "2018-04-05T00:00 2018-04-05T23:58"),
    (LEAN + "coinbase__minute__btcusd__20180405_trade.zip", "lean", {}, "BTCUSD/bars-M1",
     1_440, "2018-04-05T00:00 2018-04-05T23:59"),
    ("crypto/lean/cryptofuture__binance__minute__btcusd__20221213_quote.zip", "lean", {}, "BTCUSD.P/bars-M1",
     1_104, "2022-12-13T00:00 2022-12-13T23:59"),
    ("crypto/lean/cryptofuture__binance__minute__btcusd__20221213_trade.zip", "lean", {}, "BTCUSD.P/bars-M1",
     1_439, "2022-12-13T00:00 2022-12-13T23:59"),
    ("crypto/lean/cryptofuture__bybit__minute__btcusdt__20221213_quote.zip", "lean", {}, "BTCUSDT.P/bars-M1",
     460, "2022-12-13T00:00 2022-12-13T12:00"),
    ("crypto/lean/cryptofuture__bybit__minute__btcusdt__20221213_trade.zip", "lean", {}, "BTCUSDT.P/bars-M1",
     721, "2022-12-13T00:00 2022-12-13T12:00"),
    ("crypto_l2/nautilus/binance__btcusdt-quotes.parquet", "parquet", {"symbol": "BTCUSDT"}, "BTCUSDT/quotes",
     451, "2021-01-08T00:00:01.076 2021-01-08T00:00:46.674"),
    ("crypto_l2/nautilus/binance__btcusdt-trades.parquet", "parquet", {"symbol": "BTCUSDT"}, "BTCUSDT/prints",
     2_001, "2021-01-08T00:00:00.278 2021-01-08T00:00:46.355"),
    ("crypto_l2/nautilus/tardis__bitmex_trades_XBTUSD.csv", "csv", {"symbol": "XBTUSD"}, "XBTUSD/prints",
     10, "2020-03-01T00:00:03.145 2020-03-01T00:00:03.276"),
    ("equities/lean/daily__aapl.zip", "lean", {}, "AAPL/bars-D1", 5_849, "1998-01-02T05:00 2021-03-31T04:00"),
    ("equities/lean/daily__goog.zip", "lean", {}, "GOOG/bars-D1", 4_183, "2004-08-19T04:00 2021-03-31T04:00"),
    ("equities/lean/daily__spy.zip", "lean", {}, "SPY/bars-D1", 5_849, "1998-01-02T05:00 2021-03-31T04:00"),
    ("equities/lean/index__usa__minute__spx__20210104_trade.zip", "lean", {}, "SPX/bars-M1",
     411, "2021-01-04T14:30 2021-01-04T21:20"),
    ("equities/lean/tick__ibm__20131007_trade.zip", "lean", {}, "IBM/prints",
     24_293, "2013-10-07T08:00:30.270 2013-10-07T23:26:07.550"),
    ("equities/mplfinance__SP500_NOV2019_Hist.csv", "csv", {**SPX, "frame": "D1", "zone": "America/New_York"},
     "SPX/bars-D1",
     20, "2019-11-01T04:00 2019-11-29T05:00"),
    ("equities/mplfinance__SPY_20110701_20120630_Bollinger.csv", "csv", {"symbol": "SPY", "frame": "D1"}, "SPY/bars-D1",
     252, "2011-07-01T00:00 2012-06-29T00:00"),
    ("fx_m1/eurusd_histdata_m1_2018.parquet", "histdata", {}, "EURUSD/bars-M1",
     372_607, "2018-01-01T22:00 2018-12-31T21:59"),
    ("fx_m1/usdjpy_histdata_m1_2018.parquet", "histdata", {}, "USDJPY/bars-M1",
     371_800, "2018-01-01T22:00 2018-12-31T21:58"),
    ("fx_m1/xauusd_histdata_m1_2018.parquet", "histdata", {}, "XAUUSD/bars-M1",
     353_778, "2018-01-01T23:01 2018-12-31T21:58"),
    ("fx_ticks/nautilus__quote_tick_eurusd_2019_sim_rust.parquet", "parquet", {}, "EURUSD/quotes",
     10_000, "2019-01-01T23:00:00.078 2019-01-02T01:36:09.581"),
    ("fx_ticks/nautilus__quote_tick_usdjpy_2019_sim_rust.parquet", "parquet", {}, "USDJPY/quotes",
     10_000, "2019-01-01T23:00:00.071 2019-01-02T02:00:43.513"),
    ("mt5/ejtrader_points_USDJPYd1.csv.xz", "csv", {"zone": "ny+7", "frame": "D1"}, "USDJPY/bars-D1",
     2_400, "2012-12-03T22:00 2022-03-03T22:00"),
    ("mt5/ejtrader_points_XAUUSDd1.csv.xz", "csv", {"zone": "ny+7", "frame": "D1"}, "XAUUSD/bars-D1",
     2_400, "2012-11-13T22:00 2022-03-03T22:00"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "format", "said", "name", "rows", "span"), REAL, ids=[r[0].split("/")[-1] for r in REAL]
)
def test_a_real_file_comes_in_with_the_stated_rows_and_span(
    shared: Path, file: str, format: str, said: Said, name: str, rows: int, span: str
) -> None:
    path = shared / "data" / file
    if format != "histdata":  # these were converted to Parquet: only their origin says so
        assert sniff(path) == format
    report = import_file(path, Options(**said), format)  # type: ignore[arg-type]
    assert (report.rows, report.added, report.dropped) == (rows, rows, {})
    assert report.dataset == f"file/{name}"
    got = [np.datetime64(key, "ns").astype("M8[ms]") for key in (report.first, report.last)]
    assert got == [np.datetime64(text) for text in span.split()]
    assert dataset(f"file/{name}").rows == rows


def rows_of(path: Path, **options: object) -> Columns:
    format = options.pop("format", None)
    return join(list(open_file(path, Options(**options), format).chunks))  # type: ignore[arg-type]


def test_minutes_of_real_trades_are_the_minute_bars_of_the_same_market(shared: Path) -> None:
    folder = shared / "data/crypto/freqtrade"
    prints = rows_of(folder / "XRP_ETH-trades.json.gz")
    minute = prints["ts"] // MINUTE
    starts = np.flatnonzero(np.r_[True, np.diff(minute) > 0])
    price, ends = prints["price"], np.r_[starts[1:], len(minute)] - 1
    ours = [minute[starts] * MINUTE, price[starts], np.maximum.reduceat(price, starts),
            np.minimum.reduceat(price, starts), price[ends], np.add.reduceat(prints["size"], starts)]  # fmt: skip
    bars = rows_of(folder / "XRP_ETH-1m.feather")
    theirs = [bars[name] for name in ("open_ts", "open", "high", "low", "close", "volume")]
    assert len(starts) == 2_469
    for mine, other in zip(ours[:5], theirs[:5], strict=True):
        assert np.array_equal(mine, other)
    assert np.allclose(ours[5], theirs[5], rtol=1e-12, atol=0)
    assert sorted(set(prints["side"].tolist())) == [-1.0, 1.0]


def test_prints_are_listed_shown_and_appended_once(shared: Path) -> None:
    for name in ("BCHEUR.csv", "incremental_q2__BCHEUR.csv", "BCHEUR.csv"):
        report = import_file(shared / "data/crypto/freqtrade" / f"kraken__trades_csv__{name}", Options(source="kraken"))
    assert (report.added, report.files) == (0, 0)
    line = next(row for row in list_datasets() if row["name"] == "kraken/BCHEUR/prints")
    assert line["rows"] == 148 + 486
    shown = show_dataset("kraken/BCHEUR/prints", rows=1)
    first = {"ts": "2023-01-01 00:03:56", "price": 90.54, "size": 1.1044842, "side": 0.0, "version": 1}
    assert shown["head"] == [first]
    assert shown["lineage"]["stamps"] == "print" and shown["lineage"]["volume_unit"] == "base"


def test_the_zone_of_histdata_files_is_found_week_by_week(shared: Path) -> None:
    file = shared / "data/fx_m1/eurusd_histdata_m1_2019Q4.parquet"
    report = import_file(file, Options(), "histdata", sort=True, on_bad="drop")
    assert (report.rows, report.dropped) == (93_673 - 60, {"duplicate": 60})
    assert report.notes == ["1 of 14 weeks are stamped UTC-05:00, first 2019-10-27"]
    assert dataset(report.dataset).lineage.zone == "America/New_York"
    opened = np.concatenate([c["open_ts"] for c in dataset(report.dataset).read()])
    gaps = np.flatnonzero(np.diff(opened) > 24 * HOUR)
    first = (opened[gaps + 1] // HOUR) % 24
    assert first.tolist()[:4] == [21, 21, 21, 21] and set(first.tolist()[4:]) == {
        22
    }  # Sunday 17:00 in New York, always
    year = open_file(shared / "data/fx_m1/xauusd_histdata_m1_2018.parquet", Options(), "histdata")
    assert (year.lineage.zone, year.lineage.note) == ("America/New_York", "")


def test_point_scaled_prices_are_converted_where_the_layout_is_known_and_refused_where_not(
    shared: Path, tmp_path: Path
) -> None:
    said = {"zone": "ny+7", "frame": "D1"}
    gold = rows_of(shared / "data/mt5/ejtrader_points_XAUUSDd1.csv.xz", **said)
    assert gold["open"][0] == 1724.97 and 1306.59 in gold["open"]  # written 130658.99999999999
    yen = open_file(shared / "data/mt5/ejtrader_points_USDJPYd1.csv.xz", Options(**said))  # type: ignore[arg-type]
    assert yen.lineage.note == "prices are whole points of 0.001" and next(yen.chunks)["open"][0] == 82.173
    text = "time,bid,ask\n" + "".join(f"2019-02-04 00:00:{n:02},114543,114545\n" for n in range(40))
    (tmp_path / "EURUSD.csv").write_text(text)
    with pytest.raises(ConfigError, match=r"all prices of EURUSD are whole numbers, .*--point 1e-05"):
        open_file(tmp_path / "EURUSD.csv", Options())
    assert rows_of(tmp_path / "EURUSD.csv", point=1e-5)["bid"][0] == 1.14543
    assert rows_of(tmp_path / "EURUSD.csv", point=1.0)["bid"][0] == 114543.0


def test_lean_prices_stamps_and_sides_are_those_in_the_files(shared: Path) -> None:
    lean = shared / "data/equities/lean"
    apple = open_file(lean / "daily__aapl.zip", Options())
    first = next(apple.chunks)
    assert [first[n][0] for n in ("open", "high", "low", "close", "volume")] == [13.63, 16.25, 13.5, 16.25, 6_315_000.0]
    assert apple.lineage.note == "taken for LEAN equity data, prices / 10,000" and apple.lineage.basis == "last"
    assert first["ts"][0] - first["open_ts"][0] == 24 * HOUR
    ibm = rows_of(lean / "tick__ibm__20131007_trade.zip")
    assert (ibm["price"][0], ibm["size"][0]) == (181.52, 283.0)
    coin = rows_of(shared / "data" / (LEAN + "bybit__minute__btcusdt__20221213_quote.zip"))
    assert (coin["open"][0], coin["close"][0], coin["spread"][0]) == (17207.18, 17205.01, 1.68)
    perp = open_file(shared / "data/crypto/lean/cryptofuture__bybit__minute__btcusdt__20221213_trade.zip", Options())
    assert perp.lineage.symbol == "BTCUSDT.P" and perp.lineage.volume_unit == "base"


def test_a_tar_of_lean_days_holds_quotes_and_trades_and_asks_which(shared: Path) -> None:
    path = shared / "data/equities/lean/minute__spy.tar"
    counts = {"quote": 0, "trade": 0}
    with tarfile.open(path) as tar:
        for entry in tar.getmembers():
            file = tar.extractfile(entry) if entry.isfile() else None
            if file:
                with zipfile.ZipFile(io.BytesIO(file.read())) as day:
                    lines = day.read(day.namelist()[0]).splitlines()
                    counts["quote" if "quote" in entry.name else "trade"] += len(lines)
    with pytest.raises(ConfigError, match="holds quotes and trades: say --basis"):
        open_file(path, Options())
    for basis, kind in (("bid", "quote"), ("last", "trade")):
        report = import_file(path, Options(basis=basis, source=kind))
        assert (report.dataset, report.rows) == (f"{kind}/SPY/bars-M1", counts[kind])
        assert np.datetime64(report.first, "ns") >= np.datetime64("2013-10-04T08:00")


def test_fixed_point_prices_of_peers_are_the_decimals_they_stand_for(shared: Path) -> None:
    for pair, digits in (("eurusd", 5), ("usdjpy", 3)):
        path = shared / f"data/fx_ticks/nautilus__quote_tick_{pair}_2019_sim_rust.parquet"
        raw = pq.read_table(path)
        got = rows_of(path)
        for name, column in (("bid", "bid_price"), ("ask", "ask_price"), ("bid_size", "bid_size")):
            wholes = [int.from_bytes(value, "little") for value in raw[column].to_pylist()]
            places = digits if name != "bid_size" else 0
            assert got[name].tolist() == [round(whole / 10**18, places) for whole in wholes]
        assert got["ts"].tolist() == raw["ts_event"].to_pylist()


def test_day_and_month_without_leading_zeros_are_read(shared: Path) -> None:
    path = shared / "data/equities/mplfinance__SP500_NOV2019_IDay.csv.xz"
    said = {"symbol": "SPX", "zone": "America/New_York"}
    with pytest.raises(ConfigError, match="day or month first"):  # 11/5 to 11/8 may be either
        rows_of(path, **said)
    got = rows_of(path, **said, time_format="mdy")
    assert len(got["ts"]) == 1_563
    span = [str(np.datetime64(int(got["open_ts"][i]), "ns").astype("M8[m]")) for i in (0, -1)]
    assert span == ["2019-11-05T14:30", "2019-11-08T20:59"]


OTHER = ["crypto/lean/cryptofuture__bybit__margin_interest__btcusd.csv", "equities/lean/map_files__spy.csv",
         "equities/lean/factor_files__spy.csv", "crypto/freqtrade/futures__XRP_USDT_USDT-8h-funding_rate.feather",
         "crypto_l2/nautilus/bybit__xrpusdt-ob500.data.zip", "crypto_l2/binance_spot_btcusdt_20240808.jsonl.xz",
         "crypto_l2/nautilus/binance__btcusdt-depth-snap.csv", "macro/gpr_daily_1985_2018.parquet",
         "crypto_l2/nautilus/tardis__deribit_incremental_book_L2_BTC-PERPETUAL.csv",
         "mt5/gym_mtsim_symbols.tar.xz"]  # fmt: skip


@pytest.mark.parametrize("file", OTHER, ids=[file.split("/")[-1] for file in OTHER])
def test_what_is_no_market_data_of_ours_is_refused_in_one_line(shared: Path, file: str) -> None:
    with pytest.raises(OnetapeError) as caught:
        import_file(shared / "data" / file, Options())
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_every_file_of_the_kinds_named_is_in_some_list(shared: Path) -> None:
    from tests.feeds.test_importers import REAL as EARLIER

    here = {row[0] for row in REAL} | {row[0] for row in EARLIER} | set(OTHER)
    elsewhere = ("bi5_raw", "report", "_fxcm_", "2019Q4", "minute__spy.tar", "IDay", "_files__", "margin")
    data = shared / "data"
    every = [p for name in ("fx_m1", "fx_ticks", "crypto", "equities", "mt5") for p in (data / name).rglob("*.*")]
    left = [str(p.relative_to(data)) for p in every if p.is_file() and not any(word in str(p) for word in elsewhere)]
    assert len(left) > 40 and sorted(set(left) - here) == []
