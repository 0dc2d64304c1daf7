"""The config of a run: its sections, their meaning, and what cannot be meant.

Reading one (files, overlays, --set, environment) is `engine.core.load`. A config is a value: equal configs run alike.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from engine.core import schema
from engine.core.broker import AccountConfig, StressConfig, VenueConfig
from engine.core.clock import parse_time
from engine.core.errors import ConfigError
from engine.core.frames import FX_DAY, frame_ns, parse_day, parse_frame
from engine.core.frictions import Blackout, check_frictions
from engine.core.instrument import Instrument, declare, pins, shipped, table_of
from engine.core.limits import CorrelationConfig, ExitsConfig, KellyConfig, check_risk, check_sizes
from engine.core.orders import ExecutionConfig, check_execution
from engine.core.quantity import Duration, Exposure, Loss, Percent, Size, Spread, Volume
from engine.core.registry import did_you_mean
from engine.core.zones import parse_zone


@dataclass(frozen=True)
class DataConfig:
    """What is replayed."""

    source: str = "demo"
    """`demo` (ships with the project), `file`, or the name of a source in the catalogue."""
    files: tuple[str, ...] = ()
    """With source `file`; relative to where the command runs."""
    symbols: tuple[str, ...] = ()
    kind: Literal["quotes", "bars"] = "bars"
    frame: str = "H1"
    """Of bars."""
    basis: Literal["bid", "ask", "mid", "last"] = "bid"
    """What the prices of the bars are; also what bars are built from out of quotes."""
    spread: Spread | dict[str, Spread] | None = None
    """Assumed for bars that carry none, for all symbols or one each; the report says so."""
    start: str | None = field(default=None, metadata={"key": "from"})
    """First moment replayed, on the wall of `zone`."""
    end: str | None = field(default=None, metadata={"key": "to"})
    """First moment not replayed."""
    zone: str = "UTC"
    """Zone in which `from` and `to` are written."""
    fill_gaps: bool = False
    """Make a flat bar of volume 0 for an interval without quotes; MT5 and the default make none."""
    trading_day: str = FX_DAY
    """When a day starts for H2 and longer frames."""
    format: str | None = None
    """Of files, where it cannot be told from them."""
    tz: str | None = None
    """Zone of the stamps in files that do not say."""
    min_grade: Literal["A", "B", "C", "D"] | None = None
    """The least grade of `onetape data check` that is traded on; a run below it is refused."""
    detail: str | None = None
    """Frame of finer bars of the same source: the bars of `frame` are made of them, and orders meet them."""

    @property
    def finest(self) -> str:
        """Frame of the bars on the tape."""
        return parse_frame(self.detail or self.frame)

    @property
    def start_ns(self) -> int | None:
        return None if self.start is None else parse_time(self.start, self.zone)

    @property
    def end_ns(self) -> int | None:
        return None if self.end is None else parse_time(self.end, self.zone)


@dataclass(frozen=True)
class RiskConfig:
    size: Size = Size(1.0, "% risk")
    max_position: Volume | None = None
    """Most that one strategy may hold of one symbol."""
    max_drawdown: Percent | None = None
    """Loss from the highest equity at which entries are denied."""
    retries: int = 3
    """How often a refused wish is tried again, once a row."""
    blackout: Blackout | None = None
    """Times in which entries are denied."""
    exits: ExitsConfig | None = None
    """Stops, take-profits and the like, where a strategy gives none."""
    kelly: KellyConfig = KellyConfig()
    lookback: int = 60
    """Bars of the strategy's frame whose volatility a size in `% volatility` goes by."""
    max_gross: Exposure | None = None
    """Most that is held in all, long and short added up."""
    max_net: Exposure | None = None
    """Most that is held in all, short taken off long."""
    max_currency: Exposure | None = None
    """Most that is held for or against one currency."""
    max_leverage: float | None = None
    """Value of all positions by equity."""
    correlation: CorrelationConfig | None = None
    max_trades: int | None = None
    """Entries of a strategy in a day."""
    max_spread: Spread | None = None
    max_age: Duration | None = None
    """Of the symbol's last quote or bar."""
    daily_loss: Loss | None = None
    """Loss since the day began; a share is one of what it began with: the higher of equity and balance."""
    max_loss: Loss | None = None
    """Loss since the start of the run; a share is one of the initial balance."""
    max_losses: int | None = None
    """Losing trades of a strategy in a row, then it pauses for `cool_off`."""
    cool_off: Duration = Duration(1.0, "d")
    hours: str | None = None
    """When entries are allowed: `Mon-Fri 08:00-17:00 Europe/London`."""
    day: str | None = None
    """When a day begins; by default `data.trading_day`."""

    @property
    def held(self) -> bool:
        """Is what is open looked at at every bar?"""
        return self.exits is not None and self.exits.max_hold is not None


