"""One of several: Hedge against its formula and its bound, choices that hold on, paper that nobody's choice changes."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine.core.config import Config, DataConfig, StrategyConfig
from engine.core.errors import ConfigError
from engine.core.load import load
from engine.core.schema import build
from engine.features import atr, regime
from engine.feeds.tapes import open_tape
from engine.lookahead import check_lookahead
from engine.run import Session, make_strategies
from engine.strategy import Signal, Strategy, Timer, dataclass, make, strategy
from strategies._choice import Steady
from strategies._hedge import Hedge
from strategies._paper import Paper
from tests.laws import market
from tests.laws.runs import gamble, play, small_tables
from tests.strategies.test_hours import Signals

SPAN = ("2017-01", "2017-06")
QUICK = {"of": "ma_cross", "params": {"fast": 3, "slow": 12, "stop_atr": 0.0}}
SLOW = {"of": "ma_cross", "params": {"fast": 5, "slow": 20, "stop_atr": 0.0}}
BANDS = {"of": "bollinger_reversion", "params": {"period": 10, "deviations": 1.5}}
RULES = {"of": "rules", "params": {"file": "pullback"}}
NAMES = st.lists(st.sampled_from("abc"), max_size=60)
GAINS = st.lists(st.dictionaries(st.sampled_from("abc"), st.floats(-1.0, 1.0)), max_size=80)


def config(among: dict[str, Any], **params: Any) -> Config:
    """Through a file's text, as rules are read from their own."""
    one = {"name": "selected", "params": {"among": among, **params}}
    return build(Config, {"name": "selected", "data": DATA, "risk": {"size": "20000 units"}, "strategy": [one]})


DATA = {"source": "demo", "symbols": ["EURUSD"], "basis": "ask", "spread": "10 points"}


def tape(span: tuple[str, str] = SPAN) -> Any:
    return open_tape("demo", ["EURUSD"], "H1", *span, "10 points")


def watched(made: Config) -> tuple[list[Any], list[Signal], Any]:
    """(row, chosen, weights, deals by now) at every bar, the signals, and the strategy."""
    (one,), journal = make_strategies(made), Signals()
    on_row, seen = one.on_row, []

    def listen(row: Any) -> Any:
        returned = on_row(row)
        assert returned is None or isinstance(returned, Signal) or len(returned) <= 1, "one wish per bar"
        desk = one._desks["EURUSD"]  # type: ignore[attr-defined]
        seen.append((row, desk.choice.chosen, dict(desk.hedge.weights), one.why("EURUSD")))
        return returned

    one.on_row = listen  # type: ignore[method-assign]
    Session(made, tape(), [one], journal=journal).run()
    return seen, journal.heard, one


@given(GAINS, st.floats(0.01, 3.0))
def test_weights_are_those_of_freund_and_schapire_and_keep_their_promise(rounds: list[Any], rate: float) -> None:
    hedge, sums, paid = Hedge(tuple("abc"), rate), np.zeros(3), 0.0
    for gains in rounds:
        drawn = np.array([gains.get(name, 0.0) for name in "abc"])
        paid += float(np.array(list(hedge.weights.values())) @ (1.0 - drawn) / 2.0)
        hedge.round(gains)
        sums += drawn
    raw = np.exp(rate * (sums - sums.max()))
    assert list(hedge.weights.values()) == pytest.approx(raw / raw.sum(), abs=1e-9)
    eta, best = 2.0 * rate, float((len(rounds) - sums.max()) / 2.0)  # theorem 2, with beta = exp(-eta)
    assert paid <= (best * eta + math.log(3.0)) / (1.0 - math.exp(-eta)) + 1e-9


@given(GAINS, st.floats(0.01, 3.0), st.floats(0.0, 0.33), st.floats(1.0, 50.0))
def test_no_weight_falls_below_the_floor_and_what_was_earned_fades(
    rounds: list[Any], rate: float, floor: float, memory: float
) -> None:
    hedge = Hedge(tuple("abc"), rate, memory, floor)
    for gains in rounds:
        hedge.round(gains)
        assert sum(hedge.weights.values()) == pytest.approx(1.0) and min(hedge.weights.values()) >= floor - 1e-12
    before = math.log(hedge.weights["a"] / hedge.weights["b"])
    for _ in range(round(memory)):
        hedge.round({})
    if not floor:
        after = math.log(hedge.weights["a"] / hedge.weights["b"])
        assert after == pytest.approx(before * 0.5 ** (round(memory) / memory), abs=1e-6)


