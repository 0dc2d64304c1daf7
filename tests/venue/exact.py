"""Exact numbers for the tests: decimals as fractions, rounding as people do it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

HALF = Fraction(1, 2)
Quotes = dict[str, tuple[Fraction, Fraction]]
"""(bid, ask) by symbol, as far as something has been quoted."""


class Prices(NamedTuple):
    """One side of a record; a quote has four equal ones."""

    open: Fraction
    high: Fraction
    low: Fraction
    close: Fraction


class HairsBreadth(Exception):
    """An amount so near to a tie or a limit that no float can be asked to tell the sides apart."""


def exact(number: float) -> Fraction:
    """The decimal that a float stands for: binary noise beyond ten places is dropped."""
    return Fraction(Decimal(repr(round(float(number), 10))))


def maybe(number: float | None) -> Fraction | None:
    return None if number is None else exact(number)


def half_away(amount: Fraction) -> int:
    """The nearest whole number; a tie goes away from zero.

    >>> half_away(Fraction("2.5")), half_away(Fraction("-2.5")), half_away(Fraction("2.4"))
    (3, -3, 2)
    """
    whole = int(abs(amount) + HALF)
    return whole if amount >= 0 else -whole


def near_tie(amount: Fraction) -> bool:
    """Within a millionth of a tie, but not on it."""
    distance = abs(abs(amount) % 1 - HALF)
    return 0 < distance < Fraction(1, 10**6)


def nearest(price: Fraction, tick: Fraction) -> Fraction:
    """On the grid of ticks."""
    return half_away(price / tick) * tick


def away(price: Fraction, tick: Fraction, side: int) -> Fraction:
    """On the grid, away from the market: down for what lies below it (side +1), up for what lies above."""
    return (price / tick).__floor__() * tick if side > 0 else (price / tick).__ceil__() * tick
