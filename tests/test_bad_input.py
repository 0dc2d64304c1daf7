"""What a user can get wrong, end to end: one clear sentence, and nothing half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import engine
from engine.core.config import Config
from engine.core.errors import ConfigError, DataError, NotFound, OnetapeError, OutputError
from engine.core.journal import Journal
from engine.core.schema import build
from engine.core.tape import ArrayTape
from engine.feeds.synthetic import sample
from engine.feeds.tapes import open_files
from engine.report.runs import list_runs
from strategies.ma_cross import MaCross

ROOT = Path(__file__).resolve().parents[1]
QUICK = {"name": "ma_cross", "frame": "M1", "params": {"fast": 2, "slow": 4, "stop_atr": 0.0}}


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ONETAPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ONETAPE_DATA", str(tmp_path / "catalogue"))
    yield
    assert not list(tmp_path.rglob("*.partial")) and not list((tmp_path / "cache").rglob(".*"))


def quotes(n: int = 2_000) -> pd.DataFrame:
    stamps = pd.date_range("2019-02-04", periods=n, freq="7s")
    bid = np.round(1.14 + np.cumsum(np.random.default_rng(1).normal(0, 2e-5, n)), 5)
    return pd.DataFrame({"time": stamps.astype(str), "bid": bid, "ask": np.round(bid + 1e-4, 5)})


def bars(minutes: int = 1) -> pd.DataFrame:
    q = quotes()
    made = q.set_index(pd.to_datetime(q["time"]))["bid"].resample(f"{minutes}min").ohlc()
    return made.reset_index()


def config(files: list[Path], **data: Any) -> Config:
    given = {"source": "file", "files": [str(f) for f in files], "symbols": ["EURUSD"], "kind": "quotes", **data}
    return build(Config, {"name": "bad", "data": given, "strategy": [QUICK], "risk": {"size": "0.01 lots"}})


def backtest(table: pd.DataFrame, folder: Path, **data: Any) -> Any:
    file = folder / "market.csv"
    table.to_csv(file, index=False)
    return engine.backtest(config([file], **data), out=folder / "runs")


def put(table: pd.DataFrame, row: int, **values: Any) -> pd.DataFrame:
    table = table.astype(object)
    for name, value in values.items():
        table.loc[row, name] = value
    return table


def swapped(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[[*range(100), *range(110, 120), *range(100, 110), *range(120, len(table))]]


Table = Callable[[], pd.DataFrame]
QUOTES: dict[str, tuple[Table, dict[str, Any], type[OnetapeError], str]] = {
    "another column": (lambda: quotes().rename(columns={"ask": "asq"}), {}, DataError, "no column for ask among time"),
    "no time": (lambda: quotes().drop(columns="time"), {}, DataError, "no column for the time among bid, ask"),
    "an odd time": (lambda: put(quotes(), 9, time="yesterday"), {}, DataError, "row 10: time 'yesterday' cannot"),
    "text": (lambda: put(quotes(), 9, bid="1,1x"), {}, DataError, "column 'bid' holds '1,1x', which is no number"),
    "backward": (lambda: swapped(quotes()), {}, DataError, "10 rows go back in time .*, the first is row 111 "),
    "NaN": (lambda: put(quotes(), 55, bid=None), {}, DataError, "1 rows have a price that is missing .* row 56 "),
    "zero": (lambda: put(quotes(), 55, bid=0.0), {}, DataError, "1 rows have a price of zero or below"),
    "crossed": (lambda: put(quotes(), 55, ask=1.0), {}, DataError, r"1 rows are crossed \(ask below bid\)"),
    "no row": (lambda: quotes(0), {}, DataError, "there is no row"),
    "another range": (quotes, {"from": "2020"}, DataError, "no quotes of EURUSD in this range: they reach from"),
    "a range turned round": (quotes, {"from": "2019-03", "to": "2019-02"}, ConfigError, "not before data.to 2019-02"),
    "an unknown format": (quotes, {"format": "cvs"}, ConfigError, "unknown format 'cvs': did you mean csv"),
    "an unknown zone": (quotes, {"tz": "Europe/Atens"}, ConfigError, "did you mean Europe/Athens"),
    "an unknown symbol": (quotes, {"symbols": ["EURUDS"]}, ConfigError, "'EURUDS': did you mean EURUSD"),
    "quotes for bars": (quotes, {"kind": "bars", "frame": "M1"}, ConfigError, "holds quotes, not M1"),
    "bars for quotes": (bars, {}, ConfigError, "holds bars-M1, not quotes"),
    "last of quotes": (quotes, {"basis": "last"}, ConfigError, "quotes hold no last price"),
    "two symbols of one": (quotes, {"symbols": ["EURUSD", "GBPUSD"]}, DataError, "no column says which symbol a row"),
}  # fmt: skip


@pytest.mark.parametrize("name", QUOTES)
def test_quotes_that_must_not_be_traded_on(name: str, tmp_path: Path) -> None:
    table, data, error, told = QUOTES[name]
    with pytest.raises(error, match=told) as caught:
        backtest(table(), tmp_path, **data)
    assert "\n" not in str(caught.value) and not (tmp_path / "runs").exists()


M1 = {"kind": "bars", "frame": "M1", "spread": "8 points"}
BARS: dict[str, tuple[Table, dict[str, Any], type[OnetapeError], str]] = {
    "no spread": (bars, {"spread": None}, ConfigError, 'carry no spread: declare one, "10 points" or "1.5 bps"'),
    "a stamp twice": (lambda: bars().iloc[[*range(50), *range(49, 200)]], {}, DataError, "1 rows repeat the stamp"),
    "a high below the low": (lambda: put(bars(), 3, high=1.0), {}, DataError, "1 rows have open, high, low and close"),
    "longer bars": (lambda: bars(5), {}, ConfigError, "bars lie 300 s apart or more, so they are not M1"),
    "shorter bars": (lambda: bars(1), {"frame": "M5"}, DataError, "is not where a M5 bar begins or ends"),
    "an unknown frame": (bars, {"frame": "1m"}, ConfigError, "unknown time frame '1m': did you mean M1"),
}  # fmt: skip


@pytest.mark.parametrize("name", BARS)
def test_bars_that_must_not_be_traded_on(name: str, tmp_path: Path) -> None:
    table, data, error, told = BARS[name]
    data = {key: value for key, value in {**M1, **data}.items() if value is not None}
    frame = {"frame": data["frame"]} if data["frame"] == "M5" else {}
    with pytest.raises(error, match=told) as caught:
        (tmp_path / "market.csv").write_text(table().to_csv(index=False))
        given = {"source": "file", "files": [str(tmp_path / "market.csv")], "symbols": ["EURUSD"], **data}
        engine.backtest(build(Config, {"name": "bad", "data": given, "strategy": [{**QUICK, **frame}]}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"), (b"time,bid,ask\n", "there is no row"), (b"\x89PNG\r\n\0\0", "the first lines are no table"),
        (b"PAR1" + bytes(99), "is no Parquet file or damaged"), (b"all work and no play\nmakes\n", "are no table"),
    ],
)  # fmt: skip
def test_files_that_hold_no_market(content: bytes, told: str, tmp_path: Path) -> None:
    (tmp_path / "market.csv").write_bytes(content)
    with pytest.raises(DataError, match=told):
        engine.backtest(config([tmp_path / "market.csv"]))


def test_a_file_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    quotes().to_csv(tmp_path / "market.csv", index=False)
    with pytest.raises(NotFound, match=r"no file .*marked\.csv: did you mean market\.csv\?"):
        engine.backtest(config([tmp_path / "marked.csv"]))
    with pytest.raises(NotFound, match="is a folder: name a file in it"):
        engine.backtest(config([tmp_path]))
    with pytest.raises(ConfigError, match="2 files for 1 symbols: name one file per symbol, in the same order"):
        engine.backtest(config([tmp_path / "market.csv"] * 2))


def test_a_tape_must_be_what_the_config_says_it_is() -> None:
    tape = sample(["EURUSD"], 5_000, seed=1)
    memory = {"source": "memory", "symbols": ["EURUSD"]}
    for data, told in (
        ({**memory, "kind": "bars", "frame": "M1"}, "data.kind: the tape holds quotes, not bars"),
        ({**memory, "kind": "quotes", "symbols": ["EURUSD", "GBPUSD"]}, "no GBPUSD on the tape"),
    ):
        with pytest.raises(ConfigError, match=told):
            engine.backtest(build(Config, {"name": "x", "data": data, "strategy": [QUICK]}), tape)
    minute = 60 * 10**9
    opened = np.arange(1, 100) * minute
    flat = dict.fromkeys(("open", "high", "low", "close"), np.ones(99))
    made = ArrayTape.bars(("EURUSD",), ts=opened + minute, ts_event=opened, symbol=np.zeros(99), **flat,
                          spread=np.zeros(99), volume=np.ones(99))  # fmt: skip
    hours = build(Config, {"name": "x", "data": memory, "strategy": [{**QUICK, "frame": "H1"}]})
    with pytest.raises(ConfigError, match="data.frame: the tape holds M1 bars, not H1"):
        engine.backtest(hours, made)
    empty = ArrayTape.quotes(("EURUSD",), ts=[], symbol=[], bid=[], ask=[])
    with pytest.raises(DataError, match="the tape is empty: nothing to replay"):
        engine.backtest(MaCross(), empty)


def test_a_journal_that_cannot_be_written_ends_the_run(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    journal = Journal(tmp_path / "journal")
    with open("/dev/full", "wb") as full:
        assert journal._file is not None
        os.dup2(full.fileno(), journal._file.fileno())
    with pytest.raises(OutputError, match=r"the journal .*journal could not be written: the disk is full$"):
        journal.flush()
        journal.close()
    with pytest.raises(OutputError, match="could not be written"):
        Journal(tmp_path / "nowhere" / "journal")


SCRIPT = """
import sys; from pathlib import Path
import engine
from engine.core.errors import OutputError
from engine.feeds.synthetic import sample
from strategies.ma_cross import MaCross
tape = sample(["EURUSD"], 300_000, seed=5)
parts = MaCross(fast=2, slow=3, stop_atr=1.0, reward=1.0)
engine.backtest(parts, sample(["EURUSD"], 20_000, seed=5), frame="M1")  # kernels are compiled and cached
{before}
try:
    engine.backtest(parts, tape, out=Path(sys.argv[1]), frame="M1")
