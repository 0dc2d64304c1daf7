"""Moving-average cross: the oldest trend rule there is.

Logic: prices that rise for a while pull a fast average above a slow one; be long from that cross to the next, short
from the opposite one. It earns in long trends and pays for them in ranges. Source: Brock, Lakonishok and LeBaron,
Simple Technical Trading Rules, Journal of Finance 47 (1992), pp. 1731-1764.
"""

from __future__ import annotations

import numpy as np

from engine.features import atr, feature, sma
from engine.strategy import ConfigError, Strategy, dataclass, field, strategy


@feature(gives="signal stop take_profit", keeps="before")
def ma_cross_wish(
    lo, hi, close, signal, stop, take_profit, before,
    fast=sma(20), slow=sma(100), reach=atr(14), stop_atr=3.0, reward=0.0,
):  # fmt: skip
    """The wishes of `MaCross` as columns."""
    for i in range(lo, hi):
        signal[i] = stop[i] = take_profit[i] = np.nan
        side = np.sign(fast[i] - slow[i])
        if side != 0.0 and side != before:
            if before != 0.0:
                risk = stop_atr * reach[i]
                signal[i] = side
                if stop_atr > 0.0:
                    stop[i] = close[i] - side * risk
                    if reward > 0.0:
                        take_profit[i] = close[i] + side * reward * risk
            before = side
    return before


@strategy
@dataclass
class MaCross(Strategy):
    """Long when the fast average crosses above the slow one, short when it crosses below; in between, hold.

    fast, slow  periods of the two averages in bars
    stop_atr    stop-loss in multiples of the average true range (0: none)
    reward      take-profit in multiples of the stop (0: none)

    Averages exactly equal say nothing: the side they had before stays.
    """

    fast: int = 20
    slow: int = 100
    stop_atr: float = 3.0
    reward: float = 0.0
    atr_period: int = 14
    _side: dict[str, float] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if not 2 <= self.fast < self.slow:
            raise ConfigError(f"ma_cross: fast ({self.fast}) must be at least 2 and smaller than slow ({self.slow})")
        if self.stop_atr < 0 or self.reward < 0 or (self.reward and not self.stop_atr):
            raise ConfigError("ma_cross: stop_atr and reward cannot be negative, and reward needs a stop")

    def features(self):
        return {"fast": sma(self.fast), "slow": sma(self.slow), "reach": atr(self.atr_period)}

    def compiled(self):
        return ma_cross_wish(stop_atr=self.stop_atr, reward=self.reward, **self.features())

    def on_row(self, row):
        side = 1.0 if row.fast > row.slow else -1.0 if row.fast < row.slow else 0.0
        before = self._side.get(row.symbol, 0.0)
        if side == 0.0 or side == before:
            return None
        self._side[row.symbol] = side
        if before == 0.0:  # the first side seen is not a cross
            return None
        if self.stop_atr == 0.0:
            return self.wish(row, side)
        risk = self.stop_atr * row.reach
        take_profit = row.close + side * self.reward * risk if self.reward else None
        return self.wish(row, side, row.close - side * risk, take_profit)
