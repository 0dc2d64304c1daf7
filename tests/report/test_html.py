"""The report page: one file, nothing from outside, nothing a user typed is markup."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import msgspec
import numpy as np
import pytest

from engine.core.errors import NotFound, OnetapeError
from engine.portfolio.trades import Attribution, Trade
from engine.report import html
from engine.report.metrics import Month, Tally
from engine.report.summary import Summary, load_summary
from engine.report.writer import RunWriter
from tests.report.sample import START, START_BALANCE, write_run

EVIL = "</script><script>alert(1)</script><b>&\"'`$title"


def report(run: Path) -> str:
    return (run / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("size", [(0, 0), (1, 0), (500, 1), (3_000, 60)], ids=str)
def test_a_report_stands_alone(tmp_path: Path, size: tuple[int, int]) -> None:
    page = report(write_run(tmp_path, *size))
    assert not re.search(r"https?://|//[a-z]+\.[a-z]|@import|src=|\burl\(", page)
    assert set(re.findall(r'<link[^>]*href="([^"]*)"', page)) == {"data:,"}
    assert "default-src 'none'" in page
    assert not re.search(r"\$[a-z]+\b(?!\{)", page.partition("<script>")[0]), "a place of the template was not filled"


def test_whatever_a_user_named_is_text(tmp_path: Path) -> None:
    trade = Trade(1, 1, EVIL, EVIL, 1, 1.0, 1.0, START, 1.0, START + 1, 1.0, 0.0, 0.0, 0.0, EVIL, 1, 2)
    with RunWriter(tmp_path, EVIL, Tally(START_BALANCE)) as writer:
        writer.trade(trade)
        bar = {name: np.array([1.0]) for name in ("open", "high", "low", "close")}
        writer.bars(EVIL, EVIL, {"ts": np.array([START + 1]), "open_ts": np.array([START]), **bar})
        named = Summary(
            name="x", engine=EVIL, strategies=[EVIL], symbols=[EVIL], currency=EVIL, zone=EVIL, tape=EVIL,
            attribution=[Attribution(EVIL, 1, 0, 0.0, 0.0, 0.0)], extra={EVIL: EVIL}, cautions=[EVIL],
        )  # fmt: skip
        page = report(writer.finish(named, {EVIL: {EVIL: EVIL}}, [EVIL]))
    assert page.count("</script>") == 3 and "alert(1)</script>" not in page and "<b>&" not in page
    data = json.loads(re.search(r'id="data">(.*)</script>', page)[1])  # type: ignore[index]
    assert data["streams"][0]["symbol"] == EVIL and EVIL in data["trades"]["words"]


def test_what_must_be_read_first_stands_above_the_chart(tmp_path: Path) -> None:
    with RunWriter(tmp_path, "demo", Tally(START_BALANCE)) as writer:
        page = report(writer.finish(Summary(name="demo", cautions=["a fixed rate", "bars only"]), None))
    first, cautions, chart = (page.index(x) for x in ('class="tiles"', '<ul class="cautions">', 'id="chart-card"'))
    assert first < cautions < page.index("<li>a fixed rate</li><li>bars only</li>") < chart
    assert '<ul class="cautions">' not in report(write_run(tmp_path, bars=0))


def test_a_column_of_swap_is_there_where_any_was_paid(tmp_path: Path) -> None:
    plain, paid = report(write_run(tmp_path)), report(write_run(tmp_path, nights=-1.25))
    assert "<th>Swap</th>" not in plain
    assert "<th>Commission</th><th>Swap</th><th>Net</th>" in paid and "<td>-75.00 USD</td>" in paid
    assert "<tr><th>Swap</th><td>-75.00 USD</td></tr>" in paid and "<tr><th>Stop-outs</th><td>1</td></tr>" in paid


def test_the_page_carries_what_the_reader_must_know(tmp_path: Path) -> None:
    page = report(write_run(tmp_path, zone="America/New_York"))
    for told in (
        "a spread of 1.0 points is assumed", "Latency 1 ms", "MIT licence", "onetape 0.1.0", "c0ffee" * 5, "ab12" * 8,
        "17:00 America/New_York", "fast = 20", "times in America/New_York", "daily, × √252",
    ):  # fmt: skip
        assert told in page


def test_the_largest_report_stays_under_ten_megabytes(tmp_path: Path) -> None:
    run = write_run(tmp_path, bars=100_000, trades=5_000)
    assert (run / "report.html").stat().st_size < 10_000_000
    data = json.loads(re.search(r'id="data">(.*)</script>', report(run))[1])  # type: ignore[index]
    assert len(data["trades"]["columns"]["trade"]) == 5_000 and data["streams"][0]["every"] == 1


def test_a_report_can_be_made_again_from_the_folder(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    assert html.render(run) == report(run)


def test_two_runs_of_one_kind_give_one_report(tmp_path: Path) -> None:
    first, second = (write_run(tmp_path / name) for name in "ab")
    assert report(first) == report(second)


def test_years_are_compounded_and_months_without_samples_are_empty() -> None:
    rows = [Month("2018-12", 1.0, 0.1), Month("2019-01", 1.0, 0.1), Month("2019-03", -1.0, -0.2)]
    lines = html.months(rows).split("</tr>")
    assert re.findall(r">([^<>]*)</t[dh]>", lines[0]) == ["2018", *[""] * 11, "+10.00", "+10.00"]
    assert re.findall(r">([^<>]*)</t[dh]>", lines[1]) == ["2019", "+10.00", "", "-20.00", *[""] * 9, "-12.00"]


def test_a_config_is_shown_as_toml_that_reads_back() -> None:
    config = {"name": "demo", "data": {"symbols": ["EURUSD"], "from": "2019"}, "none": None,
              "strategy": [{"name": "a", "stop": {"atr": 1.5}}, {"name": "b", "on": True}]}  # fmt: skip
    without = {name: value for name, value in config.items() if value is not None}
    assert tomllib.loads(html.config_text(config)) == without
    assert html.config_text('name = "as typed"  # with its comment') == 'name = "as typed"  # with its comment'


def test_a_damaged_summary_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="not a finished run"):
        load_summary(tmp_path)
    (tmp_path / "summary.json").write_text('{"name": 3}')
    with pytest.raises(OnetapeError, match="cannot be read"):
        load_summary(tmp_path)


def test_a_summary_of_an_older_engine_still_loads(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text('{"name": "old", "unknown": 1}')
    assert load_summary(tmp_path).name == "old"
    assert msgspec.json.decode(msgspec.json.encode(Summary(name="x", figures={"sharpe": float("nan")})), type=Summary)
