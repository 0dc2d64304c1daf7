"""Binance's archive on the loopback: zips and checksums in its layout, made of real trades and bars."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.adapters.binance import Binance, nanoseconds
from engine.adapters.get import get
from engine.adapters.provider import Ask
from engine.core.clock import parse_time
from engine.core.errors import ConfigError, DataError, NotFound
from engine.core.zones import DAY, HOUR
from engine.feeds.catalogue import dataset
from engine.feeds.lineage import join
from engine.feeds.series import load_series
from tests.adapters.site import Site, cut_off, instead, status

FIRST, LAST = parse_time("2019-10-11"), parse_time("2019-10-14")
HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)
MONTH = "/data/spot/monthly/klines/XRPETH/1m/XRPETH-1m-2019-10.zip"


def packed(name: str, lines: list[str]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, "\n".join(lines) + "\n")
    return held.getvalue()


def put(site: Site, path: str, lines: list[str]) -> bytes:
    """A zip and its checksum, as the archive has them."""
    content = packed(path.rsplit("/", 1)[1].replace(".zip", ".csv"), lines)
    site.pages[path] = content
    site.pages[path + ".CHECKSUM"] = f"{hashlib.sha256(content).hexdigest()}  {path.rsplit('/', 1)[1]}\n".encode()
    return content


def klines(bars: pd.DataFrame, unit: int = 1) -> list[str]:
    ms = bars.date.dt.as_unit("ms").astype("int64")
    return [
        f"{t * unit},{b.open},{b.high},{b.low},{b.close},{b.volume},{(t + 60_000) * unit - 1},0,1,0,0,0"
        for t, b in zip(ms, bars.itertuples(), strict=True)
    ]


@pytest.fixture(scope="module")
def bars(shared: Path) -> pd.DataFrame:
    return pd.read_feather(shared / "data/crypto/freqtrade/XRP_ETH-1m.feather")


@pytest.fixture
def archive(site: Site, bars: pd.DataFrame, shared: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Three days of XRP/ETH: minutes by the day, trades by the day."""
    monkeypatch.setenv("ONETAPE_BINANCE_URL", site.url + "/")
    monkeypatch.setenv("ONETAPE_BINANCE_UM_URL", site.url)
    for day, some in bars.groupby(bars.date.dt.strftime("%Y-%m-%d")):
        put(site, f"/data/spot/daily/klines/XRPETH/1m/XRPETH-1m-{day}.zip", klines(some))
    rows = json.loads(gzip.decompress((shared / "data/crypto/freqtrade/XRP_ETH-trades.json.gz").read_bytes()))
    by_day: dict[str, list[str]] = {}
    for number, (ms, _, _, side, price, amount, _) in enumerate(rows):
        maker = "True" if side == "sell" else "False"
        day = str(np.datetime64(ms, "ms").astype("M8[D]"))
        by_day.setdefault(day, []).append(f"{number},{price},{amount},{number},{number},{ms},{maker},True")
    for day, lines in by_day.items():
        put(site, f"/data/spot/daily/aggTrades/XRPETH/XRPETH-aggTrades-{day}.zip", lines)
    return site


