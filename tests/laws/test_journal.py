"""The journal comes back as it was written; a torn tail is cut; damage before the tail is found, wherever it lies."""

from __future__ import annotations

import struct
from functools import lru_cache
from pathlib import Path
from typing import get_type_hints

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core import journal as journals
from engine.core.errors import JournalError, OnetapeError
from engine.core.events import AnyEvent, Event, Signal
from engine.core.journal import HEAD, MAGIC, Journal, as_stored, read, recover
from tests.laws.test_cut import Case, whole

Frames = list[tuple[int, int, bytes]]
KINDS = AnyEvent.__args__


VALUES = {
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(),
    float | None: st.one_of(st.none(), st.floats()),
    int | None: st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
    bool: st.booleans(),
    str: st.text(max_size=20),
    dict[str, str]: st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=3),
}


def any_event(kind: type[Event]) -> st.SearchStrategy[Event]:
    return st.builds(kind, **{name: VALUES[get_type_hints(kind)[name]] for name in kind.__struct_fields__})


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Event, int]]:
    """Events of every kind, each caused by one before it or by nothing."""
    events = draw(st.lists(st.one_of([any_event(kind) for kind in KINDS]), min_size=1, max_size=12))
    return [(event, draw(st.integers(0, n))) for n, event in enumerate(events)]


def stored(path: Path, history: list[tuple[Event, int]], first: int = 0) -> bytes:
    """The bytes of a journal that holds these events, numbered after `first`."""
    path.unlink(missing_ok=True)
    journal = Journal(path)
    journal.seq = first
    for event, cause in history:
        journal.write(event, cause)
    journal.close()
    return path.read_bytes()


def plain(history: list[tuple[Event, int]]) -> Frames:
    return [(n, cause, msgspec.msgpack.encode(as_stored(event))) for n, (event, cause) in enumerate(history, 1)]


def found(path: Path) -> tuple[Frames, JournalError | None]:
    """What reading gives before it ends or complains."""
    frames: Frames = []
    try:
        for seq, cause, event in read(path):
            frames.append((seq, cause, msgspec.msgpack.encode(event)))
    except JournalError as error:
        return frames, error
    return frames, None


def bounds(data: bytes) -> list[int]:
    """Where frames begin, and where the last one ends."""
    at, found = len(MAGIC), [len(MAGIC)]
    while at < len(data):
        at += HEAD.size + HEAD.unpack_from(data, at)[0]
        found.append(at)
    return found


@lru_cache(maxsize=1)
def lived() -> tuple[tuple[Event, int], ...]:
    """A stretch of what a run decided."""
    return tuple((event, cause) for _, cause, event in whole(Case()).frames[1:60])


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journal") / "journal"


@settings(max_examples=60)
@given(history=histories())
def test_frames_come_back_as_they_were_written(path: Path, history) -> None:
    stored(path, history)
    assert found(path) == (plain(history), None)


def test_a_strategys_numpy_numbers_are_written_as_the_numbers_they_are(path: Path) -> None:
    """What a strategy computes from `history(...)` is numpy's; an event that holds it must not end the run."""
    mean = np.array([1.1, 1.2, 1.4]).mean()
    stored(path, [(Signal(7, "a", "EURUSD", np.sign(mean), mean, np.float32(1.5)), 0)])
    (frame,) = read(path)
    assert frame.event == Signal(7, "a", "EURUSD", 1.0, float(mean), 1.5)
    with pytest.raises(OnetapeError, match="an event cannot hold a object"):
        Journal().write(Signal(7, "a", "EURUSD", 1.0, object()))


@settings(max_examples=60)
@given(data=st.data())
def test_a_journal_cut_off_anywhere_loses_the_torn_frame_and_no_other(path: Path, data) -> None:
    history = list(lived())
    raw = stored(path, history)
    size = data.draw(st.integers(len(MAGIC), len(raw)))
    path.write_bytes(raw[:size])
    kept = sum(end <= size for end in bounds(raw)[1:])
    assert found(path) == (plain(history)[:kept], None)
    assert recover(path) == size - bounds(raw)[kept]
    assert path.read_bytes() == raw[: bounds(raw)[kept]]
    more = stored(path.with_name("more"), history[kept:], kept)
    with path.open("ab") as file:
        file.write(more[len(MAGIC) :])
    assert found(path) == (plain(history), None)


