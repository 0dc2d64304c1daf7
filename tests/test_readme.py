"""What the README shows works as written."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.site import Site, serving

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = re.findall(r"^    (onetape .*)$", README, re.MULTILINE)


@pytest.fixture
def duka(request: pytest.FixtureRequest) -> Iterator[Site | None]:
    """Dukascopy's own files at their addresses, on loopback; None where there are none."""
    try:
        raw = request.getfixturevalue("shared") / "data/fx_ticks/bi5_raw"
    except pytest.skip.Exception:
        yield None
        return
    with serving(Site()) as site:
        for file in raw.rglob("*.bi5"):
            site.pages["/" + file.relative_to(raw).as_posix()] = file.read_bytes()
        yield site


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


SAYS = {
    "backtest demo": r"net profit +-743\.72 USD(.|\n)*digest +7b153bbd",
    "backtest demo --set strategy.params.fast=10": r"run +2 demo(.|\n)*trades +1\d\d(.|\n)*digest",
    "compare latest~1 latest": r"strategy\.0\.params\.fast +20 +10(.|\n)*first difference: 2017-.* cause: the config",
    "runs list": r" 1  demo +87 +-743\.72 USD",
    "runs show latest --days": r"2017-01-0\d +10,000",
    "explain latest 3": r"row +ma_cross saw EURUSD H1.*fast(.|\n)* fill +deal(.|\n)*closed",
    "replay latest": r"compared +\d{3}\ndifference +none",
    "backtest demo-breakout": r"span +2017-03-0.* to 2017-0[89]",
    "backtest pullback": r"pullback on EURUSD",
    "explain latest --bar": r"long\.all\[0\]: close > trend does not hold",
    "backtest demo --on prop-10-5": r"demo(.|\n)*digest",
    "backtest demo --stress": r"spread x1\.5 +87",
    "report latest": r"runs/\d+-demo/report\.html",
    "new strategy my_idea": r"next +onetape backtest my-idea",
    "backtest my-idea": r"my_idea on EURUSD(.|\n)*trades +\d\d",
    "check lookahead my_idea": r"looks_ahead +False",
    "features show rsi": r"Relative strength index",
    "data sample": r"sample/USDJPY/quotes +1\d\d\d\d\d",
    "backtest ma_cross --tf M5": r"records +1\d\d,\d+ quotes(.|\n)*trades +[1-9]",
    "data bars": r"sample/EURUSD/bars-renko10 +\d{4}",
    "data check": r"grade +A",
    "data get dukascopy": r"dukascopy/EURUSD/quotes +41,?056",
    "doctor": r"demo data +True",
}
"""What each command of the README prints, by how it begins."""


def test_the_quick_start_typed_line_by_line_does_what_it_says(tmp_path: Path, duka: Site | None) -> None:
    site = {"ONETAPE_DUKASCOPY_URL": duka.url, "no_proxy": "127.0.0.1"} if duka else {}
    left = dict(SAYS)
    for command in COMMANDS:
        words = shlex.split(command, comments=True)[1:]
        begins = max((known for known in left if " ".join(words).startswith(known)), key=len, default=None)
        assert begins, f"the README shows {command!r}, and this test does not know what it prints"
        says = left.pop(begins)
        if words[:2] == ["data", "get"] and not duka:
            continue
        printed = typed(shlex.join(["onetape", *words]), tmp_path, ONETAPE_CACHE=str(tmp_path / "cache"), **site)
        assert re.search(says, printed), f"{command}:\n{printed}"
    assert not left, f"no longer in the README: {', '.join(left)}"


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)\)", README))
def test_every_link_leads_somewhere(target: str) -> None:
    assert target.startswith("https://") or (ROOT / target).exists()


def test_the_two_commands_have_their_twins_on_windows() -> None:
    for name in ("demo", "test"):
        assert f"make {name} " in README and f".\\{name}.ps1" in README and (ROOT / f"{name}.ps1").is_file()
