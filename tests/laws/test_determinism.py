"""A decision depends on the events before it and on nothing else: not on the process, the hash seed or the block."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine.core.config import Config, RunConfig
from engine.core.load import load
from engine.replay import replay
from engine.run import Session, backtest
from tests.laws.gambler import Gambler
from tests.laws.market import MS
from tests.laws.runs import gamblers
from tests.laws.test_cut import Case, whole

ROOT = Path(__file__).resolve().parents[2]
CASES = (Case(), Case(kind="bars", mode="netting"), Case(watch=True, latency=0, back=0, size="0.10 lots"))


def blocks(config: Config, size: int, lane: str = "python") -> Config:
    return replace(config, run=RunConfig(lane, size))


def facts(block: int) -> list[str]:
    """One line each: the digests of the demo and of some gambles, and a hash of every fill."""
    demo = backtest(blocks(load("demo"), block))
    lines = [f"demo {demo.digest} {hashlib.blake2b(repr(demo.fills).encode()).hexdigest()}"]
    for case in CASES:
        cuts = [(k, ()) for k in range(block, len(case.tape), block)]
        outcome = case.play(cuts)
        lines.append(f"{case} {outcome.digest} {hashlib.blake2b(outcome.book + outcome.samples).hexdigest()}")
    return lines


@pytest.mark.parametrize(("seed", "block"), [("0", 65_536), ("4242", 101)])
def test_another_process_another_hash_seed_and_another_block_make_the_same_decisions(seed: str, block: int) -> None:
    code = f"from tests.laws.test_determinism import facts; print(*facts({block}), sep='\\n')"
    env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == facts(4_096)


def test_the_demo_trades_and_gives_the_same_in_both_lanes_and_any_block() -> None:
    runs = [
        backtest(blocks(load("demo"), size, lane)) for lane in ("python", "compiled") for size in (65_536, 1_000, 13)
    ]
    assert len(runs[0].fills) > 100 and {"stop_loss", "order"} == {fill.reason for fill in runs[0].fills}
    assert all(run.fills == runs[0].fills for run in runs)
    assert {run.digest for run in runs[:3]} == {runs[0].digest} and {run.digest for run in runs[3:]} == {runs[3].digest}


def test_a_run_leaves_nothing_behind_that_changes_the_next() -> None:
    assert [case.play().differences(whole(case)) for case in (*CASES, *CASES[::-1])] == [[]] * 6


@pytest.mark.parametrize("case", [*CASES, replace(CASES[0], latency=75 * MS, seed=2)])
def test_a_replay_of_a_journal_finds_every_decision_again(case: Case, tmp_path: Path, monkeypatch) -> None:
    """From the file alone and the same tape: what the strategy said as a whole number or a numpy number included."""
    config = replace(case.config, name="gamble")
    made = dict(zip([s.id for s in config.strategies], gamblers(config, case.watch), strict=True))

    def fresh(name: str, params: object, id: str) -> Gambler:
        one = made[id]
        again = type(one)(seed=one.seed, pace=one.pace, larger=one.larger)
        again.id = id
        return again

    monkeypatch.setattr("engine.run.make", fresh)
    session = Session(config, case.tape, [fresh("", {}, s.id) for s in config.strategies], out=tmp_path)
    with session.recorder:
        run = session.run()
    assert run.digest == whole(case).digest
    found = replay(run.path, case.tape)
    assert found.ok and found.difference is None and found.compared > 1_000
