"""Lines through the last bars, and how two series move together."""

from __future__ import annotations

import numpy as np

from engine.features.averages import wma
from engine.features.contract import feature
from engine.features.window import moments


@feature(
    gives="linearreg slope intercept angle forecast", where="period >= 2",
    like="talib.LINEARREG talib.LINEARREG_SLOPE talib.LINEARREG_INTERCEPT talib.LINEARREG_ANGLE talib.TSF",
    unit="price price_change price degrees price", covers="3.1.1 3.1.3",
)  # fmt: skip
def linearreg(
    lo, hi, linearreg, slope, intercept, angle, forecast, weighted=wma("period"), mean=moments("period").mean, period=14
):  # fmt: skip
    """Least-squares line through the last `period` closes: its end, slope a bar, start, angle and next value.

    The end of the line is three times the weighted less twice the plain mean. The angle, in degrees, depends on
    the unit of the price.
    """
    for i in range(lo, hi):
        slope[i] = 6.0 * (weighted[i] - mean[i]) / (period - 1.0)
        linearreg[i] = mean[i] + slope[i] * (period - 1.0) / 2.0
        intercept[i] = mean[i] - slope[i] * (period - 1.0) / 2.0
        angle[i] = np.arctan(slope[i]) * 180.0 / np.pi
        forecast[i] = mean[i] + slope[i] * (period + 1.0) / 2.0
