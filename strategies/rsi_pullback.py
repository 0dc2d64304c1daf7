"""RSI pullback: buy the dip of a rising market, sell the rally of a falling one.

Logic: a long average says which way the market has been going; an RSI of very few bars says that it has just gone the
other way. Those who take profits are done soon, so join the trend there and leave at the first strength. It wins often
and little; the stop is for the pullback that becomes a turn. Source: Connors and Alvarez, Short Term Trading Strategies
That Work (2008), ch. 9 (RSI of 2 with a filter of 200 days, out above the average of 5); RSI: Wilder, New Concepts in
Technical Trading Systems (1978), pp. 63-70.
"""

from __future__ import annotations

import numpy as np

from engine.features import atr, feature, rsi, sma
from engine.strategy import ConfigError, Strategy, dataclass, field, strategy


@feature(gives="signal stop take_profit", keeps="side")
def rsi_pullback_wish(
    lo, hi, close, signal, stop, take_profit, side,
    trend=sma(200), quick=sma(5), strength=rsi(2), reach=atr(14), below=10.0, stop_atr=3.0,
):  # fmt: skip
    """The wishes of `RsiPullback` as columns."""
    for i in range(lo, hi):
        signal[i] = stop[i] = take_profit[i] = np.nan
        now = side
        if side == 0.0:
            if close[i] > trend[i] and strength[i] < below:
                now = 1.0
            elif close[i] < trend[i] and strength[i] > 100.0 - below:
                now = -1.0
        elif side * (close[i] - quick[i]) > 0.0:
            now = 0.0
        if now != side:
            side = signal[i] = now
            if now != 0.0 and stop_atr > 0.0:
                stop[i] = close[i] - now * stop_atr * reach[i]
    return side


@strategy
@dataclass
class RsiPullback(Strategy):
    """Long when RSI is below `low` above the trend's average, short when it is above 100 - `low` below it.

    trend     bars of the average that says which way
    period    bars of RSI
    low       how far RSI must have fallen, in percent; mirrored for shorts
    leave     out on a close beyond the average of so many bars
    stop_atr  stop-loss in multiples of the average true range (0: none)
    """

    trend: int = 200
    period: int = 2
    low: float = 10.0
    leave: int = 5
    stop_atr: float = 3.0
    atr_period: int = 14
    _side: dict[str, float] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if not 1 <= self.leave < self.trend or self.period < 2 or self.atr_period < 1:
            raise ConfigError(
                f"rsi_pullback: leave ({self.leave}) must be at least 1 bar and shorter than trend ({self.trend}),"
                f" period ({self.period}) at least 2, atr_period ({self.atr_period}) 1"
            )
        if not 0.0 < self.low < 50.0:
            raise ConfigError(f"rsi_pullback: low ({self.low:g}) must lie between 0 and 50 percent")
        if not 0.0 <= self.stop_atr < float("inf"):
            raise ConfigError(f"rsi_pullback: stop_atr ({self.stop_atr:g}) cannot be negative")

    def features(self):
        return {
            "trend": sma(self.trend), "quick": sma(self.leave), "strength": rsi(self.period),
            "reach": atr(self.atr_period),
        }  # fmt: skip

    def compiled(self):
        return rsi_pullback_wish(below=self.low, stop_atr=self.stop_atr, **self.features())

    def on_row(self, row):
        side = now = self._side.get(row.symbol, 0.0)
        if side == 0.0:
            if row.close > row.trend and row.strength < self.low:
                now = 1.0
            elif row.close < row.trend and row.strength > 100.0 - self.low:
                now = -1.0
        elif side * (row.close - row.quick) > 0.0:
            now = 0.0
        if now == side:
            return None
        self._side[row.symbol] = now
        return self.wish(row, now, row.close - now * self.stop_atr * row.reach if now and self.stop_atr else None)
