"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

for profile in ("default", "laws"):
    settings.register_profile(profile, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")
DEEPER = 20
"""How many times the examples of a property test the profile `laws` tries."""


LONG = ["readme", "laws", "cut", "drift", "risk_parity", "memory", "lookahead_strategies"]
"""Files with tests of half a minute and more: they go first, so that none of them is left to one process at the end."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.stem.removeprefix("test_") not in LONG)
    if config.getoption("--hypothesis-profile") != "laws":
        return
    for test in {getattr(item, "obj", None) for item in items}:
        own = getattr(test, "_hypothesis_internal_use_settings", None)
        if own is not None:
            test._hypothesis_internal_use_settings = settings(own, max_examples=own.max_examples * DEEPER)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real market data kept beside the project (never shipped with it)."""
    folder = Path(os.environ.get("ONETAPE_SHARED") or Path(__file__).resolve().parents[2] / "shared")
    if not (folder / "data").is_dir():
        pytest.skip("needs the shared market data: set ONETAPE_SHARED or put it at ../shared")
    return folder


@pytest.fixture(scope="session")
def deep(request: pytest.FixtureRequest) -> bool:
    """Is this `make laws`, which has hours?"""
    return request.config.getoption("--hypothesis-profile") == "laws"
