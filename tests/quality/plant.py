"""Plants defects in a clean day of quotes: 34 of them, two of each kind, at places drawn from a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.core.zones import DAY, HOUR, SECOND
from engine.feeds.lineage import Columns, part, size

MINUTE = 60 * SECOND


@dataclass(frozen=True)
class Planted:
    kind: str
    flag: str
    """What must be found ..."""
    row: int
    """... on this row of the day with its defects, or between it and `until` where a defect needs time to show."""
    until: int


Plant = Callable[[Columns, int, np.random.Generator], tuple[Columns, int]]


def edit(day: Columns, row: int, **values: float) -> tuple[Columns, int]:
    for name, value in values.items():
        day[name][row] = value
    return day, row


def nan_bid(day: Columns, row: int, rng: np.random.Generator) -> tuple[Columns, int]:
    return edit(day, row, bid=np.nan)


def infinite_ask(day: Columns, row: int, rng: np.random.Generator) -> tuple[Columns, int]:
    return edit(day, row, ask=np.inf)


def zero(day: Columns, row: int, rng: np.random.Generator) -> tuple[Columns, int]:
    return edit(day, row, bid=0.0)


def negative_price(day: Columns, row: int, rng: np.random.Generator) -> tuple[Columns, int]:
    return edit(day, row, ask=-day["ask"][row])


def crossed(day: Columns, row: int, rng: np.random.Generator) -> tuple[Columns, int]:
    return edit(day, row, ask=day["bid"][row] - 1e-5 * rng.integers(1, 30))


def spike(day: Columns, row: int, rng: np.random.Generator) -> tuple[Columns, int]:
    off = float(rng.choice([-1, 1]) * rng.uniform(0.004, 0.02))
    return edit(day, row, bid=day["bid"][row] + off, ask=day["ask"][row] + off)


def lost_digit(day: Columns, row: int, rng: np.random.Generator) -> tuple[Columns, int]:
    return edit(day, row, bid=day["bid"][row] / 10, ask=day["ask"][row] / 10)


def wide(day: Columns, row: int, rng: np.random.Generator) -> tuple[Columns, int]:
    return edit(day, row, bid=day["bid"][row] - 0.003, ask=day["ask"][row] + 0.003)


def negative_size(day: Columns, row: int, rng: np.random.Generator) -> tuple[Columns, int]:
    return edit(day, row, bid_size=-1.0)


def duplicate(day: Columns, row: int, rng: np.random.Generator) -> tuple[Columns, int]:
    back = int(rng.integers(1, 3))
    rows = np.r_[0 : row + 1, row + 1 - back, row + 1 : size(day)]
    day = part(day, rows)
    day["ts"][row + 1 - back : row + 2] = day["ts"][row + 1]
    return day, row + 1


def swapped(day: Columns, row: int, rng: np.random.Generator) -> tuple[Columns, int]:
    rows = np.arange(size(day))
    rows[row - 1], rows[row] = row, row - 1
    day = part(day, rows)
    if day["ts"][row] == day["ts"][row - 1]:
        day["ts"][row] -= 1
    return day, row


def jump_back(day: Columns, row: int, rng: np.random.Generator) -> tuple[Columns, int]:
    day["ts"][row] -= HOUR
    return day, row


def frozen(day: Columns, row: int, rng: np.random.Generator) -> tuple[Columns, int]:
    until = int(np.searchsorted(day["ts"], day["ts"][row] + 12 * MINUTE))
    for name in ("bid", "ask"):
        day[name][row:until] = day[name][row]
    return day, until - 1


def stale(day: Columns, row: int, rng: np.random.Generator) -> tuple[Columns, int]:
    until = int(np.searchsorted(day["ts"], day["ts"][row] + 8 * MINUTE))
    day["ask"][row:until] = day["bid"][row:until].max() + 40e-5
    day["bid"][row:until] -= np.linspace(0, 60e-5, until - row)
    return day, until - 1


def gap(day: Columns, row: int, rng: np.random.Generator) -> tuple[Columns, int]:
    until = int(np.searchsorted(day["ts"], day["ts"][row] + int(rng.integers(7, 12)) * MINUTE))
    return part(day, np.r_[0:row, until : size(day)]), row


def late(day: Columns, row: int, rng: np.random.Generator) -> tuple[Columns, int]:
    day["ts_event"][row] -= 3 * SECOND
    return day, row


def early(day: Columns, row: int, rng: np.random.Generator) -> tuple[Columns, int]:
    day["ts_event"][row] = day["ts"][row] + SECOND // 10
    return day, row


PLANTS: dict[str, tuple[Plant, str]] = {
    "a missing bid": (nan_bid, "missing"), "an infinite ask": (infinite_ask, "missing"),
    "a price of zero": (zero, "nonpositive"), "a negative price": (negative_price, "nonpositive"),
    "ask below bid": (crossed, "crossed"), "a spike": (spike, "spike"), "a lost digit": (lost_digit, "spike"),
    "a spread blown up": (wide, "wide"), "a negative size": (negative_size, "negative"),
    "a quote twice": (duplicate, "duplicate"), "two rows swapped": (swapped, "backward"),
    "a stamp an hour back": (jump_back, "backward"), "a frozen feed": (frozen, "frozen"),
    "one side frozen": (stale, "stale"), "a hole": (gap, "gap"), "a late quote": (late, "late"),
    "a clock ahead": (early, "early"),
}  # fmt: skip


def plant(clean: Columns, seed: int, each: int = 2) -> tuple[Columns, list[Planted]]:
    """The day with `each` defects of every kind, and where they are; the clean day is not changed."""
    rng = np.random.default_rng(seed)
    n = size(clean)
    day = {name: values.copy() for name, values in clean.items()}
    day.setdefault("bid_size", np.ones(n))
    day.setdefault("ask_size", np.ones(n))
    day.setdefault("ts_event", day["ts"] - 20_000_000)
    names = list(PLANTS) * each
    rng.shuffle(names)
    places = np.sort(rng.choice(np.arange(3, 97), len(names), replace=False))
    start, span = int(clean["ts"][0]), int(clean["ts"][-1] - clean["ts"][0])
    found = []
    for name, place in sorted(zip(names, places.tolist(), strict=True), key=lambda both: -both[1]):
        made, flag = PLANTS[name]
        row = int(np.searchsorted(day["ts"], start + span * place // 100))
        before = size(day)
        day, at = made(day, row, rng)
        moved = size(day) - before
        found = [Planted(p.kind, p.flag, p.row + moved, p.until + moved) for p in found]
        found.append(Planted(name, flag, min(row, at), at))
    return day, found[::-1]


def weekend(day: Columns) -> Columns:
    """The day again, on the Saturday that follows."""
    days_on = (5 - (int(day["ts"][0]) // DAY + 3) % 7) % 7 or 7
    return {name: values + days_on * DAY if name.startswith("ts") else values for name, values in day.items()}
