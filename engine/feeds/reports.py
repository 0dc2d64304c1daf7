"""MetaTrader 5 reports, HTML or XLSX: strategy tester and trade history as deals, orders and positions.

Times are the server's wall clock, in UTC where its zone is said. Profit of a hedging account that closes one position
by another ("out by") is booked whole on the first leg; the sums are right, a single leg is not a trade.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from engine.core.clock import format_ts
from engine.core.errors import DataError, OutputError, unwritten
from engine.core.locks import put
from engine.core.zones import parse_zone, wall_to_utc
from engine.feeds.catalogue import data_root
from engine.feeds.importers.sample import Sample
from engine.feeds.importers.tables import bare_name
from engine.feeds.sheets import Row, html_rows, xlsx_rows

TITLES = {"Strategy Tester Report": "tester", "Trade History Report": "history"}
CENT = 0.005
KEPT_OUT = ("Name",)
"""Facts of the heading that are not kept: whose account it is."""


class Deal(msgspec.Struct, frozen=True, kw_only=True):
    """`kind` is buy, sell, or balance, credit, ... for what no market did; `direction` in, out, in/out, out by."""

    time: int
    deal: int
    symbol: str
    kind: str
    direction: str
    volume: float
    price: float
    order: int
    commission: float
    fee: float
    swap: float
    profit: float
    balance: float
    comment: str


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Volumes are lots: asked for and filled; price 0 is a market order; levels 0 where there is none."""

    opened: int
    order: int
    symbol: str
    kind: str
    volume: float
    filled: float
    price: float
    stop_loss: float
    take_profit: float
    done: int
    state: str
    comment: str


