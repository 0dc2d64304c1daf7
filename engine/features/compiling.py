"""The whole library compiled at once, in as many processes as there are cores: `onetape compile`.

A feature takes a quarter to half a second, three hundred of them two minutes of one processor. They do not depend on
each other, so each process takes the next one that is not in the cache. Helpers that several features share are not
kept by these processes: two that write one helper's entry at the same moment would leave one of them wrong.
"""

from __future__ import annotations

import importlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import IO, Any

from engine.core.errors import ConfigError
from engine.features.contract import Feature

Told = Callable[[int, int], None]


def compile_all(
    features: Iterable[Feature] | None = None, processes: int | None = None, progress: Told | None = None
) -> int:
    """Put every feature (or those given) that is not there yet into the cache of compiled kernels; how many were not.

    processes   side by side; as many as there are cores unless said
    progress    called with (done, all) after each
    Raises ConfigError, naming it, for a feature that does not compile; the others are in the cache then.
    """
    from engine.features import load_all
    from engine.features.compiled import is_compiled

    wanted = [f for _, f in load_all().items()] if features is None else list(features)
    missing = [f for f in wanted if not is_compiled(f)]
    todo: queue.SimpleQueue[str] = queue.SimpleQueue()
    for f in missing:
        todo.put(f"{f.kernel.__module__}:{f.kernel.__qualname__}")
    wrong: list[str] = []
    lock, done = threading.Lock(), 0

    def told(answer: str) -> None:
        nonlocal done
        with lock:
            done += 1
            if answer != "ok":
                wrong.append(answer)
            if progress is not None:
                progress(done, len(missing))

    count = min(processes or os.cpu_count() or 1, len(missing))
    crew = [threading.Thread(target=_hand_out, args=(todo, told)) for _ in range(count)]
    for thread in crew:
        thread.start()
    try:
        for thread in crew:
            thread.join()
    finally:
        for _ in _left(todo):  # interrupted: nobody takes another one
            pass
    if wrong:
        raise ConfigError(wrong[0])
    return len(missing)


def _hand_out(todo: queue.SimpleQueue[str], told: Callable[[str], None]) -> None:
    """One process, fed one feature after the other until none is left."""
    known = {**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
    command = [sys.executable, "-m", "engine.features.compiling"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=known) as process:
        assert process.stdin and process.stdout
        for name in _left(todo):
            try:
                process.stdin.write(f"{name}\n")
                process.stdin.flush()
                answer = process.stdout.readline().strip()
            except BrokenPipeError:
                answer = ""
            told(answer or f"feature {name.rpartition(':')[2]}: its compiler ended without a word")
            if not answer:
                return


def _left(todo: queue.SimpleQueue[str]) -> Iterator[str]:
    while True:
        try:
            yield todo.get_nowait()
        except queue.Empty:
            return


def serve(names: IO[str], answers: IO[str]) -> None:
    """Compile each feature named on a line, `module:function`, and answer `ok` or what is wrong with it."""
    for line in names:
        module, _, name = line.strip().partition(":")
        try:
            found: Any = getattr(importlib.import_module(module), name)
            _keep_no_helpers()
            from engine.features.compiled import address

            address(found)
            answer = "ok"
        except Exception as error:
            answer = " ".join(str(error).split()) or type(error).__name__
        print(answer, file=answers, flush=True)


def _keep_no_helpers() -> None:
    """Take the cache away from jitted helpers loaded so far: they live in this process only."""
    from numba.core.caching import NullCache
    from numba.core.dispatcher import Dispatcher

    for module in [m for name, m in sys.modules.items() if m is not None and name not in _seen]:
        for value in list(vars(module).values()):
            if isinstance(value, Dispatcher):
                value._cache = NullCache()
    _seen.update(sys.modules)


_seen: set[str] = set()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # the parent says so
        serve(sys.stdin, sys.stdout)
