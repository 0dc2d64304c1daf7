"""The results section of docs/benchmarks.md from build/bench.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

BEGIN, END = "<!-- results -->", "<!-- end of results -->"


def short(rate: float) -> str:
    return f"{rate / 1e6:.1f}M" if rate >= 1e6 else f"{rate / 1e3:.0f}k"


def write(path: Path, found: dict[str, Any]) -> None:
    """Put the tables between the two marks."""
    text = path.read_text("utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n\n{markdown(found)}\n{END}{after}", "utf-8")


def markdown(found: dict[str, Any]) -> str:
    """All benches of a bench.json; which machine, when it was not a full run, by which clock."""
    head = next(iter(found.values()))["machine"]
    load = max(bench["machine"]["load_at_start"] or 0.0 for bench in found.values())
    busy = f" The machine was busy (load {load:.1f}): on a quiet one all rates are higher." if load > 1.0 else ""
    lines = [f"{head['processor']}, {head['cores']} cores, {head['system']}.{busy}", ""]
    lines += ["| bench | case | side | rate | ours is | fills | profit | RSS MB | clock |"]
    lines += ["|---|---|---|--:|--:|--:|--:|--:|---|"]
    small = ["", "| bench | what | figure |", "|---|---|--:|"]
    for name, bench in found.items():
        quick = " (quick)" if bench["quick"] else ""
        for case, measured in bench["cases"].items():
            if isinstance(measured, dict) and "sides" in measured:
                lines += [row(name + quick, case, side, s, measured["ratio"]) for side, s in measured["sides"].items()]
            elif isinstance(measured, dict) and "rate" in measured:
                lines.append(row(name + quick, "", case, measured, {}))
            else:
                small.append(f"| {name}{quick} | {case} | {plain(measured)} {bench['unit']} |")
    targets = [f"- {'met' if met else '**not met**'}: {name}, {text}" for name, text, met in verdicts(found)]
    versions = {side: known for bench in found.values() for side, known in bench["versions"].items()}
    named = "; ".join(f"{side}: " + ", ".join(f"{k} {v}" for k, v in known.items()) for side, known in versions.items())
    return "\n".join([*lines, *small, "", "Targets:", "", *targets, "", f"Versions: {named}.", ""])


def row(bench: str, case: str, side: str, s: dict[str, Any], ratio: dict[str, float]) -> str:
    if "not_run" in s:
        return f"| {bench} | {case} | {side} | not run: {s['not_run']} | | | | | |"
    times = f"{ratio[side]:.2f} x" if side in ratio else ""
    fills, profit = (str(s["fills"]), f"{s['profit']:.2f}") if "fills" in s else ("", "")  # an import trades nothing
    held = s["rss_mb"] if "rss_mb" in s else round(s["resident_mb"])
    clock = s.get("clock", "wall")
    return f"| {bench} | {case} | {side} | {short(s['rate'])} | {times} | {fills} | {profit} | {held} | {clock} |"


def plain(figure: Any) -> str:
    if isinstance(figure, dict):
        return f"anonymous {figure['anonymous_mb']:.0f}, resident {figure['resident_mb']:.0f}"
    return f"{figure:.2f}"


def verdicts(found: dict[str, Any]) -> list[tuple[str, str, bool]]:
    rows = []
    for name, bench in found.items():
        for text, met in bench.get("targets", {}).items():
            rows.append((name, text, met))
        for case, measured in bench["cases"].items():
            if isinstance(measured, dict) and "sides" in measured:
                rows += [(name, f"{case}: {text}", met) for text, met in measured["targets"].items()]
    return rows
