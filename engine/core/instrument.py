"""Instruments: what a symbol is, and the numbers a trader needs to size and settle it."""

from __future__ import annotations

import msgspec


class Instrument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tradable thing at one venue.

    `id` is `EURUSD@demo`; `symbol` its short name. `units` below are units of the base asset: a lot of EURUSD is
    100,000 EUR. Profit accrues in `profit_currency`.
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
    source: str = ""

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
