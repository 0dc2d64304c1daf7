"""HistData's form, Yahoo's charts and Cboe's histories on the loopback, with real content where there is some."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pandas as pd
import pytest

from engine.adapters.get import get
from engine.adapters.histdata import HistData
from engine.adapters.provider import Ask
from engine.core.clock import parse_time, wall_ns
from engine.core.errors import ConfigError, DataError, NotFound
from engine.core.zones import DAY, HOUR
from engine.feeds.catalogue import dataset
from engine.feeds.lineage import join
from engine.feeds.series import load_series
from tests.adapters.site import Seen, Site, instead, status

MINUTE = 60_000_000_000
PAGE = """<html><form id="file_down" name="file_down" target="_blank" method="POST" action="/get.php">
<input type="hidden" name="tk" id="tk" value="{token}" /><input type="hidden" name="date" id="date" value="2019" />
<input type='hidden' name='datemonth' id='datemonth' value='2019'/><input type="hidden" name="platform" value="ASCII"/>
</form></html>"""


@pytest.fixture(scope="module")
def year(shared: Path) -> bytes:
    """The real bars of the weeks that are wanted here, zipped as HistData does."""
    bars = pd.read_parquet(shared / "data/fx_m1/eurusd_histdata_m1_2019Q4.parquet")
    bars = bars[
        bars.ts.dt.strftime("%m%d").between("1026", "1030") | bars.ts.dt.strftime("%m%d").between("1201", "1207")
    ]
    lines = [f"{b.ts:%Y%m%d %H%M%S};{b.open:.6f};{b.high:.6f};{b.low:.6f};{b.close:.6f};0" for b in bars.itertuples()]
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("DAT_ASCII_EURUSD_M1_2019.txt", "a report on gaps")
        file.writestr("DAT_ASCII_EURUSD_M1_2019.csv", "\r\n".join(lines))
    return held.getvalue()


@pytest.fixture
def histdata(site: Site, year: bytes, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The site as it works: a page with a token, and a form that wants token and referrer."""
    root = "/download-free-forex-historical-data/?/ascii"

    def form(seen: Seen) -> bytes | None:
        sent = {name: values[0] for name, values in parse_qs(seen.body.decode()).items()}
        came_from = seen.headers.get("Referer", "")
        wanted = {
            "tk": "abc123", "date": "2019", "datemonth": "2019", "platform": "ASCII", "timeframe": "M1",
            "fxpair": "EURUSD",
        }  # fmt: skip
        right = seen.method == "POST" and came_from == f"{site.url}{root}/1-minute-bar-quotes/eurusd/2019"
        return year if right and sent == wanted else b""

    site.pages[f"{root}/1-minute-bar-quotes/eurusd/2019"] = PAGE.format(token="abc123").encode()
    site.pages["/get.php"] = form
    monkeypatch.setenv("ONETAPE_HISTDATA_URL", site.url)
    return site


def test_histdata_gives_its_zip_for_the_token_in_its_page(histdata: Site, shared: Path) -> None:
    first, last = parse_time("2019-12-02"), parse_time("2019-12-07")
    done = get("histdata", "EURUSD", first, last, "M1", rate=1e6)
    assert [(one.method, one.path[:9]) for one in histdata.seen] == [("GET", "/download"), ("POST", "/get.php")]
    held = dataset("histdata/EURUSD/bars-M1")
    assert (held.lineage.basis, held.lineage.zone) == ("bid", "America/New_York")
    rows = join(list(held.read()))
    bars = pd.read_parquet(shared / "data/fx_m1/eurusd_histdata_m1_2019Q4.parquet")
    utc = bars.ts.dt.tz_localize("America/New_York", ambiguous="NaT").dt.as_unit("ns")
    inside = (utc >= pd.Timestamp(first, tz="UTC")) & (utc < pd.Timestamp(last, tz="UTC"))
    assert done.added.rows == inside.sum() > 6000
    np.testing.assert_array_equal(rows["open_ts"], utc[inside].astype("int64"))
    np.testing.assert_array_equal(rows["close"], bars.close[inside])
    # 2019-12-06, 13:30 UTC: the payrolls' minute is the widest of the day.
    day = rows["open_ts"] // DAY == first // DAY + 4
    widest = rows["open_ts"][day][np.argmax((rows["high"] - rows["low"])[day])]
    assert widest == parse_time("2019-12-06 13:30")


