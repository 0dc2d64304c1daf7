"""Our side of the indicator benches: the feature library over all bars at once, or one closed bar at a time."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import tapes
import worker

COMPARED = ("sma", "ema", "rsi", "atr", "macd", "bollinger", "adx", "stochastic", "supertrend", "ichimoku")
REPEATS = 3


def bars(args: dict[str, Any]) -> dict[str, np.ndarray]:
    """The tape's columns under the names of a table; volume repeats every 13 bars, so that it says something."""
    tape = tapes.load(args["data"], args["tape"], args["limit"])
    volume = 300.0 + np.arange(len(tape["ts"])) * 7 % 13
    prices = {name: tape[name] for name in ("open", "high", "low", "close", "spread")}
    return {"ts": tape["ts"], "open_ts": tape["ts_event"], "end": tape["ts"], **prices, "volume": volume}


def quickest(run: Any, repeats: int = REPEATS) -> tuple[float, float]:
    """Least wall and least processor seconds of a few runs."""
    taken = [worker.timed(run)[1] for _ in range(repeats)]
    return min(t["seconds"] for t in taken), min(t["cpu"] for t in taken)


def named(works: dict[str, Any], records: int) -> dict[str, Any]:
    """One round over named pieces of work: `each` has wall and processor seconds of every one."""
    each = {name: quickest(work) for name, work in works.items()}
    wall, cpu = (sum(times[k] for times in each.values()) for k in (0, 1))
    return {"seconds": wall, "cpu": cpu, "records": records, "each": each, "fills": len(each), "profit": 0.0}


def of_talib() -> dict[str, Any]:
    """Every feature with an oracle in TA-Lib: the 113 indicators and the 61 candlesticks, some together in one."""
    from engine.features import load_all

    found = [f for _, f in load_all().items() if f.like and f.kernel.__module__.startswith("engine.features.")]
    made = {f.name: f(**dict.fromkeys(f.required, "close")) for f in found}
    return {**made, "mavp": load_all().get("mavp")(periods="volume")}


def prepare(args: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    import engine
    from engine.features import FEATURES, Plan, load_all

    known = {"onetape": engine.__version__, **worker.versions("numba", "numpy")}
    worker.keep_pages()
    load_all()
    columns = bars(args)
    n = len(columns["close"])

    def fill(plan: Plan) -> None:
        """What a caller waits for: new columns, and every row of them."""
        made: dict[str, np.ndarray] = {}
        plan.bind(columns, lambda name: made.setdefault(name, np.empty(n))).extend(0, n)

    if args["mode"] == "live":
        return live(Plan(of_talib()), columns), known
    if args["mode"] == "candles":
        plans = {"all": Plan({k: spec for k, spec in of_talib().items() if k.startswith("cdl_")})}
    else:
        plans = {name: Plan({"x": FEATURES.get(name)()}) for name in COMPARED}
    works = {name: lambda plan=plan: fill(plan) for name, plan in plans.items()}
    return lambda: named(works, n), known


def live(plan: Any, columns: dict[str, np.ndarray]) -> Any:
    """Rounds of bars that close one by one; each round goes on where the last one ended, as live does."""
    n, warm = len(columns["close"]), 1_000
    made: dict[str, np.ndarray] = {}
    bound = plan.bind(columns, lambda name: made.setdefault(name, np.empty(n)))
    bound.extend(0, warm)
    at = [warm]

    def one_round() -> dict[str, Any]:
        first, last = at[0], at[0] + 500
        at[0] = last if last + 500 < n else warm
        return worker_round(bound.extend, first, last, len(plan.specs))

    return one_round


def worker_round(step: Any, first: int, last: int, count: int) -> dict[str, Any]:
    """Microseconds a bar: the median of a round's bars, so that a neighbour's moment counts little."""
    took = np.empty(last - first)
    cpu = time.process_time()
    for i in range(first, last):
        before = time.perf_counter()
        step(i, i + 1)
        took[i - first] = time.perf_counter() - before
    return {
        "seconds": float(took.sum()), "cpu": time.process_time() - cpu, "records": last - first,
        "us": float(np.median(took)) * 1e6, "fills": count, "profit": 0.0,
    }  # fmt: skip


if __name__ == "__main__":
    worker.serve(prepare)
