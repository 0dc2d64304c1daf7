"""Features of a whole data set at once, for research: the same kernels and the same bits as a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import ConfigError, DataError
from engine.core.frames import DAILY, FIXED, FRAMES, FX_DAY
from engine.core.registry import did_you_mean
from engine.core.table import BASE_COLUMNS, STAMPS, VALUES
from engine.features.contract import Feature
from engine.features.plan import Plan
from engine.features.spec import SERIES, Spec

if TYPE_CHECKING:
    import pandas

    from engine.core.tape import Tape


def frame(
    specs: Mapping[str, Spec | Feature | str],
    data: pandas.DataFrame | Tape,
    others: Mapping[str, pandas.DataFrame | Tape] | None = None,
    day: str = FX_DAY,
) -> pandas.DataFrame:
    """The features `specs` of the bars `data`, row by row, under the names a strategy's row would show.

    A feature may be a text: `{"far": "close / sma(200) - 1"}`. `data` has open, high, low, close, optionally volume and
    spread, and either stamps (`open_ts`, `ts` or `end`, int64 ns UTC) or a DatetimeIndex of open times (UTC if it names
    no zone). A tape of one symbol's bars does too. `others` holds the bars of other symbols and frames that features
    read, by name: `{"USDJPY": bars, "H1": bars, "USDJPY H1": bars}`; a row sees their last bar that had closed, or with
    `live=True` the one that is forming, of a frame above H1 by the trading `day`.
    Raises ConfigError for features of bars that are not there, DataError for data without stamps, out of order, or not
    of bars.
    """
    import pandas

    bars = bars_frame(data) if not isinstance(data, pandas.DataFrame) else data
    plan = Plan(named(specs))
    return table_of(plan, _computed(plan, bars, "", dict(others or {}), day), bars.index)


def table_of(plan: Plan, columns: Mapping[str, np.ndarray], index: pandas.Index) -> pandas.DataFrame:
    """The plan's columns as a table, whose `attrs` name those that are provisional."""
    import pandas

    made = pandas.DataFrame({name: columns[name] for name in plan.columns}, index=index)
    if plan.provisional:
        made.attrs["provisional"] = plan.provisional
    return made


def named(specs: Mapping[str, Spec | Feature | str]) -> dict[str, Spec | Feature]:
    """Texts among the features, read; ConfigError says under which name."""
    if not any(isinstance(spec, str) for spec in specs.values()):
        return dict(specs)  # type: ignore[arg-type]
    from engine.features.text import read_feature

    found: dict[str, Spec | Feature] = {}
    for name, spec in specs.items():
        try:
            found[name] = read_feature(spec) if isinstance(spec, str) else spec
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}") from None
    return found


def _computed(
    plan: Plan, data: pandas.DataFrame, place: str, others: dict[str, Any], day: str
) -> dict[str, np.ndarray]:
    """The columns that a row shows; `place` is symbol and frame of `data`, empty for those of the rows asked for."""
    columns = _read(data, place, {name for node in plan.nodes for name in node.reads})
    for symbol, larger, spec, column in plan.foreign:
        if symbol.startswith(SERIES):
            columns[column] = _told(data, symbol, spec, others, place)
            continue
        bring = _formed if spec.live else _brought
        columns[column] = bring(data, _place(symbol, larger, place), spec, others, place, day)
    for node in plan.nodes:
        for name in node.reads:
            if name in (*STAMPS, *VALUES) and name not in columns:
                raise DataError(f"{node.spec} needs a column {name!r}: {did_you_mean(name, data.columns)}")
    n = len(data)
    made = {name: columns[name] for name in plan.columns if name in columns}

    def add(name: str) -> np.ndarray:
        made[name] = np.empty(n)
        return made[name]

    plan.bind(columns, add).extend(0, n)
    return {name: made[name] for name in plan.columns}


