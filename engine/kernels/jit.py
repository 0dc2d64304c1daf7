"""The one way into numba: cached, checked for stale caches, told about when it takes long.

numba's cache of a function does not notice that a helper in another file changed: the caller would go on
returning yesterday's numbers. So the cache folder is named after a hash of every file that holds kernels, the
numba version and the processor.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

ROOT = Path(__file__).resolve().parents[2]
MARKS = (b"@jit", b"@part", b"@entry", b"@feature", b"@cfunc")


def kernel_files() -> list[Path]:
    """Every source file whose text mentions a kernel."""
    found = [*ROOT.glob("engine/**/*.py"), *ROOT.glob("strategies/*.py")]
    return sorted(p for p in found if any(mark in p.read_bytes() for mark in MARKS))


def cache_key() -> str:
    digest = hashlib.blake2b(digest_size=8)
    checks = os.environ.get("NUMBA_BOUNDSCHECK", "0")
    digest.update(f"{numba.__version__} {platform.machine()} {platform.python_version()} {checks}".encode())
    for path in kernel_files():
        digest.update(path.read_bytes())
    return digest.hexdigest()


def cache_dir() -> Path:
    """Where compiled kernels live; `ONETAPE_KERNEL_CACHE` moves it."""
    import platformdirs

    base = os.environ.get("ONETAPE_KERNEL_CACHE") or platformdirs.user_cache_dir("onetape", appauthor=False)
    return Path(base) / "kernels" / cache_key()


numba.config.CACHE_DIR = str(cache_dir())


def jit(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """`numba.njit` as this project uses it: cached, IEEE division (zero is checked where it can occur), no fastmath.

    Nobody calls a kernel from C (features have their own way in), so the wrapper for that is not compiled.
    """
    options = {"cache": True, "error_model": "numpy", "no_cfunc_wrapper": True, **options}
    if function is None:
        return lambda f: numba.njit(**options)(f)
    return numba.njit(**options)(function)


def entry(function: Callable[..., Any]) -> Any:
    """`jit` for what works on arrays that its caller keeps alive, makes none and returns none.

    It counts no references to them: a book is nine arrays, and counting each of them up and down in every small
    function took half the time of a match.
    """
    return jit(function, _nrt=False)


def part(function: Callable[..., Any]) -> Any:
    """`entry` for what only other kernels call: compiled without a way in from Python."""
    return jit(function, _nrt=False, no_cpython_wrapper=True)
