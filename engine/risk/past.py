"""What the rules remember of a strategy's fills, advanced by each as it reaches us: the same function in both lanes."""

from __future__ import annotations

from engine.kernels.book import ENTRY_IN, day_after
from engine.kernels.jit import entry, part


@part
def recall(book, past, k, s, ts, entry, order, steps, net):
    """A deal of strategy k has become known at ts; `net` is profit + swap - commission in minor units.

    A closing deal is a trade. Its costs are its own and its share of those of the entries; one that came out even is
    neither won nor lost.
    """
    one, all_ = past[k, s], past[k, past.shape[1] - 1]
    if entry == ENTRY_IN:
        if ts >= all_.day_end:
            all_.entries, all_.day_end = 0, day_after(book, ts)
        if order != all_.order:
            all_.entries += 1
            all_.order = order
        one.fee += net
        one.steps += steps
        return
    share = one.fee * steps / one.steps if one.steps > 0 else 0.0
    one.fee -= share
    one.steps -= steps
    total = net + share
    if total < 0.0:
        one.fails += 1
        one.failed -= total / steps
        all_.losses += 1
        all_.lost_at = ts
    elif total > 0.0:
        one.wins += 1
        one.gained += total / steps
        all_.losses = 0


@entry
def recall_one(book, past, k, s, ts, entry, order, steps, net):
    """`recall` for the Python lane."""
    recall(book, past, k, s, ts, entry, order, steps, net)
