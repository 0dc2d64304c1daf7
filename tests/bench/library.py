"""The feature library beside TA-Lib, tulipy and talipp: whole columns, one closed bar, and the first start.

Peers come into one environment of their own. Every figure is a ratio of one run in which the sides took turns.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from typing import Any

import numpy as np
import tapes
from benches import Bench, Case, Side
from race import DATA, ROOT, Racer, start, step

Measured = dict[str, Any]
GOALS = {"batch": (1.5, 3.0), "candles": (1.0, 1.0)}
"""Ours over TA-Lib's time: geometric mean and worst."""


def side(name: str, mode: str) -> Side:
    if name == "ours":
        return Side("ours", "library_ours.py", {"mode": mode})
    return Side(name, "peer_indicators.py", {"mode": mode, "lib": name}, env="indicators")


def sides(mode: str, names: tuple[str, ...], records: int, rounds: int, share: int) -> tuple[list[Racer], Measured]:
    """The sides taking turns: a warm-up round each, then `rounds`; those that could not be had say why."""
    case = Case(mode, "bars", tuple(side(name, mode) for name in names), records)
    tapes.make(DATA, case.tape)
    racers: list[Racer] = []
    result: Measured = {}
    try:
        for one in case.sides:
            start(one, case, share, racers, result)
        for _ in range(rounds):
            for racer in list(racers):
                step(racer, racers, result)
    finally:
        for racer in racers:
            racer.end()
    return racers, {name: said for name, said in result.items() if "not_run" in said}


def entry(bench: Bench, figures: Measured, targets: dict[str, bool], racers: list[Racer], absent: Measured) -> Measured:
    for name, said in absent.items():
        print(f"  {name} not run: {said['not_run']}")
    for target, met in targets.items():
        print(f"  {'pass' if met else 'FAIL'}  {target}")
    first = next(iter(figures.values()), None)
    return {
        "ours": first, "limit": None, "peers": {}, "ratio": {}, "unit": bench.unit, "rss_mb": None,
        "versions": {r.side.name: r.versions for r in racers}, "cases": figures, "targets": targets,
    }  # fmt: skip


def batch(bench: Bench, rounds: int, share: int) -> Measured:
    """Each indicator's time over TA-Lib's on a million bars; tulipy, where it has it, stands beside."""
    mode = "candles" if "candles" in bench.name else "batch"
    names = ("ours", "talib") if mode == "candles" else ("ours", "talib", "tulipy")
    racers, absent = sides(mode, names, 1_000_000, rounds, share)
    if "ours" in absent or not racers:
        raise SystemExit(f"ours did not run: {absent['ours']['not_run']}")
    clock = 1 if any(r.disturbed for r in racers) else 0
    took = {
        r.side.name: {k: statistics.median(made["each"][k][clock] for made in r.rounds) for k in r.rounds[0]["each"]}
        for r in racers
    }
    n = racers[0].rounds[0]["records"]
    print(f"\n{bench.name}  (ns a bar, {n:,} bars, median of {rounds} rounds, {'cpu' if clock else 'wall'} clock)")
    print(f"  {'':12}" + "".join(f"{name:>10}" for name in took) + f"{'ours/TA-Lib':>14}")
    ratio = {k: ours / took["talib"][k] for k, ours in took["ours"].items() if "talib" in took}
    for k in took["ours"]:
        cells = "".join(f"{took[name][k] / n * 1e9:10.2f}" if k in took[name] else f"{'':10}" for name in took)
        print(f"  {k:12}{cells}{ratio.get(k, float('nan')):14.2f}")
    if not ratio:
        return entry(bench, {}, {}, racers, absent)
    mean, worst = float(np.exp(np.mean(np.log(list(ratio.values()))))), max(ratio.values())
    goal, most = GOALS[mode]
    figures: Measured = {"geometric mean": mean, "worst": worst} if mode == "batch" else {"all 61": mean}
    targets = {f"geometric mean at most {goal:g} x TA-Lib's time": mean <= goal, f"none over {most:g} x": worst <= most}
    if mode == "candles":
        targets = {"all 61 at most TA-Lib's total": mean <= goal}
    print("  " + ", ".join(f"{name} {value:.2f}" for name, value in figures.items()))
    each = {k: {name: took[name][k] / n * 1e9 for name in took if k in took[name]} for k in took["ours"]}
    return {**entry(bench, figures, targets, racers, absent), "ns": each, "each": ratio}


