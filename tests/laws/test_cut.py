"""The cut law, end to end: wherever the tape is cut, and whenever a clock strikes in between, nothing changes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.config import Config
from engine.core.tape import ArrayTape
from engine.kernels.book import empty_book
from tests.laws import market
from tests.laws.pieces import Pieces, cut, pieces, singles
from tests.laws.runs import LATENCIES, REPORTS, SYMBOLS, Outcome, gamble, gamblers, play, small_tables

SIZES = ("1 % risk", "40 % equity", "0.10 lots")


@dataclass(frozen=True)
class Case:
    """One kind of run; equal cases share the run they are held against."""

    symbols: tuple[str, ...] = SYMBOLS
    kind: str = "quotes"
    mode: str = "hedging"
    latency: int = market.MS
    back: int = 30 * market.MS
    size: str = SIZES[0]
    watch: bool = False
    seed: int = 1
    live: bool = False
    """Stamps of the venue and ours differ."""
    grace: int = 0
    fill: bool = False

    @property
    def config(self) -> Config:
        return gamble(self.symbols, self.kind, self.mode, self.latency, self.back, self.size)

    @property
    def tape(self) -> ArrayTape:
        make = market.bars if self.kind == "bars" else market.delayed if self.live else market.quotes
        return make(self.symbols, 2_400 if len(self.symbols) > 1 else 1_500, self.seed)

    def play(self, cuts: Pieces = (), **options: object) -> Outcome:
        strategies = gamblers(self.config, self.watch)
        return play(self.config, self.tape, strategies, cuts, grace=self.grace, fill=self.fill, **options)


@lru_cache(maxsize=64)
def whole(case: Case) -> Outcome:
    return case.play()


cases = st.builds(
    Case,
    symbols=st.sampled_from([SYMBOLS, SYMBOLS[:1]]),
    kind=st.sampled_from(["quotes", "quotes", "bars"]),
    mode=st.sampled_from(["hedging", "hedging", "netting"]),
    latency=st.sampled_from(LATENCIES),
    back=st.sampled_from(REPORTS),
    size=st.sampled_from(SIZES),
    watch=st.booleans(),
    seed=st.integers(1, 3),
    live=st.booleans(),
    grace=st.sampled_from([0, 500 * market.MS]),
    fill=st.booleans(),
).filter(lambda case: case.kind == "quotes" or not (case.watch or case.live or case.grace))


@settings(max_examples=20)
@given(case=cases, data=st.data(), slide=st.booleans())
def test_a_run_in_pieces_is_the_run(case: Case, data: st.DataObject, slide: bool) -> None:
    cuts = data.draw(pieces(case.tape))
    if slide:
        with small_tables():
            found = case.play(cuts)
    else:
        found = case.play(cuts)
    assert found.differences(whole(case)) == []


@pytest.mark.parametrize("watch", [False, True])
@pytest.mark.parametrize("back", REPORTS)
@pytest.mark.parametrize("latency", LATENCIES)
def test_a_run_of_single_quotes_with_clocks_between_is_the_run(latency: int, back: int, watch: bool) -> None:
    case = Case(latency=latency, back=back, watch=watch, seed=4)
    with small_tables():
        found = case.play(singles(case.tape, seed=latency % 97 + back % 89))
    assert found.differences(whole(case)) == []


@pytest.mark.parametrize("mode", ["hedging", "netting"])
@pytest.mark.parametrize("latency", [0, 75 * market.MS])
def test_a_run_of_single_bars_with_clocks_between_is_the_run(latency: int, mode: str) -> None:
    case = Case(kind="bars", latency=latency, mode=mode, seed=4)
    with small_tables():
        found = case.play(singles(case.tape))
    assert found.differences(whole(case)) == []


@settings(max_examples=14)
@given(case=cases, data=st.data(), option=st.sampled_from([{"eager": True}, {"banded": False}]))
def test_an_eager_venue_and_one_without_bands_change_nothing(
    case: Case, data: st.DataObject, option: dict[str, bool]
) -> None:
    cuts = data.draw(st.one_of(st.just(()), pieces(case.tape)))
    assert case.play(cuts, **option).differences(whole(case)) == []


def test_these_runs_are_full_of_what_could_go_wrong() -> None:
    found: Counter[str] = Counter()
    for kind in ("quotes", "bars"):
        for mode in ("hedging", "netting"):
            counts = whole(Case(kind=kind, mode=mode)).counts
            assert min(counts[k] for k in ("Fill", "Denied", "Timer", "Rejected")) >= 30, (kind, mode, counts)
            found += counts
    least = {
        "Fill": 800, "stop_loss": 150, "take_profit": 70, "Timer": 200, "Cancel": 100, "canceled": 30, "expired": 200,
        "limit": 500, "stop": 400, "market": 1_000, "in_flight": 30, "stop_missing": 100, "stop_side": 100,
        "volume_min": 20, "max_drawdown": 100, "max_position": 40, "invalid stops": 100, "not enough money": 100,
        "no such order": 80, "position closed": 30, "volume below the minimum": 3,
    }  # fmt: skip
    assert {what: found[what] for what, n in least.items() if found[what] < n} == {}


def test_the_tapes_tie_gap_and_slide() -> None:
    for symbols in (SYMBOLS, SYMBOLS[:1]):
        ts = Case(symbols=symbols).tape.block.ts
        steps = ts[1:] - ts[:-1]
        assert (steps == 0).sum() > 200 and (ts % market.MINUTE == 0).sum() > 80
        assert (steps > market.HOUR).sum() >= 3 and (steps > market.DAY).any() and (steps < market.SECOND).mean() > 0.3
    case = Case()
    with small_tables():
        assert case.play(singles(case.tape, 0.0)).slides > 500


def test_a_book_that_grows_all_the_time_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [Case(kind=kind, mode=mode) for kind in ("quotes", "bars") for mode in ("hedging", "netting")]
    expected = [whole(case) for case in cases]
    tiny = partial(empty_book, orders=1, positions=1)
    monkeypatch.setattr("engine.kernels.book.empty_book", tiny)
    for case, outcome in zip(cases, expected, strict=True):
        assert case.play(cut(case.tape, set(range(100, 2_400, 100)), 0.5, 1)).differences(outcome) == []


@pytest.mark.parametrize("look_ahead", [1, 3, 50])
def test_how_far_the_scan_looks_ahead_changes_nothing(look_ahead: int, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = (Case(), Case(kind="bars"), Case(watch=True, latency=0, back=0))
    expected = [whole(case) for case in cases]
    monkeypatch.setattr("engine.loop.LOOK_AHEAD", look_ahead)
    assert [case.play().differences(outcome) for case, outcome in zip(cases, expected, strict=True)] == [[], [], []]


def test_a_market_of_seventy_symbols_is_cut_like_any_other() -> None:
    """More symbols than the quick path has bits to tick them off with; the account is sized on all of them."""
    n, draw = 2_000, np.random.default_rng(5)
    symbols = ("EURUSD", *(f"S{k:02}" for k in range(69)))
    declared = tuple(
        {"symbol": s, "base_currency": "AAA", "profit_currency": "USD", "digits": 5, "contract_size": 100_000.0}
        for s in symbols[1:]
    )
    ts = market.START + np.cumsum(draw.integers(0, 3_000, n)) * market.MS
    level = 11_000 + np.cumsum(draw.integers(-2, 3, n))
    index = draw.integers(0, 70, n)
    tape = ArrayTape.quotes(symbols, ts=ts, symbol=index, bid=level / 1e4, ask=(level + 2) / 1e4)
    config = replace(gamble(symbols, size="40 % equity"), instrument=declared)
    base = play(config, tape, gamblers(config))
    assert base.counts["Fill"] > 30
    assert play(config, tape, gamblers(config), cut(tape, set(range(9, n, 9)), 0.3, 1)).differences(base) == []
    assert play(config, tape, gamblers(config), banded=False).differences(base) == []