def test_a_week_that_histdata_wrote_twice_is_refused_and_can_be_left_out(histdata: Site) -> None:
    first, last = parse_time("2019-10-27 20:00"), parse_time("2019-10-29")
    with pytest.raises(DataError, match="59 rows go back in time .*--sort.* 1 rows repeat"):
        get("histdata", "EURUSD", first, last, "M1", rate=1e6)
    done = get("histdata", "EURUSD", first, last, "M1", rate=1e6, sort=True, on_bad="drop")
    assert done.added.dropped == {"duplicate": 60} and done.from_cache == 1
    assert done.added.first == parse_time("2019-10-27 21:00"), "that week's stamps are an hour early, and that is found"


@pytest.mark.parametrize(("first", "last", "frame", "spans"), [
    ("2019-01-01", "2020-01-01", "M1", ["2018", "2019"]), ("2019-01-01 05:00", "2019-03-01", "M1", ["2019"]),
    ("2019-02-01 05:00", "2019-04-01", "", ["201902", "201903"]),
])  # fmt: skip
def test_histdata_is_asked_for_the_years_and_months_of_its_own_wall(
    first: str, last: str, frame: str, spans: list[str]
) -> None:
    asked = HistData().payloads(Ask("EURUSD", parse_time(first), parse_time(last), frame))
    assert [payload.form["datemonth"] for payload in asked] == spans


def test_a_page_without_a_token_is_said_so(histdata: Site, waits: list[float]) -> None:
    page = next(path for path in histdata.pages if path.startswith("/download"))
    histdata.pages[page] = b"<html>under repair</html>"
    with pytest.raises(DataError, match="holds no token"):
        get(
            "histdata", "EURUSD", parse_time("2019-12-02"), parse_time("2019-12-03"), "M1", rate=1e6, sleep=waits.append
        )
    with pytest.raises(NotFound, match="histdata has nothing of EURXXX"):
        get("histdata", "EURXXX", parse_time("2019-12-02"), parse_time("2019-12-03"), "M1", rate=1e6)


def test_an_answer_that_is_no_zip_is_refused(histdata: Site, tmp_path: Path) -> None:
    histdata.faults["/get.php"] = [instead(b"")]
    first = parse_time("2019-12-02")
    assert get("histdata", "EURUSD", first, first + DAY, "M1", rate=1e6).added.rows > 1000
    histdata.pages["/get.php"] = b"<html>no</html>"
    with pytest.raises(DataError, match="get.php is no zip or cut off"):
        get("histdata", "EURUSD", first, first + DAY, "M1", rate=1e6, cache=tmp_path / "other")


def chart(bars: pd.DataFrame, zone: str, error: object = None) -> bytes:
    quote = {
        name: [None if v != v else v for v in bars[name].tolist()]
        for name in ("open", "high", "low", "close", "volume")
    }
    result = {"meta": {"exchangeTimezoneName": zone}, "timestamp": bars.s.tolist(), "indicators": {"quote": [quote]}}
    return json.dumps({"chart": {"result": [result], "error": error}}).encode()


