"""What a run leaves behind: trades and equity as they come, in memory or streamed to a run folder."""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from engine.core import events as e
from engine.core.bus import Bus
from engine.core.clock import iso, wall_ns
from engine.core.config import Config
from engine.core.instrument import Instrument
from engine.core.journal import Journal
from engine.core.table import Stream
from engine.core.tape import Tape
from engine.kernels.book import ENTRY_IN, FILL, SAMPLE
from engine.portfolio.trades import NO_COST, Trade, TradeBook
from engine.remarks import assumptions, guessed, refusals, warnings
from engine.report.days import Day
from engine.report.excursions import Spans, excursions, source
from engine.report.metrics import Tally
from engine.report.summary import OpenTrade, Summary
from engine.risk.terms import RULES
from engine.rows import Rows
from engine.setup import MINOR_DIGITS
from engine.venues.simulated import SimulatedVenue

if TYPE_CHECKING:
    import pandas as pd

    from engine.report.writer import RunWriter


@dataclass(frozen=True)
class Result:
    """What there is to know of a run when its last deal is in the books."""

    summary: Summary
    digest: str
    path: Path | None
    trades: list[Trade]
    samples: np.ndarray
    fills: list[e.Fill]
    days: list[Day]
    reached: Callable[[], tuple[np.ndarray, np.ndarray]]
    """The best and worst prices of the trades, worked out when they are asked for."""


@dataclass
class Run:
    """A finished run. `path` is its folder, None if nothing was written.

    `summary.figures` are plain floats; `trades` and `equity` are DataFrames; `fills` every deal (kept only when
    nothing was written); `digest` the hash of every decision. `seconds` is what the replay took, without opening the
    tape and writing the report. What a run without a folder has to say is worked out when it is asked for.
    """

    seconds: float
    balance: float
    equity_now: float
    config: Config = field(repr=False)
    settle: Callable[[], Result] = field(repr=False)

    @cached_property
    def _result(self) -> Result:
        return self.settle()

    @property
    def summary(self) -> Summary:
        return self._result.summary

    @property
    def digest(self) -> str:
        return self._result.digest

    @property
    def path(self) -> Path | None:
        return self._result.path

    @property
    def fills(self) -> list[e.Fill]:
        return self._result.fills

    @cached_property
    def expected(self) -> list[str]:
        """What differs from the config's `[expect]`, a sentence each."""
        return list(differences(self.config, self))

    @cached_property
    def trades(self) -> pd.DataFrame:
        """One row per round trip: the columns of trades.csv, times UTC, amounts in the account currency.

        Besides `side` (+1 or -1), and the times once more as `open_ts` and `close_ts`, int64 ns UTC.
        """
        import pandas as pd

        from engine.report.writer import trades_csv

        if self.path:
            frame = pd.read_csv(self.path / "trades.csv", dtype=TEXTS)
        else:
            result = self._result
            frame = pd.read_csv(trades_csv(result.trades, self.summary.digits, *result.reached()), dtype=TEXTS)
        for name in ("open", "close"):
            times = pd.to_datetime(frame[f"{name}_time"], utc=True, format="ISO8601").astype("datetime64[ns, UTC]")
            frame[f"{name}_time"], frame[f"{name}_ts"] = times, times.astype("int64")
        frame["side"] = frame["direction"].map({"long": 1, "short": -1}).astype("int64")
        return frame

    @cached_property
    def days(self) -> pd.DataFrame:
        """One row per trading day, indexed by its date: the columns of days.csv."""
        import pandas as pd

        frame = pd.DataFrame(msgspec.to_builtins(self._result.days), columns=list(Day.__struct_fields__))
        frame.index = pd.DatetimeIndex(pd.to_datetime(frame.pop("day"), utc=True), name="day")
        return frame.drop(columns="sampled")

    @cached_property
    def equity(self) -> pd.DataFrame:
        """Balance and equity over time, indexed by UTC time."""
        import pandas as pd

        if self.path:
            frame = pd.read_parquet(self.path / "equity.parquet", columns=["ts", "balance", "equity"])
        else:
            frame = pd.DataFrame({name: self._result.samples[name] for name in ("ts", "balance", "equity")})
        frame.index = pd.DatetimeIndex(pd.to_datetime(frame.pop("ts"), unit="ns", utc=True), name="time")
        return frame


