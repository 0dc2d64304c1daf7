"""From a config to records: the account, the symbols with their costs and conversions, the limits, the streams."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from engine.core.config import Config
from engine.core.errors import ConfigError
from engine.core.frames import DAILY, FIXED, edges, frame_ns, parse_day, starts_on
from engine.core.instrument import Instrument
from engine.core.registry import did_you_mean
from engine.core.table import Stream, Tables
from engine.core.tape import Tape
from engine.feeds.bars import BASES, BarBuilder, stream_records
from engine.frictions import frictions
from engine.kernels import book as b
from engine.limits import with_days
from engine.venues.calendar import swap_note, write_calendar
from engine.venues.contract import write_margin, write_terms
from engine.venues.conversion import Currencies, fixed_legs, profit_ways, way_note, write_way

MINOR_DIGITS = {"JPY": 0, "KRW": 0, "HUF": 0, "BTC": 8, "ETH": 8}
"""Digits of money where they are not two."""
MONTH = 31 * 86_400 * 10**9
CAPACITY = 8_192
"""Rows of a table; it slides when it runs full."""


def open_book(
    config: Config, instruments: tuple[Instrument, ...], span: tuple[int, int] | None = None, frame: str = ""
) -> tuple[b.Book, list[str]]:
    """A fresh book for these symbols, and what the report must say about it.

    `span` is the first and last moment of the tape, ns UTC; without it there is no calendar: no nights, always open.
    `frame` is that of a tape of bars.
    Raises ConfigError where a currency cannot be converted, a fee is in a currency that is not the account's, or the
    venue does not know what an instrument or the config asks for.
    """
    money = Currencies(config.account.currency, instruments, config.rates)
    ways = profit_ways(money)
    fixed = {rate: len(instruments) + n for n, rate in enumerate(fixed_legs(ways))}
    book = b.empty_book(len(instruments) + len(fixed))
    for rate, row in fixed.items():
        book[1][row]["bid"] = book[1][row]["ask"] = rate
    open_account(book[0][0], config)
    notes: list[str] = []
    for s, one in enumerate(instruments):
        x, t = book[1][s], book[6][s]
        notes += write_terms(t, x, one, config)
        notes += write_margin(t, one, money)
        write_way(book, s, ways[s], fixed)
        notes += way_note(one, ways[s])
        notes += swap_note(one, config.venue) if span is not None else []
    if span is not None:
        bars = (frame, config.data.trading_day) if frame else None
        book = write_calendar(book, instruments, config.venue, span, bars)
    book = frictions(book, config, instruments)
    return (book if span is None else with_days(book, config, span)), notes


def open_account(a: np.void, config: Config) -> None:
    """The account at the start: its money, and what the broker does with it."""
    account = config.account
    scale = 10 ** MINOR_DIGITS.get(account.currency, 2)
    a["minor"] = 1.0 / scale
    a["balance"] = round(account.balance * scale)
    a["equity"] = a["peak"] = int(a["balance"]) / scale
    a["leverage"], a["hedging"] = account.leverage, account.mode == "hedging"
    a["sample_every"] = config.report.equity.ns
    call, stop = account.margin_call, account.stop_out
    if call.unit != stop.unit:
        raise ConfigError(
            f"account.margin_call is {call}, account.stop_out {stop}: say both as a share of the margin or both in"
            f" {account.currency}"
        )
    a["level_in_money"] = call.unit != "%"
    a["call_level"], a["stop_level"] = (x.fraction if x.unit == "%" else x.amount for x in (call, stop))
    if a["call_level"] < a["stop_level"]:
        raise ConfigError(
            f"account.margin_call {call} is below account.stop_out {stop}: the warning would come too late"
        )
    a["protect"], a["max_orders"] = account.negative_balance == "protect", account.max_orders
    a["refuse_closed"], a["path"] = config.venue.closed == "refuse", b.PATHS.index(config.venue.path)


def streams_of(config: Config, symbols: tuple[str, ...], more: Iterable[Stream]) -> tuple[Stream, ...]:
    """Every stream the run needs, smallest frame first: what strategies trade on, what their features read, and for
    each symbol a base frame of which all its others are made."""
    wanted = {Stream(symbol, s.frame) for s in config.strategies for symbol in s.symbols} | set(more)
    for stream in wanted:
        if stream.symbol not in symbols:
            hint = did_you_mean(stream.symbol, symbols)
            raise ConfigError(f"a feature reads {stream.symbol}, which is not among data.symbols: {hint}")
    for symbol in symbols:
        frames = {stream.frame for stream in wanted if stream.symbol == symbol}
        if frames:
            wanted.add(Stream(symbol, base_frame(config, frames)))
    return tuple(sorted(wanted, key=lambda s: (frame_ns(s.frame), symbols.index(s.symbol))))


def base_frame(config: Config, frames: set[str]) -> str:
    """The frame built from the tape; on a tape of bars, theirs."""
    if config.data.kind == "bars":
        base = config.data.finest
        if short := sorted(frames - made_of(config, base, frames), key=frame_ns):
            of_day = f" with a trading day from {config.data.trading_day}" if set(short) & set(DAILY) else ""
            raise ConfigError(f"{', '.join(short)} bars cannot be made from bars of {base}{of_day}")
        return base
    smallest = min(frames, key=frame_ns)
    nested = smallest in FIXED and made_of(config, smallest, frames) == frames
    return smallest if nested or len(frames) == 1 else "M1"


def made_of(config: Config, base: str, frames: set[str]) -> set[str]:
    """Those frames whose bars are made of whole bars of `base`: a day that starts at half past is not made of hours."""
    whole = {f for f in frames if frame_ns(f) % frame_ns(base) == 0}
    if base in FIXED and whole & set(DAILY) and not starts_on(parse_day(config.data.trading_day), frame_ns(base)):
        whole -= set(DAILY)
    return whole


def bar_builder(config: Config, tape: Tape, streams: tuple[Stream, ...], keep: int) -> BarBuilder:
    """The bar builder and its tables; frames that follow the trading day get their bounds for the span of the tape."""
    tables = Tables(streams, max(CAPACITY, 4 * keep), keep, config.data.trading_day)
    base = {stream.symbol: stream.frame for stream in reversed(streams)}
    lengths = {s.frame: frame_ns(s.frame) if s.frame in FIXED else 0 for s in streams}
    records, base_of = stream_records(streams, tape.symbols, lengths, base)
    first, last = tape.span
    bounds = [
        np.zeros(1, np.int64) if lengths[s.frame]
        else edges(s.frame, config.data.trading_day, first - MONTH, last + MONTH)
        for s in streams
    ]  # fmt: skip
    table = np.full((len(streams), max(map(len, bounds), default=1) + 1), b.NEVER)
    for s, row in enumerate(bounds):
        table[s, : len(row)] = row
    weights = BASES[config.data.basis if tape.kind == "quotes" else "bid"]
    return BarBuilder(tape.kind, tables, records, base_of, table, weights, fill=config.data.fill_gaps)


def stream_finder(streams: tuple[Stream, ...]) -> Callable[[str, str], int]:
    index = {(s.symbol, s.frame): n for n, s in enumerate(streams)}
    return lambda symbol, frame: index[symbol, frame]


def check_kind(config: Config, tape: Tape) -> None:
    """A tape that was handed in holds what the config says: bars of another frame would be known too early."""
    if tape.kind != config.data.kind:
        raise ConfigError(f"data.kind: the tape holds {tape.kind}, not {config.data.kind}")
    if tape.kind == "bars":
        from engine.feeds.tapes import frame_of

        if (frame := frame_of(tape)) != (meant := config.data.finest):
            key = "detail" if config.data.detail else "frame"
            raise ConfigError(f"data.{key}: the tape holds {frame} bars, not {meant}")


def check_symbols(config: Config, symbols: tuple[str, ...]) -> None:
    """Every strategy trades what the tape holds, and on a netting account a symbol belongs to one strategy."""
    owner: dict[str, str] = {}
    for one in config.strategies:
        for symbol in one.symbols:
            if symbol not in symbols:
                raise ConfigError(f"strategy {one.id}: no {symbol} on the tape: {did_you_mean(symbol, symbols)}")
            if config.account.mode == "netting" and owner.setdefault(symbol, one.id) != one.id:
                raise ConfigError(
                    f"{symbol} is traded by {owner[symbol]} and {one.id}: on a netting account they would share one"
                    ' position; set account.mode = "hedging"'
                )
