"""Recursive filters of second order."""

from __future__ import annotations

import numpy as np

from engine.kernels.jit import jit


@jit
def smoother(x, x1, y1, y2, period):
    """Ehlers' super smoother: a two-pole low-pass of the mean of the last two values."""
    a = np.exp(-np.sqrt(2.0) * np.pi / period)
    b = 2.0 * a * np.cos(np.sqrt(2.0) * np.pi / period)
    return (1.0 - b + a * a) * (x + x1) / 2.0 + b * y1 - a * a * y2


@jit
def high_pass(x, x1, x2, y1, y2, period):
    """Ehlers' two-pole high-pass: what turns more slowly than `period` is taken out."""
    turn = np.sqrt(0.5) * 2.0 * np.pi / period
    a = (np.cos(turn) + np.sin(turn) - 1.0) / np.cos(turn)
    return (1.0 - a / 2.0) ** 2 * (x - 2.0 * x1 + x2) + 2.0 * (1.0 - a) * y1 - (1.0 - a) ** 2 * y2
