"""Features of a DataFrame: the same bits as a run's table, with the names a row shows."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from engine.core.errors import ConfigError, DataError
from engine.features import Plan, atr, feature, frame, macd, moments, on, rsi, sma
from engine.features.batch import bars_frame
from engine.feeds.synthetic import sample
from engine.feeds.tapes import open_tape
from tests.features.market import Tape, same

SPECS = {"fast": sma(20), "m": macd(), "width": atr(14), "s": moments(50)}


@pytest.fixture
def bars(ref) -> pandas.DataFrame:
    index = pandas.DatetimeIndex(ref["open_ts"].view("datetime64[ns]"))
    return pandas.DataFrame({n: ref[n] for n in ("open", "high", "low", "close", "volume")}, index=index)


def test_a_frame_has_the_bits_of_the_live_path_and_the_index_of_its_data(bars, ref):
    made = frame(SPECS, bars)
    assert list(made.columns) == ["fast", "m", "m_signal", "m_histogram", "width", "s_mean", "s_deviation"]
    assert made.index.equals(bars.index)
    same({n: made[n].to_numpy() for n in made}, Tape(Plan(SPECS)).add(ref))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_stamps_may_have_any_unit_or_zone_or_be_a_column(bars, unit):
    expected = frame(SPECS, bars)
    zoned = bars.set_index(bars.index.as_unit(unit).tz_localize("UTC").tz_convert("America/New_York"))
    plain = bars.assign(ts=bars.index.as_unit("ns").view(np.int64)).reset_index(drop=True)
    for other in (bars.set_index(bars.index.as_unit(unit)), zoned, plain):
        same({n: frame(SPECS, other)[n].to_numpy() for n in expected}, {n: expected[n].to_numpy() for n in expected})


@feature(gives="x", registry=None)
def costly(lo, hi, spread, x):
    for i in range(lo, hi):
        x[i] = spread[i]


def test_what_the_data_lack_is_said(bars):
    with pytest.raises(DataError, match="needs a column 'spread'"):
        frame({"x": costly()}, bars)
    with pytest.raises(DataError, match="need stamps"):
        frame(SPECS, bars.reset_index(drop=True))
    with pytest.raises(DataError, match="not in the order of time"):
        frame(SPECS, bars[::-1])
    with pytest.raises(ConfigError, match=r"of other bars \(H1\): hand them in"):
        frame({"x": on("H1", rsi())}, bars)


def test_a_tape_of_bars_gives_the_same_as_its_table(bars):
    tape = open_tape("demo", ("EURUSD",), "H1")
    made, table = frame(SPECS, tape), bars_frame(tape)
    assert len(made) == len(tape) and list(table.columns) == ["open", "high", "low", "close", "volume", "spread"]
    assert made.index[0] == pandas.Timestamp("2017-01-01 22:00", tz="UTC")
    same({n: made[n].to_numpy() for n in made}, {n: frame(SPECS, table)[n].to_numpy() for n in made})


def test_what_is_no_bars_of_one_symbol_is_refused():
    with pytest.raises(DataError, match="this tape holds quotes of EURUSD"):
        frame(SPECS, sample(["EURUSD"], 1_000, seed=1))
    with pytest.raises(DataError, match="not a list"):
        frame(SPECS, [1.0, 2.0])


def test_no_rows_give_no_rows(bars):
    assert len(frame(SPECS, bars[:0])) == 0
