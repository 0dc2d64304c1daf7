"""How money of one currency becomes money of another: as it is, at a fixed rate, or through quoted symbols.

A way has one leg or two: EURGBP earns pounds, a yen account gets there over GBPUSD and USDJPY. A leg is a symbol of
the run, or one of the config's fixed [rates].
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from engine.core.errors import ConfigError
from engine.core.instrument import Instrument
from engine.kernels import book as b
from engine.venues.margin import OF_ACCOUNT, OF_BASE, OF_FIXED, OF_OTHER, OF_PROFIT


@dataclass(frozen=True)
class Leg:
    """From one currency to another: times the price of symbol `via` (-1: times the fixed `rate`), or divided by it."""

    name: str
    via: int
    inverse: bool
    rate: float = math.nan

    @property
    def factor(self) -> float:
        """Of a fixed leg."""
        return 1.0 / self.rate if self.inverse else self.rate


@dataclass(frozen=True)
class Currencies:
    """The currencies of a run: those of the account, of its symbols and of its fixed rates."""

    currency: str
    instruments: tuple[Instrument, ...]
    rates: dict[str, float]

    def legs(self, source: str, target: str) -> Iterator[Leg]:
        """Every single leg there is: fixed rates first, they overrule the market; then pairs, then all else."""
        for name, rate in self.rates.items():
            if name in (source + target, target + source):
                yield Leg(name, -1, name != source + target, rate)
        for inverse, pair in ((False, (source, target)), (True, (target, source))):
            for via, one in sorted(enumerate(self.instruments), key=lambda item: item[1].kind != "forex"):
                if (one.base_currency, one.profit_currency) == pair:
                    yield Leg(one.symbol, via, inverse)

    def way(self, source: str, target: str) -> tuple[Leg, ...] | None:
        """The legs from one currency to another; empty if they are the same, None if there is no way."""
        if source == target:
            return ()
        if one := next(self.legs(source, target), None):
            return (one,)
        for third in self.thirds(source):
            first, second = next(self.legs(source, third), None), next(self.legs(third, target), None)
            if first and second:
                return first, second
        return None

    def thirds(self, source: str) -> list[str]:
        """Currencies that can be had for `source` at once: first those that currency pairs quote."""
        pairs = sorted(self.instruments, key=lambda one: one.kind != "forex")
        quoted = [(one.base_currency, one.profit_currency) for one in pairs]
        fixed = [(source, p.removeprefix(source)) for p in self.rates if p.startswith(source)]
        fixed += [(p.removesuffix(source), source) for p in self.rates if p.endswith(source)]
        found = [x if y == source else y for x, y in [*quoted, *fixed] if source in (x, y)]
        return list(dict.fromkeys(found))

    def wanted(self, source: str, target: str) -> str:
        """What to add where there is no way."""
        return (
            f"add {target}{source} (or {source}{target}) to data.symbols, or both pairs of a third currency,"
            f" or a fixed rate: [rates] {target}{source} = ..."
        )


def profit_ways(money: Currencies) -> list[tuple[Leg, ...]]:
    """For each symbol how its profit becomes money of the account; ConfigError where it cannot."""
    found = []
    for one in money.instruments:
        way = money.way(one.profit_currency, money.currency)
        if way is None:
            raise ConfigError(
                f"{one.symbol} earns {one.profit_currency}, the account is in {money.currency}:"
                f" {money.wanted(one.profit_currency, money.currency)}"
            )
        found.append(way)
    return found


def fixed_legs(ways: list[tuple[Leg, ...]]) -> list[float]:
    """Rates that are one leg of a cross: the book holds each as one more symbol, whose quote never changes."""
    rates = [
        leg.rate for way in ways if len(way) == 2 and any(leg.via >= 0 for leg in way) for leg in way if leg.via < 0
    ]
    return list(dict.fromkeys(rates))


def write_way(book: b.Book, s: int, way: tuple[Leg, ...], fixed: dict[float, int]) -> None:
    """Into the record of symbol s; `fixed` says which row of the book quotes a fixed leg."""
    x = book[1][s]
    if not way:
        x["conversion"], x["rate"] = b.NO_CONVERSION, 1.0
        return
    if all(leg.via < 0 for leg in way):
        x["conversion"], x["rate"] = b.FIXED_RATE, math.prod(leg.factor for leg in way)
        return
    places = [leg.via if leg.via >= 0 else fixed[leg.rate] for leg in way]
    x["via"] = places[0]
    if len(way) == 1:
        x["conversion"] = b.INVERSE if way[0].inverse else b.DIRECT
    else:
        x["conversion"], x["via2"] = b.CROSSED, places[1]
        x["inverse"], x["inverse2"] = way[0].inverse, way[1].inverse
    book[1]["converts"][places] = 1


def way_note(one: Instrument, way: tuple[Leg, ...]) -> list[str]:
    """What the report must say: profit converted at a rate that is fixed, wholly or in part."""
    fixed = [f"{leg.name} of {leg.rate:g}" for leg in way if leg.via < 0]
    if fixed and len(way) == 1:
        return [f"{one.symbol}: profit converted at a fixed {fixed[0]}, not at the market's"]
    if fixed:
        told = f"profit converted through {way[0].name} and {way[1].name}, at a fixed {' and '.join(fixed)}"
        return [f"{one.symbol}: {told}, not at the market's"]
    return []


def margin_currency(money: Currencies, one: Instrument, currency: str) -> tuple[int, int, bool, float]:
    """How margin in that currency becomes money of the account: (code, via, inverse, fixed rate) as TERMS has them.

    Through the account itself, the profit currency or the symbol's own price where it is one of those; else through
    one other symbol or fixed rates. ConfigError where there is no such way.
    """
    if currency == money.currency:
        return int(OF_ACCOUNT), -1, False, 1.0
    if currency == one.profit_currency:
        return int(OF_PROFIT), -1, False, 1.0
    if currency == one.base_currency:
        return int(OF_BASE), -1, False, 1.0
    way = money.way(currency, money.currency)
    if way and len(way) == 1 and way[0].via >= 0:
        return int(OF_OTHER), way[0].via, way[0].inverse, 1.0
    if way and all(leg.via < 0 for leg in way):
        return int(OF_FIXED), -1, False, math.prod(leg.factor for leg in way)
    raise ConfigError(
        f"margin of {one.symbol} is in {currency}, the account in {money.currency}: add"
        f" {money.currency}{currency} (or {currency}{money.currency}) to data.symbols, or a fixed rate:"
        f" [rates] {money.currency}{currency} = ..."
    )
