"""Does the world still behave as it did? Detectors of drift on a stream of errors, and of bars unlike the others."""

from __future__ import annotations

import math

import numpy as np

from engine.features.contract import feature
from engine.kernels.jit import jit

ROWS, SLOTS = 32, 5
"""ADWIN: bucket r of row k holds 2**k values; a row holds up to five buckets, a sixth makes two of them one above."""


@feature(
    gives="miss", keeps="seen last before", warmup="2", unit="event", range=(0.0, 1.0), pane="below", covers="2.5.1"
)
def miss(lo, hi, close, miss, seen, last, before):
    """Was the simplest forecast wrong? 1 if the close did not move the way it moved the bar before, else 0."""
    for i in range(lo, hi):
        miss[i] = np.nan
        if seen > 1.0:
            miss[i] = 1.0 if (close[i] - last) * (last - before) < 0.0 else 0.0
        before, last = last, close[i]
        seen += 1.0
    return seen, last, before


@feature(
    gives="ddm rate", keeps="drifted n mean low low_rate low_noise", settle="100000", where="warm >= 1",
    unit="event ratio", range=(0.0, 2.0), pane="below", covers="2.5.1",
    source="Gama, Medas, Castillo and Rodrigues, Learning with Drift Detection, SBIA 2004",
)  # fmt: skip
def ddm(lo, hi, ddm, rate, drifted, n, mean, low, low_rate, low_noise, error=miss(), warm=30):
    """Drift of an error rate (DDM): 1 warning, 2 drift, when it leaves its lowest level by 2 or 3 of its deviations.

    `error` is 1 for a miss and 0 for a hit of any forecast, on the bar where that is known; `rate` is its mean since
    the last drift. After a drift the detector starts anew.
    """
    for i in range(lo, hi):
        if drifted > 0.0:
            drifted = n = mean = low = low_rate = low_noise = 0.0
        n += 1.0
        mean += (error[i] - mean) / n
        noise = math.sqrt(max(mean * (1.0 - mean), 0.0) / n)
        ddm[i], rate[i] = 0.0, mean
        if n > warm:
            if low == 0.0 or mean + noise <= low_rate + low_noise:
                low, low_rate, low_noise = 1.0, mean, noise
            if mean + noise > low_rate + 3.0 * low_noise:
                ddm[i], drifted = 2.0, 1.0
            elif mean + noise > low_rate + 2.0 * low_noise:
                ddm[i] = 1.0
    return drifted, n, mean, low, low_rate, low_noise


@feature(
    gives="eddm distance", keeps="drifted n since mean spread best", settle="100000",
    where="warm >= 2, warning > out, out > 0, warning < 1", unit="event bars", range=(0.0, 2.0), pane="below",
    covers="2.5.1", source="Baena-Garcia and others, Early Drift Detection Method, IWKDDS 2006",
)  # fmt: skip
def eddm(
    lo, hi, eddm, distance, drifted, n, since, mean, spread, best, error=miss(), warm=30, warning=0.95, out=0.9
):  # fmt: skip
    """Drift of the distance between errors (EDDM): 1 warning, 2 drift, when misses come closer together.

    Watched is the mean distance plus two deviations against its highest value so far; `distance` is the mean. It sees
    slow drift early and raises many false alarms.
    """
    for i in range(lo, hi):
        if drifted > 0.0:
            drifted = n = since = mean = spread = best = 0.0
        since += 1.0
        eddm[i] = 0.0
        if error[i] > 0.0:
            n += 1.0
            step = since - mean
            mean += step / n
            spread += step * (since - mean)
            since = 0.0
            level = mean + 2.0 * math.sqrt(spread / n)
            best = max(best, level)
            if n >= warm:
                if level < out * best:
                    eddm[i], drifted = 2.0, 1.0
                elif level < warning * best:
                    eddm[i] = 1.0
        distance[i] = mean
    return drifted, n, since, mean, spread, best


