"""A run over a mapped tape of 10M quotes laid end to end `times` times; `make` writes the tape and ends."""

from __future__ import annotations

import json
import sys
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


def main() -> None:
    args = json.loads(sys.argv[1])
    spec, key = tapes.SPECS["q333"], f"race-{args['limit']}-{args['times']}"
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
