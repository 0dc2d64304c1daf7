"""The demo's data: what the project ships, and what its README claims about it."""

from __future__ import annotations

import numpy as np

from engine.core.zones import HOUR, parse_zone, utc_to_wall
from engine.feeds.catalogue import SHIPPED, dataset
from engine.feeds.lineage import join
from engine.feeds.tapes import open_tape


def test_the_demo_has_6225_ask_bars_of_2017_with_licence_and_provenance() -> None:
    demo = dataset("demo/EURUSD/bars-H1")
    assert demo.rows == 6225 and demo.lineage.basis == "ask" and demo.lineage.stamps == "open"
    assert "MIT" in demo.lineage.licence and "MIT License" in (SHIPPED / "demo" / "LICENSE").read_text()
    assert np.datetime64(demo.first, "ns") == np.datetime64("2017-01-01T22:00")
    assert np.datetime64(demo.last, "ns") == np.datetime64("2017-12-29T21:00")


def test_the_demo_is_clean_and_its_weeks_open_at_17_00_in_new_york() -> None:
    bars = join(list(dataset("demo/EURUSD/bars-H1").read()))
    opened = bars["open_ts"]
    assert (np.diff(opened) >= HOUR).all() and (bars["ts"] - opened == HOUR).all()
    body = np.stack([bars["open"], bars["close"]])
    assert (bars["low"] <= body).all() and (body <= bars["high"]).all() and (bars["low"] < bars["high"]).all()
    gaps = np.flatnonzero(np.diff(opened) > HOUR) + 1
    assert len(gaps) == 52 and bars["volume"].min() > 0
    wall = utc_to_wall(opened[gaps], parse_zone("America/New_York"))
    hours = (wall % (24 * HOUR)) // HOUR
    assert sorted(hours.tolist()) == [17] * 51 + [18]


def test_the_demo_tape_holds_bid_bars_10_points_under_the_ask_and_says_so() -> None:
    tape = open_tape("demo", ["EURUSD"], "H1")
    block = next(tape.blocks())
    assert len(tape) == 6225 and tape.kind == "bars" and tape.symbols == ("EURUSD",)
    assert (block.open[0], block.high[0], block.low[0], block.close[0]) == (1.05226, 1.05243, 1.05211, 1.05217)
    assert (block.spread == 0.0001).all() and (block.ts - block.ts_event == HOUR).all()
    assert "EURUSD: ask bars: bid = ask - 10 points assumed" in tape.notes
    assert any("gym-anytrading" in note and "MIT" in note for note in tape.notes)


def test_another_spread_is_another_tape() -> None:
    wide, narrow = (open_tape("demo", ["EURUSD"], "H1", spread=s) for s in ("20 points", "1 points"))
    assert wide.fingerprint != narrow.fingerprint
    assert next(wide.blocks()).close[0] == 1.05207 and next(narrow.blocks()).close[0] == 1.05226
