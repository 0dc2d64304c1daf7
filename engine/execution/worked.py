"""Execution over time: TargetPosition -> orders that rest, come in slices, or are sent again.

What reduces a position goes to the market at once; what opens one is worked. A new target ends the work on the last:
its resting orders are taken back, and only when they are gone is it known how much is left to do. An exit by stop or
take-profit ends the work too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from engine.core.events import Cancel, Canceled, Event, Exits, Fill, Order, Rejected, TargetPosition, Timer
from engine.core.orders import ExecutionConfig
from engine.execution.kernels import opposed, owned_soon
from engine.execution.market import NO_EXITS, MarketExecution, led

ADDRESS = "@execution"
"""To whom its timers are addressed; no strategy is called so."""
HOUR = 3_600 * 10**9
BY_ORDER = ("order", "close_by")


def schedule(total: int, weights: Sequence[float], least: int = 1) -> list[int]:
    """Lot steps sent by the end of each slice: in proportion to the weights, rounded without drift, the last `total`.

    No slice is smaller than `least` steps (0 aside), nor what is left for those after it.

    >>> schedule(10, [1, 1, 1])
    [3, 7, 10]
    >>> schedule(10, [1, 0, 1], least=4)
    [5, 5, 10]
    """
    plan, sent, weight, whole = [], 0, 0.0, sum(weights)
    for n, w in enumerate(weights):
        weight += w
        asked = total if n == len(weights) - 1 else min(int(total * weight / whole + 0.5), total)
        left = total - asked
        if asked - sent >= least and (left == 0 or left >= least or n == len(weights) - 1):
            sent = asked
        plan.append(sent)
    plan[-1] = total
    return plan


@dataclass
class Job:
    """One entry being worked: `steps` in all on `side`, of which `sent` are filled or on their way."""

    target: TargetPosition
    exits: Exits
    side: int = 0
    steps: int = 0
    sent: int = 0
    plan: list[int] = field(default_factory=list)
    slice: int = 0
    tries: int = 0
    urgent: bool = False
    """The time to wait is over: what is left goes to the market."""
    open: dict[int, int] = field(default_factory=dict)
    """Orders that work, and their steps left."""
    waits: set[int] = field(default_factory=set)
    """Orders of the job before this one that are not gone yet."""


@dataclass
class WorkedExecution(MarketExecution):
    """The styles of `ExecutionConfig`; it hears fills, refusals and its own timers."""

    given: ExecutionConfig = field(default_factory=ExecutionConfig)
    _jobs: dict[tuple[str, str], Job] = field(default_factory=dict, repr=False)
    _numbers: dict[str, tuple[tuple[str, str], Job]] = field(default_factory=dict, repr=False)
    _timers: int = 0

    def on_target(self, target: TargetPosition) -> list[Event] | None:  # type: ignore[override]
        """Start to work towards the target; what is owned beyond it goes at once."""
        if not target.passed:
            return None
        key = target.strategy, target.symbol
        job = Job(target, self._exits.pop(key, NO_EXITS))
        events: list[Event] = []
        if before := self._jobs.get(key):
            events += [Cancel(target.ts, target.strategy, number) for number in before.open]
            job.waits = set(before.open) | before.waits
        self._jobs[key] = job
        return [*events, *self._begin(job, target.ts)]

    def _begin(self, job: Job, ts: int) -> list[Event]:
        """Close what is to be closed; and, with no old order about, size the entry and send its first part."""
        target = job.target
        aim, own = round(target.units / self._step(target.symbol)), self._stands(target)
        floor = own if abs(aim) >= abs(own) and aim * own >= 0 else 0 if aim * own <= 0 else aim
        if floor == own and aim != own and (against := self._against(target, 1 if aim > own else -1)):
            floor += max(min(aim - own, against), -against)
        events: list[Event] = []
        if floor != own:
            units = floor * self._step(target.symbol)
            events += super().on_target(msgspec.structs.replace(target, ts=ts, units=units)) or []
        if job.waits:
            return events
        job.side, job.steps = (1 if aim > floor else -1), abs(aim - floor)
        if not job.steps:
            return events
        if self.given.style in ("twap", "vwap"):
            job.plan = schedule(job.steps, self._weights(ts), self._least(target.symbol))
        return [*events, *self._go_on(job, ts)]

    def _go_on(self, job: Job, ts: int) -> list[Event]:
        """Send what is due now, and say when to look again."""
        style, given = self.given.style, self.given
        if style in ("twap", "vwap"):
            events = self._send(job, ts, job.plan[job.slice] - job.sent)
            job.slice += 1
            if job.slice < len(job.plan):
                events.append(self._timer(job, ts + given.over.ns // given.slices))
            return events
        if style == "market" or job.urgent:
            return self._send(job, ts, job.steps - job.sent)
        left = job.steps - job.sent
        part = left
        if given.show is not None:
            least = self._least(job.target.symbol)
            part = min(left, max(self._shown(job.target.symbol), least))
            part = left if 0 < left - part < least else part
        first = job.sent == 0 and not job.tries
        events = self._send(job, ts, part, "limit")
        return [*events, self._timer(job, ts + given.wait.ns)] if first else events

    def _send(self, job: Job, ts: int, steps: int, kind: str = "market") -> list[Event]:
        if steps <= 0:
            return []
        target, s, book = job.target, self._symbol[job.target.symbol], self.book()
        number = int(book[0]["next_order"][0])
        book[0]["next_order"] += 1
        price = None if kind == "market" else float(book[1]["bid" if job.side > 0 else "ask"][s])
        grid = float(book[1]["grid"][s])
        stop, take_profit = (None if p is None or p != p else round(p * grid) / grid
                             for p in (target.stop, target.take_profit))  # fmt: skip
        units = steps * self.step_units[s]
        order = Order(ts, target.strategy, target.symbol, job.side, units, kind, price, stop, take_profit, id=number)
        job.sent += steps
        job.open[number] = steps
        return [order if job.exits is NO_EXITS else led(order, job.exits)]

    def on_timer(self, timer: Timer) -> list[Event] | None:
        """The next slice, the end of the waiting, or another try."""
        key, job = self._numbers.pop(timer.name)
        if self._jobs.get(key) is not job or job.waits:
            return None
        if self.given.style in ("twap", "vwap") and job.slice < len(job.plan):
            return self._go_on(job, timer.ts) or None
        if self.given.style in ("passive", "iceberg") and not job.urgent:
            job.urgent = True
            if job.open:
                return [Cancel(timer.ts, job.target.strategy, number) for number in job.open]
            return self._send(job, timer.ts, job.steps - job.sent) or None
        return self._send(job, timer.ts, job.steps - job.sent) or None

    def on_fill(self, fill: Fill) -> list[Event] | None:
        key = fill.strategy, fill.symbol
        job = self._jobs.get(key)
        if job is None:
            return None
        if fill.reason not in BY_ORDER:
            return self._stop(key, job, fill.ts)
        left = round(fill.left / self._step(fill.symbol))
        if fill.order in job.waits and not left:
            return self._gone(job, fill.order, fill.ts)
        if fill.order not in job.open:
            return None
        job.open[fill.order] = left
        if left:
            return None
        del job.open[fill.order]
        hidden = self.given.style == "iceberg" and not job.urgent and job.sent < job.steps
        return (self._go_on(job, fill.ts) or None) if hidden else None

    def on_rejected(self, rejected: Rejected) -> list[Event] | None:
        return None if rejected.request else self._failed(rejected)

    def on_canceled(self, canceled: Canceled) -> list[Event] | None:
        return self._failed(canceled)

    def _failed(self, report: Rejected | Canceled) -> list[Event] | None:
        """What the order did not fill is to be done again: at once after the waiting, else by the retry rule."""
        job = self._jobs.get((report.strategy, report.symbol))
        if job is None:
            return None
        if report.order in job.waits:
            return self._gone(job, report.order, report.ts)
        if report.order not in job.open:
            return None
        job.sent -= job.open.pop(report.order)
        if isinstance(report, Canceled) and job.urgent and report.reason == "canceled":
            return self._send(job, report.ts, job.steps - job.sent) or None
        if job.tries >= self.given.retries:
            return None
        job.tries += 1
        return [self._timer(job, report.ts + self.given.retry_after.ns)]

    def _gone(self, job: Job, order: int, ts: int) -> list[Event] | None:
        """An order of the work before is gone; after the last of them this job can begin."""
        job.waits.discard(order)
        return None if job.waits else self._begin(job, ts) or None

    def _stop(self, key: tuple[str, str], job: Job, ts: int) -> list[Event] | None:
        """The market closed the position: nothing more is opened."""
        del self._jobs[key]
        return [Cancel(ts, job.target.strategy, number) for number in (*job.open, *job.waits)] or None

    def _timer(self, job: Job, ts: int) -> Timer:
        self._timers += 1
        key, name = (job.target.strategy, job.target.symbol), f"{self.given.style} {self._timers}"
        self._numbers[name] = key, job
        return Timer(ts, ADDRESS, name)

    def _weights(self, ts: int) -> list[float]:
        """What each slice is to weigh, from now on."""
        given = self.given
        if given.style == "twap":
            return [1.0] * given.slices
        hours = [(ts + n * (given.over.ns // given.slices)) // HOUR % 24 for n in range(given.slices)]
        weights = [given.profile[hour] for hour in hours]
        return weights if sum(weights) > 0 else [1.0] * given.slices

    def _step(self, symbol: str) -> float:
        return self.step_units[self._symbol[symbol]]

    def _least(self, symbol: str) -> int:
        return int(self.book()[1]["steps_min"][self._symbol[symbol]])

    def _shown(self, symbol: str) -> int:
        show, s = self.given.show, self._symbol[symbol]
        assert show is not None
        step = float(self.book()[1]["step_lots"][s]) if show.unit == "lots" else self._step(symbol)
        return int(show.amount / step + 1e-9)

    def _against(self, target: TargetPosition, side: int) -> int:
        """Lot steps of positions on the other side that no order is closing yet: they go before anything opens."""
        k, s = self._strategy[target.strategy], self._symbol[target.symbol]
        return int(opposed(self.book(), k, s, side))

    def _stands(self, target: TargetPosition) -> int:
        """Signed lot steps that are owned, with those that market orders on their way will add."""
        return int(owned_soon(self.book(), self._strategy[target.strategy], self._symbol[target.symbol]))
