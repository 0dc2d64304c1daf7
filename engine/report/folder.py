"""The folder of a run in the making: a number of its own, and a lock that ends with its process.

Where the system cannot lock folders (Windows, some network drives) nothing is swept: what a killed process leaves stays
hidden and harmless.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from engine.core.errors import OutputError, unwritten
from engine.report.runs import list_runs


def reserve(root: Path) -> tuple[int, Path, int | None]:
    """The next free number, its partial folder, made, and the lock on it: only one process can have it.

    What processes left there that were killed is removed. Raises OutputError.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        at_the_door = lock(root, wait=True)
        try:
            while True:
                number = next_number(root)
                folder = root / f".{number}.partial"
                with suppress(FileExistsError):
                    folder.mkdir()
                    if not any(run.number == number for run in list_runs(root)):
                        return number, folder, lock(folder)
                    folder.rmdir()  # where nothing locks, another process finished under this number meanwhile
        finally:
            unlock(at_the_door)
    except OSError as error:
        raise OutputError(f"no run can be written to {root}: {reason(error)}") from None


def next_number(root: Path) -> int:
    """One more than any run finished or in the making; what is in the making by nobody is removed on the way."""
    partial = [p for p in root.glob(".*.partial") if p.name[1:-8].isdecimal() and not stale(p)]
    running = [int(p.name[1:-8]) for p in partial]
    return max([0, *(run.number for run in list_runs(root)), *running]) + 1


def stale(folder: Path) -> bool:
    """Remove a partial folder whose process is gone; True if it was one."""
    held = lock(folder)
    if held is None:
        return False
    shutil.rmtree(folder, ignore_errors=True)
    unlock(held)
    return True


def lock(folder: Path, wait: bool = False) -> int | None:
    """Lock a folder until `unlock` or the end of the process; None if another has it or there are no such locks."""
    try:
        import fcntl
    except ImportError:
        return None
    handle = None
    try:
        handle = os.open(folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        unlock(handle)
        return None
    return handle


def unlock(handle: int | None) -> None:
    if handle is not None:
        os.close(handle)


def reason(error: OSError) -> str:
    return f"{unwritten(error)}; nothing of it was kept"
