"""The command line: what it prints, what it answers to a mistake, and its exit codes."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

import cli
from engine.core import errors
from engine.core.config import Expect
from engine.core.load import load
from engine.ops import console

ROOT = Path(__file__).resolve().parents[1]
SLEEPY = """
import sys, time
from engine.strategy import Strategy, dataclass, strategy
import cli
from engine.ops import console

@strategy
@dataclass
class Sleepy(Strategy):
    def on_row(self, row):
        print("row", flush=True)
        time.sleep(0.05)

sys.exit(console.run(cli.app, sys.argv[1:]))
"""


class Answer(NamedTuple):
    code: int
    out: str
    err: str


Call = Callable[..., Answer]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Run a command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith("ONETAPE_") and n not in ("ONETAPE_KERNEL_CACHE",)]:
        monkeypatch.delenv(name)
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}

    def run(*args: object) -> Answer:
        code = console.run(cli.app, [str(a) for a in args])
        return Answer(code, *capsys.readouterr())

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


def commands(app: Any = None, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every verb with its command."""
    for name, command in (app or typer.main.get_command(cli.app)).commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


def test_the_documentation_lists_exactly_the_verbs_there_are() -> None:
    rows = re.findall(r"^\| `([a-z ]+?)(?: [A-Z-].*?)?` \|", (ROOT / "docs/cli.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(name for name, _ in commands())


def test_every_verb_speaks_json_and_says_what_it_does() -> None:
    for name, command in commands():
        assert "--json" in {o for p in command.params for o in p.opts}, name
        assert command.help and len(command.help.splitlines()[0]) > 10, name


def test_the_exit_codes_are_those_of_the_documentation() -> None:
    text = (ROOT / "docs/cli.md").read_text("utf-8")
    told = {int(n) for n in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    tree = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type)}
    assert told == tree | {0, console.USAGE, console.INTERRUPTED}


@pytest.mark.parametrize(
    ("args", "code", "why"),
    [
        ("", 2, ""),
        ("bactest demo", 2, "No such command 'bactest'. Did you mean 'backtest'"),
        ("backtest", 2, "Missing argument"),
        ("backtest demo --sett x=1", 2, "No such option: --sett"),
        ("backtest demoo", 2, "no config or strategy is called 'demoo': did you mean demo"),
        ("backtest nowhere.toml", 6, "config file nowhere.toml does not exist"),
        ("backtest demo --on nowhere.toml", 6, "config file nowhere.toml does not exist"),
        ("backtest demo --set rsik.size=1", 2, "unknown key 'rsik': did you mean risk?"),
        ("backtest demo --set risk.size=0.1", 2, "'0.1' has no unit"),
        ("backtest demo --set account.leverage=-1", 2, "account.leverage: must be more than 0"),
        (
            "backtest demo --set strategy.params.fast=200",
            2,
            "fast (200) must be at least 2 and smaller than slow (100)",
        ),
        ("backtest demo --set strategy.params.fats=20", 2, "no parameter 'fats': did you mean fast?"),
        ("backtest demo --set strategy.name=ma_cros", 2, "unknown strategy 'ma_cros': did you mean ma_cross?"),
        ("backtest demo --symbol EURUSX", 6, "did you mean demo/EURUSD/bars-H1?"),
        ("backtest demo --tf H5", 2, "unknown time frame 'H5'"),
        ("backtest demo --from 2018 --to 2019", 1, "no bars of EURUSD in this range"),
        ("backtest demo --from 2018 --to 2017", 2, "data.from: 2018 is not before data.to 2017"),
        ("backtest demo --from tomorrow", 2, "time 'tomorrow' cannot be read"),
        ("run demo", 2, "say where with --on"),
        ("run demo --on mt5", 2, "--on mt5 is not built yet: --on history is what there is"),
        ("replay 1", 6, "there is no run in runs yet"),
        ("explain latest 1", 6, "there is no run in runs yet"),
        ("explain latest", 2, "a trade's number or --bar TS, one of the two"),
        ("explain latest one", 2, "should be a valid integer"),
        ("runs show latest", 6, "there is no run in runs yet"),
        ("data import nowhere.csv", 6, "no file nowhere.csv"),
        ("data import x.csv --column bid", 2, "write ROLE=NAME"),
        ("data import x.csv --basis bidd", 2, "'bidd' is not one of"),
        ("data show demo/EURUSD/bars-H2", 6, "did you mean demo/EURUSD/bars-H1?"),
        ("data sample EURUSD -n 0", 2, "n >= 1"),
        ("check lookahead rsii", 2, "no config or strategy is called 'rsii'"),
        ("instrument show EURUSX", 2, "did you mean EURUSD"),
        ("features show rsii", 2, "unknown feature 'rsii': did you mean rsi?"),
    ],
)
def test_a_mistake_is_one_line_on_stderr_and_its_exit_code(call: Call, args: str, code: int, why: str) -> None:
    answer = call(*args.split())
    assert (answer.code, why in answer.err) == (code, True), answer
    assert len(answer.err.strip().splitlines()) <= 1 and "Traceback" not in answer.err
    assert not list(Path().rglob("*.partial"))


def test_debug_shows_where_it_happened(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONETAPE_DEBUG", "1")
    assert "Traceback" in call("backtest", "demoo").err


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (errors.Refused("no"), 4, "no"),
        (errors.TimedOut("late"), 5, "late"),
        (errors.OutputError("two\nlines"), 1, "two; lines"),
        (
            OSError(errno.ENOSPC, "x", "f.csv"),
            1,
            "the disk is full: f.csv was not written, nothing half-written is left",
        ),
        (OSError(errno.EFBIG, "x", "f.csv"), 1, "the file-size limit is reached: f.csv was not written, nothing"),
        (PermissionError(errno.EACCES, "Permission denied", "runs"), 1, "runs: Permission denied"),
        (KeyboardInterrupt(), 130, "interrupted: nothing half-written is left"),
        (KeyError("x"), 1, "internal error, please report it: KeyError: 'x' (ONETAPE_DEBUG=1 shows where)"),
        (ModuleNotFoundError("No module named 'ccxt'", name="ccxt"), 1, "the package 'ccxt' is not installed"),
    ],
)
def test_every_kind_of_failure_has_its_line_and_code(call: Call, error: BaseException, code: int, line: str) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def fail() -> None:
        raise error

    original, cli.app = cli.app, app
    try:
        answer = call()
    finally:
        cli.app = original
    assert answer.code == code and line in answer.err and len(answer.err.strip().splitlines()) == 1


