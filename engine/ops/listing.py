"""What the listing verbs show: plain tables of runs, instruments and features."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from engine.core.clock import format_ts, parse_time
from engine.core.config import Config
from engine.core.errors import ConfigError, Refused
from engine.ops import console

FIGURES = ("trades", "net_profit", "return", "profit_factor", "win_rate", "max_drawdown", "sharpe")
SHARES = ("return", "time_in_market", "volatility", "cagr")
RATIOS = ("profit_factor", "recovery_factor", "sharpe", "sortino", "calmar", "z_score")
SELDOM = ("swap", "stop_outs", "margin_calls", "corrections", "ambiguous")
"""Shown where there were any."""
Row = dict[str, Any]


def runs(root: str) -> list[Row]:
    """Every finished run, lowest number first, with its main figures."""
    from engine.report.runs import list_runs
    from engine.report.summary import load_summary

    rows = []
    for folder in list_runs(Path(root)):
        summary = load_summary(folder.path)
        chosen = {name: summary.figures.get(name) for name in FIGURES}
        rows.append({"run": folder.number, "name": folder.name, "currency": summary.currency, **chosen})
    return rows


def runs_text(rows: list[Row]) -> str:
    told = [
        {k: figure(k, v, row["currency"]) if k in FIGURES else v for k, v in row.items() if k != "currency"}
        for row in rows
    ]
    return console.table(told)


def run(ref: str, root: str) -> Row:
    """A run's summary as plain values, its folder with it."""
    import msgspec

    from engine.report.runs import find_run
    from engine.report.summary import load_summary

    path = find_run(ref, Path(root)).path
    return {"path": str(path), **msgspec.to_builtins(load_summary(path))}


def run_text(summary: Row) -> str:
    """A run for people: what ran, its figures, what one must know."""
    zone = summary["zone"]
    head = {
        "run": f"{summary['number']} {summary['name']}",
        "what": f"{', '.join(summary['strategies'])} on {', '.join(summary['symbols'])}",
        "span": f"{format_ts(summary['first_ts'], zone)} to {format_ts(summary['last_ts'], zone)} {zone}",
        "records": f"{summary['records']:,} {summary['kind']}",
    }
    parts = [console.pairs({**head, **figures(summary["figures"], summary["currency"])})]
    if len(rows := summary["attribution"]) > 1:
        swap = any(row["swap"] for row in rows)
        parts.append(console.table([{k: v for k, v in row.items() if k != "swap" or swap} for row in rows]))
    parts += [console.pairs({"digest": summary["digest"], "report": f"{summary['path']}/report.html"})]
    told = [*(f"! {c}" for c in summary["cautions"]), *(f"- {n}" for n in summary["notes"])]
    return "\n\n".join([*parts, *(["\n".join(told)] if told else [])])


def figures(values: Row, currency: str) -> dict[str, str]:
    """Figures as traders read them: money with its currency, shares in percent, times in hours."""
    shown = {name: value for name, value in values.items() if value or name not in SELDOM}
    return {name.replace("_", " ").removesuffix(" s"): figure(name, v, currency) for name, v in shown.items()}


def figure(name: str, value: float | int | None, currency: str) -> str:
    if value is None or isinstance(value, int):
        return console.cell(value)
    if name in SHARES or name.endswith(("_rate", "_share")):
        return f"{value:.2%}"
    if name in RATIOS:
        return f"{value:.2f}"
    if name.startswith("average_consecutive"):
        return f"{value:.1f}"
    return f"{value / 3600:,.1f} h" if name.endswith("_s") else f"{value:,.2f} {currency}"


def refuse(differences: list[str], config: Config) -> None:
    """Refused when a config did not give what it is known to give."""
    if differences:
        raise Refused(f"{config.name} did not give what it is known to give: {', '.join(differences)}")


def moment(text: str) -> int:
    """A time, or int64 ns UTC as files hold it."""
    return int(text) if text.isdecimal() and len(text) > 4 else parse_time(text)


