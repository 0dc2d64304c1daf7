"""vectorbt: whole arrays, simulated in numba; runs in an environment of its own.

Signals are the crosses shifted by one bar and filled at the open; stop-loss and take-profit are shares of the fill
price judged on the bar's range. No spread, fixed fees an order (a reversal is one order here, and pays once). Timed:
averages, crosses, the simulation, final value and largest drawdown. Its first call in a process compiles for seconds;
that is the warm-up and is not counted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tapes
import vectorbt as vbt
import worker

STOP, TAKE_PROFIT, UNITS, FEE = 150, 300, 10_000.0, 0.35
BALANCE = 1_000_000.0


def later(flags: np.ndarray) -> np.ndarray:
    """The same one bar later."""
    return np.concatenate([[False], flags[:-1]])


def simulate(tape: dict[str, np.ndarray], scale: float) -> tuple[Any, float, float]:
    close = tape["close"]
    fast, slow = vbt.MA.run(close, 20).ma.to_numpy(), vbt.MA.run(close, 100).ma.to_numpy()
    with np.errstate(invalid="ignore"):
        above = np.sign(fast - slow)
    crossed = np.concatenate([[False], (above[1:] != above[:-1]) & ~np.isnan(above[:-1])])
    portfolio = vbt.Portfolio.from_signals(
        close,
        entries=later(crossed & (above > 0)),
        short_entries=later(crossed & (above < 0)),
        open=tape["open"],
        high=tape["high"],
        low=tape["low"],
        price=tape["open"],
        size=UNITS,
        fixed_fees=FEE,
        init_cash=BALANCE,
        sl_stop=STOP / scale / tape["open"],
        tp_stop=TAKE_PROFIT / scale / tape["open"],
        stop_entry_price="fillprice",
        upon_opposite_entry="reverse",
        freq="1min",
    )
    return portfolio, float(portfolio.final_value()), float(portfolio.max_drawdown())


def prepare(args: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    tape = tapes.load(args["data"], args["tape"], args.get("limit"))
    scale = tapes.SCALE[tapes.SPECS[args["tape"]].symbols[0]]

    def one_round() -> worker.Result:
        (portfolio, value, _), time = worker.timed(lambda: simulate(tape, scale))
        fills = 2 * int(portfolio.trades.count()) - int(portfolio.trades.open.count())
        return {**time, "records": len(tape["ts"]), "fills": fills, "profit": value - BALANCE}

    return one_round, worker.versions("vectorbt", "numba", "numpy", "pandas")


if __name__ == "__main__":
    worker.serve(prepare)
