"""The rules of the house: who may read the clock, how long a file is, what an import costs."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([ROOT / "cli.py", *ROOT.glob("engine/**/*.py"), *ROOT.glob("strategies/*.py")])
LONGEST, MEDIAN, SCREEN = 400, 150, 80
CLOCKS = re.compile(
    r"\b(time\.(time|time_ns|localtime|gmtime|ctime)|datetime\.(now|utcnow|today)|date\.today"
    r"|Timestamp\.(now|utcnow|today))\b"
)
DRAWS = re.compile(
    r"\b(random\.(?!Generator|Philox|PCG64|SeedSequence|default_rng)\w+|urandom|uuid[14]|secrets\.\w+)\b"
)
HEAVY = ("numba", "pandas", "pyarrow")


def name_of(node: ast.AST) -> str:
    """`a.b.c` of an attribute or name, else empty."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def breaches(source: str) -> list[str]:
    """Every reading of the wall clock and every draw from an unseeded or global generator."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [f"{node.lineno} import {a.name}" for a in node.names if a.name in ("random", "secrets")]
        if isinstance(node, ast.ImportFrom) and node.module in ("random", "secrets", "time", "numpy.random"):
            found += [
                f"{node.lineno} from {node.module} import {a.name}"
                for a in node.names
                if a.name not in ("Generator", "Philox", "perf_counter", "perf_counter_ns", "monotonic", "sleep")
            ]
        if isinstance(node, ast.Attribute):
            name = name_of(node)
            if CLOCKS.search(name) or DRAWS.search(name):
                found.append(f"{node.lineno} {name}")
        if isinstance(node, ast.Call) and name_of(node.func).endswith("default_rng") and not node.args:
            found.append(f"{node.lineno} default_rng without a seed")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_clock_reads_wall_time_and_nothing_draws_without_a_seed(path: Path) -> None:
    allowed = ["time.time_ns"] if path == ROOT / "engine/core/clock.py" else []
    assert [b for b in breaches(path.read_text("utf-8")) if b.split()[-1] not in allowed] == []


@pytest.mark.parametrize(
    "planted",
    [
        "import time\ntime.time()", "import time\nx = time.time_ns", "from time import time", "import random",
        "import datetime\ndatetime.datetime.now()", "from datetime import datetime\ndatetime.utcnow()",
        "import pandas as pd\npd.Timestamp.now()", "import numpy as np\nnp.random.seed(1)",
        "import numpy as np\nnp.random.default_rng()", "import os\nos.urandom(4)", "import uuid\nuuid.uuid4()",
    ],
)  # fmt: skip
def test_a_planted_clock_or_draw_is_caught(planted: str) -> None:
    assert breaches(planted)


def test_a_seeded_generator_and_a_stopwatch_are_allowed() -> None:
    assert breaches("import time, numpy as np\ntime.perf_counter()\nnp.random.default_rng(7).normal()") == []


def test_files_stay_readable() -> None:
    lengths = {str(p.relative_to(ROOT)): len(p.read_text("utf-8").splitlines()) for p in SOURCES}
    assert {name: n for name, n in lengths.items() if n > LONGEST} == {}
    assert statistics.median(n for n in lengths.values() if n) <= MEDIAN


def test_a_strategy_is_read_in_under_120_lines() -> None:
    lengths = {p.name: len(p.read_text("utf-8").splitlines()) for p in (ROOT / "strategies").glob("*.py")}
    assert {name: n for name, n in lengths.items() if n >= 120} == {} and len(lengths) > 10


def test_functions_fit_a_screen() -> None:
    long = {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.FunctionDef):
                continue
            told = len((ast.get_docstring(node, clean=False) or "").splitlines())  # rules are read, not followed
            if (lines := (node.end_lineno or 0) - node.lineno + 1 - told) > SCREEN:
                long[f"{path.relative_to(ROOT)}:{node.name}"] = lines
    assert long == {}


def modules_after(code: str) -> set[str]:
    command = [sys.executable, "-c", f"{code}\nimport sys; print(' '.join(sys.modules))"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_importing_the_engine_brings_nothing_heavy() -> None:
    assert modules_after("import engine; engine.__version__").isdisjoint((*HEAVY, "numpy"))


def test_help_brings_nothing_but_typer() -> None:
    help_text = "import cli, engine.ops.console as c; assert c.run(cli.app, ['backtest', '--help']) == 0"
    assert modules_after(help_text).isdisjoint((*HEAVY, "numpy", "rich", "engine.core.config", "engine.run"))


def test_listing_data_brings_neither_numpy_nor_pydantic(tmp_path: Path) -> None:
    """Half a second for 10,000 files is soon gone with imports; see `cold` in tests/bench for the time itself."""
    (tmp_path / "series/cboe").mkdir(parents=True)
    shipped = next((ROOT / "engine/feeds/demo").rglob("2017.parquet"))
    (tmp_path / "series/cboe/VIX.parquet").write_bytes(shipped.read_bytes())
    listing = (
        f"import os; os.environ['ONETAPE_DATA'] = os.environ['ONETAPE_CACHE'] = {str(tmp_path)!r}; "
        "import cli, engine.ops.console as c; assert c.run(cli.app, ['data', 'list']) == 0"
    )
    for _ in ("without an index", "with one"):
        assert modules_after(listing).isdisjoint((*HEAVY, "numpy", "pydantic", "rich", "engine.core.zones"))


def test_a_config_is_read_without_numba_or_pandas() -> None:
    assert modules_after("from engine.core.load import load; load('demo', env={})").isdisjoint(HEAVY)


def test_nothing_committed_names_a_folder_of_somebodys_machine() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout: nothing says which files are committed")
    homes = re.compile(rb"(?<![\w.])/(?:root|home/\w+|Users/\w+)/|[A-Z]:\\Users\\")
    named = [
        name for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()
        and path.suffix != ".parquet" and homes.search(path.read_bytes())
    ]  # fmt: skip
    assert named == []
