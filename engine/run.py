"""READ FIRST: config -> components -> bus -> loop. The only file that knows every stage.

backtest(config)
  open_tape      the records, in blocks                            feeds
  Run of it:     bars close -> features fill -> strategies wake    feeds, features, strategies
                 Signal -> Risk -> TargetPosition -> Execution     risk, execution
                 -> Order -> SimulatedVenue -> Fill -> TradeBook   venues, portfolio
  every event    -> Journal                                        core
  trades, equity -> Recorder -> runs/<n>-<name>/                   report
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from engine import __version__
from engine.compiled import CompiledLoop
from engine.core import events as e
from engine.core.bus import Bus
from engine.core.clock import wall_ns
from engine.core.config import Config, DataConfig, StrategyConfig
from engine.core.errors import ConfigError, DataError
from engine.core.instrument import Instrument, instrument
from engine.core.journal import Journal
from engine.core.table import Stream
from engine.core.tape import Block, Tape, tape_column
from engine.execution.market import MarketExecution
from engine.execution.worked import ADDRESS, WorkedExecution
from engine.facts import build_facts, owner_of, related_streams, rule_rows
from engine.features.plan import Plan
from engine.feeds.known import FactsFor
from engine.feeds.stressed import stressed
from engine.frictions import blackouts, pulse_state
from engine.limits import limits_of, shut_hours
from engine.loop import Loop
from engine.reads import reads
from engine.record import Recorder, Result, Run, code_of
from engine.risk.risk import Risk, no_facts
from engine.risk.wishes import Wishes
from engine.rows import Rows, Subscription, View, bind
from engine.setup import bar_builder, check_kind, check_symbols, open_book, stream_finder, streams_of
from engine.strategy import Strategy, handlers, make
from engine.venues.simulated import SimulatedVenue

Progress = Callable[[int, int], None]
ROOM = 2_048
KEEP = 1_024


def backtest(
    config: Config | Strategy | str,
    data: Tape | None = None,
    *,
    out: Path | str | None = None,
    progress: Progress | None = None,
    frame: str | None = None,
    **options: Any,
) -> Run:
    """Replay a market through a strategy and a simulated venue.

    config   a Config, the name or path of one, a strategy's name, or a Strategy object (then `data` decides symbols)
    data     a tape; by default the one the config names
    out      folder of runs: the run is written to `<out>/<n>-<name>/` (None: nothing is written)
    frame    time frame of a Strategy object; by default the bars' own, H1 on quotes. A copy of the object runs.
    options  of a session, for tests: eager, banded
    """
    config, strategies = _resolve(config, data, frame)
    return backtest_with(config, strategies, data, out, progress, **options)


def backtest_with(
    config: Config,
    strategies: Iterable[Strategy],
    data: Tape | None = None,
    out: Path | str | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Run:
    """`backtest` of strategies that are there already, one for each that the config names."""
    config = config.pinned(config.data.symbols if data is None else data.symbols)
    tape = open_config_tape(config) if data is None else stressed(data, config)
    if not len(tape):
        raise DataError("the tape is empty: nothing to replay")
    session = Session(config, tape, strategies, out=Path(out) if out is not None else None, **options)
    with session.recorder, quiet_collector():
        return session.run(progress)


@contextmanager
def quiet_collector() -> Iterator[None]:
    """What numba and the imports left behind need not be looked at again and again while a run makes its events."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