@given(st.text(max_size=200))
def test_any_message_stays_on_one_line(message: str) -> None:
    lines: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console.typer, "echo", lambda text, err: lines.append(text))
        console.complain(message)
    assert len(lines) == 1 and len(lines[0].splitlines()) == 1


def test_tables_align_numbers_to_the_right() -> None:
    rows = [{"name": "a", "n": 5, "x": 1234.5, "z": None}, {"name": "long", "n": 10, "x": 0.25, "z": 1.0}]
    assert console.table(rows) == "name   n         x  z\na      5  1,234.50  -\nlong  10      0.25  1"
    assert console.table([]) == "none"


@pytest.mark.parametrize(("number", "text"), [(12_345_678, "12.3M"), (450_000, "450k"), (80, "80"), (2e9, "2G")])
def test_rates_are_short(number: float, text: str) -> None:
    assert console.compact(number) == text


def test_the_demo_runs_and_its_run_is_listed_shown_and_explained(call: Call) -> None:
    made = call("backtest", "demo")
    assert made.code == 0 and "net profit" in made.out and "report  runs/1-demo/report.html" in made.out
    assert "bid = ask - 10 points assumed" in made.out
    assert {p.name for p in Path("runs/1-demo").iterdir()} >= {
        "report.html", "trades.csv", "equity.parquet", "summary.json", "journal",
    }  # fmt: skip
    (listed,) = json.loads(call("runs", "list", "--json").out)
    shown = json.loads(call("runs", "show", "latest", "--json").out)
    assert listed["run"] == 1 and listed["trades"] == shown["figures"]["trades"] > 20
    steps = json.loads(call("explain", "1", "2", "--json").out)
    assert [s["kind"] for s in steps][:3] == ["row", "signal", "risk"] and steps[-1]["kind"] == "fill"
    bar = call("explain", "1", "--bar", steps[0]["ts"])
    assert bar.code == 0 and "ma_cross saw EURUSD" in bar.out and "wants EURUSD" in bar.out
    none = call("explain", "1", "--bar", "2017-07-01 12:00")
    assert none.code == 6 and "the last before it closed at 2017-06-30T21:00:00Z" in none.err
    assert call("explain", "1", "9999").code == 6


