"""`check lookahead NAME`: does a feature or a strategy decide by what has not happened yet?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from engine.core.config import Config, DataConfig, StrategyConfig
from engine.core.errors import DataError
from engine.core.events import Event, Signal
from engine.core.journal import Journal
from engine.core.table import BASE_COLUMNS
from engine.core.tape import ArrayTape, Tape
from engine.features.contract import FEATURES
from engine.features.lookahead import Finding, check, leak
from engine.run import Session, make_strategies

Columns = Mapping[str, np.ndarray]
ENOUGH = 20
"""Signals there must be: a strategy that never acts cannot be caught."""


def check_lookahead(name: str, tape: Tape, config: Config | None = None, cuts: int = 64) -> Finding | None:
    """The first value of a feature, or the first wish of a strategy, that moves when its future is changed.

    `tape` is a tape of bars of one symbol. `config` sets the strategy's parameters and frame. None: no leak found.
    Raises DataError when the strategy makes fewer than 20 signals on this tape: that would show nothing.
    """
    columns = bar_columns(tape)
    if config is None and name in FEATURES:
        return check(name, columns, cuts)
    if config is None:
        data = DataConfig(source="memory", symbols=tape.symbols)
        config = Config(name=name, data=data, strategy=(StrategyConfig(name=name),))
    else:
        config = replace(config, data=replace(config.data, source="memory", symbols=tape.symbols, kind="bars"))

    def compute(altered: Columns) -> Columns:
        return wishes(config, altered)

    count = int((~np.isnan(compute(columns)["signal"])).sum())
    if count < ENOUGH:
        raise DataError(f"{name} makes {count} signals on this tape: at least {ENOUGH} are needed to judge it")
    return leak(compute, columns, cuts)


def bar_columns(tape: Tape) -> dict[str, np.ndarray]:
    """A tape of bars as table columns."""
    parts = list(tape.blocks())
    source = {"ts": "ts", "open_ts": "ts_event", "end": "ts"}
    return {name: np.concatenate([getattr(b, source.get(name, name)) for b in parts]) for name in BASE_COLUMNS}


class Listening(Journal):
    """A journal that keeps the signals."""

    def __init__(self) -> None:
        super().__init__()
        self.signals: list[Signal] = []

    def write(self, event: Event, cause: int = 0) -> int:
        if isinstance(event, Signal):
            self.signals.append(event)
        return super().write(event, cause)


def wishes(config: Config, columns: Columns) -> dict[str, np.ndarray]:
    """What the strategies wish on these bars, as columns: signal, stop, take_profit on the row that was known then."""
    names = ("open", "high", "low", "close", "spread", "volume")
    tape = ArrayTape.bars(
        config.data.symbols, ts=columns["ts"], ts_event=columns["open_ts"],
        symbol=np.zeros(len(columns["ts"])), **{name: columns[name] for name in names},
    )  # fmt: skip
    journal = Listening()
    Session(config, tape, make_strategies(config), journal=journal).run()
    found = {name: np.full(len(columns["ts"]), np.nan) for name in ("signal", "stop", "take_profit")}
    rows = np.searchsorted(columns["ts"], [s.ts for s in journal.signals], "right") - 1
    for row, signal in zip(rows, journal.signals, strict=True):
        found["signal"][row] = signal.strength
        for name in ("stop", "take_profit"):
            value = getattr(signal, name)
            found[name][row] = np.nan if value is None else value
    return found