class Recorder:
    """Listens to a run. With a folder everything streams there; without, it is kept in memory."""

    def __init__(
        self, config: Config, tape: Tape, instruments: tuple[Instrument, ...], notes: list[str], out: Path | None,
        version: str,
    ) -> None:  # fmt: skip
        self.config, self.tape, self.instruments, self.version = config, tape, instruments, version
        self.notes = [*tape.notes, *assumptions(config)]
        self.cautions = [*notes, *warnings(config, tape, instruments)]
        self.refused: Counter[str] = Counter()
        self.digits = MINOR_DIGITS.get(config.account.currency, 2)
        self.book = TradeBook({i.symbol: i for i in instruments}, self.digits)
        self.tally = Tally(config.account.balance, self.digits, config.data.trading_day)
        self.out = out
        self.writer: RunWriter | None = None
        self.trades: list[Trade] = []
        self.fills: list[e.Fill] = []
        self.costs: dict[int, e.DealCost] = {}
        """Deal -> what it cost against the middle of its quote, as the venue worked it out."""
        self.code: dict[str, str] = {}
        self.reads: dict[str, str] = {}
        self.unread: list[e.Event] = []
        self._samples: list[np.ndarray] = []
        self.spans, self.prices = array("q"), array("d")
        self._symbols = {symbol: k for k, symbol in enumerate(tape.symbols)}
        self.watched = {Stream(symbol, s.frame) for s in config.strategies for symbol in s.symbols}

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *error: object) -> None:
        """What is not finished is removed."""
        if self.writer:
            self.journal.abandon()
            self.writer.abort()

    def listen(self, bus: Bus) -> None:
        for kind in HEARD:
            bus.subscribe(kind, self.unread.append if self.out is None else self.hear)

    def hear(self, event: e.Event) -> None:
        """Enter what happened into the books."""
        if isinstance(event, e.Fill):
            self.on_fill(event)
        elif isinstance(event, e.Order):
            self.book.on_order(event)
        elif isinstance(event, e.Modified):
            self.book.on_modified(event)
        elif isinstance(event, e.Rejected):
            self.book.on_rejected(event)
        elif isinstance(event, e.Canceled):
            self.book.on_canceled(event)
        elif isinstance(event, e.MarginCall):
            self.tally.margin_call()
        elif isinstance(event, e.Correction):
            self.tally.correction(event.amount)
        if isinstance(event, e.Rejected | e.Denied | e.Canceled):
            self.on_refused(event)

    def catch_up(self) -> None:
        """Enter what a run without a folder has only put aside."""
        for event in self.unread:
            self.hear(event)
        self.unread.clear()

    def exits(self, reports: np.ndarray) -> None:
        """Stops and take-profits that positions were opened with, where no order told them: in the compiled lane.

        Of an order filled in parts the first deal opened the position: what its stop was at a later one does not count.
        """
        opened = reports[(reports["kind"] == FILL) & (reports["entry"] == ENTRY_IN)]
        for order, *exits in opened[["order", "stop", "take_profit"]][::-1].tolist():
            self.book.exits(order, *(None if price != price else price for price in exits))

    def on_refused(self, event: e.Rejected | e.Denied | e.Canceled) -> None:
        """Count what was not done, in the words in which the report will say it."""
        if isinstance(event, e.Rejected):
            what = "changes" if event.request else "orders"
            self.refused[f"{what} rejected by the venue: {event.reason}"] += 1
        elif isinstance(event, e.Canceled):
            if event.reason in VENUES_OWN:
                self.refused[f"orders canceled by the venue: {event.reason}"] += 1
        elif event.rule != "in_flight":  # a wish that waits for the order before it is no refusal
            self.refused[f"orders denied by the risk rule {event.rule}"] += 1

    def denials(self, counts: np.ndarray) -> None:
        """What the compiled lane was denied, by rule: it makes no events of it."""
        for rule, n in zip(RULES, counts.tolist(), strict=True):
            if n:
                self.refused[f"orders denied by the risk rule {rule}"] = n

    def on_fill(self, fill: e.Fill) -> None:
        trade = self.book.on_fill(fill, self.costs.pop(fill.deal, NO_COST))
        if trade:
            self.spans.extend((trade.open_ts, trade.close_ts, self._symbols[trade.symbol], trade.side))
            self.prices.extend((trade.open_price, trade.close_price))
        if self.writer:
            if trade:
                self.writer.trade(trade)
            return
        self.fills.append(fill)
        if trade:
            self.trades.append(trade)
            self.tally.trade(trade)

    def start(self, journal: Journal) -> None:
        """Reserve the run's folder, if it gets one, and write the journal's first frame."""
        self.journal = journal
        if self.out is not None:
            from engine.report.writer import RunWriter

            self.writer = RunWriter(self.out, self.config.name, self.tally)
            journal.open(self.writer.journal_path)
        first = self.tape.span[0]
        self.started = wall_text()
        config = self.config
        journal.write(e.Start(first, 1, config.name, config.to_json(), self.tape.fingerprint, self.version, self.reads))
        journal.begin()
        row = np.zeros(1, SAMPLE)
        row[0] = (first, config.account.balance, config.account.balance)
        self.samples(row)

    def samples(self, rows: np.ndarray) -> None:
        """Take equity samples (SAMPLE records)."""
        if not len(rows):
            return
        if self.writer:
            self.writer.equity(rows["ts"], rows["balance"], rows["equity"])
        else:
            self.tally.equity(rows["ts"], rows["balance"], rows["equity"])
            self._samples.append(rows)

    def bars(self, rows: Rows, closed: np.ndarray) -> None:
        """Bars for the chart: of the streams that strategies trade on."""
        if not self.writer or not len(closed):
            return
        for table in rows.tables.tables:
            mine = closed["row"][closed["stream"] == table.index]
            if len(mine) and table.stream in self.watched:
                columns = {n: table.columns[n][mine[0] : mine[-1] + 1] for n in CHARTED}
                self.writer.bars(table.stream.symbol, table.stream.frame, columns)

    def finish(self, journal: Journal, venue: SimulatedVenue, records: int, seconds: float) -> Result:
        account = venue.book[0][0]
        first, last = self.tape.span
        end = np.zeros(1, SAMPLE)
        end[0] = (last, int(account["balance"]) / 10**self.digits, account["equity"])
        self.samples(end)
        digest = journal.digest
        journal.write(e.End(last, "finished", digest))
        journal.close()
        positions = venue.book[3][: int(account["positions"])]
        figures = self.tally.figures(
            first_ts=first, last_ts=last, max_drawdown=float(account["drawdown"]),
            max_drawdown_share=float(account["drawdown_share"]), open_since=positions["ts"].tolist(),
            open_commission=self.book.open_commission(), ambiguous=int(account["ambiguous"]),
        )  # fmt: skip
        summary = Summary(
            name=self.config.name, engine=self.version, strategies=[s.id for s in self.config.strategies],
            symbols=list(self.tape.symbols), currency=self.config.account.currency, digits=self.digits,
            price_digits={i.symbol: i.digits for i in self.instruments}, zone=self.config.report.zone,
            first_ts=first, last_ts=last, records=records, kind=self.tape.kind, tape=self.tape.fingerprint,
            digest=digest, started=self.started, finished=wall_text(), figures=figures,
            attribution=self.book.attribution(), extra={"seconds": round(seconds, 3), "open_positions": len(positions)},
            months=self.tally.months(), trading_day=self.tally.day, days_per_year=self.tally.days_per_year,
            config=msgspec.json.decode(self.config.to_json()), notes=self.notes,
            code=self.code, reads=self.reads, excursions=source(self.tape, self.config.data.finest),
            open=[
                OpenTrade(held.id, held.strategy, held.symbol, held.side,
                          held.steps * self.book.instruments[held.symbol].step_units, held.ts, held.price, held.value)
                for held in self.book.open.values()
            ],
            cautions=[
                *self.cautions, *guessed(int(account["ambiguous"]), self.config),
                *refusals(self.refused),
            ],
        )  # fmt: skip
        path = None
        if self.writer:
            self.writer.reached(*self.reached())
            path = self.writer.finish(summary, summary.config)
            summary = self.writer.summary
        samples = np.concatenate(self._samples) if self._samples else np.zeros(0, SAMPLE)
        return Result(summary, digest, path, self.trades, samples, self.fills, self.tally.sessions.rows(), self.reached)

    def reached(self) -> tuple[np.ndarray, np.ndarray]:
        """The best and the worst price of each trade, from the tape once more."""
        opened, closed, symbol, side = np.array(self.spans, np.int64).reshape(-1, 4).T
        entry, leave = np.array(self.prices, np.float64).reshape(-1, 2).T
        return excursions(self.tape, Spans(opened, closed, symbol, side, entry, leave))


