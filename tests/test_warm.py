"""What is compiled ahead is what a run asks for; nothing depends on it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import engine
from engine import warm
from engine.core.errors import OnetapeError
from engine.core.load import load
from engine.venues.scan import advance_bars

ROOT = Path(__file__).resolve().parents[1]
CODE = """
import engine, cli
from engine import warm
from engine.core.load import load
from engine.drive import drive, gather
from engine.execution.kernels import market_orders
from engine.features.compiled import extend
from engine.risk.kernels import decide_one
from engine.venues.intake import submit
from engine.venues.scan import advance_bars, peek_bars

KERNELS = drive, gather, market_orders, extend, decide_one, submit, advance_bars, peek_bars

def known():
    return {kernel.__name__: set(kernel.signatures) for kernel in KERNELS}

warm.around("%(lane)s", "bars")
warm.large("%(lane)s", "bars")
before = known()
made = engine.backtest(load("demo", sets=["run.lane=%(lane)s"], env={}))
assert len(made.trades) == 87
assert known() == before, (before, known())
print(sum(map(len, before.values())))
"""


@pytest.mark.parametrize("lane", ["python", "compiled"])
def test_a_run_asks_for_nothing_that_was_not_compiled_ahead(lane: str) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    code = CODE % {"lane": lane}
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 2


def nowhere(monkeypatch: pytest.MonkeyPatch, empty: Path) -> None:
    """As on a machine on which nothing was compiled yet."""
    monkeypatch.setattr(type(advance_bars._cache), "cache_path", str(empty))


def test_what_a_run_has_compiled_is_not_cold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    engine.backtest("demo")
    assert not warm.is_cold("python", "bars")
    nowhere(monkeypatch, tmp_path)
    assert warm.is_cold("python", "bars")


def test_with_one_core_a_run_is_left_to_compile_by_itself(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nowhere(monkeypatch, tmp_path)
    monkeypatch.setattr(warm, "cores", lambda: 1)
    monkeypatch.setattr(warm, "started", lambda task: pytest.fail(f"another process was started: {task}"))
    warm.ahead(load("demo", env={}))


def test_that_the_other_process_fails_does_not_matter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with warm.started("no such task") as other:
        assert other.wait() != 0
    nowhere(monkeypatch, tmp_path)
    monkeypatch.setattr(warm, "started", lambda _, start=warm.started: start("no such task"))
    warm.ahead(load("demo", env={}))


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        ("strategy.params.fas=3", "ma_cross has no parameter 'fas': did you mean fast"),
        ("data.symbols=EURUSDX", "EURUSDX"),
    ],
)
def test_a_mistake_is_told_before_anything_is_compiled(
    mistake: str, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nowhere(monkeypatch, tmp_path)
    monkeypatch.setattr(warm, "started", lambda task: pytest.fail(f"another process was started: {task}"))
    with pytest.raises(OnetapeError, match=told):
        warm.ahead(load("demo", sets=[mistake], env={}))
