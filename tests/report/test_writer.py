"""A run's folder: complete or not there at all."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.clock import iso
from engine.core.errors import NotFound, OutputError
from engine.ops import listing
from engine.report import series
from engine.report.figures import figures
from engine.report.metrics import Tally
from engine.report.runs import find_run, list_runs
from engine.report.summary import Summary, load_summary
from engine.report.writer import Columns, RunWriter, reserve
from tests.report.sample import START, START_BALANCE, samples, trades_on, walk, write_run

FILES = {"trades.csv", "days.csv", "equity.parquet", "bars.parquet", "summary.json", "report.html"}


def test_a_finished_run_has_every_file_and_nothing_else_is_left(tmp_path: Path) -> None:
    run = write_run(tmp_path, bars=500, trades=9)
    assert run == tmp_path / "1-demo"
    assert {p.name for p in run.iterdir()} == FILES
    assert [p.name for p in tmp_path.iterdir()] == ["1-demo"]


def test_what_was_written_reads_back(tmp_path: Path) -> None:
    run = write_run(tmp_path, bars=700, trades=8)
    bars = walk(700)
    trades = trades_on(bars, 8)
    ts, balance, equity = samples(bars, trades)
    table = pq.read_table(run / "equity.parquet")
    assert table["time"].type == pa.timestamp("ns", tz="UTC")
    assert table["ts"].to_pylist() == table["time"].cast(pa.int64()).to_pylist() == ts.tolist()
    assert table["balance"].to_pylist() == balance.tolist() and table["equity"].to_pylist() == equity.tolist()
    stored = pq.read_table(run / "bars.parquet")
    assert stored["close"].to_pylist() == bars["close"].tolist() and set(stored["symbol"].to_pylist()) == {"EURUSD"}
    lines = list(csv.DictReader((run / "trades.csv").read_text(encoding="utf-8").splitlines()))
    first, trade = lines[1], trades[1]
    assert len(lines) == 8
    assert (first["direction"], first["lots"], first["units"]) == ("long", "0.1", "10000")
    assert first["open_time"] == iso(trade.open_ts) and first["open_time"].endswith("Z")
    assert float(first["net_profit"]) == trade.net and float(first["open_price"]) == pytest.approx(trade.open_price)
    summary = load_summary(run)
    assert (summary.number, summary.name, summary.config["strategy"]["fast"]) == (1, "demo", 20)
    assert summary.figures["trades"] == 8 and len(summary.notes) == 3
    assert json.loads((run / "summary.json").read_text())["months"][0]["month"] == "2019-01"


def test_numbers_go_up_and_names_are_made_safe(tmp_path: Path) -> None:
    write_run(tmp_path, bars=0, name="../weird name/é")
    write_run(tmp_path, bars=0, name="...")
    assert [run.path.name for run in list_runs(tmp_path)] == ["1-weird-name", "2-run"]


def test_two_runs_at_once_never_share_a_number(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: reserve(tmp_path)[0], range(40)))
    assert sorted(numbers) == list(range(1, 41))


def test_two_processes_that_finish_and_start_never_share_a_number(tmp_path: Path) -> None:
    code = textwrap.dedent("""
        import sys; from pathlib import Path
        from engine.report.writer import reserve
        for _ in range(60):
            number, folder, _ = reserve(Path(sys.argv[1])); folder.rename(folder.parent / f"{number}-{sys.argv[2]}")
    """)
    root = Path(__file__).resolve().parents[2]
    made = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name], cwd=root) for name in "ab"]
    assert [process.wait(120) for process in made] == [0, 0]
    numbers = [run.number for run in list_runs(tmp_path)]
    assert numbers == list(range(1, 121))


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_run_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), RunWriter(tmp_path, "demo", Tally(START_BALANCE)) as writer:
        writer.journal_path.write_bytes(b"frames")
        writer.trade(trades_on(walk(100), 2)[0])
        raise error
    assert list(tmp_path.iterdir()) == []
    writer.abort()


def test_a_run_in_the_making_is_not_seen(tmp_path: Path) -> None:
    write_run(tmp_path, bars=0)
    writer = RunWriter(tmp_path, "second", Tally(START_BALANCE))
    assert [run.number for run in list_runs(tmp_path)] == [1]
    writer.abort()


def test_a_file_size_limit_is_one_clear_error_and_nothing_is_kept(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="file-size limits are a POSIX thing")
    code = textwrap.dedent("""
        import resource, sys; from pathlib import Path
        from engine.core.errors import OutputError
        from tests.report.sample import write_run
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
        try:
            write_run(Path(sys.argv[1]), bars=80_000, trades=2_000)
        except OutputError as error:
            print(error)
    """)
    root = Path(__file__).resolve().parents[2]
    for limit in (1_000, 100_000, 2_500_000):
        done = subprocess.run([sys.executable, "-W", "error", "-c", code, str(tmp_path), str(limit)], cwd=root,
                              capture_output=True, text=True, timeout=120)  # fmt: skip
        assert done.returncode == 0 and done.stderr == "", done.stderr
        assert done.stdout.count("\n") == 1 and "a file-size limit was reached; nothing of it was kept" in done.stdout
        assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_clear_error() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OSError, match="No space left"):
        columns = Columns(full, pa.schema([("ts", pa.int64())]))
        columns.add([np.arange(10)])
        columns.close()


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="no run can be written to"):
        RunWriter(tmp_path / "file", "demo", Tally(START_BALANCE))


def test_samples_are_copied_because_tables_slide(tmp_path: Path) -> None:
    ts, values = np.array([START, START + 1]), np.array([1.0, 2.0])
    with RunWriter(tmp_path, "demo", Tally(START_BALANCE)) as writer:
        writer.equity(ts, values, values)
        ts[:], values[:] = 0, 0.0
        run = writer.finish(Summary(name="demo"), None)
    assert pq.read_table(run / "equity.parquet")["balance"].to_pylist() == [1.0, 2.0]


@settings(max_examples=25)
@given(st.integers(1, 60), st.integers(1, 9), st.lists(st.integers(0, 60), max_size=4))
def test_thinning_keeps_every_extreme_however_it_is_cut(count: int, every: int, cuts: list[int]) -> None:
    bars = walk(count, seed=every)
    rows = np.stack([bars[name] for name in ("open_ts", "open", "high", "low", "close")]).astype(float)
    whole, parts = series.Thin(every, series.candle, 5), series.Thin(every, series.candle, 5)
    whole.add(rows)
    edges = [0, *sorted(min(c, count) for c in cuts), count]
    for lo, hi in zip(edges, edges[1:], strict=False):
        parts.add(rows[:, lo:hi])
    got = whole.result()
    assert np.array_equal(got, parts.result()) and got.shape[1] == -(-count // every)
    assert got[2].max() == bars["high"].max() and got[3].min() == bars["low"].min()
    assert got[1, 0] == bars["open"][0] and got[4, -1] == bars["close"][-1]
    thin = series.Thin(every, series.extremes, 3)
    thin.add(rows[[0, 1, 4]])
    points = thin.result()
    assert points[2].max() == bars["close"].max() and points[2].min() == bars["close"].min()
    assert (np.diff(points[0]) >= 0).all()


def test_streams_keep_apart_and_in_the_order_they_first_came(tmp_path: Path) -> None:
    with RunWriter(tmp_path, "demo", Tally(START_BALANCE)) as writer:
        for symbol, seed in (("GBPJPY", 1), ("EURUSD", 2), ("GBPJPY", 3)):
            writer.bars(symbol, "M1", walk(50, seed))
        writer.bars("EURUSD", "H1", walk(7))
        run = writer.finish(Summary(name="demo"), None)
    got = series.bars(run / "bars.parquet")
    assert [(s["symbol"], s["frame"], len(unpacked(s["ts"]))) for s in got] == [
        ("GBPJPY", "M1", 100), ("EURUSD", "M1", 50), ("EURUSD", "H1", 7),
    ]  # fmt: skip
    assert [s["every"] for s in series.bars(run / "bars.parquet", limit=50)] == [7, 4, 1]


def unpacked(text: str) -> np.ndarray:
    import base64

    return np.frombuffer(base64.b64decode(text))


def test_runs_are_found_by_number_name_path_and_age(tmp_path: Path) -> None:
    for name in ("first", "second", "second"):
        write_run(tmp_path, bars=0, name=name)
    found = {
        ref: find_run(ref, tmp_path).number for ref in ("1", "1-first", "latest", "latest~1", "latest~2", "second")
    }
    assert found == {"1": 1, "1-first": 1, "latest": 3, "latest~1": 2, "latest~2": 1, "second": 3}
    assert find_run(2, tmp_path).path.name == "2-second"
    assert find_run(str(tmp_path / "2-second"), Path("elsewhere")).number == 2


@pytest.mark.parametrize(
    ("ref", "answer"),
    [
        ("9", "the nearest is 2-second"),
        ("frist", "did you mean first"),
        ("latest~7", "only 2 runs"),
        ("1-frst", "1-first"),
    ],
)
def test_a_run_that_is_not_there_is_answered_with_the_nearest(tmp_path: Path, ref: str, answer: str) -> None:
    for name in ("first", "second"):
        write_run(tmp_path, bars=0, name=name)
    with pytest.raises(NotFound, match=answer):
        find_run(ref, tmp_path)


def test_an_empty_folder_has_no_runs(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "runs") == []
    with pytest.raises(NotFound, match="there is no run"):
        find_run("latest", tmp_path)


def test_the_terminals_figures_are_words_and_money(tmp_path: Path) -> None:
    shown = dict(figures(load_summary(write_run(tmp_path, bars=500, trades=5))))
    assert shown["Trades"] == "5" and shown["Commission"] == "-3.50 USD"
    assert shown["Net profit"].endswith(" USD") and shown["Return"].endswith(" %")
    empty = dict(figures(Summary(name="demo")))
    assert set(empty) == set(shown) and empty["Sharpe (daily, × √252)"] == "–"


def test_swap_stop_outs_and_the_rest_are_shown_where_there_were_any(tmp_path: Path) -> None:
    quiet = {label for label, _ in figures(load_summary(write_run(tmp_path, bars=500, trades=5)))}
    run = write_run(tmp_path, bars=500, trades=5, nights=-1.25)
    summary = load_summary(run)
    summary.figures |= {"margin_calls": 2, "corrections": 12.5, "ambiguous": 3}
    shown = dict(figures(summary))
    assert {label: text for label, text in shown.items() if label not in quiet} == {
        "Swap": "-6.25 USD", "Margin calls": "2", "Stop-outs": "1", "Debt written off": "12.50 USD",
        "Stop and target in one bar": "3 trades",
    }  # fmt: skip
    lines = list(csv.DictReader((run / "trades.csv").read_text(encoding="utf-8").splitlines()))
    for line in lines:
        parts = [round(100 * float(line[name])) for name in ("gross_profit", "commission", "swap")]
        assert (line["swap"], round(100 * float(line["net_profit"]))) == ("-1.25", sum(parts))
    text = listing.run_text({"path": "runs/2-demo", **msgspec.to_builtins(summary)})
    told = dict(re.split(r"  +", line, maxsplit=1) for line in text.splitlines() if "  " in line)
    assert (told["swap"], told["margin calls"], told["stop outs"]) == ("-6.25 USD", "2", "1")


def test_what_a_plain_run_has_none_of_is_not_shown(tmp_path: Path) -> None:
    summary = load_summary(write_run(tmp_path, bars=500, trades=5))
    text = listing.run_text({"path": "runs/1-demo", **msgspec.to_builtins(summary)})
    assert not {"swap", "stop outs", "margin calls", "ambiguous"} & {line.split("  ")[0] for line in text.splitlines()}
    assert {"swap", "stop_outs", "margin_calls", "corrections", "ambiguous"} < set(summary.figures)


def test_writing_a_run_does_not_wait_for_pandas(tmp_path: Path) -> None:
    code = textwrap.dedent("""
        import sys; from pathlib import Path
        from tests.report.sample import write_run
        write_run(Path(sys.argv[1]), bars=500, trades=5)
        print("pandas" in sys.modules)
    """)
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=root, capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
