"""The store: killed anywhere it stays whole, two writers wait for each other, small files become one, old ones go."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.errors import ConfigError, DataError, NotFound
from engine.core.zones import DAY, HOUR
from engine.feeds import mapped
from engine.feeds.catalogue import NOTE, dataset
from engine.feeds.lineage import Columns, Lineage, join, part, size
from engine.feeds.mapped import make_room, open_mapped, store_mapped
from engine.feeds.store import compact, retain, size_of, write_small
from engine.feeds.store_history import read_known
from engine.feeds.store_index import held_datasets, index_place, list_datasets
from tests.feeds.test_catalogue import BARS, QUOTES, bars, put, quotes, read

ROOT = Path(__file__).resolve().parents[2]
NAME = "test/EURUSD/quotes"
KILLED = """
import os, signal, stat, sys
from pathlib import Path
import numpy as np
import engine.feeds.parquet
from engine.feeds import store
from engine.feeds.append import Append
from engine.feeds.lineage import Lineage
BARS = Lineage(source="test", symbol="EURUSD", frame="H1", basis="bid", stamps="open")
HOUR = 3_600_000_000_000
opened = np.arange(364 * 24 - 20, 366 * 24) * HOUR
price, none = np.full(len(opened), 2.0), np.full(len(opened), np.nan)
prices = dict.fromkeys(("open", "high", "low", "close"), price)
new = {"ts": opened + HOUR, "open_ts": opened, **prices, "volume": none, "spread": none}
steps, fsync = 0, os.fsync
def step(do, last):
    def counted(*args, **kwargs):
        global steps
        if do is fsync and stat.S_ISDIR(os.fstat(args[0]).st_mode):
            return do(*args)  # before it is after the renaming, which is a step
        steps += 1
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return do(*args, **kwargs)
    return counted
def work(root, last):
    os.fsync, Path.replace, Path.unlink = (step(do, last) for do in (os.fsync, Path.replace, Path.unlink))
    if sys.argv[1] == "append":
        with Append(BARS, root) as target:
            target.add(new)
    else:
        store.compact("test/EURUSD/quotes", root)
    return steps
