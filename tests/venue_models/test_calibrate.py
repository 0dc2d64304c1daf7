"""What is planted in a run is found in its journal; what a report of MetaTrader 5 cannot say is not made up."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.core.broker import AccountConfig, VenueConfig
from engine.core.config import Config, RunConfig
from engine.core.errors import DataError, NotFound
from engine.core.events import Fill, Order, Rejected
from engine.core.frictions import Latency
from engine.core.schema import build
from engine.core.tape import ArrayTape
from engine.core.zones import DAY
from engine.feeds.reports import Deal, Report
from engine.feeds.stressed import stressed
from engine.ops.venue_verbs import calibration_text
from engine.research.calibrate import Calibration, calibrate
from engine.research.calibrate_report import against_level, from_report, nights, swaps
from engine.run import Session
from engine.strategy import Strategy
from tests.venue_models.bench import SECOND, bars, config_of, quotes


@dataclass
class Restless(Strategy):
    """Buys and sells in turn, each deal or refusal bringing the next order."""

    side: int = 1
    waits: bool = False

    def on_row(self, row: Any) -> Any:
        return None if self.waits else self.next(row.ts)

    def on_fill(self, fill: Fill) -> Any:
        self.side = -fill.side
        return self.next(fill.ts) if not fill.left else None

    def on_rejected(self, rejected: Rejected) -> Any:
        return self.next(rejected.ts)

    def next(self, ts: int) -> Order:
        self.waits = True
        return Order(ts, self.id, "EURUSD", self.side, 10_000.0)


def run_of(tmp_path: Path, tape: ArrayTape, **venue: Any) -> Calibration:
    """Run under planted conditions, then calibrate the run's folder with the tape as it was before any stress."""
    config = config_of(5, tape.symbols, tape.kind, **venue)
    config = replace(config, account=AccountConfig(balance=1e7, mode="netting"), run=RunConfig(block=20_000))
    config = replace(config, strategy=(replace(config.strategy[0], id="restless", symbols=("EURUSD",)),))
    strategy = Restless()
    strategy.id = "restless"
    session = Session(config, stressed(tape, config), [strategy], out=tmp_path / "runs")
    with session.recorder:
        path = session.run().path
    assert path is not None
    return calibrate(path, tape)


def values(found: Calibration) -> dict[str, float]:
    return {one.name: one.value for one in found.estimates}


def snippet(found: Calibration) -> VenueConfig:
    """What the TOML means to a config."""
    return build(VenueConfig, tomllib.loads(found.toml)["venue"])


DENSE = {"n": 60_000, "symbols": ("EURUSD",), "every": 40}


def test_planted_spread_slippage_latency_and_rejects_are_found_within_ten_percent(tmp_path: Path) -> None:
    found = run_of(
        tmp_path, quotes(**DENSE), spread=1.7, slippage="3 points", latency="120 ms", report_latency="30 ms",
        rejects="8 %", commission="3.5 USD per lot",
    )  # fmt: skip
    got = values(found)
    assert got["spread"] == pytest.approx(1.7, rel=0.1)
    assert got["slippage"] == pytest.approx(3.0, rel=0.1)
    assert got["latency"] == pytest.approx(120, rel=0.1)
    assert got["report latency"] == pytest.approx(30, rel=0.1)
    assert got["rejects"] == pytest.approx(0.08, rel=0.1)
    assert got["commission"] == pytest.approx(3.5)
    venue = snippet(found)
    assert venue.spread == pytest.approx(1.7, rel=0.1) and str(venue.slippage) == "3 points"
    assert venue.rejects is not None and venue.rejects.amount == pytest.approx(8.0, rel=0.1)


def test_a_planted_lognormal_latency_and_share_of_the_spread_are_found_within_ten_percent(tmp_path: Path) -> None:
    planted = {"model": "lognormal", "median": "150 ms", "sigma": 0.6}
    found = run_of(tmp_path, quotes(**DENSE), slippage="40 % spread", latency=planted, requotes="6 %")
    got = values(found)
    assert got["latency"] == pytest.approx(150, rel=0.1) and got["sigma"] == pytest.approx(0.6, rel=0.1)
    assert got["slippage"] == pytest.approx(0.4, rel=0.1) and got["spread"] == pytest.approx(1.0, rel=0.1)
    assert got["requotes"] == pytest.approx(0.06, rel=0.2) and got["rejects"] == 0.0
    venue = snippet(found)
    assert isinstance(venue.latency, Latency) and venue.latency.model == "lognormal"
    assert venue.slippage.unit == "% spread"  # type: ignore[union-attr]


def test_planted_samples_come_back_as_samples(tmp_path: Path) -> None:
    found = run_of(
        tmp_path, quotes(**DENSE | {"n": 25_000}), slippage={"model": "samples", "samples": [-1.0, 0.0, 0.0, 9.0]}
    )
    assert values(found)["slippage"] == pytest.approx(2.0, rel=0.1)
    samples = snippet(found).slippage.samples  # type: ignore[union-attr]
    assert np.mean(samples) == pytest.approx(2.0, abs=0.5) and min(samples) < -0.8 and max(samples) > 8.8


