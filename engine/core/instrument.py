"""Instruments: what a symbol is, and the numbers a trader needs to size and settle it."""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from engine.core.clock import parse_time
from engine.core.errors import ConfigError
from engine.core.frames import TradingDay, parse_day
from engine.core.quantity import Fee
from engine.core.registry import did_you_mean
from engine.core.sessions import Sessions, parse_sessions
from engine.core.terms import Margin, Swap, not_negative

Status = Literal["full", "close_only", "long_only", "short_only", "disabled"]
Execution = Literal["", "request", "instant", "market", "exchange"]
OrderMode = Literal["market", "limit", "stop", "stop_limit", "sl", "tp", "close_by"]
Filling = Literal["fok", "ioc", "return", "boc"]
Expiration = Literal["gtc", "day", "specified", "specified_day"]
Volumes = Literal["", "tick", "real", "base", "quote"]
IMPORTS: ContextVar[bool] = ContextVar("IMPORTS", default=True)
"""Whether what was imported counts; see `as_recorded`."""


class Instrument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tradable thing at one venue.

    `id` is `EURUSD@demo`; `symbol` its short name. `units` below are units of the base asset: a lot of EURUSD is
    100,000 EUR. Profit accrues in `profit_currency`. `day` is the trading day that D1 and W1 bars follow.

    From `sessions` on everything may be left out, and then is not stated: always open, no limit, no charge.

    sessions, holidays  see `engine.core.sessions`
    rollover      when swap is charged: `17:00 America/New_York`; empty: where `day` starts
    margin, swap  see `engine.core.terms`
    commission    of one side, unless the run's config says another: `3.5 USD per lot`, `0.5 bps`
    volume_unit   of a bar's volume: ticks, real contracts, or amount of base or of quote
    tick_size     the smallest move of a price, 0: a point; `tick_value` what it is worth per lot, in `profit_currency`:
                  it decides the profit of futures and the margin of `cfd_index`
    stops_level, freeze_level  points from the price within which stops are refused, and orders not changed
    volume_limit  most lots in one direction, orders included; `notional_min` least worth of an order; 0: none
    execution, orders, filling, expiration  what the venue accepts; empty: all of it
    status        full, or what still may be done; `starts` and `expires` are times in UTC
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
    sessions: str = ""
    holidays: tuple[str, ...] = ()
    rollover: str = ""
    margin: Margin | None = None
    swap: Swap | None = None
    commission: str = ""
    volume_unit: Volumes = ""
    tick_size: float = 0.0
    tick_value: float = 0.0
    stops_level: int = 0
    freeze_level: int = 0
    volume_limit: float = 0.0
    notional_min: float = 0.0
    execution: Execution = ""
    orders: tuple[OrderMode, ...] = ()
    filling: tuple[Filling, ...] = ()
    expiration: tuple[Expiration, ...] = ()
    status: Status = "full"
    starts: str = ""
    expires: str = ""

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
        check_terms(self)

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
        return self.volume_step * self.multiplier

    @property
    def multiplier(self) -> float:
        """Units in a lot, profit is units x price move: the contract size; of futures tick value / tick size."""
        if self.tick_value and self.margin is not None and self.margin.mode in ("futures", "exch_futures"):
            return self.tick_value / self.tick
        return self.contract_size

    @property
    def tick(self) -> float:
        """The smallest move of its price."""
        return self.tick_size or self.point

    @property
    def hours(self) -> Sessions:
        """When it trades; always, where nothing is stated."""
        return parse_sessions(self.sessions or "24/7", self.holidays)

    @property
    def rolls(self) -> TradingDay:
        """When swap is charged."""
        return parse_day(self.rollover or self.day)

    @property
    def life(self) -> tuple[int | None, int | None]:
        """When trading in it begins and ends for good, int64 ns UTC; None where it does not."""
        first, last = (parse_time(text) if text else None for text in (self.starts, self.expires))
        return first, last


