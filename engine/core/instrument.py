"""Instruments: what a symbol is, and the numbers a trader needs to size and settle it."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from engine.core.errors import ConfigError
from engine.core.registry import did_you_mean


class Instrument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tradable thing at one venue.

    `id` is `EURUSD@demo`; `symbol` its short name. `units` below are units of the base asset: a lot of EURUSD is
    100,000 EUR. Profit accrues in `profit_currency`. `day` is the trading day that D1 and W1 bars follow.
    """

    symbol: str
    venue: str = "demo"
    kind: str = "forex"
    base_currency: str
    profit_currency: str
    digits: int
    contract_size: float = 100_000.0
    volume_min: float = 0.01
    volume_max: float = 500.0
    volume_step: float = 0.01
    day: str = "17:00 America/New_York"
    description: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if not self.symbol or "@" in self.symbol or "@" in self.venue or not self.venue:
            raise ConfigError(f"instrument {self.symbol!r}: symbol and venue are names without @")
        if not 0 <= self.digits <= 12:
            raise ConfigError(f"instrument {self.id}: digits must lie in 0..12, not {self.digits}")
        for name in ("contract_size", "volume_min", "volume_max", "volume_step"):
            if not 0 < getattr(self, name) < math.inf:
                raise ConfigError(f"instrument {self.id}: {name} must be above 0, not {getattr(self, name)}")
        if self.volume_min > self.volume_max:
            raise ConfigError(
                f"instrument {self.id}: volume_min {self.volume_min} is above volume_max {self.volume_max}"
            )

    @property
    def id(self) -> str:
        return f"{self.symbol}@{self.venue}"

    @property
    def point(self) -> float:
        """The smallest price step shown: 10^-digits."""
        return float(f"1e-{self.digits}")

    @property
    def step_units(self) -> float:
        """Units in one volume step: positions are counted in whole steps inside."""
        return self.volume_step * self.contract_size


@lru_cache(maxsize=1)
def shipped() -> dict[str, Instrument]:
    """The instruments that come with the project, by id: `EURUSD@demo`."""
    groups = tomllib.loads(Path(__file__).with_name("instruments.toml").read_text("utf-8"))
    found = {}
    for kind, group in groups.items():
        symbols = group.pop("symbols", {})
        for digits in [key for key in group if key.startswith("digits_")]:
            for pair in group.pop(digits).split():
                currencies = {"base_currency": pair[:3], "profit_currency": pair[3:]}
                symbols[pair] = {**currencies, "digits": int(digits.removeprefix("digits_"))}
        for symbol, fields in symbols.items():
            one = msgspec.convert({"symbol": symbol, "kind": kind, **group, **fields}, Instrument)
            found[one.id] = one
    return found


def instrument(name: str, declared: Iterable[Instrument] = ()) -> Instrument:
    """The instrument a name means: an id, or a symbol where only one venue has it.

    What a config declares goes before what is shipped. Nothing is guessed: a name that is not there is a ConfigError.

    >>> instrument("EURUSD").id
    'EURUSD@demo'
    """
    own = {one.id: one for one in declared}
    for known in (own, shipped()):
        if name in known:
            return known[name]
        matches = [one for one in known.values() if one.symbol == name]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise ConfigError(f"{name} is ambiguous: write one of {', '.join(sorted(one.id for one in matches))}")
    known = {**shipped(), **own}
    same = [one.id for one in known.values() if one.symbol == name.partition("@")[0]]
    names = known if "@" in name else {one.symbol for one in known.values()}
    hint = f"did you mean {' or '.join(sorted(same))}?" if same else did_you_mean(name, names)
    hint = hint if hint.startswith("did") else "`onetape instrument list` shows what is known"
    raise ConfigError(
        f"unknown instrument {name!r}: {hint} (or declare it in the config: [[instrument]] symbol, base_currency, "
        f"profit_currency, digits, contract_size)"
    )


def declare(tables: Iterable[Mapping[str, Any]]) -> tuple[Instrument, ...]:
    """The [[instrument]] tables of a config; ConfigError for a key, a type or a number that cannot be meant."""
    found: dict[str, Instrument] = {}
    for table in tables:
        name = table.get("symbol", "?")
        for key in table:
            if key not in Instrument.__struct_fields__:
                raise ConfigError(
                    f"[[instrument]] {name}: unknown key {key!r}: {did_you_mean(key, Instrument.__struct_fields__)}"
                )
        try:
            one = msgspec.convert({"source": "the run's config", **table}, Instrument)
        except msgspec.ValidationError as wrong:
            raise ConfigError(f"[[instrument]] {name}: {wrong}") from None
        if one.id in found:
            raise ConfigError(f"[[instrument]] {one.id} is declared twice")
        found[one.id] = one
    return tuple(found.values())
