"""What kind of market it is: stages, regimes, spikes of volatility. Each is known on the bar, never in hindsight."""

from __future__ import annotations

import math

import numpy as np

from engine.features.contract import feature
from engine.features.trend import adx, sma
from engine.features.volatility import atr
from engine.kernels.jit import jit
from engine.kernels.order import place_of, put_in, take_out
from engine.kernels.rolling import DAY


@jit
def switch(now, wish, same, wanted, confirm):
    """A state that follows a wish only after `confirm` bars of it in a row: (state, wish, bars of it)."""
    same = same + 1.0 if wish == wanted else 1.0
    return (wish if same >= confirm else now), wish, same


@feature(
    gives="phase bars", keeps="seen stage trend wish same age", warmup="span", lookback="span", lag="confirm - 1",
    where="period >= 2, span >= 1, steep >= 0, confirm >= 1", unit="event bars", range=(1.0, 4.0), pane="below",
    settle="1000", covers="2.4.2", source="Weinstein, Secrets for Profiting in Bull and Bear Markets, 1988, ch. 2",
)  # fmt: skip
def phase(
    lo, hi, close, phase, bars, seen, stage, trend, wish, same, age,
    mean=sma("period"), atr=atr(14), period=150, span=20, steep=0.02, confirm=3,
):  # fmt: skip
    """Market phase after Weinstein: 1 base, 2 advance, 3 top, 4 decline, and for how many bars it has been so.

    Advance: the close above a rising mean, decline: below a falling one; rising is more than `steep` ATR a bar over
    `span` bars. In between it is a top after an advance, else a base. A phase changes after `confirm` bars of it.
    """
    for i in range(lo, hi):
        phase[i] = bars[i] = np.nan
        if seen >= span:
            slope = (mean[i] - mean[i - span]) / (span * atr[i]) if atr[i] > 0.0 else 0.0
            raw = 3.0 if trend == 2.0 else 1.0
            if close[i] > mean[i] and slope > steep:
                raw = 2.0
            elif close[i] < mean[i] and slope < -steep:
                raw = 4.0
            before = stage
            stage, wish, same = switch(stage if stage > 0.0 else raw, raw, same, wish, confirm)
            age = age + 1.0 if stage == before else 1.0
            if stage == 2.0 or stage == 4.0:
                trend = stage
            phase[i], bars[i] = stage, age
        seen += 1.0
    return seen, stage, trend, wish, same, age


@feature(
    gives="regime bars", keeps="seen state age", warmup="period", lookback="period", where="period >= 2",
    unit="event bars", range=(-1.0, 1.0), pane="below", settle="1000", covers="3.2.6",
    source="Wilder, New Concepts, 1978; Kaufman, Trading Systems and Methods, 1995",
)  # fmt: skip
def regime(
    lo, hi, close, regime, bars, seen, state, age, adx=adx(14).adx, up=adx(14).plus_di, down=adx(14).minus_di, period=20
):  # fmt: skip
    """Market regime: 1 trending up, -1 trending down, 0 sideways, and for how many bars.

    Trending: ADX of 25 or more, or an efficiency ratio over `period` bars of .35 or more; sideways: ADX of 20 or
    less and a ratio of .25 or less. Between them nothing changes; the direction is that of +DI and -DI.
    """
    for i in range(lo, hi):
        regime[i] = bars[i] = np.nan
        if seen >= period:
            path = 0.0
            for k in range(i - period + 1, i + 1):
                path += abs(close[k] - close[k - 1])
            ratio = abs(close[i] - close[i - period]) / path if path > 0.0 else 0.0
            before = state
            if adx[i] >= 25.0 or ratio >= 0.35:
                state = 1.0 if up[i] >= down[i] else -1.0
            elif adx[i] <= 20.0 and ratio <= 0.25:
                state = 0.0
            age = age + 1.0 if state == before else 1.0
            regime[i], bars[i] = state, age
        seen += 1.0
    return seen, state, age


@feature(
    gives="regime_hmm", keeps="seen last wild", warmup="1", settle="ceil(19 / (2 - stay_calm - stay_wild))",
    where="stay_calm > 0, stay_calm < 1, stay_wild > 0, stay_wild < 1, calm > 0, turbulent > 0",
    unit="ratio", range=(0.0, 1.0), pane="below", covers="3.2.6", source="Hamilton, Econometrica 57, 1989",
)  # fmt: skip
def regime_hmm(
    lo, hi, close, regime_hmm, seen, last, wild, stay_calm=0.98, stay_wild=0.95, calm=2e-7, turbulent=6e-7
):  # fmt: skip
    """Probability that the market is in its turbulent state: a two-state Markov filter of log returns.

    `calm` and `turbulent` are the variances of a bar's return in the two states, `stay_calm` and `stay_wild` the
    probabilities of staying. It filters: nothing is smoothed with what came later. Fit the four on past data.
    """
    for i in range(lo, hi):
        regime_hmm[i] = np.nan
        if seen > 0.0:
            r = math.log(close[i] / last)
            prior = wild * stay_wild + (1.0 - wild) * (1.0 - stay_calm) if seen > 1.0 else 0.5
            odds = math.sqrt(calm / turbulent) * math.exp(min(0.5 * r * r * (1.0 / calm - 1.0 / turbulent), 700.0))
            wild = prior * odds / (prior * odds + 1.0 - prior)
            regime_hmm[i] = wild
        last = close[i]
        seen += 1.0
    return seen, last, wild


