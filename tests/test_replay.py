"""A recorded run, run again: the same decisions, or the first frame that differs by its number."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.core.config import Config
from engine.core.errors import ConfigError, JournalError, NotFound, Refused
from engine.core.events import Event, Fill, Order, Signal, Start
from engine.core.journal import MAGIC, Frame, Journal, read
from engine.core.load import load
from engine.core.schema import build
from engine.core.tape import ArrayTape
from engine.feeds.synthetic import sample
from engine.feeds.tapes import open_tape
from engine.replay import replay
from engine.strategy import Strategy, dataclass
from strategies.ma_cross import MaCross

SPAN = ("data.from=2017-03", "data.to=2017-05")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of runs, with a replay cache of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONETAPE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield tmp_path_factory.mktemp("runs")


def demo(lane: str = "python") -> Config:
    return load("demo", sets=(*SPAN, f"run.lane={lane}", "strategy.params.fast=5", "strategy.params.slow=20"), env={})


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    """Two months of the demo with a quick cross: 90 frames and more."""
    path = engine.backtest(demo(), out=folder).path
    assert path is not None
    return path


@pytest.fixture(scope="module")
def frames(run: Path) -> list[Frame]:
    return list(read(run / "journal"))


def altered(run: Path, to: Path, frames: list[Frame]) -> Path:
    """The run's folder with another journal, its frames numbered and summed as they should be."""
    shutil.copytree(run, to, dirs_exist_ok=True)
    (to / "journal").unlink()
    journal = Journal(to / "journal")
    for frame in frames:
        journal.write(frame.event, frame.cause)
    journal.close()
    return to


@pytest.mark.parametrize("lane", ["python", "compiled"])
def test_a_run_of_bars_replayed_decides_the_same(folder: Path, lane: str) -> None:
    made = engine.backtest(demo(lane), out=folder)
    again = replay(made.path)
    count = sum(1 for _ in read(made.path / "journal"))
    assert (again.ok, again.compared, again.difference) == (True, count - 1, None)
    assert count > 2 * len(made.trades) > 20


@pytest.mark.parametrize("lane", ["python", "compiled"])
def test_a_run_of_quotes_replayed_decides_the_same(folder: Path, lane: str) -> None:
    tape = sample(["EURUSD", "USDJPY"], 60_000, seed=3)
    data = {"source": "memory", "symbols": ["EURUSD", "USDJPY"], "kind": "quotes"}
    crosses = [{"name": "ma_cross", "frame": "M1", "params": {"fast": 3, "slow": 9, "stop_atr": 2.0, "reward": 1.0}}]
    config = build(Config, {"name": "q", "data": data, "strategy": crosses, "run": {"lane": lane}})
    made = engine.backtest(config, tape, out=folder)
    seen: list[tuple[int, int]] = []
    again = replay(made.path, tape, lambda done, total: seen.append((done, total)))
    assert again.ok and again.compared > 2 * len(made.trades) > 20
    assert seen[-1] == (len(tape), len(tape))


FLIPS: dict[type[Event], Callable[[Any], Event]] = {
    Signal: lambda e: msgspec.structs.replace(e, strength=-e.strength),
    Order: lambda e: msgspec.structs.replace(e, side=-e.side),
    Fill: lambda e: msgspec.structs.replace(e, price=float(np.nextafter(e.price, 9.0))),
}


@settings(max_examples=20)
@given(data=st.data())
def test_one_flipped_decision_is_named_by_its_frame(data: st.DataObject, run: Path, frames: list[Frame]) -> None:
    kind = data.draw(st.sampled_from(sorted(FLIPS, key=lambda k: k.__name__)))
    chosen = data.draw(st.sampled_from([f for f in frames if type(f.event) is kind]))
    changed = [f._replace(event=FLIPS[kind](f.event)) if f.seq == chosen.seq else f for f in frames]
    again = replay(altered(run, run.parent / "flipped", changed))
    assert not again.ok and again.compared == chosen.seq - 2
    assert str(again.difference).startswith(f"frame {chosen.seq}: recorded {kind.__name__}(")


def test_another_cause_is_a_difference(run: Path, frames: list[Frame]) -> None:
    order = next(f for f in frames if isinstance(f.event, Order))
    changed = [f._replace(cause=0) if f.seq == order.seq else f for f in frames]
    assert str(replay(altered(run, run.parent / "cause", changed)).difference).startswith(f"frame {order.seq}:")


