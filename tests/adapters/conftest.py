"""Every test has a catalogue, a cache and a provider of its own, and nobody waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.site import Site, serving


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The catalogue's root."""
    monkeypatch.setenv("ONETAPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ONETAPE_DATA", str(tmp_path / "catalogue"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "catalogue"


@pytest.fixture
def waits() -> list[float]:
    """How long one was asked to wait, in seconds: `sleep=waits.append`."""
    return []


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site()) as here:
        yield here


@pytest.fixture
def duka(site: Site, shared: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The real files of Dukascopy under their addresses; what is not there is a 404."""
    raw = shared / "data/fx_ticks/bi5_raw"
    for file in raw.rglob("*.bi5"):
        site.pages["/" + file.relative_to(raw).as_posix()] = file.read_bytes()
    monkeypatch.setenv("ONETAPE_DUKASCOPY_URL", site.url)
    return site
