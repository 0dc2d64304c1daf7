"""The cycle in prices: how strong it is, how far above the noise, and where in its turn the market stands."""

from __future__ import annotations

import math

import numpy as np

from engine.features.contract import feature
from engine.features.cycle import ROCKET, ht_dcperiod, ht_dcphase, ht_trendmode, phasor


@feature(
    gives="cycle_strength period",
    keeps="seen turn[window // shortest] now[window // shortest] before[window // shortest]",
    warmup="window - 1", lookback="window - 1", where="shortest >= 4, longest >= 2 * shortest, window >= 2 * longest",
    unit="ratio bars", range=(0.0, 1.0), pane="below", covers="3.1.6",
    source="Fourier transform of a window; Ehlers, Cycle Analytics for Traders, 2013",
)  # fmt: skip
def cycle_strength(
    lo, hi, close, cycle_strength, period, seen, turn, now, before, window=96, shortest=8, longest=48
):  # fmt: skip
    """Strength of the strongest cycle of `shortest` to `longest` bars: its share of all power in that range, 0 to 1.

    Taken are the frequencies that fit whole turns into the last `window` closes, their straight line taken out, so
    that no two share anything. `period` is the strongest one's length; both are 0 where nothing moves. Each bar is
    computed anew, by Goertzel's recursion for all frequencies at once.
    """
    first, last = (window + longest - 1) // longest, window // shortest
    bins = last - first + 1
    for b in range(bins):
        turn[b] = 2.0 * math.cos(2.0 * math.pi * (first + b) / window)
    middle, spread = (window - 1) / 2.0, window * (window * window - 1.0) / 12.0
    for i in range(lo, hi):
        seen += 1.0
        cycle_strength[i] = period[i] = np.nan
        if seen < window:
            continue
        total, both = 0.0, 0.0
        for k in range(window):
            step = close[i - window + 1 + k] - close[i]
            total += step
            both += step * (k - middle)
        mean, slope = total / window, both / spread
        now[:] = 0.0
        before[:] = 0.0
        for k in range(window):
            rest = close[i - window + 1 + k] - close[i] - mean - slope * (k - middle)
            for b in range(bins):
                new = rest + turn[b] * now[b] - before[b]
                before[b], now[b] = now[b], new
        best, most, power = 0, 0.0, 0.0
        for b in range(bins):
            here = max(now[b] * now[b] + before[b] * before[b] - turn[b] * now[b] * before[b], 0.0)
            power += here
            if here > most:
                best, most = first + b, here
        cycle_strength[i] = most / power if power > 0.0 else 0.0
        period[i] = window / best if best > 0 else 0.0
    return seen


@feature(
    gives="cycle_strength_snr", keeps="seen noise", settle="400", where="weight > 0, weight <= 1", unit="ratio",
    range=(-60.0, 60.0), pane="below", covers="3.1.6", source=ROCKET,
)  # fmt: skip
def cycle_strength_snr(
    lo, hi, high, low, cycle_strength_snr, seen, noise, real=phasor().inphase, quad=phasor().quad, weight=0.1
):  # fmt: skip
    """Signal to noise in decibels: the cycle's amplitude over the smoothed range of the bars, -60 to 60, 0 for none.

    Below 0 the cycle is smaller than the bars themselves and not worth trading; Ehlers asks for 6.
    """
    for i in range(lo, hi):
        noise += (high[i] - low[i] - noise) * (weight if seen > 0.0 else 1.0)
        size = math.sqrt(real[i] * real[i] + quad[i] * quad[i])
        ratio = size / noise if noise > 0.0 else 1.0
        cycle_strength_snr[i] = 20.0 * math.log10(min(max(ratio, 1e-3), 1e3))
        seen += 1.0
    return seen, noise


@feature(
    gives="cycle_phase sin cos lead period mode", settle="600", unit="degrees ratio ratio ratio bars event",
    range=(-45.0, 315.0), pane="below", covers="3.2.5", source=ROCKET,
)  # fmt: skip
def cycle_phase(
    lo, hi, cycle_phase, sin, cos, lead, period, mode, phase=ht_dcphase(), length=ht_dcperiod(), trend=ht_trendmode()
):  # fmt: skip
    """Where in its cycle the market stands: the phase in degrees, and as numbers without a jump.

    `lead` is the sine an eighth of a turn ahead: it crosses `sin` before a turn. `period` is the cycle's length,
    `mode` 1 while prices trend and the cycle says little.
    """
    for i in range(lo, hi):
        turn = phase[i] * math.pi / 180.0
        cycle_phase[i], period[i], mode[i] = phase[i], length[i], trend[i]
        sin[i], cos[i], lead[i] = math.sin(turn), math.cos(turn), math.sin(turn + math.pi / 4.0)
