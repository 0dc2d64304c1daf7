"""`check lookahead NAME`: does a feature or a strategy decide by what has not happened yet?

A strategy is run again and again over bars whose future was cut off, made NaN, made 1e9 or turned round; whatever it
wished or ordered before the cut must stay as it was. Its compiled form is held to the same. And it is run on the same
bars dated 28 years later, when weekdays and daylight saving fall on the same dates: a strategy that decides
otherwise then looks its decisions up by date, in data that are not on the tape and may hold the future.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np

from engine.core.config import Config, DataConfig, StrategyConfig
from engine.core.errors import DataError, OnetapeError
from engine.core.events import Event, Order, Signal
from engine.core.journal import Journal
from engine.core.table import BASE_COLUMNS, STAMPS
from engine.core.tape import ArrayTape, Tape
from engine.features.contract import FEATURES
from engine.features.lookahead import Finding, check, first_difference, leak
from engine.feeds.tapes import frame_of
from engine.run import Session, make_strategies

Columns = Mapping[str, np.ndarray]
ENOUGH = 20
"""Signals there must be: a strategy that never acts cannot be caught."""
LATER = 28 * 365 * 86_400 * 10**9 + 7 * 86_400 * 10**9
"""28 years with their 7 leap days, in ns: whole weeks, and New Year on the same weekday."""
WISH = ("signal", "stop", "take_profit", "order")


def check_lookahead(name: str, tape: Tape, config: Config | None = None, cuts: int = 64) -> Finding | None:
    """The first value of a feature, or the first wish of a strategy, that moves when its future is changed.

    `tape` is a tape of bars of one symbol. `config` sets the strategy's parameters and frame. None: no leak found.
    Raises DataError when the strategy makes fewer than 20 signals on this tape: that would show nothing.
    """
    columns = bar_columns(tape)
    if config is None and name in FEATURES:
        return check(name, columns, cuts)
    config = config or Config(name=name, data=DataConfig(symbols=tape.symbols), strategy=(StrategyConfig(name=name),))
    held = frame_of(tape)
    frame, detail = (config.data.frame, held) if config.data.detail else (held, None)
    data = replace(
        config.data, source="memory", files=(), symbols=tape.symbols, kind="bars", frame=frame, detail=detail
    )
    config = replace(config, data=data)
    lanes: list[Literal["python", "compiled"]] = ["python"]
    if all(made.compiled() is not None for made in make_strategies(config)):
        lanes.append("compiled")
    for lane in lanes:
        found = in_lane(replace(config, run=replace(config.run, lane=lane)), columns, cuts)
        if found:
            return found
    return None


def in_lane(config: Config, columns: Columns, cuts: int) -> Finding | None:
    wished = wishes(config, columns)
    count = sum(int((~np.isnan(wished[name])).sum()) for name in wished if name.endswith(("signal", "order")))
    if count < ENOUGH:
        name = ", ".join(one.id for one in config.strategies)
        raise DataError(f"{name} makes {count} signals on this tape: at least {ENOUGH} are needed to judge it")
    found = leak(lambda altered: wishes(config, altered, strict=False), columns, cuts)
    if found:
        return found
    later = {name: values + LATER if name in STAMPS else values for name, values in columns.items()}
    there = wishes(config, later, strict=False)
    return first_difference(wished, there, 0, "dated 28 years later", columns)


def bar_columns(tape: Tape) -> dict[str, np.ndarray]:
    """A tape of bars as table columns; DataError for another tape."""
    if tape.kind != "bars" or len(tape.symbols) > 1:
        raise DataError(
            f"look-ahead is looked for in bars of one symbol, not in {tape.kind} of {', '.join(tape.symbols)}"
        )
    parts = list(tape.blocks())
    source = {"ts": "ts", "open_ts": "ts_event", "end": "ts"}
    return {name: np.concatenate([getattr(b, source.get(name, name)) for b in parts]) for name in BASE_COLUMNS}


class Listening(Journal):
    """A journal that keeps what strategies wish and order."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[int, str, dict[str, float]]] = []

    def write(self, event: Event, cause: int = 0) -> int:
        if isinstance(event, Signal):
            self.hear(event.ts, event.strategy, event.strength, event.stop, event.take_profit)
        if isinstance(event, Order):
            self.heard.append((event.ts, event.strategy, {"order": event.side * event.units}))
        return super().write(event, cause)

    def hear(self, ts: int, strategy: str, strength: float, stop: float | None, take_profit: float | None) -> None:
        found = {"signal": strength, "stop": stop, "take_profit": take_profit}
        self.heard.append((ts, strategy, {name: np.nan if v is None else v for name, v in found.items()}))


def columns_of(config: Config) -> dict[str, tuple[str, str]]:
    """Names of the columns of wishes, and the strategy and kind of each; one strategy needs no name in them."""
    several = len(config.strategies) > 1
    return {f"{one.id}.{kind}" if several else kind: (one.id, kind) for one in config.strategies for kind in WISH}


def wishes(config: Config, columns: Columns, strict: bool = True) -> dict[str, np.ndarray]:
    """What the strategies wish and order on these bars, as columns: each on the first row known then or later.

    A wish made between two bars (a larger bar ended there) belongs to the later one: what was known before the earlier
    one ended cannot have moved it. `strict=False`: where a strategy breaks on bars that never were, what it wished
    until then counts.
    """
    names = ("open", "high", "low", "close", "spread", "volume")
    tape = ArrayTape.bars(
        config.data.symbols, ts=columns["ts"], ts_event=columns["open_ts"],
        symbol=np.zeros(len(columns["ts"])), **{name: columns[name] for name in names},
    )  # fmt: skip
    journal = Listening()
    session = Session(config, tape, make_strategies(config), journal=journal)
    if session.compiled:
        overhear(session, journal)
    try:
        session.run()
    except OnetapeError:
        raise
    except Exception:
        if strict:
            raise
    rows = np.searchsorted(columns["ts"], [ts for ts, _, _ in journal.heard])
    found = {name: np.full(len(columns["ts"]), np.nan) for name in columns_of(config)}
    for name, (strategy, kind) in columns_of(config).items():
        for row, (_, who, values) in zip(rows, journal.heard, strict=True):
            if who == strategy and kind in values:
                found[name][row] = values[kind]
    return found


def overhear(session: Session, journal: Listening) -> None:
    """The compiled lane journals no wishes: they are taken from where it states them."""
    stated, ids = session.fast.statements, [one.id for one in session.config.strategies]

    def statements(closed: np.ndarray) -> np.ndarray:
        made = stated(closed)
        for x in made[["ts", "strategy", "strength", "stop", "take_profit"]].tolist():
            journal.hear(x[0], ids[x[1]], *x[2:])
        return made

    session.fast.statements = statements  # type: ignore[method-assign]
