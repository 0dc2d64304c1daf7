"""The report in a real browser: a script added to a copy of the page acts on it and writes down what it saw."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.report.sample import write_run

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update",
    "--disable-background-networking", "--disable-sync", "--window-size=1400,2000", "--dump-dom",
)  # fmt: skip
WATCH = """<script>
window.errors = [];
addEventListener("error", e => errors.push(String(e.message)));
addEventListener("unhandledrejection", e => errors.push(String(e.reason)));
addEventListener("securitypolicyviolation", e => errors.push("blocked " + e.blockedURI));
for (const k of ["error", "warn"]) console[k] = (...a) => errors.push(a.join(" "));
</script>"""
ACT = """<script>
const seen = {}, chart = window.report?.chart, canvas = document.getElementById("chart");
const $ = id => document.getElementById(id), $$ = q => [...document.querySelectorAll(q)];
const box = canvas.getBoundingClientRect();
function point(type, x, y, more) {
  const at = { clientX: box.left + x, clientY: box.top + y, bubbles: true, cancelable: true, pointerId: 1, ...more };
  canvas.dispatchEvent(type === "wheel" ? new WheelEvent(type, at) : new PointerEvent(type, at));
}
function colors() {
  const d = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data, found = new Set();
  for (let i = 0; i < d.length; i += 4) found.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]);
  return found.size;
}
const view = () => [...chart.view];
canvas.setPointerCapture = () => {};
try { %s } catch (e) { errors.push("script: " + e.stack); }
const out = document.createElement("pre");
out.id = "seen"; out.textContent = JSON.stringify({ ...seen, errors });
document.body.append(out);
</script>"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (Debian: apt-get install chromium)")