@given(NAMES, st.integers(1, 5))
def test_a_choice_changes_only_when_another_was_wanted_for_long_enough(wanted: list[str], bars: int) -> None:
    steady, chosen = Steady(bars), ""
    for k, one in enumerate(wanted):
        last = wanted[max(k + 1 - bars, 0) : k + 1]
        if not chosen or (len(last) == bars and set(last) == {one}):
            chosen = one
        assert steady.see(one) == chosen
        run = [name for name in (steady.chosen,) if name == one]
        assert (steady.held >= 1) and (not run or steady.wanted == chosen)


@dataclass
class Bar:
    open: float
    high: float
    low: float
    close: float
    spread: float = 0.25
    ts: int = 0
    symbol: str = "EURUSD"


def wish(strength: float, stop: float | None = None, take_profit: float | None = None) -> Signal:
    return Signal(0, "x", "EURUSD", strength, stop, take_profit)


@pytest.mark.parametrize("way", [1.0, -1.0])
def test_exits_on_paper_are_at_the_level_at_the_open_beyond_it_and_the_stop_first(way: float) -> None:
    def bar(*prices: float) -> Bar:
        first, high, low, last = (10.0 + way * p for p in prices)
        return Bar(first, max(high, low), min(high, low), last)

    for later, price, reason in [
        (bar(0.0, 0.5, -1.0, 0.0), -1.0, "stop_loss"), (bar(-2.0, 0.0, -3.0, 0.0), -2.0, "stop_loss"),
        (bar(0.0, 2.0, -0.5, 0.0), 2.0, "take_profit"), (bar(3.0, 4.0, 2.5, 3.0), 3.0, "take_profit"),
        (bar(0.0, 2.5, -1.5, 0.0), -1.0, "stop_loss"),
    ]:  # fmt: skip
        paper = Paper()
        (opened,) = paper.wish(bar(0.0, 9.0, -9.0, 0.0), wish(way * 0.5, 10.0 - way, 10.0 + 2.0 * way))
        assert (opened.entry, opened.side, opened.price) == ("in", way, 10.0)
        assert paper.bar(bar(0.0, 1.9, -0.9, 0.0)) == [] == paper.wish(bar(0.0, 1.0, -0.5, 0.5), wish(way))
        (closed,) = paper.bar(later)
        assert (closed.entry, closed.price, closed.reason) == ("out", 10.0 + way * price, reason)
        assert closed.result == pytest.approx(0.5 * (price - 0.25)) and paper.bar(later) == []


@given(st.lists(st.tuples(st.floats(1.0, 2.0), st.sampled_from([-1.0, 0.0, 1.0])), min_size=2, max_size=30))
def test_without_exits_paper_earns_what_closes_moved_less_a_spread_a_trade(steps: list[tuple[float, float]]) -> None:
    paper, deals = Paper(), []
    for close, side in [*steps, (1.5, 0.0)]:
        deals += paper.wish(Bar(close, close, close, close), wish(side))
    sides = [side for _, side in steps]
    closes = [*(close for close, _ in steps), 1.5]
    moved = sum(side * (b - a) for side, (a, b) in zip(sides, pairwise(closes), strict=True))
    count = sum(1 for a, b in pairwise([0.0, *sides]) if b and a != b)
    assert sum(d.result for d in deals) == pytest.approx(moved - 0.25 * count, abs=1e-9)
    assert [d.entry for d in deals] == ["in", "out"] * count


