"""The tie rules of the time law, one by one: no random test finds a rule that is wrong but consistent."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from engine.core.tape import ArrayTape
from engine.features import on
from tests.laws.market import MINUTE, MS, SECOND
from tests.laws.runs import Pieces, small_tables
from tests.laws.script import QuoteScribe, Scribe, at, both, order, perform, ticks, timer, told

E = "EURUSD"


def steady(*times: str, symbols: tuple[str, ...] = (E,)) -> ArrayTape:
    """Quotes of one price; a time may name its symbol: `10:59 USDJPY`."""
    lines = [(text.split()[0], text.split()[1] if " " in text else E, 1.1, 1.1002) for text in times]
    return ticks(*lines, symbols=symbols)


def every_cut(tape: ArrayTape) -> list[Pieces]:
    """The whole, every single cut, and all cuts at once: a tie rule holds in all of them."""
    n = len(tape)
    return [(), *([(k, ())] for k in range(1, n)), [(k, ()) for k in range(1, n)]]


def with_clocks(tape: ArrayTape) -> Pieces:
    """Every record alone, and the clock struck as late as it may before each."""
    ts, last = tape.block.ts.tolist(), int(tape.kind == "bars")
    return [(k + 1, [b - last] if b - last > a else []) for k, (a, b) in enumerate(pairwise(ts))]


def always(tape: ArrayTape, make, expected: list[str], **options) -> None:
    for cuts in [*every_cut(tape), with_clocks(tape)]:
        log, _ = perform(tape, make(), cuts=cuts, **options)
        assert log == expected, cuts


def test_what_is_due_at_t_precedes_a_quote_stamped_t():
    """The timer of 11:00 comes first, so that the order it sends meets the quote stamped 11:00."""
    tape = steady("10:59:50", "11:00", "11:00:05")

    def make():
        script = {"a quote EURUSD 1.1 10:59:50": timer("11:00"), "a timer 11:00:00": order()}
        return {"a": (QuoteScribe(script=script), "M1")}

    always(tape, make, [
        "a quote EURUSD 1.1 10:59:50", "a row EURUSD 11:00:00", "a timer 11:00:00",
        "a fill in order 1.1002 11:00:00", "a quote EURUSD 1.1 11:00:00", "a quote EURUSD 1.1 11:00:05",
    ])  # fmt: skip


def test_a_bar_closed_by_its_own_quote_ahead_of_our_clock_comes_with_that_quote():
    """Our clock says 10:00:59.9 when a quote of 10:01 comes in: its row is as old as the quote, not due before it."""
    symbols = (E, "USDJPY")
    tape = ticks(
        ("10:00:10", E, 1.1, 1.1002), ("10:00:59.9", "USDJPY", 110.0, 110.1), ("10:00:59.9", E, 1.2, 1.2002),
        ("10:01:30", E, 1.3, 1.3002), symbols=symbols, late=("10:00:10", "10:00:59.9", "10:01", "10:01:30"),
    )  # fmt: skip

    def make():
        script = {"a quote EURUSD 1.1 10:00:10": timer("10:00:59.900")}
        return {"a": (QuoteScribe(script=script), "M1")}

    always(tape, make, [
        "a quote EURUSD 1.1 10:00:10", "a timer 10:00:59.9", "a quote USDJPY 110 10:00:59.9",
        "a row EURUSD 10:00:59.9", "a quote EURUSD 1.2 10:00:59.9", "a row USDJPY 10:01:00",
        "a quote EURUSD 1.3 10:01:30",
    ])  # fmt: skip


@pytest.mark.parametrize(("latency", "price"), [(0, 1.1004), (1, 1.1009), (5_000, 1.1009), (5_001, 1.1012)])
def test_an_order_decided_at_a_close_meets_the_first_quote_at_or_after_decision_plus_latency(latency, price):
    tape = ticks(
        ("10:59:50", E, 1.1000, 1.1002), ("11:00", E, 1.1001, 1.1004), ("11:00:05", E, 1.1007, 1.1009),
        ("11:00:09", E, 1.1010, 1.1012),
    )  # fmt: skip
    scribe = Scribe(script={"a row EURUSD 11:00:00": order()})
    log, _ = perform(tape, {"a": (scribe, "M1")}, latency=latency * MS)
    assert next(line for line in log if "fill" in line).startswith(f"a fill in order {price:g}")


def test_an_order_waits_for_a_quote_of_its_own_symbol():
    tape = ticks(
        ("10:59:50", E, 1.1, 1.1002), ("10:59:50", "USDJPY", 110.0, 110.1), ("11:00", "USDJPY", 110.2, 110.3),
        ("11:00:01", "USDJPY", 110.4, 110.5), ("11:00:02", E, 1.1003, 1.1005), symbols=(E, "USDJPY"),
    )  # fmt: skip

    def make():
        return {"a": (Scribe(script={"a row EURUSD 11:00:00": order()}), "M1")}

    always(tape, make, ["a row EURUSD 11:00:00", "a row USDJPY 11:00:00", "a fill in order 1.1005 11:00:02"])


def test_at_one_moment_reports_precede_rows_precede_timers_precede_quotes():
    tape = steady("10:59:50", "10:59:55", "11:00", "11:00:10")

    def make():
        script = {"a quote EURUSD 1.1 10:59:50": both(order(), timer("11:00"))}
        return {"a": (QuoteScribe(script=script), "M1")}

    always(tape, make, [
        "a quote EURUSD 1.1 10:59:50", "a quote EURUSD 1.1 10:59:55", "a fill in order 1.1002 11:00:00",
        "a row EURUSD 11:00:00", "a timer 11:00:00", "a quote EURUSD 1.1 11:00:00", "a quote EURUSD 1.1 11:00:10",
    ], latency=5 * SECOND, back=5 * SECOND)  # fmt: skip


def test_timers_of_one_moment_come_in_the_order_in_which_they_were_set():
    tape = steady("10:59:50", "11:00:10")

    def make():
        script = {"a quote EURUSD 1.1 10:59:50": both(timer("11:00:01", "z"), timer("11:00:01", "a"))}
        return {"a": (QuoteScribe(script=script), "M1")}

    always(tape, make, [
        "a quote EURUSD 1.1 10:59:50", "a row EURUSD 11:00:00", "a timer z 11:00:01", "a timer a 11:00:01",
        "a quote EURUSD 1.1 11:00:10",
    ])  # fmt: skip


def test_a_report_without_latency_precedes_the_next_quote_of_the_same_stamp():
    tape = steady("10:59:50", "10:59:50", "10:59:50", "10:59:50")

    def make():
        script = {"a fill in order 1.1002 10:59:50": order(side=-1, position=1)}
        scribe = QuoteScribe(script=script)
        scribe.script["a quote EURUSD 1.1 10:59:50"] = lambda s, q: order()(s, q) if len(s.log) == 1 else None
        return {"a": (scribe, "M1")}

    quote = "a quote EURUSD 1.1 10:59:50"
    always(tape, make, [
        quote, "a fill in order 1.1002 10:59:50", quote, "a fill out order 1.1 10:59:50", quote, quote,
    ])  # fmt: skip


def test_frames_that_close_together_come_small_first_then_by_symbol():
    symbols = ("USDJPY", E)
    tape = steady("10:58 EURUSD", "10:58 USDJPY", "10:59 EURUSD", "10:59 USDJPY", "11:00 EURUSD", symbols=symbols)

    def make():
        return {"h": (Scribe(), "H1"), "m": (Scribe(), "M1"), "n": (Scribe(), "M1")}

    first = [f"{name} row {symbol} {ts}" for ts in ("10:59:00", "11:00:00") for symbol in symbols for name in "mn"]
    always(tape, make, [*first, "h row USDJPY 11:00:00", "h row EURUSD 11:00:00"])


def test_every_table_of_a_moment_is_extended_before_any_row_of_it_is_published():
    tape = ticks(
        ("10:58", E, 1.1000, 1.1002), ("10:59", E, 1.1003, 1.1005), ("11:00", E, 1.1010, 1.1012),
        ("11:01", E, 1.1011, 1.1013),
    )  # fmt: skip
    for cuts in [*every_cut(tape), with_clocks(tape)]:
        scribe = Scribe(wants={"edge": on("H1", "close"), "since": on("H1", "open_ts")})
        perform(tape, {"a": (scribe, "M1")}, cuts=cuts)
        seen = [(told(row.ts), row.edge, row.since) for row in scribe.rows]
        assert repr(seen[0]) == repr(("10:59:00", float("nan"), float("nan")))
        assert seen[1:] == [("11:00:00", 1.1003, at("10:00")), ("11:01:00", 1.1003, at("10:00"))]


@pytest.mark.parametrize("capacity", range(8, 21))
def test_a_full_table_does_not_tear_a_moment_apart(capacity):
    """Three symbols close M1 and H1 bars at every hour: a pass stops between two hours, never within one."""
    symbols = (E, "USDJPY", "GBPJPY")
    tape = steady(*(f"{hour:02}:30 {symbol}" for hour in range(20) for symbol in symbols), symbols=symbols)
    scribe = Scribe(wants={"edge": on("H1", "close"), "since": on("H1", "open_ts")})
    with small_tables(2, capacity):
        perform(tape, {"a": (scribe, "M30")})
    assert len(scribe.rows) == 19 * 3
    assert [told(int(row.since)) for row in scribe.rows] == [f"{hour:02}:00:00" for hour in range(19) for _ in symbols]


def test_a_quote_at_exactly_the_end_belongs_to_the_next_bar_and_is_seen_after_the_close():
    tape = ticks(("10:59", E, 1.1, 1.1002), ("11:00", E, 1.2, 1.2002), ("11:01", E, 1.3, 1.3002))

    def make():
        return {"a": (QuoteScribe(), "M1")}

    always(tape, make, [
        "a quote EURUSD 1.1 10:59:00", "a row EURUSD 11:00:00", "a quote EURUSD 1.2 11:00:00",
        "a row EURUSD 11:01:00", "a quote EURUSD 1.3 11:01:00",
    ])  # fmt: skip
    scribe = QuoteScribe()
    perform(tape, {"a": (scribe, "M1")})
    assert [(told(int(r.open_ts)), r.open, r.high, r.low, r.close) for r in scribe.rows] == [
        ("10:59:00", 1.1, 1.1, 1.1, 1.1), ("11:00:00", 1.2, 1.2, 1.2, 1.2),
    ]  # fmt: skip


def test_within_a_quote_expiry_precedes_positions_by_id_precede_orders_by_id():
    """One quote ends a resting order, takes position 1's profit, stops position 2 and fills orders 5 and 6."""
    tape = ticks(
        ("10:00:00", E, 1.1000, 1.1001), ("10:00:01", E, 1.1000, 1.1001), ("10:00:02", E, 1.1000, 1.1001),
        ("10:00:10", E, 1.1050, 1.1051), ("10:00:11", E, 1.1050, 1.1051),
    )  # fmt: skip

    def make():
        script = {
            "a quote EURUSD 1.1 10:00:00": both(
                order(take_profit=1.105), order(side=-1, stop=1.1051),
                order("stop", 1, 1.105, expires=at("10:00:10")),
                order("stop", 1, 1.1040), order("limit", -1, 1.1050), order("stop", 1, 1.1041),
            )
        }  # fmt: skip
        return {"a": (QuoteScribe(script=script), "M1")}

    quote = "a quote EURUSD 1.1 10:00:0"
    always(tape, make, [
        f"{quote}0", *["a accepted 10:00:01"] * 4, "a fill in order 1.1001 10:00:01", "a fill in order 1.1 10:00:01",
        f"{quote}1", f"{quote}2",
        "a expired 10:00:10", "a fill out take_profit 1.105 10:00:10", "a fill out stop_loss 1.1051 10:00:10",
        "a fill in order 1.1051 10:00:10", "a fill in order 1.105 10:00:10", "a fill in order 1.1051 10:00:10",
        "a quote EURUSD 1.105 10:00:10", "a quote EURUSD 1.105 10:00:11",
    ])  # fmt: skip
    _, outcome = perform(tape, make())
    filled = [f.order for f in outcome.fills]
    assert filled == [1, 2, 0, 0, 4, 5, 6] and [f.position for f in outcome.fills] == [1, 2, 1, 2, 3, 4, 5]


