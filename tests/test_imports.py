"""Who may import whom, and what must be installed for it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([ROOT / "cli.py", *ROOT.glob("engine/**/*.py"), *ROOT.glob("strategies/*.py")])
TESTS = sorted(p for p in ROOT.glob("tests/**/*.py") if not p.name.startswith("peer_"))
"""A benchmark's peers are imported in environments of their own."""
DISTRIBUTIONS = {"talib": "ta-lib", "sklearn": "scikit-learn", "llvmlite": "numba"}


def third_party(paths: list[Path]) -> set[str]:
    """Top-level modules that are imported and are neither ours nor Python's."""
    own = {"engine", "strategies", "tests", "cli"} | {p.stem for p in TESTS} | set(sys.stdlib_module_names)
    found = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return {DISTRIBUTIONS.get(name, name).lower() for name in found - own}


def declared(*extras: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = project["dependencies"] + [line for e in extras for line in project["optional-dependencies"][e]]
    return {re.split(r"[^\w-]", line)[0].lower() for line in lines}


def test_the_core_needs_about_ten_packages_and_every_import_is_declared() -> None:
    assert len(declared()) <= 12
    adapters = [path for path in SOURCES if "adapters" in path.parts]
    drawn = [ROOT / "engine/report" / name for name in ("papers.py", "tearsheet.py")]
    assert third_party([path for path in SOURCES if path not in adapters + drawn]) <= declared()
    assert third_party(drawn) <= declared("report"), "a tear sheet or a figure may need an extra"
    assert third_party(adapters) <= declared("mt5", "crypto"), "an adapter may need an extra"


def test_every_import_of_a_test_is_installed_by_make_test() -> None:
    assert third_party(TESTS) <= declared("test")


def test_the_import_rules_hold() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
