"""What `onetape compare` shows, and what `onetape report` writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from engine.core.clock import iso
from engine.core.errors import Refused
from engine.ops import console

MAIN = ("trades", "net_profit", "return", "max_drawdown", "max_drawdown_share", "profit_factor", "win_rate", "sharpe")
"""Figures shown to people; --json has every one that differs."""


def text(found: Any) -> str:
    """A comparison for people; takes what `engine.compare.compare` returns."""
    one = msgspec.to_builtins(found)
    parts = [f"first   {one['runs'][0]}\nsecond  {one['runs'][1]}"]
    parts.append(settings("config", one["config"], "the configs are the same"))
    for name, what in (("tape", "tape"), ("engine", "engine")):
        if one[name][0] != one[name][1]:
            parts.append(f"{what}: {one[name][0]} against {one[name][1]}")
    if one["reads"]:
        parts.append(f"read beside the tape and not the same: {', '.join(one['reads'])}")
    parts.append(settings("figure", [f for f in one["figures"] if f["key"] in MAIN], "the main figures are the same"))
    parting = one["parting"]
    if parting is None:
        return "\n\n".join([*parts, f"every decision is the same: {one['compared']} events compared"])
    head = f"first difference: {iso(parting['ts'])}, after {parting['after']} equal events; cause: {told(parting)}"
    lines = [head]
    for word, event, led, saw in zip(
        ("first ", "second"), (parting["first"], parting["second"]), parting["led"], parting["saw"], strict=True
    ):
        lines.append(f"  {word}  {event or 'has no more events'}")
        lines += [f"            {iso(step['ts'])}  {step['kind']}: {step['text']}" for step in led[:-1]]
        lines.append(f"            {saw}")
    lines += [f"  {f['key']}: {value(f['first'])} against {value(f['second'])}" for f in parting["fields"]]
    return "\n\n".join([*parts, "\n".join(lines)])


def told(parting: dict[str, Any]) -> str:
    """The cause in words."""
    keys = ", ".join(f"{k['key']} {value(k['first'])} / {value(k['second'])}" for k in parting["keys"])
    words = {
        "config": f"the config ({keys})" if keys else "the config",
        "data": "the data (what was read differs)",
        "code": "the code (another engine version, or a strategy, feature or engine file that was edited)",
    }
    return " or ".join(words[cause] for cause in parting["causes"])


def settings(what: str, rows: list[dict[str, Any]], none: str) -> str:
    told = [{what: row["key"], "first": value(row["first"]), "second": value(row["second"])} for row in rows]
    return console.table(told) if told else none


def value(given: Any) -> str:
    return "-" if given is None else console.cell(given) if isinstance(given, float) else str(given)


def refuse(same: bool, wanted: bool) -> None:
    """Refused where two runs should have decided the same and have not."""
    if wanted and not same:
        raise Refused("the two runs decided differently")


def reported(run: Path, tearsheet: bool, png: bool) -> list[Path]:
    """The files that `report` writes into a run's folder."""
    if tearsheet or png:
        from engine.report import papers
        from engine.report import tearsheet as sheet

        return [*([sheet.tearsheet(run)] if tearsheet else []), *(papers.papers(run) if png else [])]
    from engine.report import html

    page = html.render(run)
    partial = run / ".report.partial"
    partial.write_text(page, encoding="utf-8", newline="\n")
    partial.replace(run / "report.html")
    return [run / "report.html"]
