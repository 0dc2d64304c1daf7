"""Every notebook runs from top to bottom, cell by cell, and says what it claims to say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))


def executed(path: Path) -> dict[str, Any]:
    """The names that a notebook leaves behind. Its cells are plain Python: no kernel is needed to run them."""
    names: dict[str, Any] = {"__name__": "notebook"}
    for k, cell in enumerate(json.loads(path.read_text("utf-8"))["cells"]):
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"{path.name}, cell {k}", "exec"), names)
    return names


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_a_notebook_is_committed_without_outputs(path: Path) -> None:
    book = json.loads(path.read_text("utf-8"))
    assert book["nbformat"] == 4 and len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    assert [c for c in book["cells"] if c["cell_type"] == "code" and (c["outputs"] or c["execution_count"])] == []


def test_the_first_backtest_runs_and_its_sums_meet(capsys: pytest.CaptureFixture[str]) -> None:
    made = executed(ROOT / "notebooks/01-first-backtest.ipynb")
    assert len(made["trades"]) == 87 and "87 trades, -743.72 USD" in capsys.readouterr().out
    assert made["move"] + made["costs"].sum() == pytest.approx(made["trades"]["net_profit"].sum(), abs=1e-6)
    assert (made["reach"]["best"] >= 0).all() and (made["reach"]["worst"] <= 0).all()
    assert made["monthly"].sum() == pytest.approx(made["run"].equity["equity"].iloc[-1] - 10_000.0, abs=0.01)
    assert isinstance(made["tried"], pd.DataFrame) and made["tried"].loc[20, "trades"] == 87


def test_the_features_run_and_say_what_they_claim(capsys: pytest.CaptureFixture[str]) -> None:
    made = executed(ROOT / "notebooks/02-features.ipynb")
    assert made["table"].columns.tolist() == ["fast", "slow", "m", "m_signal", "m_histogram", "far"]
    assert made["frames"].attrs["provisional"] == ("forming",)
    assert made["same"][0.0] == 1.0 and made["same"][60.0] < 0.05
    assert made["honest"] is None and made["cheat"].column == "x" and "None | x moved" in capsys.readouterr().out
    scaled = made["scaled"][:2_000]
    assert scaled.mean() == pytest.approx(0.0, abs=1e-9) and scaled.std(ddof=0) == pytest.approx(1.0)
    assert made["block"].shape[1:] == (64, made["columns"].shape[1]) and made["moved"]["s_psi"].max() > 0.0
