"""What the README shows works as written."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import cli
from engine.core.load import load

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = re.findall(r"^    (onetape .*)$", README, re.MULTILINE)


def run(code: str, folder: Path) -> str:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=folder, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def typed(command: str, folder: Path, **more: str) -> str:
    """What it prints, typed in that folder."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "ONETAPE_DATA": str(folder / "data"), **more}
    words = [sys.executable, "-W", "error", str(ROOT / "cli.py"), *shlex.split(command)[1:]]
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: exit code {done.returncode}\n{done.stderr}"
    return done.stdout


def test_the_first_strategy_trades(tmp_path: Path) -> None:
    (block,) = BLOCKS
    last = run(block, tmp_path).splitlines()[-1]
    found = re.fullmatch(r"(\d+) trades, -?[\d.]+ USD", last)
    assert found and int(found[1]) > 20


def test_the_first_strategy_saved_as_a_file_runs_by_its_name(tmp_path: Path) -> None:
    source = BLOCKS[0].partition("\n\nrun = ")[0].replace("import engine\n", "", 1).replace(
        "from engine.feeds.tapes import open_tape\n", ""
    )  # fmt: skip
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies/above_average.py").write_text(source)
    said = typed("onetape backtest above_average --set strategy.params.period=50", tmp_path)
    assert "above_average on EURUSD" in said


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shown_can_be_meant(command: str) -> None:
    words = shlex.split(command)[1:]
    verb = typer.main.get_command(cli.app)
    while hasattr(verb, "commands"):
        verb = verb.commands[words.pop(0)]
    with verb.make_context("x", list(words)) as context:
        values = context.params
    if "config" in values:
        assert load(values["config"], sets=values["sets"] or (), env={}).strategies


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)\)", README))
def test_every_link_leads_somewhere(target: str) -> None:
    assert target.startswith("https://") or (ROOT / target).exists()


def test_the_two_commands_have_their_twins_on_windows() -> None:
    for name in ("demo", "test"):
        assert f"make {name} " in README and f".\\{name}.ps1" in README and (ROOT / f"{name}.ps1").is_file()
