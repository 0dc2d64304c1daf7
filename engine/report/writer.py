"""Writes a run's folder while it runs: rows stream to disk, so a long run needs no more memory than a short one.

    runs/<n>-<name>/   trades.csv  days.csv  equity.parquet  bars.parquet  summary.json  report.html  (and the journal)

Everything is written into `runs/.<n>.partial/`, which gets its name when it is complete: who interrupts a run finds
nothing half-written. Making that folder is what reserves the number, so two processes never share one. A killed process
cannot tidy up: its folder stays hidden until the next run finds that nobody holds its lock, and removes it.
"""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engine.core.clock import iso
from engine.core.errors import OutputError
from engine.core.locks import unlock
from engine.portfolio.trades import Trade
from engine.report import html
from engine.report.days import FILE as DAYS
from engine.report.days import write_days
from engine.report.folder import reason, reserve
from engine.report.metrics import Tally
from engine.report.summary import FILE, Summary

ROWS = 65_536
"""Rows gathered before a row group is written."""
UTC_TIME = pa.timestamp("ns", tz="UTC")
EQUITY = pa.schema([("ts", pa.int64()), ("time", UTC_TIME), ("balance", pa.float64()), ("equity", pa.float64())])
PRICES = ("open", "high", "low", "close")
BARS = pa.schema(
    [("ts", pa.int64()), ("open_ts", pa.int64()), ("open_time", UTC_TIME)]
    + [(name, pa.string()) for name in ("symbol", "frame")]
    + [(name, pa.float64()) for name in PRICES]
)
TRADES = (
    "trade", "position", "strategy", "symbol", "direction", "lots", "units", "open_time", "open_price", "close_time",
    "close_price", "stop", "take_profit", "gross_profit", "commission", "swap", "net_profit", "exit_reason", "held_s",
    "order_in", "order_out", "spread_cost", "slippage_cost", "value", "best_price", "worst_price",
)  # fmt: skip
"""Columns of trades.csv: times ISO UTC, prices per unit, amounts in the account currency, held in seconds."""
REACHED = 2
"""The last columns: best_price and worst_price are known when the run has ended."""


class RunWriter:
    """One run's folder in the making. Use it as a context manager: what is not finished is removed.

    `tally` gathers the figures from the same trades and samples. `folder` is where the run writes meanwhile and
    `journal_path` where its journal belongs (close the journal before `finish`). Every method raises OutputError, in
    one line and with the partial folder removed, when the disk is full or a file-size limit is reached.
    """

    def __init__(self, root: Path, name: str, tally: Tally) -> None:
        self.root, self.tally = Path(root), tally
        self.name = re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip("-.") or "run"
        self.number, self.folder, self._lock = reserve(self.root)
        self.journal_path = self.folder / "journal"
        self._open: list[Any] = []
        self._done = False
        with self._writing():
            self._rows = self._file("trades.csv", "w")
            self._trades = csv.writer(self._rows, lineterminator="\n")
            self._trades.writerow(TRADES)
            self._equity = Columns(self._file("equity.parquet", "wb"), EQUITY)
            self._bars = Columns(self._file("bars.parquet", "wb"), BARS)
            self._open[:0] = [self._equity, self._bars]

    def trade(self, trade: Trade) -> None:
        """Append a closed trade to trades.csv."""
        with self._writing():
            self._trades.writerow(row(trade, self.tally.digits))
        self.tally.trade(trade)

    def equity(self, ts: np.ndarray, balance: np.ndarray, equity: np.ndarray) -> None:
        """Append samples of the account in time order: int64 ns UTC, float64, float64; the arrays are copied."""
        with self._writing():
            self._equity.add([ts, ts, balance, equity])
        self.tally.equity(ts, balance, equity)

    def bars(self, symbol: str, frame: str, columns: Mapping[str, np.ndarray]) -> None:
        """Append closed bars of one stream: `ts` (close), `open_ts`, `open high low close`; the arrays are copied."""
        stamps = [columns["ts"], columns["open_ts"], columns["open_ts"]]
        with self._writing():
            self._bars.add([*stamps, symbol, frame, *(columns[name] for name in PRICES)])

    def reached(self, best: np.ndarray, worst: np.ndarray) -> None:
        """The best and worst prices that each trade could have been closed at, float64 in the order of trades.csv."""
        with self._writing():
            self._rows.flush()
            path, more = self.folder / "trades.csv", self.folder / "trades.more"
            with path.open(encoding="utf-8", newline="") as old, more.open("w", encoding="utf-8", newline="") as new:
                lines, out = csv.reader(old), csv.writer(new, lineterminator="\n")
                out.writerow(next(lines))
                for line, *prices in zip(lines, best.tolist(), worst.tolist(), strict=True):
                    out.writerow([*line[:-REACHED], *map(price, prices)])
            self._rows.close()
            os.replace(more, path)

    def finish(self, summary: Summary, config: Any, notes: Sequence[str] = ()) -> Path:
        """Write summary.json and report.html, give the folder its final name and return it.

        `self.summary` is then what was written: with number, months, notes and config.
        """
        with self._writing():
            self._close()
            summary = msgspec.structs.replace(
                summary, name=self.name, number=self.number, config=config, notes=[*summary.notes, *notes],
                months=summary.months or self.tally.months(),
                trading_day=self.tally.day, days_per_year=self.tally.days_per_year,
            )  # fmt: skip
            write_days(self.folder / DAYS, self.tally.sessions.rows(), self.tally.digits)
            text = msgspec.json.format(msgspec.json.encode(summary), indent=2)
            (self.folder / FILE).write_bytes(text + b"\n")
            (self.folder / "report.html").write_text(html.render(self.folder), encoding="utf-8", newline="\n")
            final = self.root / f"{self.number}-{self.name}"
            os.rename(self.folder, final)
        self._done, self.summary = True, summary
        unlock(self._lock)
        return final

    def abort(self) -> None:
        """Remove what was written so far; harmless after `finish`."""
        if self._done:
            return
        self._done = True
        for stream in self._open:
            with suppress(OSError, pa.ArrowException):
                stream.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        unlock(self._lock)

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.abort()

    def _file(self, name: str, mode: str) -> Any:
        text = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
        stream = open(self.folder / name, mode, **text)  # type: ignore[call-overload]
        self._open.append(stream)
        return stream

    def _close(self) -> None:
        while self._open:
            self._open[0].close()
            del self._open[0]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.abort()
            raise OutputError(f"run {self.number} could not be written to {self.root}: {reason(error)}") from None