@feature(
    gives="hddm_a rate", keeps="drifted n total low_n low_total", settle="100000",
    where="drift > 0, warning > drift, warning < 1", unit="event ratio", range=(0.0, 2.0), pane="below", covers="2.5.1",
    source="Frias-Blanco and others, IEEE Transactions on Knowledge and Data Engineering 27, 2015, A-test",
)  # fmt: skip
def hddm_a(
    lo, hi, hddm_a, rate, drifted, n, total, low_n, low_total, error=miss(), drift=0.001, warning=0.005
):  # fmt: skip
    """Drift of an error rate by Hoeffding's bound on means (HDDM-A): 1 warning, 2 drift.

    The mean since the start is set against the mean up to the moment where its bound was lowest.
    """
    for i in range(lo, hi):
        if drifted > 0.0:
            drifted = n = total = low_n = low_total = 0.0
        n += 1.0
        total += error[i]
        if low_n == 0.0:
            low_n, low_total = n, total
        bound = -math.log(drift) / 2.0
        if low_total / low_n + math.sqrt(bound / low_n) >= total / n + math.sqrt(bound / n):
            low_n, low_total = n, total
        hddm_a[i], rate[i] = 0.0, total / n
        share = (n - low_n) / low_n / n
        rise = total / n - low_total / low_n
        if n > low_n and rise >= math.sqrt(share / 2.0 * math.log(2.0 / drift)):
            hddm_a[i], drifted = 2.0, 1.0
        elif n > low_n and rise >= math.sqrt(share / 2.0 * math.log(2.0 / warning)):
            hddm_a[i] = 1.0
    return drifted, n, total, low_n, low_total


@feature(
    gives="hddm_w rate", keeps="drifted n mean weight low low_mean low_weight m late late_weight", settle="100000",
    where="drift > 0, warning > drift, warning < 1, decay > 0, decay < 1", unit="event ratio", range=(0.0, 2.0),
    pane="below", covers="2.5.1",
    source="Frias-Blanco and others, IEEE Transactions on Knowledge and Data Engineering 27, 2015, W-test",
)  # fmt: skip
def hddm_w(
    lo, hi, hddm_w, rate, drifted, n, mean, weight, low, low_mean, low_weight, m, late, late_weight,
    error=miss(), drift=0.001, warning=0.005, decay=0.05,
):  # fmt: skip
    """Drift of an error rate by McDiarmid's bound on weighted means (HDDM-W): 1 warning, 2 drift.

    The exponential mean since the moment where its bound was lowest is set against the mean of that moment.
    """
    for i in range(lo, hi):
        if drifted > 0.0:
            drifted = n = mean = weight = low = low_mean = low_weight = m = late = late_weight = 0.0
        n, mean, weight = weigh(n, mean, weight, error[i], decay)
        edge = mean + math.sqrt(weight * -math.log(drift) / 2.0)
        if n == 1.0 or edge < low:
            low, low_mean, low_weight, m, late, late_weight = edge, mean, weight, 0.0, 0.0, 0.0
        else:
            m, late, late_weight = weigh(m, late, late_weight, error[i], decay)
        hddm_w[i], rate[i] = 0.0, mean
        if m > 0.0:
            both = (low_weight + late_weight) / 2.0
            if late - low_mean > math.sqrt(both * -math.log(drift)):
                hddm_w[i], drifted = 2.0, 1.0
            elif late - low_mean > math.sqrt(both * -math.log(warning)):
                hddm_w[i] = 1.0
    return drifted, n, mean, weight, low, low_mean, low_weight, m, late, late_weight


@jit
def weigh(n, mean, weight, x, decay):
    """One value more in an exponential mean: (count, mean, sum of squared weights)."""
    if n == 0.0:
        return 1.0, x, 1.0
    return n + 1.0, mean + decay * (x - mean), decay * decay + (1.0 - decay) ** 2 * weight


@feature(
    gives="page_hinkley excess", keeps="drifted n mean total low", settle="100000",
    where="warm >= 1, slack >= 0, threshold > 0", unit="event ratio", range=(0.0, 2.0), pane="below",
    covers="2.5.1 2.5.2", source="Page, Continuous Inspection Schemes, Biometrika 41, 1954",
)  # fmt: skip
def page_hinkley(
    lo, hi, page_hinkley, excess, drifted, n, mean, total, low, error=miss(), warm=30, slack=0.005, threshold=50.0
):  # fmt: skip
    """Drift of a mean upwards (Page-Hinkley): 2 when what exceeds the mean adds up to more than `threshold`, else 0."""
    for i in range(lo, hi):
        if drifted > 0.0:
            drifted = n = mean = total = low = 0.0
        n += 1.0
        mean += (error[i] - mean) / n
        total = 0.9999 * total + error[i] - mean - slack
        low = min(low, total) if n > 1.0 else total
        page_hinkley[i], excess[i] = 0.0, total - low
        if n >= warm and total - low > threshold:
            page_hinkley[i], drifted = 2.0, 1.0
    return drifted, n, mean, total, low


