"""The last closes taken apart: the power of each frequency, empirical and variational modes, of past bars only."""

from __future__ import annotations

import math

import numpy as np

from engine.features.contract import feature
from engine.kernels.jit import part

BINS, MODES = 32, 3


@feature(
    gives=" ".join(f"power_{k + 1}" for k in range(BINS)), keeps="seen turn[32] now[32] before[32]",
    warmup="period - 1", lookback="period - 1", where="period >= 64, period <= 4096", unit="price_squared",
    pane="below", covers="2.3.4", source="Goertzel, American Mathematical Monthly 65, 1958; Jacobsen and Lyons 2003",
)  # fmt: skip
def decompose_power(
    lo, hi, close, power_1, power_2, power_3, power_4, power_5, power_6, power_7, power_8, power_9, power_10, power_11,
    power_12, power_13, power_14, power_15, power_16, power_17, power_18, power_19, power_20, power_21, power_22,
    power_23, power_24, power_25, power_26, power_27, power_28, power_29, power_30, power_31, power_32, seen, turn, now,
    before, period=64,
):  # fmt: skip
    """Power of each of 32 frequencies in the last `period` closes: `power_k` is of waves of period / k bars.

    The squared size of the Fourier transform of the window, |sum of close times exp(-2 pi i k t / period)|^2; its mean
    enters no output. Of the usual 64 bars these are all frequencies, of a longer window the slow ones. Every bar is
    computed anew, by Goertzel's recursion on distances from the newest close: nothing adds up over time.
    """
    powers = (
        power_1, power_2, power_3, power_4, power_5, power_6, power_7, power_8, power_9, power_10, power_11, power_12,
        power_13, power_14, power_15, power_16, power_17, power_18, power_19, power_20, power_21, power_22, power_23,
        power_24, power_25, power_26, power_27, power_28, power_29, power_30, power_31, power_32,
    )  # fmt: skip
    for k in range(BINS):
        turn[k] = 2.0 * math.cos(2.0 * math.pi * (k + 1) / period)
    for i in range(lo, hi):
        seen += 1.0
        for k in range(BINS):
            now[k] = before[k] = 0.0
        if seen >= period:
            for j in range(i - period + 1, i + 1):
                step = close[j] - close[i]
                for k in range(BINS):
                    new = step + turn[k] * now[k] - before[k]
                    before[k], now[k] = now[k], new
        for k in range(BINS):
            power = max(now[k] * now[k] + before[k] * before[k] - turn[k] * now[k] * before[k], 0.0)
            powers[k][i] = power if seen >= period else np.nan
    return seen


@part
def turning(x, turns):
    """How many turning points x has, at turns[1], turns[2], ...; before and behind them stand its two ends.

    They are maxima and minima by turns. A turn is where steps change their sign; a plateau counts once, at its middle.
    """
    count, way, since = 0, 0, 0
    for j in range(1, x.size):
        if x[j] != x[j - 1]:
            now = 1 if x[j] > x[j - 1] else -1
            if now == -way:
                count += 1
                turns[count] = (since + j - 1) // 2
            way, since = now, j
    turns[0], turns[count + 1] = 0.0, x.size - 1
    return count


@part
def knots_of(x, turns, count, kind, at, y):
    """The knots of an envelope, in order of time, and how many: all turns of its kind, and two beyond either end.

    Those are the two nearest of the kind, mirrored. The mirror is the turn nearest the end; or the end, if what is
    mirrored would not reach it; or the end as a turn of its own, if the end lies beyond the second turn.
    """
    knots = 0
    for side in range(2):
        for j in range(kind, side * (count + 1), 2):
            at[knots], y[knots] = turns[j], x[int(turns[j])]
            knots += 1
        end, step = side * (count + 1), 1 - 2 * side
        edge, first, second = int(turns[end]), int(turns[end + step]), int(turns[end + 2 * step])
        far = turns[end + (4 if count > 4 else 3) * step]
        inside = (x[edge] - x[second]) * (x[first] - x[second]) > 0.0
        near = inside and 2 * abs(first - edge) <= abs(far - edge)
        own = (kind + end) % 2
        top = 2 + 2 * inside if own == 0 else 3 + 2 * near
        for k in range(2):
            j = top - 2 * abs(k - side)
            if j <= count:
                place = int(turns[end + step * j])
                at[knots], y[knots] = 2 * (first if near else edge) - place, x[place]
                knots += 1
    return knots