@feature(
    gives="vol_regime percentile", keeps="seen state wish same last variance ordered[period] past[period]",
    warmup="period", where="period >= 10, confirm >= 1, decay > 0, decay < 1, floor >= 0, shock >= 0, shock < 1",
    choices={"style": ("atr", "ewma", "garch")}, unit="event percent", range=(0.0, 3.0), pane="below",
    settle="1000 + ceil(19 / (1 - decay))", lag="confirm - 1", covers="3.2.7",
    source="RiskMetrics Technical Document, 1996; Bollerslev, Journal of Econometrics 31, 1986",
)  # fmt: skip
def vol_regime(
    lo, hi, close, vol_regime, percentile, seen, state, wish, same, last, variance, ordered, past, atr=atr(14),
    period=500, confirm=2, style="atr", decay=0.94, shock=0.05, floor=1e-9,
):  # fmt: skip
    """Volatility regime: 0 low, 1 normal, 2 high, 3 extreme, by where volatility lies among its last `period` bars.

    `percentile` is the share of the bars before it that were strictly quieter: below 33 is low, above 67 high, above
    95 extreme. A regime changes after `confirm` bars of it. Volatility is ATR over price; or (`ewma`) the deviation of
    logarithmic returns whose variance keeps `decay` of itself a bar; or (`garch`) of GARCH(1,1), whose variance is
    `floor` and `shock` times the last squared return and `decay` of itself: give figures fitted on the past.
    """
    for i in range(lo, hi):
        step = math.log(close[i] / last) if seen > 0.0 else 0.0
        last = close[i]
        if seen == 1.0:
            variance = step * step
        elif style == 1:
            variance = decay * variance + (1.0 - decay) * step * step
        else:
            variance = floor + decay * variance + shock * step * step
        now = atr[i] / close[i] if style == 0 else math.sqrt(variance)
        at = int(seen) % period
        vol_regime[i] = percentile[i] = np.nan
        if seen >= period:
            rank = 100.0 * place_of(ordered, period, now) / period
            raw = 3.0 if rank > 95.0 else 2.0 if rank > 67.0 else 0.0 if rank < 33.0 else 1.0
            state, wish, same = switch(raw if seen == period else state, raw, same, wish, confirm)
            vol_regime[i], percentile[i] = state, rank
            take_out(ordered, period, past[at])
        put_in(ordered, int(min(seen, period - 1.0)), now)
        past[at] = now
        seen += 1.0
    return seen, state, wish, same, last, variance


@feature(
    gives="spike widening shock jump since", keeps="seen last before variance last_move total day ago",
    lookback="period", warmup="1, 1, 2, period, 1", sparse="since", where="period >= 20, decay > 0, decay < 1",
    unit="event ratio sigma sigma bars",
    settle="ceil(19 / (1 - decay))", range=(0.0, 7.0), pane="below", covers="3.2.4",
    source="RiskMetrics 1996; Lee and Mykland, Review of Financial Studies 21, 2008, p. 2535",
)  # fmt: skip
def spike(
    lo, hi, open_ts, high, low, close, spike, widening, shock, jump, since,
    seen, last, before, variance, last_move, total, day, ago, atr=atr(14), period=270, decay=0.94,
):  # fmt: skip
    """Volatility spikes: 1 a bar of more than 2.5 ATR, 2 a return of more than 3 sigma, 4 a jump; their sum.

    `widening` is the true range over the ATR before the bar, `shock` the return over its exponential deviation before
    the bar, `jump` Lee and Mykland's statistic: the return over the bipower deviation of the `period` bars before,
    centred and scaled so that 4.6001 is exceeded by chance once in a hundred such periods. `since` counts the bars
    since the last spike of any of the three, 0 on its bar.
    """
    root = math.sqrt(2.0 * math.log(period))
    unit = math.sqrt(2.0 / math.pi)
    center = root / unit - (math.log(math.pi) + math.log(math.log(period))) / (2.0 * unit * root)
    for i in range(lo, hi):
        spike[i] = widening[i] = shock[i] = jump[i] = since[i] = np.nan
        if seen > 0.0:
            move = abs(math.log(close[i] / last))
            wide = (max(high[i], last) - min(low[i], last)) / before if before > 0.0 else 0.0
            widening[i], spike[i] = wide, 1.0 * (wide > 2.5)
            if seen > 1.0:
                shock[i] = move / math.sqrt(variance) if variance > 0.0 else 0.0
                spike[i] += 2.0 * (shock[i] > 3.0)
            if seen >= period:
                sigma = math.sqrt(max(total, 0.0) / (period - 2.0))
                jump[i] = (move / sigma - center) * (unit * root) if sigma > 0.0 else 0.0
                spike[i] += 4.0 * (jump[i] > 4.6001)
            ago = 1.0 if spike[i] > 0.0 else ago + 1.0 * (ago > 0.0)
            since[i] = ago - 1.0 if ago > 0.0 else np.nan
            variance = variance * decay + move * move * (1.0 - decay) if seen > 1.0 else move * move
            if open_ts[i] >= np.int64(day + 1) * DAY:
                day, total = open_ts[i] // DAY, 0.0
                for k in range(i - int(min(seen - 2.0, period - 3.0)), i + 1):
                    total += product(close, k)
            else:
                total += move * last_move
                if seen >= period:
                    total -= product(close, i - period + 2)
            last_move = move
        last, before = close[i], atr[i]
        seen += 1.0
    return seen, last, before, variance, last_move, total, day, ago


