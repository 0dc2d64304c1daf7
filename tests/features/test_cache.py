"""Compiled kernels: made once, found again by another process, never mistaken for an older text."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(code: str, cache: Path, folder: Path | None = None) -> list[str]:
    """The printed words of a fresh interpreter with its own kernel cache."""
    env = {
        **os.environ,
        "ONETAPE_KERNEL_CACHE": str(cache),
        "PYTHONPATH": os.pathsep.join([str(folder or ROOT), str(ROOT)]),
    }
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


PROGRAM = """
    import numpy as np
    from engine.features import Plan, rsi, sma
    from engine.features import compiled
    x = 1.1 + np.sin(np.arange(500.0)) * 1e-3
    ts = np.arange(500) * 60_000_000_000
    out = {}
    plan = Plan({"r": rsi(14), "s": sma(9)})
    print(len(plan.uncompiled()))
    plan.bind({"close": x, "open_ts": ts}, lambda n: out.setdefault(n, np.empty(500))).extend(0, 500)
    hits = [sum(c._cache_hits for c in compiled._addresses.values()), sum(compiled.extend.stats.cache_hits.values())]
    print(*hits, out["r"][400].hex(), plan.identity)
"""


def test_a_second_process_loads_what_the_first_compiled_and_computes_the_same(tmp_path):
    first, second = run(PROGRAM, tmp_path), run(PROGRAM, tmp_path)
    assert first[:3] == ["2", "0", "0"]
    assert second[:3] == ["0", "2", "1"]
    assert first[3:] == second[3:]


def test_importing_features_compiles_nothing_and_loads_no_numba(tmp_path):
    code = """
        import sys, engine.features
        print("numba" in sys.modules, "pandas" in sys.modules, len(engine.features.FEATURES))
    """
    assert run(code, tmp_path) == ["False", "False", "0"]
    assert not list(tmp_path.rglob("*.nbc"))
    run("from engine.features import sma, load_all; load_all(); sma(20)", tmp_path)
    assert not list(tmp_path.rglob("*.nbc"))


MODULE = """
from engine.features.contract import feature
from helper import shifted

@feature(gives="x")
def mine(lo, hi, close, x):
    for i in range(lo, hi):
        x[i] = shifted(close[i])
"""
HELPER = """
from engine.kernels.jit import jit

@jit
def shifted(value):
    return value + {number}
"""
USE = """
    import numpy as np
    from engine.features import Plan
    from mine import mine
    out = {}
    Plan({"x": mine()}).bind({"close": np.ones(3)}, lambda n: out.setdefault(n, np.empty(3))).extend(0, 3)
    print(out["x"][0], mine.identity)
"""


def test_a_changed_helper_is_never_served_from_the_cache_of_the_old_one(tmp_path):
    """Numba itself does not notice: it hashes the file of the caller only."""
    (tmp_path / "mine.py").write_text(MODULE)
    (tmp_path / "helper.py").write_text(HELPER.format(number=1.0))
    before = run(USE, tmp_path / "cache", tmp_path)
    (tmp_path / "helper.py").write_text(HELPER.format(number=2.0))
    after = run(USE, tmp_path / "cache", tmp_path)
    assert (before[0], after[0]) == ("2.0", "3.0")
    assert before[1] != after[1]