class Columns:
    """A Parquet file that grows by row groups; a text in place of an array is one value for all rows."""

    def __init__(self, sink: Any, schema: pa.Schema) -> None:
        self.schema = schema
        self._rows: list[pa.RecordBatch] = []
        self._count = 0
        stamps = {name: "DELTA_BINARY_PACKED" for name in schema.names if name.endswith(("ts", "time"))}
        texts = [name for name in schema.names if schema.field(name).type == pa.string()]
        self._file = pq.ParquetWriter(
            sink, schema, compression="zstd", use_dictionary=texts, column_encoding=stamps, write_page_checksum=True
        )

    def add(self, columns: list[np.ndarray | str]) -> None:
        count = len(columns[0])
        if not count:
            return
        arrays = [column(values, count, field.type) for values, field in zip(columns, self.schema, strict=True)]
        self._rows.append(pa.RecordBatch.from_arrays(arrays, schema=self.schema))
        self._count += count
        if self._count >= ROWS:
            self._flush()

    def _flush(self) -> None:
        rows, self._rows, self._count = self._rows, [], 0
        if rows:
            self._file.write_table(pa.Table.from_batches(rows).combine_chunks())

    def close(self) -> None:
        """Write what is left and the footer."""
        try:
            self._flush()
            self._file.close()
        finally:
            self._file.is_open = False


def column(values: np.ndarray | str, count: int, kind: pa.DataType) -> pa.Array:
    """A copy in Arrow's memory, made from bytes: `pa.array` would import pandas, half a second, to look at numpy."""
    if isinstance(values, str):
        raw = values.encode()
        ends = (np.arange(count + 1) * len(raw)).astype(np.int32)
        return pa.StringArray.from_buffers(count, pa.py_buffer(ends.tobytes()), pa.py_buffer(raw * count))
    dtype = np.float64 if kind == pa.float64() else np.int64
    return pa.Array.from_buffers(kind, count, [None, pa.py_buffer(np.asarray(values).astype(dtype).tobytes())])


def row(trade: Trade, digits: int) -> list[object]:
    """A trade as a line of trades.csv."""
    amounts = (trade.profit, trade.commission, trade.swap, trade.net, trade.spread, trade.slippage, trade.value)
    *money, spread, slippage, value = [f"{amount:.{digits}f}" for amount in amounts]
    exits = [price(p) for p in (trade.stop, trade.take_profit)]
    return [
        trade.id, trade.position, trade.strategy, trade.symbol, "long" if trade.side > 0 else "short",
        f"{trade.lots:.8g}", f"{trade.units:.12g}", iso(trade.open_ts), price(trade.open_price), iso(trade.close_ts),
        price(trade.close_price), *exits, *money, trade.reason, f"{trade.duration / 1e9:.12g}",
        trade.order_in, trade.order_out, spread, slippage, value, "", "",
    ]  # fmt: skip


def trades_csv(trades: Iterable[Trade], digits: int, best: np.ndarray, worst: np.ndarray) -> io.StringIO:
    """Trades as a trades.csv in memory, to be read from its start."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(TRADES)
    for trade, *prices in zip(trades, best.tolist(), worst.tolist(), strict=True):
        lines.writerow([*row(trade, digits)[:-REACHED], *map(price, prices)])
    text.seek(0)
    return text


def price(value: float | None) -> str:
    return "" if value is None else f"{value:.12g}"
