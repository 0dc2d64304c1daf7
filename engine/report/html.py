"""report.html: one file that needs nothing else; no network, no library, all of it inside.

Figures, months, attribution and notes are plain tables made here; chart and trade table are drawn by `page/*.js`
from data carried in the page. Whatever a user named is escaped here or set as text there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from engine.core.errors import ConfigError
from engine.core.zones import parse_zone
from engine.report import sections, series
from engine.report.days import load_days
from engine.report.figures import NONE, figures, money, number, percent, whole
from engine.report.metrics import Month
from engine.report.summary import Summary, load_summary
from engine.report.trips import load_trips

SCRIPTS = ("chart.js", "reach.js", "page.js")
TILES = ("Net profit", "Return", "Max drawdown", "Relative drawdown", "Profit factor", "Trades", "Won", "Sharpe")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def render(run: Path) -> str:
    """The report of the run in this folder, from its summary, trades, equity and bars."""
    summary, days, trips = load_summary(run), load_days(run), load_trips(run / "trades.csv")
    start, told = summary.figures.get("start_balance"), series.chains(run / "journal")
    data = {
        "zones": zones(summary),
        "run": summary.number,
        "currency": summary.currency,
        "digits": summary.digits,
        "price_digits": summary.price_digits,
        "start_balance": start,
        "streams": series.bars(run / "bars.parquet"),
        "equity": series.equity(run / "equity.parquet"),
        "trades": series.trades(run / "trades.csv"),
        "exposure": series.exposure(trips, summary.open, summary.last_ts),
    }
    body = Template(page("run.html")).substitute(
        tiles=tiles(summary),
        figures=pairs(figures(summary)),
        months=months(summary.months),
        strategies=strategies(summary),
        cautions=cautions(summary),
        costs=sections.costs(summary),
        groups=sections.broken_down(trips, summary),
        hours="".join(
            f'<h2>{escape(zone)}</h2><div class="across"><table class="hours">{made}</table></div>'
            for zone, *_ in zones(summary)
            if (made := sections.hours(trips, zone, summary))
        ),
        distribution=sections.histogram(trips["net_profit"], f"Net of a trade, {summary.currency}")
        + sections.histogram(sections.returns_of(days, start), "Return of a day", " %"),
        days=sections.day_rows(days, summary),
        days_told=f"the last {sections.SHOWN_DAYS} of {len(days)}, all of them in days.csv"
        if len(days) > sections.SHOWN_DAYS
        else f"days begin at {escape(summary.trading_day)}",
        notes="".join(f"<li>{escape(note)}</li>" for note in [*summary.notes, *sections.assumed(summary)]),
        chains=told,
        origin=pairs(origin(summary)),
        config=escape(config_text(summary.config)),
    )
    return document(f"{summary.number} {summary.name}", summary.name, subtitle(summary), body, data, SCRIPTS)


def document(
    title: str, heading: str, subtitle: str, body: str, data: object, scripts: Sequence[str], style: str = ""
) -> str:
    """One HTML file that needs nothing else and may load nothing; `subtitle` and `body` are HTML, the others text."""
    return Template(page("frame.html")).substitute(
        title=escape(title),
        heading=escape(heading),
        subtitle=subtitle,
        style=page("page.css") + style,
        body=body,
        data=inline(data),
        script="\n".join(page(name) for name in scripts),
    )


def zones(summary: Summary) -> list[tuple[str, str, float]]:
    """Whose clocks the page shows, the chosen one first, UTC among them: name, IANA zone, hours on top of it.

    Where UTC was chosen the zone in which the trading day is declared stands beside it.
    """
    names = [summary.zone, *([summary.trading_day.partition(" ")[2]] if summary.zone == "UTC" else []), "UTC"]
    found = []
    for name in dict.fromkeys(name for name in names if name):
        try:
            zone = parse_zone(name)
        except ConfigError:  # a summary that was not written by a run
            continue
        key, offset = getattr(zone.zone, "key", ""), zone.zone.utcoffset(None)
        fixed = 0.0 if key or offset is None else offset.total_seconds() / 3600
        found.append((name, key or "UTC", zone.shift / 3_600e9 + fixed))
    return found


def page(name: str) -> str:
    return resources.files("engine.report").joinpath("page", name).read_text(encoding="utf-8")


def inline(data: object) -> str:
    """JSON that cannot end the element it stands in."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def subtitle(summary: Summary) -> str:
    parts = [
        ", ".join(summary.strategies),
        ", ".join(summary.symbols),
        f"{day(summary.first_ts)} to {day(summary.last_ts)}",
    ]
    if summary.records:
        parts.append(f"{whole(summary.records)} {summary.kind}")
    parts.append(f"times in {summary.zone}")
    return " · ".join(escape(part) for part in parts if part)


