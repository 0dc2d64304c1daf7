"""A strategy that says its wish again at every row, in both forms: what retries and the memory of wishes are for."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.features import atr, feature, sma
from engine.strategy import Strategy, dataclass, field


@feature(gives="signal stop take_profit", keeps="side level rung", registry=None)
def restless_wish(
    lo, hi, close, signal, stop, take_profit, side, level, rung, mean=sma(4), reach=atr(3), width=1.0, rungs=1
):
    """The wishes of `Restless` as columns."""
    for i in range(lo, hi):
        now = np.sign(close[i] - mean[i])
        if now != 0.0 and now != side:
            side, rung = now, 0.0
            level = close[i] - side * width * reach[i]
        signal[i] = stop[i] = take_profit[i] = np.nan
        if side != 0.0:
            rung = min(rung + 1.0, rungs)
            signal[i] = side * rung / rungs
            stop[i] = level
    return side, level, rung


@dataclass
class Restless(Strategy):
    """On the side of the average, said at every row, in `rungs` steps; its stop stays where it was at the cross."""

    width: float = 1.0
    rungs: int = 1
    _now: dict[str, list[float]] = field(default_factory=dict, init=False, repr=False)

    def features(self) -> dict[str, Any]:
        return {"mean": sma(4), "reach": atr(3)}

    def compiled(self) -> Any:
        return restless_wish(width=self.width, rungs=self.rungs, **self.features())

    def on_row(self, row: Any) -> Any:
        state = self._now.setdefault(row.symbol, [0.0, 0.0, 0.0])
        now = float(np.sign(row.close - row.mean))
        if now and now != state[0]:
            state[:] = [now, row.close - now * self.width * row.reach, 0.0]
        if not state[0]:
            return None
        state[2] = min(state[2] + 1.0, self.rungs)
        return self.wish(row, state[0] * state[2] / self.rungs, state[1])
