"""A page of the documentation per feature, with a plot: `python -m engine.report.feature_docs`, which `make docs` runs.

Everything is read from the declarations and drawn from the demo's bars, so nothing of it is kept in the repository.
"""

from __future__ import annotations

import inspect
import sys
from html import escape
from itertools import groupby
from pathlib import Path

import numpy as np

from engine.features import FAMILIES, Spec, load_all
from engine.features.contract import Feature
from engine.report.feature_page import Line, code, columns_of, declared, lines, owner, panes

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "feature"
SHOWN, WIDE, TALL, PANE, GAP, EDGE = 160, 760, 240, 90, 10, 64
"""Bars drawn; width, height of the prices and of another pane, space between, room for the numbers at the right."""
COLORS = ("#2456b8", "#d97706", "#0b8f6c", "#d1433f", "#7c3aed", "#64748b")
UP, DOWN, SOFT = "#0b8f6c", "#d1433f", "#8d97a6"


class Axis:
    """From values to heights within a pane, and the pane's frame."""

    def __init__(self, top: float, tall: float, values: list[np.ndarray]) -> None:
        seen = np.concatenate(values) if values else np.zeros(0)
        seen = seen[np.isfinite(seen)]
        self.low, self.high = (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 1.0)
        if not self.high > self.low:
            self.low, self.high = self.low - 1.0, self.high + 1.0
        self.top, self.tall = top, tall

    def y(self, value: float) -> float:
        return self.top + 6 + (self.high - value) / (self.high - self.low) * (self.tall - 12)

    def frame(self) -> str:
        """A border and the highest and lowest value at its right."""
        width = WIDE - EDGE
        box = f'<rect x="0.5" y="{self.top + 0.5:g}" width="{width:g}" height="{self.tall:g}" fill="none" '
        texts = [
            f'<text x="{width + 6}" y="{y:g}" font-size="11" fill="{SOFT}">{value:.5g}</text>'
            for y, value in ((self.top + 12, self.high), (self.top + self.tall - 3, self.low))
        ]
        return box + f'stroke="{SOFT}" stroke-opacity="0.4"/>' + "".join(texts)


def x_of(i: int) -> float:
    return (i + 0.5) * (WIDE - EDGE) / SHOWN


def trace(values: np.ndarray, axis: Axis, color: str) -> str:
    """A line through the values, broken where there are none."""
    steps, pen = [], "M"
    for i, value in enumerate(values.tolist()):
        if np.isfinite(value):
            steps.append(f"{pen}{x_of(i):.1f} {axis.y(value):.1f}")
            pen = "L"
        else:
            pen = "M"
    return f'<path d="{"".join(steps)}" fill="none" stroke="{color}" stroke-width="1.4"/>'


def candles(bars: dict[str, np.ndarray], axis: Axis) -> str:
    """The bars as candles, two paths in all."""
    paths: dict[bool, list[str]] = {True: [], False: []}
    half = 0.35 * (WIDE - EDGE) / SHOWN
    rows = zip(*(bars[name].tolist() for name in ("open", "high", "low", "close")), strict=True)
    for i, (o, h, low, c) in enumerate(rows):
        x, top, bottom = x_of(i), axis.y(max(o, c)), axis.y(min(o, c))
        body = f"M{x - half:.1f} {top:.1f}H{x + half:.1f}V{max(bottom, top + 0.7):.1f}H{x - half:.1f}Z"
        paths[c >= o].append(f"M{x:.1f} {axis.y(h):.1f}V{axis.y(low):.1f}" + body)
    return "".join(
        f'<path d="{"".join(parts)}" fill="{color}" stroke="{color}" stroke-width="0.8"/>'
        for parts, color in ((paths[True], UP), (paths[False], DOWN))
    )


def names(group: list[Line], top: float) -> str:
    spans = [f'<tspan fill="{COLORS[k % 6]}">{escape(line.name)} </tspan>' for k, line in enumerate(group)]
    return f'<text x="8" y="{top + 15:g}" font-size="11">{"".join(spans)}</text>'


