"""The economic calendar as columns beside bars: against merge_asof, against the calendar as it was known, in a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.clock import parse_time
from engine.core.errors import ConfigError, NotFound
from engine.core.zones import SECOND
from engine.features import Plan, context, events, fact, frame, news, release_impact
from engine.features.text import read_feature
from engine.feeds.known import AHEAD, WEEK, Ahead, facts, released
from engine.feeds.lineage import Lineage
from engine.feeds.outside import Rows
from engine.feeds.releases import releases
from engine.feeds.series import import_series, load_series, store_rows

MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
LONG_AGO = parse_time("2010-01-01")


@pytest.fixture(scope="module")
def stored(shared: Path, tmp_path_factory: pytest.TempPathFactory):
    """Forex Factory as it was scraped, November 2019 to April 2020."""
    file = shared / "data/calendar/forexfactory_revisions_2019-11_2020-04.parquet"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONETAPE_DATA", str(tmp_path_factory.mktemp("data")))
        import_series("calendar", file, "ff/calendar", 0)
        yield


def release(rows: Rows, label: str, due: int, known: int, impact: float = 3.0, first: int | None = None) -> None:
    name = due if first is None else first
    rows.add(label, "schedule", name, known, known, due // SECOND)
    rows.add(label, "impact", name, known, known, impact)


def figure(rows: Rows, label: str, due: int, actual: float, forecast: float, out: int | None = None) -> None:
    rows.add(label, "forecast", due, due - DAY, due - DAY, forecast)
    rows.add(label, "actual", due, due, due if out is None else out, actual)


def told(rows: Rows, column: str, ts: np.ndarray, about=("EUR", "USD")) -> np.ndarray:
    return Ahead(rows, about)(column, ts)


def test_the_nearest_releases_are_those_of_merge_asof(shared: Path):
    """The dates of the real calendar, all known long before; EUR and USD, medium and high importance."""
    table = pandas.read_csv(shared / "data/calendar/forexfactory_final_2019-11_2020-04.csv")
    levels = {"Low": 1, "Medium": 2, "High": 3}
    table["level"] = table.impact.str.split(" ").str[0].map(levels).fillna(0)
    table["due"] = pandas.to_datetime(table.event_dt).dt.as_unit("ns").astype("int64")
    rows = Rows()
    for one in table.itertuples():
        release(rows, f"{one.currency} {one.event} {one.event_id}", one.due, LONG_AGO, one.level)
    mine = table[table.currency.isin(["EUR", "USD", "All"]) & (table.level >= 2)].sort_values("due")
    ts = np.arange(parse_time("2019-12-01"), parse_time("2020-03-20"), 5 * MINUTE)
    due = np.unique(mine.due.to_numpy())
    left = pandas.DataFrame({"ts": ts})
    right = pandas.DataFrame({"ts": due, "due": due})
    ahead = pandas.merge_asof(left, right, on="ts", direction="forward", allow_exact_matches=False).due
    behind = pandas.merge_asof(left, right, on="ts", direction="backward").due
    found = {name: told(rows, f"{name} 2", ts) for name in AHEAD}
    assert (found["minutes_to_next"] == np.minimum((ahead - ts) / MINUTE, WEEK).to_numpy()).all()
    assert (found["minutes_since_last"] == np.minimum((ts - behind) / MINUTE, WEEK).to_numpy()).all()
    level = mine.groupby("due")["level"].max()
    assert (found["importance"] == level.loc[ahead.astype("int64")].to_numpy()).all()
    every = np.sort(mine.due.to_numpy())
    count = np.searchsorted(every, ts + DAY, "right") - np.searchsorted(every, ts, "right")
    assert (found["count_24h"] == count).all() and len(set(count)) > 10


def test_what_is_ahead_is_what_the_calendar_said_then(stored):
    """Against the list of releases known at a moment, put-offs and late announcements included."""
    see = facts("ff/calendar", ("GBP", "JPY"))
    rng = np.random.default_rng(4)
    first, last = parse_time("2019-12-01"), parse_time("2020-04-01")
    for ts in np.sort(rng.integers(first, last, 40)):
        known = [
            one for one in releases("ff/calendar", int(ts), impact=1)
            if one.label[:3] in ("GBP", "JPY") or not (one.label[:3].isupper() and one.label[3] == " ")
        ]  # fmt: skip
        coming, past = [one for one in known if one.due > ts], [one.due for one in known if one.due <= ts]
        at = np.array([ts])
        nearest = min((one.due for one in coming), default=None)
        expected = WEEK if nearest is None else min((nearest - ts) / MINUTE, WEEK)
        assert see("minutes_to_next", at)[0] == pytest.approx(expected)
        assert see("minutes_since_last", at)[0] == pytest.approx(min((ts - max(past)) / MINUTE, WEEK))
        assert see("count_24h", at)[0] == sum(one.due <= ts + DAY for one in coming)
        assert see("importance", at)[0] == max((one.impact for one in coming if one.due == nearest), default=0)


def test_a_release_put_off_moves_when_that_is_known_and_an_unknown_one_is_not_there():
    rows, due = Rows(), parse_time("2020-01-10 13:30")
    release(rows, "USD CPI", due, due - 5 * DAY)
    release(rows, "USD CPI", due + DAY, due - HOUR, first=due)
    release(rows, "EUR Surprise", due - 2 * HOUR, due - 2 * HOUR - 10 * MINUTE, 1.0)
    ts = due - np.array([6 * DAY, 4 * DAY, 3 * HOUR, HOUR + 1, HOUR, -DAY + 1, -DAY])
    minutes = [WEEK, 4 * 1440, 180, 60 + 1 / MINUTE, 25 * 60, 1 / MINUTE, WEEK]
    assert told(rows, "minutes_to_next 3", ts) == pytest.approx(minutes)
    assert told(rows, "minutes_since_last", ts)[[2, 4, 6]] == pytest.approx([WEEK, 60, 0])
    assert told(rows, "importance", ts).tolist() == [0, 3, 3, 3, 3, 3, 0]
    assert told(rows, "importance", np.array([due - 2 * HOUR - MINUTE])).tolist() == [1]


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 60), st.integers(1, 3)), max_size=12), st.integers(0, 60))
def test_what_becomes_known_later_changes_nothing_before(drawn, cut):
    """Releases (known after, due after, importance) in hours; the calendar as it stood at `cut` says the same."""
    whole, part = Rows(), Rows()
    for n, (known, due, level) in enumerate(drawn):
        at = LONG_AGO + known * HOUR
        for rows in (whole, part) if known <= cut else (whole,):
            release(rows, f"USD {n}", LONG_AGO + due * HOUR, at, float(level))
    ts = LONG_AGO + np.arange(0, cut * HOUR + 1, HOUR // 2)
    for column in AHEAD:
        assert told(whole, column, ts).tolist() == told(part, column, ts).tolist()


def test_the_window_opens_before_and_closes_after():
    rows, due = Rows(), parse_time("2020-01-10 13:30")
    release(rows, "USD CPI", due, due - DAY)
    ends = due + np.arange(-20, 40) * MINUTE
    columns = ({name: told(rows, name, ends) for name in AHEAD}).values()
    plan = Plan({"n": events("open", "high", "low", "close")})
    out: dict[str, np.ndarray] = {}
    bars = dict(zip(("open", "high", "low", "close"), columns, strict=True))
    plan.bind(bars, lambda name: out.setdefault(name, np.empty(60))).extend(0, 60)
    inside = np.flatnonzero(out["n_in_window"])
    assert (inside[0] - 20, inside[-1] - 20) == (-15, 30) and len(inside) == 46


# ---------------------------------------------------------------- figures


def test_a_figure_counts_from_when_it_was_out_and_its_first_print_stays():
    rows, due = Rows(), parse_time("2020-01-10 13:30")
    figure(rows, "USD CPI", due, 2.0, 1.5, out=due + 2 * MINUTE)
    rows.add("USD CPI", "actual", due, due + DAY, due + DAY, 2.4, "")
    figure(rows, "USD CPI", due + 30 * DAY, 1.0, 1.2)
    rows.add("USD CPI", "forecast", due + 30 * DAY, due + 31 * DAY, due + 31 * DAY, 9.9, "")
    known, columns = released(*(series_of(rows, name) for name in ("actual", "forecast")))
    assert known.tolist() == [due + 2 * MINUTE, due + 30 * DAY]
    assert columns["actual"].tolist() == [2.0, 1.0] and columns["forecast"].tolist() == [1.5, 1.2]
    assert columns["release"].tolist() == [due / MINUTE, (due + 30 * DAY) / MINUTE]


def series_of(rows: Rows, field: str):
    from engine.core.series import Series

    picked = [k for k, name in enumerate(rows.field) if name == field]
    event, published, received, value = ([column[k] for k in picked] for column in rows.columns()[2:6])
    return Series.of(field, event, published, value, received)


def test_the_impact_of_real_claims_is_what_pandas_makes_of_their_surprises(stored):
    """Weekly figures, of which the first eight say nothing; dollars are quoted in EURUSD, so more of them is less."""
    label = "ff/calendar/USD Unemployment Claims"
    actual, forecast = load_series(f"{label}/actual"), load_series(f"{label}/forecast")
    known, columns = released(actual, forecast)
    surprises = pandas.Series(columns["actual"] - columns["forecast"])
    usual = surprises.rolling(20, min_periods=8).std(ddof=1).shift()
    z = (surprises / usual).fillna(0.0)
    assert len(z) >= 15 and (z[:8] == 0).all() and (z[8:] != 0).any()
    ends = np.arange(known[0] // HOUR * HOUR - DAY, known[-1] + DAY, HOUR)
    bars = pandas.DataFrame(dict.fromkeys(("open", "high", "low", "close"), 1.0), index=range(len(ends)))
    bars = bars.assign(open_ts=ends - HOUR, ts=ends, end=ends)
    given = {f"series/{label}": facts(label, ("EUR", "USD"))}
    out = frame({"x": release_impact(label, importance=-2.0, half_life=60.0)}, bars, given)
    at = np.searchsorted(known, ends, "right") - 1
    assert out["x_impact"][at < 0].isna().all()
    there = at >= 0
    assert out["x_surprise"][there].to_numpy() == pytest.approx(-z.to_numpy()[at[there]])
    ages = ends[there] / MINUTE - columns["release"][at[there]]
    expected = 2 / 3 * z.to_numpy()[at[there]] * 0.5 ** (ages / 60)
    assert out["x_impact"][there].to_numpy() == pytest.approx(expected)
    assert (out["x_abs_impact"][there] == out["x_impact"][there].abs()).all()
    assert facts(label, ("USD", "JPY"))("actual", ends[-1:])[0] == columns["actual"][-1]
    assert facts(label, ("EUR", "GBP"))("actual", ends[-1:])[0] == 0.0


def test_releases_stand_in_the_context_of_a_bar(stored, shared: Path):
    """Minutes of EURUSD of December 2019 (HistData, New York wall time), made to quarters of an hour."""
    table = pandas.read_parquet(shared / "data/fx_m1/eurusd_histdata_m1_2019Q4.parquet")
    table = table[table.ts >= "2019-12"].set_index("ts").tz_localize("America/New_York").tz_convert("UTC")
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    bars = table.resample("15min").agg(how).dropna().assign(spread=1e-5)
    near = news("ff/calendar", least=3).in_window
    told = {"series/ff/calendar": facts("ff/calendar", ("EUR", "USD"))}
    out = frame({"c": context(release=near), "bare": context(), "near": near}, bars, told)
    there = out["c_event"].notna()
    assert there.sum() > 1_000 and 0.02 < out["c_event"][there].mean() < 0.3
    assert (out["c_event"] == out["near"])[there].all() and (out["bare_event"][there] == 0.0).all()
    pandas.testing.assert_series_equal(out["c_stage"], out["bare_stage"], check_names=False)


def test_names_that_are_none_are_refused_with_the_nearest(stored):
    ts = np.array([parse_time("2020-01-01")])
    with pytest.raises(ConfigError, match="did you mean minutes_to_next"):
        facts("ff/calendar")("minutes_to_nxt", ts)
    with pytest.raises(ConfigError, match="did you mean forecast"):
        facts("ff/calendar/USD Unemployment Claims")("forcast", ts)
    with pytest.raises(NotFound, match="did you mean ff/calendar"):
        facts("ff/calender")
    with pytest.raises(ConfigError, match="write SOURCE/NAME"):
        fact("calendar")
    with pytest.raises(ConfigError, match="hand it in"):
        frame({"n": news("ff/calendar")}, pandas.DataFrame({k: [1.0] for k in ("open", "high", "low", "close")}
              | {"ts": [0]}))  # fmt: skip


def test_series_are_written_as_texts_too():
    assert read_feature('news("ff/calendar", 3).minutes_to_next') == news("ff/calendar", 3).minutes_to_next
    assert read_feature('fact("cboe/VIX/close") / 100') == fact("cboe/VIX/close") / 100
    assert str(fact("cboe/VIX", "age")) == "fact('cboe/VIX', 'age')"
    text = 'release_impact("ff/calendar/USD CPI m/m", importance=-2)'
    assert read_feature(text) == release_impact("ff/calendar/USD CPI m/m", importance=-2.0)
    for text, why in (("fact(5)", "name a series"), ("news()", "name a series"), ('fact("x/y", z=1)', "does not take")):
        with pytest.raises(ConfigError, match=why):
            read_feature(text)


def test_a_plain_series_tells_its_value_and_how_old_that_is(tmp_path, monkeypatch):
    monkeypatch.setenv("ONETAPE_DATA", str(tmp_path))
    rows, day = Rows(), parse_time("2020-01-10")
    rows.add("", "close", day, day + DAY, 0, 14.5)
    store_rows(rows, Lineage(source="cboe", symbol="VIX"), 0)
    see, ts = facts("cboe/VIX"), day + np.array([0, DAY - 1, DAY, DAY + 90 * MINUTE])
    np.testing.assert_array_equal(see("value", ts), [np.nan, np.nan, 14.5, 14.5])
    np.testing.assert_array_equal(see("age", ts), [np.nan, np.nan, 0.0, 90.0])
