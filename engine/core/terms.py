"""What holding an instrument costs and ties up, in MetaTrader 5's terms: margin and swap.

MT5's numbers have names here; the formulas are those of its documentation (SymbolInfo, ENUM_SYMBOL_CALC_MODE,
ENUM_SYMBOL_SWAP_MODE). The simulated venue reads these; nothing in this file computes.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from engine.core.errors import ConfigError

Day = Literal["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
CalcMode = Literal[
    "forex", "futures", "cfd", "cfd_index", "cfd_leverage", "forex_no_leverage", "exch_stocks", "exch_futures",
    "exch_options", "exch_options_margin", "exch_bonds", "exch_stocks_moex", "exch_bonds_moex", "collateral",
]  # fmt: skip
SwapMode = Literal[
    "disabled", "points", "currency_symbol", "currency_margin", "currency_deposit", "interest_current",
    "interest_open", "reopen_current", "reopen_bid", "currency_profit",
]  # fmt: skip


class Margin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the broker sets aside for a position.

    mode      forex: lots x contract / leverage; cfd: lots x contract x price; cfd_leverage: that / leverage; futures:
              lots x initial; and so on as MT5 has them; each times `rate`
    currency  of the margin; empty: the base currency in the modes forex and forex_no_leverage, else that of the profit
    initial, maintenance  money per lot that goes before the formula where not 0; in the modes forex and cfd_leverage it
              is still divided by the leverage
    hedged    contract size (money where `initial` is set) counted for a lot long against a lot short; 0: a hedge is
              free; not stated: both legs count in full
    larger_leg  of a hedge only the larger leg counts
    rate, maintenance_rate  factors of the formula; maintenance_rate 0: as `rate`
    leverage  fixed for this instrument whatever the account's; 0: the account's
    tiers     (notional from, leverage), rising: the part of a position above a step has that step's leverage
    """

    mode: CalcMode = "forex"
    currency: str = ""
    initial: float = 0.0
    maintenance: float = 0.0
    hedged: float | None = None
    larger_leg: bool = False
    rate: float = 1.0
    maintenance_rate: float = 0.0
    leverage: float = 0.0
    tiers: tuple[tuple[float, float], ...] = ()

    def check(self, name: str) -> None:
        """ConfigError for what no broker can mean; `name` is the instrument's."""
        not_negative(self, name, "margin", "initial", "maintenance", "maintenance_rate", "leverage")
        if self.hedged is not None:
            not_negative(self, name, "margin", "hedged")
        if not 0 < self.rate < math.inf:
            raise ConfigError(f"instrument {name}: margin.rate must be above 0, not {self.rate}")
        if self.mode in ("futures", "exch_futures") and not self.initial:
            raise ConfigError(f"instrument {name}: margin.mode {self.mode!r} needs margin.initial, money per lot")
        steps = [step for step, _ in self.tiers]
        rising = all(a < b < math.inf for a, b in zip(steps[:-1], steps[1:], strict=True))
        if steps and (steps[0] != 0 or not rising or not all(0 < lever < math.inf for _, lever in self.tiers)):
            raise ConfigError(
                f"instrument {name}: margin.tiers are (notional from, leverage), rising, the first from 0"
            )


class Swap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a position costs (below 0) or earns (above) each time the day rolls over.

    mode        points; money per lot in the base, margin, deposit or profit currency; percent a year of the price now
                or at the opening, of `year_days` days; or reopening at the close or bid moved by points
    long, short  in the mode's unit
    triple_day  the day whose rollover counts three times, for the weekend; Saturday or Sunday: none does, all seven
                nights count once
    """

    mode: SwapMode = "points"
    long: float = 0.0
    short: float = 0.0
    triple_day: Day = "Wednesday"
    year_days: int = 360

    def check(self, name: str) -> None:
        """ConfigError for what no broker can mean; `name` is the instrument's."""
        for side in ("long", "short"):
            if not math.isfinite(getattr(self, side)):
                raise ConfigError(f"instrument {name}: swap.{side} must be a number, not {getattr(self, side)}")
        if self.mode.startswith("interest") and max(abs(self.long), abs(self.short)) > 1000:
            raise ConfigError(
                f"instrument {name}: swap is percent a year, {self.long} and {self.short} cannot be meant"
            )
        if not 360 <= self.year_days <= 366:
            raise ConfigError(f"instrument {name}: swap.year_days must lie in 360..366, not {self.year_days}")


def not_negative(thing: msgspec.Struct, name: str, where: str, *fields: str) -> None:
    for field in fields:
        if not 0 <= getattr(thing, field) < math.inf:
            path = f"{where}.{field}" if where else field
            raise ConfigError(f"instrument {name}: {path} must be 0 or above, not {getattr(thing, field)}")
