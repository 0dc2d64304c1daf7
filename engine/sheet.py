"""Features of other frames and symbols, for research: by the tables of a run, so with the bits of a run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from engine.core.config import Config, DataConfig, StrategyConfig
from engine.core.errors import ConfigError
from engine.core.frames import parse_frame
from engine.core.registry import did_you_mean
from engine.core.table import STAMPS, Stream, Table
from engine.core.tape import Tape
from engine.features import batch
from engine.features.contract import Feature
from engine.features.plan import Plan
from engine.features.spec import Spec
from engine.feeds.tapes import frame_of
from engine.rows import Rows, bind
from engine.setup import bar_builder, stream_finder, streams_of

if TYPE_CHECKING:
    import pandas

ROOM = 1_024
Specs = Mapping[str, Spec | Feature | str] | str | Path


def frame(
    features: Specs,
    data: pandas.DataFrame | Tape,
    others: Mapping[str, Any] | None = None,
    symbol: str = "",
    timeframe: str = "",
) -> pandas.DataFrame:
    """Features row by row, under the names a strategy's row would show: `engine.frame({"r": "rsi(14)"}, bars)`.

    `features` are named features or texts, the name of a feature set ("starter"), or a set's path. `data` is a
    DataFrame of bars (see `engine.features.frame`; `others` holds the bars of other symbols and frames by name), or a
    tape of quotes or bars: then bars of every frame and symbol that is read are made of it as in a run, and the rows
    are those of `symbol` and `timeframe` (by default the tape's first symbol and its own bars).
    Raises ConfigError for what the data cannot give, DataError for data that are not bars.
    """
    if isinstance(features, (str, Path)):
        from engine.features.sets import feature_set

        features = feature_set(features)
    specs = batch.named(features)
    if not hasattr(data, "blocks"):
        if symbol or timeframe:
            raise ConfigError("symbol and timeframe choose rows of a tape: a DataFrame has one kind of rows")
        return batch.frame(specs, data, others)
    if others is not None:
        raise ConfigError("others holds bars beside a DataFrame: a tape has its symbols, and makes the frames itself")
    return replayed(Plan(specs), data, symbol or data.symbols[0], timeframe)


def replayed(plan: Plan, tape: Tape, symbol: str, timeframe: str) -> pandas.DataFrame:
    """The columns of the plan on one stream of a tape, as a run's tables hold them."""
    if symbol not in tape.symbols:
        raise ConfigError(f"the tape has no {symbol}: {did_you_mean(symbol, tape.symbols)}")
    if tape.kind != "bars" and not timeframe:
        raise ConfigError('a tape of quotes has no bars of its own: say which, timeframe="M15"')
    held = frame_of(tape) if tape.kind == "bars" else ""
    own = Stream(symbol, parse_frame(timeframe) if timeframe else held)
    kind: Literal["quotes", "bars"] = "bars" if tape.kind == "bars" else "quotes"
    data = DataConfig("memory", (), tape.symbols, kind, held or own.frame)
    config = Config(
        name="sheet", data=data, strategy=(StrategyConfig(name="sheet", symbols=(symbol,), frame=own.frame),)
    )
    reads = [Stream(*place) for place in plan.streams(own.symbol, own.frame)]
    streams = streams_of(config, tape.symbols, [own, *reads])
    builder = bar_builder(config, tape, streams, max(ROOM, plan.farthest + 1))
    find = stream_finder(streams)
    views = bind(builder.tables, find(own.symbol, own.frame), "sheet", plan.specs, find)
    rows, parts, table = Rows(builder.tables, views, []), list[dict[str, np.ndarray]](), views[-1].table
    for block in tape.blocks():
        lo = 0
        while lo < len(block):
            rows.slide(ROOM)
            before = table.n
            lo, _ = builder.feed(block, lo)
            rows.extend(builder.grace)
            parts.append(taken(table, plan, before))
    done = False
    while not done:
        rows.slide(ROOM)
        before = table.n
        done, _ = builder.clock(tape.span[1])
        rows.extend(builder.grace)
        parts.append(taken(table, plan, before))
    return as_frame(plan, parts)


def taken(table: Table, plan: Plan, lo: int) -> dict[str, np.ndarray]:
    """The rows from `lo` on, copied before they slide."""
    columns = {name: table.columns[f"sheet.{name}"] for name in plan.columns}
    columns |= {name: table.columns[name] for name in STAMPS}
    return {name: values[lo : table.n].copy() for name, values in columns.items()}


def as_frame(plan: Plan, parts: list[dict[str, np.ndarray]]) -> pandas.DataFrame:
    import pandas

    whole = {name: np.concatenate([part[name] for part in parts]) for name in (*STAMPS, *plan.columns)}
    index = pandas.DatetimeIndex(pandas.to_datetime(whole["open_ts"], unit="ns", utc=True), name="time")
    return batch.table_of(plan, whole, index)