class Session:
    """One run being made: builds every stage from the config, then feeds it the tape block by block."""

    def __init__(
        self,
        config: Config,
        tape: Tape,
        strategies: Iterable[Strategy],
        out: Path | None = None,
        eager: bool = False,
        banded: bool = True,
        journal: Journal | None = None,
    ) -> None:
        """`journal` replaces the one of the run folder; `eager` and `banded=False` are slow ways for tests."""
        self.config, self.tape = config, tape
        self.symbols = tape.symbols
        self.instruments: tuple[Instrument, ...] = tuple(instrument(s, config.instruments) for s in self.symbols)
        self.strategies = tuple(strategies)
        for made in self.strategies:
            made.specifications = dict(zip(self.symbols, self.instruments, strict=True))
        ids = tuple(s.id for s in config.strategies)
        check_kind(config, tape)
        check_symbols(config, self.symbols)
        frame = config.data.finest if tape.kind == "bars" else ""
        book, notes = open_book(config, self.instruments, tape.span, frame)
        limits = limits_of(config, config.strategies, self.instruments, tape.span[0])
        shut, told = blackouts(config, self.instruments, limits)
        shut = shut_hours(config.risk.hours, limits, shut, tape.span)
        notes += told
        self.venue = SimulatedVenue(
            tape.kind, self.symbols, self.instruments, ids, book, banded, pulse_state(config, self.instruments)
        )
        self._build_rows()
        self.recorder = Recorder(config, tape, self.instruments, notes, out, __version__)
        self.recorder.costs, self.recorder.reads = self.venue.costs, self.reads
        self.recorder.code = {name: code_of(made) for name, made in zip(ids, self.strategies, strict=True)}
        self.journal = journal or Journal()
        self.wishes = Wishes(config.risk.retries)
        self.bus = Bus(self.journal, self.wishes.keep)
        self.loop = Loop(self.bus, self.venue, eager)
        self.unread: list[np.ndarray] = []
        """Reports of the compiled lane that nobody has asked about yet."""
        self.compiled = config.run.lane == "compiled"
        if self.compiled:
            self.fast = CompiledLoop(self.venue, self.rows, limits, self.signals, shut, self.facts)
        self._wire(ids, limits, shut)

    def _build_rows(self) -> None:
        """Streams, tables and features; for the compiled lane the wishes are features too."""
        compiled = self.config.run.lane == "compiled"
        asked = []
        for one, made in zip(self.config.strategies, self.strategies, strict=True):
            specs = {"wish": made.compiled()} if compiled else made.features()
            if compiled and specs["wish"] is None:
                raise ConfigError(f'strategy {one.name} has no compiled form: set run.lane = "python"')
            asked.append((one, made, specs, Plan(specs)))
        more = [Stream(*at) for one, _, _, plan in asked for s in one.symbols for at in plan.streams(s, one.frame)]
        more += related_streams(self.config, self.symbols)
        streams = streams_of(self.config, self.symbols, more)
        keep = max([KEEP, rule_rows(self.config), *(plan.farthest + 1 for _, _, _, plan in asked)])
        self.builder = bar_builder(self.config, self.tape, streams, keep)
        find, facts = stream_finder(streams), FactsFor(self.instruments)
        views, self.signals = [], []
        subscriptions: list[Subscription] = []
        for k, (one, made, specs, _) in enumerate(asked):
            for symbol in one.symbols:
                bound = bind(self.builder.tables, find(symbol, one.frame), one.id, specs, find, facts)
                views += bound
                if self.config.risk.held:
                    subscriptions.append(self._watch(k, one, bound[-1]))
                if compiled:
                    columns = tuple(bound[-1].table.columns[f"{one.id}.{c}"] for c in bound[-1].plan.columns)
                    self.signals.append((len(views) - 1, k, self.symbols.index(symbol), columns))
                elif type(made).on_row is not Strategy.on_row:
                    subscriptions.append(_subscribe(made, bound[-1]))
        self.facts, more_views = build_facts(self.config, self.symbols, self.builder.tables, find)
        self.rows = Rows(self.builder.tables, views + more_views, [] if compiled else subscriptions)
        self.reads = reads(self.config, facts.read)

    def _watch(self, k: int, one: StrategyConfig, view: View) -> Subscription:
        """Risk looks at what strategy k holds at each of its bars, before the strategy does."""
        every = View(view.table, view.bound, Plan({}))
        return Subscription(owner_of(one), lambda row: self.risk.on_row(k, row), every, ())

    def _wire(self, ids: tuple[str, ...], limits: np.ndarray, shut: np.ndarray) -> None:
        """Who hears what. The order of lines is the order of handlers."""
        bus, venue, wishes = self.bus, self.venue, self.wishes
        steps = [one.step_units for one in self.instruments]
        facts = self.facts
        look = no_facts if facts is None else lambda k, s, ts: facts.at(k, s, ts, venue.stands)
        self.risk = risk = Risk(
            self.symbols, ids, limits, lambda: venue.book, steps, shut, look, not self.config.execution.plain
        )
        execution = MarketExecution(self.symbols, ids, lambda: venue.book, steps)
        if not self.config.execution.plain:
            execution = worked = WorkedExecution(
                self.symbols, ids, lambda: venue.book, steps, given=self.config.execution
            )
            bus.subscribe(e.Timer, worked.on_timer, ADDRESS)
            bus.subscribe(e.Fill, worked.on_fill)
            bus.subscribe(e.Rejected, worked.on_rejected)
            bus.subscribe(e.Canceled, worked.on_canceled)
        bus.subscribe(e.Signal, risk.on_signal)
        bus.subscribe(e.TargetPosition, risk.on_target)
        bus.subscribe(e.Exits, execution.on_exits)
        bus.subscribe(e.TargetPosition, execution.on_target)
        bus.subscribe(e.Order, risk.on_order)
        bus.subscribe(e.Order, venue.on_order)
        for change in (e.Cancel, e.Modify, e.CloseBy):
            bus.subscribe(change, risk.on_change)
        bus.subscribe(e.Cancel, venue.on_cancel)
        bus.subscribe(e.Modify, venue.on_modify)
        bus.subscribe(e.CloseBy, venue.on_close_by)
        bus.subscribe(e.Denied, wishes.on_denied)
        bus.subscribe(e.Rejected, wishes.on_rejected)
        bus.subscribe(e.Rejected, risk.on_rejected)
        bus.subscribe(e.Canceled, wishes.on_canceled)
        bus.subscribe(e.Canceled, risk.on_canceled)
        bus.subscribe(e.Fill, wishes.on_fill)
        if limits["remembers"].any():
            bus.subscribe(e.Fill, risk.on_fill)
        self.recorder.listen(bus)
        for one, made in zip(self.config.strategies, self.strategies, strict=True):
            own = handlers(made)
            on_quote = own.pop(e.Quote, None)
            if on_quote:
                if self.tape.kind == "bars":
                    raise ConfigError(f"strategy {one.id} looks at quotes (on_quote), the tape holds bars alone")
                self.rows.quotes += [(s, self.symbols.index(s), on_quote) for s in one.symbols]
            if on_order := own.pop(e.Order, None):
                bus.subscribe(e.Order, partial(_numbered, on_order), one.id)
            for kind, handler in own.items():
                bus.subscribe(kind, handler, one.id if "strategy" in kind.__struct_fields__ else None)

    def run(self, progress: Progress | None = None) -> Run:
        """Replay the whole tape."""
        self.start()
        done, started = 0, wall_ns()
        for block in self.tape.blocks(self.config.run.block):
            self.feed(block)
            done += len(block)
            if progress:
                progress(done, len(self.tape))
        self.clock(self.tape.span[1])
        return self.finish(done, (wall_ns() - started) / 1e9)

    def start(self) -> None:
        self.recorder.start(self.journal)
        for made in () if self.compiled else self.strategies:
            self.bus.publish(made.on_start())

    def finish(self, records: int, seconds: float) -> Run:
        """The run, worked out at once if it has a folder, else when somebody asks."""
        account = self.venue.book[0][0]
        balance = int(account["balance"]) / 10**self.recorder.digits
        run = Run(seconds, balance, float(account["equity"]), self.config, partial(self._settle, records, seconds))
        if self.recorder.writer:
            assert run.path
        return run

    def _settle(self, records: int, seconds: float) -> Result:
        for reports in self.unread:
            self._publish(reports)
        self.unread.clear()
        if self.compiled:
            self.recorder.denials(self.fast.denied)
        self.recorder.catch_up()
        for event, cause in self.bus.undelivered():  # too late for any strategy, but the account has them
            self.journal.write(event, cause)
            self.recorder.hear(event)
        if late := self.builder.late:
            self.recorder.cautions.append(f"{late} {self.tape.kind} came after their bar had closed: no bar has them")
        return self.recorder.finish(self.journal, self.venue, records, seconds)

    def feed(self, block: Block) -> None:
        """One block, cut anywhere: bars, features, then everything that happens in it."""
        self._attach(block)
        lo = 0
        while lo < len(block):
            self.rows.slide(ROOM)
            hi, closed = self.builder.feed(block, lo)
            self.rows.extend(self.builder.grace)
            self._pass(block, lo, hi, closed)
            lo = hi
        self.recorder.samples(self.venue.drain_samples())

    def _attach(self, block: Block) -> None:
        self.venue.attach(block)
        if self.facts is not None:
            self.facts.attach(block)

    def clock(self, ts: int) -> None:
        """The clock reached ts without a record: close what is due, do what is scheduled."""
        block = EMPTY[self.tape.kind]
        self._attach(block)
        done = False
        while not done:
            self.rows.slide(ROOM)
            done, closed = self.builder.clock(ts)
            self.rows.extend(self.builder.grace)
            self._pass(block, 0, 0, closed, ts if done or not len(closed) else int(closed["ts"][-1]))

    def _pass(self, block: Block, lo: int, hi: int, closed: Any, until: int | None = None) -> None:
        self.recorder.bars(self.rows, closed)
        if self.compiled:
            reports = self.fast.run(block, lo, hi, self.fast.statements(closed))
            if self.recorder.writer:
                self._publish(reports)
            elif len(reports):
                self.unread.append(reports)
        else:
            self.loop.run(block, lo, hi, self.rows.wakes(closed, block, lo, hi), until)

    def _publish(self, reports: np.ndarray) -> None:
        """What the venue reported in the compiled lane, as events."""
        self.recorder.exits(reports)
        for event in self.venue.events(reports):
            self.bus.now = event.ts
            self.bus.publish(event)


