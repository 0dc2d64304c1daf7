"""What the venue says has MetaTrader 5's code for it, under MetaTrader 5's name."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from engine.core import events as e
from engine.core.retcodes import ENDS, REFUSALS, Retcode, retcode
from engine.kernels.book import CANCEL_REASONS, REJECT_REASONS

DOCS = Path(__file__).parents[2] / "docs" / "orders.md"
FILL = e.Fill(1, "a", "EURUSD", 1, 1, 1, 1, 1_000.0, 1.1, "in", 0.0, 0.0, 0.0, "order", 1)


def test_every_code_has_the_name_and_value_that_metatrader_gives_it(shared: Path) -> None:
    """Source: the constants of the wheel MetaTrader5 5.0.6231."""
    theirs = json.loads((shared / "mt5" / "mt5_api.json").read_text())["constants_flat"]
    assert {f"TRADE_RETCODE_{code.name}": int(code) for code in Retcode}.items() <= theirs.items()


def test_every_reason_of_the_venue_has_a_code_and_every_code_a_use() -> None:
    assert set(REFUSALS) == set(REJECT_REASONS) - {""}
    assert set(ENDS) == set(CANCEL_REASONS)
    assert {*REFUSALS.values(), *ENDS.values()} == set(Retcode) - {Retcode.PLACED, Retcode.DONE_PARTIAL}


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (e.Accepted(1, "a", "EURUSD", 1, 1), 10008),
        (e.Triggered(1, "a", "EURUSD", 1, 1), 10008),
        (FILL, 10009),
        (e.Fill(*[getattr(FILL, n) for n in FILL.__struct_fields__[:-1]], 500.0), 10010),
        (e.Modified(1, "a", "EURUSD", 1, 0, 1.1, None, None, 1), 10009),
        (e.Swapped(1, "a", "EURUSD", 1, -0.7, 1), 10009),
        (e.MarginCall(1, 90.0, 100.0, 1), 10009),
        (e.Correction(1, 3.0, 0.0, 1), 10009),
        *((e.Rejected(1, "a", "EURUSD", 1, reason, 1), code) for reason, code in REFUSALS.items()),
        *((e.Canceled(1, "a", "EURUSD", 1, reason, 1), code) for reason, code in ENDS.items()),
    ],
    ids=lambda x: getattr(x, "reason", type(x).__name__),
)
def test_every_report_carries_its_code(event: e.Report, code: int) -> None:
    assert event.retcode == retcode(event) == code and type(event.retcode) is int


def test_every_report_there_is_has_one() -> None:
    reports = {kind for kind in e.AnyEvent.__args__ if issubclass(kind, e.Report)}
    assert reports == {e.Accepted, e.Rejected, e.Canceled, e.Modified, e.Triggered, e.Fill, e.Swapped, e.MarginCall,
                       e.Correction}  # fmt: skip


def test_the_documentation_has_every_reason_with_its_code() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (\d{5}) \| `(\w+)` \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert {reason: (int(code), name) for reason, code, name in rows} == {
        reason: (int(code), code.name) for reason, code in {**REFUSALS, **ENDS}.items()
    }