@part
def add_spline(at, y, knots, curve, slack, mean):
    """Add to `mean`, at 0, 1, 2, ..., half the natural cubic spline through the knots.

    `curve` is a sixth of its second derivative at the knots, 0 at the first and the last: a tridiagonal system.
    """
    curve[0] = slack[0] = curve[knots - 1] = 0.0
    for j in range(1, knots - 1):
        before, after = at[j] - at[j - 1], at[j + 1] - at[j]
        pivot = 2.0 * (before + after) - before * slack[j - 1]
        slack[j] = after / pivot
        bend = (y[j + 1] - y[j]) / after - (y[j] - y[j - 1]) / before
        curve[j] = (bend - before * curve[j - 1]) / pivot
    for j in range(knots - 2, 0, -1):
        curve[j] -= slack[j] * curve[j + 1]
    j = 0
    for t in range(mean.size):
        while j < knots - 2 and at[j + 1] <= t:
            j += 1
        wide, s = at[j + 1] - at[j], t - at[j]
        slope = (y[j + 1] - y[j]) / wide - wide * (2.0 * curve[j] + curve[j + 1])
        mean[t] += (y[j] + s * (slope + s * (3.0 * curve[j] + s * (curve[j + 1] - curve[j]) / wide))) / 2.0


@part
def sift(rest, wave, mean, turns, at, y, curve, slack, siftings):
    """Take the fastest mode out of `rest`; its last value. 0 if there are not two maxima and two minima."""
    n, done = rest.size, 0
    for t in range(n):
        wave[t] = rest[t]
    while done < siftings:
        count = turning(wave, turns)
        if count < 4:
            break
        for t in range(n):
            mean[t] = 0.0
        for kind in range(1, 3):
            knots = knots_of(wave, turns, count, kind, at, y)
            add_spline(at, y, knots, curve, slack, mean)
        for t in range(n):
            wave[t] -= mean[t]
        done += 1
    if done == 0:
        return 0.0
    for t in range(n):
        rest[t] -= wave[t]
    return wave[n - 1]


@feature(
    gives="mode1 mode2 mode3 residue", keeps="seen rest[period] wave[period] mean[period] turns[period] at[period] "
    "y[period] curve[period] slack[period]", warmup="period - 1", lookback="period - 1",
    where="period >= 32, period <= 4096, siftings >= 1, siftings <= 1000",
    unit="price_change price_change price_change price", pane="below", covers="2.3.4",
    source="Huang et al., Proceedings of the Royal Society A 454, 1998; Rilling, Flandrin and Goncalves, NSIP 2003; "
    "Wu and Huang, Advances in Adaptive Data Analysis 1, 2009",
)  # fmt: skip
def decompose_emd(
    lo, hi, close, mode1, mode2, mode3, residue, seen, rest, wave, mean, turns, at, y, curve, slack,
    period=64, siftings=10,
):  # fmt: skip
    """Empirical mode decomposition of the last `period` closes, its values at the newest; `mode1` is the fastest.

    Of the window the mean of two envelopes is taken out, `siftings` times in a row: what is left is a mode, and the
    next is found in the rest. An envelope is the natural cubic spline through all maxima, or minima; a plateau is one,
    at its middle (of two bars the first). Beyond an end the two nearest of each kind are mirrored, about the outermost
    extremum; about the end if they would not reach it so; and an end that lies beyond the second extremum is itself
    one. Sifting stops where not two maxima and two minima are left; a rest without them has no more modes, 0. Modes
    and `residue` add up to the close. Only past bars are read, unlike when a whole series is taken apart; the price is
    that the newest value is the least certain one: waves told apart inside a window still mix at its end.
    """
    for i in range(lo, hi):
        seen += 1.0
        mode1[i] = mode2[i] = mode3[i] = residue[i] = np.nan
        if seen >= period:
            for t in range(period):
                rest[t] = close[i - period + 1 + t] - close[i]
            for mode in (mode1, mode2, mode3):
                mode[i] = sift(rest, wave, mean, turns, at, y, curve, slack, siftings)
            residue[i] = close[i] - mode1[i] - mode2[i] - mode3[i]
    return seen


