"""How far a long read has come: told in rows, of as many as the file seems to have, however it is packed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from engine.feeds.data import import_file
from engine.feeds.importers import text
from engine.feeds.importers.options import Options
from engine.feeds.importers.tables import OPEN
from engine.feeds.quality.check import check
from engine.feeds.quality.clean import clean
from engine.feeds.quality.profile import profile

ROOT = Path(__file__).resolve().parents[2]
ROWS = 40_000


@pytest.fixture(scope="module")
def table() -> bytes:
    """Two hours of quotes, 1.5 MB."""
    lines = (
        f"2019-02-04 {10 + k // 18_000}:{k // 300 % 60:02}:{k // 5 % 60:02}.{k % 5 * 200:03},"
        f"{1.1 + (k * 7919 % 101) * 1e-5:.5f},{1.1021 + (k * 104_729 % 97) * 1e-5:.5f}\n"
        for k in range(ROWS)
    )
    return ("time,bid,ask\n" + "".join(lines)).encode()


def packed(raw: bytes, folder: Path, ending: str) -> Path:
    path = folder / f"EURUSD.csv{ending}"
    if ending == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("EURUSD.csv", raw)
    else:
        pack = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}
        path.write_bytes(pack[ending](raw))
    return path


@pytest.mark.parametrize("ending", ["", ".gz", ".xz", ".bz2", ".zip"])
def test_an_import_tells_how_far_it_is(
    ending: str, table: bytes, tmp_path: Path, own_folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "CHUNK", 1 << 17)
    told: list[tuple[int, int]] = []
    import_file(packed(table, tmp_path, ending), progress=lambda done, total: told.append((done, total)))
    done, total = zip(*told, strict=True)
    assert len(told) > 5 and list(done) == sorted(set(done)) and done[-1] <= ROWS
    assert all(d <= t for d, t in told)
    assert all(0.5 * ROWS < t < 2 * ROWS for t in total[len(total) // 2 :]), "by the middle it is about right"
    assert not OPEN, "and nothing is left of it"


def test_a_check_a_profile_and_a_cleaning_tell_it_too(
    table: bytes, tmp_path: Path, own_folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "CHUNK", 1 << 17)
    file = packed(table, tmp_path, "")
    for work in (
        lambda told: check(file, progress=told),
        lambda told: profile(file, progress=told),
        lambda told: clean(file, "clean", "strict", Options(symbol="EURUSD"), progress=told),
    ):
        told: list[tuple[int, int]] = []
        work(lambda done, total, told=told: told.append((done, total)))
        assert len(told) > 5 and told[-1][0] <= ROWS < 2 * told[-1][1]


def seen(command: list[str], known: dict[str, str]) -> str:
    """What a terminal shows of a command."""
    import pty  # not on Windows

    ours, theirs = pty.openpty()
    with subprocess.Popen(command, env=known, cwd=ROOT, stdout=theirs, stderr=theirs, stdin=theirs) as running:
        os.close(theirs)
        shown = b""
        while True:
            try:
                come = os.read(ours, 1 << 16)
            except OSError:  # the other end is closed: so Linux says it
                come = b""
            if not come:
                break
            shown += come
    os.close(ours)
    assert running.returncode == 0, shown.decode()
    return shown.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="it needs a pseudo-terminal")
def test_a_terminal_shows_a_bar_and_a_program_gets_json_alone(table: bytes, tmp_path: Path) -> None:
    file = packed(table, tmp_path, "")
    known = {**os.environ, "ONETAPE_DATA": str(tmp_path / "data"), "ONETAPE_CACHE": str(tmp_path / "cache")}
    twice = (
        "import sys, cli; from engine.ops import console\n"
        "for more in [], ['--json']:\n"
        "    assert console.run(cli.app, ['data', 'import', sys.argv[1], *more]) == 0\n"
        "    print('#')"
    )
    plain, machine, _ = seen([sys.executable, "-c", twice, str(file)], known).split("#")
    assert "━" in plain and "%" in plain and "━" not in machine and '"revised": 0' in machine
