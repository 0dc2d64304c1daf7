"""A strategy that builds up many positions on a hedging account is closed in full, in both lanes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from engine.core.tape import ArrayTape
from engine.features import feature
from engine.run import Session
from engine.strategy import Strategy
from tests.venue.desk import MINUTE, START, terms_of

POSITIONS = 40


@feature(gives="signal stop take_profit", keeps="row")
def pyramid_wish(lo, hi, close, signal, stop, take_profit, row):
    """One fortieth more at each row, then flat."""
    for i in range(lo, hi):
        row += 1.0
        signal[i] = row / POSITIONS if row <= POSITIONS else 0.0
        stop[i] = take_profit[i] = np.nan
    return row


@dataclass
class Pyramid(Strategy):
    id: str = "pyramid"
    rows: int = 0

    def compiled(self) -> Any:
        return pyramid_wish()

    def on_row(self, row: Any) -> Any:
        self.rows += 1
        return self.wish(row, self.rows / POSITIONS if self.rows <= POSITIONS else 0.0)


@pytest.mark.parametrize("lane", ["python", "compiled"])
def test_forty_positions_are_closed_by_forty_orders(lane: str) -> None:
    n = POSITIONS + 10
    ts = START + np.arange(1, n + 1) * MINUTE
    flat = dict.fromkeys(("open", "high", "low", "close"), np.full(n, 1.1))
    tape = ArrayTape.bars(
        ("EURUSD",), ts=ts, ts_event=ts - MINUTE, symbol=np.zeros(n), spread=np.zeros(n), volume=np.zeros(n), **flat
    )
    terms = terms_of(("EURUSD",), kind="bars", strategies=("pyramid",), risk="0.4 lots", lane=lane)
    session = Session(terms.config, tape, (Pyramid(),))
    run = session.run()
    assert [f.entry for f in run.fills] == ["in"] * POSITIONS + ["out"] * POSITIONS
    assert [f.position for f in run.fills] == [*range(1, POSITIONS + 1)] * 2
    assert int(session.venue.book[0]["positions"][0]) == 0