def _place(symbol: str, larger: str, here: str) -> str:
    """`USDJPY H1` of what is read from `here`: what it does not say stays."""
    words = here.split()
    old_frame = words[-1] if words and words[-1] in FRAMES else ""
    old_symbol = words[0] if words and words[0] not in FRAMES else ""
    return " ".join(word for word in (symbol or old_symbol, larger or old_frame) if word)


def _other(others: dict[str, Any], place: str, spec: Spec) -> pandas.DataFrame:
    """The bars of another frame or symbol, as handed in; ConfigError if they were not."""
    import pandas

    if place not in others:
        known = f": {did_you_mean(place, others)}" if others else ""
        raise ConfigError(f"{spec} is of other bars ({place}): hand them in, others={{{place!r}: bars}}{known}")
    table = others[place]
    return table if isinstance(table, pandas.DataFrame) else bars_frame(table)


def _brought(data: pandas.DataFrame, place: str, spec: Spec, others: dict[str, Any], here: str, day: str) -> np.ndarray:
    """A column of another table, as of each row of `data`; NaN before the other's first bar, and while it warms up."""
    table = _other(others, place, spec)
    plan = Plan({"value": spec}) if spec.feature is not None else None
    if plan is None and spec.output not in (*STAMPS, *table.columns):
        raise DataError(f"bars of {place} have no {spec.output}: {did_you_mean(spec.output, table.columns)}")
    if plan is None:
        values = _read(table, place, {spec.output})[spec.output]
    else:
        values = _computed(plan, table, place, others, day)["value"]
    at = _known(table, place).searchsorted(_known(data, here), "right") - 1
    return np.where(at >= 0, values[np.maximum(at, 0)] if len(values) else np.nan, np.nan)


def _formed(data: pandas.DataFrame, place: str, spec: Spec, others: dict[str, Any], here: str, day: str) -> np.ndarray:
    """A column of the larger bar that is forming at each row of `data`."""
    from engine.features.forming import Forming

    target = np.full(len(data), np.nan)
    forming = Forming(spec, place.split()[-1], day, target)
    tables = []
    for table, where in ((data, here), (_other(others, place, spec), place)):
        columns = {**_read(table, where, {"end"}), "ts": _known(table, where)}
        if missing := [n for n in forming.reads if n not in columns]:
            raise DataError(f"{spec} needs a column {missing[0]!r}: {did_you_mean(missing[0], table.columns)}")
        tables.append({name: columns.get(name, target) for name in BASE_COLUMNS})
    forming.fill(tables[0], 0, len(data), tables[1], len(tables[1]["ts"]))
    return target


def _told(data: pandas.DataFrame, series: str, spec: Spec, others: dict[str, Any], place: str) -> np.ndarray:
    """What a series told when each bar ended; `others[series]` is what `engine.feeds.known.facts` gives."""
    if series not in others:
        raise ConfigError(f"{spec} is of a series: hand it in, others={{{series!r}: facts(...)}}")
    ends = np.ascontiguousarray(data["end"], np.int64) if "end" in data else _known(data, place)
    return np.asarray(others[series](spec.output, ends), np.float64)


def _known(data: pandas.DataFrame, place: str) -> np.ndarray:
    """When each bar was known: its close."""
    for name in ("ts", "end"):
        if name in data:
            return np.ascontiguousarray(data[name], np.int64)
    opened = _columns(data)["open_ts"]
    named_frame = place.split()[-1] if place else ""
    if named_frame in DAILY:
        raise DataError(f"bars of {place} need a column ts or end: their length changes with daylight saving")
    length = FIXED.get(named_frame) or (int(np.diff(opened).min()) if len(opened) > 1 else 0)
    return opened + length


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


def _read(data: pandas.DataFrame, place: str, names: set[str]) -> dict[str, np.ndarray]:
    """The columns of bars; where `end` is read and not given, a bar ends when it was known."""
    columns = _columns(data)
    if "end" in names and "end" not in data:
        columns["end"] = _known(data, place)
    return columns


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
