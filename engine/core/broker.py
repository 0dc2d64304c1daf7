"""How the simulated broker answers: the config's [account], [venue] and [stress]."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from engine.core.frictions import Blackout, Latency, Slip, Slippage
from engine.core.quantity import Duration, Fee, Level, Percent, Volume


@dataclass(frozen=True)
class AccountConfig:
    currency: str = "USD"
    balance: float = 10_000.0
    mode: Literal["hedging", "netting"] = "hedging"
    leverage: float = 30.0
    margin_call: Level = Level(100.0, "%")
    """Of the margin (equity / margin), or an amount of equity: the broker warns."""
    stop_out: Level = Level(50.0, "%")
    """Where it begins to close positions, the worst first."""
    negative_balance: Literal["protect", "keep"] = "protect"
    """What becomes of a debt after a stop-out."""
    max_orders: int = 0
    """Most resting orders, 0: no limit."""


@dataclass(frozen=True)
class Widen:
    """A time of wider spreads: the bid stays, the ask moves away."""

    at: str = "rollover"
    """`rollover`, or the name of a calendar series whose events of that `importance` are meant."""
    factor: float = 3.0
    before: Duration = Duration(5.0, "min")
    after: Duration = Duration(15.0, "min")
    importance: Literal["low", "medium", "high"] = "high"


@dataclass(frozen=True)
class VenueConfig:
    """How the simulated broker answers."""

    latency: Duration | Latency = Duration(50.0, "ms")
    """From a decision to the venue."""
    report_latency: Duration | Latency = Duration(0.0, "ms")
    """From the venue back to us."""
    slippage: Slip | Slippage = Slip(0.0, "points")
    commission: Fee = Fee(0.0, "USD per lot")
    """Per side."""
    change_latency: Duration | Latency | None = None
    """Of a cancel or a change, from the decision to the venue; none: as of an order."""
    hours: Literal["instrument", "always"] = "instrument"
    """Trade in the instrument's sessions only, or whenever there is a record."""
    closed: Literal["wait", "refuse"] = "wait"
    """An order while the market is closed is held until it opens, or is refused."""
    swap: Literal["instrument", "none"] = "instrument"
    swaps: dict[str, str] = field(default_factory=dict)
    """Historical swap rates: symbol to a CSV file with the columns date, long, short."""
    liquidity: Volume | None = None
    """What one record offers on each side; none: any volume."""
    path: Literal["pessimistic", "nearest", "ohlc", "olhc"] = "pessimistic"
    """How prices are taken to move inside a bar."""
    outages: tuple[str, ...] = ()
    """Times in which the venue is out: `2024-03-01 10:00 - 2024-03-01 10:20`, UTC."""
    rejects: Percent | None = None
    """Share of orders that the dealer refuses."""
    requotes: Percent | None = None
    partial_fills: Percent | None = None
    missed: Percent | None = None
    """Share of records that never reach us."""
    spread: float = 1.0
    """Every spread times this."""
    widen: tuple[Widen, ...] = ()


@dataclass(frozen=True)
class StressConfig:
    """What a run must still hold under stress; what is not set is not judged."""

    max_drawdown: Percent | None = None
    min_balance: float | None = None
    min_profit_factor: float | None = None
    min_trades: int | None = None
    blackout: Blackout | None = None
    """When the row of blocked entries blocks them; without it the row is left out."""
