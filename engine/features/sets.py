"""Feature sets: files of named features, with grids of parameters, on frames and of symbols. `configs/features/*.toml`

    about = "what it is for"
    [features]
    trend = "close / sma(200) - 1"
    rsi = { feature = "rsi(period)", period = [5, 14, 28] }     # three columns: rsi_5 rsi_14 rsi_28
    cross = { feature = "ema(a) - ema(b)", a = [5, 10], b = [50, 100] }       # four: cross_5_50 cross_5_100 ...
    "H4.rsi" = "rsi(14)"                                        # of H4 bars; in a row it is called H4_rsi
    "USDJPY.H1.rsi" = { feature = "rsi(14)" }                   # of another symbol; row name USDJPY_H1_rsi
    slow = { feature = "atr(14)", on = "D1" }                   # of D1 bars, under its own name
    now = { feature = "rsi(14)", on = "H1", live = true }       # of the hour still forming: provisional

A column may be called `H4.rsi` in files; in rows, where a name is a word, every dot is an underscore. `on` and `symbol`
at the top of a file hold for all its features that do not say their own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.core.errors import ConfigError
from engine.core.frames import FRAMES, parse_frame
from engine.core.load import FEATURES as FOLDER
from engine.core.load import names, read_toml
from engine.core.registry import did_you_mean
from engine.features.plan import Plan
from engine.features.spec import Spec, of, on
from engine.features.text import read_feature

KEYS = ("about", "on", "symbol", "features")
WORDS = ("feature", "on", "symbol", "live")
"""Keys of an entry that is a table; every other one is a parameter and the values it takes."""
MOST = 1_000
"""Columns one entry may make."""


def feature_set(ref: str | Path) -> dict[str, Spec]:
    """The features of a set, by column: a name of configs/features, or a path.

    ConfigError names the file, the key and the nearest name; NotFound the file that is not there.

    >>> feature_set("starter")["rsi_14"]
    rsi(period=14)
    """
    path = Path(ref)
    if path.suffix != ".toml":
        known = names(FOLDER, "*.toml")
        if str(ref) not in known:
            raise ConfigError(f"no feature set is called {str(ref)!r}: {did_you_mean(str(ref), known)}")
        path = known[str(ref)]
    return read_set(read_toml(path), path.name)


def read_set(table: Mapping[str, Any], source: str = "") -> dict[str, Spec]:
    """The features of a table as TOML holds it; ConfigError names `source` and the key."""
    try:
        for key in table:
            if key not in KEYS:
                raise ConfigError(f"{key}: unknown key {key!r}: {did_you_mean(key, KEYS)}")
        entries = table.get("features")
        if not isinstance(entries, dict) or not entries:
            raise ConfigError('features: there are none: write [features] and rsi = "rsi(14)"')
        return read_entries(entries, {k: table[k] for k in ("on", "symbol") if k in table})
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}" if source else str(error)) from None


def read_entries(entries: Mapping[str, Any], common: Mapping[str, Any] = {}) -> dict[str, Spec]:
    """The columns that the entries of [features] make; `common` is what holds for all that do not say otherwise."""
    made: dict[str, Spec] = {}
    for name, entry in entries.items():
        try:
            for column, spec in read_entry(name, entry, common):
                if column in made:
                    raise ConfigError(f"the column {column!r} is made twice: rename one")
                Plan({column: spec})
                made[column] = spec
        except ConfigError as error:
            raise ConfigError(f"features.{name}: {error}") from None
    return made


def read_entry(name: str, entry: Any, common: Mapping[str, Any] = {}) -> Iterator[tuple[str, Spec]]:
    """Column and feature of one entry: one, or one for each combination of the values that its parameters take."""
    table = {"feature": entry} if isinstance(entry, str) else entry
    if not isinstance(table, dict) or "feature" not in table:
        raise ConfigError(f'{entry!r} is no feature: write "rsi(14)" or {{ feature = "rsi(n)", n = [5, 14] }}')
    symbol, frame, column = placed(name)
    symbol = symbol or table.get("symbol", common.get("symbol", ""))
    frame = frame or table.get("on", common.get("on", ""))
    for key, value in (("symbol", symbol), ("on", frame)):
        if not isinstance(value, str):
            raise ConfigError(f"{key}: must be text, not {value!r}")
    live = table.get("live", False)
    if not isinstance(live, bool) or (live and not frame):
        raise ConfigError(f"live: must be true or false, of a larger frame (on), not {live!r}")
    grid = {key: values_of(key, values) for key, values in table.items() if key not in WORDS}
    if (count := len(list(itertools.product(*grid.values())))) > MOST:
        raise ConfigError(f"{count} columns are too many: at most {MOST}")
    for chosen in itertools.product(*grid.values()):
        spec = read_feature(table["feature"], dict(zip(grid, chosen, strict=True)))
        spec = on(parse_frame(frame), spec, live) if frame else spec
        yield "_".join([column, *map(word_of, chosen)]), of(symbol, spec) if symbol else spec


def placed(name: str) -> tuple[str, str, str]:
    """`USDJPY.H1.rsi` as (symbol, frame, the column's name USDJPY_H1_rsi)."""
    *places, last = name.split(".")
    frame = places.pop() if places and places[-1].upper() in FRAMES else ""
    if len(places) > 1 or not all((last, *places)):
        raise ConfigError(f"{name!r} names no column: write rsi, H1.rsi, USDJPY.rsi or USDJPY.H1.rsi")
    return "".join(places), frame, name.replace(".", "_")


def values_of(key: str, values: Any) -> list[Any]:
    values = values if isinstance(values, list) else [values]
    if not values or any(isinstance(v, bool) or not isinstance(v, (int, float, str)) for v in values):
        raise ConfigError(f"{key}: must be the values that {key} takes, like [5, 10, 20]")
    if len(set(values)) < len(values):
        raise ConfigError(f"{key}: {values} names a value twice")
    return values


def word_of(value: Any) -> str:
    """A value in a column's name: 14 as it is, 0.5 as 0_5, -1 as m1."""
    return str(value).replace("-", "m").replace(".", "_")
