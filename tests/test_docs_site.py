"""The documentation site builds without a single warning: every link, page and reference leads somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def build(folder: Path, out: Path) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("mkdocstrings", reason="needs the extra docs: pip install -e .[docs]")
    pytest.importorskip("material", reason="needs the extra docs: pip install -e .[docs]")
    env = {**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", folder / "mkdocs.yml", "-d", out]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_the_site_builds_strictly_and_asks_nobody_for_anything(tmp_path: Path) -> None:
    done = build(ROOT, tmp_path / "site")
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "site/reference/engine/index.html").read_text("utf-8")
    assert "Replay a market through a strategy" in page, "the reference is made of docstrings"
    for path in (tmp_path / "site").rglob("*.html"):
        text = path.read_text("utf-8")
        assert not re.search(
            r'<(?:script|img)[^>]+src="https?://|<link[^>]+rel="stylesheet"[^>]+href="https?:', text
        ), path


def test_a_link_that_leads_nowhere_is_seen(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text("[gone](gone.md)\n")
    (tmp_path / "mkdocs.yml").write_text("site_name: x\ntheme:\n  name: material\n  font: false\n")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode != 0 and "gone.md" in done.stdout + done.stderr
