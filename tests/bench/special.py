"""What is no race between engines: ours beside itself with more orders, more data, or nothing compiled yet."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import library
import tapes
from benches import Bench
from importing import importing
from race import BUILD, DATA, HERE, ROOT, race
from tables import short

Measured = dict[str, Any]
Times = tuple[float, float]
"""Wall and processor seconds."""
ZOOMED = """
    const t = performance.now();
    for (let i = 0; i < 20; i++) report.chart.zoom(i % 2 ? 0.5 : 2);
    return { paint: paint(), ready: report.ready, frame: (performance.now() - t) / 20 };
"""


def entry(ours: float | None, unit: str, figures: Measured, targets: dict[str, bool], rss_mb: float | None) -> Measured:
    """A bench without peers in the shape of build/bench.json."""
    for target, met in targets.items():
        print(f"  {'pass' if met else 'FAIL'}  {target}")
    return {
        "ours": ours, "limit": None, "peers": {}, "ratio": {}, "unit": unit, "rss_mb": rss_mb, "versions": {},
        "cases": figures, "targets": targets,
    }  # fmt: skip


def resting(bench: Bench, rounds: int, share: int) -> Measured:
    """The same run with more and more at rest, alternately; on one symbol and on three."""
    one, three = (race(case, rounds, share) for case in bench.cases)
    sides = {**one, **{f"{name}, 3 symbols": s for name, s in three.items()}}
    print(f"\n{bench.name}  ({bench.unit}, median of the rounds)")
    for name, s in sides.items():
        print(f"  {name:22}{short(s['rate']):>9}  {s['clock']} clock  fills {s['fills']}")
    twenty, many = sides["20 resting"], sides["200 resting"]
    targets = {
        "20 resting: at least 40M/s": twenty["rate"] >= 40e6,
        "200 resting: at most 20 % below 20": many["rate"] >= 0.8 * twenty["rate"],
        "20 resting on each of 3 symbols: at least 20M/s": sides["20 resting, 3 symbols"]["rate"] >= 20e6,
        "20 trailing: at least 10M/s": sides["20 trailing"]["rate"] >= 10e6,
    }
    made = entry(twenty["rate"], bench.unit, sides, targets, twenty["rss_mb"])
    return {**made, "ratio": {"200 over 20": many["rate"] / twenty["rate"]}, "versions": {"ours": twenty["versions"]}}


def memory(bench: Bench, rounds: int, share: int) -> Measured:
    """Most anonymous and resident memory of a run over a mapped tape, watched from outside through /proc."""
    print(f"\n{bench.name}  ({bench.unit}, most seen while running)")
    if not Path("/proc/self/status").exists():
        print("  not run: it needs /proc (Linux)")
        return entry(None, bench.unit, {"not_run": "it needs /proc (Linux)"}, {}, None)
    tapes.make(DATA, "q333")
    figures: Measured = {}
    known = {**os.environ, "PYTHONPATH": str(ROOT), "ONETAPE_CACHE": str(BUILD / "mapped")}
    for name, times in (("10M", 1), ("100M", 10)):
        args = {"data": str(DATA), "limit": 10_000_000 // share, "times": times}
        command = [sys.executable, str(HERE / "mapped.py")]
        subprocess.run([*command, json.dumps({**args, "make": True})], check=True, env=known, cwd=ROOT)
        figures[name] = watch([*command, json.dumps(args)], known)
        print("  {:>5} quotes  anonymous {anonymous_mb:.0f}  resident {resident_mb:.0f}".format(name, **figures[name]))
    shutil.rmtree(BUILD / "mapped", ignore_errors=True)
    more = figures["100M"]["anonymous_mb"] - figures["10M"]["anonymous_mb"]
    targets = {
        "100M anonymous: at most 100 MB over 10M": more <= 100,
        "100M resident: at most 200 MB over 10M": (
            figures["100M"]["resident_mb"] - figures["10M"]["resident_mb"] <= 200
        ),
    }
    return entry(more, bench.unit, figures, targets, figures["100M"]["resident_mb"])


def watch(command: list[str], known: dict[str, str]) -> dict[str, float]:
    """Run it, looking at its memory every 10 ms."""
    most = {"RssAnon": 0, "VmRSS": 0}
    with subprocess.Popen(command, env=known, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            for line in status.read_text().splitlines():
                key, _, value = line.partition(":")
                if key in most:
                    most[key] = max(most[key], int(value.split()[0]))
            time.sleep(0.01)
        said = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise SystemExit(f"{command[1]} failed")
    return {"anonymous_mb": most["RssAnon"] / 1024, "resident_mb": most["VmRSS"] / 1024, **json.loads(said)}


def load(bench: Bench, rounds: int, share: int) -> Measured:
    """Seconds to open 10M quotes in the replay cache and look at every number of every block, a process each time."""
    tapes.make(DATA, "q333")
    known = {**os.environ, "PYTHONPATH": str(ROOT), "ONETAPE_CACHE": str(BUILD / "mapped")}
    args = {"data": str(DATA), "limit": 10_000_000 // share, "times": 1}
    command = [sys.executable, str(HERE / "mapped.py")]
    subprocess.run([*command, json.dumps({**args, "make": True})], check=True, env=known, cwd=ROOT)
    read = [*command, json.dumps({**args, "read": True})]
    said = [
        json.loads(subprocess.run(read, env=known, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
        for _ in range(rounds + 1)
    ][1:]
    shutil.rmtree(BUILD / "mapped", ignore_errors=True)
    wall, cpu = (statistics.median(one[clock] for one in said) for clock in ("wall", "cpu"))
    busy = cpu < 0.9 * wall
    took = cpu if busy else wall
    print(f"\n{bench.name}  ({bench.unit}, median of the rounds)")
    print(f"  {said[0]['records']:,} quotes {took:.3f}" + (f"  by processor time; wall {wall:.3f}" if busy else ""))
    targets = {"10M quotes: under 0.1 s": took * 10_000_000 / said[0]["records"] < 0.1}
    return entry(took, bench.unit, {"10M quotes": took, "wall": wall}, targets, None)


def cold(bench: Bench, rounds: int, share: int) -> Measured:
    """Seconds of whole commands; the first demo run has neither kernels nor tapes cached."""
    python, cli = sys.executable, str(ROOT / "cli.py")
    with tempfile.TemporaryDirectory() as fresh:
        known = {**os.environ, "PYTHONPATH": str(ROOT)}
        new = {**known, "ONETAPE_KERNEL_CACHE": f"{fresh}/kernels", "ONETAPE_CACHE": f"{fresh}/tapes"}
        demo = [python, cli, "backtest", "demo", "--out", f"{fresh}/runs"]
        listing = {**new, "ONETAPE_DATA": str(many_files(Path(fresh) / "data"))}
        rows: tuple[tuple[str, float, Callable[[], Times]], ...] = (
            ("--help", 0.5, lambda: often(rounds, [python, cli, "--help"], known)),
            ("import engine", 1.0, lambda: often(rounds, [python, "-c", "import engine"], known)),
            ("first demo run", 60.0, lambda: once(demo, new)),
            ("second demo run", 3.0, lambda: often(rounds, demo, new)),
            ("data list", 0.5, lambda: often(rounds, [python, cli, "data", "list"], listing)),
        )
        print(f"\n{bench.name}  ({bench.unit})")
        figures, targets = {}, {}
        for name, most, measure in rows:
            wall, cpu = measure()
            busy = cpu < 0.9 * wall
            figures[name] = cpu if busy else wall
            print(f"  {name:18}{figures[name]:7.2f}" + (f"  by processor time; wall {wall:.2f}" if busy else ""))
            targets[f"{name}: at most {most:g} s"] = figures[name] <= most
    return entry(figures["second demo run"], bench.unit, figures, targets, None)


def page(bench: Bench, rounds: int, share: int) -> Measured:
    """Milliseconds until a report of real size is painted and all of it is there, and for a frame while zooming."""
    from tests.report.driver import CHROMIUM, DRIVER, PAINTED, opened
    from tests.report.sample import write_run

    print(f"\n{bench.name}  ({bench.unit}, median of the rounds)")
    if CHROMIUM is None or DRIVER is None:
        print("  not run: it needs chromium and chromedriver")
        return entry(None, bench.unit, {"not_run": "it needs chromium and chromedriver"}, {}, None)
    said = []
    with tempfile.TemporaryDirectory() as fresh:
        run = write_run(Path(fresh), bars=100_000 // share, trades=5_000 // share, journal=True)
        for k in range(rounds):
            with opened(run / "report.html", Path(fresh) / f"profile{k}") as one:
                said.append(one.run(PAINTED + ZOOMED))
    figures = {name: statistics.median(one[name] for one in said) for name in ("paint", "ready", "frame")}
    print("  first paint {paint:.0f}, all there {ready:.0f}, a frame {frame:.1f}".format(**figures))
    targets = {
        "first paint: at most 2 s": figures["paint"] <= 2_000, "all there: at most 2 s": figures["ready"] <= 2_000,
        "a frame: at most 100 ms": figures["frame"] <= 100,
    }  # fmt: skip
    return entry(figures["ready"], bench.unit, figures, targets, None)


def many_files(root: Path) -> Path:
    """A catalogue of 10,000 small files, the demo's one under ten thousand names, long settled."""
    (shipped,) = (ROOT / "engine/feeds/demo").rglob("2017.parquet")
    for source in range(10):
        for symbol in range(100):
            folder = root / f"s{source}" / f"X{symbol}" / "bars-H1"
            folder.mkdir(parents=True)
            first = folder / "2000.parquet"
            shutil.copy(shipped, first)
            os.utime(first, ns=(0, 0))
            for year in range(2001, 2010):
                os.link(first, folder / f"{year}.parquet")
    return root


def often(rounds: int, command: list[str], known: dict[str, str]) -> Times:
    """Medians after one run that is not counted."""
    once(command, known)
    runs = [once(command, known) for _ in range(rounds)]
    return statistics.median(wall for wall, _ in runs), statistics.median(cpu for _, cpu in runs)


def once(command: list[str], known: dict[str, str]) -> Times:
    """Wall and processor seconds of a command."""
    began, before = time.perf_counter(), os.times()
    done = subprocess.run(command, env=known, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[1:])} failed:\n{done.stderr[-1000:]}")
    wall, after = time.perf_counter() - began, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, used or wall  # Windows does not count the children's


MEASURES: dict[str, Callable[[Bench, int, int], Measured]] = {
    "resting": resting, "memory": memory, "load": load, "cold": cold, "page": page, "importing": importing,
    "library_batch": library.batch, "library_live": library.live, "library_cold": library.cold,
}  # fmt: skip
