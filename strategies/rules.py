"""Rules: a strategy written as a TOML file, without code.

Logic: whatever the file says; see configs/rules and docs/guides/rules.md. An entry whose rules hold at a bar's close
is wished for with its stop and take-profit; a position ends by those or when an exit rule holds; then nothing is opened
for `cooldown` bars. `onetape explain RUN --bar TIME` names the first rule that failed there. Source: the file's author;
the shipped example is after Connors and Alvarez, Short Term Trading Strategies That Work (2008), ch. 9.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any

from engine.core.zones import SECOND, offset_at
from engine.rules.book import PRICES, read_rules
from engine.rules.decide import Choice, choose
from engine.strategy import ConfigError, Strategy, dataclass, field, strategy

VENUE_EXITS = ("stop_loss", "take_profit", "stop_out")


@dataclass
class State:
    """What is known of one symbol."""

    values: deque[dict[str, float]]
    side: float = 0.0
    """What it wishes: +1 long, -1 short, 0 out."""
    open: bool = False
    bars: int = 0
    cool: int = 0
    entry: float = math.nan
    last: Choice | None = None


@strategy
@dataclass
class Rules(Strategy):
    """Trades by the rules of a file: `params = { file = "pullback" }`.

    rules   the file's content; reading a config puts it here, so that a run's journal holds it
    source  what the file is called, for messages
    """

    rules: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    _book: Any = field(default=None, init=False, repr=False)
    _states: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    columns = ("volume", "spread", "end")

    def __post_init__(self) -> None:
        if not self.rules:
            raise ConfigError('rules: name a file of configs/rules: params = { file = "pullback" }')
        self._book = read_rules(self.rules, self.source)

    def features(self):
        return self._book.features

    def on_row(self, row):
        book = self._book
        state = self._states.get(row.symbol)
        if state is None:
            state = self._states[row.symbol] = State(deque(maxlen=book.back + 1))
        state.bars += state.side != 0.0
        state.values.append(self.known(row, state))
        state.last = choice = choose(book, state.values, state.side, state.cool)
        if choice.side == state.side:
            state.cool -= state.cool > 0
            return self.flat(row) if state.open and not state.side else None
        state.side, state.bars, state.cool = choice.side, 0, 0 if choice.side else book.cooldown
        return self.wish(row, choice.side, choice.stop, choice.take_profit)

    def known(self, row, state):
        """Everything that a rule may name."""
        now = {name: getattr(row, name) for name in (*PRICES, *self._book.columns)}
        wall = row.end + offset_at(self._book.zone, row.end // SECOND)
        minutes = wall // (60 * SECOND)
        now |= {"hour": minutes // 60 % 24, "minute": minutes % 60, "weekday": (minutes // 1440 + 3) % 7}
        return now | {"held": float(state.bars) if state.side else math.nan, "entry": state.entry}

    def why(self, symbol):
        state = self._states.get(symbol)
        return state.last.words if state and state.last else ""

    def on_fill(self, fill):
        state = self._states[fill.symbol]
        state.open, state.entry = fill.entry == "in", fill.price if fill.entry == "in" else math.nan
        if not state.open and fill.reason in VENUE_EXITS and state.side:
            state.side, state.cool = 0.0, self._book.cooldown

    def on_denied(self, denied):
        state = self._states[denied.symbol]
        state.side = state.side if state.open else 0.0  # nothing was opened: look again at the next bar

    def on_rejected(self, rejected):
        if not rejected.request:
            self.on_denied(rejected)

    def on_canceled(self, canceled):
        self.on_denied(canceled)
