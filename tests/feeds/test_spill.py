"""The ring that spills: nothing lost, nothing twice, in order, in bounded memory, and readable after a crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import DataError, OutputError
from engine.feeds.spill import Spill, read_segment, segments

ROOT = Path(__file__).resolve().parents[2]
EVENTS = 300_000
"""What 5,000 events a second bring while a writer stalls for 60 seconds."""


def event(n: int) -> bytes:
    return b"%d 1.10001 1.10003 EURUSD some payload of a quote" % n


def drained(ring: Spill) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    while events := ring.take(0):
        found += events
    return found


def test_nothing_is_lost_while_the_writer_stalls_for_a_minute_at_5000_events_a_second(tmp_path: Path) -> None:
    stalled, got, most = threading.Event(), [], []
    with Spill(tmp_path, capacity=1000, segment=1 << 20) as ring:

        def produce() -> None:
            for n in range(EVENTS):
                assert ring.put(event(n)) == n
                if n % 10_000 == 0:
                    most.append(len(ring.held))
            stalled.set()

        def write() -> None:
            got.extend(ring.take())  # the first events come, then the writer hangs until all others are there
            stalled.wait()
            while len(got) < EVENTS:
                got.extend(ring.take())

        threads = [threading.Thread(target=run) for run in (write, produce)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [n for n, _ in got] == list(range(EVENTS)) and all(raw == event(n) for n, raw in got)
    assert max(most) <= 1000


def test_memory_stays_bounded_however_long_the_writer_stalls(tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        ring = Spill(tmp_path, capacity=1000, segment=1 << 18)
        for n in range(60_000):
            ring.put(event(n))
        held, _ = tracemalloc.get_traced_memory()
        assert held < 1_000_000 and len(ring) == 60_000 and len(ring.held) == 1000
    finally:
        tracemalloc.stop()
        ring.leave()


@settings(max_examples=60)
@given(
    steps=st.lists(st.one_of(st.binary(max_size=40), st.none(), st.just(0)), max_size=60),
    capacity=st.integers(0, 5), segment=st.integers(1, 200),
)  # fmt: skip
def test_any_order_of_puts_takes_and_restarts_gives_each_event_once_in_order(
    tmp_path_factory: pytest.TempPathFactory, steps: list[bytes | int | None], capacity: int, segment: int
) -> None:
    folder = tmp_path_factory.mktemp("spill")
    put: list[bytes] = []
    got: list[tuple[int, bytes]] = []
    ring = Spill(folder, capacity, segment)
    for step in steps:
        if step is None:
            got += ring.take(0)
        elif isinstance(step, int):  # closed and opened again
            ring.leave()
            ring = Spill(folder, capacity, segment, first=len(put))
        else:
            assert ring.put(step) == len(put)
            put.append(step)
        assert len(ring.held) <= capacity
    got += drained(ring)
    ring.leave()
    once = dict(got)  # a file that was given and not asked beyond comes again after a restart, the same
    assert [once[n] for n in sorted(once)] == put and sorted(once) == list(range(len(put)))
    assert not segments(folder)


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_crash_leaves_a_spill_that_goes_on_where_it_was(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\nfrom engine.feeds.spill import Spill\nfrom tests.feeds.test_spill import event\n"
        "ring = Spill(sys.argv[1], capacity=0, segment=5000)\n"
        "for n in range(1000): ring.put(event(n))\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=env, cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    last = segments(tmp_path)[-1]
    last.write_bytes(last.read_bytes()[:-7])  # and the last event was half-written
    ring = Spill(tmp_path)
    assert len(ring) == 999 and ring.put(b"next") == 999
    got = drained(ring)
    assert [n for n, _ in got] == list(range(1000)) and got[998][1] == event(998) and got[999][1] == b"next"
    ring.leave()


def test_a_damaged_spill_is_named_and_a_folder_serves_one_process(tmp_path: Path) -> None:
    ring = Spill(tmp_path, capacity=0)
    for n in range(10):
        ring.put(event(n))
    if os.name != "nt":
        with pytest.raises(OutputError, match="in use by another"):
            Spill(tmp_path)
    ring.leave()
    (path,) = segments(tmp_path)
    raw = bytearray(path.read_bytes())
    raw[100] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DataError, match="is damaged at byte"):
        list(read_segment(path))
    with pytest.raises(OutputError, match="cannot be written"):
        Spill(path / "below a file")


def test_a_full_disk_is_said_and_harms_no_event_before_it(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="file-size limits are a Unix thing")
    ring = Spill(tmp_path, capacity=0)
    ring.put(b"a" * 100)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (150, before[1]))
        with pytest.raises(OutputError, match="an event was not kept"):
            ring.put(b"b" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)
    assert ring.put(b"c") == 1
    assert drained(ring) == [(0, b"a" * 100), (1, b"c")]
    ring.leave()
    with pytest.raises(OutputError, match="closed"), Spill(tmp_path) as other:
        other.close()
        other.put(b"x")