def test_who_always_suits_is_as_if_alone() -> None:
    made = config({"one": SLOW, "other": QUICK}, regime="close > 0", suits={"true": "one", "false": "other"})
    seen, heard, _ = watched(made)
    alone = build(Config, {"name": "x", "data": DATA, "risk": {"size": "20000 units"},
                           "strategy": [{"name": "ma_cross", "params": SLOW["params"]}]})  # fmt: skip
    journal = Signals()
    Session(alone, tape(), make_strategies(alone), journal=journal).run()
    found = [(s.ts, s.strength, s.stop) for s in heard]
    assert found == [(s.ts, s.strength, s.stop) for s in journal.heard] and len(found) > 100
    assert {chosen for _, chosen, *_ in seen} == {"one"}
    assert engine.backtest(made, tape()).trades["net_profit"].tolist() == (
        engine.backtest(alone, tape()).trades["net_profit"].tolist()
    )


def test_the_regime_decides_after_it_has_lasted_and_the_new_one_takes_over_what_it_holds() -> None:
    made = config({"trend": SLOW, "range": BANDS}, regime="regime().regime", dwell=4,
                  suits={"1": "trend", "-1": "flat", "0": "range"})  # fmt: skip
    seen, heard, one = watched(made)
    frame = engine.frame({"now": regime().regime}, tape())
    values = dict(zip(next(tape().blocks()).ts.tolist(), frame["now"].tolist(), strict=True))
    chosen, wanted, signals = None, [], {s.ts: s for s in heard}
    changes = 0
    for row, found, _, why in seen:
        wanted.append({1.0: "trend", -1.0: "flat", 0.0: "range"}[values[row.ts]])
        before = chosen
        if chosen is None or len(set(wanted[-4:])) == 1:
            chosen = wanted[-1]
        assert found == chosen and why.startswith(f"{chosen} chosen for ")
        if before != chosen == "flat":
            assert row.ts not in signals or signals[row.ts].strength == 0.0
        changes += before not in (None, chosen)
    assert changes > 30 and {chosen for _, chosen, *_ in seen} == {"trend", "range", "flat"}
    assert one.why("GBPUSD") == ""


def test_at_a_change_what_the_new_one_holds_on_paper_with_its_exits_is_wished() -> None:
    made = config({"quick": QUICK, "bands": BANDS}, regime="close - sma(20) > 0", dwell=3,
                  suits={"true": "quick", "false": "bands"})  # fmt: skip
    (one,) = make_strategies(made)
    on_row, last, joined = one.on_row, [None], []

    def listen(row: Any) -> Any:
        returned = on_row(row)
        desk = one._desks["EURUSD"]  # type: ignore[attr-defined]
        if last[0] not in (None, desk.choice.chosen):
            held = desk.papers[desk.choice.chosen]
            exits = (held.stop, held.take_profit) if held.side else (None, None)
            assert (returned.strength, returned.stop, returned.take_profit) == (held.strength, *exits)
            joined.append(returned.stop)
        last[0] = desk.choice.chosen
        return returned

    one.on_row = listen  # type: ignore[method-assign]
    Session(made, tape(), [one]).run()
    assert len(joined) > 50 and any(stop is not None for stop in joined) and None in joined


@pytest.mark.parametrize("dwell", [1, 4])
def test_what_is_wished_is_at_every_bar_what_the_chosen_one_holds_on_paper(dwell: int) -> None:
    stopped = {"of": "ma_cross", "params": {"fast": 3, "slow": 12, "stop_atr": 1.0, "reward": 1.5}}
    made = config({"quick": stopped, "bands": BANDS}, margin=0.0, rate=2.0, dwell=dwell)
    (one,), stands, ended = make_strategies(made), [0.0], [0]
    on_row = one.on_row

    def listen(row: Any) -> Any:
        returned = on_row(row)
        for said in returned if isinstance(returned, list) else [returned] if returned else []:
            stands[0] = said.strength
        desk = one._desks["EURUSD"]  # type: ignore[attr-defined]
        assert stands[0] == desk.papers[desk.choice.chosen].strength
        ended[0] += desk.choice.chosen in desk.ended
        return returned

    one.on_row = listen  # type: ignore[method-assign]
    run = Session(made, tape(), [one]).run()
    assert ended[0] > 40 and len(run.trades) > 100