def test_a_run_replayed_decides_the_same_and_a_changed_journal_is_refused(call: Call) -> None:
    call("backtest", "demo", "--from", "2017-03", "--to", "2017-05")
    again = json.loads(call("replay", "latest", "--json").out)
    assert again["compared"] > 20 and again["difference"] is None
    journal = Path("runs/1-demo/journal")
    journal.write_bytes(journal.read_bytes()[:-40])
    assert call("replay", "latest").code == 4
    journal.unlink()
    assert call("replay", "latest").code == 6


def test_a_run_that_gives_something_else_than_expected_is_refused(call: Call, tmp_path: Path) -> None:
    short = load("demo", sets=["data.from=2017-03", "data.to=2017-05"], env={})
    for trades, code in ((json.loads(short_run(call).out)["figures"]["trades"], 0), (9999, 4)):
        known = replace(short, expect=Expect(config=short.identity, trades=trades))
        (tmp_path / "known.toml").write_text(known.to_toml())
        answer = call("backtest", "known.toml")
        assert answer.code == code and ("expected 9999" in answer.err) == (code == 4)
        assert call("backtest", "known.toml", "--set", "seed=2").code == 0


def short_run(call: Call) -> Answer:
    return call("backtest", "demo", "--from", "2017-03", "--to", "2017-05", "--json")


@pytest.mark.parametrize("name", ["rsi", "demo"])
def test_what_does_not_look_ahead_is_said_so(call: Call, name: str) -> None:
    found = json.loads(call("check", "lookahead", name, "--cuts", "4", "--json").out)
    assert found == {"name": name, "bars": 6225, "cuts": 4, "looks_ahead": False}


def test_a_strategy_that_hardly_ever_acts_cannot_be_judged(call: Call) -> None:
    few = call("check", "lookahead", "demo", "--set", "strategy.params.slow=2000")
    assert few.code == 1 and "at least 20 are needed" in few.err


def test_json_of_a_backtest_is_json_and_run_on_history_is_the_same_thing(call: Call) -> None:
    args = ("demo", "--from", "2017-03", "--to", "2017-07", "--set", "strategy.params.fast=10", "--json")
    first, second = call("backtest", *args), call("run", *args, "--on", "history")
    one, two = json.loads(first.out), json.loads(second.out)
    assert first.code == second.code == 0 and first.err == second.err == ""
    assert one["digest"] == two["digest"] and one["figures"] == two["figures"] and one["figures"]["trades"] >= 10
    assert (one["number"], two["number"]) == (1, 2)


def test_a_strategys_name_is_enough(call: Call) -> None:
    answer = call("backtest", "channel_breakout", "--tf", "H4", "--set", "strategy.params.period=20")
    assert answer.code == 0 and "channel_breakout on EURUSD" in answer.out


def test_a_sample_is_made_listed_shown_and_replayed(call: Call) -> None:
    made = json.loads(call("data", "sample", "EURUSD,USDJPY", "-n", "20000", "--seed", "3", "--json").out)
    assert sum(row["added"] for row in made) == 20_000
    again = json.loads(call("data", "sample", "EURUSD,USDJPY", "-n", "20000", "--seed", "3", "--json").out)
    assert sum(row["added"] for row in again) == 0
    names = [row["name"] for row in json.loads(call("data", "list", "--json").out)]
    assert {"demo/EURUSD/bars-H1", "sample/EURUSD/quotes", "sample/USDJPY/quotes"} <= set(names)
    assert "no real prices" in call("data", "show", "sample/EURUSD/quotes").out
    options = ("data.source=sample", "data.kind=quotes", "data.spread=none", "strategy.params.slow=20")
    sets = [part for option in options for part in ("--set", option)]
    run = call(
        "backtest", "ma_cross", "--symbol", "EURUSD,USDJPY", "--tf", "M1", *sets, "--set", "strategy.params.fast=5"
    )
    assert run.code == 0 and "ma_cross on EURUSD, USDJPY" in run.out