@part
def cosines(x, i, wave, bins):
    """Cosine transform (type II) of the bins.size values that end at row i; bins[0], their sum, is put at 0.

    It is the Fourier transform of the stretch and its mirror image, whose terms have all the same phase but for what
    the mirror's place makes of it.
    """
    n = bins.size
    for k in range(n):
        total, turn = 0.0, k
        for t in range(n):
            total += (x[i - n + 1 + t] - x[i]) * wave[turn]
            turn += 2 * k
            turn -= 4 * n if turn >= 4 * n else 0
        bins[k] = total
    bins[0] = 0.0


@part
def share_out(bins, bands, centre, alpha, rounds):
    """Split a spectrum among the modes: each, in turn, is what the others leave, filtered around its own centre.

    Centres (cycles a bar) start evenly; each is the mean frequency of its mode by power.
    """
    n, step = bins.size, 0.5 / bins.size
    bands[:] = 0.0
    for m in range(MODES):
        centre[m] = 0.5 * m / MODES
    for _ in range(rounds):
        for m in range(MODES):
            one, other, own = (m + 1) % MODES * n, (m + 2) % MODES * n, m * n
            power, moment = 0.0, 0.0
            for k in range(1, n):
                away = k * step - centre[m]
                left = (bins[k] - bands[one + k] - bands[other + k]) / (1.0 + alpha * away * away)
                bands[own + k] = left
                power += left * left
                moment += left * left * k
            if power > 0.0:
                centre[m] = moment / power * step


@feature(
    gives="mode1 mode2 mode3 residue period1 period2 period3",
    keeps="seen wave[4 * period] bins[period] bands[3 * period] centre[3] last[3]", warmup="period - 1",
    lookback="period - 1", where="period >= 16, period <= 1024, alpha > 0, alpha <= 1e9, rounds >= 1, rounds <= 10000",
    unit="price_change price_change price_change price bars bars bars", pane="below", covers="2.3.4",
    source="Dragomiretskiy and Zosso, Variational Mode Decomposition, IEEE Transactions on Signal Processing 62, 2014",
)  # fmt: skip
def decompose_vmd(
    lo, hi, close, mode1, mode2, mode3, residue, period1, period2, period3, seen, wave, bins, bands, centre, last,
    period=64, alpha=2000.0, rounds=100,
):  # fmt: skip
    """Variational mode decomposition of the last `period` closes, its values at the newest; `mode1` is the slowest.

    The window less its mean, mirrored to twice its length, is split into three modes, each narrow around a centre
    frequency: a mode's spectrum is what the other two leave over 1 + `alpha` (f - centre)^2, f in cycles a bar (as in
    the authors' program; the paper's alpha is half of it), the centre its mean frequency by power. Centres start at 0,
    1/6 and 1/3; `rounds` rounds, without a multiplier (tau 0) and without stopping early. Modes and `residue` add up
    to the close; `period1` to `period3` are 1 / centre, 2 to 2 `period` bars, or 0 where nothing moves. Only past bars
    are read.
    """
    if seen == 0.0:
        for k in range(4 * period):
            wave[k] = math.cos(math.pi * k / (2.0 * period))
    for i in range(lo, hi):
        seen += 1.0
        mode1[i] = mode2[i] = mode3[i] = residue[i] = period1[i] = period2[i] = period3[i] = np.nan
        if seen < period:
            continue
        cosines(close, i, wave, bins)
        share_out(bins, bands, centre, alpha, rounds)
        for m in range(MODES):
            total = 0.0
            for k in range(1, period):
                total += bands[m * period + k] * wave[k * (2 * period - 1) % (4 * period)]
            last[m] = total * 2.0 / period
        for m in (0, 1, 0):  # slowest first
            if centre[m] > centre[m + 1]:
                centre[m], centre[m + 1] = centre[m + 1], centre[m]
                last[m], last[m + 1] = last[m + 1], last[m]
        mode1[i], mode2[i], mode3[i] = last[0], last[1], last[2]
        residue[i] = close[i] - last[0] - last[1] - last[2]
        moves = np.any(bins)
        period1[i] = 1.0 / centre[0] if moves else 0.0
        period2[i] = 1.0 / centre[1] if moves else 0.0
        period3[i] = 1.0 / centre[2] if moves else 0.0
    return seen
