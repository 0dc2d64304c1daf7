"""Volume: how much was traded, against what is usual. In currencies it counts ticks: the data's lineage says which."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature
from engine.features.trend import sma

MINUTE = 60_000_000_000


@feature(
    gives="rvol", keeps="seen before", warmup="1", where="period >= 2", like="talib.RVOL", unit="ratio", pane="below",
    covers="2.3.6",
)  # fmt: skip
def rvol(lo, hi, volume, rvol, seen, before, mean=sma("period", close="volume"), period=20):
    """Relative volume: the bar's volume over the mean of the `period` bars before it; 1 where they had none."""
    for i in range(lo, hi):
        rvol[i] = np.nan
        if seen > 0.0:
            rvol[i] = volume[i] / before if before > 0.0 else 1.0
        seen += 1.0
        before = mean[i]
    return seen, before


@feature(
    gives="rvol_slot", keeps="seen slot started total bars ever usual[ceil(10080 / minutes)]", warmup="1",
    where="span >= 2, minutes >= 1, minutes <= 1440", settle="100000", unit="ratio", pane="below", covers="2.3.6",
)  # fmt: skip
def rvol_slot(lo, hi, open_ts, volume, rvol_slot, seen, slot, started, total, bars, ever, usual, span=20, minutes=1):
    """Relative volume by the clock: the bar's volume over what is usual in its minute of the week.

    Usual is an exponential mean (weight 2/(span + 1)) over the same minute of earlier weeks, or over slots of so many
    `minutes`, all bars of one slot counting as one; the mean of all bars so far where a slot has no past, and 1 where
    nothing was ever traded.
    """
    weight = 2.0 / (span + 1.0)
    for i in range(lo, hi):
        minute = open_ts[i] // MINUTE
        now = minute - minute % 10080 % minutes  # slots begin with the week, on Thursday 00:00 UTC
        if seen == 0.0 or now != started:
            if seen > 0.0:  # the slot before is over: it becomes the past
                k, mean = int(slot), total / bars
                usual[k] = mean + 1.0 if usual[k] == 0.0 else usual[k] + weight * (mean + 1.0 - usual[k])
            slot, started, total, bars = float(now % 10080 // minutes), float(now), 0.0, 0.0
        past = usual[int(slot)] - 1.0  # stored with 1 added, so that 0 says: none yet
        if past < 0.0 and seen > 0.0:
            past = ever / seen
        rvol_slot[i] = np.nan
        if seen > 0.0:
            rvol_slot[i] = volume[i] / past if past > 0.0 else 1.0
        total += volume[i]
        bars += 1.0
        ever += volume[i]
        seen += 1.0
    return seen, slot, started, total, bars, ever
