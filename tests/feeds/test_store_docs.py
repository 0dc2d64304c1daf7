"""What the guide to the store and to bars shows works as written."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import cli
from engine.ops import console

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/guides/data.md").read_text("utf-8")
SECTIONS = "".join(f"\n{s}" for s in re.split(r"\n(?=## )", TEXT) if s.startswith(("## Bars\n", "## The store\n")))
COMMANDS = re.findall(r"^    onetape (.*)$", SECTIONS, re.MULTILINE)
BLOCKS = re.findall(r"```python\n(.*?)```", SECTIONS, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the guide's commands were typed; its sample is made shorter."""
    made = tmp_path_factory.mktemp("guide")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        patch.setenv("ONETAPE_DATA", str(made / "data"))
        for command in [*COMMANDS, "data bars sample/EURUSD/quotes M5"]:
            assert console.run(cli.app, shlex.split(command.replace("300000", "20000"))) == 0
    return made


def test_the_code_of_the_guide_runs(folder: Path) -> None:
    there = [b for b in BLOCKS if all(find_spec(r) or f"import {r}" not in b for r in ("duckdb", "polars"))]
    code = "".join(f"{block}\nprint('ran')\n" for block in there)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "ONETAPE_DATA": str(folder / "data")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and done.stdout.splitlines().count("ran") == len(there) >= 3, done.stderr


def test_the_guide_shows_every_reader_and_every_verb_it_names() -> None:
    assert len(BLOCKS) == 5 and all(f"import {reader}" in SECTIONS for reader in ("duckdb", "polars", "pandas"))
    for verb in ("data bars", "data compact", "data retain", "data archive", "data show", "data list"):
        assert f"onetape {verb}" in SECTIONS
