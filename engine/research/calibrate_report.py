"""What a report of MetaTrader 5 tells of a broker: commission, swap, stops against their level, hours. No more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.core.errors import DataError
from engine.core.zones import DAY
from engine.feeds.reports import Deal, Report, read_report
from engine.research.calibrate import LEAST, Calibration
from engine.research.fit import Estimate, quantity

LEVEL = re.compile(r"\[?(sl|tp)\s+(\d+(?:\.\d+)?)\]?")
WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
NIGHTS = {"Wednesday": (1, 1, 3, 1, 1, 0, 0), "Friday": (1, 1, 1, 1, 3, 0, 0)}
"""Nights charged at the end of each day of the week, by the triple day."""
CANNOT = (
    "latency: a report has the server's times alone, to the second, and none of when an order was decided",
    "rejects and requotes: a report lists what was done; what the dealer refused is not in it",
    "spread: a report has no quotes, only the prices of deals",
    "slippage of market orders: a report does not say at which quote they were sent",
)


def from_report(path: Path, zone: str = "") -> Calibration:
    """Commission per lot, swap per lot and night, slippage of stops, trading hours; DataError without a deal."""
    report = read_report(path, zone)
    deals = [deal for deal in report.deals if deal.direction]
    if not deals:
        raise DataError(f"{path}: the report has no deal of a market: there is nothing to fit")
    made_from = f"MetaTrader 5 {report.kind} report {path.name}: {len(deals)} deals"
    found = Calibration(made_from=made_from, unknown=[*CANNOT])
    if report.kind == "tester":
        found.unknown.append("what a live broker does: a tester fills at its own quotes, stops at their level")
    lines: list[str] = []
    commissions(found, lines, deals, report)
    stops(found, lines, deals)
    swaps(found, lines, report)
    hours(found, deals, report)
    found.toml = "\n".join(lines) + ("\n" if lines else "")
    return found


def commissions(found: Calibration, lines: list[str], deals: list[Deal], report: Report) -> None:
    charged = np.array([-(deal.commission + deal.fee) / deal.volume for deal in deals if deal.volume])
    entries = [deal for deal in deals if deal.direction == "in"]
    said = re.search(r"\b[A-Z]{3}\b", report.facts.get("Currency", ""))
    currency = said[0] if said else "USD"
    if not charged.any():
        found.estimates.append(Estimate(name="commission", value=0.0, unit=f"{currency} per lot", n=len(deals)))
        return
    entry_only = all(deal.commission + deal.fee == 0 for deal in deals if deal.direction != "in")
    paid = charged if not entry_only else np.array([-(d.commission + d.fee) / d.volume for d in entries if d.volume])
    value = float(np.median(paid))
    spread = float(np.ptp(paid))
    note = "on entries only" if entry_only else "each side"
    if spread > 0.02 * abs(value):
        note += f"; from {paid.min():.4g} to {paid.max():.4g}: not simply per lot"
    found.estimates.append(Estimate(name="commission", value=value, unit=f"{currency} per lot", n=len(paid), note=note))
    half = value / 2 if entry_only else value
    lines += ["[venue]", f'commission = "{half:.4g} {currency} per lot"' + ("  # half of it per side" * entry_only)]


def stops(found: Calibration, lines: list[str], deals: list[Deal]) -> None:
    """How far from their level stop-losses were filled; take-profits, for the sake of comparison."""
    for word, name in (("sl", "slippage of stop-losses"), ("tp", "slippage of take-profits")):
        off = np.array(list(against_level(deals, word)))
        if not len(off):
            found.unknown.append(f"{name}: no deal names its level")
            continue
        error = float(off.std(ddof=1) / np.sqrt(len(off))) if len(off) > 1 else float("nan")
        worst = f"worst {off.max() + 0.0:.4g}, {np.mean(off > 0):.0%} filled worse than their level"
        few = "" if len(off) >= LEAST else f"; only {len(off)}"
        found.estimates.append(quantity(name, float(off.mean()), error, "points", len(off), worst + few))
        if word == "sl" and off.mean() > 0:
            lines += [*([] if lines else ["[venue]"]), f'slippage = "{off.mean():.4g} points"']


def against_level(deals: list[Deal], word: str) -> Iterator[float]:
    """Points by which each exit was worse than the level its comment names."""
    for deal in deals:
        said = LEVEL.fullmatch(deal.comment.strip())
        if said and said[1] == word and deal.direction != "in":
            digits = max(len(said[2].partition(".")[2]), len(f"{deal.price:.8f}".rstrip("0").partition(".")[2]))
            side = 1 if deal.kind == "buy" else -1
            yield round(side * (deal.price - float(said[2])) * 10**digits, 1) + 0.0


def swaps(found: Calibration, lines: list[str], report: Report) -> None:
    """Swap per lot and night of longs and of shorts; the triple day is the one that explains it better."""
    holdings = list(held(report))
    for side, name in (("buy", "swap long"), ("sell", "swap short")):
        mine = [h for h in holdings if h[0] == side]
        best: tuple[float, float, str, int] | None = None
        for triple in NIGHTS:
            lots = np.array([volume * nights(opened, closed, triple) for _, volume, opened, closed, _ in mine])
            paid = np.array([swap for *_, swap in mine])
            if not lots.any():
                continue
            rate = float(lots @ paid / (lots @ lots))
            left = float(((paid - rate * lots) ** 2).sum())
            if best is None or left < best[0] * (1 - 1e-9) - 1e-12:
                best = left, rate, triple, int((lots > 0).sum())
        if best is None:
            found.unknown.append(f"{name}: no position was held over a night")
            continue
        _, rate, triple, n = best
        note = f"triple {triple}" if rate else "none was charged"
        found.estimates.append(Estimate(name=name, value=rate, unit="money per lot and night", n=n, note=note))
        if rate:
            lines.append(f"# [[instrument]] swap: mode currency_deposit, {name.split()[1]} {rate:.4g}")


Held = tuple[str, float, int, int, float]


def held(report: Report) -> Iterator[Held]:
    """Each position as (side, lots, opened, closed, swap paid); of a tester's report by pairing entries and exits."""
    if report.positions:
        for one in report.positions:
            yield one.kind, one.volume, one.opened, one.closed, one.swap
        return
    waiting: list[Deal] = []
    for deal in report.deals:
        if deal.direction == "in":
            waiting.append(deal)
        elif deal.direction == "out":
            match = next((w for w in waiting if w.symbol == deal.symbol and w.kind != deal.kind), None)
            if match is not None and match.volume == deal.volume:
                waiting.remove(match)
                yield match.kind, match.volume, match.time, deal.time, deal.swap


def nights(opened: int, closed: int, triple: str) -> int:
    """Nights charged between two times of the server's wall, midnight being the rollover.

    >>> monday = 4 * DAY
    >>> nights(monday, monday + 7 * DAY, "Wednesday"), nights(monday, monday + DAY, "Friday")
    (7, 1)
    """
    return sum(NIGHTS[triple][(day + 3) % 7] for day in range(opened // DAY, closed // DAY))


def hours(found: Calibration, deals: list[Deal], report: Report) -> None:
    """When deals were made, by day of the week: the market was open then; when it was closed nobody can say."""
    seen: dict[int, list[int]] = {}
    for deal in deals:
        seen.setdefault((deal.time // DAY + 3) % 7, []).append(deal.time % DAY // (60 * 10**9))
    spans = ", ".join(
        f"{WEEK[day]} {min(at) // 60:02d}:{min(at) % 60:02d}-{max(at) // 60:02d}:{max(at) % 60:02d}"
        for day, at in sorted(seen.items())
    )
    wall = "UTC" if report.zone else "the server's wall"
    found.estimates.append(
        Estimate(name="days traded", value=len(seen), unit="of a week", n=len(deals), note=f"{spans} ({wall})")
    )
