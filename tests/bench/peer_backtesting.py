"""Backtesting.py: bars and a Python strategy; runs in an environment of its own.

Averages are computed ahead over the whole series (`self.I`). Market orders fill at the next open; stop-loss and
take-profit rest on the trade, and where both lie in one bar the stop fills. No spread, a fixed commission a side.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import tapes
import worker
from backtesting import Backtest, Strategy

STOP, TAKE_PROFIT, UNITS, FEE = 150, 300, 10_000, 0.35
BALANCE = 1_000_000.0


def sma(values: np.ndarray, period: int) -> np.ndarray:
    return pd.Series(values).rolling(period).mean().to_numpy()


class Cross(Strategy):
    scale = 1.0

    def init(self) -> None:
        self.fast, self.slow = self.I(sma, self.data.Close, 20), self.I(sma, self.data.Close, 100)
        self.above = 0.0

    def next(self) -> None:
        close, now = self.data.Close[-1], np.sign(self.fast[-1] - self.slow[-1])
        if now == 0 or now == self.above:
            return
        if self.above:
            self.position.close()
            stop, target = close - now * STOP / self.scale, close + now * TAKE_PROFIT / self.scale
            (self.buy if now > 0 else self.sell)(size=UNITS, sl=stop, tp=target)
        self.above = now


def prepare(args: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    tape = tapes.load(args["data"], args["tape"], args.get("limit"))
    Cross.scale = tapes.SCALE[tapes.SPECS[args["tape"]].symbols[0]]
    frame = pd.DataFrame({name.title(): tape[name] for name in ("open", "high", "low", "close", "volume")})
    frame.index = pd.to_datetime(tape["ts_event"], unit="ns")

    def one_round() -> worker.Result:
        test = Backtest(frame, Cross, cash=BALANCE, commission=(FEE, 0.0), finalize_trades=False)
        stats, time = worker.timed(test.run)
        strategy = stats["_strategy"]
        fills = 2 * len(strategy.closed_trades) + len(strategy.trades)
        return {**time, "records": len(frame), "fills": fills, "profit": stats["Equity Final [$]"] - BALANCE}

    return one_round, worker.versions("backtesting", "numpy", "pandas")


if __name__ == "__main__":
    worker.serve(prepare)
