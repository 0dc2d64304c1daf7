"""Tables and small drawings of report.html that need no script: costs, groups, hours, distributions, days."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import numpy as np

from engine.core.zones import DAY, HOUR, parse_zone, utc_to_wall
from engine.report.days import Day
from engine.report.figures import NONE, held, money, percent
from engine.report.summary import Summary
from engine.report.trips import Group, Trips, groups

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SHOWN_DAYS = 260
"""Days in the page; all of them are in days.csv."""
BINS = 41
KEYS = {
    "direction": "Long and short", "exit_reason": "By exit", "symbol": "By symbol", "strategy": "By strategy",
}  # fmt: skip


def costs(summary: Summary) -> str:
    """From what the market's move alone made down to the net profit, a line per cost; they add up to the cent."""
    f = summary.figures
    parts = [
        ("Market's move, from middle to middle of the quotes", "market_move"),
        ("Spread", "spread_cost"), ("Slippage", "slippage_cost"), ("Commission", "commission"), ("Swap", "swap"),
        ("Debt written off by the broker", "corrections"),
    ]  # fmt: skip
    gross = f.get("market_move") or 0.0
    lines = []
    for label, name in parts:
        amount = f.get(name)
        if amount is None or (name in ("corrections", "swap") and not amount):
            continue
        share = percent(amount / abs(gross)) if gross and name != "market_move" else ""
        lines.append(row(label, [money(amount, summary), share], amount))
    lines.append(f'<tr class="sum">{cells("Net profit", [money(f.get("net_profit"), summary), ""])}</tr>')
    return "".join(lines)


def row(label: str, texts: Sequence[str], amount: float = 0.0) -> str:
    tone = ' class="down"' if amount < 0 else ""
    return f"<tr{tone}>{cells(label, texts)}</tr>"


def cells(label: str, texts: Sequence[str]) -> str:
    return f"<th>{escape(label)}</th>" + "".join(f"<td>{escape(text)}</td>" for text in texts)


def broken_down(trips: Trips, summary: Summary) -> str:
    """A table for each way to sort the trades; one that has but one line is left out, long and short never."""
    out = []
    for key, title in KEYS.items():
        rows = groups(trips, key, summary.digits)
        if len(rows) > 1 or (key in ("direction", "exit_reason") and rows):
            made = table(rows, summary)
            out.append(f'<h2>{title}</h2><div class="across"><table class="strategies">{made}</table></div>')
    return "".join(out)


def table(rows: Sequence[Group], summary: Summary) -> str:
    swap = ["Swap"] if any(g.swap for g in rows) else []
    titles = ("", "Trades", "Won", "Market", "Spread", "Slippage", "Commission", *swap, "Net", "Mean", "Held")
    lines = ["<thead><tr>" + "".join(f"<th>{t}</th>" for t in titles) + "</tr></thead><tbody>"]
    for g in rows:
        paid = [g.swap] if swap else []
        amounts = (g.move, g.spread, g.slippage, g.commission, *paid, g.net, g.net / g.trades)
        texts = [f"{g.trades:,}", percent(g.won / g.trades), *(plain(a, summary) for a in amounts), held(g.held_s)]
        lines.append(f"<tr>{cells(g.name.replace('_', ' '), texts)}</tr>")
    return "".join([*lines, "</tbody>"])


def plain(amount: float, summary: Summary) -> str:
    return f"{amount + 0.0:,.{summary.digits}f}"


