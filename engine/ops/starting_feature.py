"""`onetape new feature`: a feature, numbers known to be right and its test, which pass as written."""

from __future__ import annotations

from pathlib import Path

from engine.core.errors import ConfigError
from engine.ops.starting import after, is_name, write

FEATURE = '''"""$title: say here what it measures, and where the definition comes from.

    from strategies._$name import $name
    features = {"x": $name(50)}
"""

from __future__ import annotations

import numpy as np

from engine.features import feature


@feature(
    gives="$name", keeps="seen", warmup="period - 1", lookback="period - 1", where="period >= 2", unit="percent",
    pane="below", source="your own",
)  # fmt: skip
def $name(lo, hi, close, $name, seen, period=20):
    """How far the close lies from the mean of the last `period` closes, in percent."""
    for i in range(lo, hi):
        seen += 1.0
        $name[i] = np.nan
        if seen >= period:
            total = 0.0
            for k in range(i - period + 1, i + 1):
                total += close[k]
            $name[i] = 100.0 * (close[i] / (total / period) - 1.0)
    return seen
'''
GOLDEN = """{
  "about": "by hand: 12 over the mean of 10 11 12 is 12/11, 11 over that of 11 12 11 is 33/34, 13 over 12 is 13/12",
  "params": {"period": 3},
  "close": [10.0, 11.0, 12.0, 11.0, 13.0],
  "$name": [null, null, 9.090909090909092, -2.941176470588236, 8.333333333333334]
}
"""
TEST = '''"""$title: numbers worked out by hand, and the laws of every feature."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import engine
from engine.core.errors import ConfigError
from engine.features import Plan
from engine.features.lookahead import batch, leak
from engine.feeds.tapes import open_tape
from strategies._$name import $name

GOLDEN = json.loads((Path(__file__).parent / "golden" / "$name.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def bars():
    """The demo's bars: EURUSD, every hour of 2017."""
    from engine.features.batch import bars_frame

    return bars_frame(open_tape("demo", ("EURUSD",), "H1")).iloc[:1000]


def test_it_gives_the_numbers_worked_out_by_hand():
    close = GOLDEN["close"]
    index = pd.date_range("2024-01-01", periods=len(close), freq="h")
    data = pd.DataFrame({p: close for p in ("open", "high", "low", "close")}, index=index)
    found = engine.frame({"x": $name(**GOLDEN["params"])}, data)["x"]
    assert found.to_numpy() == pytest.approx([np.nan if v is None else v for v in GOLDEN["$name"]], nan_ok=True)


def test_it_is_its_plain_definition_on_real_bars(bars):
    found = engine.frame({"x": $name(20)}, bars)["x"]
    slow = 100 * (bars["close"] / bars["close"].rolling(20).mean() - 1)
    np.testing.assert_allclose(found, slow, atol=1e-9)


def test_it_comes_bar_by_bar_as_it_comes_at_once_and_looks_at_no_later_bar(bars):
    columns = {p: bars[p].to_numpy() for p in ("open", "high", "low", "close", "volume", "spread")}
    stamps = bars.index.tz_localize(None).to_numpy("datetime64[ns]").view(np.int64)
    columns |= {name: stamps for name in ("ts", "open_ts", "end")}
    plan, n = Plan({"x": $name()}), len(bars)
    at_once = batch(plan)(columns)["x"]
    made = {}
    live = plan.bind(columns, lambda name: made.setdefault(name, np.full(n, 777.0)))
    for i in range(n):
        live.extend(i, i + 1)
    np.testing.assert_array_equal(made["x"], at_once)
    assert leak(batch(plan), columns, cuts=16) is None


def test_its_first_value_comes_when_it_says(bars):
    there = np.flatnonzero(engine.frame({"x": $name(20)}, bars)["x"].notna())
    assert there[0] == $name(20).warmup == 19 and len(there) == len(bars) - 19


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(ConfigError, match="period >= 2"):
        $name(1)
'''


def feature(name: str, folder: Path = Path()) -> dict[str, str]:
    """Write the three files under `folder` and say where they are.

    ConfigError for a name that is none, that a feature or a column of bars has, or whose files exist; nothing is
    overwritten.
    """
    from engine.core.table import BASE_COLUMNS
    from engine.features import load_all

    if not is_name(name):
        raise ConfigError(f"{name!r} cannot be a feature's name: small letters, digits and _, like my_gap")
    if name in load_all() or name in BASE_COLUMNS:
        raise ConfigError(f"{name!r} is taken, by a feature or a column of bars: choose another name, like my_{name}")
    values = {"name": name, "title": name.replace("_", " ").capitalize()}
    paths = {
        "feature": (folder / "strategies" / f"_{name}.py", FEATURE),
        "golden": (folder / "tests" / "golden" / f"{name}.json", GOLDEN),
        "test": (folder / "tests" / f"test_{name}.py", TEST),
    }
    return write(paths, values) | {"next": after(folder, f"onetape features plot {name}")}
