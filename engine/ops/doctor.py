"""A look at this installation: what `onetape doctor` and `onetape version` say."""

from __future__ import annotations

import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import engine

CORE = ("numpy", "pandas", "pyarrow", "numba", "msgspec", "typer", "rich", "tzdata", "platformdirs")
ROOM = 1_000_000_000
"""Bytes below which the disk counts as full."""


def versions() -> dict[str, str]:
    """Versions of the engine, of Python and of every core package ('' where one is missing)."""
    found = {"onetape": engine.__version__, "python": platform.python_version(), "machine": platform.machine()}
    for name in CORE:
        try:
            found[name] = installed(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def examine() -> list[dict[str, Any]]:
    """One line per check: what, whether it is ok, what was found."""
    found = versions()
    missing = [name for name in CORE if not found[name]]
    lines = [
        line("python", sys.version_info >= (3, 11), f"{found['python']} at {sys.executable}"),
        line("packages", not missing, f"missing: {', '.join(missing)}" if missing else "all there"),
    ]
    checks = (time_zones, kernels, demo_data, disk) if not missing else (disk,)
    return lines + [examined(check) for check in checks]


def examined(check: Any) -> dict[str, Any]:
    name = check.__name__.replace("_", " ")
    try:
        return line(name, *check())
    except Exception as error:
        return line(name, False, f"{type(error).__name__}: {error}")


def line(what: str, ok: bool, found: str) -> dict[str, Any]:
    return {"check": what, "ok": ok, "found": found}


def time_zones() -> tuple[bool, str]:
    """New York put its clocks forward on 2025-03-09: an old or missing time zone database would not know."""
    from engine.core.clock import parse_time

    hours = (parse_time("2025-03-10", "America/New_York") - parse_time("2025-03-09", "America/New_York")) / 3.6e12
    return hours == 23, "known" if hours == 23 else "damaged: install tzdata"


def kernels() -> tuple[bool, str]:
    from engine.kernels.jit import cache_dir

    folder = cache_dir()
    compiled = len(list(folder.rglob("*.nbi")))
    return True, f"{compiled} compiled in {folder}" if compiled else "none compiled yet: the first run takes longer"


def demo_data() -> tuple[bool, str]:
    from engine.feeds.catalogue import dataset

    demo = dataset("demo/EURUSD/bars-H1")
    return demo.rows > 0, f"{demo.rows} bars of {demo.name}"


def disk() -> tuple[bool, str]:
    free = shutil.disk_usage(Path.cwd()).free
    return free > ROOM, f"{free / 1e9:.1f} GB free in {Path.cwd()}"
