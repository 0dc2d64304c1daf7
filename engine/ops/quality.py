"""What the verbs about quality show."""

from __future__ import annotations

from typing import Any

from engine.core.clock import format_ts
from engine.ops import console
from engine.ops.listing import moment

Row = dict[str, Any]


def span(start: str | None, end: str | None) -> tuple[int | None, int | None]:
    return (moment(start) if start else None, moment(end) if end else None)


def plain(found: Any) -> Row:
    import msgspec

    return msgspec.to_builtins(found)


def checked_text(found: Row) -> str:
    """A check for people: the grade, what was found by kind, the first of each."""
    head = {
        "grade": found["grade"], "data": found["name"], "rows": found["rows"], "flagged": found["flagged"],
        "span": f"{found['first']} to {found['last']} UTC", "missing": f"{found['missing']:,} {found['unit']} in gaps",
        "calendar": found["calendar"], "spikes by": found["method"],
    }  # fmt: skip
    parts = [console.pairs(head)]
    if found["findings"]:
        parts.append(
            console.table(
                [
                    {"flag": f["flag"], "rows": f["rows"], "stretches": f["stretches"], "grade": f["grade"],
                     "share": f"{f['share']:.4%}", "first": (f["first"] or ["-"])[0]}
                    for f in found["findings"]
                ]
            )
        )  # fmt: skip
    told = [*(f"! {week}" for week in found["weeks"]), *(f"- {note}" for note in found["notes"])]
    return "\n\n".join([*parts, *(["\n".join(told)] if told else [])])


def entries(found: Any, ref: str, options: Any, rows: str, at: str) -> list[Row]:
    """Flagged rows of the integrity log."""
    from pathlib import Path

    from engine.feeds.quality.check import rows_of
    from engine.feeds.quality.log import read_log
    from engine.feeds.quality.source import open_source

    lineage = open_source(ref, options).lineage
    return read_log(Path(found.log), lineage, rows_of(rows) if rows else None, moment(at) if at else None)


def entries_text(rows: list[Row]) -> str:
    return console.table(rows) if rows else "nothing is wrong with them"


def cleaned_text(report: Row) -> str:
    """A cleaning for people: rows before and after, and why."""
    head = {
        "dataset": report["dataset"],
        "made from": report["made_from"],
        "rows": report["rows"],
        "rows after": report["rows_after"],
    }
    parts = [console.pairs(head)]
    if report["actions"]:
        parts.append(console.table([{"what": what, "rows": n} for what, n in report["actions"].items()]))
    flags = dict.fromkeys([*report["before"], *report["after"]])
    if flags:
        seen = [{"flag": f, "before": report["before"].get(f, 0), "after": report["after"].get(f, 0)} for f in flags]
        parts.append(console.table(seen))
    return "\n\n".join([*parts, *(["nothing to do: it is there already"] if report["unchanged"] else [])])


def profile_text(made: Row) -> str:
    """A profile for people; the JSON and the page say more."""
    names = ("name", "rows", "first", "last", "grade", "score")
    parts = [console.pairs({name: made[name] for name in names})]
    shapes = {name: made[name] for name in ("returns", "spread") if made[name]}
    kept = ("n", "mean", "std", "skew", "kurtosis")
    parts.append(
        console.table(
            [
                {"of": name, **{k: shape[k] for k in kept}, **{q: shape["quantiles"].get(q) for q in ("p50", "p99")}}
                for name, shape in shapes.items()
            ]
        )
    )
    hours = zip(made["rows_by_hour"], made["spread_by_hour"], strict=True)
    parts.append(
        console.table([{"hour UTC": k, "rows per open hour": n, "median spread": s} for k, (n, s) in enumerate(hours)])
    )
    if made["gaps"]:
        parts.append("longest gaps\n" + console.table(made["gaps"][:5]))
    for span, worst in made["windows"].items():
        shown = ("until", "score", "rows", "seen", "expected", "stale_s", "spikes", "spread_p99", "skew_s")
        if worst:
            parts.append(f"worst windows of {span}\n" + console.table([{n: w[n] for n in shown} for w in worst[:5]]))
    if made["clock"]:
        clock = {name: value for name, value in made["clock"].items() if name != "jumps"}
        sets = [{"set at": format_ts(j["ts"]), "by s": j["seconds"]} for j in made["clock"]["jumps"]]
        told = "clock: received minus stamped, s; ppm further behind\n" + console.pairs(clock)
        parts.append("\n".join([told, *([console.table(sets)] if sets else [])]))
    if made["drift"]:
        rows = [{"of": name, **one} for name, one in made["drift"].items()]
        parts.append(f"drift against {made['against']}\n" + console.table(rows))
    return "\n\n".join(parts)
