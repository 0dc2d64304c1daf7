"""When a bar closes and what is in it: the time law by hand, by an oracle, and by other ways to the same bar."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.core import schema
from engine.core.clock import parse_time
from engine.core.config import Config
from engine.core.errors import ConfigError
from engine.core.frames import edges
from engine.core.tape import ArrayTape
from engine.core.zones import parse_zone, utc_to_wall
from tests.laws import market
from tests.laws.closing import Bar, as_tape, bounds, build, by_the_law
from tests.laws.market import DAY, HOUR, MINUTE, MS, SECOND, SYMBOLS
from tests.laws.pieces import pieces, singles
from tests.laws.script import Scribe, at, perform, ticks, told

E = "EURUSD"


def tick(*times: str, late: tuple[str, ...] = (), symbols: tuple[str, ...] = (E,)) -> ArrayTape:
    """Quotes whose bid counts up from 1.0001, one at each time."""
    lines = [
        (t.split()[0], t.split()[1] if " " in t else E, 1 + k / 1e4, 1 + (k + 1) / 1e4) for k, t in enumerate(times, 1)
    ]
    return ticks(*lines, symbols=symbols, late=late)


def brief(bars: list[Bar]) -> list[str]:
    """`frame symbol open-end known: open high low close volume`"""

    def line(b: Bar) -> str:
        head = f"{b.frame} {b.symbol} {told(b.start)} known {told(b.known)}"
        return f"{head}: {b.open:g} {b.high:g} {b.low:g} {b.close:g} {b.volume:g}"

    return [line(b) for b in bars]


def test_an_interval_without_quotes_makes_no_bar():
    tape = tick("10:00:10", "10:00:50", "10:05:20", "10:06")
    assert brief(build(tape, ["M1"])) == [
        "M1 EURUSD 10:00:00 known 10:01:00: 1.0001 1.0002 1.0001 1.0002 2",
        "M1 EURUSD 10:05:00 known 10:06:00: 1.0003 1.0003 1.0003 1.0003 1",
    ]


def test_with_fill_it_makes_a_flat_one_of_no_volume():
    tape = tick("10:00:10", "10:00:50", "10:03:20", "10:04")
    flat = "1.0002 1.0002 1.0002 1.0002 0"
    expected = [
        "M1 EURUSD 10:00:00 known 10:01:00: 1.0001 1.0002 1.0001 1.0002 2",
        f"M1 EURUSD 10:01:00 known 10:02:00: {flat}", f"M1 EURUSD 10:02:00 known 10:03:00: {flat}",
        "M1 EURUSD 10:03:00 known 10:04:00: 1.0003 1.0003 1.0003 1.0003 1",
    ]  # fmt: skip
    for cuts in ([], singles(tape, 0.0), singles(tape, 1.0)):
        assert brief(build(tape, ["M1"], cuts, fill=True)) == expected


def test_a_quote_that_comes_after_its_bar_has_closed_is_counted_and_changes_nothing():
    tape = tick(
        "10:00:10", "10:01:00.2", "10:01:00.3", "10:01:05", "10:01:06", "10:02:07",
        late=("10:00:10", "10:01:00.1", "10:00:59.9", "10:01:04", "10:00:30", "10:02:06"),
    )  # fmt: skip
    for cuts in ([], singles(tape, 0.0), singles(tape, 1.0)):
        assert brief(build(tape, ["M1"], cuts)) == [
            "M1 EURUSD 10:00:00 known 10:01:00: 1.0001 1.0001 1.0001 1.0001 1",
            "M1 EURUSD 10:01:00 known 10:02:00: 1.0002 1.0004 1.0002 1.0004 2",
        ]
        assert build.late == 2


def test_a_run_says_how_many_quotes_came_too_late_for_their_bar():
    tape = tick(
        "10:00:10", "10:01:00.2", "10:01:05", "10:02:07", late=("10:00:10", "10:00:59.9", "10:01:04", "10:02:06")
    )
    data = {"source": "memory", "symbols": ["EURUSD"], "kind": "quotes", "frame": "M1"}
    config = schema.build(Config, {"name": "late", "data": data, "strategy": [{"name": "ma_cross", "frame": "M1"}]})
    assert "1 quotes came after their bar had closed: no bar has them" in engine.backtest(config, tape).summary.cautions


def test_a_quote_for_an_interval_that_the_clock_has_passed_is_late_even_if_no_bar_stands_there():
    """Nothing was quoted from 10:01 to 10:02; a quote of 10:01:59 that reaches us at 10:02:01 cannot open that bar."""
    tape = tick("10:00:10", "10:02:01", "10:02:02", "10:03", late=("10:00:10", "10:01:59", "10:02:02", "10:03"))
    for cuts in ([], singles(tape, 0.0), singles(tape, 1.0)):
        assert brief(build(tape, ["M1"], cuts)) == [
            "M1 EURUSD 10:00:00 known 10:01:00: 1.0001 1.0001 1.0001 1.0001 1",
            "M1 EURUSD 10:02:00 known 10:03:00: 1.0003 1.0003 1.0003 1.0003 1",
        ]
        assert build.late == 1


def test_with_grace_a_bar_waits_for_late_quotes_unless_its_symbol_shows_that_it_is_over():
    """The first bar takes a quote 300 ms late and closes by the clock; the second closes at a quote of its own end."""
    grace = 500 * MS
    tape = tick(
        "10:00:10", "10:01:00.3", "10:01:00.6", "10:02:00.1", "10:02:00.2",
        late=("10:00:10", "10:00:59.9", "10:01:00.4", "10:02:00", "10:01:59.9"),
    )  # fmt: skip
    for cuts in ([], singles(tape, 0.0), singles(tape, 1.0)):
        assert brief(build(tape, ["M1"], cuts, grace=grace)) == [
            "M1 EURUSD 10:00:00 known 10:01:00.5: 1.0001 1.0002 1.0001 1.0002 2",
            "M1 EURUSD 10:01:00 known 10:02:00.1: 1.0003 1.0003 1.0003 1.0003 1",
        ]
        assert build.late == 1


def test_with_grace_a_larger_bar_closes_at_its_symbols_quote_even_if_its_last_minute_was_empty():
    tape = tick("10:58:10", "11:00:00.1", "11:00:00.2")
    for cuts in ([], singles(tape, 0.0), [(1, [at("10:59:30")])]):
        assert brief(build(tape, ["M1", "H1"], cuts, grace=500 * MS)) == [
            "M1 EURUSD 10:58:00 known 10:59:00.5: 1.0001 1.0001 1.0001 1.0001 1",
            "H1 EURUSD 10:00:00 known 11:00:00.1: 1.0001 1.0001 1.0001 1.0001 1",
        ]


def test_a_bar_closes_at_any_symbols_quote_that_moves_the_clock_past_its_end():
    tape = tick("10:00:10", "10:00:20 USDJPY", "10:01:30 USDJPY", "10:01:40", symbols=(E, "USDJPY"))
    assert [(b.symbol, told(b.known)) for b in build(tape, ["M1"])] == [(E, "10:01:00"), ("USDJPY", "10:01:00")]


def test_the_end_of_a_block_closes_nothing_and_the_end_of_the_run_closes_what_is_due():
    tape = tick("10:00:10", "10:00:50")
    assert build(tape, ["M1"], [(1, ())]) == [] == build(tape, ["M1"], ends=at("10:00:59.999"))
    assert [told(b.known) for b in build(tape, ["M1"], [(1, ())], ends=at("10:01"))] == ["10:01:00"]


def test_a_run_over_bars_ends_with_the_row_of_its_last_bar():
    tape = market.bars((E,), 50)
    scribe = Scribe()
    perform(tape, {"a": (scribe, "M1")})
    assert [row.ts for row in scribe.rows] == tape.block.ts.tolist()


def test_a_bar_that_ends_with_the_tapes_last_quote_is_closed_by_it():
    scribe = Scribe()
    perform(tick("10:00:10", "10:01"), {"a": (scribe, "M1")})
    assert [told(row.ts) for row in scribe.rows] == ["10:01:00"]


@settings(max_examples=40)
@given(
    seed=st.integers(1, 5), symbols=st.sampled_from([SYMBOLS, (E,)]), live=st.booleans(), data=st.data(),
    grace=st.sampled_from([0, 0, 500 * MS, 5 * SECOND]),
    frames=st.sampled_from([("M1",), ("M1", "M5", "H1"), ("M5", "M30"), ("M1", "H4", "D1"), ("H1", "W1"), ("H4",)]),
    silent=st.sampled_from([(), (), SYMBOLS[1:2], SYMBOLS[1:]]),
)  # fmt: skip
def test_bars_are_those_of_the_law_written_down_quote_by_quote(seed, symbols, live, data, grace, frames, silent):
    tape = (market.delayed if live else market.quotes)(symbols, 1_200, seed)
    cuts = data.draw(st.one_of(st.just([]), pieces(tape)))
    bars, late = by_the_law(tape, frames, grace, silent=silent)
    assert build(tape, frames, cuts, grace=grace, silent=silent) == bars
    assert build.late == late and (late > 0 or not live or grace or "M1" not in frames)


@settings(max_examples=15)
@given(
    seed=st.integers(1, 5), data=st.data(), live=st.booleans(), frames=st.sampled_from([("M1",), ("M1", "M5", "H1")])
)
def test_fill_adds_flat_bars_between_and_changes_no_other(seed, data, live, frames):
    tape = (market.delayed if live else market.quotes)(SYMBOLS, 600, seed)
    cuts = data.draw(st.one_of(st.just([]), pieces(tape)))
    filled, plain = build(tape, frames, cuts, fill=True), build(tape, frames)
    assert [b for b in filled if b.volume > 0] == plain
    for stream in {(b.symbol, b.frame) for b in filled}:
        mine = [b for b in filled if (b.symbol, b.frame) == stream]
        for a, b in pairwise(mine):
            assert b.start == a.end
            assert b.volume or (b.open == b.high == b.low == b.close == a.close and b.spread == a.spread)


@settings(max_examples=20)
@given(
    seed=st.integers(1, 5), base=st.sampled_from(["M1", "M5"]), symbols=st.sampled_from([SYMBOLS, (E,)]), data=st.data()
)
def test_larger_bars_are_the_same_from_quotes_from_smaller_bars_and_from_a_tape_of_bars(seed, base, symbols, data):
    tape = market.quotes(symbols, 1_500, seed)
    frames = [base, "M15", "H1", "H4", "D1", "W1"]
    end = int(bounds("W1", tape)[-1])
    together = build(tape, frames, ends=end)
    for frame in frames[1:]:
        assert build(tape, [frame], ends=end) == [b for b in together if b.frame == frame]
    of_bars = as_tape(together, base, symbols)
    cuts = data.draw(st.one_of(st.just([]), pieces(of_bars)))
    assert build(of_bars, frames, cuts, ends=end) == together


@settings(max_examples=20)
@given(seed=st.integers(1, 5), data=st.data(), silent=st.sampled_from([(), SYMBOLS[:1], SYMBOLS[1:]]))
def test_a_tape_of_bars_becomes_its_own_rows_alone_or_beside_a_larger_frame(seed, data, silent):
    tape = market.bars(SYMBOLS, 900, seed)
    cuts = data.draw(st.one_of(st.just([]), pieces(tape)))
    b, end = tape.block, int(tape.block.ts[-1])
    prices = (b.open, b.high, b.low, b.close, b.volume, b.spread)
    records = zip(*(column.tolist() for column in (b.ts, b.symbol, b.ts_event, b.ts, *prices)), strict=True)
    own = [Bar(ts, "M1", SYMBOLS[s], *rest) for ts, s, *rest in records if SYMBOLS[s] not in silent]
    alone = build(tape, ["M1"], cuts, ends=end, silent=silent)
    beside = build(tape, ["M1", "M5"], cuts, ends=end, silent=silent)
    assert alone == own == [bar for bar in beside if bar.frame == "M1"]


def test_a_symbol_that_is_there_for_its_conversion_rate_alone_is_in_no_bar():
    tape = tick("10:00:10 GBPJPY", "10:00:20 USDJPY", "10:01 USDJPY", symbols=("GBPJPY", "USDJPY", E))
    expected = ["M1 GBPJPY 10:00:00 known 10:01:00: 1.0001 1.0001 1.0001 1.0001 1"]
    assert brief(build(tape, ["M1"], silent=("USDJPY", E))) == expected


def fortnight(start: str, weekends: bool) -> np.ndarray:
    """A stamp every twenty minutes or so; without weekends only from Sunday 17:00 to Friday 17:00 New York."""
    draw = np.random.default_rng(1)
    ts = parse_time(start) + np.arange(14 * 72, dtype=np.int64) * 20 * MINUTE + draw.integers(0, MINUTE, 14 * 72)
    wall = utc_to_wall(ts, parse_zone("America/New_York")) + 7 * HOUR
    return ts if weekends else ts[(wall // DAY + 3) % 7 < 5]


CHANGES = {
    "17:00 America/New_York": ("2019-03-05", "2019-10-30"),
    "00:00 Europe/Athens": ("2019-03-26", "2019-10-22"),
    "00:00 UTC": ("2019-03-05", "2019-10-30"),
}


@pytest.mark.parametrize(("day", "start"), [(day, start) for day, starts in CHANGES.items() for start in starts])
@pytest.mark.parametrize("weekends", [False, True])
@pytest.mark.parametrize("base", [(), ("M30",)])
def test_bars_of_the_trading_day_follow_it_through_both_changes_of_the_clocks(day, start, weekends, base):
    """In spring and autumn, whatever frame they are built from; a market without weekends sees the long day itself."""
    ts = fortnight(start, weekends)
    price = np.round(1.1 + np.random.default_rng(2).integers(-50, 50, len(ts)) / 1e4, 4)
    tape = ArrayTape.quotes((E,), ts=ts, symbol=np.zeros(len(ts)), bid=price, ask=price + 1e-4)
    rows = {f: (Scribe(), f) for f in (*base, "H4", "D1", "W1")}
    perform(tape, rows, day=day)
    for frame in ("H4", "D1", "W1"):
        grid = edges(frame, day, int(ts[0]), int(ts[-1]))
        home = np.searchsorted(grid, ts, "right") - 1
        held = [(int(grid[k]), int(grid[k + 1]), price[home == k]) for k in np.unique(home) if grid[k + 1] <= ts[-1]]
        expected = [(a, b, p[0], p.max(), p.min(), p[-1], len(p)) for a, b, p in held]
        found = rows[frame][0].rows
        assert [(int(r.open_ts), r.ts, r.open, r.high, r.low, r.close, r.volume) for r in found] == expected
        assert len(found) >= {"H4": 50, "D1": 8, "W1": 1}[frame]
        if frame == "D1" and day != "00:00 UTC":
            assert len({a % DAY for a, _, _ in held}) == 2, "the day must move against UTC within these weeks"
            assert not weekends or {(b - a) // HOUR for a, b, _ in held} & {23, 25}


@pytest.mark.parametrize("day", ["00:00 Asia/Kolkata", "17:30 America/New_York", "00:00 Asia/Kathmandu"])
def test_a_day_that_starts_within_an_hour_is_not_made_of_whole_hours(day):
    """Hours are cut from the UTC day: the one in which such a day starts would belong to two days."""
    ts = fortnight("2019-03-05", True)
    price = np.round(1.1 + np.random.default_rng(2).integers(-50, 50, len(ts)) / 1e4, 4)
    tape = ArrayTape.quotes((E,), ts=ts, symbol=np.zeros(len(ts)), bid=price, ask=price + 1e-4)
    hourly, daily = Scribe(), Scribe()
    perform(tape, {"h": (hourly, "H1"), "d": (daily, "D1")}, day=day)
    grid = edges("D1", day, int(ts[0]), int(ts[-1]))
    home = np.searchsorted(grid, ts, "right") - 1
    held = [price[home == k] for k in np.unique(home) if grid[k + 1] <= ts[-1]]
    assert [(r.open, r.high, r.low, r.close, r.volume) for r in daily.rows] == [
        (p[0], p.max(), p.min(), p[-1], len(p)) for p in held
    ]
    hours = market.bars((E,), 300, length=HOUR)
    with pytest.raises(ConfigError, match="D1 bars cannot be made from bars of H1"):
        perform(hours, {"d": (Scribe(), "D1")}, day=day, base="H1")