def test_a_position_opened_by_a_quote_is_first_judged_on_the_next():
    """The quote that fills the limit is already below its stop-loss; it is the next quote that closes it."""
    tape = ticks(
        ("10:00:00", E, 1.1010, 1.1012), ("10:00:01", E, 1.1010, 1.1012), ("10:00:02", E, 1.0990, 1.1000),
        ("10:00:03", E, 1.0990, 1.1000),
    )  # fmt: skip

    def make():
        return {"a": (QuoteScribe(script={"a quote EURUSD 1.101 10:00:00": order("limit", 1, 1.1, stop=1.0995)}), "M1")}

    always(tape, make, [
        "a quote EURUSD 1.101 10:00:00", "a accepted 10:00:01", "a quote EURUSD 1.101 10:00:01",
        "a fill in order 1.1 10:00:02", "a quote EURUSD 1.099 10:00:02", "a fill out stop_loss 1.099 10:00:03",
        "a quote EURUSD 1.099 10:00:03",
    ])  # fmt: skip


@pytest.mark.parametrize(("expires", "ends"), [("10:00:05", "expired 10:00:05"), ("10:00:05.001", "fill in order 1.1")])
def test_an_order_that_expires_at_t_does_not_fill_on_the_quote_stamped_t(expires, ends):
    tape = ticks(("10:00:00", E, 1.1010, 1.1012), ("10:00:01", E, 1.1010, 1.1012), ("10:00:05", E, 1.0998, 1.1))
    script = {"a quote EURUSD 1.101 10:00:00": order("limit", 1, 1.1, expires=at(expires))}
    for cuts in [*every_cut(tape), with_clocks(tape)]:
        log, _ = perform(tape, {"a": (QuoteScribe(script=dict(script)), "M1")}, cuts=cuts)
        assert log[3].startswith(f"a {ends}"), cuts


