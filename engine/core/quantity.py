"""Quantities as traders say them, always with their unit: a bare number is an error.

    Size        "0.10 lots"  "1000 units"  "50 % equity"  "1 % risk"  "10 % volatility"  "0.5 kelly"  "1 % probability"
    Volume      "5 lots"  "100000 units"
    Distance    "250 points"  "1.5 atr"  "0.5 %"
    Points      "1.0 points"
    Spread      "1.0 points"  "1.5 bps"
    Fee         "3.5 USD per lot"  "0.5 bps"                        per side
    Money       "1 USD"
    Percent     "20 %"
    Level       "50 %"  "500 USD"                                   of margin, or of equity
    Duration    "50 ms"  "1 h"
    StopAt      a Distance, or "10 bars swing"
    Reach       a Distance, or "2 R": so many times the distance to the stop
    Hold        a Duration, or "20 bars"
    Loss        "5 %"  "5 % initial"  "500 USD"
    Exposure    "200 %"  "5 lots"                                   of equity, or volume

`amount` is the number as written, `unit` its unit; `str()` gives a text that parses to the same quantity.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import ClassVar, Self

from engine.core.errors import ConfigError
from engine.core.registry import did_you_mean

WRITTEN = re.compile(r"\s*([+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*", re.DOTALL)


@dataclass(frozen=True)
class Quantity:
    """A number with its unit. `units` maps each spelling to the unit kept; `least` is the smallest amount allowed."""

    amount: float
    unit: str

    units: ClassVar[dict[str, str]] = {}
    forms: ClassVar[str] = ""
    least: ClassVar[float] = 0.0

    @classmethod
    def parse(cls, text: object) -> Self:
        """Read what a trader wrote; ConfigError with the unit forms otherwise."""
        if not isinstance(text, str):
            what = "has no unit" if isinstance(text, int | float) else "cannot be read"
            raise ConfigError(f"{text!r} {what}: write {cls.forms}")
        found = WRITTEN.fullmatch(text)
        if not found:
            raise ConfigError(f"{text!r} cannot be read: write {cls.forms}")
        amount, spelled = float(found[1]), " ".join(found[2].replace("%", "% ").split())
        if not spelled:
            raise ConfigError(f"{text!r} has no unit: write {cls.forms}")
        unit = cls.unit_of(spelled)
        if unit is None:
            raise ConfigError(f"{text!r} has an unknown unit {spelled!r}: {cls.hint(spelled)}write {cls.forms}")
        if not math.isfinite(amount) or amount < cls.least:
            raise ConfigError(f"{text!r} must be a finite number of at least {cls.least:g}")
        cls.check(text, amount, unit)
        return cls(amount, unit)

    @classmethod
    def unit_of(cls, spelled: str) -> str | None:
        return cls.units.get(spelled.lower())

    @classmethod
    def hint(cls, spelled: str) -> str:
        if spelled.lower().startswith("pip") and "points" in cls.units:
            return "pips mean different things to different brokers (1 pip of EURUSD is 10 points), "
        near = did_you_mean(spelled, cls.units.values())
        return f"{near} " if near.startswith("did") else ""

    @classmethod
    def check(cls, text: str, amount: float, unit: str) -> None:
        """What a subclass forbids beside its unit and `least`."""

    @property
    def fraction(self) -> float:
        """Of a percentage: 0.01 for 1 %."""
        return self.amount / 100.0

    def __str__(self) -> str:
        return f"{repr(self.amount).removesuffix('.0')} {self.unit}"


def more_than_zero(text: str, amount: float) -> None:
    if amount <= 0:
        raise ConfigError(f"{text!r} must be more than 0")


class Size(Quantity):
    """How much to trade; `engine.risk.sizing` has the formulas.

    lots, units    fixed
    % equity       that share of the equity, as the value of the position
    % risk         what loses that share of the equity if the stop is hit
    % volatility   what makes the position move by that share of the equity in a year
    kelly          that part of the Kelly stake, from the strategy's own closed trades
    % probability  as risk, by how far the strength says the chance of a win lies above a half
    """

    units: ClassVar = {
        "lot": "lots", "lots": "lots", "unit": "units", "units": "units",
        "% equity": "% equity", "% of equity": "% equity", "% risk": "% risk", "% at risk": "% risk",
        "% volatility": "% volatility", "% vol": "% volatility", "kelly": "kelly", "% probability": "% probability",
    }  # fmt: skip
    forms = '"0.10 lots", "1000 units", "50 % equity", "1 % risk", "10 % volatility", "0.5 kelly" or "1 % probability"'

    @classmethod
    def check(cls, text: str, amount: float, unit: str) -> None:
        more_than_zero(text, amount)


class Volume(Quantity):
    """A limit on how much is held."""

    units: ClassVar = {"lot": "lots", "lots": "lots", "unit": "units", "units": "units"}
    forms = '"5 lots" or "100000 units"'

    @classmethod
    def check(cls, text: str, amount: float, unit: str) -> None:
        more_than_zero(text, amount)


class Distance(Quantity):
    """How far from a price."""

    units: ClassVar = {"point": "points", "points": "points", "atr": "atr", "%": "%"}
    forms = '"250 points", "1.5 atr" or "0.5 %"'

    @classmethod
    def check(cls, text: str, amount: float, unit: str) -> None:
        more_than_zero(text, amount)


class Points(Quantity):
    """Price steps: slippage."""

    units: ClassVar = {"point": "points", "points": "points"}
    forms = '"1.0 points"'


class Spread(Quantity):
    """Ask less bid: in price steps, or in basis points of the price."""

    units: ClassVar = {"point": "points", "points": "points", "bps": "bps"}
    forms = '"10 points" or "1.5 bps"'


class Fee(Quantity):
    """What one side of a deal costs: an amount of money per lot, or basis points of its value. Negative is a rebate."""

    units: ClassVar = {"usd per lot": "USD per lot", "bps": "bps"}
    forms = '"3.5 USD per lot" or "0.5 bps"'
    least = -math.inf

    @classmethod
    def unit_of(cls, spelled: str) -> str | None:
        money = re.fullmatch(r"([A-Z]{3,5}) per lot", spelled)
        return f"{money[1]} per lot" if money else cls.units.get(spelled.lower())

    @property
    def currency(self) -> str:
        """Of the money form; empty for basis points."""
        return "" if self.unit == "bps" else self.unit.split()[0]


class Money(Quantity):
    """An amount in a currency; negative is a rebate."""

    forms = '"1 USD"'
    least = -math.inf

    @classmethod
    def unit_of(cls, spelled: str) -> str | None:
        return spelled if re.fullmatch(r"[A-Z]{3,5}", spelled) else None


class Percent(Quantity):
    """A share of 100."""

    units: ClassVar = {"%": "%"}
    forms = '"20 %"'

    @classmethod
    def check(cls, text: str, amount: float, unit: str) -> None:
        if not 0 < amount <= 100:
            raise ConfigError(f"{text!r} must be more than 0 % and at most 100 %")


class Level(Quantity):
    """Where the broker acts: a share of the margin, or an amount of equity."""

    units: ClassVar = {"%": "%"}
    forms = '"50 %" or "500 USD"'

    @classmethod
    def unit_of(cls, spelled: str) -> str | None:
        return spelled if re.fullmatch(r"[A-Z]{3,5}", spelled) else cls.units.get(spelled)


class Duration(Quantity):
    """A span of time; `ns` is what the engine works with."""

    lengths: ClassVar[dict[str, int]] = {
        "ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9, "d": 86_400 * 10**9,
    }  # fmt: skip
    units: ClassVar = {
        **{unit: unit for unit in lengths},
        **dict.fromkeys(("sec", "second", "seconds"), "s"), **dict.fromkeys(("minute", "minutes"), "min"),
        **dict.fromkeys(("hour", "hours"), "h"), **dict.fromkeys(("day", "days"), "d"),
    }  # fmt: skip
    forms = '"50 ms", "30 s", "5 min", "1 h" or "1 d"'

    @classmethod
    def check(cls, text: str, amount: float, unit: str) -> None:
        if amount * cls.lengths[unit] > 2**62:
            raise ConfigError(f"{text!r} is longer than any run")

    @property
    def ns(self) -> int:
        return round(self.amount * self.lengths[self.unit])


class StopAt(Distance):
    """Where a stop goes: so far from the price, or beyond the last swing: the lowest low of so many bars."""

    units: ClassVar = {**Distance.units, "bars swing": "bars swing", "bar swing": "bars swing"}
    forms = '"2 atr", "1.5 %", "250 points" or "10 bars swing"'

    @classmethod
    def check(cls, text: str, amount: float, unit: str) -> None:
        more_than_zero(text, amount)
        if unit == "bars swing" and not (amount == int(amount) and 2 <= amount <= 500):
            raise ConfigError(f"{text!r}: a swing is looked for in 2 to 500 whole bars")


class Reach(Distance):
    """How far from the entry, also in multiples of the distance between entry and stop (R)."""

    units: ClassVar = {**Distance.units, "r": "R"}
    forms = '"2 R", "3 atr", "1.5 %" or "250 points"'


class Hold(Duration):
    """How long: a span of time, or so many bars of the strategy's frame."""

    units: ClassVar = {**Duration.units, "bar": "bars", "bars": "bars"}
    forms = '"8 h", "2 d" or "20 bars"'

    @classmethod
    def check(cls, text: str, amount: float, unit: str) -> None:
        more_than_zero(text, amount)
        if unit != "bars":
            super().check(text, amount, unit)
        elif amount != int(amount):
            raise ConfigError(f"{text!r}: bars are counted in whole numbers")


class Loss(Quantity):
    """What may be lost: a share of a reference, of the initial balance, or an amount of money."""

    units: ClassVar = {"%": "%", "% initial": "% initial", "% of initial": "% initial"}
    forms = '"5 %", "5 % initial" or "500 USD"'

    @classmethod
    def unit_of(cls, spelled: str) -> str | None:
        return spelled if re.fullmatch(r"[A-Z]{3,5}", spelled) else cls.units.get(spelled.lower())

    @classmethod
    def check(cls, text: str, amount: float, unit: str) -> None:
        more_than_zero(text, amount)
        if unit.startswith("%") and amount > 100:
            raise ConfigError(f"{text!r}: no more than 100 % can be lost")


class Exposure(Quantity):
    """How much may be held at once: a share of the equity, as value, or a volume."""

    units: ClassVar = {"%": "%", "% equity": "%", "% of equity": "%", "lot": "lots", "lots": "lots"}
    forms = '"200 %" or "5 lots"'

    @classmethod
    def check(cls, text: str, amount: float, unit: str) -> None:
        more_than_zero(text, amount)
