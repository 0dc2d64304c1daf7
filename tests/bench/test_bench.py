"""The benchmark tool is fair: all sides do the same work, and what did not run is said. No test looks at a time."""

from __future__ import annotations

import numpy as np
import pytest
from benches import BENCHES, Case, M, Side
from envs import CannotHave, Peer, python_for
from race import race
from run import ratios, verdicts
from tapes import SPECS, bars, quotes


@pytest.fixture(scope="module", params=["tiny", "tiny3", "tinybars"])
def sides(request):
    """One round of both lanes and the hand-written loop, each in its own process, on a short tape."""
    lanes = tuple(Side(lane, "ours.py", {"lane": lane}) for lane in ("python", "compiled"))
    return race(Case("short", request.param, (*lanes, Side("limit", "limit.py")), M), rounds=1, share=1)


def test_both_lanes_and_the_hand_written_loop_make_the_same_fills_and_the_same_money(sides):
    assert sides["limit"]["fills"] >= 40, "a race without fills measures nothing"
    for lane in ("python", "compiled"):
        for figure, room in (("fills", 0), ("profit", 0.005), ("drawdown", 0.015)):
            assert abs(sides[lane][figure] - sides["limit"][figure]) <= room, (lane, figure, sides)


def test_a_side_that_cannot_be_had_is_reported_with_its_reason_and_the_others_still_run():
    broken = Side("broken", "limit.py", {"tape": "no such tape"})
    found = race(Case("short", "tiny", (broken, Side("limit", "limit.py"))), rounds=1, share=1)
    assert "no such tape" in found["broken"]["not_run"]
    assert found["limit"]["rate"] > 0


def test_a_python_that_is_not_on_this_machine_is_named():
    with pytest.raises(CannotHave, match=r"it wants Python 9\.9 or newer"):
        python_for(Peer("future", (), (9, 9), (9, 10)))


def test_a_ratio_is_ours_over_theirs_and_a_target_without_its_peer_is_left_out():
    sides = {"ours": {"rate": 60.0}, "limit": {"rate": 120.0}, "slow": {"not_run": "reason"}}
    assert ratios(sides) == {"limit": 0.5}
    case = Case("one", "q333", (), least=100.0, times={"slow": 10.0}, within=2.0)
    assert verdicts(case, sides) == {"at least 0k/s": False, "within 2 x of the limit": True}


def test_every_bench_of_the_plan_is_there():
    wanted = (
        "quotes_python quotes_compiled on_quote bars_python bars_compiled resting_orders memory cold import_csv load "
        "indicators_batch candles_batch features_live features_cold page"
    )
    assert set(wanted.split()) <= set(BENCHES)


def test_tapes_are_ordered_and_the_same_for_the_same_seed():
    for name in ("tiny", "tiny3"):
        first, again = quotes(SPECS[name]), quotes(SPECS[name])
        assert all(np.array_equal(first[column], again[column]) for column in first)
        order = np.lexsort((first["symbol"], first["ts"]))
        assert np.array_equal(order, np.arange(len(order)))
        assert (first["ask"] > first["bid"]).all()


def test_bars_hold_their_open_and_close_between_low_and_high():
    tape = bars(SPECS["tinybars"])
    assert (tape["low"] <= np.minimum(tape["open"], tape["close"])).all()
    assert (tape["high"] >= np.maximum(tape["open"], tape["close"])).all()
