"""What the page does with a run of real size, in a real browser: first paint, and why a trade happened."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.core.zones import parse_zone, utc_to_wall
from engine.report.html import zones
from engine.report.summary import Summary
from tests.report import driver
from tests.report.sample import write_run
from tests.report.test_browser import CHROMIUM

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or driver.DRIVER is None,
    reason="needs chromium and chromedriver (apt-get install chromium-driver)",
)


def test_a_hundred_thousand_bars_and_five_thousand_trades_are_painted_and_explained(tmp_path: Path) -> None:
    """How quickly, says the bench `page`."""
    run = write_run(tmp_path, bars=100_000, trades=5_000, journal=True)
    assert (run / "report.html").stat().st_size < 10_000_000
    with driver.opened(run / "report.html", tmp_path / "profile") as page:
        seen = page.run(driver.PAINTED + """
            report.choose(4321); await report.told();
            const kinds = [...document.querySelectorAll("#why .kind")].map(k => k.textContent);
            return { paint: paint(), ready: report.ready, kinds, told: document.getElementById("why").textContent };
        """)  # fmt: skip
    assert seen["paint"] > 0 and seen["ready"] > 0
    assert seen["kinds"] == ["signal", "risk", "target", "order", "fill", "signal", "order", "fill"]
    assert seen["told"].startswith("Trade 4321: ") and "onetape explain 1 4321" in seen["told"]


@pytest.mark.parametrize(
    ("zone", "names"),
    [("UTC", ["UTC", "America/New_York"]), ("ny+7", ["ny+7", "UTC"]), ("UTC-05:00", ["UTC-05:00", "UTC"])],
)
def test_the_page_knows_the_clocks_that_a_config_may_name(zone: str, names: list[str]) -> None:
    assert [name for name, _, _ in zones(Summary(name="x", zone=zone, trading_day="17:00 America/New_York"))] == names


def test_a_broker_on_new_york_time_plus_seven_changes_its_clocks_with_new_york(tmp_path: Path) -> None:
    moments = ["2019-03-10T06:59Z", "2019-03-10T07:00Z", "2019-07-01T12:30Z", "2019-12-02T12:30Z"]
    with driver.opened(write_run(tmp_path, bars=50, trades=2, zone="ny+7") / "report.html", tmp_path / "p") as page:
        seen = page.run(f"return {json.dumps(moments)}.map(t => report.chart.zone.text(Date.parse(t)));")
    stamps = np.array([m.removesuffix("Z") for m in moments], "datetime64[ns]").astype(np.int64)
    wall = utc_to_wall(stamps, parse_zone("ny+7")).astype("datetime64[ns]")
    assert seen == [str(t)[:16].replace("T", " ") for t in wall]


def test_a_click_on_a_trade_shows_why_it_happened_what_it_cost_and_when_in_both_clocks(tmp_path: Path) -> None:
    made = engine.backtest("demo", out=tmp_path)
    assert made.path
    trade = made.trades.iloc[10]
    with driver.opened(made.path / "report.html", tmp_path / "profile") as page:
        seen = page.run("""
            document.querySelectorAll("tr[data-trade]")[10].click(); await report.told();
            const box = document.getElementById("why"), view = [...report.chart.view];
            const mfe = document.getElementById("mfe"), at = mfe.getBoundingClientRect();
            const [x, y] = report.reaches[1].spots.find(s => s[2].id === 31);
            const facts = box.querySelector(".facts").textContent;
            const rows = [...box.querySelectorAll("tr")].map(r => r.textContent);
            mfe.dispatchEvent(new MouseEvent("click", { clientX: at.left + x, clientY: at.top + y }));
            await report.told();
            const head = box.querySelector("h3").textContent, then = report.chart.chosen.id;
            return { facts, rows, hidden: box.hidden, view, then, head };
        """)  # fmt: skip
    assert not seen["hidden"] and seen["view"][1] - seen["view"][0] < 1_000
    assert any("ma_cross wants EURUSD" in row for row in seen["rows"]) and "deal" in seen["rows"][-1]
    opened = trade["open_time"]
    for zone in ("UTC", "America/New_York"):
        assert f"{zone} {opened.tz_convert(zone):%Y-%m-%d %H:%M:%S}" in seen["facts"]
    assert (
        f"net {trade['net_profit']:.2f} USD" in seen["facts"] and f"spread {trade['spread_cost']:.2f}" in seen["facts"]
    )
    assert f"best {trade['best_price']:.5f}" in seen["facts"] and f"worst {trade['worst_price']:.5f}" in seen["facts"]
    assert seen["then"] != 11 and seen["head"].startswith(f"Trade {seen['then']}:")
