"""The heart: one pass over a stretch of the tape. Wakes go to Python, the venue moves only when it must.

Everything that can happen is ordered by (ts, rank, sequence): reports, rows of closed bars, timers, quotes handed to
a strategy; what is due at t comes before a quote stamped t (and after a *bar* stamped t, which ends there). The venue
lags: `peek` finds the next record that can trigger anything; until then wakes go to handlers without a kernel call,
and the venue is brought to now when a handler returns something. By the cut law a pass may end anywhere.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from engine.core.bus import NEVER, Bus, ts_of
from engine.core.events import REPORT
from engine.core.tape import Block
from engine.venues.simulated import SimulatedVenue

LOOK_AHEAD = 256
"""How far `peek` looks at first, and twice as far each time it finds nothing: what it saw is lost with a decision."""


@dataclass
class Wakes:
    """Who is to be called with what, and when, in the order of `due` = `moment(ts, rank)`."""

    at: list[int] = field(default_factory=list)
    """The record it comes before."""
    due: list[int] = field(default_factory=list)
    handlers: list[Callable[[Any], Any]] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)


@dataclass
class Loop:
    """`eager` brings the venue up at every wake: slow, for tests, and it must change nothing."""

    bus: Bus
    venue: SimulatedVenue
    eager: bool = False

    def run(self, block: Block, lo: int, hi: int, wakes: Wakes, until: int | None = None) -> None:
        """Records lo..hi-1 of the block, and the wakes that belong before or right after them.

        `until` is given when the clock alone moved: what is scheduled up to then is due although no record came.
        """
        bus, venue = self.bus, self.venue
        ats, dues, handlers, items = wakes.at, wakes.due, wakes.handlers, wakes.items
        count, w = len(ats), 0
        i = lo  # the venue stands before record i
        scanned = hi if venue.idle else lo  # records before this one trigger nothing; if `hit`, this one may
        hit, look = False, LOOK_AHEAD
        while True:
            scheduled = bus.next_due
            wake = dues[w] if w < count else NEVER
            if scheduled < wake:
                j = self._position(block, ts_of(scheduled), i, hi, w < count, until)
            else:
                j = ats[w] if w < count else hi + 1
            while not hit and scanned < min(j, hi):
                end = min(scanned + look, hi)
                scanned = venue.peek(scanned, end)
                hit, look = scanned < end, 2 * look
            if hit and scanned < j:  # the venue comes first
                i = venue.advance(i, min(j, hi))
                bus.now = int(block.ts[i - 1])
                for report in venue.reports():
                    bus.schedule(report, REPORT)
            elif j > hi:
                self._sync(i, hi)
                return
            elif scheduled < wake:
                bus.now = max(ts_of(scheduled), bus.now)
                i = self._sync(i, j)
                bus.publish_due()
            else:
                result, end = None, min(bisect_left(dues, scheduled, w), bisect_right(ats, scanned, w))
                assert w < end, "a wake was passed over"
                for w in range(w, end):  # noqa: B020
                    result = handlers[w](items[w])
                    if self.eager:
                        i = self._sync(i, ats[w])
                    if result is not None:
                        break
                w += 1
                if result is None:
                    continue
                bus.now = ts_of(dues[w - 1])
                i = self._sync(i, ats[w - 1])
                bus.publish(result)
            hit, scanned, look = False, hi if venue.idle else i, LOOK_AHEAD

    def _position(self, block: Block, t: int, i: int, hi: int, more: bool, until: int | None) -> int:
        """The record before which something due at t happens; hi + 1 if not in this pass.

        With bars that is after every bar stamped t: more of them, and the rows they close, may come in the next pass.
        """
        quotes = self.venue.kind == "quotes"
        if quotes and t <= self.bus.now:
            return i
        j = i + int(block.ts[i:hi].searchsorted(t, "left" if quotes else "right")) if i < hi else hi
        in_pass = j < hi or more or (until is not None and t <= until)
        return j if in_pass else hi + 1

    def _sync(self, i: int, j: int) -> int:
        """Bring the venue to record j; nothing can trigger on the way, `peek` has looked."""
        if i >= j:
            return i
        reached = self.venue.advance(i, j)
        assert reached == j, "peek overlooked a record that triggers"
        return j
