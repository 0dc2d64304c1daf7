"""onetape: one tape for research, paper and live money.

    run = engine.backtest("demo")            a config's or strategy's name, a Config, or a Strategy object with data
    run.trades  run.equity  run.summary
    engine.backtest_signals(table, data)     the same for signals that were made elsewhere: ts, symbol, signal, stop
    engine.frame({"rsi": rsi(14)}, bars)     features of a DataFrame, the same bits as in a run
    engine.bars(quotes, "renko 10 points")   bars of any kind from quotes, prints or a dataset

Importing this is instant; numba and pandas come with the first call.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.feeds.kinds.make import bars
    from engine.run import backtest
    from engine.sheet import frame
    from engine.signals import backtest_signals

__all__ = ["__version__", "backtest", "backtest_signals", "bars", "frame"]
__version__ = "0.1.0"
HOMES = {
    "backtest": "engine.run",
    "backtest_signals": "engine.signals",
    "bars": "engine.feeds.kinds.make",
    "frame": "engine.sheet",
}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(import_module(HOMES[name]), name)