def deals_of(made: Config) -> dict[str, list[Any]]:
    (one,) = make_strategies(made)
    heard: dict[str, list[Any]] = {}
    experts = one._experts  # type: ignore[attr-defined]
    for name, expert in experts.items():
        inner, kept = getattr(expert.inner, "on_fill", None), heard.setdefault(name, [])

        def listen(fill: Any, inner: Any = inner, kept: Any = kept) -> Any:
            kept.append((fill.ts, fill.entry, fill.side, fill.price, fill.profit, fill.reason))
            return inner(fill) if inner else None

        expert.inner.on_fill = listen
    Session(made, tape(), [one]).run()
    return heard


def test_what_a_strategy_does_on_paper_never_hangs_on_being_chosen() -> None:
    among = {"rules": load_rules(), "bands": BANDS}
    whole = deals_of(config(among, regime="close > 0", suits={"true": "rules"}))
    other = deals_of(config(among, regime="close > 0", suits={"true": "bands"}))
    by_results = deals_of(config(among))
    assert whole == other == by_results
    for deals in whole.values():
        assert len(deals) > 50 and [d[1] for d in deals[:40]] == ["in", "out"] * 20
    assert {d[5] for d in whole["bands"]} == {"order", "stop_loss"}


def test_the_order_of_a_table_says_nothing() -> None:
    """A journal writes tables by name; that it replays, tests/test_determinism.py shows."""
    names = {"d": QUICK, "b": SLOW, "c": BANDS, "a": {"of": "channel_breakout"}}
    one, other = (engine.backtest(config(dict(order), dwell=2, margin=0.0), tape(("2017-01", "2017-04")))
                  for order in (names.items(), reversed(names.items())))  # fmt: skip
    assert one.digest == other.digest and len(one.trades) > 60


def load_rules() -> dict[str, Any]:
    """The strategy of rules inside a shipped config: its file has been read."""
    return load("demo-hedge", env={}).strategies[0].params["among"]["dips"]


def test_rules_inside_other_strategies_are_read_from_their_file(tmp_path: Any) -> None:
    assert load_rules()["params"]["rules"]["long"] and load_rules()["params"]["source"] == "pullback.toml"
    text = 'name = "x"\n[data]\nsource = "demo"\nsymbols = ["EURUSD"]\n[[strategy]]\nname = "filtered"\n'
    (tmp_path / "x.toml").write_text(text + 'params = { of = "rules", params = { file = "pullback" } }\n')
    assert load(tmp_path / "x.toml", env={}).strategies[0].params["params"]["rules"]["long"]
    (tmp_path / "x.toml").write_text(text + 'params = { of = "rules", params = { file = "pulback" } }\n')
    with pytest.raises(ConfigError, match=r"strategy\[0\].params.params.file: no rules are called 'pulback': did you"):
        load(tmp_path / "x.toml", env={})


def test_weights_come_from_paper_trades_that_have_closed_by_then() -> None:
    """Every weight and choice of half a year, worked out again from the strategies' own signals with numpy."""
    made = config({"quick": QUICK, "slow": SLOW}, rate=0.7, full=2.0, floor=0.1, memory=300.0, margin=0.15, dwell=5)
    seen, _, _ = watched(made)
    block = next(tape().blocks())
    reach = engine.frame({"reach": atr(14)}, tape())["reach"].to_numpy()
    rows = {ts: k for k, ts in enumerate(block.ts.tolist())}
    first = rows[seen[0][0].ts]
    gains = np.zeros((len(block.ts), 2))
    for n, params in enumerate((QUICK, SLOW)):
        alone = build(Config, {"name": "x", "data": DATA, "risk": {"size": "20000 units"},
                               "strategy": [{"name": "ma_cross", "params": params["params"]}]})  # fmt: skip
        journal = Signals()
        Session(alone, tape(), make_strategies(alone), journal=journal).run()
        said = [(rows[s.ts], s.strength) for s in journal.heard if rows[s.ts] > first]
        for (a, side), (b, _) in pairwise(said):
            earned = side * (block.close[b] - block.close[a]) - block.spread[a]
            gains[b, n] = np.clip(earned / (2.0 * reach[a]), -1.0, 1.0)
    weights, chosen, wanted = np.array([0.5, 0.5]), 0, []
    for row, found, shown, _ in seen:
        raw = weights ** (0.5 ** (1 / 300)) * np.exp(0.7 * gains[rows[row.ts]])
        weights = raw / raw.sum()
        weights = np.clip(weights, 0.1, 0.9)
        best = int(weights[1] > weights[0])
        wanted.append(best if weights[best] > weights[chosen] + 0.15 else chosen)
        if len(wanted) >= 5 and len(set(wanted[-5:])) == 1:
            chosen = wanted[-1]
        assert list(shown.values()) == pytest.approx(weights, abs=1e-9)
        assert found == ("quick", "slow")[chosen]
    spread = pd.Series([w["quick"] for _, _, w, _ in seen])
    assert spread.max() == pytest.approx(0.9) or spread.min() == pytest.approx(0.1)
    assert len({found for _, found, *_ in seen}) == 2 and (np.abs(gains).sum(axis=0) > 3.0).all()


