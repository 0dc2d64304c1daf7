"""What the contract says of a symbol, from its instrument and the config into TERMS: margin, costs, limits."""

from __future__ import annotations

import math

import numpy as np

from engine.core.broker import Commission
from engine.core.config import Config
from engine.core.errors import ConfigError
from engine.core.instrument import Instrument
from engine.core.quantity import Fee, Money, Volume
from engine.core.registry import did_you_mean
from engine.core.terms import Margin
from engine.kernels.book import ORDER_KINDS
from engine.kernels.terms import MARGIN_MODES, STATUSES, SWAP_MODES, TIERS
from engine.venues.conversion import Currencies, margin_currency
from engine.venues.swap import CURRENCY_DEPOSIT, CURRENCY_PROFIT, CURRENCY_SYMBOL

CALC_MODES = {
    **{mode: mode for mode in MARGIN_MODES if mode not in ("stocks", "none")},
    "exch_futures": "futures", "exch_stocks": "stocks", "exch_stocks_moex": "stocks",
}  # fmt: skip
"""MT5's calculation modes that the venue knows, and the formula of each."""
BY_BASE = ("forex", "forex_no_leverage")
"""Modes whose formula has no price: it gives an amount of the base currency; the others give one of the profit's."""
KINDS = {"market": ("market", "if_touched"), "limit": ("limit",), "stop": ("stop", "trailing_stop"),
         "stop_limit": ("stop_limit",)}  # fmt: skip
FILLINGS = {"return": 0, "ioc": 1, "fok": 2, "boc": 3}
EXPIRATIONS = ("gtc", "day", "specified", "specified_day")
STATED = 1 << 40
"""A bit of no name: what an instrument takes is stated, even if it is nothing that the venue knows."""


def write_terms(t: np.void, x: np.void, one: Instrument, config: Config) -> list[str]:
    """Fill the terms and the volumes of one symbol; returns what the report must say.

    Raises ConfigError for what the venue does not know and for fees in a currency that is not the account's.
    """
    x["step_units"], x["step_lots"] = one.step_units, one.volume_step
    x["steps_min"], x["steps_max"] = (round(v / one.volume_step) for v in (one.volume_min, one.volume_max))
    x["grid"] = 10.0**one.digits
    t["status"] = STATUSES.index(one.status)
    t["stops_level"], t["freeze_level"] = one.stops_level * one.point, one.freeze_level * one.point
    t["volume_limit"] = round(one.volume_limit / one.volume_step)
    t["notional_min"] = one.notional_min
    t["kinds"] = bits(ORDER_KINDS, [kind for mode in one.orders for kind in KINDS.get(mode, ())]) | stated(one.orders)
    t["fillings"] = fillings(one)
    t["expirations"] = bits(EXPIRATIONS, one.expiration)
    t["liquidity"] = liquidity(config.venue.liquidity, one)
    write_swap_mode(t, one, config.account.currency)
    return write_commission(t, one, config)


def bits(names: tuple[str, ...], chosen: tuple[str, ...] | list[str]) -> int:
    return sum(1 << names.index(name) for name in set(chosen))


def stated(names: tuple[str, ...]) -> int:
    return STATED if names else 0


def fillings(one: Instrument) -> int:
    """What is filled as it comes (return) is taken everywhere; with instant execution or by request so are IOC, FOK.

    Source: MetaTrader 5's table of execution and filling modes; it fills a market order under market execution as a
    whole or not at all, which is what `return` means where liquidity is not limited.
    """
    if not one.filling:
        return 0
    found = {FILLINGS[name] for name in one.filling} | {FILLINGS["return"]}
    if one.execution in ("request", "instant"):
        found |= {FILLINGS["ioc"], FILLINGS["fok"]}
    return sum(1 << n for n in found)


def liquidity(volume: Volume | None, one: Instrument) -> int:
    """Lot steps that one record offers on each side; 0: any."""
    if volume is None:
        return 0
    lots = volume.amount if volume.unit == "lots" else volume.amount / one.multiplier
    steps = math.floor(lots / one.volume_step + 1e-9)
    if steps < 1:
        raise ConfigError(f"venue.liquidity: {volume} is less than one step of {one.symbol}, {one.volume_step:g} lots")
    return steps


