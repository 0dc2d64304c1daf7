"""`make bench [NAME=...]`: ours, peers and the hand-written limit in turn, a table, and build/bench.json.

    python -m tests.bench [NAME ...] [--quick] [--json] [--rounds N]
    python -m tests.bench --docs

Every side is a process of its own that prepares, then does a round when asked: a warm-up that is not counted, then
A B C A B C ... so that a busy moment of the machine hits all of them. The figure is the median of the rounds by the
wall clock; where the machine was busy with other work, by processor time for all sides of the case, and it says so.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

from benches import BENCHES, Bench, Case
from race import ROOT, race
from special import MEASURES
from tables import short, write

ROUNDS, QUICK_ROUNDS, QUICK_SHARE = 5, 3, 10


def ratios(sides: dict[str, Any]) -> dict[str, float]:
    """Ours over each other side; over 1 means that ours is quicker."""
    ours = sides["ours"].get("rate")
    return {n: ours / s["rate"] for n, s in sides.items() if n != "ours" and ours and "rate" in s}


def verdicts(case: Case, sides: dict[str, Any]) -> dict[str, bool]:
    """Each target of a case in words, and whether it is met. A side that did not run leaves its target out."""
    ours, ratio = sides["ours"].get("rate", 0.0), ratios(sides)
    found = {}
    if case.least:
        found[f"at least {short(case.least)}/s"] = ours >= case.least
    for name, times in case.times.items():
        if name in ratio:
            found[f"{times:g} x {name}"] = ratio[name] >= times
    if case.within and "limit" in ratio:
        found[f"within {case.within:g} x of the limit"] = 1 / ratio["limit"] <= case.within
    return found


def measure(bench: Bench, rounds: int, share: int) -> dict[str, Any]:
    """One bench as it goes into build/bench.json; the first case gives the headline figures."""
    if bench.special:
        return MEASURES[bench.special](bench, rounds, share)
    cases: dict[str, Any] = {}
    for case in bench.cases:
        sides = race(case, rounds, share)
        cases[case.name] = {"sides": sides, "ratio": ratios(sides), "targets": verdicts(case, sides)}
        print_case(bench, case.name, cases[case.name])
    head = cases[bench.cases[0].name]
    ours = head["sides"]["ours"]
    peers = {n: s.get("rate", f"not run: {s.get('not_run')}") for n, s in head["sides"].items()}
    return {
        "ours": peers.pop("ours"), "limit": peers.pop("limit", None), "peers": peers, "ratio": head["ratio"],
        "unit": bench.unit, "rss_mb": ours.get("rss_mb"),
        "versions": {n: s["versions"] for n, s in head["sides"].items() if "versions" in s},
        "cases": cases,
    }  # fmt: skip


def print_case(bench: Bench, name: str, case: dict[str, Any]) -> None:
    clocks = {s["clock"] for s in case["sides"].values() if "clock" in s}
    busy = "by PROCESSOR time: the machine was busy" if "processor" in clocks else "wall clock"
    print(f"\n{bench.name}, {name}  ({bench.unit}, median of the rounds, {busy})")
    widths = {"rate": 9, "best": 9, "wall": 9, "ours is": 9, "fills": 8, "profit": 11, "RSS MB": 8, "first s": 9}
    print(" " * 20 + "".join(f"{head:>{width}}" for head, width in widths.items()))
    for side, s in case["sides"].items():
        if "not_run" in s:
            print(f"  {side:18}not run: {s['not_run']}")
            continue
        ratio = f"{case['ratio'][side]:.2f} x" if side in case["ratio"] else ""
        print(
            f"  {side:18}{short(s['rate']):>9}{short(s['best']):>9}{short(s['wall_rate']):>9}{ratio:>9}"
            f"{s['fills']:>8}{s['profit']:>11.2f}{s['rss_mb']:>8}{s['first_s']:>9.1f}"
        )
        if "whole_rate" in s:
            print(f"  {'  whole':18}{short(s['whole_rate']):>9}  with building the run and working out its results")
    for target, met in case["targets"].items():
        print(f"  {'pass' if met else 'FAIL'}  {target}")


def machine() -> dict[str, Any]:
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":", 1)[1].strip() if names else model
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {"processor": model, "cores": os.cpu_count(), "system": platform.system(), "load_at_start": load}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench", description="Ours, the peers and the hand-written limit, in turn.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {' '.join(BENCHES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the records and 3 rounds")
    parser.add_argument("--rounds", type=int, help="counted rounds (5; --quick: 3)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON and nothing else on stdout")
    parser.add_argument("--docs", action="store_true", help="measure nothing: put build/bench.json into the docs")
    asked = parser.parse_args(argv)
    if unknown := [n for n in asked.names if n not in BENCHES]:
        parser.error(f"no bench {unknown[0]!r}, known: {' '.join(BENCHES)}")
    path = ROOT / "build" / "bench.json"
    path.parent.mkdir(exist_ok=True)
    stdout = sys.stdout
    if asked.json:
        sys.stdout = sys.stderr
    where = machine()
    print(f"{where['processor']}, {where['cores']} cores, load {where['load_at_start']}")
    known = json.loads(path.read_text()) if path.exists() else {}
    if asked.docs:
        write(ROOT / "docs" / "benchmarks.md", known)
        return 0
    rounds = asked.rounds or (QUICK_ROUNDS if asked.quick else ROUNDS)
    for name in asked.names or BENCHES:
        made = measure(BENCHES[name], rounds, QUICK_SHARE if asked.quick else 1)
        known = {n: known[n] for n in BENCHES if n in known}
        known[name] = {**made, "machine": where, "quick": asked.quick, "rounds": rounds}
        path.write_text(json.dumps(known, indent=1) + "\n")
    if asked.json:
        print(json.dumps({n: known[n] for n in asked.names or BENCHES}), file=stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