for last, root in enumerate(sys.argv[3:], int(sys.argv[2])):
    if last == 0:
        print(work(Path(root), 0))
    elif (child := os.fork()) == 0:
        work(Path(root), last)
        os._exit(7)
    else:
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
"""


def killed(what: str, first: int, roots: list[Path]) -> str:
    """Do `what` in each root, in a process of its own, killed before its step `first`, `first` + 1, ...; 0: never."""
    command = [sys.executable, "-c", KILLED, what, str(first), *map(str, roots)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def killed_at_each_step(what: str, prepare: Callable[[Path], None], folder: Path) -> list[Path]:
    """Prepared catalogues, in each of which `what` was killed one step later than in the one before."""
    prepare(folder / "fresh")
    shutil.copytree(folder / "fresh", folder / "whole")
    roots = [folder / str(at) for at in range(1, 1 + int(killed(what, 0, [folder / "whole"])))]
    for root in roots:
        shutil.copytree(folder / "fresh", root)
    killed(what, 1, roots)
    return [*roots, folder / "whole"]


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_an_import_killed_at_any_step_leaves_old_files_or_new_ones_and_the_next_makes_it_whole(
    own_folders: Path,
) -> None:
    def prepare(root: Path) -> None:
        put(BARS, bars(np.arange(364 * 24, 366 * 24), 1.0), root=root)

    roots = killed_at_each_step("append", prepare, own_folders)
    assert len(roots) > 8
    states = set()
    for root in roots:
        back = read("test/EURUSD/bars-H1", root)
        year = back["open_ts"].view("M8[ns]").astype("M8[Y]")
        state = [sorted(set(back["close"][year == one].tolist())) for one in np.unique(year)]
        assert all(len(one) == 1 for one in state), "a file is old or new, never half"
        states.add(str(state))
        again = put(BARS, bars(np.arange(364 * 24 - 20, 366 * 24), 2.0), root=root)
        whole = read("test/EURUSD/bars-H1", root)
        assert size(whole) == 68 and (whole["close"] == 2.0).all() and again.rows == 68
        assert whole["version"].tolist() == [1] * 20 + [2] * 48
        assert not list(root.rglob(".staging*")) and not list(root.rglob("*.partial"))
        (known,) = {len(list(read_known("test/EURUSD/bars-H1", version=1, root=root)))}
        first = join(list(read_known("test/EURUSD/bars-H1", version=1, root=root)))
        assert known == 2 and first["close"].tolist() == [2.0] * 20 + [1.0] * 48, "no earlier version is lost"
    assert states == {"[[1.0], [1.0]]", "[[2.0], [1.0]]", "[[2.0], [2.0]]"}


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
def test_a_compaction_killed_at_any_step_shows_every_quote_once(own_folders: Path) -> None:
    ts = np.sort(np.r_[np.arange(0, 20 * DAY, 6 * HOUR), np.arange(0, 20 * DAY, DAY)])  # some quotes twice

    def prepare(root: Path) -> None:
        put(QUOTES, quotes(ts[:30]), root=root)
        for lo in range(30, len(ts), 25):
            write_small(QUOTES, quotes(ts[lo : lo + 25]), root=root)
        assert read(NAME, root)["ts"].tolist() == ts.tolist()

    roots = killed_at_each_step("compact", prepare, own_folders)
    assert len(roots) > 8
    for root in roots:
        assert read(NAME, root)["ts"].tolist() == ts.tolist()
        assert [held.rows for held in held_datasets(root) if held.name == NAME] == [len(ts)]
        done = compact(NAME, root)
        assert (done["files"], done["rows"]) == (1, len(ts)) and read(NAME, root)["ts"].tolist() == ts.tolist()
        assert {p.name for p in (root / NAME).iterdir()} == {"1970-01.parquet", ".history"}


def test_two_imports_at_once_lose_nothing(own_folders: Path) -> None:
    code = (
        "import sys, numpy as np\nfrom engine.feeds.append import Append\nfrom engine.feeds.lineage import Lineage\n"
        "for k in range(int(sys.argv[1]), 12, 3):\n"
        "    ts = np.arange(k, 3000, 12) * 10**9\n"
        "    price = np.full(len(ts), 1.1)\n"
        "    with Append(Lineage(source='test', symbol='EURUSD')) as target:\n"
        "        target.add({'ts': ts, 'bid': price, 'ask': price})\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT), "ONETAPE_DATA": str(own_folders)}
    at_once = [subprocess.Popen([sys.executable, "-c", code, str(k)], env=env, cwd=ROOT) for k in range(3)]
    assert [process.wait(timeout=120) for process in at_once] == [0, 0, 0]
    assert read(NAME)["ts"].tolist() == (np.arange(3000) * 10**9).tolist()


def test_two_threads_take_turns_even_when_the_first_leaves_an_empty_folder(own_folders: Path) -> None:
    from engine.feeds.append import Append

    came: list[str] = []

    def fail() -> None:
        with pytest.raises(DataError), Append(QUOTES):
            came.append("first")
            time.sleep(0.3)
            came.append("first ends")

    def follow() -> None:
        while not came:
            time.sleep(0.01)
        put(QUOTES, quotes([1, 2, 3]))
        came.append("second")

    threads = [threading.Thread(target=run) for run in (fail, follow)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert came == ["first", "first ends", "second"] and read(NAME)["ts"].tolist() == [1, 2, 3]


@settings(max_examples=12)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.booleans())
def test_small_files_read_like_one_and_become_one(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], by_import: bool
) -> None:
    root = tmp_path_factory.mktemp("root")
    ts = np.arange(sum(sizes)) * 2 * DAY
    for lo, hi in zip(np.r_[0, np.cumsum(sizes)[:-1]].tolist(), np.cumsum(sizes).tolist(), strict=True):
        month = ts[lo:hi].view("M8[ns]").astype("M8[M]")
        for one in np.unique(month):  # a small file holds one period
            write_small(QUOTES, quotes(ts[lo:hi][month == one]), root)
    assert read(NAME, root)["ts"].tolist() == ts.tolist()
    if by_import:
        put(QUOTES, quotes(ts), root=root)
    else:
        compact(NAME, root)
    held = dataset(NAME, root)
    assert read(NAME, root)["ts"].tolist() == ts.tolist()
    assert [p.stem for p, _ in held.files] == sorted(set(ts.view("M8[ns]").astype("M8[M]").astype(str).tolist()))


def test_small_files_that_overlap_are_refused_until_they_are_compacted(own_folders: Path) -> None:
    write_small(QUOTES, quotes([1, 5, 9]))
    write_small(QUOTES, quotes([5, 6, 7]))
    with pytest.raises(DataError, match="run `onetape data compact test/EURUSD/quotes`"):
        read(NAME)
    compact(NAME)
    assert read(NAME)["ts"].tolist() == [1, 5, 6, 7, 9]
    write_small(BARS, bars([0, 1], 1.0))
    write_small(BARS, bars([1, 2], 3.0))
    compact("test/EURUSD/bars-H1")
    back = read("test/EURUSD/bars-H1")
    assert back["close"].tolist() == [1.0, 3.0, 3.0] and back["version"].tolist() == [1, 2, 1]


def test_a_note_of_a_compaction_that_is_damaged_hides_nothing(own_folders: Path) -> None:
    write_small(QUOTES, quotes([1, 2]))
    for text in (b"", b"{}", json.dumps({"into": "no.parquet", "digest": "x", "files": ["1-0.parquet"]}).encode()):
        (own_folders / NAME / NOTE).write_bytes(text)
        assert read(NAME)["ts"].tolist() == [1, 2]
    compact(NAME)
    assert not (own_folders / NAME / NOTE).exists() and read(NAME)["ts"].tolist() == [1, 2]


@settings(max_examples=40)
@given(st.data())
def test_a_flipped_bit_anywhere_is_an_error_or_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("root")
    random = np.random.Generator(np.random.Philox(3))
    put(BARS, bars(np.arange(2_000), 1 + random.random(2_000)), root=root)
    expected, path = read("test/EURUSD/bars-H1", root), next(root.rglob("*.parquet"))
    good = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(good) * 8 - 1), min_size=1, max_size=4)):
        good[place // 8] ^= 1 << (place % 8)
    path.write_bytes(good)
    try:
        back = read("test/EURUSD/bars-H1", root)
    except (DataError, NotFound):
        return
    assert all(np.array_equal(back[n], expected[n], equal_nan=True) for n in expected)


def test_what_is_too_old_or_too_much_goes_whole_files_at_a_time_and_only_when_told(own_folders: Path) -> None:
    put(QUOTES, quotes(np.arange(0, 900 * DAY, DAY)))
    total = dataset(NAME).bytes
    plan = retain(NAME, keep="1 year")
    assert not plan["applied"] and plan["rows"] + plan["rows_left"] == 900 and dataset(NAME).rows == 900
    cutoff = np.datetime64("1971-06-18")  # a year before the last row, 1972-06-18
    assert all(np.datetime64(one["last"][:10]) < cutoff for one in plan["removed"]) and plan["files"] == 17
    done = retain(NAME, keep="1 year", apply=True)
    assert done["removed"] == plan["removed"] and dataset(NAME).rows == plan["rows_left"]
    assert np.datetime64(dataset(NAME).first, "ns") == np.datetime64("1971-06-01")
    small = retain(NAME, max_size=f"{total / 10 / 1e3:.3f} kB", apply=True)
    assert 0 < small["bytes_left"] <= total / 10 and dataset(NAME).bytes == small["bytes_left"]
    retain(NAME, max_size="0 kB", apply=True)
    assert len(dataset(NAME).files) == 1, "the newest stays"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"keep": "2"}, "write a number and a unit"), ({"keep": "2 yeras"}, "did you mean year?"),
        ({}, "say what stays"), ({"max_size": "10"}, "write a number and a unit"),
        ({"max_size": "1 GiB"}, "did you mean"),
    ],
)  # fmt: skip
def test_an_age_or_size_that_cannot_be_meant_is_said(given: dict[str, str], why: str) -> None:
    put(QUOTES, quotes([1]))
    with pytest.raises(ConfigError, match=why):
        retain(NAME, **given)


def test_the_demo_is_neither_compacted_nor_removed() -> None:
    for change in (lambda: compact("demo/EURUSD/bars-H1"), lambda: retain("demo/EURUSD/bars-H1", keep="1 day")):
        with pytest.raises(ConfigError, match="ships with the project"):
            change()


def listed(root: Path) -> list[tuple[str, int, int, int, int]]:
    """As the footers say, without an index."""
    found = []
    for held in held_datasets(root):
        real = dataset(held.name, root)
        found.append((held.name, real.rows, real.first, real.last, len(real.files)))
    return found


def as_listed(root: Path) -> list[tuple[str, int, int, int, int]]:
    return [(h.name, h.rows, h.first, h.last, h.files) for h in held_datasets(root)]


def aged(root: Path) -> None:
    for path in root.rglob("*.parquet"):
        os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns - 10**10))


def test_the_index_is_never_believed_when_it_does_not_fit(own_folders: Path) -> None:
    put(QUOTES, quotes(np.arange(0, 100 * DAY, DAY)))
    aged(own_folders)
    place = index_place(own_folders)
    assert as_listed(own_folders) == listed(own_folders) and place.exists()
    good = place.read_bytes()
    for damage in (b"", b"junk", good[:-3], good[:20] + bytes([good[20] ^ 1]) + good[21:], b"9" + good[1:]):
        place.write_bytes(damage)
        assert as_listed(own_folders) == listed(own_folders)
        assert place.read_bytes() == good, "and it is mended"
    put(QUOTES, quotes(np.arange(0, 200 * DAY, DAY)))
    retain(NAME, keep="30 days", apply=True)
    assert as_listed(own_folders) == listed(own_folders)
    put(Lineage(source="test", symbol="BTC/USDT"), quotes([5]))
    assert "test/BTC/USDT/quotes" in [line["name"] for line in list_datasets(own_folders)]


def test_ten_thousand_files_are_listed_without_opening_one_of_them_again(own_folders: Path) -> None:
    put(QUOTES, quotes([1, 2, 3]))
    one = own_folders / NAME / "1970-01.parquet"
    for source in range(10):
        for symbol in range(100):
            folder = own_folders / f"s{source}" / f"X{symbol}" / "quotes"
            folder.mkdir(parents=True)
            for month in range(10):
                os.link(one, folder / f"1970-{month:02d}.parquet")
    os.utime(one, ns=(0, 0))
    assert len(held_datasets(own_folders)) == 1002  # the demo and the first one with them
    lines = list_datasets(own_folders)
    assert sum(line["files"] for line in lines) == 10_002
    size = one.stat().st_size
    one.write_bytes(b"?" * size)  # what is in the files is not looked at while size, time and inode are as they were
    os.utime(one, ns=(0, 0))
    assert list_datasets(own_folders) == lines


def tape(key: str, rows: int = 1000) -> Columns:
    columns = {**quotes(np.arange(rows)), "symbol": np.zeros(rows, np.int16)}
    store_mapped(key, "quotes", ("EURUSD",), [columns])
    return columns


def test_the_replay_cache_lets_go_of_what_was_opened_longest_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONETAPE_CACHE_MAX", "100 kB")  # a tape of 1000 quotes takes 27 kB
    for n in range(3):
        tape(f"t{n}")
        os.utime(mapped.cache_root() / f"t{n}", ns=(0, n * 10**9))
    used = open_mapped("t0")
    assert used is not None
    tape("t3")
    assert [n for n in range(4) if open_mapped(f"t{n}")] == [0, 2, 3], "t1 was opened longest ago"
    monkeypatch.setenv("ONETAPE_CACHE_MAX", "1 kB")
    tape("t4")
    assert [n for n in range(5) if open_mapped(f"t{n}")] == [4], "the one just made stays, however large"
    assert used.block.ts[-1] == 999, "who has one mapped keeps it"
    monkeypatch.setenv("ONETAPE_CACHE_MAX", "lots")
    with pytest.raises(ConfigError, match="cannot be read"):
        make_room(mapped.cache_root(), "t4")


def test_sizes_carry_their_unit() -> None:
    assert [size_of(t) for t in ("1 kB", "2.5 MB", "3gb")] == [1000, 2_500_000, 3 * 10**9]


def test_a_part_of_a_dataset_reads_only_what_it_must(own_folders: Path) -> None:
    put(QUOTES, quotes(np.arange(0, 100 * DAY, DAY)))
    (own_folders / NAME / "1970-01.parquet").unlink()
    back = [part(chunk, slice(None)) for chunk in dataset(NAME).read(60 * DAY, 70 * DAY)]
    assert sum(size(chunk) for chunk in back) == 10


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be flushed there")
def test_what_is_in_place_is_on_the_disk_with_its_name(own_folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut after an import: the bytes are flushed before the name changes, and the folder after it."""
    flushed, due, changed = set[int](), set[int](), list[Path]()
    fsync, replace = os.fsync, Path.replace

    def flush(handle: int) -> None:
        fsync(handle)
        flushed.add(os.fstat(handle).st_ino)
        due.discard(os.fstat(handle).st_ino)

    def watched(made: Path, place: Path) -> Path:
        assert made.stat().st_ino in flushed, f"{made.name} is named before its bytes are there"
        due.add(place.parent.stat().st_ino)
        changed.append(place)
        return replace(made, place)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(Path, "replace", watched)
    start = 19_675 * DAY
    put(QUOTES, quotes(start + np.arange(50) * DAY))
    for k in range(3):
        write_small(QUOTES, quotes(start + np.arange(60, 70) * DAY + k))
    before = len(changed)
    compact(NAME)
    assert before > 2 and len(changed) > before and not due, "the last name as well"
