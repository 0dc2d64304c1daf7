"""Features of a whole data set at once, for research: the same kernels and the same bits as a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from engine.core.errors import ConfigError, DataError
from engine.core.registry import did_you_mean
from engine.core.table import STAMPS, VALUES
from engine.features.contract import Feature
from engine.features.plan import Plan
from engine.features.spec import Spec

if TYPE_CHECKING:
    import pandas

    from engine.core.tape import Tape


def frame(specs: Mapping[str, Spec | Feature], data: pandas.DataFrame | Tape) -> pandas.DataFrame:
    """The features `specs` of the bars `data`, row by row, under the names a strategy's row would show.

    `data` has open, high, low, close, optionally volume and spread, and either stamps (`open_ts`, `ts` or `end`,
    int64 ns UTC) or a DatetimeIndex of open times (UTC if it names no zone). A tape of one symbol's bars does too.
    Raises ConfigError for features of other frames, DataError for data without stamps, out of order, or not of bars.
    """
    import pandas

    if not isinstance(data, pandas.DataFrame):
        data = bars_frame(data)
    plan = Plan(specs)
    if plan.foreign:
        raise ConfigError(f"{plan.foreign[0][1]} is of another frame ({plan.foreign[0][0]}): run a backtest for that")
    columns = _columns(data)
    for node in plan.nodes:
        for name in node.reads:
            if name in (*STAMPS, *VALUES) and name not in columns:
                raise DataError(f"{node.spec} needs a column {name!r}: {did_you_mean(name, data.columns)}")
    n = len(data)
    made: dict[str, np.ndarray] = {}

    def add(name: str) -> np.ndarray:
        made[name] = np.empty(n)
        return made[name]

    plan.bind(columns, add).extend(0, n)
    return pandas.DataFrame({name: made[name] for name in plan.columns}, index=data.index)


def bars_frame(tape: Tape) -> pandas.DataFrame:
    """The bars of a tape of one symbol as a table, indexed by their opening time (UTC).

    DataError for a tape of quotes or of several symbols, and for what is neither a tape nor a DataFrame.
    """
    import pandas

    if not hasattr(tape, "blocks"):
        raise DataError(f"bars are a DataFrame or a tape, not a {type(tape).__name__}")
    if tape.kind != "bars" or len(tape.symbols) > 1:
        raise DataError(
            f"features are computed on the bars of one symbol, this tape holds {tape.kind} of {', '.join(tape.symbols)}"
        )
    blocks = list(tape.blocks())
    columns = {name: np.concatenate([getattr(block, name) for block in blocks]) for name in VALUES}
    opened = np.concatenate([block.ts_event for block in blocks])
    index = pandas.DatetimeIndex(pandas.to_datetime(opened, unit="ns", utc=True), name="time")
    return pandas.DataFrame(columns, index=index)


def _columns(data: pandas.DataFrame) -> dict[str, np.ndarray]:
    import pandas

    columns = {c: np.ascontiguousarray(data[c], np.float64) for c in VALUES if c in data}
    given = [c for c in ("open_ts", "ts", "end") if c in data]
    if given:
        stamps = {c: np.ascontiguousarray(data[c], np.int64) for c in given}
    elif isinstance(data.index, pandas.DatetimeIndex):
        index = data.index.tz_convert("UTC").tz_localize(None) if data.index.tz is not None else data.index
        stamps = {"open_ts": np.ascontiguousarray(index.to_numpy("datetime64[ns]").view(np.int64))}
    else:
        raise DataError("the data need stamps: a DatetimeIndex of open times, or a column ts (int64 ns UTC)")
    first = next(iter(stamps.values()))
    if len(first) and (np.diff(first) < 0).any():
        raise DataError("the bars are not in the order of time")
    return {**{c: stamps.get(c, first) for c in STAMPS}, **columns}
