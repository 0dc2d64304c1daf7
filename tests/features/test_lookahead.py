"""The look-ahead checker: what is known to leak is caught, what is known to be clean passes."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from engine.core.errors import ConfigError, DataError
from engine.features import feature, sma
from engine.features.lookahead import altered, check, cut_rows, events, leak
from tests.features.market import rows

signal = pytest.importorskip("scipy.signal")


def of_close(transform):
    return lambda columns: {"x": np.asarray(transform(columns["close"]), np.float64)}


def peaks(x):
    out = np.zeros(len(x))
    out[signal.find_peaks(x)[0]] = 1.0
    return out


def gaps(x):
    """Every seventh value is missing."""
    return pandas.Series(np.where(np.arange(len(x)) % 7 == 3, np.nan, x))


def a_filter(x):
    return signal.butter(2, 0.1, output="sos"), x


LEAKS = {
    "centred mean": lambda x: pandas.Series(x).rolling(21, center=True).mean(),
    "shift(-1)": lambda x: pandas.Series(x).shift(-1),
    "shift(-26)": lambda x: pandas.Series(x).shift(-26),
    "whole-sample zscore": lambda x: (x - x.mean()) / x.std(),
    "hilbert": lambda x: np.abs(signal.hilbert(x)),
    "savgol": lambda x: signal.savgol_filter(x, 11, 2),
    "filtfilt": lambda x: signal.sosfiltfilt(*a_filter(x)),
    "bfill": lambda x: gaps(x).bfill(),
    "interpolate": lambda x: gaps(x).interpolate(),
    "find_peaks": peaks,
    "best of the sample": lambda x: x / np.max(x),
    "detrended": signal.detrend,
}
CLEAN = {
    "ewm": lambda x: pandas.Series(x).ewm(span=20, adjust=False).mean(),
    "sosfilt": lambda x: signal.sosfilt(*a_filter(x)),
    "trailing mean": lambda x: pandas.Series(x).rolling(21).mean(),
    "ffill": lambda x: gaps(x).ffill(),
}


@pytest.mark.parametrize("name", LEAKS)
def test_a_known_leak_is_caught(name, ref):
    finding = leak(of_close(LEAKS[name]), rows(ref, 0, 1500))
    assert finding is not None
    assert finding.column == "x"
    assert finding.row < finding.cut
    assert finding.ts == ref["ts"][finding.row]


@pytest.mark.parametrize("name", CLEAN)
def test_what_looks_back_only_passes(name, ref):
    assert leak(of_close(CLEAN[name]), rows(ref, 0, 1500)) is None


@pytest.mark.parametrize("alteration", ["cut off", "replaced by NaN", "replaced by 1e9", "reversed"])
def test_each_way_to_change_the_future_finds_a_shift(alteration, ref):
    finding = leak(of_close(LEAKS["shift(-1)"]), ref, cuts=8, alterations=[alteration])
    assert finding is not None and finding.alteration == alteration


def test_only_cuts_near_an_event_find_a_rare_leak(ref):
    """A column that is told one bar early, twice in two thousand bars: even cuts alone pass it by."""

    def rare(columns):
        out = np.zeros(len(columns["close"]))
        for k in (703, 1501):
            if len(out) > k + 1 and columns["close"][k + 1] < 2.0:
                out[k] = 1.0
        return {"x": out}

    finding = leak(rare, ref)
    assert finding is not None and finding.row == 703


def test_the_first_bar_and_column_of_a_leak_are_named(ref):
    def two(columns):
        close = columns["close"]
        late = close.copy()
        late[1000:-1] = close[1001:]
        return {"fine": close.copy(), "late": late}

    finding = leak(two, ref, cuts=200)
    assert finding is not None
    assert finding.column == "late" and 1000 <= finding.row < 1030
    assert "late at 2024-03-" in str(finding) and "looks ahead" in str(finding) and "bar 10" in str(finding)


def test_stamps_of_the_future_may_not_be_read_either(ref):
    def gap_ahead(columns):
        return {"x": np.append(np.diff(columns["open_ts"]), 0).astype(float)}

    assert leak(gap_ahead, ref, alterations=["replaced by 1e9"]) is not None


@feature(gives="x", registry=None)
def leaky(lo, hi, close, x):
    for i in range(lo, hi):
        x[i] = close[min(i + 1, hi - 1)]


def test_a_feature_is_checked_by_name_with_parameters_or_as_it_is(ref):
    assert check("rsi", ref, cuts=8) is None
    assert check(sma(50), ref, cuts=8) is None
    finding = check(leaky, ref, cuts=8)
    assert finding is not None and finding.column == "leaky"
    with pytest.raises(ConfigError, match="unknown feature 'rsii': did you mean rsi"):
        check("rsii", ref)
    with pytest.raises(ConfigError, match="there is no column 'close'"):
        check("rsi", {"ts": ref["ts"]})
    with pytest.raises(DataError, match="too few"):
        check("rsi", rows(ref, 0, 50))


def test_what_refuses_some_futures_is_judged_by_the_others_and_never_by_none(ref):
    def refuses(columns):
        if np.isnan(columns["close"]).any():
            raise ValueError("array must not contain NaNs")
        return {"x": np.append(columns["close"][1:], 0.0)}

    assert leak(refuses, ref, cuts=4) is not None
    with pytest.raises(DataError, match="nothing could be judged"):
        leak(refuses, ref, cuts=4, alterations=["replaced by NaN"])


def test_half_of_the_cuts_lie_within_three_bars_of_an_event(ref):
    happened = np.array([700, 1200])
    cuts = cut_rows(2000, happened, 64)
    near = [c for c in cuts if min(abs(c - happened)) <= 3]
    assert len(near) >= 12 and len(cuts) - len(near) >= 30
    for event in happened:
        assert {event - 2, event - 1, event, event + 1, event + 2, event + 3} <= set(cuts)


def test_events_are_changes_of_state_or_the_largest_moves(ref):
    state = np.zeros(2000)
    state[500:510] = 1.0
    assert events({"x": state}).tolist() == [500, 510]
    jump = ref["close"].copy()
    jump[800:] += 5.0
    assert 800 in events({"x": jump})


def test_the_past_is_left_alone_whatever_happens_to_the_future(ref):
    for alteration in ("cut off", "replaced by NaN", "replaced by 1e9", "reversed"):
        other = altered(ref, 900, alteration)
        assert all((other[name][:900] == ref[name][:900]).all() for name in ref)