def test_on_bars_costs_are_found_and_the_latency_is_said_to_be_unknowable(tmp_path: Path) -> None:
    found = run_of(tmp_path, bars(1_200), spread=1.5, slippage="2 points")
    got = values(found)
    assert got["spread"] == pytest.approx(1.5, rel=0.1) and got["slippage"] == pytest.approx(2.0, rel=0.1)
    assert "latency" not in got and any(why.startswith("latency of orders: on bars") for why in found.unknown)


def test_a_run_whose_tape_was_in_memory_needs_it_handed_in(tmp_path: Path) -> None:
    found = run_of(tmp_path, quotes(n=4_000, symbols=("EURUSD",), every=200))
    assert found.estimates
    (run,) = (tmp_path / "runs").iterdir()
    with pytest.raises(NotFound, match="hand it in as `data`"):
        calibrate(run)
    with pytest.raises(NotFound, match="there is no run and no report"):
        calibrate(tmp_path / "nothing")


# reports of MetaTrader 5


def test_a_real_tester_report_says_what_it_can_and_no_more(shared: Path) -> None:
    found = calibrate(shared / "data/mt5/tester_report_gbpusd_h1_exness.html.xz")
    got = values(found)
    assert got["commission"] == 0.0 and got["slippage of stop-losses"] == 0.0
    assert {why.split(":")[0] for why in found.unknown} >= {"latency", "rejects and requotes", "spread"}
    assert "a tester fills at its own quotes" in " ".join(found.unknown)
    assert not {"latency", "spread", "rejects"} & set(got) and found.toml == ""
    assert "cannot be told:" in calibration_text(found)


def test_a_real_history_says_that_nothing_was_held_over_a_night(shared: Path) -> None:
    found = calibrate(shared / "data/mt5/trade_history_report_demo_hedge.xlsx")
    assert {"swap long: no position was held over a night", "swap short: no position was held over a night"} <= set(
        found.unknown
    )
    assert values(found)["commission"] == 0.0


MONDAY = 4 * DAY


def deal(at: int, kind: str, direction: str, price: float, comment: str = "", **more: float) -> Deal:
    figures = {"commission": 0.0, "fee": 0.0, "swap": 0.0, "profit": 0.0, "volume": 0.5, **more}
    return Deal(
        time=at, deal=at, symbol="EURUSD", kind=kind, direction=direction, price=price, order=1, balance=0.0,
        comment=comment, **figures,
    )  # type: ignore[arg-type]  # fmt: skip


def test_stops_are_measured_against_the_level_their_comment_names() -> None:
    deals = [
        deal(1, "sell", "out", 1.09990, "[sl 1.10000]"), deal(2, "buy", "out", 1.20004, "sl 1.20000"),
        deal(3, "buy", "out", 1.2, "tp 1.2"), deal(4, "buy", "in", 1.2, "sl 1.1"),
    ]  # fmt: skip
    assert list(against_level(deals, "sl")) == [10.0, 4.0] and list(against_level(deals, "tp")) == [0.0]


@pytest.mark.parametrize(("triple", "lengths"), [("Wednesday", (1, 2, 3, 9)), ("Friday", (1, 5, 4, 12))])
def test_planted_swaps_and_their_triple_day_are_found(triple: str, lengths: tuple[int, ...]) -> None:
    deals = []
    for k, length in enumerate(lengths):
        start = MONDAY + k * DAY + 3_600 * SECOND
        for side, rate in (("buy", -7.0), ("sell", 2.0)):
            swap = rate * 0.5 * nights(start, start + length * DAY, triple)
            deals.append(deal(start, side, "in", 1.1))
            deals.append(deal(start + length * DAY, "sell" if side == "buy" else "buy", "out", 1.1, swap=swap))
    deals.sort(key=lambda one: one.time)
    report = Report(kind="tester", made_from="x", zone="", facts={}, inputs={}, deals=deals, orders=[], positions=[])
    found, lines = Calibration(made_from="x"), []
    swaps(found, lines, report)
    assert values(found) == pytest.approx({"swap long": -7.0, "swap short": 2.0})
    assert all(one.note == f"triple {triple}" for one in found.estimates)
    assert lines == [f"# [[instrument]] swap: mode currency_deposit, {n}" for n in ("long -7", "short 2")]


def test_a_report_without_a_deal_is_one_clear_error(shared: Path, tmp_path: Path) -> None:
    junk = tmp_path / "junk.html"
    junk.write_text("<html><title>Strategy Tester Report</title>")
    with pytest.raises(DataError):
        from_report(junk)


def test_config_types_of_the_snippet_are_the_configs_own() -> None:
    assert isinstance(Config.__dataclass_fields__["venue"].default, VenueConfig)
