"""Series from files: what was known when, of real calendars, indices and funding."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cli
from engine.core.clock import parse_time
from engine.core.errors import ConfigError, DataError, NotFound, OutputError
from engine.core.series import Series
from engine.core.zones import DAY
from engine.feeds.data import show_dataset
from engine.feeds.lineage import Lineage
from engine.feeds.outside import Rows, calendar, funding, index, number
from engine.feeds.releases import releases
from engine.feeds.series import import_series, load_series, path_of, read_rows, store_rows
from engine.feeds.store_index import list_datasets
from engine.ops import console

NOW = parse_time("2024-01-01")
CALENDAR = "data/calendar/forexfactory_revisions_2019-11_2020-04.parquet"
PAYROLLS = "ff/calendar/USD Non-Farm Employment Change"


@pytest.fixture(scope="module")
def scraped(shared: Path) -> Rows:
    return calendar(shared / CALENDAR)


@pytest.fixture
def stored(scraped: Rows) -> Rows:
    """The calendar in this test's catalogue."""
    store_rows(scraped, Lineage(source="ff", symbol="calendar"), NOW)
    return scraped


@pytest.mark.parametrize(("text", "value"), [
    ("266K", 266_000.0), ("-1.3%", -1.3), ("1.4M", 1.4e6), ("-44.8B", -44.8e9), ("2.1T", 2.1e12), ("70", 70.0),
    ("-.5", -0.5), ("1,234", 1234.0), ("0.14|1.2", 0.14), ("-0.25|1.2", -0.25),
    ("", np.nan), ("Pass", np.nan), ("9-0-0", np.nan), ("<0.25%", np.nan), ("1.2.3", np.nan), ("K", np.nan),
])  # fmt: skip
def test_a_figure_is_read_as_calendars_write_it(text: str, value: float) -> None:
    assert number(text) == value or (np.isnan(value) and np.isnan(number(text)))


@given(st.integers(-10_000, 10_000), st.sampled_from(["", "%", "K", "M", "B", "T"]))
@settings(max_examples=50)
def test_a_figure_written_is_the_figure_read(tenths: int, unit: str) -> None:
    scale = {"": 1.0, "%": 1.0, "K": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}[unit]
    assert number(f"{tenths / 10:.1f}{unit}") == pytest.approx(tenths / 10 * scale, rel=1e-12)


def test_the_payrolls_first_print_holds_until_its_revision_is_known(stored: Rows) -> None:
    """266K of 6 December, 13:30 UTC; the next release, seen on 11 January, shows a previous of 256K."""
    actual, release = load_series(f"{PAYROLLS}/actual"), parse_time("2019-12-06 13:30")
    seen, revised = parse_time("2019-12-07 00:10:12"), parse_time("2020-01-11 00:03:52")
    assert np.isnan(actual.about(release, seen - 1)) and actual.about(release, seen) == 266_000
    assert actual.about(release, revised - 1) == 266_000 and actual.about(release, revised) == 256_000
    assert actual.first_print(release) == 266_000
    assert [actual.at(t) for t in (seen, revised - 1, revised)] == [266_000, 266_000, 145_000]
    chain = {"2019-12-06 13:30": 256e3, "2020-01-10 13:30": 147e3, "2020-02-07 13:30": 273e3, "2020-03-06 13:30": 275e3}
    assert {when: actual.about(parse_time(when), NOW) for when in chain} == chain
    assert actual.published[0] == release and actual.received[0] == seen


def test_a_forecast_is_the_one_of_that_day(stored: Rows) -> None:
    forecast, release = load_series(f"{PAYROLLS}/forecast"), parse_time("2019-12-06 13:30")
    days = ("2019-11-30", "2019-12-02", "2019-12-05", "2019-12-06 13:30")
    found = [forecast.about(release, parse_time(day)) for day in days]
    assert np.isnan(found[0]) and found[1:] == [189e3, 186e3, 181e3]


def test_no_actual_is_visible_before_its_release_and_its_scrape(shared: Path, scraped: Rows) -> None:
    """The first row of every actual, against the moments in the file; a release keeps the name it got first."""
    table = pd.read_parquet(shared / CALENDAR)
    table["label"] = (table.currency + " " + table.event).groupby(table.event_id).transform("first")
    table["name"] = table.groupby("event_id").event_dt.transform("first")
    for column in ("scraped_at", "event_dt", "name"):
        table[column] = table[column].dt.as_unit("ns").astype("int64")
    shown = table[table.actual != ""].groupby("event_id").first()
    shown["seen"] = shown[["scraped_at", "event_dt"]].max(axis=1)
    expected = shown.groupby(["label", "name"]).seen.min()
    rows = pd.DataFrame({"label": scraped.label, "field": scraped.field, "name": scraped.event, "at": scraped.received})
    known = rows[rows.field == "actual"].groupby(["label", "name"])["at"].min()
    assert len(shown) == 1693 and known.to_dict() == expected.to_dict()


