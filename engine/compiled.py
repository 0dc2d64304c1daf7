"""The compiled lane: strategies that are features run in one loop over the same matching, risk and execution.

A compiled strategy fills the columns `signal` (NaN: nothing new to say), `stop` and `take_profit`. `drive` does what
`engine.loop` does with the same wishes, in the same order, through the same jitted functions; a parity test holds
the two together fill for fill.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from engine.core.tape import Block
from engine.drive import MORE_ROOM, NEWS, STATEMENT, drive, gather
from engine.facts import Facts
from engine.kernels.book import ORDER, REPORT
from engine.risk.terms import ANSWER, NO_BLACKOUT, NO_FACTS, RULES, WISH, rules_of
from engine.rows import Rows
from engine.venues.simulated import SimulatedVenue


@dataclass
class CompiledLoop:
    """Runs passes like `engine.loop.Loop`, for strategies whose wishes are columns."""

    venue: SimulatedVenue
    rows: Rows
    limits: np.ndarray
    signals: list[tuple[int, int, int, tuple[np.ndarray, ...]]]
    """(view, strategy, symbol, its columns signal, stop, take_profit)"""
    windows: np.ndarray = field(default_factory=lambda: NO_BLACKOUT)
    """Times of no entry, int64[n, 2]; LIMITS say which are whose."""
    facts: Facts | None = None
    """What the rules read beside the book, where they read any."""

    def __post_init__(self) -> None:
        self.rules = rules_of(self.limits, self.windows)
        self.wishes = np.zeros(self.limits.shape, WISH)
        self.looks = ((self.limits["hold"] > 0) | (self.limits["hold_bars"] > 0)).any()
        self.known = NO_FACTS.reshape(1, -1)
        if self.limits["led"].any():
            self.venue.full = True
        self.news, self.pending = np.zeros(4_096, NEWS), 0
        self.answer, self.plan, self.out = np.zeros(1, ANSWER), np.zeros(16, ORDER), np.zeros(16_384, REPORT)
        self.denied = np.zeros(len(RULES), np.int64)
        """How often each rule said no."""
        self.made, self.keys = np.zeros(0, STATEMENT), np.zeros(0, np.int64)

    def statements(self, closed: np.ndarray) -> np.ndarray:
        """The wishes in newly closed rows, in the order (row known, strategy)."""
        n = 0
        if len(self.made) < len(closed) * len(self.signals):
            self.made = np.zeros(2 * len(closed) * len(self.signals), STATEMENT)
            self.keys = np.zeros(len(self.made), np.int64)
        for rank, (view_at, k, s, columns) in enumerate(self.signals):
            view = self.rows.views[view_at]
            stream, first = view.table.index, view.warm_from(0)
            n = gather(
                closed, stream, first, k, s, *columns, self.looks, rank, len(self.signals), self.made, self.keys, n
            )
        made = self.made[:n] if len(self.signals) == 1 else self.made[np.argsort(self.keys[:n], kind="stable")]
        if self.facts is not None:
            self.known = self._look_up(self.facts, made)
        return made

    @staticmethod
    def _look_up(facts: Facts, made: np.ndarray) -> np.ndarray:
        """The facts for each of the wishes, float64[wishes, width]."""
        known = np.full((max(len(made), 1), facts.width), np.nan)
        for w in np.flatnonzero(~np.isnan(made["strength"])):
            x = made[w]
            known[w] = facts.at(int(x["strategy"]), int(x["symbol"]), int(x["ts"]), int(x["at"]))
        return known

    def run(self, block: Block, lo: int, hi: int, statements: np.ndarray) -> np.ndarray:
        """Records lo..hi-1 with these wishes; returns what the venue reported (REPORT records)."""
        venue, i, w, code = self.venue, lo, 0, MORE_ROOM
        parts = []
        while code == MORE_ROOM:
            positions = int(venue.book[0]["positions"][0])
            if len(self.plan) <= positions:  # an order for each that is to be closed, and one more
                self.plan = np.zeros(2 * positions, ORDER)
            venue.room(len(self.plan))
            while len(self.out) < 2 * len(venue.book[4]) or len(self.news) < self.pending + 2 * len(venue.book[4]):
                self.out, self.news = np.zeros(2 * len(self.out), REPORT), np.resize(self.news, 2 * len(self.news))
            code, i, w, n, self.pending = drive(
                venue.book, venue.columns, i, hi, statements, self.known, w, self.rules, self.wishes, self.news,
                self.pending, self.answer, self.plan, self.out, self.denied, venue.full,
            )  # fmt: skip
            parts.append(self.out[:n].copy())
        return parts[0] if len(parts) == 1 else np.concatenate(parts)
