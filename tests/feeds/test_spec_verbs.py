"""`onetape instrument ...` and `onetape data zone` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import cli
from engine.ops import console
from tests.feeds.test_specs import symbol_info


@pytest.fixture(autouse=True)
def own_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONETAPE_DATA", str(tmp_path / "data"))


def test_an_import_prints_what_changed_and_the_instrument_is_then_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "eurusd.json"
    file.write_text(json.dumps(symbol_info()))
    assert console.run(cli.app, ["instrument", "import", str(file), "--venue", "mine", "--tz", "ny+7"]) == 0
    assert "1 added, 0 changed, 0 as they were\nnew: EURUSD@mine" in capsys.readouterr().out
    file.write_text(json.dumps([symbol_info(swap_long=-9.0), symbol_info(name="BAD", digits=40)]))
    assert console.run(cli.app, ["instrument", "import", str(file), "--venue", "mine", "--tz", "ny+7"]) == 0
    told = capsys.readouterr().out
    assert "0 added, 1 changed, 0 as they were" in told and "left out: BAD@mine: digits must lie in 0..12" in told
    assert "EURUSD@mine  swap.long    -7.1     -9" in told
    assert console.run(cli.app, ["instrument", "show", "EURUSD", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["id"] == "EURUSD@mine" and shown["swap"]["long"] == -9.0 and shown["day"] == "00:00 ny+7"
    assert console.run(cli.app, ["instrument", "show", "EURUSD"]) == 0
    assert "swap triple day  Wednesday" in capsys.readouterr().out
    assert console.run(cli.app, ["instrument", "list"]) == 0
    assert "EURUSD@mine" in capsys.readouterr().out.splitlines()[1]


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["instrument", "import", "none.json"], 6, "there is no file none.json"),
        (["instrument", "import", "README.md"], 1, "README.md is no JSON or damaged"),
        (["instrument", "import", "README.md", "--format", "mt4"], 2, "'mt4' is not one of"),
        (["data", "zone", "none/X/bars-H1"], 6, "no dataset 'none/X/bars-H1'"),
    ],
)
def test_what_cannot_be_read_is_one_line_and_an_exit_code(
    args: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(cli.__file__).parent)
    assert console.run(cli.app, args) == code
    told = capsys.readouterr().err
    assert message in told and told.startswith("error: ") and told.count("\n") == 1


def test_the_demos_stamps_are_found_to_be_utc(capsys: pytest.CaptureFixture[str]) -> None:
    assert console.run(cli.app, ["data", "zone", "demo/EURUSD/bars-H1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["zone"], found["said"], found["fits"]) == ("UTC", "UTC", ["UTC"])
    assert found["matched"] == 101 and found["edges"] == 102
    assert console.run(cli.app, ["data", "zone", "demo/EURUSD/bars-H1"]) == 0
    assert "UTC (101 of 102 openings and closings of weeks agree)" in capsys.readouterr().out


def test_a_week_that_was_stamped_otherwise_is_told(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = shared / "data/fx_m1/eurusd_histdata_m1_2019Q4.parquet"
    assert console.run(cli.app, ["data", "zone", str(file)]) == 0
    assert "2019-10-27 16:00:00 to 2019-11-01 16:00:00: stamped 1 h early" in capsys.readouterr().out