@given(st.datetimes(pd.Timestamp("2019-11-20").to_pydatetime(), pd.Timestamp("2020-05-02").to_pydatetime()))
@settings(max_examples=12)
def test_a_calendar_cut_off_anywhere_says_the_same_of_what_was_before(shared: Path, scraped: Rows, at: object) -> None:
    table = pd.read_parquet(shared / CALENDAR)
    moment = pd.Timestamp(at, tz="UTC")
    cut = table[table.scraped_at <= moment]
    if not len(cut):
        return
    with tempfile.TemporaryDirectory() as folder:
        cut.to_parquet(Path(folder) / "cut.parquet")
        before = calendar(Path(folder) / "cut.parquet")
    n = len(before)
    assert all(
        np.array_equal(np.array(a), np.array(b[:n]), equal_nan=isinstance(a[0], float))
        for a, b in zip(before.columns(), scraped.columns(), strict=True)
    )
    assert n == sum(seen <= moment.as_unit("ns").value for seen in scraped.received)


def test_a_release_that_is_put_off_keeps_its_name_and_changes_its_schedule(shared: Path, stored: Rows) -> None:
    table = pd.read_parquet(shared / CALENDAR)
    one = table[table.event_id == "115727"]
    name = one.event_dt.iloc[0].as_unit("ns").value
    schedule = load_series(f"ff/calendar/{one.currency.iloc[0]} {one.event.iloc[0]}/schedule")
    assert len(one) > 10 and one.event_dt.nunique() > 10
    for row in one.itertuples():
        seen = row.scraped_at.as_unit("ns").value
        assert schedule.about(name, seen) * 1e9 == row.event_dt.as_unit("ns").value
        assert schedule.about(name, seen - 1) * 1e9 != row.event_dt.as_unit("ns").value
    moved = table.groupby("event_id").event_dt.nunique().gt(1).sum()
    names = pd.DataFrame({"label": stored.label, "field": stored.field, "event": stored.event})
    names = names[names.field == "schedule"].groupby(["label", "event"]).size()
    assert moved == 312 and abs((names > 1).sum() - moved) <= 4, "two ids of one label and time count as one release"


def test_an_actual_seen_before_its_release_was_due_counts_from_the_release(tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_text(
        "scraped_at,event_id,event_dt,currency,impact,event,actual,forecast,previous\n"
        "2020-01-01T00:00:00Z,1,2020-01-02T00:00:00Z,USD,High Impact Expected,CPI m/m,0.3%,0.2%,0.1%\n"
    )
    import_series("calendar", file, "x/c", NOW)
    actual = load_series("x/c/USD CPI m/m/actual")
    due = parse_time("2020-01-02")
    assert np.isnan(actual.at(due - 1)) and actual.at(due) == 0.3
    assert load_series("x/c/USD CPI m/m/impact").values.tolist() == [3.0]
    assert load_series("x/c/USD CPI m/m/forecast").at(parse_time("2020-01-01")) == 0.2


def test_the_final_calendar_reads_too_and_knows_its_rows_when_they_were_scraped(shared: Path) -> None:
    report = import_series("calendar", shared / "data/calendar/forexfactory_final_2019-11_2020-04.csv", "ff/final", NOW)
    actual = load_series("ff/final/USD Non-Farm Employment Change/actual")
    assert report.added == report.rows > 7000
    assert (actual.known >= actual.published).all() and (actual.values[0], len(actual)) == (266_000, 5)


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 30), st.integers(0, 30), st.integers(-9, 9)),
        max_size=25,
        min_size=1,
    )
)
@settings(max_examples=60)
def test_as_of_a_stored_series_equals_merge_asof_over_a_slow_oracle(rows: list[tuple[int, int, int, int]]) -> None:
    """event, published, received (published + delay, 0 for none) and value, in any order."""
    made = Rows()
    for event, published, delay, value in rows:
        made.add("", "x", event, published + 1, published + 1 + delay if delay > 9 else 0, value)
    with tempfile.TemporaryDirectory() as folder:
        store_rows(made, Lineage(source="a", symbol="b"), NOW, Path(folder))
        series = load_series("a/b", Path(folder))
    table = pd.DataFrame(
        {"event": series.event, "known": series.known, "value": series.values, "row": range(len(series))}
    )
    best = [
        table[: row + 1].sort_values(["event", "row"]).iloc[-1]["value"] for row in range(len(table))
    ]  # fmt: skip
    asked = pd.DataFrame({"ts": np.arange(-1, 75)})
    oracle = pd.merge_asof(asked, table.assign(best=best)[["known", "best"]], left_on="ts", right_on="known").best
    np.testing.assert_array_equal(series.as_of(asked.ts.to_numpy()), oracle.to_numpy())
    unique = {(e, p + 1, p + 1 + d if d > 9 else 0, v) for e, p, d, v in rows}
    kept = set(
        zip(
            series.event.tolist(),
            series.published.tolist(),
            series.received.tolist(),
            series.values.tolist(),
            strict=True,
        )
    )
    assert kept <= unique and {(e, v) for e, _, _, v in kept} == {(e, v) for e, _, _, v in unique}