def write_margin(t: np.void, one: Instrument, money: Currencies) -> list[str]:
    """Fill in how margin is worked out; ConfigError for a mode that the venue does not know."""
    notes = []
    margin = one.margin
    if margin is None:
        margin = Margin(mode="forex" if one.kind == "forex" else "cfd_leverage")
        notes.append(f"{one.symbol}: margin is not stated: worked out as {margin.mode}")
    if margin.mode not in CALC_MODES:
        hint = did_you_mean(margin.mode, CALC_MODES)
        hint = hint if hint.startswith("did") else f"known: {', '.join(CALC_MODES)}"
        raise ConfigError(f"instrument {one.id}: margin.mode {margin.mode!r} is not simulated: {hint}")
    mode = CALC_MODES[margin.mode]
    if mode == "futures" and not margin.initial:
        raise ConfigError(f"instrument {one.id}: margin.mode {margin.mode!r} needs margin.initial, money per lot")
    if mode == "cfd_index" and not one.tick_value:
        raise ConfigError(f"instrument {one.id}: margin.mode 'cfd_index' needs tick_value, money per lot and tick")
    if len(margin.tiers) > TIERS:
        raise ConfigError(f"instrument {one.id}: margin.tiers has {len(margin.tiers)} steps, at most {TIERS} are known")
    t["margin_mode"] = MARGIN_MODES.index(mode)
    t["margin_rate"], t["maintenance_rate"] = margin.rate, margin.maintenance_rate
    t["margin_initial"], t["margin_maintenance"] = margin.initial, margin.maintenance
    t["margin_hedged"] = math.nan if margin.hedged is None else margin.hedged
    t["larger_leg"], t["margin_leverage"] = margin.larger_leg, margin.leverage
    t["tiers"] = len(margin.tiers)
    for n, (above, leverage) in enumerate(margin.tiers):
        t["tier_from"][n], t["tier_leverage"][n] = above, leverage
    t["contract"], t["tick_size"], t["tick_value"] = one.contract_size, one.tick, one.tick_value
    currency = margin.currency or (one.base_currency if mode in BY_BASE else one.profit_currency)
    if currency == one.base_currency and mode not in BY_BASE and not margin.initial:
        currency = one.profit_currency  # the price is in the formula already
    code, via, inverse, fixed = margin_currency(money, one, currency)
    t["margin_currency"], t["margin_via"], t["margin_inverse"], t["margin_fixed"] = code, via, inverse, fixed
    return notes


def write_commission(t: np.void, one: Instrument, config: Config) -> list[str]:
    """What a deal costs: as the config says, else as the instrument does; ConfigError for a foreign currency."""
    said, where = config.venue.commission, "venue.commission"
    if said is None and not one.commission:
        return []
    fee = said if said is not None else Fee.parse(one.commission)
    if said is None:
        where = f"instrument {one.id}: commission"
    if isinstance(fee, Fee):
        full = Commission(bps=fee.amount) if fee.unit == "bps" else Commission(Money(fee.amount, fee.currency))
    else:
        full = fee
    account = config.account.currency
    per_lot = in_account(full.per_lot, account, f"{where}.per_lot" if isinstance(fee, Commission) else where)
    t["fee_per_lot"], t["fee_share"] = per_lot, full.bps * 1e-4
    t["fee_per_deal"] = in_account(full.per_deal, account, f"{where}.per_deal")
    t["fee_least"] = in_account(full.minimum, account, f"{where}.minimum")
    maker = in_account(full.maker_per_lot, account, f"{where}.maker_per_lot")
    t["maker_per_lot"] = per_lot if full.maker_per_lot is None else maker
    t["maker_share"] = t["fee_share"] if full.maker_bps is None else full.maker_bps * 1e-4
    t["fee_entry_only"], t["fee_close_by"] = full.sides == "entry", full.close_by
    return [f"{one.symbol}: commission {fee} and side, as {one.id} states it"] if said is None else []


def in_account(money: Money | None, currency: str, where: str) -> float:
    """Money that must be in the account's currency; nothing may be in any."""
    if money is None or not money.amount:
        return 0.0
    if money.unit != currency:
        raise ConfigError(f"{where} is in {money.unit}, the account in {currency}")
    return money.amount


def write_swap_mode(t: np.void, one: Instrument, currency: str) -> None:
    """How swap is counted. A base currency that is the account's or the profit's is taken as such."""
    if one.swap is None:
        return
    mode = SWAP_MODES.index(one.swap.mode)
    if mode == CURRENCY_SYMBOL and one.base_currency == currency:
        mode = int(CURRENCY_DEPOSIT)
    elif mode == CURRENCY_SYMBOL and one.base_currency == one.profit_currency:
        mode = int(CURRENCY_PROFIT)
    t["swap_mode"], t["year_days"] = mode, one.swap.year_days
