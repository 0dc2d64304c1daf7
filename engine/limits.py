"""From a config to the records that the risk rules read: LIMITS, the hours outside which nothing opens, the days."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.core.config import Config, StrategyConfig
from engine.core.frames import WEEK, day_starts, parse_day
from engine.core.instrument import Instrument
from engine.core.limits import ExitsConfig
from engine.core.quantity import Exposure, Quantity, Size, Volume
from engine.core.sessions import parse_sessions
from engine.core.zones import DAY
from engine.kernels.book import Book
from engine.kernels.terms import CALENDAR
from engine.risk import terms as t

UNLIMITED = 2**53
MODERN = 19_723 * DAY
"""2024-01-01: the year whose bars are counted where no tape is given."""
WAYS = {
    "lots": t.BY_LOTS, "units": t.BY_UNITS, "% equity": t.BY_EQUITY, "% risk": t.BY_RISK,
    "% volatility": t.BY_VOLATILITY, "kelly": t.BY_KELLY, "% probability": t.BY_PROBABILITY,
}  # fmt: skip
DISTANCES = {"points": t.POINTS, "%": t.PERCENT, "atr": t.ATR, "R": t.TIMES_RISK, "bars swing": t.SWING}


def limits_of(
    config: Config, strategies: tuple[StrategyConfig, ...], instruments: Sequence[Instrument], start: int = MODERN
) -> np.ndarray:
    """LIMITS[strategy, symbol] from the config; `start` is the first moment of the tape."""
    limits = np.zeros((len(strategies), len(instruments)), t.LIMITS)
    for name in t.UNSET:
        limits[name] = np.inf
    currencies = sorted({c for one in instruments for c in (one.base_currency, one.profit_currency)})
    for k, one in enumerate(strategies):
        assert one.size is not None
        for s, instrument in enumerate(instruments):
            x = limits[k, s]
            x["sizing"], x["size"] = sizing(one.size)
            x["max_steps"] = steps(config.risk.max_position, instrument)
            x["base"] = currencies.index(instrument.base_currency)
            x["quote"] = currencies.index(instrument.profit_currency)
            if one.size.unit == "% volatility":
                x["bars_a_year"] = bars_a_year(instrument, one.frame, config.data.trading_day, start)
            guards(x, config, instrument)
            if config.risk.exits is not None:
                exits(x, config.risk.exits, instrument)
    return limits


def sizing(size: Size) -> tuple[int, float]:
    return WAYS[size.unit], size.fraction if size.unit.startswith("%") else size.amount


def steps(volume: Volume | None, instrument: Instrument) -> int:
    if volume is None:
        return UNLIMITED
    lots = volume.amount if volume.unit == "lots" else volume.amount / instrument.multiplier
    return int(np.floor(lots / instrument.volume_step + 1e-9))


def bars_a_year(one: Instrument, frame: str, trading_day: str, start: int) -> float:
    """Bars in 365.25 days of the instrument's hours, counted over 52 weeks from `start` on."""
    return len(one.hours.expected_bars(start, start + 52 * WEEK, frame, trading_day)) * 365.25 / 364


def guards(x: np.void, config: Config, one: Instrument) -> None:
    """What `engine.risk.guards` and Kelly's stake go by."""
    risk = config.risk
    x["retries"] = risk.retries
    if risk.max_drawdown:
        x["max_drawdown"] = risk.max_drawdown.fraction
    x["initial"] = config.account.balance
    if risk.max_spread:
        x["spread_bps"], x["spread_shown"] = risk.max_spread.unit == "bps", one.point
        x["spread_shown"] = 1e-4 if x["spread_bps"] else one.point
        x["max_spread"] = risk.max_spread.amount * x["spread_shown"]
    if risk.max_age:
        x["max_age"] = risk.max_age.ns * 1e-9
    if risk.daily_loss:
        x["daily_share"] = risk.daily_loss.unit == "%"
        x["daily_loss"] = risk.daily_loss.fraction if x["daily_share"] else money(risk.daily_loss, config)
    if risk.max_loss:
        x["max_loss"] = money(risk.max_loss, config)
    for name, count in {"max_trades": risk.max_trades, "max_losses": risk.max_losses}.items():
        x[name] = np.inf if count is None else count
    x["cool_off"] = risk.cool_off.ns
    for name, most in {"gross": risk.max_gross, "net": risk.max_net, "currency": risk.max_currency}.items():
        if most:
            x[f"max_{name}"], x[f"{name}_lots"] = exposure(most)
    x["max_leverage"] = risk.max_leverage or np.inf
    x["max_related"] = risk.correlation.max if risk.correlation else np.inf
    x["kelly_trades"] = risk.kelly.trades
    x["kelly_start"], x["kelly_cap"] = risk.kelly.start.fraction, risk.kelly.cap.fraction
    names = [name for name in t.UNSET if name != "max_drawdown"]
    x["guarded"] = bool(risk.hours) or any(np.isfinite(x[name]) for name in names)
    counted = risk.max_trades is not None or risk.max_losses is not None
    held = risk.exits is not None and risk.exits.max_hold is not None
    x["remembers"] = counted or held or x["sizing"] == t.BY_KELLY


def money(loss: Quantity, config: Config) -> float:
    """A loss in the account's currency, a share being one of the initial balance."""
    return loss.fraction * config.account.balance if loss.unit.startswith("%") else loss.amount


def exposure(most: Exposure) -> tuple[float, bool]:
    return (most.fraction, False) if most.unit == "%" else (most.amount, True)


def exits(x: np.void, given: ExitsConfig, one: Instrument) -> None:
    """What `engine.risk.exits` goes by."""
    each = {"stop": given.stop, "take": given.take_profit, "trail": given.trail, "start": given.trail_start,
            "even": given.break_even}  # fmt: skip
    for name, far in each.items():
        if far is not None:
            x[f"{name}_by"] = DISTANCES[far.unit]
            x[name] = far.amount * {"points": one.point, "%": 0.01}.get(far.unit, 1.0)
            x["led"] = 1
    x["override"] = given.override
    if given.max_hold is not None:
        bars = given.max_hold.unit == "bars"
        x["hold_bars" if bars else "hold"] = int(given.max_hold.amount) if bars else given.max_hold.ns


def shut_hours(text: str | None, limits: np.ndarray, windows: np.ndarray, span: tuple[int, int]) -> np.ndarray:
    """The windows, and after them those outside the hours; LIMITS then say where they are."""
    if text is None:
        return windows
    first, last = span[0] - 2 * WEEK, span[1] + 2 * WEEK
    opens, closes = parse_sessions(text).spans(first, last)
    closed = np.column_stack([np.r_[first, closes], np.r_[opens, last]])
    closed = closed[closed[:, 0] < closed[:, 1]]
    limits["shut_at"], limits["shut_end"] = len(windows), len(windows) + len(closed)
    return np.concatenate([windows, closed])


def with_days(book: Book, config: Config, span: tuple[int, int]) -> Book:
    """The book with the days that its rules count by at the end of its calendar; as it is where none does."""
    risk, account = config.risk, book[0][0]
    if risk.daily_loss is None and risk.max_trades is None:
        return book
    starts = day_starts(parse_day(risk.day or config.data.trading_day), *span)[1:]
    rows = np.zeros(len(starts), CALENDAR)
    rows["start"] = starts
    account["days_at"], account["days_end"] = len(book[8]), len(book[8]) + len(rows)
    account["next_day"], account["day_equity"] = starts[0], account["equity"]
    return (*book[:8], np.concatenate([book[8], rows]))