except OutputError as error:
    print(error)
"""


def start(before: str, *args: object) -> subprocess.Popen[str]:
    code = textwrap.dedent(SCRIPT).replace("{before}", textwrap.dedent(before))
    command = [sys.executable, "-W", "error", "-c", code, *map(str, args)]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("limit", [50_000, 150_000, 400_000])
def test_a_file_size_limit_while_a_run_writes_is_one_clear_error(limit: int, tmp_path: Path) -> None:
    """The journal, the trades, the bars or the report: whichever reaches the limit first."""
    pytest.importorskip("resource", reason="file-size limits are a POSIX thing")
    runs = tmp_path / "runs"
    made = start("import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)", runs, limit)
    out, err = made.communicate(timeout=300)
    assert (made.returncode, err) == (0, "") and out.count("\n") == 1, (out, err)
    assert "a file-size limit was reached" in out and "could not be written" in out
    assert list(runs.iterdir()) == []


def test_a_killed_run_leaves_a_hidden_folder_that_the_next_run_removes(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="where folders cannot be locked nothing is swept")
    runs = tmp_path / "runs"
    kill = """
        import os, signal
        from engine.run import Session
        finish = Session.finish
        Session.finish = lambda *a: os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = start(kill, runs)
    killed.communicate(timeout=300)
    (left,) = runs.iterdir()
    assert killed.returncode == -signal.SIGKILL
    assert left.name == ".1.partial" and (left / "journal").exists() and list_runs(runs) == []
    (left / "of the killed").touch()
    sleeper = start("from engine.run import Session; import time\nSession.finish = lambda *a: time.sleep(600)", runs)
    try:
        wait_for(lambda: not (left / "of the killed").exists() and (left / "journal").exists())
        made = engine.backtest(MaCross(fast=2, slow=3), sample(["EURUSD"], 20_000, seed=5), out=runs, frame="M1")
        assert made.path == runs / "2-ma_cross", "the folder of a run in the making is not touched"
        assert sorted(p.name for p in runs.iterdir()) == [".1.partial", "2-ma_cross"]
    finally:
        sleeper.kill()
        sleeper.communicate()
    again = engine.backtest(MaCross(fast=2, slow=3), sample(["EURUSD"], 20_000, seed=5), out=runs, frame="M1")
    assert sorted(p.name for p in runs.iterdir()) == ["2-ma_cross", "3-ma_cross"] and again.path is not None


