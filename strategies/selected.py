"""Selected: of several strategies the one that suits the market now, by its regime or by what each has earned.

Logic: what earns in a trend loses in a range. Either a measure of the regime says who trades (`regime` and `suits`),
or past results do (Hedge, see `strategies/_hedge.py`). Every strategy lives on paper (`strategies/_paper.py`), chosen
or not: what it wishes never hangs on being chosen, and what it has earned counts from the bar at which a paper trade
closed. The choice changes only when another was wanted for `dwell` bars in a row. Then, at that bar, what the new one
holds on paper, with its exits, replaces what the old one held; flat, if it holds nothing. Where both hold the same
side, the position stays, with the exits it has; an exit of the chosen one on paper ends it in any case. Source:
Kaufman, Trading Systems and Methods (5th ed. 2013), ch. 20; Freund and Schapire, Journal of Computer and System
Sciences 55 (1997).
"""

from __future__ import annotations

import math
from typing import Any

from engine.features import atr
from engine.strategy import ConfigError, Strategy, dataclass, field, strategy
from strategies._choice import FLAT, Steady, read_suits
from strategies._desk import Desk, experts_of
from strategies._expression import read_expression
from strategies._hedge import Hedge


@strategy
@dataclass
class Selected(Strategy):
    """One of `among` at a time, for each symbol on its own. In the Python lane only; one wish per bar.

    among   names to strategies: `{ trend = { of = "ma_cross", params = { fast = 5 } }, range = { of = ... } }`
    regime  a number or condition over prices and features, like "regime().regime" (empty: by past results)
    suits   values of it to names of `among`, or "flat": `{ "1" = "trend", "-1" = "trend", "0" = "range" }`; of a
            condition "true" and "false"; a value that is not there keeps the choice
    dwell   bars for which another must be wanted in a row
    margin  by past results: how much larger the weight of another must be; at first the first by name is chosen
    rate, floor   how fast a good or bad trade moves the weights, and the smallest that a weight can be
    memory  bars after which results count half (0: for ever)
    full    result of a paper trade, in average true ranges at its entry, that counts as a full gain or loss
    """

    among: dict[str, Any] = field(default_factory=dict)
    regime: str = ""
    suits: dict[str, str] = field(default_factory=dict)
    dwell: int = 5
    margin: float = 0.1
    rate: float = 0.5
    floor: float = 0.05
    memory: float = 1000.0
    full: float = 3.0
    _experts: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    _regime: Any = field(default=None, init=False, repr=False)
    _suits: dict[float, str] = field(default_factory=dict, init=False, repr=False)
    _desks: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self._experts = experts_of(self.among)
        own = tuple(column for expert in self._experts.values() for column in expert.inner.columns)
        self.columns = tuple(dict.fromkeys((*own, "spread")))  # type: ignore[misc]
        if self.dwell < 1 or not (0.0 <= self.margin < 1.0 and 0.0 <= self.floor * len(self.among) < 1.0):
            raise ConfigError("selected: dwell is at least 1 bar, margin below 1, and so is floor times the strategies")
        if not (0.0 < self.rate < 10.0 and 0.0 < self.full < math.inf and 0.0 <= self.memory < math.inf):
            raise ConfigError("selected: rate lies between 0 and 10, full is more than 0, memory not negative")
        if bool(self.regime) != bool(self.suits):
            raise ConfigError("selected: regime and suits go together: a measure, and who trades at which value")
        self._regime = read_expression(self.regime or "0", "selected: regime", "choice")
        self._suits = read_suits(self.suits, tuple(self.among), self._regime.formula.logical)

    def features(self):
        own = {f"{name}_{one}": spec for name, expert in self._experts.items() for one, spec in expert.specs.items()}
        return {**own, **self._regime.features, "reach_now": atr(14)}

    def on_start(self):
        for expert in self._experts.values():
            expert.inner.id, expert.inner.specifications = self.id, self.specifications
            if expert.inner.on_start():
                raise ConfigError(f"selected: {expert.of} schedules timers: only wishes at rows can be judged")

    def on_row(self, row):
        desk = self._desks.get(row.symbol)
        if desk is None:
            hedge = Hedge(tuple(self._experts), self.rate, self.memory, self.floor)
            desk = self._desks[row.symbol] = Desk(hedge, Steady(self.dwell), self._regime.kept())
        said = {name: desk.live(expert, row, self.full) for name, expert in self._experts.items()}
        before = desk.choice.chosen
        now = desk.choice.see(self.suitable(desk, row) if self.regime else desk.leader(self.margin))
        if before is None or (now == before and (said.get(now) or now not in desk.ended)):
            return said.get(now)
        held = desk.papers.get(now)
        return self.wish(row, held.strength, held.stop, held.take_profit) if held and held.side else self.flat(row)

    def suitable(self, desk, row):
        """Who suits the regime of this bar."""
        desk.bars.append(self._regime.reads(row))
        value = self._regime.value(desk.bars)
        desk.words = f"{self.regime} is {'not known yet' if value is None else f'{value:.6g}'}"
        kept = desk.choice.chosen or FLAT
        return kept if value is None else self._suits.get(float(value), kept)

    def why(self, symbol):
        desk = self._desks.get(symbol)
        if desk is None or desk.choice.chosen is None:
            return ""
        choice = desk.choice
        told = f"{choice.chosen} chosen for {choice.held} bars"
        if choice.wanted != choice.chosen:
            told += f", {choice.wanted} wanted for {choice.since} of {self.dwell}"
        inner = self._experts[choice.chosen].inner.why(symbol) if choice.chosen in self._experts else ""
        return "; ".join(words for words in (told, desk.words, inner) if words)
