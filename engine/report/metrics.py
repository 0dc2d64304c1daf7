"""Figures of a run, gathered while it runs: plain numbers, shares as fractions (0.05 is five percent).

    net_profit        end balance - start balance: every deal and correction, costs included; not open positions
    open_profit       end equity - end balance: what open positions show at the end
    return            net_profit / start balance
    gross_profit      sum of the trades that won; gross_loss of those that lost (negative), both after costs
    profit_factor     gross_profit / -gross_loss; none without a loss
    expected_payoff   mean net of a trade
    win_rate          trades with net > 0 / all trades (net 0 is neither won nor lost); long_ and short_ likewise
    average_win ...   mean and extremes of the nets of won and of lost trades
    max_drawdown      largest fall of equity from its highest point so far, in money; the start balance is the first
                      point. Taken at every quote where the venue kept it, else at the equity samples
    max_drawdown_share  largest fall in parts of the high it fell from (may be another fall than the one above)
    recovery_factor   net_profit / max_drawdown
    sharpe            mean / standard deviation (n - 1) of daily returns x sqrt(days_per_year), riskless rate 0. A
                      day is the declared trading day; its return is between the last equity samples of two days that
                      have any, the first is from the start balance. Sharpe (1994), J. Portfolio Manag. 21(1)
    volatility        that standard deviation x sqrt(days_per_year)
    sortino           mean of the same returns / root of the mean square of those below 0 x sqrt(days_per_year).
                      Sortino and Price (1994), J. Investing 3(3)
    cagr              (end equity / start balance) ^ (1 / years) - 1, years of 365.25 days between first and last record
    calmar            cagr / max_drawdown_share. Young (1991), Futures 20(1)
    time_in_market    part of the run's time with at least one position open
    commission        all commission paid, negative as in the deals
    swap              all swap paid (negative) or earned with the deals that closed; what open positions have accrued is
                      in open_profit
    spread_cost       half spreads of every entry and exit of the trades, slippage_cost what they filled away from the
                      quote; market_move is what is left of their net without any cost:
                      market_move + spread_cost + slippage_cost + commission + swap = net, of the trades, to the cent
    max_consecutive_  ... and z_score: see `engine.report.streaks`
    stop_outs         positions that the broker closed, or closed in part, for want of margin
    margin_calls      how often it warned before
    corrections       what it added to a balance below zero; net_profit = gross_profit + gross_loss + corrections, and
                      the commission of open positions
    ambiguous         trades whose stop and take-profit both lay in the bar that closed them: how the price moved inside
                      it, and so which came first, is an assumption (`venue.path`)

A figure that is not defined (no trade, no loss, no variation) is None, never a made-up number.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import numpy as np

from engine.core.errors import ConfigError
from engine.portfolio.trades import Trade
from engine.report.days import Days
from engine.report.streaks import streaks

Figures = dict[str, float | int | None]
SECOND = 1_000_000_000


class Month(msgspec.Struct, frozen=True):
    """Change of equity over one calendar month of trading days, in money and as a fraction of equity before it."""

    month: str
    profit: float
    change: float


class Tally:
    """Takes trades and equity samples as they come and knows every figure at the end, in bounded memory.

    `day` says when a trading day begins, as `17:00 America/New_York`; a day is named after its noon, so this one
    begins on the evening before. `digits` are the account currency's. Raises ConfigError for a day it cannot read.

    >>> tally = Tally(1000.0)
    >>> tally.equity(np.array([0, 86_400 * SECOND]), np.array([1000.0, 1010.0]), np.array([1000.0, 1005.0]))
    >>> figures = tally.figures(first_ts=0, last_ts=86_400 * SECOND)
    >>> figures["net_profit"], figures["open_profit"], figures["trades"], figures["profit_factor"]
    (10.0, -5.0, 0, None)
    """

    def __init__(self, start_balance: float, digits: int = 2, day: str = "00:00 UTC", days_per_year: int = 252) -> None:
        self.start_balance, self.digits, self.day, self.days_per_year = start_balance, digits, day, days_per_year
        self.scale = 10**digits
        self.end_balance = self.end_equity = self.peak = start_balance
        self.drawdown = self.drawdown_share = 0.0
        clock = trading_day(day)
        self.sessions = Days(start_balance, digits, lambda ts: day_of(ts, *clock))
        self._won, self._lost, self._flat = (array("q"), array("q")), (array("q"), array("q")), [0, 0]
        self._commission = self._swap = self._corrections = self._spread = self._slippage = self._move = 0
        self._nets = array("q")
        self._stop_outs = self._margin_calls = 0
        self._spans = array("q")
        self._held = 0

    def trade(self, trade: Trade) -> None:
        """Count one closed trade."""
        side = 0 if trade.side > 0 else 1
        net = round(trade.net * self.scale)
        self._nets.append(net)
        self.sessions.trade(trade)
        if net:
            (self._won if net > 0 else self._lost)[side].append(net)
        else:
            self._flat[side] += 1
        self._commission += round(trade.commission * self.scale)
        self._swap += round(trade.swap * self.scale)
        self._spread += round(trade.spread * self.scale)
        self._slippage += round(trade.slippage * self.scale)
        self._move += round(trade.move * self.scale)
        self._stop_outs += trade.reason == "stop_out"
        self._held += trade.duration
        self._spans.extend((trade.open_ts, trade.close_ts))

    def margin_call(self) -> None:
        """Count one warning of the broker."""
        self._margin_calls += 1

    def correction(self, amount: float) -> None:
        """Count what the broker added to a balance below zero."""
        self._corrections += round(amount * self.scale)

    def equity(self, ts: np.ndarray, balance: np.ndarray, equity: np.ndarray) -> None:
        """Take samples in time order: `ts` int64 ns UTC, `balance` and `equity` float64 in account currency."""
        if not len(ts):
            return
        peaks = np.maximum.accumulate(np.maximum(equity, self.peak))
        falls = peaks - equity
        self.drawdown = max(self.drawdown, float(falls.max()))
        whole = peaks > 0
        if whole.any():
            self.drawdown_share = max(self.drawdown_share, float((falls[whole] / peaks[whole]).max()))
        self.peak = float(peaks[-1])
        self.end_balance, self.end_equity = float(balance[-1]), float(equity[-1])
        self.sessions.equity(ts, equity)

    @property
    def days(self) -> dict[str, float]:
        """Equity at the end of each trading day that has a sample."""
        return self.sessions.ends()

    def months(self) -> list[Month]:
        """Equity's change month by month, months without a sample left out."""
        ends = {day[:7]: equity for day, equity in self.days.items()}
        out, before = [], self.start_balance
        for month, equity in ends.items():
            out.append(
                Month(month, round(equity - before, self.digits), equity / before - 1 if before > 0 else math.nan)
            )
            before = equity
        return out

    def figures(
        self,
        *,
        first_ts: int,
        last_ts: int,
        max_drawdown: float | None = None,
        max_drawdown_share: float | None = None,
        open_since: Iterable[int] = (),
        open_commission: float = 0.0,
        ambiguous: int = 0,
    ) -> Figures:
        """Every figure, by the definitions above.

        `max_drawdown` and `max_drawdown_share` are the venue's own, taken at every quote, and preferred. `open_since`
        are the opening times of positions still open, `open_commission` what they have cost so far; `ambiguous` is the
        venue's count.
        """
        net = round(self.end_balance - self.start_balance, self.digits)
        fall = self.drawdown if max_drawdown is None else max_drawdown
        fall = round(fall, self.digits)
        share = self.drawdown_share if max_drawdown_share is None else max_drawdown_share
        ends = list(self.days.values())
        growth = cagr(self.start_balance, self.end_equity, last_ts - first_ts)
        return {
            "start_balance": self.start_balance,
            "end_balance": self.end_balance,
            "end_equity": self.end_equity,
            "net_profit": net,
            "open_profit": round(self.end_equity - self.end_balance, self.digits),
            "return": ratio(net, self.start_balance),
            **self._trades(),
            "commission": self._commission / self.scale + open_commission,
            "swap": self._swap / self.scale,
            "spread_cost": self._spread / self.scale,
            "slippage_cost": self._slippage / self.scale,
            "market_move": self._move / self.scale,
            "stop_outs": self._stop_outs,
            "margin_calls": self._margin_calls,
            "corrections": self._corrections / self.scale,
            "ambiguous": ambiguous,
            "max_drawdown": fall,
            "max_drawdown_share": share,
            "recovery_factor": ratio(net, fall),
            "sharpe": sharpe(self.start_balance, ends, self.days_per_year),
            "volatility": volatility(self.start_balance, ends, self.days_per_year),
            "sortino": sortino(self.start_balance, ends, self.days_per_year),
            "cagr": growth,
            "calmar": None if growth is None else ratio(growth, share),
            "time_in_market": self._time_in_market(first_ts, last_ts, open_since),
        }

    def _trades(self) -> Figures:
        won, lost = [*self._won[0], *self._won[1]], [*self._lost[0], *self._lost[1]]
        sides = [len(self._won[s]) + len(self._lost[s]) + self._flat[s] for s in (0, 1)]
        count, gains, losses = sum(sides), sum(won) / self.scale, sum(lost) / self.scale
        return {
            "trades": count,
            "wins": len(won),
            "losses": len(lost),
            "long_trades": sides[0],
            "short_trades": sides[1],
            "win_rate": ratio(len(won), count),
            "long_win_rate": ratio(len(self._won[0]), sides[0]),
            "short_win_rate": ratio(len(self._won[1]), sides[1]),
            "gross_profit": gains,
            "gross_loss": losses,
            "profit_factor": ratio(gains, -losses),
            "expected_payoff": ratio((sum(won) + sum(lost)) / self.scale, count),
            "average_win": ratio(gains, len(won)),
            "average_loss": ratio(losses, len(lost)),
            "largest_win": max(won) / self.scale if won else None,
            "largest_loss": min(lost) / self.scale if lost else None,
            "average_hold_s": ratio(self._held / SECOND, count),
            **streaks(np.array(self._nets, dtype=np.int64), self.scale),
        }

    def _time_in_market(self, first: int, last: int, open_since: Iterable[int]) -> float | None:
        if last <= first:
            return None
        spans = [(max(a, first), min(b, last)) for a, b in zip(self._spans[::2], self._spans[1::2], strict=True)]
        spans += [(max(since, first), last) for since in open_since]
        inside, reached = 0, first
        for start, end in sorted(spans):
            inside += max(end - max(start, reached), 0)
            reached = max(reached, end)
        return inside / (last - first)


