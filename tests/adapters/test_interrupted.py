"""A download that is killed or interrupted leaves what came, and nothing half-made in the catalogue."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest

from engine.adapters.cache import Cached
from engine.adapters.get import get
from engine.core.clock import parse_time
from engine.core.zones import HOUR
from tests.adapters.site import Site, slow

ROOT = Path(__file__).resolve().parents[2]
SECOND_FILE = "/EURUSD/2019/01/04/07h_ticks.bi5"
COMMAND = ["data", "get", "dukascopy", "EURUSD", "--from", "2019-02-04", "--to", "2019-02-04 09:00", "--rate", "1000"]


def started(*args: str) -> subprocess.Popen[str]:
    code = "import sys, cli; from engine.ops import console; sys.exit(console.run(cli.app, sys.argv[1:]))"
    return subprocess.Popen(
        [sys.executable, "-c", code, *args], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def until_it_grows(part: Path, least: int) -> None:
    end = monotonic() + 30
    while monotonic() < end:
        if part.is_file() and part.stat().st_size >= least:
            return
        sleep(0.01)
    raise AssertionError(f"{part} did not come")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_download_that_ends_in_the_middle_goes_on_from_there(
    duka: Site, tmp_path: Path, own_folders: Path, how: signal.Signals
) -> None:
    duka.faults[SECOND_FILE] = [slow(0.5)]
    process = started(*COMMAND)
    part = tmp_path / "cache/raw/dukascopy/EURUSD/2019/01/04/07h_ticks.bi5.part"
    until_it_grows(part, 4096)
    process.send_signal(how)
    _, told = process.communicate(timeout=30)
    assert process.returncode == (130 if how == signal.SIGINT else -9)
    assert "Traceback" not in told
    there = part.stat().st_size
    content = duka.pages[SECOND_FILE]
    assert isinstance(content, bytes) and 0 < there < len(content) and part.read_bytes() == content[:there]
    assert not list(own_folders.glob("*/*/*/*.parquet")), "what is staged is no dataset"
    if how == signal.SIGINT:
        assert told == "error: interrupted: nothing half-written is left\n"
        assert not list(own_folders.rglob(".staging*"))
    first = parse_time("2019-02-04")
    done = get("dukascopy", "EURUSD", first, first + 9 * HOUR, rate=1e6)
    asked = [one.headers.get("Range") for one in duka.seen if one.path == SECOND_FILE]
    assert asked == [None, f"bytes={there}-"] and done.from_cache == 1
    assert done.added.rows == 3733 + 6914 + 10546
    assert not list(own_folders.rglob(".staging*")), "what a killed process staged is swept"


def test_a_payload_cut_between_its_hash_and_its_name_is_not_taken_for_whole(tmp_path: Path) -> None:
    held = Cached(tmp_path, "a/b.zip")
    held.part.write_bytes(b"new")
    held.keep()
    assert held.whole() and held.path.read_bytes() == b"new"
    held.sum.unlink()
    assert not held.whole() and not held.path.exists()


def test_a_cache_that_cannot_be_written_is_said_so(duka: Site, tmp_path: Path) -> None:
    from engine.core.errors import OutputError

    (tmp_path / "file").write_text("in the way")
    first = parse_time("2019-02-04")
    with pytest.raises(OutputError, match="cannot be written"):
        get("dukascopy", "EURUSD", first, first + HOUR, cache=tmp_path / "file")
