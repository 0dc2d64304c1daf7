"""How the simulated broker answers: the config's [account], [venue] and [stress]."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from engine.core.frictions import Blackout, Latency, Slip, Slippage
from engine.core.quantity import Duration, Fee, Level, Money, Percent, Volume


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
class Commission:
    """What a deal costs: per lot, plus per deal, plus basis points of its value, at least `minimum`."""

    per_lot: Money | None = None
    per_deal: Money | None = None
    bps: float = 0.0
    maker_per_lot: Money | None = None
    """Of limit orders that rested, instead of `per_lot`; none: as others. A rebate is negative."""
    maker_bps: float | None = None
    minimum: Money | None = None
    sides: Literal["both", "entry"] = "both"
    """`entry`: deals that close cost nothing."""
    close_by: bool = False
    """Closing a position by an opposite one costs commission too."""

    def __str__(self) -> str:
        """As the report says it: `0.5 bps + 1 USD per deal, at least 2 USD`."""
        parts = [
            f"{self.per_lot} per lot" if self.per_lot else "",
            f"{self.bps:g} bps" if self.bps else "",
            f"{self.per_deal} per deal" if self.per_deal else "",
        ]
        maker = [
            f"{self.maker_per_lot} per lot" if self.maker_per_lot else "",
            f"{self.maker_bps:g} bps" if self.maker_bps is not None else "",
        ]
        text = " + ".join(filter(None, parts)) or "none"
        text += f" (makers {' + '.join(filter(None, maker))})" if any(maker) else ""
        text += f", at least {self.minimum}" if self.minimum else ""
        return text + (", on entries alone" if self.sides == "entry" else "")


@dataclass(frozen=True)
class VenueConfig:
    """How the simulated broker answers."""

    latency: Duration | Latency = Duration(50.0, "ms")
    """From a decision to the venue."""
    report_latency: Duration | Latency = Duration(0.0, "ms")
    """From the venue back to us."""
    slippage: Slip | Slippage = Slip(0.0, "points")
    commission: Fee | Commission | None = None
    """Per side: a fee or a table; none: what the instrument says."""
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

    @property
    def commission_text(self) -> str:
        """As the report says it."""
        if self.commission is None:
            return "as the instrument states it"
        return f"{self.commission} and side" if isinstance(self.commission, Fee) else str(self.commission)


@dataclass(frozen=True)
class StressConfig:
    """What a run must still hold under stress; what is not set is not judged."""

    max_drawdown: Percent | None = None
    min_balance: float | None = None
    min_profit_factor: float | None = None
    min_trades: int | None = None
    blackout: Blackout | None = None
    """When the row of blocked entries blocks them; without it the row is left out."""
