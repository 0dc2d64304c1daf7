"""The dominant cycle of prices, by Ehlers' Hilbert transform."""

from __future__ import annotations

import numpy as np

from engine.features.contract import feature
from engine.kernels.jit import jit
from engine.kernels.rolling import window_sum

ROCKET = "Ehlers, Rocket Science for Traders, 2001"


@jit
def quadrature(newest, past, share):
    """Ehlers' Hilbert transformer of seven values: `newest`, and `past` (the last one first), times `share`."""
    made = (0.0962 * newest + 0.5769 * past[1] - 0.5769 * past[3] - 0.0962 * past[5]) * share
    for k in range(5, 0, -1):
        past[k] = past[k - 1]
    past[0] = newest
    return made


@jit
def next_period(period, re, im):
    """The period that the turning phasor shows, kept within 6 to 50 bars and near the last one."""
    found = period
    if re != 0.0 and im != 0.0:
        found = 2.0 * np.pi / np.arctan(im / re)
    found = max(min(found, 1.5 * period), 0.67 * period)
    return 0.2 * min(max(found, 6.0), 50.0) + 0.8 * period


@feature(
    gives="smooth inphase quad period",
    keeps="seen x1 x2 x3 i2 q2 re im cycle steady smooths[6] details[6] quads[6] inphases[6]", warmup="start",
    settle="400", where="start >= 3", unit="price price_change price_change bars", pane="below", covers="3.1.1",
    source=ROCKET,
)  # fmt: skip
def phasor(
    lo, hi, close, smooth, inphase, quad, period, seen, x1, x2, x3, i2, q2, re, im, cycle, steady,
    smooths, details, quads, inphases, start=12,
):  # fmt: skip
    """The price as a turning pointer: its two components and the smoothed period of a turn, from bar `start` on.

    `smooth` is the four-bar weighted mean that all is computed from. All state is 0 at bar `start`, as in TA-Lib.
    """
    for i in range(lo, hi):
        smooth[i] = inphase[i] = quad[i] = period[i] = np.nan
        if seen >= start:
            mean = (4.0 * close[i] + 3.0 * x1 + 2.0 * x2 + x3) / 10.0
            share = 0.075 * cycle + 0.54
            detail = quadrature(mean, smooths, share)
            now = details[2]
            turned = quadrature(detail, details, share)
            ahead, aside = quadrature(now, inphases, share), quadrature(turned, quads, share)
            old_i, old_q = i2, q2
            i2, q2 = 0.2 * (now - aside) + 0.8 * i2, 0.2 * (turned + ahead) + 0.8 * q2
            re = 0.2 * (i2 * old_i + q2 * old_q) + 0.8 * re
            im = 0.2 * (i2 * old_q - q2 * old_i) + 0.8 * im
            cycle = next_period(cycle, re, im)
            steady = 0.33 * cycle + 0.67 * steady
            smooth[i], inphase[i], quad[i], period[i] = mean, now, turned, steady
        x3, x2, x1 = x2, x1, close[i]
        seen += 1.0
    return seen, x1, x2, x3, i2, q2, re, im, cycle, steady


@feature(
    gives="ht_dcperiod", keeps="seen", warmup="20", settle="400", like="talib.HT_DCPERIOD", unit="bars",
    range=(0.0, 50.0), pane="below", covers="3.1.1 3.1.6", source=ROCKET,
)  # fmt: skip
def ht_dcperiod(lo, hi, ht_dcperiod, seen, period=phasor().period):
    """Period of the dominant cycle, in bars."""
    for i in range(lo, hi):
        ht_dcperiod[i] = period[i] if seen >= 20.0 else np.nan
        seen += 1.0
    return seen


@feature(
    gives="inphase quadrature", keeps="seen", warmup="20", settle="400", like="talib.HT_PHASOR", unit="price_change",
    pane="below", covers="3.1.1 3.1.6", source=ROCKET,
)  # fmt: skip
def ht_phasor(lo, hi, inphase, quadrature, seen, real=phasor().inphase, quad=phasor().quad):
    """Components of the dominant cycle: in phase with prices, and a quarter turn behind."""
    for i in range(lo, hi):
        inphase[i] = real[i] if seen >= 20.0 else np.nan
        quadrature[i] = quad[i] if seen >= 20.0 else np.nan
        seen += 1.0
    return seen


@feature(
    gives="mama fama", keeps="seen phase1 fast slow", warmup="20", settle="2000",
    where="0 < slow_limit, slow_limit <= fast_limit, fast_limit < 1", like="talib.MAMA", covers="3.1.1",
    source="Ehlers, MESA Adaptive Moving Averages, Stocks & Commodities 2001",
)  # fmt: skip
def mama(
    lo, hi, close, mama, fama, seen, phase1, fast, slow, real=phasor().inphase, quad=phasor().quad, fast_limit=0.5,
    slow_limit=0.05,
):  # fmt: skip
    """MESA adaptive average: faster while the phase of the cycle stands still; `fama` follows it at half its pace."""
    for i in range(lo, hi):
        phase = np.arctan(quad[i] / real[i]) * 180.0 / np.pi if real[i] != 0.0 else 0.0
        turn = max(phase1 - phase, 1.0)
        phase1 = phase
        weight = max(fast_limit / turn, slow_limit) if turn > 1.0 else fast_limit
        fast = weight * close[i] + (1.0 - weight) * fast
        slow = 0.5 * weight * fast + (1.0 - 0.5 * weight) * slow
        seen += 1.0
        mama[i] = fast if seen > 20.0 else np.nan
        fama[i] = slow if seen > 20.0 else np.nan
    return seen, phase1, fast, slow


