"""Every real file of a kind that can be imported comes in with the rows and the span stated for it."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.feather as pf
import pytest

from engine.core.errors import ConfigError
from engine.core.zones import HOUR
from engine.feeds.catalogue import dataset
from engine.feeds.data import import_file
from engine.feeds.importers.formats import open_file, sniff
from engine.feeds.importers.options import Options
from engine.feeds.lineage import Columns, join

Said = dict[str, object]
LAST, SPX = {"basis": "last"}, {"symbol": "SPX"}
LEAN = "crypto/lean/crypto__"
FREQ = "crypto/freqtrade/"
MINUTE, SECOND = 60 * 10**9, 10**9
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
    (FREQ + "kraken__trades_csv__BCHEUR.csv", "kraken", {}, "BCHEUR/prints", 148, "2023-01-01T00:03:56 2023-01-01T23:19:47"),
    (FREQ + "kraken__trades_csv__incremental_q2__BCHEUR.csv", "kraken", {}, "BCHEUR/prints",
     486, "2023-01-02T00:48:56 2023-01-02T23:17:03"),
    (LEAN + "bybit__minute__btcusdt__20221213_quote.zip", "lean", {}, "BTCUSDT/bars-M1", 721, "2022-12-13T00:00 2022-12-13T12:00"),
    (LEAN + "bybit__minute__btcusdt__20221213_trade.zip", "lean", {}, "BTCUSDT/bars-M1", 1_440, "2022-12-13T00:00 2022-12-13T23:59"),
    (LEAN + "coinbase__minute__btcusd__20171217_quote.zip", "lean", {}, "BTCUSD/bars-M1", 1_439, "2017-12-17T00:00 2017-12-17T23:58"),
    (LEAN + "coinbase__minute__btcusd__20171217_trade.zip", "lean", {}, "BTCUSD/bars-M1", 1_440, "2017-12-17T00:00 2017-12-17T23:59"),
    (LEAN + "coinbase__minute__btcusd__20180404_quote.zip", "lean", {}, "BTCUSD/bars-M1", 1_437, "2018-04-04T00:00 2018-04-04T23:58"),
    (LEAN + "coinbase__minute__btcusd__20180404_trade.zip", "lean", {}, "BTCUSD/bars-M1", 1_007, "2018-04-04T00:00 2018-04-04T16:47"),
    (LEAN + "coinbase__minute__btcusd__20180405_quote.zip", "lean", {}, "BTCUSD/bars-M1", 1_436, "2018-04-05T00:00 2018-04-05T23:58"),
    (LEAN + "coinbase__minute__btcusd__20180405_trade.zip", "lean", {}, "BTCUSD/bars-M1", 1_440, "2018-04-05T00:00 2018-04-05T23:59"),
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
    ("equities/mplfinance__SP500_NOV2019_Hist.csv", "csv", {**SPX, "frame": "D1", "zone": "America/New_York"}, "SPX/bars-D1",
     20, "2019-11-01T04:00 2019-11-29T05:00"),
    ("equities/mplfinance__SPY_20110701_20120630_Bollinger.csv", "csv", {"symbol": "SPY", "frame": "D1"}, "SPY/bars-D1",
     252, "2011-07-01T00:00 2012-06-29T00:00"),
    ("fx_m1/eurusd_histdata_m1_2018.parquet", "histdata", {}, "EURUSD/bars-M1", 372_607, "2018-01-01T22:00 2018-12-31T21:59"),
    ("fx_m1/usdjpy_histdata_m1_2018.parquet", "histdata", {}, "USDJPY/bars-M1", 371_800, "2018-01-01T22:00 2018-12-31T21:58"),
    ("fx_m1/xauusd_histdata_m1_2018.parquet", "histdata", {}, "XAUUSD/bars-M1", 353_778, "2018-01-01T23:01 2018-12-31T21:58"),
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