def test_the_vix_of_a_day_is_known_from_five_in_the_afternoon_in_new_york(shared: Path) -> None:
    import_series("index", shared / "data/macro/vix_daily_1990_2018.parquet", "cboe/VIX", NOW)
    table = pd.read_parquet(shared / "data/macro/vix_daily_1990_2018.parquet")
    close = load_series("cboe/VIX/close")
    assert len(close) == 7304 and (close.values == table.CLOSE).all()
    out = pd.to_datetime(table.DATE).dt.tz_localize("America/New_York") + pd.Timedelta(hours=17)
    np.testing.assert_array_equal(close.published, out.dt.tz_convert("UTC").dt.as_unit("ns").astype("int64"))
    np.testing.assert_array_equal(close.as_of(close.published - 1)[1:], table.CLOSE[:-1])


def test_other_indices_read_with_their_dates_and_thousands(shared: Path) -> None:
    rows = index(shared / "data/macro/gpr_daily_1985_2018.parquet")
    values = dict(zip(zip(rows.field, rows.event, strict=True), rows.value, strict=True))
    assert max(v for (field, _), v in values.items() if field == "gprd") == pytest.approx(1045.6)
    fear = index(shared / "data/macro/cnn_fear_greed_2011_2021.csv")
    assert set(fear.field) == {"fear greed"} and len(fear) == 2747