@settings(max_examples=200)
@given(data=st.data())
def test_a_changed_byte_before_the_last_frame_is_found_and_named(path: Path, data) -> None:
    history = list(lived())
    raw = bytearray(stored(path, history))
    ends = bounds(bytes(raw))
    at = data.draw(st.integers(len(MAGIC), ends[-2] - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(raw)
    whole_before = sum(end <= at for end in ends[1:])
    frames, error = found(path)
    assert error is not None and f"damaged at byte {ends[whole_before]}, after frame {whole_before}" in str(error)
    assert frames == plain(history)[:whole_before]
    with pytest.raises(JournalError, match="damaged"):
        recover(path)
    assert path.read_bytes() == bytes(raw), "what is damaged is evidence: it is left as it is"


@pytest.mark.parametrize("value", [0, 1, 255, 65_536, 2**31, 2**32 - 1])
def test_a_damaged_length_does_not_pass_for_a_torn_tail(path: Path, value: int) -> None:
    history = list(lived())
    raw = bytearray(stored(path, history))
    ends = bounds(bytes(raw))
    struct.pack_into("<I", raw, ends[10], value)
    path.write_bytes(raw)
    frames, error = found(path)
    assert error is not None and len(frames) == 10
    with pytest.raises(JournalError):
        recover(path)


@settings(max_examples=60)
@given(data=st.data())
def test_a_changed_byte_in_the_last_frame_never_gives_another_event(path: Path, data) -> None:
    history = list(lived())
    raw = bytearray(stored(path, history))
    at = data.draw(st.integers(bounds(bytes(raw))[-2], len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(raw)
    frames, _ = found(path)
    assert frames == plain(history)[:-1]


@pytest.mark.parametrize("change", ["lost", "twice", "swapped", "foreign"])
def test_frames_lost_doubled_or_out_of_order_are_found(path: Path, change: str) -> None:
    history = list(lived())
    raw = stored(path, history)
    ends = bounds(raw)
    parts = [raw[a:b] for a, b in zip(ends, ends[1:], strict=False)]
    if change == "lost":
        del parts[20]
    elif change == "twice":
        parts.insert(20, parts[20])
    elif change == "swapped":
        parts[20], parts[21] = parts[21], parts[20]
    else:
        parts.insert(20, b"something else altogether")
    path.write_bytes(MAGIC + b"".join(parts))
    frames, error = found(path)
    assert error is not None and frames == plain(history)[: 21 if change == "twice" else 20]


@pytest.mark.parametrize("tail", [b"\0" * 7, b"\0" * 5_000, b"\xff" * 100, bytes(range(256))])
def test_what_a_power_cut_leaves_behind_the_last_frame_is_a_torn_tail(path: Path, tail: bytes) -> None:
    """Some file systems grow a file before its content arrives: zeros or old bytes behind the last whole frame."""
    history = list(lived())
    raw = stored(path, history)
    path.write_bytes(raw + tail)
    assert found(path) == (plain(history), None)
    assert recover(path) == len(tail) and path.read_bytes() == raw


def test_what_is_no_journal_is_said_to_be_none(path: Path) -> None:
    path.write_bytes(b"PAR1" + b"x" * 100)
    with pytest.raises(JournalError, match="not a journal"):
        recover(path)


def test_the_digest_is_of_all_frames_however_they_are_flushed(path: Path, monkeypatch) -> None:
    digests = set()
    for size in (1, 100, 65_536):
        monkeypatch.setattr(journals, "BUFFER", size)
        journal = Journal()
        for event, cause in lived():
            journal.write(event, cause)
        digests.add(journal.digest)
    assert len(digests) == 1
    other = Journal()
    for event, cause in lived()[:-1]:
        other.write(event, cause)
    assert other.digest not in digests