def test_a_file_is_imported_whole_or_not_at_all(call: Call, tmp_path: Path) -> None:
    rows = [f"2024-01-02 10:00:{s:02d},{1.1 + s * 1e-5:.5f},{1.1001 + s * 1e-5:.5f}" for s in range(50)]
    (tmp_path / "EURUSD.csv").write_text("\n".join(["time,bid,ask", *rows]) + "\n")
    good = call("data", "import", "EURUSD.csv", "--tz", "UTC", "--symbol", "EURUSD", "--json")
    assert good.code == 0 and json.loads(good.out)[0]["added"] == 50
    (tmp_path / "bad.csv").write_text("\n".join(["time,bid,ask", *rows[:30], rows[5], *rows[30:]]) + "\n")
    bad = call("data", "import", "bad.csv", "--tz", "UTC", "--symbol", "GBPUSD")
    assert bad.code == 1 and len(bad.err.strip().splitlines()) == 1 and not Path("data/imported/GBPUSD/quotes").exists()
    sets = ["data.source=imported", "data.kind=quotes", "data.spread=none"]
    stored = call("backtest", "ma_cross", "--tf", "M1", *(part for one in sets for part in ("--set", one)), "--json")
    sets = ["data.source=file", "data.files=EURUSD.csv", "data.tz=UTC", "data.kind=quotes", "data.spread=none"]
    direct = call("backtest", "ma_cross", "--tf", "M1", *(part for one in sets for part in ("--set", one)), "--json")
    assert (
        stored.code == direct.code == 0 and json.loads(stored.out)["records"] == json.loads(direct.out)["records"] == 50
    )
    (tmp_path / "columns.csv").write_text("a,b\n1,2\n")
    columns = call("data", "import", "columns.csv", "--symbol", "GBPUSD")
    assert columns.code in (1, 2) and len(columns.err.strip().splitlines()) == 1


@pytest.mark.parametrize("args", ["instrument list", "instrument show XAUUSD", "features list", "features show macd"])
def test_what_is_known_can_be_listed(call: Call, args: str) -> None:
    assert call(*args.split()).code == 0
    assert json.loads(call(*args.split(), "--json").out)


def test_the_doctor_finds_nothing_wrong_here(call: Call) -> None:
    found = json.loads(call("doctor", "--json").out)
    assert [line for line in found if not line["ok"] and line["check"] != "disk"] == []
    assert {"python", "packages", "time zones", "kernels", "demo data", "disk"} == {line["check"] for line in found}


def test_the_version_is_that_of_the_engine(call: Call) -> None:
    import engine

    assert json.loads(call("version", "--json").out)["onetape"] == engine.__version__


def test_cli_py_can_be_run_as_a_file(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "cli.py", "backtest", "demoo"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="needs a shell with pipes")
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    command = f"'{sys.executable}' '{ROOT / 'cli.py'}' instrument list --json | head -c 10"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stderr == ""


def slow_run(folder: Path) -> subprocess.Popen[str]:
    """A backtest of a strategy that sleeps at every bar, in its own process, caught in the middle."""
    (folder / "slow.toml").write_text(
        'name = "slow"\n[data]\nsymbols = ["EURUSD"]\nspread = "10 points"\n[[strategy]]\nname = "sleepy"\n'
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPY, "backtest", "slow.toml"],
        cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line == "row\n":
            break
    return process


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot send a signal to one process")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_so_in_one_line_and_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    process = slow_run(tmp_path)
    assert list((tmp_path / "runs").iterdir())
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    lines = [line for line in err.splitlines() if line.strip() and not line.startswith("compiling")]
    assert process.returncode == 130 and lines == ["error: interrupted: nothing half-written is left"]
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_file_size_limit_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="file-size limits are a Unix thing")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "cli", "backtest", "demo"]
    subprocess.run(command, cwd=tmp_path, env=env, check=True, capture_output=True)
    before = {p.name for p in (tmp_path / "runs").iterdir()}
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )  # fmt: skip
    assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1 and "Traceback" not in done.stderr
    assert {p.name for p in (tmp_path / "runs").iterdir()} == before
