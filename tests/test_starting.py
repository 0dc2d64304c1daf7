"""`new strategy` writes what passes as written; the shell completes commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cli
from engine.core.errors import ConfigError, OutputError
from engine.ops import console, starting
from engine.strategy import snake

ROOT = Path(__file__).resolve().parents[1]


def test_what_new_strategy_writes_passes_its_own_test_as_written(tmp_path: Path) -> None:
    made = starting.strategy("my_idea", tmp_path)
    assert {Path(made[kind]).relative_to(tmp_path).as_posix() for kind in ("strategy", "config", "test")} == {
        "strategies/my_idea.py", "configs/runs/my-idea.toml", "tests/test_my_idea.py",
    }  # fmt: skip
    pytest_words = [made["test"], "-q", "-W", "error", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", *pytest_words, "-c", os.devnull]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0 and "5 passed" in done.stdout, done.stdout + done.stderr
    rules = ("--isolated", "--select", "E,F,B,UP", "--line-length", "120")
    command = [sys.executable, "-m", "ruff", "check", *rules, made["strategy"], made["test"]]
    lint = subprocess.run(command, capture_output=True, text=True)
    assert lint.returncode == 0, lint.stdout


@given(st.from_regex(r"\A[a-z][a-z0-9]{0,5}(_[a-z][a-z0-9]{0,5}){0,2}\Z"))
def test_the_engine_finds_a_strategy_under_the_name_it_was_given(name: str) -> None:
    assert snake(starting.camel(name)) == name


@pytest.mark.parametrize(
    ("name", "near"),
    [("MyIdea", "my_idea"), ("my-idea", "my_idea"), ("class", "my_idea"), ("2nd", "my_idea"), ("é", "my_idea")],
)
def test_a_name_that_is_none_is_refused_with_one_that_is_near(tmp_path: Path, name: str, near: str) -> None:
    with pytest.raises(ConfigError, match=f"like {near}"):
        starting.strategy(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_a_shipped_strategy_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is a strategy ma_cross already"):
        starting.strategy("ma_cross", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_and_nothing_half_written(tmp_path: Path) -> None:
    starting.strategy("mine", tmp_path)
    (tmp_path / "strategies/mine.py").write_text("edited")
    with pytest.raises(ConfigError, match="exists already"):
        starting.strategy("mine", tmp_path)
    assert (tmp_path / "strategies/mine.py").read_text() == "edited"
    (tmp_path / "other").mkdir()
    (tmp_path / "other/tests").write_text("a file where a folder is needed")
    with pytest.raises(OutputError, match="nothing of it was kept"):
        starting.strategy("mine", tmp_path / "other")
    assert not [p for p in (tmp_path / "other").rglob("*") if p.is_file() and p.name != "tests"]


def test_the_command_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert console.run(cli.app, ["new", "strategy", "mine", "--in", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["next"] == f"in {tmp_path}: onetape backtest mine" and Path(told["config"]).is_file()
    assert console.run(cli.app, ["new", "strategy", "mine", "--in", str(tmp_path)]) == 2


def asked(words: str, shell: str) -> list[str]:
    env = {
        **os.environ, "_ONETAPE_COMPLETE": f"complete_{shell}", "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")), "_TYPER_COMPLETE_ARGS": words, "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_WORD_TO_COMPLETE": words.split(" ")[-1],
    }  # fmt: skip
    done = subprocess.run([sys.executable, ROOT / "cli.py"], env=env, capture_output=True, text=True, check=False)
    return done.stdout.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_a_shell_completes_verbs_and_options(shell: str) -> None:
    assert any("compare" in word for word in asked("onetape com", shell))
    assert any("--tearsheet" in word for word in asked("onetape report --te", shell))


def test_the_shells_settings_are_printed_on_demand() -> None:
    env = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run(
        [sys.executable, ROOT / "cli.py", "--show-completion", "bash"], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0 and "_ONETAPE_COMPLETE=complete_bash" in done.stdout