def ratio(part: float, whole: float) -> float | None:
    """`part / whole`, or None where that means nothing."""
    return part / whole if whole else None


def sharpe(start: float, days: list[float], days_per_year: int) -> float | None:
    """Annualised Sharpe ratio of the equity at the end of each day, or None.

    >>> sharpe(100.0, [101.0, 101.0], 252)
    11.22...
    """
    returns = daily_returns(start, days)
    if returns is None:
        return None
    spread = float(np.std(returns, ddof=1))
    return float(np.mean(returns)) / spread * math.sqrt(days_per_year) if spread > 0 else None


def daily_returns(start: float, days: list[float]) -> np.ndarray | None:
    """Returns from day to day, the first from `start`; None where there are fewer than two, or nothing left."""
    levels = np.array([start, *days])
    if len(levels) < 3 or (levels <= 0).any():
        return None
    return levels[1:] / levels[:-1] - 1.0


def volatility(start: float, days: list[float], days_per_year: int) -> float | None:
    """Annualised standard deviation (n - 1) of daily returns."""
    returns = daily_returns(start, days)
    return None if returns is None else float(np.std(returns, ddof=1)) * math.sqrt(days_per_year)


def sortino(start: float, days: list[float], days_per_year: int) -> float | None:
    """Annualised mean of daily returns in parts of their downside deviation from 0, or None.

    >>> round(sortino(100.0, [101.0, 99.99, 101.0], 252), 6)
    9.257729
    """
    returns = daily_returns(start, days)
    if returns is None:
        return None
    down = math.sqrt(float(np.mean(np.minimum(returns, 0.0) ** 2)))
    return float(np.mean(returns)) / down * math.sqrt(days_per_year) if down > 0 else None


