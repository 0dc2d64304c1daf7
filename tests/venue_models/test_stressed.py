"""A stressed tape: wider spreads and missed records, the same ones however it is cut and whatever else is on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.clock import parse_time
from engine.core.config import Config
from engine.core.errors import ConfigError, NotFound
from engine.core.tape import ArrayTape, Tape, fingerprint
from engine.feeds.stressed import StressedTape, stressed
from tests.venue_models.bench import MINUTE, bars, config_of, quotes

NAMES = {
    "quotes": ("ts", "ts_event", "symbol", "bid", "ask"),
    "bars": ("ts_event", "symbol", "open", "close", "spread"),
}


def whole(tape: Tape, size: int = 10**9) -> dict[str, np.ndarray]:
    blocks = list(tape.blocks(size))
    return {name: np.concatenate([getattr(b, name) for b in blocks]) for name in NAMES[tape.kind]}


def under(tape: ArrayTape, seed: int = 1, **venue: Any) -> Tape:
    return stressed(tape, config_of(seed, tape.symbols, tape.kind, **venue))


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return all(a[name].tobytes() == b[name].tobytes() for name in a)


ROLL = [{"at": "rollover", "factor": 4.0, "before": "20 min", "after": "30 min"}]
tapes = st.builds(lambda kind, seed: (quotes if kind else bars)(seed=seed), st.booleans(), st.integers(1, 3))
wishes = st.fixed_dictionaries(
    {},
    optional={
        "spread": st.sampled_from([0.5, 1.5, 3.0]), "missed": st.sampled_from(["2 %", "50 %"]), "widen": st.just(ROLL),
    },
)  # fmt: skip


@settings(max_examples=25)
@given(tapes, wishes, st.integers(40, 700), st.integers(1, 3))
def test_a_cut_anywhere_gives_the_same_records_and_the_count_is_right(
    tape: ArrayTape, venue: dict[str, Any], size: int, seed: int
) -> None:
    one = under(tape, seed, **venue)
    assert same(whole(one), whole(one, size))
    assert len(one) == len(whole(one)["symbol"])
    assert under(tape, seed, **venue).fingerprint == one.fingerprint
    assert (one.fingerprint == tape.fingerprint) == (not venue)


@settings(max_examples=40)
@given(tapes, st.sampled_from([1.5, 2.0, 3.0, 0.25]))
def test_the_bid_stays_and_the_ask_moves_by_the_factor(tape: ArrayTape, factor: float) -> None:
    before, after = whole(tape), whole(under(tape, spread=factor))
    if tape.kind == "quotes":
        assert after["bid"].tobytes() == before["bid"].tobytes()
        wider, spread = after["ask"] - after["bid"], before["ask"] - before["bid"]
        assert (np.round(after["ask"], 8) == after["ask"]).all(), "an ask is a decimal of a thousandth of a point"
    else:
        wider, spread = after["spread"], before["spread"]
    assert wider == pytest.approx(factor * spread, abs=1e-8)


def test_a_tape_that_nothing_is_wished_of_is_the_tape_itself_and_none_is_stressed_twice() -> None:
    tape = quotes()
    assert under(tape) is tape
    config = config_of(symbols=tape.symbols, spread=2.0)
    once = stressed(tape, config)
    assert stressed(once, config) is once


@settings(max_examples=30)
@given(st.integers(1, 4), st.sampled_from([2.0, 20.0]))
def test_what_is_missed_depends_on_the_seed_and_on_no_other_symbol(seed: int, percent: float) -> None:
    tape = quotes(seed=seed)
    mine = tape.block.symbol == 1
    b = tape.block
    alone = ArrayTape.quotes(("USDJPY",), ts=b.ts[mine], symbol=np.zeros(mine.sum()), bid=b.bid[mine], ask=b.ask[mine])
    among, single = (whole(under(t, seed, missed=f"{percent} %")) for t in (tape, alone))
    assert among["bid"][among["symbol"] == 1].tobytes() == single["bid"].tobytes()
    other = whole(under(tape, seed + 100, missed=f"{percent} %"))
    assert other["ts"].tobytes() != among["ts"].tobytes()


def test_the_share_that_is_missed_is_the_one_wished_for() -> None:
    tape = quotes(40_000, every=50)
    assert 1 - len(under(tape, missed="2 %")) / len(tape) == pytest.approx(0.02, rel=0.15)


def hand(times: Sequence[str]) -> ArrayTape:
    ts = [parse_time(f"2024-{t}") for t in times]
    n = len(ts)
    return ArrayTape.quotes(("EURUSD",), ts=ts, symbol=np.zeros(n), bid=np.full(n, 1.1), ask=np.full(n, 1.1001))


def widened(tape: ArrayTape, venue: Config | dict[str, Any]) -> list[int]:
    found = stressed(tape, venue) if isinstance(venue, Config) else under(tape, **venue)
    return [round((a - b) * 1e4) for a, b in zip(whole(found)["ask"], whole(found)["bid"], strict=True)]


def test_spreads_widen_around_the_rollover_in_winter_and_summer() -> None:
    """17:00 in New York is 22:00 UTC in winter, 21:00 in summer."""
    winter = hand(["01-10 21:39", "01-10 21:40", "01-10 22:29:59", "01-10 22:30", "01-11 21:50"])
    summer = hand(["07-10 20:39", "07-10 20:40", "07-10 21:29:59", "07-10 21:30", "07-11 20:50"])
    for tape in (winter, summer):
        assert widened(tape, {"widen": ROLL}) == [1, 4, 4, 1, 4]


def test_of_overlapping_times_the_widest_counts_on_top_of_the_factor() -> None:
    tape = hand(["01-10 21:45", "01-10 22:05", "01-10 22:20"])
    more = [*ROLL, {"at": "rollover", "factor": 10.0, "before": "0 s", "after": "10 min"}]
    assert widened(tape, {"widen": more, "spread": 2.0}) == [8, 20, 8]


def test_a_bar_that_a_wide_time_touches_is_wide() -> None:
    opens = np.array([parse_time(f"2024-01-10 {t}") for t in ("21:39", "21:40", "22:29", "22:30")])
    n = np.ones(4)
    columns = {"open": n, "high": n, "low": n, "close": n, "spread": n * 1e-4, "volume": n}
    tape = ArrayTape.bars(("EURUSD",), ts=opens + MINUTE, ts_event=opens, symbol=np.zeros(4), **columns)
    assert whole(under(tape, widen=ROLL))["spread"].tolist() == pytest.approx([1e-4, 4e-4, 4e-4, 1e-4])


def test_the_report_says_what_was_done_to_the_tape() -> None:
    notes = " ".join(under(quotes(), spread=2.0, missed="2 %", widen=ROLL).notes)
    assert "every spread times 2" in notes and "2.00% of all records are missed" in notes and "4 times as wide" in notes


def test_the_fingerprint_is_of_the_tape_and_of_every_wish() -> None:
    venues: list[dict[str, Any]] = [
        {}, {"spread": 2.0}, {"spread": 3.0}, {"missed": "2 %"}, {"missed": "3 %"}, {"widen": ROLL},
        {"widen": [{**ROLL[0], "after": "31 min"}]},
    ]  # fmt: skip
    prints = {under(tape, **venue).fingerprint for tape in (quotes(seed=1), quotes(seed=2)) for venue in venues}
    assert len(prints) == 2 * len(venues)
    missed = under(quotes(), missed="2 %")
    assert isinstance(missed, StressedTape) and fingerprint(missed) == fingerprint(ArrayTape.quotes(
        missed.symbols, **{k: v for k, v in whole(missed).items() if k != "ts_event"}
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("venue", "said"),
    [
        ({"missed": "60 %"}, "at most 50 %"),
        ({"spread": 0.0}, "venue.spread: must be more than 0"),
        ({"widen": [{"factor": 0.5}]}, r"widen\[0\].factor: must lie in 1..1000"),
        ({"widen": [{"factr": 2.0}]}, "did you mean factor"),
    ],
)
def test_a_stress_that_cannot_be_meant_is_one_clear_error(venue: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config_of(**venue)


def test_a_calendar_that_is_not_there_is_not_found(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONETAPE_DATA", str(tmp_path))
    with pytest.raises(NotFound, match="no series 'ff/calendar'"):
        under(quotes(), widen=[{"at": "ff/calendar"}])


def test_blocks_are_as_kernels_expect_them() -> None:
    for tape in (quotes(), bars()):
        for block in under(tape, missed="20 %", spread=2.0).blocks(300):
            columns = [getattr(block, name) for name in block.columns]
            assert all(c.flags.c_contiguous and not c.flags.writeable and len(c) == len(block) for c in columns)