@feature(
    gives="phase trend", keeps="seen last mean1 mean2 mean3", lookback="50", settle="500",
    unit="degrees price", pane="below", covers="3.1.1", source=ROCKET,
)  # fmt: skip
def ht_phase(
    lo, hi, close, phase, trend, seen, last, mean1, mean2, mean3, smooth=phasor(37).smooth,
    period=phasor(37).period,
):  # fmt: skip
    """Phase of the dominant cycle in degrees, and the price without it: means over one period, smoothed.

    It starts with bar 37, before the values that `ht_dcphase` and `ht_trendline` show.
    """
    for i in range(lo, hi):
        seen += 1.0
        n = int(period[i] + 0.5)
        across, along = 0.0, 0.0
        for k in range(int(min(n, seen))):
            across += np.sin(k * 2.0 * np.pi / n) * smooth[i - k]
            along += np.cos(k * 2.0 * np.pi / n) * smooth[i - k]
        if abs(along) > 0.0:
            last = np.arctan(across / along) * 180.0 / np.pi
        elif across != 0.0:
            last += 90.0 if across > 0.0 else -90.0
        last += 90.0 + 360.0 / period[i] + (180.0 if along < 0.0 else 0.0)
        last -= 360.0 if last > 315.0 else 0.0
        mean = window_sum(close, i, n) / n if 0 < n <= i + 1 else 0.0
        phase[i] = last
        trend[i] = (4.0 * mean + 3.0 * mean1 + 2.0 * mean2 + mean3) / 10.0
        mean1, mean2, mean3 = mean, mean1, mean2
    return seen, last, mean1, mean2, mean3


@feature(
    gives="ht_dcphase", keeps="seen", warmup="26", settle="500", like="talib.HT_DCPHASE", unit="degrees",
    range=(-45.0, 315.0), pane="below", covers="3.1.1 3.1.6", source=ROCKET,
)  # fmt: skip
def ht_dcphase(lo, hi, ht_dcphase, seen, phase=ht_phase().phase):
    """Phase of the dominant cycle in degrees."""
    for i in range(lo, hi):
        ht_dcphase[i] = phase[i] if seen >= 26.0 else np.nan
        seen += 1.0
    return seen


@feature(
    gives="sine lead", keeps="seen", warmup="26", settle="500", like="talib.HT_SINE", unit="ratio",
    range=(-1.0, 1.0), pane="below", covers="3.1.1 3.1.6", source=ROCKET,
)  # fmt: skip
def ht_sine(lo, hi, sine, lead, seen, phase=ht_phase().phase):
    """Sine of the phase of the dominant cycle, and the same an eighth of a turn ahead: they cross at turns."""
    for i in range(lo, hi):
        sine[i] = np.sin(phase[i] * np.pi / 180.0) if seen >= 26.0 else np.nan
        lead[i] = np.sin((phase[i] + 45.0) * np.pi / 180.0) if seen >= 26.0 else np.nan
        seen += 1.0
    return seen


@feature(
    gives="ht_trendline", keeps="seen", warmup="26", settle="500", like="talib.HT_TRENDLINE", covers="3.1.1",
    source=ROCKET,
)  # fmt: skip
def ht_trendline(lo, hi, ht_trendline, seen, trend=ht_phase().trend):
    """Instantaneous trendline: the price without its dominant cycle."""
    for i in range(lo, hi):
        ht_trendline[i] = trend[i] if seen >= 26.0 else np.nan
        seen += 1.0
    return seen


@feature(
    gives="ht_trendmode", keeps="seen sine1 lead1 phase1 days", warmup="26", settle="600", like="talib.HT_TRENDMODE",
    unit="event", range=(0.0, 1.0), pane="below", covers="3.1.1 3.1.3", source=ROCKET,
)  # fmt: skip
def ht_trendmode(
    lo, hi, ht_trendmode, seen, sine1, lead1, phase1, days, phase=ht_phase().phase, trend=ht_phase().trend,
    smooth=phasor(37).smooth, period=phasor(37).period,
):  # fmt: skip
    """1 while prices trend, 0 while they cycle: half a cycle since the sines crossed, or far from the trendline."""
    for i in range(lo, hi):
        sine, lead = np.sin(phase[i] * np.pi / 180.0), np.sin((phase[i] + 45.0) * np.pi / 180.0)
        mode = 1.0
        if (sine > lead and sine1 <= lead1) or (sine < lead and sine1 >= lead1):
            days, mode = 0.0, 0.0
        days += 1.0
        if days < 0.5 * period[i]:
            mode = 0.0
        turn = phase[i] - phase1
        if period[i] != 0.0 and 0.67 * 360.0 / period[i] < turn < 1.5 * 360.0 / period[i]:
            mode = 0.0
        if trend[i] != 0.0 and abs((smooth[i] - trend[i]) / trend[i]) >= 0.015:
            mode = 1.0
        sine1, lead1, phase1 = sine, lead, phase[i]
        ht_trendmode[i] = mode if seen >= 26.0 else np.nan
        seen += 1.0
    return seen, sine1, lead1, phase1, days


@feature(
    gives="mavp", keeps="seen", warmup="maximum - 1", lookback="maximum - 1", where="minimum >= 1, minimum <= maximum",
    settle="400", covers="3.1.1",
)  # fmt: skip
def mavp(lo, hi, close, mavp, seen, periods=ht_dcperiod(), minimum=2, maximum=30):
    """Simple average over as many bars as `periods` says: the dominant cycle unless another column is given."""
    for i in range(lo, hi):
        seen += 1.0
        mavp[i] = np.nan
        if seen >= maximum:
            n = int(min(max(periods[i], minimum), maximum))
            moved = 0.0
            for k in range(i - n + 1, i):
                moved += close[k] - close[i]
            mavp[i] = close[i] + moved / n
    return seen