HEARD = (e.Order, e.Rejected, e.Canceled, e.Modified, e.Fill, e.MarginCall, e.Correction, e.Denied)
"""What moves the books or the figures; all else is in the journal alone (swap is paid with the deals)."""
VENUES_OWN = ("no liquidity", "stop out")
"""Why the venue cancels what nobody wanted canceled."""
CHARTED = ("ts", "open_ts", "open", "high", "low", "close")


TEXTS = dict.fromkeys(("strategy", "symbol", "direction", "exit_reason"), "str")


def code_of(made: object) -> str:
    """A hash of the file that a strategy is written in; empty where there is none, as in a notebook."""
    file = getattr(sys.modules.get(type(made).__module__), "__file__", None)
    return hashlib.blake2b(Path(file).read_bytes(), digest_size=8).hexdigest() if file and Path(file).is_file() else ""


def wall_text() -> str:
    """The time now, to the second."""
    return iso(wall_ns() // 10**9 * 10**9)


def differences(config: Config, run: Run) -> Iterable[str]:
    """What the run gave against what its config expects; nothing if the config was changed since."""
    expect = config.expect
    if expect is None or config.modified:
        return
    figures = run.summary.figures
    found = {"trades": figures["trades"], "balance": figures["end_balance"], "digest": run.digest}
    for name, value in found.items():
        wanted = getattr(expect, name)
        if wanted is not None and wanted != value:
            yield f"{name} is {value}, expected {wanted}"
