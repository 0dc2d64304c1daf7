"""Relative volume: what TA-Lib says, by the clock as a slow table has it; and which part of volume bought."""

from __future__ import annotations

import numpy as np
import pandas
import pytest

from engine.features import Plan, flow, rvol, rvol_slot
from tests.features.market import batch, hard

WEEK = 7 * 86_400 * 10**9
MINUTE = 60 * 10**9


def test_rvol_has_the_catalogues_golden_value(ref):
    """REF[500] of the feature catalogue, computed with TA-Lib 0.8.2 RVOL(v, 20)."""
    assert batch(Plan({"x": rvol(20)}), ref)["x"][500] == pytest.approx(0.6581899775617054, rel=1e-12)


def test_no_volume_before_is_as_usual():
    bars = hard()
    found = batch(Plan({"x": rvol(5), "y": rvol_slot()}), bars)
    assert (bars["volume"] == 0).any() and np.isfinite(found["x"][6:]).all() and np.isfinite(found["y"][1:]).all()
    assert found["x"][10] == 1.0 and found["y"][10] == 1.0


def slow(bars: dict[str, np.ndarray], span: int, minutes: int) -> list[float]:
    """Every bar against a table of what its slot of the week had in earlier weeks."""
    past: dict[int, float] = {}
    found, held, started = [], [], None
    for i, (ts, volume) in enumerate(zip(bars["open_ts"].tolist(), bars["volume"].tolist(), strict=True)):
        now = (ts // WEEK, ts % WEEK // (minutes * MINUTE))
        if started is not None and now != started:
            slot, mean = started[1], sum(held) / len(held)
            past[slot] = past[slot] + 2 / (span + 1) * (mean - past[slot]) if slot in past else mean
            held = []
        started = now
        usual = past.get(now[1], bars["volume"][:i].mean() if i else np.nan)
        found.append(np.nan if not i else volume / usual if usual > 0 else 1.0)
        held.append(volume)
    return found


@pytest.mark.parametrize(("step", "minutes"), [(10, 15), (15, 15), (60, 15), (10, 1), (15, 1), (10, 13), (0.5, 1)])
def test_rvol_by_the_clock_is_what_a_slow_table_says(step, minutes, ref):
    """The reference's volumes on stamps of another step, over more than a week; half minutes come in pairs each day."""
    n = len(ref["close"])
    rows = np.arange(n)
    opened = ref["open_ts"][0] + (rows * step * MINUTE).astype(np.int64) + (rows // 100 * 86_400 * 10**9) * (step < 1)
    bars = {name: values[:n] for name, values in ref.items()} | {"open_ts": opened}
    found = batch(Plan({"x": rvol_slot(4, minutes)}), bars)["x"]
    np.testing.assert_allclose(found, slow(bars, 4, minutes), rtol=1e-9)
    assert opened[-1] - opened[0] > WEEK


SESSION = {"fx_day": ("America/New_York", "17h"), "london": ("Europe/London", "8h")}


@pytest.mark.parametrize("session", SESSION)
@pytest.mark.parametrize("rule", ["tick", "range"])
def test_the_flow_of_bars_is_that_of_pandas(eurusd, rule, session):
    t = pandas.DataFrame({name: eurusd[name] for name in ("high", "low", "close", "volume")})
    out = batch(Plan({"f": flow(rule, session)}), eurusd)
    side = np.sign(t.close.diff()).replace(0.0, np.nan).ffill().fillna(0.0)
    share = (side + 1) / 2 if rule == "tick" else ((t.close - t.low) / (t.high - t.low)).fillna(0.5)
    zone, opens = SESSION[session]
    local = pandas.to_datetime(eurusd["open_ts"], utc=True).tz_convert(zone).tz_localize(None)
    day = (local - pandas.Timedelta(opens)).floor("D")
    delta = (t.volume * (2 * share - 1))[1:]
    expected = {"up": t.volume * share, "down": t.volume * (1 - share), "delta": delta,
                "cumulative": delta.groupby(np.asarray(day)[1:]).cumsum()}  # fmt: skip
    for name, theirs in expected.items():
        assert np.isnan(out[f"f_{name}"][0]), name
        np.testing.assert_allclose(out[f"f_{name}"][1:], theirs[-len(delta) :], rtol=1e-9, atol=1e-7, err_msg=name)
        assert len(np.unique(out[f"f_{name}"])) > 1000
    assert len(set(day)) > 200


def test_before_the_close_has_moved_volume_goes_both_ways():
    n = 5
    bars = {**{k: v[:n].copy() for k, v in hard().items()}, "volume": np.full(n, 8.0)}
    out = batch(Plan({"f": flow(), "r": flow("range")}), bars)
    assert len(set(bars["close"])) == 1
    for name in ("f", "r"):
        assert out[f"{name}_up"][1:].tolist() == out[f"{name}_down"][1:].tolist() == [4.0] * 4
        assert out[f"{name}_cumulative"][1:].tolist() == [0.0] * 4