def test_a_killed_process_leaves_no_half_made_tape_for_long(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="where folders cannot be locked nothing is swept")
    quotes().to_csv(tmp_path / "market.csv", index=False)
    code = f"""
        import os, signal
        from pathlib import Path
        from engine.feeds import mapped
        from engine.feeds.tapes import open_files
        mapped.fingerprint = lambda tape: os.kill(os.getpid(), signal.SIGKILL)
        open_files([{str(tmp_path / "market.csv")!r}], ["EURUSD"], "quotes")
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = (tmp_path / "cache" / "tapes").iterdir()
    assert left.name.startswith(".")
    tape = open_files([tmp_path / "market.csv"], ["EURUSD"], "quotes")
    assert list((tmp_path / "cache" / "tapes").iterdir()) == [tape.folder]


def wait_for(true: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
@pytest.mark.parametrize("when", [0.0, 0.3])
def test_ctrl_c_in_mid_run_is_one_line_and_leaves_nothing(when: float, tmp_path: Path) -> None:
    file = tmp_path / "market.toml"
    file.write_text(
        textwrap.dedent("""
        name = "long"
        data = { source = "sample", symbols = ["EURUSD"], kind = "quotes" }
        risk = { size = "0.01 lots" }
        [[strategy]]
        name = "ma_cross"
        frame = "M1"
        params = { fast = 2, slow = 3, stop_atr = 1.0, reward = 1.0 }
    """)
    )
    from engine.feeds.data import sample as sample_into_catalogue

    sample_into_catalogue(["EURUSD"], 3_000_000, seed=5)
    runs = tmp_path / "runs"
    command = [sys.executable, "-W", "error", "cli.py", "backtest", str(file), "--out", str(runs)]
    made = subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(lambda: (runs / ".1.partial" / "journal").exists())
    time.sleep(when)
    made.send_signal(signal.SIGINT)
    out, err = made.communicate(timeout=120)
    assert made.returncode == 130 and out == ""
    lines = [line for line in err.splitlines() if "compiling kernels" not in line]
    assert len(lines) == 1 and "interrupted" in lines[0], err
    assert list(runs.iterdir()) == []