@feature(
    gives="drift width estimate",
    keeps="seen wide total spread totals[32 * 5] spreads[32 * 5] counts[32]", settle="100000",
    where="confidence > 0, confidence < 1, every >= 1", unit="event bars ratio", range=(0.0, 2.0), pane="below",
    covers="2.5.1 2.5.2",
    source="Bifet and Gavalda, Learning from Time-Changing Data with Adaptive Windowing, SDM 2007",
)  # fmt: skip
def drift(
    lo, hi, drift, width, estimate, seen, wide, total, spread, totals, spreads, counts,
    error=miss(), confidence=0.002, every=32,
):  # fmt: skip
    """Drift of a mean (ADWIN): 2 on a bar where the window is cut because its older part has another mean, else 0.

    The window grows as long as no cut into an older and a newer part shows two means that differ by more than chance
    allows at `confidence`; `width` is its length, `estimate` its mean. Looked for every `every` bars.
    """
    for i in range(lo, hi):
        wide, total, spread = grown(error[i], wide, total, spread, totals, spreads, counts)
        seen += 1.0
        drift[i] = 0.0
        if seen % every == 0.0:
            while wide > 10.0 and differs(wide, total, spread, totals, counts, confidence):
                wide, total, spread = shrunk(wide, total, spread, totals, spreads, counts)
                drift[i] = 2.0
        width[i], estimate[i] = wide, total / wide
    return seen, wide, total, spread


@jit
def grown(x, wide, total, spread, totals, spreads, counts):
    """One value more in the window; six buckets of one size make a larger one of the two oldest."""
    if wide > 0.0:
        spread += wide / (wide + 1.0) * (x - total / wide) ** 2
    k, size, item, rest = 0, 1.0, x, 0.0
    while True:
        here = k * SLOTS
        if counts[k] < SLOTS:
            totals[here + int(counts[k])], spreads[here + int(counts[k])] = item, rest
            counts[k] += 1.0
            return wide + 1.0, total + x, spread
        a, b = totals[here], totals[here + 1]
        above = spreads[here] + spreads[here + 1] + (a - b) ** 2 / (2.0 * size)
        for j in range(SLOTS - 2):
            totals[here + j], spreads[here + j] = totals[here + j + 2], spreads[here + j + 2]
        totals[here + SLOTS - 2], spreads[here + SLOTS - 2] = item, rest
        counts[k] = SLOTS - 1.0
        k, size, item, rest = k + 1, 2.0 * size, a + b, above


@jit
def shrunk(wide, total, spread, totals, spreads, counts):
    """The window without its oldest bucket."""
    k = ROWS - 1
    while counts[k] == 0.0:
        k -= 1
    here, size = k * SLOTS, 2.0**k
    old = totals[here]
    wide, total = wide - size, total - old
    spread -= spreads[here] + size * wide / (size + wide) * (old / size - total / wide) ** 2
    for j in range(SLOTS - 1):
        totals[here + j], spreads[here + j] = totals[here + j + 1], spreads[here + j + 1]
    counts[k] -= 1.0
    return wide, total, max(spread, 0.0)


@jit
def differs(wide, total, spread, totals, counts, confidence):
    """Is there a cut into two parts of at least 5 values whose means differ by more than the bound?"""
    chance = math.log(2.0 * math.log(wide) / confidence)
    old, old_total = 0.0, 0.0
    for k in range(ROWS - 1, -1, -1):
        for j in range(int(counts[k])):
            old += 2.0**k
            old_total += totals[k * SLOTS + j]
            new = wide - old
            if old >= 5.0 and new >= 5.0:
                inverse = 1.0 / (old - 4.0) + 1.0 / (new - 4.0)
                bound = math.sqrt(2.0 * inverse * spread / wide * chance) + 2.0 / 3.0 * chance * inverse
                if abs(old_total / old - (total - old_total) / new) > bound:
                    return True
    return False
