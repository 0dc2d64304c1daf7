"""Channel breakout with an ATR stop.

Logic: a close outside the range of the last weeks is news the market has not digested; go with it, risk a fixed
multiple of the usual bar range, and leave when a shorter channel breaks the other way. Most breakouts fail, the few
that run pay for them. Source: Donchian's channel rule as the Turtles traded it: Faith, Way of the Turtle (2007), ch. 5.
"""

from __future__ import annotations

import numpy as np

from engine.features import atr, donchian, feature
from engine.strategy import ConfigError, Strategy, dataclass, field, strategy


@feature(gives="signal stop take_profit", keeps="side")
def channel_breakout_wish(
    lo, hi, close, signal, stop, take_profit, side,
    top=donchian(55, skip=1).upper, bottom=donchian(55, skip=1).lower,
    exit_top=donchian(20, skip=1).upper, exit_bottom=donchian(20, skip=1).lower, reach=atr(20), stop_atr=2.0,
):  # fmt: skip
    """The wishes of `ChannelBreakout` as columns."""
    for i in range(lo, hi):
        signal[i] = stop[i] = take_profit[i] = np.nan
        now = side
        if close[i] > top[i]:
            now = 1.0
        elif close[i] < bottom[i]:
            now = -1.0
        elif (side > 0.0 and close[i] < exit_bottom[i]) or (side < 0.0 and close[i] > exit_top[i]):
            now = 0.0
        if now != side:
            side = signal[i] = now
            if now != 0.0:
                stop[i] = close[i] - now * stop_atr * reach[i]
    return side


@strategy
@dataclass
class ChannelBreakout(Strategy):
    """Long on a close above the channel of the previous bars, short on one below, out when the exit channel breaks.

    period       bars of the entry channel
    exit_period  bars of the exit channel, not longer
    stop_atr     stop-loss in multiples of the average true range
    """

    period: int = 55
    exit_period: int = 20
    stop_atr: float = 2.0
    atr_period: int = 20
    _side: dict[str, float] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if not 2 <= self.exit_period <= self.period:
            raise ConfigError(
                f"channel_breakout: exit_period ({self.exit_period}) must be 2 to period ({self.period}) bars"
            )
        if self.stop_atr <= 0:
            raise ConfigError(f"channel_breakout: stop_atr ({self.stop_atr}) must be more than 0")

    def features(self):
        entry, leave = donchian(self.period, skip=1), donchian(self.exit_period, skip=1)
        return {
            "top": entry.upper, "bottom": entry.lower,
            "exit_top": leave.upper, "exit_bottom": leave.lower, "reach": atr(self.atr_period),
        }  # fmt: skip

    def compiled(self):
        return channel_breakout_wish(stop_atr=self.stop_atr, **self.features())

    def on_row(self, row):
        side = now = self._side.get(row.symbol, 0.0)
        if row.close > row.top:
            now = 1.0
        elif row.close < row.bottom:
            now = -1.0
        elif (side > 0 and row.close < row.exit_bottom) or (side < 0 and row.close > row.exit_top):
            now = 0.0
        if now == side:
            return None
        self._side[row.symbol] = now
        return self.wish(row, now, row.close - now * self.stop_atr * row.reach if now else None)
