"""A strategy inside another: how it is made, what its rows show, what it may return."""

from __future__ import annotations

import inspect
from typing import Any

from engine.features.plan import Plan
from engine.strategy import Cancel, CloseBy, ConfigError, Modify, Signal, Strategy, make

REFUSED = {"on_order": "manages orders itself", "on_quote": "trades at quotes", "on_timer": "trades by timers"}
"""What cannot be judged at a row."""
LEADS = (Signal, Modify, Cancel, CloseBy)
"""Wishes, and how what was opened by them is led."""


def made_inside(owner: str, of: Any, params: Any) -> Strategy:
    """The strategy `of` with `params`; ConfigError for one that `owner` cannot stand in front of."""
    if not isinstance(of, str) or not isinstance(params, dict):
        raise ConfigError(f'{owner}: of is the name of a strategy, params its table: of = "ma_cross", params = {{}}')
    if of == owner:
        raise ConfigError(f"{owner}: of cannot be {owner} itself")
    inner = make(of, params)
    if len(inspect.signature(inner.on_row).parameters) > 1:
        raise ConfigError(f"{owner}: {of} asks for history, which is not handed on")
    for name, does in REFUSED.items():
        if getattr(inner, name, None) is not None:
            raise ConfigError(f"{owner}: {of} {does} ({name}): only wishes at rows can be judged")
    return inner


def shown(inner: Strategy) -> tuple[str, ...]:
    """The columns that its rows have beside ts, symbol, open, high, low and close."""
    return (*inner.columns, *Plan(inner.features()).columns)


def events_in(owner: str, of: str, returned: Any, symbol: str, kinds: tuple[type, ...] = LEADS) -> list[Any]:
    """What a handler returned, as a list; ConfigError for what is not of these kinds, or for another symbol."""
    events = list(returned) if isinstance(returned, list | tuple) else [] if returned is None else [returned]
    for event in events:
        if not isinstance(event, kinds):
            raise ConfigError(f"{owner}: {of} returns {type(event).__name__}: only wishes can be judged")
        if isinstance(event, Signal) and symbol and event.symbol != symbol:
            raise ConfigError(f"{owner}: {of} wishes for {event.symbol} at a bar of {symbol}: one symbol at a time")
    return events