def test_an_order_cancelled_by_t_does_not_fill_on_the_quote_stamped_t():
    from engine.core.events import Cancel

    tape = ticks(
        ("10:00:00", E, 1.1010, 1.1012), ("10:00:01", E, 1.1010, 1.1012), ("10:00:02", E, 1.1010, 1.1012),
        ("10:00:05", E, 1.0998, 1.1),
    )  # fmt: skip
    for cancelled, ends in (("10:00:04", "a canceled 10:00:05"), ("10:00:04.001", "a fill in order 1.1 10:00:05")):
        for cuts in [*every_cut(tape), with_clocks(tape)]:
            script = {
                "a quote EURUSD 1.101 10:00:00": both(order("limit", 1, 1.1), timer(cancelled)),
                f"a timer {told(at(cancelled))}": lambda s, t: Cancel(t.ts, s.id, 1),
            }
            log, _ = perform(tape, {"a": (QuoteScribe(script=script), "M1")}, latency=SECOND, cuts=cuts)
            assert log[-2] == ends, (cuts, log)


def minute_bars(*lines: tuple[str, str, float, float, float, float], symbols=(E,), spread: float = 0.0) -> ArrayTape:
    """Bars from (open time, symbol, open, high, low, close)."""
    opened = np.array([at(line[0]) for line in lines])
    index = [symbols.index(line[1]) for line in lines]
    prices = dict(zip(("open", "high", "low", "close"), zip(*(line[2:] for line in lines), strict=True), strict=True))
    flat = {"spread": np.full(len(lines), spread), "volume": np.ones(len(lines))}
    return ArrayTape.bars(symbols, ts=opened + MINUTE, ts_event=opened, symbol=index, **prices, **flat)


