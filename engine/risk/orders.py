"""What a strategy may ask of the venue by itself: orders that can be meant, and changes of what is its own.

A mistake in a strategy's code is an error that ends the run and says what to write; what the market decides (the order
was filled meanwhile, the price is too near) is the venue's answer, an event.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from engine.core.errors import OnetapeError
from engine.core.events import Cancel, CloseBy, Modify, Order
from engine.core.registry import did_you_mean
from engine.kernels.book import FILLINGS, ORDER_KINDS, Book

Change = Cancel | Modify | CloseBy
PRICES = ("price", "limit", "stop", "take_profit")
DISTANCES = ("trail", "trail_step", "trail_start", "even_at", "even_lock")
PRICELESS = ("market", "trailing_stop")
"""Kinds that take the market's price, or start at `trail` from it, where none is given."""
NEEDS = {"trail_step": "trail", "trail_start": "trail", "even_lock": "even_at"}
POSITION_ONLY = ("trail_start", "even_at", "even_lock")
ORDER_ONLY = ("price", "limit", "expires")


def check_order(order: Order) -> None:
    """OnetapeError for an order of a strategy's own that cannot be meant."""
    for wrong in (*faults(order), *unlikely(order)):
        raise OnetapeError(f"strategy {order.strategy}, order for {order.symbol}: {wrong}")


def faults(order: Order) -> Iterator[str]:
    """What is wrong with its kind, side, filling and prices."""
    if order.kind not in ORDER_KINDS:
        yield f"kind {order.kind!r}: {did_you_mean(order.kind, ORDER_KINDS)}"
    if order.filling not in FILLINGS:
        yield f"filling {order.filling!r}: {did_you_mean(order.filling, FILLINGS)}"
    if order.side not in (1, -1):
        yield f"side {order.side}: write 1 to buy, -1 to sell"
    if not 0.0 <= order.units < math.inf:
        yield f"units {order.units:g}: they are not below 0, `side` says the direction"
    if order.kind not in PRICELESS and not (order.price or 0.0) > 0.0:
        yield f"a {order.kind} order needs a price, got {order.price}"
    if order.kind in PRICELESS and (order.price or 1.0) <= 0.0:
        yield f"price {order.price}: a price is above 0; left out, the market decides"
    if order.kind == "stop_limit" and not (order.limit or 0.0) > 0.0:
        yield f"a stop_limit order needs a limit, the price it may fill at once triggered, got {order.limit}"
    if order.kind != "stop_limit" and order.limit is not None and order.limit == order.limit:
        yield f"a {order.kind} order has no limit: only a stop_limit has"
    if order.kind == "trailing_stop" and order.trail is None:
        yield "a trailing_stop order needs a trail, its distance from the market"
    if any(abs(getattr(order, name) or 0.0) == math.inf for name in PRICES):
        yield "prices must be finite"
    yield from distances(order)


def unlikely(order: Order) -> Iterator[str]:
    """What is wrong with its ends, its companions and how far it may slip."""
    if order.filling == "post_only" and order.kind not in ("limit", "stop_limit"):
        yield f"a {order.kind} order cannot be post_only: limit and stop_limit orders can"
    if order.expires and order.day:
        yield "it ends by `expires` or with the `day`: say one of both"
    if order.expires < 0 or order.position < 0 or order.parent < 0:
        yield "expires, position and parent are not below 0"
    if order.deviation is not None and not 0.0 <= order.deviation < math.inf:
        yield f"deviation {order.deviation:g}: it is a distance in price, 0 or above"
    if order.deviation is not None and order.kind != "market":
        yield f"a {order.kind} order has no deviation: only a market order has"


def distances(asked: Order | Modify) -> Iterator[str]:
    """What is wrong with what trails and breaks even."""
    removes = isinstance(asked, Modify)
    for name in DISTANCES:
        value = getattr(asked, name)
        zero = removes or name in NEEDS
        if value is not None and not (0.0 < value < math.inf or (zero and value == 0.0)):
            yield f"{name} {value:g}: it is a distance in price, {'0 or above' if zero else 'above 0'}"
    for name, other in NEEDS.items():
        if not removes and getattr(asked, name) is not None and getattr(asked, other) is None:
            yield f"{name} means nothing without {other}"
    if asked.even_at and asked.even_lock is not None and asked.even_lock >= asked.even_at:
        yield f"even_lock {asked.even_lock:g} must be below even_at {asked.even_at:g}: the stop would be hit at once"


def check_change(wish: Change) -> None:
    """OnetapeError for a cancel, a change or a closing that cannot be meant."""
    for wrong in mistakes(wish):
        raise OnetapeError(f"strategy {wish.strategy}, {type(wish).__name__}: {wrong}")


def mistakes(wish: Change) -> Iterator[str]:
    if isinstance(wish, Cancel):
        return
    if isinstance(wish, CloseBy):
        if wish.position == wish.by or min(wish.position, wish.by) <= 0:
            yield f"name two positions, not {wish.position} and {wish.by}"
        return
    if (wish.order > 0) == (wish.position > 0):
        yield f"name an order or a position, one of both, not order {wish.order} and position {wish.position}"
    given = [name for name in wish.__struct_fields__ if getattr(wish, name) is not None]
    of_order = wish.order > 0
    for name in (n for n in given if n in (POSITION_ONLY if of_order else ORDER_ONLY)):
        yield f"{'an order' if of_order else 'a position'} has no {name} to change"
    for name in (n for n in given if n in PRICES):
        value = getattr(wish, name)
        if not (0.0 < value < math.inf or (value == 0.0 and name in ("stop", "take_profit"))):
            yield f"{name} {value:g}: a price is above 0" + (" (0 removes it)" if name[0] in "st" else "")
    if (wish.expires or 0) < 0:
        yield "expires is not below 0 (0: never)"
    yield from distances(wish)


def check_owner(book: Book, strategies: tuple[str, ...], wish: Change) -> None:
    """OnetapeError when a strategy reaches for an order or a position of another."""
    orders = () if isinstance(wish, CloseBy) else (wish.order,)
    positions = () if isinstance(wish, Cancel) else (wish.position,)
    by = (wish.by,) if isinstance(wish, CloseBy) else ()
    for what, number in (*(("order", n) for n in orders), *(("position", n) for n in (*positions, *by))):
        owner = owner_of(book, what, number)
        if owner is not None and strategies[owner] != wish.strategy:
            raise OnetapeError(f"strategy {wish.strategy}: {what} {number} is {strategies[owner]}'s, not its own")


def check_parent(book: Book, strategies: tuple[str, ...], order: Order) -> None:
    """OnetapeError when the order waits for one that was never sent, or for another strategy's."""
    if order.parent >= int(book[0]["next_order"][0]):
        raise OnetapeError(f"strategy {order.strategy}: there is no order {order.parent} to wait for")
    owner = owner_of(book, "order", order.parent)
    if owner is not None and strategies[owner] != order.strategy:
        raise OnetapeError(f"strategy {order.strategy}: order {order.parent} is {strategies[owner]}'s, not its own")


def owner_of(book: Book, what: str, number: int) -> int | None:
    """Index of the strategy that has this order or position; None when the book does not hold it."""
    count, records = ("orders", book[2]) if what == "order" else ("positions", book[3])
    held = records[: int(book[0][count][0])]
    found = held["strategy"][held["id"] == number]
    return int(found[0]) if len(found) else None
