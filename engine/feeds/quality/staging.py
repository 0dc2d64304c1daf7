"""Folders in the making: what is inside appears elsewhere by one rename, or is gone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.core.errors import OutputError, unwritten
from engine.core.locks import alone, lock, swept, unlock


@contextmanager
def staged(root: Path, name: str, what: str) -> Iterator[Path]:
    """`root/.<name>.<process>` while the block lasts; those that killed processes left behind are swept away.

    OutputError says that `what` could not be written, and why.
    """
    held = None
    folder = root / f".{name}.{os.getpid()}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with alone(root):
            for left in root.glob(f".{name}.*"):
                swept(left)
            folder.mkdir(exist_ok=True)
            held = lock(folder)
        yield folder
    except OSError as wrong:
        raise OutputError(f"{what} cannot be written: {unwritten(wrong)}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        unlock(held)
        if root.is_dir() and not any(root.iterdir()):
            root.rmdir()