def test_trades_by_minute_are_the_minute_bars_in_2469_of_2469(archive: Site, bars: pd.DataFrame) -> None:
    assert get("binance", "XRPETH", FIRST, LAST, "M1", rate=1e6).added.rows == 2469
    assert get("binance", "XRPETH", FIRST, LAST, rate=1e6).added.rows == 12_477
    held = join(list(dataset("binance/XRPETH/bars-M1").read()))
    ticks = pd.DataFrame(join(list(dataset("binance/XRPETH/prints").read())))
    assert dataset("binance/XRPETH/prints").lineage.basis == "last" and set(ticks.side) == {-1.0, 1.0}
    minute = ticks.groupby(ticks.ts // 60_000_000_000)
    np.testing.assert_array_equal(held["open_ts"] // 60_000_000_000, minute.size().index)
    for name, how in (("open", "first"), ("high", "max"), ("low", "min"), ("close", "last")):
        np.testing.assert_array_equal(held[name], minute.price.agg(how))
    np.testing.assert_allclose(held["volume"], minute["size"].sum())
    np.testing.assert_array_equal(held["close"], bars.close)
    assert dataset("binance/XRPETH/bars-M1").lineage.volume_unit == "base"


def test_whole_months_come_as_one_file_and_days_where_there_is_none_yet(
    archive: Site, bars: pd.DataFrame, tmp_path: Path
) -> None:
    first, last = parse_time("2019-10-01"), parse_time("2019-11-01")
    get("binance", "XRPETH", first, last, "M1", rate=1e6)
    assert archive.paths()[0] == MONTH and sum("/daily/" in path for path in archive.paths()) == 31 + 3
    put(archive, MONTH, klines(bars))
    archive.seen.clear()
    done = get("binance", "XRPETH", first, last, "M1", rate=1e6, cache=tmp_path / "other")
    assert archive.paths() == [MONTH, MONTH + ".CHECKSUM"]
    assert done.added.added == 0, "the same bars again change nothing"


def test_of_a_month_only_the_days_wanted_are_asked_for(archive: Site) -> None:
    get("binance", "XRPETH", FIRST + HOUR, FIRST + DAY + HOUR, "M1")
    days = [path.rsplit("-1m-", 1)[1] for path in archive.paths() if path.endswith(".zip")]
    assert days == ["2019-10-11.zip", "2019-10-12.zip"]
    held = dataset("binance/XRPETH/bars-M1")
    assert held.first >= FIRST + HOUR and held.last < FIRST + DAY + HOUR


def test_a_payload_that_is_not_what_its_checksum_says_is_fetched_again_and_then_refused(
    archive: Site, tmp_path: Path
) -> None:
    path = "/data/spot/daily/klines/XRPETH/1m/XRPETH-1m-2019-10-11.zip"
    other = packed("XRPETH-1m-2019-10-11.csv", ["1570752000000,9,9,9,9,9,0,0,1,0,0,0"])
    archive.faults[path] = [instead(other)]
    assert get("binance", "XRPETH", FIRST, FIRST + DAY, "M1").added.rows > 800
    archive.pages[path] = other
    with pytest.raises(DataError, match=r"2019-10-11.zip is not what its checksum says \(fetched twice"):
        get("binance", "XRPETH", FIRST, FIRST + DAY, "M1", rate=1e6, cache=tmp_path / "other")


def test_a_payload_without_its_checksum_is_refused(archive: Site) -> None:
    path = "/data/spot/daily/klines/XRPETH/1m/XRPETH-1m-2019-10-11.zip"
    del archive.pages[path + ".CHECKSUM"]
    with pytest.raises(DataError, match="there is no .*CHECKSUM"):
        get("binance", "XRPETH", FIRST, FIRST + DAY, "M1", rate=1e6)


def test_a_zip_cut_off_goes_on_and_one_that_stays_broken_is_refused(archive: Site, waits: list[float]) -> None:
    path = "/data/spot/daily/klines/XRPETH/1m/XRPETH-1m-2019-10-11.zip"
    content = archive.pages[path]
    assert isinstance(content, bytes)
    archive.faults[path] = [cut_off(5000), status(500), cut_off(4000)]
    assert get("binance", "XRPETH", FIRST, FIRST + DAY, "M1", rate=1e6, sleep=waits.append).added.rows > 800
    ranges = [one.headers.get("Range") for one in archive.seen if one.path == path]
    assert ranges == [None, "bytes=5000-", "bytes=5000-", "bytes=9000-"]
    later = path.replace("10-11", "10-12")
    archive.pages[later] = content[:5000]
    with pytest.raises(DataError, match="is no zip or cut off"):
        get("binance", "XRPETH", FIRST + DAY, FIRST + 2 * DAY, "M1", rate=1e6)


def test_microseconds_of_2025_and_headers_of_futures_are_understood(
    archive: Site, bars: pd.DataFrame, own_folders: Path
) -> None:
    day = bars[bars.date.dt.day == 11]
    path = "/data/futures/um/daily/klines/XRPETH/1m/XRPETH-1m-2019-10-11.zip"
    put(archive, path, [HEADER, *klines(day, unit=1000)])
    get("binance", "XRPETH", FIRST, FIRST + DAY, "M1")
    get("binance-um", "XRPETH", FIRST, FIRST + DAY, "M1")
    spot, futures = (join(list(dataset(f"{name}/XRPETH/bars-M1").read())) for name in ("binance", "binance-um"))
    for name in spot:
        np.testing.assert_array_equal(spot[name], futures[name])


@given(st.integers(10**12, 4 * 10**12), st.integers(0, 999))
@settings(max_examples=50)
def test_a_stamp_is_the_same_in_milliseconds_and_microseconds(ms: int, us: int) -> None:
    assert nanoseconds(np.array([ms, ms * 1000 + us])).tolist() == [ms * 10**6, ms * 10**6 + us * 1000]


@given(st.integers(0, 400), st.integers(1, 100), st.sampled_from(["", "M1", "H1"]))
@settings(max_examples=40)
def test_the_files_asked_for_cover_the_span_once(start: int, days: int, frame: str) -> None:
    first = parse_time("2023-01-01") + start * DAY
    steps = Binance().payloads(Ask("BTCUSDT", first, first + days * DAY, frame))
    covered = first
    try:
        payload = next(steps)
        while True:
            assert payload.first <= covered < payload.last
            covered = payload.last
            payload = steps.send(Path("there"))
    except StopIteration:
        pass
    assert first + days * DAY <= covered < first + (days + 1) * DAY


def test_funding_rates_become_a_series_known_from_their_stamps(archive: Site, shared: Path) -> None:
    table = pd.read_feather(shared / "data/crypto/freqtrade/futures__XRP_USDT_USDT-8h-funding_rate.feather")
    for month, some in table.groupby(table.date.dt.strftime("%Y-%m")):
        ms = some.date.dt.as_unit("ms").astype("int64")
        lines = [f"{t},8,{rate}" for t, rate in zip(ms, some.open, strict=True)]
        path = f"/data/futures/um/monthly/fundingRate/XRPUSDT/XRPUSDT-fundingRate-{month}.zip"
        put(archive, path, ["calc_time,funding_interval_hours,last_funding_rate", *lines])
    first, last = parse_time("2021-11-18"), parse_time("2021-12-19")
    done = get("binance-um", "XRPUSDT", first, last, funding=True)
    assert (done.added.dataset, done.added.rows) == ("series/binance-um/XRPUSDT-funding", 91)
    rate = load_series("binance-um/XRPUSDT-funding")
    stamp = parse_time("2021-11-18 00:00:00.017")
    assert np.isnan(rate.at(stamp - 1)) and rate.at(stamp) == table.open[0]
    assert rate.event[0] == parse_time("2021-11-18"), "17 ms late, it is still about the full hour"
    assert get("binance-um", "XRPUSDT", first, last, funding=True).added.files == 0


@pytest.mark.parametrize(("ask", "says"), [
    ({"name": "binanc"}, "unknown provider 'binanc': did you mean binance or binance-um"),
    ({"funding": True}, "binance has no funding rates: binance-um"),
    ({"frame": "W1"}, "binance has no W1 bars: --tf M1"),
    ({"frame": "H5"}, "unknown time frame"),
    ({"rate": 0.0}, "requests per second, above 0"),
    ({"name": "binance:x"}, "binance takes nothing after a colon"),
    ({"last": FIRST}, "is not before"),
    ({"first": None}, "from when"),
])  # fmt: skip
def test_what_cannot_be_meant_is_one_message(archive: Site, ask: dict[str, object], says: str) -> None:
    wanted = {"name": "binance", "symbol": "XRPETH", "first": FIRST, "last": LAST, "frame": "M1"} | ask
    with pytest.raises(ConfigError, match=says):
        get(**wanted)
    assert not archive.seen


def test_a_symbol_that_is_not_there_is_said_so(archive: Site) -> None:
    with pytest.raises(NotFound, match="binance has nothing of XRPETC between 2019-10-11 .*: is the symbol written"):
        get("binance", "XRPETC", FIRST, LAST, "M1", rate=1e6)


def test_a_symbol_cannot_leave_its_folder(archive: Site, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        get("binance", "../../../../X", FIRST, FIRST + DAY, "M1", rate=1e6)
    assert all("%2F" in path for path in archive.paths())
    assert {path.name for path in tmp_path.iterdir()} <= {"cache", "catalogue"}
