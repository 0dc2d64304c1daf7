"""What trading cost: every deal against the middle of its quote, and sums that meet to the cent."""

from __future__ import annotations

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.core.tape import ArrayTape
from engine.record import Run
from engine.run import Session
from tests.laws import market
from tests.laws.runs import gamble, gamblers

CENT = Decimal("0.01")


def played(tape: ArrayTape, mode: str = "hedging", **options: object) -> Run:
    config = gamble(tape.symbols, tape.kind, mode, **options)  # type: ignore[arg-type]
    return Session(config, tape, gamblers(config)).run()


def cents(amount: float | None) -> int:
    return round(100 * (amount or 0.0))


@settings(max_examples=12)
@given(st.integers(0, 10_000), st.sampled_from(["hedging", "netting"]), st.booleans())
def test_market_move_less_every_cost_is_the_net_profit_to_the_cent(seed: int, mode: str, on_bars: bool) -> None:
    tape = market.bars(n=600, seed=seed) if on_bars else market.quotes(n=900, seed=seed)
    run = played(tape, mode)
    trades, f = run._result.trades, run.summary.figures
    for t in trades:
        parts = (t.move, t.spread, t.slippage, t.commission, t.swap)
        assert sum(map(cents, parts)) == cents(t.net)
        assert t.spread <= 0.0 and t.value > 0.0
    names = ("market_move", "spread_cost", "slippage_cost", "commission", "swap", "corrections")
    assert sum(cents(f[name]) for name in names) == cents(f["net_profit"])
    for row in run.summary.attribution:
        mine = [t for t in trades if t.strategy == row.strategy]
        assert cents(row.spread) == sum(cents(t.spread) for t in mine)
        assert cents(row.slippage) == sum(cents(t.slippage) for t in mine)
    days = run._result.days
    for name in ("move", "spread", "slippage", "commission", "swap", "net"):
        assert sum(cents(getattr(day, name)) for day in days) == sum(cents(getattr(t, name)) for t in trades)


def lone(seed: int) -> ArrayTape:
    """Quotes of EURUSD without two of one stamp, so that a deal's quote can be looked up."""
    block = market.quotes(("EURUSD",), 1_500, seed).block
    first = np.unique(block.ts, return_index=True)[1]
    columns = {name: getattr(block, name)[first] for name in ("ts", "symbol", "bid", "ask")}
    return ArrayTape.quotes(("EURUSD",), **columns)


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_the_cost_of_a_position_is_that_of_its_deals_against_the_quotes_of_the_tape(seed: int) -> None:
    tape = lone(seed)
    run = played(tape)
    quotes = {int(ts): (Decimal(str(b)), Decimal(str(a))) for ts, b, a in
              zip(tape.block.ts, tape.block.bid, tape.block.ask, strict=True)}  # fmt: skip
    spread: dict[int, Decimal] = defaultdict(Decimal)
    slip: dict[int, Decimal] = defaultdict(Decimal)
    left: dict[int, float] = defaultdict(float)
    for fill in run.fills:
        if fill.reason == "close_by":
            left[fill.position] -= fill.units
            continue
        bid, ask = quotes[fill.ts_event]
        units, price = Decimal(str(fill.units)), Decimal(str(fill.price))
        spread[fill.position] -= ((ask - bid) / 2 * units).quantize(CENT, ROUND_HALF_UP)
        worse = fill.side * (price - (ask if fill.side > 0 else bid))
        assert worse in (0, Decimal("0.00003")), "three points, or a limit"
        slip[fill.position] -= (worse * units).quantize(CENT, ROUND_HALF_UP)
        left[fill.position] += fill.units if fill.entry == "in" else -fill.units
    closed = [position for position, units in left.items() if not units]
    for position in closed:
        mine = [t for t in run._result.trades if t.position == position]
        assert sum(cents(t.spread) for t in mine) == int(100 * spread[position])
        assert sum(cents(t.slippage) for t in mine) == int(100 * slip[position])


def test_the_positions_looked_at_are_many() -> None:
    assert sum(len(played(lone(seed))._result.trades) for seed in range(3)) > 60


def test_the_demo_pays_ten_points_of_spread_and_a_point_of_slippage_at_each_end() -> None:
    trades = engine.backtest("demo").trades
    once = (trades["units"] * 0.00005).map(lambda x: float(Decimal(f"{x:.6f}").quantize(CENT, ROUND_HALF_UP)))
    assert (-2 * once).round(2).tolist() == trades["spread_cost"].tolist()
    assert trades["slippage_cost"].tolist() == (-2 * 0.00001 * trades["units"]).round(2).tolist()


def test_both_lanes_book_the_same_costs() -> None:
    bus, fast = (engine.backtest(engine_config(lane)) for lane in ("python", "compiled"))
    columns = ["spread_cost", "slippage_cost", "value", "best_price", "worst_price", "net_profit"]
    assert bus.trades[columns].equals(fast.trades[columns]) and len(bus.trades) == 87


def engine_config(lane: str) -> object:
    from engine.core.load import load

    return load("demo", sets=[f"run.lane={lane}"], env={})


def test_slippage_on_the_good_side_is_a_gain() -> None:
    from engine.core.events import DealCost, Fill
    from engine.core.instrument import instrument
    from engine.portfolio.trades import TradeBook

    book = TradeBook({"EURUSD": instrument("EURUSD")})
    deal = {"strategy": "x", "symbol": "EURUSD", "position": 1, "units": 10_000.0, "reason": "order", "balance": 0.0}
    book.on_fill(Fill(1, **deal, order=1, deal=1, side=1, price=1.1, entry="in", profit=0.0, commission=0.0,
                      ts_event=1), DealCost(-0.5, 0.3, 11_000.0))  # fmt: skip
    trade = book.on_fill(Fill(2, **deal, order=2, deal=2, side=-1, price=1.2, entry="out", profit=1_000.0,
                              commission=0.0, ts_event=2), DealCost(-0.5, -0.1, 12_000.0))  # fmt: skip
    assert trade and (trade.spread, trade.slippage, trade.value) == (-1.0, 0.2, 11_000.0)
    assert trade.move == pytest.approx(1_000.8)
