"""`data check`: grades, refusal, the integrity log by row and time, nothing computed twice, nothing half-written."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import cli
import engine
from engine.core.clock import parse_time
from engine.core.config import Config
from engine.core.errors import ConfigError, DataError, NotFound, OutputError, Refused
from engine.core.frames import frame_ns
from engine.core.instrument import instrument
from engine.core.schema import build
from engine.core.zones import DAY, HOUR, SECOND
from engine.feeds.append import Append
from engine.feeds.data import import_file
from engine.feeds.importers.formats import open_file
from engine.feeds.importers.options import Options
from engine.feeds.kinds.make import make_bars
from engine.feeds.lineage import Columns, Lineage, join
from engine.feeds.parquet import FileWriter
from engine.feeds.quality import check as checking
from engine.feeds.quality.check import check, require, rows_of
from engine.feeds.quality.clean import clean
from engine.feeds.quality.flags import BITS, FLAGS, Limits, bits, names_of
from engine.feeds.quality.grades import THRESHOLDS, grade_of, worst
from engine.feeds.quality.log import read_log
from engine.feeds.quality.profile import profile
from engine.feeds.quality.validator import Validator
from engine.feeds.quality.week import ALWAYS, open_between, week_of
from engine.ops import console
from tests.quality.conftest import QUOTES, synthetic_day

ROOT = Path(__file__).resolve().parents[2]


def stored(columns: Columns, path: Path) -> Path:
    writer = FileWriter(path, QUOTES)
    writer.add({name: values for name, values in columns.items() if name != "ts_event"})
    writer.close()
    return path


@pytest.fixture
def crossed(tmp_path: Path) -> Path:
    """A day with rows 101, 102 and 5,001 crossed, counted from 1."""
    day = synthetic_day(20_000)
    for row in (100, 101, 5_000):
        day["ask"][row] = day["bid"][row] - 1e-5
    return stored(day, tmp_path / "day.parquet")


def test_a_check_counts_rows_and_stretches_and_names_the_first(crossed: Path) -> None:
    found = check(crossed)
    (one,) = [f for f in found.findings if f.flag == "crossed"]
    assert (found.rows, found.flagged) == (len(synthetic_day(20_000)["ts"]), 3)
    assert (one.rows, one.stretches, one.grade) == (3, 2, "B")
    assert one.first[0].startswith("row 101, ") and "ask below bid" in one.first[0] and len(one.first) == 3


def test_the_log_answers_by_row_and_by_time(crossed: Path) -> None:
    found = check(crossed)
    log = Path(found.log)
    assert [e["row"] for e in read_log(log, QUOTES, (101, 121))] == [101, 102]
    assert read_log(log, QUOTES, (103, 5_001)) == []
    stamp = int(synthetic_day(20_000)["ts"][5_000])
    (entry,) = read_log(log, QUOTES, at=stamp)
    assert entry["row"] == 5_001 and entry["flags"] == ["crossed"] and "ask below bid" in entry["why"]
    assert pq.read_table(log).num_rows == found.flagged


def test_the_second_check_reads_no_row(crossed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = check(crossed)

    def never(*_: object) -> None:
        raise AssertionError("the rows were read again")

    monkeypatch.setattr(checking, "measure", never)
    assert check(crossed) == found
    with pytest.raises(AssertionError, match="read again"):
        check(crossed, limits=Limits(method="z"))


def test_a_check_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFound, match="no file"):
        check(tmp_path / "nothing.csv")
    with pytest.raises(ConfigError, match="unknown method 'zz'"):
        check(tmp_path / "nothing.csv", limits=Limits(method="zz"))
    empty = tmp_path / "EURUSD.csv"
    empty.write_text("time,bid,ask\n")
    with pytest.raises(DataError, match="there is no row"):
        check(empty)
    assert not list((tmp_path / "cache").rglob("*.*"))
    (tmp_path / "plain").write_text("")
    monkeypatch.setenv("ONETAPE_CACHE", str(tmp_path / "plain"))
    with pytest.raises(OutputError, match="cannot be written"):
        check("demo/EURUSD/bars-H1")


def test_the_demo_is_fit_to_trade_on() -> None:
    assert check("demo/EURUSD/bars-H1").grade in ("A", "B")


def test_flags_and_their_names_go_both_ways() -> None:
    assert [names_of(one) for one in BITS.values()] == [(name,) for name in FLAGS]
    assert bits(["crossed", "spike"]) == BITS["crossed"] | BITS["spike"]
    with pytest.raises(ConfigError, match="unknown flag 'spikes': did you mean spike?"):
        bits(["spikes"])


def test_grades_are_the_table_of_the_documentation() -> None:
    assert {flag for flags, _ in THRESHOLDS.values() for flag in flags} == set(FLAGS)
    told = (ROOT / "docs/guides/data.md").read_text("utf-8")
    for flags, limits in THRESHOLDS.values():
        shown = [f"{100 * share:g} %" if share else "none" for share in limits]
        (row,) = [
            line for line in told.splitlines() if line.startswith("| `" + flags[0] + "`") and line.endswith("| D |")
        ]
        assert re.findall(r"`(\w+)`", row) == list(flags)
        assert [cell.strip() for cell in row.strip("|").split("|")[1:4]] == shown
    for flag, what in FLAGS.items():
        assert f"| `{flag}` | {what} |" in told, flag


@pytest.mark.parametrize(("share", "grade"), [(0.0, "A"), (1e-4, "A"), (1.1e-4, "B"), (1e-2, "C"), (0.011, "D")])
def test_a_share_at_a_threshold_still_has_the_better_grade(share: float, grade: str) -> None:
    assert grade_of({"crossed": share}) == {"crossed": grade} and worst({"a": "B", "b": "A"}) == "B"


def config(file: Path, least: str | None) -> Config:
    data = {"source": "file", "files": [str(file)], "symbols": ["EURUSD"], "kind": "quotes"}
    data |= {} if least is None else {"min_grade": least}
    strategy = {"name": "ma_cross", "frame": "M1", "params": {"fast": 2, "slow": 4, "stop_atr": 0.0}}
    return build(Config, {"name": "graded", "data": data, "strategy": [strategy], "risk": {"size": "0.01 lots"}})


def test_a_run_on_data_below_its_grade_is_refused_before_anything_is_written(crossed: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="graded B, A is asked for: crossed 3 rows") as caught:
        engine.backtest(config(crossed, "A"), out=tmp_path / "runs")
    assert caught.value.exit_code == 4 and not (tmp_path / "runs").exists()
    clean = stored(synthetic_day(20_000), tmp_path / "clean.parquet")
    assert engine.backtest(config(clean, "A"), out=tmp_path / "runs").path
    with pytest.raises(ConfigError, match="min_grade"):
        config(clean, "E")


def test_a_dataset_below_its_grade_is_refused_too(own_folders: Path) -> None:
    day = synthetic_day(20_000)
    with Append(QUOTES) as target:
        target.add({name: np.delete(day[name], slice(5_000, 12_000)) for name in ("ts", "bid", "ask")})
    found = check("test/EURUSD/quotes")
    assert found.grade == "D" and found.count("gap") == 1
    with pytest.raises(Refused, match="test/EURUSD/quotes is graded D, B is asked for: gap 1 rows"):
        require(found, "B")


def run(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    code = console.run(cli.app, [str(arg) for arg in args])
    return code, *capsys.readouterr()


def test_the_verbs_end_to_end(crossed: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, out, error = run(capsys, "data", "check", crossed, "--min-grade", "A", "--json")
    assert code == 4 and json.loads(out)["grade"] == "B" and "A is asked for" in error
    code, out, _ = run(capsys, "data", "check", crossed, "--rows", "101:102", "--json")
    assert code == 0 and [e["row"] for e in json.loads(out)] == [101, 102]
    code, out, _ = run(capsys, "data", "check", crossed)
    assert code == 0 and "crossed" in out and "grade" in out
    assert run(capsys, "data", "check", crossed, "--rows", "x")[0] == 2
    code, out, _ = run(capsys, "data", "clean", crossed, "clean", "--json")
    assert code == 0 and json.loads(out)["actions"] == {"drop crossed": 3}
    assert run(capsys, "data", "clean", "clean/EURUSD/quotes", "back", "--undo")[0] == 0
    code, out, _ = run(
        capsys, "data", "profile", "clean/EURUSD/quotes", "--against", crossed, "--html", tmp_path / "p.html"
    )
    assert code == 0 and "drift against" in out and (tmp_path / "p.html").exists()
    code, _, error = run(capsys, "data", "check", "clean/EURUSD/quots")
    assert code == 6 and "did you mean clean/EURUSD/quotes" in error


def test_rows_are_written_as_a_range_and_counted_from_1() -> None:
    assert rows_of("100:120") == (100, 121) and rows_of("7") == (7, 8) and rows_of(":3") == (1, 4)
    for wrong in ("0", "5:4", "x", "1-2"):
        with pytest.raises(ConfigError, match="rows"):
            rows_of(wrong)


def test_an_import_and_a_check_give_a_row_the_same_number(tmp_path: Path) -> None:
    file = tmp_path / "EURUSD.csv"
    lines = [f"2019-02-04 10:00:0{s}Z,{1.1 - 0.2 * (s == 3):.5f},1.10001" for s in range(6)]
    lines[4] = "2019-02-04 10:00:04Z,1.10002,1.10001"
    file.write_text("time,bid,ask\n\n" + "\n".join(lines) + "\n")
    with pytest.raises(DataError, match="crossed .*the first is row 5 "):
        import_file(file)
    (crossed,) = [f for f in check(file).findings if f.flag == "crossed"]
    assert crossed.first[0].startswith("row 5, ")


def test_prints_are_checked_profiled_and_cleaned_like_quotes_of_one_side(shared: Path, tmp_path: Path) -> None:
    file = shared / "data/crypto/freqtrade/XRP_ETH-trades.json.gz"
    found = check(file)
    rows = join(list(open_file(file, Options()).chunks))
    apart = (np.diff(rows["ts"]) - 1) // (60 * SECOND)
    assert (found.rows, found.missing, found.calendar) == (12_477, int(apart[apart >= 5].sum()), "always")
    assert [f.flag for f in found.findings] == ["gap"], "equal trades, and from bid to ask, are nothing unusual"
    rows["price"][100], rows["price"][200], rows["size"][300] = np.nan, rows["price"][200] * 10, 0.0
    lineage = Lineage(source="test", symbol="XRP/ETH", basis="last", stamps="print")
    flags = Validator(lineage).run(rows).flags
    bad = {"missing": 100, "spike": 200, "negative": 300}
    assert all(np.flatnonzero(flags & BITS[flag]).tolist() == [row] for flag, row in bad.items())
    writer = FileWriter(tmp_path / "prints.parquet", lineage)
    writer.add(rows)
    writer.close()
    assert check(tmp_path / "prints.parquet").findings[0].first[0].startswith("row 101, ")
    report = clean(tmp_path / "prints.parquet", "clean", "strict")
    assert report.rows - report.rows_after == 3 and list(report.after) == ["gap"]
    assert profile("clean/XRP/ETH/prints").spread is None


def test_bars_that_no_clock_cuts_are_not_checked_but_what_they_were_made_from(own_folders: Path) -> None:
    with Append(QUOTES) as target:
        target.add({name: values[:5_000] for name, values in synthetic_day(20_000).items() if name != "ts_event"})
    make_bars(QUOTES.name, "renko 10 points", "made")
    for look in (check, profile, lambda name: clean(name, "clean")):
        with pytest.raises(ConfigError, match=r"no clock cuts .* made from, test/EURUSD/quotes"):
            look("made/EURUSD/bars-renko10")


def bars(frame: str, first: str, last: str, source: str = "test", symbol: str = "XAUUSD") -> tuple[Lineage, Columns]:
    """Gold's bars of a market that keeps its hours: one for each stretch in which it trades at all."""
    step, day = frame_ns(frame), "00:00 ny+7"
    span = (parse_time(first, "ny+7"), parse_time(last, "ny+7"))
    opened = instrument("XAUUSD@demo").hours.expected_bars(*span, frame, day)
    four = {name: 1300.0 + np.arange(len(opened)) % 7 / 10 for name in ("open", "high", "low", "close")}
    columns = {"ts": opened + step, "open_ts": opened, **four}
    lineage = Lineage(source=source, symbol=symbol, frame=frame, basis="bid", stamps="open")
    return lineage, columns | {"volume": np.ones(len(opened)), "spread": np.full(len(opened), 0.3)}


