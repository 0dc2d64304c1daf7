"""A run with a folder streams: what it keeps does not grow with what it writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.core.load import load
from engine.feeds.data import open_sample
from engine.feeds.synthetic import sample
from engine.run import Session, make_strategies

ROOT = Path(__file__).resolve().parents[2]
QUICK = [
    "strategy.params.fast=2", "strategy.params.slow=3", "strategy.frame=M1", "data.kind=quotes", "report.equity=10 s",
    "risk.size=0.01 lots",
]  # fmt: skip


@pytest.mark.parametrize("lane", ["python", "compiled"])
def test_nothing_that_is_written_is_kept(lane: str, tmp_path: Path) -> None:
    config = load("demo", sets=[*QUICK, f"run.lane={lane}"], env={})
    session = Session(config, sample(["EURUSD"], 100_000, seed=3), make_strategies(config), out=tmp_path)
    with session.recorder as recorder:
        run = session.run()
    assert recorder.fills == [] and recorder.trades == [] and recorder._samples == [] and session.unread == []
    assert recorder.book._exits == {} and len(recorder.book.open) <= 1
    assert len(run.trades) > 300 and len(run.equity) > 1_000


SCRIPT = """
import re, sys; from pathlib import Path
import engine
from engine.core.load import load
from engine.feeds.data import open_sample
from engine.feeds.synthetic import sample
config = load("demo", sets=sys.argv[3:], env={})
engine.backtest(config, sample(["EURUSD"], 20_000, seed=3), out=sys.argv[2])
tape = open_sample(sample(["EURUSD"], int(sys.argv[1]), seed=3))
made = engine.backtest(config, tape, out=sys.argv[2])
status = Path("/proc/self/status").read_text()
told = [re.search(name + r":\\s+(\\d+) kB", status)[1] for name in ("RssAnon", "VmHWM")]
print(made.summary.figures["trades"], *told)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the memory of a process where Linux tells it")
@pytest.mark.parametrize("lane", ["python", "compiled"])
def test_four_times_the_quotes_take_no_more_memory(lane: str, tmp_path: Path) -> None:
    """Anonymous memory when the run is over, and the most that was ever resident, 1.5 and 6 million quotes."""
    found = []
    for n in (1_500_000, 6_000_000):
        open_sample(sample(["EURUSD"], n, seed=3))
        command = [sys.executable, "-c", SCRIPT, str(n), str(tmp_path), *QUICK, f"run.lane={lane}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        found.append([int(word) for word in done.stdout.split()])
    (few, small, least), (many, large, most) = found
    assert many > 2 * few > 8_000
    # a quote kept by mistake would take 20 bytes and more, 90 MB in all; arenas and pools come and go by 20 MB or so.
    # What was ever resident counts the mapped tape too, 24 bytes a quote.
    assert large - small < 45_000 and most - least < 108_000 + 45_000, found
