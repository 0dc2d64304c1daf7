"""What a handler may return, and what is said when it returns something else."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.errors import ConfigError, OnetapeError
from engine.core.events import Signal, Timer
from tests.laws import market
from tests.laws.market import SECOND
from tests.laws.script import QuoteScribe, Scribe, at, perform, ticks

TAPE = ticks(*((text, "EURUSD", 1.1, 1.1002) for text in ("10:00:10", "10:01", "10:01:30", "10:02")))


def answered(answer: Any) -> list[str]:
    scribe = Scribe(script={"a row EURUSD 10:01:00": answer})
    return perform(TAPE, {"a": (scribe, "M1")})[0]


@pytest.mark.parametrize("wrong", [5, "long", 1.5, ["long"], [None], object()])
def test_what_is_no_event_is_named(wrong: Any) -> None:
    with pytest.raises(OnetapeError, match="a handler returned .*: it returns events, a list of them or None"):
        answered(lambda scribe, row: wrong)


def test_a_moment_that_is_no_whole_number_is_refused_before_a_journal_holds_it() -> None:
    with pytest.raises(OnetapeError, match="`ts` is whole ns"):
        answered(lambda scribe, row: Timer(row.ts + 1e9, scribe.id))


def test_a_decision_cannot_be_put_into_the_past() -> None:
    with pytest.raises(OnetapeError, match="decisions cannot be put into the past"):
        answered(lambda scribe, row: Timer(row.ts - 1, scribe.id))


def test_a_handler_may_be_a_generator_or_return_any_list() -> None:
    def several(scribe: Scribe, row: Any) -> Any:
        yield scribe.long(row)
        yield Timer(row.ts + SECOND, scribe.id, "x")

    expected = [
        "a row EURUSD 10:01:00",
        "a fill in order 1.1002 10:01:00",
        "a timer x 10:01:01",
        "a row EURUSD 10:02:00",
    ]
    assert answered(several) == answered(lambda s, r: tuple(several(s, r))) == expected


def test_an_event_dated_later_is_published_when_it_is_due() -> None:
    later = answered(lambda s, row: Signal(at("10:01:20"), s.id, "EURUSD", 1.0))
    assert later == ["a row EURUSD 10:01:00", "a fill in order 1.1002 10:01:30", "a row EURUSD 10:02:00"]


def test_a_strategy_that_looks_at_quotes_is_refused_on_a_tape_of_bars() -> None:
    with pytest.raises(ConfigError, match=r"strategy a looks at quotes \(on_quote\), the tape holds bars alone"):
        perform(market.bars(("EURUSD",), 10), {"a": (QuoteScribe(), "M1")})