def added(reports: list[Any]) -> list[Row]:
    """What an import did, one line per dataset, times as text."""
    import msgspec

    rows = [msgspec.to_builtins(report) for report in reports]
    return [{**row, "first": format_ts(row["first"]), "last": format_ts(row["last"])} for row in rows]


def series_from(file: Path, name: str, kind: str, licence: str) -> Any:
    """A file brought in as a series, seen now."""
    from engine.core.clock import wall_ns
    from engine.feeds.series import import_series

    return import_series(kind, file, name, wall_ns(), licence)


def added_text(rows: list[Row]) -> str:
    told = console.table(
        [{k: row[k] for k in ("dataset", "rows", "added", "revised", "first", "last")} for row in rows]
    )
    left_out = [f"left out: {n} {why}" for row in rows for why, n in row["dropped"].items()]
    return "\n".join([told, *left_out, *dict.fromkeys(note for row in rows for note in row["notes"])])


def got(done: Any) -> Row:
    """What a download did: the dataset's line, and its payloads."""
    import msgspec

    plain = msgspec.to_builtins(done)
    (line,) = added([done.added])
    return {**line, **{key: value for key, value in plain.items() if key != "added"}}


def got_text(row: Row) -> str:
    where = f"{row['fetched']} fetched ({row['bytes'] / 1e6:,.1f} MB), {row['from_cache']} from the cache"
    return f"{added_text([row])}\n{row['payloads']} payloads of {row['provider']}: {where}, {row['absent']} not there"


def dataset_text(shown: Row) -> str:
    """A dataset for people: where it comes from, its files, its first rows."""
    plain = {k: v for k, v in shown.items() if not isinstance(v, dict | list)}
    lineage = {k.replace("_", " "): v for k, v in shown["lineage"].items() if v not in ("", None, {}, [])}
    parts = [console.pairs({**plain, **lineage}), console.table(shown["partitions"]), console.table(shown["head"])]
    return "\n\n".join(parts)


def revisions_text(rows: list[Row]) -> str:
    """Revisions for people: one line each, old -> new of what changed."""
    told = []
    for row in rows:
        before = {name: f"{console.cell(value)} -> " for name, value in row["old"].items()}
        values = [f"{name} {before.get(name, '')}{console.cell(new)}" for name, new in row["new"].items()]
        what = "revised" if row["old"] else "late"
        line = {"at": row["at"], "bar": row["open_ts"], "version": row["version"], "what": what}
        told.append({**line, "values": ", ".join(values)})
    return console.table(told) if told else "nothing was revised, nothing came late"


def retained_text(report: Row) -> str:
    """What goes, and whether it went."""
    plain = {k.replace("_", " "): v for k, v in report.items() if k not in ("removed", "applied")}
    parts = [console.pairs(plain), *([console.table(report["removed"])] if report["removed"] else [])]
    return "\n\n".join([*parts, "removed" if report["applied"] else "nothing was removed yet: --apply does it"])


INSTRUMENT = ("id", "kind", "base_currency", "profit_currency", "digits", "contract_size", "volume_step")


def instruments_text(rows: list[Row]) -> str:
    return console.table([{name: row[name] for name in INSTRUMENT} for row in rows])


def instrument_text(shown: Row) -> str:
    """One instrument: what is stated, the terms of margin and swap one by one."""
    plain = {name: value for name, value in shown.items() if not isinstance(value, dict)}
    nested = [{f"{name} {k}": v for k, v in t.items()} for name, t in shown.items() if isinstance(t, dict)]
    told = plain | {name: value for table in nested for name, value in table.items()}
    return console.pairs({k.replace("_", " "): v for k, v in told.items() if v not in ("", None, 0, [], ())})


def specs_text(report: Any) -> str:
    """What an import of specifications did: what is new, every figure that changed, what was left out."""
    same = len(report.instruments) - len(report.added) - len({c.instrument for c in report.changes})
    changed = len(report.instruments) - len(report.added) - same
    head = f"{report.path}: {len(report.added)} added, {changed} changed, {same} as they were"
    rows = [
        {"instrument": c.instrument, "field": c.field, "before": c.before, "after": c.after} for c in report.changes
    ]
    new = [f"new: {', '.join(report.added)}"] if report.added else []
    parts = [head, *new, *([console.table(rows)] if rows else []), *(f"left out: {why}" for why in report.left_out)]
    return "\n".join(parts)