def svg(drawn: list[Line], bars: dict[str, np.ndarray]) -> str:
    """The last bars with the feature's columns: over the candles, or in panes below by their unit.

    `bars` and the lines are of one length; the last 160 are drawn.
    """
    bars = {name: values[-SHOWN:] for name, values in bars.items()}
    drawn = [Line(line.name, line.unit, line.over, line.values[-SHOWN:]) for line in drawn]
    groups = panes(drawn)
    over = [line for group in groups if group["over"] for line in group["lines"]]
    below = [group["lines"] for group in groups if not group["over"]]
    axis = Axis(0, TALL, [bars["high"], bars["low"], *(line.values for line in over)])
    parts = [axis.frame(), candles(bars, axis)]
    parts += [trace(line.values, axis, COLORS[k % 6]) for k, line in enumerate(over)] + [names(over, 0)]
    top = TALL + GAP
    for group in below:
        axis = Axis(top, PANE, [line.values for line in group])
        parts += [axis.frame(), *(trace(line.values, axis, COLORS[k % 6]) for k, line in enumerate(group))]
        parts.append(names(group, top))
        top += PANE + GAP
    return f'<svg viewBox="0 0 {WIDE} {top}" role="img" xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'


def page_of(spec: Spec, bars: dict[str, np.ndarray]) -> str:
    """One feature's page in Markdown: what it is, its plot, what is declared, its outputs and its definition."""
    feature = owner(spec)
    about = inspect.getdoc(feature.kernel) or ""
    first = [w(dict(spec.params)) + spec.warmup - max(f(dict(spec.params)) for f in feature.warmup)
             for w in feature.warmup]  # fmt: skip
    outputs = [f"| `{o}` | {u.replace('_', ' ')} | {w} |" for o, u, w in
               zip(feature.outputs, feature.unit, first, strict=True)]  # fmt: skip
    told = [f"| {label} | {escape(text).replace('|', chr(92) + '|')} |" for label, text in declared(spec)]
    return "\n".join([
        f"# {feature.name}", "", about, "", svg(lines(spec, bars), bars), "",
        f"EURUSD, hours of 2017, with `{spec}`; all of it: `onetape features plot {feature.name}`.", "",
        "| output | unit | first value |", "| --- | --- | --- |", *outputs, "",
        "| declared | |", "| --- | --- |", *told, "", "## Definition", "", "```python", code(feature), "```", "",
    ])  # fmt: skip


def write(folder: Path = FOLDER) -> int:
    """Write a page per feature that ships, and an index by family; how many pages."""
    from engine.feeds.tapes import open_tape

    bars = columns_of(open_tape("demo", ("EURUSD",), "H1"))
    modules = [f"engine.features.{family}" for family in FAMILIES]
    shipped = [f for _, f in load_all().items() if f.kernel.__module__ in modules]
    shipped.sort(key=lambda f: modules.index(f.kernel.__module__))
    folder.mkdir(parents=True, exist_ok=True)
    index = ["# Every feature", ""]
    for module, family in groupby(shipped, key=lambda f: f.kernel.__module__):
        index += [f"## {(sys.modules[module].__doc__ or '').partition(chr(10))[0].rstrip('.')}", ""]
        for feature in family:
            (folder / f"{feature.name}.md").write_text(page_of(bound(feature), bars), encoding="utf-8")
            index.append(f"- [{feature.name}]({feature.name}.md): {feature.summary}")
        index.append("")
    (folder / "index.md").write_text("\n".join(index), encoding="utf-8")
    return len(shipped)


def bound(feature: Feature) -> Spec:
    """With its defaults; what takes columns is given the bar's."""
    return feature(**dict(zip(feature.required, ("close", "open", "high", "low"), strict=False)))


if __name__ == "__main__":
    print(f"{write()} pages in {FOLDER.name}/")  # noqa: T201
