"""Commission of a deal (rule 28)."""

from __future__ import annotations

from engine.kernels.book import NONE, rate_of, to_minor
from engine.kernels.jit import part


@part
def commission(book, s, steps, price, opens, maker):
    """Whole minor units that a deal costs: `opens` and `maker` are 1 for an entry and for a limit order that rested.

    Per lot plus per deal plus a share of the value, at least `fee_least`; rounded once, half away from zero.
    """
    a, x, t = book[0][0], book[1][s], book[6][s]
    if t.fee_entry_only and not opens:
        return NONE
    per_lot, share = (t.maker_per_lot, t.maker_share) if maker else (t.fee_per_lot, t.fee_share)
    money = per_lot * steps * x.step_lots + t.fee_per_deal
    if share != 0.0:
        money += share * steps * x.step_units * price * rate_of(book[1], s)
    if t.fee_least > 0.0:
        money = max(money, t.fee_least)
    return to_minor(money, a.minor)
