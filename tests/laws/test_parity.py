"""Two lanes, one truth: the compiled run gives the Python run, fill for fill and byte for byte."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.config import AccountConfig, Config, DataConfig, RiskConfig, RunConfig, StrategyConfig, VenueConfig
from engine.core.quantity import Fee, Percent, Points, Size, Volume
from engine.core.tape import ArrayTape
from engine.strategy import Strategy, make
from tests.laws import market
from tests.laws.market import MS, SECOND, SYMBOLS
from tests.laws.pieces import Pieces, pieces, singles
from tests.laws.restless import Restless
from tests.laws.runs import Outcome, ns, play, small_tables

CROSS = {"fast": 2, "slow": 5, "stop_atr": 2.0, "reward": 1.0, "atr_period": 3}
CHANNEL = {"period": 5, "exit_period": 2, "stop_atr": 1.0, "atr_period": 3}
BANDS = {"period": 5, "deviations": 1.0, "stop_atr": 1.0, "atr_period": 3}
DIPS = {"trend": 12, "period": 2, "low": 40.0, "leave": 2, "stop_atr": 1.0, "atr_period": 3}
SESSION = {"zone": "utc", "start": "10:00", "end": "10:20", "leave": "11:30", "reward": 0.5}
HOURS = {"zone": "newyork", "enter": "03:00", "leave": "15:30", "days": "mon tue wed thu fri sat sun", "side": "long"}
OTHERS = {"bollinger_reversion": BANDS, "rsi_pullback": DIPS, "session_breakout": SESSION, "time_of_day": HOURS}


def contestant(one: StrategyConfig) -> Strategy:
    """A shipped strategy by its name, or the restless one."""
    if one.name != "restless":
        return make(one.name, one.params, one.id)
    restless = Restless(**one.params)
    restless.id = one.id
    return restless


@dataclass(frozen=True)
class Duel:
    """One run for both lanes."""

    strategies: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...] = (("ma_cross", tuple(CROSS.items())),)
    symbols: tuple[str, ...] = SYMBOLS
    kind: str = "quotes"
    mode: str = "hedging"
    latency: int = MS
    back: int = 30 * MS
    size: str = "1 % risk"
    drawdown: float | None = None
    balance: float = 50_000.0
    leverage: float = 30.0
    retries: int = 3
    frame: str = "M1"
    seed: int = 1
    hours: str = "instrument"

    def config(self, lane: str) -> Config:
        own = self.symbols if self.mode == "netting" and len(self.strategies) > 1 else ()
        strategies = tuple(
            StrategyConfig(name=name, id=f"{name}{k}", symbols=own[k : k + 1], frame=self.frame, params=dict(params))
            for k, (name, params) in enumerate(self.strategies)
        )
        drawdown = None if self.drawdown is None else Percent(self.drawdown, "%")
        return Config(
            name="duel",
            data=DataConfig("memory", (), self.symbols, self.kind, "M1"),
            account=AccountConfig("USD", self.balance, self.mode, self.leverage),
            venue=VenueConfig(
                ns(self.latency), ns(self.back), Points(2.0, "points"), Fee(3.5, "USD per lot"), hours=self.hours
            ),
            risk=RiskConfig(Size.parse(self.size), Volume(30.0, "lots"), drawdown, self.retries),
            strategy=strategies,
            run=RunConfig(lane),
        )

    @property
    def tape(self) -> ArrayTape:
        if self.kind == "bars":
            return market.bars(self.symbols, 2_400, self.seed)
        return market.quotes(self.symbols, 6_000, self.seed)

    def play(self, lane: str, cuts: Pieces = ()) -> Outcome:
        config = self.config(lane)
        return play(config, self.tape, [contestant(one) for one in config.strategies], cuts)

    def differences(self, python: Pieces = (), compiled: Pieces = ()) -> list[str]:
        """Fills that differ in any field, and a book that differs in any byte."""
        a, b = self.play("python", python), self.play("compiled", compiled)
        pairs = zip(a.fills, b.fills, strict=False)
        found = [f"fill {n}: {x} against {y}" for n, (x, y) in enumerate(pairs) if x != y][:1]
        found += [f"{len(a.fills)} against {len(b.fills)} fills"] if len(a.fills) != len(b.fills) else []
        found += ["book"] if a.book != b.book else []
        found += [f"{a.refused} against {b.refused}"] if a.refused != b.refused else []
        return found + (["samples"] if a.samples != b.samples else [])


@st.composite
def contestants(draw: st.DrawFn) -> tuple[str, tuple[tuple[str, Any], ...]]:
    params: dict[str, Any]
    name = draw(st.sampled_from(["ma_cross", "channel_breakout", "restless", *OTHERS]))
    if name in OTHERS:
        stop = {"stop_atr": draw(st.sampled_from([0.0, 0.5, 2.0]))} if "session" not in name else {}
        return name, tuple({**OTHERS[name], **stop}.items())
    if name == "restless":
        return name, (("width", draw(st.sampled_from([0.0, 0.7, 3.0]))), ("rungs", draw(st.sampled_from([1, 3]))))
    if name == "ma_cross":
        fast, stop = draw(st.integers(2, 6)), draw(st.sampled_from([0.0, 0.5, 2.0, 4.0]))
        params = {"fast": fast, "slow": fast + draw(st.integers(1, 12)), "stop_atr": stop}
        params["reward"] = draw(st.sampled_from([0.0, 0.5, 1.5])) if stop else 0.0
    else:
        leave = draw(st.integers(2, 8))
        params = {"exit_period": leave, "period": leave + draw(st.integers(0, 12))}
        params["stop_atr"] = draw(st.sampled_from([0.3, 1.0, 3.0]))
    params["atr_period"] = draw(st.integers(2, 8))
    return name, tuple(params.items())


duels = st.builds(
    Duel,
    strategies=st.lists(contestants(), min_size=1, max_size=3).map(tuple),
    symbols=st.sampled_from([SYMBOLS, SYMBOLS[:1]]),
    kind=st.sampled_from(["quotes", "quotes", "bars"]),
    mode=st.sampled_from(["hedging", "netting"]),
    latency=st.sampled_from([0, MS, 250 * MS, 90 * SECOND]),
    back=st.sampled_from([0, 30 * MS, 120 * SECOND]),
    size=st.sampled_from(["1 % risk", "5 % risk", "60 % equity", "0.30 lots", "12000 units"]),
    drawdown=st.sampled_from([None, 2.0, 10.0]),
    balance=st.sampled_from([300.0, 50_000.0]),
    leverage=st.sampled_from([2.0, 30.0]),
    retries=st.integers(0, 4),
    frame=st.sampled_from(["M1", "M5"]),
    seed=st.integers(1, 3),
).filter(lambda d: d.mode == "hedging" or len(d.strategies) <= len(d.symbols))


@settings(max_examples=40)
@given(duel=duels, data=st.data(), slide=st.booleans())
def test_the_compiled_lane_gives_the_python_run_fill_for_fill(duel: Duel, data: st.DataObject, slide: bool) -> None:
    tape = duel.tape
    cuts = [data.draw(st.one_of(st.just([]), pieces(tape))) for _ in range(2)]
    if slide:
        with small_tables():
            assert duel.differences(*cuts) == []
    else:
        assert duel.differences(*cuts) == []


@pytest.mark.parametrize("strategy", [("ma_cross", CROSS), ("channel_breakout", CHANNEL)])
@pytest.mark.parametrize("symbols", [SYMBOLS, SYMBOLS[:1]])
@pytest.mark.parametrize("latency", [0, MS, 250 * MS])
@pytest.mark.parametrize("back", [0, 30 * MS])
@pytest.mark.parametrize("mode", ["hedging", "netting"])
def test_the_lanes_agree_for_both_strategies_and_every_latency(strategy, symbols, latency, back, mode) -> None:
    name, params = strategy
    duel = Duel(((name, tuple(params.items())),), symbols, latency=latency, back=back, mode=mode)
    assert duel.differences(compiled=[(k, ()) for k in range(997, len(duel.tape), 997)]) == []


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("kind", ["quotes", "bars"])
def test_the_lanes_agree_for_every_shipped_strategy_with_a_compiled_form(name: str, kind: str) -> None:
    duel = Duel(((name, tuple(OTHERS[name].items())),), kind=kind, latency=250 * MS, hours="always")
    assert duel.differences(compiled=[(k, ()) for k in range(997, len(duel.tape), 997)]) == []
    assert len(duel.play("python").fills) >= 4


def test_single_records_and_clock_events_change_nothing_in_the_compiled_lane() -> None:
    for kind in ("quotes", "bars"):
        duel = Duel((("ma_cross", tuple(CROSS.items())), ("channel_breakout", tuple(CHANNEL.items()))), kind=kind)
        whole = duel.play("compiled")
        with small_tables():
            assert duel.play("compiled", singles(duel.tape)).differences(whole) == []


def test_these_duels_have_stops_and_profits_denials_rejections_and_retries() -> None:
    found: Counter[str] = Counter()
    cross, channel = ("ma_cross", tuple(CROSS.items())), ("channel_breakout", tuple(CHANNEL.items()))
    restless = ("restless", (("width", 0.7), ("rungs", 3)))
    changes: tuple[dict[str, Any], ...] = (
        {}, {"hours": "always"}, {"kind": "bars"}, {"drawdown": 3.0}, {"leverage": 2.0, "size": "5 % risk"},
        {"balance": 300.0, "hours": "always"},
    )  # fmt: skip
    for change in changes:
        duel = Duel((cross, channel, restless), back=90 * SECOND, latency=90 * SECOND, **change)
        assert duel.differences() == []
        found += duel.play("python").counts
    least = {
        "Fill": 2_000, "stop_loss": 250, "take_profit": 60, "in_flight": 1_000, "max_drawdown": 1_000,
        "volume_min": 100, "stop_side": 10, "not enough money": 1_000, "invalid stops": 1_000, "position closed": 50,
    }  # fmt: skip
    assert {what: (found[what], n) for what, n in least.items() if found[what] < n} == {}
