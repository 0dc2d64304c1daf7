"""What the contract says, as records: the terms of a symbol and its calendar. `engine.setup` writes them, kernels read.

Nothing here changes while a run goes on; what does is in `engine.kernels.book`.
"""

from __future__ import annotations

import numpy as np

_i, _f = np.int64, np.float64
TIERS = 8

MARGIN_MODES = ("forex", "forex_no_leverage", "cfd", "cfd_leverage", "cfd_index", "futures", "stocks", "none")
SWAP_MODES = (
    "disabled", "points", "currency_symbol", "currency_margin", "currency_deposit", "interest_current",
    "interest_open", "reopen_current", "reopen_bid", "currency_profit",
)  # fmt: skip
STATUSES = ("full", "close_only", "long_only", "short_only", "disabled")
SLIPPAGES = ("none", "points", "spread", "volatility", "volume", "impact", "samples")
LATENCIES = ("constant", "lognormal", "gamma", "trace")

DELAY = np.dtype([("model", _i), ("a", _f), ("b", _f), ("at", _i), ("count", _i)], align=True)
"""One leg's latency in ns: constant a; lognormal of median a and sigma b; gamma of mean a and shape b; `count`
samples of the calendar from `at`."""

TERMS = np.dtype([
    # margin: rate to account money when nothing else says so is price x profit rate
    ("margin_mode", _i), ("margin_rate", _f), ("maintenance_rate", _f), ("margin_initial", _f),
    ("margin_maintenance", _f), ("margin_hedged", _f), ("larger_leg", _i), ("margin_leverage", _f),
    ("tiers", _i), ("tier_from", _f, (TIERS,)), ("tier_leverage", _f, (TIERS,)),
    ("margin_currency", _i), ("margin_via", _i), ("margin_inverse", _i), ("margin_fixed", _f),
    ("contract", _f), ("tick_size", _f), ("tick_value", _f),
    # commission: of the taker, of the maker, the least a deal costs, minor units not yet rounded
    ("fee_per_lot", _f), ("fee_per_deal", _f), ("fee_share", _f), ("maker_per_lot", _f), ("maker_share", _f),
    ("fee_least", _f), ("fee_entry_only", _i), ("fee_close_by", _i),
    # swap
    ("swap_mode", _i), ("year_days", _f), ("nights_at", _i), ("nights_end", _i),
    # what the venue takes, and when: stretches of the calendar in which it does not trade
    ("status", _i), ("stops_level", _f), ("freeze_level", _f), ("volume_limit", _i), ("notional_min", _f),
    ("kinds", _i), ("fillings", _i), ("expirations", _i), ("pauses_at", _i), ("pauses_end", _i),
    ("liquidity", _i),
    # slippage: a and b as the model means them; samples in the calendar
    ("slip_model", _i), ("slip_a", _f), ("slip_b", _f), ("slip_c", _f), ("slip_at", _i), ("slip_count", _i),
    # latency of the three legs: order, change, report
    ("delays", DELAY, (3,)),
], align=True)  # fmt: skip
"""Money per lot is in account currency, levels are distances in price, limits are lot steps. `kinds`, `fillings` and
`expirations` are bit sets (bit n: the n-th name), 0: all. `margin_currency`: 0 base, 1 profit, 2 account, 3 another,
converted `margin_via`, 4 at the fixed rate `margin_fixed`. `margin_hedged`: NaN where it is not stated. `notional_min`
is in the profit currency."""

CALENDAR = np.dtype([("start", _i), ("end", _i), ("kind", _i), ("a", _f), ("b", _f), ("c", _f)], align=True)
"""Times and samples, one array for all symbols, each symbol's stretches together and rising.

a night   start: the rollover; a: days booked; b, c: swap of a long and of a short in the mode's unit
a pause   start to end (half open): no trading; kind 0 closed, 1 outage, 2 not listed (before its life or after it)
a sample  a: a latency in ns, or a slippage in price
"""
CLOSED, OUTAGE, NOT_LISTED = 0, 1, 2
