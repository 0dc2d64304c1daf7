"""How much: from a full wish to lot steps, one formula for each way of sizing."""

from __future__ import annotations

import math

import numpy as np

from engine.kernels.book import rate_of
from engine.kernels.jit import part
from engine.risk.terms import (
    BY_EQUITY,
    BY_KELLY,
    BY_LOTS,
    BY_PROBABILITY,
    BY_UNITS,
    BY_VOLATILITY,
    FACT_SIGMA,
    KELLY,
    WARMING_UP,
)


@part
def kelly(past, trades, start):
    """The Kelly stake of the trades so far: p - (1 - p) / b, p the share won, b the mean win over the mean loss.

    `start` before there are that many. Source: Kelly, A New Interpretation of Information Rate, Bell System Technical
    Journal 35 (1956), in the form of Thorp, The Kelly Criterion in Blackjack, Sports Betting and the Stock Market.
    """
    closed = past.wins + past.fails
    if closed < trades:
        return start
    if past.wins == 0:
        return -1.0
    if past.fails == 0:
        return 1.0
    won = past.wins / closed
    return won - (1.0 - won) * (past.failed / past.fails) / (past.gained / past.wins)


@part
def sure(strength):
    """How much of a full stake a chance of winning p = (1 + strength) / 2 is worth: 2 N(z) - 1, z its distance from a
    half in standard deviations. Source: López de Prado, Advances in Financial Machine Learning (2018), 10.3.
    """
    edge = abs(strength)
    return 1.0 if edge >= 1.0 else math.erf(edge / math.sqrt(2.0 * (1.0 - edge * edge)))


@part
def stake(limits, rules, k, s, facts, strength, answer):
    """The share of the equity that the wish is worth; 0 and a rule in `answer` where nothing can be said for it."""
    if limits.sizing == BY_VOLATILITY:
        sigma = facts[FACT_SIGMA] * math.sqrt(limits.bars_a_year)
        if not sigma > 0.0:
            answer.rule, answer.value, answer.threshold = WARMING_UP, sigma, 0.0
            return 0.0
        return limits.size / sigma
    if limits.sizing == BY_PROBABILITY:
        return limits.size * sure(strength)
    if limits.sizing == BY_KELLY:
        past = rules[2][k, s]
        known = past.wins + past.fails >= limits.kelly_trades
        share = kelly(past, limits.kelly_trades, limits.kelly_start)
        if not share > 0.0:
            answer.rule, answer.value, answer.threshold = KELLY, share, 0.0
            return 0.0
        return min(share * limits.size if known else share, limits.kelly_cap)
    return limits.size


@part
def size(book, rules, k, s, strength, price, stop, facts, answer):
    """Lot steps (unsigned, rounded down) for a wish.

    lots, units: that many. equity, volatility: a share of the equity as value. risk, kelly, probability: the volume
    that loses a share of the equity between `price` and `stop`.
    """
    account, x, limits = book[0], book[1][s], rules[0][k, s]
    sizing = limits.sizing
    if sizing == BY_LOTS:
        units = limits.size / x.step_lots * x.step_units
    elif sizing == BY_UNITS:
        units = limits.size
    else:
        money = stake(limits, rules, k, s, facts, strength, answer) * account[0].equity / rate_of(book[1], s)
        units = money / price if sizing in (BY_EQUITY, BY_VOLATILITY) else money / abs(price - stop)
    steps = units * (1.0 if sizing == BY_PROBABILITY else abs(strength)) / x.step_units
    return np.int64(np.floor(steps + 1e-9)) if steps < 9e15 else np.int64(9e15)