def live(bench: Bench, rounds: int, share: int) -> Measured:
    """Everything that TA-Lib has, on one closed bar; its own handles and talipp's classes beside it."""
    racers, absent = sides("live", ("ours", "talib", "talipp"), 10_000, rounds, 1)
    print(f"\n{bench.name}  (us a closed bar, median)")
    figures: Measured = {}
    for r in racers:
        us = statistics.median(made["us"] for made in r.rounds)
        count = r.rounds[0]["fills"]
        words = {"ours": "ours", "talib": "talib.stream", "talipp": "talipp"}[r.side.name]
        figures[f"{words}, {count} together"] = us
        print(f"  {words:14}{us:8.1f}  {count} together, {us / count * 1e3:.0f} ns each")
    ours = next(iter(figures.values()))
    return entry(bench, figures, {"all of A1 and B on a closed bar: under 60 us": ours < 60.0}, racers, absent)


LOAD = """
import sys, time
began = time.perf_counter()
import numpy as np
from engine.core.table import STAMPS, VALUES
from engine.features import Plan, load_all
features = [f for _, f in load_all().items() if not f.required]
ready, before = time.perf_counter(), time.process_time()
plan = Plan({f.name: f() for f in features[:: len(features) // 50][:50]})
columns = {**dict.fromkeys(STAMPS, np.zeros(9, np.int64)), **dict.fromkeys(VALUES, np.ones(9))}
plan.bind(columns, lambda name: np.empty(9)).extend(0, 9)
done, cpu = time.perf_counter(), time.process_time()
print(len(plan.specs), len({n.feature for n in plan.nodes}), done - began, cpu, done - ready, cpu - before)
"""


def cold(bench: Bench, rounds: int, share: int) -> Measured:
    """All features compiled into an empty cache; then a new process that binds 50, and what they are made of."""
    from special import once

    with tempfile.TemporaryDirectory() as folder:
        known = {**os.environ, "PYTHONPATH": str(ROOT), "ONETAPE_KERNEL_CACHE": folder}
        wall, cpu = once([sys.executable, "-c", "from engine.features import compiling as c; c.compile_all()"], known)
        said = {"env": known, "capture_output": True, "text": True, "check": True, "cwd": ROOT}
        loads = [subprocess.run([sys.executable, "-c", LOAD], **said) for _ in range(rounds + 1)][1:]
    cores = os.cpu_count() or 1
    told = list(zip(*([float(word) for word in done.stdout.split()] for done in loads), strict=True))
    (asked, made), times = (int(told[0][0]), int(told[1][0])), [statistics.median(column) for column in told[2:]]
    busy = times[1] < 0.9 * times[0]
    whole, alone = times[1 if busy else 0], times[3 if busy else 2]
    figures = {
        f"the library compiled in {cores} processes, wall": wall, "the same, processor time of all": cpu,
        f"{asked} features ({made} kernels) loaded": alone, "the same with all imports": whole,
    }  # fmt: skip
    print(f"\n{bench.name}  ({bench.unit}{'; loading by PROCESSOR time: the machine was busy' if busy else ''})")
    for name, seconds in figures.items():
        print(f"  {name:56}{seconds:7.2f}")
    targets = {
        "the library compiled: under 120 s": wall < 120.0,
        "50 features from the cache: under 1.5 s": alone < 1.5,
    }
    return entry(bench, figures, targets, [], {})