def test_with_bars_a_decision_at_a_close_meets_the_next_open_and_never_the_close_that_made_it():
    tape = minute_bars(
        ("10:00", E, 1.1, 1.11, 1.09, 1.105), ("10:01", E, 1.2, 1.21, 1.19, 1.205), ("10:02", E, 1.3, 1.31, 1.29, 1.305)
    )

    def make():
        return {"a": (Scribe(script={"a row EURUSD 10:01:00": order()}), "M1")}

    always(tape, make, [
        "a row EURUSD 10:01:00", "a fill in order 1.2 10:02:00", "a row EURUSD 10:02:00", "a row EURUSD 10:03:00",
    ])  # fmt: skip


def test_with_bars_every_bar_stamped_t_precedes_what_is_due_at_t():
    """A limit of the second symbol fills inside its bar: the report, then the rows, then a timer, all at 10:02."""
    symbols = (E, "USDJPY")
    tape = minute_bars(
        ("10:00", E, 1.1, 1.11, 1.09, 1.105), ("10:00", "USDJPY", 110.0, 111.0, 109.0, 110.0),
        ("10:01", E, 1.2, 1.21, 1.19, 1.205), ("10:01", "USDJPY", 110.0, 112.0, 109.0, 111.0),
        ("10:02", E, 1.3, 1.31, 1.29, 1.305), symbols=symbols,
    )  # fmt: skip

    def make():
        script = {
            "a row EURUSD 10:01:00": both(order(), order("limit", 1, 109.5, symbol="USDJPY"), timer("10:02")),
            "a timer 10:02:00": timer("10:02:30"),
        }
        return {"a": (Scribe(script=script), "M1"), "b": (Scribe(), "M1")}

    rows = [f"{name} row {symbol} 10:02:00" for symbol in symbols for name in "ab"]
    always(tape, make, [
        "a row EURUSD 10:01:00", "b row EURUSD 10:01:00", "a row USDJPY 10:01:00", "b row USDJPY 10:01:00",
        "a fill in order 1.2 10:02:00", "a accepted 10:02:00", "a fill in order 109.5 10:02:00",
        *rows, "a timer 10:02:00", "a timer 10:02:30", "a row EURUSD 10:03:00", "b row EURUSD 10:03:00",
    ])  # fmt: skip


