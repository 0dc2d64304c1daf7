"""Market files read with pandas alone, and what the shipped strategies must wish on them, without the engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import talib

MINUTE = 60 * 10**9


@dataclass(frozen=True)
class Quotes:
    """One symbol's quotes: int64 ns UTC and prices."""

    ts: np.ndarray
    bid: np.ndarray
    ask: np.ndarray

    @property
    def opened(self) -> np.ndarray:
        return self.ts


@dataclass(frozen=True)
class Bars:
    """One symbol's bars in bid prices: `opened` and `ts` (the close) int64 ns UTC, `spread` of all of them."""

    opened: np.ndarray
    ts: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    spread: float


Market = Quotes | Bars


def ns(stamps: pd.Series) -> np.ndarray:
    return stamps.astype("datetime64[ns, UTC]").astype("int64").to_numpy()


def dukascopy(path: Path, point: float) -> Quotes:
    """Whole points, UTC."""
    d = pd.read_parquet(path)
    digits = round(-np.log10(point))
    bid, ask = ((d[side].to_numpy(np.float64) / 10**digits).round(digits) for side in ("bid_pt", "ask_pt"))
    return Quotes(ns(d["ts_utc"]), bid, ask)


def oanda(path: Path) -> Quotes:
    """A date and 10,000ths of milliseconds of its day, UTC."""
    d = pd.read_parquet(path)
    days = pd.to_datetime(d["date"].astype(str), format="%Y%m%d", utc=True)
    return Quotes(ns(days) + d["ms_of_day_e4"].to_numpy(np.int64) * 100, d["bid"].to_numpy(), d["ask"].to_numpy())


def histdata(path: Path, start: str, end: str, spread: float) -> Bars:
    """Minute bars whose opens are stamped on New York's wall; those wholly between `start` and `end` (UTC)."""
    d = pd.read_parquet(path)
    opened = ns(d["ts"].dt.tz_localize("America/New_York").dt.tz_convert("UTC"))
    first, last = (pd.Timestamp(t, tz="UTC").as_unit("ns").value for t in (start, end))
    inside = (opened >= first) & (opened + MINUTE <= last)
    prices = (d[name].to_numpy()[inside] for name in ("open", "high", "low", "close"))
    return Bars(opened[inside], opened[inside] + MINUTE, *prices, spread=spread)


def bars_of(market: Market, minutes: int, end: int) -> pd.DataFrame:
    """Bid bars of so many minutes that ended by `end`; index: their close, ns UTC."""
    length = minutes * MINUTE
    if isinstance(market, Quotes):
        made = pd.Series(market.bid).groupby(market.ts // length).agg(["first", "max", "min", "last"])
    else:
        d = pd.DataFrame({n: getattr(market, n) for n in ("open", "high", "low", "close")})
        made = d.groupby(market.opened // length).agg({"open": "first", "high": "max", "low": "min", "close": "last"})
    made.columns = pd.Index(["open", "high", "low", "close"])
    made.index = (made.index + 1) * length
    return made[made.index <= end]


Wish = tuple[int, float, float | None, float | None]
"""When (ns UTC), side, stop, take-profit."""


def ma_cross(bars: pd.DataFrame, fast: int, slow: int, stop_atr: float = 3.0, reward: float = 0.0) -> list[Wish]:
    """Sums of whole points, so that an exact tie of the averages is exact."""
    points = pd.Series((bars["close"] * 1e5).round().astype("int64").to_numpy())
    side = np.sign(points.rolling(fast).sum() * slow - points.rolling(slow).sum() * fast).to_numpy()
    reach = talib.ATR(bars["high"].to_numpy(), bars["low"].to_numpy(), bars["close"].to_numpy(), 14)
    wishes: list[Wish] = []
    before = 0.0
    for i in range(slow - 1, len(bars)):
        if side[i] == 0.0 or side[i] == before:
            continue
        if before:
            close, risk = bars["close"].iloc[i], stop_atr * reach[i]
            target = close + side[i] * reward * risk if reward else None
            wishes.append((int(bars.index[i]), side[i], close - side[i] * risk, target))
        before = side[i]
    return wishes


def channel_breakout(bars: pd.DataFrame, period: int = 55, exit_period: int = 20, stop_atr: float = 2.0) -> list[Wish]:
    top, bottom = bars["high"].rolling(period).max().shift(), bars["low"].rolling(period).min().shift()
    out_top = bars["high"].rolling(exit_period).max().shift()
    out_bottom = bars["low"].rolling(exit_period).min().shift()
    reach = talib.ATR(bars["high"].to_numpy(), bars["low"].to_numpy(), bars["close"].to_numpy(), 20)
    wishes: list[Wish] = []
    side = 0.0
    for i in range(period, len(bars)):
        close, now = bars["close"].iloc[i], side
        if close > top.iloc[i]:
            now = 1.0
        elif close < bottom.iloc[i]:
            now = -1.0
        elif (side > 0 and close < out_bottom.iloc[i]) or (side < 0 and close > out_top.iloc[i]):
            now = 0.0
        if now != side:
            wishes.append((int(bars.index[i]), now, close - now * stop_atr * reach[i] if now else None, None))
        side = now
    return wishes
