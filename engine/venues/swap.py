"""Rollover: what holding a position over night costs or earns."""

from __future__ import annotations

from engine.kernels.book import NEVER
from engine.kernels.jit import jit


@jit(no_cpython_wrapper=True)
def next_night(book, s):
    """When symbol s rolls over next, int64 ns; NEVER if the calendar has no more nights."""
    x, t = book[1][s], book[6][s]
    return book[8][x.night].start if x.night < t.nights_end else NEVER


@jit(no_cpython_wrapper=True)
def roll(book, s, ts, ts_event):
    """Book the rollovers of symbol s up to ts_event: every open position accrues its swap (rule 14)."""
    x, t = book[1][s], book[6][s]
    while x.night < t.nights_end and book[8][x.night].start <= ts_event:
        x.night += 1