def hours(trips: Trips, zone: str, summary: Summary) -> str:
    """Net by weekday and hour of the opening, on the wall of a zone: a table of 7 by 24."""
    wall = utc_to_wall(trips["open_time"], parse_zone(zone))
    weekday, hour = (wall // DAY + 3) % 7, wall % DAY // HOUR
    net = trips["net_profit"]
    sums, counts = np.zeros((7, 24)), np.zeros((7, 24), np.int64)
    np.add.at(sums, (weekday, hour), net)
    np.add.at(counts, (weekday, hour), 1)
    strongest = float(np.abs(sums).max()) or 1.0
    lines = ["<thead><tr><th></th>" + "".join(f"<th>{h:02}</th>" for h in range(24)) + "</tr></thead><tbody>"]
    for d in range(7):
        if not counts[d].any():
            continue
        tds = []
        for h in range(24):
            n, made = int(counts[d, h]), float(sums[d, h])
            if not n:
                tds.append("<td></td>")
                continue
            tone, weight = "up" if made > 0 else "down", round(70 * abs(made) / strongest)
            tip = f"{WEEKDAYS[d]} {h:02}:00, {n} trades, {money(made, summary)}"
            tds.append(f'<td class="{tone}" style="--heat:{weight}%" title="{escape(tip)}">{short(made)}</td>')
        lines.append(f"<tr><th>{WEEKDAYS[d]}</th>{''.join(tds)}</tr>")
    return "".join([*lines, "</tbody>"])


def short(amount: float) -> str:
    """
    >>> short(1234.5), short(-0.4), short(2_500_000.0)
    ('1.2k', '-0', '2.5M')
    """
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(amount) >= size:
            return f"{amount / size:.2g}{letter}" if abs(amount) < 10 * size else f"{amount / size:.0f}{letter}"
    return f"{amount:.0f}"


def histogram(values: np.ndarray, label: str, unit: str = "") -> str:
    """How often values came, losses and wins apart at 0; an SVG."""
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return f'<p class="soft">{escape(label)}: {NONE}</p>'
    # the widest hundredth on both sides goes into the outer bins, or a single value would squeeze all others
    reach = float(np.quantile(np.abs(values), 0.99)) or 1.0
    counts, edges = np.histogram(np.clip(values, -reach, reach), bins=BINS - 1, range=(-reach, reach))
    wide, tall, foot = 640, 150, 20
    top, step = int(counts.max()), wide / (BINS - 1)
    bars = []
    for k, n in enumerate(counts.tolist()):
        if n:
            height = max(tall * n / top, 1.5)
            tone = "--up" if edges[k] >= -1e-12 else "--down"
            bars.append(
                f'<rect x="{k * step + 0.7:.1f}" y="{tall - height:.1f}" width="{step - 1.4:.1f}" height="{height:.1f}"'
                f' fill="var({tone})"><title>{edges[k]:.4g} to {edges[k + 1]:.4g}{unit}: {n}</title></rect>'
            )
    ends = [(0, "start", -reach), (wide / 2, "middle", 0.0), (wide, "end", reach)]
    marks = "".join(f'<text x="{x}" y="{tall + 15}" text-anchor="{a}">{v:.4g}{unit}</text>' for x, a, v in ends)
    said = f"{label}: {len(values):,}, median {np.median(values):.4g}{unit}, mean {values.mean():.4g}{unit}"
    head = f'<svg viewBox="0 0 {wide} {tall + foot}" role="img" aria-label="{escape(label)}">'
    return f"<figure><figcaption>{escape(said)}</figcaption>{head}{''.join(bars)}{marks}</svg></figure>"


def day_rows(days: Sequence[Day], summary: Summary) -> str:
    """The last trading days, newest first, as a table."""
    swap = ["swap"] if any(d.swap for d in days) else []
    sums = ("move", "spread", "slippage", "commission", *swap, "net")
    titles = ("Day", "Equity", "Change", "Lowest", "Highest", "Closed", "Won", "Market", *map(str.capitalize, sums[1:]))
    lines = ["<thead><tr>" + "".join(f"<th>{t}</th>" for t in titles) + "</tr></thead><tbody>"]
    for d in list(days)[: -SHOWN_DAYS - 1 : -1]:
        texts = [
            plain(d.end_equity, summary), plain(d.change, summary), plain(d.low_equity, summary),
            plain(d.high_equity, summary), str(d.trades), str(d.wins),
            *(plain(getattr(d, n), summary) for n in sums),
        ]  # fmt: skip
        lines.append(row(d.day, texts, d.change))
    return "".join([*lines, "</tbody>"])


def assumed(summary: Summary) -> list[str]:
    """How figures were annualised, in whose time things are shown, what costs and excursions were taken from."""
    years = (summary.last_ts - summary.first_ts) / (365.25 * 86_400e9)
    out = [
        f"annualised with {summary.days_per_year} trading days a year (× √{summary.days_per_year}) from daily returns"
        f" of equity, riskless rate 0; a trading day begins at {summary.trading_day}; the run spans {years:.2f} years",
        f"times are shown in {summary.zone}, beside UTC where a trade is chosen",
        "spread cost: half the spread of the quote at each deal; slippage: what it filled away from that quote; both in"
        " account money at the rate of the deal",
    ]
    if summary.excursions:
        out.append(f"best and worst price of a trade: {summary.excursions}")
    return out


def returns_of(days: Sequence[Day], start: float | None) -> np.ndarray:
    """Daily returns in percent of the equity of the day before."""
    levels = np.array([start or math.nan, *(day.end_equity for day in days)])
    with np.errstate(divide="ignore", invalid="ignore"):
        found: np.ndarray = 100.0 * (levels[1:] / levels[:-1] - 1.0)
    return found
