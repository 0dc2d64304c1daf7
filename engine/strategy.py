"""What a strategy author needs, and nothing else.

A strategy is a dataclass whose fields are its parameters. It says which features it wants and answers events with
wishes:

    @strategy
    @dataclass
    class Momentum(Strategy):
        '''Long above the average, flat below.'''

        period: int = 50

        def features(self):
            return {"average": sma(self.period)}

        def on_row(self, row):
            return self.long(row) if row.close > row.average else self.flat(row)

`on_row(row)` sees each closed bar of its frame with the features it declared (`row.ts` is the close), once all of
them have warmed up; a second parameter `history` gives copies of earlier values: `history("close", 20)`. Also
called, where defined: `on_quote(quote)`, `on_fill(fill)`, `on_timer(timer)`, `on_accepted`, `on_rejected`,
`on_canceled`, `on_modified`, `on_triggered`, `on_swapped`, `on_denied`, and of the account, whoever trades on it:
`on_margin_call`, `on_correction`. A handler returns an event, a list of them, or None; one dated later than now is
scheduled (`Timer`). Repeating a wish costs nothing: what says nothing new is dropped.

Who manages orders himself returns `Order`, `Cancel`, `Modify` and `CloseBy`, of his own orders and positions;
`on_order(order)` hands back an order of his that risk let through, with the number it now goes by.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, ClassVar, cast

import msgspec

from engine.core.errors import ConfigError
from engine.core.events import (
    Accepted,
    Cancel,
    Canceled,
    CloseBy,
    Correction,
    Denied,
    Event,
    Fill,
    MarginCall,
    Modified,
    Modify,
    Order,
    Quote,
    Rejected,
    Signal,
    Swapped,
    TargetPosition,
    Timer,
    Triggered,
)
from engine.core.registry import Registry, did_you_mean

__all__ = [
    "Accepted", "Cancel", "Canceled", "CloseBy", "ConfigError", "Correction", "Denied", "Fill", "MarginCall",
    "Modified", "Modify", "Order", "Quote", "Rejected", "Signal", "Strategy", "Swapped", "TargetPosition", "Timer",
    "Triggered", "dataclass", "field", "make", "strategy",
]  # fmt: skip

STRATEGIES: Registry[type[Strategy]] = Registry("strategy")


class Strategy:
    """Base of all strategies: the name it trades under and short ways to write a wish."""

    id: str = ""
    """Attribution name, unique in a run; the run sets it from the config."""
    specifications: Mapping[str, Any] = {}
    """The run's symbols to their instruments (hours, digits ...: `engine.core.instrument`); the run sets it."""
    columns: ClassVar[tuple[str, ...]] = ()
    """Base columns a row carries beside open, high, low and close: volume, spread, open_ts."""

    def features(self) -> dict[str, Any]:
        """Names to features; each becomes a field of the row."""
        return {}

    def compiled(self) -> Any:
        """A feature with the outputs `signal`, `stop`, `take_profit` that wishes what `on_row` wishes, or None."""
        return None

    def on_start(self) -> Any:
        """Called before the first record; what it returns is dated when it is to happen."""
        return None

    def on_row(self, row: Any) -> Any:
        return None

    def why(self, symbol: str) -> str:
        """In words, what decided at the last row of a symbol; `onetape explain` shows it. Empty: it does not say."""
        return ""

    def wish(self, event: Any, strength: float, stop: float | None = None, take_profit: float | None = None) -> Signal:
        """Be that long (+1) .. short (-1) of the event's symbol, with these exits for what gets opened."""
        return Signal(event.ts, self.id, event.symbol, float(strength), stop, take_profit)

    def long(self, event: Any, stop: float | None = None, take_profit: float | None = None) -> Signal:
        return self.wish(event, 1.0, stop, take_profit)

    def short(self, event: Any, stop: float | None = None, take_profit: float | None = None) -> Signal:
        return self.wish(event, -1.0, stop, take_profit)

    def flat(self, event: Any) -> Signal:
        return self.wish(event, 0.0)


def snake(name: str) -> str:
    """MaCross -> ma_cross."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def strategy(cls: type[Any]) -> type[Any]:
    """Register a strategy under its class name in snake case."""
    if not issubclass(cls, Strategy):
        raise ConfigError(f"{cls.__name__} must be a subclass of Strategy to be registered")
    STRATEGIES.add(snake(cls.__name__), cls)
    return cls


def load_all() -> Registry[type[Strategy]]:
    """Import every file in `strategies/`, so that each has registered itself."""
    import strategies

    for module in pkgutil.iter_modules(strategies.__path__):
        importlib.import_module(f"strategies.{module.name}")
    return STRATEGIES


def find(name: str) -> type[Strategy]:
    """The strategy of that name: its own file is tried first, so that one does not wait for all to be imported."""
    if name not in STRATEGIES and name.isidentifier() and importlib.util.find_spec(f"strategies.{name}"):
        importlib.import_module(f"strategies.{name}")
    return STRATEGIES.get(name) if name in STRATEGIES else load_all().get(name)


def make(name: str, params: dict[str, Any] | None = None, id: str = "") -> Strategy:
    """A strategy by its registered name.

    Raises ConfigError for an unknown name or parameter (naming the nearest), a value of the wrong type, and for
    what the strategy itself finds impossible.
    """
    cls = find(name)
    known: set[str] = {f.name for f in fields(cast(Any, cls)) if f.init} if is_dataclass(cls) else set()
    for key in params or {}:
        if key not in known:
            raise ConfigError(f"strategy {name} has no parameter {key!r}: {did_you_mean(key, known)}")
    try:
        made = msgspec.convert(params or {}, cls)
    except msgspec.ValidationError as error:
        raise ConfigError(f"strategy {name}: {error}") from None
    made.id = id or name
    return made


def params_of(made: Strategy) -> dict[str, Any]:
    """The parameters a strategy was made with, as a config would name them."""
    one: Any = made
    values = {f.name: getattr(one, f.name) for f in fields(one) if f.init} if is_dataclass(one) else {}
    return {name: value for name, value in values.items() if isinstance(value, bool | int | float | str | dict)}


def handlers(made: Strategy) -> dict[type[Event], Any]:
    """The event handlers a strategy defines, by event type (rows aside)."""
    kinds = (
        Quote, Fill, Timer, Accepted, Rejected, Canceled, Modified, Triggered, Swapped, MarginCall, Correction, Denied,
        Order,
    )  # fmt: skip
    found = {kind: getattr(made, f"on_{snake(kind.__name__)}", None) for kind in kinds}
    return {kind: handler for kind, handler in found.items() if handler is not None}
