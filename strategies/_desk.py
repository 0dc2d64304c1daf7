"""Several strategies on paper, side by side on one symbol; used by `selected`."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import msgspec

from engine.features.spec import Spec
from engine.strategy import ConfigError, Fill, Signal, Strategy
from strategies._choice import FLAT, Steady
from strategies._hedge import Hedge
from strategies._inner import events_in, made_inside, shown
from strategies._paper import Deal, Paper

TAKEN = (FLAT, "reach")
"""Names that mean something else in a config, or in a row."""


@dataclass
class Expert:
    """One strategy, and its rows: its own features under the names it gave them."""

    name: str
    of: str
    inner: Strategy
    specs: dict[str, Spec]
    columns: dict[str, str]
    """What its rows show to the column of the row that all share."""
    shape: Any

    def row(self, row: Any) -> Any:
        return self.shape(row.ts, row.symbol, *(getattr(row, column) for column in self.columns.values()))


def experts_of(among: dict[str, Any]) -> dict[str, Expert]:
    """The strategies of a config's table, by name: the table's order says nothing; ConfigError where it cannot be."""
    if len(among) < 2:
        raise ConfigError('selected: among names two at least: { up = { of = "ma_cross" }, down = { of = "rules" } }')
    found = {}
    for name, table in sorted(among.items()):
        if not name.isidentifier() or name.startswith("_") or name in TAKEN:
            raise ConfigError(f"selected: among: {name!r} is no name here: letters and digits, and not {TAKEN[0]}")
        if not isinstance(table, dict) or not {"of"} <= set(table) <= {"of", "params"}:
            raise ConfigError(f'selected: among.{name}: write {{ of = "ma_cross", params = {{ fast = 5 }} }}')
        inner = made_inside("selected", table["of"], table.get("params", {}))
        base = ("open", "high", "low", "close", *inner.columns)
        columns = {one: one if one in base else f"{name}_{one}" for one in (*base, *shown(inner))}
        shape = msgspec.defstruct("Row", [("ts", int), ("symbol", str), *((c, float) for c in columns)], frozen=True)
        found[name] = Expert(name, table["of"], inner, inner.features(), columns, shape)
    return found


@dataclass
class Desk:
    """All of them on one symbol: what each holds on paper, what that earned, and who is chosen."""

    hedge: Hedge
    choice: Steady
    bars: deque[dict[str, float]]
    papers: dict[str, Paper] = field(default_factory=dict)
    units: dict[str, float] = field(default_factory=dict)
    """What one average true range was when the paper trade was opened."""
    gains: dict[str, float] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    """Whose paper trade met its stop-loss or take-profit in this bar."""
    words: str = ""

    def live(self, expert: Expert, row: Any, full: float) -> list[Any]:
        """One more bar of one strategy: what it says at it."""
        paper = self.papers.setdefault(expert.name, Paper())
        exits = paper.bar(row)
        (self.ended.add if exits else self.ended.discard)(expert.name)
        self.book(expert, row, exits, full)
        said = events_in("selected", expert.of, expert.inner.on_row(expert.row(row)), row.symbol, (Signal,))
        for wish in said:
            self.book(expert, row, paper.wish(row, wish), full)
        return said

    def book(self, expert: Expert, row: Any, deals: list[Deal], full: float) -> None:
        """Results count once a paper trade has closed; the strategy hears of its deals as if they were fills."""
        heard = getattr(expert.inner, "on_fill", None)
        for deal in deals:
            if deal.entry == "in":
                self.units[expert.name] = row.reach_now
            elif (unit := self.units[expert.name]) > 0.0:
                self.gains[expert.name] = self.gains.get(expert.name, 0.0) + deal.result / (full * unit)
            if heard is not None and heard(paper_fill(expert.inner.id, row, deal)):
                raise ConfigError(f"selected: {expert.of} answers its fills: only wishes at rows can be judged")

    def leader(self, margin: float) -> str:
        """Whose weight is the largest, if by `margin` more than that of the chosen one; else who is chosen."""
        self.hedge.round(self.gains)
        self.gains = {}
        weights = self.hedge.weights
        self.words = ", ".join(f"{name} {weight:.3g}" for name, weight in weights.items())
        best, now = max(weights, key=lambda name: weights[name]), self.choice.chosen
        return best if now is None or weights[best] > weights[now] + margin else now


def paper_fill(strategy: str, row: Any, deal: Deal) -> Fill:
    """A deal on paper as the report of a venue: one unit, its profit in price."""
    side = 1 if deal.side > 0.0 else -1
    return Fill(
        row.ts, strategy, row.symbol, order=0, deal=0, position=0, side=side, units=1.0, price=deal.price,
        entry=deal.entry, profit=deal.result, commission=0.0, balance=0.0, reason=deal.reason, ts_event=row.ts,
    )  # fmt: skip