def test_nothing_looks_ahead_by_regime() -> None:
    """By results: with all other strategies, in tests/test_lookahead_strategies.py."""
    suits = {"1": "quick", "-1": "quick", "0": "bands"}
    made = config({"quick": QUICK, "bands": BANDS}, regime="regime().regime", suits=suits, dwell=2)
    assert check_lookahead("selected", tape(("2017-02-20", "2017-04-08")), made, 5) is None


def test_an_object_can_be_run_twice() -> None:
    one = make("selected", {"among": {"quick": QUICK, "bands": BANDS}, "dwell": 2})
    first, again = (engine.backtest(one, tape(("2017-01", "2017-03"))) for _ in range(2))
    assert first.digest == again.digest and one._desks == {}  # type: ignore[attr-defined]


def test_strategies_in_front_of_strategies_may_stand_in_front_of_each_other() -> None:
    gate = {
        "of": "ma_cross",
        "params": QUICK["params"],
        "larger": "",
        "regime": "adx(14).adx > 15",
        "before_close": 60.0,
    }
    among = {"gated": {"of": "filtered", "params": gate}, "bands": BANDS}
    inner = {"among": among, "regime": "adx(14).adx > 20", "suits": {"true": "gated", "false": "bands"}, "dwell": 3}
    one = {"of": "confident", "params": {"of": "selected", "params": inner, "learn": 10, "least": 0.3}}
    outer = {"name": "filtered", "params": {**one, "larger": "", "regime": "side * (close - sma(200)) > -1"}}
    made = build(Config, {"name": "x", "data": DATA, "risk": {"size": "20000 units"}, "strategy": [outer]})
    run = engine.backtest(made, tape())
    plain = engine.backtest(config(**{**inner, "among": among}), tape())
    assert 20 < len(run.trades) < len(plain.trades)


def test_two_symbols_are_chosen_for_apart_however_the_tape_is_cut() -> None:
    two = ("EURUSD", "GBPJPY")
    params = {"among": {"quick": QUICK, "bands": BANDS}, "dwell": 2, "margin": 0.0, "rate": 2.0}

    def run(symbols: tuple[str, ...], pieces: Any = ()) -> Any:
        base = gamble(two, "bars", size="20000 units", drawdown=None)
        one = StrategyConfig(name="selected", id="selected", symbols=symbols, frame="M1")
        made = replace(base, strategy=(one,), data=DataConfig("memory", (), two, "bars", "M1"), rates={"USDJPY": 110.0})
        return play(made, market.bars(two, 900, 4), [make("selected", params, "selected")], pieces)

    whole = run(two)
    with small_tables():
        assert run(two, [(k, ()) for k in range(11, 900, 11)]).differences(whole) == []
    for symbol in two:
        alone, both = ([(s.ts, s.strength, s.stop) for _, _, s in found.frames if isinstance(s, Signal) and
                        s.symbol == symbol] for found in (run((symbol,)), whole))  # fmt: skip
        assert alone == both and len(both) > 20


@strategy
@dataclass
class Answering(Strategy):
    """Does what a strategy inside another may not."""

    what: str = ""

    def on_row(self, row: Any) -> Any:
        return Timer(row.ts + 1, self.id) if self.what == "timer" else self.long(row)

    def on_fill(self, fill: Any) -> Any:
        return self.flat(fill) if self.what == "fill" else None

    def on_start(self) -> Any:
        return [Timer(1, self.id)] if self.what == "start" else None


