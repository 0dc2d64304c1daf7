"""Events in a trader's words."""

from __future__ import annotations

from engine.core.clock import iso
from engine.core.events import (
    Accepted,
    Cancel,
    Canceled,
    CloseBy,
    Correction,
    Denied,
    Event,
    Exits,
    Fill,
    MarginCall,
    Modified,
    Modify,
    Order,
    Rejected,
    Signal,
    Swapped,
    TargetPosition,
    Timer,
    Triggered,
)

VENUE_EXITS = ("stop_loss", "take_profit", "stop_out")
"""Reasons of deals that the venue made of itself."""
CHANGED = (
    "price",
    "limit",
    "stop",
    "take_profit",
    "trail",
    "trail_step",
    "trail_start",
    "even_at",
    "even_lock",
)


def say(event: Event) -> tuple[str, str]:
    """An event in a trader's words: its kind and a sentence.

    >>> say(Signal(0, "cross", "EURUSD", 1.0, stop=1.09))
    ('signal', 'cross wants EURUSD long (1), stop 1.09')
    """
    match event:
        case Signal():
            way = "long" if event.strength > 0 else "short" if event.strength < 0 else "flat"
            strength = f" ({event.strength:g})" if event.strength else ""
            return "signal", f"{event.strategy} wants {event.symbol} {way}{strength}{_exits(event)}{_tag(event.tag)}"
        case TargetPosition():
            return "target", f"{event.strategy} may own {event.units:+.12g} units of {event.symbol}{_exits(event)}"
        case Exits():
            given = ((name, getattr(event, name)) for name in ("trail", "trail_start", "even_at"))
            said = ", ".join(f"{name} {value:.12g}" for name, value in given if value is not None)
            return "exits", f"{event.strategy} {event.symbol}: {said or 'nothing that moves'}"
        case Denied():
            return "denied", f"{event.rule}: {event.value:g} against a limit of {event.threshold:g} ({event.symbol})"
        case Order():
            return "order", f"{event.id}: {_ordered(event)}" if event.id else _ordered(event)
        case Cancel() | Modify() | CloseBy():
            return _asked(event)
        case Fill():
            return "fill", _filled(event)
        case Timer():
            return "timer", f"{event.name or 'wake-up'} of {event.strategy}"
    return _reported(event)


def _asked(event: Cancel | Modify | CloseBy) -> tuple[str, str]:
    """What a strategy asks of the venue besides orders."""
    if isinstance(event, Cancel):
        return "cancel", f"take back order {event.order}"
    if isinstance(event, CloseBy):
        return "close by", f"close position {event.position} by position {event.by}"
    values = [(name.replace("_", " "), getattr(event, name)) for name in CHANGED]
    parts = [f"{name} {value:.12g}" if value else f"no {name}" for name, value in values if value is not None]
    if event.expires is not None:
        parts.append(f"until {iso(event.expires)}" if event.expires else "until canceled")
    return "modify", f"{_what(event.order, event.position)}: {', '.join(parts) or 'nothing'}"


def _reported(event: Event) -> tuple[str, str]:
    """What the venue says, deals aside."""
    match event:
        case Accepted() | Triggered():
            told = "is with the venue" if isinstance(event, Accepted) else "has triggered: it is a limit order now"
            return type(event).__name__.lower(), f"order {event.order} {told}"
        case Rejected():
            change = "a change of " if event.request else ""
            return "rejected", f"{change}{_what(event.order, event.position)}: {event.reason}"
        case Canceled():
            return "canceled", f"order {event.order}: {event.reason}"
        case Modified():
            price = "" if event.price is None else f", price {event.price:.12g}"
            exits = _exits(event) or ", no stop and no take-profit"
            return "modified", f"{_what(event.order, event.position)} now has{f'{price}{exits}'[1:]}"
        case Swapped():
            return "swap", f"position {event.position} ({event.symbol}) accrued {event.amount:.12g}"
        case MarginCall():
            level = f", a level of {event.equity / event.margin:.2%}" if event.margin else ""
            return "margin call", f"equity {event.equity:.12g} against a margin of {event.margin:.12g}{level}"
        case Correction():
            return "correction", f"{event.amount:.12g} against a debt: the balance is {event.balance:.12g}"
    return type(event).__name__.lower(), ""


def _what(order: int, position: int) -> str:
    return f"position {position}" if position else f"order {order}"


def _ordered(order: Order) -> str:
    """Everything that an order says."""
    words = [f"{order.kind} {_side(order.side)} {order.units:.12g} units of {order.symbol}"]
    words[0] += "" if order.price is None else f" at {order.price:.12g}"
    if order.limit is not None:
        words.append(f"limit {order.limit:.12g}")
    if exits := _exits(order):
        words.append(exits[2:])
    distances = ((name, getattr(order, name)) for name in CHANGED[4:])
    words += [f"{name.replace('_', ' ')} {value:.12g}" for name, value in distances if value is not None]
    if order.filling != "return":
        words.append(order.filling)
    if order.reduce_only:
        words.append("only to reduce")
    if order.day or order.expires:
        words.append("for the day" if order.day else f"until {iso(order.expires)}")
    if order.group:
        words.append(f"one of {order.group!r}")
    if order.parent:
        words.append(f"after order {order.parent}")
    if order.position:
        words.append(f"closing position {order.position}")
    return ", ".join(words)


def _filled(fill: Fill) -> str:
    act = "opened by" if fill.entry == "in" else "closed by"
    cause = f"order {fill.order}"
    if fill.reason in VENUE_EXITS:
        cause = fill.reason.replace("_", "-")
    elif fill.reason == "close_by":
        cause = "an opposite position"
    words = f"deal {fill.deal}: {_side(fill.side)} {fill.units:.12g} units of {fill.symbol} at {fill.price:.12g}"
    when = "" if fill.ts_event == fill.ts else f" (the venue's {iso(fill.ts_event)})"
    left = f", {fill.left:.12g} units still working" if fill.left else ""
    profit = "" if fill.entry == "in" else f", profit {fill.profit:.12g}"
    swap = f", swap {fill.swap:.12g}" if fill.swap else ""
    costs = f", commission {fill.commission:.12g}{swap}"
    return f"{words}{when}, position {fill.position} {act} {cause}{left}{profit}{costs}"


def _side(side: int) -> str:
    return "buy" if side > 0 else "sell"


def _exits(event: Signal | TargetPosition | Order | Modified) -> str:
    stop = "" if event.stop is None else f", stop {event.stop:.12g}"
    return stop + ("" if event.take_profit is None else f", take-profit {event.take_profit:.12g}")


def _tag(tag: str) -> str:
    return f" [{tag}]" if tag else ""
