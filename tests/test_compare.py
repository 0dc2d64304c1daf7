"""Two runs side by side: the first decision that differs, and why."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cli
import engine
from engine.compare import compare, differing, flattened
from engine.core import events as e
from engine.core.errors import JournalError, NotFound
from engine.core.journal import Frame
from engine.core.load import load
from engine.ops import console
from engine.report.summary import load_summary
from engine.run import open_config_tape

SHORT = ("data.from=2017-03", "data.to=2017-05")


def made(root: Path, *sets: str) -> Path:
    run = engine.backtest(load("demo", sets=[*SHORT, *sets], env={}), out=root)
    assert run.path
    return run.path


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("first"))


def test_two_runs_of_one_config_decide_the_same(first: Path, tmp_path: Path) -> None:
    found = compare(first, made(tmp_path))
    assert found.same and found.config == [] and found.figures == [] and found.compared > 50


def test_another_parameter_shows_in_the_first_wish_and_in_what_was_seen(first: Path, tmp_path: Path) -> None:
    found = compare(first, made(tmp_path, "strategy.params.fast=21"))
    at = found.parting
    assert at and at.causes == ["config"] and [s.key for s in found.config] == ["strategy.0.params.fast"]
    assert [s.key for s in at.keys] == ["strategy.0.params.fast"]
    assert at.first.startswith("signal ") or at.second.startswith("signal ")
    seen = [text.split(", ") for text in at.saw]
    parted = [pair[0].split()[0] for pair in zip(*seen, strict=True) if pair[0] != pair[1]]
    assert parted == ["fast"], "both saw the same bar, and only the fast average differs"


@pytest.mark.parametrize(
    ("change", "kind", "keys"),
    [
        ("venue.slippage=2 points", "fill", ["venue.slippage"]),
        ("risk.size=0.5 % risk", "target", ["risk.size"]),
        ("account.balance=20000", "target", ["account.balance"]),
    ],
)
def test_the_first_difference_is_of_the_stage_that_was_changed(
    first: Path, tmp_path: Path, change: str, kind: str, keys: list[str]
) -> None:
    at = compare(first, made(tmp_path, change, "strategy.params.reward=0.0")).parting
    assert at and at.first.startswith(kind + " ") and at.second.startswith(kind + " ")
    assert at.causes == ["config"] and [s.key for s in at.keys] == keys and at.fields
    assert at.saw[0] == at.saw[1] and at.led[0][0].kind == "signal"


def test_other_data_are_named_as_the_cause(first: Path, tmp_path: Path) -> None:
    config = load("demo", sets=list(SHORT), env={})
    tape = open_config_tape(config)
    from engine.core.tape import ArrayTape

    block = next(tape.blocks(10**6))
    columns = {name: getattr(block, name).copy() for name in block.columns}
    for name in ("open", "high", "low", "close"):
        columns[name] += 0.0007 * (columns["ts"] > columns["ts"][300])
    run = engine.backtest(config, ArrayTape.bars(tape.symbols, **columns), out=tmp_path)
    assert run.path
    found = compare(first, run.path)
    assert found.parting and found.parting.causes == ["data"] and found.config == [] and found.tape[0] != found.tape[1]
    assert "ma_cross saw EURUSD" in found.parting.saw[0] and "its fingerprint was" in found.parting.saw[1]


def test_an_edited_strategy_or_another_engine_is_the_code(first: Path, tmp_path: Path) -> None:
    other = made(tmp_path, "venue.slippage=2 points")
    summary = json.loads((other / "summary.json").read_text())
    summary["config"]["venue"]["slippage"] = load_summary(first).config["venue"]["slippage"]
    summary["code"] = {"ma_cross": "edited"}
    (other / "summary.json").write_text(json.dumps(summary))
    found = compare(first, other)
    assert found.parting and found.parting.causes == ["code"]
    assert load_summary(first).code["ma_cross"] not in ("", "edited")


def test_lanes_are_compared_by_their_deals(first: Path, tmp_path: Path) -> None:
    found = compare(first, made(tmp_path, "run.lane=compiled"))
    assert found.same and found.compared >= 10 and [s.key for s in found.config] == ["run.lane"]


def test_what_only_changes_the_report_is_no_cause(first: Path, tmp_path: Path) -> None:
    found = compare(first, made(tmp_path, "report.zone=Europe/Athens", "name=other"))
    assert found.same and {s.key for s in found.config} == {"report.zone", "name"}


def test_a_run_without_or_with_a_damaged_journal_is_one_clear_error(first: Path, tmp_path: Path) -> None:
    other = shutil.copytree(first, tmp_path / "2-demo")
    data = bytearray((other / "journal").read_bytes())
    data[len(data) // 2] ^= 255
    (other / "journal").write_bytes(data)
    with pytest.raises(JournalError, match="damaged"):
        compare(first, other)
    (other / "journal").unlink()
    with pytest.raises(NotFound, match="no journal"):
        compare(first, other)


def frames(stamps: Sequence[int]) -> list[Frame]:
    return [Frame(k + 2, 0, e.Timer(ts, "x")) for k, ts in enumerate(stamps)]


@given(st.lists(st.integers(0, 3), max_size=8), st.lists(st.integers(0, 3), max_size=8))
def test_the_first_difference_is_where_two_lists_part(one: list[int], two: list[int]) -> None:
    from engine.compare import first_difference

    count, pair = first_difference(iter(frames(one)), iter(frames(two)))
    assert (pair is None) == (one == two) and one[:count] == two[:count]
    if pair:
        assert [f.event.ts if f else None for f in pair] == [x[count] if count < len(x) else None for x in (one, two)]


json_like = st.dictionaries(st.text("abc", min_size=1, max_size=2), st.integers(0, 3) | st.lists(st.integers(0, 2)))


@given(json_like, json_like)
def test_configs_differ_exactly_where_their_flat_keys_do(one: dict[str, object], two: dict[str, object]) -> None:
    assert (differing(flattened(one), flattened(two)) == []) == (one == two)


def test_the_command_says_it_and_same_refuses(first: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = made(tmp_path, "strategy.params.fast=21")
    assert console.run(cli.app, ["compare", str(first), str(other)]) == 0
    told = capsys.readouterr().out
    assert "cause: the config (strategy.0.params.fast 20 / 21)" in told and "ma_cross saw EURUSD H1" in told
    assert console.run(cli.app, ["compare", str(first), str(other), "--json", "--same"]) == 4
    out, err = capsys.readouterr()
    assert json.loads(out)["parting"]["causes"] == ["config"] and "decided differently" in err
    assert console.run(cli.app, ["compare", str(first), str(first), "--same"]) == 0
    assert "every decision is the same" in capsys.readouterr().out
    assert console.run(cli.app, ["compare", str(first), "99", "--out", str(tmp_path)]) == 6
