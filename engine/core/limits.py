"""What a config may say of risk beyond a size and a drawdown: exits by rule, Kelly's stake, correlation.

[risk.exits]
stop = "2 atr"            # or "10 bars swing", "1.5 %", "250 points"
take_profit = "2 R"       # R: the distance between entry and stop
trail = "1.5 atr"
break_even = "1 R"
max_hold = "8 h"          # or "20 bars"
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.core.errors import ConfigError
from engine.core.frames import parse_day, parse_frame
from engine.core.quantity import Hold, Percent, Reach, Size, StopAt
from engine.core.sessions import parse_sessions

LONGEST = 500
"""Bars that a rule may look back."""


@dataclass(frozen=True)
class ExitsConfig:
    """Exits for what a strategy opens by a wish, where it gives none itself (or in place of its own)."""

    stop: StopAt | None = None
    take_profit: Reach | None = None
    trail: Reach | None = None
    """Distance at which the stop follows the price."""
    trail_start: Reach | None = None
    """Gain from which it follows; none: at once."""
    break_even: Reach | None = None
    """Gain at which the stop goes to the entry."""
    max_hold: Hold | None = None
    """Closed at the first bar of the strategy's frame that closes so long after the entry."""
    override: bool = False
    """In place of the stop and take-profit that the strategy gives."""
    atr_period: int = 14


@dataclass(frozen=True)
class KellyConfig:
    """Around a size in `kelly`."""

    trades: int = 30
    """Closed trades of the strategy with the symbol before they say anything."""
    start: Percent = Percent(0.5, "%")
    """Equity at risk in a trade until then."""
    cap: Percent = Percent(2.0, "%")
    """The most at risk in a trade, whatever Kelly says."""


@dataclass(frozen=True)
class CorrelationConfig:
    """No position in the same direction as another one that moves alike (or against one that moves opposite)."""

    max: float = 0.8
    bars: int = 100
    """How far back."""
    frame: str = ""
    """Of the bars; by default that of the data."""


def check_risk(risk: Any, currency: str) -> None:
    """ConfigError for limits that cannot be meant; `risk` is the section of a config."""
    exits, related = risk.exits, risk.correlation
    if exits is not None:
        check_exits(exits)
    if related is not None:
        if not 0 < related.max <= 1:
            raise ConfigError(f"risk.correlation.max: must lie above 0 and up to 1, got {related.max:g}")
        look_back("risk.correlation.bars", related.bars, 10)
        at("risk.correlation.frame", parse_frame, related.frame or "H1")
    look_back("risk.lookback", risk.lookback, 2)
    if risk.kelly.trades < 1:
        raise ConfigError(f"risk.kelly.trades: must be at least 1, got {risk.kelly.trades}")
    for key in ("max_trades", "max_losses"):
        if getattr(risk, key) is not None and getattr(risk, key) < 1:
            raise ConfigError(f"risk.{key}: must be at least 1, got {getattr(risk, key)}")
    if risk.max_leverage is not None and risk.max_leverage <= 0:
        raise ConfigError(f"risk.max_leverage: must be more than 0, got {risk.max_leverage:g}")
    for key in ("daily_loss", "max_loss"):
        loss = getattr(risk, key)
        if loss is not None and not loss.unit.startswith("%") and loss.unit != currency:
            raise ConfigError(f"risk.{key}: {loss} is not in the account's currency {currency}")
    for key in ("max_spread", "max_age", "cool_off"):
        if getattr(risk, key) is not None and getattr(risk, key).amount <= 0:
            raise ConfigError(f"risk.{key}: must be more than 0, got {getattr(risk, key)}")
    if risk.hours is not None:
        at("risk.hours", parse_sessions, risk.hours)
    if risk.day is not None:
        at("risk.day", parse_day, risk.day)


def check_exits(exits: ExitsConfig) -> None:
    if all(getattr(exits, key) is None for key in ("stop", "take_profit", "trail", "break_even", "max_hold")):
        raise ConfigError('risk.exits: say at least one, like stop = "2 atr"')
    if exits.trail_start is not None and exits.trail is None:
        raise ConfigError("risk.exits.trail_start: means nothing without trail")
    for key in ("take_profit", "trail", "trail_start", "break_even"):
        one = getattr(exits, key)
        if one is not None and one.amount <= 0:
            raise ConfigError(f"risk.exits.{key}: must be more than 0, got {one}")
    if exits.override and exits.stop is None and exits.take_profit is None:
        raise ConfigError("risk.exits.override: there is neither a stop nor a take_profit to put in place of others")
    look_back("risk.exits.atr_period", exits.atr_period, 2)


def check_sizes(config: Any) -> None:
    """ConfigError for a size that cannot be reached, whatever happens; `config` is the whole of it."""
    for one in config.strategies:
        size: Size = one.size
        if size.unit == "% risk" and size.amount > 100:
            raise ConfigError(f"strategy {one.id}: {size} risks more than there is: at most 100 % risk")
        if size.unit == "% probability" and size.amount > 100:
            raise ConfigError(f"strategy {one.id}: {size} risks more than there is: at most 100 % probability")
        if size.unit == "kelly" and size.amount > 1:
            raise ConfigError(f"strategy {one.id}: {size} is above the Kelly stake: that falls deeper and grows slower")


def look_back(path: str, bars: int, least: int) -> None:
    if not least <= bars <= LONGEST:
        raise ConfigError(f"{path}: must lie in {least}..{LONGEST} bars, got {bars}")


def at(path: str, read: Any, text: str) -> None:
    """ConfigError with the path before its message where `read` cannot read the text."""
    try:
        read(text)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