@dataclass(frozen=True)
class StrategyConfig:
    """One strategy in the run; the fields that are not set come from the rest of the config."""

    name: str
    id: str = ""
    """Its name in the books: unique in the run."""
    symbols: tuple[str, ...] = ()
    frame: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    size: Size | None = None


@dataclass(frozen=True)
class RunConfig:
    lane: Literal["python", "compiled"] = "python"
    block: int = 131_072
    """Records per block; by the cut law it changes nothing but speed."""


@dataclass(frozen=True)
class ReportConfig:
    equity: Duration = Duration(1.0, "h")
    """Spacing of the equity curve."""
    zone: str = "UTC"
    open: bool = False
    """Open the report in a browser when the run ends."""


@dataclass(frozen=True)
class Expect:
    """What the run is known to give; compared only when the config is the one it was recorded for."""

    config: str = ""
    """`identity` of that config."""
    trades: int | None = None
    balance: float | None = None
    digest: str | None = None


@dataclass(frozen=True)
class Config:
    name: str
    seed: int = 1
    data: DataConfig = DataConfig()
    account: AccountConfig = AccountConfig()
    venue: VenueConfig = VenueConfig()
    rates: dict[str, float] = field(default_factory=dict)
    """Fixed conversion rates, for currencies that the tape does not quote; the report marks them."""
    instrument: tuple[dict[str, Any], ...] = ()
    """Instruments of its own, or other figures for shipped ones."""
    risk: RiskConfig = RiskConfig()
    strategy: tuple[StrategyConfig, ...] = ()
    run: RunConfig = RunConfig()
    report: ReportConfig = ReportConfig()
    stress: StressConfig = StressConfig()
    execution: ExecutionConfig = ExecutionConfig()
    expect: Expect | None = None
    source: str = field(default="", compare=False, metadata={"hidden": True})
    """Where it was read from."""
    overridden: bool = field(default=False, compare=False, metadata={"hidden": True})
    """An overlay, --set or the environment changed what the file says."""

    def __post_init__(self) -> None:
        check(self)

    @cached_property
    def strategies(self) -> tuple[StrategyConfig, ...]:
        """The strategies with everything filled in: id, symbols, frame and size."""
        return tuple(
            replace(
                s,
                id=s.id or s.name,
                symbols=s.symbols or self.data.symbols,
                frame=parse_frame(s.frame or self.data.frame),
                size=s.size or self.risk.size,
            )
            for s in self.strategy
        )

    @cached_property
    def instruments(self) -> tuple[Instrument, ...]:
        """What `[[instrument]]` declares."""
        return declare(self.instrument)

    @cached_property
    def identity(self) -> str:
        """Hash of everything that differs from the defaults, `[expect]` aside."""
        own = tuple(t for t in self.instrument if t not in [table_of(one) for one in shipped().values()])
        table = schema.dump(replace(self, expect=None, instrument=own), full=False)
        return hashlib.blake2b(canonical(table).encode(), digest_size=8).hexdigest()

    @property
    def modified(self) -> bool:
        """It is not the config that its `[expect]` was recorded for, nor (without one) what its file says."""
        return self.overridden if self.expect is None else self.expect.config != self.identity

    def pinned(self, symbols: tuple[str, ...]) -> Config:
        """With what imports say of its symbols written into it: it is then the same config anywhere."""
        found = pins(symbols, self.data.source, self.instruments)
        return replace(self, instrument=(*self.instrument, *found)) if found else self

    def to_json(self) -> str:
        """Every key, defaults included, in one canonical line: what the journal keeps."""
        return canonical(schema.dump(self))

    @classmethod
    def from_json(cls, text: str) -> Config:
        try:
            table = json.loads(text)
        except ValueError as error:
            raise ConfigError(f"config cannot be read as JSON: {error}") from None
        return schema.build(cls, table)

    def to_toml(self) -> str:
        """What differs from the defaults, as a config file."""
        return schema.to_toml(schema.dump(self, full=False)).lstrip("\n") + "\n"