def day(ts: int) -> str:
    date = datetime.fromtimestamp(ts // 1_000_000_000, UTC)
    return f"{date.day} {MONTHS[date.month - 1]} {date.year}"


def tiles(summary: Summary) -> str:
    """The few figures one looks at first."""
    shown = {label.partition(" (")[0]: (label, text) for label, text in figures(summary)}
    tone = tone_of(summary.figures.get("net_profit") or 0)
    out = []
    for name in TILES:
        label, text = shown[name]
        detail = label.removeprefix(name).strip(" ()")
        small = f"<small>{escape(detail)}</small>" if detail else ""
        kind = f"tile {tone}" if name in ("Net profit", "Return") else "tile"
        out.append(f'<div class="{kind}"><span>{escape(name)}{small}</span><b>{escape(text)}</b></div>')
    return "".join(out)


def cautions(summary: Summary) -> str:
    """What is to be read before any figure."""
    if not summary.cautions:
        return ""
    return f'<ul class="cautions">{"".join(f"<li>{escape(told)}</li>" for told in summary.cautions)}</ul>'


def tone_of(amount: float) -> str:
    return "up" if amount > 0 else "down" if amount < 0 else ""


def pairs(rows: list[tuple[str, str]]) -> str:
    return "".join(f"<tr><th>{escape(label)}</th><td>{escape(text)}</td></tr>" for label, text in rows)


def months(rows: list[Month]) -> str:
    """A line per year: change of equity month by month, and the year's, compounded."""
    years: dict[str, dict[int, float]] = {}
    for row in rows:
        years.setdefault(row.month[:4], {})[int(row.month[5:7])] = row.change
    strongest = max((abs(row.change) for row in rows if math.isfinite(row.change)), default=0.0)
    lines = []
    for year, changes in years.items():
        cells = "".join(heat(changes.get(m), strongest) for m in range(1, 13))
        whole_year = math.prod(1 + change for change in changes.values()) - 1
        lines.append(f"<tr><th>{year}</th>{cells}{heat(whole_year, 0.0)}</tr>")
    return "".join(lines)


def heat(change: float | None, strongest: float) -> str:
    if change is None or not math.isfinite(change):
        return "<td></td>"
    weight = f' style="--heat:{round(60 * abs(change) / strongest)}%"' if strongest else ""
    return f'<td class="{tone_of(round(change, 6))}"{weight}>{change * 100:+.2f}</td>'


def strategies(summary: Summary) -> str:
    """A line for each strategy: what it made and what it cost, swap where any was paid."""
    swap = any(row.swap for row in summary.attribution)
    titles = ["", "Trades", "Won", "Gross", "Commission", *(["Swap"] if swap else []), "Net"]
    lines = ["<thead><tr>" + "".join(f"<th>{title}</th>" for title in titles) + "</tr></thead><tbody>"]
    for row in summary.attribution:
        won = percent(row.wins / row.trades) if row.trades else NONE
        amounts = (row.profit, row.commission, *([row.swap] if swap else []), row.net)
        cells = [f"{row.trades:,}", won, *(money(a, summary) for a in amounts)]
        lines.append(f"<tr><th>{escape(row.strategy)}</th>" + "".join(f"<td>{escape(c)}</td>" for c in cells) + "</tr>")
    return "".join([*lines, "</tbody>"])


def origin(summary: Summary) -> list[tuple[str, str]]:
    """Where the numbers come from: enough to run it again."""
    rows = [
        ("Engine", summary.engine),
        ("Tape", summary.tape),
        ("Digest of all decisions", summary.digest),
        ("Trading day begins", summary.trading_day),
        ("Started", summary.started),
        ("Finished", summary.finished),
        *((label.replace("_", " ").capitalize(), number(v) if isinstance(v, float) else str(v))
          for label, v in summary.extra.items()),
    ]  # fmt: skip
    return [(label, text) for label, text in rows if text]


def config_text(config: Any, section: str = "") -> str:
    """A config as TOML, or as it is when it is text.

    >>> print(config_text({"name": "demo", "risk": {"per_trade": "0.5 %"}}))
    name = "demo"
    <BLANKLINE>
    [risk]
    per_trade = "0.5 %"
    """
    if isinstance(config, str):
        return config
    if not isinstance(config, dict):
        return ""
    plain = [
        f"{key} = {json.dumps(v, ensure_ascii=False)}" for key, v in config.items() if not nested(v) and v is not None
    ]
    blocks = ["\n".join(([f"[{section}]"] if section and plain else []) + plain)] if plain else []
    for key, value in config.items():
        name = f"{section.strip('[]')}.{key}" if section else str(key)
        tables = value if isinstance(value, list) else [value]
        if nested(value):
            blocks += [config_text(table, f"[{name}]" if isinstance(value, list) else name) for table in tables]
    return "\n\n".join(block for block in blocks if block)


def nested(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))
