"""The indicator library: batch against TA-Lib, all of A1 and the candlesticks on one closed bar, the cold compile.

    python tests/bench/indicators.py             # batch and live
    python tests/bench/indicators.py cold        # the library compiled into an empty cache: minutes

Batch: TA-Lib's function on the same 100,000 bars, alternating; the least of all runs in two seconds each, so that
other work on the machine counts little. ADX alone is set against ours with both directional indicators; Ichimoku,
which neither TA-Lib nor tulipy has, against three of TA-Lib's MIDPRICE, their means and shifts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from engine.features import FEATURES, Plan, load_all  # noqa: E402
from tests.features import market  # noqa: E402

N, SECONDS = 100_000, 2.0
COMPARED = ("sma", "ema", "rsi", "atr", "macd", "bollinger", "adx", "stochastic", "supertrend", "ichimoku")


def bars(n: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    close = 1.1 + np.cumsum(rng.normal(0.0, 1e-4, n))
    open = np.concatenate([close[:1], close[:-1]])
    high, low = np.maximum(open, close) + rng.random(n) * 1e-4, np.minimum(open, close) - rng.random(n) * 1e-4
    return market.stamped(open, high, low, close, volume=np.floor(rng.random(n) * 900.0) + 1.0, step=60 * 10**9)


def theirs(columns: dict[str, np.ndarray]) -> dict[str, Callable[[], object]]:
    import talib

    high, low, close = columns["high"], columns["low"], columns["close"]

    def ichimoku() -> object:
        quick, steady, far = (talib.MIDPRICE(high, low, n) for n in (9, 26, 52))
        ahead, empty = (quick + steady) / 2.0, np.full(25, np.nan)
        return np.concatenate([empty, ahead[:-25]]), np.concatenate([empty, far[:-25]])

    return {
        "sma": lambda: talib.SMA(close, 20), "ema": lambda: talib.EMA(close, 20), "rsi": lambda: talib.RSI(close),
        "atr": lambda: talib.ATR(high, low, close), "macd": lambda: talib.MACD(close),
        "bollinger": lambda: talib.BBANDS(close, 20), "adx": lambda: talib.ADX(high, low, close),
        "stochastic": lambda: talib.STOCH(high, low, close), "supertrend": lambda: talib.SUPERTREND(high, low, close),
        "ichimoku": ichimoku,
    }  # fmt: skip


def least(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def batch() -> None:
    columns = bars(N)
    ratios = []
    for name, other in theirs(columns).items():
        made: dict[str, np.ndarray] = {}
        bound = Plan({"x": FEATURES.get(name)()}).bind(
            columns, lambda key, made=made: made.setdefault(key, np.empty(N))
        )

        def own(bound=bound) -> None:
            bound.state[:] = 0.0
            bound.extend(0, N)

        own()
        ours = talibs = np.inf
        end = time.perf_counter() + SECONDS
        while time.perf_counter() < end:
            ours, talibs = min(ours, least(own)), min(talibs, least(other))
        ratios.append(ours / talibs)
        print(f"{name:12} ours {ours / N * 1e9:6.2f} ns/row   TA-Lib {talibs / N * 1e9:6.2f}   {ratios[-1]:5.2f}")
    print(f"geometric mean {np.exp(np.log(ratios).mean()):.2f}, largest {max(ratios):.2f}")


def live() -> None:
    """One closed bar at a time through every feature of A1 and every candlestick pattern."""
    shared = [f for f in market.library() if f.like]
    everything = [f for f in market.library() if not f.required]
    for words, features in (("with a TA-Lib oracle", shared), ("of the library", everything)):
        columns, made = bars(3_000), {}
        plan = Plan({f.name: f() for f in features})
        bound = plan.bind(columns, lambda key, made=made: made.setdefault(key, np.empty(3_000)))
        bound.extend(0, 1_000)
        took = [least(lambda i=i, bound=bound: bound.extend(i, i + 1)) for i in range(1_000, 3_000)]
        print(f"{len(features)} features {words}, {len(plan.nodes)} kernels, {len(plan.columns)} columns: "
              f"{np.median(took) * 1e6:.1f} us a bar (least {min(took) * 1e6:.1f})")  # fmt: skip


COLD = """
import time, resource
from engine.features import load_all
from engine.features.compiled import address
features = [f for _, f in load_all().items()]
for f in features: address(f)
import engine.features.compiled
print(len(features), time.process_time())
"""


def cold() -> None:
    """Compile every feature into an empty cache, then load it again: processor seconds."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "ONETAPE_KERNEL_CACHE": folder, "PYTHONPATH": str(ROOT)}
        for words in ("compiled", "loaded"):
            done = subprocess.run([sys.executable, "-c", COLD], env=env, capture_output=True, text=True, check=True)
            count, seconds = done.stdout.split()
            print(f"{count} features {words}: {float(seconds):.1f} processor seconds, imports included")


if __name__ == "__main__":
    load_all()
    cold() if "cold" in sys.argv[1:] else (batch(), live())