def zone_text(found: Row) -> str:
    """The clock of a source: the zone, the evidence, and the weeks that disagree."""
    zone = found["zone"] or "cannot be told"
    same = [f"{name} fits as well: no week in these rows tells them apart" for name in found["fits"][1:]]
    head = f"{found['name']}: {zone} ({found['matched']} of {found['edges']} openings and closings of weeks agree)"
    said = found["said"]
    other = said and found["fits"] and said not in found["fits"]
    told = [f"it was imported as {said}{': import it again with --tz ' + zone if other else ''}"] if said else []
    way = {True: "late", False: "early"}
    odd = [f"{o['first']} to {o['last']}: stamped {abs(o['hours']):g} h {way[o['hours'] > 0]}" for o in found["odd"]]
    tried = console.table([{"zone": name, "agree": n} for name, n in found["tried"].items()])
    return "\n".join([head, *same, *told, *odd, "", tried])


def named(pairs: Iterable[str]) -> dict[str, str]:
    """`ROLE=NAME` texts as a table."""
    for pair in pairs:
        if "=" not in pair:
            raise ConfigError(f"--column {pair}: write ROLE=NAME, like --column bid=Bid")
    return dict(pair.split("=", 1) for pair in pairs)


def features() -> list[Row]:
    from engine.features import load_all

    return [
        {"name": name, "params": params(one), "gives": list(one.outputs), "what": one.summary}
        for name, one in sorted(load_all().items())
    ]


def features_text(rows: list[Row]) -> str:
    """Name and meaning of each, for a terminal."""
    width = max(len(row["name"]) for row in rows)
    told = [f"{row['name']:{width}}  {row['what']}" for row in rows]
    return "\n".join([*told, "", f"{len(rows)} features; `onetape features show NAME` says more of one"])


def one_feature(name: str) -> Row:
    from engine.features import Plan, load_all
    from engine.features.expression import NEVER
    from engine.ops.features import find

    if name not in load_all() and (found := columns_of_set(name)):
        return found
    one = find(name)
    usual = one(**dict.fromkeys(one.required, "close"))
    settle = max(int(node.feature.settle(node.params)) for node in Plan({name: usual}).nodes)
    return {
        "name": name,
        "what": one.summary,
        "definition": " ".join((inspect.getdoc(one.kernel) or "").partition("\n")[2].split()),
        "params": params(one),
        "takes": [f"{k}={v}" if str(v) != k else k for k, v in one.inputs.items()],
        "gives": list(one.outputs),
        "warm-up": [str(w) for w in one.warmup],
        "first value": usual.warmup,
        "settles": settle if settle < NEVER else "never",
        "confirmed after": usual.confirmed_after,
        "unit": one.unit,
        "range": list(one.range) if one.range else None,
        "oracle": [name for name in one.like if name],
        "source": one.source,
        "identity": one.identity,
    }


def columns_of_set(ref: str) -> Row | None:
    """What a feature set of configs/features, or of a path, makes; None if there is none of that name."""
    from engine.core.load import FEATURES, names

    if ref not in names(FEATURES, "*.toml") and not ref.endswith(".toml"):
        return None
    from engine.features.sets import feature_set

    columns = feature_set(ref)
    return {"set": ref, "columns": len(columns), **{name: str(spec) for name, spec in columns.items()}}


def params(one: Any) -> list[str]:
    return [f"{name}={param.default}" for name, param in one.params.items()]


def days(ref: str, root: str) -> list[Row]:
    """A run's trading days: what the account did, and what was closed."""
    import msgspec

    from engine.report.days import load_days
    from engine.report.runs import find_run

    rows = [msgspec.to_builtins(day) for day in load_days(find_run(ref, Path(root)).path)]
    return [{name: value for name, value in row.items() if name != "sampled"} for row in rows]
