"""Dukascopy on the loopback: its real files in its real layout, and every fault on the way."""

from __future__ import annotations

import lzma
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.adapters.dukascopy import FRAMES, Dukascopy, closed, periods
from engine.adapters.get import get
from engine.adapters.provider import Ask
from engine.core.clock import parse_time
from engine.core.errors import ConfigError, DataError, NotFound, TimedOut
from engine.core.zones import DAY, HOUR
from engine.feeds.catalogue import dataset
from engine.feeds.data import import_file
from engine.feeds.importers.bi5 import candles, point_of, ticks
from engine.feeds.importers.options import Options
from engine.feeds.lineage import join
from tests.adapters.site import Site, cut_off, instead, silent, slow, status

DAY_OF_TICKS = parse_time("2019-02-04")
HOURS = {0: 3733, 7: 6914, 8: 10546, 13: 7763, 14: 9986, 21: 2114}
"""Quotes per hour of the files kept, 41,056 in all (data/README.md of the shared folder)."""
NIGHT = ("dukascopy", "EURUSD", DAY_OF_TICKS, DAY_OF_TICKS + HOUR)
FIRST = "/EURUSD/2019/01/04/00h_ticks.bi5"


def test_a_day_of_quotes_comes_in_from_the_addresses_of_dukascopy(duka: Site) -> None:
    done = get("dukascopy", "EURUSD", DAY_OF_TICKS, DAY_OF_TICKS + DAY, rate=1e6)
    assert duka.paths() == [f"/EURUSD/2019/01/04/{hour:02}h_ticks.bi5" for hour in range(24)]
    assert done.added.rows == done.added.added == sum(HOURS.values()) == 41_056
    assert (done.payloads, done.fetched, done.absent) == (24, 6, 18)
    held = dataset("dukascopy/EURUSD/quotes")
    assert held.lineage.licence.startswith("Dukascopy") and held.lineage.made_from.startswith(duka.url)
    assert "millions of the base currency" in held.lineage.note
    rows = join(list(held.read()))
    counts = np.bincount((rows["ts"] - DAY_OF_TICKS) // HOUR, minlength=24)
    assert {hour: int(n) for hour, n in enumerate(counts) if n} == HOURS


def test_what_came_equals_the_converted_day_row_by_row(duka: Site, shared: Path) -> None:
    get("dukascopy", "EURUSD", DAY_OF_TICKS, DAY_OF_TICKS + DAY, rate=1e6)
    rows = join(list(dataset("dukascopy/EURUSD/quotes").read()))
    whole = pd.read_parquet(shared / "data/fx_ticks/eurusd_dukascopy_ticks_2019-02-04.parquet")
    whole = whole[whole.ts_utc.dt.hour.isin(HOURS)]
    np.testing.assert_array_equal(rows["ts"], whole.ts_utc.dt.as_unit("ns").astype("int64"))
    for side in ("bid", "ask"):
        np.testing.assert_array_equal(rows[side], np.round(whole[f"{side}_pt"].to_numpy() * 0.00001, 10))
        np.testing.assert_array_equal(rows[f"{side}_size"], whole[f"{side}_vol"].to_numpy().astype(np.float64))


def test_the_day_of_quotes_by_minute_is_its_candle_file_in_1440_of_1440_bars(duka: Site, shared: Path) -> None:
    get("dukascopy", "EURUSD", DAY_OF_TICKS, DAY_OF_TICKS + DAY, "M1", rate=1e6)
    bars = join(list(dataset("dukascopy/EURUSD/bars-M1").read()))
    quotes = pd.read_parquet(shared / "data/fx_ticks/eurusd_dukascopy_ticks_2019-02-04.parquet")
    minute = quotes.groupby(quotes.ts_utc.dt.floor("min"))
    assert len(minute) == len(bars["ts"]) == 1440
    np.testing.assert_array_equal(bars["open_ts"], pd.DatetimeIndex(minute.size().index).as_unit("ns").astype("int64"))
    np.testing.assert_array_equal(bars["ts"], bars["open_ts"] + 60_000_000_000)
    for name, how in (("open", "first"), ("high", "max"), ("low", "min"), ("close", "last")):
        np.testing.assert_array_equal(bars[name], np.round(minute.bid_pt.agg(how).to_numpy() * 0.00001, 10))
    np.testing.assert_allclose(bars["volume"], minute.bid_vol.sum(), rtol=0, atol=1e-4)


def test_yen_crosses_have_points_of_a_thousandth(duka: Site, shared: Path) -> None:
    first = parse_time("2012-12-03")
    assert get("dukascopy", "GBPJPY", first, first + DAY, rate=1e6).added.rows == 16_125
    rows = join(list(dataset("dukascopy/GBPJPY/quotes").read()))
    whole = pd.read_parquet(shared / "data/fx_ticks/gbpjpy_dukascopy_ticks_2012-12-02_14.parquet")
    same = whole[whole.ts_utc.dt.as_unit("ns").astype("int64").isin(rows["ts"])]
    np.testing.assert_array_equal(rows["bid"], np.round(same.bid_pt.to_numpy() / 1000, 10))


def test_an_empty_file_is_an_hour_without_quotes(duka: Site) -> None:
    first = parse_time("2012-12-01")
    with pytest.raises(NotFound, match="dukascopy has nothing of GBPJPY"):
        get("dukascopy", "GBPJPY", first, first + HOUR)
    assert not duka.seen, "a Saturday is not asked for"
    raw = duka.pages["/GBPJPY/2012/11/01/00h_ticks.bi5"]
    assert raw == b"" and len(ticks(b"", 0, 0.001)["ts"]) == 0


def test_a_second_time_everything_comes_from_the_cache_and_nothing_changes(duka: Site, own_folders: Path) -> None:
    get("dukascopy", "EURUSD", DAY_OF_TICKS, DAY_OF_TICKS + DAY, rate=1e6)
    files = {path: path.stat().st_mtime_ns for path in own_folders.rglob("*.parquet")}
    asked = len(duka.seen)
    again = get("dukascopy", "EURUSD", DAY_OF_TICKS, DAY_OF_TICKS + DAY, rate=1e6)
    assert len(duka.seen) == asked and (again.from_cache, again.absent, again.fetched) == (6, 18, 0)
    assert again.added.added == again.added.files == 0
    assert {path: path.stat().st_mtime_ns for path in own_folders.rglob("*.parquet")} == files


def test_a_payload_that_changed_in_the_cache_is_fetched_again(duka: Site, tmp_path: Path) -> None:
    get(*NIGHT)
    kept = tmp_path / "cache/raw/dukascopy/EURUSD/2019/01/04/00h_ticks.bi5"
    raw = bytearray(kept.read_bytes())
    raw[5000] ^= 1
    kept.write_bytes(raw)
    assert get(*NIGHT).fetched == 1 and kept.read_bytes() == duka.pages[FIRST]


@pytest.mark.parametrize(("fault", "waited"), [
    (status(429, Retry_After="7"), [7.0]), (status(429), [0.5]), (status(500), [0.5]), (status(503), [0.5]),
])  # fmt: skip
def test_a_provider_that_is_busy_is_asked_again_when_it_says(
    duka: Site, waits: list[float], fault: object, waited: list[float]
) -> None:
    duka.faults[FIRST] = [fault]
    assert get(*NIGHT, sleep=waits.append).added.rows == HOURS[0]
    assert waits == waited and len(duka.seen) == 2


def test_who_stays_busy_is_given_up_after_ever_longer_waits(duka: Site, waits: list[float], own_folders: Path) -> None:
    duka.faults[FIRST] = [status(503)] * 9
    with pytest.raises(TimedOut, match=r"00h_ticks.bi5: status 503 \(5 tries\): try again, what came is kept"):
        get(*NIGHT, rate=1e6, sleep=waits.append)
    assert waits[:4] == [0.5, 1.0, 2.0, 4.0] and not list(own_folders.rglob("*.parquet"))


def test_who_asks_for_an_hours_patience_is_left_in_peace(duka: Site, waits: list[float]) -> None:
    duka.faults[FIRST] = [status(429, Retry_After="3600")]
    with pytest.raises(TimedOut, match="asks to wait 3600 s: try again then"):
        get(*NIGHT, sleep=waits.append)
    assert waits == []


def test_a_body_cut_off_goes_on_where_it_broke(duka: Site, waits: list[float]) -> None:
    duka.faults[FIRST] = [cut_off(8192)]
    assert get(*NIGHT, sleep=waits.append).added.rows == HOURS[0]
    assert [one.headers.get("Range") for one in duka.seen] == [None, "bytes=8192-"]


def test_without_a_tag_a_broken_body_comes_again_whole(duka: Site, waits: list[float]) -> None:
    duka.tags = False
    duka.faults[FIRST] = [cut_off(8192)]
    assert get(*NIGHT, sleep=waits.append).added.rows == HOURS[0]
    assert [one.headers.get("Range") for one in duka.seen] == [None, None]


def test_a_file_that_changed_in_between_is_not_patched_together(duka: Site, waits: list[float]) -> None:
    old = duka.pages[FIRST]
    assert isinstance(old, bytes)
    duka.faults[FIRST] = [lambda handler, content: handler.whole(b"\0" * 20_000, give=8192)]
    done = get(*NIGHT, sleep=waits.append)
    assert done.added.rows == HOURS[0] and duka.seen[1].headers.get("Range") == "bytes=8192-"


def test_a_body_cut_off_unnoticed_is_told_by_its_contents(duka: Site, tmp_path: Path) -> None:
    content = duka.pages[FIRST]
    assert isinstance(content, bytes)
    duka.faults[FIRST] = [instead(content[:9000])]
    assert get(*NIGHT).added.rows == HOURS[0] and len(duka.seen) == 2
    duka.faults[FIRST] = [instead(content[:9000])] * 2
    with pytest.raises(DataError, match=r"00h_ticks.bi5 is no bi5 file or cut off: .* \(fetched twice;"):
        get(*NIGHT, cache=tmp_path)


def test_an_answer_that_is_slow_still_comes(duka: Site) -> None:
    duka.faults[FIRST] = [slow(0.02)]
    assert get(*NIGHT).added.rows == HOURS[0]


def test_one_refusal_ends_it_and_keeps_what_came(duka: Site, own_folders: Path) -> None:
    duka.faults["/EURUSD/2019/01/04/08h_ticks.bi5"] = [status(403)]
    with pytest.raises(Exception, match="the provider refuses \\(status 403"):
        get("dukascopy", "EURUSD", DAY_OF_TICKS, DAY_OF_TICKS + DAY, rate=1e6)
    assert not own_folders.exists() or not list(own_folders.rglob("*.parquet"))
    assert get("dukascopy", "EURUSD", DAY_OF_TICKS, DAY_OF_TICKS + DAY, rate=1e6).from_cache == 2


@pytest.mark.parametrize(("frame", "name"), [("H1", "2019/01/BID_candles_hour_1"), ("D1", "2019/BID_candles_day_1")])
def test_longer_candles_lie_by_month_and_year(duka: Site, frame: str, name: str) -> None:
    step = 3_600 if frame == "H1" else 86_400
    rows = [(k * step, 114_000, 114_010, 113_990, 114_020, 5.0 * (k != 2)) for k in range(20)]
    rows[2] = (2 * step, 114_010, 114_010, 114_010, 114_010, 0.0)
    raw = lzma.compress(b"".join(struct.pack(">IIIIIf", *row) for row in rows), lzma.FORMAT_ALONE)
    duka.pages[f"/EURUSD/{name}.bi5"] = raw
    first = parse_time("2019-02-01" if frame == "H1" else "2019-01-01")
    done = get("dukascopy", "EURUSD", first, first + 10 * step * 10**9, frame)
    assert done.added.rows == 9 and done.added.dropped == {"flat bars without volume": 1}
    (bars,) = dataset(f"dukascopy/EURUSD/bars-{frame}").read()
    assert bars["open_ts"][0] == first and bars["ts"][0] == first + step * 10**9
    assert [bars[n][0] for n in ("open", "high", "low", "close")] == [1.14, 1.1402, 1.1399, 1.1401]


@given(st.sampled_from(["", *FRAMES]), st.integers(0, 50 * 365 * 24), st.integers(1, 24 * 400), st.integers(0, 59))
@settings(max_examples=60)
def test_the_files_asked_for_cover_the_span_without_a_gap(frame: str, start: int, hours: int, minutes: int) -> None:
    first = start * HOUR + minutes * 60_000_000_000
    found = list(periods(Ask("BTCUSD", first, first + hours * HOUR, frame)))
    assert found[0][0] <= first < found[0][1] and found[-1][0] < first + hours * HOUR <= found[-1][1]
    assert all(a[1] == b[0] for a, b in zip(found, found[1:], strict=False))


@given(st.integers(0, 60 * 365 * 24))
@settings(max_examples=60)
def test_an_hour_not_asked_for_lies_between_friday_and_sunday_in_new_york(hour: int) -> None:
    there = pd.Timestamp(hour * HOUR, tz="UTC").tz_convert("America/New_York")
    after_close = there.day_of_week == 4 and there.hour >= 17
    shut = after_close or there.day_of_week == 5 or (there.day_of_week == 6 and there.hour < 17)
    assert shut or not closed("EURUSD", hour * HOUR)
    assert not closed("BTCUSD", hour * HOUR)


@given(
    st.lists(st.tuples(*[st.integers(0, 2**31)] * 4), min_size=1, max_size=20),
    st.sampled_from([0.00001, 0.001]),
)  # fmt: skip
@settings(max_examples=40)
def test_what_is_packed_as_dukascopy_does_is_read_as_it_was(rows: list[tuple[int, ...]], point: float) -> None:
    packed = [struct.pack(">IIIff", row[0] % 3_600_000, row[1], row[2], row[3] % 1000, 1.5) for row in rows]
    found = ticks(lzma.compress(b"".join(packed), lzma.FORMAT_ALONE), 7 * HOUR, point)
    for i, row in enumerate(rows):
        assert found["ts"][i] == 7 * HOUR + row[0] % 3_600_000 * 1_000_000
        assert (round(found["ask"][i] / point), round(found["bid"][i] / point)) == (row[1], row[2])
        assert (found["ask_size"][i], found["bid_size"][i]) == (row[3] % 1000, 1.5)


@pytest.mark.parametrize("symbol", ["BTCUSD", "USDTHB", "USA500IDXUSD", "LIGHTCMDUSD"])
def test_a_point_that_is_not_known_is_asked_for_and_never_guessed(duka: Site, symbol: str) -> None:
    with pytest.raises(ConfigError, match="say it, like --point 0.001"):
        get("dukascopy", symbol, DAY_OF_TICKS, DAY_OF_TICKS + HOUR)
    assert point_of(symbol, 0.1) == 0.1 and not duka.seen


def test_a_bi5_file_in_its_folders_is_imported_as_it_is(shared: Path) -> None:
    raw = shared / "data/fx_ticks/bi5_raw/EURUSD/2019/01/04"
    report = import_file(raw / "00h_ticks.bi5", Options(source="dukascopy"))
    assert (report.dataset, report.rows) == ("dukascopy/EURUSD/quotes", HOURS[0])
    report = import_file(raw / "BID_candles_min_1.bi5", Options(source="dukascopy"))
    assert (report.dataset, report.rows) == ("dukascopy/EURUSD/bars-M1", 1440)
    assert dataset("dukascopy/EURUSD/bars-M1").lineage.basis == "bid"


def test_a_bi5_file_away_from_its_folders_is_refused(shared: Path, tmp_path: Path) -> None:
    lost = tmp_path / "00h_ticks.bi5"
    lost.write_bytes((shared / "data/fx_ticks/bi5_raw/EURUSD/2019/01/04/00h_ticks.bi5").read_bytes())
    with pytest.raises(ConfigError, match=r"leave it in its folders, like EURUSD/2019/01/04/07h_ticks.bi5"):
        import_file(lost)
    folder = tmp_path / "EURUSD/2019/12/04"
    folder.mkdir(parents=True)
    with pytest.raises(ConfigError, match="its folders name no day"):
        import_file(lost.rename(folder / "00h_ticks.bi5"))


@pytest.mark.parametrize("body", [b"\x5d\0\0", b"<html>busy</html>", lzma.compress(b"x" * 21, lzma.FORMAT_ALONE)])
def test_what_is_no_bi5_file_is_said_so(body: bytes) -> None:
    with pytest.raises(DataError, match="is no bi5 file or cut off|no whole number of 20-byte records"):
        ticks(body, 0, 0.001)
    with pytest.raises(DataError, match="behind the end"):
        late = struct.pack(">IIIIIf", 90_000, 1, 1, 1, 1, 1.0)
        candles(lzma.compress(late, lzma.FORMAT_ALONE), 0, 0.001, "M1")


def test_nobody_answers(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONETAPE_DUKASCOPY_URL", "http://127.0.0.1:9")
    with pytest.raises(TimedOut, match="no connection|no answer"):
        get(*NIGHT, sleep=waits.append)


def test_who_keeps_silent_is_given_up(duka: Site, tmp_path: Path) -> None:
    from engine.adapters.fetch import Bucket, Fetcher

    duka.faults[FIRST] = [silent(0.4)] * 2
    source = Dukascopy(url=duka.url)
    web = Fetcher(source, tmp_path, Bucket(1e6), tries=2, timeout=0.1, sleep=lambda seconds: None)
    payload = next(source.payloads(Ask("EURUSD", DAY_OF_TICKS, DAY_OF_TICKS + HOUR)))
    with pytest.raises(TimedOut, match="no answer"):
        web.fetch(payload)