def _subscribe(made: Strategy, view: View) -> Subscription:
    columns = ("open", "high", "low", "close", *made.columns, *view.plan.columns)
    return Subscription(made.id, made.on_row, view, columns)


def _numbered(on_order: Callable[[e.Order], Any], order: e.Order) -> Any:
    """Hands an order on once risk has numbered it."""
    return on_order(order) if order.id else None


def _resolve(
    given: Config | Strategy | str, data: Tape | None, frame: str | None
) -> tuple[Config, tuple[Strategy, ...]]:
    """The config and the strategies made from it."""
    from engine.core.load import load

    if isinstance(given, Strategy):
        from engine.feeds.tapes import frame_of
        from engine.strategy import params_of, snake

        given = deepcopy(given)  # a run leaves its marks on a strategy: the next one starts from what was handed in
        name = given.id = given.id or snake(type(given).__name__)
        market = DataConfig(symbols=("EURUSD",))
        if data is not None:
            base = frame_of(data) if data.kind == "bars" else market.frame
            market = DataConfig("memory", (), data.symbols, cast(Any, data.kind), base)
        one = StrategyConfig(name=name, frame=frame or "", params=params_of(given))
        config = Config(name=name, data=market, strategy=(one,))
        return config, (given,)
    config = load(given) if isinstance(given, str) else given
    return config, make_strategies(config)


def make_strategies(config: Config) -> tuple[Strategy, ...]:
    return tuple(make(s.name, s.params, s.id) for s in config.strategies)


def open_config_tape(config: Config) -> Tape:
    """The tape a config names: from the catalogue, from files, or the demo's."""
    from engine.feeds.tapes import open_data

    return stressed(open_data(config.data, config.pinned(config.data.symbols).instruments), config)


def _empty(kind: str) -> Block:
    from engine.core.tape import BAR_COLUMNS, QUOTE_COLUMNS

    return Block(**{name: tape_column(name, ()) for name in (QUOTE_COLUMNS if kind == "quotes" else BAR_COLUMNS)})


EMPTY = {kind: _empty(kind) for kind in ("quotes", "bars")}