@pytest.mark.parametrize("frame", ["M15", "H1", "H4", "D1"])
def test_golds_daily_break_weekends_and_holidays_are_no_gaps_and_a_bar_that_is_not_there_is_one(frame: str) -> None:
    lineage, columns = bars(frame, "2018-12-03", "2019-02-04")
    assert not Validator(lineage).run(columns).flags.any()
    lost = len(columns["ts"]) // 2
    flags = Validator(lineage).run({name: np.delete(values, lost) for name, values in columns.items()}).flags
    assert np.flatnonzero(flags).tolist() == [lost] and flags[lost] == BITS["gap"]


def test_a_brokers_own_hours_and_holidays_go_before_the_shipped_ones(own_folders: Path) -> None:
    folder = own_folders / "instruments"
    folder.mkdir(parents=True)
    stated = 'sessions = "Mon-Fri 03:00-20:00 ny+7"\nholidays = ["2018-12-24"]\n'
    numbers = 'base_currency = "XAU"\nprofit_currency = "USD"\ndigits = 2\nkind = "metal"\n'
    for venue, hours in (("mine", stated), ("silent", "")):
        text = f'[[instrument]]\nsymbol = "XAUUSD"\nvenue = "{venue}"\n{numbers}{hours}'
        (folder / f"{venue}.toml").write_text(text)
    assert week_of("XAUUSD", "mine").name == "XAUUSD@mine" and week_of("XAUUSD", "silent").name == "XAUUSD@demo"
    lineage, columns = bars("H1", "2018-12-20", "2018-12-28", "mine")
    flags = Validator(lineage).run(columns).flags
    wall = (columns["open_ts"] + HOUR * 2) // HOUR % 24  # ny+7 in winter
    christmas_eve = columns["open_ts"] // DAY == parse_time("2018-12-24") // DAY
    assert ((flags & BITS["closed"]) != 0)[christmas_eve & (wall > 1)].all(), "what it says is meant"
    assert ((flags & BITS["closed"]) != 0)[wall == 1].all()


def test_weeks_open_and_close_in_new_york_all_year() -> None:
    fx, metals = week_of("EURUSD"), week_of("XAUUSD")
    winter, summer = (int(np.datetime64(t, "s").astype(int)) * SECOND for t in ("2019-02-01T22:00", "2019-07-05T21:00"))
    for door in (winter, summer):
        minutes = door + np.array([-1, 0, 48 * 60 - 1, 48 * 60, 49 * 60 - 1, 49 * 60]) * 60 * SECOND
        assert fx.is_open(minutes).tolist() == [True, False, False, True, True, True]
        assert metals.is_open(minutes).tolist() == [True, False, False, False, False, True]
        assert ALWAYS.is_open(minutes).all()
        assert open_between(fx, minutes[:1], minutes[3:4] + 1).tolist() == [1]
    assert week_of("BTCUSDT") == week_of("BTCUSD") == ALWAYS and week_of("GBPJPY").name == "GBPJPY@demo"
    assert week_of("XAUEUR") == metals and week_of("EURTRY") == fx, "what is not known has the hours of its kind"
