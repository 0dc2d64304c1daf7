"""The folder of a run in the making: a number of its own, and a lock that ends with its process."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from engine.core.errors import OutputError, unwritten
from engine.core.locks import alone, lock, swept
from engine.report.runs import list_runs


def reserve(root: Path) -> tuple[int, Path, int | None]:
    """The next free number, its partial folder, made, and the lock on it: only one process can have it.

    What processes left there that were killed is removed. Raises OutputError.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        with alone(root):
            while True:
                number = next_number(root)
                folder = root / f".{number}.partial"
                with suppress(FileExistsError):
                    folder.mkdir()
                    if not any(run.number == number for run in list_runs(root)):
                        return number, folder, lock(folder)
                    folder.rmdir()  # where nothing locks, another process finished under this number meanwhile
    except OSError as error:
        raise OutputError(f"no run can be written to {root}: {reason(error)}") from None


def next_number(root: Path) -> int:
    """One more than any run finished or in the making; what is in the making by nobody is removed on the way."""
    partial = [p for p in root.glob(".*.partial") if p.name[1:-8].isdecimal() and not swept(p)]
    running = [int(p.name[1:-8]) for p in partial]
    return max([0, *(run.number for run in list_runs(root)), *running]) + 1


def reason(error: OSError) -> str:
    return f"{unwritten(error)}; nothing of it was kept"