def canonical(table: dict[str, Any]) -> str:
    return json.dumps(table, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def check(config: Config) -> None:
    """ConfigError for what has the right type and still cannot be meant."""
    positive = {
        "account.balance": config.account.balance,
        "account.leverage": config.account.leverage,
        "run.block": config.run.block,
        "report.equity": config.report.equity.amount,
        "venue.spread": config.venue.spread,
        **{f"rates.{pair}": rate for pair, rate in config.rates.items()},
    }
    for path, value in positive.items():
        if value <= 0:
            raise ConfigError(f"{path}: must be more than 0, got {value:g}")
    for path, value in {
        "seed": config.seed,
        "risk.retries": config.risk.retries,
        "account.max_orders": config.account.max_orders,
    }.items():
        if value < 0:
            raise ConfigError(f"{path}: must be at least 0, got {value}")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", config.name):
        raise ConfigError(f"name: {config.name!r} must be letters, digits, '.', '_' and '-': it names the run's folder")
    if not re.fullmatch(r"[A-Z]{3,5}", config.account.currency):
        raise ConfigError(f"account.currency: {config.account.currency!r} is not a currency code like USD")
    for pair in config.rates:
        if not re.fullmatch(r"[A-Z]{6,10}", pair):
            raise ConfigError(f"rates.{pair}: is not a pair of currency codes like USDJPY")
    for path, level in {"margin_call": config.account.margin_call, "stop_out": config.account.stop_out}.items():
        if level.unit not in ("%", config.account.currency):
            raise ConfigError(f"account.{path}: {level} is not in the account's currency {config.account.currency}")
    check_data(config.data)
    check_frictions(config.venue, config.stress, config.risk.blackout)
    at("report.zone", parse_zone, config.report.zone)
    declare(config.instrument)
    check_strategies(config)
    check_risk(config.risk, config.account.currency)
    check_sizes(config)
    check_execution(config.execution, config.run.lane)


def check_data(data: DataConfig) -> None:
    if not data.symbols:
        raise ConfigError('data.symbols: name at least one, like ["EURUSD"]')
    if len(set(data.symbols)) < len(data.symbols):
        raise ConfigError(f"data.symbols: {', '.join(data.symbols)} names one twice")
    if data.source == "file" and not data.files:
        raise ConfigError('data.files: name the files, like ["ticks.parquet"]')
    if data.files and data.source != "file":
        raise ConfigError(f'data.files: used with source = "file" only, not with {data.source!r}')
    for symbol in data.spread if isinstance(data.spread, dict) else ():
        if symbol not in data.symbols:
            raise ConfigError(f"data.spread: {symbol!r} is not in data.symbols: {did_you_mean(symbol, data.symbols)}")
    if data.kind == "quotes" and data.basis == "last":
        raise ConfigError("data.basis: quotes hold no last price: bars are made of their bid, ask or mid")
    at("data.frame", parse_frame, data.frame)
    at("data.trading_day", parse_day, data.trading_day)
    if data.detail is not None:
        detail, frame = at("data.detail", parse_frame, data.detail), parse_frame(data.frame)
        if data.kind == "quotes":
            raise ConfigError("data.detail: quotes hold more than any bars: leave it out")
        if frame_ns(detail) >= frame_ns(frame):
            raise ConfigError(f"data.detail: {detail} bars are not finer than the {frame} bars of data.frame")
    for path, zone in {"data.zone": data.zone, "data.tz": data.tz or "UTC"}.items():
        at(path, parse_zone, zone)
    start, end = at("data.from", lambda _: data.start_ns, data), at("data.to", lambda _: data.end_ns, data)
    if start is not None and end is not None and start >= end:
        raise ConfigError(f"data.from: {data.start} is not before data.to {data.end}")


def check_strategies(config: Config) -> None:
    if not config.strategy:
        raise ConfigError('strategy: name at least one: [[strategy]] with name = "ma_cross"')
    for n, strategy in enumerate(config.strategy):
        path = f"strategy[{n}]"
        for symbol in strategy.symbols:
            if symbol not in config.data.symbols:
                hint = did_you_mean(symbol, config.data.symbols)
                raise ConfigError(f"{path}.symbols: {symbol!r} is not in data.symbols: {hint}")
        frame = at(f"{path}.frame", parse_frame, strategy.frame or config.data.frame)
        if config.data.kind == "bars" and frame_ns(frame) < frame_ns(config.data.finest):
            raise ConfigError(f"{path}.frame: {frame} is finer than the {config.data.finest} bars of the data")
    ids = [s.id for s in config.strategies]
    for twice in {i for i in ids if ids.count(i) > 1}:
        raise ConfigError(f"strategy: two are called {twice!r} in the books: give each an id of its own")


def at(path: str, read: Any, value: Any) -> Any:
    """`read(value)`, with the path before its message."""
    try:
        return read(value)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