def test_with_bars_a_timer_waits_for_the_row_of_its_moment_even_if_a_fill_came_first():
    tape = minute_bars(
        ("10:00", E, 1.1, 1.11, 1.09, 1.105), ("10:01", E, 1.2, 1.21, 1.19, 1.205), ("10:02", E, 1.3, 1.31, 1.29, 1.305)
    )

    def make():
        return {"a": (Scribe(script={"a row EURUSD 10:01:00": both(order(), timer("10:02"))}), "M1")}

    always(tape, make, [
        "a row EURUSD 10:01:00", "a fill in order 1.2 10:02:00", "a row EURUSD 10:02:00", "a timer 10:02:00",
        "a row EURUSD 10:03:00",
    ])  # fmt: skip


def test_quotes_of_one_stamp_come_by_symbol_then_in_the_order_of_the_source():
    from engine.feeds.tapes import merge

    a = [
        {"ts": [1, 5, 5], "symbol": [1, 1, 1], "bid": [1.0, 2.0, 3.0]},
        {"ts": [5, 9], "symbol": [1, 1], "bid": [4.0, 5.0]},
    ]
    b = [{"ts": [5], "symbol": [0], "bid": [6.0]}, {"ts": [5, 9], "symbol": [0, 0], "bid": [7.0, 8.0]}]
    feeds = [iter({k: np.array(v) for k, v in part.items()} for part in parts) for parts in (b, a)]
    parts = list(merge(feeds))
    assert np.concatenate([p["bid"] for p in parts]).tolist() == [1.0, 6.0, 7.0, 2.0, 3.0, 4.0, 8.0, 5.0]


def test_quotes_of_one_stamp_are_handed_on_and_matched_in_the_order_of_the_tape():
    tape = steady("10:00 EURUSD", "10:00 USDJPY", "10:00 EURUSD", "10:01 USDJPY", symbols=(E, "USDJPY"))

    def make():
        script = {"a quote USDJPY 1.1 10:00:00": order(symbol="USDJPY")}
        return {"a": (QuoteScribe(script=script), "M1"), "b": (QuoteScribe(), "M1")}

    def quote(symbol):
        return [f"{name} quote {symbol} 1.1 10:00:00" for name in "ab"]

    always(tape, make, [
        *quote(E), *quote("USDJPY"), *quote(E), "a row EURUSD 10:01:00", "b row EURUSD 10:01:00",
        "a row USDJPY 10:01:00", "b row USDJPY 10:01:00", "a fill in order 1.1002 10:01:00",
        "a quote USDJPY 1.1 10:01:00", "b quote USDJPY 1.1 10:01:00",
    ])  # fmt: skip
