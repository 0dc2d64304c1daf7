"""`onetape features plot`, and features of the project beside those that ship."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.core.errors import ConfigError, NotFound, OutputError, unwritten

if TYPE_CHECKING:
    from engine.features.contract import Feature
    from engine.features.spec import Spec

DEMO = "demo/EURUSD/bars-H1"


def find(name: str) -> Feature:
    """A feature that ships, or one of the project's own, in `strategies/_NAME.py`. NotFound names the nearest."""
    from engine.features import FEATURES

    is_feature(name)
    return FEATURES.get(name)


def is_feature(name: str) -> bool:
    """Is there a feature of that name, shipped or the project's own? Its file is then imported."""
    from engine.features import load_all

    known = load_all()
    if name not in known and name.isidentifier() and importlib.util.find_spec(f"strategies._{name}"):
        importlib.import_module(f"strategies._{name}")
    return name in known


def bound(name: str, sets: Iterable[str]) -> Spec:
    """The feature with `KEY=VALUE` parameters and inputs: `rsi`, `["period=7", "close=high"]`; or a text.

    >>> bound("rsi", ["period=7"]), bound("close / sma(20)", [])
    (rsi(period=7), close / sma(period=20))
    """
    if not name.isidentifier():
        return written(name, sets)
    values: dict[str, Any] = {}
    for pair in sets:
        key, equals, text = pair.partition("=")
        if not equals:
            raise ConfigError(f"--set {pair}: write KEY=VALUE, like --set period=20")
        values[key.strip()] = value_of(text.strip())
    feature = find(name)
    missing = [given for given in feature.required if given not in values]
    if missing:
        raise ConfigError(f"{name} needs {', '.join(missing)}: write --set {missing[0]}=close")
    return feature(**values)


def written(text: str, sets: Iterable[str]) -> Spec:
    """A text such as `sma(20) / sma(50) - 1`, of the bars themselves."""
    from engine.features import Plan
    from engine.features.text import read_feature

    spec = read_feature(text)
    if any(sets):
        raise ConfigError(f"--set is for a feature by its name: write parameters into {text!r}")
    if Plan({"value": spec}).foreign:
        raise ConfigError(f"{text!r} reads other bars: a plot has one kind, which --data chooses")
    return spec


def value_of(text: str) -> Any:
    """
    >>> value_of("20"), value_of("2.5"), value_of("true"), value_of("mt5")
    (20, 2.5, True, 'mt5')
    """
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            pass
    return {"true": True, "false": False}.get(text, text)


def plot(name: str, sets: Iterable[str] = (), data: str = DEMO, out: Path | None = None) -> dict[str, Any]:
    """Write the feature's page over the bars of a dataset, `SOURCE/SYMBOL/bars-FRAME`; says where it is.

    NotFound for an unknown feature or dataset, ConfigError for parameters that cannot be or a dataset of quotes,
    OutputError when the file cannot be written: what was there before is kept.
    """
    spec = bound(name, sets)
    source, symbol, kind = dataset_of(data)
    from engine.feeds.tapes import open_tape
    from engine.report.feature_page import columns_of, render

    tape = open_tape(source, (symbol,), kind, spread=None if source == "demo" else "0 points")
    bars = columns_of(tape)
    text = render(spec, bars, symbol, kind, note=f"times in UTC, {data}")
    path = out or Path(re.sub(r"\W+", "_", name).strip("_") + ".html")
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"{path} could not be written: {unwritten(error)}") from None
    return {"feature": str(spec), "bars": len(bars["close"]), "data": data, "file": str(path)}


def dataset_of(name: str) -> tuple[str, str, str]:
    """Source, symbol and frame of a dataset of bars."""
    parts = name.split("/")
    if len(parts) != 3:
        raise NotFound(f"no dataset {name!r}: write SOURCE/SYMBOL/bars-FRAME, like {DEMO}")
    if not parts[2].startswith("bars-"):
        raise ConfigError(f"{name}: features are computed on bars, and this holds {parts[2]}")
    return parts[0], parts[1], parts[2].removeprefix("bars-")