def test_a_decision_too_few_or_too_many_is_told(run: Path, frames: list[Frame]) -> None:
    fewer = replay(altered(run, run.parent / "fewer", frames[:-3]))
    assert not fewer.ok and f"the journal ends before frame {len(frames) - 2}" in str(fewer.difference)
    more = replay(altered(run, run.parent / "more", [*frames, frames[-2]]))
    assert not more.ok and "the journal goes on with" in str(more.difference)


@settings(max_examples=30)
@given(st.integers(0, 2**20), st.integers(0, 7))
def test_no_flipped_bit_of_a_journal_goes_unseen(run: Path, at: int, bit: int) -> None:
    bytes_of_it = bytearray((run / "journal").read_bytes())
    bytes_of_it[at % len(bytes_of_it)] ^= 1 << bit
    damaged = run.parent / "damaged"
    shutil.copytree(run, damaged, dirs_exist_ok=True)
    (damaged / "journal").write_bytes(bytes_of_it)
    try:
        assert not replay(damaged).ok
    except JournalError as error:
        assert "damaged at byte" in str(error) or "is not a journal" in str(error)


@settings(max_examples=20)
@given(st.integers(1, 2**20))
def test_a_torn_journal_is_compared_up_to_where_it_ends(run: Path, frames: list[Frame], cut: int) -> None:
    whole = (run / "journal").read_bytes()
    torn = run.parent / "torn"
    torn.mkdir(exist_ok=True)
    (torn / "journal").write_bytes(whole[: -(cut % (len(whole) - len(MAGIC)))] if cut % len(whole) else whole)
    left = list(read(torn / "journal"))
    if not left:
        with pytest.raises(JournalError, match="does not say what was run"):
            replay(torn)
    elif len(left) < len(frames):
        again = replay(torn)
        assert again.compared == len(left) - 1 and f"ends before frame {len(left) + 1}" in str(again.difference)


def test_a_changed_tape_is_refused(run: Path) -> None:
    wider = open_tape("demo", ["EURUSD"], "H1", "2017-03", "2017-05", spread="11 points")
    with pytest.raises(Refused, match="the tape has changed since the run: its fingerprint was"):
        replay(run, wider)


def test_what_is_no_journal_is_said_so(tmp_path: Path, run: Path, frames: list[Frame]) -> None:
    with pytest.raises(NotFound, match="no journal at"):
        replay(tmp_path)
    (tmp_path / "journal").write_bytes(b"trade,position\n1,1\n")
    with pytest.raises(JournalError, match="is not a journal"):
        replay(tmp_path)
    with pytest.raises(JournalError, match="does not say what was run"):
        replay(altered(run, run.parent / "headless", frames[1:]))
    start = frames[0].event
    assert isinstance(start, Start)
    gone = msgspec.structs.replace(start, config=start.config.replace("ma_cross", "ma_crush"))
    with pytest.raises(ConfigError, match="did you mean ma_cross"):
        replay(altered(run, run.parent / "gone", [frames[0]._replace(event=gone), *frames[1:]]))


@dataclass
class Parrot(Strategy):
    """Long and flat in turn, every so many rows."""

    every: int = 7
    rows: int = 0

    def on_row(self, row: Any) -> Any:
        self.rows += 1
        if self.rows % self.every:
            return None
        return self.long(row, stop=row.close * 0.99) if self.rows // self.every % 2 else self.flat(row)


def bars_in_memory() -> ArrayTape:
    block = next(open_tape("demo", ["EURUSD"], "H1", "2017-06", "2017-07").blocks())
    return ArrayTape.bars(("EURUSD",), **{name: getattr(block, name) for name in block.columns})


def test_a_run_of_objects_is_replayed_with_these_objects(folder: Path) -> None:
    tape, parrot = bars_in_memory(), Parrot(every=5)
    made = engine.backtest(parrot, tape, out=folder)
    assert parrot.rows == 0, "a copy ran"
    with pytest.raises(NotFound, match="was in memory and is not on disk: hand it in"):
        replay(made.path)
    with pytest.raises(ConfigError, match="parrot"):
        replay(made.path, tape)
    assert len(made.trades) > 10 and replay(made.path, tape, strategies=[parrot]).ok
    assert not replay(made.path, tape, strategies=[Parrot(every=6)]).ok


def test_a_registered_strategy_object_is_replayed_from_its_parameters(folder: Path) -> None:
    tape = bars_in_memory()
    made = engine.backtest(MaCross(fast=4, slow=11), tape, out=folder)
    assert made.summary.config["strategy"][0]["params"]["slow"] == 11
    assert len(made.trades) > 10 and replay(made.path, tape).ok
