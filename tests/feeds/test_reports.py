"""MetaTrader 5 reports: the sums that they state are the sums of what was read out of them."""

from __future__ import annotations

import json
import lzma
import zipfile
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from engine.core.errors import ConfigError, DataError
from engine.feeds.data import import_file
from engine.feeds.importers.formats import sniff
from engine.feeds.reports import Report, keep_report, number, read_report

HISTORY = ["trade_history_report_demo_hedge.html.xz", "trade_history_report_demo_hedge.xlsx"]
PAGE = """<html><head><title>Strategy Tester Report</title></head><table><tr><td><b>Strategy Tester Report</b></td></tr>
<tr><th>Deals</th></tr><tr><td>Time</td><td>Deal</td><td>Symbol</td><td>Type</td><td>Direction</td><td>Profit</td>
<td>Balance</td></tr>%s</table></html>"""


def row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def test_the_deals_of_a_real_tester_report_sum_to_the_profit_it_states(shared: Path) -> None:
    report = read_report(shared / "data/mt5/tester_report_gbpusd_h1_exness.html.xz", "ny+7")
    assert (report.kind, len(report.deals), len(report.orders)) == ("tester", 359, 358)
    assert report.trading == 1301.40 == number(report.facts["Total Net Profit"])
    assert (report.start, report.end, report.unexplained) == (3_000.0, 4_301.40, [])
    closed = [deal.profit for deal in report.deals if deal.direction == "out"]
    assert len(closed) == 179 == int(report.facts["Total Trades"])
    assert sum(p for p in closed if p > 0) == pytest.approx(number(report.facts["Gross Profit"]))
    assert sum(p for p in closed if p < 0) == pytest.approx(number(report.facts["Gross Loss"]))
    assert report.inputs["StopRatio"] == "0.5" and len(report.inputs) == 9
    first = report.orders[0]
    assert (first.kind, first.volume, first.filled, first.stop_loss) == ("buy", 0.1, 0.1, 1.34435)
    assert first.opened == 1_643_108_400 * 10**9  # 2022-01-25 13:00 on a server at UTC+2


@pytest.mark.parametrize("name", HISTORY)
def test_a_real_history_goes_from_its_deposit_to_its_final_balance(shared: Path, name: str) -> None:
    report = read_report(shared / "data/mt5" / name)
    assert (report.kind, len(report.deals), len(report.orders), len(report.positions)) == ("history", 33, 27, 16)
    assert (report.start, report.end, report.trading, report.costs) == (100_000.0, 98_676.0, -1_324.0, 0.0)
    assert [deal.kind for deal in report.operations] == ["balance"] and report.unexplained == []
    assert sum(position.profit for position in report.positions) == report.trading
    assert sum(deal.direction == "out by" for deal in report.deals) == 10
    assert number(report.facts["Balance"]) == 98_676.0 and "Name" not in report.facts


def test_html_and_workbook_of_one_account_say_the_same(shared: Path) -> None:
    html, book = (read_report(shared / "data/mt5" / name) for name in HISTORY)
    assert html.deals == book.deals and html.orders == book.orders and html.positions == book.positions


def test_an_imported_report_is_kept_once_beside_the_market_data(shared: Path, own_folders: Path) -> None:
    import cli

    path = shared / "data/mt5" / HISTORY[0]
    assert sniff(path) == "report"
    told = CliRunner().invoke(cli.app, ["data", "import", str(path), "--json"])
    shown = json.loads(told.stdout)
    assert told.exit_code == 0 and shown["report"] == "MetaTrader 5 history" and shown["end"] == 98_676.0
    assert keep_report(path)["path"] == shown["path"]
    (kept,) = (own_folders / "reports").iterdir()
    assert str(kept) == shown["path"]
    assert msgspec.json.decode(kept.read_bytes(), type=Report) == read_report(path)
    with pytest.raises(ConfigError, match="is a report of MetaTrader 5, not market data"):
        import_file(path)


def test_a_balance_that_does_not_follow_names_the_deal(tmp_path: Path) -> None:
    deals = row("2025.01.01 00:00:00", "1", "", "balance", "", "1 000.00", "1 000.00")
    deals += row("2025.01.02 00:00:00", "2", "EURUSD", "buy", "in", "0.00", "1 000.00")
    deals += row("2025.01.02 01:00:00", "4", "EURUSD", "sell", "out", "-5.50", "990.00")
    (tmp_path / "r.html").write_bytes((PAGE % deals).encode("utf-16"))
    report = read_report(tmp_path / "r.html")
    assert report.unexplained == [4] and report.trading == -5.5


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (PAGE % row("2025.01.01 00:00:00", "1", "", "balance", "", "many", "1"), "'many' in a report is no number"),
        ((PAGE % "").replace("<th>Deals</th>", "<th>Handel</th>"), "the report has no list of deals"),
        ((PAGE % "").replace("Strategy Tester Report", "Bericht"), "no report of MetaTrader 5 in English"),
    ],
)
def test_what_is_no_report_is_refused_in_one_line(tmp_path: Path, page: str, message: str) -> None:
    (tmp_path / "r.html").write_text(page)
    with pytest.raises(DataError, match=message):
        read_report(tmp_path / "r.html")


def test_a_damaged_workbook_is_named(shared: Path, tmp_path: Path) -> None:
    raw = (shared / "data/mt5" / HISTORY[1]).read_bytes()
    (tmp_path / "cut.xlsx").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(DataError, match=r"cut.xlsx"):
        read_report(tmp_path / "cut.xlsx")
    with zipfile.ZipFile(tmp_path / "none.xlsx", "w") as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(DataError, match="no workbook"):
        read_report(tmp_path / "none.xlsx")
    (tmp_path / "cut.html.xz").write_bytes(lzma.compress(b"<html>Trade History Report")[:-8])
    with pytest.raises(DataError):
        read_report(tmp_path / "cut.html.xz")
