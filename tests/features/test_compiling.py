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
from engine.features.averages import lagged, midprice
from engine.features.compiled import is_compiled
from engine.features.compiling import compile_all
told = []
made = compile_all([lagged, midprice], processes=2, progress=lambda done, total: told.append((done, total)))
print(made, told, is_compiled(lagged), is_compiled(midprice), compile_all([lagged, midprice]))
"""


@feature(gives="x", registry=None)
def has_no_such_function(lo, hi, close, x):
    for i in range(lo, hi):
        x[i] = close.no_such_thing(i)


def test_what_two_processes_compiled_lies_in_the_cache(tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "ONETAPE_KERNEL_CACHE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "2 [(1, 2), (2, 2)] True True 0\n"
    kept = {path.name.split("-")[0].split(".")[0].rpartition("_")[0] for path in tmp_path.rglob("*.nbi")}
    assert kept == {"lagged", "midprice"}, "a helper that several share is kept by nobody: two would write at once"


def test_a_feature_that_does_not_compile_is_named_and_the_others_are_compiled() -> None:
    with pytest.raises(ConfigError, match="has_no_such_function") as error:
        compile_all([has_no_such_function])
    assert "\n" not in str(error.value) and not is_compiled(has_no_such_function)
