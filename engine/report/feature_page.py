"""A feature's page: one HTML file that needs nothing else, with prices, the feature's columns and its definition."""

from __future__ import annotations

import inspect
import math
import textwrap
from dataclasses import dataclass
from html import escape
from string import Template
from typing import Any

import numpy as np

from engine.core.errors import DataError
from engine.core.table import STAMPS, VALUES
from engine.core.tape import Tape
from engine.features import Plan, Spec
from engine.features.contract import Feature
from engine.report.html import document, page, pairs
from engine.report.series import pack, packed

BARS = 60_000
"""Bars a page carries: the last ones."""


@dataclass(frozen=True)
class Line:
    """One column of a feature over the bars: `over` the prices, or in a pane of its `unit`."""

    name: str
    unit: str
    over: bool
    values: np.ndarray


def columns_of(tape: Tape) -> dict[str, np.ndarray]:
    """The bars of a tape of one symbol as a table's columns. DataError for quotes, or several symbols."""
    if tape.kind != "bars" or len(tape.symbols) > 1:
        what = f"{tape.kind} of {', '.join(tape.symbols)}"
        raise DataError(f"a feature is plotted on the bars of one symbol, this tape holds {what}")
    blocks = list(tape.blocks())
    found = {name: np.concatenate([getattr(block, name) for block in blocks]) for name in VALUES}
    opened, closed = (np.concatenate([getattr(block, name) for block in blocks]) for name in ("ts_event", "ts"))
    return {**dict.fromkeys(STAMPS, closed), "open_ts": opened, **found}


def lines(spec: Spec, bars: dict[str, np.ndarray]) -> list[Line]:
    """The feature's columns, computed over the bars by the kernels that a run uses.

    >>> from engine.features import sma
    >>> from tests.features.market import reference
    >>> [(line.name, line.over) for line in lines(sma(20), reference())]
    [('sma', True)]
    """
    feature, n = owner(spec), len(bars["close"])
    plan, made = Plan({feature.name: spec}), dict[str, np.ndarray]()
    plan.bind(bars, lambda name: made.setdefault(name, np.empty(n))).extend(0, n)
    kept = [feature.outputs.index(output) for output in spec.outputs]
    units = [feature.unit[k] for k in kept]
    over = [feature.pane == "price" and unit == "price" for unit in units]
    return [Line(*row) for row in zip(spec.outputs, units, over, (made[c] for c in plan.columns), strict=True)]


def owner(spec: Spec) -> Feature:
    assert spec.feature is not None
    return spec.feature


def panes(drawn: list[Line]) -> list[dict[str, Any]]:
    """Lines that share a pane: those over the prices, and the others by their unit."""
    groups: dict[tuple[bool, str], list[Line]] = {}
    for line in drawn:
        groups.setdefault((line.over, "" if line.over else line.unit), []).append(line)
    return [
        {"over": over, "unit": unit.replace("_", " "), "lines": group} for (over, unit), group in sorted(groups.items())
    ]


def render(spec: Spec, bars: dict[str, np.ndarray], symbol: str, frame: str, digits: int = 5, note: str = "") -> str:
    """The page of a feature over these bars (columns of a table). `note` says what the bars are."""
    feature, drawn, first = owner(spec), lines(spec, bars), max(len(bars["close"]) - BARS, 0)
    shown = {name: values[first:] for name, values in bars.items()}
    drawn = [Line(line.name, line.unit, line.over, line.values[first:]) for line in drawn]
    rows = np.stack([shown["open_ts"] / 1e6, *(shown[name] for name in ("open", "high", "low", "close"))])
    groups = panes(drawn)
    carried = [
        {**g, "lines": [{"name": line.name, "values": pack(line.values)} for line in g["lines"]]} for g in groups
    ]
    below = sum(not group["over"] for group in groups)
    body = Template(page("feature.html")).substitute(
        summary=escape(feature.summary),
        declared=pairs(declared(spec)),
        columns=figures(drawn),
        code=escape(code(feature)),
    )
    told = escape(" · ".join(part for part in (symbol, frame, f"{rows.shape[1]:,} bars", note) if part))
    data = {"stream": packed(symbol, frame, 1, rows), "digits": digits, "groups": carried}
    height = f"#chart {{ height: {460 + 170 * below}px; }}\n"
    return document(str(spec), str(spec), told, body, data, ("chart.js", "feature.js"), height)


def declared(spec: Spec) -> list[tuple[str, str]]:
    """What the declaration says, in words."""
    feature = owner(spec)
    inner = [f"{name} = {source}" for name, source in spec.inputs if isinstance(source, Spec)]
    rows = [
        ("Parameters", ", ".join(f"{name} = {value}" for name, value in spec.params)),
        ("Reads", ", ".join(sorted(spec.reads))),
        ("Computed first", "; ".join(inner)),
        ("First value", f"bar {spec.warmup}"),
        ("Confirmed after", f"{spec.confirmed_after} bars" if spec.confirmed_after else ""),
        ("Rows back", str(feature.lookback)),
        ("Forgets its start in", "no bars" if str(feature.settle) == "0" else f"{feature.settle} bars"),
        ("Range", " to ".join(f"{end:g}" for end in feature.range) if feature.range else ""),
        ("Compared with", ", ".join(name for name in feature.like if name != "-")),
        ("Source", feature.source),
        ("Identity", spec.identity),
    ]
    return [(label, text) for label, text in rows if text]


def figures(drawn: list[Line]) -> str:
    """A line per column: lowest, mean, highest, and the share of bars with a value."""
    heads = "".join(f"<th>{word}</th>" for word in ("", "Unit", "Lowest", "Mean", "Highest", "Bars with a value"))
    out = [f"<thead><tr>{heads}</tr></thead><tbody>"]
    for line in drawn:
        there = line.values[~np.isnan(line.values)]
        share = len(there) / max(len(line.values), 1)
        three = (there.min(), there.mean(), there.max()) if len(there) else (math.nan,) * 3
        cells = [line.unit.replace("_", " "), *(f"{v:.6g}" for v in three), f"{share:.1%}"]
        out.append(f"<tr><th>{escape(line.name)}</th>" + "".join(f"<td>{escape(c)}</td>" for c in cells) + "</tr>")
    return "".join([*out, "</tbody>"])


def code(feature: Feature) -> str:
    """The declaration and the kernel as they stand in their file: the definition itself."""
    try:
        return textwrap.dedent(inspect.getsource(feature.kernel)).strip()
    except OSError:
        return "(made from a table: its text is not in a file)"