def look(run: Path, tmp_path: Path, script: str) -> dict[str, Any]:
    """Open the run's report, run `script` (it fills `seen`) and return what it saw; the page must not complain."""
    page = (run / "report.html").read_text(encoding="utf-8")
    page = page.replace("<title>", WATCH + "<title>", 1).replace("</body>", ACT % script + "</body>", 1)
    opened = tmp_path / "opened.html"
    opened.write_text(page, encoding="utf-8")
    profile = tmp_path / "profile"
    done = subprocess.run([str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", opened.as_uri()],
                          capture_output=True, text=True, timeout=120)  # fmt: skip
    found = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, f"the page did not get to its end: {done.stderr[-2000:]}"
    seen: dict[str, Any] = json.loads(unescape(found[1]))
    assert seen.pop("errors") == []
    return seen


def test_a_click_on_a_trade_moves_the_chart_there(tmp_path: Path) -> None:
    seen = look(write_run(tmp_path), tmp_path, """
        seen.rows = $$("tr[data-trade]").length; seen.colors = colors(); seen.before = [...chart.view];
        $$("tr[data-trade]")[10].click();
        seen.after = [...chart.view]; seen.chosen = $$("tr.chosen").map(r => r.dataset.trade);
        seen.at = [chart.xOf(chart.chosen.open), chart.xOf(chart.chosen.close)]; seen.recolored = colors();
    """)  # fmt: skip
    assert seen["rows"] > 10 and seen["colors"] > 50 and seen["recolored"] > 50
    assert seen["before"] == [0, 3_000] and seen["chosen"] == ["11"]
    assert seen["before"][0] < seen["after"][0] < seen["at"][0] < seen["at"][1] < seen["after"][1] < 3_000
    assert seen["after"][1] - seen["after"][0] < 300


def test_wheel_drag_keys_and_buttons_zoom_and_move(tmp_path: Path) -> None:
    seen = look(write_run(tmp_path), tmp_path, """
        point("wheel", 600, 100, { deltaY: -300 }); seen.wheel = view();
        point("pointerdown", 600, 100); point("pointermove", 700, 100); point("pointerup", 700, 100);
        seen.drag = view();
        canvas.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" })); seen.key = view();
        document.getElementById("zoom-in").click(); seen.button = view();
        point("wheel", 600, 100, { deltaY: -9000 }); for (let i = 0; i < 50; i++) chart.zoom(0.1); seen.least = view();
        for (let i = 0; i < 50; i++) chart.zoom(9); seen.most = view();
        document.getElementById("zoom-all").click(); seen.all = view();
    """)  # fmt: skip
    width = {name: view[1] - view[0] for name, view in seen.items()}
    assert width["wheel"] < 3_000 * 0.4 and width["drag"] == pytest.approx(width["wheel"])
    assert seen["drag"][0] < seen["wheel"][0], "dragging to the right shows what came earlier"
    assert seen["key"][0] > seen["drag"][0] and width["button"] < width["key"]
    assert width["least"] == pytest.approx(12) and width["most"] < 3_200
    assert seen["all"] == [0, 3_000]


def test_a_click_on_a_marker_chooses_its_row(tmp_path: Path) -> None:
    seen = look(write_run(tmp_path), tmp_path, """
        const spot = chart.spots.find(s => s.trade.id === 31);
        point("pointermove", spot.x, spot.y); point("pointerdown", spot.x, spot.y); point("pointerup", spot.x, spot.y);
        seen.id = chart.chosen?.id; seen.chosen = $$("tr.chosen").map(r => +r.dataset.trade);
    """)  # fmt: skip
    assert abs(seen["id"] - 31) <= 1, "markers of neighbours may lie on each other"
    assert seen["chosen"] == [seen["id"]]


def test_the_table_sorts_and_filters(tmp_path: Path) -> None:
    seen = look(write_run(tmp_path), tmp_path, """
        const nets = () => $$("tr[data-trade]").map(r => parseFloat(r.lastChild.textContent.replaceAll(",", "")));
        const press = () => $$("#trades th")[13].click(), by = $("by-result");
        press(); seen.up = nets(); press(); seen.down = nets(); seen.count = $("count").textContent;
        $("scroll").scrollTop = 1e6; $("scroll").dispatchEvent(new Event("scroll")); seen.end = nets();
        by.value = "lost"; by.onchange(); seen.lost = nets(); seen.lone = $("by-strategy").parentElement.hidden;
    """)  # fmt: skip
    assert seen["up"] == sorted(seen["up"]) and seen["down"] == sorted(seen["down"], reverse=True)
    assert seen["up"][0] < 0 < seen["down"][0] and seen["count"].startswith("60 of 60, net ")
    assert seen["lost"] and all(net < 0 for net in seen["lost"])
    assert seen["end"][-1] == seen["up"][0], "scrolling down reaches the last row"
    assert seen["lone"], "one strategy needs no filter"


def test_swap_has_a_column_of_its_own_where_any_was_paid(tmp_path: Path) -> None:
    titles = (
        'seen.titles = $$("#trades th").map(t => t.textContent); seen.cell = $$("tr[data-trade] td")[13].textContent;'
    )
    plain, paid = (look(write_run(tmp_path, nights=n), tmp_path, titles) for n in (0.0, -1.25))
    assert "Swap" not in plain["titles"]
    assert (paid["titles"][13], paid["cell"]) == ("Swap", "-1.25")


@pytest.mark.parametrize(("bars", "trades"), [(0, 0), (1, 0), (2, 1), (300, 1)])
def test_small_runs_open_without_a_complaint(tmp_path: Path, bars: int, trades: int) -> None:
    seen = look(write_run(tmp_path, bars, trades), tmp_path, """
        seen.rows = $$("tr[data-trade]").length; seen.colors = colors();
        chart.zoom(.5); chart.move(-99, 5); chart.all();
        point("pointermove", 200, 100); chart.draw(); $$("tr[data-trade]").forEach(r => r.click());
    """)  # fmt: skip
    assert seen["rows"] == trades and seen["colors"] > 3


def test_a_long_run_is_drawn_and_only_the_rows_in_sight_are_in_the_document(tmp_path: Path) -> None:
    seen = look(write_run(tmp_path, bars=100_000, trades=5_000), tmp_path, """
        seen.ready = report.ready; seen.rows = $$("tr[data-trade]").length; seen.colors = colors();
        for (let i = 0; i < 20; i++) chart.zoom(i % 2 ? 0.5 : 2);
        report.choose(4321); seen.width = chart.view[1] - chart.view[0];
    """)  # fmt: skip
    assert seen["ready"] > 0 and seen["colors"] > 50 and seen["width"] < 300
    assert 10 < seen["rows"] < 100


def test_times_are_shown_in_the_chosen_zone_over_a_clock_change(tmp_path: Path) -> None:
    # New York: UTC-5 in winter; the clocks went forward on 10 March 2019 at 07:00 UTC
    seen = look(write_run(tmp_path, zone="America/New_York"), tmp_path, """
        const moments = ["2019-01-02T21:00Z", "2019-03-10T06:59Z", "2019-03-10T07:00Z", "2019-07-01T12:30Z"];
        seen.texts = moments.map(t => chart.zone.text(Date.parse(t)));
        const days = chart.zone.ticks(Date.parse("2019-03-09T00:00Z"), Date.parse("2019-03-12T00:00Z"), 86400e3);
        seen.days = days.map(t => new Date(t).toISOString());
        seen.first = $$("tr[data-trade]")[0].children[5].textContent;
    """)  # fmt: skip
    assert seen["texts"] == ["2019-01-02 16:00", "2019-03-10 01:59", "2019-03-10 03:00", "2019-07-01 08:30"]
    assert seen["days"] == ["2019-03-09T05:00:00.000Z", "2019-03-10T05:00:00.000Z", "2019-03-11T04:00:00.000Z"]
    assert seen["first"] == "2018-12-31 19:00:00"


def test_the_test_itself_sees_a_broken_page(tmp_path: Path) -> None:
    run = write_run(tmp_path, bars=50, trades=1)
    page = run / "report.html"
    page.write_text(page.read_text(encoding="utf-8").replace("new Chart(", "new Chrat("), encoding="utf-8")
    with pytest.raises(AssertionError, match="Chrat"):
        look(run, tmp_path, "")
