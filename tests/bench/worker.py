"""What every side of a benchmark speaks: one process, one line of JSON when ready, one for every round it is asked for.

Standard library only, because each peer imports it in an environment of its own.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable
from importlib import metadata
from typing import Any

Result = dict[str, Any]


def versions(*packages: str) -> dict[str, str]:
    return {"python": platform.python_version(), **{p: metadata.version(p) for p in packages}}


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What `work()` returned, and the wall and processor time it took: far apart when the machine was busy."""
    wall, cpu = time.perf_counter(), time.process_time()
    value = work()
    return value, {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def peak_rss_mb() -> float:
    """Most resident memory this process ever had; 0 where the system does not tell (Windows)."""
    try:
        import resource
    except ImportError:
        return 0.0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def keep_pages() -> None:
    """Memory once had is kept (glibc): columns made anew each round cost no side the system's fresh pages."""
    import ctypes

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # another C library
        return
    for option, value in ((-4, 0), (-1, 2**31 - 1)):  # M_MMAP_MAX, M_TRIM_THRESHOLD
        mallopt(option, value)


def serve(prepare: Callable[[dict[str, Any]], tuple[Callable[[], Result], dict[str, str]]]) -> None:
    """Prepare from the JSON in argv[1], then run one round for each line on stdin.

    `prepare(args)` returns (round, versions); `round()` returns `seconds` of the engine part, the `records` it went
    through, and what shows that it did the work (`fills`, `equity`). What a library prints goes to stderr.
    """
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        one_round, known = prepare(json.loads(sys.argv[1]))
        print(json.dumps({"versions": known}), file=answers)
        for _ in sys.stdin:
            print(json.dumps({**one_round(), "rss_mb": round(peak_rss_mb())}), file=answers)
    except Exception as wrong:
        print(json.dumps({"error": f"{type(wrong).__name__}: {wrong}"}), file=answers)
        raise