@strategy
@dataclass
class Quoting(Strategy):
    """Looks at every quote."""

    def on_row(self, row: Any) -> Any:
        return None

    def on_quote(self, quote: Any) -> Any:
        return None


TWO = {"a": QUICK, "b": BANDS}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "among names two at least"), ({"among": {"a": QUICK}}, "among names two at least"),
        ({"among": {"a": QUICK, "flat": BANDS}}, "'flat' is no name here"),
        ({"among": {"a": QUICK, "b c": BANDS}}, "'b c' is no name here"),
        ({"among": {"a": QUICK, "b": {"off": "ma_cross"}}}, 'among.b: write { of = "ma_cross"'),
        ({"among": {"a": QUICK, "b": {"of": "ma_cros"}}}, "did you mean ma_cross"),
        ({"among": {"a": QUICK, "b": {"of": "selected"}}}, "selected: of cannot be selected itself"),
        ({"among": {"a": QUICK, "b": {"of": "grid"}}}, "grid manages orders itself .on_order.: only wishes at rows"),
        ({"among": {"a": QUICK, "b": {"of": "quoting"}}}, "quoting trades at quotes .on_quote.: only wishes at rows"),
        ({"among": TWO, "regime": "regime().regime"}, "regime and suits go together"),
        ({"among": TWO, "regime": "regime().regime", "suits": {"1": "aa"}}, "suits.1: 'aa' is nobody: did you mean a"),
        ({"among": TWO, "regime": "regime().regime", "suits": {"up": "a"}}, "is a number, as 0 or -1, not 'up'"),
        ({"among": TWO, "regime": "close > 1", "suits": {"1": "a"}}, "is true or false, not '1'"),
        ({"among": TWO, "regime": "clos", "suits": {"1": "a"}}, "did you mean close"),
        ({"among": TWO, "dwell": 0}, "dwell is at least 1"), ({"among": TWO, "floor": 0.5}, "so is floor times"),
        ({"among": TWO, "rate": 0.0}, "rate lies between"), ({"among": TWO, "dwel": 3}, "did you mean dwell"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make("selected", params)


@pytest.mark.parametrize(
    ("of", "params", "message"),
    [
        ("answering", {"what": "timer"}, "selected: answering returns Timer: only wishes can be judged"),
        ("answering", {"what": "fill"}, "selected: answering answers its fills"),
        ("answering", {"what": "start"}, "selected: answering schedules timers"),
    ],
)
def test_what_shows_itself_only_in_a_run_ends_it_with_one_message(of: str, params: Any, message: str) -> None:
    made = config({"a": QUICK, "b": {"of": of, "params": params}})
    with pytest.raises(ConfigError, match=message):
        engine.backtest(made, tape())


@pytest.mark.parametrize("name", ["selected", "filtered", "confident"])
def test_two_legs_cannot_be_judged_one_by_one(name: str) -> None:
    two = ("EURUSD", "GBPJPY")
    pair = {"of": "pairs", "params": {"x": "GBPJPY", "period": 20, "enter": 1.2}}
    params = {"among": {"a": QUICK, "b": pair}} if name == "selected" else pair
    one = {"name": name, "frame": "M1", "params": params}
    data = {"source": "memory", "symbols": list(two), "kind": "bars", "frame": "M1"}
    made = build(Config, {"name": "x", "data": data, "rates": {"USDJPY": 110.0}, "strategy": [one]})
    with pytest.raises(ConfigError, match=rf"{name}: pairs wishes for \w+ at a bar of \w+: one symbol at a time"):
        engine.backtest(made, market.bars(two, 400, 4))


@pytest.mark.parametrize("name", ["demo-filtered", "demo-confident", "demo-selected", "demo-hedge"])
def test_the_compiled_lane_says_that_it_cannot(name: str) -> None:
    made = load(name, env={}, sets=["run.lane=compiled"])
    with pytest.raises(ConfigError, match='has no compiled form: set run.lane = "python"'):
        engine.backtest(made)
