"""`new feature` writes what passes as written; `features plot` draws it, and every feature that ships."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cli
from engine.core.errors import ConfigError, NotFound, OutputError
from engine.features import FEATURES, load_all
from engine.ops import console, features, starting_feature
from engine.ops.features import is_feature

ROOT = Path(__file__).resolve().parents[1]


def test_what_new_feature_writes_passes_its_own_test_as_written(tmp_path: Path) -> None:
    made = starting_feature.feature("my_gap", tmp_path)
    assert {Path(made[kind]).relative_to(tmp_path).as_posix() for kind in ("feature", "golden", "test")} == {
        "strategies/_my_gap.py", "tests/golden/my_gap.json", "tests/test_my_gap.py",
    }  # fmt: skip
    words = [made["test"], "-q", "-W", "error", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), "-c", os.devnull]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", *words]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0 and "5 passed" in done.stdout, done.stdout + done.stderr
    rules = ("--isolated", "--select", "E,F,B,UP", "--line-length", "120")
    command = [sys.executable, "-m", "ruff", "check", *rules, made["feature"], made["test"]]
    lint = subprocess.run(command, capture_output=True, text=True)
    assert lint.returncode == 0, lint.stdout


@pytest.mark.parametrize("name", ["rsi", "close", "MyGap", "class", "2nd"])
def test_a_name_that_is_none_or_taken_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="like my_"):
        starting_feature.feature(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_and_nothing_half_written(tmp_path: Path) -> None:
    starting_feature.feature("my_gap", tmp_path)
    with pytest.raises(ConfigError, match="exists already"):
        starting_feature.feature("my_gap", tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/tests").write_text("a file where a folder is needed")
    with pytest.raises(OutputError, match="nothing of it was kept"):
        starting_feature.feature("my_gap", tmp_path / "other")
    assert not [p for p in (tmp_path / "other").rglob("*") if p.is_file() and p.name != "tests"]


# ---------------------------------------------------------------- plots


def carried(path: Path) -> dict:
    text = path.read_text("utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert found
    return json.loads(found[1])


def test_a_plot_is_one_file_that_asks_nobody_and_holds_the_numbers_of_the_kernel(tmp_path: Path, capsys) -> None:
    import base64

    import engine
    from engine.features.batch import bars_frame
    from engine.feeds.tapes import open_tape

    out = tmp_path / "bands.html"
    command = ["features", "plot", "bollinger", "--set", "period=30", "--out", str(out), "--json"]
    assert console.run(cli.app, command) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["file"] == str(out) and told["bars"] > 5_000
    text = out.read_text("utf-8")
    assert not re.search(r"https?://|src=|@import", text) and "period = 30" in text
    (group,) = carried(out)["groups"]
    assert group["over"] and [line["name"] for line in group["lines"]] == ["upper", "middle", "lower"]
    drawn = np.frombuffer(base64.b64decode(group["lines"][0]["values"]))
    bars = bars_frame(open_tape("demo", ("EURUSD",), "H1"))
    known = engine.frame({"b": FEATURES.get("bollinger")(30)}, bars)["b_upper"].to_numpy()
    np.testing.assert_array_equal(drawn, known)


def test_columns_of_one_unit_share_a_pane_and_prices_lie_over_the_candles(tmp_path: Path) -> None:
    made = features.plot("supertrend", out=tmp_path / "x.html")
    groups = carried(Path(made["file"]))["groups"]
    assert [(g["over"], g["unit"], len(g["lines"])) for g in groups] == [(False, "event", 2), (True, "", 1)]


def test_what_is_written_as_a_text_is_drawn_under_a_name_that_is_one(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = features.plot("sma(20) / sma(50) - 1")
    assert made["file"] == "sma_20_sma_50_1.html" and made["feature"] == "(sma(period=20) / sma(period=50)) - 1"
    (group,) = carried(Path(made["file"]))["groups"]
    assert not group["over"] and len(group["lines"]) == 1


def test_a_feature_of_ones_own_is_proven_by_its_name_where_one_works(tmp_path: Path) -> None:
    starting_feature.feature("my_gap", tmp_path)
    command = [sys.executable, str(ROOT / "cli.py"), "check", "lookahead", "my_gap", "--cuts", "4"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0 and "looks_ahead  False" in done.stdout, done.stdout + done.stderr
    assert is_feature("rsi") and not is_feature("no_such")


@pytest.mark.parametrize(
    ("name", "sets", "data", "error", "message"),
    [
        ("bolinger", (), features.DEMO, ConfigError, "bollinger"),
        ("rsi", ("periodd=3",), features.DEMO, ConfigError, "period"),
        ("rsi", ("period",), features.DEMO, ConfigError, "KEY=VALUE"),
        ("quotient", (), features.DEMO, ConfigError, "--set a=close"),
        ("rsi(3)", ("period=4",), features.DEMO, ConfigError, "write parameters into 'rsi"),
        ("rsj(3)", (), features.DEMO, ConfigError, "did you mean rs"),
        ("H1.rsi(3)", (), features.DEMO, ConfigError, "reads other bars"),
        ("rsi", (), "demo/EURUSD/bars-H2", NotFound, "bars-H1"),
        ("rsi", (), "demo/EURUSD/quotes", ConfigError, "computed on bars"),
        ("rsi", (), "nonsense", NotFound, "SOURCE/SYMBOL"),
    ],
)
def test_what_cannot_be_plotted_is_said_and_nothing_is_written(tmp_path, name, sets, data, error, message) -> None:
    with pytest.raises(error, match=message):
        features.plot(name, sets, data, tmp_path / "x.html")
    assert list(tmp_path.iterdir()) == []


def test_every_feature_says_what_a_page_needs() -> None:
    from engine.report.feature_page import code, declared

    for name, one in load_all().items():
        if one.kernel.__module__.startswith("engine.features."):
            spec = one(**dict.fromkeys(one.required, "close"))
            assert dict(declared(spec))["Identity"] and f"def {name}(" in code(one)


def test_the_page_draws_itself_in_a_browser_zooms_and_complains_of_nothing(tmp_path: Path) -> None:
    from tests.report.test_browser import CHROMIUM, FLAGS, WATCH

    if CHROMIUM is None:
        pytest.skip("needs chromium (Debian: apt-get install chromium)")
    page = Path(features.plot("macd", out=tmp_path / "x.html")["file"])
    script = """<script>
    const { chart } = window.feature, wide = () => chart.view[1] - chart.view[0], seen = [wide()];
    document.getElementById("zoom-in").click(); seen.push(wide());
    document.getElementById("zoom-all").click(); seen.push(wide());
    const c = chart.canvas, d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data, tones = new Set();
    for (let i = 0; i < d.length; i += 4) tones.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]);
    const out = document.createElement("pre");
    out.id = "seen"; out.textContent = JSON.stringify({ seen, tones: tones.size, panes: chart.panes.length, errors });
    document.body.append(out);
    </script>"""
    text = page.read_text("utf-8").replace("<title>", WATCH + "<title>", 1).replace("</body>", script + "</body>", 1)
    page.write_text(text, encoding="utf-8")
    done = subprocess.run([str(CHROMIUM), *FLAGS, f"--user-data-dir={tmp_path}/profile", page.as_uri()],
                          capture_output=True, text=True, timeout=120)  # fmt: skip
    found = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.S)
    assert found, done.stderr[-500:]
    told = json.loads(found[1])
    assert told["errors"] == [] and told["panes"] == 2 and told["tones"] > 20
    first, near, far = told["seen"]
    assert near < first == 280 < far


def test_a_page_of_the_documentation_has_its_plot_outputs_and_definition() -> None:
    from engine.feeds.tapes import open_tape
    from engine.report.feature_docs import bound, page_of
    from engine.report.feature_page import columns_of

    bars = columns_of(open_tape("demo", ("EURUSD",), "H1"))
    text = page_of(bound(load_all().get("macd")), bars)
    assert text.count("<path") == 5 and "nan" not in text.split("</svg>")[0]
    assert "| `signal` | price change | 33 |" in text and "```python\n@feature(" in text and "Appel" in text