class Position(msgspec.Struct, frozen=True, kw_only=True):
    opened: int
    position: int
    symbol: str
    kind: str
    volume: float
    price: float
    stop_loss: float
    take_profit: float
    closed: int
    close_price: float
    commission: float
    swap: float
    profit: float


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`facts` is the heading and the results as written; `zone` the zone of the server, empty: times are its wall."""

    kind: str
    made_from: str
    zone: str
    facts: dict[str, str]
    inputs: dict[str, str]
    deals: list[Deal]
    orders: list[Order]
    positions: list[Position]

    @property
    def operations(self) -> list[Deal]:
        """Deposits, withdrawals, credits, corrections: deals with no market."""
        return [deal for deal in self.deals if not deal.direction]

    @property
    def trading(self) -> float:
        """Profit of the deals, without commission, fee and swap."""
        return round(sum(deal.profit for deal in self.deals if deal.direction), 2)

    @property
    def costs(self) -> float:
        return round(sum(deal.commission + deal.fee + deal.swap for deal in self.deals), 2)

    @property
    def start(self) -> float:
        return self.deals[0].balance if self.deals else 0.0

    @property
    def end(self) -> float:
        return self.deals[-1].balance if self.deals else 0.0

    @property
    def unexplained(self) -> list[int]:
        """Deals whose balance is not the one before plus what they booked: rows are missing or were misread."""
        found = []
        for before, deal in zip(self.deals, self.deals[1:], strict=False):
            booked = deal.profit + deal.commission + deal.fee + deal.swap
            if abs(before.balance + booked - deal.balance) > CENT:
                found.append(deal.deal)
        return found


def fits(sample: Sample) -> bool:
    """Whether a file is a report of MetaTrader 5, by its title or as a workbook."""
    if "xl/workbook.xml" in sample.members:
        return True
    start = sample.text[:200_000] if not sample.members else ""
    return "<html" in start[:2_000].lower() and any(title in start for title in TITLES)


def read_report(path: Path, zone: str = "") -> Report:
    """A report's deals, orders, positions and facts; DataError when it is none of MetaTrader 5's in English."""
    sample = Sample(path)
    rows = xlsx_rows(path) if "xl/workbook.xml" in sample.members else html_rows(path)
    title = next((cell for row in rows[:5] for cell in row if cell in TITLES), "")
    if not title:
        raise DataError(f"{path}: no report of MetaTrader 5 in English: no title among {', '.join(TITLES)}")
    found = sections(rows)
    if "Deals" not in found:
        raise DataError(f"{path}: the report has no list of deals")
    facts, inputs = facts_of(rows)
    clock = Clock(zone, path)
    return Report(
        kind=TITLES[title], made_from=path.name, zone=zone, facts=facts, inputs=inputs,
        deals=[deal(row, clock) for row in found["Deals"] if row.get("Deal")],
        orders=[order(row, clock) for row in found.get("Orders", []) if row.get("Order")],
        positions=[position(row, clock) for row in found.get("Positions", []) if row.get("Position")],
    )  # fmt: skip


class Clock:
    """Stamps like 2025.06.06 01:09:59 as int64 ns, of UTC where the zone is known."""

    def __init__(self, zone: str, path: Path) -> None:
        self.zone, self.path = parse_zone(zone) if zone else None, path

    def __call__(self, text: str) -> int:
        if not re.fullmatch(r"\d{4}\.\d\d\.\d\d \d\d:\d\d(:\d\d)?(\.\d{3})?", text):
            raise DataError(f"{self.path}: {text!r} is no time of a report")
        wall = np.array([np.datetime64(text.replace(".", "-", 2).replace(" ", "T"), "ns")]).view(np.int64)
        return int((wall_to_utc(wall, self.zone) if self.zone else wall)[0])


def sections(rows: Sequence[Row]) -> dict[str, list[dict[str, str]]]:
    """Lists by their title: each row by the words above it; a word that comes twice is `Time 2` the second time."""
    found: dict[str, list[dict[str, str]]] = {}
    name, header = "", None
    for row in rows:
        words = [cell for cell in row if cell]
        if len(words) == 1 and words[0] in ("Orders", "Deals", "Positions", "Open Positions", "Working Orders"):
            name, header = words[0], None
        elif name and header is None and words:
            header = [f"{word} 2" if word and word in row[:i] else word for i, word in enumerate(row)]
            while header and not header[-1]:
                header.pop()
            found[name] = []
        elif name and header and re.match(r"\d{4}\.\d\d\.\d\d", row[0] if row else ""):
            found[name].append(dict(zip(header, [*row, *[""] * len(header)], strict=False)))
        elif name and header and words and not row[0]:
            continue  # sums under a list
        elif words:
            name = ""
    return found


def facts_of(rows: Sequence[Row]) -> tuple[dict[str, str], dict[str, str]]:
    """`Key:` and what follows it, and the inputs of an expert."""
    facts: dict[str, str] = {}
    inputs: dict[str, str] = {}
    last = ""
    for row in rows:
        words = [cell for cell in row if cell]
        keys = [i for i, cell in enumerate(words) if cell.endswith(":")]
        if not keys and last == "Inputs" and len(words) == 1 and "=" in words[0]:
            keys, words = [0], ["Inputs:", words[0]]
        for i in keys:
            value = words[i + 1] if i + 1 < len(words) and i + 1 not in keys else ""
            last = words[i][:-1]
            if last == "Inputs" and "=" in value:
                inputs.__setitem__(*value.split("=", 1))
            elif last not in KEPT_OUT:
                facts[last] = value
    return facts, inputs


def number(text: str) -> float:
    """`1 301.40` as 1301.4; blank as 0."""
    short = re.sub(r"[\s']", "", text)
    try:
        return float(short or 0)
    except ValueError:
        raise DataError(f"{text!r} in a report is no number") from None


def deal(row: dict[str, str], clock: Clock) -> Deal:
    return Deal(
        time=clock(row["Time"]), deal=int(number(row["Deal"])), symbol=row.get("Symbol", ""), kind=row.get("Type", ""),
        direction=row.get("Direction", ""), volume=number(row.get("Volume", "").split("/")[0]),
        price=number(row.get("Price", "")), order=int(number(row.get("Order", ""))),
        commission=number(row.get("Commission", "")), fee=number(row.get("Fee", "")), swap=number(row.get("Swap", "")),
        profit=number(row.get("Profit", "")), balance=number(row.get("Balance", "")), comment=row.get("Comment", ""),
    )  # fmt: skip


def order(row: dict[str, str], clock: Clock) -> Order:
    asked, _, filled = row.get("Volume", "").partition("/")
    return Order(
        opened=clock(row["Open Time"]), order=int(number(row["Order"])), symbol=row.get("Symbol", ""),
        kind=row.get("Type", ""), volume=number(asked), filled=number(filled), price=price(row.get("Price", "")),
        stop_loss=number(row.get("S / L", "")), take_profit=number(row.get("T / P", "")), done=clock(row["Time"]),
        state=row.get("State", ""), comment=row.get("Comment", ""),
    )  # fmt: skip


def price(text: str) -> float:
    return 0.0 if text == "market" else number(text)


def position(row: dict[str, str], clock: Clock) -> Position:
    return Position(
        opened=clock(row["Time"]), position=int(number(row["Position"])), symbol=row.get("Symbol", ""),
        kind=row.get("Type", ""), volume=number(row.get("Volume", "")), price=number(row.get("Price", "")),
        stop_loss=number(row.get("S / L", "")), take_profit=number(row.get("T / P", "")), closed=clock(row["Time 2"]),
        close_price=number(row.get("Price 2", "")), commission=number(row.get("Commission", "")),
        swap=number(row.get("Swap", "")), profit=number(row.get("Profit", "")),
    )  # fmt: skip


def keep_report(path: Path, zone: str = "", root: Path | None = None) -> dict[str, Any]:
    """A report as JSON in the catalogue's `reports/`, under its name and a hash; the same again changes nothing.

    Returns what it is, its sums and where it lies.
    """
    report = read_report(path, zone)
    raw = msgspec.json.format(msgspec.json.encode(report), indent=1)
    digest = hashlib.blake2b(raw, digest_size=4).hexdigest()
    kept = (root or data_root()) / "reports" / f"{bare_name(path)}-{digest}.json"
    if not kept.exists():
        staged = kept.with_name(f".{kept.name}.{os.getpid()}.part")
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            staged.write_bytes(raw)
            with staged.open("rb") as file:
                os.fsync(file.fileno())
            put(staged, kept)
        except OSError as wrong:
            raise OutputError(f"{kept} cannot be written: {unwritten(wrong)}") from None
        finally:
            staged.unlink(missing_ok=True)
    return {**told(report), "path": str(kept)}


def told(report: Report) -> dict[str, Any]:
    """What a report is, in a few figures; money in the account's currency."""
    times = [deal.time for deal in report.deals]
    note = "times are the server's wall clock: say --tz" if not report.zone else ""
    return {
        "report": f"MetaTrader 5 {report.kind}", "deals": len(report.deals), "orders": len(report.orders),
        "positions": len(report.positions), "first": format_ts(min(times)) if times else None,
        "last": format_ts(max(times)) if times else None, "start": report.start, "end": report.end,
        "trading": report.trading, "costs": report.costs, "operations": len(report.operations),
        "unexplained": report.unexplained, "note": note,
    }  # fmt: skip
