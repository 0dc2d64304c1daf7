"""A run of signals that were made elsewhere: a table in, through the same risk, execution and venue as any strategy.

table = pandas.DataFrame({"ts": ..., "symbol": "EURUSD", "signal": [1.0, 0.0], "stop": [1.05, None]})
run = engine.backtest_signals(table, open_tape("demo", ["EURUSD"], "H1"))
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from engine.core.clock import iso
from engine.core.config import Config, DataConfig, StrategyConfig
from engine.core.errors import ConfigError, DataError
from engine.core.events import Signal
from engine.core.quantity import Size
from engine.core.registry import did_you_mean
from engine.core.tape import Tape
from engine.core.zones import parse_zone, wall_to_utc
from engine.record import Run
from engine.run import backtest_with, open_config_tape
from engine.strategy import Strategy

if TYPE_CHECKING:
    import pandas

COLUMNS = ("ts", "symbol", "signal", "stop", "take_profit")


def backtest_signals(
    table: pandas.DataFrame,
    data: Tape | None = None,
    *,
    config: Config | str | None = None,
    zone: str = "",
    size: str = "",
    name: str = "signals",
    out: Path | str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """Trade what a table says, row by row: at `ts` be `signal` long (+1) .. short (-1) of `symbol`.

    table   columns ts (or a DatetimeIndex), symbol (not needed for a tape of one), signal, and optionally stop and
            take_profit, prices for what gets opened, NaN for none. `ts` is the moment at which the signal was known:
            for one made of a bar that is the bar's close. Stamps with a zone, or int64 ns UTC
    data    a tape; by default the one that `config` names
    config  a Config, or the name or path of one: its account, venue and risk count, its strategies do not
    zone    of stamps that name none; without it they are refused
    size    of a full signal, like "0.10 lots" or "1 % risk"; by default the config's

    A wish is not known before its `ts`; it fills at the first price after that, and after the latency. Raises
    DataError for stamps without a zone, out of order, twice for one symbol or outside the data, for a signal that is
    NaN or beyond 1, for a stop that is no price; ConfigError for an unknown symbol or column, and for a size by risk
    without stops.
    """
    base = _config(config, data, name)
    tape = open_config_tape(base) if data is None else data
    made = SignalTable(read_signals(table, tape.symbols, zone), name)
    made.check_span(tape.span)
    one = StrategyConfig(name=name, params={"rows": len(made.signals), "table": made.digest})
    risk = replace(base.risk, size=Size.parse(size)) if size else base.risk
    if risk.size.unit == "% risk" and any(s.strength and s.stop is None for s in made.signals):
        raise ConfigError(
            f"a size of {risk.size} needs a stop in every row that opens: give the table a column stop, or say"
            ' size="0.10 lots"'
        )
    ready = replace(base, name=name, strategy=(one,), risk=risk, expect=None, run=replace(base.run, lane="python"))
    return backtest_with(ready, [made], data, out, progress)


def _config(given: Config | str | None, data: Tape | None, name: str) -> Config:
    if isinstance(given, str):
        from engine.core.load import load

        given = load(given)
    if given is None and data is None:
        raise ConfigError("signals need a market: give data, a tape, or the config that names one")
    if data is None:
        return cast(Config, given)
    from engine.feeds.tapes import frame_of

    frame = frame_of(data) if data.kind == "bars" else "H1"
    memory = DataConfig("memory", (), data.symbols, cast(Any, data.kind), frame)
    stand_in = (StrategyConfig(name=name),)
    return replace(given, data=memory, strategy=stand_in) if given else Config(name, data=memory, strategy=stand_in)


@dataclass
class SignalTable(Strategy):
    """A strategy whose wishes are written down: each is published at its `ts`, and nobody sees it before."""

    signals: tuple[Signal, ...]
    id: str = "signals"

    def on_start(self) -> list[Signal]:
        return [Signal(s.ts, self.id, s.symbol, s.strength, s.stop, s.take_profit) for s in self.signals]

    @property
    def digest(self) -> str:
        told = repr([(s.ts, s.symbol, s.strength, s.stop, s.take_profit) for s in self.signals])
        return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()

    def check_span(self, span: tuple[int, int]) -> None:
        """DataError for signals before the first or after the last moment of the tape."""
        outside = [n for n, s in enumerate(self.signals) if not span[0] <= s.ts <= span[1]]
        if outside:
            row = outside[0]
            raise DataError(
                f"row {row + 1}: {iso(self.signals[row].ts)} lies outside the data, {iso(span[0])} to {iso(span[1])}"
                f" ({len(outside)} rows do)"
            )


def read_signals(table: pandas.DataFrame, symbols: tuple[str, ...], zone: str = "") -> tuple[Signal, ...]:
    """The rows of a table as signals, in order; errors as `backtest_signals` says."""
    import pandas

    if not isinstance(table, pandas.DataFrame):
        raise DataError(f"signals are a table (pandas.DataFrame), not a {type(table).__name__}")
    for column in table.columns:
        if column not in COLUMNS:
            hint = did_you_mean(str(column), COLUMNS)
            raise ConfigError(f"column {str(column)!r} is none of {', '.join(COLUMNS)}: {hint} Drop it if not.")
    if "signal" not in table:
        raise ConfigError("the table has no column signal: +1 long, 0 flat, -1 short")
    if not len(table):
        raise DataError("the table holds no signals")
    ts = _stamps(table, zone)
    names = _symbols(table, symbols)
    strength = _numbers(table, "signal")
    refuse(~(np.abs(strength) <= 1.0), strength, "a signal is a number from -1 to 1")
    exits = []
    for column in ("stop", "take_profit"):
        values = _numbers(table, column) if column in table else np.full(len(table), np.nan)
        refuse(
            ~(np.isnan(values) | ((values > 0.0) & np.isfinite(values))), values, f"{column} is a price, or NaN: none"
        )
        exits.append([None if v != v else v for v in values.tolist()])
    _in_order(ts, names)
    rows = zip(ts.tolist(), names, strength.tolist(), *exits, strict=True)
    return tuple(Signal(t, "", symbol, s or 0.0, stop, goal) for t, symbol, s, stop, goal in rows)


def refuse(wrong: np.ndarray, values: Any, why: str) -> None:
    """DataError that names the first row that is wrong, counted from 1, and how many are."""
    rows = np.flatnonzero(wrong)
    if len(rows):
        more = f" ({len(rows)} rows are)" if len(rows) > 1 else ""
        raise DataError(f"row {rows[0] + 1}: {values[rows[0]]}: {why}{more}")


def _stamps(table: pandas.DataFrame, zone: str) -> np.ndarray:
    """int64 ns UTC."""
    import pandas

    given = pandas.Series(table["ts"].array if "ts" in table else table.index.array)
    if given.dtype.kind == "i" and "ts" in table:
        return np.ascontiguousarray(given, np.int64)
    if given.dtype.kind != "M":
        raise DataError('the table needs a column ts (or an index) of datetimes: pandas.to_datetime(table["ts"])')
    refuse(given.isna().to_numpy(), given.array, "there is no time")
    aware = given.dt.tz is not None
    if aware and zone:
        raise ConfigError(f"zone {zone!r}: the stamps name their own ({given.dt.tz}): leave it out")
    if not aware and not zone:
        raise DataError('the stamps name no zone: say which with zone="UTC" or zone="Europe/Athens"')
    plain = given.dt.tz_convert("UTC").dt.tz_localize(None) if aware else given
    stamps = np.ascontiguousarray(plain.to_numpy("datetime64[ns]")).view(np.int64)
    return stamps if aware else wall_to_utc(stamps, parse_zone(zone))


def _symbols(table: pandas.DataFrame, symbols: tuple[str, ...]) -> list[str]:
    if "symbol" not in table:
        if len(symbols) > 1:
            raise ConfigError(f"the table has no column symbol, and the data hold several: {', '.join(symbols)}")
        return [symbols[0]] * len(table)
    names = [str(name) for name in table["symbol"]]
    for row, name in enumerate(names):
        if name not in symbols:
            raise ConfigError(f"row {row + 1}: no {name} in the data: {did_you_mean(name, symbols)}")
    return names


def _numbers(table: pandas.DataFrame, column: str) -> np.ndarray:
    try:
        return np.asarray(table[column].to_numpy(dtype=np.float64, na_value=np.nan))
    except (TypeError, ValueError):
        raise DataError(f"column {column}: holds {table[column].dtype}, numbers are wanted") from None


def _in_order(ts: np.ndarray, names: list[str]) -> None:
    """Rows must rise in time, and say one thing about a symbol at a time."""
    back = np.flatnonzero(np.diff(ts) < 0)
    if len(back):
        row = int(back[0]) + 1
        raise DataError(f"row {row + 1}: {iso(int(ts[row]))} comes after {iso(int(ts[row - 1]))}: sort the table by ts")
    seen: set[tuple[int, str]] = set()
    for row, key in enumerate(zip(ts.tolist(), names, strict=True)):
        if key in seen:
            raise DataError(f"row {row + 1}: a second signal for {key[1]} at {iso(key[0])}: keep one of them")
        seen.add(key)
