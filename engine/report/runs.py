"""Finished runs on disk: `runs/<n>-<name>/`. A folder whose name starts with a dot is not finished and not seen."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from engine.core.errors import NotFound
from engine.core.registry import did_you_mean

NAME = re.compile(r"(\d+)-(.+)")


class RunFolder(msgspec.Struct, frozen=True):
    """A finished run: its number, its name and where it lies."""

    number: int
    name: str
    path: Path


def list_runs(root: Path) -> list[RunFolder]:
    """Finished runs under `root`, lowest number first; none when the folder is not there yet."""
    if not root.is_dir():
        return []
    found = [(NAME.fullmatch(p.name), p) for p in root.iterdir() if p.is_dir()]
    return sorted((RunFolder(int(m[1]), m[2], p) for m, p in found if m), key=lambda run: run.number)


def find_run(ref: str | int, root: Path) -> RunFolder:
    """The run meant by a number, a folder's name, a path, `latest` or `latest~1` (the one before).

    Raises NotFound, naming the nearest run there is.
    """
    text = str(ref).strip()
    path = Path(text)
    if (match := NAME.fullmatch(path.resolve().name)) and path.is_dir() and (path / "summary.json").is_file():
        return RunFolder(int(match[1]), match[2], path)
    runs = list_runs(root)
    if not runs:
        raise NotFound(f"there is no run in {root} yet")
    if back := re.fullmatch(r"latest(?:~(\d+))?", text):
        age = int(back[1] or 0)
        if age >= len(runs):
            raise NotFound(f"{text}: there are only {len(runs)} runs in {root}")
        return runs[-1 - age]
    for run in runs:
        if text in (str(run.number), run.path.name):
            return run
    named = [run for run in runs if run.name == text]
    if named:
        return named[-1]
    raise NotFound(f"no run {text!r} in {root}: {nearest(text, runs)}")


def nearest(text: str, runs: list[RunFolder]) -> str:
    """The run closest to what was asked for: by number when a number was given, else by name."""
    if text.isdecimal():
        number = min((run.number for run in runs), key=lambda n: abs(n - int(text)))
        return f"the nearest is {next(run.path.name for run in runs if run.number == number)}"
    return did_you_mean(text, [run.path.name for run in runs] + [run.name for run in runs] + ["latest"])
