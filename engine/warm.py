"""Kernels compiled ahead, by several processes at once: the first run on a machine waits half as long.

The broker's side of a run is one kernel that takes longer to compile than everything else together. So another process
compiles it while this one compiles the rest; both fill the same cache, from which the run then loads. With one core,
or should the other process fail, a run compiles what it needs by itself, as it would without this file.

    python -m engine.warm "venue bars"      # what the other process runs
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from engine.core import events as e
from engine.core.config import Config, DataConfig, RunConfig, StrategyConfig
from engine.core.journal import Journal
from engine.kernels.jit import ROOT
from engine.run import EMPTY, Session, make_strategies, open_config_tape

KERNEL = {("python", kind): ("engine.venues.scan", f"advance_{kind}") for kind in ("quotes", "bars")}
KERNEL |= {("compiled", kind): ("engine.drive", "drive") for kind in ("quotes", "bars")}
"""The large one of a lane and a kind of tape."""


def is_cold(lane: str, kind: str) -> bool:
    """Was the large kernel of such a run never compiled, on this machine and in this version?"""
    module, name = KERNEL[lane, kind]
    kernel = getattr(import_module(module), name)
    return not any(Path(kernel._cache.cache_path).glob(f"{module.rpartition('.')[2]}.{name}-*.nbi"))


def ahead(config: Config) -> None:
    """Compile what a run of the config needs and no run has needed before.

    Raises what the run would raise for a strategy, a parameter or data that is not there, before anything is compiled.
    """
    lane, kind = config.run.lane, config.data.kind
    if not is_cold(lane, kind) or cores() < 2:
        return
    make_strategies(config)
    open_config_tape(config)
    with started(f"{lane} {kind}") as other:
        around(lane, kind)
        other.wait()


def everything(tell: Callable[[str], None] = lambda _: None) -> int:
    """Compile the kernels of every lane and kind of tape that are not there yet; how many of these were not."""
    cold = [(lane, kind) for lane, kind in KERNEL if is_cold(lane, kind)]
    for lane, kind in cold:  # the second lane is built of the parts of the first
        tell(f"{lane} lane, {kind}")
        with started(f"{lane} {kind} full") as other:
            around(lane, kind)
            large(lane, kind)
            other.wait()
    return len(cold)


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def started(task: str) -> subprocess.Popen[bytes]:
    """Another Python at work on `task`. What it has to say of a failure is said again by the run itself."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "engine.warm", task]
    env = {**os.environ, "PYTHONPATH": path}
    return subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)  # fmt: skip


def session(lane: str, kind: str) -> Session:
    """A run that is never fed; its kernels have the types of any other run's."""
    from engine.feeds.synthetic import sample
    from engine.feeds.tapes import open_tape

    tape = sample(["EURUSD"], 100, seed=1) if kind == "quotes" else open_tape("demo", ["EURUSD"], "H1")
    market = DataConfig("memory", (), tape.symbols, cast(Any, kind), "H1")
    one = StrategyConfig(name="ma_cross", params={"fast": 20, "slow": 100})
    config = Config("warm", data=market, strategy=(one,), run=RunConfig(lane=cast(Any, lane)))
    made = Session(config, tape, make_strategies(config), journal=Journal())
    made._attach(EMPTY[kind])
    return made


def large(lane: str, kind: str, full: bool = False) -> None:
    """The broker's side, or the whole of the compiled lane; `full` with the broker's rarer rules."""
    made = session(lane, kind)
    made.venue.full = True if full else made.venue.full
    if lane == "compiled":
        made.fast.run(EMPTY[kind], 0, 0, made.fast.made[:0])
    else:
        made.venue.advance(0, 0)


def around(lane: str, kind: str) -> None:
    """All the rest: bars, features, risk, orders."""
    made = session(lane, kind)
    block = next(iter(made.tape.blocks(100)))
    _, closed = made.builder.feed(block, 0)
    made.builder.clock(made.tape.span[0])
    made.rows.extend()
    if lane == "compiled":
        made.fast.statements(closed)
        return
    k, s, ts = made.config.strategies[0].id, made.symbols[0], made.tape.span[0]
    made.bus.now = ts
    made.venue.peek(0, 0)
    made.bus.publish(e.Signal(ts, k, s, 1.0))
    made.bus.publish(e.TargetPosition(ts, k, s, 1e5, passed="compiling"))


def main(tasks: Iterable[str]) -> None:
    for task in tasks:
        lane, kind, *full = task.split()
        large(lane, kind, bool(full))


if __name__ == "__main__":
    main(sys.argv[1:])
