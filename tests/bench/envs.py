"""An environment of its own for each peer, under build/bench/, made once; where that cannot be had, the reason."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path


class CannotHave(Exception):
    """Why a peer does not run here, in one line."""


@dataclass(frozen=True)
class Peer:
    """What to install, and the Python versions its wheels are made for."""

    name: str
    requirements: tuple[str, ...]
    least: tuple[int, int] = (3, 11)
    most: tuple[int, int] = (3, 13)


PEERS = {
    p.name: p
    for p in (
        Peer("hftbacktest", ("hftbacktest==2.4.4",)),
        Peer("nautilus", ("nautilus_trader==1.231.0",), (3, 12)),
        Peer("backtesting", ("backtesting==0.6.6",)),
        Peer("vectorbt", ("vectorbt==1.2.0",)),
        Peer("indicators", ("TA-Lib==0.8.2", "tulipy==0.4.0", "talipp==2.7.0")),
    )
}


@cache
def pythons() -> dict[tuple[int, int], str]:
    """Interpreters on this machine by version: the running one, the PATH, pyenv, the Windows launcher's folders."""
    names = [f"python3.{minor}" for minor in range(11, 15)] + ["python3", "python"]
    found = [sys.executable] + [p for n in names if (p := shutil.which(n))]
    roots = [Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"]
    if local := os.environ.get("LOCALAPPDATA"):
        roots.append(Path(local) / "Programs" / "Python")
    for root in roots:
        found += [str(p) for p in sorted([*root.glob("*/bin/python3"), *root.glob("*/python.exe")])]
    known: dict[tuple[int, int], str] = {}
    for path in found:
        asked = subprocess.run(
            [path, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True, check=False
        )
        if asked.returncode == 0:
            major, minor = asked.stdout.split()
            known.setdefault((int(major), int(minor)), path)
    return known


def python_for(peer: Peer) -> str:
    """The interpreter for a peer: the running one if it fits, else the oldest that does."""
    fits = {v: path for v, path in pythons().items() if peer.least <= v <= peer.most}
    if not fits:
        wanted, have = (".".join(map(str, v)) for v in (peer.least, max(pythons())))
        raise CannotHave(f"it wants Python {wanted} or newer and only {have} was found")
    return fits.get(sys.version_info[:2]) or fits[min(fits)]


def executable(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def environment(name: str, build: Path) -> Path:
    """The Python of a peer's environment under `build`, made now if need be; CannotHave says why not."""
    peer, folder = PEERS[name], build / name
    mark, wanted = folder / "requirements.txt", "\n".join(PEERS[name].requirements)
    if mark.exists() and mark.read_text() == wanted:
        return executable(folder)
    base = python_for(peer)
    print(f"  building an environment for {name} ...", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    order(base, "-m", "venv", str(folder))
    order(str(executable(folder)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *peer.requirements)
    mark.write_text(wanted)
    return executable(folder)


def order(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if "error" in line.lower()]
        raise CannotHave(re.sub(r"^ERROR: ", "", (lines or ["it could not be installed"])[-1])[:200])
