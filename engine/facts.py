"""What risk rules read beside the book: features of the strategy's own row, correlations, the age of the last record.

Both lanes ask here, with the moment of the decision and the record that it comes before; nothing later is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.core.config import Config, StrategyConfig
from engine.core.frames import parse_frame
from engine.core.table import Stream, Table, Tables
from engine.core.tape import Block
from engine.features.plan import Plan
from engine.features.returns import return_sigma
from engine.kernels.related import correlation, last_before
from engine.risk.terms import FACT_AGE, FACT_ATR, FACT_HIGH, FACT_LOW, FACT_RELATED, FACT_SIGMA
from engine.rows import View, bind

COLUMNS = {FACT_ATR: "atr", FACT_LOW: "swing_lower", FACT_HIGH: "swing_upper", FACT_SIGMA: "sigma"}


def owner_of(strategy: StrategyConfig) -> str:
    """Under which name the columns for the rules stand beside those of the strategy."""
    return f"{strategy.id} risk"


def asked(config: Config, strategy: StrategyConfig) -> dict[str, Any]:
    """Features that the rules need on each row of the strategy."""
    from engine.features import FEATURES, load_all

    load_all()
    exits, specs = config.risk.exits, dict[str, Any]()
    if exits is not None:
        far = (exits.stop, exits.take_profit, exits.trail, exits.trail_start, exits.break_even)
        if any(one is not None and one.unit == "atr" for one in far):
            specs["atr"] = FEATURES.get("atr")(exits.atr_period)
        if exits.stop is not None and exits.stop.unit == "bars swing":
            specs["swing"] = FEATURES.get("donchian")(int(exits.stop.amount))
    if strategy.size is not None and strategy.size.unit == "% volatility":
        specs["sigma"] = return_sigma(period=config.risk.lookback)
    return specs


def related_streams(config: Config, symbols: Sequence[str]) -> list[Stream]:
    """The bars that are correlated."""
    related = config.risk.correlation
    return [Stream(symbol, parse_frame(related.frame or config.data.frame)) for symbol in symbols if related]


def rule_rows(config: Config) -> int:
    """How many closed bars the rules look back over."""
    related = config.risk.correlation
    plans = (Plan(specs) for one in config.strategies if (specs := asked(config, one)))
    return max(2 * related.bars if related else 0, *(plan.lookback for plan in plans), 0) + 2


def build_facts(
    config: Config, symbols: tuple[str, ...], tables: Tables, find: Callable[[str, str], int]
) -> tuple[Facts | None, list[View]]:
    """The facts for the rules of a run, None where none asks for any, and the views that keep their features up."""
    risk, views = config.risk, list[View]()
    closes = [tables.tables[find(stream.symbol, stream.frame)] for stream in related_streams(config, symbols)]
    bars = risk.correlation.bars if risk.correlation else 0
    facts = Facts(len(symbols), {}, tuple(closes), bars, risk.max_age is not None)
    for k, one in enumerate(config.strategies):
        specs = asked(config, one)
        for symbol in one.symbols if specs else ():
            stream = find(symbol, one.frame)
            views += bind(tables, stream, owner_of(one), specs, find)
            facts.source(k, symbols.index(symbol), tables.tables[stream], one)
    return (facts if facts.sources or closes or facts.aged else None), views


@dataclass
class Facts:
    """`sources[k, s]` are the table of strategy k's stream of symbol s and the columns of its features for the rules;
    `closes[s]` the table whose bars are correlated.
    """

    symbols: int
    sources: dict[tuple[int, int], tuple[Table, dict[int, np.ndarray]]] = field(default_factory=dict)
    closes: tuple[Table, ...] = ()
    bars: int = 0
    aged: bool = False
    _stamps: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    _symbol: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))

    def __post_init__(self) -> None:
        self.width = FACT_RELATED + self.symbols
        self.last = np.full(self.symbols, -(2**62))
        """Stamp of each symbol's last record before this block."""

    def source(self, k: int, s: int, table: Table, strategy: StrategyConfig) -> None:
        """Strategy k goes by this table for symbol s."""
        named = {n: table.columns.get(f"{owner_of(strategy)}.{name}") for n, name in COLUMNS.items()}
        self.sources[k, s] = table, {n: column for n, column in named.items() if column is not None}

    def attach(self, block: Block) -> None:
        """The block of the tape that record numbers mean from now on."""
        if self.aged:
            for s in range(self.symbols):
                if (n := last_before(self._symbol, s, len(self._symbol))) >= 0:
                    self.last[s] = self._stamps[n]
            self._stamps, self._symbol = block.ts, block.symbol

    def at(self, k: int, s: int, ts: int, record: int) -> np.ndarray:
        """The facts for a decision at ts, before that record of the block: float64[width]."""
        facts = np.full(self.width, np.nan)
        if found := self.sources.get((k, s)):
            table, columns = found
            row = row_at(table, ts)
            for n, column in columns.items():
                facts[n] = column[row] if row >= 0 else np.nan
        if self.aged:
            n = last_before(self._symbol, s, record)
            facts[FACT_AGE] = (ts - int(self._stamps[n] if n >= 0 else self.last[s])) * 1e-9
        if self.closes:
            self._relate(facts, s, ts)
        return facts

    def _relate(self, facts: np.ndarray, s: int, ts: int) -> None:
        """How symbol s moves with each of the others."""
        a = self.closes[s]
        i = row_at(a, ts)
        for d, b in enumerate(self.closes):
            if d != s:
                x, y = a.columns, b.columns
                facts[FACT_RELATED + d] = correlation(
                    x["end"], x["close"], i, y["end"], y["close"], row_at(b, ts), self.bars
                )


def row_at(table: Table, ts: int) -> int:
    """The last row that was known at ts; -1 if there is none."""
    return int(table.columns["ts"][: table.n].searchsorted(ts, "right")) - 1
