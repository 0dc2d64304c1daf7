"""Whole runs through the books: what the venue did is in the trades, the figures and the journal, and adds up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core import events as e
from engine.core.config import Config
from engine.core.errors import OnetapeError
from engine.core.schema import build
from engine.core.tape import Tape
from engine.record import Run
from engine.replay import Telling, explain, replay
from engine.report.summary import load_summary
from engine.run import Session
from engine.strategy import Strategy, dataclass, field
from tests.laws import market
from tests.laws.restless import Restless

PIP = 0.0001


@dataclass
class Tinkerer(Strategy):
    """Opens both ways with orders of every kind, moves stops, closes one position by another, and listens to all."""

    lots: float = 0.1
    heard: list[e.Event] = field(default_factory=list, init=False, repr=False)
    held: dict[int, int] = field(default_factory=dict, init=False, repr=False)
    rows: int = field(default=0, init=False, repr=False)

    def on_row(self, row: Any) -> Any:
        self.rows += 1
        n, units, price = self.rows, self.lots * 100_000, row.close
        side = 1 if n % 2 else -1
        kinds: list[dict[str, Any]] = [
            {}, {"kind": "limit", "price": price - side * PIP, "group": "one"},
            {"kind": "stop", "price": price + side * PIP, "group": "one"},
            {"kind": "stop_limit", "price": price + side * PIP, "limit": price + side * PIP},
            {"kind": "if_touched", "price": price - side * PIP}, {"kind": "trailing_stop", "trail": 3 * PIP},
            {"stop": price - side * 20 * PIP, "trail": 10 * PIP}, {"filling": "ioc", "reduce_only": True},
        ]  # fmt: skip
        made: list[e.Event] = [e.Order(row.ts, self.id, row.symbol, side, units, day=True, **kinds[n % len(kinds)])]
        longs, shorts = ([p for p, s in self.held.items() if s == side] for side in (1, -1))
        if longs and shorts and n % 5 == 0:
            made.append(e.CloseBy(row.ts, self.id, longs[0], shorts[0]))
        if self.held and n % 3 == 0:
            position, way = next(iter(self.held.items()))
            made.append(e.Modify(row.ts, self.id, position=position, stop=round(price - way * 15 * PIP, 5)))
        return made

    def on_fill(self, fill: e.Fill) -> None:
        self.heard.append(fill)
        if fill.entry == "in":
            self.held[fill.position] = fill.side
        else:
            self.held.pop(fill.position, None)

    def note(self, event: e.Event) -> None:
        self.heard.append(event)

    on_accepted = on_rejected = on_canceled = on_modified = on_triggered = note
    on_swapped = on_margin_call = on_correction = on_denied = note


def config(strategy: Any = "tinkerer", **more: dict[str, Any]) -> Config:
    table: dict[str, Any] = {
        "data": {"source": "memory", "symbols": ["EURUSD"], "kind": "quotes", "frame": "M1"},
        "account": {"balance": 1_000.0, "leverage": 500.0},
        "venue": {"commission": "3.5 USD per lot", "latency": "20 ms", "slippage": "1 points"},
        "strategy": [{"name": strategy}] if isinstance(strategy, str) else strategy,
    }  # fmt: skip
    for name, values in more.items():
        table[name] = {**table.get(name, {}), **values}
    return build(Config, {"name": "books", **table})


def session_of(made: Config, tape: Tape, strategies: Sequence[Strategy], steps: int = 0, **more: Any) -> Session:
    """A session whose market offers `steps` lot steps a record on each side (0: any volume)."""
    for one, told in zip(strategies, made.strategies, strict=True):
        one.id = told.id
    session = Session(made, tape, strategies, **more)
    session.venue.book[6]["liquidity"] = steps
    return session


def tinkered(made: Config, lots: float, seed: int = 1, steps: int = 0, n: int = 1_500) -> tuple[Run, Session, Tinkerer]:
    one = Tinkerer(lots=lots)
    session = session_of(made, market.quotes(("EURUSD",), n, seed), [one], steps, journal=Telling())
    return session.run(), session, one


def whole(amounts: Any) -> Fraction:
    """Cents, exactly."""
    return sum((Fraction(round(100 * amount)) for amount in amounts), Fraction(0))


@settings(max_examples=12, derandomize=True)
@given(st.integers(1, 50), st.sampled_from([0.1, 2.0, 4.0]), st.sampled_from([0, 100]),
       st.sampled_from(["hedging", "netting"]))  # fmt: skip
def test_start_balance_trades_corrections_and_open_costs_add_up_to_the_end_balance(
    seed: int, lots: float, steps: int, mode: str
) -> None:
    run, session, one = tinkered(config(account={"mode": mode}), lots, seed, steps)
    figures, trades, fills = run.summary.figures, run._result.trades, run.fills
    moved = whole([figures["end_balance"]]) - whole([1_000.0]) - whole([figures["corrections"]])
    assert moved == whole(t.net for t in trades) + whole([session.recorder.book.open_commission()])
    assert moved == whole(x for f in fills for x in (f.profit, f.commission, f.swap))
    assert moved == whole(a.net for a in run.summary.attribution)
    assert whole([figures["swap"]]) == whole(f.swap for f in fills) == whole(t.swap for t in trades)
    written = [frame.event for frame in session.journal.frames]  # type: ignore[attr-defined]
    assert figures["margin_calls"] == sum(isinstance(x, e.MarginCall) for x in written)
    assert figures["stop_outs"] == sum(t.reason == "stop_out" for t in trades)
    assert whole([figures["corrections"]]) == whole(x.amount for x in written if isinstance(x, e.Correction))
    told = Counter(type(x) for x in written if isinstance(x, e.Report | e.Denied))
    assert Counter(map(type, one.heard)) == told, "every strategy hears of its own, and of the account"


def test_what_the_strategies_do_here_meets_all_that_a_venue_says() -> None:
    met: Counter[str] = Counter()
    for seed, lots in ((1, 0.1), (2, 2.0), (3, 4.0)):
        _, _, one = tinkered(config(), lots, seed, steps=100)
        met.update(type(x).__name__ for x in one.heard)
        met.update(x.reason for x in one.heard if isinstance(x, e.Fill))
        met.update("part" for x in one.heard if isinstance(x, e.Fill) and x.left)
    wanted = {"Accepted", "Rejected", "Canceled", "Modified", "Triggered", "Fill", "MarginCall", "order", "stop_loss",
              "close_by", "stop_out", "part"}  # fmt: skip
    assert wanted <= set(met), met


def test_a_run_of_all_orders_replays_and_every_trade_of_it_is_explained(tmp_path: Path) -> None:
    wanted = {"order", "close_by", "stop_out"}
    seed = next(n for n in range(1, 40) if wanted <= {t.reason for t in tinkered(config(), 2.0, n)[0]._result.trades})
    tape = market.quotes(("EURUSD",), 1_500, seed)
    session = session_of(config(), tape, [Tinkerer(lots=2.0)], out=tmp_path)
    with session.recorder:
        run = session.run()
    assert run.path and replay(run.path, tape, strategies=[Tinkerer(lots=2.0)]).ok
    reasons = run.trades["exit_reason"].tolist()
    for reason in sorted(set(reasons)):
        steps = explain(run.path, 1 + reasons.index(reason), data=tape, strategies=[Tinkerer(lots=2.0)])
        kinds = [step.kind for step in steps]
        assert kinds[:2] == ["row", "order"] and kinds[-1] == "fill", "an order of its own came of a row"
        assert ("close by" in kinds) == (reason == "close_by")
        assert ("margin call" in kinds) == (reason == "stop_out")
    figures = load_summary(run.path).figures
    assert figures["stop_outs"] == reasons.count("stop_out") and figures["margin_calls"]


@pytest.mark.parametrize("mode", ["hedging", "netting"])
@pytest.mark.parametrize("kind", ["quotes", "bars"])
def test_parts_swap_and_stop_outs_reach_the_books_the_same_in_both_lanes(mode: str, kind: str) -> None:
    met: Counter[str] = Counter()
    for seed in (1, 2):
        found = []
        for lane in ("python", "compiled"):
            made = config(
                "restless", data={"kind": kind}, account={"mode": mode}, run={"lane": lane},
                risk={"size": "45000 % equity"},
            )  # fmt: skip
            tape = getattr(market, kind)(("EURUSD",), 1_500, seed)
            session = session_of(made, tape, [Restless(width=20.0, rungs=2)], 100)
            account = session.venue.book[0]
            account["level_in_money"], account["call_level"], account["stop_level"] = 0, 1.08, 1.05
            run = session.run()
            found.append((run._result.trades, run.fills, run.summary.figures, run.summary.attribution))
        assert found[0] == found[1]
        trades, fills, figures, _ = found[0]
        met.update({"calls": figures["margin_calls"], "stop-outs": figures["stop_outs"], "trades": len(trades)})
        met["parts"] += sum(1 for fill in fills if fill.left)
        assert all(trade.stop is not None for trade in trades)
    assert min(met.values()) > 1 and len(met) == 4, met


def test_a_strategy_that_reaches_for_anothers_order_ends_the_run_with_one_clear_error() -> None:
    @dataclass
    class Meddler(Strategy):
        def on_row(self, row: Any) -> Any:
            return e.Modify(row.ts, self.id, 1, price=1.0)

    @dataclass
    class Patient(Strategy):
        sent: bool = False

        def on_row(self, row: Any) -> Any:
            before, self.sent = self.sent, True
            return None if before else e.Order(row.ts, self.id, row.symbol, 1, 1_000.0, "limit", 1.0)

    made = config(strategy=[{"name": "patient"}, {"name": "meddler"}])
    with pytest.raises(OnetapeError, match="strategy meddler: order 1 is patient's, not its own"):
        session_of(made, market.quotes(("EURUSD",), 600, 1), [Patient(), Meddler()]).run()
