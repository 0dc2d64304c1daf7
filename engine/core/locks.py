"""Folders in the making: locked until their process ends, so that others can tell what a killed one left behind.

Where the system cannot lock folders (Windows, some network drives) nothing is ever swept: what is left stays hidden and
harmless.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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


def claim(folder: Path) -> int | None:
    """Make a folder and lock it, waiting for whoever has it; None where there are no such locks.

    Who had it may have removed it as empty: a lock on what is no longer there is none, so it is made again.
    """
    try:
        import fcntl
    except ImportError:
        folder.mkdir(parents=True, exist_ok=True)
        return None
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if folder.exists() and os.path.samestat(os.fstat(handle), os.stat(folder)):
                return handle
        except FileNotFoundError:
            pass
        except OSError:
            os.close(handle)
            return None
        os.close(handle)


def put(made: Path, place: Path) -> None:
    """A file or folder that is on the disk under its name, in one step that a power cut does not take back.

    The name is in the folder, so the folder is flushed too; where the system cannot (Windows, some network drives), it
    puts names on the disk when it likes.
    """
    made.replace(place)
    if os.name == "nt":
        return
    handle = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as wrong:
        if wrong.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(handle)


def unlock(handle: int | None) -> None:
    if handle is not None:
        os.close(handle)


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """One process at a time: between the making of a folder and its lock nobody may take it for abandoned."""
    held = lock(root, wait=True)
    try:
        yield
    finally:
        unlock(held)


def swept(folder: Path) -> bool:
    """Remove a folder in the making whose process is gone; True if it was one. Call it `alone`."""
    held = lock(folder)
    if held is None:
        return False
    shutil.rmtree(folder, ignore_errors=True)
    unlock(held)
    return True
