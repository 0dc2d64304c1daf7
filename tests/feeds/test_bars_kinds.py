"""Bars of every kind: equal to their slow definitions, however the stream is cut; nothing gained, nothing lost."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import ConfigError, DataError
from engine.core.frames import ACTIVITY, MINUTE, parse_frame
from engine.core.zones import SECOND
from engine.feeds.kinds.maker import MORE, BarMaker
from engine.feeds.kinds.spec import parse_kind
from engine.feeds.lineage import BARS, Columns, join, part, size
from tests.feeds import bars_slow as slow

POINTS = 1e5
KINDS = (
    "M1", "tick 7", "volume 25", "dollar 30", "range 6 points", "renko 4 points", "imbalance 6", "volume imbalance 6",
    "dollar imbalance 6", "run 6", "volume run 6", "dollar run 6", "adaptive 6",
)  # fmt: skip


@st.composite
def prints(draw: st.DrawFn, most: int = 220) -> Columns:
    """A walk in points with pauses, repeated stamps, jumps, and sides that are known, unknown or missing."""
    n = draw(st.integers(1, most))
    random = np.random.Generator(np.random.Philox(draw(st.integers(0, 2**32))))
    jump = draw(st.sampled_from([1, 3, 25]))
    steps = random.integers(-2, 3, n) * np.where(random.random(n) < 0.1, jump, 1)
    pause = np.where(random.random(n) < 0.05, 200, 12)
    ts = np.cumsum(random.integers(0, 2, n) * random.integers(1, pause + 1) * SECOND) + 1_700_000_000 * SECOND
    side = random.choice([-1.0, 0.0, 1.0, np.nan], n)
    return {
        "ts": ts, "price": (110_000 + np.cumsum(steps)) / 1e5, "size": random.integers(1, 9, n).astype(float),
        "side": side,
    }  # fmt: skip


def maker(kind: str) -> BarMaker:
    return BarMaker(kind, points=POINTS)


def same(one: Columns, other: Columns) -> bool:
    return list(one) == list(other) and all(one[name].tobytes() == other[name].tobytes() for name in one)


def records_of(columns: Columns) -> list[slow.Record]:
    side = np.nan_to_num(columns["side"]).tolist()
    rows = zip(columns["ts"].tolist(), columns["price"].tolist(), columns["size"].tolist(), side, strict=True)
    return [slow.Record(*row, math.nan) for row in rows]


def slowly(kind: str, records: list[slow.Record]) -> list[slow.Bar]:
    meant = parse_kind(kind)
    n, measure = meant.amount, meant.measure
    if meant.kind == "time":
        return slow.by_time(records, MINUTE)
    full = {
        "tick": lambda: slow.by_sum(records, "tick", n), "volume": lambda: slow.by_sum(records, "volume", n),
        "dollar": lambda: slow.by_sum(records, "dollar", n), "range": lambda: slow.by_range(records, n, POINTS),
        "imbalance": lambda: slow.by_imbalance(records, measure, n), "run": lambda: slow.by_run(records, measure, n),
        "adaptive": lambda: slow.by_volatility(records, n),
    }  # fmt: skip
    return slow.cut_where(records, full[meant.kind]())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "renko" not in kind])
@settings(max_examples=12)
@given(columns=prints())
def test_bars_are_those_of_the_slow_definition(kind: str, columns: Columns) -> None:
    made = maker(kind).add(columns)
    expected = slowly(kind, records_of(columns))
    assert size(made) == len(expected)
    for name in (*BARS, *MORE):
        assert np.array_equal(made[name], np.array([bar[name] for bar in expected], made[name].dtype), equal_nan=True)


@settings(max_examples=30)
@given(columns=prints(), points=st.integers(1, 9))
def test_renko_bricks_are_those_of_a_walk_point_by_point(columns: Columns, points: int) -> None:
    made = BarMaker(f"renko {points} points", points=POINTS).add(columns)
    got = [(round(o * 1e5), round(c * 1e5)) for o, c in zip(made["open"], made["close"], strict=True)]
    assert got == slow.bricks(records_of(columns), points, 100_000)
    assert all(value == round(value, 5) for name in ("open", "close") for value in made[name])
    assert (made["high"] >= np.maximum(made["open"], made["close"])).all()
    assert (made["low"] <= np.minimum(made["open"], made["close"])).all()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12)
@given(columns=prints(), data=st.data())
def test_a_cut_anywhere_changes_nothing_bit_for_bit(kind: str, columns: Columns, data: st.DataObject) -> None:
    n = size(columns)
    cuts = sorted(data.draw(st.lists(st.integers(0, n), max_size=6)))
    whole = maker(kind)
    expected = whole.add(columns)
    pieces, stream = [], maker(kind)
    for lo, hi in zip([0, *cuts], [*cuts, n], strict=True):
        stream.peek()  # looking at the open bar commits nothing
        pieces.append(stream.add(part(columns, slice(lo, hi))))
        stream = BarMaker(kind, points=POINTS, state=stream.state)  # a restart resumes from the state alone
        stream.room = data.draw(st.integers(1, 4))  # and the room for closed bars changes nothing either
    assert same(join(pieces), expected) and same(stream.peek(), whole.peek())


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12)
@given(columns=prints())
def test_volume_records_and_extremes_are_conserved(kind: str, columns: Columns) -> None:
    stream = maker(kind)
    every = join([stream.add(columns), stream.peek()])
    assert every["volume"].sum() == columns["size"].sum() and every["ticks"].sum() == size(columns)
    seen = columns["price"]
    if "renko" in kind:  # bricks begin on the grid, which the first price may not be on
        assert max(every["high"].max(), seen[0]) >= seen.max() and min(every["low"].min(), seen[0]) <= seen.min()
        inside = (every["high"] <= max(seen.max(), seen[0] + 4e-5)) & (every["low"] >= min(seen.min(), seen[0] - 4e-5))
        assert inside.all()
        return
    ends = np.cumsum(every["ticks"]).astype(int)
    for k, (lo, hi) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        mine = part(columns, slice(lo, hi))
        assert every["high"][k] == mine["price"].max() and every["low"][k] == mine["price"].min()
        assert (every["open"][k], every["close"][k]) == (mine["price"][0], mine["price"][-1])
        assert every["volume"][k] == mine["size"].sum()
        assert every["low"][k] <= every["vwap"][k] <= every["high"][k]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=8)
@given(columns=prints(), data=st.data())
def test_no_bar_knows_what_comes_after_its_stamp(kind: str, columns: Columns, data: st.DataObject) -> None:
    made = maker(kind).add(columns)
    assert (np.diff(made["ts"]) >= 0).all() and (made["open_ts"] <= made["ts"]).all()
    if not size(made):
        return
    k = data.draw(st.integers(0, size(made) - 1))
    known = part(columns, columns["ts"] <= made["ts"][k])
    stream = maker(kind)
    early = join([stream.add(known), stream.clock(int(made["ts"][k]))])
    assert same(part(early, slice(0, k + 1)), part(made, slice(0, k + 1)))


def test_the_clock_closes_a_time_bar_that_no_record_has_ended() -> None:
    stream = maker("M1")
    stream.add({"ts": np.array([5]), "price": np.array([1.0]), "size": np.array([2.0])})
    assert size(stream.clock(MINUTE - 1)) == 0 and size(maker("tick 3").clock(MINUTE)) == 0
    bar = stream.clock(MINUTE)
    assert (bar["ts"].tolist(), bar["open_ts"].tolist(), bar["volume"].tolist()) == ([MINUTE], [0], [2.0])
    assert size(stream.clock(2 * MINUTE)) == 0 and size(stream.peek()) == 0


def test_a_record_that_goes_back_has_no_price_or_jumps_absurdly_is_refused() -> None:
    def one(ts: int, price: float) -> Columns:
        return {"ts": np.array([ts]), "price": np.array([price]), "size": np.array([1.0])}

    stream = maker("renko 1 points")
    stream.add(one(10, 1.0))
    with pytest.raises(DataError, match="order of time"):
        stream.add(one(9, 1.0))
    with pytest.raises(DataError, match="no price"):
        stream.add(one(11, np.nan))
    with pytest.raises(DataError, match="jumps over more than 1,000,000 bricks"):
        stream.add(one(12, 1e9))


def test_the_stamp_of_a_full_bar_is_that_of_a_later_record_only_with_the_state_kept() -> None:
    stream = maker("tick 1")
    stream.add({"ts": np.array([10]), "price": np.array([1.0]), "size": np.array([1.0])})
    with pytest.raises(DataError, match="order of time"):
        stream.add({"ts": np.array([9]), "price": np.array([1.0]), "size": np.array([1.0])})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("M5", "M5"), ("h4", "H4"), ("tick 1000", "tick1000"), ("1tick", None), ("tick1000", "tick1000"),
        ("dollar 1M", "dollar1000000"), ("dollar 2.5k", "dollar2500"), ("volume 1_000", "volume1000"),
        ("renko 10 points", "renko10"), ("RENKO10", "renko10"), ("range 2.5 points", "range2.5"),
        ("volume imbalance 500", "volume-imbalance500"), ("volume-imbalance500", "volume-imbalance500"),
        ("tick imbalance 500", "imbalance500"), ("adaptive 300", "adaptive300"),
    ],
)  # fmt: skip
def test_kinds_are_read_as_people_write_them_and_their_names_read_back(text: str, name: str | None) -> None:
    if name is None:
        with pytest.raises(ConfigError):
            parse_kind(text)
        return
    assert str(parse_kind(text)) == name and parse_kind(name) == parse_kind(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("renk 10 points", "did you mean renko?"), ("imbalanse 500", "did you mean imbalance?"),
        ("renko 10", "a number without a unit: write `renko 10 points`"), ("renko 10 pips", "measured in points"),
        ("tick 10 points", "measured in ticks"), ("tick 0", "above 0"), ("tick 1.5", "whole"),
        ("volume renko 5 points", "only imbalance and run bars are weighed"), ("5 minutes", "did you mean M5?"),
        ("H5", "unknown time frame 'H5'"), ("zzz", "known: M1"), ("dollar 5 eur", "take a plain number"),
    ],
)  # fmt: skip
def test_bars_that_cannot_be_meant_are_answered_with_the_nearest(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        parse_kind(text)


@pytest.mark.parametrize("kind", [*(f"{kind}10" for kind in ACTIVITY), "renko 10 points", "volume-run 20"])
def test_a_run_says_clearly_that_it_takes_no_bars_of_activity(kind: str) -> None:
    with pytest.raises(ConfigError, match="a run replays quotes or bars of a time frame"):
        parse_frame(kind)


@settings(max_examples=25)
@given(st.lists(st.booleans(), min_size=1, max_size=90), st.data())
def test_bars_of_smaller_bars_are_those_of_pandas_however_the_stream_is_cut(
    there: list[bool], data: st.DataObject
) -> None:
    opened = 7 * MINUTE + np.flatnonzero(there) * MINUTE
    random = np.random.Generator(np.random.Philox(data.draw(st.integers(0, 2**32))))
    first, last = random.integers(100, 200, (2, len(opened))) / 100
    small: Columns = {
        "ts": opened + MINUTE, "open_ts": opened, "open": first, "high": np.maximum(first, last) + 0.01,
        "low": np.minimum(first, last) - 0.01, "close": last, "volume": random.integers(1, 9, len(opened)) * 1.0,
        "spread": random.integers(1, 9, len(opened)) * 1.0,
    }  # fmt: skip
    whole = BarMaker("M5", small="M1")
    expected = whole.add(small)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(opened)), max_size=4)))
    pieces, stream = [], BarMaker("M5", small="M1")
    for lo, hi in zip([0, *cuts], [*cuts, len(opened)], strict=True):
        stream = BarMaker("M5", small="M1", state=stream.state)
        stream.room = data.draw(st.integers(1, 4))
        pieces.append(stream.add(part(small, slice(lo, hi))))
    assert same(join(pieces), expected) and same(stream.peek(), whole.peek())
    frame = pd.DataFrame(small, index=pd.to_datetime(opened, unit="ns")).resample("5min", label="left", closed="left")
    rules = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum", "spread": "last"}
    theirs = frame.agg({**rules, "ts": "count"})
    theirs = theirs[theirs["ts"] > 0]
    made = join([expected, whole.peek()])
    assert size(made) == len(theirs) and made["n_missing"].tolist() == (5 - theirs["ts"]).tolist()
    assert all(made[name].tolist() == theirs[name].tolist() for name in rules)


def test_points_must_be_somebodys() -> None:
    with pytest.raises(ConfigError, match="say of which instrument"):
        BarMaker("renko 10 points")
    with pytest.raises(ConfigError, match="cannot be made of H1 bars"):
        BarMaker("M5", small="H1")
    with pytest.raises(ConfigError, match="cannot be made of M1 bars"):
        BarMaker("tick 10", small="M1")
