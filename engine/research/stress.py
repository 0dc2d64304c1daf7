"""Does a run survive a worse broker? The same config again and again, each time with one thing made worse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import msgspec

from engine.core.broker import StressConfig, VenueConfig
from engine.core.config import Config
from engine.core.frictions import slower
from engine.core.quantity import Percent
from engine.core.tape import Tape
from engine.feeds.tapes import open_data
from engine.report.metrics import Figures
from engine.run import backtest

Progress = Callable[[int, int], None]
SPREADS = (1.5, 2.0, 3.0)
SLOWER = 5.0
REJECTS, MISSED = Percent(5.0, "%"), Percent(2.0, "%")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the table; money in the account's currency, `drawdown_share` of the high it fell from.

    `failed` says which limits it broke, a sentence each; `skipped` why it was not run.
    """

    stress: str
    trades: int | None = None
    net_profit: float | None = None
    max_drawdown: float | None = None
    drawdown_share: float | None = None
    profit_factor: float | None = None
    end_balance: float | None = None
    failed: list[str] = []
    skipped: str = ""

    @property
    def verdict(self) -> str:
        return "skipped" if self.skipped else "FAIL" if self.failed else "pass"


def stress(config: Config, data: Tape | None = None, progress: Progress | None = None) -> list[Row]:
    """Every row of the table: the config as it is, then one thing worse in each.

    `data` is the tape before any stress; by default the one that the config names. Nothing is written; what the config
    itself says of spreads, latency and refusals is made worse from there.
    """
    config = config.pinned(config.data.symbols if data is None else data.symbols)
    tape = open_data(config.data, config.instruments) if data is None else data
    rows: list[Row] = []
    todo = list(stresses(config))
    for name, worse in todo:
        if worse is None:
            rows.append(Row(stress=name, skipped="no calendar: say stress.blackout.series"))
        else:
            figures = backtest(replace(worse, expect=None), tape).summary.figures
            rows.append(judged(name, figures, config.stress))
        if progress:
            progress(len(rows), len(todo))
    return rows


def stresses(config: Config) -> Iterator[tuple[str, Config | None]]:
    """Each row's name and its config; None where the config does not say what it needs."""
    venue = config.venue
    made: dict[str, VenueConfig] = {"as it is": venue}
    for factor in SPREADS:
        made[f"spread x{factor:g}"] = replace(venue, spread=venue.spread * factor)
    made[f"latency x{SLOWER:g}"] = replace(
        venue, latency=slower(venue.latency, SLOWER), report_latency=slower(venue.report_latency, SLOWER),
        change_latency=venue.change_latency and slower(venue.change_latency, SLOWER),
    )  # fmt: skip
    made[f"{REJECTS} rejected"] = replace(venue, rejects=larger(venue.rejects, REJECTS))
    made[f"{MISSED} of records missed"] = replace(venue, missed=larger(venue.missed, MISSED))
    for name, worse in made.items():
        yield name, replace(config, venue=worse)
    barred = config.stress.blackout
    name = "no entries around events"
    yield name, replace(config, risk=replace(config.risk, blackout=barred)) if barred else None


def larger(one: Percent | None, other: Percent) -> Percent:
    return other if one is None or one.amount < other.amount else one


def judged(name: str, figures: Figures, limits: StressConfig) -> Row:
    """One row with the limits it broke."""
    trades, balance = int(figures["trades"] or 0), float(figures["end_balance"] or 0.0)
    share, factor = float(figures["max_drawdown_share"] or 0.0), figures["profit_factor"]
    failed = []
    if limits.max_drawdown is not None and share > limits.max_drawdown.fraction:
        failed.append(f"drawdown {share:.2%} is more than {limits.max_drawdown}")
    if limits.min_balance is not None and balance < limits.min_balance:
        failed.append(f"balance {balance:,.2f} is less than {limits.min_balance:,.2f}")
    if limits.min_profit_factor is not None and factor is None and not figures["gross_profit"]:
        failed.append("no trade won or lost: there is no profit factor")
    elif limits.min_profit_factor is not None and factor is not None and factor < limits.min_profit_factor:
        failed.append(f"profit factor {factor:.2f} is less than {limits.min_profit_factor:g}")
    if limits.min_trades is not None and trades < limits.min_trades:
        failed.append(f"{trades} trades are fewer than {limits.min_trades}")
    return Row(
        stress=name, trades=trades, net_profit=figures["net_profit"], max_drawdown=figures["max_drawdown"],
        drawdown_share=share, profit_factor=factor, end_balance=balance, failed=failed,
    )  # fmt: skip