def cagr(start: float, end: float, span: int) -> float | None:
    """Growth per year of 365.25 days over `span` ns; None for less than a day or nothing left."""
    years = span / (365.25 * 86_400 * SECOND)
    return (end / start) ** (1 / years) - 1 if start > 0 and end > 0 and span >= 86_400 * SECOND else None


def trading_day(text: str) -> tuple[time, ZoneInfo]:
    """`17:00 America/New_York` as a time of day and its zone; raises ConfigError."""
    clock, _, zone = text.partition(" ")
    try:
        return time.fromisoformat(clock), ZoneInfo(zone.strip() or "UTC")
    except (ValueError, ZoneInfoNotFoundError, OSError):
        raise ConfigError(f"trading day {text!r} cannot be read: write it as '17:00 America/New_York'") from None


def day_of(ts: int, begins: time, zone: ZoneInfo) -> tuple[str, int]:
    """The trading day `ts` (ns UTC) belongs to: its name and its end (ns UTC, no longer part of it).

    >>> day_of(1_546_462_800 * SECOND, *trading_day("17:00 America/New_York"))   # 2 January 2019, 16:00 in New York
    ('2019-01-02', 1546466400000000000)
    """
    local = datetime.fromtimestamp(ts // SECOND, UTC).astimezone(zone)
    start = local.date() if local.time() >= begins else local.date() - timedelta(days=1)
    end = datetime.combine(start + timedelta(days=1), begins, zone)
    name = datetime.combine(start, begins) + timedelta(hours=12)
    return name.date().isoformat(), int(end.timestamp()) * SECOND
