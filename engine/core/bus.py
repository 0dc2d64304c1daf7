"""The bus: handlers return events, only the bus publishes them.

An event dated later than now is scheduled and published when it is due, in the order (ts, rank, sequence). What is
published is journalled first, then handed to the handlers of its type; what they return is caused by it.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from engine.core.errors import OnetapeError
from engine.core.events import REPORT, TIMER, Event, Signal
from engine.core.journal import Journal

Returned = Event | Iterable[Event] | None
Handler = Callable[[Any], Returned]
NEVER = 2**80


RANKS = 4
"""A moment is (ts, rank) as one number to compare by: ts * RANKS + rank."""


def ts_of(moment: int) -> int:
    return moment // RANKS


def moments(ts: np.ndarray, ranks: np.ndarray | int) -> np.ndarray:
    """The moments of many ts (int64 ns): int64 from 1897 to 2043, whole numbers of any size (object) outside."""
    if len(ts) and max(abs(int(ts.min())), abs(int(ts.max()))) > 2**61 - RANKS:
        ts = ts.astype(object)
    return ts * RANKS + ranks


class Bus:
    def __init__(self, journal: Journal, keep: Callable[[Any], bool] | None = None) -> None:
        """`keep` says of a signal whether it says anything new; one that does not is dropped before the journal."""
        self.journal = journal
        self.now = 0
        self._keep = keep
        self._handlers: dict[type, list[Handler]] = {}
        self._addressed: dict[type, dict[str, Handler]] = {}
        self._queue: deque[tuple[Event, int]] = deque()
        self._due: list[tuple[int, int, Event, int]] = []
        self._sequence = 0

    def subscribe(self, kind: type[Event], handler: Handler, strategy: str | None = None) -> None:
        """Call `handler` for every event of that kind, or only for those addressed to one strategy."""
        if strategy is None:
            self._handlers.setdefault(kind, []).append(handler)
        else:
            self._addressed.setdefault(kind, {})[strategy] = handler

    def schedule(self, event: Event, rank: int, cause: int = 0) -> None:
        self._sequence += 1
        heapq.heappush(self._due, (event.ts * RANKS + rank, self._sequence, event, cause))

    @property
    def next_due(self) -> int:
        """The moment of the next scheduled event; NEVER if there is none."""
        return self._due[0][0] if self._due else NEVER

    def publish_due(self) -> None:
        """Publish the next scheduled event; `now` must have reached it."""
        _, _, event, cause = heapq.heappop(self._due)
        self.publish(event, cause)

    def undelivered(self) -> Iterator[tuple[Event, int]]:
        """Reports that are still on their way, in order, with their causes; nothing is scheduled after this."""
        while self._due:
            moment, _, event, cause = heapq.heappop(self._due)
            if moment % RANKS == REPORT:
                yield event, cause

    def publish(self, returned: Returned, cause: int = 0) -> None:
        """Journal and hand on what a handler returned, and all that follows from it."""
        queue = self._queue
        self._add(returned, cause)
        write, keep = self.journal.write, self._keep
        while queue:
            event, cause = queue.popleft()
            kind = type(event)
            if kind is Signal and keep is not None and not keep(event):
                continue
            seq = write(event, cause)
            for handler in self._handlers.get(kind, ()):
                if (returned := handler(event)) is not None:
                    self._add(returned, seq)
            if addressed := self._addressed.get(kind):
                own = addressed.get(getattr(event, "strategy", ""))
                if own is not None and (returned := own(event)) is not None:
                    self._add(returned, seq)

    def _add(self, returned: Returned, cause: int) -> None:
        if returned is None:
            return
        events = (returned,) if isinstance(returned, Event) or not isinstance(returned, Iterable) else returned
        for event in events:
            if not isinstance(event, Event) or not isinstance(event.ts, int):
                raise OnetapeError(
                    f"a handler returned {event!r}: it returns events, a list of them or None, and `ts` is whole ns"
                )
            if event.ts > self.now:
                self.schedule(event, TIMER, cause)
            elif event.ts == self.now:
                self._queue.append((event, cause))
            else:
                raise OnetapeError(f"{event} is dated before now ({self.now}): decisions cannot be put into the past")
