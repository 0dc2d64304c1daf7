"""A run over a mapped tape of 10M quotes laid end to end `times` times.

`make` writes the tape and ends; `read` opens it and only looks at every number.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator

import numpy as np
import ours
import tapes

import engine
from engine.feeds.mapped import open_mapped, store_mapped


def stretches(columns: dict[str, np.ndarray], times: int) -> Iterator[dict[str, np.ndarray]]:
    """The tape again and again, each time later by its length in whole minutes."""
    span = (int(columns["ts"][-1] - columns["ts"][0]) // tapes.MINUTE + 1) * tapes.MINUTE
    for n in range(times):
        yield {**columns, "ts": columns["ts"] + n * span}


def look(key: str) -> dict[str, float]:
    """Open the tape and go through its blocks as a replay does; wall and processor seconds."""
    began, cpu, seen = time.perf_counter(), time.process_time(), 0.0
    tape = open_mapped(key)
    assert tape is not None, "make the tape first"
    for block in tape.blocks():
        seen += float(block.ts.max()) + block.symbol.max() + block.bid.max() + block.ask.max()
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    assert seen > 0
    return {"records": len(tape), "wall": wall, "cpu": cpu}


def main() -> None:
    args = json.loads(sys.argv[1])
    spec, key = tapes.SPECS["q333"], f"race-{args['limit']}-{args['times']}"
    if args.get("read"):
        print(json.dumps(look(key)))
        return
    tape = open_mapped(key)
    if args.get("make"):
        if tape is None:
            store_mapped(key, "quotes", spec.symbols, stretches(tapes.load(args["data"], spec.name, args["limit"]),
                                                               args["times"]))  # fmt: skip
        return
    assert tape is not None, "make the tape first"
    run = engine.backtest(ours.config({}, spec), data=tape)
    print(json.dumps({"records": len(tape), "seconds": run.seconds, "fills": len(run.fills)}))


if __name__ == "__main__":
    main()
