"""NautilusTrader: its event-driven engine with a Python strategy; runs in an environment of its own (Python 3.12+).

Minute bid bars are aggregated inside from the quotes; a market order with a bracket (stop-loss, take-profit) at a
cross, after cancelling the old bracket and closing the position. Latency 1 ms, a fixed commission a fill, hedging
account. It computes equity when asked, not at each quote (less work than ours). In `quotes` the strategy also has
`on_quote_tick`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pandas as pd
import tapes
import worker
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.backtest.models import FixedFeeModel, LatencyModel
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.indicators import SimpleMovingAverage
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide, OrderType
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money
from nautilus_trader.persistence.wranglers import QuoteTickDataWrangler
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy

STOP, TAKE_PROFIT, UNITS, FEE, LATENCY = 150, 300, 10_000, 0.35, 1_000_000
BALANCE = 1_000_000.0


class CrossConfig(StrategyConfig, frozen=True):
    scale: float
    quotes: bool


class Cross(Strategy):
    def on_start(self) -> None:
        self.symbol = self.cache.instruments()[0]
        self.minutes = BarType.from_str(f"{self.symbol.id}-1-MINUTE-BID-INTERNAL")
        self.fast, self.slow = SimpleMovingAverage(20), SimpleMovingAverage(100)
        self.above = self.seen = self.fills = 0
        self.register_indicator_for_bars(self.minutes, self.fast)
        self.register_indicator_for_bars(self.minutes, self.slow)
        self.subscribe_bars(self.minutes)
        if self.config.quotes:
            self.subscribe_quote_ticks(self.symbol.id)

    def on_quote_tick(self, tick: Any) -> None:
        self.seen += 1

    def on_bar(self, bar: Any) -> None:
        if not self.slow.initialized:
            return
        now = 1 if self.fast.value > self.slow.value else -1
        if self.above and now != self.above:
            self.turn(now, bar.close.as_double())
        self.above = now

    def turn(self, side: int, close: float) -> None:
        self.cancel_all_orders(self.symbol.id)
        self.close_all_positions(self.symbol.id)
        bracket = self.order_factory.bracket(
            instrument_id=self.symbol.id,
            order_side=OrderSide.BUY if side > 0 else OrderSide.SELL,
            quantity=self.symbol.make_qty(UNITS),
            entry_order_type=OrderType.MARKET,
            sl_trigger_price=self.symbol.make_price(close - side * STOP / self.config.scale),
            tp_order_type=OrderType.LIMIT,
            tp_price=self.symbol.make_price(close + side * TAKE_PROFIT / self.config.scale),
        )
        self.submit_order_list(bracket)

    def on_order_filled(self, event: Any) -> None:
        self.fills += 1


def build(args: dict[str, Any]) -> tuple[BacktestEngine, int]:
    """An engine with the tape loaded, and how many quotes that is."""
    tape = tapes.load(args["data"], args["tape"], args.get("limit"))
    name = tapes.SPECS[args["tape"]].symbols[0]
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    venue = Venue("SIM")
    engine.add_venue(
        venue,
        oms_type=OmsType.HEDGING,
        account_type=AccountType.MARGIN,
        starting_balances=[Money(BALANCE, USD)],
        base_currency=USD,
        default_leverage=Decimal(30),
        fee_model=FixedFeeModel(Money(FEE, USD)),
        latency_model=LatencyModel(base_latency_nanos=LATENCY),
    )
    instrument = TestInstrumentProvider.default_fx_ccy(f"{name[:3]}/{name[3:]}", venue)
    engine.add_instrument(instrument)
    stamps = pd.to_datetime(tape["ts"], unit="ns", utc=True)
    frame = pd.DataFrame({"bid_price": tape["bid"], "ask_price": tape["ask"]}, index=stamps)
    engine.add_data(QuoteTickDataWrangler(instrument).process(frame))
    return engine, len(frame)


def profit(engine: BacktestEngine) -> float:
    """Equity less the start, what is open marked at the last quote."""
    made = engine.cache.accounts()[0].balance_total(USD).as_double() - BALANCE
    for position in engine.cache.positions_open():
        last = engine.cache.quote_tick(position.instrument_id)
        made += position.unrealized_pnl(last.bid_price if position.is_long else last.ask_price).as_double()
    return made


def prepare(args: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    scale = tapes.SCALE[tapes.SPECS[args["tape"]].symbols[0]]

    def one_round() -> worker.Result:
        engine, quotes = build(args)  # a fresh one each round: after a reset it was slower
        strategy = Cross(CrossConfig(scale=scale, quotes=args["mode"] == "quotes"))
        engine.add_strategy(strategy)
        _, time = worker.timed(engine.run)
        result = {**time, "records": quotes, "fills": strategy.fills, "profit": profit(engine)}
        engine.dispose()
        return result

    return one_round, worker.versions("nautilus_trader")


if __name__ == "__main__":
    worker.serve(prepare)
