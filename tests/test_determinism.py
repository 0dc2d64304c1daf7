"""A run is what its config and tape make of it: not the process, not the order of a dictionary, not the block size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import engine
from engine.core.load import RUNS, STRATEGIES, load
from engine.replay import replay
from engine.run import make_strategies

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = sorted(path.stem for path in RUNS.glob("*.toml"))


def digest_elsewhere(config: str, *sets: str, hash_seed: str, folder: Path) -> str:
    """The digest of the same config in another process."""
    command = [sys.executable, str(ROOT / "cli.py"), "backtest", config, "--json", "--out", str(folder)]
    for item in sets:
        command += ["--set", item]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["digest"]


def test_there_are_shipped_configs():
    assert {"demo", "demo-breakout"} <= set(CONFIGS)


PINNED_ELSEWHERE = {"pairs": "tests/strategies/test_pairs.py"}
"""Strategies that need more than the demo's one symbol, and the test that says what they give on real data."""


def test_every_shipped_strategy_has_a_config_that_says_what_it_gives():
    shipped = {path.stem for path in STRATEGIES.glob("[a-z]*.py")}
    pinned = {one.name for name in CONFIGS for one in load(name, env={}).strategies}
    assert shipped == pinned | set(PINNED_ELSEWHERE), "add a config with [expect] to configs/runs"
    for name, place in PINNED_ELSEWHERE.items():
        text = (ROOT / place).read_text("utf-8")
        assert f'"name": "{name}"' in text and "run.digest) == PINNED" in text


@pytest.mark.parametrize("name", CONFIGS)
def test_a_shipped_config_says_what_it_gives_and_gives_it(name):
    config = load(name, env={})
    assert config.expect is not None and config.expect.config == config.identity, "record [expect] anew"
    assert None not in (config.expect.trades, config.expect.balance, config.expect.digest)
    run = engine.backtest(config)
    assert not run.expected
    assert run.summary.figures["trades"] >= 20


@pytest.mark.parametrize("name", CONFIGS)
def test_another_process_and_another_block_size_decide_the_same(name, tmp_path):
    expected = load(name, env={}).expect
    assert expected is not None
    if name in ("demo", "demo-breakout"):
        assert digest_elsewhere(name, hash_seed="1", folder=tmp_path / "a") == expected.digest
    assert digest_elsewhere(name, "run.block=97", hash_seed="2", folder=tmp_path / "b") == expected.digest
    if name not in COMPILED:  # what has parameters of many shapes, and states of its own
        assert replay(tmp_path / "b" / f"1-{name}").ok


COMPILED = [name for name in CONFIGS if make_strategies(load(name, env={}))[0].compiled() is not None]


@pytest.mark.parametrize("name", COMPILED)
def test_the_compiled_lane_ends_with_the_same_money(name):
    config = load(name, sets=["run.lane=compiled"], env={})
    expected = load(name, env={}).expect
    assert expected is not None
    assert engine.backtest(config).summary.figures["end_balance"] == expected.balance
