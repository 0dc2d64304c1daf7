"""Larger frames on their forming bar: as if the hour closed now, computed apart; provisional, and nothing is fitted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import ConfigError, DataError
from engine.core.frames import FX_DAY, edges
from engine.features import Plan, atr, column, fact, forming, frame, of, on, rsi, session, sma
from engine.features.fused import principal
from engine.features.lookahead import leak
from engine.features.scaling import fit
from engine.features.sets import read_set
from engine.features.text import read_feature
from tests.features import market
from tests.features.market import batch, same

SPECS = {
    "rsi": on("H1", rsi(3), live=True), "mean": on("H1", sma(2), live=True), "reach": on("H4", atr(3), live=True),
    "top": on("D1", "high", live=True), "sold": on("H1", "volume", live=True),
    "since": on("H1", session("london").minutes, live=True),
}  # fmt: skip
FRAMES = ("H1", "H4", "D1")


def larger(rows: dict[str, np.ndarray], frame: str, whole: bool = True, day: str = FX_DAY) -> pandas.DataFrame:
    """The bars of a larger frame, made by pandas; `whole`: those that had closed when the last row was known."""
    bounds = edges(frame, day, int(rows["open_ts"][0]), int(rows["open_ts"][-1]))
    at = np.searchsorted(bounds, rows["open_ts"], "right") - 1
    table = pandas.DataFrame(rows)
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum", "spread": "last"}
    made = table.groupby(at).agg(how)
    made["open_ts"], made["end"] = bounds[made.index], bounds[made.index + 1]
    made["ts"] = made["end"]
    return made[made.end <= rows["ts"][-1]] if whole else made


def others(rows: dict[str, np.ndarray]) -> dict[str, pandas.DataFrame]:
    return {name: larger(rows, name) for name in FRAMES}


def plainly(name: str, rows: dict[str, np.ndarray], i: int) -> float:
    """The column at row i: the feature of all larger bars up to then, the last of them closed at once."""
    spec = replace(SPECS[name], frame="", live=False)
    until = market.rows(rows, 0, i + 1)
    bars = larger(until, SPECS[name].frame, whole=False)
    bars.loc[bars.index[-1], "ts"] = until["ts"][-1]
    if spec.feature is None:
        return bars[spec.output].iloc[-1]
    columns = {c: np.ascontiguousarray(bars[c]) for c in bars}
    return batch(Plan({"x": spec}), columns)["x"][-1]


@pytest.fixture
def gaps(ref) -> dict[str, np.ndarray]:
    """Three weeks of quarters of an hour with weekends, and now and then one that is missing."""
    weeks = market.weeks()
    there = np.arange(len(ref["close"])) * 2654435761 % 97 > 6
    return {name: values[there] for name, values in weeks.items()}


@pytest.mark.parametrize("name", SPECS)
def test_the_forming_bar_is_as_if_it_closed_with_the_row(name, gaps):
    found = frame(SPECS, pandas.DataFrame(gaps), others(gaps))[name].to_numpy()
    checked = [*range(60), *range(60, len(found), 23)]
    expected = np.array([plainly(name, gaps, i) for i in checked])
    np.testing.assert_array_equal(found[checked], expected)
    assert (~np.isnan(expected)).sum() > 80 and len(np.unique(expected)) > 8


def test_where_the_larger_bar_closes_with_the_row_it_is_the_closed_one(gaps):
    closed = {name: replace(spec, live=False) for name, spec in SPECS.items()}
    table, known = pandas.DataFrame(gaps), others(gaps)
    now, then = frame(SPECS, table, known), frame(closed, table, known)
    for name, spec in SPECS.items():
        whole = np.isin(gaps["ts"], known[spec.frame].ts) & then[name].notna().to_numpy()
        same({name: now[name].to_numpy()[whole]}, {name: then[name].to_numpy()[whole]})
        assert whole.sum() > 10 and (name == "since" or (now[name] != then[name])[~whole].mean() > 0.3)


def test_no_future_changes_a_forming_bar(gaps):
    def compute(columns):
        made = frame(SPECS, pandas.DataFrame(dict(columns)), others(dict(columns)))
        return {name: made[name].to_numpy() for name in made}

    assert leak(compute, market.rows(gaps, 0, 400), cuts=24) is None


@settings(max_examples=10)
@given(room=st.integers(2, 9))
def test_how_much_room_there_is_changes_nothing(room):
    rows = market.rows(market.weeks(), 0, 400)
    table, known = pandas.DataFrame(rows), others(rows)
    expected = frame(SPECS, table, known)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forming, "ROOM", room)
        pandas.testing.assert_frame_equal(frame(SPECS, table, known), expected)


def test_a_row_without_prices_adds_nothing_to_the_forming_bar(gaps):
    table, known = pandas.DataFrame(gaps), others(gaps)
    holed = table.copy()
    holed.loc[[101, 102, 300], ["open", "high", "low", "close", "volume", "spread"]] = np.nan
    out = frame({"top": SPECS["top"], "sold": SPECS["sold"]}, holed, known)
    day = holed.assign(day=np.searchsorted(known["D1"].end, holed.open_ts, "right"))
    expected = day.groupby("day").high.cummax().ffill()
    inside = ~np.isin(gaps["ts"], known["D1"].ts)
    np.testing.assert_array_equal(out.top[inside], expected[inside])
    assert out.sold.notna().all() or np.isnan(holed.close[out.sold.isna()]).all()


def test_columns_of_a_forming_bar_are_named_provisional_and_so_is_what_is_made_of_them(gaps):
    asked = {"slow": on("H1", rsi(3)), "now": on("H1", rsi(3), live=True), "gap": rsi(3) - on("H1", sma(2), live=True)}
    assert Plan(asked).provisional == ("now", "gap") and Plan({"x": rsi()}).provisional == ()
    assert len({Plan({"x": spec}).identity for spec in asked.values()}) == 3
    out = frame(asked, pandas.DataFrame(gaps), others(gaps))
    assert out.attrs == {"provisional": ("now", "gap")} and not frame({"x": rsi()}, pandas.DataFrame(gaps)).attrs
    past = np.arange(30.0)
    with pytest.raises(ConfigError, match="nothing is fitted to a bar that is still forming"):
        fit(past, source=asked["now"])
    with pytest.raises(ConfigError, match="nothing is fitted to a bar that is still forming"):
        principal(np.column_stack([past, past % 3]), rsi(), asked["gap"])


def test_forming_bars_are_written_in_texts_and_sets():
    spec = on("H1", rsi(14), live=True)
    assert read_feature(str(spec)) == spec and str(spec) == "on('H1', rsi(period=14), live=True)"
    made = read_set({"features": {"now": {"feature": "rsi(14)", "on": "H1", "live": True}, "then": "H1.rsi(14)"}})
    assert made == {"now": spec, "then": on("H1", rsi(14))}
    for text in ('on("H1", rsi(14), live=2)', 'on("H1", rsi(14), alive=True)', 'of("USDJPY", rsi(14), live=True)'):
        with pytest.raises(ConfigError, match="write o"):
            read_feature(text)
    with pytest.raises(ConfigError, match="live: must be true or false, of a larger frame"):
        read_set({"features": {"now": {"feature": "rsi(14)", "live": True}}})


def test_what_no_forming_bar_can_be_is_refused(gaps):
    table = pandas.DataFrame(gaps)
    with pytest.raises(ConfigError, match="of the row's own symbol; leave out live"):
        of("USDJPY", on("H1", rsi(), live=True))
    with pytest.raises(ConfigError, match="did you mean open"):
        on("H1", "open_ts", live=True)
    with pytest.raises(ConfigError, match="reads other tables itself; leave out live"):
        frame({"x": on("H1", rsi(close=fact("cboe/VIX/close")), live=True)}, table, others(gaps))
    with pytest.raises(ConfigError, match="bars of M15 are no larger than the rows"):
        frame({"x": on("M15", rsi(), live=True)}, table, {"M15": table})
    with pytest.raises(ConfigError, match=r"of other bars \(H1\): hand them in"):
        frame({"x": on("H1", rsi(), live=True)}, table)
    with pytest.raises(DataError, match="needs a column 'volume'"):
        frame({"x": on("H1", sma(close=column("volume")), live=True)}, table.drop(columns="volume"), others(gaps))
