"""Features compiled side by side by processes of their own are in the cache afterwards, and a wrong one is named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.core.errors import ConfigError
from engine.features import feature
from engine.features.compiled import is_compiled
from engine.features.compiling import compile_all

ROOT = Path(__file__).resolve().parents[2]
CODE = """
from engine.features import body, lagged, load_all, midprice, sma
from engine.features.compiled import is_compiled
from engine.features.compiling import compile_all
load_all()
told = []
made = compile_all([body, lagged, midprice, sma], processes=2, progress=lambda done, total: told.append((done, total)))
print(made, told, [is_compiled(f) for f in (body, lagged, midprice, sma)], compile_all([body, sma]))
import engine, pandas as pd
index = pd.date_range("2024", periods=3)
data = pd.DataFrame({p: [1.0, 2.0, 4.0] for p in ("open", "high", "low", "close")}, index=index)
print(engine.frame({"x": midprice(2)}, data)["x"].tolist())
"""


@feature(gives="x", registry=None)
def has_no_such_function(lo, hi, close, x):
    for i in range(lo, hi):
        x[i] = close.no_such_thing(i)


def test_what_two_processes_compiled_lies_in_the_cache_and_computes(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "ONETAPE_KERNEL_CACHE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "4 [(1, 4), (2, 4), (3, 4), (4, 4)] [True, True, True, True] 0"
    assert second == "[nan, 1.5, 3.0]"
    helpers = [path for path in tmp_path.rglob("*.nbi") if "sliding_top" in path.name or "window_sum" in path.name]
    assert not helpers, "a helper's cache is written by nobody who shares it"


def test_a_feature_that_does_not_compile_is_named_and_the_others_are_compiled() -> None:
    with pytest.raises(ConfigError, match="has_no_such_function") as error:
        compile_all([has_no_such_function])
    assert "\n" not in str(error.value) and not is_compiled(has_no_such_function)