def check_terms(one: Instrument) -> None:
    """ConfigError for figures of an instrument that no venue can mean."""
    not_negative(
        one, one.id, "", "tick_size", "tick_value", "stops_level", "freeze_level", "volume_limit", "notional_min"
    )
    points = one.tick_size / one.point
    if one.tick_size and (points < 0.999999 or abs(points - round(points)) > 1e-6 * points):
        raise ConfigError(f"instrument {one.id}: tick_size {one.tick_size:g} is no multiple of its point {one.point:g}")
    if 0 < one.volume_limit < one.volume_min:
        raise ConfigError(
            f"instrument {one.id}: volume_limit {one.volume_limit} is below volume_min {one.volume_min}: no order fits"
        )
    for terms in (one.margin, one.swap):
        if terms is not None:
            terms.check(one.id)
    try:
        if one.commission:
            Fee.parse(one.commission)
        parse_day(one.day)
        _ = one.hours, one.rolls
        first, last = one.life
    except ConfigError as wrong:
        raise ConfigError(f"instrument {one.id}: {wrong}") from None
    if first is not None and last is not None and last <= first:
        raise ConfigError(f"instrument {one.id}: expires {one.expires} before it starts {one.starts}")


def imported_folder() -> Path:
    """Where `onetape instrument import` keeps what it read: `instruments/` in the catalogue's root."""
    return Path(os.environ.get("ONETAPE_DATA") or "data") / "instruments"


def imported(folder: Path | None = None) -> dict[str, Instrument]:
    """The instruments that were imported, by id: one file per venue. ConfigError names a file that is damaged."""
    found: dict[str, Instrument] = {}
    for path in sorted((folder or imported_folder()).glob("*.toml")):
        state = path.stat()
        found.update(read_venue(path, state.st_mtime_ns, state.st_size))
    return found


@contextmanager
def as_recorded() -> Iterator[None]:
    """Within it imports do not count: a recorded run holds what it used of them in its own config."""
    token = IMPORTS.set(False)
    try:
        yield
    finally:
        IMPORTS.reset(token)


@lru_cache(maxsize=64)
def read_venue(path: Path, changed: int, size: int) -> dict[str, Instrument]:
    """The instruments of one file of imports, by id."""
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as wrong:
        raise ConfigError(f"{path} is damaged ({str(wrong).splitlines()[0][:120]}): import it again") from None
    try:
        return {one.id: one for one in declare(table.get("instrument", []))}
    except ConfigError as wrong:
        raise ConfigError(f"{path}: {wrong}") from None


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

    What a config declares goes before what was imported, and that before what is shipped. Nothing is guessed: a name
    that is not there is a ConfigError.

    >>> instrument("EURUSD").id
    'EURUSD@demo'
    """
    own = {one.id: one for one in declared}
    declares = name in own or any(one.symbol == name for one in own.values())
    local = imported() if IMPORTS.get() and not declares else {}
    for known in (own, local, shipped()):
        if name in known:
            return known[name]
        matches = [one for one in known.values() if one.symbol == name]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise ConfigError(f"{name} is ambiguous: write one of {', '.join(sorted(one.id for one in matches))}")
    known = {**shipped(), **local, **own}
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


def table_of(one: msgspec.Struct) -> dict[str, Any]:
    """What `[[instrument]]` would say of it: only what differs from the defaults."""
    found: dict[str, Any] = {}
    for name, default in defaults(type(one)).items():
        value = getattr(one, name)
        if value != default or name in ("venue", "mode"):
            found[name] = table_of(value) if isinstance(value, msgspec.Struct) else listed(value)
    return found


@lru_cache(maxsize=8)
def defaults(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {field.name: field.default for field in msgspec.structs.fields(kind)}


def listed(value: Any) -> Any:
    return [listed(v) for v in value] if isinstance(value, tuple) else value


def pins(symbols: Iterable[str], source: str, declared: Iterable[Instrument]) -> list[dict[str, Any]]:
    """What a run's config must say itself where imports have a word on its symbols, so that it stays what it was.

    Of a symbol that is not declared: the import of the venue that the data come from, else the shipped instrument of
    that venue, else the only import. Empty without imports.

    >>> pins(["EURUSD"], "demo", [instrument("EURUSD")])
    []
    """
    own, local = list(declared), imported() if IMPORTS.get() else {}
    found = []
    for symbol in symbols:
        mine = any(symbol in (one.id, one.symbol) for one in own)
        if mine or not any(symbol in (one.id, one.symbol) for one in local.values()):
            continue
        name = f"{symbol}@{source}"
        one = local.get(name) or shipped().get(name) or instrument(symbol, own)
        found.append(table_of(one))
    return found
