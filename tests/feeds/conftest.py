"""Every test of feeds has a catalogue and a replay cache of its own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The catalogue's root."""
    monkeypatch.setenv("ONETAPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ONETAPE_DATA", str(tmp_path / "catalogue"))
    return tmp_path / "catalogue"
