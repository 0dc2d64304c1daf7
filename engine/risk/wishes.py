"""Which signals say something new. A wish repeated is dropped before the journal; a wish refused may be repeated."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.core.events import Canceled, Denied, Fill, Rejected, Signal
from engine.kernels.book import CANCEL_REASONS, STOPPED_OUT

STOPPED = CANCEL_REASONS[STOPPED_OUT]
"""Why the venue takes orders back that nobody wanted back."""
ASKED_FOR = ("order", "close_by")
"""Deals that somebody wanted; two positions that close each other leave what is owned as it is."""


@dataclass
class Wishes:
    """Remembers the last wish per strategy and symbol.

    A refusal (ours or the venue's) makes it restatable `retries` times, then it must change first; an order still in
    flight does not count as a try. An exit by stop-loss, take-profit or stop-out makes it restatable again.
    """

    retries: int = 3
    _last: dict[tuple[str, str], tuple[float, float | None, float | None]] = field(default_factory=dict)
    _open: dict[tuple[str, str], int] = field(default_factory=dict)
    """Tries so far of a wish that may be restated."""
    _tries: dict[tuple[str, str], int] = field(default_factory=dict)

    def keep(self, signal: Signal) -> bool:
        """True if the signal says something new."""
        key = (signal.strategy, signal.symbol)
        stop, take_profit = signal.stop, signal.take_profit
        # NaN, which is not equal to itself, is as good as none
        wish = (signal.strength, stop if stop == stop else None, take_profit if take_profit == take_profit else None)
        if self._last.get(key) == wish:
            return self._open.pop(key, None) is not None
        self._last[key] = wish
        self._tries.pop(key, None)
        self._open.pop(key, None)
        return True

    def on_denied(self, denied: Denied) -> None:
        key = (denied.strategy, denied.symbol)
        if denied.rule == "in_flight":
            self._open[key] = 1
        else:
            self._refused(key)

    def on_rejected(self, rejected: Rejected) -> None:
        if not rejected.request:
            self._refused((rejected.strategy, rejected.symbol))

    def on_canceled(self, canceled: Canceled) -> None:
        if canceled.reason == STOPPED:
            self._refused((canceled.strategy, canceled.symbol))

    def on_fill(self, fill: Fill) -> None:
        if fill.reason not in ASKED_FOR:
            key = (fill.strategy, fill.symbol)
            self._tries.pop(key, None)
            self._open[key] = 1

    def _refused(self, key: tuple[str, str]) -> None:
        tries = self._tries[key] = self._tries.get(key, 0) + 1
        if tries < self.retries:
            self._open[key] = 1
