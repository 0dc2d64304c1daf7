"""Bollinger mean reversion: sell what has run too far from its average, buy what has fallen too far.

Logic: in a market without a trend a close outside the bands is more often an exaggeration than news; take the other
side and leave at the average. In a trend it loses until the stop. After a stop it waits for the average before it
tries again. Source: Bollinger, Bollinger on Bollinger Bands (2001); the contrary reading of the bands is the one that
held in the tests of Lento, Gradojevic and Wright, Investment information content in Bollinger Bands?, Applied
Financial Economics Letters 3 (2007), pp. 263-267.
"""

from __future__ import annotations

import numpy as np

from engine.features import atr, bollinger, feature
from engine.strategy import ConfigError, Strategy, dataclass, field, strategy


@feature(gives="signal stop take_profit", keeps="side")
def bollinger_reversion_wish(
    lo, hi, close, signal, stop, take_profit, side,
    upper=bollinger(20, 2.0).upper, middle=bollinger(20, 2.0).middle, lower=bollinger(20, 2.0).lower,
    reach=atr(14), stop_atr=3.0,
):  # fmt: skip
    """The wishes of `BollingerReversion` as columns."""
    for i in range(lo, hi):
        signal[i] = stop[i] = take_profit[i] = np.nan
        now = side
        if close[i] < lower[i]:
            now = 1.0
        elif close[i] > upper[i]:
            now = -1.0
        elif side * (close[i] - middle[i]) >= 0.0:
            now = 0.0
        if now != side:
            side = signal[i] = now
            if now != 0.0 and stop_atr > 0.0:
                stop[i] = close[i] - now * stop_atr * reach[i]
    return side


@strategy
@dataclass
class BollingerReversion(Strategy):
    """Long on a close below the lower band, short on one above the upper, out when a close has come to the middle.

    period, deviations  of the bands
    stop_atr            stop-loss in multiples of the average true range (0: none)
    """

    period: int = 20
    deviations: float = 2.0
    stop_atr: float = 3.0
    atr_period: int = 14
    _side: dict[str, float] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if self.period < 2 or self.atr_period < 1:
            raise ConfigError(
                f"bollinger_reversion: period ({self.period}) must be at least 2 bars, atr_period ({self.atr_period}) 1"
            )
        if not 0.0 < self.deviations < float("inf") or not 0.0 <= self.stop_atr < float("inf"):
            raise ConfigError(
                f"bollinger_reversion: deviations ({self.deviations:g}) must be more than 0, stop_atr"
                f" ({self.stop_atr:g}) at least 0"
            )

    def features(self):
        bands = bollinger(self.period, self.deviations)
        return {"upper": bands.upper, "middle": bands.middle, "lower": bands.lower, "reach": atr(self.atr_period)}

    def compiled(self):
        return bollinger_reversion_wish(stop_atr=self.stop_atr, **self.features())

    def on_row(self, row):
        side = now = self._side.get(row.symbol, 0.0)
        if row.close < row.lower:
            now = 1.0
        elif row.close > row.upper:
            now = -1.0
        elif side * (row.close - row.middle) >= 0.0:
            now = 0.0
        if now == side:
            return None
        self._side[row.symbol] = now
        return self.wish(row, now, row.close - now * self.stop_atr * row.reach if now and self.stop_atr else None)
