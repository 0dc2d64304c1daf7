"""A profile as one HTML file: drawn as SVG in the page, nothing loaded from anywhere, no script."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from html import escape
from pathlib import Path

import msgspec

from engine.core.clock import format_ts
from engine.core.errors import OutputError, unwritten
from engine.feeds.quality.profile import Distribution, Profile
from engine.feeds.quality.windows import row_of

STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.05rem; margin: 2rem 0 .4rem; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 0 2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
td, th { padding: .15rem .8rem .15rem 0; text-align: left; font-weight: normal; border-bottom: 1px solid #8883; }
th { color: #888; } svg { width: 100%; height: auto; } rect { fill: #4a7ebb; } rect:hover { fill: #d08030; }
text { font-size: 11px; fill: #888; } .big { font-size: 1.2rem; }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
WIDE, HIGH, FOOT = 600, 160, 18


def write_page(made: Profile, path: str | Path) -> Path:
    """Write the page whole or not at all; OutputError says why not."""
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", encoding="utf-8") as file:
            file.write(page(made))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as wrong:
        raise OutputError(f"{path} cannot be written: {unwritten(wrong)}") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()
    return path


def page(made: Profile) -> str:
    """The whole document."""
    hours = [f"{hour:02d}" for hour in range(24)]
    parts = [
        section("Returns", columns(made.returns.counts, edges(made.returns)) + table_of(made.returns)),
        section("Rows per open hour, by hour UTC", columns(made.rows_by_hour, hours)),
    ]
    if made.spread is not None:
        parts.insert(1, section("Spread", columns(made.spread.counts, edges(made.spread)) + table_of(made.spread)))
        parts.append(section("Median spread, by hour UTC", columns([v or 0.0 for v in made.spread_by_hour], hours)))
    parts.append(section("Quality by day", columns([d.score for d in made.days], [d.day for d in made.days])))
    if made.flags:
        parts.append(section("Flags", table(["flag", "rows"], [[k, f"{v:,}"] for k, v in made.flags.items()])))
    if made.gaps:
        rows = [[g["until"], g["missing"]] for g in made.gaps]
        parts.append(section("Longest gaps", table(["until", "missing minutes or bars"], rows)))
    for span, worst in made.windows.items():
        if worst:
            rows = [[cell if isinstance(cell, str) else number(cell) for cell in row_of(one).values()] for one in worst]
            parts.append(section(f"Worst windows of {span}", table(list(row_of(worst[0])), rows)))
    if made.clock:
        rows = [[name, number(value)] for name, value in msgspec.structs.asdict(made.clock).items() if name != "jumps"]
        rows += [[f"set at {format_ts(jump.ts)}", f"{jump.seconds:+.3g} s"] for jump in made.clock.jumps]
        parts.append(section("Clock: received minus stamped (behind and noise in s)", table(["", ""], rows)))
    if made.drift:
        names = ["of", *next(iter(made.drift.values())).__struct_fields__]
        rows = [[name, *map(number, msgspec.structs.astuple(one))] for name, one in made.drift.items()]
        parts.append(section(f"Drift against {made.against}", table(names, rows)))
    head = f"{made.rows:,} rows, {made.first} to {made.last} UTC"
    told = f'<p class="big">grade {made.grade}, quality {made.score:.1f} of 100</p>'
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(made.name)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><link rel="icon" href="data:,">'
        f"<style>{STYLE}</style></head><body><h1>{escape(made.name)}</h1><p>{escape(head)}</p>{told}"
        f'<div class="grid">{"".join(parts)}</div></body></html>\n'
    )


def section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def table_of(shape: Distribution) -> str:
    moments = {"n": shape.n, "mean": shape.mean, "deviation": shape.std, "skew": shape.skew, "kurtosis": shape.kurtosis}
    return table(["", ""], [[name, number(value)] for name, value in {**moments, **shape.quantiles}.items()])


def number(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value or "-")


def edges(shape: Distribution) -> list[str]:
    return [f"{edge:.3g}" for edge in shape.edges[:-1]]


def columns(values: Sequence[float], labels: Sequence[str]) -> str:
    """Columns from zero, a label under some of them, the number on hovering."""
    if not values:
        return "<p>nothing</p>"
    most, step = max(max(values), 1e-300), WIDE / len(values)
    every = max(1, -(-len(values) // 8))
    drawn = []
    for k, (value, label) in enumerate(zip(values, labels, strict=True)):
        tall = max(value, 0.0) / most * HIGH
        drawn.append(
            f'<rect x="{k * step:.2f}" y="{HIGH - tall:.2f}" width="{max(step - 1, 0.5):.2f}" height="{tall:.2f}">'
            f"<title>{escape(label)}: {value:.6g}</title></rect>"
        )
        if k % every == 0:
            drawn.append(f'<text x="{k * step:.1f}" y="{HIGH + FOOT - 4}">{escape(label)}</text>')
    return f'<svg viewBox="0 0 {WIDE} {HIGH + FOOT}" role="img">{"".join(drawn)}</svg>'
