"""onetape in the race: the public `engine.backtest` on a tape in memory, nothing written.

`seconds` is the replay, as for every side; `whole` adds building the run before it and, after it, working out trades,
figures and digest, which a run without a folder does when somebody asks.
"""

from __future__ import annotations

from typing import Any

import cross  # noqa: F401 - registers the strategies
import numpy as np
import tapes
import worker

import engine
from engine.core.config import Config
from engine.core.schema import build
from engine.core.tape import ArrayTape

BALANCE = 1_000_000.0


def config(args: dict[str, Any], spec: tapes.Spec) -> Config:
    """0.10 lots, commission 3.50 a lot and side, latency 1 ms, hedging account in USD."""
    name = "race_quotes" if args.get("on_quote") else "race_cross"
    strategies = [{"name": name}]
    for kind in ("resting", "trailing"):
        if args.get(kind):
            strategies.append({"name": f"race_{kind}", "params": {"orders": args[kind]}})
    table = {
        "name": "race",
        "data": {"source": "memory", "symbols": list(spec.symbols), "kind": spec.kind, "frame": "M1"},
        "account": {"currency": "USD", "balance": BALANCE, "mode": "hedging", "leverage": 30.0},
        "venue": {"latency": "1 ms", "hours": "always", "commission": "3.5 USD per lot"},
        "risk": {"size": "0.10 lots"},
        "strategy": strategies,
        "run": {"lane": args.get("lane", "python")},
    }
    return build(Config, table)


def tape_of(columns: dict[str, np.ndarray], spec: tapes.Spec) -> ArrayTape:
    make = ArrayTape.quotes if spec.kind == "quotes" else ArrayTape.bars
    return make(spec.symbols, **columns)


def result(run: Any) -> worker.Result:
    """What the run did; profit with what is open marked at the end, as every side reports it."""
    return {
        "fills": len(run.fills),
        "profit": run.equity_now - BALANCE,
        "drawdown": run.summary.figures["max_drawdown"],
        "digest": run.digest,
    }


def prepare(args: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    spec = tapes.SPECS[args["tape"]]
    tape = tape_of(tapes.load(args["data"], args["tape"], args.get("limit")), spec)
    asked = config(args, spec)
    assert tape.fingerprint, "hashed once, before the clock runs"

    def one_round() -> worker.Result:
        run, whole = worker.timed(lambda: engine.backtest(asked, data=tape))
        facts, settling = worker.timed(lambda: result(run))
        share = min(whole["cpu"] / whole["seconds"], 1.0)
        return {
            **facts, "seconds": run.seconds, "cpu": run.seconds * share, "records": len(tape),
            "whole": {clock: whole[clock] + settling[clock] for clock in whole},
        }  # fmt: skip

    return one_round, {"onetape": engine.__version__, **worker.versions("numba", "numpy")}


if __name__ == "__main__":
    worker.serve(prepare)