@pytest.fixture
def yahoo(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Two weeks of ^GSPC's days over a change of the clock, from a seed; one day without prices."""
    monkeypatch.setenv("ONETAPE_YAHOO_URL", site.url)
    days = pd.bdate_range("2024-03-04", "2024-03-15")
    opens = (days + pd.Timedelta(hours=9, minutes=30)).tz_localize("America/New_York").tz_convert("UTC")
    middle = 5000 + np.random.default_rng(7).normal(size=len(days)).cumsum()
    bars = pd.DataFrame({"s": opens.as_unit("s").astype("int64"), "open": middle, "high": middle + 2})
    bars["low"], bars["close"], bars["volume"] = middle - 2, middle + 1, 1e9
    bars.loc[3, ["open", "high", "low", "close", "volume"]] = np.nan
    site.pages["bars"] = chart(bars, "America/New_York")

    def answer(seen: Seen) -> bytes | None:
        asked, query = urlsplit(seen.path), parse_qs(urlsplit(seen.path).query)
        right = unquote(asked.path) == "/v8/finance/chart/^GSPC" and query["interval"] == ["1d"]
        page = site.pages["bars"]
        return page if right and isinstance(page, bytes) else None

    site.any_page = answer
    return site


def test_a_daily_bar_of_yahoo_is_known_when_its_date_ends_at_the_exchange(yahoo: Site) -> None:
    done = get("yahoo", "^GSPC", parse_time("2024-03-01"), parse_time("2024-03-16"), "D1")
    assert done.added.rows == 9 and done.added.dropped == {"bars without prices": 1}
    (rows,) = dataset("yahoo/^GSPC/bars-D1").read()
    there = pd.to_datetime(rows["open_ts"], utc=True).tz_convert("America/New_York")
    assert (there == there.normalize()).all() and list(there.strftime("%m-%d"))[:4] == [
        "03-04",
        "03-05",
        "03-06",
        "03-08",
    ]
    assert (pd.to_datetime(rows["ts"], utc=True).tz_convert("America/New_York").normalize() > there).all()
    assert (rows["ts"][:-1] <= rows["open_ts"][1:]).all() and set(np.diff(rows["open_ts"]) // HOUR) == {24, 48, 71}


def test_a_chart_cut_off_or_with_an_error_is_refused(yahoo: Site, waits: list[float]) -> None:
    page = yahoo.pages["bars"]
    assert isinstance(page, bytes)
    yahoo.pages["bars"] = page[:200]
    ask = ("yahoo", "^GSPC", parse_time("2024-03-01"), parse_time("2024-03-16"), "D1")
    with pytest.raises(DataError, match="is no chart or cut off"):
        get(*ask)
    yahoo.pages["bars"] = b'{"chart": {"result": null, "error": {"code": "Not Found", "description": "No data"}}}'
    with pytest.raises(DataError, match="Not Found: No data"):
        get(*ask)
    with pytest.raises(NotFound, match="yahoo has nothing of MSFTX"):
        get("yahoo", "MSFTX", *ask[2:])
    with pytest.raises(ConfigError, match="yahoo has no ticks: --tf M1"):
        get("yahoo", "^GSPC", *ask[2:4])


def test_a_bar_that_has_not_closed_is_none(yahoo: Site) -> None:
    now = wall_ns()
    bars = pd.DataFrame({"s": [now // DAY * 86_400 - 3 * 86_400, now // DAY * 86_400], "open": 1.0, "high": 1.0})
    bars["low"] = bars["close"] = bars["volume"] = 1.0
    yahoo.pages["bars"] = chart(bars, "UTC")
    assert get("yahoo", "^GSPC", now - 5 * DAY, None, "D1").added.rows == 1
    assert get("yahoo", "^GSPC", now - 5 * DAY, None, "D1").from_cache == 0, "what may still change is asked for again"


def test_hourly_bars_that_begin_at_half_past_are_refused(yahoo: Site) -> None:
    yahoo.any_page = lambda seen: chart(
        pd.DataFrame({"s": [1709562600], "open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 1.0}), "UTC"
    )
    with pytest.raises(DataError, match="2024-03-04 14:30:00 is not where a H1 bar begins"):
        get("yahoo", "AAPL", parse_time("2024-03-01"), parse_time("2024-03-16"), "H1")


@pytest.fixture
def cboe(site: Site, shared: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """VIX_History.csv as Cboe writes it, with the values of 1990 to 2018."""
    table = pd.read_parquet(shared / "data/macro/vix_daily_1990_2018.parquet")
    dates = pd.to_datetime(table.DATE).dt.strftime("%m/%d/%Y")
    lines = [
        f"{d},{r.OPEN:.6f},{r.HIGH:.6f},{r.LOW:.6f},{r.CLOSE:.6f}"
        for d, r in zip(dates, table.itertuples(), strict=True)
    ]
    site.pages["/VIX_History.csv"] = "\r\n".join(["DATE,OPEN,HIGH,LOW,CLOSE", *lines, ""]).encode()
    monkeypatch.setenv("ONETAPE_CBOE_URL", site.url)
    return site


def test_the_vix_ends_as_a_series_and_is_known_after_the_close(cboe: Site, shared: Path) -> None:
    done = get("cboe", "VIX", None)
    assert (done.added.dataset, done.added.rows) == ("series/cboe/VIX", 4 * 7304)
    table = pd.read_parquet(shared / "data/macro/vix_daily_1990_2018.parquet")
    close = load_series("cboe/VIX/close")
    np.testing.assert_array_equal(close.values, table.CLOSE)
    # 2008-10-24 closed at 79.13: nobody knew it at noon, nor at 16:59 in New York.
    out = parse_time("2008-10-24 17:00", "America/New_York")
    assert (close.at(out - 1), close.at(out)) == (table.CLOSE[table.DATE.astype(str) == "2008-10-23"].item(), 79.13)
    high = load_series("series/cboe/VIX/high")
    assert high.at(out) == 89.53


def test_the_vix_again_changes_nothing_and_a_restated_value_is_known_from_now_on(cboe: Site) -> None:
    get("cboe", "VIX", None)
    again = get("cboe", "VIX", None)
    assert again.added.files == again.from_cache == 0
    assert len(cboe.seen) == 2, "a file that grows is asked for again"
    page = cboe.pages["/VIX_History.csv"]
    assert isinstance(page, bytes)
    restated = re.sub(rb"(10/24/2008,.*,)79.130000", rb"\g<1>79.500000", page)
    cboe.pages["/VIX_History.csv"] = restated + b"01/02/2019,27,28,23,23.22\r\n"
    before = wall_ns()
    done = get("cboe", "VIX", None)
    assert (done.added.added, done.added.revised) == (4, 1)
    close, day = load_series("cboe/VIX/close"), parse_time("2008-10-24")
    assert close.about(day, before) == close.first_print(day) == 79.13
    assert close.about(day, wall_ns()) == 79.5
    assert close.at(before) == 23.22, "a late revision of an old day is not today's value"


def test_a_history_cut_off_in_a_line_is_refused(cboe: Site, waits: list[float]) -> None:
    page = cboe.pages["/VIX_History.csv"]
    assert isinstance(page, bytes)
    cboe.pages["/VIX_History.csv"] = page[:-20]
    with pytest.raises(DataError, match=r"VIX_History.csv is no index history or cut off"):
        get("cboe", "VIX", None)
    with pytest.raises(NotFound, match="cboe has no .*/VIY_History.csv"):
        get("cboe", "VIY", None)
    cboe.faults["/VIX_History.csv"] = [status(403)]
    with pytest.raises(Exception, match="403"):
        get("cboe", "VIX", None)
    with pytest.raises(ConfigError, match="cboe has no M1"):
        get("cboe", "VIX", None, None, "M1")


def test_an_index_of_one_column_has_a_close(cboe: Site) -> None:
    cboe.pages["/VVIX_History.csv"] = b"DATE,VVIX\n03/06/2006,71.73\n03/07/2006,70.44\n"
    get("cboe", "VVIX", None)
    assert load_series("cboe/VVIX").values.tolist() == [71.73, 70.44]
