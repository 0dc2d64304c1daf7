"""Records of the risk stage: what a strategy may do (LIMITS), what it wished (WISH), how it did (PAST), the ANSWER.

`Rules` is a plain tuple of arrays that both lanes hand to every rule: (limits[K, S], windows[n, 2], past[K, S + 1]).
Beside the book and these a rule reads `facts`, float64: what was known of the market as of the decision.
"""

from __future__ import annotations

import numpy as np

BY_LOTS, BY_UNITS, BY_EQUITY, BY_RISK, BY_VOLATILITY, BY_KELLY, BY_PROBABILITY = range(7)
SIZINGS = ("lots", "units", "equity", "risk", "volatility", "kelly", "probability")
NOTHING, POINTS, PERCENT, ATR, TIMES_RISK, SWING = range(6)
"""What a distance is counted in."""

RULES = (
    "", "in_flight", "no_price", "stop_missing", "stop_side", "max_drawdown", "volume_min", "max_position", "strength",
    "blackout", "exit_missing", "warming_up", "kelly", "hours", "max_spread", "max_age", "daily_loss", "max_loss",
    "max_trades", "max_losses", "max_gross", "max_net", "max_currency", "max_leverage", "correlation",
)  # fmt: skip
IN_FLIGHT, NO_PRICE, STOP_MISSING, STOP_SIDE, MAX_DRAWDOWN, VOLUME_MIN, MAX_POSITION, STRENGTH = 1, 2, 3, 4, 5, 6, 7, 8
BLACKOUT, EXIT_MISSING, WARMING_UP, KELLY, HOURS, MAX_SPREAD, MAX_AGE, DAILY_LOSS = 9, 10, 11, 12, 13, 14, 15, 16
MAX_LOSS, MAX_TRADES, MAX_LOSSES, MAX_GROSS, MAX_NET, MAX_CURRENCY, MAX_LEVERAGE = 17, 18, 19, 20, 21, 22, 23
CORRELATION = 24

FACT_ATR, FACT_LOW, FACT_HIGH, FACT_SIGMA, FACT_AGE, FACT_RELATED = range(6)
"""Places in `facts`: average true range, swing low and high, deviation of a bar's return, age of the last record in
seconds, then the correlation with each symbol of the run. NaN: not known, or no rule asks."""
NO_FACTS = np.full(FACT_RELATED, np.nan)

_i, _f = np.int64, np.float64
LIMITS = np.dtype([
    ("sizing", _i), ("size", _f), ("max_steps", _i), ("max_drawdown", _f), ("retries", _i),
    ("black_at", _i), ("black_end", _i), ("shut_at", _i), ("shut_end", _i),
    # is any of the guards set, any of the exits; does a rule need PAST
    ("guarded", _i), ("led", _i), ("remembers", _i),
    ("max_spread", _f), ("spread_bps", _i), ("spread_shown", _f), ("max_age", _f),
    ("daily_loss", _f), ("daily_share", _i), ("max_loss", _f), ("initial", _f),
    ("max_trades", _f), ("max_losses", _f), ("cool_off", _i),
    ("max_gross", _f), ("gross_lots", _i), ("max_net", _f), ("net_lots", _i), ("max_currency", _f),
    ("currency_lots", _i), ("max_leverage", _f), ("base", _i), ("quote", _i), ("max_related", _f),
    ("bars_a_year", _f), ("kelly_trades", _i), ("kelly_start", _f), ("kelly_cap", _f),
    ("stop_by", _i), ("stop", _f), ("take_by", _i), ("take", _f), ("trail_by", _i), ("trail", _f),
    ("start_by", _i), ("start", _f), ("even_by", _i), ("even", _f), ("override", _i), ("hold", _i), ("hold_bars", _i),
], align=True)  # fmt: skip
"""What one strategy may do with one symbol: limits[strategy, symbol]. `black_at` to `black_end` are its rows of the
windows in which entries are denied for news, `shut_at` to `shut_end` those outside its hours: int64[n, 2], [start,
end) ns UTC, each rising and apart. Shares are of 1; what is not set is infinite. `spread_shown` is a point, or 1e-4."""
UNSET = (
    "max_drawdown", "max_spread", "max_age", "daily_loss", "max_loss", "max_trades", "max_losses", "max_gross",
    "max_net", "max_currency", "max_leverage", "max_related",
)  # fmt: skip
NO_BLACKOUT = np.zeros((0, 2), np.int64)

WISH = np.dtype([
    ("given", _i), ("open", _i), ("strength", _f), ("stop", _f), ("take_profit", _f), ("tries", _i), ("acted", _f),
], align=True)  # fmt: skip
"""The last wish of a strategy for a symbol, and the strength it was last acted on with: wishes[strategy, symbol]."""
PAST = np.dtype([
    ("day_end", _i), ("entries", _i), ("order", _i), ("losses", _i), ("lost_at", _i),
    ("wins", _i), ("fails", _i), ("gained", _f), ("failed", _f), ("fee", _f), ("steps", _i), ("bars", _i),
], align=True)  # fmt: skip
"""How a strategy did, as far as its fills have reached us: past[strategy, symbol], and in the last column all symbols.

Per symbol: trades won and lost, what they made and lost per lot step (minor units), costs of what is open, bars since
the entry. In all: entries of the day (an order counts once), losing trades in a row and when the last one was known.
"""
ANSWER = np.dtype([
    ("target", _i), ("own", _i), ("acts", _i), ("rule", _i), ("value", _f), ("threshold", _f), ("stop", _f),
    ("take_profit", _f), ("trail", _f), ("trail_start", _f), ("even_at", _f),
], align=True)  # fmt: skip
"""What the rules say to a wish: the lot steps that may be owned and those that are, whether anything is to be done, the
rule that said no, and the exits of what gets opened."""
Rules = tuple[np.ndarray, np.ndarray, np.ndarray, bool | None]


def rules_of(limits: np.ndarray, windows: np.ndarray = NO_BLACKOUT) -> Rules:
    """The rules with a fresh memory, without one where no rule needs it; last, True if any limit is set.

    None says that none is: the kernels then leave the limits out, and need not compile them.
    """
    strategies, symbols = limits.shape
    needed = bool(limits["remembers"].any())
    past = np.zeros((strategies, symbols + 1) if needed else (0, 0), PAST)
    return limits, windows, past, True if limits["guarded"].any() else None