def test_funding_of_freqtrade_and_lean_is_known_from_its_stamp(shared: Path) -> None:
    crypto = shared / "data/crypto"
    late = funding(crypto / "freqtrade/futures__XRP_USDT_USDT-8h-funding_rate.feather")
    assert len(late) == 91 and late.published[0] - late.event[0] == 17_000_000
    assert {event % (8 * DAY // 24) for event in late.event} == {0}
    lean = funding(crypto / "lean/cryptofuture__binance__margin_interest__btcusd.csv")
    assert len(lean) == 12 and lean.value[4] == 0.00093629
    assert lean.event[0] == lean.published[0] == parse_time("2020-12-29")


def test_the_same_file_again_changes_nothing_and_a_damaged_one_is_named(shared: Path, own_folders: Path) -> None:
    file = shared / "data/crypto/lean/cryptofuture__bybit__margin_interest__btcusdt.csv"
    assert import_series("funding", file, "lean/BTCUSDT-funding", NOW).added == 3
    path = path_of("lean/BTCUSDT-funding")
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    assert import_series("funding", file, "lean/BTCUSDT-funding", NOW + 1).files == 0
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [p.name for p in path.parent.iterdir()] == ["BTCUSDT-funding.parquet"]
    for place in range(4, len(before[0]) - 8, 97):
        raw = bytearray(before[0])
        raw[place] ^= 4
        path.write_bytes(raw)
        try:
            value = read_rows(path).value
        except DataError as wrong:
            assert "damaged" in str(wrong) or "not a file of a catalogue" in str(wrong)
        else:
            assert value == [-0.0002016, -0.00022398, -0.00038555]


def test_lists_and_shows_have_series_beside_the_market_data(stored: Rows) -> None:
    line = next(one for one in list_datasets() if one["name"] == "series/ff/calendar")
    assert line["rows"] == len(stored) and line["files"] == 1
    shown = show_dataset("series/ff/calendar", 2)
    assert len(shown["head"]) == 2 and shown["lineage"]["source"] == "ff" and shown["labels"] > 300
    with pytest.raises(NotFound, match="did you mean ff/calendar"):
        show_dataset("series/ff/calender")


@pytest.mark.parametrize(("name", "says"), [
    ("ff/calender", "did you mean ff/calendar"), ("ff/calendar/USD Non-Farm Employment Chang/actual", "did you mean"),
    ("ff/calendar/USD Non-Farm Employment Change", "which of schedule, impact, forecast, actual"),
    ("ff", "known: ff/calendar"),
])  # fmt: skip
def test_a_series_that_is_not_there_is_answered_with_the_nearest(stored: Rows, name: str, says: str) -> None:
    with pytest.raises((NotFound, ConfigError), match=says):
        load_series(name)


@pytest.mark.parametrize(("kind", "content", "says"), [
    ("calendar", "a,b\n1,2\n", "is no calendar: it lacks scraped_at"), ("calender", "", "did you mean calendar"),
    ("index", "date,word\n2020-01-01,x\n", "holds numbers"),
    ("funding", "when,what,x\n1,2,3\n", "holds no funding: no column for the time"), ("index", "", "is empty"),
    ("index", "date,v\n2020-01-01,1\n2020-01-02,2\n2020-01-03,3\n2020-01-04,x\n", "row 4 of 'v' is 'x'"),
    ("index", "date,v\n2020-13-01,1\n", "row 1: time '2020-13-01' cannot be read"),
])  # fmt: skip
def test_a_file_that_is_no_series_is_one_message(tmp_path: Path, kind: str, content: str, says: str) -> None:
    file = tmp_path / "x.csv"
    file.write_text(content)
    with pytest.raises((DataError, ConfigError), match=says):
        import_series(kind, file, "a/b", NOW)
    with pytest.raises(ConfigError, match="write SOURCE/NAME"):
        import_series("index", file, "ab", NOW)


def test_the_verbs_bring_a_series_in_and_list_it(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def told(*args: str) -> str:
        assert console.run(cli.app, ["data", *args]) == 0
        return capsys.readouterr().out

    file = shared / "data/crypto/lean/cryptofuture__bybit__margin_interest__btcusd.csv"
    done = told("import", str(file), "--series", "lean/BTCUSD-funding", "--kind", "funding", "--json")
    assert json.loads(done)[0]["dataset"] == "series/lean/BTCUSD-funding"
    listed = {one["name"]: one["rows"] for one in json.loads(told("list", "--json"))}
    assert listed["series/lean/BTCUSD-funding"] == 3
    assert "rate" in told("show", "series/lean/BTCUSD-funding")


def test_a_series_of_a_stored_file_is_the_series_of_core(stored: Rows) -> None:
    assert isinstance(load_series("series/ff/calendar/USD Core CPI m/m/actual"), Series)


def test_what_is_ahead_is_what_was_announced_by_then(stored: Rows) -> None:
    """On the eve of the payrolls: 13:30, forecast 181K, nothing out. A day later the figure is there."""
    eve, morrow = parse_time("2019-12-06 08:00"), parse_time("2019-12-07 08:00")
    day = (parse_time("2019-12-06"), parse_time("2019-12-07"))
    known = {one.label: one for one in releases("ff/calendar", eve, *day, impact=3)}
    payrolls = known["USD Non-Farm Employment Change"]
    assert payrolls.due == parse_time("2019-12-06 13:30") and payrolls.forecast == 181_000
    assert np.isnan(payrolls.actual) and all(one.impact == 3 for one in known.values())
    after = {one.label: one for one in releases("ff/calendar", morrow, *day)}
    assert after["USD Non-Farm Employment Change"].actual == 266_000 and len(after) > len(known)


def test_a_release_put_off_is_ahead_only_where_it_was_put_to(shared: Path, stored: Rows) -> None:
    table = pd.read_parquet(shared / CALENDAR)
    one = table[table.event_id == "115727"]
    label = f"{one.currency.iloc[0]} {one.event.iloc[0]}"
    first = one.event_dt.iloc[0].as_unit("ns").value
    for row in one.itertuples():
        seen, due = row.scraped_at.as_unit("ns").value, row.event_dt.as_unit("ns").value
        ahead = [r.due for r in releases("ff/calendar", seen, first, first + 30 * DAY) if r.label == label]
        assert ahead == [due]


def test_a_series_that_cannot_be_written_leaves_nothing_half_made(own_folders: Path) -> None:
    made = Rows()
    made.add("", "x", 1, 2, 0, 3.0)
    path = path_of("a/b")
    path.mkdir(parents=True)
    (path / "in the way").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        store_rows(made, Lineage(source="a", symbol="b"), NOW)
    assert [p.name for p in path.parent.iterdir()] == ["b.parquet"]
    (path.parent / ".c.parquet.4711").write_bytes(b"left behind by a killed process")
    assert store_rows(made, Lineage(source="a", symbol="c"), NOW).added == 1
    assert sorted(p.name for p in path.parent.iterdir()) == ["b.parquet", "c.parquet"]
