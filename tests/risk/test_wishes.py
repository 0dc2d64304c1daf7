"""Which wishes say something new: the Python lane's memory and the compiled lane's decide alike."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.events import Canceled, Denied, Fill, Rejected, Signal
from engine.drive import NEWS, collect, hear
from engine.kernels.book import BY_CLOSE, BY_STOP_OUT, CANCELED, FILL, NO_LIQUIDITY, REPORT, STOPPED_OUT, empty_book
from engine.kernels.book import REJECTED as REPORT_REJECTED
from engine.kernels.jit import jit
from engine.risk.kernels import refused, says_new
from engine.risk.terms import LIMITS, WISH, rules_of
from engine.risk.wishes import Wishes

SAY, IN_FLIGHT, DENIED, REJECTED, STOPPED, CLOSED_BY, CHANGE, TAKEN_BACK, UNWANTED = range(9)
OPS = st.sampled_from([SAY, SAY, SAY, IN_FLIGHT, DENIED, REJECTED, STOPPED, CLOSED_BY, CHANGE, TAKEN_BACK, UNWANTED])
WISHES = st.tuples(
    st.sampled_from([1.0, -1.0, 0.0, 0.5]), st.sampled_from([None, 1.0, 1.1, math.nan]), st.sampled_from([None, 1.2])
)


@jit(cache=False)
def compiled_lane(ops, strengths, stops, take_profits, wishes, rules, book, out, news, kept):
    """What `engine.drive` does with a wish and with the reports of it, without a market."""
    for n in range(len(ops)):
        wish = wishes[0, 0]
        if ops[n] == SAY:
            kept[n] = says_new(wish, strengths[n], stops[n], take_profits[n])
        elif ops[n] == IN_FLIGHT:
            wish.open = 1
        elif ops[n] == DENIED:
            refused(wish, rules[0][0, 0].retries)
        else:
            r = book[4][0]
            r.known, r.kind, r.reason, r.deal = n, FILL, BY_CLOSE if ops[n] == CLOSED_BY else BY_STOP_OUT, 1
            if ops[n] == REJECTED or ops[n] == CHANGE:
                r.kind, r.reason, r.deal = REPORT_REJECTED, 4, np.int64(ops[n] == CHANGE)
            elif ops[n] == TAKEN_BACK or ops[n] == UNWANTED:
                r.kind, r.reason, r.deal = CANCELED, NO_LIQUIDITY if ops[n] == UNWANTED else STOPPED_OUT, 0
            book[0][0].reports = 1
            _, pending = collect(book, out, 0, news, 0, False)
            hear(book, news, pending, n, wishes, rules)


def python_lane(ops: list[int], wishes: list[tuple], retries: int) -> list[bool]:
    memory, kept = Wishes(retries), []
    for op, wish in zip(ops, wishes, strict=True):
        said = False
        if op == SAY:
            said = memory.keep(Signal(1, "hand", "EURUSD", *wish))
        elif op == REJECTED:
            memory.on_rejected(Rejected(1, "hand", "EURUSD", 1, "not enough money", 1))
        elif op == CHANGE:
            memory.on_rejected(Rejected(1, "hand", "EURUSD", 1, "not enough money", 1, request=1))
        elif op in (STOPPED, CLOSED_BY):
            memory.on_fill(stop_out("stop_out" if op == STOPPED else "close_by"))
        elif op in (TAKEN_BACK, UNWANTED):
            why = "stop out" if op == TAKEN_BACK else "no liquidity"
            memory.on_canceled(Canceled(1, "hand", "EURUSD", 1, why, 1))
        else:
            memory.on_denied(Denied(1, "hand", "EURUSD", "in_flight" if op == IN_FLIGHT else "max_drawdown", 0.0, 0.0))
        kept.append(said)
    return kept


def stop_out(reason: str = "stop_loss") -> Fill:
    return Fill(1, "hand", "EURUSD", 0, 1, 1, -1, 1_000.0, 1.1, "out", 0.0, 0.0, 1_000.0, reason, 1)


@settings(max_examples=300)
@given(st.lists(st.tuples(OPS, WISHES), min_size=1, max_size=25), st.integers(0, 4))
def test_both_lanes_keep_the_same_wishes(story: list[tuple], retries: int) -> None:
    ops = [op for op, _ in story]
    number = lambda i: np.array([math.nan if w[i] is None else w[i] for _, w in story])  # noqa: E731
    limits, kept = np.zeros((1, 1), LIMITS), np.zeros(len(ops), np.bool_)
    limits["retries"] = retries
    wishes, news, book = np.zeros((1, 1), WISH), np.zeros(1, NEWS), empty_book(1)
    out = np.zeros(1, REPORT)
    compiled_lane(np.array(ops), number(0), number(1), number(2), wishes, rules_of(limits), book, out, news, kept)
    assert kept.tolist() == python_lane(ops, [w for _, w in story], retries)


def said(memory: Wishes, *strengths: float) -> list[bool]:
    return [memory.keep(Signal(1, "hand", "EURUSD", s)) for s in strengths]


def test_a_wish_repeated_says_nothing_and_a_changed_one_does() -> None:
    assert said(Wishes(), 1.0, 1.0, 0.5, 0.5, 1.0) == [True, False, True, False, True]


def test_a_refused_wish_may_be_repeated_a_stated_number_of_times() -> None:
    memory = Wishes(retries=3)
    kept = []
    for _ in range(5):
        kept += said(memory, 1.0, 1.0)
        memory.on_rejected(Rejected(1, "hand", "EURUSD", 1, "not enough money", 1))
    assert kept == [True, False, True, False, True, False, False, False, False, False]


def test_an_order_on_its_way_is_no_try() -> None:
    memory = Wishes(retries=1)
    assert said(memory, 1.0) == [True]
    for _ in range(5):
        memory.on_denied(Denied(1, "hand", "EURUSD", "in_flight", 1.0, 0.0))
        assert said(memory, 1.0, 1.0) == [True, False]


def test_a_stop_out_lets_the_same_wish_be_said_again_and_an_ordinary_exit_does_not() -> None:
    memory = Wishes()
    assert said(memory, 1.0) == [True]
    memory.on_fill(stop_out("order"))
    assert said(memory, 1.0) == [False]
    memory.on_fill(stop_out("take_profit"))
    assert said(memory, 1.0, 1.0) == [True, False]


def test_what_a_stop_out_took_back_may_be_wished_again_and_a_refused_change_is_no_refusal() -> None:
    memory = Wishes(retries=2)
    assert said(memory, 1.0) == [True]
    memory.on_rejected(Rejected(1, "hand", "EURUSD", 1, "frozen", 1, request=3))
    memory.on_canceled(Canceled(1, "hand", "EURUSD", 1, "one cancels other", 1))
    memory.on_fill(stop_out("close_by"))
    assert said(memory, 1.0) == [False]
    memory.on_canceled(Canceled(1, "hand", "EURUSD", 1, "stop out", 1))
    assert said(memory, 1.0, 1.0) == [True, False]
    memory.on_fill(stop_out("stop_out"))
    assert said(memory, 1.0) == [True]


def test_each_strategy_and_symbol_is_remembered_on_its_own() -> None:
    memory = Wishes()
    keys = [("hand", "EURUSD"), ("hand", "USDJPY"), ("other", "EURUSD")]
    assert all(memory.keep(Signal(1, strategy, symbol, 1.0)) for strategy, symbol in keys)
    memory.on_fill(stop_out())
    assert [memory.keep(Signal(1, strategy, symbol, 1.0)) for strategy, symbol in keys] == [True, False, False]


def test_a_stop_that_is_nan_is_no_stop() -> None:
    """NaN is not NaN: a strategy without a stop yet said something new at every row, past all its tries."""
    memory = Wishes(retries=2)
    kept = []
    for _ in range(4):
        kept.append(memory.keep(Signal(1, "hand", "EURUSD", 1.0, float("nan"))))
        memory.on_denied(Denied(1, "hand", "EURUSD", "stop_missing", 0.0, 0.0))
    assert kept == [True, True, False, False]
    assert not memory.keep(Signal(1, "hand", "EURUSD", 1.0, None))