@jit
def product(close, k):
    """The absolute return of row k times that of the row before."""
    return abs(math.log(close[k] / close[k - 1])) * abs(math.log(close[k - 1] / close[k - 2]))


@jit
def grown(x, hazard, usual, count, longest, chance, mean, squares):
    """One value more under each length of the run that it may belong to: how likely all of them made it.

    Slot r holds what is known if the run is r + 1 values long, the last slot also what is longer than `longest`: it
    remembers its last `longest` values. `chance`, `mean` and `squares` (half the sum of squared deviations, on top of
    what is usual) are changed in place.
    """
    share, m, b, alpha, total = 1.0, 0.0, usual, 1.0, 0.0
    ratio = 0.5 * math.sqrt(math.pi)  # gamma(alpha + 1/2) / gamma(alpha), from one alpha to the next by alpha / ratio
    for r in range(count + 1):
        weight = 2.0 * alpha - 1.0
        far = weight * (x - m) ** 2 / (2.0 * (weight + 1.0))
        density = ratio * math.sqrt(weight / (2.0 * math.pi * b * (weight + 1.0)))
        new = share * density * math.exp(-(alpha + 0.5) * math.log1p(far / b)) * (hazard if r == 0 else 1.0 - hazard)
        new = new if new > 1e-280 else 0.0
        total += new
        if r < longest:
            new_m, new_b = m + (x - m) / (weight + 1.0), b + far
            share, m, b = chance[r], mean[r], squares[r]
            chance[r], mean[r], squares[r] = new, new_m, new_b
        else:
            chance[longest - 1] += new
        ratio, alpha = alpha / ratio, alpha + 0.5
    return total


@feature(
    gives="regime_cusum run", keeps="seen last chance[longest] mean[longest] squares[longest]", warmup="1",
    settle="3 * longest", where="longest >= 2, bars >= 1, bars < longest, hazard > 0, hazard < 1, usual > 0",
    unit="ratio bars", range=(0.0, 1.0), pane="below", covers="3.2.6",
    source="Adams and MacKay, Bayesian Online Changepoint Detection, arXiv 0710.3742, 2007",
)  # fmt: skip
def regime_cusum(
    lo, hi, close, regime_cusum, run, seen, last, chance, mean, squares, bars=20, hazard=0.004, longest=250, usual=3e-7
):  # fmt: skip
    """How likely it is that the market became another one within the last `bars` bars, and how old it is most likely.

    Bayesian change-point detection on log returns: every length of the run that began with the last change is
    weighed by how well its mean and variance foretold the return. A change comes with chance `hazard` a bar; `usual`
    is the variance expected of a new run. `run` counts its returns, at most `longest`: that long or longer.
    """
    for i in range(lo, hi):
        regime_cusum[i] = run[i] = np.nan
        if seen > 0.0:
            count = int(min(seen - 1.0, 1.0 * longest))
            total = grown(math.log(close[i] / last), hazard, usual, count, longest, chance, mean, squares)
            young, best = 0.0, 0
            for r in range(int(min(seen, 1.0 * longest))):
                chance[r] /= total
                young += chance[r] if r < bars else 0.0
                best = r if chance[r] > chance[best] else best
            regime_cusum[i], run[i] = min(young, 1.0), best + 1.0
        last = close[i]
        seen += 1.0
    return seen, last
